/* sim/llm/prefix_cache.h: the KV blocks of past prompts that a replica still has, as vLLM's automatic
 * prefix caching keeps them (KVCacheManager and BlockPool, V1 engine).
 *
 * A prompt is a chain of chunks with a key each (trace hashes of 512 tokens, or one chunk for a whole
 * session); equal keys at equal places mean equal tokens. What is kept of a chunk are its first full blocks.
 * A block that no running request uses stays until it is needed for something else, the one not used for
 * longest first, and of one request its last before its first; so such blocks count as free, and `evictable`
 * says how many of the free ones hold something.
 *
 * Bookkeeping alone: no clock, no engine. The number of blocks that are free is the owner's; after each
 * decrease it calls prefix_cache_trim.
 */
#ifndef DRYDOCK_LLM_PREFIX_CACHE_H
#define DRYDOCK_LLM_PREFIX_CACHE_H

#include "workload/request.h"

struct prefix_cache;

struct prefix_cache *prefix_cache_create(int64_t block_tokens);
void prefix_cache_destroy(struct prefix_cache *c); /* NULL is harmless */

/* What of a request's prompt is there. */
struct prefix_match {
    int64_t tokens;    /* whole blocks, and fewer than `known`: the last token is always computed */
    uint32_t chunks;   /* that they lie in */
    int64_t evictable; /* blocks that would no longer be free */
};
struct prefix_match prefix_cache_match(const struct prefix_cache *c, const struct request *r, int64_t known);

/* Takes what was matched just now for the request: it holds `chunks` and has their blocks. */
void prefix_cache_hold(struct prefix_cache *c, struct request *r, const struct prefix_match *match);

/* The request has computed more of its prompt: others may use it from now on. */
void prefix_cache_learn(struct prefix_cache *c, struct request *r);

/* The request gives its blocks back, those that it alone has too. Answers how many become free. */
int64_t prefix_cache_release(struct prefix_cache *c, struct request *r);

/* Forgets what no longer fits into `free_blocks`. */
void prefix_cache_trim(struct prefix_cache *c, int64_t free_blocks);

int64_t prefix_cache_evictable(const struct prefix_cache *c);

#endif
