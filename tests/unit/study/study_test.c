/* Studies of stations without Kubernetes: quick, and with a truth to hold the intervals against. */
#include "study/study.h"

#include <math.h>

#include "record/headline.h"
#include "tests/unit/record/schema_check.h"
#include "tests/unit/run/run_fixture.h"

/* An M/M/1 queue with one request a second on average served in 0.8 s: W_q = 3.2 s. */
static const char mm1[] = "server: {law: exponential, mean: 0.8s}";
static const char poisson[] = "[{synth: {process: poisson, rate_per_s: 1, duration_s: 400}}]";

static struct study_case case_of(const char *scenario, const char *out) {
    return (struct study_case){.run = {.scenario = at(scenario), .out = out ? at(out) : "", .seed = 11}};
}

static bool run_cases(const struct study_case *cases, size_t count, uint64_t replications, size_t jobs,
                      struct study_outcome *outcomes, struct error *err) {
    struct study study = {.cases = cases, .case_count = count, .replications = replications, .jobs = jobs};
    return study_run(&study, &scratch.arena, outcomes, err);
}

static void assert_same_file(const char *a, const char *b) {
    size_t a_length, b_length;
    const char *a_bytes = get(at(a), &a_length);
    const char *b_bytes = get(at(b), &b_length);
    assert_int_equal(a_length, b_length);
    assert_true(memcmp(a_bytes, b_bytes, a_length) == 0);
}

static void the_bytes_of_a_result_do_not_depend_on_jobs(void **state) {
    (void)state;
    put("a.yaml", station_scenario(mm1, poisson, ""));
    struct study_case one = case_of("a.yaml", "one");
    struct study_case three = case_of("a.yaml", "three");
    struct study_outcome outcome;
    struct error err = {0};
    assert_true(run_cases(&one, 1, 5, 1, &outcome, &err));
    study_free(&outcome, 1);
    assert_true(run_cases(&three, 1, 5, 3, &outcome, &err));
    assert_same_file("one/result.h5", "three/result.h5");
    assert_string_equal(outcome.out, at("three"));
    study_free(&outcome, 1);
}

static void replications_are_the_runs_of_the_next_seeds(void **state) {
    (void)state;
    put("a.yaml", station_scenario(mm1, poisson, ""));
    struct study_case c = case_of("a.yaml", NULL);
    struct study_outcome outcome;
    struct error err = {0};
    assert_true(run_cases(&c, 1, 4, 2, &outcome, &err));
    assert_true(outcome.finished);
    assert_int_equal(outcome.replications, 4);
    assert_null(outcome.out);
    double values[5];
    study_values(&outcome, "latency.queue_s.mean", values, 5);
    for (uint64_t i = 0; i < 4; i++) {
        assert_true(values[i] == run_seed("a.yaml", NULL, 11 + i).queue_s);
    }
    assert_true(isnan(values[4]));
    struct interval want = interval_of(values, 4);
    struct json_object *figure = member(outcome.summary, "replicated.latency.queue_s.mean");
    assert_true(json_object_get_double(member(figure, "mean")) == want.mean);
    assert_true(json_object_get_double(member(figure, "ci95_low")) == want.low);
    assert_true(json_object_get_double(member(figure, "ci95_high")) == want.high);
    assert_int_equal(json_object_get_int(member(figure, "n")), 4);
    study_free(&outcome, 1);
}

static void the_summary_is_that_of_the_first_and_fits_the_schema(void **state) {
    (void)state;
    put("a.yaml",
        station_scenario(mm1, poisson,
                         "  objectives: [{metric: latency.queue_s, statistic: mean, limit: 9s}]\n"));
    struct study_case c = case_of("a.yaml", "out");
    struct study_outcome one, five;
    struct error err = {0};
    assert_true(run_cases(&c, 1, 1, 1, &one, &err));
    assert_false(json_object_object_get_ex(one.summary, "replicated", NULL));
    assert_true(run_cases(&c, 1, 5, 2, &five, &err));
    struct json_object *schema = parsed_schema();
    assert_true(validates(schema, schema, one.summary));
    assert_true(validates(schema, schema, five.summary));
    json_object_put(schema);
    assert_int_equal(json_object_get_int(member(five.summary, "replications")), 5);
    json_object_object_del(five.summary, "replicated");
    static const char *const differ[] = {"replications", "wall_s"};
    for (size_t i = 0; i < 2; i++) {
        json_object_object_del(one.summary, differ[i]);
        json_object_object_del(five.summary, differ[i]);
    }
    assert_true(json_object_equal(one.summary, five.summary));
    study_free(&one, 1);
    study_free(&five, 1);
}

/* Of 120 intervals of 5 replications each, 95 % are expected to hold the true mean; fewer than 106 or more
 * than 120 of them (binomial, 120, 0.95) would come up once in 500 times. The runs are long enough that their
 * means are nearly normal and begin when the queue is in balance. */
