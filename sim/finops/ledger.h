/* sim/finops/ledger.h: from meters to charges to figures.
 *
 * A charge is a row of /charges: what was used, by whom, in which state, at what price, for how much. The
 * total is the sum of the rows, in whole nano-dollars, so it is the same in any order. A node's bill is one
 * product, price x billed time, rounded once, and then split over its states and workloads by largest
 * remainder: the parts add up to it exactly. Pure: no clock, no engine.
 *
 *     ledger_init(&ledger, arena, window);
 *     for each node   ledger_node(&ledger, &node, pool_price, pods, pod_count, err);
 *     for each pair   ledger_transfer(&ledger, &transfer, price, err);
 *     ledger_fixed(&ledger, &book, err);
 *     ledger_summary(&ledger, &counts, &cost, err);
 */
#ifndef DRYDOCK_FINOPS_LEDGER_H
#define DRYDOCK_FINOPS_LEDGER_H

#include "finops/meter.h"
#include "finops/price_book.h"
#include "record/record.h"

enum charge_category { CHARGE_COMPUTE, CHARGE_NETWORK, CHARGE_STORAGE, CHARGE_FIXED, CHARGE_CATEGORIES };
extern const char *const charge_category_names[]; /* ended by NULL */

/* Some 200 bytes. Texts are borrowed; NULL is none. */
struct charge {
    const char *resource, *resource_type; /* "h100-0", "node"; "a>b", "transfer"; ... */
    const char *pool, *instance_type, *zone, *region, *purchase;
    const char *workload, *service;
    const char *pricing_unit; /* "Hours", "GB", "GB-Months" */
    uint8_t category;         /* enum charge_category */
    uint8_t state;            /* enum cost_state; COST_STATELESS for what is no node */
    simtime start_ps, end_ps;
    double consumed_quantity; /* what was used */
    double pricing_quantity;  /* what was billed: with minimum and granularity */
    nanousd unit_price;
    nanousd list_cost;       /* at the on-demand price, where the book has one */
    nanousd contracted_cost; /* these three are equal as long as there are no commitments */
    nanousd effective_cost;
    nanousd billed_cost;
};

extern const struct column charge_columns[]; /* of /charges */

struct ledger {
    struct arena *arena;
    simtime window_ps; /* from time 0 to the end of the run */
    struct charge *charges;
    size_t count, capacity;
};

void ledger_init(struct ledger *ledger, struct arena *arena, simtime window_ps);

/* Charges a node's time: a row for each state, workload and service on it. Pods are those that were ever
 * bound to it. A node whose bill never started adds nothing. */
bool ledger_node(struct ledger *ledger, const struct meter_node *node, const struct pool_price *price,
                 const struct meter_pod *pods, size_t pod_count, struct error *err);

/* Bytes from one place to another over the window. Nothing when `price` is NULL or no byte went. */
struct meter_transfer {
    const char *from, *to; /* names, for the row */
    const char *zone, *region, *workload, *service;
    uint64_t bytes;
};
bool ledger_transfer(struct ledger *ledger, const struct meter_transfer *transfer,
                     const struct transfer_price *price, struct error *err);

/* Bytes kept from one date to another; rounded to milliseconds. */
struct meter_storage {
    const char *name, *pool, *zone, *region, *workload, *service;
    uint64_t bytes;
    simtime from_ps, to_ps;
};
bool ledger_storage(struct ledger *ledger, const struct meter_storage *storage,
                    const struct storage_price *price, struct error *err);

/* The book's fixed rows over the window. */
bool ledger_fixed(struct ledger *ledger, const struct price_book *book, struct error *err);

/* ---- figures (ledger_summary.c) ---- */

/* What the unit costs are over. */
struct cost_counts {
    uint64_t requests;      /* completed */
    uint64_t good;          /* met every objective */
    uint64_t output_tokens; /* of completed requests */
};

/* NANOUSD_NONE where there is none: a month below 7 days, a unit cost over nothing. */
struct cost_summary {
    nanousd total;  /* effective */
    nanousd billed; /* equal without commitments */
    nanousd list;
    nanousd month; /* total x 730 h / window: a projection */
    nanousd per_h;
    nanousd per_1k_requests;
    nanousd per_1m_output_tokens;
    nanousd per_good_request;
    nanousd usage;     /* what the work took: serving compute and what its data paid for */
    nanousd allocated; /* with start-up, idle, drain and what is shared: all of it */
    nanousd by_category[CHARGE_CATEGORIES];
    nanousd by_state[COST_STATES]; /* of compute; they add up to by_category[CHARGE_COMPUTE] */
};

enum { LEDGER_MONTH_H = 730 };
#define LEDGER_MONTH_WINDOW_LEAST ((simtime)7 * 86400 * SIMTIME_SECOND)

bool ledger_summary(const struct ledger *ledger, const struct cost_counts *counts, struct cost_summary *cost,
                    struct error *err);

/* The same for each of `count` services. A row that bears a service's name is its own; the others (capacity
 * that nobody holds, nodes that start, fixed rows) are shared by what each service's own rows cost, equally
 * when none cost anything. The totals of the services add up to the total of the ledger, exactly. */
bool ledger_services(const struct ledger *ledger, const char *const *services, size_t count,
                     const struct cost_counts *counts, struct cost_summary *costs, struct error *err);

/* What was used of each service by tenant: a row of `service_count` amounts a tenant, in any one unit. */
struct tenant_use {
    const money_amount *used; /* tenant_count x service_count */
    size_t tenant_count, service_count;
};

/* Divides the services' costs among tenants by what they used of each: by state, category and all. A service
 * that nobody used goes by what was used in all; nothing is divided where nothing was used. The tenants'
 * costs add up to the services', exactly. `counts` and `costs` are by tenant. */
bool ledger_tenants(const struct ledger *ledger, const struct cost_summary *services,
                    const struct tenant_use *use, const struct cost_counts *counts,
                    struct cost_summary *costs, struct error *err);

/* month, per_h and the unit costs, of a total over the ledger's window. */
bool ledger_unit_costs(const struct ledger *ledger, const struct cost_counts *counts,
                       struct cost_summary *cost, struct error *err);

#endif
