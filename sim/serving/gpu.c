/* What each kind of GPU needs for a kernel: figures fitted to public kernel timings, with their provenance
 * and error in docs/service-times.md. Three kinds of figure are told apart there and in `provenance`: fitted,
 * derived (scaled from a fitted one) and assumed. */
#include "serving/service_time.h"

#include <string.h>
#include <strings.h>

#define ALIASES(...) ((const char *const[]){__VA_ARGS__, NULL})

#define GIB 1073741824.0

/* Bytes of an all-reduce; the times below are at these. */
#define ALLREDUCE_BYTES                                                                                      \
    {                                                                                                        \
        128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576,         \
            2097152, 4194304, 8388608, 16777216, 33554432, 67108864, 134217728, 268435456, 536870912         \
    }

/* vLLM's custom all-reduce in CUDA graphs, among 2, 4 and 8 GPUs of an H100 node. */
#define OVER_NVLINK_4                                                                                        \
    {                                                                                                        \
        {4.29, 4.25,  4.18,  4.21,  4.3,   4.38,   4.49,   4.44,   4.52,   4.75,    5.18,   6.32,            \
         8.34, 12.38, 20.24, 44.96, 81.42, 156.34, 306.72, 468.76, 885.42, 1706.04, 3219.22},                \
            {4.59,  4.52, 4.55,  4.58,  4.7,   4.81,   4.83,   4.9,    5.23,    5.8,     7.18,   11.4,       \
             12.76, 18.6, 30.25, 53.53, 98.77, 191.23, 329.94, 618.84, 1180.38, 2305.43, 4535.01},           \
        {                                                                                                    \
            4.71, 4.68, 4.61, 4.65, 5.55, 5.11, 5.31, 5.58, 6.41, 7.86, 10.79, 11.99, 14.97, 19.39, 30.81,   \
                50.7, 92.38, 177.75, 343.96, 577.39, 1091.02, 2117.07, 4009.24                               \
        }                                                                                                    \
    }

/* vLLM's FI_ALLREDUCE_FUSION_MAX_SIZE_MB of compute capability 9.0, among 2, 4 and 8 GPUs. */
#define FUSED_ON_HOPPER                                                                                      \
    { 64 * 1048576.0, 2 * 1048576.0, 0.5 * 1048576.0 }

/* No NVLink: PCIe 4.0 x16 at 20 GB/s, 20 us; 2(n-1)/n of the message crosses each link. */
#define OVER_PCIE                                                                                            \
    {                                                                                                        \
        {20.01, 20.01, 20.03,  20.05,  20.1,   20.2,   20.41,   20.82,   21.64,   23.28,    26.55,   33.11,  \
         46.21, 72.43, 124.86, 229.72, 439.43, 858.86, 1697.72, 3375.44, 6730.89, 13441.77, 26863.55},       \
            {20.01,  20.02,   20.04,   20.08,   20.15,    20.31,    20.61,   21.23,                          \
             22.46,  24.92,   29.83,   39.66,   59.32,    98.64,    177.29,  334.57,                         \
             649.15, 1278.29, 2536.58, 5053.16, 10086.33, 20152.66, 40285.32},                               \
        {                                                                                                    \
            20.01, 20.02, 20.04, 20.09, 20.18, 20.36, 20.72, 21.43, 22.87, 25.73, 31.47, 42.94, 65.88,       \
                111.75, 203.5, 387, 754, 1488.01, 2956.01, 5892.02, 11764.05, 23508.1, 46996.2               \
        }                                                                                                    \
    }

/* Nobody's kernels were timed: the fractions of the datasheet that kernels reach on the kinds that were.
 * FLOP/s are of dense bf16 with fp32 sums. */
#define OF_DATASHEET(flops, bytes)                                                                           \
    .peak_bf16_flops = (flops), .peak_bytes_per_s = (bytes), .basis = GPU_UNMEASURED,                        \
    .gemm_bf16 = {5.0e-6, 0.6 * (flops), 0.85 * (bytes), 2.0},                                               \
    .prefill = {1.5e-5, 0.5 * (flops), 0.5 * (bytes), 1.0949},                                               \
    .moe = {2.9e-5, 0.5 * (flops), 0.8 * (bytes), 1.1295},                                                   \
    .decode = {1.5e-5, 0.8 * (bytes), 4.3e-6, 2.0, 0}, .elementwise_t0_s = 3.0e-6,                           \
    .elementwise_bytes_per_s = 0.75 * (bytes), .allreduce_bytes = ALLREDUCE_BYTES,                           \
    .allreduce_us = OVER_PCIE, .host_bytes_per_s = 20e9 /* as OVER_PCIE */,                                  \
    .provenance = "unmeasured: fractions of the datasheet"

