/* The figures of a ledger: the whole, and each service with its share of what is nobody's. */
#include <stdlib.h>
#include <string.h>

#include "finops/ledger.h"

/* The amounts of a row that are divided when it is shared. */
struct amounts {
    nanousd effective, billed, list;
};

static struct amounts amounts_of(const struct charge *row) {
    return (struct amounts){row->effective_cost, row->billed_cost, row->list_cost};
}

/* Usage is what the work itself took: GPUs while they serve, and what a service's data pays for. Fixed rows
 * and everything around the work are overhead. */
static bool is_usage(const struct charge *row) {
    return row->state == COST_SERVING || row->category == CHARGE_NETWORK || row->category == CHARGE_STORAGE;
}

static bool add_row(struct cost_summary *cost, const struct charge *row, const struct amounts *part,
                    struct error *err) {
    bool ok = money_add(&cost->total, part->effective, err) && money_add(&cost->billed, part->billed, err) &&
              money_add(&cost->list, part->list, err) &&
              money_add(&cost->by_category[row->category], part->effective, err);
    if (ok && row->state < COST_STATES) {
        ok = money_add(&cost->by_state[row->state], part->effective, err);
    }
    return ok && (!is_usage(row) || money_add(&cost->usage, part->effective, err));
}

/* total x times / over; none over nothing. */
static bool unit_cost(nanousd total, uint64_t times, uint64_t over, nanousd *out, struct error *err) {
    *out = NANOUSD_NONE;
    return over == 0 || money_times(total, times, over, out, err);
}

bool ledger_unit_costs(const struct ledger *l, const struct cost_counts *counts, struct cost_summary *cost,
                       struct error *err) {
    uint64_t window = (uint64_t)l->window_ps, hour = (uint64_t)3600 * SIMTIME_SECOND;
    cost->allocated = cost->total;
    cost->month = NANOUSD_NONE;
    if (l->window_ps >= LEDGER_MONTH_WINDOW_LEAST &&
        !money_times(cost->total, (money_amount)LEDGER_MONTH_H * hour, window, &cost->month, err)) {
        return false;
    }
    return unit_cost(cost->total, hour, window, &cost->per_h, err) &&
           unit_cost(cost->total, 1000, counts->requests, &cost->per_1k_requests, err) &&
           unit_cost(cost->total, 1000000, counts->output_tokens, &cost->per_1m_output_tokens, err) &&
           unit_cost(cost->total, 1, counts->good, &cost->per_good_request, err);
}

bool ledger_summary(const struct ledger *l, const struct cost_counts *counts, struct cost_summary *cost,
                    struct error *err) {
    *cost = (struct cost_summary){0};
    for (size_t i = 0; i < l->count; i++) {
        struct amounts whole = amounts_of(&l->charges[i]);
        if (!add_row(cost, &l->charges[i], &whole, err)) {
            return false;
        }
    }
    return ledger_unit_costs(l, counts, cost, err);
}

/* ---- services ---- */

/* Index of the row's service, `count` when it is nobody's. */
static size_t owner_of(const struct charge *row, const char *const *services, size_t count) {
    size_t i = 0;
    while (i < count && (row->service == NULL || strcmp(row->service, services[i]) != 0)) {
        i++;
    }
    return i;
}

static bool add_own(const struct ledger *l, const char *const *services, size_t count,
                    struct cost_summary *costs, struct error *err) {
    for (size_t i = 0; i < l->count; i++) {
        size_t owner = owner_of(&l->charges[i], services, count);
        struct amounts whole = amounts_of(&l->charges[i]);
        if (owner < count && !add_row(&costs[owner], &l->charges[i], &whole, err)) {
            return false;
        }
    }
    return true;
}

/* Scratch for dividing one row: three columns of shares. */
struct division {
    const money_amount *weights;
    nanousd *effective, *billed, *list;
};

static bool share_row(const struct charge *row, const struct division *d, size_t count,
                      struct cost_summary *costs, struct error *err) {
    if (!money_split(row->effective_cost, d->weights, count, d->effective, err) ||
        !money_split(row->billed_cost, d->weights, count, d->billed, err) ||
        !money_split(row->list_cost, d->weights, count, d->list, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct amounts part = {d->effective[i], d->billed[i], d->list[i]};
        if (!add_row(&costs[i], row, &part, err)) {
            return false;
        }
    }
    return true;
}

static bool add_shared(const struct ledger *l, const char *const *services, size_t count,
                       struct cost_summary *costs, struct error *err) {
    money_amount *weights = mem_alloc(count * sizeof *weights);
    nanousd *shares = mem_alloc(3 * count * sizeof *shares);
    struct division d = {weights, shares, shares + count, shares + 2 * count};
    for (size_t i = 0; i < count; i++) {
        weights[i] = (money_amount)costs[i].total;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < l->count; i++) {
        if (owner_of(&l->charges[i], services, count) == count) {
            ok = share_row(&l->charges[i], &d, count, costs, err);
        }
    }
    free(weights);
    free(shares);
    return ok;
}

bool ledger_services(const struct ledger *l, const char *const *services, size_t count,
                     const struct cost_counts *counts, struct cost_summary *costs, struct error *err) {
    if (count == 0) {
        return true;
    }
    memset(costs, 0, count * sizeof *costs);
    bool ok = add_own(l, services, count, costs, err) && add_shared(l, services, count, costs, err);
    for (size_t i = 0; ok && i < count; i++) {
        ok = ledger_unit_costs(l, &counts[i], &costs[i], err);
    }
    return ok;
}
