/* The replica that scores highest by what it should have of the prompt, its queue and its KV cache: the
 * default profile of the endpoint picker of the Kubernetes Gateway API Inference Extension and llm-d
 * (approx-prefix-cache-producer, prefix-cache-scorer 3, queue-scorer 2, kv-cache-utilization-scorer 2,
 * max-score-picker; llm-d-inference-scheduler pkg/epp/config/loader/defaults.go).
 *
 * Prefix score: blocks of the prompt that the replica was sent before and that its list of the last
 * `lru_capacity_per_server` blocks still has, over the prompt's blocks. The picker hashes text in blocks of
 * 16 tokens; here a key of the trace stands for the blocks it covers, and a session's prompts are the
 * beginnings of each other. What a replica answered it does not know: a turn's match ends with the prompt
 * before.
 *
 * Not mirrored: autoTune (block size and LRU capacity from the engine's metrics): set them. */
#include <stdlib.h>

#include "base/arena.h"
#include "gateway/prefix_index.h"
#include "gateway/router.h"
#include "gateway/scores.h"

struct prefix_aware {
    double prefix_weight, queue_weight, kv_weight;
    struct prefix_index *index;
    double *scores;
    uint32_t scores_capacity;
};

enum { PREFIX_WEIGHT, QUEUE_WEIGHT, KV_WEIGHT, INDEX };

/* Defaults: those of the plug-ins' own sources (approximateprefix/types.go). */
static const struct dd_option options[] = {
    [PREFIX_WEIGHT] = {.name = "prefix_weight",
                       .help = "weight of a prompt that the replica has had",
                       .type = DD_OPTION_NUMBER,
                       .high = 1e6,
                       .fallback = 3},
    [QUEUE_WEIGHT] = {.name = "queue_weight",
                      .help = "weight of a short queue",
                      .type = DD_OPTION_NUMBER,
                      .high = 1e6,
                      .fallback = 2},
    [KV_WEIGHT] = {.name = "kv_weight",
                   .help = "weight of an empty KV cache",
                   .type = DD_OPTION_NUMBER,
                   .high = 1e6,
                   .fallback = 2},
    PREFIX_INDEX_OPTIONS,
    {.name = NULL},
};

static void *create(const struct dd_option_value *values) {
    struct prefix_aware *s = mem_zalloc(1, sizeof *s);
    s->prefix_weight = values[PREFIX_WEIGHT].number;
    s->queue_weight = values[QUEUE_WEIGHT].number;
    s->kv_weight = values[KV_WEIGHT].number;
    s->index = prefix_index_of_options(values + INDEX);
    return s;
}

static void destroy(void *state) {
    struct prefix_aware *s = state;
    prefix_index_destroy(s->index);
    free(s->scores);
    free(s);
}

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    struct prefix_aware *s = state;
    if (count > s->scores_capacity) {
        s->scores = mem_realloc(s->scores, count, sizeof *s->scores);
        s->scores_capacity = count;
    }
    uint32_t blocks = prefix_index_look(s->index, request);
    double per_block = blocks > 0 ? s->prefix_weight / blocks : 0;
    struct queue_range queues = queue_range_of(candidates, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct dd_candidate *c = &candidates[i];
        uint32_t matched = blocks > 0 ? prefix_index_matched(s->index, c->replica) : 0;
        s->scores[i] = per_block * matched + s->queue_weight * queue_score(&queues, c->waiting) +
                       s->kv_weight * kv_score(c);
    }
    uint32_t chosen = pick_highest(s->scores, count, uniform[0]);
    prefix_index_sent(s->index, request, candidates[chosen].replica, candidates, count);
    return chosen;
}

const struct dd_router_ops router_prefix_aware = {
    .abi = DD_POLICY_ABI,
    .name = "prefix-aware",
    .help = "the best score of the prompt's known beginning, queue and KV cache, as llm-d picks",
    .options = options,
    .create = create,
    .choose = choose,
    .destroy = destroy,
};
