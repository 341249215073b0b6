/* The replica with the fewest requests sent and not yet answered; ties go to the lowest index. */
#include "gateway/router.h"

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)state;
    (void)request;
    (void)uniform;
    /* Candidates stand in the order of their numbers, so the first of equals is the lowest, and of idle ones
     * there is no need to look further. Four at a time: which is least is then found without branches. */
    enum { AT_A_TIME = 4 };
    uint64_t least = UINT64_MAX;
    uint32_t i = 0;
    for (; i + AT_A_TIME <= count && least >> 32 != 0; i += AT_A_TIME) {
        for (uint32_t k = 0; k < AT_A_TIME; k++) {
            uint64_t key = (uint64_t)candidates[i + k].outstanding << 32 | (i + k);
            least = key < least ? key : least;
        }
    }
    for (; i < count && least >> 32 != 0; i++) {
        uint64_t key = (uint64_t)candidates[i].outstanding << 32 | i;
        least = key < least ? key : least;
    }
    return (uint32_t)least;
}

const struct dd_router_ops router_least_outstanding = {
    .abi = DD_POLICY_ABI,
    .name = "least-outstanding",
    .help = "the ready replica with the fewest unanswered requests",
    .choose = choose,
    .deterministic = 1,
};
