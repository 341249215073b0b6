/* Reports about small results written here, with names that try to break out of everything. */
#include "analysis/report/report.h"

#include "../../record/result_fixture.h"
#include "analysis/report/plot.h"

static const char hostile[] = "a<b>&\"c\" 'd' `id` $(id) \\n _x^{2} </script><script>alert(1)</script>";

struct request_row {
    uint32_t service;
    uint8_t status, counted;
    double ttft_s, tpot_s, e2e_s;
};

static const char *const status_names[] = {"completed", "rejected", NULL};

static const struct column request_columns[] = {
    {"service", COLUMN_NAME, offsetof(struct request_row, service), "1", "service", NULL, "name"},
    {"status", COLUMN_ENUM8, offsetof(struct request_row, status), "1", "status", status_names, NULL},
    {"counted", COLUMN_U8, offsetof(struct request_row, counted), "1", "counted", NULL, NULL},
    {"ttft_s", COLUMN_F64, offsetof(struct request_row, ttft_s), "s", "TTFT", NULL, NULL},
    {"tpot_s", COLUMN_F64, offsetof(struct request_row, tpot_s), "s", "TPOT", NULL, NULL},
    {"e2e_s", COLUMN_F64, offsetof(struct request_row, e2e_s), "s", "E2E", NULL, NULL},
    {.name = NULL},
};

struct sample {
    const char *scenario, *service;
    size_t requests; /* completed in 0.1 s, 0.2 s, ...; one more is rejected */
    bool series;
    double limit_s; /* of p95 TTFT; 0 = no objective */
    uint64_t seed;
    const char *replicated; /* of the summary, with 5 replications; NULL = one run */
    bool gates;
    bool overridden; /* an arm and settings of the command line */
    bool stalled;    /* in the last window somebody waited from beginning to end */
};

static const struct sample plain = {"plain", "chat", 9, true, 0.5, 1, NULL, false, false, false};

static const char resolved[] = "traces:\n  - file: \"given.csv\"\n  - file: own.csv\n"
                               "a<b>&\"c\" 'd' `id` $(id) \\n _x^{2} </script><script>alert(1)</script>";

static char *folder;

static bool write_rows(struct recorder *r, const struct sample *s, struct error *err) {
    struct record_table *t = recorder_table(r, "/requests", request_columns, sizeof(struct request_row), err);
    bool done = t != NULL;
    for (size_t i = 1; i <= s->requests && done; i++) {
        struct request_row row = {0, 0, 1, 0.1 * (double)i, 0.01, 1};
        done = record_append(t, &row, err);
    }
    struct request_row rejected = {0, 1, 1, NAN, NAN, NAN};
    return done && (s->requests == 0 || record_append(t, &rejected, err)) &&
           recorder_names(r, "name", &s->service, 1, err);
}

static bool write_series(struct recorder *r, const struct sample *s, struct error *err) {
    const struct {
        const char *metric, *units;
        double values[4];
    } series[] = {
        {"arrivals_per_s", "1/s", {1, 4, 2, 1}},
        {"goodput_per_s", "1/s", {1, 3, 2, 1}},
        {"failures_per_s", "1/s", {0, 0.5, 0, 0}},
        {"ttft_s_p50", "s", {0.1, 0.1, 0.2, NAN}},
        {"ttft_s_p95", "s", {0.2, 0.3, 0.612, NAN}},
        {"ttft_s_p99", "s", {0.3, 0.4, 0.9, NAN}},
        {"tpot_s_p50", "s", {0.01, 0.01, 0.01, NAN}},
        {"tpot_s_p95", "s", {0.01, 0.01, 0.01, NAN}},
        {"tpot_s_p99", "s", {0.01, 0.01, 0.01, NAN}},
        {"queue", "1", {0, 0, 3, s->stalled ? 1 : 0.9}},
        {"running", "1", {1, 2, 2, 1}},
        {"replicas_desired", "1", {1, 2, 2, 1}},
        {"replicas_ready", "1", {1, 1, 2, 1}},
        {"replicas_starting", "1", {0, 1, 0, 0}},
        {"replicas_pending", "1", {0, 0, 0, 0}},
        {"replicas_terminating", "1", {0, 0, 0, 1}},
        {"gpu_busy_fraction", "1", {0.5, 1, 1, 0.25}},
        {"kv_usage", "1", {0.1, 0.2, 0.4, 0}},
    };
    static const struct series_times times = {0, 10, 40};
    bool done = true;
    for (size_t i = 0; s->series && i < COUNT(series) && done; i++) {
        done = recorder_series(r, "all", series[i].metric, series[i].units, "time: mean", &times,
                               series[i].values, 4, err);
    }
    return done;
}

