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

/* Full blocks of a chunk within the first `tokens` of the request. */
static inline uint32_t prefix_chunk_blocks(const struct request *r, uint32_t chunk, int64_t tokens,
                                           int64_t block_tokens) {
    int64_t begin = (int64_t)chunk * r->chunk_tokens;
    int64_t end = begin + r->chunk_tokens;
    end = end < tokens ? end : tokens;
    return end > begin ? (uint32_t)((end - begin) / block_tokens) : 0;
}

/* Of a session the answer belongs to the next prompt; what a trace's hashes cover ends with the prompt. */
static inline int64_t prefix_known_by_key(const struct request *r, int64_t tokens) {
    return r->chunk_tokens == REQUEST_CHUNK_SESSION || tokens < r->input_tokens ? tokens : r->input_tokens;
}

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

/* From now on `forgets` is called before blocks of a chunk are forgotten, of which `blocks` were there. */
void prefix_cache_tell(struct prefix_cache *c, void (*forgets)(void *context, uint64_t key, uint32_t blocks),
                       void *context);

/* Forgets what no longer fits into `free_blocks`. */
void prefix_cache_trim(struct prefix_cache *c, int64_t free_blocks);

int64_t prefix_cache_evictable(const struct prefix_cache *c);

#endif
