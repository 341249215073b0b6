#include <math.h>

#include "trace_fixture.h"

static struct loaded *make(const struct synth_spec *spec) {
    struct loaded *l = malloc(sizeof *l);
    loaded_begin(l);
    loaded_take(l, trace_synth(spec, &l->names, &l->err));
    if (error_is_set(&l->err)) {
        fail_msg("%s", l->text);
    }
    return l;
}

struct moments {
    double mean;
    double deviation;
};

static struct moments gaps_of(const struct loaded *l) {
    double sum = 0;
    double square = 0;
    for (size_t i = 1; i < l->count; i++) {
        double gap_s = simtime_to_s(l->rows[i].arrival_ps - l->rows[i - 1].arrival_ps);
        sum += gap_s;
        square += gap_s * gap_s;
    }
    double n = (double)(l->count - 1);
    return (struct moments){sum / n, sqrt(square / n - sum / n * sum / n)};
}

static struct synth_spec spec_of(enum arrival_process process, double shape, double rate_per_s,
                                 double duration_s) {
    struct synth_spec spec;
    synth_defaults(&spec);
    spec.process = process;
    spec.shape = shape;
    spec.rate_per_s = rate_per_s;
    spec.duration_s = duration_s;
    return spec;
}

/* Of n arrivals at rate r the count over a time T has mean r T and deviation cv sqrt(r T) (renewal theory).
 */
static void assert_count(size_t count, double mean, double cv) {
    double deviation = cv * sqrt(mean);
    if (fabs((double)count - mean) > 4 * deviation) {
        fail_msg("%zu arrivals, expected %.1f +- %.1f", count, mean, deviation);
    }
}

static void poisson_gaps_have_the_mean_and_deviation_of_an_exponential(void **state) {
    (void)state;
    struct synth_spec spec = spec_of(ARRIVAL_POISSON, 1, 50, 2000);
    struct loaded *l = make(&spec);
    struct moments gaps = gaps_of(l);
    assert_count(l->count, 100000, 1);
    /* standard error of the mean: 1/sqrt(n); of the deviation: sqrt((9 - 1)/4n) */
    assert_true(fabs(gaps.mean * 50 - 1) < 4 / sqrt(1e5));
    assert_true(fabs(gaps.deviation * 50 - 1) < 4 * sqrt(2 / 1e5));
    loaded_free(l);
}

static void gamma_and_weibull_gaps_have_the_coefficient_of_variation_of_their_shape(void **state) {
    (void)state;
    struct synth_spec gamma = spec_of(ARRIVAL_GAMMA, 0.25, 50, 4000);
    struct synth_spec weibull = spec_of(ARRIVAL_WEIBULL, 0.5, 50, 4000);
    struct loaded *g = make(&gamma);
    struct loaded *w = make(&weibull);
    struct moments of_g = gaps_of(g);
    struct moments of_w = gaps_of(w);
    assert_count(g->count, 200000, 2); /* cv = 1/sqrt(k) */
    assert_true(fabs(of_g.deviation / of_g.mean - 2) < 0.05);
    assert_count(w->count, 200000, sqrt(5)); /* cv^2 = G(1 + 2/k)/G(1 + 1/k)^2 - 1 = 24/4 - 1 */
    assert_true(fabs(of_w.deviation / of_w.mean - sqrt(5)) < 0.08);
    loaded_free(g);
    loaded_free(w);
}

/* A process that began with an arrival at 0 would have (cv^2 - 1)/2 = 7.5 arrivals more than 10. */
static void a_bursty_process_is_stationary_from_its_first_second(void **state) {
    (void)state;
    enum { RUNS = 4000 };
    double sum = 0;
    double square = 0;
    struct synth_spec spec = spec_of(ARRIVAL_GAMMA, 1.0 / 16, 10, 1);
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        spec.seed = seed;
        struct loaded *l = make(&spec);
        sum += (double)l->count;
        square += (double)l->count * (double)l->count;
        loaded_free(l);
    }
    double mean = sum / RUNS;
    double error = sqrt((square / RUNS - mean * mean) / RUNS);
    assert_true(fabs(mean - 10) < 4 * error);
}

