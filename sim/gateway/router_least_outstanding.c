/* The replica with the fewest requests sent and not yet answered; ties go to the lowest index. */
#include "gateway/router.h"

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)state;
    (void)request;
    (void)uniform;
    uint32_t best = 0;
    uint64_t least = router_busy(&candidates[0]);
    for (uint32_t i = 1; i < count; i++) {
        uint64_t key = router_busy(&candidates[i]);
        best = key < least ? i : best;
        least = key < least ? key : least;
    }
    return best;
}

const struct dd_router_ops router_least_outstanding = {
    .abi = DD_POLICY_ABI,
    .name = "least-outstanding",
    .help = "the ready replica with the fewest unanswered requests",
    .choose = choose,
    .deterministic = 1,
};
