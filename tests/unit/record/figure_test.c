#include "record/figure.h"

#include <math.h>

#include "record/headline.h"
#include "schema_check.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- the list against what is written ---- */

/* A summary in which every part is there. */
static struct summary whole(void) {
    const struct latency_summary some = {
        .n = 1, .mean = 1, .p50 = 1, .p90 = 1, .p95 = 1, .p99 = 1, .p999 = 1, .max = 1};
    struct summary s = {.drydock_version = "0", .scenario = "s", .replications = 1, .has_scaling = true};
    s.all = (struct scope_summary){.ttft = some,
                                   .tpot = some,
                                   .itl = some,
                                   .e2e = some,
                                   .queue = some,
                                   .gate_ttft = some,
                                   .has_slo = true,
                                   .has_replicas = true,
                                   .has_faults = true,
                                   .has_gpu = true,
                                   .cost = {.present = true},
                                   .has_energy = true,
                                   .has_carbon = true};
    for (int m = 0; m < FAIRNESS_METRICS; m++) {
        for (int by = 0; by < FAIRNESS_GROUPINGS; by++) {
            s.fairness[m][by] = (struct fairness_figure){true, 2, 0.9, "eu"};
        }
    }
    s.has_fairness_gap = true;
    return s;
}

struct listing {
    struct json_object *summary;
    size_t figures, missing;
};

static bool look_up(void *context, const struct figure *f) {
    struct listing *l = context;
    struct json_object *member;
    l->figures++;
    if (!summary_member(l->summary, f->path, &member)) {
        print_message("no %s in the summary\n", f->path);
        l->missing++;
    }
    return true;
}

/* Numbers below an object, but for the gate's view and what says what was run. */
static size_t numbers_in(struct json_object *o, bool root) {
    static const char *const others[] = {"seed",   "replications", "simulated_s",
                                         "wall_s", "events",       "latency_gate"};
    size_t count = 0;
    json_object_object_foreach(o, key, value) {
        bool skipped = false;
        for (size_t i = 0; root && i < COUNT(others); i++) {
            skipped = skipped || strcmp(key, others[i]) == 0;
        }
        if (!skipped && json_object_is_type(value, json_type_object)) {
            count += numbers_in(value, false);
        } else if (!skipped) {
            count +=
                json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
        }
    }
    return count;
}

static void every_number_of_a_summary_is_a_figure_and_every_figure_is_there(void **state) {
    (void)state;
    struct summary s = whole();
    struct listing l = {.summary = summary_tree(&s, true)};
    figures_each(look_up, &l);
    assert_int_equal(l.missing, 0);
    assert_int_equal(l.figures, numbers_in(l.summary, true));
    json_object_put(l.summary);
}

/* ---- one figure ---- */

struct wanted {
    const char *path;
    bool found;
    char metric[FIGURE_PATH_BYTES], statistic[16], help[128];
    struct figure figure;
};

static bool is_it(void *context, const struct figure *f) {
    struct wanted *w = context;
    if (strcmp(f->path, w->path) != 0) {
        return true;
    }
    w->found = true;
    w->figure = *f;
    snprintf(w->metric, sizeof w->metric, "%s", f->metric);
    snprintf(w->statistic, sizeof w->statistic, "%s", f->statistic ? f->statistic : "");
    snprintf(w->help, sizeof w->help, "%s", f->help);
    return false;
}

static struct wanted figure(const char *path) {
    struct wanted w = {.path = path};
    figures_each(is_it, &w);
    return w;
}

static void a_latency_has_a_metric_and_a_statistic(void **state) {
    (void)state;
    struct wanted w = figure("latency.ttft_s.p95");
    assert_true(w.found);
    assert_string_equal(w.metric, "latency.ttft_s");
    assert_string_equal(w.statistic, "p95");
    assert_non_null(strstr(w.help, "first token"));
    w = figure("cost.by_state.idle");
    assert_true(w.found);
    assert_string_equal(w.metric, "cost.by_state.idle");
    assert_string_equal(w.statistic, "");
}

static void what_is_no_figure_is_not_listed(void **state) {
    (void)state;
    static const char *const paths[] = {"latency_gate.ttft_s.p95",
                                        "latency.ttft_s",
                                        "seed",
                                        "wall_s",
                                        "gates",
                                        "warnings",
                                        "slo.objectives",
                                        "services",
                                        "latency.ttft_s.infinite"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        assert_false(figure(paths[i]).found);
    }
}

static void names_tell_units(void **state) {
    (void)state;
    static const struct {
        const char *path;
        enum unit_kind unit;
    } cases[] = {
        {"latency.ttft_s.p95", UNIT_DURATION},
        {"latency.ttft_s.n", UNIT_NUMBER},
        {"latency.e2e_s.excluded", UNIT_NUMBER},
        {"latency.itl_s", UNIT_DURATION},
        {"slo.attainment", UNIT_FRACTION},
        {"gpu.busy_fraction", UNIT_FRACTION},
        {"goodput_per_s", UNIT_RATE},
        {"throughput.input_tokens_per_s", UNIT_RATE},
        {"replicas.replica_s", UNIT_DURATION},
        {"replicas.availability", UNIT_FRACTION},
        {"replicas.mean", UNIT_NUMBER},
        {"cost.total_usd", UNIT_USD},
        {"cost.by_state.idle", UNIT_USD},
        {"cost.usd_per_h", UNIT_USD_PER_H},
        {"cost.usd_per_1k_requests", UNIT_USD},
        {"energy_kwh", UNIT_NUMBER},
        {"carbon.sci_g_per_request", UNIT_NUMBER},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(figure_unit(cases[i].path), cases[i].unit);
    }
}

static void which_way_is_better_and_whose_it_is(void **state) {
    (void)state;
    assert_true(figure("slo.attainment").figure.more_is_better);
    assert_true(figure("goodput_per_s").figure.more_is_better);
    assert_true(figure("gpu.busy_fraction").figure.more_is_better);
    assert_false(figure("latency.ttft_s.mean").figure.more_is_better);
    assert_false(figure("cost.total_usd").figure.more_is_better);
    assert_false(figure("cost.total_usd").figure.of_run);
    assert_true(figure("scaling.scale_ups").figure.of_run);
}

static void a_judge_reads_latencies_where_the_lost_count(void **state) {
    (void)state;
    char path[FIGURE_PATH_BYTES];
    assert_string_equal(figure_judged("latency.ttft_s.p95", path), "latency_gate.ttft_s.p95");
    assert_string_equal(figure_judged("cost.total_usd", path), "cost.total_usd");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_a_summary_is_a_figure_and_every_figure_is_there),
        cmocka_unit_test(a_latency_has_a_metric_and_a_statistic),
        cmocka_unit_test(what_is_no_figure_is_not_listed),
        cmocka_unit_test(names_tell_units),
        cmocka_unit_test(which_way_is_better_and_whose_it_is),
        cmocka_unit_test(a_judge_reads_latencies_where_the_lost_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
