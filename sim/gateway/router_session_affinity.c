/* The requests of a session to the replica that had the session's others, by rendezvous hashing (Thaler and
 * Ravishankar, IEEE/ACM ToN 1998): every replica has a score for the session, the highest takes it. A replica
 * that goes gives its sessions to those that were second for them and nobody else's move; one that comes
 * takes from all alike. No table, no memory.
 *
 * With a bound c, replicas that hold c times their even share of the unanswered requests are passed over, and
 * the session spills to its next best (Mirrokni, Thorup and Zadimoghaddam, SODA 2018, with scores in place of
 * their ring). The share counts the request that is being routed, so that some replica always has room. */
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "gateway/router.h"

struct session_affinity {
    double bound;
};

static const struct dd_option options[] = {
    {.name = "bound",
     .help =
         "most requests of a replica, as a multiple of the mean; what is above goes to the session's next "
         "replica",
     .type = DD_OPTION_NUMBER,
     .low = 1,
     .high = 1000,
     .fallback = INFINITY},
    {.name = NULL},
};

static void *create(const struct dd_option_value *values) {
    struct session_affinity *s = mem_zalloc(1, sizeof *s);
    s->bound = values[0].number;
    return s;
}

static uint64_t score(uint64_t session, uint32_t replica) {
    return hash64(&session, sizeof session, replica);
}

static double capacity(double bound, const struct dd_candidate *candidates, uint32_t count) {
    uint64_t outstanding = 1;
    for (uint32_t i = 0; i < count; i++) {
        outstanding += candidates[i].outstanding;
    }
    return ceil(bound * (double)outstanding / count);
}

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    const struct session_affinity *s = state;
    if (request->session == 0) {
        return router_least_outstanding.choose(NULL, request, candidates, count, uniform);
    }
    double most = isinf(s->bound) ? INFINITY : capacity(s->bound, candidates, count);
    uint32_t best = count;
    uint64_t best_score = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t mine = score(request->session, candidates[i].replica);
        if (candidates[i].outstanding + 1.0 <= most && (best == count || mine > best_score)) {
            best = i;
            best_score = mine;
        }
    }
    return best;
}

const struct dd_router_ops router_session_affinity = {
    .abi = DD_POLICY_ABI,
    .name = "session-affinity",
    .help = "a session's requests to one replica, by hashing; requests of no session as least-outstanding",
    .options = options,
    .create = create,
    .choose = choose,
    .destroy = free,
    .deterministic = 1,
};
