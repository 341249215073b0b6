/* Against numbers of others: Student's own data as R's t.test prints it, scipy 1.x (scipy.stats.t,
 * ttest_rel), tables of t, and what can be worked out by hand. */
#include "study/interval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void assert_near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("%.15g, expected %.15g +- %g", got, want, tolerance);
    }
}

static void assert_interval(struct interval i, uint64_t n, double mean, double low, double high) {
    assert_int_equal(i.n, n);
    assert_near(i.mean, mean, 1e-9 * fabs(mean));
    assert_near(i.low, low, 1e-8 * (high - low));
    assert_near(i.high, high, 1e-8 * (high - low));
}

/* Hours of sleep gained by ten patients with two drugs (Student 1908; R's data set `sleep`). */
static const double drug_1[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
static const double drug_2[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

static const double base[] = {12.1, 11.4, 13.0, 12.7, 11.9};
static const double other[] = {13.0, 12.1, 14.1, 13.2, 12.9};

static void students_own_data_gives_what_r_prints(void **state) {
    (void)state;
    struct interval i = interval_of_difference(drug_1, drug_2, COUNT(drug_1));
    assert_int_equal(i.n, 10);
    assert_near(i.mean, 1.58, 1e-12);
    assert_near(i.low, 0.7001142, 5e-8);
    assert_near(i.high, 2.4598858, 5e-8);
}

static void means_have_the_interval_that_scipy_gives(void **state) {
    (void)state;
    assert_interval(interval_of(base, 5), 5, 12.22, 11.427861186303064, 13.012138813696938);
    assert_interval(interval_of(other, 5), 5, 13.06, 12.170670350480018, 13.949329649519987);
    assert_near(interval_of(base, 5).standard_error, 0.285306852353742, 1e-14);
}

static void pairs_are_closer_than_their_means_tell(void **state) {
    (void)state;
    assert_interval(interval_of_difference(base, other, 5), 5, 0.84, 0.5409677106109596, 1.13903228938904);
    assert_interval(interval_of_change(base, other, 5), 5, 0.0686252805227106, 0.045233932502998946,
                    0.09254010481425454);
}

/* Two values a and b: m = (a + b) / 2, se = |a - b| / 2, t = tan(0.475 pi) = 12.706204736. */
static void two_values_by_hand(void **state) {
    (void)state;
    static const double values[] = {1, 3};
    struct interval i = interval_of(values, 2);
    assert_true(i.mean == 2 && i.standard_error == 1);
    assert_near(i.low, 2 - 12.706204736, 1e-12);
    assert_near(i.high, 2 + 12.706204736, 1e-12);
    assert_near(interval_half(&i), 12.706204736, 1e-12);
}

/* With values k and -k, repeated, the half width is t times a standard error that is known. */
static void the_quantile_is_students(void **state) {
    (void)state;
    static const struct {
        size_t n;
        double t;
    } table[] = {{2, 12.706204736174694},   {3, 4.302652729749462},    {4, 3.1824463052837078},
                 {5, 2.7764451051977934},   {10, 2.262157162798205},   {20, 2.0930240544083087},
                 {100, 1.9842169515864174}, {1000, 1.9623414611334493}};
    static double values[1000];
    for (size_t i = 0; i < COUNT(table); i++) {
        for (size_t k = 0; k < table[i].n; k++) {
            values[k] = k == 0; /* one 1, the others 0: se = 1 / n */
        }
        struct interval r = interval_of(values, table[i].n);
        assert_near(r.standard_error, 1.0 / (double)table[i].n, 1e-15);
        assert_near(interval_half(&r) / r.standard_error, table[i].t, 1e-8);
    }
}

static void one_value_has_no_interval_and_none_has_no_mean(void **state) {
    (void)state;
    static const double values[] = {7.5, NAN, NAN};
    struct interval one = interval_of(values, 3);
    assert_true(one.n == 1 && one.mean == 7.5);
    assert_true(isnan(one.standard_error) && isnan(one.low) && isnan(one.high) && isnan(interval_half(&one)));
    struct interval none = interval_of(values + 1, 2);
    assert_true(none.n == 0 && isnan(none.mean) && isnan(none.low) && isnan(none.high));
    assert_true(interval_of(NULL, 0).n == 0);
}

static void equal_values_have_an_interval_of_no_width(void **state) {
    (void)state;
    double values[7];
    for (size_t i = 0; i < COUNT(values); i++) {
        values[i] = 0.1; /* seven times 0.1, divided by 7, is not 0.1 */
    }
    struct interval i = interval_of(values, COUNT(values));
    assert_true(i.mean == 0.1 && i.low == 0.1 && i.high == 0.1 && i.standard_error == 0);
    struct interval change = interval_of_change(values, values, COUNT(values));
    assert_true(change.mean == 0 && change.low == 0 && change.high == 0);
}

static void large_values_keep_their_spread(void **state) {
    (void)state;
    static const double values[] = {1e9 + 1, 1e9 + 2, 1e9 + 4};
    assert_interval(interval_of(values, 3), 3, 1000000002.3333334, 999999998.5387503, 1000000006.1279165);
}

static void what_does_not_exist_is_left_out_with_its_pair(void **state) {
    (void)state;
    static const double x[] = {1, NAN, 3, 5, 9};
    static const double y[] = {2, 7, 5, NAN, 10};
    assert_int_equal(interval_of(x, 5).n, 4);
    struct interval i = interval_of_difference(x, y, 5); /* of 1, 2 and 1 */
    assert_int_equal(i.n, 3);
    assert_near(i.mean, 4.0 / 3, 1e-15);
    assert_near(i.standard_error, 1.0 / 3, 1e-15);
}

static void never_is_a_mean_without_an_interval(void **state) {
    (void)state;
    static const double x[] = {1, INFINITY, 3};
    struct interval i = interval_of(x, 3);
    assert_true(i.n == 3 && isinf(i.mean) && isnan(i.low) && isnan(i.standard_error));
    struct interval d = interval_of_difference(base, x, 3);
    assert_true(d.n == 3 && isnan(d.mean) && isnan(d.low));
    struct interval c = interval_of_change(x, base, 3);
    assert_true(c.n == 3 && isnan(c.mean) && isnan(c.high));
}

static void a_change_is_relative_and_never_below_minus_one(void **state) {
    (void)state;
    static const double four[] = {4, 4};
    static const double one[] = {1, 2};
    struct interval single = interval_of_change(four, one, 1);
    assert_true(single.n == 1 && single.mean == -0.75 && isnan(single.low));
    struct interval two = interval_of_change(four, one, 2); /* the geometric mean of 1/4 and 1/2 */
    assert_near(two.mean, sqrt(1.0 / 8) - 1, 1e-15);
    assert_true(two.low >= -1 && two.low < two.mean && two.mean < two.high);
    struct interval back = interval_of_change(one, four, 2);
    assert_near((1 + two.mean) * (1 + back.mean), 1, 1e-14);
}

static void zero_and_less_have_no_ratio(void **state) {
    (void)state;
    static const double x[] = {1, 0, 2};
    static const double y[] = {1, 1, -2};
    assert_true(isnan(interval_of_change(x, y, 2).mean));
    assert_true(isnan(interval_of_change(y, x, 2).mean));
    assert_true(isnan(interval_of_change(x + 2, y + 2, 1).mean));
    assert_int_equal(interval_of_change(x, y, 3).n, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(students_own_data_gives_what_r_prints),
        cmocka_unit_test(means_have_the_interval_that_scipy_gives),
        cmocka_unit_test(pairs_are_closer_than_their_means_tell),
        cmocka_unit_test(two_values_by_hand),
        cmocka_unit_test(the_quantile_is_students),
        cmocka_unit_test(one_value_has_no_interval_and_none_has_no_mean),
        cmocka_unit_test(equal_values_have_an_interval_of_no_width),
        cmocka_unit_test(large_values_keep_their_spread),
        cmocka_unit_test(what_does_not_exist_is_left_out_with_its_pair),
        cmocka_unit_test(never_is_a_mean_without_an_interval),
        cmocka_unit_test(a_change_is_relative_and_never_below_minus_one),
        cmocka_unit_test(zero_and_less_have_no_ratio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
