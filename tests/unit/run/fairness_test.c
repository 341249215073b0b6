/* fairness{} of the summary: who is compared, and the arithmetic, on runs small enough to do by hand. */
#include <json-c/json.h>
#include <math.h>

#include "record/headline.h"
#include "tests/unit/run/run_fixture.h"

static struct json_object *summary_of(const char *name) {
    size_t length;
    run(name, "out");
    struct json_object *summary = json_tokener_parse(get(at("out/summary.json"), &length));
    assert_non_null(summary);
    return summary;
}

static void put_station(const char *header, const char *rows, const char *more) {
    put("rows.csv",
        arena_printf(&scratch.arena, "arrival_s,input_tokens,output_tokens,%s\n%s", header, rows));
    put("s.yaml",
        station_scenario("server: 1s, queue_limit: 1", "[{file: rows.csv, service: station}]", more));
}

static const char *text_at(struct json_object *summary, const char *path) {
    struct json_object *member = NULL;
    assert_true(summary_member(summary, path, &member));
    return json_object_get_string(member);
}

static void assert_figure(struct json_object *summary, const char *path, double expected) {
    double value = summary_figure(summary, path);
    if (!(value == expected ||
          fabs(value - expected) <= fabs(expected) / 1024)) { /* quantiles are of buckets */
        fail_msg("%s is %g, expected %g", path, value, expected);
    }
}

/* Calm ones come one by one. Of three hasty ones that come at once one is served, one waits, one is turned
 * away. */
static const char three_calm_three_hasty[] = "0,10,5,calm\n10,10,5,calm\n20,10,5,calm\n"
                                             "30,10,5,hasty\n30,10,5,hasty\n30,10,5,hasty\n";

static void tenants_are_compared_by_every_figure_they_have(void **state) {
    (void)state;
    put_station(
        "tenant", three_calm_three_hasty,
        "  objectives: [{metric: ttft_s, max: 1.5}]\n"
        "  gates: [{metric: fairness.attainment.ratio, max: 2.9}, {metric: fairness.ttft_p95.by_tenant.jain, "
        "min: 0.5}]\n");
    struct json_object *s = summary_of("s.yaml");
    assert_figure(s, "fairness.attainment.ratio", 3); /* 3/3 and 1/3 */
    assert_figure(s, "fairness.attainment.jain", (4.0 / 3) * (4.0 / 3) / (2 * (1 + 1.0 / 9)));
    assert_string_equal(text_at(s, "fairness.attainment.worst"), "hasty");
    assert_string_equal(text_at(s, "fairness.attainment.by"), "tenant");
    assert_figure(s, "fairness.attainment.by_tenant.ratio", 3);
    assert_figure(s, "fairness.ttft_p95.ratio", INFINITY); /* one in three never got there */
    assert_figure(s, "fairness.ttft_p95.jain", 0.5);
    assert_string_equal(text_at(s, "fairness.ttft_p95.worst"), "hasty");
    assert_figure(s, "fairness.rejected.ratio", INFINITY); /* 1/3 and 0 */
    assert_string_equal(text_at(s, "fairness.rejected.worst"), "hasty");
    assert_figure(s, "fairness.goodput.ratio", 3);
    assert_figure(s, "fairness.service_tokens.ratio", 1.5); /* 3 and 2 requests of 10 + 2 x 5 */
    struct json_object *gates, *held;
    assert_true(json_object_object_get_ex(s, "gates", &gates));
    for (size_t i = 0; i < 2; i++) {
        assert_true(json_object_object_get_ex(json_object_array_get_idx(gates, i), "held", &held));
        assert_int_equal(json_object_get_boolean(held), i == 1);
    }
    json_object_put(s);
}

static void one_group_is_compared_with_nobody(void **state) {
    (void)state;
    put_station("tenant", "0,10,5,calm\n10,10,5,calm\n", "");
    struct json_object *s = summary_of("s.yaml"), *member;
    assert_false(summary_member(s, "fairness", &member));
    json_object_put(s);
}

/* What came before the first image counts as text, the request in flight then too. */
static void modalities_are_told_by_the_trace(void **state) {
    (void)state;
    put_station("images,audio_s",
                "0,10,5,0,0\n10,10,5,0,0\n20,10,5,0,0\n20.1,10,5,1,0\n30,10,5,0,2.5\n40,10,5,0,0\n"
                "50,10,5,1,1\n",
                "");
    struct json_object *s = summary_of("s.yaml");
    assert_string_equal(text_at(s, "fairness.service_tokens.by"), "modality");
    assert_figure(s, "fairness.service_tokens.ratio", 4); /* 4 texts, 1 each of the others */
    assert_figure(s, "fairness.service_tokens.jain", 49.0 / (4 * 19));
    assert_figure(s, "fairness.ttft_p95.ratio", 1.9); /* the image waited 0.9 s */
    assert_string_equal(text_at(s, "fairness.ttft_p95.worst"), "image");
    assert_figure(s, "fairness.rejected.ratio", 1);
    json_object_put(s);
}

/* The same users twice as far away: 40 ms more each way. */
static void regions_are_compared_where_there_are_several(void **state) {
    (void)state;
    put("regions/manifests/chat.yaml", chat_manifest("chat", 1));
    put("regions/rows.csv",
        "arrival_s,input_tokens,output_tokens,region\n0,100,5,eu\n10,100,5,us\n20,100,5,eu\n"
        "30,100,5,us\n");
    put("regions/scenario.yaml",
        "apiVersion: drydock/v1\nkind: Scenario\nmetadata: {name: test}\nspec:\n"
        "  manifests: manifests\n"
        "  traces: [{file: rows.csv, service: chat}]\n"
        "  cluster:\n"
        "    regions: [{name: eu}, {name: us}, {name: nobody}]\n"
        "    zones: [{name: eu-a, region: eu}]\n"
        "    pools: [{name: h100, instance_type: h, gpu: H100, gpus: 1, cpu: 16, memory: 128Gi}]\n");
    struct json_object *s = summary_of("regions");
    assert_string_equal(text_at(s, "fairness.ttft_p95.by"), "region");
    assert_string_equal(text_at(s, "fairness.ttft_p95.worst"), "us");
    assert_true(summary_figure(s, "fairness.ttft_p95.by_region.ratio") > 2);
    assert_figure(s, "fairness.service_tokens.ratio", 1); /* who has no users is no group */
    json_object_put(s);
}

static void tenants_of_a_fair_queue_stay_within_their_bound(void **state) {
    (void)state;
    put("fair.yaml",
        station_scenario("server: {law: exponential, mean: 100ms}",
                         "[{synth: {rate_per_s: 8, duration_s: 100, tenant: calm}, service: station}, "
                         "{synth: {rate_per_s: 20, duration_s: 100, tenant: hasty}, service: station}]",
                         "  policies: [{admission: [{policy: vtc}]}]\n"));
    struct json_object *s = summary_of("fair.yaml");
    double largest = summary_figure(s, "fairness.gap_tokens.largest");
    assert_true(largest > 0 && largest <= summary_figure(s, "fairness.gap_tokens.bound"));
    json_object_put(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_are_compared_by_every_figure_they_have),
        cmocka_unit_test(one_group_is_compared_with_nobody),
        cmocka_unit_test(modalities_are_told_by_the_trace),
        cmocka_unit_test(regions_are_compared_where_there_are_several),
        cmocka_unit_test(tenants_of_a_fair_queue_stay_within_their_bound),
    };
    return cmocka_run_group_tests_name("run/fairness", tests, open_scratch, close_scratch);
}
