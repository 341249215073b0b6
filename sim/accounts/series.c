/* What the time series gather while the run goes on. A request tells all about itself when it ends: when it
 * waited, when it was worked on, how it went. GPUs and KV caches know their integrals over time, which are
 * read at the end of every window (engine_watch: no event, so the run is the same without). */
#include "accounts/series.h"

#include <stdlib.h>

void series_scope_begin(struct series_scope *scope, struct windows *w) {
    scope->counts = window_sums(w, SERIES_COUNTS);
    for (int i = 0; i < SERIES_LATENCIES; i++) {
        scope->latencies[i] = window_sketch(w);
    }
}

static struct series_scope *scope_of(struct series *s, uint32_t service) {
    struct series_scope *scope = &s->scopes[service];
    if (!scope->counts) {
        series_scope_begin(scope, &s->windows);
    }
    return scope;
}

/* ---- requests ---- */

void series_arrived(struct world *w, const struct request *r) {
    struct series *s = w->series;
    if (!s) {
        return;
    }
    struct window_sums *counts = scope_of(s, r->service)->counts;
    window_sums_at(counts, windows_at(&s->windows, r->arrival_ps))[SERIES_ARRIVED]++;
}

/* The arrival is the new service's: at the date at which it was counted. */
void series_moved(struct world *w, const struct request *r, uint32_t from) {
    struct series *s = w->series;
    if (!s) {
        return;
    }
    window_sums_at(scope_of(s, from)->counts, windows_at(&s->windows, r->arrival_ps))[SERIES_ARRIVED]--;
    series_arrived(w, r);
}

static void completed(struct series_scope *scope, struct windows *w, const struct request *r,
                      const struct outcome *o) {
    size_t at = windows_at(w, r->done_ps);
    uint64_t *counts = window_sums_at(scope->counts, at);
    counts[SERIES_COMPLETED]++;
    counts[SERIES_GOOD] += o->good;
    counts[SERIES_INPUT_TOKENS] += r->input_tokens;
    counts[SERIES_OUTPUT_TOKENS] += r->generated;
    window_sketch_value(scope->latencies[SERIES_TTFT], at, o->ttft_s);
    window_sketch_value(scope->latencies[SERIES_TPOT], at, o->tpot_s);
    window_sketch_value(scope->latencies[SERIES_E2E], at, o->e2e_s);
}

/* When the attempt that ends now waited, and when it was worked on. */
static void attempted(struct world *w, const struct request *r, struct series_scope *scope,
                      struct windows *windows) {
    simtime now = engine_now(w->engine);
    bool scheduled = r->scheduled_ps >= 0;
    if (scheduled) {
        window_steps_span(series_level(scope, windows, SERIES_RUNNING), windows, r->scheduled_ps, now, 1);
    }
    if (r->gateway_ps >= 0) {
        simtime until = scheduled ? r->scheduled_ps : now;
        window_steps_span(series_level(scope, windows, SERIES_QUEUE), windows, r->gateway_ps, until, 1);
    }
}

void series_attempted(struct world *w, const struct request *r) {
    if (w->series) {
        attempted(w, r, scope_of(w->series, r->service), &w->series->windows);
    }
}

void series_finished(struct world *w, const struct request *r, const struct outcome *o) {
    struct series *s = w->series;
    if (!s) {
        return;
    }
    struct series_scope *scope = scope_of(s, r->service);
    struct windows *windows = &s->windows;
    attempted(w, r, scope, windows);
    if (r->status == REQUEST_COMPLETED) {
        completed(scope, windows, r, o);
    } else if (r->status != REQUEST_UNFINISHED) {
        window_sums_at(scope->counts, windows_at(windows, engine_now(w->engine)))[SERIES_FAILED]++;
    }
}

/* ---- replicas ---- */

static void close_desired(struct world *w, uint32_t demand) {
    struct series *s = w->series;
    const struct workload_state *load = &w->workloads[demand];
    simtime now = engine_now(w->engine);
    if (load->service >= 0 && load->can_serve) {
        struct series_scope *scope = scope_of(s, (uint32_t)load->service);
        window_steps_span(series_level(scope, &s->windows, SERIES_DESIRED), &s->windows,
                          s->desired_since_ps[demand], now, w->replicas_wanted[demand]);
    }
    s->desired_since_ps[demand] = now;
}

void series_rescaled(struct world *w, uint32_t demand) {
    if (w->series) {
        close_desired(w, demand);
    }
}

void series_pod_ready(struct world *w, struct serving_pod *p) {
    struct series *s = w->series;
    if (!s) {
        return;
    }
    if (s->live_count == s->live_capacity) {
        s->live_capacity = s->live_capacity ? 2 * s->live_capacity : 64;
        s->live = mem_realloc(s->live, s->live_capacity, sizeof(struct serving_pod *));
    }
    s->live[s->live_count++] = p;
    p->seen_ps = engine_now(w->engine);
    scope_of(s, p->service);
}

