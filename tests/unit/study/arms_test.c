/* Arms whose figures are written down here, so that what is made of them can be worked out by hand. */
#include "study/arms.h"

#include <math.h>
#include <string.h>

#include "record/headline.h"
#include "tests/unit/record/golden.h"
#include "tests/unit/record/schema_check.h"

enum { ARMS = 3, REPLICATIONS = 3 };

static struct arena arena;
static struct arm_config configs[ARMS];
static struct study_case cases[ARMS];
static struct study_outcome outcomes[ARMS];
static struct scenario scenario;
static struct study study;
static struct arms arms;

/* What an arm has in its replications. `cost` below 0: the arm has no prices. */
struct figures {
    double attainment[REPLICATIONS], ttft_s[REPLICATIONS], cost_usd;
    bool met;
};

static const struct figures given[ARMS] = {
    {{0.90, 0.92, 0.94}, {0.4, 0.5, 0.45}, 10, false},
    {{0.97, 0.98, 0.99}, {0.2, 0.25, 0.225}, 20, true},
    {{0.5, 0.52, 0.51}, {4, 5.5, 3.5}, -1, false},
};

static struct json_object *summary_of(const struct figures *f, size_t replication, const char *more) {
    const char *cost =
        f->cost_usd < 0 ? "" : arena_printf(&arena, "\"cost\": {\"total_usd\": %.9f}, ", f->cost_usd);
    const char *text = arena_printf(
        &arena,
        "{\"seed\": %zu, \"latency_gate\": {\"ttft_s\": {\"n\": 10, \"p95\": %g}, \"tpot_s\": null}, "
        "\"slo\": {\"attainment\": %g, \"objectives\": [{\"metric\": \"slo.attainment\", "
        "\"statistic\": null, "
        "\"limit\": 0.95, \"at_least\": true, \"value\": %g, \"met\": %s}]}, %s"
        "\"replicas\": {\"mean\": 0}%s}",
        7 + replication, f->ttft_s[replication], f->attainment[replication], f->attainment[replication],
        f->met ? "true" : "false", cost, more);
    struct json_object *o = json_tokener_parse(text);
    assert_non_null(o);
    return o;
}

static void set_up(uint64_t replications, const char *more) {
    static const char *const names[ARMS] = {"today", "two-more", "an-arm-with-a-name-that-is-long"};
    static struct error err;
    struct yaml_file file;
    const char *set = "{hpa/chat.spec.minReplicas: 4, cold: true, text: '4', of: [1.50, x, null]}";
    assert_true(yaml_parse("set", set, strlen(set), &arena, &file, &err));
    scenario = (struct scenario){.name = "test", .arms = configs, .arm_count = ARMS};
    study = (struct study){.cases = cases, .case_count = ARMS, .replications = replications, .jobs = 1};
    arms = (struct arms){&scenario, &study, outcomes};
    for (size_t i = 0; i < ARMS; i++) {
        configs[i] = (struct arm_config){.name = names[i]};
        cases[i] = (struct study_case){.name = names[i], .run = {.seed = 7}};
        outcomes[i] = (struct study_outcome){.finished = true, .replications = replications};
        outcomes[i].summary_count = replications;
        outcomes[i].summaries = arena_array(&arena, replications, sizeof *outcomes[i].summaries);
        for (size_t k = 0; k < replications; k++) {
            outcomes[i].summaries[k] = summary_of(&given[i], k, more);
        }
        outcomes[i].summary = summary_of(&given[i], 0, more);
    }
    configs[1].set = file.documents[0];
    configs[1].description = "what could be";
}

static int tear_down(void **state) {
    (void)state;
    study_free(outcomes, ARMS);
    arena_free(&arena);
    return 0;
}

static struct json_object *written(void) {
    struct strbuf text = {0};
    arms_json(&arms, &text);
    struct json_object *o = json_tokener_parse(text.text);
    strbuf_free(&text);
    assert_non_null(o);
    return o;
}

/* A metric of an arm: the path of a metric has dots, so member() cannot find it. */
static struct json_object *metric(struct json_object *o, const char *path, const char *arm) {
    struct json_object *found = NULL;
    assert_true(json_object_object_get_ex(member(o, "metrics"), path, &found));
    return json_object_object_get_ex(found, arm, &found) ? found : NULL;
}

static void assert_figure(struct json_object *o, double mean, double half, uint64_t n) {
    struct replicated_figure f = replicated_figure(o);
    bool same_half = isnan(half) ? isnan(f.half) : fabs(f.half - half) <= 1e-8 * fabs(half);
    if (!(fabs(f.mean - mean) <= 1e-12 * fabs(mean) && same_half && f.n == n)) {
        fail_msg("%.12g +- %.12g of %d", f.mean, f.half, (int)f.n);
    }
}

static void each_metric_has_its_arms_and_their_pairs_with_the_first(void **state) {
    (void)state;
    set_up(3, "");
    struct json_object *o = written();
    struct json_object *today = metric(o, "latency_gate.ttft_s.p95", "today");
    struct json_object *more = metric(o, "latency_gate.ttft_s.p95", "two-more");
    const double t = 4.302652730 / sqrt(3); /* Student's t of two degrees of freedom, over sqrt(n) */
    assert_figure(today, 0.45, t * 0.05, 3);
    assert_false(json_object_object_get_ex(today, "difference", NULL));
    assert_false(json_object_object_get_ex(today, "relative", NULL));
    assert_figure(more, 0.225, t * 0.025, 3);
    assert_figure(member(more, "difference"), -0.225, t * 0.025, 3);
    assert_figure(member(more, "relative"), -0.5, 0, 3); /* half of it in every pair */
    json_object_put(o);
}

