/* Sums of dates and delays that a user may set to anything: they stop at the end of the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/simtime.h"

static void sums_are_exact_up_to_the_end_of_the_clock(void **state) {
    (void)state;
    assert_true(simtime_add(3, 4) == 7);
    assert_true(simtime_add(SIMTIME_NEVER - 4, 4) == SIMTIME_NEVER);
    assert_true(simtime_add(SIMTIME_WINDOW_MAX, SIMTIME_WINDOW_MAX) == SIMTIME_NEVER);
    assert_true(simtime_add(1, SIMTIME_NEVER) == SIMTIME_NEVER);
}

static void products_are_exact_up_to_the_end_of_the_clock(void **state) {
    (void)state;
    assert_true(simtime_times(SIMTIME_SECOND, 86400) == 86400 * SIMTIME_SECOND);
    assert_true(simtime_times(SIMTIME_SECOND, 0) == 0);
    assert_true(simtime_times(SIMTIME_WINDOW_MAX, 2) == SIMTIME_NEVER);
}

static void seconds_beyond_the_clock_are_never(void **state) {
    (void)state;
    assert_true(simtime_from_s(1e300) == SIMTIME_NEVER);
    assert_true(simtime_from_s(0.0 / 0.0) == 0);
    assert_true(simtime_from_s(1.5e-12) == 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact_up_to_the_end_of_the_clock),
        cmocka_unit_test(products_are_exact_up_to_the_end_of_the_clock),
        cmocka_unit_test(seconds_beyond_the_clock_are_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
