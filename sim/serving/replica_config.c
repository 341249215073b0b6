/* What an engine runs with when its arguments do not say: the defaults of `vllm serve` around 0.19 (V1
 * engine), and how many KV blocks its memory profiling would leave. docs/service-times.md has the sources and
 * the error.
 */
#include "serving/service_time.h"

#include <math.h>
#include <string.h>

#include "serving/replica_flavours.h"
#include "serving/service_time_form.h"
#include "serving/speculation.h"

static const double gib = 1073741824.0;

/* vllm/engine/arg_utils.py, EngineArgs.get_batch_defaults, OpenAI server. */
static const double large_memory_bytes = 70 * 1073741824.0;
static const int64_t large_batched_tokens = 8192, large_num_seqs = 1024;
static const int64_t small_batched_tokens = 2048, small_num_seqs = 256;
static const int64_t default_block_tokens = 16;
static const double default_utilization = 0.9;

/* Beyond what is of use; keeps products far from overflow. */
static const int64_t largest_data_parallel = 1024, largest_block_tokens = 4096;
static const int64_t largest_blocks_override = 1000000000;

/* Memory that is neither weights nor KV; fitted to 50 start-up logs of vLLM 0.19 on H100. */
static const double other_memory_bytes = 0.25 * 1073741824.0;          /* CUDA context */
static const double other_memory_parallel_bytes = 2.10 * 1073741824.0; /* with NCCL's buffers */
static const double activation_base_bytes = 0.18 * 1073741824.0;
static const double sampler_bytes_a_logit = 14; /* bf16 and fp32 logits, sort keys and indices */

/* Host work of a step where the engine does not hide it (assumed; 0.5 to 3 ms are reported). */
static const double synchronous_overhead_s = 0.5e-3, eager_overhead_s = 3e-3;

/* HTTP, tokenisation and the way to the engine: what is left of measured TTFT after the rest of the running
 * step, a step already scheduled and the request's own (5.6 to 9.2 ms over ten runs). */
static const double api_overhead_s = 7.2e-3;

/* ---- precision ---- */

/* Quantised checkpoints say so in their name; vLLM reads it from their config.json, which is not here. */
static enum precision precision_named(const char *model) {
    static const struct {
        const char *part;
        enum precision precision;
    } names[] = {{"fp8", PRECISION_FP8},   {"int8", PRECISION_INT8}, {"w8a8", PRECISION_INT8},
                 {"awq", PRECISION_INT4},  {"gptq", PRECISION_INT4}, {"int4", PRECISION_INT4},
                 {"w4a16", PRECISION_INT4}};
    for (size_t i = 0; model != NULL && i < sizeof names / sizeof *names; i++) {
        if (name_has(model, names[i].part)) {
            return names[i].precision;
        }
    }
    return PRECISION_AUTO;
}

static void fill_precision(struct replica_config *c, const struct engine_args *args) {
    enum precision model = args->dtype == PRECISION_AUTO ? PRECISION_BF16 : args->dtype;
    enum precision stored =
        args->quantization != PRECISION_AUTO ? args->quantization : precision_named(args->model);
    c->weights = stored != PRECISION_AUTO ? stored : model;
    c->kv = args->kv_cache_dtype != PRECISION_AUTO ? args->kv_cache_dtype : model;
}

/* ---- defaults ---- */

static int64_t given(int64_t value, int64_t otherwise) {
    return value >= 0 ? value : otherwise;
}

static bool large_defaults(const struct gpu_kind *gpu, double memory_bytes) {
    return memory_bytes >= large_memory_bytes && !name_has(gpu->name, "a100");
}

static bool check_sequences(const struct replica_config *c, const struct position *pos, struct error *err) {
    if (c->max_num_seqs >= 1 && c->max_num_seqs <= SERVICE_TIME_MAX_SEQUENCES) {
        return true;
    }
    return error_at(err, ERROR_INVALID, pos, "--max-num-seqs", "expected 1 to %d",
                    SERVICE_TIME_MAX_SEQUENCES);
}