static void one_replication_gives_differences_without_intervals(void **state) {
    (void)state;
    set_up(1, "");
    struct json_object *o = written();
    struct json_object *more = metric(o, "latency_gate.ttft_s.p95", "two-more");
    assert_figure(more, 0.2, NAN, 1);
    assert_figure(member(more, "difference"), -0.2, NAN, 1);
    assert_figure(member(more, "relative"), -0.5, NAN, 1);
    assert_int_equal(json_object_get_int(member(o, "replications")), 1);
    json_object_put(o);
}

static void a_figure_that_an_arm_lacks_is_absent_there(void **state) {
    (void)state;
    set_up(3, "");
    struct json_object *o = written();
    assert_null(metric(o, "cost.total_usd", "an-arm-with-a-name-that-is-long"));
    assert_string_equal(
        json_object_to_json_string(member(metric(o, "cost.total_usd", "two-more"), "difference.mean")),
        "10.000000000");
    assert_figure(metric(o, "replicas.mean", "two-more"), 0, 0, 3);
    struct json_object *ratio = member(metric(o, "replicas.mean", "two-more"), "relative");
    assert_null(member(ratio, "mean")); /* nothing is a multiple of 0 */
    assert_false(json_object_object_get_ex(member(o, "metrics"), "latency.tpot_s.p95", NULL));
    json_object_put(o);
}

static void what_an_arm_sets_is_written_as_values(void **state) {
    (void)state;
    set_up(1, "");
    struct json_object *o = written();
    struct json_object *list = member(o, "arms");
    assert_string_equal(
        json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
        "[{\"name\":\"today\",\"set\":{}},{\"name\":\"two-more\",\"description\":\"what could be\","
        "\"set\":{\"hpa/chat.spec.minReplicas\":4,\"cold\":true,\"text\":\"4\",\"of\":[1.5,\"x\",null]"
        "}},{\"name\":\"an-arm-with-a-name-that-is-long\",\"set\":{}}]");
    assert_string_equal(json_object_get_string(member(o, "schema")), ARMS_SCHEMA);
    assert_int_equal(json_object_get_int(member(o, "seed")), 7);
    json_object_put(o);
}

static void arms_that_did_not_finish_are_left_out(void **state) {
    (void)state;
    set_up(3, "");
    outcomes[0].finished = false;
    struct json_object *o = written();
    assert_int_equal(json_object_array_length(member(o, "arms")), 2);
    assert_null(metric(o, "slo.attainment", "today"));
    assert_false(json_object_object_get_ex(metric(o, "slo.attainment", "two-more"), "difference", NULL));
    json_object_put(o);
    struct strbuf table = {0};
    arms_table(&arms, &table);
    assert_null(strstr(table.text, "today"));
    assert_null(strstr(table.text, "Change"));
    strbuf_free(&table);
}

static void tenants_are_compared_unless_there_are_too_many(void **state) {
    (void)state;
    for (int count = ARMS_TENANTS_MAX; count <= ARMS_TENANTS_MAX + 1; count++) {
        struct strbuf more = {0};
        strbuf_append(&more, ", \"tenants\": {");
        for (int i = 0; i < count; i++) {
            strbuf_printf(&more, "%s\"t%d\": {\"goodput_per_s\": 1}", i ? ", " : "", i);
        }
        strbuf_append(&more, "}");
        set_up(1, more.text);
        struct json_object *o = written();
        assert_int_equal(json_object_object_get_ex(member(o, "metrics"), "tenants.t7.goodput_per_s", NULL),
                         count == ARMS_TENANTS_MAX);
        json_object_put(o);
        study_free(outcomes, ARMS);
        memset(outcomes, 0, sizeof outcomes);
        strbuf_free(&more);
    }
}

static void assert_table(const char *path) {
    struct strbuf table = {0};
    arms_table(&arms, &table);
    assert_golden(path, &table);
    for (char *line = strtok(table.text, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(cell_width(line) <= 100);
    }
    strbuf_free(&table);
}

static void the_table_is_as_in_the_golden_file(void **state) {
    (void)state;
    set_up(3, ", \"goodput_per_s\": 5, \"gpu\": {\"hours\": 12}");
    assert_table("tests/cases/study/arms.txt");
}

static void the_table_of_single_runs_asks_for_replications(void **state) {
    (void)state;
    set_up(1, "");
    assert_table("tests/cases/study/arms_once.txt");
}

#define ARMS_TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        ARMS_TEST(each_metric_has_its_arms_and_their_pairs_with_the_first),
        ARMS_TEST(one_replication_gives_differences_without_intervals),
        ARMS_TEST(a_figure_that_an_arm_lacks_is_absent_there),
        ARMS_TEST(what_an_arm_sets_is_written_as_values),
        ARMS_TEST(arms_that_did_not_finish_are_left_out),
        ARMS_TEST(tenants_are_compared_unless_there_are_too_many),
        ARMS_TEST(the_table_is_as_in_the_golden_file),
        ARMS_TEST(the_table_of_single_runs_asks_for_replications),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
