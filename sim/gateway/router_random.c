/* A replica at random with equal chance, as kube-proxy's iptables mode picks an endpoint for each connection.
 */
#include "gateway/router.h"

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)state;
    (void)request;
    (void)candidates;
    uint32_t i = (uint32_t)(uniform[0] * count);
    return i < count ? i : count - 1;
}

const struct dd_router_ops router_random = {
    .abi = DD_POLICY_ABI,
    .name = "random",
    .help = "a ready replica at random, as kube-proxy does",
    .choose = choose,
};
