/* Batch limits of engines other than vLLM where their arguments do not say them. */
#include <string.h>

#include "serving/replica_flavours.h"

static const double mib = 1048576.0;

/* SGLang 0.5, arg_groups/memory_hook.py: by GPU memory, tokens of a chunk and sequences of the largest CUDA
 * graph. */
static const struct {
    double below_bytes;
    int64_t chunk, graph_sequences;
} sglang_sizes[] = {
    {20 * 1024 * 1048576.0, 2048, 8},    {35 * 1024 * 1048576.0, 4096, 48},
    {60 * 1024 * 1048576.0, 4096, 32},   {90 * 1024 * 1048576.0, 8192, 256},
    {160 * 1024 * 1048576.0, 8192, 256}, {1e18, 16384, 512},
};

/* Reserved for activations and graphs, in MiB: 512 + 1.5 a token of a chunk + 128 a GPU + 2 a graph's
 * sequence (the same place). */
static const double reserved_mib = 512, token_mib = 1.5, gpu_mib = 128, graph_mib = 2;
static const int64_t sglang_prefill_tokens = 16384;

/* model_runner_kv_cache_mixin.py: between these, and 512 full-length requests' worth of the KV pool. */
static const int64_t sglang_least_running = 2048, sglang_most_running = 4096;

/* Text Generation Inference 3, launcher/src/main.rs. Its prefill budget is larger where it knows the GPU's
 * compute. */
static const int64_t tgi_prefill_tokens = 4096, tgi_concurrent = 128, tgi_waiting_tokens = 20;
static const double tgi_waiting_ratio = 0.3;
/* TGI_WIGGLE_ROOM, server/text_generation_server/models/globals.py */
static const double tgi_wiggle_room = 0.95;

/* SGLANG_NUM_RESERVED_DECODE_TOKENS; disaggregation/decode.py: DecodePreallocQueue, whose tree cache is a
 * chunk cache. */
static const int64_t sglang_reserved_tokens = 512;

static int64_t given(int64_t value, int64_t otherwise) {
    return value >= 0 ? value : otherwise;
}

static bool is_server(const struct engine_args *args, const char *name) {
    return args->server != NULL && strcmp(args->server, name) == 0;
}

enum scheduler scheduler_of(const struct engine_args *args) {
    return is_server(args, "sglang") ? SCHEDULER_SGLANG
           : is_server(args, "tgi")  ? SCHEDULER_TGI
                                     : SCHEDULER_VLLM;
}

/* ---- SGLang ---- */

static void sglang_chunk(struct replica_config *c, const struct engine_args *args, double memory_bytes) {
    size_t i = 0;
    while (memory_bytes >= sglang_sizes[i].below_bytes) {
        i++;
    }
    c->chunked_prefill = args->chunked_prefill != 0;
    c->prefill_chunk = given(args->max_num_batched_tokens, sglang_sizes[i].chunk);
    c->max_prefill_tokens = given(args->max_prefill_tokens, sglang_prefill_tokens);
    int64_t tokens = c->chunked_prefill ? c->prefill_chunk : c->max_prefill_tokens;
    double gpus = (double)(c->tensor_parallel * c->pipeline_parallel);
    double reserved = reserved_mib + token_mib * (double)tokens + gpu_mib * gpus +
                      graph_mib * (double)sglang_sizes[i].graph_sequences;
    if (args->gpu_memory_utilization <= 0) {
        c->gpu_memory_utilization = 1 - reserved * mib / memory_bytes;
    }
}

static void sglang_fill(struct replica_config *c, const struct engine_args *args, double memory_bytes) {
    sglang_chunk(c, args, memory_bytes);
    c->prefix_caching = args->prefix_caching != 0 && c->kv_role != KV_ROLE_DECODE;
    c->reserved_decode_tokens = given(args->kv_transfer.reserved_decode_tokens, sglang_reserved_tokens);
    c->mixed_chunk = args->mixed_chunk == 1;
    c->longest_prefix_first = args->schedule_policy != NULL && strcmp(args->schedule_policy, "lpm") == 0;
    c->schedule_conservativeness = args->schedule_conservativeness > 0 ? args->schedule_conservativeness : 1;
    c->queue_limit = args->max_queued_requests;
    c->max_num_seqs = given(args->max_num_seqs, sglang_most_running); /* less where KV is short: below */
    /* A prompt that is not cut is computed whole, alone if need be. */
    int64_t alone = c->max_model_len > c->max_prefill_tokens ? c->max_model_len : c->max_prefill_tokens;
    c->max_num_batched_tokens = c->chunked_prefill ? c->prefill_chunk : alone;
}

/* ---- Text Generation Inference ---- */

static void tgi_fill(struct replica_config *c, const struct engine_args *args) {
    c->chunked_prefill = args->chunked_prefill != 0; /* ATTENTION=paged cannot */
    c->prefix_caching = c->chunked_prefill && args->prefix_caching != 0;
    c->concurrency_limit = given(args->max_concurrent_requests, tgi_concurrent);
    c->max_num_seqs = c->concurrency_limit;
    if (!c->chunked_prefill && args->max_num_seqs >= 0 && args->max_num_seqs < c->max_num_seqs) {
        c->max_num_seqs = args->max_num_seqs; /* --max-batch-size */
    }
    int64_t least = c->chunked_prefill ? 1 : c->max_model_len;
    int64_t tokens = tgi_prefill_tokens < c->max_model_len ? tgi_prefill_tokens : c->max_model_len;
    c->max_num_batched_tokens = given(args->max_num_batched_tokens, tokens > least ? tokens : least);
    c->waiting_served_ratio =
        args->waiting_served_ratio >= 0 ? args->waiting_served_ratio : tgi_waiting_ratio;
    c->max_waiting_tokens = given(args->max_waiting_tokens, tgi_waiting_tokens);
    c->max_input_tokens = given(args->max_input_tokens, c->max_model_len - 1);
    c->gpu_memory_utilization =
        tgi_wiggle_room * (args->gpu_memory_utilization > 0 ? args->gpu_memory_utilization : 1);
}

/* ---- both ---- */

void flavour_fill(struct replica_config *c, const struct engine_args *args, double memory_bytes) {
    bool paged = c->scheduler == SCHEDULER_TGI && args->chunked_prefill == 0;
    c->block_tokens = args->block_size > 0 ? args->block_size : paged ? 16 : 1;
    if (c->scheduler == SCHEDULER_SGLANG) {
        sglang_fill(c, args, memory_bytes);
    } else {
        tgi_fill(c, args);
    }
}

void flavour_settle(struct replica_config *c, const struct engine_args *args) {
    int64_t tokens = c->kv_blocks * c->block_tokens;
    if (c->scheduler == SCHEDULER_SGLANG && args->max_num_seqs < 0) {
        int64_t worth = (int64_t)((double)tokens / (double)c->max_model_len * 512);
        c->max_num_seqs = worth < sglang_least_running  ? sglang_least_running
                          : worth > sglang_most_running ? sglang_most_running
                                                        : worth;
    }
}
