/* traces/azure_lmm.c: Azure's multimodal trace of 2025: TIMESTAMP,NumImages,ContextTokens,GeneratedTokens.
 * How many of the context tokens stand for images is not published; they count as input tokens. */
#include "traces/format/columns.h"

static const struct csv_column lmm_columns[] = {
    {"TIMESTAMP", COLUMN_ARRIVAL, true},   {"NumImages", COLUMN_IMAGES, true},
    {"ContextTokens", COLUMN_INPUT, true}, {"GeneratedTokens", COLUMN_OUTPUT, true},
    {NULL, COLUMN_IGNORED, false},
};

static const struct csv_dialect lmm_dialect = {"azure-lmm", lmm_columns, false, NULL};

static int lmm_probe(const char *head, size_t length) {
    /* One more column than azure-llm, which therefore comes later in trace_formats[]. */
    static const char *const names[] = {"TIMESTAMP", "NumImages", "ContextTokens", "GeneratedTokens", NULL};
    return header_has(head, length, names) ? 2 : 0;
}

static struct trace_source *lmm_open(struct trace_input *input, const struct trace_open_options *options,
                                     struct trace_names *names, struct error *err) {
    return csv_open_dialect(input, &lmm_dialect, options, names, err);
}

const struct trace_format trace_format_azure_lmm = {
    "azure-lmm", "Azure multimodal trace 2025, with images (github.com/Azure/AzurePublicDataset)", lmm_probe,
    lmm_open};
