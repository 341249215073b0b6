/* The time series on their way into the file: what follows from the dates of pods and nodes is added, and
 * integrals become means. */
#include "accounts/series.h"

#include <math.h>
#include <stdlib.h>

#include "base/strbuf.h"

bool series_put(const struct series_file *f, const char *object, const char *metric, const char *units,
                const char *cell_methods) {
    return recorder_series(f->recorder, object, metric, units, cell_methods, &f->times, f->values, f->count,
                           f->err);
}

/* ---- counts ---- */

/* By the whole interval, in the last window too: value x interval is the count. */
static bool put_counts(const struct world *w, const struct series_scope *scope, const char *object,
                       struct series_file *f) {
    static const struct {
        const char *metric, *units;
    } rows[SERIES_COUNTS] = {
        [SERIES_ARRIVED] = {"arrivals_per_s", "1/s"},
        [SERIES_COMPLETED] = {"completions_per_s", "1/s"},
        [SERIES_GOOD] = {"goodput_per_s", "1/s"},
        [SERIES_FAILED] = {"failures_per_s", "1/s"},
        [SERIES_INPUT_TOKENS] = {"input_tokens_per_s", "token/s"},
        [SERIES_OUTPUT_TOKENS] = {"output_tokens_per_s", "token/s"},
    };
    uint64_t *counts = mem_zalloc(f->count, sizeof *counts);
    bool ok = true;
    for (size_t i = 0; ok && i < SERIES_COUNTS; i++) {
        window_sums_values(scope->counts, &w->series->windows, i, f->count, counts);
        for (size_t k = 0; k < f->count; k++) {
            f->values[k] = (double)counts[k] / f->times.interval_s;
        }
        ok = series_put(f, object, rows[i].metric, rows[i].units, "time: mean");
    }
    free(counts);
    return ok;
}

/* ---- levels ---- */

/* The integral by window; a level that was never there is 0. */
static void areas_of(const struct world *w, const struct window_steps *steps, const struct series_file *f,
                     simtime_total *areas) {
    if (steps) {
        window_steps_values(steps, &w->series->windows, f->count, areas);
    }
}

/* Mean over the part of the window that the run covers. */
static bool put_mean(const struct world *w, const struct window_steps *steps, const char *object,
                     const char *metric, struct series_file *f) {
    const struct windows *windows = &w->series->windows;
    simtime_total *areas = mem_zalloc(f->count, sizeof *areas);
    areas_of(w, steps, f, areas);
    for (size_t k = 0; k < f->count; k++) {
        f->values[k] = (double)areas[k] / (double)windows_covered(windows, k, f->end_ps);
    }
    free(areas);
    return series_put(f, object, metric, "1", "time: mean");
}

/* What was used over what there was, in parts of `unit`; NaN where there was none. */
static bool put_share(const struct world *w, const struct window_steps *used, const struct window_steps *held,
                      double unit, const char *object, const char *metric, struct series_file *f) {
    simtime_total *areas = mem_zalloc(2 * f->count, sizeof *areas);
    areas_of(w, used, f, areas);
    areas_of(w, held, f, areas + f->count);
    for (size_t k = 0; k < f->count; k++) {
        simtime_total there = areas[f->count + k];
        f->values[k] = there > 0 ? (double)areas[k] / (double)there / unit : NAN;
    }
    free(areas);
    return series_put(f, object, metric, "1", "time: mean");
}

static bool put_levels(const struct world *w, const struct series_scope *scope, const char *object,
                       struct series_file *f) {
    static const struct {
        enum series_level level;
        const char *metric;
    } means[] = {
        {SERIES_QUEUE, "queue"},
        {SERIES_RUNNING, "running"},
        {SERIES_DESIRED, "replicas_desired"},
        {SERIES_READY, "replicas_ready"},
        {SERIES_STARTING, "replicas_starting"},
        {SERIES_PENDING, "replicas_pending"},
        {SERIES_TERMINATING, "replicas_terminating"},
    };
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        if (!put_mean(w, scope->levels[means[i].level], object, means[i].metric, f)) {
            return false;
        }
    }
    return put_share(w, scope->levels[SERIES_KV_USED], scope->levels[SERIES_KV_SEEN], 2000, object,
                     "kv_usage", f) &&
           put_share(w, scope->levels[SERIES_GPU_BUSY], scope->levels[SERIES_GPU_HELD], 1, object,
                     "gpu_busy_fraction", f);
}

