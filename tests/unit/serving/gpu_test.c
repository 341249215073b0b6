#include "service_time_fixture.h"

#include <string.h>

static void labels_of_nodes_are_found(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"H100", "H100"},
        {"h100", "H100"},
        {"NVIDIA-H100-80GB-HBM3", "H100"},        /* nvidia.com/gpu.product */
        {"NVIDIA-H100-80GB-HBM3-SHARED", "H100"}, /* with time slicing */
        {"nvidia-h100-80gb", "H100"},             /* cloud.google.com/gke-accelerator */
        {"NVIDIA-A100-SXM4-80GB", "A100"},
        {"nvidia-a100-80gb", "A100"},
        {"a100", "A100"}, /* karpenter.k8s.aws/instance-gpu-name */
        {"NVIDIA-L4", "L4"},
        {"NVIDIA-H200", "H200"},
        {"NVIDIA-A10G", "A10G"},
        {"NVIDIA-L40S", "L40S"},
        {"NVIDIA-GeForce-RTX-4090", "RTX-4090"},
        {"l4", "L4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct gpu_kind *gpu = gpu_find(cases[i][0]);
        assert_non_null(gpu);
        assert_string_equal(gpu->name, cases[i][1]);
    }
}

static void parts_and_relatives_of_a_kind_are_not_it(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",          "H100-NVL",           "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb",
        "L40",       "NVIDIA-H100-PCIe",   "NVIDIA-A100-SXM4-40GB",
        "-SHARED",   "NVIDIA-GH200-480GB", "nvidia",
        "nvidia-l40"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(gpu_find(cases[i]));
    }
    assert_null(gpu_find(NULL));
}

static void no_fit_beats_the_datasheet(void **state) {
    (void)state;
    for (const struct gpu_kind *g = gpu_kinds; g->name != NULL; g++) {
        const struct roofline_fit *fits[] = {&g->gemm_bf16, &g->prefill, &g->moe};
        for (size_t i = 0; i < 3; i++) {
            assert_true(fits[i]->flops_per_s > 0 && fits[i]->flops_per_s < g->peak_bf16_flops);
            assert_true(fits[i]->bytes_per_s > 0 && fits[i]->bytes_per_s < g->peak_bytes_per_s);
            assert_true(fits[i]->q >= 1 && fits[i]->t0_s > 0);
        }
        assert_true(!g->has_fp8 || g->gemm_fp8.flops_per_s < 2 * g->peak_bf16_flops);
        assert_true(g->decode.bytes_per_s < g->peak_bytes_per_s && g->decode.q >= 1);
        assert_true(g->elementwise_bytes_per_s < g->peak_bytes_per_s);
    }
}

static void all_reduce_tables_are_whole(void **state) {
    (void)state;
    for (const struct gpu_kind *g = gpu_kinds; g->name != NULL; g++) {
        for (int i = 0; i < ALLREDUCE_POINTS; i++) {
            assert_true(i == 0 || g->allreduce_bytes[i] == 2 * g->allreduce_bytes[i - 1]);
            for (int width = 0; width < ALLREDUCE_WIDTHS; width++) {
                assert_true(g->allreduce_us[width][i] > 1);
                /* Small messages scatter by a microsecond or so; nothing may grow faster than its bytes. */
                assert_true(i == 0 || g->allreduce_us[width][i] > g->allreduce_us[width][i - 1] - 1);
                assert_true(i == 0 || g->allreduce_us[width][i] < 2.4 * g->allreduce_us[width][i - 1]);
            }
        }
    }
}

static void every_kind_says_what_it_rests_on(void **state) {
    (void)state;
    for (const struct gpu_kind *g = gpu_kinds; g->name != NULL; g++) {
        bool says_so = strncmp(g->provenance, "unmeasured", strlen("unmeasured")) == 0;
        assert_int_equal(g->basis == GPU_UNMEASURED, says_so);
        assert_int_equal(g->basis == GPU_EXTRAPOLATED,
                         strstr(g->provenance, "derived from the H100") != NULL);
    }
    assert_int_equal(gpu_find("H100")->basis, GPU_MEASURED);
}

/* Among kinds of one basis, the more it has on the datasheet the faster it is. */
static void a_faster_datasheet_is_a_faster_gpu(void **state) {
    (void)state;
    static const char *const order[] = {"L4", "A10G", "L40S", "RTX-4090"}; /* by bandwidth */
    for (size_t i = 1; i < sizeof order / sizeof *order; i++) {
        const struct gpu_kind *a = gpu_find(order[i - 1]), *b = gpu_find(order[i]);
        assert_true(a->gemm_bf16.bytes_per_s < b->gemm_bf16.bytes_per_s);
        assert_true(a->decode.bytes_per_s < b->decode.bytes_per_s);
    }
    assert_true(gpu_find("H200")->decode.bytes_per_s > gpu_find("H100")->decode.bytes_per_s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_of_nodes_are_found),
        cmocka_unit_test(parts_and_relatives_of_a_kind_are_not_it),
        cmocka_unit_test(no_fit_beats_the_datasheet),
        cmocka_unit_test(all_reduce_tables_are_whole),
        cmocka_unit_test(every_kind_says_what_it_rests_on),
        cmocka_unit_test(a_faster_datasheet_is_a_faster_gpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
