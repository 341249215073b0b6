/* traces/burstgpt.c: BurstGPT: ChatGPT and GPT-4 use on a campus, seconds from the start of the trace.
 * Requests that failed have 0 response tokens; they are not replayed, but counted. Newer files add sessions.
 */
#include "traces/format/columns.h"

static const struct csv_column burst_columns[] = {
    {"Timestamp", COLUMN_ARRIVAL, true},    {"Model", COLUMN_SERVICE, true},
    {"Request tokens", COLUMN_INPUT, true}, {"Response tokens", COLUMN_OUTPUT, true},
    {"Log Type", COLUMN_TENANT, false}, /* "Conversation log", "API log": two populations of users */
    {"Session ID", COLUMN_SESSION, false},  {NULL, COLUMN_IGNORED, false},
};

static const char *burst_rule(const struct csv_row *r, bool *failed) {
    *failed = r->row->output_tokens == 0;
    return *failed ? "failed request (0 response tokens)" : NULL;
}

/* `Total tokens` is the sum of two others and `Elapsed time` what that service took: not arrivals' business.
 */
static const struct csv_dialect burst_dialect = {"burstgpt", burst_columns, true, burst_rule};

static int burst_probe(const char *head, size_t length) {
    static const char *const names[] = {"Timestamp", "Model", "Request tokens", "Response tokens", NULL};
    return header_has(head, length, names) ? 2 : 0;
}

static struct trace_source *burst_open(struct trace_input *input, const struct trace_open_options *options,
                                       struct trace_names *names, struct error *err) {
    return csv_open_dialect(input, &burst_dialect, options, names, err);
}

const struct trace_format trace_format_burstgpt = {
    "burstgpt", "BurstGPT: ChatGPT and GPT-4 requests (github.com/HPMLL/BurstGPT)", burst_probe, burst_open};
