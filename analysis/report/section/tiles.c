/* The figures of one result that are asked for first. Of several the comparison has them. */
#include <math.h>

#include "analysis/report/page.h"
#include "analysis/report/say.h"

static void append_tile(struct report *r, const char *name, const char *value, const char *more) {
    strbuf_append(&r->html, "<div>");
    html_element(&r->html, "dt", NULL, name);
    html_element(&r->html, "dd", NULL, value);
    if (more) {
        html_element(&r->html, "dd", "class=\"more\"", more);
    }
    strbuf_append(&r->html, "</div>\n");
}

/* With replications the line below tells how sure the mean is. */
static void append_metric_tile(struct report *r, const struct source *s, const char *path, const char *metric,
                               const char *name, const char *more) {
    struct estimate e = source_estimate(s, path);
    bool sure = isnan(e.half) || !isfinite(e.mean);
    if (!isnan(e.mean)) {
        append_tile(r, name, say_metric(r->arena, metric, e.mean),
                    sure ? more : say_half(r->arena, metric, e.half));
    }
}

/* The figure that goes with a tile's, with words around it. */
static const char *beside(struct report *r, const struct source *s, const char *path, const char *metric,
                          const char *before, const char *after) {
    double value = source_estimate(s, path).mean;
    return isnan(value)
               ? NULL
               : arena_printf(r->arena, "%s%s%s", before, say_metric(r->arena, metric, value), after);
}

static void append_tiles(struct report *r, const struct source *s) {
    strbuf_append(&r->html, "<dl class=\"tiles\">\n");
    append_metric_tile(r, s, "requests.arrived", "requests.arrived", "Requests",
                       beside(r, s, "requests.completed", "requests.completed", "", " completed"));
    append_metric_tile(r, s, "slo.attainment", "slo.attainment", "SLO attainment",
                       beside(r, s, "goodput_per_s", "goodput_per_s", "goodput ", ""));
    append_metric_tile(r, s, "latency_gate.ttft_s.p95", "latency.ttft_s", "p95 time to first token",
                       beside(r, s, "latency_gate.ttft_s.p50", "latency.ttft_s", "median ", ""));
    append_metric_tile(r, s, "latency_gate.tpot_s.p95", "latency.tpot_s", "p95 time per token",
                       beside(r, s, "latency_gate.tpot_s.p50", "latency.tpot_s", "median ", ""));
    append_metric_tile(r, s, "replicas.mean", "replicas.mean", "Replicas, mean",
                       beside(r, s, "replicas.max", "replicas.max", "", " at most"));
    append_metric_tile(r, s, "gpu.busy_fraction", "gpu.busy_fraction", "GPUs busy",
                       beside(r, s, "gpu.hours", "gpu.hours", "", " GPU hours"));
    append_metric_tile(
        r, s, "cost.total_usd", "cost.total_usd", "Cost",
        beside(r, s, "cost.usd_per_1k_requests", "cost.usd_per_1k_requests", "", " per 1,000 requests"));
    strbuf_append(&r->html, "</dl>\n");
}

bool section_tiles(struct report *r, struct error *err) {
    (void)err;
    if (r->sources.count == 1) {
        append_tiles(r, &r->sources.items[0]);
    }
    return true;
}
