#include "service_time_fixture.h"

#include <math.h>
#include <string.h>

static const double gib = 1073741824.0;

static void defaults_are_those_of_vllm_serve(void **state) {
    (void)state;
    struct replica_config big = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", -1);
    assert_int_equal(big.max_num_seqs, 1024);
    assert_int_equal(big.max_num_batched_tokens, 8192);
    assert_int_equal(big.max_model_len, 8192);
    assert_int_equal(big.block_tokens, 16);
    assert_true(big.chunked_prefill && big.gpu_memory_utilization == 0.9);
    assert_int_equal(big.tensor_parallel, 1);
    assert_int_equal(big.pipeline_parallel, 1);
    assert_true(big.time_factor == 1 && big.overhead_s == 0);
    assert_int_equal(big.weights, PRECISION_BF16);
    assert_int_equal(big.kv, PRECISION_BF16);
    /* vLLM names the A100 apart (its pull request 17885), and gives small GPUs small batches. */
    const char *const small[] = {"A100", "L4"};
    for (int i = 0; i < 2; i++) {
        struct replica_config c = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", small[i], -1);
        assert_int_equal(c.max_num_seqs, 256);
        assert_int_equal(c.max_num_batched_tokens, 2048);
    }
}

static void arguments_win_over_defaults(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Llama-2-7b-hf");
    args.max_num_seqs = 128;
    args.max_num_batched_tokens = 4096;
    args.max_model_len = 2048;
    args.block_size = 32;
    args.gpu_memory_utilization = 0.5;
    args.num_gpu_blocks_override = 777;
    args.dtype = PRECISION_FP16;
    struct replica_config c = replica(&args, "H100");
    assert_int_equal(c.max_num_seqs, 128);
    assert_int_equal(c.max_num_batched_tokens, 4096);
    assert_int_equal(c.max_model_len, 2048);
    assert_int_equal(c.block_tokens, 32);
    assert_int_equal(c.kv_blocks, 777);
    assert_int_equal(c.weights, PRECISION_FP16);
}

static void default_limits_bound_each_other(void **state) {
    (void)state;
    struct engine_args args = arguments("facebook/opt-125m");
    args.max_num_batched_tokens = 200;
    assert_int_equal(replica(&args, "H100").max_num_seqs, 200);
    args = arguments("facebook/opt-125m");
    args.max_num_seqs = 2;
    assert_int_equal(replica(&args, "H100").max_num_batched_tokens, 4096);
    args = arguments("meta-llama/Llama-3.1-8B");
    args.chunked_prefill = 0;
    assert_int_equal(replica(&args, "H100").max_num_batched_tokens, 131072);
}

static void assert_tokens(const struct engine_args *args, const char *gpu, double logged, double tolerance) {
    struct replica_config c = replica(args, gpu);
    double tokens = (double)(c.kv_blocks * c.block_tokens);
    if (fabs(tokens / logged - 1) > tolerance) {
        fail_msg("%s on %s: %.0f tokens of KV, the log says %.0f", args->model, gpu, tokens, logged);
    }
}

/* Start-up logs of vLLM 0.19.0 on an H100 of 79.19 GiB at utilisation 0.95; sources in docs/service-times.md.
 */
static void kv_tokens_are_those_of_start_up_logs(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Llama-3.1-8B-Instruct");
    args.gpu_memory_utilization = 0.95;
    args.max_model_len = 8192;
    assert_tokens(&args, "H100", 476016, 0.005);
    args.kv_cache_dtype = PRECISION_FP8;
    assert_tokens(&args, "H100", 952032, 0.005);
    args.kv_cache_dtype = PRECISION_AUTO;
    args.quantization = PRECISION_FP8;
    assert_tokens(&args, "H100", 64.61 * gib / 131072, 0.01);
    args.quantization = PRECISION_AUTO;
    args.dtype = PRECISION_FP32;
    assert_tokens(&args, "H100", 42.80 * gib / 262144, 0.01);
    args.dtype = PRECISION_AUTO;
    args.tensor_parallel = 2;
    assert_tokens(&args, "H100", 63.76 * gib / 65536, 0.005);
    args = arguments("Qwen/Qwen2.5-7B-Instruct");
    args.gpu_memory_utilization = 0.95;
    assert_tokens(&args, "H100", 1096000, 0.005);
    /* vLLM of December 2023 on an A100: 7351 blocks of 16. */
    args = arguments("meta-llama/Llama-2-7b-hf");
    assert_tokens(&args, "A100", 7351 * 16, 0.02);
}

