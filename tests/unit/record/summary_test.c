#include "record/summary.h"

#include <json-c/json.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "golden.h"
#include "schema_check.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- summaries that the tests share ---- */

static const struct latency_summary ttft = {.n = 19300,
                                            .excluded = 66,
                                            .mean = 0.1234,
                                            .p50 = 0.1,
                                            .p90 = 0.25,
                                            .p95 = 0.9996,
                                            .p99 = 1.5,
                                            .p999 = 12.345,
                                            .max = 1234.5};

static const struct latency_summary tpot = {.n = 19000,
                                            .excluded = 366,
                                            .mean = 0.0212,
                                            .p50 = 0.02,
                                            .p90 = 0.025,
                                            .p95 = 0.031,
                                            .p99 = 0.05,
                                            .p999 = 0.0625,
                                            .max = 0.0999999};

static struct scope_summary chat_scope(void) {
    struct scope_summary s = {
        .name = "chat",
        .requests = {19366, 19300, 60, 1, 2, 3, 19400, 5},
        .ttft = ttft,
        .tpot = tpot,
        .e2e = ttft,
        .queue = tpot,
        .gate_ttft = ttft,
        .gate_e2e = ttft,
        .requests_per_s = 5.38,
        .input_tokens_per_s = 6212.5,
        .output_tokens_per_s = 1122,
        .goodput_per_s = 5.2,
        .has_slo = true,
        .slo_attainment = 0.9712,
        .has_replicas = true,
        .replicas_mean = 4.2,
        .replicas_max = 6,
        .replica_s = 15000,
        .has_gpu = true,
        .gpu_hours = 4.17,
        .gpu_busy_fraction = 0.612,
        .cost = {.present = true,
                 .total = 107364288752,
                 .billed = 107364288752,
                 .month = NANOUSD_NONE,
                 .per_h = 110180154263,
                 .per_1k_requests = 5599472658,
                 .per_1m_output_tokens = 26546426761,
                 .per_good_request = 5674045,
                 .usage = 98777060003,
                 .allocated = 107364288752,
                 .by_category = {107266844444, 0, 0, 97444308},
                 .by_state = {98777060003, 1845501752, 6542644974, 101637715}},
        .has_energy = true,
        .energy_kwh = 7.6215,
        .has_carbon = true,
        .carbon_kg = 2.5318,
        .carbon_sci_g = 0.13118,
    };
    s.gate_ttft.n = 19366;
    s.gate_ttft.excluded = 0;
    s.gate_ttft.mean = s.gate_ttft.p999 = s.gate_ttft.max = INFINITY;
    return s;
}

static struct scope_summary scopes[2];
static struct objective_result objectives[] = {
    {"ttft_s", "p95", NULL, 0.5, false, 0.9996, true, false},
    {"slo.attainment", NULL, "chat", 0.99, true, 0.9712, true, false},
    {"e2e_s", "p999", NULL, 30, false, INFINITY, true, false},
    {"tpot_s", "mean", "a-service-with-a-name-that-has-no-end-to-it", 0.05, false, 0.0212, true, true},
    {"itl_s", "p99", NULL, 0.1, false, 0, false, false},
    {"cost.usd_per_good_request", NULL, NULL, 0.006, false, 0.005674045, true, true},
    {"cost.usd_per_h", NULL, "chat", 100, false, 110.18, true, false},
    {"carbon.kg", NULL, NULL, 3, false, 2.5318, true, true},
};
static struct gate_result gates[] = {
    {"cost.total_usd", NULL, NAN, 130, 107.364288752, false, true},
    {"latency.ttft_s.p95", "service/chat", NAN, 0.5, 0.9996, false, false},
    {"latency.e2e_s.max", NULL, NAN, 30, INFINITY, false, false},
    {"gpu.busy_fraction", "tenant/a-tenant-with-a-name-that-has-no-end-to-it", 0.2, 0.8, 0.612, true, true},
    {"replicas.max", NULL, NAN, 5, 6, true, false},
    {"carbon.kg", NULL, NAN, 3, NAN, false, false},
};
static const char *warnings[] = {
    "scenarios/azure-chat/manifests/deployment.yaml:31:13: --enforce-eager is known and has no effect on "
    "timing "
    "that is modelled here",
    "names may hold anything: \033[31mred, \"quotes\", \\, \xE2\x82\xAC",
};

