/* The fitted forms of docs/service-times.md, op by op. Every time of a layer is on one GPU; tensor parallel
 * ranks run alike and meet in the all-reduces. */
#include "serving/service_time_form.h"

#include <math.h>

#include "base/detmath.h"

/* CUDA graphs are captured up to twice the tokens of a full batch that decodes, and at most this. */
static const int64_t largest_graph_tokens = 512;

/* Unpacking int4 costs part of the bandwidth (assumed); groups of 128 weights share a bf16 scale. */
static const double int4_efficiency = 0.85;
static const double int4_bytes = 0.5 + 2.0 / 128;

/* Below this many bytes of KV a decode kernel does not reach its rate; the constant of the fit. */
static const double decode_small_bytes = 20e6;

double p_norm(double a, double b, double q) {
    double larger = a > b ? a : b, smaller = a > b ? b : a;
    if (smaller <= 0) {
        return larger;
    }
    return larger * det_pow(1 + det_pow(smaller / larger, q), 1 / q);
}

int64_t padded_tokens(const struct replica_config *config, int64_t tokens) {
    int64_t twice = 2 * config->max_num_seqs * (1 + config->speculation.tokens);
    int64_t largest = twice < largest_graph_tokens ? twice : largest_graph_tokens;
    if (tokens > largest || tokens <= 2) {
        return tokens;
    }
    int64_t multiple = tokens <= 4 ? 4 : tokens <= 256 ? 8 : 16;
    int64_t padded = (tokens + multiple - 1) / multiple * multiple;
    return padded > largest ? tokens : padded;
}

double weight_bytes_each(enum precision precision) {
    switch (precision) {
    case PRECISION_FP32:
        return 4;
    case PRECISION_FP8:
    case PRECISION_INT8:
        return 1;
    case PRECISION_INT4:
        return int4_bytes;
    case PRECISION_AUTO:
    case PRECISION_BF16:
    case PRECISION_FP16:
        break;
    }
    return 2;
}

double kv_bytes_each(enum precision precision) {
    switch (precision) {
    case PRECISION_FP32:
        return 4;
    case PRECISION_FP8:
    case PRECISION_INT8:
        return 1;
    default:
        return 2;
    }
}

static bool on_fp8_cores(const struct replica_config *c) {
    return c->gpu->has_fp8 && (c->weights == PRECISION_FP8 || c->weights == PRECISION_INT8);
}

static double roofline_s(const struct roofline_fit *fit, double flops, double bytes) {
    return fit->t0_s + p_norm(flops / fit->flops_per_s, bytes / fit->bytes_per_s, fit->q);
}

/* n x k weights times m tokens, both in bf16. */
static double gemm_bf16_s(const struct gpu_kind *gpu, double m, double n, double k) {
    return roofline_s(&gpu->gemm_bf16, 2 * m * n * k, 2 * (m * k + n * k) + 2 * m * n);
}

/* Tiles of the fp8 kernels hold 256 tokens: beyond 128 a batch pays for whole ones. */
static double gemm_fp8_s(const struct gpu_kind *gpu, double m, double n, double k) {
    double paid = m > 128 ? 256 * ceil(m / 256) : m;
    return roofline_s(&gpu->gemm_fp8, 2 * paid * n * k, m * k + n * k + 2 * m * n);
}

/* A linear layer in the replica's precision. Weights that are only stored narrow are widened on the way, so
 * the FLOPs stay those of bf16. fp32 runs as TF32 at half the rate (assumed). */
static double linear_s(const struct replica_config *c, double m, double n, double k) {
    if (on_fp8_cores(c)) {
        return gemm_fp8_s(c->gpu, m, n, k);
    }
    double activation = c->weights == PRECISION_FP32 ? 4 : 2;
    double flops = 2 * m * n * k * (c->weights == PRECISION_FP32 ? 2 : 1);
    double weights = n * k * weight_bytes_each(c->weights);
    if (c->weights == PRECISION_INT4) {
        weights /= int4_efficiency;
    }
    return roofline_s(&c->gpu->gemm_bf16, flops, activation * (m * k + m * n) + weights);
}

static double kv_heads_of_gpu(const struct replica_config *c) {
    int64_t kv = c->architecture->kv_heads / c->tensor_parallel;
    return kv < 1 ? 1 : (double)kv; /* fewer than GPUs: each GPU holds a copy */
}

static double heads_of_gpu(const struct replica_config *c) {
    return (double)c->architecture->heads / (double)c->tensor_parallel;
}

static double ffn_of_gpu(const struct replica_config *c) {
    return (double)c->architecture->ffn / (double)c->tensor_parallel;
}

