/* sim/serving/service_time.h: how long one engine step takes, compiled to integer picoseconds.
 *
 * A step's time is the sum of its parts: the linear layers and elementwise ops at the number of tokens in the
 * batch, the head at the number of sequences that sample, attention of the decoding sequences (their number B
 * and the SUM K of their contexts), attention of the prefill chunks, all-reduces, and the engine's own
 * overhead.
 *
 * The fitted forms (docs/service-times.md, with provenance) are evaluated once, on compiling, with
 * deterministic maths. What a simulation reads are tables of int64 picoseconds: the decode part is piecewise
 * linear in K for each B, within SERVICE_TIME_TOLERANCE of the form, so that k identical iterations have an
 * exact closed form.
 */
#ifndef DRYDOCK_SERVING_SERVICE_TIME_H
#define DRYDOCK_SERVING_SERVICE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/simtime.h"
#include "manifest/server/engine_args.h"

#define SERVICE_TIME_TOLERANCE 0.002 /* of decode attention, relative */

/* Sizes of the tables; larger settings are refused. */
enum { SERVICE_TIME_MAX_TOKENS = 1 << 20, SERVICE_TIME_MAX_SEQUENCES = 8192 };

/* A transformer decoder. One row of architectures[]; matched by the names that --model may carry. */
struct architecture {
    const char *name;           /* "llama-3-8b" */
    const char *const *aliases; /* lower-case substrings of Hugging Face names, ended by NULL */
    int64_t layers, hidden, ffn, heads, kv_heads, head_dim, vocab;
    int64_t ffn_matrices;               /* 3 with a gate (SwiGLU), 2 without */
    int64_t experts, experts_per_token; /* 0 = dense */
    bool qk_norm;
    double parameters;     /* published count */
    int64_t max_positions; /* max_position_embeddings: --max-model-len when not given */
    const char *source;
};
extern const struct architecture architectures[]; /* ended by name NULL */

/* Finds by our name or by a model name such as "meta-llama/Meta-Llama-3-8B-Instruct"; the longest alias wins.
 */
const struct architecture *architecture_find(const char *model);

/* Whether a model's or a GPU's name has a part, in lower case, whatever the case of its own letters. */
bool name_has(const char *name, const char *part);

/* t = t0 + ((F/P)^q + (B/W)^q)^(1/q), seconds, FLOP/s, bytes/s. */
struct roofline_fit {
    double t0_s, flops_per_s, bytes_per_s, q;
};

/* t = t0 + (x^q + (c B kv / SMs)^q)^(1/q), x = b/W + s b/(b + 20 MB), b = bytes of K and V read. */
struct decode_attention_fit {
    double t0_s, bytes_per_s, per_sequence_s, q, small_s;
};

enum { ALLREDUCE_POINTS = 23, ALLREDUCE_WIDTHS = 3 };

/* What the figures of a kind of GPU rest on: timings of the kernels that matter most; those, and another
 * kind's at the ratio of what was measured of both; the datasheet. What is not measured is said in a warning.
 */
enum gpu_basis { GPU_MEASURED, GPU_EXTRAPOLATED, GPU_UNMEASURED };

struct gpu_kind {
    const char *name;           /* "H100" */
    const char *const *aliases; /* lower case: "h100-sxm", "nvidia-h100-80gb-hbm3" ..., ended by NULL */
    double memory_bytes;        /* in use by an engine at most: what CUDA reports, not the label's figure */
    int64_t sms;
    double peak_bf16_flops, peak_bytes_per_s; /* datasheet, dense */
    enum gpu_basis basis;
    struct roofline_fit gemm_bf16, gemm_fp8, prefill, moe;
    bool has_fp8; /* fp8 tensor cores, and gemm_fp8 was fitted; otherwise fp8 weights are only stored so */
    struct decode_attention_fit decode;
    double elementwise_t0_s, elementwise_bytes_per_s;
    double allreduce_bytes[ALLREDUCE_POINTS];
    double allreduce_us[ALLREDUCE_WIDTHS][ALLREDUCE_POINTS]; /* among 2, 4, 8 GPUs */
    /* Messages up to here are reduced by a kernel that adds the residual and takes the norm as well; 0:
     * never. */
    double fused_allreduce_bytes[ALLREDUCE_WIDTHS];
    double host_bytes_per_s; /* between its memory and the host's pinned memory, each way */
    const char *provenance;
};
extern const struct gpu_kind gpu_kinds[]; /* ended by name NULL */
const struct gpu_kind *gpu_find(const char *name);

