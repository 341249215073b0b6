/* tests/unit/record/result_fixture.h: a small result that the tests of writer and readers share. */
#ifndef DRYDOCK_TESTS_RESULT_FIXTURE_H
#define DRYDOCK_TESTS_RESULT_FIXTURE_H

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/file.h"
#include "record/record.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* One field of every type of column. */
struct fixture_row {
    uint64_t id;
    int64_t arrival_ps;
    int64_t ttft_ps;
    int64_t balance;
    double cost_usd;
    int32_t delta;
    uint32_t tokens;
    uint32_t service;
    uint8_t retries;
    uint8_t status;
    const char *reason;
};

static const char *const fixture_status[] = {"completed", "rejected", "timed_out", NULL};
static const char *const fixture_services[] = {"chat", "rag, \"two\"", "caf\xC3\xA9"};

static const struct column fixture_columns[] = {
    {.name = "id",
     .type = COLUMN_U64,
     .offset = offsetof(struct fixture_row, id),
     .units = "1",
     .long_name = "row"},
    {.name = "arrival_s",
     .type = COLUMN_SECONDS_PS,
     .offset = offsetof(struct fixture_row, arrival_ps),
     .units = "s",
     .long_name = "arrival"},
    {.name = "ttft_s",
     .type = COLUMN_SECONDS_PS,
     .offset = offsetof(struct fixture_row, ttft_ps),
     .units = "s",
     .long_name = "time to first token"},
    {.name = "balance", .type = COLUMN_I64, .offset = offsetof(struct fixture_row, balance), .units = "1"},
    {.name = "cost_usd",
     .type = COLUMN_F64,
     .offset = offsetof(struct fixture_row, cost_usd),
     .units = "USD"},
    {.name = "delta", .type = COLUMN_I32, .offset = offsetof(struct fixture_row, delta), .units = "1"},
    {.name = "tokens", .type = COLUMN_U32, .offset = offsetof(struct fixture_row, tokens), .units = "token"},
    {.name = "service",
     .type = COLUMN_NAME,
     .offset = offsetof(struct fixture_row, service),
     .units = "1",
     .dictionary = "service"},
    {.name = "retries", .type = COLUMN_U8, .offset = offsetof(struct fixture_row, retries), .units = "1"},
    {.name = "status",
     .type = COLUMN_ENUM8,
     .offset = offsetof(struct fixture_row, status),
     .units = "1",
     .names = fixture_status},
    {.name = "reason", .type = COLUMN_TEXT, .offset = offsetof(struct fixture_row, reason), .units = "1"},
    {.name = NULL},
};

static inline struct fixture_row fixture_row_at(uint64_t i) {
    static const char *const reasons[] = {"", "queue \"full\"", "two\nlines", "plain"};
    struct fixture_row row = {
        .id = i,
        .arrival_ps = (int64_t)i * 1500000000,
        .ttft_ps = i % 3 == 2 ? -1 : (int64_t)i + 1,
        .balance = -(int64_t)i * 1000000007,
        .cost_usd = i % 5 == 4 ? NAN : (double)i * 0.1,
        .delta = (int32_t)(i % 7) - 3,
        .tokens = (uint32_t)(i * 13),
        .service = i % 4 == 3 ? COLUMN_NO_NAME : (uint32_t)(i % 4),
        .retries = (uint8_t)i,
        .status = (uint8_t)(i % 3),
        .reason = i % 5 == 4 ? NULL : reasons[i % 5],
    };
    return row;
}

static const struct summary fixture_summary = {
    .drydock_version = "0.1.0", .scenario = "fixture", .seed = 42, .replications = 1, .wall_s = 1.25};

/* A scratch folder below $TMPDIR; the caller removes it with fixture_remove. */
static inline char *fixture_folder(void) {
    const char *base = getenv("TMPDIR");
    char *path = malloc(512);
    snprintf(path, 512, "%s/drydock-record-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void fixture_remove(char *folder) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    free(folder);
}

static inline char *fixture_path(const char *folder, const char *name) {
    char *path = malloc(600);
    snprintf(path, 600, "%s/%s", folder, name);
    return path;
}

/* Writes a result of `rows` rows with a dictionary, series and provenance. */
static inline bool fixture_write(const char *folder, uint64_t rows, bool compress, struct error *err) {
    static const double values[] = {0, 1.5, NAN, 3};
    struct record_options options = {.directory = folder, .compress = compress};
    struct recorder *r = recorder_open(&options, err);
    if (!r) {
        return false;
    }
    struct record_table *t = recorder_table(r, "/requests", fixture_columns, sizeof(struct fixture_row), err);
    bool done = t != NULL;
    for (uint64_t i = 0; i < rows && done; i++) {
        struct fixture_row row = fixture_row_at(i);
        done = record_append(t, &row, err);
    }
    done = done && record_rows(t) == rows && recorder_names(r, "service", fixture_services, 3, err) &&
           recorder_series(r, "default/deployment/chat", "replicas", "1", "time: point",
                           &(struct series_times){10, 15, 66}, values, 4, err) &&
           recorder_provenance(r, "scenario", "name: fixture\n", err) &&
           recorder_provenance(r, "manifests/chat.yaml", "", err);
    if (!done) {
        recorder_abandon(r);
        return false;
    }
    return recorder_close(r, &fixture_summary, err);
}

/* Fails the test with the error's text. */
static inline void assert_done(bool done, const struct error *err) {
    char text[1600];
    if (!done) {
        fail_msg("%s", error_text(err, text, sizeof text));
    }
}

/* A table as CSV, in memory; free() it. NULL with err. */
static inline char *fixture_csv(const char *h5_path, const char *table, struct error *err) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    bool done = result_export_csv(h5_path, table, out, err);
    fclose(out);
    if (!done) {
        free(text);
        return NULL;
    }
    return text;
}

#endif