static void an_interval_of_95_percent_holds_the_truth_in_95_of_100_cases(void **state) {
    (void)state;
    enum { STUDIES = 120, EACH = 5, ALL = STUDIES * EACH };
    static double values[ALL];
    put("mm1.yaml", station_scenario("server: {law: exponential, mean: 0.5s}",
                                     "[{synth: {process: poisson, rate_per_s: 1, duration_s: 3200}}]",
                                     "  warmup: 200s\n"));
    struct study_case c = case_of("mm1.yaml", NULL);
    struct study_outcome outcome;
    struct error err = {0};
    assert_true(run_cases(&c, 1, ALL, 2, &outcome, &err));
    study_values(&outcome, "latency.queue_s.mean", values, ALL);
    int held = 0;
    for (int i = 0; i < STUDIES; i++) {
        struct interval got = interval_of(values + (ptrdiff_t)i * EACH, EACH);
        held += got.low <= 0.5 && 0.5 <= got.high;
    }
    print_message("%d of %d intervals hold the wait of M/M/1\n", held, STUDIES);
    assert_in_range(held, 106, 120);
    struct interval all = interval_of(values, ALL);
    assert_true(all.low <= 0.5 && 0.5 <= all.high);
    study_free(&outcome, 1);
}

static void a_fault_of_any_case_is_found_before_the_first_run(void **state) {
    (void)state;
    put("a.yaml", station_scenario(mm1, poisson, ""));
    put("b.yaml",
        station_scenario(mm1, "[{synth: {process: poisson, rate_per_s: -1, duration_s: 400}}]", ""));
    struct study_case cases[] = {case_of("a.yaml", "first"), case_of("b.yaml", "second")};
    cases[1].name = "second";
    struct study_outcome outcomes[2];
    struct error err = {0};
    assert_false(run_cases(cases, 2, 1, 1, outcomes, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.file, "b.yaml"));
    assert_false(file_exists(at("first")));
    study_free(outcomes, 2);
}

/* A full disk, as far as the second case is concerned. */
static void what_finished_before_a_failure_is_kept(void **state) {
    (void)state;
    put("a.yaml", station_scenario(mm1, poisson, ""));
    put("occupied", "a file where a folder is wanted");
    struct study_case cases[] = {case_of("a.yaml", "kept"), case_of("a.yaml", "occupied"),
                                 case_of("a.yaml", "never")};
    struct study_outcome outcomes[3];
    struct error err = {0};
    assert_false(run_cases(cases, 3, 3, 1, outcomes, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_non_null(strstr(err.hint, "seed 11"));
    assert_true(outcomes[0].finished && file_exists(at("kept/result.h5")));
    assert_false(outcomes[1].finished || outcomes[2].finished);
    assert_false(file_exists(at("never")));
    study_free(outcomes, 3);
}

static void missed_objectives_are_named_by_their_mean(void **state) {
    (void)state;
    put("a.yaml",
        station_scenario(mm1, poisson,
                         "  objectives:\n"
                         "    - {metric: latency.queue_s, statistic: mean, limit: 1ms}\n"
                         "    - {metric: latency.queue_s, statistic: max, limit: 1h}\n"
                         "    - {metric: throughput.requests_per_s, min: 50, service: station}\n"
                         "  gates:\n    - {metric: requests.completed, max: 3, scope: service/station}\n"
                         "    - {metric: requests.completed, max: 3, level: warn}\n"));
    struct study_case c = case_of("a.yaml", NULL);
    for (uint64_t replications = 1; replications <= 2; replications++) {
        struct study_outcome outcome;
        struct error err = {0};
        struct strbuf names = {0};
        assert_true(run_cases(&c, 1, replications, 2, &outcome, &err));
        assert_int_equal(study_missed(&outcome, &names), 3);
        assert_string_equal(names.text,
                            "latency.queue_s mean <= 1.00 ms, throughput.requests_per_s >= 50.0 of "
                            "service station, requests.completed <= 3.00 of service/station");
        strbuf_free(&names);
        study_free(&outcome, 1);
    }
}

#define STUDY_TEST(name) cmocka_unit_test_setup_teardown(name, open_scratch, close_scratch)

int main(void) {
    const struct CMUnitTest tests[] = {
        STUDY_TEST(the_bytes_of_a_result_do_not_depend_on_jobs),
        STUDY_TEST(replications_are_the_runs_of_the_next_seeds),
        STUDY_TEST(the_summary_is_that_of_the_first_and_fits_the_schema),
        STUDY_TEST(an_interval_of_95_percent_holds_the_truth_in_95_of_100_cases),
        STUDY_TEST(a_fault_of_any_case_is_found_before_the_first_run),
        STUDY_TEST(what_finished_before_a_failure_is_kept),
        STUDY_TEST(missed_objectives_are_named_by_their_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