static double qkv_width(const struct replica_config *c) {
    return (heads_of_gpu(c) + 2 * kv_heads_of_gpu(c)) * (double)c->architecture->head_dim;
}

static double attention_linear_s(const struct replica_config *c, double m) {
    double d = (double)c->architecture->hidden;
    double inner = heads_of_gpu(c) * (double)c->architecture->head_dim;
    return linear_s(c, m, qkv_width(c), d) + linear_s(c, m, d, inner);
}

/* A fused mixture-of-experts layer: every token runs `experts_per_token` of the experts; the weights read are
 * those of the experts that some token chose, on uniform routing. */
static double moe_s(const struct replica_config *c, double m) {
    const struct architecture *a = c->architecture;
    double d = (double)a->hidden, f = ffn_of_gpu(c), chosen = (double)a->experts_per_token;
    double experts = (double)a->experts;
    double touched = experts * (1 - det_pow(1 - chosen / experts, m));
    double flops = 6 * m * chosen * d * f;
    double weights = touched * 3 * d * f * weight_bytes_each(c->weights);
    return roofline_s(&c->gpu->moe, flops, weights + 3 * m * chosen * (d + f) * 2);
}

static double ffn_s(const struct replica_config *c, double m) {
    const struct architecture *a = c->architecture;
    if (a->experts > 0) {
        return moe_s(c, m);
    }
    double d = (double)a->hidden, f = ffn_of_gpu(c);
    return linear_s(c, m, (double)(a->ffn_matrices - 1) * f, d) + linear_s(c, m, d, f);
}

static int width_of(int64_t gpus) {
    return gpus <= 2 ? 0 : gpus <= 4 ? 1 : 2;
}

/* Bytes that m tokens exchange in an all-reduce. */
static double message_bytes(const struct replica_config *c, double m) {
    return m * (double)c->architecture->hidden * 2;
}

/* Whether the add-and-norm behind an all-reduce is part of its kernel. */
static bool norm_is_fused(const struct replica_config *c, double m) {
    double most = c->gpu->fused_allreduce_bytes[width_of(c->tensor_parallel)];
    return c->fused_all_reduce && c->tensor_parallel > 1 && message_bytes(c, m) <= most;
}

/* Two add-and-norms, rotary embedding, the write of K and V, the activation; two more norms where q and k
 * have them; two quantisations before fp8 layers. The activation of experts is inside their kernel. */
static double elementwise_s(const struct replica_config *c, double m) {
    const struct architecture *a = c->architecture;
    const struct gpu_kind *g = c->gpu;
    double d = (double)a->hidden, f = ffn_of_gpu(c), ops = a->qk_norm ? 7 : 5;
    double norms = 8 * d;
    if (norm_is_fused(c, m)) {
        ops -= 2;
        norms =
            4 * d; /* the residual is read and written still; what is reduced is not written and read again */
    }
    double bytes = 2 * m * (norms + 2 * qkv_width(c));
    if (a->experts == 0) {
        bytes += 2 * m * (double)a->ffn_matrices * f;
    }
    if (on_fp8_cores(c)) {
        ops += 2;
        bytes += 3 * m * (d + f);
    }
    return ops * g->elementwise_t0_s + bytes / g->elementwise_bytes_per_s;
}

/* Among `gpus`, log-log between the points of the table. Widths between two tables take the wider one. Small
 * messages scatter by some 0.1 us; a larger one is never given less, so that steps grow with their tokens. */
static double all_reduce_s(const struct gpu_kind *g, int64_t gpus, double bytes) {
    if (gpus < 2) {
        return 0;
    }
    const double *us = g->allreduce_us[width_of(gpus)];
    const double *at = g->allreduce_bytes;
    double before = us[0], here = us[0];
    int i = 0;
    while (i < ALLREDUCE_POINTS - 1 && bytes > at[i]) {
        i++;
        before = here;
        here = us[i] > here ? us[i] : here;
    }
    if (i == 0) {
        return here * 1e-6;
    }
    double share = det_log(bytes / at[i - 1]) / det_log(at[i] / at[i - 1]);
    return before * det_pow(here / before, share) * 1e-6;
}

double form_tokens_s(const struct replica_config *config, int64_t tokens) {
    if (tokens <= 0) {
        return 0;
    }
    const struct replica_config *c = config;
    double m = (double)padded_tokens(c, tokens);
    double message = message_bytes(c, m);
    double reduce = all_reduce_s(c->gpu, c->tensor_parallel, message);
    double layer = attention_linear_s(c, m) + ffn_s(c, m) + elementwise_s(c, m) + 2 * reduce;
    /* A stage hands its hidden states to the next: taken as an exchange between two GPUs. */
    double hand_over = (double)(c->pipeline_parallel - 1) * all_reduce_s(c->gpu, 2, message);
    return ((double)c->architecture->layers * layer + reduce + hand_over) * c->time_factor;
}