static void weights_follow_precision(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Llama-3.1-8B-Instruct");
    double bf16 = replica(&args, "H100").weight_bytes;
    assert_true(fabs(bf16 - 2 * 8030261248.0) < 1);
    args.quantization = PRECISION_FP8; /* the embedding and the head stay in bf16: 8.49 GiB in a log */
    assert_true(fabs(replica(&args, "H100").weight_bytes / gib - 8.49) < 0.05);
    args.quantization = PRECISION_INT4;
    double int4 = replica(&args, "H100").weight_bytes;
    assert_true(int4 > 0.30 * bf16 && int4 < 0.37 * bf16);
    args = arguments("Qwen/Qwen2.5-72B-Instruct-AWQ");
    assert_int_equal(replica(&args, "H100").weights, PRECISION_INT4);
    args = arguments("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic");
    args.max_model_len = 4096;
    args.tensor_parallel = 2;
    assert_int_equal(replica(&args, "H100").weights, PRECISION_FP8);
}

static void kv_heads_are_copied_where_gpus_outnumber_them(void **state) {
    (void)state;
    struct replica_config one = replica_of("meta-llama/Meta-Llama-3-8B", "H100", 1);
    struct replica_config eight = replica_of("meta-llama/Meta-Llama-3-8B", "H100", 8);
    assert_true(one.kv_bytes_per_token == 131072 && eight.kv_bytes_per_token == 131072);
    struct replica_config few = replica_of("Qwen/Qwen2.5-3B", "H100", 8); /* two heads on eight GPUs */
    assert_true(few.kv_bytes_per_token == 4 * replica_of("Qwen/Qwen2.5-3B", "H100", 2).kv_bytes_per_token);
}

static void stages_of_a_pipeline_hold_less(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Llama-3.1-8B-Instruct");
    args.gpu_memory_utilization = 0.95;
    int64_t whole = replica(&args, "H100").kv_blocks;
    args.pipeline_parallel = 2;
    struct replica_config halves = replica(&args, "H100");
    assert_true(halves.kv_blocks > 2 * whole);
    assert_true(halves.kv_bytes_per_token == 131072);
}

static void absurd_sizes_are_refused_before_they_overflow(void **state) {
    (void)state;
    const char *const fields[] = {"--block-size", "--num-gpu-blocks-override", "--data-parallel-size",
                                  "--max-num-seqs"};
    for (int i = 0; i < 4; i++) {
        struct engine_args args = arguments("llama-3-8b");
        int64_t *const sizes[] = {&args.block_size, &args.num_gpu_blocks_override, &args.data_parallel,
                                  &args.max_num_seqs};
        *sizes[i] = INT64_MAX;
        struct replica_config config;
        struct error err = {0};
        assert_false(
            replica_config_fill(&config, &args, architecture_find(args.model), gpu_find("H100"), 0, 8, &err));
        assert_string_equal(err.field, fields[i]);
    }
}

static void host_work_counts_where_it_is_not_hidden(void **state) {
    (void)state;
    struct engine_args args = arguments("facebook/opt-125m");
    args.async_scheduling = 0;
    double synchronous = replica(&args, "L4").overhead_s;
    args.enforce_eager = 1;
    double eager = replica(&args, "L4").overhead_s;
    assert_true(synchronous > 0 && eager > synchronous && eager < 5e-3);
}

static bool is_asynchronous(const struct engine_args *args) {
    struct replica_config config;
    struct error err = {0};
    assert_true(
        replica_config_fill(&config, args, architecture_find(args->model), gpu_find("H100"), 0, 8, &err));
    return config.async_scheduling;
}

