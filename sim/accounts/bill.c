/* The bill of a run: what nodes and pods did, metered once, for the ledger and for the footprint. Without
 * `prices` there is no bill, but still the energy. */
#include <stdlib.h>

#include "accounts/accounts.h"

bool bill_build(struct world *w, struct error *err) {
    const struct scenario *s = &w->scenario;
    transfers_build(w);
    if (!footprint_build(w, err)) {
        return false;
    }
    if (!s->prices) {
        return true;
    }
    w->has_prices = price_book_load(s->prices, s->folder, w->arena, &w->price_book, w->notices, err) &&
                    price_book_pools(&w->price_book, s, w->arena, &w->pool_prices, err);
    if (w->has_prices) {
        price_book_check_places(&w->price_book, s, w->notices);
    }
    return w->has_prices && storage_build(w, err);
}

void bill_outstanding(struct world *w, struct serving_pod *p, int change) {
    simtime now = engine_now(w->engine);
    simtime stop = p->pod->terminating_ps;
    simtime until = stop >= 0 && stop < now ? stop : now; /* what it serves while draining is drain */
    if (p->outstanding > 0) {
        p->working_ps += now - p->outstanding_since_ps;
        p->serving_ps += until > p->outstanding_since_ps ? until - p->outstanding_since_ps : 0;
        p->in_flight_area += (simtime_total)p->outstanding * (now - p->outstanding_since_ps);
    }
    p->outstanding_since_ps = now;
    uint32_t before = p->outstanding;
    p->outstanding = (uint32_t)((int64_t)before + change);
    if (before == 0) {
        p->serving_since_ps = now;
    } else if (p->outstanding == 0) {
        series_served(w, p, p->serving_since_ps);
    }
}

struct meter_node bill_meter_node(const struct world *w, const struct node *n, simtime end) {
    const struct pool_config *p = &w->scenario.pools[n->pool];
    return (struct meter_node){
        .name = n->name,
        .pool = p->name,
        .instance_type = p->instance_type,
        .zone = p->zone,
        .region = scenario_zone_region(&w->scenario, p->zone),
        .gpu = p->gpu,
        .gpus = p->gpus,
        .cpu = p->cpu,
        .memory_bytes = p->memory_bytes,
        .requested_ps = n->requested_ps,
        .ready_ps = n->ready_ps,
        .end_ps = n->deleted_ps >= 0 ? n->deleted_ps : end,
    };
}

int64_t bill_capacity_held(const struct world *w, const struct pod *pod) {
    bool on_gpus = w->scenario.pools[cluster_node(w->cluster, (size_t)pod->node)->pool].gpus > 0;
    return on_gpus ? w->workloads[pod->demand].gpus : w->demands[pod->demand].cpu_milli;
}

static struct meter_gap *gaps_of(const struct world *w, const struct pod *pod, size_t *count) {
    size_t n = 0;
    for (const struct outage *o = pod->outages; o; o = o->before) {
        n++;
    }
    *count = n;
    struct meter_gap *gaps = n > 0 ? arena_array(w->arena, n, sizeof *gaps) : NULL;
    for (const struct outage *o = pod->outages; o; o = o->before) {
        gaps[--n] = (struct meter_gap){o->from_ps, o->to_ps};
    }
    return gaps;
}

static struct meter_pod meter_of_pod(const struct world *w, const struct pod *pod) {
    size_t gap_count;
    const struct meter_gap *gaps = gaps_of(w, pod, &gap_count);
    const struct workload_state *load = &w->workloads[pod->demand];
    const struct serving_pod *p = pod->owner_data;
    double working_s = p ? simtime_to_s(p->working_ps) : 0;
    return (struct meter_pod){
        .workload = w->demands[pod->demand].workload,
        .service = load->service >= 0 ? w->services[load->service].name : NULL,
        .holds = bill_capacity_held(w, pod),
        .bound_ps = pod->bound_ps,
        .ready_ps = pod->ready_ps,
        .terminating_ps = pod->terminating_ps,
        .gone_ps = pod->gone_ps,
        .serving_ps = p ? p->serving_ps : 0,
        .batch = working_s > 0 ? simtime_total_to_s(p->in_flight_area) / working_s : 0,
        .gaps = gaps,
        .gap_count = gap_count,
    };
}