static bool finish(struct recorder *r, const struct sample *s, struct error *err) {
    struct latency_summary ttft = {.n = s->requests, .excluded = 1, .p50 = 0.5, .p95 = 0.86, .max = 0.9};
    struct objective_result objective = {.metric = "latency.ttft_s",
                                         .statistic = "p95",
                                         .limit = s->limit_s,
                                         .value = 0.86,
                                         .value_known = s->requests > 0,
                                         .met = s->requests > 0 && 0.86 <= s->limit_s};
    struct scope_summary scope = {.name = s->service,
                                  .requests = {.arrived = s->requests + (s->requests > 0),
                                               .completed = s->requests,
                                               .rejected = s->requests > 0},
                                  .ttft = ttft,
                                  .gate_ttft = ttft,
                                  .has_slo = s->limit_s > 0,
                                  .slo_attainment = 0.5};
    const char *warning = hostile;
    struct gate_result gates[] = {
        {.metric = "latency.ttft_s.p95",
         .scope = "service/chat",
         .min = NAN,
         .max = 1,
         .value = 0.86,
         .held = true},
        {.metric = "cost.total_usd", .min = NAN, .max = 160, .value = 170.5, .held = false},
        {.metric = "slo.attainment", .min = 0.6, .max = NAN, .value = 0.5, .warn = true, .held = false}};
    struct summary summary = {.drydock_version = "0.1.0",
                              .scenario = s->scenario,
                              .seed = s->seed,
                              .replications = s->replicated ? 5 : 1,
                              .replicated = s->replicated,
                              .simulated_s = 40,
                              .all = scope,
                              .services = &scope,
                              .service_count = 1,
                              .objectives = &objective,
                              .objective_count = s->limit_s > 0,
                              .gates = gates,
                              .gate_count = s->gates ? 3 : 0,
                              .warnings = &warning,
                              .warning_count = 1};
    summary.all.name = NULL;
    return recorder_provenance(r, "resolved_scenario", resolved, err) &&
           recorder_provenance(r, "scenario", "traces: [{file: own.csv}]\n", err) &&
           recorder_provenance(r, "traces", "own.csv sha256:1\ngiven.csv sha256:2\n", err) &&
           (!s->overridden || (recorder_provenance(r, "arm", "wide-links", err) &&
                               recorder_provenance(r, "set", "start=cold\nname=it's\n", err))) &&
           recorder_provenance(r, "assumptions", "traffic of chat: made up\n", err) &&
           recorder_close(r, &summary, err);
}

/* A result in a folder of its own below `folder`; its path. */
static char *write_result(const char *name, const struct sample *s) {
    struct error err = {0};
    char *path = fixture_path(folder, name);
    struct record_options options = {.directory = path};
    struct recorder *r = recorder_open(&options, &err);
    assert_non_null(r);
    assert_done(write_rows(r, s, &err) && write_series(r, s, &err) && finish(r, s, &err), &err);
    return path;
}

/* The page about some results; free() it. */
static char *report(struct arena *arena, const char *const *results, size_t n) {
    struct error err = {0};
    const char *path;
    char *page;
    size_t length;
    struct report_options options = {.results = results, .result_count = n};
    assert_done(report_write(&options, arena, &path, &err), &err);
    assert_done(file_read(path, 1 << 26, arena, &page, &length, &err), &err);
    return page;
}

static void assert_says(const char *page, const char *text) {
    if (!strstr(page, text)) {
        fail_msg("the page does not say: %s", text);
    }
}

static void assert_says_not(const char *page, const char *text) {
    if (strstr(page, text)) {
        fail_msg("the page says: %s", text);
    }
}