static void deterministic_arrivals_keep_their_step(void **state) {
    (void)state;
    struct synth_spec spec = spec_of(ARRIVAL_DETERMINISTIC, 1, 4, 10);
    struct loaded *l = make(&spec);
    assert_int_equal(l->count, 40);
    for (size_t i = 0; i < l->count; i++) {
        assert_true(llabs(l->rows[i].arrival_ps - SIMTIME_SECOND / 4 * (simtime)i) <= 40);
    }
    loaded_free(l);
}

static void mmpp_has_its_mean_rate_and_its_states(void **state) {
    (void)state;
    struct synth_spec spec = spec_of(ARRIVAL_MMPP, 1, 10, 200000);
    spec.state_count = 2;
    spec.state_rate[0] = 0;
    spec.state_rate[1] = 1;
    spec.state_sojourn_s[0] = 30;
    spec.state_sojourn_s[1] = 10;
    struct loaded *l = make(&spec);
    /* on a quarter of the time at 40/s; 5,000 cycles: the share on has a relative deviation of about
     * sqrt(2/5000) * 3/4 */
    assert_true(fabs((double)l->count / 2e6 - 1) < 4 * sqrt(2.0 / 5000) * 0.75);
    size_t pauses = 0;
    for (size_t i = 1; i < l->count; i++) {
        pauses += l->rows[i].arrival_ps - l->rows[i - 1].arrival_ps > SIMTIME_SECOND;
    }
    assert_true(pauses > 4500 && pauses < 5200);
    loaded_free(l);
}

static void a_profile_shapes_the_rate_and_keeps_its_mean(void **state) {
    (void)state;
    struct synth_spec spec = spec_of(ARRIVAL_GAMMA, 0.5, 20, 8000);
    static const double profile[] = {1, 0, 3};
    double by_part[3] = {0};
    spec.profile_count = 3;
    spec.profile_period_s = 300;
    memcpy(spec.profile, profile, sizeof profile);
    spec.duration_s = 300 * 60;
    struct loaded *l = make(&spec);
    assert_count(l->count, 20 * spec.duration_s, sqrt(2));
    for (size_t i = 0; i < l->count; i++) {
        by_part[(int)fmod(simtime_to_s(l->rows[i].arrival_ps), 300) / 100]++;
    }
    assert_true(by_part[1] == 0);
    assert_true(fabs(by_part[2] / by_part[0] - 3) < 0.1);
    loaded_free(l);
}

