/* sim/serving/replica_flavours.h: what SGLang and Text Generation Inference run with when their arguments do
 * not say; private to the room. vLLM's defaults are replica_config.c's. */
#ifndef DRYDOCK_SERVING_REPLICA_FLAVOURS_H
#define DRYDOCK_SERVING_REPLICA_FLAVOURS_H

#include "serving/service_time.h"

enum scheduler scheduler_of(const struct engine_args *args);

/* Block size, batch limits and the fraction of memory, before memory is divided; parallelism and greatest
 * length are known. */
void flavour_fill(struct replica_config *config, const struct engine_args *args, double memory_bytes);

/* What depends on the size of the KV cache. */
void flavour_settle(struct replica_config *config, const struct engine_args *args);

/* Where KV blocks go beside the GPUs' memory; after memory and lengths are settled. */
bool kv_offload_fill(struct replica_config *c, const struct engine_args *args, struct error *err);

#endif
