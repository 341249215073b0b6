#include "finops/ledger.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *const charge_category_names[] = {"compute", "network", "storage", "fixed", NULL};

#define HOUR ((money_amount)3600 * SIMTIME_SECOND)
#define GIGABYTE ((money_amount)1000000000)
#define MILLISECOND (SIMTIME_SECOND / 1000)
#define MONTH_MS ((money_amount)LEDGER_MONTH_H * 3600 * 1000)

/* ---- columns ---- */

#define COLUMN(name, type, member, units, long_name)                                                         \
    { name, type, offsetof(struct charge, member), units, long_name, NULL, NULL }
#define TEXT(member, long_name) COLUMN(#member, COLUMN_TEXT, member, "1", long_name)
#define NANOUSD(name, member, long_name) COLUMN(name, COLUMN_I64, member, "1e-9 USD", long_name)

const struct column charge_columns[] = {
    TEXT(resource, "node, pair of places, storage or fixed row"),
    TEXT(resource_type, "node, transfer, storage or fixed"),
    TEXT(pool, "pool of the node"),
    TEXT(instance_type, "what the cloud calls the node"),
    TEXT(zone, "zone"),
    TEXT(region, "region"),
    TEXT(purchase, "on-demand, spot or reserved"),
    {"category", COLUMN_ENUM8, offsetof(struct charge, category), "1", "what kind of charge",
     charge_category_names, NULL},
    {"state", COLUMN_ENUM8, offsetof(struct charge, state), "1", "what the node's capacity was doing",
     cost_state_names, NULL},
    TEXT(workload, "namespace/kind/name; empty when shared"),
    TEXT(service, "service; empty when shared"),
    COLUMN("start_s", COLUMN_SECONDS_PS, start_ps, "s", "from"),
    COLUMN("end_s", COLUMN_SECONDS_PS, end_ps, "s", "until"),
    COLUMN("consumed_quantity", COLUMN_F64, consumed_quantity, "1", "used, in pricing units"),
    COLUMN("pricing_quantity", COLUMN_F64, pricing_quantity, "1",
           "billed, in pricing units: with minimum and granularity"),
    TEXT(pricing_unit, "Hours, GB or GB-Months"),
    NANOUSD("unit_price_nano_usd", unit_price, "price of a pricing unit"),
    NANOUSD("list_cost_nano_usd", list_cost, "at the on-demand price"),
    NANOUSD("contracted_cost_nano_usd", contracted_cost, "at the negotiated price"),
    NANOUSD("effective_cost_nano_usd", effective_cost, "with commitments amortised; cost.total_usd"),
    NANOUSD("billed_cost_nano_usd", billed_cost, "on the invoice; cost.billed_usd"),
    {NULL, COLUMN_F64, 0, NULL, NULL, NULL, NULL},
};

/* ---- rows ---- */

void ledger_init(struct ledger *ledger, struct arena *arena, simtime window_ps) {
    *ledger = (struct ledger){.arena = arena, .window_ps = window_ps};
}

static struct charge *add_charge(struct ledger *l, const struct charge *charge) {
    l->charges = arena_grow(l->arena, l->charges, l->count, l->count + 1, &l->capacity, sizeof *l->charges);
    l->charges[l->count] = *charge;
    return &l->charges[l->count++];
}

/* Until there are commitments one figure is all of them. */
static void set_cost(struct charge *charge, nanousd cost, nanousd list) {
    charge->contracted_cost = charge->effective_cost = charge->billed_cost = cost;
    charge->list_cost = list;
}

static double hours(simtime time) {
    return simtime_to_s(time) / 3600;
}

/* ---- nodes ---- */

/* The parts of a node that make one row, by workload, service and state. */
struct bill {
    const struct meter_node *node;
    const struct pool_price *price;
    simtime from, billed;
    struct charge *rows;
    money_amount *weights;
    size_t count;
};

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct charge *row_of_part(struct bill *b, const struct meter_part *part) {
    const char *workload = part->pod != NULL ? part->pod->workload : NULL;
    const char *service = part->pod != NULL ? part->pod->service : NULL;
    for (size_t i = 0; i < b->count; i++) {
        struct charge *row = &b->rows[i];
        if (row->state == part->state && same_text(row->workload, workload) &&
            same_text(row->service, service)) {
            return row;
        }
    }
    const struct meter_node *node = b->node;
    b->weights[b->count] = 0;
    b->rows[b->count] = (struct charge){.resource = node->name,
                                        .resource_type = "node",
                                        .pool = node->pool,
                                        .instance_type = node->instance_type,
                                        .zone = node->zone,
                                        .region = node->region,
                                        .purchase = purchase_names[b->price->purchase],
                                        .category = CHARGE_COMPUTE,
                                        .state = (uint8_t)part->state,
                                        .workload = workload,
                                        .service = service,
                                        .pricing_unit = "Hours",
                                        .unit_price = b->price->price->rate,
                                        .start_ps = part->from_ps,
                                        .end_ps = part->to_ps};
    return &b->rows[b->count++];
}

static void gather_rows(struct bill *b, const struct meter_part *parts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct charge *row = row_of_part(b, &parts[i]);
        row->start_ps = parts[i].from_ps < row->start_ps ? parts[i].from_ps : row->start_ps;
        row->end_ps = parts[i].to_ps > row->end_ps ? parts[i].to_ps : row->end_ps;
        b->weights[row - b->rows] += parts[i].weight;
    }
}

