/* The replica with the fewest prompt tokens outstanding: a queue is as long as the work in it, and prompts
 * differ a thousandfold. Ties go to the fewer requests, then to the lowest number. */
#include "gateway/router.h"

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)state;
    (void)request;
    (void)uniform;
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        const struct dd_candidate *c = &candidates[i];
        const struct dd_candidate *b = &candidates[best];
        if (c->tokens < b->tokens || (c->tokens == b->tokens && router_busy(c) < router_busy(b))) {
            best = i;
        }
    }
    return best;
}

const struct dd_router_ops router_least_tokens = {
    .abi = DD_POLICY_ABI,
    .name = "least-tokens",
    .help = "the ready replica with the fewest prompt tokens unanswered",
    .choose = choose,
    .deterministic = 1,
};