/* Everything there is. */
static struct summary full_summary(void) {
    scopes[0] = chat_scope();
    scopes[1] =
        (struct scope_summary){.name = "r\xC3\xA9sum\xC3\xA9-with-a-long-name", .requests = {.arrived = 1}};
    return (struct summary){
        .drydock_version = "0.1.0",
        .scenario = "azure-chat",
        .seed = UINT64_MAX,
        .replications = 1,
        .simulated_s = 3600.000000001,
        .wall_s = 0.512,
        .events = 310000,
        .all = chat_scope(),
        .services = scopes,
        .service_count = 2,
        .tenants = scopes,
        .tenant_count = 1,
        .objectives = objectives,
        .objective_count = COUNT(objectives),
        .gates = gates,
        .gate_count = COUNT(gates),
        .warnings = warnings,
        .fairness = {[FAIRNESS_ATTAINMENT] = {[FAIRNESS_BY_TENANT] = {true, 1.5, 0.96, "hasty"},
                                              [FAIRNESS_BY_REGION] = {true, 1, 1, "eu"}},
                     [FAIRNESS_TTFT_P95] = {[FAIRNESS_BY_TENANT] = {true, INFINITY, 0.5, "\033[31mhasty"}},
                     [FAIRNESS_USD] = {[FAIRNESS_BY_MODALITY] = {true, 2.25, 0.9, "image"}}},
        .has_fairness_gap = true,
        .fairness_gap = 1234,
        .fairness_gap_bound = 5678.5,
        .has_scaling = true,
        .scaling_decisions = 233,
        .scaling_ups = 3,
        .scaling_downs = 4,
        .warning_count = COUNT(warnings),
    };
}

/* The same, replicated: a figure of every kind. */
static struct summary replicated_summary(void) {
    struct summary s = full_summary();
    s.replications = 10;
    s.replicated =
        "{\"requests\": {\"arrived\": {\"mean\": 19360.5, \"ci95_low\": 19300, \"ci95_high\": 19421, \"n\": "
        "10}},"
        "\"latency_gate\": {\"ttft_s\": {\"p95\": {\"mean\": 0.9, \"ci95_low\": 0.85, \"ci95_high\": 0.95, "
        "\"n\": "
        "10}},"
        "\"tpot_s\": {\"p95\": {\"mean\": 0.031, \"ci95_low\": 0.031, \"ci95_high\": 0.031, \"n\": 10}},"
        "\"itl_s\": null},"
        "\"goodput_per_s\": {\"mean\": 5.2, \"ci95_low\": 5.1, \"ci95_high\": 5.3, \"n\": 10},"
        "\"slo\": {\"attainment\": {\"mean\": 0.97, \"ci95_low\": 0.966, \"ci95_high\": 0.974, \"n\": 10},"
        "\"objectives\": [{\"metric\": \"latency.ttft_s\", \"statistic\": \"p95\", \"limit\": 0.95, "
        "\"value\":"
        "{\"mean\": 0.9, \"ci95_low\": 0.85, \"ci95_high\": 0.95, \"n\": 10}, \"met\": true},"
        "{\"metric\": \"slo.attainment\", \"statistic\": null, \"service\": \"chat\", \"limit\": 0.99, "
        "\"at_least\":"
        "true, \"value\": {\"mean\": 0.97, \"ci95_low\": null, \"ci95_high\": null, \"n\": 1}, \"met\": "
        "false},"
        "{\"metric\": \"latency.e2e_s\", \"statistic\": \"p99\", \"limit\": 30, \"value\":"
        "{\"mean\": null, \"ci95_low\": null, \"ci95_high\": null, \"n\": 10, \"infinite\": true}, \"met\": "
        "false},"
        "{\"metric\": \"latency.itl_s\", \"statistic\": \"p99\", \"limit\": 0.1, \"value\":"
        "{\"mean\": null, \"ci95_low\": null, \"ci95_high\": null, \"n\": 0}, \"met\": false}]},"
        "\"cost\": {\"total_usd\": {\"mean\": 107.25, \"ci95_low\": 106.75, \"ci95_high\": 107.75, \"n\": "
        "9}},"
        "\"gates\": [{\"metric\": \"cost.total_usd\", \"max\": 130, \"level\": \"fail\", \"value\":"
        "{\"mean\": 107.25, \"ci95_low\": 106.75, \"ci95_high\": 107.75, \"n\": 9}, \"held\": true},"
        "{\"metric\": \"replicas.max\", \"scope\": \"service/chat\", \"min\": 2, \"max\": 5, \"level\": "
        "\"warn\", \"value\": {\"mean\": 6.5, \"ci95_low\": 6.2, \"ci95_high\": 6.8, \"n\": 10}, "
        "\"held\": false}]}";
    return s;
}

