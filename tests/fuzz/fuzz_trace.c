/* libFuzzer entry: any bytes as a trace file. The first byte picks how it is opened, so that one corpus
 * reaches every reader, and both ways to read tables; HDF5 is left out, since its parser is the library's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "traces/traces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct trace_open_options how[] = {
    {.format = NULL},        {.columns = "arrival_s=t,input_tokens=in,output_tokens=out,tenant=who"},
    {.format = "azure-llm"}, {.format = "azure-lmm", .service = "chat"},
    {.format = "burstgpt"},  {.format = "mooncake"},
    {.format = "gentd26"},   {.format = "csv", .service = "chat"},
};

/* What every reader promises of every row. */
static void check_row(const struct trace_row *row, const struct trace_names *names, simtime *latest) {
    if (row->arrival_ps < *latest || row->arrival_ps > SIMTIME_WINDOW_MAX ||
        row->input_tokens > TRACE_TOKENS_MAX || row->output_tokens > TRACE_TOKENS_MAX ||
        row->service >= names->count || row->tenant >= names->count || row->region >= names->count ||
        row->payload_bytes < 0 || !(row->audio_s >= 0) || !(row->service_s >= 0)) {
        abort();
    }
    for (uint32_t i = 0; i < row->hash_count; i++) {
        __asm__ volatile("" : : "r"(row->hashes[i])); /* read, for the sanitizer to see */
    }
    *latest = row->arrival_ps;
}

/* Reads to the end; answers what was read. */
static uint64_t read_all(const char *path, struct trace_open_options options, enum trace_pace pace) {
    struct trace_names names;
    struct trace_row row;
    struct error err = {0};
    simtime latest = 0;
    uint64_t digest = 0;
    options.pace = pace;
    trace_names_init(&names);
    struct trace_source *source = trace_open(path, &options, &names, &err);
    int got = -1;
    while (source && (got = trace_next(source, &row, &err)) > 0) {
        check_row(&row, &names, &latest);
        row.hashes = NULL;
        digest = hash64(&row, sizeof row, digest);
    }
    if ((got < 0) != error_is_set(&err)) {
        abort();
    }
    if (source) {
        digest = hash64(trace_report(source), sizeof(struct trace_report), digest);
    }
    trace_close(source);
    trace_names_free(&names);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    if (size < 1 || (size > 5 && !memcmp(data + 1, "\x89HDF", 4))) {
        return -1;
    }
    int fd = memfd_create("trace", 0);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1)) {
        abort();
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct trace_open_options options = how[data[0] % (sizeof how / sizeof *how)];
    if (read_all(path, options, TRACE_BEST) != read_all(path, options, TRACE_ONE_BY_ONE)) {
        abort(); /* the fast way must be the slow one's equal */
    }
    close(fd);
    return 0;
}
