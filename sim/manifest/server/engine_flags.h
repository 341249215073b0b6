/* sim/manifest/server/engine_flags.h: what the tables of flags share: one setter a setting, so that every
 * server's flag for it has the same bounds. */
#ifndef DRYDOCK_MANIFEST_ENGINE_FLAGS_H
#define DRYDOCK_MANIFEST_ENGINE_FLAGS_H

#include "manifest/server/engine_args.h"

extern const struct engine_flag engine_flags_vllm[];
extern const struct engine_flag engine_flags_vllm_minor[];
extern const struct engine_flag engine_flags_sglang[];
extern const struct engine_flag engine_flags_sglang_minor[];
extern const struct engine_flag engine_flags_tgi[];

typedef bool engine_setter(struct engine_args *args, const char *value, const struct position *pos,
                           struct arena *arena, struct error *err);

engine_setter engine_set_model, engine_set_served_name, engine_set_tensor_parallel,
    engine_set_pipeline_parallel, engine_set_data_parallel, engine_set_max_num_seqs,
    engine_set_batched_tokens, engine_set_model_len, engine_set_block_size, engine_set_gpu_blocks,
    engine_set_memory_utilization, engine_set_swap_space, engine_set_dtype, engine_set_quantization,
    engine_set_kv_dtype, engine_set_chunked_prefill, engine_set_prefix_caching, engine_set_enforce_eager,
    engine_set_async_scheduling, engine_set_scheduling_policy;

engine_setter engine_set_enable_lora, engine_set_max_loras, engine_set_max_cpu_loras, engine_set_lora_rank;

engine_setter engine_set_schedule_policy, engine_set_conservativeness, engine_set_mixed_chunk,
    engine_set_prefill_tokens, engine_set_queued_requests, engine_set_kv_tokens,
    engine_set_concurrent_requests, engine_set_input_tokens, engine_set_waiting_tokens,
    engine_set_waiting_ratio;

/* Speculative decoding: a JSON object, and its fields by themselves. */
engine_setter engine_set_speculative_config, engine_set_draft_tokens, engine_set_draft_model,
    engine_set_draft_method, engine_set_sglang_draft_tokens;

/* vLLM's JSON object about KV blocks that leave the server's GPUs. */
engine_setter engine_set_kv_transfer;

/* SGLang's prefill/decode disaggregation. */
engine_setter engine_set_disaggregation_mode, engine_set_reserved_decode_tokens;

/* What a connector is told, `kv_connector_extra_config`, and a setting of LMCache by its name
 * ("max_local_cpu_size"); names that are not modelled are taken and change nothing. */
bool engine_set_kv_extra(struct engine_args *args, const struct yaml_node *mapping,
                         const struct position *pos, struct arena *arena, struct error *err);
bool engine_set_lmcache(struct engine_args *args, const char *name, const char *value,
                        const struct position *pos, struct arena *arena, struct error *err);

engine_setter engine_set_kv_offloading_size, engine_set_kv_offloading_backend, engine_set_preemption_mode,
    engine_set_hierarchical_cache, engine_set_hicache_ratio, engine_set_hicache_size,
    engine_set_hicache_write_policy, engine_set_hicache_storage;

/* SGLang: -1 switches chunked prefill off; the two switches say the opposite of ours. */
engine_setter engine_set_chunk_size, engine_set_no_prefix_caching, engine_set_no_async_scheduling;

#endif
