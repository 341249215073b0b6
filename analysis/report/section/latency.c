/* What users felt. */
#include <math.h>
#include <string.h>

#include "analysis/report/page.h"
#include "analysis/report/say.h"

static const struct {
    const char *path, *name;
    bool compared; /* shown of several results too, whose table would get long */
} latencies[] = {
    {"ttft_s", "TTFT", true}, {"tpot_s", "TPOT", true},    {"itl_s", "ITL", false},
    {"e2e_s", "E2E", true},   {"queue_s", "queue", false},
};
static const char *const statistics[] = {"mean", "p50", "p90", "p95", "p99", "p999", "max"};
enum {
    LATENCIES = sizeof latencies / sizeof *latencies,
    STATISTICS = sizeof statistics / sizeof *statistics
};

/* What is compared stands one below the other. */
static void append_rows(struct report *r, struct html_table *t, size_t k) {
    for (size_t i = 0; i < r->sources.count; i++) {
        const struct source *s = &r->sources.items[i];
        struct json_object *l =
            json_read_at(s->summary, arena_printf(r->arena, "latency.%s", latencies[k].path));
        if (!l) {
            continue;
        }
        html_cell(t, r->sources.count == 1 ? latencies[k].name
                                           : arena_printf(r->arena, "%s, %s", latencies[k].name, s->label));
        for (size_t n = 0; n < STATISTICS; n++) {
            html_cell(t, say_latency(r->arena, summary_figure(l, statistics[n])));
        }
    }
}

static bool any(const struct report *r) {
    for (size_t i = 0; i < r->sources.count; i++) {
        if (json_read_at(r->sources.items[i].summary, "latency.e2e_s")) {
            return true;
        }
    }
    return false;
}

static void append_table(struct report *r) {
    static const char *const heads[] = {"Latency", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"};
    struct html_table t =
        html_table_begin(&r->html, "Latencies of completed requests", heads, 1 + STATISTICS, ~1u);
    for (size_t k = 0; k < LATENCIES; k++) {
        if (r->sources.count == 1 || latencies[k].compared) {
            append_rows(r, &t, k);
        }
    }
    html_table_end(&t);
}

bool section_latency(struct report *r, struct error *err) {
    bool done = figure_write(r, &figure_ttft, &r->all, "ttft", err) &&
                figure_write(r, &figure_tpot, &r->all, "tpot", err) &&
                figure_write(r, &figure_cdf, &r->all, "cdf", err);
    if (done && any(r)) {
        append_table(r);
    }
    return done;
}
