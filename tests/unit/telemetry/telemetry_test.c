#include "telemetry/telemetry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const simtime interval = 15 * SIMTIME_SECOND;

static void names_may_have_underscores_for_colons(void **state) {
    (void)state;
    assert_int_equal(GAUGE_RUNNING, telemetry_find("vllm:num_requests_running")->gauge);
    assert_int_equal(GAUGE_RUNNING, telemetry_find("vllm_num_requests_running")->gauge);
    assert_int_equal(GAUGE_KV_USAGE, telemetry_find("vllm:gpu_cache_usage_perc")->gauge);
    assert_true(telemetry_find("cpu")->resource);
    assert_null(telemetry_find("vllm:num_requests"));
    assert_null(telemetry_find(""));
}

static void a_pod_is_first_scraped_within_an_interval_and_always_at_its_own_offset(void **state) {
    (void)state;
    for (simtime since = 0; since < 10 * interval; since += SIMTIME_SECOND * 7 / 3) {
        simtime first = telemetry_first_scrape("default/deployment/chat/0", since, interval);
        assert_true(first > since && first <= since + interval);
        assert_int_equal(telemetry_first_scrape("default/deployment/chat/0", 0, interval) % interval,
                         first % interval);
    }
}

static void what_was_never_scraped_has_no_value(void **state) {
    (void)state;
    struct telemetry_sample sample = {0};
    int64_t value = 7;
    assert_false(telemetry_read(&sample, GAUGE_WAITING, 0, &value));
    assert_int_equal(7, value);
}

static void a_value_is_in_thousandths_until_it_is_stale(void **state) {
    (void)state;
    struct telemetry_sample sample = {.at = interval, .window = interval, .present = true};
    sample.values[GAUGE_KV_USAGE] = 0.1234;
    int64_t value;
    assert_true(telemetry_read(&sample, GAUGE_KV_USAGE, interval + TELEMETRY_STALE, &value));
    assert_int_equal(123, value);
    assert_false(telemetry_read(&sample, GAUGE_KV_USAGE, interval + TELEMETRY_STALE + 1, &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_may_have_underscores_for_colons),
        cmocka_unit_test(a_pod_is_first_scraped_within_an_interval_and_always_at_its_own_offset),
        cmocka_unit_test(what_was_never_scraped_has_no_value),
        cmocka_unit_test(a_value_is_in_thousandths_until_it_is_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
