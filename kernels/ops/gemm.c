/* gemm: C[m,n] = A[m,k] B[n,k]^T, as a linear layer applies its weights B to m tokens.
 *
 * Kernels cut C into tiles and run them in waves over the device's multiprocessors. Two shapes are alike when
 * they have the same m and much the same weights, and also when they have as many tiles: m n is the same
 * (twice the tokens on half the width). Hence two alignments. The number of tiles matters more than how long
 * each is (k).
 */
#include <math.h>

#include "kernels/op.h"

enum { M, N, K };

static double flops(const double *x) {
    return 2 * x[M] * x[N] * x[K];
}

static double bytes(const double *x, double element_bytes) {
    return element_bytes * (x[M] * x[K] + x[N] * x[K]) + 2 * x[M] * x[N];
}

enum { LOG_M, LOG_N, LOG_K, LOG_TILES, LOG_ASPECT, COORDINATES };

static void place(const double *x, double *z) {
    z[LOG_M] = log2(x[M]);
    z[LOG_N] = log2(x[N]);
    z[LOG_K] = log2(x[K]);
    z[LOG_TILES] = z[LOG_M] + z[LOG_N];
    z[LOG_ASPECT] = z[LOG_M] - z[LOG_N];
}

const struct op op_gemm = {
    .name = "gemm",
    .axes = {"m", "n", "k"},
    .site = 1 << N | 1 << K,
    .flops = flops,
    .bytes = bytes,
    .coordinates = COORDINATES,
    .place = place,
    .alignments = 2,
    .alignment = {{.scale = {[LOG_M] = 0.3, [LOG_N] = 2, [LOG_K] = 4}, .swept = {LOG_M}, .swept_count = 1},
                  {.scale = {[LOG_TILES] = 0.5, [LOG_ASPECT] = 4, [LOG_K] = 4},
                   .swept = {LOG_TILES},
                   .swept_count = 1}},
};