static int make_folder(void **state) {
    static struct arena arena;
    struct error err = {0};
    *state = &arena;
    arena_init(&arena);
    folder = fixture_folder();
    return plot_available(&err) ? 0 : 1;
}

static int remove_folder(void **state) {
    fixture_remove(folder);
    arena_free(*state);
    return 0;
}

/* ---- one result ---- */

static void the_sentences_are_computed_from_the_result(void **state) {
    char *result = write_result("one", &plain);
    const char *page = report(*state, (const char *const[]){result}, 1);
    assert_says(page, "The objective is missed: p95 TTFT is 860\xC2\xA0ms (at most 500\xC2\xA0ms).");
    assert_says(page, "Traffic averaged 2/s, in its busiest 10\xC2\xA0s 4/s (after 10\xC2\xA0s); 50\xC2\xA0% "
                      "of it was served as");
    assert_says(page,
                "p95 TTFT stayed within 500\xC2\xA0ms in 66.7\xC2\xA0% of the 10\xC2\xA0s windows; worst "
                "612\xC2\xA0ms after 20\xC2\xA0s; 1 request failed, timed out or was rejected");
    assert_says(page,
                "On average over 10\xC2\xA0s, at most 2 requests ran at a time, after 10\xC2\xA0s; at most 3 "
                "queued, after 20\xC2\xA0s");
    assert_says(page, "1 to 2 replicas Ready");
    free(result);
}

static void a_window_in_which_somebody_only_waited_is_not_within(void **state) {
    struct sample s = plain;
    s.stalled = true;
    char *result = write_result("stalled", &s);
    assert_says(report(*state, (const char *const[]){result}, 1),
                "in 50\xC2\xA0% of the 10\xC2\xA0s windows");
    free(result);
}

static void each_picture_has_words(void **state) {
    char *result = write_result("words", &plain);
    const char *page = report(*state, (const char *const[]){result}, 1);
    size_t pictures = 0;
    for (const char *at = page; (at = strstr(at, "<img ")); at++) {
        pictures++;
        assert_memory_equal(at, "<img alt=\"", 10);
        assert_true(at[10] != '"');
    }
    assert_int_equal(pictures, 7); /* demand, TTFT, TPOT, distribution, replicas, load, use: no bill */
    free(result);
}

static void the_numbers_behind_a_picture_unfold(void **state) {
    char *result = write_result("numbers", &plain);
    const char *page = report(*state, (const char *const[]){result}, 1);
    assert_says(page, "<summary>The numbers</summary>");
    assert_says(page, "<th scope=\"row\">10\xC2\xA0s</th><td class=\"n\">4</td><td class=\"n\">3</td><td "
                      "class=\"n\">0.500</td></tr>");
    assert_says(page, "<th scope=\"row\">20\xC2\xA0s</th><td class=\"n\">200</td><td class=\"n\">612</td><td "
                      "class=\"n\">900</td></tr>");
    assert_says(page, "<th scope=\"row\">30\xC2\xA0s</th><td class=\"n\">\xE2\x80\x93</td>");
    assert_says(page, "running, most");
    free(result);
}

static void names_from_a_result_break_nothing(void **state) {
    struct sample s = plain;
    s.scenario = hostile;
    s.service = hostile;
    char *result = write_result("hostile", &s);
    char *other = write_result("other", &plain);
    const char *page = report(*state, (const char *const[]){result, other}, 2);
    assert_says_not(page, "<script");
    assert_says_not(page, "<b>&");
    assert_says(page, "a&lt;b&gt;&amp;&quot;c&quot; &#39;d&#39; `id` $(id)");
    free(result);
    free(other);
}

static void the_same_results_give_the_same_bytes(void **state) {
    char *one = write_result("bytes-1", &plain);
    char *two = write_result("bytes-2", &plain);
    assert_string_equal(report(*state, (const char *const[]){one}, 1),
                        report(*state, (const char *const[]){two}, 1));
    free(one);
    free(two);
}

static void a_result_without_series_says_so_once(void **state) {
    struct sample s = plain;
    s.series = false;
    char *result = write_result("no-series", &s);
    const char *page = report(*state, (const char *const[]){result}, 1);
    assert_says(page, "Nothing is drawn over time");
    assert_says_not(page, "not drawn:");
    assert_says(page, "id=\"figure-cdf\"");
    free(result);
}