/* A run with no request and nothing asked for. */
static struct summary bare_summary(void) {
    return (struct summary){.drydock_version = "0.1.0", .scenario = "nothing", .replications = 1};
}

/* ---- golden files ---- */

static void the_json_is_as_in_the_golden_file(void **state) {
    (void)state;
    struct summary full = full_summary();
    struct summary bare = bare_summary();
    struct strbuf json = {0};
    summary_json(&full, true, &json);
    assert_golden("tests/cases/summary/full.json", &json);
    strbuf_clear(&json);
    summary_json(&bare, false, &json);
    assert_golden("tests/cases/summary/bare.json", &json);
    strbuf_free(&json);
}

static void the_terminal_table_is_as_in_the_golden_file(void **state) {
    (void)state;
    struct summary full = full_summary();
    struct summary bare = bare_summary();
    struct summary replicated = replicated_summary();
    struct strbuf text = {0};
    summary_text(&full, false, &text);
    assert_golden("tests/cases/summary/full.txt", &text);
    strbuf_clear(&text);
    summary_text(&replicated, false, &text);
    assert_golden("tests/cases/summary/replicated.txt", &text);
    strbuf_clear(&text);
    summary_text(&bare, false, &text);
    assert_golden("tests/cases/summary/bare.txt", &text);
    strbuf_free(&text);
}

/* ---- JSON ---- */

static struct json_object *parsed(const struct summary *s, bool with_wall) {
    struct strbuf json = {0};
    summary_json(s, with_wall, &json);
    struct json_object *o = json_tokener_parse(json.text);
    assert_non_null(o);
    strbuf_free(&json);
    return o;
}

static void wall_time_is_left_out_on_demand_and_nothing_else(void **state) {
    (void)state;
    struct summary s = full_summary();
    struct json_object *with = parsed(&s, true);
    struct json_object *without = parsed(&s, false);
    assert_false(json_object_object_get_ex(without, "wall_s", NULL));
    json_object_object_del(with, "wall_s");
    assert_true(json_object_equal(with, without));
    json_object_put(with);
    json_object_put(without);
}

static void a_latency_without_values_is_null(void **state) {
    (void)state;
    struct summary s = full_summary();
    struct json_object *o = parsed(&s, true);
    assert_null(member(o, "latency.itl_s"));
    assert_null(member(o, "latency_gate.tpot_s"));
    assert_non_null(member(o, "latency.ttft_s"));
    json_object_put(o);
}

static void an_infinite_figure_is_null_and_says_so(void **state) {
    (void)state;
    struct summary s = full_summary();
    struct json_object *o = parsed(&s, true);
    assert_null(member(o, "latency_gate.ttft_s.max"));
    assert_true(json_object_get_boolean(member(o, "latency_gate.ttft_s.infinite")));
    assert_non_null(member(o, "latency_gate.ttft_s.p95"));
    assert_false(json_object_object_get_ex(member(o, "latency_gate.e2e_s"), "infinite", NULL));
    json_object_put(o);
}

