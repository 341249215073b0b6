#include "study/fold.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/headline.h"
#include "study/promises.h"
#include "tests/unit/record/schema_check.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Three replications: the second has a tenant more, the third no tokens, and lateness without end. */
static const char *const texts[] = {
    "{\"schema\": \"drydock.summary/1\", \"seed\": 1, \"replications\": 1, \"wall_s\": 0.5, \"events\": 10,"
    " \"latency\": {\"ttft_s\": {\"n\": 4, \"p95\": 0.25}, \"tpot_s\": {\"n\": 2, \"p95\": 0.01}, \"itl_s\": "
    "null},"
    " \"latency_gate\": {\"ttft_s\": {\"n\": 4, \"p95\": 0.25}},"
    " \"slo\": {\"attainment\": 0.9, \"objectives\": [{\"metric\": \"latency.ttft_s\", \"statistic\": "
    "\"p95\","
    "  \"limit\": 0.3, \"value\": 0.25, \"met\": true}, {\"metric\": \"slo.attainment\", \"statistic\": null,"
    "  \"service\": \"a\", \"limit\": 0.92, \"at_least\": true, \"value\": 0.9, \"met\": false}]},"
    " \"cost\": {\"total_usd\": 12.000000001, \"month_usd\": null, \"by_state\": {\"idle\": 1.000000000}},"
    " \"gates\": [{\"metric\": \"cost.total_usd\", \"max\": 12.000000003, \"value\": 12.000000001, \"held\": "
    "true,"
    "  \"level\": \"fail\"}, {\"metric\": \"replicas.max\", \"scope\": \"service/a\", \"min\": 9, \"value\": "
    "2,"
    "  \"held\": false, \"level\": \"warn\"}],"
    " \"tenants\": {\"cost\": {\"goodput_per_s\": 1.5}, \"seed\": {\"goodput_per_s\": 2}}, \"warnings\": "
    "[\"w\"]}",
    "{\"schema\": \"drydock.summary/1\", \"seed\": 2, \"replications\": 1, \"wall_s\": 0.7, \"events\": 14,"
    " \"latency\": {\"ttft_s\": {\"n\": 4, \"p95\": 0.35}, \"tpot_s\": {\"n\": 2, \"p95\": 0.03}, \"itl_s\": "
    "null},"
    " \"latency_gate\": {\"ttft_s\": {\"n\": 4, \"p95\": 0.35}},"
    " \"slo\": {\"attainment\": 0.95, \"objectives\": [{\"metric\": \"latency.ttft_s\", \"statistic\": "
    "\"p95\","
    "  \"limit\": 0.3, \"value\": 0.37, \"met\": false}, {\"metric\": \"slo.attainment\", \"statistic\": "
    "null,"
    "  \"service\": \"a\", \"limit\": 0.92, \"at_least\": true, \"value\": 0.95, \"met\": true}]},"
    " \"cost\": {\"total_usd\": 12.000000004, \"month_usd\": null, \"by_state\": {\"idle\": 1.000000000}},"
    " \"gates\": [{\"metric\": \"cost.total_usd\", \"max\": 12.000000003, \"value\": 12.000000004, \"held\": "
    "false,"
    "  \"level\": \"fail\"}, {\"metric\": \"replicas.max\", \"scope\": \"service/a\", \"min\": 9, \"value\": "
    "2,"
    "  \"held\": false, \"level\": \"warn\"}],"
    " \"tenants\": {\"cost\": {\"goodput_per_s\": 1.7}, \"new\": {\"goodput_per_s\": 9},"
    "  \"seed\": {\"goodput_per_s\": 4}}, \"warnings\": []}",
    "{\"schema\": \"drydock.summary/1\", \"seed\": 3, \"replications\": 1, \"wall_s\": 0.2, \"events\": 18,"
    " \"latency\": {\"ttft_s\": {\"n\": 4, \"p95\": 0.30}, \"tpot_s\": null, \"itl_s\": null},"
    " \"latency_gate\": {\"ttft_s\": {\"n\": 4, \"p95\": null, \"infinite\": true}},"
    " \"slo\": {\"attainment\": 0.91, \"objectives\": [{\"metric\": \"latency.ttft_s\", \"statistic\": "
    "\"p95\","
    "  \"limit\": 0.3, \"value\": 0.25, \"met\": true}, {\"metric\": \"slo.attainment\", \"statistic\": null,"
    "  \"service\": \"a\", \"limit\": 0.92, \"at_least\": true, \"value\": 0.91, \"met\": false}]},"
    " \"cost\": {\"total_usd\": 12.000000001, \"month_usd\": null, \"by_state\": {\"idle\": 1.000000000}},"
    " \"gates\": [{\"metric\": \"cost.total_usd\", \"max\": 12.000000003, \"value\": 12.000000001, \"held\": "
    "true,"
    "  \"level\": \"fail\"}, {\"metric\": \"replicas.max\", \"scope\": \"service/a\", \"min\": 9, \"value\": "
    "2,"
    "  \"held\": false, \"level\": \"warn\"}],"
    " \"tenants\": {\"cost\": {\"goodput_per_s\": 1.6}, \"seed\": {\"goodput_per_s\": 3}}, \"warnings\": []}",
};

