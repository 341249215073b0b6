/* trace_bench FILE REPEAT: reads a trace and drops its rows.
 *
 * Prints "rows rows_per_s bytes_per_s memchr_bytes_per_s": the reader through the public interface, with
 * REPEAT copies end to end, and the baseline beside it, counting newlines of the same bytes with memchr,
 * again REPEAT times. The best of three rounds each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "traces/traces.h"

enum { ROUNDS = 3 };

struct job {
    const char *path;
    uint64_t repeat;
    const char *bytes;
    size_t length;
    struct trace_names *names;
};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct trace_source *open_again(void *context, struct error *err) {
    const struct job *job = context;
    struct trace_open_options options = {0};
    return trace_open(job->path, &options, job->names, err);
}

static uint64_t read_rows(struct job *job, struct error *err) {
    struct trace_source *source = open_again(job, err);
    struct trace_transform transform = TRACE_TRANSFORM_NONE;
    transform.repeat = job->repeat;
    if (source && job->repeat > 1) {
        source = trace_transformed(source, &transform, job->names, open_again, job, err);
    }
    uint64_t rows = 0;
    struct trace_row row;
    while (source && trace_next(source, &row, err) == 1) {
        rows++;
    }
    trace_close(source);
    return rows;
}

static uint64_t count_lines(const struct job *job) {
    uint64_t lines = 0;
    for (uint64_t copy = 0; copy < job->repeat; copy++) {
        const char *end = job->bytes + job->length;
        for (const char *at = job->bytes; (at = memchr(at, '\n', (size_t)(end - at))); at++) {
            lines++;
        }
    }
    return lines;
}

int main(int argc, char **argv) {
    struct error err = {0};
    struct arena arena = {0};
    struct trace_names names;
    trace_names_init(&names);
    struct job job = {.names = &names, .repeat = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
    char *bytes;
    if (argc < 2 || !file_read(argv[1], (size_t)1 << 32, &arena, &bytes, &job.length, &err)) {
        fprintf(stderr, "usage: trace_bench FILE [REPEAT]; %s\n", err.expected);
        return 2;
    }
    job.path = argv[1];
    job.bytes = bytes;
    double read_s = 1e30;
    double count_s = 1e30;
    uint64_t rows = 0;
    volatile uint64_t lines = 0;
    for (int round = 0; round < ROUNDS && !error_is_set(&err); round++) {
        double began_s = now_s();
        rows = read_rows(&job, &err);
        double middle_s = now_s();
        lines = count_lines(&job);
        double ended_s = now_s();
        read_s = middle_s - began_s < read_s ? middle_s - began_s : read_s;
        count_s = ended_s - middle_s < count_s ? ended_s - middle_s : count_s;
    }
    (void)lines;
    if (error_is_set(&err)) {
        fprintf(stderr, "%s: %s\n", err.file, err.expected);
        return (int)err.code;
    }
    double total_bytes = (double)job.length * (double)job.repeat;
    printf("%llu %.0f %.0f %.0f\n", (unsigned long long)rows, (double)rows / read_s, total_bytes / read_s,
           total_bytes / count_s);
    trace_names_free(&names);
    arena_free(&arena);
    return 0;
}
