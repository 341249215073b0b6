/* Fair queueing across tenants by virtual token counters (VTC: Sheng et al., Fairness in Serving Large
 * Language Models, arXiv 2401.00588, algorithm 2), at the gateway.
 *
 * Every tenant has a counter of the work it was given, in weighted tokens over its weight. Requests wait at
 * the gateway, each tenant's in order of arrival; when a replica has room, the tenant with the least counter
 * among those that wait goes on (the lowest number among equals). Its counter then grows by w_in x prompt
 * tokens, and by w_out x generated tokens when the answer has ended: a gateway reads `usage` from the last
 * event of the answer, where VTC, inside the engine, counts token by token. What was charged stays charged,
 * given up or failed.
 *
 * Counter lift: who begins to wait is lifted to the least counter of those that wait, or, when nobody does,
 * to that of the tenant that was the last to; so nobody saves up while idle.
 *
 * The bound: counters of tenants that wait are never further apart than U = max(w_in, w_out) x M / least
 * weight, where M is no less than the tokens, prompts and answers, of the requests that are at replicas at
 * one time: here the most prompt tokens there at a time, and as many of the longest answer as there were
 * requests at most. (A tenant that goes on has the least counter; until its turn comes again its counter
 * grows by no more than what it has at replicas; and the least counter of those that wait never falls.) So
 * over any time in which two tenants wait throughout, what they are given differs by at most 2 U: the paper's
 * theorem, with M for the tokens of a batch. The largest distance that was seen is kept beside it. */
#include <stdlib.h>

#include "base/arena.h"
#include "gateway/admission.h"
#include "gateway/release.h"
#include "gateway/tenants.h"

struct counter {
    double tokens;    /* weighted, over the tenant's weight */
    double weight;    /* 0 = 1 */
    uint32_t waiting; /* its requests at the gateway */
    uint32_t place;   /* in `backlogged`, while it waits */
};

struct vtc {
    struct release release;
    double w_in, w_out, least_weight;
    struct by_tenant counters;
    uint32_t *backlogged; /* tenants that wait */
    uint32_t backlogged_count, backlogged_capacity;
    uint32_t last; /* the tenant that was the last to wait, when nobody does */
    bool has_last;
    /* of the requests at replicas */
    uint64_t prompts, most_prompts; /* tokens */
    uint64_t in_flight, most_in_flight;
    uint32_t longest_answer;
    double largest_gap;
};

enum { W_IN = RELEASE_OPTION_COUNT, W_OUT, WEIGHTS };

static const struct dd_option options[] = {
    RELEASE_OPTIONS,
    {.name = "w_in",
     .help = "what a prompt token counts",
     .type = DD_OPTION_NUMBER,
     .low = 0,
     .high = 1e6,
     .fallback = 1},
    {.name = "w_out",
     .help = "what a generated token counts",
     .type = DD_OPTION_NUMBER,
     .low = 0,
     .high = 1e6,
     .fallback = 2},
    {.name = "weights",
     .help = "shares of the service, by tenant; 1 for others",
     .type = DD_OPTION_TENANTS,
     .low = 1e-3,
     .high = 1e3},
    {.name = NULL},
};

static struct counter *counter_of(struct vtc *v, uint32_t tenant) {
    return by_tenant_item(&v->counters, tenant, sizeof(struct counter));
}

static void *create(const struct dd_option_value *values) {
    struct vtc *v = mem_zalloc(1, sizeof *v);
    v->release = release_of(values);
    v->w_in = values[W_IN].number;
    v->w_out = values[W_OUT].number;
    v->least_weight = 1;
    for (uint32_t i = 0; i < values[WEIGHTS].tenant_count; i++) {
        double weight = values[WEIGHTS].tenant_numbers[i];
        counter_of(v, values[WEIGHTS].tenants[i])->weight = weight;
        v->least_weight = weight < v->least_weight ? weight : v->least_weight;
    }
    return v;
}

static void charge(struct vtc *v, uint32_t tenant, double tokens) {
    struct counter *c = counter_of(v, tenant);
    c->tokens += tokens / (c->weight > 0 ? c->weight : 1);
}

