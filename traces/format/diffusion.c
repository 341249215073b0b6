/* traces/diffusion.c: image-generation requests of Alibaba's GenTD26 (lora_request_trace): no tokens; the
 * work is the time that the service took. Requests that failed there used its GPUs too and are kept; those
 * that were still waiting when the log was taken have no service time (0 = not stated). */
#include "traces/format/columns.h"

static const struct csv_column diffusion_columns[] = {
    {"gmt_create", COLUMN_ARRIVAL, true}, {"exec_time_seconds", COLUMN_SERVICE_S, true},
    {"groupId", COLUMN_TENANT, true},     {"num_images_per_prompt", COLUMN_IMAGES, true},
    {NULL, COLUMN_IGNORED, false},
};

/* Prompt lengths are characters, not tokens; steps and model versions are part of the service time. */
static const struct csv_dialect diffusion_dialect = {"gentd26", diffusion_columns, true, NULL};

static int diffusion_probe(const char *head, size_t length) {
    static const char *const names[] = {"gmt_create", "exec_time_seconds", "groupId", NULL};
    return header_has(head, length, names) ? 2 : 0;
}

static struct trace_source *diffusion_open(struct trace_input *input,
                                           const struct trace_open_options *options,
                                           struct trace_names *names, struct error *err) {
    return csv_open_dialect(input, &diffusion_dialect, options, names, err);
}

const struct trace_format trace_format_diffusion = {
    "gentd26",
    "image-generation requests with service times (github.com/alibaba/clusterdata, "
    "cluster-trace-v2026-GenAI)",
    diffusion_probe, diffusion_open};
