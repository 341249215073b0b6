/* libFuzzer entry: any bytes as a trace file. The first byte picks how it is opened, so that one corpus
 * reaches every reader; HDF5 is left out, since its parser is the library's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "traces/traces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct trace_open_options how[] = {
    {NULL, NULL, NULL},        {NULL, "arrival_s=t,input_tokens=in,output_tokens=out,tenant=who", NULL},
    {"azure-llm", NULL, NULL}, {"azure-lmm", NULL, "chat"},
    {"burstgpt", NULL, NULL},  {"mooncake", NULL, NULL},
    {"gentd26", NULL, NULL},   {"csv", NULL, "chat"},
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

static void read_all(const char *path, const struct trace_open_options *options) {
    struct trace_names names;
    struct trace_row row;
    struct error err = {0};
    simtime latest = 0;
    trace_names_init(&names);
    struct trace_source *source = trace_open(path, options, &names, &err);
    int got = -1;
    while (source && (got = trace_next(source, &row, &err)) > 0) {
        check_row(&row, &names, &latest);
    }
    if ((got < 0) != error_is_set(&err)) {
        abort();
    }
    trace_close(source);
    trace_names_free(&names);
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
    read_all(path, &how[data[0] % (sizeof how / sizeof *how)]);
    close(fd);
    return 0;
}
