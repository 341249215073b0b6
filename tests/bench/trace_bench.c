/* trace_bench FILE [LINES [ROUNDS [baseline]]]: reads a trace and drops its rows; `baseline`: as on a
 * processor without AVX2.
 *
 * Prints "rows rows_per_s bytes_per_s map_lines_per_s lines_per_s": the reader through the public interface,
 * from opening FILE to closing it, and beside it memchr counting the newlines of LINES (by default the same
 * file; for HDF5 the rows as CSV), once with the mapping of the file in the time and once mapped beforehand.
 * The best of the rounds each, which take turns so that all of them meet the machine's good moments.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "traces/traces.h"

enum { ROUNDS = 15 }; /* unless said otherwise */

struct text {
    int fd;
    size_t length;
};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Of its own, so that tests/e2e/reading_cost.sh can count its instructions. */
static __attribute__((noinline)) uint64_t read_rows(const char *path, enum trace_pace pace,
                                                    struct error *err) {
    const struct trace_open_options options = {.pace = pace};
    struct trace_names names;
    trace_names_init(&names);
    struct trace_source *source = trace_open(path, &options, &names, err);
    const struct trace_row *rows;
    uint64_t count = 0;
    int got = 0;
    while (source && (got = trace_next_rows(source, &rows, err)) > 0) {
        count += (uint64_t)got;
    }
    trace_close(source);
    trace_names_free(&names);
    return count;
}

static const char *map(const struct text *text, int flags) {
    void *bytes = mmap(NULL, text->length, PROT_READ, MAP_SHARED | flags, text->fd, 0);
    if (bytes == MAP_FAILED) {
        perror("mmap");
        exit(4);
    }
    return bytes;
}

static uint64_t count_lines(const char *bytes, size_t length) {
    uint64_t lines = 0;
    const char *end = bytes + length;
    for (const char *at = bytes; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++) {
        lines++;
    }
    return lines;
}

static void keep_best(double *best_s, double began_s) {
    double took_s = now_s() - began_s;
    *best_s = took_s < *best_s ? took_s : *best_s;
}

static bool open_text(struct text *text, const char *path) {
    struct stat info;
    text->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (text->fd < 0 || fstat(text->fd, &info) != 0) {
        perror(path);
        return false;
    }
    text->length = (size_t)info.st_size;
    return true;
}

int main(int argc, char **argv) {
    struct error err = {0};
    struct text text;
    struct stat file;
    if (argc < 2 || stat(argv[1], &file) != 0 || !open_text(&text, argv[argc > 2 ? 2 : 1])) {
        fprintf(stderr, "usage: trace_bench FILE [LINES [ROUNDS [baseline]]]\n");
        return 2;
    }
    int rounds = argc > 3 ? atoi(argv[3]) : ROUNDS;
    enum trace_pace pace = argc > 4 && !strcmp(argv[4], "baseline") ? TRACE_BASELINE : TRACE_BEST;
    const char *mapped = map(&text, MAP_POPULATE);
    double read_s = 1e30;
    double map_count_s = 1e30;
    double count_s = 1e30;
    uint64_t rows = 0;
    volatile uint64_t lines = 0;
    for (int round = 0; round < rounds && !error_is_set(&err); round++) {
        double began_s = now_s();
        rows = read_rows(argv[1], pace, &err);
        keep_best(&read_s, began_s);
        began_s = now_s();
        const char *again = map(&text, 0);
        lines = count_lines(again, text.length);
        munmap((void *)(uintptr_t)again, text.length);
        keep_best(&map_count_s, began_s);
        began_s = now_s();
        lines = count_lines(mapped, text.length);
        keep_best(&count_s, began_s);
    }
    if (error_is_set(&err)) {
        fprintf(stderr, "%s: %s\n", err.file, err.expected);
        return (int)err.code;
    }
    printf("%llu %.0f %.0f %.0f %.0f\n", (unsigned long long)rows, (double)rows / read_s,
           (double)file.st_size / read_s, (double)lines / map_count_s, (double)lines / count_s);
    return 0;
}
