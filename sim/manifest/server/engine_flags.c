#include "manifest/server/engine_flags.h"

#include <string.h>

#include "base/units.h"

const struct engine_server engine_servers[] = {
    {"vllm", "vLLM: `vllm serve`, `python -m vllm.entrypoints.openai.api_server`, vllm images with args",
     engine_flags_vllm, engine_flags_vllm_minor, false, true},
    {"sglang", "SGLang: `python -m sglang.launch_server`, `sglang serve`", engine_flags_sglang,
     engine_flags_sglang_minor, false, false},
    {"tgi", "Text Generation Inference: `text-generation-launcher`, its images, variables such as MODEL_ID",
     engine_flags_tgi, NULL, true, false},
    {NULL, NULL, NULL, NULL, false, false},
};

/* Beyond these a value is a slip of the keyboard rather than a server. */
static const double PARALLEL_MAX = 4096;
static const double TOKENS_MAX = 1e9;
static const double LORAS_MAX = 65536, RANK_MAX = 4096;

static bool refuse(struct error *err, const struct position *pos, const char *expected, const char *value) {
    return error_at(err, ERROR_INVALID, pos, NULL, "expected %s, got \"%.80s\"", expected, value);
}

/* ---- numbers ---- */

/* Decimal digits, as Python's int() and argparse take them; a sign only where `low` is negative. */
static bool parse_integer(const char *value, double low, double high, int64_t *out) {
    const char *digits = value + (*value == '+' || *value == '-');
    double number = 0.0;
    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0' ||
        !unit_parse(UNIT_NUMBER, value, &number) || number < low || number > high) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

static double suffix_factor(char suffix, bool *binary) {
    static const char letters[] = "kmgt";
    *binary = suffix >= 'A' && suffix <= 'Z';
    char lower = *binary ? (char)(suffix - 'A' + 'a') : suffix;
    const char *at = lower == '\0' ? NULL : strchr(letters, lower);
    double factor = 1.0;
    for (ptrdiff_t i = 0; at != NULL && i <= at - letters; i++) {
        factor *= *binary ? 1024.0 : 1000.0;
    }
    return at == NULL ? 0.0 : factor;
}

/* vLLM's human-readable integers: 8192, 8k = 8000, 8K = 8192, 25.6k = 25600; decimals only with powers of
 * 1000. */
static bool parse_human(const char *value, double low, double high, int64_t *out) {
    size_t n = strlen(value);
    bool binary = false;
    double factor = n < 2 || n > 24 ? 0.0 : suffix_factor(value[n - 1], &binary);
    if (factor == 0.0) {
        return parse_integer(value, low, high, out);
    }
    char number[32];
    double parsed = 0.0;
    memcpy(number, value, n - 1);
    number[n - 1] = '\0';
    if (number[strspn(number, binary ? "0123456789" : "0123456789.")] != '\0' ||
        !unit_parse(UNIT_NUMBER, number, &parsed) || parsed * factor < low || parsed * factor > high) {
        return false;
    }
    *out = (int64_t)(parsed * factor);
    return true;
}

static bool set_parallel(int64_t *field, const char *value, const struct position *pos, struct error *err) {
    return parse_integer(value, 1, PARALLEL_MAX, field) ||
           refuse(err, pos, "a whole number from 1 to 4096", value);
}

static bool set_tokens(int64_t *field, const char *value, const struct position *pos, struct error *err) {
    return parse_human(value, 1, TOKENS_MAX, field) ||
           refuse(err, pos, "a whole number of at least 1, such as 8192, 8k or 8K", value);
}

bool engine_set_tensor_parallel(struct engine_args *args, const char *value, const struct position *pos,
                                struct arena *arena, struct error *err) {
    (void)arena;
    return set_parallel(&args->tensor_parallel, value, pos, err);
}

bool engine_set_pipeline_parallel(struct engine_args *args, const char *value, const struct position *pos,
                                  struct arena *arena, struct error *err) {
    (void)arena;
    return set_parallel(&args->pipeline_parallel, value, pos, err);
}

bool engine_set_data_parallel(struct engine_args *args, const char *value, const struct position *pos,
                              struct arena *arena, struct error *err) {
    (void)arena;
    return set_parallel(&args->data_parallel, value, pos, err);
}

