/* Objectives and gates of a run, from the scenario to the verdicts in summary.json. */
#include <json-c/json.h>
#include <math.h>

#include "tests/unit/run/run_fixture.h"

static const char *const server = "server: {law: constant, mean: 1s}, queue_limit: 1";

/* One request every 10 s to begin with, then three at once, of which one is turned away. */
static void put_rows(void) {
    put("rows.csv", "arrival_s,input_tokens,output_tokens,tenant\n0,1,1,calm\n10,1,1,calm\n20,1,1,calm\n"
                    "30,1,1,hasty\n30,1,1,hasty\n30,1,1,hasty\n");
}

static struct json_object *run_with(const char *more) {
    size_t length;
    put_rows();
    put("s.yaml", station_scenario(server, "[{file: rows.csv, service: station}]", more));
    run("s.yaml", "out");
    struct json_object *summary = json_tokener_parse(get(at("out/summary.json"), &length));
    assert_non_null(summary);
    return summary;
}

static struct json_object *item(struct json_object *summary, const char *list, size_t index) {
    struct json_object *items = NULL;
    assert_true(json_object_object_get_ex(summary, list, &items));
    assert_true(index < json_object_array_length(items));
    return json_object_array_get_idx(items, index);
}

static void assert_gate(struct json_object *summary, size_t index, bool held, double value) {
    struct json_object *gate = item(summary, "gates", index), *member;
    assert_true(json_object_object_get_ex(gate, "held", &member));
    assert_int_equal(json_object_get_boolean(member), held);
    assert_true(json_object_object_get_ex(gate, "value", &member));
    assert_true(json_object_is_type(member, json_type_double) || json_object_is_type(member, json_type_int));
    assert_true(fabs(json_object_get_double(member) - value) <= value / 1024); /* quantiles are of buckets */
}

static void a_gate_holds_within_its_limits_and_breaks_outside(void **state) {
    (void)state;
    struct json_object *s =
        run_with("  gates:\n"
                 "    - {metric: requests.rejected, max: 1}\n"
                 "    - {metric: requests.rejected, max: 0}\n"
                 "    - {metric: requests.completed, min: 5, max: 5}\n"
                 "    - {metric: requests.completed, min: 6}\n"
                 "    - {metric: requests.rejected, scope: tenant/calm, max: 0}\n"
                 "    - {metric: latency.e2e_s.max, scope: tenant/calm, max: 1s}\n"
                 "    - {metric: requests.arrived, scope: service/station, max: 3, level: "
                 "warn}\n");
    assert_gate(s, 0, true, 1);
    assert_gate(s, 1, false, 1);
    assert_gate(s, 2, true, 5);
    assert_gate(s, 3, false, 5);
    assert_gate(s, 4, true, 0);
    assert_gate(s, 5, true, 1);
    assert_gate(s, 6, false, 6);
    struct json_object *level;
    assert_true(json_object_object_get_ex(item(s, "gates", 6), "level", &level));
    assert_string_equal(json_object_get_string(level), "warn");
    assert_false(json_object_object_get_ex(item(s, "gates", 0), "min", NULL));
    json_object_put(s);
}

/* One of six never got an answer: the completed ones alone would hold the limit. */
static void a_latency_is_that_of_all_who_asked(void **state) {
    (void)state;
    struct json_object *s = run_with("  gates:\n    - {metric: e2e_s.max, max: 1m}\n"
                                     "    - {metric: e2e_s.p50, max: 1m}\n"
                                     "    - {metric: e2e_s.max, min: 1m}\n");
    struct json_object *gate = item(s, "gates", 0), *member = NULL;
    assert_true(json_object_object_get_ex(gate, "value", &member));
    assert_null(member);
    assert_true(json_object_object_get_ex(gate, "infinite", &member) && json_object_get_boolean(member));
    assert_true(json_object_object_get_ex(gate, "held", &member));
    assert_false(json_object_get_boolean(member));
    assert_gate(s, 1, true, 1);
    assert_true(json_object_object_get_ex(item(s, "gates", 2), "held", &member));
    assert_true(json_object_get_boolean(member)); /* never is late */
    json_object_put(s);
}

static void a_gate_without_value_is_not_held(void **state) {
    (void)state;
    struct json_object *s =
        run_with("  gates:\n    - {metric: requests.rejected, scope: tenant/nobody, max: 9}\n"
                 "    - {metric: cost.total_usd, max: 9}\n    - {metric: scaling.scale_ups, max: 9}\n");
    for (size_t i = 0; i < 3; i++) {
        struct json_object *member;
        assert_true(json_object_object_get_ex(item(s, "gates", i), "value", &member));
        assert_null(member);
        assert_false(json_object_object_get_ex(item(s, "gates", i), "infinite", NULL));
        assert_true(json_object_object_get_ex(item(s, "gates", i), "held", &member));
        assert_false(json_object_get_boolean(member));
    }
    json_object_put(s);
}

static void a_gate_on_regressions_alone_is_not_judged_by_a_run(void **state) {
    (void)state;
    struct json_object *s =
        run_with("  gates:\n    - {metric: requests.rejected, regression: {relative: 5%}}\n");
    assert_false(json_object_object_get_ex(s, "gates", NULL));
    assert_non_null(
        strstr(scratch.order->outcome.warnings,
               "the gate on requests.rejected compares two revisions: a run alone does not judge it"));
    json_object_put(s);
}

/* It was judged on all requests once. */
static void an_objective_on_a_service_that_nothing_came_of_is_not_met(void **state) {
    (void)state;
    put_rows();
    put("s.yaml", "apiVersion: drydock/v1\nkind: Scenario\nmetadata: {name: test}\nspec:\n"
                  "  services: [{name: station, server: 1s}, {name: other, server: 1s}]\n"
                  "  traces: [{file: rows.csv, service: station}]\n"
                  "  objectives:\n    - {metric: requests.completed, min: 1, service: other}\n"
                  "    - {metric: requests.completed, min: 6, service: station}\n");
    run("s.yaml", "out");
    size_t length;
    struct json_object *s = json_tokener_parse(get(at("out/summary.json"), &length)), *slo, *member;
    assert_true(json_object_object_get_ex(s, "slo", &slo));
    assert_true(json_object_object_get_ex(item(slo, "objectives", 0), "met", &member));
    assert_false(json_object_get_boolean(member));
    assert_true(json_object_object_get_ex(item(slo, "objectives", 1), "met", &member));
    assert_true(json_object_get_boolean(member));
    json_object_put(s);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scratch, close_scratch)
    const struct CMUnitTest tests[] = {
        TEST(a_gate_holds_within_its_limits_and_breaks_outside),
        TEST(a_latency_is_that_of_all_who_asked),
        TEST(a_gate_without_value_is_not_held),
        TEST(a_gate_on_regressions_alone_is_not_judged_by_a_run),
        TEST(an_objective_on_a_service_that_nothing_came_of_is_not_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