/* In vLLM's order: tokens and sequences bound each other where they are defaults. */
static bool fill_batch(struct replica_config *c, const struct engine_args *args, double memory_bytes,
                       struct error *err) {
    if (c->scheduler != SCHEDULER_VLLM) {
        flavour_fill(c, args, memory_bytes);
        return check_sequences(c, &args->pos, err);
    }
    bool large = large_defaults(c->gpu, memory_bytes);
    c->chunked_prefill = args->chunked_prefill != 0;
    c->prefix_caching = args->prefix_caching != 0; /* on by default, in vLLM's V1 engine and in SGLang */
    c->max_num_seqs = given(args->max_num_seqs, large ? large_num_seqs : small_num_seqs);
    if (!check_sequences(c, &args->pos, err)) {
        return false;
    }
    if (args->max_num_batched_tokens >= 0) {
        c->max_num_batched_tokens = args->max_num_batched_tokens;
    } else {
        int64_t tokens = large ? large_batched_tokens : small_batched_tokens;
        if (!c->chunked_prefill && tokens < c->max_model_len) {
            tokens = c->max_model_len;
        }
        int64_t most = c->max_num_seqs * c->max_model_len;
        c->max_num_batched_tokens = tokens < most ? tokens : most;
    }
    if (args->max_num_seqs < 0 && c->max_num_seqs > c->max_num_batched_tokens) {
        c->max_num_seqs = c->max_num_batched_tokens;
    }
    return true;
}

static bool check_batch(const struct replica_config *c, const struct position *pos, struct error *err) {
    if (c->max_num_batched_tokens < 1 || c->max_num_batched_tokens > SERVICE_TIME_MAX_TOKENS) {
        return error_at(err, ERROR_INVALID, pos, "--max-num-batched-tokens", "expected 1 to %d",
                        SERVICE_TIME_MAX_TOKENS);
    }
    if (c->scheduler == SCHEDULER_VLLM && c->max_num_batched_tokens < c->max_num_seqs) {
        error_at(err, ERROR_INVALID, pos, "--max-num-batched-tokens",
                 "expected at least --max-num-seqs (%lld), not %lld", (long long)c->max_num_seqs,
                 (long long)c->max_num_batched_tokens);
        return error_hint(err, "vLLM refuses to start; raise it or lower --max-num-seqs");
    }
    if (!c->chunked_prefill && c->max_num_batched_tokens < c->max_model_len) {
        error_at(err, ERROR_INVALID, pos, "--max-num-batched-tokens",
                 "expected at least the maximum length (%lld) where chunked prefill is off, not %lld",
                 (long long)c->max_model_len, (long long)c->max_num_batched_tokens);
        return error_hint(err, "raise it, lower --max-model-len or leave chunked prefill on");
    }
    return true;
}

static bool fill_length(struct replica_config *c, const struct engine_args *args, struct error *err) {
    const struct architecture *a = c->architecture;
    c->max_model_len = given(args->max_model_len, a->max_positions);
    if (c->max_model_len < 1 || c->max_model_len > a->max_positions) {
        error_at(err, ERROR_INVALID, &args->pos, "--max-model-len", "expected 1 to %lld, the positions of %s",
                 (long long)a->max_positions, a->name);
        return error_hint(err, "vLLM refuses to start; lower it to what the model was made for");
    }
    return true;
}

/* ---- parallel ---- */

static bool fill_parallel(struct replica_config *c, const struct engine_args *args, int64_t pod_gpus,
                          struct error *err) {
    const struct architecture *a = c->architecture;
    c->tensor_parallel = given(args->tensor_parallel, 1);
    c->pipeline_parallel = given(args->pipeline_parallel, 1);
    int64_t data = c->data_parallel = given(args->data_parallel, 1);
    c->engines_in_turn = args->server != NULL && strcmp(args->server, "sglang") == 0;
    if (c->tensor_parallel < 1 || c->tensor_parallel > 8) {
        return error_at(err, ERROR_INVALID, &args->pos, "--tensor-parallel-size",
                        "expected 1 to 8: all-reduces among more GPUs are not modelled");
    }
    if (a->heads % c->tensor_parallel != 0) {
        return error_at(err, ERROR_INVALID, &args->pos, "--tensor-parallel-size",
                        "expected a divisor of the %lld attention heads of %s, not %lld", (long long)a->heads,
                        a->name, (long long)c->tensor_parallel);
    }
    if (a->kv_heads % c->tensor_parallel != 0 && c->tensor_parallel % a->kv_heads != 0) {
        return error_at(err, ERROR_INVALID, &args->pos, "--tensor-parallel-size",
                        "expected a divisor or a multiple of the %lld key-value heads of %s, not %lld",
                        (long long)a->kv_heads, a->name, (long long)c->tensor_parallel);
    }
    if (c->pipeline_parallel < 1 || c->pipeline_parallel > a->layers) {
        return error_at(err, ERROR_INVALID, &args->pos, "--pipeline-parallel-size",
                        "expected 1 to %lld, the layers of %s", (long long)a->layers, a->name);
    }
    if (data < 1 || data > largest_data_parallel) {
        return error_at(err, ERROR_INVALID, &args->pos, "--data-parallel-size", "expected 1 to %lld",
                        (long long)largest_data_parallel);
    }
    int64_t gpus = c->tensor_parallel * c->pipeline_parallel * data;
    if (gpus > pod_gpus) {
        error_at(err, ERROR_INVALID, &args->pos, "--tensor-parallel-size",
                 "the engine wants %lld GPUs (tensor %lld x pipeline %lld x data %lld), its pod has %lld",
                 (long long)gpus, (long long)c->tensor_parallel, (long long)c->pipeline_parallel,
                 (long long)data, (long long)pod_gpus);
        return error_hint(err, "make resources.limits[\"nvidia.com/gpu\"] and the flags agree");
    }
    return true;
}