static void a_result_without_requests_has_a_report(void **state) {
    struct sample s = plain;
    s.requests = 0;
    char *result = write_result("nothing", &s);
    const char *page = report(*state, (const char *const[]){result}, 1);
    assert_says(page, "No request arrived in 40\xC2\xA0s");
    assert_says(page, "p95 TTFT has no value");
    assert_says_not(page, "id=\"figure-cdf\"");
    free(result);
}

static void without_objectives_nothing_is_passed_or_failed(void **state) {
    struct sample s = plain;
    s.limit_s = 0;
    char *result = write_result("free", &s);
    const char *page = report(*state, (const char *const[]){result}, 1);
    assert_says(page, "No objective was stated");
    assert_says(page,
                "p95 TTFT was 860\xC2\xA0ms over the whole run; in the worst window, after 20\xC2\xA0s, ");
    assert_says_not(page, "class=\"verdict good\"");
    free(result);
}

static void what_it_rests_on_and_how_to_repeat_it_is_said(void **state) {
    struct sample s = plain;
    s.overridden = true;
    char *result = write_result("rests", &s);
    const char *page = report(*state, (const char *const[]){result}, 1);
    assert_says(page, "<li>Traffic of chat: made up</li>");
    assert_says(page, "<b>Warning:</b> a&lt;b&gt;");
    assert_says(page, "drydock run plain --seed 1 --arm wide-links --trace given.csv --set start=cold "
                      "--set &#39;name=it&#39;\\&#39;&#39;s&#39;<");
    assert_says(page, "own.csv sha256:1");
    free(result);
}

static void gates_are_judged_apart_from_objectives(void **state) {
    struct sample s = plain;
    s.limit_s = 0.9;
    s.gates = true;
    char *result = write_result("gates", &s);
    const char *page = report(*state, (const char *const[]){result}, 1);
    assert_says(page,
                "class=\"verdict bad\">The objective is met. One of three gates is broken: cost is $170.50 "
                "(at most $160), one with a warning. ");
    assert_says(page, "<th scope=\"row\">p95 TTFT of chat</th><td>at most 1\xC2\xA0s</td>");
    assert_says(page, "<b class=\"good\">\xE2\x9C\x93\xC2\xA0holds</b>");
    assert_says(page, "50\xC2\xA0% <b class=\"bad\">!\xC2\xA0warns</b>");
    free(result);
}

static const char replicated[] =
    "{\"requests\": {\"arrived\": {\"mean\": 12, \"ci95_low\": 10, \"ci95_high\": 14, \"n\": 5}},"
    " \"slo\": {\"attainment\": {\"mean\": 0.9, \"ci95_low\": 0.8, \"ci95_high\": 1, \"n\": 5},"
    " \"objectives\": [{\"metric\": \"latency.ttft_s\", \"statistic\": \"p95\", \"limit\": 0.5,"
    " \"value\": {\"mean\": 0.4, \"ci95_low\": 0.38, \"ci95_high\": 0.42, \"n\": 5}, \"met\": true}]}}";

static void with_replications_means_are_told_and_judged(void **state) {
    struct sample s = plain;
    s.replicated = replicated;
    char *result = write_result("replicated", &s);
    const char *page = report(*state, (const char *const[]){result}, 1);
    assert_says(page, "The objective is met. Of 12 requests");
    assert_says(page, "means over 5 runs");
    assert_says(page, "400\xC2\xA0ms \xC2\xB1\xC2\xA0"
                      "20.0\xC2\xA0ms <b");
    assert_says(page, "<dd>90\xC2\xA0%</dd><dd class=\"more\">\xC2\xB1\xC2\xA0"
                      "10\xC2\xA0pt</dd>");
    assert_says(page, "--reps 5");
    assert_says(page, "One run, seed 1: figures and pictures here are not means.");
    free(result);
}

