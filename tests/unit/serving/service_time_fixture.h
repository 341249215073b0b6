/* tests/unit/serving/service_time_fixture.h: engine arguments and replicas for the tests of this room. */
#ifndef DRYDOCK_TESTS_SERVICE_TIME_FIXTURE_H
#define DRYDOCK_TESTS_SERVICE_TIME_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serving/service_time.h"

/* `vllm serve MODEL` without a flag. */
static inline struct engine_args arguments(const char *model) {
    return (struct engine_args){
        .present = true,
        .server = "vllm",
        .model = model,
        .pos = {"deployment.yaml", 12, 9},
        .model_pos = {"deployment.yaml", 11, 9},
        .tensor_parallel = -1,
        .pipeline_parallel = -1,
        .data_parallel = -1,
        .max_num_seqs = -1,
        .max_num_batched_tokens = -1,
        .max_model_len = -1,
        .block_size = -1,
        .num_gpu_blocks_override = -1,
        .gpu_memory_utilization = -1,
        .swap_space_gib = -1,
        .chunked_prefill = -1,
        .prefix_caching = -1,
        .enforce_eager = -1,
        .async_scheduling = -1,
        .speculation.tokens = -1,
        .enable_lora = -1,
        .mixed_chunk = -1,
        .schedule_conservativeness = -1,
        .max_prefill_tokens = -1,
        .max_queued_requests = -1,
        .kv_tokens = -1,
        .max_concurrent_requests = -1,
        .max_input_tokens = -1,
        .max_waiting_tokens = -1,
        .waiting_served_ratio = -1,
        .max_loras = -1,
        .max_cpu_loras = -1,
        .max_lora_rank = -1,
    };
}

/* The config of these arguments on a pod of eight such GPUs. A step's batch is made when it begins: tests
 * that count steps by hand would have one more everywhere; those of asynchronous scheduling say so. */
static inline struct replica_config replica(const struct engine_args *args, const char *gpu) {
    struct replica_config config;
    struct error err = {0};
    const struct architecture *architecture = architecture_find(args->model);
    assert_non_null(architecture);
    bool filled = replica_config_fill(&config, args, architecture, gpu_find(gpu), 0, 8, &err);
    if (!filled) {
        fail_msg("%s: %s", err.field, err.expected);
    }
    config.async_scheduling = false;
    return config;
}

static inline struct replica_config replica_of(const char *model, const char *gpu, int64_t tensor_parallel) {
    struct engine_args args = arguments(model);
    args.tensor_parallel = tensor_parallel;
    return replica(&args, gpu);
}

static inline struct service_time *compiled(const struct replica_config *config, struct arena *arena) {
    struct error err = {0};
    struct service_time *times = service_time_compile(config, arena, &err);
    assert_non_null(times);
    return times;
}

#endif