static double correlation_of_logs(const struct loaded *l) {
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    double n = (double)l->count;
    for (size_t i = 0; i < l->count; i++) {
        double a = log(l->rows[i].input_tokens);
        double b = log(l->rows[i].output_tokens);
        x += a;
        y += b;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return (xy / n - x / n * y / n) / sqrt((xx / n - x / n * x / n) * (yy / n - y / n * y / n));
}

static void log_normal_lengths_correlate_as_asked(void **state) {
    (void)state;
    struct synth_spec spec = spec_of(ARRIVAL_POISSON, 1, 50, 2000);
    spec.input_tokens = (struct length_distribution){.law = LENGTH_LOGNORMAL, .mu = 8, .sigma = 0.5};
    spec.output_tokens = (struct length_distribution){.law = LENGTH_LOGNORMAL, .mu = 7, .sigma = 0.8};
    spec.correlation = -0.6;
    struct loaded *l = make(&spec);
    assert_true(fabs(correlation_of_logs(l) + 0.6) < 4 * 0.64 / sqrt((double)l->count) + 1e-3);
    loaded_free(l);
}

/* Shares of lengths at or below some values, against the distribution function. */
static void assert_shares(struct length_distribution d, const double *at, const double *share, size_t n) {
    struct synth_spec spec = spec_of(ARRIVAL_DETERMINISTIC, 1, 100, 400);
    spec.input_tokens = d;
    struct loaded *l = make(&spec);
    for (size_t k = 0; k < n; k++) {
        double below = 0;
        for (size_t i = 0; i < l->count; i++) {
            below += l->rows[i].input_tokens <= at[k];
        }
        double p = share[k];
        double error = sqrt(p * (1 - p) / (double)l->count);
        if (fabs(below / (double)l->count - p) > 4 * error + 1e-6) {
            fail_msg("P(<= %g) is %.4f, expected %.4f +- %.4f", at[k], below / (double)l->count, p, error);
        }
    }
    loaded_free(l);
}

static void every_law_of_lengths_has_its_distribution(void **state) {
    (void)state;
    struct length_distribution exponential = {.law = LENGTH_EXPONENTIAL, .mu = 1000};
    assert_shares(exponential, (double[]){100.5, 1000.5, 3000.5},
                  (double[]){1 - exp(-0.1005), 1 - exp(-1.0005), 1 - exp(-3.0005)}, 3);
    struct length_distribution uniform = {.law = LENGTH_UNIFORM, .low = 11, .high = 20};
    assert_shares(uniform, (double[]){10, 11, 15, 20}, (double[]){0, 0.1, 0.5, 1}, 4);
    struct length_distribution lognormal = {
        .law = LENGTH_LOGNORMAL, .mu = log(500), .sigma = 1, .high = 4000};
    assert_shares(lognormal, (double[]){500.4, 500 * 2.718281828, 4000}, (double[]){0.5003, 0.841345, 1}, 3);
    struct length_distribution quantiles = {
        .law = LENGTH_QUANTILES, .quantile_count = 3, .probability = {0, 0.5, 1}, .value = {0, 100, 1100}};
    assert_shares(quantiles, (double[]){50.4, 100.4, 600.4}, (double[]){0.2525, 0.50025, 0.75025}, 3);
    struct length_distribution zipf = {.law = LENGTH_ZIPF, .exponent = 1, .low = 1, .high = 4};
    double h4 = 1 + 1.0 / 2 + 1.0 / 3 + 1.0 / 4;
    assert_shares(zipf, (double[]){1, 2, 3}, (double[]){1 / h4, 1.5 / h4, (1.5 + 1.0 / 3) / h4}, 3);
    struct length_distribution constant = {.law = LENGTH_CONSTANT, .low = 7};
    assert_shares(constant, (double[]){6, 7}, (double[]){0, 1}, 2);
}

static void request_n_has_the_same_lengths_whatever_the_rate(void **state) {
    (void)state;
    struct synth_spec slow = *trace_preset_find("quickstart")->spec;
    struct synth_spec fast = slow;
    fast.rate_per_s *= 3;
    struct loaded *a = make(&slow);
    struct loaded *b = make(&fast);
    assert_true(b->count > 2 * a->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->rows[i].input_tokens, b->rows[i].input_tokens);
        assert_int_equal(a->rows[i].output_tokens, b->rows[i].output_tokens);
    }
    loaded_free(a);
    loaded_free(b);
}

static void seed_and_name_choose_the_trace(void **state) {
    (void)state;
    struct synth_spec spec = *trace_preset_find("quickstart")->spec;
    struct loaded *a = make(&spec);
    struct loaded *b = make(&spec);
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->rows, b->rows, a->count * sizeof *a->rows);
    spec.seed = 1;
    struct loaded *c = make(&spec);
    spec.seed = 0;
    spec.name = "another";
    struct loaded *d = make(&spec);
    assert_true(a->rows[0].arrival_ps != c->rows[0].arrival_ps);
    assert_true(a->rows[0].arrival_ps != d->rows[0].arrival_ps);
    loaded_free(a);
    loaded_free(b);
    loaded_free(c);
    loaded_free(d);
}