size_t bill_meter_pods(const struct world *w, size_t node, struct meter_pod *pods) {
    size_t count = 0;
    const struct pod *pod = cluster_node(w->cluster, node)->first_pod;
    for (; pod; pod = pod->next_on_node) {
        pods[count++] = meter_of_pod(w, pod);
    }
    return count;
}

static bool bill_node(struct world *w, size_t node, struct meter_pod *pods, simtime end, struct error *err) {
    size_t count = bill_meter_pods(w, node, pods);
    const struct node *n = cluster_node(w->cluster, node);
    struct meter_node meter = bill_meter_node(w, n, end);
    footprints_node(&w->footprints, &w->carbon, &meter, pods, count);
    return !w->has_prices || (ledger_node(&w->ledger, &meter, &w->pool_prices[n->pool], pods, count, err) &&
                              storage_node(w, n->pool, &meter, err));
}

bool bill_make(struct world *w, const struct summary *s, struct error *err) {
    simtime end = engine_now(w->engine);
    for (size_t i = 0; i < w->serving_count; i++) {
        bill_outstanding(w, w->pods[i], 0);
    }
    ledger_init(&w->ledger, w->arena, end);
    footprint_begin(w, s);
    struct meter_pod *pods = mem_zalloc(cluster_pod_count(w->cluster), sizeof *pods);
    bool ok = true;
    for (size_t n = 0; ok && n < cluster_node_count(w->cluster); n++) {
        ok = bill_node(w, n, pods, end, err);
    }
    free(pods);
    return ok && transfers_make(w, err) &&
           (!w->has_prices || (storage_claims(w, err) && ledger_fixed(&w->ledger, &w->price_book, err)));
}

struct cost_counts bill_counts(const struct scope *s) {
    return (struct cost_counts){
        .requests = s->counts.completed, .good = s->good_in_all, .output_tokens = s->output_tokens_in_all};
}

struct cost_figures bill_cost_figures(const struct cost_summary *c) {
    struct cost_figures f = {
        .present = true,
        .total = c->total,
        .billed = c->billed,
        .month = c->month,
        .per_h = c->per_h,
        .per_1k_requests = c->per_1k_requests,
        .per_1m_output_tokens = c->per_1m_output_tokens,
        .per_good_request = c->per_good_request,
        .usage = c->usage,
        .allocated = c->allocated,
    };
    for (int i = 0; i < COST_FIGURE_CATEGORIES; i++) {
        f.by_category[i] = c->by_category[i];
    }
    for (int i = 0; i < COST_FIGURE_STATES; i++) {
        f.by_state[i] = c->by_state[i];
    }
    return f;
}
_Static_assert((int)COST_FIGURE_CATEGORIES == (int)CHARGE_CATEGORIES &&
                   (int)COST_FIGURE_STATES == (int)COST_STATES,
               "the summary names the ledger's categories and states");

static bool service_figures(struct world *w, struct summary *s, struct error *err) {
    const char **names = arena_array(w->arena, s->service_count, sizeof *names);
    struct cost_counts *counts = arena_array(w->arena, s->service_count, sizeof *counts);
    struct cost_summary *costs = arena_array(w->arena, s->service_count, sizeof *costs);
    for (size_t i = 0; i < s->service_count; i++) {
        names[i] = s->services[i].name;
        counts[i] = bill_counts(&w->told[i]->scope);
    }
    if (!ledger_services(&w->ledger, names, s->service_count, counts, costs, err)) {
        return false;
    }
    for (size_t i = 0; i < s->service_count; i++) {
        s->services[i].cost = bill_cost_figures(&costs[i]);
    }
    return allocation_figures(w, s, costs, err);
}

bool bill_figures(struct world *w, struct summary *s, struct error *err) {
    footprint_figures(w, s);
    if (!w->has_prices) {
        return true;
    }
    struct cost_counts counts = bill_counts(&w->all);
    struct cost_summary cost;
    if (!ledger_summary(&w->ledger, &counts, &cost, err)) {
        return false;
    }
    s->all.cost = bill_cost_figures(&cost);
    return service_figures(w, s, err);
}
