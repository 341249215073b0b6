/* sim/accounts/series.h: the time series of a run while they gather. Private to sim/run.
 *
 * series.c gathers: requests as they come and go, GPUs and KV caches at the ends of windows. series_write.c
 * adds what is read off the dates of pods and nodes when the run is over, and writes all of it;
 * series_cost.c is the bill over time. docs/results.md defines every series. */
#ifndef DRYDOCK_ACCOUNTS_SERIES_H
#define DRYDOCK_ACCOUNTS_SERIES_H

#include "accounts/accounts.h"
#include "telemetry/window_sketch.h"
#include "telemetry/windows.h"

/* Counts by window. */
enum series_count {
    SERIES_ARRIVED,
    SERIES_COMPLETED,
    SERIES_GOOD,
    SERIES_FAILED,
    SERIES_INPUT_TOKENS,
    SERIES_OUTPUT_TOKENS,
    SERIES_COUNTS
};

/* Time integrals by window. The first ones gather during the run; the others follow from dates. */
enum series_level {
    SERIES_QUEUE,
    SERIES_RUNNING,
    SERIES_DESIRED,
    SERIES_GPU_BUSY, /* GPUs x ps */
    SERIES_KV_USED,  /* half permille x ps, of what SERIES_KV_SEEN counts */
    SERIES_KV_SEEN,  /* model servers x ps */
    SERIES_GATHERED,
    SERIES_READY = SERIES_GATHERED,
    SERIES_STARTING,
    SERIES_PENDING,
    SERIES_TERMINATING,
    SERIES_GPU_HELD, /* GPUs x ps */
    SERIES_LEVELS
};

enum series_latency { SERIES_TTFT, SERIES_TPOT, SERIES_E2E, SERIES_LATENCIES };

/* Of a service, or of all. Some 200 bytes a window and 40 KiB. */
struct series_scope {
    struct window_sums *counts;                 /* NULL: nothing of it yet */
    struct window_steps *levels[SERIES_LEVELS]; /* NULL: none of it yet */
    struct window_sketch *latencies[SERIES_LATENCIES];
};

struct series {
    struct windows windows;
    struct series_scope *scopes; /* by service */
    struct window_steps *
        *serving;              /* by pool, with prices: capacity held by Ready pods with a request, x ps */
    simtime *desired_since_ps; /* by demand: since when replicas_wanted is what it is */
    struct serving_pod **live; /* whose GPUs and KV caches are looked at; in no order that matters */
    size_t live_count, live_capacity;
};

/* Makes the scope's counts and latencies. */
void series_scope_begin(struct series_scope *scope, struct windows *w);

/* A level, made when it is first asked for. */
static inline struct window_steps *series_level(struct series_scope *scope, struct windows *w,
                                                enum series_level level) {
    if (!scope->levels[level]) {
        scope->levels[level] = window_steps(w);
    }
    return scope->levels[level];
}

/* A series of values by window on its way into the file. */
struct series_file {
    struct recorder *recorder;
    struct series_times times;
    simtime end_ps;
    size_t count;
    double *values; /* `count`, to be filled before series_put */
    struct error *err;
};
bool series_put(const struct series_file *f, const char *object, const char *metric, const char *units,
                const char *cell_methods);

/* series_cost.c: /timeseries/cost, when there are prices. */
bool series_write_cost(struct world *w, struct series_file *f);

#endif
