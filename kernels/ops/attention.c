/* Attention with grouped queries, three ways: of one new token a sequence over a paged KV cache (decode), of
 * a prompt's tokens, causal (prefill), and of all tokens over all (encoder).
 *
 * A window w > 0 lets a token look at itself and the w - 1 before it.
 */
#include <math.h>

#include "kernels/op.h"

static double least(double a, double b) {
    return a < b ? a : b;
}

/* A window has a place far from all others: none is as good as infinite. */
static double window_place(double window) {
    return window > 0 ? log2(window) : 20;
}

/* ---- decode ---- */

enum { D_BATCH, D_CONTEXT, D_HEADS, D_KV_HEADS, D_HEAD_DIM, D_WINDOW };

static double decode_span(const double *x) {
    return x[D_WINDOW] > 0 ? least(x[D_WINDOW], x[D_CONTEXT]) : x[D_CONTEXT];
}

static double decode_flops(const double *x) {
    return 4 * x[D_BATCH] * x[D_HEADS] * x[D_HEAD_DIM] * decode_span(x);
}

static double decode_bytes(const double *x, double element_bytes) {
    double kv = 2 * element_bytes * x[D_BATCH] * x[D_KV_HEADS] * x[D_HEAD_DIM] * decode_span(x);
    return kv + 2 * 2 * x[D_BATCH] * x[D_HEADS] * x[D_HEAD_DIM];
}

/* Kernels give a block to each sequence and KV head, however short its context. A thousand million each, so
 * that the rate is of the order of a device's FLOP/s. */
static double decode_work(const double *x) {
    return 1e9 * x[D_BATCH] * x[D_KV_HEADS];
}

/* How many blocks, how long each; kernels take other paths with one KV head, and with as many as query heads.
 */
enum { D_BLOCKS, D_LENGTH, D_GROUP, D_DIM, D_SPAN, D_WIDTH, D_ALL_KV, D_ONE_KV, D_COORDINATES };

static void decode_place(const double *x, double *z) {
    z[D_BLOCKS] = log2(x[D_BATCH] * x[D_KV_HEADS]);
    z[D_LENGTH] = log2(x[D_CONTEXT]);
    z[D_GROUP] = log2(x[D_HEADS] / x[D_KV_HEADS]);
    z[D_DIM] = log2(x[D_HEAD_DIM]);
    z[D_SPAN] = window_place(x[D_WINDOW]);
    z[D_WIDTH] = log2(x[D_KV_HEADS]);
    z[D_ALL_KV] = x[D_HEADS] == x[D_KV_HEADS];
    z[D_ONE_KV] = x[D_KV_HEADS] == 1;
}

const struct op op_decode_attention = {
    .name = "decode-attention",
    .axes = {"batch", "context", "heads", "kv_heads", "head_dim", "window"},
    .site = 1 << D_HEADS | 1 << D_KV_HEADS | 1 << D_HEAD_DIM | 1 << D_WINDOW,
    .flops = decode_flops,
    .bytes = decode_bytes,
    .work = decode_work,
    .coordinates = D_COORDINATES,
    .place = decode_place,
    .alignments = 1,
    .alignment = {{.scale = {[D_BLOCKS] = 4,
                             [D_LENGTH] = 4,
                             [D_GROUP] = 16,
                             [D_DIM] = 2,
                             [D_SPAN] = 8,
                             [D_WIDTH] = 4,
                             [D_ALL_KV] = 1,
                             [D_ONE_KV] = 4},
                   .swept = {D_BLOCKS, D_LENGTH},
                   .swept_count = 2}},
};

/* ---- prefill ---- */

enum { P_BATCH, P_TOKENS, P_PREFIX, P_HEADS, P_KV_HEADS, P_HEAD_DIM, P_WINDOW };

/* Pairs of tokens that look at each other, of one sequence and head: token i of s, behind `prefix` others,
 * sees prefix + i + 1, and no more than the window. */
static double prefill_pairs(const double *x) {
    double s = x[P_TOKENS], prefix = x[P_PREFIX], w = x[P_WINDOW];
    if (w <= 0 || w >= prefix + s) {
        return s * prefix + s * (s + 1) / 2;
    }
    double growing = w > prefix ? w - prefix : 0; /* tokens that see all before them */
    return growing * prefix + growing * (growing + 1) / 2 + (s - growing) * w;
}

