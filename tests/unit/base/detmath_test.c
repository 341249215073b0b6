/* Against long double libm, whose 64-bit significand makes its own error (below 1 ulp of long double) less
 * than a thousandth of an ulp of double. */
#include "base/detmath.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/detmath_tables.h"
#include "base/progress.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static double next_up(double x, int steps) {
    for (; steps > 0; steps--) {
        x = nextafter(x, INFINITY);
    }
    for (; steps < 0; steps++) {
        x = nextafter(x, -INFINITY);
    }
    return x;
}

/* Distance in units of the last place of the true value; subnormals have the spacing 2^-1074. */
static double error_ulp(double got, long double want) {
    double nearest = (double)want;
    if (isnan(nearest) || isinf(nearest) || nearest == 0.0) {
        return memcmp(&got, &nearest, sizeof got) == 0 || (isnan(got) && isnan(nearest)) ? 0.0 : INFINITY;
    }
    int exponent;
    frexpl(want, &exponent);
    int ulp = exponent - 53 < -1074 ? -1074 : exponent - 53;
    return (double)fabsl(ldexpl((long double)got - want, -ulp));
}

struct worst {
    double ulp;
    double x;
    double y;
};

static void note(struct worst *w, double got, long double want, double x, double y) {
    double ulp = error_ulp(got, want);
    if (!(ulp <= w->ulp)) {
        *w = (struct worst){ulp, x, y};
    }
}

static void expect_below(const struct worst *w, double limit_ulp, const char *name) {
    print_message("  %s: worst %.4f ulp at %.17g %.17g\n", name, w->ulp, w->x, w->y);
    assert_true(w->ulp < limit_ulp);
}

