/* So many requests, or tokens, a second, and `burst` at once: what API gateways call a rate limit.
 *
 * Kept as the generic cell rate algorithm (ITU-T I.371) keeps it: the date at which the bucket will be full
 * again, in whole picoseconds. Nothing is refilled, nothing rounds as time goes by: over any time t, offered
 * enough, exactly burst + rate x t are let in. With unit tokens a prompt is paid for when it comes and its
 * answer when it has ended, as gateways do that read `usage` from the answer; so the bucket may be overdrawn,
 * and stays shut until that is paid. A prompt larger than the bucket is let in when the bucket is full, and
 * overdraws it. */
#include <math.h>
#include <stdlib.h>

#include "gateway/admission.h"
#include "gateway/tenants.h"

enum { BY_SERVICE, BY_TENANT };
enum { REQUESTS, TOKENS };

struct rate {
    simtime each_ps; /* what one request, or token, is in time; 0 = the rate for all */
};

struct token_bucket {
    bool by_tenant, of_tokens;
    struct rate all;
    double burst;
    struct by_tenant rates; /* struct rate: those with one of their own */
    struct by_tenant full;  /* simtime: when the bucket is full again */
};

static const char *const by_names[] = {"service", "tenant", NULL};
static const char *const unit_names[] = {"requests", "tokens", NULL};

enum { RATE, BURST, BY, UNIT, RATES };
static const double RATE_LEAST = 1e-4, RATE_MOST = 1e9;

static const struct dd_option options[] = {
    {.name = "rate",
     .help = "requests or tokens a second",
     .type = DD_OPTION_NUMBER,
     .required = 1,
     .low = RATE_LEAST,
     .high = RATE_MOST},
    {.name = "burst",
     .help = "as many at once; without it what a second brings, and at least 1",
     .type = DD_OPTION_NUMBER,
     .low = 1,
     .high = RATE_MOST,
     .fallback = 0},
    {.name = "by", .help = "whose bucket it is", .type = DD_OPTION_CHOICE, .choices = by_names},
    {.name = "unit",
     .help = "what is counted; tokens: the prompt's at once, the answer's when it has ended",
     .type = DD_OPTION_CHOICE,
     .choices = unit_names},
    {.name = "rates",
     .help = "tenants with a rate of their own, by tenant",
     .type = DD_OPTION_TENANTS,
     .low = RATE_LEAST,
     .high = RATE_MOST},
    {.name = NULL},
};

static simtime each_of(double rate) {
    return simtime_from_s(1 / rate);
}

static void *create(const struct dd_option_value *values) {
    struct token_bucket *b = mem_zalloc(1, sizeof *b);
    b->by_tenant = (int)values[BY].number == BY_TENANT;
    b->of_tokens = (int)values[UNIT].number == TOKENS;
    b->all.each_ps = each_of(values[RATE].number);
    b->burst = values[BURST].number > 0 ? values[BURST].number : 0;
    for (uint32_t i = 0; i < values[RATES].tenant_count; i++) {
        struct rate *r = by_tenant_item(&b->rates, values[RATES].tenants[i], sizeof *r);
        r->each_ps = each_of(values[RATES].tenant_numbers[i]);
    }
    return b;
}

static simtime each_for(const struct token_bucket *b, uint32_t tenant) {
    const struct rate *own = b->rates.items;
    bool has_own = b->by_tenant && tenant < b->rates.count && own[tenant].each_ps > 0;
    return has_own ? own[tenant].each_ps : b->all.each_ps;
}

static simtime *full_of(struct token_bucket *b, uint32_t tenant) {
    return by_tenant_item(&b->full, b->by_tenant ? tenant : 0, sizeof(simtime));
}

/* The bucket's size in time. */
static simtime size_of(const struct token_bucket *b, simtime each_ps) {
    double second = simtime_to_s(SIMTIME_SECOND) / simtime_to_s(each_ps);
    double burst = b->burst > 0 ? b->burst : fmax(second, 1);
    return simtime_from_s(burst * simtime_to_s(each_ps));
}

static simtime cost_of(const struct token_bucket *b, const struct admission_request *r, simtime each_ps) {
    return b->of_tokens ? simtime_times(each_ps, r->input_tokens) : each_ps;
}

static const char *check(void *state, const struct admission_request *r, const struct admission_view *view) {
    struct token_bucket *b = state;
    simtime each = each_for(b, r->tenant);
    simtime cost = cost_of(b, r, each);
    simtime size = size_of(b, each);
    simtime lacks = *full_of(b, r->tenant) - view->now;
    simtime has = lacks > 0 ? size - lacks : size;
    return has >= (cost < size ? cost : size) ? NULL : "rate limit (token-bucket)";
}

static void pay(struct token_bucket *b, uint32_t tenant, simtime cost, simtime now) {
    simtime *full = full_of(b, tenant);
    *full = simtime_add(*full > now ? *full : now, cost);
}

static void enter(void *state, const struct admission_request *r, const struct admission_view *view) {
    struct token_bucket *b = state;
    pay(b, r->tenant, cost_of(b, r, each_for(b, r->tenant)), view->now);
}

static void ended(void *state, const struct admission_request *r, uint32_t generated, simtime now) {
    struct token_bucket *b = state;
    if (b->of_tokens && generated > 0) {
        pay(b, r->tenant, simtime_times(each_for(b, r->tenant), generated), now);
    }
}

static void destroy(void *state) {
    struct token_bucket *b = state;
    free(b->rates.items);
    free(b->full.items);
    free(b);
}

const struct admission_ops admission_token_bucket = {
    .name = "token-bucket",
    .help = "a rate limit: so many a second, and a burst",
    .options = options,
    .create = create,
    .check = check,
    .enter = enter,
    .ended = ended,
    .destroy = destroy,
};
