/* Each request to the next replica in turn. */
#include <stdlib.h>

#include "base/arena.h"
#include "gateway/router.h"

struct round_robin {
    /* by its number in the service, so that replicas that come and go do not shift the turn */
    uint32_t last_replica;
    bool started;
};

static void *create(const struct dd_option_value *values) {
    (void)values;
    return mem_zalloc(1, sizeof(struct round_robin));
}

/* The first candidate after the last one served, in order of replica number, wrapping around. */
static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)request;
    (void)uniform;
    struct round_robin *s = state;
    uint32_t next = count;
    uint32_t lowest = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t replica = candidates[i].replica;
        if (replica < candidates[lowest].replica) {
            lowest = i;
        }
        if (s->started && replica > s->last_replica &&
            (next == count || replica < candidates[next].replica)) {
            next = i;
        }
    }
    if (next == count) {
        next = lowest;
    }
    s->started = true;
    s->last_replica = candidates[next].replica;
    return next;
}

const struct dd_router_ops router_round_robin = {
    .abi = DD_POLICY_ABI,
    .name = "round-robin",
    .help = "each request to the next ready replica in turn",
    .create = create,
    .choose = choose,
    .destroy = free,
    .deterministic = 1,
};
