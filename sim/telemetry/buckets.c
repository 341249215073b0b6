#include "telemetry/buckets.h"

#define MS ((int64_t)1000000000)
#define S SIMTIME_SECOND

static const int64_t first_token[] = {
    1 * MS, 5 * MS,    10 * MS, 20 * MS,   40 * MS, 60 * MS, 80 * MS, 100 * MS, 250 * MS, 500 * MS, 750 * MS,
    1 * S,  2500 * MS, 5 * S,   7500 * MS, 10 * S,  20 * S,  40 * S,  80 * S,   160 * S,  640 * S,  2560 * S};
static const int64_t token_gap[] = {10 * MS,   25 * MS,  50 * MS,  75 * MS,  100 * MS, 150 * MS,  200 * MS,
                                    300 * MS,  400 * MS, 500 * MS, 750 * MS, 1 * S,    2500 * MS, 5 * S,
                                    7500 * MS, 10 * S,   20 * S,   40 * S,   80 * S};
static const int64_t request[] = {300 * MS, 500 * MS, 800 * MS, 1 * S,   1500 * MS, 2 * S,    2500 * MS,
                                  5 * S,    10 * S,   15 * S,   20 * S,  30 * S,    40 * S,   50 * S,
                                  60 * S,   120 * S,  240 * S,  480 * S, 960 * S,   1920 * S, 7680 * S};
static const int64_t step_tokens[] = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};

#define EDGES(table)                                                                                         \
    { table, sizeof table / sizeof *table }

const struct bucket_edges vllm_first_token_edges = EDGES(first_token);
const struct bucket_edges vllm_token_gap_edges = EDGES(token_gap);
const struct bucket_edges vllm_request_edges = EDGES(request);
const struct bucket_edges vllm_step_token_edges = EDGES(step_tokens);

_Static_assert(sizeof token_gap / sizeof *token_gap + 1 == TOKEN_GAP_BUCKETS, "room for each bucket");

struct bucket_edges vllm_request_token_edges(int64_t most, int64_t *at) {
    static const int64_t mantissas[] = {1, 2, 5};
    struct bucket_edges edges = {at, 0};
    for (int64_t power = 1;; power *= 10) {
        for (size_t i = 0; i < 3; i++) {
            if (mantissas[i] * power > most || edges.count == BUCKETS_MAX) {
                return edges;
            }
            at[edges.count++] = mantissas[i] * power;
        }
    }
}

size_t bucket_of(const struct bucket_edges *edges, int64_t value) {
    size_t i = 0;
    while (i < edges->count && edges->at[i] < value) {
        i++;
    }
    return i;
}

void token_gaps_add_elsewhere(struct token_gaps *g, int64_t first, int64_t increment, uint64_t steps,
                              uint64_t weight) {
    const struct bucket_edges *edges = &vllm_token_gap_edges;
    if (steps == 1) { /* a step with prompts in it: those behind it will be as those before it */
        g->counts[bucket_of(edges, first)] += weight;
        return;
    }
    buckets_add(edges, g->counts, first, increment, steps, weight);
    g->last = bucket_of(edges, first + increment * (int64_t)(steps - 1));
    g->above = g->last > 0 ? edges->at[g->last - 1] : -1;
    g->to = g->last < edges->count ? edges->at[g->last] : INT64_MAX;
}

void buckets_add(const struct bucket_edges *edges, uint64_t *counts, int64_t first, int64_t increment,
                 uint64_t steps, uint64_t weight) {
    size_t i = bucket_of(edges, first);
    while (steps > 0) {
        uint64_t here = steps;
        if (increment > 0 && i < edges->count) {
            int64_t fit = (edges->at[i] - first) / increment + 1;
            here = fit < (int64_t)steps ? (uint64_t)fit : steps;
        }
        counts[i] += here * weight;
        steps -= here;
        first += increment * (int64_t)here;
        while (i < edges->count && edges->at[i] < first) {
            i++;
        }
    }
}
