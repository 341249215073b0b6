/* Two different replicas at random, and of the two the one with fewer unanswered requests (Mitzenmacher, IEEE
 * TPDS 2001): nearly as good as knowing them all, with two look-ups. */
#include "gateway/router.h"

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)state;
    (void)request;
    if (count == 1) {
        return 0;
    }
    uint32_t a = (uint32_t)(uniform[0] * count);
    a = a < count ? a : count - 1;
    uint32_t b = (uint32_t)(uniform[1] * (count - 1));
    b = b < count - 1 ? b : count - 2;
    b += b >= a; /* the second is drawn among the others */
    return candidates[b].outstanding < candidates[a].outstanding ? b : a;
}

const struct dd_router_ops router_power_of_two = {
    .abi = DD_POLICY_ABI,
    .name = "power-of-two",
    .help = "the less loaded of two ready replicas drawn at random",
    .choose = choose,
};
