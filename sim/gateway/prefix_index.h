/* sim/gateway/prefix_index.h: which prompts a gateway has sent to which replica: its guess of what their
 * prefix caches hold. It never asks them; answers, and what a replica has evicted, it does not know.
 *
 * Prompts are counted in blocks of `block_tokens`. What a replica was sent is kept up to `capacity` blocks a
 * replica, the least recently sent first out, in one of two ways:
 *
 * - as a list of blocks each by itself, the first of a prompt older than its last (the indexer of the Gateway
 *   API Inference Extension: a replica's match counts what it has of the blocks that somebody has);
 * - as a tree, whose leaves go first (SGLang's router, vLLM production-stack): a match is a whole beginning.
 *
 * An entry is 32 bytes and stands for one key of a request's prefix. Those of replicas that are gone go when
 * there are twice as many as there are candidates. */
#ifndef DRYDOCK_GATEWAY_PREFIX_INDEX_H
#define DRYDOCK_GATEWAY_PREFIX_INDEX_H

#include <stdbool.h>

#include "drydock_policy.h"

struct prefix_index;

struct prefix_index_config {
    uint32_t block_tokens;
    uint32_t blocks_most; /* of a prompt, beginning with its first; what comes after is not looked at */
    uint64_t capacity;    /* blocks a replica */
    bool is_tree;
};

/* The options of llm-d's indexer, as rows at the end of a router's table, with the defaults of its source
 * (approximateprefix/types.go); and the index that they ask for: a list. */
enum { PREFIX_INDEX_OPTION_COUNT = 3 };
#define PREFIX_INDEX_OPTIONS                                                                                 \
    {.name = "block_size_tokens",                                                                            \
     .help = "prompt tokens of a block",                                                                     \
     .type = DD_OPTION_INTEGER,                                                                              \
     .low = 1,                                                                                               \
     .high = 1e6,                                                                                            \
     .fallback = 16},                                                                                        \
        {.name = "max_prefix_blocks_to_match",                                                               \
         .help = "blocks of a prompt that are looked at, from its first on",                                 \
         .type = DD_OPTION_INTEGER,                                                                          \
         .low = 1,                                                                                           \
         .high = 1e6,                                                                                        \
         .fallback = 256},                                                                                   \
    {                                                                                                        \
        .name = "lru_capacity_per_server", .help = "blocks that are remembered of a replica",                \
        .type = DD_OPTION_INTEGER, .low = 1, .high = 1e7, .fallback = 31250                                  \
    }

struct prefix_index *prefix_index_of_options(const struct dd_option_value *values);

struct prefix_index *prefix_index_create(const struct prefix_index_config *config);
void prefix_index_destroy(struct prefix_index *x); /* NULL is harmless */

/* Looks a request up, for prefix_index_matched; answers its blocks, a last one that is not full included. 0
 * when it is shorter than a block, or nothing is known of its prefix. */
uint32_t prefix_index_look(struct prefix_index *x, const struct dd_route_request *request);

/* Blocks of the request looked up last that the replica should have. */
uint32_t prefix_index_matched(const struct prefix_index *x, uint32_t replica);

/* The request goes to this replica of those. */
void prefix_index_sent(struct prefix_index *x, const struct dd_route_request *request, uint32_t replica,
                       const struct dd_candidate *candidates, uint32_t count);

uint64_t prefix_index_entries(const struct prefix_index *x);

#endif
