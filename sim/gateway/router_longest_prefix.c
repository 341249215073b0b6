/* The replica that was sent the longest beginning of the prompt, whatever its load; one at random of several:
 * vLLM production-stack's routing logic `prefixaware` (vllm_router/prefix/hashtrie.py: a trie of hashes of
 * 128 characters, 32 tokens at 4 characters each, and the set of endpoints at each node). Without a match any
 * replica is as good, and one is drawn.
 *
 * The real trie grows without bound; this one remembers `remembered` blocks of a replica. */
#include <stdlib.h>

#include "base/arena.h"
#include "gateway/prefix_index.h"
#include "gateway/router.h"
#include "gateway/scores.h"

enum { BLOCK_TOKENS = 32 };

struct longest_prefix {
    struct prefix_index *index;
    double *matched;
    uint32_t capacity;
};

static const struct dd_option options[] = {
    {.name = "remembered",
     .help = "blocks of 32 prompt tokens that are remembered of a replica",
     .type = DD_OPTION_INTEGER,
     .low = 1,
     .high = 1e7,
     .fallback = 1e6},
    {.name = NULL},
};

static void *create(const struct dd_option_value *values) {
    struct longest_prefix *s = mem_zalloc(1, sizeof *s);
    const struct prefix_index_config config = {.block_tokens = BLOCK_TOKENS,
                                               .blocks_most = UINT32_MAX,
                                               .capacity = (uint64_t)values[0].number,
                                               .is_tree = true};
    s->index = prefix_index_create(&config);
    return s;
}

static void destroy(void *state) {
    struct longest_prefix *s = state;
    prefix_index_destroy(s->index);
    free(s->matched);
    free(s);
}

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    struct longest_prefix *s = state;
    if (count > s->capacity) {
        s->matched = mem_realloc(s->matched, count, sizeof *s->matched);
        s->capacity = count;
    }
    prefix_index_look(s->index, request);
    for (uint32_t i = 0; i < count; i++) {
        s->matched[i] = prefix_index_matched(s->index, candidates[i].replica);
    }
    uint32_t chosen = pick_highest(s->matched, count, uniform[0]);
    prefix_index_sent(s->index, request, candidates[chosen].replica, candidates, count);
    return chosen;
}

const struct dd_router_ops router_longest_prefix = {
    .abi = DD_POLICY_ABI,
    .name = "longest-prefix",
    .help = "the longest known beginning of the prompt, as vLLM production-stack's prefixaware",
    .options = options,
    .create = create,
    .choose = choose,
    .destroy = destroy,
};