/* ---- memory ---- */

/* Weights of the linear layers of one decoder layer. */
static double layer_parameters(const struct architecture *a) {
    double d = (double)a->hidden, inner = (double)(a->heads * a->head_dim);
    double attention = 2 * d * inner + 2 * d * (double)(a->kv_heads * a->head_dim);
    double ffn = (double)a->ffn_matrices * d * (double)a->ffn;
    return attention + (a->experts > 0 ? (double)a->experts * (ffn + d) : ffn);
}

/* Both factors of every linear layer of a decoder layer; experts have none. */
static double adapter_parameters(const struct architecture *a, double rank) {
    double d = (double)a->hidden, inner = (double)(a->heads * a->head_dim);
    double kv = (double)(a->kv_heads * a->head_dim);
    double attention = 2 * (d + inner) + 2 * (d + kv);
    double ffn = a->experts > 0 ? 0 : (double)a->ffn_matrices * (d + (double)a->ffn);
    return rank * (double)a->layers * (attention + ffn);
}

/* LoRAConfig in vllm/config/lora.py; SGLang's --max-loras-per-batch is 8. */
static bool fill_adapters(struct replica_config *c, const struct engine_args *args, struct error *err) {
    bool sglang = args->server != NULL && strcmp(args->server, "sglang") == 0;
    if (args->enable_lora != 1) {
        return true;
    }
    c->adapters.on_gpu = given(args->max_loras, sglang ? 8 : 1);
    c->adapters.on_host = given(args->max_cpu_loras, c->adapters.on_gpu);
    c->adapter_bytes = 2 * adapter_parameters(c->architecture, (double)given(args->max_lora_rank, 16));
    return c->adapters.on_host >= c->adapters.on_gpu ||
           error_at(err, ERROR_INVALID, &args->pos, "--max-cpu-loras",
                    "expected at least --max-loras (%lld), not %lld", (long long)c->adapters.on_gpu,
                    (long long)c->adapters.on_host);
}

static double wide_bytes(const struct replica_config *c) {
    return c->weights == PRECISION_FP32 ? 4 : 2;
}

/* Embedding, head, norms and biases: not quantised. */
static double other_parameters(const struct architecture *a) {
    return a->parameters - (double)a->layers * layer_parameters(a);
}

static int64_t stage_layers(const struct replica_config *c) {
    return (c->architecture->layers + c->pipeline_parallel - 1) / c->pipeline_parallel;
}

/* Of the fullest GPU: a pipeline's first and last stage hold the embedding or the head. */
static double weight_bytes_of_gpu(const struct replica_config *c) {
    const struct architecture *a = c->architecture;
    double ends = other_parameters(a), matrix = (double)a->vocab * (double)a->hidden;
    if (c->pipeline_parallel > 1) {
        ends = ends / 2 > matrix ? ends / 2 : matrix;
    }
    double layers = (double)stage_layers(c) * layer_parameters(a) * weight_bytes_each(c->weights);
    return (layers + ends * wide_bytes(c)) / (double)c->tensor_parallel;
}

/* Peak of the profiling run: the widest of the sampler at the batch limit and of a feed-forward layer at the
 * token limit. */