static void sessions_take_turns_and_prompts_carry_the_history(void **state) {
    (void)state;
    enum { SESSIONS_MAX = 4000 };
    struct synth_spec spec = spec_of(ARRIVAL_POISSON, 1, 2, 4000);
    static uint64_t history[SESSIONS_MAX];
    static uint32_t turns[SESSIONS_MAX];
    spec.session_turns_mean = 4;
    spec.session_think_mu = 2;
    spec.session_think_sigma = 0.5;
    spec.input_tokens = (struct length_distribution){.law = LENGTH_CONSTANT, .low = 100};
    spec.output_tokens = (struct length_distribution){.law = LENGTH_UNIFORM, .low = 1, .high = 50};
    struct loaded *l = make(&spec);
    uint64_t sessions = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct trace_row *row = &l->rows[i];
        assert_true(row->session > 0 && row->session < SESSIONS_MAX);
        assert_int_equal(row->row, i);
        assert_true(i == 0 || row->arrival_ps >= l->rows[i - 1].arrival_ps);
        assert_int_equal(row->input_tokens, history[row->session] + 100);
        history[row->session] = row->input_tokens + row->output_tokens;
        sessions += turns[row->session]++ == 0;
    }
    double mean = (double)l->count / (double)sessions; /* a few at the end are cut short */
    assert_true(fabs(mean - 4) < 4 * sqrt(12.0 / (double)sessions) + 0.05);
    assert_true(fabs((double)l->count - 8000) < 4 * sqrt(8000 * 7.0)); /* compound Poisson: E[N^2]/E[N] = 7 */
    loaded_free(l);
}

static void presets_are_close_to_what_they_were_fitted_to(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double requests, input_mean, output_mean;
    } cases[] = {
        {"azure-conv-2023", 19366, 1154.7, 211.1},
        {"azure-code-2023", 8819, 2047.8, 27.9},
        {"mooncake-conversation", 12031, 12035, 342.6},
        {"quickstart", 1200, 880, 210},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct loaded *l = make(trace_preset_find(cases[i].name)->spec);
        double input = 0;
        double output = 0;
        for (size_t k = 0; k < l->count; k++) {
            input += l->rows[k].input_tokens;
            output += l->rows[k].output_tokens;
        }
        assert_true(fabs((double)l->count / cases[i].requests - 1) < 0.08);
        assert_true(fabs(input / (double)l->count / cases[i].input_mean - 1) < 0.05);
        assert_true(fabs(output / (double)l->count / cases[i].output_mean - 1) < 0.10);
        loaded_free(l);
    }
    for (const struct trace_preset *p = trace_presets; p->name; p++) {
        struct error err = {0};
        assert_true(synth_check(p->spec, &err));
    }
    assert_null(trace_preset_find("no-such"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poisson_gaps_have_the_mean_and_deviation_of_an_exponential),
        cmocka_unit_test(gamma_and_weibull_gaps_have_the_coefficient_of_variation_of_their_shape),
        cmocka_unit_test(a_bursty_process_is_stationary_from_its_first_second),
        cmocka_unit_test(deterministic_arrivals_keep_their_step),
        cmocka_unit_test(mmpp_has_its_mean_rate_and_its_states),
        cmocka_unit_test(a_profile_shapes_the_rate_and_keeps_its_mean),
        cmocka_unit_test(log_normal_lengths_correlate_as_asked),
        cmocka_unit_test(every_law_of_lengths_has_its_distribution),
        cmocka_unit_test(request_n_has_the_same_lengths_whatever_the_rate),
        cmocka_unit_test(seed_and_name_choose_the_trace),
        cmocka_unit_test(sessions_take_turns_and_prompts_carry_the_history),
        cmocka_unit_test(presets_are_close_to_what_they_were_fitted_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