static double prefill_flops(const double *x) {
    return 4 * x[P_BATCH] * x[P_HEADS] * x[P_HEAD_DIM] * prefill_pairs(x);
}

static double prefill_bytes(const double *x, double element_bytes) {
    double queries = 2 * 2 * x[P_TOKENS] * x[P_HEADS] * x[P_HEAD_DIM];
    double kv = 2 * element_bytes * (x[P_TOKENS] + x[P_PREFIX]) * x[P_KV_HEADS] * x[P_HEAD_DIM];
    return x[P_BATCH] * (queries + kv);
}

enum { P_BLOCKS, P_LENGTH, P_GROUP, P_DIM, P_SPAN, P_WIDTH, P_BEHIND, P_COORDINATES };

static void prefill_place(const double *x, double *z) {
    z[P_BLOCKS] = log2(x[P_BATCH] * x[P_HEADS]);
    z[P_LENGTH] = log2(x[P_TOKENS]);
    z[P_GROUP] = log2(x[P_HEADS] / x[P_KV_HEADS]);
    z[P_DIM] = log2(x[P_HEAD_DIM]);
    z[P_SPAN] = window_place(x[P_WINDOW]);
    z[P_WIDTH] = log2(x[P_HEADS]);
    z[P_BEHIND] = log2((x[P_PREFIX] + x[P_TOKENS]) / x[P_TOKENS]);
}

const struct op op_prefill_attention = {
    .name = "prefill-attention",
    .axes = {"batch", "tokens", "prefix", "heads", "kv_heads", "head_dim", "window"},
    .site = 1 << P_HEADS | 1 << P_KV_HEADS | 1 << P_HEAD_DIM | 1 << P_WINDOW,
    .flops = prefill_flops,
    .bytes = prefill_bytes,
    .coordinates = P_COORDINATES,
    .place = prefill_place,
    .alignments = 1,
    .alignment = {{.scale = {[P_BLOCKS] = 2,
                             [P_LENGTH] = 2,
                             [P_GROUP] = 8,
                             [P_DIM] = 0.5,
                             [P_SPAN] = 2,
                             [P_WIDTH] = 8,
                             [P_BEHIND] = 2},
                   .swept = {P_BLOCKS, P_LENGTH},
                   .swept_count = 2}},
};

/* ---- encoder ---- */

enum { E_BATCH, E_TOKENS, E_HEADS, E_HEAD_DIM };

static double encoder_flops(const double *x) {
    return 4 * x[E_BATCH] * x[E_HEADS] * x[E_HEAD_DIM] * x[E_TOKENS] * x[E_TOKENS];
}

/* Queries, keys, values and the result, all activations. */
static double encoder_bytes(const double *x, double element_bytes) {
    return 4 * element_bytes * x[E_BATCH] * x[E_TOKENS] * x[E_HEADS] * x[E_HEAD_DIM];
}

enum { E_BLOCKS, E_LENGTH, E_DIM, E_WIDTH, E_COORDINATES };

static void encoder_place(const double *x, double *z) {
    z[E_BLOCKS] = log2(x[E_BATCH] * x[E_HEADS]);
    z[E_LENGTH] = log2(x[E_TOKENS]);
    z[E_DIM] = log2(x[E_HEAD_DIM]);
    z[E_WIDTH] = log2(x[E_HEADS]);
}

const struct op op_encoder_attention = {
    .name = "encoder-attention",
    .axes = {"batch", "tokens", "heads", "head_dim"},
    .site = 1 << E_HEADS | 1 << E_HEAD_DIM,
    .flops = encoder_flops,
    .bytes = encoder_bytes,
    .coordinates = E_COORDINATES,
    .place = encoder_place,
    .alignments = 1,
    .alignment = {{.scale = {[E_BLOCKS] = 2, [E_LENGTH] = 2, [E_DIM] = 0.5, [E_WIDTH] = 8},
                   .swept = {E_BLOCKS, E_LENGTH},
                   .swept_count = 2}},
};
