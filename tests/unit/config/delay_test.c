#include "config/delay.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static struct arena arena;
static struct error err;

static bool read_delay(const char *text, struct delay *delay) {
    struct yaml_file file;
    struct field_reader reader = {.arena = &arena, .err = &err, .path = "server"};
    err = (struct error){0};
    assert_true(yaml_parse("t.yaml", text, strlen(text), &arena, &file, &err));
    return delay_read(&reader, file.documents[0], delay);
}

static struct delay delay_of(const char *text) {
    struct delay delay;
    if (!read_delay(text, &delay)) {
        fail_msg("%s: %s", text, err.expected);
    }
    return delay;
}

static const char *const laws[] = {
    "45s",
    "{law: deterministic, mean: 2s}",
    "{law: exponential, mean: 250ms}",
    "{law: lognormal, median: 180s, sigma: 0.3}",
    "{law: lognormal, mean: 3s, cv: 0.8}",
    "{law: gamma, mean: 2s, cv: 0.5}",
    "{law: gamma, mean: 2s, cv: 2}",
    "{law: uniform, low: 1s, high: 4s}",
    "{law: weibull, mean: 5s, shape: 1.7}",
    "{law: weibull, mean: 5s, shape: 0.8}",
};
enum { LAWS = sizeof laws / sizeof laws[0] };

/* Means and standard deviations of 200,000 draws: within five standard errors of what the delay says. For the
 * deviation the error is bounded with a kurtosis of 60, above that of every law here. */
static void draws_have_the_mean_and_deviation_that_the_delay_states(void **state) {
    (void)state;
    enum { DRAWS = 200000 };
    for (size_t i = 0; i < LAWS; i++) {
        struct delay d = delay_of(laws[i]);
        struct rng rng = rng_stream(7, RNG_TEST, laws[i]);
        double sum = 0, squares = 0;
        for (int n = 0; n < DRAWS; n++) {
            double x = delay_draw(&d, &rng);
            assert_true(x >= 0);
            sum += x;
            squares += (x - d.mean_s) * (x - d.mean_s);
        }
        double deviation = d.cv * d.mean_s;
        assert_true(fabs(sum / DRAWS - d.mean_s) <= 5 * deviation / sqrt(DRAWS) + 1e-9);
        assert_true(fabs(squares / DRAWS - deviation * deviation) <=
                    5 * deviation * deviation * sqrt(60.0 / DRAWS) + 1e-9);
    }
}

static void a_bare_duration_is_constant(void **state) {
    (void)state;
    struct delay d = delay_of("1h30m");
    struct rng rng = rng_stream(1, RNG_TEST, "");
    assert_int_equal(d.law, DELAY_CONSTANT);
    assert_true(delay_draw(&d, &rng) == 5400.0);
    assert_true(d.cv == 0);
}

static void closed_forms_hold(void **state) {
    (void)state;
    struct delay d = delay_of("{law: lognormal, median: 2s, sigma: 0.5}");
    assert_true(fabs(d.mean_s - 2 * exp(0.125)) < 1e-12); /* median exp(sigma^2 / 2) */
    assert_true(fabs(d.cv - sqrt(exp(0.25) - 1)) < 1e-12);
    d = delay_of("{law: lognormal, mean: 3s, cv: 1}");
    assert_true(fabs(d.sigma - sqrt(log(2))) < 1e-12);
    assert_true(fabs(d.median_s - 3 / sqrt(2)) < 1e-12);
    d = delay_of("{law: uniform, low: 1s, high: 4s}");
    assert_true(d.mean_s == 2.5);
    assert_true(fabs(d.cv - 3 / sqrt(12) / 2.5) < 1e-12);
    d = delay_of("{law: weibull, mean: 5s, shape: 1}"); /* an exponential */
    assert_true(fabs(d.cv - 1) < 1e-9);
}

static void uniform_draws_stay_within_their_bounds(void **state) {
    (void)state;
    struct delay d = delay_of("{law: uniform, low: 1s, high: 4s}");
    struct rng rng = rng_stream(3, RNG_TEST, "");
    for (int i = 0; i < 10000; i++) {
        double x = delay_draw(&d, &rng);
        assert_true(x >= 1 && x <= 4);
    }
}

static void zero_is_a_delay_under_every_law(void **state) {
    (void)state;
    static const char *const zero[] = {"0", "{law: exponential, mean: 0s}",
                                       "{law: lognormal, median: 0s, sigma: 1}",
                                       "{law: uniform, low: 0s, high: 0s}"};
    struct rng rng = rng_stream(3, RNG_TEST, "");
    for (size_t i = 0; i < sizeof zero / sizeof zero[0]; i++) {
        struct delay d = delay_of(zero[i]);
        assert_true(delay_draw(&d, &rng) == 0);
    }
}

static void what_is_printed_reads_back_to_the_same_delay(void **state) {
    (void)state;
    for (size_t i = 0; i < LAWS; i++) {
        struct delay d = delay_of(laws[i]);
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        delay_print(out, &d);
        fclose(out);
        struct delay back = delay_of(text);
        struct rng a = rng_stream(5, RNG_TEST, ""), b = a;
        for (int n = 0; n < 10; n++) {
            assert_true(delay_draw(&d, &a) == delay_draw(&back, &b));
        }
        free(text);
    }
}

static void each_law_takes_its_own_keys_only(void **state) {
    (void)state;
    static const char *const bad[] = {
        "{law: exponential}",
        "{law: exponential, median: 1s}",
        "{law: constant, mean: 1s, cv: 1}",
        "{law: lognormal, median: 1s, mean: 1s, sigma: 1}",
        "{law: lognormal, sigma: 1}",
        "{law: gamma, mean: 1s}",
        "{law: gamma, mean: 1s, cv: 0}",
        "{law: uniform, low: 1s}",
        "{law: uniform, low: 2s, high: 1s}",
        "{law: weibull, mean: 1s}",
        "{law: weibull, mean: 1s, shape: 0}",
        "{law: normal, mean: 1s}",
        "{law: exponential, mean: -1s}",
        "{law: exponential, mean: nan}",
        "{law: exponential, mean: 400d}",
        "{mean: [1s]}",
        "[1s]",
        "soon",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct delay d;
        assert_false(read_delay(bad[i], &d));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_int_equal(strncmp(err.field, "server", 6), 0);
        assert_int_equal(err.line, 1);
    }
}

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_duration_is_constant),
        cmocka_unit_test(closed_forms_hold),
        cmocka_unit_test(draws_have_the_mean_and_deviation_that_the_delay_states),
        cmocka_unit_test(uniform_draws_stay_within_their_bounds),
        cmocka_unit_test(zero_is_a_delay_under_every_law),
        cmocka_unit_test(what_is_printed_reads_back_to_the_same_delay),
        cmocka_unit_test(each_law_takes_its_own_keys_only),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
