#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/report/say.h"

static struct arena arena;

static void figures_have_three_digits_and_a_unit(void **state) {
    (void)state;
    assert_string_equal(say_latency(&arena, 0.3726), "373" NBSP "ms");
    assert_string_equal(say_latency(&arena, 9.187), "9.19" NBSP "s");
    assert_string_equal(say_latency(&arena, 45e-6), "45.0" NBSP "\xC2\xB5s");
    assert_string_equal(say_latency(&arena, 125), "2" NBSP "min" NBSP "5" NBSP "s");
    assert_string_equal(say_number(&arena, 5.512), "5.51");
    assert_string_equal(say_number(&arena, 1171), "1.17k");
    assert_string_equal(say_number(&arena, 0.00421), "0.00421");
    assert_string_equal(say_number(&arena, 5), "5");
    assert_string_equal(say_count(&arena, 19218), "19,218");
    assert_string_equal(say_usd(&arena, 136.046244601), "$136.05");
    assert_string_equal(say_usd(&arena, 0.007163722), "$0.00716");
}

static void spans_have_their_two_largest_units(void **state) {
    (void)state;
    assert_string_equal(say_span(&arena, 0), "0" NBSP "s");
    assert_string_equal(say_span(&arena, 42), "42" NBSP "s");
    assert_string_equal(say_span(&arena, 3508), "58" NBSP "min" NBSP "28" NBSP "s");
    assert_string_equal(say_span(&arena, 7500), "2" NBSP "h" NBSP "5" NBSP "min");
    assert_string_equal(say_span(&arena, 7 * 86400.0), "7" NBSP "d");
    assert_string_equal(say_span(&arena, 59.6), "59.6" NBSP "s");
    assert_string_equal(say_span(&arena, 3599.7), "1" NBSP "h");
}

static void a_share_that_is_not_all_does_not_read_as_all(void **state) {
    (void)state;
    assert_string_equal(say_percent(&arena, 1), "100" NBSP "%");
    assert_string_equal(say_percent(&arena, 0), "0" NBSP "%");
    assert_string_equal(say_percent(&arena, 0.98807), "98.8" NBSP "%");
    assert_string_equal(say_percent(&arena, 0.99996), "99.996" NBSP "%");
    assert_string_equal(say_percent(&arena, 0.00004), "0.004" NBSP "%");
    assert_string_equal(say_percent(&arena, 0.95), "95" NBSP "%");
    assert_string_equal(say_percent(&arena, 1.5), "150" NBSP "%");
}

static void what_is_no_number_says_so(void **state) {
    (void)state;
    assert_string_equal(say_latency(&arena, NAN), "n/a");
    assert_string_equal(say_latency(&arena, INFINITY), "never");
    assert_string_equal(say_count(&arena, NAN), "n/a");
    assert_string_equal(say_usd(&arena, NAN), "n/a");
    assert_string_equal(say_percent(&arena, NAN), "n/a");
    assert_string_equal(say_span(&arena, NAN), "n/a");
    assert_string_equal(say_number(&arena, INFINITY), "unlimited");
}

static void a_metric_is_said_in_the_unit_that_its_name_tells(void **state) {
    (void)state;
    assert_string_equal(say_metric(&arena, "latency.ttft_s", 0.5), "500" NBSP "ms");
    assert_string_equal(say_metric(&arena, "slo.attainment", 0.99), "99" NBSP "%");
    assert_string_equal(say_metric(&arena, "cost.usd_per_h", 139.6139), "$139.61");
    assert_string_equal(say_metric(&arena, "cost.total_usd", 12), "$12.00");
    assert_string_equal(say_metric(&arena, "goodput_per_s", 5.4527), "5.45/s");
    assert_string_equal(say_metric(&arena, "replicas.replica_s", 12439.5), "3" NBSP "h" NBSP "27" NBSP "min");
    assert_string_equal(say_metric(&arena, "energy_kwh", 7.62), "7.62" NBSP "kWh");
    assert_string_equal(say_metric(&arena, "carbon.kg", 2.528), "2.53" NBSP "kg");
    assert_string_equal(say_metric(&arena, "requests.arrived", 19218), "19,218");
    assert_string_equal(say_metric_name(&arena, "latency.ttft_s", "p95"), "p95 TTFT");
    assert_string_equal(say_metric_name(&arena, "something.new", NULL), "something.new");
}

static void a_promise_has_no_zeros_at_its_end(void **state) {
    (void)state;
    assert_string_equal(say_promised(&arena, "latency.tpot_s", 0.03), "30" NBSP "ms");
    assert_string_equal(say_promised(&arena, "latency.tpot_s", 0.0125), "12.5" NBSP "ms");
    assert_string_equal(say_promised(&arena, "cost.total_usd", 12.5), "$12.50");
    assert_string_equal(say_promised(&arena, "cost.total_usd", 160), "$160");
    assert_string_equal(say_promised(&arena, "latency.e2e_s", 15), "15" NBSP "s");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_have_three_digits_and_a_unit),
        cmocka_unit_test(spans_have_their_two_largest_units),
        cmocka_unit_test(a_share_that_is_not_all_does_not_read_as_all),
        cmocka_unit_test(what_is_no_number_says_so),
        cmocka_unit_test(a_metric_is_said_in_the_unit_that_its_name_tells),
        cmocka_unit_test(a_promise_has_no_zeros_at_its_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