double form_head_s(const struct replica_config *config, int64_t sampled) {
    if (sampled <= 0) {
        return 0;
    }
    const struct architecture *a = config->architecture;
    const struct gpu_kind *g = config->gpu;
    double m = (double)sampled, vocab = (double)a->vocab;
    /* The head stays in bf16 whatever the layers are in. */
    double head = gemm_bf16_s(g, m, vocab / (double)config->tensor_parallel, (double)a->hidden);
    double sampler = 3 * g->elementwise_t0_s + 12 * m * vocab / g->elementwise_bytes_per_s;
    return (head + sampler) * config->time_factor;
}

/* The draft model as a replica of its own; a layer or heads take the target's sizes. */
static struct replica_config draft_of(const struct replica_config *config) {
    struct replica_config draft = *config;
    if (config->speculation.kind == DRAFT_MODEL) {
        draft.architecture = config->speculation.draft;
        draft.weights = PRECISION_BF16;
    }
    draft.pipeline_parallel = 1;
    return draft;
}

static double draft_layers_s(const struct replica_config *config, int64_t tokens) {
    struct replica_config draft = draft_of(config);
    double all = form_tokens_s(&draft, tokens);
    return config->speculation.kind == DRAFT_HEADS   ? 0
           : config->speculation.kind == DRAFT_LAYER ? all / (double)draft.architecture->layers
                                                     : all;
}

double form_draft_first_s(const struct replica_config *config, int64_t tokens) {
    return draft_layers_s(config, tokens);
}

double form_draft_rest_s(const struct replica_config *config, int64_t sequences) {
    struct replica_config draft = draft_of(config);
    double drafts = (double)config->speculation.tokens;
    return (drafts - 1) * draft_layers_s(config, sequences) + drafts * form_head_s(&draft, sequences);
}

struct decode_form decode_form_of(const struct replica_config *config) {
    const struct decode_attention_fit *fit = &config->gpu->decode;
    const struct architecture *a = config->architecture;
    double kv = kv_heads_of_gpu(config);
    return (struct decode_form){
        .scale_s = (double)a->layers * config->time_factor,
        .t0_s = fit->t0_s,
        .bytes_a_token = 2 * kv_bytes_each(config->kv) * kv * (double)a->head_dim,
        .per_sequence_s = fit->per_sequence_s * kv / (double)config->gpu->sms,
        .inverse_rate = 1 / fit->bytes_per_s,
        .small_s = fit->small_s,
        .q = fit->q,
    };
}

double decode_form_x(const struct decode_form *form, double context) {
    double bytes = context * form->bytes_a_token;
    return bytes * form->inverse_rate + form->small_s * bytes / (bytes + decode_small_bytes);
}

double form_decode_s(const struct replica_config *config, int64_t sequences, int64_t context) {
    if (sequences <= 0) {
        return 0;
    }
    struct decode_form form = decode_form_of(config);
    double x = decode_form_x(&form, (double)context);
    double a = (double)sequences * form.per_sequence_s;
    return form.scale_s * (form.t0_s + p_norm(x, a, form.q));
}

struct prefill_form prefill_form_of(const struct replica_config *config) {
    const struct roofline_fit *fit = &config->gpu->prefill;
    const struct architecture *a = config->architecture;
    double scale = (double)a->layers * config->time_factor, hd = (double)a->head_dim;
    return (struct prefill_form){
        .t0_s = scale * fit->t0_s,
        .pair_s = scale * 4 * heads_of_gpu(config) * hd / fit->flops_per_s,
        .token_s = scale * 4 * heads_of_gpu(config) * hd / fit->bytes_per_s,
        .context_s = scale * 2 * kv_bytes_each(config->kv) * kv_heads_of_gpu(config) * hd / fit->bytes_per_s,
        .p = fit->q,
    };
}

double form_prefill_s(const struct replica_config *config, const struct step_shape *shape) {
    if (shape->prefill_tokens <= 0) {
        return 0;
    }
    struct prefill_form form = prefill_form_of(config);
    double x = (double)shape->prefill_pairs * form.pair_s;
    double y = (double)shape->prefill_tokens * form.token_s + (double)shape->prefill_context * form.context_s;
    return form.t0_s + p_norm(x, y, form.p);
}

double service_time_form_s(const struct replica_config *config, const struct step_shape *shape) {
    return form_tokens_s(config, shape->decode_sequences + shape->prefill_tokens) +
           form_head_s(config, shape->sampled) +
           form_decode_s(config, shape->decode_sequences, shape->decode_context) +
           form_prefill_s(config, shape) + config->overhead_s;
}
