/* Traffic by weight, for canaries: smooth weighted round robin, as nginx's upstreams do it. Every replica
 * earns its weight with each request, the richest serves it and pays what all have earned. So the shares are
 * exact over any stretch to within a request a replica, and a 9 : 1 canary gets every tenth request, not ten
 * in a row.
 *
 * Load is not looked at. Replicas of weight 0 serve when there are no others (where a Gateway API route
 * answers 500), in turn. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "gateway/router.h"

struct weighted {
    double *earned; /* by replica number: those that come and go leave the others' as they are */
    uint32_t capacity;
};

static void *create(const struct dd_option_value *values) {
    (void)values;
    return mem_zalloc(1, sizeof(struct weighted));
}

static void destroy(void *state) {
    struct weighted *s = state;
    free(s->earned);
    free(s);
}

static void make_room(struct weighted *s, uint32_t replica) {
    if (replica < s->capacity) {
        return;
    }
    uint32_t capacity = 2 * replica + 8;
    s->earned = mem_realloc(s->earned, capacity, sizeof *s->earned);
    memset(s->earned + s->capacity, 0, (capacity - s->capacity) * sizeof *s->earned);
    s->capacity = capacity;
}

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)request;
    (void)uniform;
    struct weighted *s = state;
    double total = 0;
    for (uint32_t i = 0; i < count; i++) {
        make_room(s, candidates[i].replica);
        total += (double)candidates[i].weight;
    }
    bool all_alike = total == 0;
    total = all_alike ? count : total;
    uint32_t best = count;
    for (uint32_t i = 0; i < count; i++) {
        double weight = all_alike ? 1 : (double)candidates[i].weight;
        double *mine = &s->earned[candidates[i].replica];
        *mine += weight;
        if (weight > 0 && (best == count || *mine > s->earned[candidates[best].replica])) {
            best = i;
        }
    }
    s->earned[candidates[best].replica] -= total;
    return best;
}

const struct dd_router_ops router_weighted = {
    .abi = DD_POLICY_ABI,
    .name = "weighted",
    .help = "in turn by the workloads' `weights`, for canaries",
    .create = create,
    .choose = choose,
    .destroy = destroy,
    .deterministic = 1,
    .weighs = 1,
};
