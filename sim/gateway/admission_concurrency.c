/* So many requests in flight, waiting or being answered: Envoy's max_requests, Kubernetes' seats. */
#include <math.h>
#include <stdlib.h>

#include "gateway/admission.h"
#include "gateway/tenants.h"

enum { BY_SERVICE, BY_TENANT };

struct concurrency {
    bool by_tenant;
    bool by_replica;
    double limit;
    struct by_tenant limits;    /* double: those of tenants that have one of their own; 0 = not */
    struct by_tenant in_flight; /* uint64_t */
};

static const char *const by_names[] = {"service", "tenant", NULL};
static const char *const of_names[] = {"total", "replica", NULL};

enum { LIMIT, BY, PER, LIMITS };

static const struct dd_option options[] = {
    {.name = "limit",
     .help = "requests let in and not yet ended",
     .type = DD_OPTION_INTEGER,
     .required = 1,
     .low = 0,
     .high = 1e9},
    {.name = "by",
     .help = "whose requests are counted together",
     .type = DD_OPTION_CHOICE,
     .choices = by_names},
    {.name = "per",
     .help = "whether the limit is the service's, or for each Ready replica",
     .type = DD_OPTION_CHOICE,
     .choices = of_names},
    {.name = "limits",
     .help = "tenants with a limit of their own, by tenant",
     .type = DD_OPTION_TENANTS,
     .low = 1,
     .high = 1e9},
    {.name = NULL},
};

static void *create(const struct dd_option_value *values) {
    struct concurrency *c = mem_zalloc(1, sizeof *c);
    c->limit = values[LIMIT].number;
    c->by_tenant = (int)values[BY].number == BY_TENANT;
    c->by_replica = values[PER].number > 0;
    for (uint32_t i = 0; i < values[LIMITS].tenant_count; i++) {
        double *own = by_tenant_item(&c->limits, values[LIMITS].tenants[i], sizeof *own);
        *own = values[LIMITS].tenant_numbers[i];
    }
    return c;
}

static uint64_t *in_flight(struct concurrency *c, uint32_t tenant) {
    return by_tenant_item(&c->in_flight, c->by_tenant ? tenant : 0, sizeof(uint64_t));
}

static double limit_for(const struct concurrency *c, uint32_t tenant) {
    const double *own = c->limits.items;
    return c->by_tenant && tenant < c->limits.count && own[tenant] > 0 ? own[tenant] : c->limit;
}

static const char *check(void *state, const struct admission_request *r, const struct admission_view *view) {
    struct concurrency *c = state;
    double limit = limit_for(c, r->tenant) * (c->by_replica ? view->replicas : 1);
    return (double)*in_flight(c, r->tenant) < limit ? NULL : "too many in flight (concurrency)";
}

static void enter(void *state, const struct admission_request *r, const struct admission_view *view) {
    (void)view;
    ++*in_flight(state, r->tenant);
}

static void ended(void *state, const struct admission_request *r, uint32_t generated, simtime now) {
    (void)generated;
    (void)now;
    --*in_flight(state, r->tenant);
}

static void destroy(void *state) {
    struct concurrency *c = state;
    free(c->limits.items);
    free(c->in_flight.items);
    free(c);
}

const struct admission_ops admission_concurrency = {
    .name = "concurrency",
    .help = "a limit of requests in flight",
    .options = options,
    .create = create,
    .check = check,
    .enter = enter,
    .ended = ended,
    .destroy = destroy,
};