bool engine_set_max_num_seqs(struct engine_args *args, const char *value, const struct position *pos,
                             struct arena *arena, struct error *err) {
    (void)arena;
    return set_tokens(&args->max_num_seqs, value, pos, err);
}

bool engine_set_batched_tokens(struct engine_args *args, const char *value, const struct position *pos,
                               struct arena *arena, struct error *err) {
    (void)arena;
    return set_tokens(&args->max_num_batched_tokens, value, pos, err);
}

/* "auto" and -1 let the server take what fits, which is what not giving it means here. */
bool engine_set_model_len(struct engine_args *args, const char *value, const struct position *pos,
                          struct arena *arena, struct error *err) {
    (void)arena;
    if (strcmp(value, "auto") == 0 || strcmp(value, "-1") == 0) {
        args->max_model_len = -1;
        return true;
    }
    return parse_human(value, 1, TOKENS_MAX, &args->max_model_len) ||
           refuse(err, pos, "a whole number of at least 1, such as 8192, 8k or 8K, or auto", value);
}

bool engine_set_block_size(struct engine_args *args, const char *value, const struct position *pos,
                           struct arena *arena, struct error *err) {
    (void)arena;
    return parse_integer(value, 1, 4096, &args->block_size) ||
           refuse(err, pos, "a number of tokens from 1 to 4096, such as 16", value);
}

bool engine_set_gpu_blocks(struct engine_args *args, const char *value, const struct position *pos,
                           struct arena *arena, struct error *err) {
    (void)arena;
    return parse_integer(value, 1, TOKENS_MAX, &args->num_gpu_blocks_override) ||
           refuse(err, pos, "a whole number of at least 1", value);
}

static bool set_loras(int64_t *field, double high, const char *value, const struct position *pos,
                      struct error *err) {
    return parse_integer(value, 1, high, field) ||
           refuse(err, pos, high > RANK_MAX ? "a number of adapters, 1 to 65536" : "a rank of 1 to 4096",
                  value);
}

bool engine_set_max_loras(struct engine_args *args, const char *value, const struct position *pos,
                          struct arena *arena, struct error *err) {
    (void)arena;
    return set_loras(&args->max_loras, LORAS_MAX, value, pos, err);
}

bool engine_set_max_cpu_loras(struct engine_args *args, const char *value, const struct position *pos,
                              struct arena *arena, struct error *err) {
    (void)arena;
    return set_loras(&args->max_cpu_loras, LORAS_MAX, value, pos, err);
}

bool engine_set_lora_rank(struct engine_args *args, const char *value, const struct position *pos,
                          struct arena *arena, struct error *err) {
    (void)arena;
    return set_loras(&args->max_lora_rank, RANK_MAX, value, pos, err);
}

bool engine_set_memory_utilization(struct engine_args *args, const char *value, const struct position *pos,
                                   struct arena *arena, struct error *err) {
    (void)arena;
    double fraction = 0.0;
    if (!unit_parse(UNIT_NUMBER, value, &fraction) || fraction <= 0.0 || fraction > 1.0) {
        return refuse(err, pos, "a fraction above 0 and at most 1, such as 0.9", value);
    }
    args->gpu_memory_utilization = fraction;
    return true;
}

bool engine_set_swap_space(struct engine_args *args, const char *value, const struct position *pos,
                           struct arena *arena, struct error *err) {
    (void)arena;
    double gib = 0.0;
    if (!unit_parse(UNIT_NUMBER, value, &gib) || gib < 0.0 || gib > 1e6) {
        return refuse(err, pos, "a number of GiB of at least 0", value);
    }
    args->swap_space_gib = gib;
    return true;
}

bool engine_set_chunk_size(struct engine_args *args, const char *value, const struct position *pos,
                           struct arena *arena, struct error *err) {
    if (strcmp(value, "-1") == 0) {
        args->chunked_prefill = 0;
        return true;
    }
    args->chunked_prefill = 1;
    return engine_set_batched_tokens(args, value, pos, arena, err);
}

/* ---- names ---- */

bool engine_set_model(struct engine_args *args, const char *value, const struct position *pos,
                      struct arena *arena, struct error *err) {
    if (*value == '\0') {
        return refuse(err, pos, "a model's name or path", value);
    }
    args->model = arena_strdup(arena, value);
    args->model_pos = *pos;
    return true;
}

