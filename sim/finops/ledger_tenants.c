/* Who pays for it: the services' costs by tenant. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "finops/ledger.h"

struct division {
    money_amount *weights; /* by tenant */
    nanousd *parts;
    size_t count;
};

static money_amount sum(const struct division *d) {
    money_amount all = 0;
    for (size_t t = 0; t < d->count; t++) {
        all += d->weights[t];
    }
    return all;
}

/* By what tenants used of the service, or of all services when nobody used this one; false when of none. */
static bool weigh(const struct tenant_use *use, size_t service, struct division *d) {
    for (size_t t = 0; t < d->count; t++) {
        d->weights[t] = use->used[t * use->service_count + service];
    }
    if (sum(d) == 0) {
        for (size_t t = 0; t < d->count; t++) {
            for (size_t s = 0; s < use->service_count; s++) {
                d->weights[t] += use->used[t * use->service_count + s];
            }
        }
    }
    while (sum(d) > MONEY_AMOUNT_MAX) { /* in a week of a large fleet, at some bits' worth */
        for (size_t t = 0; t < d->count; t++) {
            d->weights[t] /= 2;
        }
    }
    return sum(d) > 0;
}

/* Adds the parts of `amount` to a member of each tenant's cost, `offset` bytes into it. */
static bool share(nanousd amount, const struct division *d, struct cost_summary *costs, size_t offset,
                  struct error *err) {
    if (!money_split(amount, d->weights, d->count, d->parts, err)) {
        return false;
    }
    for (size_t t = 0; t < d->count; t++) {
        nanousd *member = (nanousd *)((char *)&costs[t] + offset);
        if (!money_add(member, d->parts[t], err)) {
            return false;
        }
    }
    return true;
}

#define SHARE(member) share(service->member, d, costs, offsetof(struct cost_summary, member), err)

static bool share_service(const struct cost_summary *service, const struct division *d,
                          struct cost_summary *costs, struct error *err) {
    bool ok = SHARE(billed) && SHARE(list);
    for (int state = 0; ok && state < COST_STATES; state++) {
        ok = SHARE(by_state[state]);
    }
    for (int category = CHARGE_COMPUTE + 1; ok && category < CHARGE_CATEGORIES; category++) {
        ok = SHARE(by_category[category]);
    }
    return ok;
}

/* Compute is the sum of its states, the total that of its categories: so it is for services, too. */
static bool sum_up(struct cost_summary *c, struct error *err) {
    bool ok = true;
    for (int state = 0; ok && state < COST_STATES; state++) {
        ok = money_add(&c->by_category[CHARGE_COMPUTE], c->by_state[state], err);
    }
    for (int category = 0; ok && category < CHARGE_CATEGORIES; category++) {
        ok = money_add(&c->total, c->by_category[category], err);
    }
    return ok && money_add(&c->usage, c->by_state[COST_SERVING], err) &&
           money_add(&c->usage, c->by_category[CHARGE_NETWORK], err) &&
           money_add(&c->usage, c->by_category[CHARGE_STORAGE], err);
}

bool ledger_tenants(const struct ledger *l, const struct cost_summary *services, const struct tenant_use *use,
                    const struct cost_counts *counts, struct cost_summary *costs, struct error *err) {
    if (use->tenant_count == 0) {
        return true;
    }
    memset(costs, 0, use->tenant_count * sizeof *costs);
    struct division d = {mem_alloc(use->tenant_count * sizeof *d.weights),
                         mem_alloc(use->tenant_count * sizeof *d.parts), use->tenant_count};
    bool ok = true;
    for (size_t s = 0; ok && s < use->service_count; s++) {
        ok = !weigh(use, s, &d) || share_service(&services[s], &d, costs, err);
    }
    free(d.weights);
    free(d.parts);
    for (size_t t = 0; ok && t < use->tenant_count; t++) {
        ok = sum_up(&costs[t], err) && ledger_unit_costs(l, &counts[t], &costs[t], err);
    }
    return ok;
}