static double activation_bytes(const struct replica_config *c) {
    const struct architecture *a = c->architecture;
    double tokens = (double)c->max_num_batched_tokens, d = (double)a->hidden;
    double ffn = (double)a->ffn / (double)c->tensor_parallel;
    double copies = a->experts > 0 ? (double)a->experts_per_token : 1;
    double layer = tokens * wide_bytes(c) * (copies * (double)a->ffn_matrices * ffn + copies * d);
    double sampler = sampler_bytes_a_logit * (double)c->max_num_seqs * (double)a->vocab;
    return activation_base_bytes + (layer > sampler ? layer : sampler);
}

static double kv_bytes_of_model(const struct replica_config *c, const struct architecture *a,
                                int64_t layers) {
    int64_t heads = a->kv_heads / c->tensor_parallel;
    return 2 * kv_bytes_each(c->kv) * (double)(layers * (heads < 1 ? 1 : heads) * a->head_dim);
}

/* A draft model keeps KV of its own, EAGLE's layer as one more layer of the target. */
static double kv_bytes_of_gpu(const struct replica_config *c, int64_t layers) {
    const struct speculation *s = &c->speculation;
    double drafts = s->kind == DRAFT_MODEL   ? kv_bytes_of_model(c, s->draft, s->draft->layers)
                    : s->kind == DRAFT_LAYER ? kv_bytes_of_model(c, c->architecture, 1)
                                             : 0;
    return kv_bytes_of_model(c, c->architecture, layers) + drafts;
}

/* Weights of what drafts, in bf16. A Medusa head is one square matrix; the target's own head is shared. */
static double draft_bytes_of_gpu(const struct replica_config *c) {
    const struct speculation *s = &c->speculation;
    const struct architecture *a = c->architecture;
    double parameters = s->kind == DRAFT_MODEL   ? s->draft->parameters
                        : s->kind == DRAFT_LAYER ? layer_parameters(a)
                        : s->kind == DRAFT_HEADS ? (double)s->tokens * (double)a->hidden * (double)a->hidden
                                                 : 0;
    return 2 * parameters / (double)c->tensor_parallel;
}

static bool check_length(struct replica_config *c, const struct position *pos, struct error *err) {
    int64_t tokens = c->kv_blocks * c->block_tokens;
    if (tokens < c->max_model_len && c->scheduler != SCHEDULER_VLLM) {
        c->max_model_len = tokens; /* the others start, and turn longer requests away */
    }
    if (tokens >= c->max_model_len) {
        return true;
    }
    error_at(err, ERROR_INVALID, pos, "--max-model-len",
             "a request of the maximum length %lld does not fit: the KV cache holds %lld tokens",
             (long long)c->max_model_len, (long long)tokens);
    return error_hint(err,
                      "vLLM refuses to start; set --max-model-len to at most %lld, raise "
                      "--gpu-memory-utilization or use more GPUs",
                      (long long)tokens);
}

static bool check_blocks(const struct replica_config *c, const struct engine_args *args, struct error *err) {
    if (c->block_tokens > largest_block_tokens) {
        return error_at(err, ERROR_INVALID, &args->pos, "--block-size", "expected 1 to %lld",
                        (long long)largest_block_tokens);
    }
    if (args->num_gpu_blocks_override == 0 || args->num_gpu_blocks_override > largest_blocks_override) {
        return error_at(err, ERROR_INVALID, &args->pos, "--num-gpu-blocks-override", "expected 1 to %lld",
                        (long long)largest_blocks_override);
    }
    return true;
}