/* Who proposes tokens: nobody; a look-up in the prompt, which takes no time; heads on the target's last
 * hidden state, all at once (Medusa); one decoder layer, token after token (EAGLE, MTP); a model of its own.
 */
enum draft_kind { DRAFT_NONE, DRAFT_LOOKUP, DRAFT_HEADS, DRAFT_LAYER, DRAFT_MODEL };

/* Speculative decoding: each step proposes `tokens` and verifies them in the next one. Which are right is
 * drawn by (seed, request, place in the answer), each with probability `acceptance` (alpha of Leviathan,
 * Kalman and Matias, "Fast Inference from Transformers via Speculative Decoding", ICML 2023): a step makes
 * (1 - alpha^(tokens+1)) / (1 - alpha) tokens in the mean, and an answer does not depend on the batch. */
struct speculation {
    enum draft_kind kind;
    int64_t tokens; /* 0 = off */
    double acceptance;
    const struct architecture *draft; /* DRAFT_MODEL */
};

/* How many LoRA adapters are kept where, and what loading one takes (llm/adapters.h). */
struct adapter_limits {
    int64_t on_gpu;    /* --max-loras; 0 = the engine takes none */
    int64_t on_host;   /* --max-cpu-loras */
    simtime to_gpu_ps; /* of one */
    simtime to_host_ps;
};

/* How a request whose prompt lies in the host's memory, or in a store, gets its blocks back: it waits while
 * others run; the step that it joins waits before it computes; or the step computes each layer as its blocks
 * come. */
enum kv_load { KV_LOAD_ASIDE, KV_LOAD_BEFORE_STEP, KV_LOAD_BY_LAYER };

/* When blocks are copied to the host: as they are computed; when they are found a second time; when the GPU
 * forgets them. */
enum kv_write { KV_WRITE_THROUGH, KV_WRITE_SELECTIVE, KV_WRITE_BACK };

/* KV blocks beside the GPUs' memory (llm/kv_tiers.h). */
struct prefix_store;
struct kv_offload {
    bool on;
    double host_bytes; /* for blocks of past prompts; 0 = none */
    double swap_bytes; /* for those of preempted requests; 0 = they are computed again */
    enum kv_load load;
    enum kv_write write;
    bool answers;               /* what was generated is kept too */
    int64_t unit_tokens;        /* kept and loaded in multiples of so many */
    int64_t least_tokens;       /* fewer are not worth loading */
    uint64_t salt;              /* of keys in a store that several models share */
    const char *store_name;     /* behind the host; NULL = none */
    double network_bytes_per_s; /* of the host's card, on the way from there */
    struct prefix_store *store; /* its owner is who makes replicas share it */
};

/* Of `drafts` behind the first `generated` tokens of an answer, how many are right before one is wrong. */
struct replica_config;
uint32_t accepted_drafts(const struct replica_config *config, uint64_t request, uint32_t generated,
                         uint32_t drafts);

/* Whose rules a batch is made by. */
enum scheduler { SCHEDULER_VLLM, SCHEDULER_SGLANG, SCHEDULER_TGI, SCHEDULER_STATIC };

