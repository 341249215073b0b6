/* tests/unit/run/run_fixture.h: scenarios in a scratch folder, run whole, each in a process of its own (there
 * is one SimGrid a process), and what came of them. */
#ifndef DRYDOCK_TESTS_RUN_FIXTURE_H
#define DRYDOCK_TESTS_RUN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "record/record.h"
#include "run/run.h"
#include "tests/unit/engine/child.h"

enum { SCRATCH_PATH_BYTES = 256, TENANTS_SEEN_MAX = 4, WARNINGS_SEEN_BYTES = 2000 };

struct outcome {
    struct request_counts counts;
    struct request_counts tenants[TENANTS_SEEN_MAX];
    size_t tenant_count;
    uint64_t latency_n, latency_excluded;
    double ttft_s, queue_s, e2e_s, simulated_s;
    char warnings[WARNINGS_SEEN_BYTES];
};

static struct {
    char folder[SCRATCH_PATH_BYTES]; /* removed at the end */
    struct arena arena;
    /* what the child shall do; in memory shared with it */
    struct {
        char scenario[SCRATCH_PATH_BYTES], out[SCRATCH_PATH_BYTES];
        uint64_t seed;
        struct outcome outcome;
    } * order;
} scratch;

static inline int open_scratch(void **state) {
    (void)state;
    snprintf(scratch.folder, sizeof scratch.folder, "/tmp/drydock-run-test-XXXXXX");
    scratch.order =
        mmap(NULL, sizeof *scratch.order, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return mkdtemp(scratch.folder) && scratch.order != MAP_FAILED ? 0 : -1;
}

static inline int close_scratch(void **state) {
    (void)state;
    char command[SCRATCH_PATH_BYTES + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch.folder);
    munmap(scratch.order, sizeof *scratch.order);
    arena_free(&scratch.arena);
    return system(command); /* NOLINT: a path of mkdtemp's */
}

/* The path of a name in the scratch folder. */
static inline const char *at(const char *name) {
    return path_join(&scratch.arena, scratch.folder, name);
}

static inline void put(const char *name, const char *text) {
    struct error err = {0};
    assert_true(file_make_directory(path_directory(&scratch.arena, at(name)), &err));
    assert_true(file_write(at(name), text, strlen(text), &err));
}

static inline const char *get(const char *path, size_t *length) {
    struct error err = {0};
    char *text = NULL;
    if (!file_read(path, 1u << 30, &scratch.arena, &text, length, &err)) {
        fail_msg("%s: %s", path, err.expected);
    }
    return text;
}

static inline void run_ordered(void) {
    struct arena arena = {0};
    struct run_result result = {0};
    struct error err = {0};
    struct run_options options = {
        .scenario = scratch.order->scenario, .out = scratch.order->out, .seed = scratch.order->seed};
    char text[1500];
    if (!run_scenario(&options, &arena, &result, &err)) {
        fprintf(stderr, "%s\n", error_text(&err, text, sizeof text));
        _exit(1);
    }
    const struct scope_summary *all = &result.summary.all;
    struct outcome *o = &scratch.order->outcome;
    *o = (struct outcome){.counts = all->requests,
                          .latency_n = all->e2e.n,
                          .latency_excluded = all->e2e.excluded,
                          .ttft_s = all->ttft.mean,
                          .queue_s = all->queue.mean,
                          .e2e_s = all->e2e.mean,
                          .simulated_s = result.summary.simulated_s};
    for (size_t i = 0; i < result.summary.tenant_count && i < TENANTS_SEEN_MAX; i++) {
        o->tenants[o->tenant_count++] = result.summary.tenants[i].requests;
    }
    for (size_t i = 0; i < result.notices.count; i++) {
        size_t used = strlen(o->warnings);
        snprintf(o->warnings + used, sizeof o->warnings - used, "%s\n", result.notices.items[i].text);
    }
    arena_free(&arena);
}

/* Runs a scenario of the scratch folder; `out` is a name in it, NULL to keep nothing. */
static inline struct outcome run_seed(const char *scenario, const char *out, uint64_t seed) {
    snprintf(scratch.order->scenario, SCRATCH_PATH_BYTES, "%s", at(scenario));
    snprintf(scratch.order->out, SCRATCH_PATH_BYTES, "%s", out ? at(out) : "");
    scratch.order->seed = seed;
    assert_int_equal(in_child(run_ordered), 0);
    struct outcome o = scratch.order->outcome;
    const struct request_counts *c = &o.counts;
    assert_int_equal(c->arrived, c->completed + c->rejected + c->timed_out + c->failed + c->unfinished);
    return o;
}

static inline struct outcome run(const char *scenario, const char *out) {
    return run_seed(scenario, out, 1);
}

/* A table of a result as CSV. */
static inline const char *table(const char *out, const char *name) {
    struct error err = {0};
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    const char *h5 = path_join(&scratch.arena, at(out), "result.h5");
    if (!result_export_csv(h5, name, stream, &err)) {
        fail_msg("%s: %s", h5, err.expected);
    }
    fclose(stream);
    const char *kept = arena_strdup(&scratch.arena, text);
    free(text);
    return kept;
}

static inline void assert_same_bytes(const char *a, const char *b) {
    size_t a_length, b_length;
    const char *a_bytes = get(path_join(&scratch.arena, at(a), "result.h5"), &a_length);
    const char *b_bytes = get(path_join(&scratch.arena, at(b), "result.h5"), &b_length);
    assert_int_equal(a_length, b_length);
    assert_true(memcmp(a_bytes, b_bytes, a_length) == 0);
}

static inline size_t column_of(const char *csv, const char *name) {
    size_t column = 0;
    size_t n = strlen(name);
    for (const char *p = csv; *p != '\n'; column++) {
        size_t width = strcspn(p, ",\n");
        if (width == n && strncmp(p, name, n) == 0) {
            return column;
        }
        p += width + (p[width] == ',');
    }
    fail_msg("no column %s", name);
    return 0;
}

/* The CSV without one column (no field here is quoted). */
static inline char *without(const char *csv, const char *name) {
    size_t gone = column_of(csv, name);
    char *out = arena_alloc(&scratch.arena, strlen(csv) + 1);
    char *end = out;
    size_t column = 0;
    for (const char *p = csv; *p;) {
        size_t width = strcspn(p, ",\n");
        if (column != gone) {
            memcpy(end, p, width);
            end += width;
            *end++ = p[width];
        } else if (p[width] == '\n' && end > out) {
            end[-1] = '\n';
        }
        column = p[width] == '\n' ? 0 : column + 1;
        p += width + 1;
    }
    *end = '\0';
    return out;
}

static inline size_t rows_of(const char *csv) {
    size_t lines = 0;
    for (; *csv; csv++) {
        lines += *csv == '\n';
    }
    return lines - 1;
}

/* ---- a chat service on H100 ---- */

/* A Deployment of a model server and its Service. */
static inline const char *chat_manifest(const char *name, int replicas) {
    return arena_printf(
        &scratch.arena,
        "apiVersion: apps/v1\n"
        "kind: Deployment\n"
        "metadata: {name: %s}\n"
        "spec:\n"
        "  replicas: %d\n"
        "  selector: {matchLabels: {app: %s}}\n"
        "  template:\n"
        "    metadata: {labels: {app: %s}}\n"
        "    spec:\n"
        "      containers:\n"
        "        - name: vllm\n"
        "          image: vllm/vllm-openai:v0.10.1\n"
        "          args: [--model=meta-llama/Meta-Llama-3-8B-Instruct, --max-model-len=8192]\n"
        "          resources: {limits: {cpu: 4, memory: 32Gi, nvidia.com/gpu: 1}}\n"
        "---\n"
        "apiVersion: v1\n"
        "kind: Service\n"
        "metadata: {name: %s}\n"
        "spec: {selector: {app: %s}, ports: [{port: 80}]}\n",
        name, replicas, name, name, name, name);
}

/* `more` are further lines of spec. */
static inline const char *chat_scenario(const char *traces, const char *more) {
    return arena_printf(
        &scratch.arena,
        "apiVersion: drydock/v1\n"
        "kind: Scenario\n"
        "metadata: {name: test}\n"
        "spec:\n"
        "  manifests: manifests\n"
        "  traces: %s\n"
        "  cluster:\n"
        "    regions: [{name: eu}]\n"
        "    zones: [{name: eu-a}]\n"
        "    pools: [{name: h100, instance_type: h, gpu: H100, gpus: 1, cpu: 16, memory: 128Gi, min: 0, "
        "max: 12, provisioning: 60s}]\n"
        "%s",
        traces, more);
}

static inline const char *station_scenario(const char *service, const char *traces, const char *more) {
    return arena_printf(&scratch.arena,
                        "apiVersion: drydock/v1\n"
                        "kind: Scenario\n"
                        "metadata: {name: test}\n"
                        "spec:\n"
                        "  services: [{name: station, %s}]\n"
                        "  traces: %s\n"
                        "%s",
                        service, traces, more);
}

/* The value of a column in a row (0 is the first after the header). */
static inline const char *cell(const char *csv, size_t row, const char *column) {
    size_t index = column_of(csv, column);
    for (size_t i = 0; i <= row; i++) {
        csv = strchr(csv, '\n') + 1;
    }
    for (size_t i = 0; i < index; i++) {
        csv = strchr(csv, ',') + 1;
    }
    return arena_strndup(&scratch.arena, csv, strcspn(csv, ",\n"));
}

static inline double number(const char *csv, size_t row, const char *column) {
    const char *text = cell(csv, row, column);
    return text[0] ? strtod(text, NULL) : -1;
}

#endif
