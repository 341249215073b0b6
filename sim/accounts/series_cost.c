/* The bill over time: every charge spread over the windows it is for, so that a series' integral is the
 * charges' sum. What a node cost while it or its pods started and drained is spread over just that; what the
 * Ready pods and the free capacity of a pool cost, by the capacity that had or had no request in each window.
 * Other charges are spread evenly over their time. */
#include <stdlib.h>
#include <string.h>

#include "accounts/series.h"

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
    size_t charge; /* of the ledger: where the next node's are, which follow each other as nodes do */
    double *usd[COST_SERIES]; /* by window */
};

/* Evenly from `from` to `to`; what has no length is of the window it is in. */
static void spread(const struct cost_series *c, simtime from, simtime to, double cost, double *usd) {
    const struct windows *w = &c->w->series->windows;
    size_t k = (size_t)(from / w->interval_ps);
    if (to <= from || k >= c->file->count) {
        usd[k < c->file->count ? k : c->file->count - 1] += cost;
        return;
    }
    for (; k < c->file->count && (simtime)k * w->interval_ps < to; k++) {
        simtime begin = (simtime)k * w->interval_ps;
        simtime end = begin + w->interval_ps < to ? begin + w->interval_ps : to;
        begin = begin > from ? begin : from;
        usd[k] += cost * ((double)(end - begin) / (double)(to - from));
    }
}

static double usd_of(nanousd cost) {
    return (double)cost / nanousd_per_usd;
}

/* ---- what nodes cost ---- */

/* Of the nodes of a pool: what Ready capacity cost, and capacity x ps of it without a request. */
struct pool_cost {
    struct window_steps *idle;
    nanousd states[COST_STATES];
};

static bool is_ready(const struct meter_part *part) {
    return part->state == COST_SERVING || part->state == COST_IDLE;
}

static bool has_free_capacity(const struct meter_part *parts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!parts[i].pod && parts[i].state == COST_IDLE) {
            return true;
        }
    }
    return false;
}

static bool is_gap(const struct meter_part *p) {
    return p->state == COST_START_UP && p->pod->ready_ps >= 0 && p->from_ps >= p->pod->ready_ps;
}

/* A pod's serving and idle parts share its time Ready: here it is idle whole, and what all pods of the pool
 * served is taken off at the end. Free capacity is the node's less what its pods hold at the time; where
 * there is some, idle pods change nothing in it. */
static void add_idle(struct windows *w, const struct meter_node *node, const struct meter_part *parts,
                     size_t count, struct window_steps *idle) {
    bool free_capacity = has_free_capacity(parts, count);
    const struct meter_pod *before = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct meter_part *p = &parts[i];
        if (!p->pod && is_ready(p)) {
            window_steps_span(idle, w, p->from_ps, p->to_ps, meter_capacity(node));
        } else if (p->pod && !is_ready(p) && (free_capacity || is_gap(p))) {
            window_steps_span(idle, w, p->from_ps, p->to_ps, -p->pod->holds);
        } else if (p->pod && is_ready(p) && !free_capacity && p->pod != before) {
            window_steps_span(idle, w, p->from_ps, p->to_ps, p->pod->holds);
        }
        before = is_ready(p) ? p->pod : NULL;
    }
}

/* The node's charges by state. */
static void take_charges(struct cost_series *c, const char *node, nanousd *states) {
    const struct ledger *l = &c->w->ledger;
    bool found = false;
    for (; c->charge < l->count; c->charge++) {
        const struct charge *charge = &l->charges[c->charge];
        if (charge->category == CHARGE_COMPUTE && strcmp(charge->resource, node) == 0) {
            states[charge->state] += charge->effective_cost;
            found = true;
        } else if (found) {
            return;
        }
    }
}

/* Starting and draining are of this node and of known dates. */
static void spread_dated(const struct cost_series *c, const struct meter_part *parts, size_t count,
                         const nanousd *states) {
    double whole[COST_STATES] = {0};
    for (size_t i = 0; i < count; i++) {
        whole[parts[i].state] += (double)parts[i].weight;
    }
    for (size_t i = 0; i < count; i++) {
        const struct meter_part *p = &parts[i];
        if (!is_ready(p)) {
            double cost = usd_of(states[p->state]) * ((double)p->weight / whole[p->state]);
            spread(c, p->from_ps, p->to_ps, cost, c->usd[p->state]);
        }
    }
}

