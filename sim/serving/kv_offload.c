/* What KV blocks beside the GPUs' memory were asked for by a server's arguments.
 *
 * vLLM: OffloadingConnector (v1/kv_offload/cpu/spec.py: cpu_bytes_to_use of all ranks together, or
 * num_cpu_blocks; loads aside, stores as blocks are computed), which --kv-offloading-size stands for
 * (VllmConfig._post_init_kv_transfer_config); LMCacheConnectorV1 (lmcache/v1/config.py: max_local_cpu_size 5
 * GiB a rank, chunks of 256 tokens, answers not kept; a step waits for what it retrieves);
 * MooncakeStoreConnector. SGLang: hiradix_cache.py and server_args.py (ratio 2, write_through; a load of less
 * than 10 tokens is left out). */
#include <string.h>

#include "base/hash.h"
#include "serving/replica_flavours.h"

static const double gib = 1073741824.0;
static const double lmcache_gib = 5;
static const int64_t lmcache_chunk = 256;
static const double hicache_ratio = 2;
static const int64_t load_back_threshold = 10;

static bool is(const char *a, const char *b) {
    return a != NULL && strcmp(a, b) == 0;
}

static double gpus_of(const struct replica_config *c) {
    return (double)(c->tensor_parallel * c->pipeline_parallel);
}

static double block_bytes(const struct replica_config *c) {
    return c->kv_bytes_per_token * (double)c->block_tokens;
}

/* Engines behind one API server have one budget each: --kv-offloading-size is of an engine's ranks. */
static bool fill_native(struct replica_config *c, const struct engine_args *args, struct error *err) {
    const struct engine_kv_offload *kv = &args->kv_offload;
    c->offload.unit_tokens = kv->block_tokens > 0 ? kv->block_tokens : c->block_tokens;
    c->offload.answers = true;
    c->offload.host_bytes =
        kv->blocks > 0 ? kv->blocks * c->kv_bytes_per_token * (double)c->offload.unit_tokens : kv->bytes;
    if (c->offload.host_bytes <= 0) {
        error_at(err, ERROR_INVALID, &args->kv_transfer.pos, "--kv-transfer-config",
                 "expected cpu_bytes_to_use or num_cpu_blocks in kv_connector_extra_config");
        return error_hint(err, "vLLM's OffloadingConnector does not start without");
    }
    return true;
}

static void fill_lmcache(struct replica_config *c, const struct engine_args *args) {
    const struct engine_kv_offload *kv = &args->kv_offload;
    double bytes =
        kv->bytes > 0 ? kv->bytes : gpus_of(c) * (kv->bytes_a_gpu > 0 ? kv->bytes_a_gpu : lmcache_gib * gib);
    c->offload.host_bytes = kv->host_off ? 0 : bytes;
    c->offload.load = KV_LOAD_BEFORE_STEP;
    c->offload.unit_tokens = kv->block_tokens > 0 ? kv->block_tokens : lmcache_chunk;
    c->offload.answers = kv->answers;
    c->offload.store_name = kv->store;
}

static void fill_hicache(struct replica_config *c, const struct engine_args *args) {
    const struct engine_kv_offload *kv = &args->kv_offload;
    double pool = (double)c->kv_blocks * block_bytes(c);
    double ratio = kv->ratio > 0 ? kv->ratio : hicache_ratio;
    c->offload.host_bytes = kv->bytes_a_gpu > 0 ? kv->bytes_a_gpu * gpus_of(c) : ratio * pool;
    c->offload.load = KV_LOAD_BY_LAYER;
    c->offload.write = is(kv->write_policy, "write_back")                ? KV_WRITE_BACK
                       : is(kv->write_policy, "write_through_selective") ? KV_WRITE_SELECTIVE
                                                                         : KV_WRITE_THROUGH;
    c->offload.unit_tokens = c->block_tokens;
    c->offload.least_tokens = load_back_threshold;
    c->offload.answers = true;
    c->offload.store_name = kv->store;
}

static bool fill_connector(struct replica_config *c, const struct engine_args *args, struct error *err) {
    const struct engine_kv_offload *kv = &args->kv_offload;
    const char *connector = args->kv_transfer.connector;
    bool sized = kv->bytes > 0 && connector == NULL;
    bool lmcache = is(connector, "LMCacheConnectorV1") || (sized && is(kv->backend, "lmcache"));
    c->offload.on = true;
    if (lmcache) {
        fill_lmcache(c, args);
    } else if (sized || is(connector, "OffloadingConnector") || is(connector, "SimpleCPUOffloadConnector")) {
        return fill_native(c, args, err);
    } else if (is(connector, "MooncakeStoreConnector")) {
        c->offload.unit_tokens = c->block_tokens;
        c->offload.store_name = kv->store != NULL ? kv->store : "mooncake";
        c->offload.answers = true;
    } else {
        c->offload.on = false;
    }
    return true;
}

/* Blocks of another model, precision or layout are of no use to this one. */
static uint64_t salt_of(const struct replica_config *c) {
    struct {
        uint64_t model;
        int64_t kv, block_tokens, tensor_parallel, pipeline_parallel;
    } of = {hash64_text(c->architecture->name), (int64_t)c->kv, c->block_tokens, c->tensor_parallel,
            c->pipeline_parallel};
    return hash64(&of, sizeof of, 0);
}

static bool check_unit(const struct replica_config *c, const struct engine_args *args, struct error *err) {
    return c->offload.unit_tokens % c->block_tokens == 0 ||
           error_at(err, ERROR_INVALID, &args->kv_offload.pos, "block_size",
                    "expected a multiple of the engine's block of %lld tokens, not %lld",
                    (long long)c->block_tokens, (long long)c->offload.unit_tokens);
}

bool kv_offload_fill(struct replica_config *c, const struct engine_args *args, struct error *err) {
    if (c->scheduler == SCHEDULER_SGLANG && args->kv_offload.hierarchical) {
        c->offload.on = true;
        fill_hicache(c, args);
    } else if (c->scheduler == SCHEDULER_VLLM && !fill_connector(c, args, err)) {
        return false;
    }
    if (c->scheduler == SCHEDULER_VLLM && args->kv_offload.preempt_by_swap) {
        static const double swap_gib = 4; /* CacheConfig.swap_space */
        c->offload.swap_bytes =
            gib * gpus_of(c) * (args->swap_space_gib >= 0 ? args->swap_space_gib : swap_gib);
    }
    c->offload.salt = salt_of(c);
    return !c->offload.on || check_unit(c, args, err);
}