static void scheduling_is_asynchronous_where_the_engine_makes_it_so(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Llama-3.1-8B-Instruct");
    assert_true(is_asynchronous(&args));
    args.async_scheduling = 0;
    assert_false(is_asynchronous(&args));
    args.async_scheduling = -1;
    args.pipeline_parallel = 2;
    assert_false(is_asynchronous(&args));
    args.async_scheduling = 1;
    assert_true(is_asynchronous(&args));
    args.async_scheduling = -1;
    args.pipeline_parallel = -1;
    args.server = "tgi";
    assert_false(is_asynchronous(&args));
    args.server = "sglang"; /* its overlap */
    assert_true(is_asynchronous(&args));
    args.async_scheduling = 0;
    assert_false(is_asynchronous(&args));
    args.async_scheduling = -1;
    args.server = "vllm";
    args.speculation = (struct engine_speculation){.method = "ngram", .tokens = 3};
    assert_false(is_asynchronous(&args));
    args.speculation.method = "eagle3";
    assert_true(is_asynchronous(&args));
}

/* One flag changed, and what the error must say. */
struct refusal {
    const char *model, *gpu, *field, *text;
    int64_t tensor_parallel, pipeline_parallel, max_num_seqs, max_num_batched_tokens, max_model_len, pod_gpus;
    int chunked_prefill;
};

static const struct refusal refusals[] = {
    {"llama-3-8b", "H100", "--tensor-parallel-size", "4 GPUs", 4, -1, -1, -1, -1, 2, -1},
    {"llama-3-8b", "H100", "--tensor-parallel-size", "its pod has 0", 1, -1, -1, -1, -1, 0, -1},
    {"llama-3-8b", "H100", "--tensor-parallel-size", "pipeline 2", 1, 2, -1, -1, -1, 1, -1},
    {"qwen2.5-7b", "H100", "--tensor-parallel-size", "28 attention heads", 8, -1, -1, -1, -1, 8, -1},
    {"llama-3-70b", "H100", "--tensor-parallel-size", "1 to 8", 16, -1, -1, -1, -1, 16, -1},
    {"llama-3-8b", "H100", "--pipeline-parallel-size", "1 to 32", 1, 64, -1, -1, -1, 64, -1},
    {"llama-3-70b", "H100", "--model", "does not fit", 1, -1, -1, -1, -1, 8, -1},
    {"llama-3-70b", "L4", "--model", "does not fit", 4, -1, -1, -1, -1, 8, -1},
    {"llama-3.1-8b", "L4", "--max-model-len", "131072 does not fit", 1, -1, -1, -1, -1, 8, -1},
    {"llama-3-8b", "H100", "--max-model-len", "1 to 8192", 1, -1, -1, -1, 16384, 8, -1},
    {"llama-3-8b", "H100", "--max-model-len", "1 to 8192", 1, -1, -1, -1, 0, 8, -1},
    {"llama-3-8b", "H100", "--max-num-seqs", "1 to 8192", 1, -1, 0, -1, -1, 8, -1},
    {"llama-3-8b", "H100", "--max-num-seqs", "1 to 8192", 1, -1, 9000, 9000, -1, 8, -1},
    {"llama-3-8b", "H100", "--max-num-batched-tokens", "at least --max-num-seqs", 1, -1, 256, 128, -1, 8, -1},
    {"llama-3-8b", "H100", "--max-num-batched-tokens", "chunked prefill is off", 1, -1, -1, 4096, -1, 8, 0},
    {"llama-3-8b", "H100", "--max-num-batched-tokens", "1 to 1048576", 1, -1, -1, 2000000, -1, 8, -1},
};

static void what_vllm_would_refuse_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *r = &refusals[i];
        struct engine_args args = arguments(r->model);
        args.tensor_parallel = r->tensor_parallel;
        args.pipeline_parallel = r->pipeline_parallel;
        args.max_num_seqs = r->max_num_seqs;
        args.max_num_batched_tokens = r->max_num_batched_tokens;
        args.max_model_len = r->max_model_len;
        args.chunked_prefill = r->chunked_prefill;
        struct replica_config config;
        struct error err = {0};
        assert_false(replica_config_fill(&config, &args, architecture_find(r->model), gpu_find(r->gpu), 0,
                                         r->pod_gpus, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(err.field, r->field);
        if (strstr(err.expected, r->text) == NULL) {
            fail_msg("case %zu says: %s", i, err.expected);
        }
        assert_string_equal(err.file, "deployment.yaml");
        assert_true(err.line == 11 || err.line == 12);
    }
}