/* ---- latencies ---- */

static const double percentiles[] = {0.5, 0.9, 0.95, 0.99};
static const char *const percentile_names[] = {"p50", "p90", "p95", "p99"};
enum { PERCENTILES = sizeof percentiles / sizeof *percentiles };

static bool put_latency(const struct world *w, struct window_sketch *sketch, const char *object,
                        const char *metric, struct series_file *f) {
    double *found = mem_zalloc(f->count * PERCENTILES, sizeof *found);
    for (size_t k = 0; k < f->count; k++) {
        size_t last = k + 1 < f->count ? k : w->series->windows.room - 1;
        window_sketch_quantiles(sketch, k, last, percentiles, PERCENTILES, found + k * PERCENTILES);
    }
    bool ok = true;
    for (size_t i = 0; ok && i < PERCENTILES; i++) {
        for (size_t k = 0; k < f->count; k++) {
            f->values[k] = found[k * PERCENTILES + i];
        }
        struct strbuf name = {0};
        strbuf_printf(&name, "%s_%s", metric, percentile_names[i]);
        ok = series_put(f, object, name.text, "s", "time: percentile");
        strbuf_free(&name);
    }
    free(found);
    return ok;
}

static bool put_latencies(const struct world *w, const struct series_scope *scope, const char *object,
                          struct series_file *f) {
    return put_latency(w, scope->latencies[SERIES_TTFT], object, "ttft_s", f) &&
           put_latency(w, scope->latencies[SERIES_TPOT], object, "tpot_s", f) &&
           put_latency(w, scope->latencies[SERIES_E2E], object, "e2e_s", f);
}

/* ---- what the dates of pods and nodes say ---- */

