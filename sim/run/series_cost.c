/* The bill over time: every charge spread over the windows it is for, so that a series' integral is the
 * charges' sum. What nodes cost follows what happened on them: the compute charges of a pool and a state are
 * spread by the capacity that was in that state, window by window. Other charges are spread evenly. */
#include <stdlib.h>
#include <string.h>

#include "run/series.h"

enum {
    COST_SERIES_NETWORK = COST_STATES,
    COST_SERIES_STORAGE,
    COST_SERIES_FIXED,
    COST_SERIES_TOTAL,
    COST_SERIES,
};
static const char *const metrics[COST_SERIES] = {
    [COST_SERVING] = "serving_usd_per_h",
    [COST_START_UP] = "start_up_usd_per_h",
    [COST_IDLE] = "idle_usd_per_h",
    [COST_DRAIN] = "drain_usd_per_h",
    [COST_SERIES_NETWORK] = "network_usd_per_h",
    [COST_SERIES_STORAGE] = "storage_usd_per_h",
    [COST_SERIES_FIXED] = "fixed_usd_per_h",
    [COST_SERIES_TOTAL] = "total_usd_per_h",
};
static const double nanousd_per_usd = 1e9;

struct cost_series {
    struct world *w;
    struct series_file *file;
    double *usd[COST_SERIES]; /* by window */
};

/* ---- what nodes cost ---- */

/* Capacity x ps by state and window, of one pool. */
struct pool_use {
    struct window_steps *states[COST_STATES];
};

static bool has_free_capacity(const struct meter_part *parts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!parts[i].pod && parts[i].state == COST_IDLE) {
            return true;
        }
    }
    return false;
}

/* A pod's serving and idle parts share its time Ready: here it is idle whole, and what all pods of the pool
 * served is taken off at the end. Free capacity is the node's less what its pods hold at the time; where
 * there is some, idle pods change nothing in it. */
static void add_parts(struct windows *w, const struct meter_node *node, const struct meter_part *parts,
                      size_t count, struct pool_use *use) {
    bool free_capacity = has_free_capacity(parts, count);
    const struct meter_pod *before = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct meter_part *p = &parts[i];
        int64_t holds = p->pod ? p->pod->holds : meter_capacity(node);
        bool is_ready = p->state == COST_SERVING || p->state == COST_IDLE;
        if (!is_ready) {
            window_steps_span(use->states[p->state], w, p->from_ps, p->to_ps, holds);
        }
        if (!p->pod && is_ready) {
            window_steps_span(use->states[COST_IDLE], w, p->from_ps, p->to_ps, holds);
        } else if (p->pod && !is_ready && free_capacity) {
            window_steps_span(use->states[COST_IDLE], w, p->from_ps, p->to_ps, -holds);
        } else if (p->pod && is_ready && !free_capacity && p->pod != before) {
            window_steps_span(use->states[COST_IDLE], w, p->from_ps, p->to_ps, holds);
        }
        before = is_ready ? p->pod : NULL;
    }
}

static void add_node(struct world *w, size_t index, simtime end, struct meter_pod *pods,
                     struct meter_part *parts, struct pool_use *use) {
    const struct node *n = cluster_node(w->cluster, index);
    struct meter_node node = bill_meter_node(w, n, end);
    simtime from;
    simtime billed;
    if (!billing_interval(w->pool_prices[n->pool].price, node.requested_ps, node.ready_ps, node.end_ps, &from,
                          &billed)) {
        return;
    }
    size_t pod_count = bill_meter_pods(w, index, pods);
    size_t count = meter_split(&node, from, pods, pod_count, parts);
    add_parts(&w->series->windows, &node, parts, count, use);
}

static nanousd charged(const struct ledger *l, const char *pool, enum cost_state state) {
    nanousd sum = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct charge *c = &l->charges[i];
        if (c->category == CHARGE_COMPUTE && c->state == (uint8_t)state && strcmp(c->pool, pool) == 0) {
            sum += c->effective_cost;
        }
    }
    return sum;
}

static void spread_state(const struct cost_series *c, const struct window_steps *use, nanousd cost,
                         double *usd) {
    size_t count = c->file->count;
    simtime_total *areas = mem_zalloc(count, sizeof *areas);
    simtime_total whole = 0;
    window_steps_values(use, &c->w->series->windows, count, areas);
    for (size_t k = 0; k < count; k++) {
        whole += areas[k];
    }
    for (size_t k = 0; k < count && whole > 0; k++) {
        usd[k] += (double)cost / nanousd_per_usd * ((double)areas[k] / (double)whole);
    }
    free(areas);
}

