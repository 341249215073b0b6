#include "telemetry/window_sketch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/detmath.h"
#include "base/rng.h"

enum { VALUES = 20000, QUANTILES = 5 };
static const double p[QUANTILES] = {0, 0.5, 0.9, 0.99, 1};

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double exact(const double *sorted, size_t n, double share) {
    double at = share * (double)(n - 1);
    size_t rank = (size_t)at;
    double next = sorted[rank + 1 < n ? rank + 1 : rank];
    return sorted[rank] + (at - (double)rank) * (next - sorted[rank]);
}

/* Over eight orders of magnitude. */
static double draw(struct rng *rng) {
    return det_exp(18 * rng_uniform(rng) - 9);
}

static void quantiles_are_within_a_hundredth(void **state) {
    (void)state;
    struct rng rng = rng_stream_id(1, RNG_SERVICE, 0);
    struct windows w;
    windows_begin(&w, 0);
    struct window_sketch *s = window_sketch(&w);
    static double values[VALUES];
    for (size_t n = 1; n <= VALUES; n *= 3) {
        size_t window = windows_at(&w, (simtime)n * SIMTIME_SECOND / 1000);
        double found[QUANTILES];
        for (size_t i = 0; i < n; i++) {
            values[i] = draw(&rng);
            window_sketch_value(s, window, values[i]);
        }
        qsort(values, n, sizeof *values, ascending);
        window_sketch_quantiles(s, window, window, p, QUANTILES, found);
        for (size_t i = 0; i < QUANTILES; i++) {
            double want = exact(values, n, p[i]);
            assert_true(fabs(found[i] - want) <= want / 128);
        }
        window_sketch_quantiles(s, window, window, p, QUANTILES, found); /* looking changes nothing */
        assert_true(fabs(found[1] - exact(values, n, p[1])) <= found[1] / 100);
        windows_end(&w);
        windows_begin(&w, 0);
        s = window_sketch(&w);
    }
    windows_end(&w);
}

static void merging_and_adding_lose_nothing(void **state) {
    (void)state;
    struct rng rng = rng_stream_id(2, RNG_SERVICE, 0);
    const simtime end = 3000 * SIMTIME_SECOND;
    struct windows grown;
    struct windows made;
    windows_begin(&grown, 0);
    windows_begin(&made, 5 * SIMTIME_SECOND);
    struct window_sketch *parts[2] = {window_sketch(&grown), window_sketch(&grown)};
    struct window_sketch *whole = window_sketch(&made);
    for (size_t i = 0; i < VALUES; i++) {
        /* a second to and fro: late values reopen windows */
        simtime at = (simtime)i * (end / VALUES) + (simtime)(rng_uniform(&rng) * 1e12);
        double value = draw(&rng);
        window_sketch_value(parts[i % 2], windows_at(&grown, at), value);
        window_sketch_value(whole, windows_at(&made, at), value);
    }
    assert_int_equal(made.interval_ps, grown.interval_ps);
    window_sketch_add(parts[0], parts[1]);
    for (size_t k = 0; k < windows_count(&made, end); k++) {
        double a[QUANTILES];
        double b[QUANTILES];
        window_sketch_quantiles(parts[0], k, k, p, QUANTILES, a);
        window_sketch_quantiles(whole, k, k, p, QUANTILES, b);
        assert_memory_equal(a, b, sizeof a);
    }
    windows_end(&grown);
    windows_end(&made);
}

static void several_windows_can_be_read_as_one(void **state) {
    (void)state;
    struct windows w;
    windows_begin(&w, SIMTIME_SECOND);
    struct window_sketch *s = window_sketch(&w);
    double found[QUANTILES];
    for (int i = 0; i < 3; i++) {
        window_sketch_value(s, windows_at(&w, i * SIMTIME_SECOND), 1 << (2 * i));
    }
    window_sketch_quantiles(s, 0, 2, p, QUANTILES, found);
    assert_float_equal(1, found[0], 0.01);
    assert_float_equal(4, found[1], 0.04);
    assert_float_equal(16, found[4], 0.16);
    window_sketch_quantiles(s, 1, 1, p, QUANTILES, found);
    assert_float_equal(4, found[0], 0.04);
    windows_end(&w);
}

static void a_window_without_a_value_has_no_quantile(void **state) {
    (void)state;
    struct windows w;
    windows_begin(&w, SIMTIME_SECOND);
    struct window_sketch *s = window_sketch(&w);
    double found[QUANTILES];
    window_sketch_value(s, windows_at(&w, 0), NAN);
    window_sketch_quantiles(s, 0, 0, p, QUANTILES, found);
    for (size_t i = 0; i < QUANTILES; i++) {
        assert_true(isnan(found[i]) && !signbit(found[i]));
    }
    windows_end(&w);
}

static void what_is_too_small_is_nothing_and_what_is_too_large_is_cut(void **state) {
    (void)state;
    struct windows w;
    windows_begin(&w, SIMTIME_SECOND);
    struct window_sketch *s = window_sketch(&w);
    static const double odd[] = {-1, 0, 1e-9, 1e9, INFINITY};
    double found[QUANTILES];
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        window_sketch_value(s, windows_at(&w, 0), odd[i]);
    }
    window_sketch_quantiles(s, 0, 0, p, QUANTILES, found);
    assert_true(found[0] == 0 && found[1] == 0);
    assert_true(found[4] == 0x1p24);
    windows_end(&w);
}

/* Latencies of one service lie within a factor of ten or so: some 200 buckets. */
static void a_packed_window_takes_some_two_bytes_a_bucket(void **state) {
    (void)state;
    struct rng rng = rng_stream_id(3, RNG_SERVICE, 0);
    struct windows w;
    windows_begin(&w, 5 * SIMTIME_SECOND);
    struct window_sketch *s = window_sketch(&w);
    for (size_t k = 0; k < 700; k++) {
        for (size_t i = 0; i < 100; i++) {
            window_sketch_value(s, windows_at(&w, (simtime)k * 5 * SIMTIME_SECOND),
                                1 + 9 * rng_uniform(&rng));
        }
    }
    windows_at(&w, 3600 * SIMTIME_SECOND);
    window_sketch_value(s, windows_at(&w, 3600 * SIMTIME_SECOND), 1);
    assert_in_range(window_sketch_bytes(s), 1, 700 * 2 * 100 + 16);
    windows_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_within_a_hundredth),
        cmocka_unit_test(merging_and_adding_lose_nothing),
        cmocka_unit_test(several_windows_can_be_read_as_one),
        cmocka_unit_test(a_window_without_a_value_has_no_quantile),
        cmocka_unit_test(what_is_too_small_is_nothing_and_what_is_too_large_is_cut),
        cmocka_unit_test(a_packed_window_takes_some_two_bytes_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