/* SGLang 0.5: memory_hook.py. */
static void defaults_of_sglang(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Meta-Llama-3-8B-Instruct");
    args.server = "sglang";
    struct replica_config c = replica(&args, "H100");
    assert_int_equal(c.scheduler, SCHEDULER_SGLANG);
    assert_int_equal(c.prefill_chunk, 8192);
    assert_int_equal(c.max_prefill_tokens, 16384);
    assert_int_equal(c.block_tokens, 1);
    assert_int_equal(c.max_num_seqs, 4096); /* of as many tokens as 55 requests of 8,192 have */
    assert_true(c.prefix_caching && c.chunked_prefill && !c.mixed_chunk && !c.longest_prefix_first);
    double reserved = (512 + 1.5 * 8192 + 128 + 2 * 256) * 1048576.0;
    double fraction = 1 - reserved / gpu_find("H100")->memory_bytes;
    assert_true(fabs(c.gpu_memory_utilization - fraction) < 1e-9);
    args.chunked_prefill = 0;
    args.max_prefill_tokens = 4096;
    assert_int_equal(replica(&args, "H100").max_num_batched_tokens, 8192); /* a prompt in one piece */
    args.kv_tokens = 5000;
    c = replica(&args, "H100");
    assert_int_equal(c.kv_blocks, 5000);
    assert_int_equal(c.max_model_len, 5000); /* it starts, and turns longer requests away */
}

/* Text Generation Inference 3: launcher/src/main.rs. */
static void defaults_of_text_generation_inference(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Meta-Llama-3-8B-Instruct");
    args.server = "tgi";
    struct replica_config c = replica(&args, "H100");
    assert_int_equal(c.scheduler, SCHEDULER_TGI);
    assert_int_equal(c.concurrency_limit, 128);
    assert_int_equal(c.max_num_seqs, 128);
    assert_int_equal(c.max_num_batched_tokens, 4096);
    assert_int_equal(c.max_input_tokens, 8191);
    assert_true(c.chunked_prefill && c.prefix_caching && c.block_tokens == 1);
    args.chunked_prefill = 0; /* ATTENTION=paged */
    args.max_num_seqs = 16;
    c = replica(&args, "H100");
    assert_int_equal(c.max_num_seqs, 16);
    assert_int_equal(c.block_tokens, 16);
    assert_int_equal(c.max_num_batched_tokens, 8192);
    assert_true(!c.prefix_caching);
    assert_true(c.waiting_served_ratio == 0.3 && c.max_waiting_tokens == 20);
}

static void adapters_take_their_slots_from_the_kv_cache(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Meta-Llama-3-8B-Instruct");
    int64_t without = replica(&args, "H100").kv_blocks;
    args.enable_lora = 1;
    args.max_loras = 4;
    args.max_lora_rank = 64;
    struct replica_config c = replica(&args, "H100");
    /* 32 layers x 64 x (2 x 8192 + 2 x 5120 + 3 x 18432) x 2 bytes */
    assert_true(c.adapter_bytes == 32.0 * 64 * (2 * 8192 + 2 * 5120 + 3 * 18432) * 2);
    assert_int_equal(c.adapters.on_host, 4);
    int64_t blocks = (int64_t)(4 * c.adapter_bytes / (c.kv_bytes_per_token * 16));
    assert_in_range(without - c.kv_blocks, blocks, blocks + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_vllm_serve),
        cmocka_unit_test(arguments_win_over_defaults),
        cmocka_unit_test(default_limits_bound_each_other),
        cmocka_unit_test(kv_tokens_are_those_of_start_up_logs),
        cmocka_unit_test(weights_follow_precision),
        cmocka_unit_test(kv_heads_are_copied_where_gpus_outnumber_them),
        cmocka_unit_test(stages_of_a_pipeline_hold_less),
        cmocka_unit_test(absurd_sizes_are_refused_before_they_overflow),
        cmocka_unit_test(host_work_counts_where_it_is_not_hidden),
        cmocka_unit_test(scheduling_is_asynchronous_where_the_engine_makes_it_so),
        cmocka_unit_test(what_vllm_would_refuse_is_refused),
        cmocka_unit_test(defaults_of_sglang),
        cmocka_unit_test(defaults_of_text_generation_inference),
        cmocka_unit_test(adapters_take_their_slots_from_the_kv_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
