/* Online linear predictions: what they learn, how sure they are, what they forget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "gateway/latency_model.h"

static void assert_near(double got, double wanted, double tolerance) {
    if (!(fabs(got - wanted) <= tolerance)) {
        fail_msg("%.9g, not %.9g within %g", got, wanted, tolerance);
    }
}

static void a_line_is_found_again(void **state) {
    (void)state;
    struct latency_model m;
    latency_model_init(&m, 3);
    struct rng rng = rng_stream_id(1, RNG_TEST, 0);
    for (int i = 0; i < 500; i++) {
        double x[] = {1, rng_uniform(&rng), rng_uniform(&rng)};
        latency_model_learn(&m, x, 0.25 + 2 * x[1] - 0.5 * x[2]);
    }
    static const double at[] = {1, 0.5, 0.25};
    assert_near(latency_model_predict(&m, at, 0), 0.25 + 1 - 0.125, 1e-3);
    assert_true(m.variance < 1e-2);
}

/* Uniform noise of width 1 has the variance 1/12; the mean of n weights below has a standard error of about
 * sqrt(1/2000) of it, and 5 of those are allowed. */
static void a_prediction_has_deviations_on_top(void **state) {
    (void)state;
    struct latency_model m;
    latency_model_init(&m, 1);
    struct rng rng = rng_stream_id(2, RNG_TEST, 0);
    static const double one[] = {1};
    for (int i = 0; i < 20000; i++) {
        latency_model_learn(&m, one, 3 + rng_uniform(&rng));
    }
    double mean = latency_model_predict(&m, one, 0);
    assert_near(mean, 3.5, 5 * sqrt(1.0 / 12 / 2000));
    assert_near(latency_model_predict(&m, one, 2) - mean, 2 * sqrt(1.0 / 12), 0.05);
}

static void no_latency_is_negative(void **state) {
    (void)state;
    struct latency_model m;
    latency_model_init(&m, 2);
    static const double low[] = {1, 0}, high[] = {1, 1}, below[] = {1, -5};
    for (int i = 0; i < 200; i++) {
        latency_model_learn(&m, low, 1);
        latency_model_learn(&m, high, 2);
    }
    assert_near(latency_model_predict(&m, high, 0), 2, 1e-2);
    assert_near(latency_model_predict(&m, below, 0), 0, 0);
}

static void what_was_long_ago_is_forgotten(void **state) {
    (void)state;
    struct latency_model m;
    latency_model_init(&m, 2);
    struct rng rng = rng_stream_id(3, RNG_TEST, 0);
    for (int i = 0; i < 16000; i++) {
        double x[] = {1, rng_uniform(&rng)};
        latency_model_learn(&m, x, i < 8000 ? 5 : 1 + x[1]);
    }
    static const double at[] = {1, 1};
    assert_near(latency_model_predict(&m, at, 0), 2, 0.02);
}

/* With nothing new to see the gain would grow by 1/f each time: e^100 after this, and one surprise would
 * throw the model out. */
static void always_the_same_does_not_blow_up(void **state) {
    (void)state;
    struct latency_model m;
    latency_model_init(&m, 3);
    static const double x[] = {1, 0.5, 0}, other[] = {1, 0.5, 1};
    for (int i = 0; i < 100000; i++) {
        latency_model_learn(&m, x, 1);
    }
    latency_model_learn(&m, other, 1.5);
    assert_near(latency_model_predict(&m, other, 0), 1.5, 0.1);
    assert_near(latency_model_predict(&m, x, 0), 1, 0.1);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(m.p[i][i] >= 0 && m.p[i][i] <= 301);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_found_again),
        cmocka_unit_test(a_prediction_has_deviations_on_top),
        cmocka_unit_test(no_latency_is_negative),
        cmocka_unit_test(what_was_long_ago_is_forgotten),
        cmocka_unit_test(always_the_same_does_not_blow_up),
    };
    return cmocka_run_group_tests_name("gateway/latency_model", tests, NULL, NULL);
}
