/* sim/llm/kv_tiers.h: where an engine finds KV blocks of past prompts that its GPUs no longer have: its
 * host's memory, behind the PCIe link of each GPU, and a store that replicas share, behind the network.
 *
 * As vLLM's OffloadingConnector and LMCache do it, blocks are copied to both as they are computed, so that a
 * block which leaves the GPU's prefix cache is there already; SGLang's hierarchical cache may wait for a
 * second use or for the eviction (enum kv_write). Copies go on beside the steps and take nothing of the GPU's
 * time; what they are read for waits for the link. Bookkeeping alone: no event, no clock of its own.
 */
#ifndef DRYDOCK_LLM_KV_TIERS_H
#define DRYDOCK_LLM_KV_TIERS_H

#include "llm/prefix_cache.h"
#include "serving/replica.h"

struct kv_tiers;

/* Counts bytes in `replica`; its caches and the config outlive it. */
struct kv_tiers *kv_tiers_create(const struct replica_config *config, struct prefix_cache *gpu,
                                 struct engine *engine, struct replica *replica);
void kv_tiers_destroy(struct kv_tiers *t); /* NULL is harmless */

/* What of a prompt the tiers have behind the first `tokens`, which the GPU has: whole units, and fewer than
 * `known` with them. */
struct kv_found {
    int64_t host_tokens, store_tokens;
};
struct kv_found kv_tiers_find(const struct kv_tiers *t, const struct request *r, int64_t tokens,
                              int64_t known);

/* Reads what was found for the request behind the first `tokens`: answers when it is there. */
simtime kv_tiers_load(struct kv_tiers *t, const struct request *r, int64_t tokens,
                      const struct kv_found *found);

/* Brings what was found in the store to the host, where it is found from the date that is answered on. */
simtime kv_tiers_prefetch(struct kv_tiers *t, const struct request *r, int64_t tokens,
                          const struct kv_found *found);

/* The request's first `computed` tokens have been computed: what of them is new is copied. */
void kv_tiers_keep(struct kv_tiers *t, const struct request *r, int64_t computed);

#endif