static bool fill_memory(struct replica_config *c, const struct engine_args *args, double memory_bytes,
                        struct error *err) {
    const struct architecture *a = c->architecture;
    double gpus = (double)c->tensor_parallel;
    double layers = (double)a->layers * layer_parameters(a) * weight_bytes_each(c->weights);
    c->weight_bytes = layers + other_parameters(a) * wide_bytes(c);
    c->kv_bytes_per_token = kv_bytes_of_gpu(c, a->layers) * gpus;
    double other = c->tensor_parallel > 1 ? other_memory_parallel_bytes : other_memory_bytes;
    double usable = memory_bytes * c->gpu_memory_utilization;
    double adapters = (double)c->adapters.on_gpu * c->adapter_bytes / gpus / (double)c->pipeline_parallel;
    /* SGLang's fraction leaves the activations out. */
    double activations = c->scheduler == SCHEDULER_SGLANG ? 0 : activation_bytes(c);
    double left = usable - weight_bytes_of_gpu(c) - draft_bytes_of_gpu(c) - adapters - activations - other;
    double blocks = floor(left / (kv_bytes_of_gpu(c, stage_layers(c)) * (double)c->block_tokens));
    if (args->num_gpu_blocks_override >= 0) {
        blocks = (double)args->num_gpu_blocks_override;
    }
    if (args->kv_tokens >= 0) {
        blocks = floor((double)args->kv_tokens / (double)c->block_tokens);
    }
    if (left <= 0 || blocks < 1) {
        error_at(
            err, ERROR_INVALID, &args->model_pos, "--model",
            "%s does not fit: %.1f GiB of weights and %.1f GiB of activations and reserve a GPU, of %.1f "
            "GiB usable on %s",
            a->name, weight_bytes_of_gpu(c) / gib, (activations + other) / gib, usable / gib, c->gpu->name);
        return error_hint(err, "raise --tensor-parallel-size, quantise, or use a larger GPU");
    }
    c->kv_blocks = (int64_t)blocks;
    if (!check_length(c, &args->pos, err)) {
        return false;
    }
    flavour_settle(c, args);
    return true;
}

/* vLLM overlaps scheduling with the GPU's work unless told not to, but of its own accord not
 * with pipeline stages, or with drafts that are no model's own heads (VllmConfig.__post_init__ in
 * vllm/config/vllm.py).
 */
static bool overlaps(const struct engine_args *args) {
    const char *method = args->speculation.method;
    bool drafts = args->speculation.tokens > 0 &&
                  !(method && (strncmp(method, "eagle", 5) == 0 || strcmp(method, "mtp") == 0 ||
                               strcmp(method, "ngram_gpu") == 0));
    bool by_default = args->pipeline_parallel <= 1 && !drafts;
    return args->async_scheduling >= 0 ? args->async_scheduling : by_default;
}

bool replica_config_fill(struct replica_config *config, const struct engine_args *args,
                         const struct architecture *architecture, const struct gpu_kind *gpu,
                         double gpu_memory_bytes, int64_t pod_gpus, struct error *err) {
    double memory = gpu_memory_bytes > 0 ? gpu_memory_bytes : gpu->memory_bytes;
    *config = (struct replica_config){
        .architecture = architecture,
        .gpu = gpu,
        .block_tokens = args->block_size > 0 ? args->block_size : default_block_tokens,
        .gpu_memory_utilization =
            args->gpu_memory_utilization > 0 ? args->gpu_memory_utilization : default_utilization,
        .scheduler = scheduler_of(args),
        .kv_role = args->kv_transfer.role,
        .queue_limit = -1,
        .time_factor = 1,
        .api_overhead_s = api_overhead_s,
    };
    config->async_scheduling = (config->scheduler == SCHEDULER_VLLM && overlaps(args)) ||
                               (config->scheduler == SCHEDULER_SGLANG && args->async_scheduling != 0 &&
                                args->kv_transfer.role != KV_ROLE_DECODE);
    config->overhead_s = (args->async_scheduling == 0 ? synchronous_overhead_s : 0) +
                         (args->enforce_eager == 1 ? eager_overhead_s : 0);
    config->priority_scheduling =
        args->scheduling_policy != NULL && strcmp(args->scheduling_policy, "priority") == 0;
    fill_precision(config, args);
    if (!fill_parallel(config, args, pod_gpus, err) || !fill_length(config, args, err)) {
        return false;
    }
    /* vLLM fuses them where it compiles (at its default optimization level) and FlashInfer can, which leaves
     * out engines that are data or pipeline parallel (enable_allreduce_rms_fusion in vllm/config/vllm.py). */
    config->fused_all_reduce = config->scheduler == SCHEDULER_VLLM && args->enforce_eager != 1 &&
                               config->data_parallel == 1 && config->pipeline_parallel == 1;
    return speculation_fill(config, args, err) && fill_adapters(config, args, err) &&
           check_blocks(config, args, err) && fill_batch(config, args, memory, err) &&
           check_batch(config, &args->pos, err) && fill_memory(config, args, memory, err) &&
           kv_offload_fill(config, args, err);
}