/* price x billed time, rounded once, then divided; `costs` has a place for each row. */
static bool divide(const struct bill *b, nanousd rate, nanousd *costs, struct error *err) {
    nanousd whole;
    return money_times(rate, (money_amount)b->billed, HOUR, &whole, err) &&
           money_split(whole, b->weights, b->count, costs, err);
}

static bool charge_rows(struct ledger *l, struct bill *b, nanousd *costs, nanousd *lists, struct error *err) {
    const struct node_price *list = b->price->list != NULL ? b->price->list : b->price->price;
    if (!divide(b, b->price->price->rate, costs, err) || !divide(b, list->rate, lists, err)) {
        return false;
    }
    double whole = 0;
    for (size_t i = 0; i < b->count; i++) {
        whole += (double)b->weights[i];
    }
    for (size_t i = 0; i < b->count; i++) {
        double share = (double)b->weights[i] / whole;
        b->rows[i].consumed_quantity = share * hours(b->node->end_ps - b->from);
        b->rows[i].pricing_quantity = share * hours(b->billed);
        set_cost(&b->rows[i], costs[i], lists[i]);
        add_charge(l, &b->rows[i]);
    }
    return true;
}

bool ledger_node(struct ledger *l, const struct meter_node *node, const struct pool_price *price,
                 const struct meter_pod *pods, size_t pod_count, struct error *err) {
    struct bill bill = {.node = node, .price = price};
    if (!billing_interval(price->price, node->requested_ps, node->ready_ps, node->end_ps, &bill.from,
                          &bill.billed)) {
        return true;
    }
    size_t most = meter_parts_most(pods, pod_count);
    struct meter_part *parts = mem_alloc(most * sizeof *parts);
    bill.rows = mem_alloc(most * sizeof *bill.rows);
    bill.weights = mem_alloc(most * sizeof *bill.weights);
    nanousd *costs = mem_alloc(2 * most * sizeof *costs);
    size_t count = meter_split(node, bill.from, pods, pod_count, parts);
    gather_rows(&bill, parts, count);
    bool ok = charge_rows(l, &bill, costs, costs + most, err);
    free(parts);
    free(bill.rows);
    free(bill.weights);
    free(costs);
    return ok;
}

/* ---- the rest ---- */

bool ledger_transfer(struct ledger *l, const struct meter_transfer *transfer,
                     const struct transfer_price *price, struct error *err) {
    nanousd cost;
    if (price == NULL || transfer->bytes == 0) {
        return true;
    }
    if (!money_times(price->rate, transfer->bytes, GIGABYTE, &cost, err)) {
        return false;
    }
    double quantity = (double)transfer->bytes / 1e9;
    struct charge row = {.resource = arena_printf(l->arena, "%s>%s", transfer->from, transfer->to),
                         .resource_type = "transfer",
                         .zone = transfer->zone,
                         .region = transfer->region,
                         .category = CHARGE_NETWORK,
                         .state = COST_STATELESS,
                         .workload = transfer->workload,
                         .service = transfer->service,
                         .pricing_unit = "GB",
                         .unit_price = price->rate,
                         .end_ps = l->window_ps,
                         .consumed_quantity = quantity,
                         .pricing_quantity = quantity};
    set_cost(&row, cost, cost);
    add_charge(l, &row);
    return true;
}

bool ledger_storage(struct ledger *l, const struct meter_storage *storage, const struct storage_price *price,
                    struct error *err) {
    nanousd cost;
    if (price == NULL || storage->bytes == 0 || storage->to_ps <= storage->from_ps) {
        return true;
    }
    uint64_t time_ms = (uint64_t)((storage->to_ps - storage->from_ps + MILLISECOND / 2) / MILLISECOND);
    money_amount amount = (money_amount)storage->bytes * time_ms;
    if (!money_times(price->rate, amount, GIGABYTE * MONTH_MS, &cost, err)) {
        return false;
    }
    double quantity = (double)amount / (double)(GIGABYTE * MONTH_MS);
    struct charge row = {.resource = storage->name,
                         .resource_type = "storage",
                         .pool = storage->pool,
                         .zone = storage->zone,
                         .region = storage->region,
                         .category = CHARGE_STORAGE,
                         .state = COST_STATELESS,
                         .workload = storage->workload,
                         .service = storage->service,
                         .pricing_unit = "GB-Months",
                         .unit_price = price->rate,
                         .start_ps = storage->from_ps,
                         .end_ps = storage->to_ps,
                         .consumed_quantity = quantity,
                         .pricing_quantity = quantity};
    set_cost(&row, cost, cost);
    add_charge(l, &row);
    return true;
}

bool ledger_fixed(struct ledger *l, const struct price_book *book, struct error *err) {
    for (size_t i = 0; i < book->fixed_count; i++) {
        const struct fixed_price *price = &book->fixed[i];
        nanousd cost;
        if (!money_times(price->rate, (money_amount)l->window_ps, HOUR, &cost, err)) {
            return false;
        }
        struct charge row = {.resource = price->name,
                             .resource_type = "fixed",
                             .category = CHARGE_FIXED,
                             .state = COST_STATELESS,
                             .pricing_unit = "Hours",
                             .unit_price = price->rate,
                             .end_ps = l->window_ps,
                             .consumed_quantity = hours(l->window_ps),
                             .pricing_quantity = hours(l->window_ps)};
        set_cost(&row, cost, cost);
        add_charge(l, &row);
    }
    return true;
}