/* From `since` to now with a request: serving, as far as the pod was Ready and not told to stop. */
void series_served(struct world *w, const struct serving_pod *p, simtime since) {
    struct series *s = w->series;
    if (!s || !s->serving || p->pod->node < 0) {
        return;
    }
    simtime now = engine_now(w->engine);
    simtime stop = p->pod->terminating_ps;
    uint32_t pool = cluster_node(w->cluster, (size_t)p->pod->node)->pool;
    window_steps_span(s->serving[pool], &s->windows, since, stop >= 0 && stop < now ? stop : now,
                      bill_capacity_held(w, p->pod));
}

/* Between two looks the KV cache is taken to have filled evenly. */
static void see_kv(struct series *s, struct serving_pod *p, size_t window, simtime span) {
    struct series_scope *scope = &s->scopes[p->service];
    replica_look(p->replica);
    uint32_t permille = p->replica->kv_permille;
    window_steps_amount(series_level(scope, &s->windows, SERIES_KV_USED), window,
                        (simtime_total)(p->seen_kv_permille + permille) * span);
    window_steps_amount(series_level(scope, &s->windows, SERIES_KV_SEEN), window, span);
    p->seen_kv_permille = permille;
}

/* What it did since it was last seen, all of it in one window: there is a look at the end of each. The
 * integral is divided before it is subtracted, so that nothing is lost over the run. */
static void see_pod(struct world *w, struct serving_pod *p, size_t window, simtime at) {
    const struct workload_state *load = &w->workloads[p->demand];
    struct series *s = w->series;
    if (load->gpus > 0) {
        simtime_total busy = replica_busy_ps(p->replica) * load->gpus;
        busy = p->replica->servers > 1 ? busy / p->replica->servers : busy;
        window_steps_amount(series_level(&s->scopes[p->service], &s->windows, SERIES_GPU_BUSY), window,
                            busy - p->seen_gpu_busy);
        p->seen_gpu_busy = busy;
    }
    if (!load->plain && p->pod->phase != POD_GONE) {
        see_kv(s, p, window, at - p->seen_ps);
    }
    p->seen_ps = at;
}

static void see_pods(struct world *w, simtime at) {
    struct series *s = w->series;
    size_t window = at > 0 ? windows_at(&s->windows, at - 1) : 0;
    for (size_t i = 0; i < s->live_count;) {
        struct serving_pod *p = s->live[i];
        see_pod(w, p, window, at);
        if (p->pod->phase == POD_GONE) {
            s->live[i] = s->live[--s->live_count];
        } else {
            i++;
        }
    }
}

static void look(void *context, uint64_t argument);

static void look_again(struct world *w) {
    simtime interval = w->series->windows.interval_ps;
    engine_watch(w->engine, (engine_now(w->engine) / interval + 1) * interval, look, w);
}

static void look(void *context, uint64_t argument) {
    struct world *w = context;
    (void)argument;
    see_pods(w, engine_now(w->engine));
    look_again(w);
}

/* ---- begin and end ---- */

/* Nothing is gathered when nothing will be written. */
void series_begin(struct world *w) {
    if (!w->recorder || !w->scenario.series) {
        return;
    }
    struct series *s = w->series = mem_zalloc(1, sizeof *s);
    windows_begin(&s->windows, simtime_from_s(w->scenario.series_interval_s));
    s->scopes = mem_zalloc(w->service_count, sizeof *s->scopes);
    s->desired_since_ps = mem_zalloc(w->demand_count, sizeof *s->desired_since_ps);
    if (w->has_prices) {
        s->serving = mem_zalloc(w->scenario.pool_count, sizeof(struct window_steps *));
        for (size_t i = 0; i < w->scenario.pool_count; i++) {
            s->serving[i] = window_steps(&s->windows);
        }
    }
    look_again(w);
}

static void say_interval(struct world *w) {
    simtime asked = simtime_from_s(w->scenario.series_interval_s);
    simtime got = w->series->windows.interval_ps;
    if (asked > 0 && got != asked) {
        notice_add(w->notices, NOTICE_WARNING, NULL,
                   "telemetry.series_interval: %d windows were not enough for the run: they became %g s long",
                   WINDOWS_MOST_FIXED, simtime_to_s(got));
    }
}

void series_end(struct world *w) {
    struct series *s = w->series;
    if (!s) {
        return;
    }
    see_pods(w, engine_now(w->engine));
    for (uint32_t d = 0; d < w->demand_count; d++) {
        close_desired(w, d);
    }
    for (size_t i = 0; i < w->serving_count; i++) {
        if (w->pods[i]->outstanding > 0) {
            series_served(w, w->pods[i], w->pods[i]->serving_since_ps);
        }
    }
    windows_at(&s->windows, engine_now(w->engine)); /* nothing merges any more: all dates are before */
    say_interval(w);
}

void series_free(struct world *w) {
    struct series *s = w->series;
    if (s) {
        windows_end(&s->windows);
        free(s->scopes);
        free(s->serving);
        free(s->desired_since_ps);
        free(s->live);
        free(s);
    }
}
