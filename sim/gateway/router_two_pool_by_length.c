/* Long prompts to replicas of their own, so that short ones do not wait behind them: least outstanding among
 * the replicas of the prompt's pool, among the others' when the pool has none. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "gateway/router.h"

struct two_pools {
    uint32_t long_from; /* prompt tokens */
    uint32_t workload_count;
    uint32_t workloads[]; /* those of the long pool */
};

static const struct dd_option options[] = {
    {.name = "long_from",
     .help = "prompt tokens from which on a request is long",
     .type = DD_OPTION_INTEGER,
     .low = 1,
     .high = 1e9,
     .fallback = 4096},
    {.name = "long",
     .help = "the workloads for long requests; the service's others are for the rest",
     .type = DD_OPTION_WORKLOADS,
     .required = 1},
    {.name = NULL},
};

static void *create(const struct dd_option_value *values) {
    uint32_t count = values[1].workload_count;
    struct two_pools *s = mem_zalloc(1, sizeof *s + count * sizeof s->workloads[0]);
    s->long_from = (uint32_t)values[0].number;
    s->workload_count = count;
    memcpy(s->workloads, values[1].workloads, count * sizeof s->workloads[0]);
    return s;
}

static bool is_for_long(const struct two_pools *s, uint32_t workload) {
    for (uint32_t i = 0; i < s->workload_count; i++) {
        if (s->workloads[i] == workload) {
            return true;
        }
    }
    return false;
}

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)uniform;
    static const uint64_t other_pool = 1ull << 63;
    const struct two_pools *s = state;
    bool is_long = request->input_tokens >= s->long_from;
    uint32_t best = 0;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        bool other = is_for_long(s, candidates[i].workload) != is_long;
        uint64_t key = router_busy(&candidates[i]) | (other ? other_pool : 0);
        if (key < least) {
            least = key;
            best = i;
        }
    }
    return best;
}

const struct dd_router_ops router_two_pool_by_length = {
    .abi = DD_POLICY_ABI,
    .name = "two-pool-by-length",
    .help = "long prompts to workloads of their own, least-outstanding within",
    .options = options,
    .create = create,
    .choose = choose,
    .destroy = free,
    .deterministic = 1,
};