/* Of several names the first is the one in metrics. */
bool engine_set_served_name(struct engine_args *args, const char *value, const struct position *pos,
                            struct arena *arena, struct error *err) {
    (void)pos;
    (void)err;
    if (args->served_model_name == NULL) {
        args->served_model_name = arena_strdup(arena, value);
    }
    return true;
}

/* ---- precisions ---- */

struct precision_name {
    const char *name;
    enum precision precision;
};

static const struct precision_name dtypes[] = {
    {"auto", PRECISION_AUTO},     {"half", PRECISION_FP16},  {"float16", PRECISION_FP16},
    {"fp16", PRECISION_FP16},     {"float", PRECISION_FP32}, {"float32", PRECISION_FP32},
    {"bfloat16", PRECISION_BF16}, {"bf16", PRECISION_BF16},  {NULL, PRECISION_AUTO},
};

/* Methods whose width stands in the checkpoint are AUTO: the model's own figures say it. */
static const struct precision_name quantizations[] = {
    {"none", PRECISION_AUTO},
    {"None", PRECISION_AUTO},
    {"auto", PRECISION_AUTO},
    {"compressed-tensors", PRECISION_AUTO},
    {"torchao", PRECISION_AUTO},
    {"quark", PRECISION_AUTO},
    {"inc", PRECISION_AUTO},
    {"auto-round", PRECISION_AUTO},
    {"gguf", PRECISION_AUTO},
    {"modelopt_mixed", PRECISION_AUTO},
    {"humming", PRECISION_AUTO},
    {"online", PRECISION_AUTO},
    {"fp8", PRECISION_FP8},
    {"w8a8_fp8", PRECISION_FP8},
    {"fbgemm_fp8", PRECISION_FP8},
    {"ptpc_fp8", PRECISION_FP8},
    {"fp_quant", PRECISION_FP8},
    {"modelopt", PRECISION_FP8},
    {"modelopt_fp8", PRECISION_FP8},
    {"mxfp8", PRECISION_FP8},
    {"modelopt_mxfp8", PRECISION_FP8},
    {"fp8_per_tensor", PRECISION_FP8},
    {"fp8_per_block", PRECISION_FP8},
    {"int8", PRECISION_INT8},
    {"w8a8_int8", PRECISION_INT8},
    {"experts_int8", PRECISION_INT8},
    {"tpu_int8", PRECISION_INT8},
    {"deepspeedfp", PRECISION_INT8},
    {"eetq", PRECISION_INT8},
    {"bitsandbytes", PRECISION_INT4},
    {"bitsandbytes-nf4", PRECISION_INT4},
    {"bitsandbytes-fp4", PRECISION_INT4},
    {"bitblas", PRECISION_INT4},
    {"gptq_bitblas", PRECISION_INT4},
    {"awq", PRECISION_INT4},
    {"awq_marlin", PRECISION_INT4},
    {"gptq", PRECISION_INT4},
    {"gptq_marlin", PRECISION_INT4},
    {"gptq_marlin_24", PRECISION_INT4},
    {"marlin", PRECISION_INT4},
    {"exl2", PRECISION_INT4},
    {"squeezellm", PRECISION_INT4},
    {"aqlm", PRECISION_INT4},
    {"hqq", PRECISION_INT4},
    {"qoq", PRECISION_INT4},
    {"rtn", PRECISION_INT4},
    {"ipex", PRECISION_INT4},
    {"moe_wna16", PRECISION_INT4},
    {"cpu_awq", PRECISION_INT4},
    {"cpu_gptq", PRECISION_INT4},
    {"petit_nvfp4", PRECISION_INT4},
    {"modelopt_fp4", PRECISION_INT4},
    {"nvfp4", PRECISION_INT4},
    {"mxfp4", PRECISION_INT4},
    {"gpt_oss_mxfp4", PRECISION_INT4},
    {"w4afp8", PRECISION_INT4},
    {"w4a16", PRECISION_INT4},
    {NULL, PRECISION_AUTO},
};

