/* Energy in closed form: watts x hours. */
#include "finops/energy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct energy_config plain = {.pue = 1};
static const simtime hour = 3600 * SIMTIME_SECOND;

static void near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected) + 1e-15)) {
        print_message("%.12g is not %.12g\n", value, expected);
        fail();
    }
}

static void the_published_points_are_on_the_curve(void **state) {
    (void)state;
    const struct gpu_power *h100 = energy_gpu(&plain, "H100");
    near(energy_serving_w(h100, exp2(4.2)), 450); /* half way */
    assert_true(energy_serving_w(h100, 1) > 300 && energy_serving_w(h100, 1) < 306);
    assert_true(energy_serving_w(h100, 128) > 580 && energy_serving_w(h100, 128) < 600);
    const struct gpu_power *a100 = energy_gpu(&plain, "A100"); /* 373 W at batch 32 */
    assert_true(fabs(energy_serving_w(a100, 32) - 373) < 5);
}

static void more_requests_never_draw_less(void **state) {
    (void)state;
    for (const struct gpu_power *p = gpu_powers; p->gpu != NULL; p++) {
        double last = p->idle_w;
        assert_non_null(p->source);
        for (double batch = 1; batch <= 1024; batch *= 2) {
            double watts = energy_serving_w(p, batch);
            assert_true(watts >= last && watts <= p->high_w);
            last = watts;
        }
        assert_true(energy_serving_w(p, 0) == p->high_w);
    }
}

static void kinds_are_found_in_the_names_people_use(void **state) {
    (void)state;
    assert_string_equal(energy_gpu(&plain, "nvidia-h100-80gb-hbm3")->gpu, "H100");
    assert_string_equal(energy_gpu(&plain, "NVIDIA A100-SXM4-80GB")->gpu, "A100");
    assert_string_equal(energy_gpu(&plain, "l40s")->gpu, "L40S");
    assert_string_equal(energy_gpu(&plain, "L4")->gpu, "L4");
    assert_null(energy_gpu(&plain, "MI300X"));
    assert_null(energy_gpu(&plain, NULL));
}

static void the_scenarios_own_curve_comes_first(void **state) {
    (void)state;
    struct gpu_power own = {.gpu = "h100", .idle_w = 1, .low_w = 2, .high_w = 3};
    struct energy_config config = {.pue = 1, .gpus = &own, .gpu_count = 1};
    assert_ptr_equal(energy_gpu(&config, "H100"), &own);
    assert_true(energy_serving_w(&own, 8) == 3); /* no slope: the batch does not count */
}

static double sum(const struct energy_part *parts, size_t count, int state) {
    double kwh = 0;
    for (size_t i = 0; i < count; i++) {
        kwh += state < 0 || (int)parts[i].state == state ? parts[i].kwh : 0;
    }
    return kwh;
}

static void an_idle_node_draws_idle_power(void **state) {
    (void)state;
    struct energy_config config = {.pue = 1.2, .cpu_w_per_core = 2, .memory_w_per_gb = 0.5};
    struct meter_node node = {.gpu = "H100", .gpus = 8, .cpu = 96, .memory_bytes = 1e12, .end_ps = 2 * hour};
    struct energy_part parts[8];
    size_t count = energy_node(&config, &node, NULL, 0, parts);
    near(sum(parts, count, -1), (8 * 80 + 96 * 2 + 1000 * 0.5) / 1000 * 2 * 1.2);
    near(sum(parts, count, COST_IDLE), sum(parts, count, -1));
}

static void a_node_without_gpus_draws_its_host(void **state) {
    (void)state;
    struct energy_config config = {.pue = 1, .cpu_w_per_core = 2};
    struct meter_node node = {.cpu = 8, .end_ps = hour};
    struct meter_pod pod = {
        .workload = "web", .holds = 4000, .terminating_ps = -1, .gone_ps = -1, .serving_ps = hour};
    struct energy_part parts[8];
    size_t count = energy_node(&config, &node, &pod, 1, parts);
    near(sum(parts, count, COST_SERVING), 0.008);
    near(sum(parts, count, COST_IDLE), 0.008);
}

static void serving_draws_by_the_batch(void **state) {
    (void)state;
    struct meter_node node = {.gpu = "H100", .gpus = 2, .end_ps = hour};
    struct meter_pod pod = {.workload = "chat",
                            .service = "chat",
                            .holds = 1,
                            .terminating_ps = -1,
                            .gone_ps = -1,
                            .serving_ps = hour / 4,
                            .batch = 32};
    struct energy_part parts[8];
    size_t count = energy_node(&plain, &node, &pod, 1, parts);
    double serving_w = 300 + 300 / (1 + exp(-(5 - 4.2)));
    near(sum(parts, count, COST_SERVING), serving_w / 1000 / 4);
    near(sum(parts, count, COST_IDLE), 0.080 * (0.75 + 1));
    assert_string_equal(parts[0].service, "chat");
}

static void provisioning_draws_from_the_request_on(void **state) {
    (void)state;
    struct meter_node node = {.gpu = "T4", .gpus = 1, .ready_ps = hour, .end_ps = 3 * hour};
    struct energy_part parts[8];
    size_t count = energy_node(&plain, &node, NULL, 0, parts);
    near(sum(parts, count, COST_START_UP), 0.008);
    near(sum(parts, count, COST_IDLE), 0.016);
}

static void moving_a_gigabyte_takes_a_watt_hour(void **state) {
    (void)state;
    struct energy_config config = {.pue = 1.5, .network_kwh_per_gb = 0.001};
    near(energy_network_kwh(&config, 2e9), 0.003);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_points_are_on_the_curve),
        cmocka_unit_test(more_requests_never_draw_less),
        cmocka_unit_test(kinds_are_found_in_the_names_people_use),
        cmocka_unit_test(the_scenarios_own_curve_comes_first),
        cmocka_unit_test(an_idle_node_draws_idle_power),
        cmocka_unit_test(a_node_without_gpus_draws_its_host),
        cmocka_unit_test(serving_draws_by_the_batch),
        cmocka_unit_test(provisioning_draws_from_the_request_on),
        cmocka_unit_test(moving_a_gigabyte_takes_a_watt_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