static void changes_of_results_with_replications_are_of_their_means(void **state) {
    static const char more[] =
        "{\"requests\": {\"arrived\": {\"mean\": 18, \"ci95_low\": 16, \"ci95_high\": 20, \"n\": 5}}}";
    struct sample s = plain;
    s.replicated = replicated;
    char *one = write_result("first-of-five", &s);
    s.replicated = more;
    char *two = write_result("second-of-five", &s);
    const char *page = report(*state, (const char *const[]){one, two}, 2);
    assert_says(page, "changes are of the means");
    assert_says(page, "18<small>\xC2\xB1\xC2\xA0"
                      "2</small><small class=\"change\">+50\xC2\xA0%</small>");
    free(one);
    free(two);
}

static void a_single_run_is_not_told_to_be_one_of_several(void **state) {
    char *result = write_result("single", &plain);
    assert_says_not(report(*state, (const char *const[]){result}, 1), "One run, seed");
    free(result);
}

static void what_figures_of_use_are_shares_of_is_said(void **state) {
    char *result = write_result("use", &plain);
    const char *page = report(*state, (const char *const[]){result}, 1);
    assert_says(page, "of the time that replicas were Ready; on average over the replicas the KV cache was "
                      "at most 40\xC2\xA0% full, after 20\xC2\xA0s");
    free(result);
}

static const struct column event_columns[] = {
    {"object", COLUMN_NAME, 0, "1", "object", NULL, "name"},
    {"reason", COLUMN_NAME, sizeof(uint32_t), "1", "reason", NULL, "name"},
    {.name = NULL},
};

static void a_change_by_hand_is_no_absence_of_scaling(void **state) {
    struct error err = {0};
    char *path = fixture_path(folder, "by-hand");
    struct record_options options = {.directory = path};
    static const char *const names[] = {"chat", "ScaledByHand"};
    static const uint32_t event[] = {0, 1};
    struct recorder *r = recorder_open(&options, &err);
    assert_non_null(r);
    struct record_table *t = recorder_table(r, "/events", event_columns, sizeof event, &err);
    assert_non_null(t);
    assert_done(record_append(t, event, &err) && write_series(r, &plain, &err) &&
                    recorder_names(r, "name", names, 2, &err) && finish(r, &plain, &err),
                &err);
    const char *page = report(*state, (const char *const[]){path}, 1);
    assert_says(page, "replicas Ready (1.25 on average), 1 change by hand");
    assert_says_not(page, "no scaling");
    free(path);
}

/* ---- several ---- */

static void results_are_told_apart_and_compared(void **state) {
    struct sample slack = plain;
    slack.limit_s = 0.9;
    char *one = write_result("tight", &plain);
    char *two = write_result("slack", &slack);
    const char *page = report(*state, (const char *const[]){one, two}, 2);
    assert_says(page, "One of two meets every objective");
    assert_says(page, "<th scope=\"col\" class=\"n\">tight</th><th scope=\"col\" class=\"n\">slack</th>");
    assert_says(page, "Share of 10\xC2\xA0s windows with p95 TTFT within its objective: tight 66.7\xC2\xA0%, "
                      "slack 100\xC2\xA0%");
    assert_says_not(page, "different scenarios");
    free(one);
    free(two);
}

static void results_of_one_name_get_numbers(void **state) {
    char *one = write_result("a/same", &plain);
    char *two = write_result("b/same", &plain);
    const char *page = report(*state, (const char *const[]){one, two}, 2);
    assert_says(page, "<th scope=\"col\" class=\"n\">same</th><th scope=\"col\" class=\"n\">2: same</th>");
    free(one);
    free(two);
}

static void different_scenarios_are_said_to_be_different(void **state) {
    struct sample s = plain;
    s.scenario = "another";
    char *one = write_result("x", &plain);
    char *two = write_result("y", &s);
    const char *page = report(*state, (const char *const[]){one, two}, 2);
    assert_says(page, "These results come from different scenarios");
    assert_says(page, "<h1>plain and another</h1>");
    free(one);
    free(two);
}

static void write_arms(const char *text) {
    struct error err = {0};
    char *path = fixture_path(folder, "study/arms.json");
    assert_done(file_write(path, text, strlen(text), &err), &err);
    free(path);
}