static void add_node(struct cost_series *c, size_t index, struct meter_pod *pods, struct pool_cost *pools) {
    struct world *w = c->w;
    const struct node *n = cluster_node(w->cluster, index);
    struct meter_node node = bill_meter_node(w, n, c->file->end_ps);
    simtime from;
    simtime billed;
    if (n->requested_ps < 0 || !billing_interval(w->pool_prices[n->pool].price, node.requested_ps,
                                                 node.ready_ps, node.end_ps, &from, &billed)) {
        return;
    }
    size_t pods_there = bill_meter_pods(w, index, pods);
    struct meter_part *parts = mem_alloc(meter_parts_most(pods, pods_there) * sizeof *parts);
    size_t count = meter_split(&node, from, pods, pods_there, parts);
    nanousd states[COST_STATES] = {0};
    if (count > 0) {
        take_charges(c, node.name, states);
    }
    spread_dated(c, parts, count, states);
    add_idle(&w->series->windows, &node, parts, count, pools[n->pool].idle);
    for (int i = 0; i < COST_STATES; i++) {
        pools[n->pool].states[i] += states[i];
    }
    free(parts);
}

/* By capacity x time; evenly if there is none. */
static void spread_ready(const struct cost_series *c, const struct window_steps *use, nanousd cost,
                         double *usd) {
    size_t count = c->file->count;
    simtime_total *areas = mem_zalloc(count, sizeof *areas);
    simtime_total whole = 0;
    window_steps_values(use, &c->w->series->windows, count, areas);
    for (size_t k = 0; k < count; k++) {
        whole += areas[k];
    }
    for (size_t k = 0; k < count && whole > 0; k++) {
        usd[k] += usd_of(cost) * ((double)areas[k] / (double)whole);
    }
    if (whole <= 0) {
        spread(c, 0, c->file->end_ps, usd_of(cost), usd);
    }
    free(areas);
}

static void spread_nodes(struct cost_series *c) {
    struct world *w = c->w;
    struct windows *windows = &w->series->windows;
    size_t pod_count = cluster_pod_count(w->cluster);
    struct meter_pod *pods = mem_zalloc(pod_count, sizeof *pods);
    struct pool_cost *pools = mem_zalloc(w->scenario.pool_count, sizeof *pools);
    for (size_t i = 0; i < w->scenario.pool_count; i++) {
        pools[i].idle = window_steps(windows);
    }
    for (size_t n = 0; n < cluster_node_count(w->cluster); n++) {
        add_node(c, n, pods, pools);
    }
    for (size_t i = w->scenario.pool_count; i-- > 0;) {
        const struct window_steps *serving = w->series->serving[i];
        window_steps_add(pools[i].idle, serving, windows, -1);
        spread_ready(c, serving, pools[i].states[COST_SERVING], c->usd[COST_SERVING]);
        spread_ready(c, pools[i].idle, pools[i].states[COST_IDLE], c->usd[COST_IDLE]);
        windows_drop(windows, &pools[i].idle->part);
    }
    free(pools);
    free(pods);
}

/* ---- the rest ---- */

static void spread_others(const struct cost_series *c) {
    static const int series_of[CHARGE_CATEGORIES] = {
        [CHARGE_NETWORK] = COST_SERIES_NETWORK,
        [CHARGE_STORAGE] = COST_SERIES_STORAGE,
        [CHARGE_FIXED] = COST_SERIES_FIXED,
    };
    const struct ledger *l = &c->w->ledger;
    for (size_t i = 0; i < l->count; i++) {
        if (l->charges[i].category != CHARGE_COMPUTE) {
            const struct charge *charge = &l->charges[i];
            spread(c, charge->start_ps, charge->end_ps, usd_of(charge->effective_cost),
                   c->usd[series_of[charge->category]]);
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
    spread_nodes(&c);
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