const struct gpu_kind gpu_kinds[] = {
    {
        .name = "H100",
        .aliases = ALIASES("h100", "h100-sxm", "h100-sxm5", "h100-80gb", "h100-80gb-hbm3", "nvidia-h100",
                           "nvidia-h100-80gb", "nvidia-h100-80gb-hbm3", "nvidia-h100-mega-80gb",
                           "nvidia h100 80gb hbm3"),
        .memory_bytes = 79.19 * GIB,
        .sms = 132,
        .peak_bf16_flops = 989.4e12,
        .peak_bytes_per_s = 3.35e12,
        .basis = GPU_MEASURED,
        .gemm_bf16 = {3.768e-6, 8.0141e14, 2.9298e12, 3.157},
        .gemm_fp8 = {7.445e-6, 9.7761e14, 2.8918e12, 2.350},
        .has_fp8 = true,
        .prefill = {1.2751e-5, 6.7249e14, 1.4523e12, 1.0949},
        .moe = {2.2177e-5, 6.9832e14, 2.8206e12, 1.1295},
        .decode = {1.1474e-5, 3.1424e12, 3.2390e-6, 1.4319, 7.4779e-6},
        .elementwise_t0_s = 2.2e-6,
        .elementwise_bytes_per_s = 2.6e12,
        .allreduce_bytes = ALLREDUCE_BYTES,
        .allreduce_us = OVER_NVLINK_4,
        .fused_allreduce_bytes = FUSED_ON_HOPPER,
        /* PCIe 5.0 x16: host_to_device_memcpy_ce of nvbandwidth in NVIDIA's own article on it. */
        .host_bytes_per_s = 55.63e9,
        .provenance = "fitted to AIConfigurator 095f58a5 tables (vLLM 0.24.0); elementwise assumed",
    },
    {
        .name = "H200",
        .aliases =
            ALIASES("h200", "h200-sxm", "h200-141gb", "nvidia-h200", "nvidia-h200-141gb", "nvidia h200"),
        .memory_bytes = 139.81 * GIB,
        .sms = 132,
        .peak_bf16_flops = 989.4e12,
        .peak_bytes_per_s = 4.8e12,
        .basis = GPU_EXTRAPOLATED,
        .gemm_bf16 = {3.826e-6, 6.8961e14, 4.1741e12, 2.682},
        /* The H100's, by the ratios of the GEMM fits (P 0.8581, W 1.431); prefill attention is bound by
         * neither the memory nor the power limit and stays as it is. */
        .gemm_fp8 = {7.445e-6, 8.3889e14, 4.1382e12, 2.350},
        .has_fp8 = true,
        .prefill = {1.2751e-5, 6.7249e14, 1.4523e12, 1.0949},
        .moe = {2.2177e-5, 5.9923e14, 4.0363e12, 1.1295},
        .decode = {1.1474e-5, 4.4968e12, 3.2390e-6, 1.4319, 7.4779e-6},
        .elementwise_t0_s = 2.2e-6,
        .elementwise_bytes_per_s = 3.7206e12,
        .allreduce_bytes = ALLREDUCE_BYTES,
        .allreduce_us = OVER_NVLINK_4,
        .fused_allreduce_bytes = FUSED_ON_HOPPER,
        .host_bytes_per_s = 55.63e9, /* the H100's PCIe */
        .provenance =
            "bf16 GEMM fitted to AIConfigurator 095f58a5 tables (vLLM 0.22.0); fp8 GEMM, attention, MoE, "
            "all-reduce and elementwise derived from the H100",
    },
    {
        .name = "A100",
        .aliases = ALIASES("a100", "a100-sxm", "a100-sxm4", "a100-80gb", "a100-sxm4-80gb", "nvidia-a100-80gb",
                           "nvidia-a100-sxm4-80gb", "nvidia a100-sxm4-80gb"),
        .memory_bytes = 79.15 * GIB,
        .sms = 108,
        .peak_bf16_flops = 312e12,
        .peak_bytes_per_s = 2.039e12,
        .basis = GPU_EXTRAPOLATED,
        .gemm_bf16 = {5.925e-6, 2.6549e14, 1.5669e12, 1.649},
        .prefill = {1.900e-5, 2.228e14, 7.77e11, 1.0949},
        /* The H100's, by the ratios of the GEMM fits (P 0.3313, W 0.5348) and of the decode t0 (1.462). */
        .moe = {3.242e-5, 2.3135e14, 1.5085e12, 1.1295},
        .decode = {1.6771e-5, 1.6381e12, 4.2887e-6, 3.1272, 1.6097e-5},
        .elementwise_t0_s = 2.6e-6,
        .elementwise_bytes_per_s = 1.39e12,
        .allreduce_bytes = ALLREDUCE_BYTES,
        .allreduce_us =
            {{5.18,  5.12,  5.02,  5.06,  5.2,    5.32,   5.48,   5.41,   5.53,    5.87,    6.52,   8.23,
              11.26, 17.32, 29.11, 66.19, 120.88, 233.26, 458.83, 701.89, 1326.88, 2557.81, 4827.58},
             {5.53,  5.42,  5.47,  5.51,  5.69,  5.86,   5.89,   5.99,  6.49,    7.34,    9.41,   15.74,
              17.78, 26.54, 44.02, 78.94, 146.8, 285.49, 493.55, 926.9, 1769.21, 3456.79, 6801.16},
             {5.68,  5.64, 5.53,  5.59,  6.94,   6.28,   6.58,   6.99,  8.23,    10.41,   14.8,   16.6,
              21.07, 27.7, 44.83, 74.67, 137.19, 265.24, 514.56, 864.7, 1635.15, 3174.22, 6012.48}},
        /* PCIe 4.0 x16: an A100-SXM4 in github.com/NVIDIA/nvbandwidth/issues/42. */
        .host_bytes_per_s = 25.13e9,
        .provenance = "GEMM and decode attention fitted to AIConfigurator 095f58a5 tables (vLLM 0.14.0); "
                      "prefill attention, MoE, all-reduce and elementwise derived from the H100",
    },
    {
        .name = "L4",
        .aliases = ALIASES("l4", "nvidia-l4", "nvidia l4"),
        .memory_bytes = 22.03 * GIB,
        .sms = 58,
        OF_DATASHEET(121e12, 300e9),
    },
    {
        .name = "A10G",
        .aliases = ALIASES("a10g", "nvidia-a10g", "nvidia a10g"),
        .memory_bytes = 22.05 * GIB,
        .sms = 80,
        OF_DATASHEET(70e12, 600e9),
    },
    {
        .name = "L40S",
        .aliases = ALIASES("l40s", "nvidia-l40s", "nvidia l40s"),
        .memory_bytes = 44.39 * GIB,
        .sms = 142,
        OF_DATASHEET(362.05e12, 864e9),
    },
    {
        .name = "RTX-4090",
        .aliases = ALIASES("rtx4090", "rtx-4090", "nvidia-geforce-rtx-4090", "nvidia geforce rtx 4090"),
        .memory_bytes = 23.51 * GIB,
        .sms = 128,
        OF_DATASHEET(165.2e12, 1008e9),
    },
    {.name = NULL},
};

/* Length of a label value without what the device plugin appends to shared GPUs. */
static size_t label_length(const char *name) {
    static const char shared[] = "-SHARED";
    size_t length = strlen(name), tail = sizeof shared - 1;
    return length > tail && strcasecmp(name + length - tail, shared) == 0 ? length - tail : length;
}

const struct gpu_kind *gpu_find(const char *name) {
    if (name == NULL) {
        return NULL;
    }
    size_t length = label_length(name);
    for (const struct gpu_kind *g = gpu_kinds; g->name != NULL; g++) {
        for (const char *const *alias = g->aliases; *alias != NULL; alias++) {
            if (strlen(*alias) == length && strncasecmp(*alias, name, length) == 0) {
                return g;
            }
        }
    }
    return NULL;
}
