/* Routes: which service an attempt for a model goes to. The share is drawn when the request is made, from
 * (seed, model, request) alone; the fallbacks are asked at the gateway, in order, with what it knows then.
 *
 * A service is saturated when it has no Ready replica that the gateway saw with few enough requests waiting
 * and enough KV cache free: the Gateway API Inference Extension's detector. A fallback is another model in
 * LiteLLM's sense; what it falls back to itself is not asked. */
#include <stdio.h>

#include "accounts/accounts.h"
#include "base/rng.h"
#include "run/run_private.h"

const struct route_target *models_target(const struct world *w, uint32_t route, uint64_t id,
                                         uint32_t choice) {
    const struct route_choice *c = &w->routes[route - 1].choices[choice];
    if (c->target_count == 1) {
        return c->targets;
    }
    struct rng rng = rng_stream_id(w->seed, RNG_MODEL_ROUTE, w->routes[route - 1].stream ^ id);
    double drawn = rng_uniform(&rng);
    for (uint32_t k = 0; k < choice; k++) { /* each has a draw of its own */
        drawn = rng_uniform(&rng);
    }
    uint32_t i = 0;
    while (i + 1 < c->target_count && drawn >= c->targets[i].until) {
        i++;
    }
    return &c->targets[i];
}

static bool is_saturated(struct world *w, const struct model_route *route, struct service_state *s) {
    candidates_see(w, s);
    for (uint32_t i = 0; i < s->candidate_count; i++) {
        const struct dd_candidate *c = &s->candidates[i];
        if (c->waiting <= route->waiting_most && c->kv_permille <= route->kv_permille_most) {
            return false;
        }
    }
    return true;
}

static void take(struct world *w, struct request *r, const struct route_target *target, uint32_t choice) {
    struct model_route *route = &w->routes[r->route - 1];
    uint32_t from = r->service;
    route->choices[choice].taken++;
    arrivals_move(w, r, target);
    if (from != r->service) {
        scopes_moved(w, r, from);
        series_moved(w, r, from);
    }
    if (choice > 0 && r->watched) {
        char text[256];
        snprintf(text, sizeof text, "falls back to %.80s (service %.80s)", route->choices[choice].name,
                 w->services[r->service].name);
        diary_note(w->diary, r, engine_now(w->engine), text);
    }
}

/* Asks one after the other; the first that lets the request in takes it. */
static bool ask(struct world *w, struct request *r, bool saturated_too, const char **reason) {
    const struct model_route *route = &w->routes[r->route - 1];
    for (uint32_t k = 0; k < route->choice_count; k++) {
        const struct route_target *target = models_target(w, r->route, r->id, k);
        struct service_state *s = &w->services[target->service];
        if (!saturated_too && route->choice_count > 1 && is_saturated(w, route, s)) {
            continue;
        }
        const char *why = door_why_not(w, s, r);
        if (!why) {
            take(w, r, target, k);
            return true;
        }
        *reason = k == 0 ? why : *reason;
    }
    return false;
}

/* When all are saturated or turn it away it is its own targets' again: to wait there, or to hear why not. */
const char *models_why_not(struct world *w, struct request *r) {
    const char *reason = NULL;
    w->routes[r->route - 1].attempts++;
    if (ask(w, r, false, &reason) || ask(w, r, true, &reason)) {
        return NULL;
    }
    take(w, r, models_target(w, r->route, r->id, 0), 0);
    return reason;
}