/* The first of two dates that may not have come. */
static simtime first_of(simtime a, simtime b) {
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void span(struct series_scope *scope, struct windows *w, enum series_level level, simtime from,
                 simtime to, int64_t weight) {
    if (to > from && weight > 0) {
        window_steps_span(series_level(scope, w, level), w, from, to, weight);
    }
}

static void add_pod(struct world *w, struct series_scope *scope, const struct pod *p, simtime end) {
    struct windows *windows = &w->series->windows;
    const struct workload_state *load = &w->workloads[p->demand];
    simtime gone = first_of(p->gone_ps, end);
    simtime stop = first_of(p->terminating_ps, gone);
    simtime ready = first_of(p->ready_ps, stop);
    simtime bound = first_of(p->bound_ps, ready);
    span(scope, windows, SERIES_PENDING, p->created_ps, bound, 1);
    span(scope, windows, SERIES_STARTING, bound, ready, 1);
    for (const struct outage *o = p->outages; o && o->from_ps < stop; o = o->before) {
        simtime again = first_of(o->to_ps, stop);
        span(scope, windows, SERIES_STARTING, o->from_ps, again, 1);
        span(scope, windows, SERIES_READY, again, stop, 1);
        stop = o->from_ps;
    }
    span(scope, windows, SERIES_READY, ready, stop, 1);
    stop = first_of(p->terminating_ps, gone);
    span(scope, windows, SERIES_TERMINATING, stop, gone, 1);
    if (p->ready_ps >= 0) {
        span(scope, windows, SERIES_GPU_HELD, ready, gone, load->gpus);
    }
}

static void add_pods(struct world *w, struct series_scope *scope, uint32_t service, simtime end) {
    for (size_t i = 0; i < cluster_pod_count(w->cluster); i++) {
        const struct pod *p = cluster_pod(w->cluster, i);
        const struct workload_state *load = &w->workloads[p->demand];
        if (load->service == (int64_t)service && load->can_serve) {
            add_pod(w, scope, p, end);
        }
    }
}

static bool put_pool(struct world *w, uint32_t pool, struct series_file *f) {
    struct windows *windows = &w->series->windows;
    struct window_steps *starting = window_steps(windows);
    struct window_steps *ready = window_steps(windows);
    for (size_t i = 0; i < cluster_node_count(w->cluster); i++) {
        const struct node *n = cluster_node(w->cluster, i);
        if (n->pool == pool) {
            simtime gone = first_of(n->deleted_ps, f->end_ps);
            simtime from = first_of(n->ready_ps, gone);
            window_steps_span(starting, windows, n->requested_ps, from, 1);
            window_steps_span(ready, windows, from, gone, 1);
        }
    }
    struct strbuf object = {0};
    strbuf_printf(&object, "pools/%s", w->scenario.pools[pool].name);
    bool ok = put_mean(w, starting, object.text, "nodes_provisioning", f) &&
              put_mean(w, ready, object.text, "nodes_ready", f);
    strbuf_free(&object);
    windows_drop(windows, &ready->part);
    windows_drop(windows, &starting->part);
    return ok;
}

/* ---- the whole ---- */

static bool put_scope(const struct world *w, const struct series_scope *scope, const char *object,
                      struct series_file *f) {
    return put_counts(w, scope, object, f) && put_levels(w, scope, object, f) &&
           put_latencies(w, scope, object, f);
}

static void add_scope(struct series_scope *all, const struct series_scope *scope, struct windows *w) {
    window_sums_add(all->counts, scope->counts, w);
    for (int i = 0; i < SERIES_LEVELS; i++) {
        if (scope->levels[i]) {
            window_steps_add(series_level(all, w, (enum series_level)i), scope->levels[i], w, 1);
        }
    }
    for (int i = 0; i < SERIES_LATENCIES; i++) {
        window_sketch_add(all->latencies[i], scope->latencies[i]);
    }
}

/* `all` NULL: there is no other service, so this is all. */
static bool put_service(struct world *w, uint32_t service, struct series_scope *all, struct series_file *f) {
    struct series_scope *scope = &w->series->scopes[service];
    add_pods(w, scope, service, f->end_ps);
    if (all) {
        add_scope(all, scope, &w->series->windows);
    }
    struct strbuf object = {0};
    strbuf_printf(&object, "services/%s", w->services[service].name);
    bool ok = put_scope(w, scope, object.text, f) && (all || put_scope(w, scope, "all", f));
    strbuf_free(&object);
    for (int i = SERIES_GATHERED; i < SERIES_LEVELS; i++) {
        if (scope->levels[i]) {
            windows_drop(&w->series->windows, &scope->levels[i]->part);
            scope->levels[i] = NULL;
        }
    }
    return ok;
}

/* A service of which nothing was ever seen has no series, as it has no place in the summary. */
static bool put_services(struct world *w, struct series_file *f) {
    const struct series_scope *scopes = w->series->scopes;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < w->service_count; i++) {
        seen += scopes[i].counts != NULL;
    }
    struct series_scope all = {0};
    if (seen != 1) {
        series_scope_begin(&all, &w->series->windows);
    }
    bool ok = true;
    for (uint32_t i = 0; ok && i < w->service_count; i++) {
        ok = !scopes[i].counts || put_service(w, i, seen == 1 ? NULL : &all, f);
    }
    return ok && (seen == 1 || put_scope(w, &all, "all", f));
}

static bool put_everything(struct world *w, struct series_file *f) {
    bool ok = put_services(w, f);
    for (uint32_t i = 0; ok && i < w->scenario.pool_count; i++) {
        ok = put_pool(w, i, f);
    }
    return ok && series_write_cost(w, f);
}

bool series_write(struct world *w, struct error *err) {
    if (!w->series) {
        return true;
    }
    simtime end = engine_now(w->engine);
    const struct windows *windows = &w->series->windows;
    struct series_file f = {
        .recorder = w->recorder,
        .times = {0, simtime_to_s(windows->interval_ps), simtime_to_s(end)},
        .end_ps = end,
        .count = windows_count(windows, end),
        .err = err,
    };
    f.values = mem_zalloc(f.count + 1, sizeof *f.values);
    bool ok = put_everything(w, &f);
    free(f.values);
    return ok;
}
