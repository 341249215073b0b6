/* sim/serving/prefix_store.h: KV blocks of past prompts outside of GPUs: in a host's memory, or in a store
 * that replicas share (an LMCache server, a Mooncake store, Redis).
 *
 * By chunks and their keys, as the prefix cache on the GPU has them (llm/prefix_cache.h): of each its first
 * blocks. What was used longest ago goes first when room is needed; of a chunk its last blocks go first, and
 * of a prompt its last chunk, if it is put and touched from its last chunk to its first. Users of different
 * models or layouts give each key a salt of theirs. What is put is found from a date on, that of its arrival.
 *
 * What is fetched or put passes a link with a bandwidth of its own in each direction, one transfer after the
 * other in the order in which they are asked for: what one waits for the others is a sum, whatever their
 * number.
 */
#ifndef DRYDOCK_SERVING_PREFIX_STORE_H
#define DRYDOCK_SERVING_PREFIX_STORE_H

#include <stdint.h>

#include "base/simtime.h"

struct prefix_store_limits {
    double bytes;       /* it holds; infinite = any */
    double bytes_per_s; /* of its link, each way; infinite = takes no time */
    double latency_s;   /* of a transfer beside */
};

struct prefix_store;

struct prefix_store *prefix_store_create(const struct prefix_store_limits *limits);
void prefix_store_destroy(struct prefix_store *s); /* NULL is harmless */

/* The first blocks of a chunk that are there by `now`; 0 = none. */
uint32_t prefix_store_find(const struct prefix_store *s, uint64_t key, simtime now);

/* The chunk has been used: others go before it. */
void prefix_store_touch(struct prefix_store *s, uint64_t key);

/* Takes the first `blocks` of a chunk, of `block_bytes` each: what is new of them passes the link and is
 * found from then on. Answers how many bytes that is. A chunk larger than the store is left out. */
double prefix_store_put(struct prefix_store *s, uint64_t key, uint32_t blocks, double block_bytes,
                        simtime now);

/* The same without the link: it is known when they come. */
double prefix_store_arrives(struct prefix_store *s, uint64_t key, uint32_t blocks, double block_bytes,
                            simtime at);

/* So many bytes pass the link on their way out, asked for now; answers when the last of them has. */
simtime prefix_store_fetch(struct prefix_store *s, simtime now, double bytes);

double prefix_store_bytes(const struct prefix_store *s);    /* held */
uint64_t prefix_store_chunks(const struct prefix_store *s); /* likewise */

#endif