static void spread_pool(const struct cost_series *c, uint32_t pool) {
    struct world *w = c->w;
    struct windows *windows = &w->series->windows;
    size_t pod_count = cluster_pod_count(w->cluster);
    struct meter_pod *pods = mem_zalloc(pod_count, sizeof *pods);
    struct meter_part *parts = mem_zalloc(meter_parts_most(pod_count), sizeof *parts);
    struct pool_use use = {{0}};
    for (int i = 0; i < COST_STATES; i++) {
        use.states[i] = window_steps(windows);
    }
    for (size_t n = 0; n < cluster_node_count(w->cluster); n++) {
        if (cluster_node(w->cluster, n)->pool == pool) {
            add_node(w, n, c->file->end_ps, pods, parts, &use);
        }
    }
    window_steps_add(use.states[COST_SERVING], w->series->serving[pool], windows, 1);
    window_steps_add(use.states[COST_IDLE], w->series->serving[pool], windows, -1);
    for (int i = 0; i < COST_STATES; i++) {
        nanousd cost = charged(&w->ledger, w->scenario.pools[pool].name, (enum cost_state)i);
        spread_state(c, use.states[i], cost, c->usd[i]);
    }
    for (int i = COST_STATES - 1; i >= 0; i--) {
        windows_drop(windows, &use.states[i]->part);
    }
    free(parts);
    free(pods);
}

/* ---- the rest ---- */

/* Evenly from its start to its end; what has no length is of the window it is in. */
static void spread_charge(const struct cost_series *c, const struct charge *charge, double *usd) {
    const struct windows *w = &c->w->series->windows;
    double cost = (double)charge->effective_cost / nanousd_per_usd;
    simtime length = charge->end_ps - charge->start_ps;
    size_t k = (size_t)(charge->start_ps / w->interval_ps);
    if (length <= 0 || k >= c->file->count) {
        usd[k < c->file->count ? k : c->file->count - 1] += cost;
        return;
    }
    for (; k < c->file->count && (simtime)k * w->interval_ps < charge->end_ps; k++) {
        simtime from = (simtime)k * w->interval_ps;
        simtime to = from + w->interval_ps < charge->end_ps ? from + w->interval_ps : charge->end_ps;
        from = from > charge->start_ps ? from : charge->start_ps;
        usd[k] += cost * ((double)(to - from) / (double)length);
    }
}

static void spread_others(const struct cost_series *c) {
    static const int series_of[CHARGE_CATEGORIES] = {
        [CHARGE_NETWORK] = COST_SERIES_NETWORK,
        [CHARGE_STORAGE] = COST_SERIES_STORAGE,
        [CHARGE_FIXED] = COST_SERIES_FIXED,
    };
    const struct ledger *l = &c->w->ledger;
    for (size_t i = 0; i < l->count; i++) {
        if (l->charges[i].category != CHARGE_COMPUTE) {
            spread_charge(c, &l->charges[i], c->usd[series_of[l->charges[i].category]]);
        }
    }
}

/* ---- the whole ---- */

static bool put_rates(const struct cost_series *c) {
    struct series_file *f = c->file;
    bool ok = true;
    for (int i = 0; ok && i < COST_SERIES; i++) {
        for (size_t k = 0; k < f->count; k++) {
            double hours = simtime_to_s(windows_covered(&c->w->series->windows, k, f->end_ps)) / 3600;
            f->values[k] = c->usd[i][k] / hours;
        }
        ok = series_put(f, "cost", metrics[i], "USD/h", "time: mean");
    }
    return ok;
}

bool series_write_cost(struct world *w, struct series_file *f) {
    if (!w->has_prices || f->count == 0) {
        return true;
    }
    struct cost_series c = {.w = w, .file = f};
    for (int i = 0; i < COST_SERIES; i++) {
        c.usd[i] = mem_zalloc(f->count, sizeof *c.usd[i]);
    }
    for (uint32_t pool = 0; pool < w->scenario.pool_count; pool++) {
        spread_pool(&c, pool);
    }
    spread_others(&c);
    for (int i = 0; i < COST_SERIES_TOTAL; i++) {
        for (size_t k = 0; k < f->count; k++) {
            c.usd[COST_SERIES_TOTAL][k] += c.usd[i][k];
        }
    }
    bool ok = put_rates(&c);
    for (int i = 0; i < COST_SERIES; i++) {
        free(c.usd[i]);
    }
    return ok;
}
