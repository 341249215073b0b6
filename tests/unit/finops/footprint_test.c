#include "finops/footprint.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct carbon carbon;
static struct footprints all;

static const simtime hour = 3600 * SIMTIME_SECOND;
static const char *const services[] = {"chat", "draft"};

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

/* A pod that serves draws 1,000 W, a GPU that does not 100 W; 500 g/kWh. */
static void begin(size_t service_count, const char *more) {
    struct yaml_file file;
    struct notices notices = {.arena = &arena};
    struct error err = {0};
    const char *text = arena_printf(&arena,
                                    "{intensity: 500, pue: 1, cpu_w_per_core: 0, memory_w_per_gb: 0, %s"
                                    "gpus: [{gpu: X, idle: 100, high: 1000}]}",
                                    more);
    assert_true(yaml_parse("s.yaml", text, strlen(text), &arena, &file, &err));
    assert_true(carbon_load(file.documents[0], NULL, &arena, &carbon, &notices, &err));
    footprints_init(&all, &arena, services, service_count);
}

static void near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected) + 1e-15)) {
        print_message("%.12g is not %.12g\n", value, expected);
        fail();
    }
}

/* A pod on one GPU that serves from `from` to `to`, and is not there before and after. */
static struct meter_pod serves(const char *service, simtime from, simtime to) {
    return (struct meter_pod){.workload = service,
                              .service = service,
                              .holds = 1,
                              .bound_ps = from,
                              .ready_ps = from,
                              .terminating_ps = to,
                              .gone_ps = to,
                              .serving_ps = to - from};
}

static void energy_times_intensity_plus_embodied(void **state) {
    (void)state;
    begin(0, "");
    struct meter_node node = {.gpu = "X", .gpus = 1, .end_ps = 10 * hour};
    const struct footprint *f = &all.whole;
    footprints_node(&all, &carbon, &node, NULL, 0);
    near(f->kwh, 1);
    near(f->by_state_kwh[COST_IDLE], 1);
    near(f->operational_g, 500);
    near(f->embodied_g, 1e6 * 10 / (4 * 8766)); /* 28.5 g/h */
    near(footprint_sci_g(f, 100), (500 + f->embodied_g) / 100);
    assert_true(isnan(footprint_sci_g(f, 0)));
    footprints_transfer(&all, &carbon, "r", NULL, 1000000000, 0, hour);
    near(f->network_kwh, 0.001);
    near(f->kwh, 1.001);
    near(f->operational_g, 500.5);
    near(footprint_kg(f), (500.5 + f->embodied_g) / 1000);
    footprints_share(&all);
    near(all.of[0].kwh, 1.001);
}

static void what_a_service_holds_is_its_own(void **state) {
    (void)state;
    begin(2, "embodied_kg_per_node: 0, ");
    struct meter_node node = {.gpu = "X", .gpus = 2, .end_ps = 4 * hour};
    struct meter_pod pods[] = {serves("chat", 0, 4 * hour), serves("draft", 0, 4 * hour)};
    pods[1].serving_ps = 0;
    footprints_node(&all, &carbon, &node, pods, 2);
    near(all.of[0].kwh, 4);
    near(all.of[0].by_state_kwh[COST_SERVING], 4);
    near(all.of[1].kwh, 0.4);
    near(all.of[1].by_state_kwh[COST_IDLE], 0.4);
    footprints_transfer(&all, &carbon, "r", "draft", 2000000000, 0, hour);
    near(all.of[1].network_kwh, 0.002);
    near(all.of[2].kwh, 0);
}

static void what_is_nobodys_goes_by_each_ones_energy(void **state) {
    (void)state;
    begin(2, "");
    struct meter_node node = {.gpu = "X", .gpus = 4, .end_ps = 4 * hour};
    struct meter_pod pods[] = {serves("chat", 0, 3 * hour), serves("draft", 0, hour)};
    footprints_node(&all, &carbon, &node, pods, 2);
    near(all.of[2].kwh, 0.1 * 12); /* 16 GPU-hours, of which 4 are held */
    footprints_share(&all);
    near(all.of[0].kwh, 3 + 1.2 * 3 / 4);
    near(all.of[1].kwh, 1 + 1.2 * 1 / 4);
    near(all.of[2].kwh, 0);
}

static void services_add_up_to_the_whole(void **state) {
    (void)state;
    begin(2, "");
    struct meter_node node = {.gpu = "X", .gpus = 3, .ready_ps = hour / 7, .end_ps = 5 * hour};
    struct meter_pod pods[] = {serves("chat", hour, 3 * hour), serves("draft", hour, 2 * hour)};
    footprints_node(&all, &carbon, &node, pods, 2);
    footprints_transfer(&all, &carbon, "r", NULL, 12345678901, 0, hour);
    footprints_share(&all);
    const struct footprint *a = &all.of[0], *b = &all.of[1], *f = &all.whole;
    near(a->kwh + b->kwh, f->kwh);
    near(a->network_kwh + b->network_kwh, f->network_kwh);
    near(a->operational_g + b->operational_g, f->operational_g);
    near(a->embodied_g + b->embodied_g, f->embodied_g);
    near(f->embodied_g, 1e6 * 5 / (4 * 8766));
    for (int i = 0; i < COST_STATES; i++) {
        near(a->by_state_kwh[i] + b->by_state_kwh[i], f->by_state_kwh[i]);
    }
}

static void when_nothing_ran_services_share_equally(void **state) {
    (void)state;
    begin(2, "");
    struct meter_node node = {.gpu = "X", .gpus = 1, .end_ps = 10 * hour};
    footprints_node(&all, &carbon, &node, NULL, 0);
    footprints_share(&all);
    near(all.of[0].kwh, 0.5);
    near(all.of[1].kwh, 0.5);
}

/* Each part of a node's time takes the intensity of its own hours: here 100 to 300 g/kWh, an hour each. */
static void energy_is_weighed_by_when_it_was_used(void **state) {
    (void)state;
    begin(0, "embodied_kg_per_node: 0, ");
    static double time_s[] = {0, 3600, 7200}, value[] = {100, 200, 300};
    static double sum[] = {0, 360000, 1080000};
    carbon.everywhere.series = (struct carbon_series){3, time_s, value, sum};
    struct meter_node node = {.gpu = "X", .gpus = 1, .end_ps = 3 * hour};
    struct meter_pod pod = serves("chat", hour, 2 * hour);
    footprints_node(&all, &carbon, &node, &pod, 1);
    near(all.whole.by_state_kwh[COST_SERVING], 1);
    near(all.whole.kwh, 1.2);
    near(all.whole.operational_g, 1 * 200 + 0.2 * 200);
    near(all.whole.embodied_g, 0);
}

#define TEST(function) cmocka_unit_test_teardown(function, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(energy_times_intensity_plus_embodied),     TEST(what_a_service_holds_is_its_own),
        TEST(what_is_nobodys_goes_by_each_ones_energy), TEST(services_add_up_to_the_whole),
        TEST(when_nothing_ran_services_share_equally),  TEST(energy_is_weighed_by_when_it_was_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