static const char arms[] =
    "{\"schema\": \"drydock.arms/1\", \"scenario\": \"plain\", \"seed\": 1, \"replications\": 5,"
    " \"arms\": [{\"name\": \"two\", \"description\": \"two replicas\"}, {\"name\": \"one\"}],"
    " \"metrics\": {\"latency_gate.ttft_s.p95\": {\"one\": {\"mean\": 0.86, \"relative\":"
    " {\"mean\": 0.25, \"ci95_low\": 0.2, \"ci95_high\": 0.3}}}}}";

static void a_folder_of_arms_stands_for_its_arms_in_its_order(void **state) {
    char *one = write_result("study/one", &plain);
    char *two = write_result("study/two", &plain);
    char *study = fixture_path(folder, "study");
    write_arms(arms);
    const char *page = report(*state, (const char *const[]){study}, 1);
    assert_says(page, "<th scope=\"col\" class=\"n\">two</th><th scope=\"col\" class=\"n\">one</th>");
    assert_says(page, "two replicas");
    assert_says(page, "<small class=\"change\">+25\xC2\xA0%</small><small class=\"change\">[+20\xC2\xA0%, "
                      "+30\xC2\xA0%]</small>");
    assert_says(page, "drydock run plain --seed 1 --arm two");
    free(one);
    free(two);
    free(study);
}

static void arms_that_lead_elsewhere_are_refused(void **state) {
    static const char *const bad[] = {
        "{\"schema\": \"drydock.arms/1\", \"arms\": [{\"name\": \"../../etc\"}]}",
        "{\"schema\": \"drydock.arms/1\", \"arms\": [{\"name\": \"..\"}]}",
        "{\"schema\": \"drydock.arms/1\", \"arms\": [{}]}",
        "{\"schema\": \"drydock.arms/1\", \"arms\": []}",
        "{\"schema\": \"drydock.arms/2\", \"arms\": [{\"name\": \"one\"}]}",
        "[[[",
        "",
    };
    char *one = write_result("study/one", &plain);
    char *study = fixture_path(folder, "study");
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct error err = {0};
        const char *path;
        struct report_options options = {.results = (const char *const[]){study}, .result_count = 1};
        write_arms(bad[i]);
        assert_false(report_write(&options, *state, &path, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_non_null(strstr(err.file, "arms.json"));
    }
    free(one);
    free(study);
}

static void a_page_that_cannot_be_written_is_told(void **state) {
    char *result = write_result("unwritable", &plain);
    struct error err = {0};
    const char *path;
    struct report_options options = {
        .results = (const char *const[]){result}, .result_count = 1, .out = "/nonexistent/report.html"};
    assert_false(report_write(&options, *state, &path, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    free(result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sentences_are_computed_from_the_result),
        cmocka_unit_test(a_window_in_which_somebody_only_waited_is_not_within),
        cmocka_unit_test(each_picture_has_words),
        cmocka_unit_test(the_numbers_behind_a_picture_unfold),
        cmocka_unit_test(names_from_a_result_break_nothing),
        cmocka_unit_test(the_same_results_give_the_same_bytes),
        cmocka_unit_test(a_result_without_series_says_so_once),
        cmocka_unit_test(a_result_without_requests_has_a_report),
        cmocka_unit_test(without_objectives_nothing_is_passed_or_failed),
        cmocka_unit_test(what_it_rests_on_and_how_to_repeat_it_is_said),
        cmocka_unit_test(gates_are_judged_apart_from_objectives),
        cmocka_unit_test(with_replications_means_are_told_and_judged),
        cmocka_unit_test(changes_of_results_with_replications_are_of_their_means),
        cmocka_unit_test(a_single_run_is_not_told_to_be_one_of_several),
        cmocka_unit_test(what_figures_of_use_are_shares_of_is_said),
        cmocka_unit_test(a_change_by_hand_is_no_absence_of_scaling),
        cmocka_unit_test(results_are_told_apart_and_compared),
        cmocka_unit_test(results_of_one_name_get_numbers),
        cmocka_unit_test(different_scenarios_are_said_to_be_different),
        cmocka_unit_test(a_folder_of_arms_stands_for_its_arms_in_its_order),
        cmocka_unit_test(arms_that_lead_elsewhere_are_refused),
        cmocka_unit_test(a_page_that_cannot_be_written_is_told),
    };
    struct error err = {0};
    if (!plot_available(&err)) {
        print_message("1..0 # SKIP gnuplot is not installed\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
