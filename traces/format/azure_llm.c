/* traces/azure_llm.c: Azure LLM inference traces of 2023 and 2024.
 *
 * TIMESTAMP,ContextTokens,GeneratedTokens; UTC with up to 9 digits of a second, in 2024 with "+00:00" behind.
 * CRLF, and no newline after the last row. */
#include "traces/format/columns.h"

static const struct csv_column azure_columns[] = {
    {"TIMESTAMP", COLUMN_ARRIVAL, true},
    {"ContextTokens", COLUMN_INPUT, true},
    {"GeneratedTokens", COLUMN_OUTPUT, true},
    {NULL, COLUMN_IGNORED, false},
};

static const struct csv_dialect azure_dialect = {"azure-llm", azure_columns, false, NULL};

static int azure_probe(const char *head, size_t length) {
    static const char *const names[] = {"TIMESTAMP", "ContextTokens", "GeneratedTokens", NULL};
    return header_has(head, length, names) ? 2 : 0;
}

static struct trace_source *azure_open(struct trace_input *input, const struct trace_open_options *options,
                                       struct trace_names *names, struct error *err) {
    return csv_open_dialect(input, &azure_dialect, options, names, err);
}

const struct trace_format trace_format_azure_llm = {
    "azure-llm", "Azure LLM inference traces 2023 and 2024 (github.com/Azure/AzurePublicDataset)",
    azure_probe, azure_open};