static const struct precision_name kv_dtypes[] = {
    {"auto", PRECISION_AUTO},
    {"float16", PRECISION_FP16},
    {"half", PRECISION_FP16},
    {"fp16", PRECISION_FP16},
    {"bfloat16", PRECISION_BF16},
    {"bf16", PRECISION_BF16},
    {"float32", PRECISION_FP32},
    {"fp8", PRECISION_FP8},
    {"fp8_e4m3", PRECISION_FP8},
    {"fp8_e5m2", PRECISION_FP8},
    {"fp8_e4m3fn", PRECISION_FP8},
    {"fp8_e4m3fnuz", PRECISION_FP8},
    {"fp8_inc", PRECISION_FP8},
    {"fp8_ds_mla", PRECISION_FP8},
    {"fp8_per_token_head", PRECISION_FP8},
    {"int8", PRECISION_INT8},
    {"int8_per_token_head", PRECISION_INT8},
    {"nvfp4", PRECISION_INT4},
    {"fp4_e2m1", PRECISION_INT4},
    {NULL, PRECISION_AUTO},
};

static bool set_precision(const struct precision_name *names, enum precision *field, const char *what,
                          const char *value, const struct position *pos, struct error *err) {
    for (; names->name != NULL; names++) {
        if (strcmp(names->name, value) == 0) {
            *field = names->precision;
            return true;
        }
    }
    return refuse(err, pos, what, value);
}

bool engine_set_dtype(struct engine_args *args, const char *value, const struct position *pos,
                      struct arena *arena, struct error *err) {
    (void)arena;
    return set_precision(dtypes, &args->dtype, "auto, half, float16, bfloat16, float or float32", value, pos,
                         err);
}

bool engine_set_quantization(struct engine_args *args, const char *value, const struct position *pos,
                             struct arena *arena, struct error *err) {
    (void)arena;
    return set_precision(quantizations, &args->quantization,
                         "a quantization method such as fp8, awq, gptq, bitsandbytes or compressed-tensors",
                         value, pos, err);
}

bool engine_set_kv_dtype(struct engine_args *args, const char *value, const struct position *pos,
                         struct arena *arena, struct error *err) {
    (void)arena;
    return set_precision(kv_dtypes, &args->kv_cache_dtype,
                         "auto, float16, bfloat16, fp8, fp8_e4m3 or fp8_e5m2", value, pos, err);
}

/* ---- switches: the value is "true" or "false" ---- */

static int is_true(const char *value) {
    return strcmp(value, "true") == 0;
}

bool engine_set_chunked_prefill(struct engine_args *args, const char *value, const struct position *pos,
                                struct arena *arena, struct error *err) {
    (void)pos;
    (void)arena;
    (void)err;
    args->chunked_prefill = is_true(value);
    return true;
}

bool engine_set_prefix_caching(struct engine_args *args, const char *value, const struct position *pos,
                               struct arena *arena, struct error *err) {
    (void)pos;
    (void)arena;
    (void)err;
    args->prefix_caching = is_true(value);
    return true;
}

bool engine_set_no_prefix_caching(struct engine_args *args, const char *value, const struct position *pos,
                                  struct arena *arena, struct error *err) {
    return engine_set_prefix_caching(args, is_true(value) ? "false" : "true", pos, arena, err);
}

bool engine_set_enforce_eager(struct engine_args *args, const char *value, const struct position *pos,
                              struct arena *arena, struct error *err) {
    (void)pos;
    (void)arena;
    (void)err;
    args->enforce_eager = is_true(value);
    return true;
}

bool engine_set_enable_lora(struct engine_args *args, const char *value, const struct position *pos,
                            struct arena *arena, struct error *err) {
    (void)pos;
    (void)arena;
    (void)err;
    args->enable_lora = is_true(value);
    return true;
}

bool engine_set_async_scheduling(struct engine_args *args, const char *value, const struct position *pos,
                                 struct arena *arena, struct error *err) {
    (void)pos;
    (void)arena;
    (void)err;
    args->async_scheduling = is_true(value);
    return true;
}

bool engine_set_no_async_scheduling(struct engine_args *args, const char *value, const struct position *pos,
                                    struct arena *arena, struct error *err) {
    return engine_set_async_scheduling(args, is_true(value) ? "false" : "true", pos, arena, err);
}

bool engine_set_scheduling_policy(struct engine_args *args, const char *value, const struct position *pos,
                                  struct arena *arena, struct error *err) {
    if (strcmp(value, "fcfs") != 0 && strcmp(value, "priority") != 0) {
        return refuse(err, pos, "fcfs or priority", value);
    }
    args->scheduling_policy = arena_strdup(arena, value);
    return true;
}
