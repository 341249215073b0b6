/* sim/telemetry/buckets.h: histograms as model servers keep them: counts of values by fixed upper edges,
 * inclusive, as Prometheus has them; and vLLM's edges (V1 engine, vllm/v1/metrics/loggers.py, v0.10 to
 * v0.11).
 *
 * Times are whole picoseconds, so that a value on an edge is counted where it belongs. The figures of a
 * summary do not come from these: see record/histogram.h.
 */
#ifndef DRYDOCK_TELEMETRY_BUCKETS_H
#define DRYDOCK_TELEMETRY_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/simtime.h"

/* Upper edges, ascending; what is above the last one has a bucket of its own. */
struct bucket_edges {
    const int64_t *at;
    size_t count;
};

enum { BUCKETS_MAX = 40 }; /* edges of one histogram */

extern const struct bucket_edges vllm_first_token_edges; /* time_to_first_token_seconds */
extern const struct bucket_edges
    vllm_token_gap_edges; /* inter_token_latency_seconds, time_per_output_token_seconds */
extern const struct bucket_edges vllm_request_edges; /* e2e_request_latency_seconds, request_*_time_seconds */
extern const struct bucket_edges vllm_step_token_edges; /* iteration_tokens_total: tokens */

enum { TOKEN_GAP_BUCKETS = 20 }; /* of vllm_token_gap_edges, the last one included */

/* 1, 2, 5, 10, ... up to `most`: request_prompt_tokens and request_generation_tokens, by max_model_len.
 * `at` has room for BUCKETS_MAX. */
struct bucket_edges vllm_request_token_edges(int64_t most, int64_t *at);

/* The bucket of a value: the first edge that is not below it; edges.count when there is none. */
size_t bucket_of(const struct bucket_edges *edges, int64_t value);

/* Counts each of `steps` values, `first` and then `increment` >= 0 more each, `weight` times. */
void buckets_add(const struct bucket_edges *edges, uint64_t *counts, int64_t first, int64_t increment,
                 uint64_t steps, uint64_t weight);

/* Times between tokens while they gather. They come one step or run of steps after the other and seldom leave
 * their bucket, which is known: then counting is two comparisons. Zero-initialise. */
struct token_gaps {
    uint64_t counts[TOKEN_GAP_BUCKETS];
    int64_t above, to; /* the bucket that was counted into last */
    size_t last;
};

void token_gaps_add_elsewhere(struct token_gaps *g, int64_t first, int64_t increment, uint64_t steps,
                              uint64_t weight);

static inline void token_gaps_add(struct token_gaps *g, int64_t first, int64_t increment, uint64_t steps,
                                  uint64_t weight) {
    if (first > g->above && first + increment * (int64_t)(steps - 1) <= g->to) {
        g->counts[g->last] += steps * weight;
    } else {
        token_gaps_add_elsewhere(g, first, increment, steps, weight);
    }
}

#endif