/* A plain 64-bit generator for points of grids (splitmix64, Steele et al. 2014). */
static uint64_t next_bits(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double between(uint64_t *state, double low, double high) {
    return low + (high - low) * ((double)(next_bits(state) >> 11) * 0x1p-53);
}

/* Any positive finite double, every exponent alike. */
static double any_positive(uint64_t *state) {
    uint64_t bits = next_bits(state) % UINT64_C(0x7ff0000000000000);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x == 0.0 ? 1.0 : x;
}

enum { POINTS = 400000 };

static void sweep(double (*f)(double), long double (*reference)(long double), double low, double high,
                  struct worst *w) {
    uint64_t state = 1;
    for (int i = 0; i < POINTS; i++) {
        double x = low + (high - low) * i / POINTS;
        note(w, f(x), reference(x), x, 0.0);
        x = between(&state, low, high);
        note(w, f(x), reference(x), x, 0.0);
    }
}

static void sweep_magnitudes(double (*f)(double), long double (*reference)(long double), double sign,
                             double largest, struct worst *w) {
    uint64_t state = 2;
    for (int i = 0; i < POINTS; i++) {
        double x = any_positive(&state);
        if (x <= largest) {
            note(w, f(sign * x), reference(sign * x), sign * x, 0.0);
        }
    }
}

static void around(double (*f)(double), long double (*reference)(long double), double x, struct worst *w) {
    for (int i = -200; i <= 200; i++) {
        double at = next_up(x, i);
        note(w, f(at), reference(at), at, 0.0);
    }
}

static void assert_same(double got, double want) {
    if (isnan(want)) {
        assert_true(isnan(got));
        return;
    }
    assert_memory_equal(&got, &want, sizeof got);
}

static void the_tables_hold_what_their_header_says(void **state) {
    (void)state;
    for (size_t i = 0; i < LOG_TABLE_SIZE; i++) {
        const struct log_entry *t = &log_table[i];
        long double whole = (long double)t->hi + t->lo;
        assert_true(t->inverse == ldexp(round(ldexp(t->inverse, 14)), -14));
        assert_true(t->hi == ldexp(round(ldexp(t->hi, 42)), -42));
        assert_true(fabsl(whole + logl(t->inverse)) <= 0x1p-65L);
    }
    for (size_t i = 0; i < EXP_TABLE_SIZE; i++) {
        const struct exp_entry *t = &exp_table[i];
        assert_true(t->hi == (double)(t->hi + t->lo));
        assert_true(fabsl((long double)t->hi + t->lo - exp2l((long double)i / EXP_TABLE_SIZE)) <= 0x1p-62L);
    }
}

static void log_is_within_an_ulp(void **state) {
    (void)state;
    struct worst w = {0};
    sweep(det_log, logl, 0.5, 2.0, &w);
    sweep(det_log, logl, 0.99, 1.01, &w);
    sweep(det_log, logl, 1e-3, 1e3, &w);
    sweep_magnitudes(det_log, logl, 1.0, DBL_MAX, &w);
    around(det_log, logl, 1.0, &w);
    around(det_log, logl, DBL_MIN, &w);
    around(det_log, logl, 1.0 + 0x1p-7, &w);
    around(det_log, logl, 1.0 - 0x1p-8, &w);
    around(det_log, logl, next_up(DBL_MAX, -200), &w);
    around(det_log, logl, next_up(0.0, 201), &w);
    expect_below(&w, 0.6, "log");
}

static void log_has_the_ends_of_ieee(void **state) {
    (void)state;
    assert_same(det_log(1.0), 0.0);
    assert_same(det_log(0.0), -INFINITY);
    assert_same(det_log(-0.0), -INFINITY);
    assert_same(det_log(INFINITY), INFINITY);
    assert_same(det_log(-1.0), NAN);
    assert_same(det_log(-INFINITY), NAN);
    assert_same(det_log(NAN), NAN);
}

static void log2_is_within_an_ulp_and_exact_at_powers_of_two(void **state) {
    (void)state;
    struct worst w = {0};
    sweep(det_log2, log2l, 0.5, 2.0, &w);
    sweep(det_log2, log2l, 0.99, 1.01, &w);
    sweep_magnitudes(det_log2, log2l, 1.0, DBL_MAX, &w);
    around(det_log2, log2l, 1.0, &w);
    expect_below(&w, 0.6, "log2");
    for (int k = -1074; k <= 1023; k++) {
        assert_same(det_log2(ldexp(1.0, k)), k);
    }
    assert_same(det_log2(0.0), -INFINITY);
    assert_same(det_log2(INFINITY), INFINITY);
    assert_same(det_log2(-2.0), NAN);
    assert_same(det_log2(NAN), NAN);
}

static void log1p_is_within_an_ulp(void **state) {
    (void)state;
    struct worst w = {0};
    sweep(det_log1p, log1pl, -1.0, 1.0, &w);
    sweep(det_log1p, log1pl, -0.01, 0.01, &w);
    sweep(det_log1p, log1pl, 0.0, 1e20, &w);
    sweep_magnitudes(det_log1p, log1pl, 1.0, DBL_MAX, &w);
    sweep_magnitudes(det_log1p, log1pl, -1.0, 0.999999, &w);
    around(det_log1p, log1pl, 0x1p-54, &w);
    around(det_log1p, log1pl, 0x1p+60, &w);
    around(det_log1p, log1pl, next_up(-1.0, 200), &w);
    expect_below(&w, 0.7, "log1p");
    assert_same(det_log1p(0.0), 0.0);
    assert_same(det_log1p(-0.0), -0.0);
    assert_same(det_log1p(-1.0), -INFINITY);
    assert_same(det_log1p(-1.5), NAN);
    assert_same(det_log1p(INFINITY), INFINITY);
    assert_same(det_log1p(NAN), NAN);
}

static void exp_is_within_an_ulp_down_to_the_subnormals(void **state) {
    (void)state;
    struct worst w = {0};
    sweep(det_exp, expl, -1.0, 1.0, &w);
    sweep(det_exp, expl, -745.0, 710.0, &w);
    sweep(det_exp, expl, -746.0, -707.0, &w);
    sweep(det_exp, expl, 709.0, 709.8, &w);
    sweep_magnitudes(det_exp, expl, 1.0, 800.0, &w);
    sweep_magnitudes(det_exp, expl, -1.0, 800.0, &w);
    around(det_exp, expl, 709.782712893384, &w);
    around(det_exp, expl, -745.1332191019412, &w);
    around(det_exp, expl, -744.4400719213812, &w);
    around(det_exp, expl, -708.3964185322641, &w);
    expect_below(&w, 0.6, "exp");
}

static void exp_has_the_ends_of_ieee(void **state) {
    (void)state;
    assert_same(det_exp(0.0), 1.0);
    assert_same(det_exp(-0.0), 1.0);
    assert_same(det_exp(INFINITY), INFINITY);
    assert_same(det_exp(-INFINITY), 0.0);
    assert_same(det_exp(NAN), NAN);
    assert_same(det_exp(709.79), INFINITY);
    assert_same(det_exp(1e300), INFINITY);
    assert_same(det_exp(-746.0), 0.0);
    assert_same(det_exp(-1e300), 0.0);
    assert_same(det_exp(5e-324), 1.0);
    assert_true(isfinite(det_exp(0x1.62e42fefa39efp+9)));
}

static void expm1_is_within_an_ulp(void **state) {
    (void)state;
    struct worst w = {0};
    sweep(det_expm1, expm1l, -1.0, 1.0, &w);
    sweep(det_expm1, expm1l, -60.0, 80.0, &w);
    sweep(det_expm1, expm1l, 700.0, 710.0, &w);
    sweep_magnitudes(det_expm1, expm1l, 1.0, 800.0, &w);
    sweep_magnitudes(det_expm1, expm1l, -1.0, 800.0, &w);
    around(det_expm1, expm1l, 0.25, &w);
    around(det_expm1, expm1l, -0.25, &w);
    around(det_expm1, expm1l, 0x1p-54, &w);
    around(det_expm1, expm1l, 60.0, &w);
    around(det_expm1, expm1l, -50.0, &w);
    expect_below(&w, 0.7, "expm1");
    assert_same(det_expm1(0.0), 0.0);
    assert_same(det_expm1(-0.0), -0.0);
    assert_same(det_expm1(INFINITY), INFINITY);
    assert_same(det_expm1(-INFINITY), -1.0);
    assert_same(det_expm1(NAN), NAN);
}

static void pow_is_within_an_ulp(void **state) {
    (void)state;
    struct worst w = {0};
    uint64_t bits = 3;
    for (int i = 0; i < POINTS; i++) {
        double x = between(&bits, 0.0, 3.0) + 1e-9;
        double y = between(&bits, -300.0, 300.0);
        note(&w, det_pow(x, y), powl(x, y), x, y);
        x = between(&bits, 0.999, 1.001);
        y = between(&bits, -7e5, 7e5);
        note(&w, det_pow(x, y), powl(x, y), x, y);
        x = any_positive(&bits);
        y = between(&bits, -2.0, 2.0);
        note(&w, det_pow(x, y), powl(x, y), x, y);
        y = any_positive(&bits);
        note(&w, det_pow(x, y), powl(x, y), x, y);
        x = next_up(1.0, (int)(next_bits(&bits) % 64) - 32);
        y = between(&bits, -1e18, 1e18);
        note(&w, det_pow(x, y), powl(x, y), x, y);
    }
    expect_below(&w, 0.7, "pow");
}

static void pow_is_exact_where_the_result_is_a_double(void **state) {
    (void)state;
    for (int k = -1074; k <= 1023; k++) {
        assert_same(det_pow(2.0, k), ldexp(1.0, k));
    }
    double power = 1.0;
    for (int k = 0; k <= 22; k++, power *= 10.0) {
        assert_same(det_pow(10.0, k), power);
    }
    assert_same(det_pow(-3.0, 3.0), -27.0);
    assert_same(det_pow(-3.0, 4.0), 81.0);
    assert_same(det_pow(0.25, 0.5), 0.5);
    assert_same(det_pow(7.0, 1.0), 7.0);
    assert_same(det_pow(1e-310, 1.0), 1e-310);
}

static void pow_has_the_ends_of_ieee(void **state) {
    (void)state;
    static const double ends[] = {0.0,
                                  -0.0,
                                  1.0,
                                  -1.0,
                                  0.5,
                                  -0.5,
                                  2.0,
                                  -2.0,
                                  3.0,
                                  -3.0,
                                  2.5,
                                  -2.5,
                                  1e300,
                                  -1e300,
                                  5e-324,
                                  -5e-324,
                                  INFINITY,
                                  -INFINITY,
                                  NAN,
                                  9007199254740993.0,
                                  -0x1p-1030,
                                  0x1.fffffffffffffp+52,
                                  1.0000000000000002,
                                  -1e15};
    for (size_t i = 0; i < COUNT(ends); i++) {
        for (size_t j = 0; j < COUNT(ends); j++) {
            struct worst w = {0};
            note(&w, det_pow(ends[i], ends[j]), powl(ends[i], ends[j]), ends[i], ends[j]);
            if (!(w.ulp < 0.7)) {
                fail_msg("pow(%g, %g) = %g, want %Lg", ends[i], ends[j], det_pow(ends[i], ends[j]),
                         powl(ends[i], ends[j]));
            }
        }
    }
}

static void sine_and_cosine_are_within_an_ulp(void **state) {
    (void)state;
    struct worst sine = {0};
    struct worst cosine = {0};
    sweep(det_sin, sinl, -4.0, 4.0, &sine);
    sweep(det_cos, cosl, -4.0, 4.0, &cosine);
    sweep(det_sin, sinl, -1e6, 1e6, &sine);
    sweep(det_cos, cosl, -1e6, 1e6, &cosine);
    sweep_magnitudes(det_sin, sinl, -1.0, 1e6, &sine);
    sweep_magnitudes(det_cos, cosl, -1.0, 1e6, &cosine);
    for (int n = 1; n < 636000; n += 7) {
        double multiple = (double)(n * 1.570796326794896619231321691639751442L);
        note(&sine, det_sin(multiple), sinl(multiple), multiple, 0.0);
        note(&cosine, det_cos(multiple), cosl(multiple), multiple, 0.0);
    }
    expect_below(&sine, 0.9, "sin");
    expect_below(&cosine, 0.9, "cos");
}

static void sine_and_cosine_refuse_what_they_cannot_reduce(void **state) {
    (void)state;
    assert_same(det_sin(-0.0), -0.0);
    assert_same(det_cos(0.0), 1.0);
    assert_same(det_sin(5e-324), 5e-324);
    assert_true(isfinite(det_sin(1e6)));
    assert_same(det_sin(1000001.0), NAN);
    assert_same(det_cos(INFINITY), NAN);
    assert_same(det_cos(NAN), NAN);
}

static void lgamma_is_right_to_thirteen_digits_also_near_its_zeros(void **state) {
    (void)state;
    uint64_t bits = 4;
    double worst = 0.0;
    for (int i = 0; i < POINTS; i++) {
        double points[] = {between(&bits, 0.0, 12.0) + 1e-12, any_positive(&bits), between(&bits, 1e3, 1e6),
                           1.0 + between(&bits, -1e-6, 1e-6), 2.0 + between(&bits, -1e-6, 1e-6)};
        for (size_t j = 0; j < COUNT(points); j++) {
            long double want = lgammal(points[j]);
            if (want != 0.0L && fabsl(want) < DBL_MAX) {
                double relative = (double)(fabsl(det_lgamma(points[j]) - want) / fabsl(want));
                worst = relative > worst ? relative : worst;
            }
        }
    }
    print_message("  lgamma: worst relative error %.2e\n", worst);
    assert_true(worst < 1e-13);
}

static void lgamma_has_its_ends(void **state) {
    (void)state;
    assert_same(det_lgamma(1.0), 0.0);
    assert_same(det_lgamma(2.0), 0.0);
    assert_same(det_lgamma(0.0), INFINITY);
    assert_same(det_lgamma(INFINITY), INFINITY);
    assert_same(det_lgamma(1e308), INFINITY);
    assert_true(isfinite(det_lgamma(2.55e305)));
    assert_same(det_lgamma(-1.0), NAN);
    assert_same(det_lgamma(NAN), NAN);
}

/* P(Z <= x) at the answer, against the probability asked for: the relative error in x is the one in p over
 * x phi(x) / p. Below, x = -sqrt(2) erfc^-1(2 p) and phi is the density. */
static double quantile_error(double p) {
    long double x = det_norm_inv(p);
    long double reached = 0.5L * erfcl(-x * 0.70710678118654752440084436210484903928L);
    long double density = expl(-0.5L * x * x) * 0.39894228040143267793994605993438186848L;
    if (p == 0.5) {
        return x == 0.0L ? 0.0 : INFINITY;
    }
    return (double)(fabsl(reached - p) / density / fabsl(x));
}

static void the_normal_quantile_inverts_the_distribution_to_thirteen_digits(void **state) {
    (void)state;
    uint64_t bits = 5;
    double worst = 0.0;
    for (int i = 0; i < POINTS / 4; i++) {
        double tail = any_positive(&bits);
        double points[] = {between(&bits, 1e-9, 0.49), between(&bits, 0.02, 0.12),
                           between(&bits, 0.51, 0.999), tail < 0.5 ? tail : 0.25};
        for (size_t j = 0; j < COUNT(points); j++) {
            double relative = quantile_error(points[j]);
            worst = !(relative <= worst) ? relative : worst;
        }
    }
    print_message("  normal quantile: worst relative error %.2e\n", worst);
    assert_true(worst < 1e-13);
    assert_same(det_norm_inv(0.5), 0.0);
    assert_same(det_norm_inv(1.5), NAN);
    assert_same(det_norm_inv(NAN), NAN);
}

static void the_normal_quantile_is_odd_about_the_median(void **state) {
    (void)state;
    for (int i = 1; i < 4096; i++) {
        double p = i / 8192.0;
        assert_same(det_norm_inv(1.0 - p), -det_norm_inv(p));
    }
}

/* The bits of published answers, so that another compiler or CPU cannot change them unseen. */
static void the_bits_never_change(void **state) {
    (void)state;
    uint64_t bits = 6;
    uint64_t sum = 0;
    for (int i = 0; i < 20000; i++) {
        double x = between(&bits, 0.001, 20.0);
        double results[] = {
            det_log(x),   det_exp(x),  det_pow(x, 1.7), det_sin(x),    det_cos(x),
            det_log1p(x), det_log2(x), det_expm1(x),    det_lgamma(x), det_norm_inv(x / 21.0)};
        for (size_t j = 0; j < COUNT(results); j++) {
            uint64_t result;
            memcpy(&result, &results[j], sizeof result);
            sum = (sum ^ result) * UINT64_C(0x100000001b3);
        }
    }
    assert_int_equal(sum, UINT64_C(0x1b1c066a5da1973d));
}

static double time_per_call_ns(double (*f)(double), double low, double high) {
    enum { CALLS = 2000000 };
    volatile double sink = 0.0;
    double started = wall_clock_s();
    for (int i = 0; i < CALLS; i++) {
        sink = f(low + (high - low) / CALLS * i);
    }
    (void)sink;
    return (wall_clock_s() - started) / CALLS * 1e9;
}

/* A model that draws a variate an event cannot afford more. The bound is loose: the machine may be busy. */
static void log_and_exp_are_quick(void **state) {
    (void)state;
    double log_ns = time_per_call_ns(det_log, 1e-3, 1e3);
    double exp_ns = time_per_call_ns(det_exp, -50.0, 50.0);
    double lgamma_ns = time_per_call_ns(det_lgamma, 0.1, 50.0);
    print_message("  log %.1f ns, exp %.1f ns, lgamma %.1f ns\n", log_ns, exp_ns, lgamma_ns);
    assert_true(log_ns < 600.0 && exp_ns < 600.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_hold_what_their_header_says),
        cmocka_unit_test(log_is_within_an_ulp),
        cmocka_unit_test(log_has_the_ends_of_ieee),
        cmocka_unit_test(log2_is_within_an_ulp_and_exact_at_powers_of_two),
        cmocka_unit_test(log1p_is_within_an_ulp),
        cmocka_unit_test(exp_is_within_an_ulp_down_to_the_subnormals),
        cmocka_unit_test(exp_has_the_ends_of_ieee),
        cmocka_unit_test(expm1_is_within_an_ulp),
        cmocka_unit_test(pow_is_within_an_ulp),
        cmocka_unit_test(pow_is_exact_where_the_result_is_a_double),
        cmocka_unit_test(pow_has_the_ends_of_ieee),
        cmocka_unit_test(sine_and_cosine_are_within_an_ulp),
        cmocka_unit_test(sine_and_cosine_refuse_what_they_cannot_reduce),
        cmocka_unit_test(lgamma_is_right_to_thirteen_digits_also_near_its_zeros),
        cmocka_unit_test(lgamma_has_its_ends),
        cmocka_unit_test(the_normal_quantile_inverts_the_distribution_to_thirteen_digits),
        cmocka_unit_test(the_normal_quantile_is_odd_about_the_median),
        cmocka_unit_test(the_bits_never_change),
        cmocka_unit_test(log_and_exp_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