static void parts_that_do_not_apply_are_absent(void **state) {
    (void)state;
    struct summary s = bare_summary();
    struct json_object *o = parsed(&s, true);
    static const char *const absent[] = {"slo",  "replicas",   "gpu",    "services", "tenants",
                                         "cost", "energy_kwh", "carbon", "scaling",  "gates"};
    for (size_t i = 0; i < COUNT(absent); i++) {
        assert_false(json_object_object_get_ex(o, absent[i], NULL));
    }
    assert_int_equal(json_object_array_length(member(o, "warnings")), 0);
    json_object_put(o);
}

static void no_figure_is_ever_not_a_number(void **state) {
    (void)state;
    struct summary s = full_summary();
    s.all.goodput_per_s = s.all.slo_attainment = s.all.ttft.mean = s.simulated_s = NAN;
    s.all.requests_per_s = -INFINITY;
    s.all.carbon_sci_g = NAN;
    struct strbuf json = {0};
    summary_json(&s, true, &json);
    assert_null(strstr(json.text, "NaN"));
    assert_null(strstr(json.text, "Infinity"));
    struct json_object *o = json_tokener_parse(json.text);
    assert_null(member(o, "goodput_per_s"));
    assert_null(member(o, "throughput.requests_per_s"));
    json_object_put(o);
    strbuf_free(&json);
}

static void numbers_keep_every_bit(void **state) {
    (void)state;
    struct summary s = full_summary();
    s.simulated_s = 0.1 + 0.2;
    struct json_object *o = parsed(&s, true);
    assert_true(json_object_get_double(member(o, "simulated_s")) == 0.1 + 0.2);
    assert_true(json_object_get_uint64(member(o, "seed")) == UINT64_MAX);
    json_object_put(o);
}