static struct json_object *summaries[COUNT(texts)];

static int parse_all(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        summaries[i] = json_tokener_parse(texts[i]);
    }
    return summaries[0] && summaries[1] && summaries[2] ? 0 : -1;
}

static int put_all(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        json_object_put(summaries[i]);
    }
    return 0;
}

static struct json_object *replicated(size_t count) {
    struct strbuf text = {0};
    fold_replications(summaries, count, &text);
    struct json_object *o = json_tokener_parse(text.text);
    strbuf_free(&text);
    assert_non_null(o);
    return o;
}

static void assert_figure(struct json_object *o, const char *path, double mean, double half, uint64_t n) {
    struct replicated_figure f = replicated_figure(member(o, path));
    if (!(fabs(f.mean - mean) <= 1e-12 && f.n == n &&
          (isnan(half) ? isnan(f.half) : fabs(f.half - half) <= 1e-9 * half))) {
        fail_msg("%s: %.12g +- %.12g of %d", path, f.mean, f.half, (int)f.n);
    }
}

/* se of 10, 14, 18 is 4 / sqrt(3); t(0.975, 2) = 4.302652729696142 by its closed form. */
static void every_number_becomes_a_mean_with_its_interval(void **state) {
    (void)state;
    struct json_object *o = replicated(3);
    assert_figure(o, "events", 14, 4.30265273 * 4 / sqrt(3), 3);
    assert_figure(o, "latency.ttft_s.p95", 0.3, 4.30265273 * 0.05 / sqrt(3), 3);
    assert_figure(o, "slo.attainment", 0.92, 4.30265273 * sqrt(0.0007) / sqrt(3), 3);
    assert_figure(o, "cost.by_state.idle", 1, 0, 3);
    json_object_put(o);
}

static void what_is_no_figure_is_left_out(void **state) {
    (void)state;
    struct json_object *o = replicated(3);
    static const char *const absent[] = {"schema", "seed", "replications", "wall_s", "warnings"};
    for (size_t i = 0; i < COUNT(absent); i++) {
        assert_false(json_object_object_get_ex(o, absent[i], NULL));
    }
    json_object_put(o);
}

static void a_figure_counts_where_it_exists(void **state) {
    (void)state;
    struct json_object *o = replicated(3);
    assert_figure(o, "latency.tpot_s.p95", 0.02, 12.706204736 * 0.01, 2);
    assert_figure(o, "tenants.new.goodput_per_s", 9, NAN, 1);
    assert_null(member(o, "latency.itl_s"));
    assert_null(member(o, "cost.month_usd"));
    json_object_put(o);
}

static void names_are_names_whatever_they_say(void **state) {
    (void)state;
    struct json_object *o = replicated(3);
    assert_figure(o, "tenants.seed.goodput_per_s", 3, 4.30265273 / sqrt(3), 3);
    assert_non_null(strstr(json_object_to_json_string(member(o, "tenants.cost.goodput_per_s.mean")), "1.6"));
    json_object_put(o);
}

static void one_that_is_infinite_makes_the_mean_so(void **state) {
    (void)state;
    struct json_object *o = replicated(3);
    struct json_object *figure = member(o, "latency_gate.ttft_s.p95");
    assert_null(member(figure, "mean"));
    assert_null(member(figure, "ci95_low"));
    assert_true(json_object_get_boolean(member(figure, "infinite")));
    assert_true(isinf(replicated_figure(figure).mean));
    json_object_put(o);
}

/* Whether the only objective is met, over summaries in which it has these values. */
static bool is_met_over(const char *const *values, size_t count) {
    struct json_object *trees[4];
    struct strbuf text = {0};
    for (size_t i = 0; i < count; i++) {
        char json[256];
        snprintf(json, sizeof json,
                 "{\"slo\": {\"objectives\": [{\"metric\": \"m\", \"limit\": 1, \"value\": %s}]}}",
                 values[i]);
        trees[i] = json_tokener_parse(json);
    }
    fold_replications(trees, count, &text);
    struct json_object *o = json_tokener_parse(text.text);
    struct json_object *objective = json_object_array_get_idx(member(o, "slo.objectives"), 0);
    bool met = json_object_get_boolean(member(objective, "met"));
    json_object_put(o);
    for (size_t i = 0; i < count; i++) {
        json_object_put(trees[i]);
    }
    strbuf_free(&text);
    return met;
}

static void what_one_replication_could_not_judge_is_missed(void **state) {
    (void)state;
    static const char *const all[] = {"0.5", "0.6", "0.7"}, *const some[] = {"0.5", "null", "0.7"};
    assert_true(is_met_over(all, 3));
    assert_false(is_met_over(some, 3));
}

static void money_keeps_nine_decimals(void **state) {
    (void)state;
    struct json_object *o = replicated(3);
    assert_string_equal(json_object_to_json_string(member(o, "cost.total_usd.mean")), "12.000000002");
    assert_string_equal(json_object_to_json_string(member(o, "cost.by_state.idle.ci95_low")), "1.000000000");
    json_object_put(o);
}