/* The tenant that goes next. A scan: tenants that wait at one time are few. */
static uint32_t next(void *state) {
    struct vtc *v = state;
    const struct counter *counters = v->counters.items;
    uint32_t best = v->backlogged[0];
    double most = counters[best].tokens;
    for (uint32_t i = 1; i < v->backlogged_count; i++) {
        uint32_t tenant = v->backlogged[i];
        double tokens = counters[tenant].tokens;
        bool less = tokens < counters[best].tokens || (tokens == counters[best].tokens && tenant < best);
        best = less ? tenant : best;
        most = tokens > most ? tokens : most;
    }
    double gap = most - counters[best].tokens;
    v->largest_gap = gap > v->largest_gap ? gap : v->largest_gap;
    return best;
}

static void lift(struct vtc *v, struct counter *c) {
    const struct counter *counters = v->counters.items;
    double least = v->has_last ? counters[v->last].tokens : 0;
    for (uint32_t i = 0; i < v->backlogged_count; i++) {
        double tokens = counters[v->backlogged[i]].tokens;
        least = i == 0 || tokens < least ? tokens : least;
    }
    c->tokens = c->tokens > least ? c->tokens : least;
}

static void queued(void *state, uint32_t tenant) {
    struct vtc *v = state;
    struct counter *c = counter_of(v, tenant);
    if (c->waiting++ > 0) {
        return;
    }
    lift(v, c);
    if (v->backlogged_count == v->backlogged_capacity) {
        v->backlogged_capacity = v->backlogged_capacity ? 2 * v->backlogged_capacity : 16;
        v->backlogged = mem_realloc(v->backlogged, v->backlogged_capacity, sizeof *v->backlogged);
    }
    c->place = v->backlogged_count;
    v->backlogged[v->backlogged_count++] = tenant;
}

static void left(void *state, uint32_t tenant) {
    struct vtc *v = state;
    struct counter *c = counter_of(v, tenant);
    if (--c->waiting > 0) {
        return;
    }
    uint32_t moved = v->backlogged[--v->backlogged_count];
    v->backlogged[c->place] = moved;
    counter_of(v, moved)->place = c->place;
    if (v->backlogged_count == 0) {
        v->last = tenant;
        v->has_last = true;
    }
}

static void released(void *state, const struct admission_request *r) {
    struct vtc *v = state;
    left(v, r->tenant);
    charge(v, r->tenant, v->w_in * r->input_tokens);
    v->prompts += r->input_tokens;
    v->in_flight++;
    v->most_prompts = v->prompts > v->most_prompts ? v->prompts : v->most_prompts;
    v->most_in_flight = v->in_flight > v->most_in_flight ? v->in_flight : v->most_in_flight;
}

static void ended(void *state, const struct admission_request *r, uint32_t generated, simtime now) {
    (void)now;
    struct vtc *v = state;
    charge(v, r->tenant, v->w_out * generated);
    v->prompts -= r->input_tokens;
    v->in_flight--;
    v->longest_answer = generated > v->longest_answer ? generated : v->longest_answer;
}

static struct admission_gap gap(const void *state) {
    const struct vtc *v = state;
    double tokens = (double)v->most_prompts + (double)v->most_in_flight * v->longest_answer;
    double heavier = v->w_in > v->w_out ? v->w_in : v->w_out;
    return (struct admission_gap){.largest = v->largest_gap, .bound = heavier * tokens / v->least_weight};
}

static bool has_room(void *state, const struct admission_view *view) {
    return release_has_room(&((struct vtc *)state)->release, view);
}

static void destroy(void *state) {
    struct vtc *v = state;
    free(v->counters.items);
    free(v->backlogged);
    free(v);
}

const struct admission_ops admission_vtc = {
    .name = "vtc",
    .help = "fair queueing by tenant: holds requests at the gateway, whoever was given least goes on",
    .options = options,
    .create = create,
    .ended = ended,
    .order = &(const struct admission_order){.queued = queued,
                                             .gave_up = left,
                                             .has_room = has_room,
                                             .next = next,
                                             .released = released,
                                             .gap = gap},
    .destroy = destroy,
};