static void bytes_that_are_no_utf8_are_replaced(void **state) {
    (void)state;
    static const struct {
        const char *given, *wanted;
    } cases[] = {
        {"ascii", "ascii"},
        {"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9A\xA2", "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9A\xA2"},
        {"\xC3", "\xEF\xBF\xBD"},                                   /* cut off */
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                   /* overlong */
        {"\xED\xA0\x80!", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD!"}, /* a surrogate */
        {"\xF5\x80\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct summary s = bare_summary();
        s.scenario = cases[i].given;
        struct json_object *o = parsed(&s, true);
        assert_string_equal(json_object_get_string(member(o, "scenario")), cases[i].wanted);
        json_object_put(o);
    }
}

/* ---- the schema ---- */

static void what_is_written_fits_the_schema(void **state) {
    (void)state;
    struct json_object *schema = parsed_schema();
    struct summary summaries[] = {full_summary(), bare_summary()};
    for (size_t i = 0; i < COUNT(summaries); i++) {
        for (int with_wall = 0; with_wall < 2; with_wall++) {
            struct json_object *o = parsed(&summaries[i], with_wall);
            assert_true(validates(schema, schema, o));
            json_object_put(o);
        }
    }
    json_object_put(schema);
}

static void the_schema_refuses_what_is_wrong(void **state) {
    (void)state;
    struct json_object *schema = parsed_schema();
    struct summary s = full_summary();
    struct json_object *o = parsed(&s, true);
    json_object_object_add(o, "unheard_of", NULL);
    assert_false(validates(schema, schema, o));
    json_object_object_del(o, "unheard_of");
    assert_true(validates(schema, schema, o));
    json_object_object_add(member(o, "services.chat"), "seed", json_object_new_int(1));
    assert_false(validates(schema, schema, o));
    json_object_object_del(member(o, "services.chat"), "seed");
    json_object_object_del(member(o, "requests"), "failed");
    assert_false(validates(schema, schema, o));
    json_object_object_add(member(o, "requests"), "failed", json_object_new_string("2"));
    assert_false(validates(schema, schema, o));
    json_object_put(o);
    json_object_put(schema);
}

/* Keys of a summary are written in the order in which the schema (and docs/results.md) lists them. */
static void keys_have_the_order_of_the_schema(void **state) {
    (void)state;
    struct json_object *schema = parsed_schema();
    struct summary s = replicated_summary();
    struct json_object *o = parsed(&s, true);
    struct json_object_iterator at = json_object_iter_begin(o);
    struct json_object_iterator end = json_object_iter_end(o);
    json_object_object_foreach(member(schema, "properties"), key, rule) {
        (void)rule;
        assert_false(json_object_iter_equal(&at, &end));
        assert_string_equal(json_object_iter_peek_name(&at), key);
        json_object_iter_next(&at);
    }
    assert_true(json_object_iter_equal(&at, &end));
    json_object_put(o);
    json_object_put(schema);
}

/* ---- terminal ---- */

static void nothing_but_paths_is_wider_than_a_terminal(void **state) {
    (void)state;
    struct summary s = replicated_summary();
    struct strbuf text = {0};
    summary_text(&s, false, &text);
    for (char *line = strtok(text.text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t columns = 0;
        for (char *c = line; *c; c++) {
            columns += ((unsigned char)*c & 0xC0) != 0x80;
        }
        assert_true(columns <= 80);
    }
    strbuf_free(&text);
}

static void colour_comes_only_when_asked_for(void **state) {
    (void)state;
    struct summary s = full_summary();
    struct strbuf text = {0};
    summary_text(&s, false, &text);
    assert_null(strchr(text.text, '\033')); /* not even from a warning that holds one */
    strbuf_clear(&text);
    summary_text(&s, true, &text);
    assert_non_null(strstr(text.text, "\033[1;31mMISSED\033[0m"));
    assert_non_null(strstr(text.text, "\033[32mmet\033[0m"));
    assert_non_null(strstr(text.text, "\033[1;31mBROKEN\033[0m"));
    assert_non_null(strstr(text.text, "\033[33mwarn\033[0m"));
    strbuf_free(&text);
}

/* ---- gates ---- */

static void a_gate_holds_at_its_limits_and_without_a_value_never(void **state) {
    (void)state;
    static const struct {
        double min, max, value;
        bool held;
    } cases[] = {
        {NAN, 5, 5, true},        {NAN, 5, 5.0000001, false},
        {2, NAN, 2, true},        {2, NAN, 1.9999999, false},
        {2, 5, 3, true},          {2, 5, 6, false},
        {2, 5, 1, false},         {NAN, 5, NAN, false},
        {2, NAN, NAN, false},     {NAN, 5, INFINITY, false},
        {2, NAN, INFINITY, true}, {0, NAN, 0, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gate_result g = {.min = cases[i].min, .max = cases[i].max, .value = cases[i].value};
        assert_int_equal(gate_judge(&g).held, cases[i].held);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_is_as_in_the_golden_file),
        cmocka_unit_test(the_terminal_table_is_as_in_the_golden_file),
        cmocka_unit_test(wall_time_is_left_out_on_demand_and_nothing_else),
        cmocka_unit_test(a_latency_without_values_is_null),
        cmocka_unit_test(an_infinite_figure_is_null_and_says_so),
        cmocka_unit_test(parts_that_do_not_apply_are_absent),
        cmocka_unit_test(no_figure_is_ever_not_a_number),
        cmocka_unit_test(numbers_keep_every_bit),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(what_is_written_fits_the_schema),
        cmocka_unit_test(the_schema_refuses_what_is_wrong),
        cmocka_unit_test(keys_have_the_order_of_the_schema),
        cmocka_unit_test(a_gate_holds_at_its_limits_and_without_a_value_never),
        cmocka_unit_test(nothing_but_paths_is_wider_than_a_terminal),
        cmocka_unit_test(colour_comes_only_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
