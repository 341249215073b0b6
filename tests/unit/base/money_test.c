#include "base/money.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

#define HOUR_PS ((money_amount)3600 * 1000000000000)

static void an_amount_prints_with_nine_decimals(void **state) {
    (void)state;
    static const struct {
        nanousd amount;
        const char *text;
    } cases[] = {{0, "0.000000000"},
                 {1, "0.000000001"},
                 {-1, "-0.000000001"},
                 {12345678901, "12.345678901"},
                 {-2500000000, "-2.500000000"},
                 {INT64_MAX, "9223372036.854775807"},
                 {INT64_MIN + 1, "-9223372036.854775807"},
                 {NANOUSD_NONE, "null"}};
    char text[MONEY_TEXT_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(money_text(cases[i].amount, text), cases[i].text);
    }
}

static void dollars_become_the_nearest_nano_dollar(void **state) {
    (void)state;
    nanousd amount = 7;
    assert_true(money_from_usd(98.32, &amount) && amount == 98320000000);
    assert_true(money_from_usd(0.0000548, &amount) && amount == 54800);
    assert_true(money_from_usd(4e-10, &amount) && amount == 0);
    assert_true(money_from_usd(6e-10, &amount) && amount == 1);
    assert_true(isnan(money_to_usd(NANOUSD_NONE)) && money_to_usd(1500000000) == 1.5);
    assert_false(money_from_usd(NAN, &amount));
    assert_false(money_from_usd(INFINITY, &amount));
    assert_false(money_from_usd(1e10, &amount));
    assert_int_equal(amount, 1);
}

static void a_product_is_rounded_half_up(void **state) {
    (void)state;
    struct error err = {0};
    nanousd cost;
    assert_true(money_times(2500000000, 90, 3600, &cost, &err) && cost == 62500000);
    assert_true(money_times(1, 1, 2, &cost, &err) && cost == 1);
    assert_true(money_times(1, 1, 3, &cost, &err) && cost == 0);
    assert_true(money_times(1, 2, 3, &cost, &err) && cost == 1);
    assert_true(money_times(0, MONEY_AMOUNT_MAX, 1, &cost, &err) && cost == 0);
}

/* 100 days of the dearest node that a price book may hold: $1e6 an hour. */
static void a_long_product_is_exact(void **state) {
    (void)state;
    struct error err = {0};
    nanousd cost;
    assert_true(money_times(1000000 * NANOUSD_PER_USD, 2400 * HOUR_PS, HOUR_PS, &cost, &err));
    assert_int_equal(cost, (nanousd)2400 * 1000000 * NANOUSD_PER_USD);
    assert_true(money_times(INT64_MAX, MONEY_AMOUNT_MAX, MONEY_AMOUNT_MAX, &cost, &err));
    assert_int_equal(cost, INT64_MAX);
    assert_true(money_times(INT64_MAX, MONEY_AMOUNT_MAX - 1, MONEY_AMOUNT_MAX, &cost, &err));
    assert_int_equal(cost, INT64_MAX); /* 4.7e-10 below, rounded */
}

static void beyond_the_range_is_an_error(void **state) {
    (void)state;
    struct error err = {0};
    nanousd cost, sum = INT64_MAX - 1;
    assert_false(money_times(INT64_MAX, 2, 1, &cost, &err));
    assert_string_equal(err.expected, "an amount of money is beyond 9.2e9 dollars");
    assert_false(money_times(1, MONEY_AMOUNT_MAX + 1, 1, &cost, &err));
    assert_false(money_times(INT64_MAX, MONEY_AMOUNT_MAX, 1, &cost, &err));
    assert_true(money_add(&sum, 1, &err));
    assert_false(money_add(&sum, 1, &err));
    assert_int_equal(sum, INT64_MAX);
    sum = INT64_MIN + 2;
    assert_false(money_add(&sum, -2, &err)); /* INT64_MIN says that there is no figure */
}

static void products_agree_with_long_double(void **state) {
    (void)state;
    struct rng rng = rng_stream(1, RNG_TEST, "money");
    for (int i = 0; i < 20000; i++) {
        nanousd rate = (nanousd)(rng_uniform(&rng) * 4e9), cost;
        money_amount amount = (money_amount)(rng_uniform(&rng) * 1e16);
        struct error err = {0};
        assert_true(money_times(rate, amount, HOUR_PS, &cost, &err));
        long double exact = (long double)rate * (long double)amount / (long double)HOUR_PS;
        assert_true(fabsl((long double)cost - exact) <= 0.5L + 1e-6L);
    }
}

/* ---- splitting ---- */

static void the_largest_remainders_get_what_is_left(void **state) {
    (void)state;
    struct error err = {0};
    nanousd parts[3];
    assert_true(money_split(10, (money_amount[]){1, 1, 1}, 3, parts, &err));
    assert_true(parts[0] == 4 && parts[1] == 3 && parts[2] == 3);            /* equal: the earlier first */
    assert_true(money_split(10, (money_amount[]){5, 2, 4}, 3, parts, &err)); /* 4.54, 1.82, 3.64 */
    assert_true(parts[0] == 4 && parts[1] == 2 && parts[2] == 4);
    assert_true(money_split(7, (money_amount[]){0, 1, 0}, 3, parts, &err));
    assert_true(parts[0] == 0 && parts[1] == 7 && parts[2] == 0);
    assert_true(money_split(7, (money_amount[]){0, 0, 0}, 3, parts, &err));
    assert_true(parts[0] == 3 && parts[1] == 2 && parts[2] == 2);
    assert_true(money_split(0, (money_amount[]){3, 0, 1}, 3, parts, &err));
    assert_true(parts[0] == 0 && parts[1] == 0 && parts[2] == 0);
}

static void parts_add_up_to_the_whole(void **state) {
    (void)state;
    enum { PARTS = 97 };
    struct rng rng = rng_stream(2, RNG_TEST, "money");
    for (int round = 0; round < 500; round++) {
        money_amount weights[PARTS], sum_of_weights = 0;
        nanousd parts[PARTS], sum = 0, total = (nanousd)(rng_uniform(&rng) * 9e18);
        for (int i = 0; i < PARTS; i++) {
            weights[i] = (money_amount)(rng_uniform(&rng) * 8e18) * 1024;
            sum_of_weights += weights[i];
        }
        struct error err = {0};
        assert_true(money_split(total, weights, PARTS, parts, &err));
        for (int i = 0; i < PARTS; i++) {
            long double share = (long double)total * (long double)weights[i] / (long double)sum_of_weights;
            assert_true(fabsl((long double)parts[i] - share) <= 1 + share * 1e-18L);
            sum += parts[i];
        }
        assert_int_equal(sum, total);
    }
}

static void weights_beyond_the_limit_are_an_error(void **state) {
    (void)state;
    struct error err = {0};
    nanousd parts[2];
    assert_false(money_split(1, (money_amount[]){MONEY_AMOUNT_MAX, 1}, 2, parts, &err));
    assert_true(error_is_set(&err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amount_prints_with_nine_decimals),
        cmocka_unit_test(dollars_become_the_nearest_nano_dollar),
        cmocka_unit_test(a_product_is_rounded_half_up),
        cmocka_unit_test(a_long_product_is_exact),
        cmocka_unit_test(beyond_the_range_is_an_error),
        cmocka_unit_test(products_agree_with_long_double),
        cmocka_unit_test(the_largest_remainders_get_what_is_left),
        cmocka_unit_test(parts_add_up_to_the_whole),
        cmocka_unit_test(weights_beyond_the_limit_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
