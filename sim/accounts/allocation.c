/* Who used what: the share of each request in the steps of its replicas, what that cost, and the tenants'
 * costs that follow from it. docs/cost.md has the rule. */
#include <stdlib.h>
#include <string.h>

#include "accounts/accounts.h"

static const double usd_per_nanousd_ps = 1 / (3600e12 * 1e9); /* dollars in a ps at a nano-dollar an hour */

/* What one of the replica's servers costs an hour: the price of the node's share that its pod holds. */
bool allocation_pod(struct world *w, struct serving_pod *p, struct error *err) {
    if (!w->has_prices || p->pod->node < 0) {
        return true;
    }
    const struct node *n = cluster_node(w->cluster, (size_t)p->pod->node);
    struct meter_node meter = bill_meter_node(w, n, engine_now(w->engine));
    money_amount of = (money_amount)meter_capacity(&meter) * p->replica->servers;
    return money_times(w->pool_prices[n->pool].price->rate, (money_amount)bill_capacity_held(w, p->pod), of,
                       &p->server_per_h, err);
}

/* By names[] index of the tenant, 0 for requests that name none; made when first asked for. */
static money_amount *used_by(struct world *w, uint32_t tenant) {
    struct scope *scope = scope_of_tenant(w, tenant);
    money_amount **used = scope ? &scope->used : &w->used_by_nobody;
    if (!*used) {
        *used = mem_zalloc(w->service_count, sizeof **used);
    }
    return *used;
}

void allocation_release(struct world *w, const struct serving_pod *p, struct request *r) {
    if (r->work_ps == 0) {
        return;
    }
    r->compute_ps += r->work_ps;
    if (p->server_per_h > 0) {
        money_amount used = (money_amount)r->work_ps * (uint64_t)p->server_per_h;
        r->cost_usd += (double)r->work_ps * (double)p->server_per_h * usd_per_nanousd_ps;
        used_by(w, r->tenant)[r->service] += used;
    }
    r->work_ps = 0;
}

/* ---- tenants ---- */

static uint32_t tenant_called(struct world *w, const char *name) {
    return trace_names_intern(&w->names, name, strlen(name));
}

/* Tenants in the summary's order, requests that name none last. */
static struct tenant_use use_of(struct world *w, const struct summary *s, money_amount *used) {
    struct tenant_use use = {used, s->tenant_count + 1, s->service_count};
    for (size_t t = 0; t < use.tenant_count; t++) {
        const money_amount *from = used_by(w, t < s->tenant_count ? tenant_called(w, s->tenants[t].name) : 0);
        for (size_t i = 0; i < use.service_count; i++) {
            used[t * use.service_count + i] = from[w->told[i] - w->services];
        }
    }
    return use;
}

bool allocation_figures(struct world *w, struct summary *s, const struct cost_summary *services,
                        struct error *err) {
    size_t count = s->tenant_count + 1;
    money_amount *used = mem_zalloc(count * s->service_count + 1, sizeof *used);
    struct cost_counts *counts = arena_array(w->arena, count, sizeof *counts);
    struct cost_summary *costs = arena_array(w->arena, count, sizeof *costs);
    struct tenant_use use = use_of(w, s, used);
    for (size_t t = 0; t < s->tenant_count; t++) {
        counts[t] = bill_counts(w->tenants[tenant_called(w, s->tenants[t].name)]);
    }
    bool ok = ledger_tenants(&w->ledger, services, &use, counts, costs, err);
    for (size_t t = 0; ok && t < s->tenant_count; t++) {
        s->tenants[t].cost = bill_cost_figures(&costs[t]);
    }
    free(used);
    return ok;
}