/* What a replica runs; engine defaults are filled in (vLLM v1). */
struct replica_config {
    const struct architecture *architecture;
    const struct gpu_kind *gpu;
    int64_t tensor_parallel, pipeline_parallel;
    int64_t data_parallel; /* engines of this kind in a pod */
    bool engines_in_turn;  /* requests go to them one after the other; else to the least loaded */
    int64_t max_num_seqs;
    int64_t max_num_batched_tokens;
    int64_t max_model_len;
    int64_t block_tokens;
    int64_t kv_blocks; /* what fits in GPU memory after weights, activations and reserve */
    enum scheduler scheduler;
    bool chunked_prefill;
    bool prefix_caching;
    bool fused_all_reduce;     /* with the norm behind it, where the message is small */
    bool async_scheduling;     /* a step's batch is made while the step before it begins */
    int64_t concurrency_limit; /* requests in the engine; more are turned away; 0 = any */
    int64_t queue_limit;       /* of those, waiting; -1 = any */
    int64_t max_input_tokens;  /* longer prompts are turned away; 0 = by max_model_len alone */
    /* SGLang's */
    int64_t prefill_chunk, max_prefill_tokens; /* of a step */
    double schedule_conservativeness;
    bool mixed_chunk, longest_prefix_first;
    /* Text Generation Inference's */
    double waiting_served_ratio;
    int64_t max_waiting_tokens;
    bool priority_scheduling;
    struct speculation speculation;
    struct adapter_limits adapters;
    double adapter_bytes; /* of one, at --max-lora-rank, all GPUs together */
    enum kv_role kv_role; /* as its arguments say */
    int64_t
        reserved_decode_tokens; /* KV kept free for each request that decodes, when KV of others is let in */
    struct kv_offload offload;
    int64_t lookahead_tokens; /* KV slots behind the tokens of a step, for a draft model to write to */
    uint64_t seed;            /* of what is drawn a request: which drafts are right */
    enum precision weights, kv;
    double gpu_memory_utilization;
    double weight_bytes;       /* all GPUs together: what is loaded at start */
    double kv_bytes_per_token; /* all GPUs together */
    double time_factor;        /* 1; of everything but overhead_s */
    double overhead_s;         /* of every step: host work that the GPU waits for */
    double api_overhead_s;     /* once a request, on the way to its first token; occupies no GPU */
};

/* Fills a config from the arguments and the GPU. `gpu_memory_bytes` is the node's, 0 for the kind's own.
 * Errors (at the arguments' place, naming the flag): more GPUs than the pod has, heads that do not divide,
 * weights that do not fit, batch limits that contradict each other, a maximum length beyond the model's or
 * that the KV cache cannot hold (vLLM refuses to start). Each of --data-parallel-size engines is one of
 * this config. */
bool replica_config_fill(struct replica_config *config, const struct engine_args *args,
                         const struct architecture *architecture, const struct gpu_kind *gpu,
                         double gpu_memory_bytes, int64_t pod_gpus, struct error *err);

/* The batch of one step. */
struct step_shape {
    int64_t decode_sequences; /* B */
    int64_t decode_context;   /* K: sum of their context lengths, the token being computed included */
    int64_t prefill_tokens;   /* sum over chunks */
    int64_t prefill_pairs;    /* sum over chunks of q*ctx + q*(q+1)/2: attention pairs */
    int64_t prefill_context;  /* sum over chunks of ctx + q: K and V read */
    int64_t draft_tokens;     /* verified behind the decoding sequences' own; K holds them too */
    int64_t sampled;          /* tokens sampled in this step: one a sequence, and one a draft */
};

struct service_time; /* compiled; lives in the arena */

struct service_time *service_time_compile(const struct replica_config *config, struct arena *arena,
                                          struct error *err);

/* Picoseconds of one step, >= 1. */
simtime service_time_step(const struct service_time *s, const struct step_shape *shape);

/* The same, by what drives it: whole = by_token + decode_slope * decode_context + prefill. */
struct step_parts {
    simtime by_token;     /* linear layers, head, overhead, what attention costs whatever the contexts */
    simtime decode_slope; /* attention of decoding sequences, per token of context */
    simtime prefill;      /* attention of prompt chunks */
};
simtime service_time_parts(const struct service_time *s, const struct step_shape *shape,
                           struct step_parts *parts);

/* The decode part as a straight line around K for batch B: time = base + slope * (K - from), valid for from
 * <= K < to. A run of identical iterations is a closed form inside it. Batch-only parts (linear layers, head,
 * overhead) are in base. */
struct decode_line {
    int64_t from, to;
    simtime base;
    simtime slope; /* per token of context */
};
void service_time_decode_line_into(const struct service_time *s, int64_t decode_sequences,
                                   int64_t decode_context, struct decode_line *line);
static inline struct decode_line service_time_decode_line(const struct service_time *s,
                                                          int64_t decode_sequences, int64_t decode_context) {
    struct decode_line line;
    service_time_decode_line_into(s, decode_sequences, decode_context, &line);
    return line;
}

/* The form itself in seconds, uncompiled: for tests and reports. */
double service_time_form_s(const struct replica_config *config, const struct step_shape *shape);

#endif
