#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/report/distribution.h"

enum { POINTS = 160 };

static struct distribution_point points[POINTS];

static void a_curve_rises_from_the_least_to_the_largest_value(void **state) {
    (void)state;
    struct histogram h = {0};
    for (int i = 1; i <= 1000; i++) {
        histogram_add(&h, i * 1e-3, 1);
    }
    size_t n = distribution_curve(&h, 0, points, POINTS);
    assert_int_equal(n, POINTS);
    assert_true(points[0].value == 1e-3 && points[0].share == 0);
    assert_true(points[n - 1].value == 1 && fabs(points[n - 1].share - 1) < 1e-12);
    for (size_t i = 1; i < n; i++) {
        assert_true(points[i].share > points[i - 1].share);
        assert_true(points[i].value >= points[i - 1].value);
        assert_true(fabs(points[i].value - points[i].share) < 2e-3); /* uniform: the value is its share */
    }
    histogram_free(&h);
}

static void the_last_hundredth_has_a_tenth_of_the_points(void **state) {
    (void)state;
    struct histogram h = {0};
    histogram_add(&h, 1, 1);
    histogram_add(&h, 2, 1);
    size_t n = distribution_curve(&h, 0, points, POINTS);
    size_t late = 0;
    for (size_t i = 0; i < n; i++) {
        late += points[i].share > 0.99 ? 1 : 0;
    }
    assert_int_equal(late, POINTS / 10);
    histogram_free(&h);
}

/* 300 of 400 got there: a curve that reached 100 % would hide a quarter of the users. */
static void who_never_got_there_keeps_the_curve_below_one(void **state) {
    (void)state;
    struct histogram h = {0};
    for (int i = 1; i <= 300; i++) {
        histogram_add(&h, i, 1);
    }
    size_t n = distribution_curve(&h, 100, points, POINTS);
    assert_true(n > POINTS / 2 && n < POINTS);
    assert_true(fabs(points[n - 1].share - 0.75) < 1e-12);
    assert_true(points[n - 1].value == 300);
    histogram_free(&h);
}

static void nothing_has_no_curve(void **state) {
    (void)state;
    struct histogram h = {0};
    assert_int_equal(distribution_curve(&h, 0, points, POINTS), 0);
    assert_int_equal(distribution_curve(&h, 7, points, POINTS), 0);
}

static void a_single_value_is_a_step(void **state) {
    (void)state;
    struct histogram h = {0};
    histogram_add(&h, 0.25, 1);
    size_t n = distribution_curve(&h, 0, points, POINTS);
    for (size_t i = 0; i < n; i++) {
        assert_true(points[i].value == 0.25);
    }
    assert_true(points[0].share == 0 && fabs(points[n - 1].share - 1) < 1e-12);
    histogram_free(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_rises_from_the_least_to_the_largest_value),
        cmocka_unit_test(the_last_hundredth_has_a_tenth_of_the_points),
        cmocka_unit_test(who_never_got_there_keeps_the_curve_below_one),
        cmocka_unit_test(nothing_has_no_curve),
        cmocka_unit_test(a_single_value_is_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