static void objectives_are_judged_on_the_mean(void **state) {
    (void)state;
    struct json_object *o = replicated(3);
    struct json_object *list = member(o, "slo.objectives");
    assert_int_equal(json_object_array_length(list), 2);
    struct json_object *first = json_object_array_get_idx(list, 0);
    assert_figure(first, "value", 0.29, 4.30265273 * sqrt(0.0048) / sqrt(3), 3);
    assert_true(json_object_get_boolean(member(first, "met"))); /* missed in one of them */
    struct json_object *second = json_object_array_get_idx(list, 1);
    assert_figure(second, "value", 0.92, 4.30265273 * sqrt(0.0007) / sqrt(3), 3);
    assert_string_equal(json_object_get_string(member(second, "service")), "a");
    assert_true(json_object_get_boolean(member(second, "at_least")));
    json_object_put(o);
}

static void a_mean_that_misses_is_missed_and_an_infinite_one_too(void **state) {
    (void)state;
    struct json_object *value = member(summaries[0], "slo.objectives");
    struct json_object *first = json_object_array_get_idx(value, 0);
    json_object_object_add(first, "value", json_object_new_double(0.29));
    struct json_object *o = replicated(2);
    assert_false(
        json_object_get_boolean(member(json_object_array_get_idx(member(o, "slo.objectives"), 0), "met")));
    json_object_put(o);
    json_object_object_add(first, "value", NULL);
    json_object_object_add(first, "infinite", json_object_new_boolean(true));
    o = replicated(3);
    assert_false(
        json_object_get_boolean(member(json_object_array_get_idx(member(o, "slo.objectives"), 0), "met")));
    json_object_put(o);
}

static void gates_are_judged_on_the_mean_and_warnings_break_nothing(void **state) {
    (void)state;
    struct json_object *o = replicated(3);
    struct json_object *first = json_object_array_get_idx(member(o, "gates"), 0);
    assert_true(json_object_get_boolean(member(first, "held"))); /* broken in one of them */
    assert_false(json_object_object_get_ex(first, "min", NULL));
    struct json_object *second = json_object_array_get_idx(member(o, "gates"), 1);
    assert_figure(second, "value", 2, 0, 3);
    assert_false(json_object_get_boolean(member(second, "held")));
    assert_string_equal(json_object_get_string(member(second, "scope")), "service/a");
    struct json_object *summary = json_object_new_object();
    struct strbuf names = {0};
    json_object_object_add(summary, "replicated", o);
    assert_int_equal(promises_broken(summary, &names), 0);
    json_object_object_add(first, "held", json_object_new_boolean(false));
    assert_int_equal(promises_broken(summary, &names), 1);
    assert_string_equal(names.text, "cost.total_usd <= $12.00");
    strbuf_free(&names);
    json_object_put(summary);
}

static void replications_that_are_not_there_do_not_count(void **state) {
    (void)state;
    struct json_object *kept = summaries[1];
    summaries[1] = NULL;
    struct json_object *o = replicated(3);
    assert_figure(o, "events", 14, 12.706204736 * 4, 2);
    summaries[1] = kept;
    json_object_put(o);
}

/* Every value of a figure, by summary, as a list. */
static struct json_object *list_values(void *context, const double *values, size_t count, bool money) {
    (void)context;
    (void)money;
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        json_object_array_add(list, fold_number(values[i], false));
    }
    return list;
}

static void flat_keys_are_paths(void **state) {
    (void)state;
    struct fold fold = {.figure = list_values, .flat = true};
    struct json_object *o = fold_summaries(summaries, 3, &fold);
    struct json_object *list;
    assert_true(json_object_object_get_ex(o, "latency.tpot_s.p95", &list));
    assert_string_equal(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN), "[0.01,0.03,null]");
    assert_true(json_object_object_get_ex(o, "tenants.new.goodput_per_s", NULL));
    assert_false(json_object_object_get_ex(o, "latency.itl_s", NULL));
    assert_false(json_object_object_get_ex(o, "latency", NULL));
    json_object_put(o);
}

#define FOLD_TEST(name) cmocka_unit_test_setup_teardown(name, parse_all, put_all)

int main(void) {
    const struct CMUnitTest tests[] = {
        FOLD_TEST(every_number_becomes_a_mean_with_its_interval),
        FOLD_TEST(what_is_no_figure_is_left_out),
        FOLD_TEST(a_figure_counts_where_it_exists),
        FOLD_TEST(names_are_names_whatever_they_say),
        FOLD_TEST(one_that_is_infinite_makes_the_mean_so),
        FOLD_TEST(what_one_replication_could_not_judge_is_missed),
        FOLD_TEST(money_keeps_nine_decimals),
        FOLD_TEST(objectives_are_judged_on_the_mean),
        FOLD_TEST(gates_are_judged_on_the_mean_and_warnings_break_nothing),
        FOLD_TEST(a_mean_that_misses_is_missed_and_an_infinite_one_too),
        FOLD_TEST(replications_that_are_not_there_do_not_count),
        FOLD_TEST(flat_keys_are_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
