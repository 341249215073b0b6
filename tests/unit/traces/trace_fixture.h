/* tests/unit/traces/trace_fixture.h: whole traces in memory, for tests. */
#ifndef DRYDOCK_TESTS_TRACE_FIXTURE_H
#define DRYDOCK_TESTS_TRACE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "traces/traces.h"

enum { LOADED_HASHES = 4096 };

struct loaded {
    struct trace_names names;
    struct trace_row *rows;
    size_t count;
    uint64_t hashes[LOADED_HASHES]; /* of all rows, one after the other */
    size_t hash_count;
    struct trace_report report;
    struct error err;
    char text[2048]; /* of err */
};

static inline void loaded_begin(struct loaded *l) {
    memset(l, 0, sizeof *l);
    trace_names_init(&l->names);
}

/* Takes all rows of a source and closes it. A NULL source leaves only the error. */
static inline void loaded_take(struct loaded *l, struct trace_source *source) {
    size_t capacity = 0;
    struct trace_row row;
    int got = 0;
    while (source && (got = trace_next(source, &row, &l->err)) > 0) {
        if (l->count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            l->rows = mem_realloc(l->rows, capacity, sizeof *l->rows);
        }
        l->rows[l->count++] = row;
        for (uint32_t i = 0; i < row.hash_count && l->hash_count < LOADED_HASHES; i++) {
            l->hashes[l->hash_count++] = row.hashes[i];
        }
    }
    if (source) {
        l->report = *trace_report(source);
        trace_close(source);
    }
    error_text(&l->err, l->text, sizeof l->text);
}

static inline struct loaded *loaded_file(const char *path, const struct trace_open_options *options) {
    struct loaded *l = malloc(sizeof *l);
    loaded_begin(l);
    loaded_take(l, trace_open(path, options, &l->names, &l->err));
    return l;
}

static inline void loaded_free(struct loaded *l) {
    trace_names_free(&l->names);
    free(l->rows);
    free(l);
}

/* A file of its own with these bytes; remove it with unlink. The path is static: one at a time. */
static inline const char *scratch_bytes(const void *bytes, size_t n) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/drydock-trace-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
    return path;
}

static inline struct loaded *loaded_bytes(const void *bytes, size_t n,
                                          const struct trace_open_options *options) {
    const char *path = scratch_bytes(bytes, n);
    struct loaded *l = loaded_file(path, options);
    unlink(path);
    return l;
}

static inline struct loaded *loaded_text(const char *text) {
    return loaded_bytes(text, strlen(text), NULL);
}

static inline const char *name_of(const struct loaded *l, uint32_t index) {
    assert_true(index < l->names.count);
    return l->names.names[index];
}

#define SECONDS(s) ((simtime)((s)*1e12 + 0.5))

#define assert_contains(text, part)                                                                          \
    do {                                                                                                     \
        if (!strstr(text, part)) {                                                                           \
            fail_msg("\"%s\" does not contain \"%s\"", text, part);                                          \
        }                                                                                                    \
    } while (0)

#endif
