/* The replica that was sent the longest beginning of the prompt, unless load is out of balance: SGLang's
 * router (policy cache_aware of sgl-model-gateway, src/policies/cache_aware.rs; defaults of its command
 * line).
 *
 * Loads are requests sent and not yet answered. When the largest is more than `balance_abs_threshold` above
 * the smallest and more than `balance_rel_threshold` times it, the least loaded one takes the request. Else
 * the one with the longest match, if that is more than `cache_threshold` of the prompt; else the least loaded
 * (older versions: the one with the smallest tree). Ties go to the lowest number.
 *
 * A replica's part of the tree is at most `max_tree_size` characters. SGLang cuts it back every
 * `eviction_interval_secs`; here it is never larger. Prompts are counted in blocks of 16 tokens, 4 characters
 * each (the Gateway API Inference Extension's averageCharactersPerToken). */
#include <stdlib.h>

#include "base/arena.h"
#include "gateway/prefix_index.h"
#include "gateway/router.h"

enum { BLOCK_TOKENS = 16, TOKEN_CHARACTERS = 4 };

struct cache_aware {
    double cache_threshold, absolute, relative;
    struct prefix_index *index;
};

enum { CACHE, ABSOLUTE, RELATIVE, TREE };

static const struct dd_option options[] = {
    [CACHE] = {.name = "cache_threshold",
               .help = "share of the prompt that must match, or the least loaded replica takes it",
               .type = DD_OPTION_NUMBER,
               .high = 1,
               .fallback = 0.3},
    [ABSOLUTE] = {.name = "balance_abs_threshold",
                  .help =
                      "out of balance: requests of the largest load above the smallest are more than this",
                  .type = DD_OPTION_INTEGER,
                  .high = 1e9,
                  .fallback = 64},
    [RELATIVE] = {.name = "balance_rel_threshold",
                  .help = "and the largest load is more than this many times the smallest",
                  .type = DD_OPTION_NUMBER,
                  .high = 1e6,
                  .fallback = 1.5},
    [TREE] = {.name = "max_tree_size",
              .help = "characters of prompts that are remembered of a replica, 4 a token",
              .type = DD_OPTION_INTEGER,
              .low = BLOCK_TOKENS * TOKEN_CHARACTERS,
              .high = 1e9,
              .fallback = 1 << 26},
    {.name = NULL},
};

static void *create(const struct dd_option_value *values) {
    struct cache_aware *s = mem_zalloc(1, sizeof *s);
    s->cache_threshold = values[CACHE].number;
    s->absolute = values[ABSOLUTE].number;
    s->relative = values[RELATIVE].number;
    const struct prefix_index_config config = {.block_tokens = BLOCK_TOKENS,
                                               .blocks_most = UINT32_MAX,
                                               .capacity = (uint64_t)values[TREE].number / TOKEN_CHARACTERS /
                                                           BLOCK_TOKENS,
                                               .is_tree = true};
    s->index = prefix_index_create(&config);
    return s;
}

static void destroy(void *state) {
    struct cache_aware *s = state;
    prefix_index_destroy(s->index);
    free(s);
}

/* Both ends of the loads; ties go to the lowest number. */
struct loads {
    uint32_t least_at;
    uint32_t least, most;
};

static struct loads loads_of(const struct dd_candidate *candidates, uint32_t count) {
    struct loads l = {0, candidates[0].outstanding, candidates[0].outstanding};
    for (uint32_t i = 1; i < count; i++) {
        l.most = candidates[i].outstanding > l.most ? candidates[i].outstanding : l.most;
        if (router_busy(&candidates[i]) < router_busy(&candidates[l.least_at])) {
            l.least_at = i;
        }
    }
    l.least = candidates[l.least_at].outstanding;
    return l;
}

static uint32_t longest_match(const struct cache_aware *s, const struct dd_candidate *candidates,
                              uint32_t count, uint32_t *matched) {
    uint32_t best = 0;
    *matched = prefix_index_matched(s->index, candidates[0].replica);
    for (uint32_t i = 1; i < count; i++) {
        uint32_t mine = prefix_index_matched(s->index, candidates[i].replica);
        if (mine > *matched || (mine == *matched && candidates[i].replica < candidates[best].replica)) {
            *matched = mine;
            best = i;
        }
    }
    return best;
}

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)uniform;
    struct cache_aware *s = state;
    struct loads l = loads_of(candidates, count);
    uint32_t chosen = l.least_at;
    bool out_of_balance = l.most - l.least > s->absolute && l.most > l.least * s->relative;
    if (!out_of_balance) {
        uint32_t blocks = prefix_index_look(s->index, request);
        uint32_t matched = 0;
        uint32_t best = blocks > 0 ? longest_match(s, candidates, count, &matched) : 0;
        chosen = matched > s->cache_threshold * blocks ? best : chosen;
    }
    prefix_index_sent(s->index, request, candidates[chosen].replica, candidates, count);
    return chosen;
}

const struct dd_router_ops router_cache_aware = {
    .abi = DD_POLICY_ABI,
    .name = "cache-aware",
    .help = "the longest known beginning of the prompt while load is in balance, as SGLang's router",
    .options = options,
    .create = create,
    .choose = choose,
    .destroy = destroy,
    .deterministic = 1,
};
