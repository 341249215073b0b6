#include "traces/scan.h"

#include "trace_fixture.h"

static void counts_are_whole_numbers_within_their_range(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t value; /* -1 = refused */
        const char *why;
    } cases[] = {
        {"0", 0, NULL},
        {"374", 374, NULL},
        {" 12 ", 12, NULL},
        {"63.0", 63, NULL},
        {"1e3", 1000, NULL},
        {"2147483647", 2147483647, NULL},
        {"2147483648", -1, "is out of range"},
        {"99999999999999999999999", -1, "is out of range"},
        {"1e300", -1, "is out of range"},
        {"-5", -1, "is negative"},
        {"", -1, "is empty"},
        {"  ", -1, "is empty"},
        {"nan", -1, "is not a number"},
        {"inf", -1, "is not a number"},
        {"0x10", -1, NULL},
        {"12abc", -1, NULL},
        {"1.5", -1, "is not a whole number"},
        {"1.", 1, NULL},
        {"1.0x", -1, "is not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = -1;
        const char *why = scan_count(cases[i].text, strlen(cases[i].text), TRACE_TOKENS_MAX, &value);
        if (cases[i].value >= 0) {
            assert_null(why);
            assert_int_equal(value, cases[i].value);
        } else {
            assert_non_null(why);
            if (cases[i].why) {
                assert_string_equal(why, cases[i].why);
            }
        }
    }
}

static void seconds_are_exact_to_the_picosecond(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t s, ps;
    } cases[] = {
        {"0", 0, 0},
        {"0.25", 0, 250000000000},
        {"86399.999999999999", 86399, 999999999999},
        {"1.0000000000019", 1, 1}, /* digits beyond 12 are dropped */
        {"1e3", 1000, 0},
        {"1700000000.5", 1700000000, 500000000000},
        {"5.", 5, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct instant t;
        assert_null(scan_seconds(cases[i].text, strlen(cases[i].text), &t));
        assert_int_equal(t.s, cases[i].s);
        assert_int_equal(t.ps, cases[i].ps);
    }
    static const char *const refused[] = {"", "-1", "nan", "1e30", "abc", ".", "1.2.3", "1 2"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct instant t;
        assert_non_null(scan_seconds(refused[i], strlen(refused[i]), &t));
    }
}

static void dates_are_read_in_every_shape_that_traces_use(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *iso;
    } cases[] = {
        {"2023-11-16 18:15:46.6805900", "2023-11-16T18:15:46.68059Z"},
        {"2024-05-10 00:00:00.009930+00:00", "2024-05-10T00:00:00.00993Z"},
        {"2024-05-10T00:00:00Z", "2024-05-10T00:00:00Z"},
        {"2024-05-10 00:00:00 UTC", "2024-05-10T00:00:00Z"},
        {"2024-03-01 01:00:00+02:00", "2024-02-29T23:00:00Z"},
        {"2024-12-31 23:59:59-0100", "2025-01-01T00:59:59Z"},
        {"1970-01-01 00:00:00", "1970-01-01T00:00:00Z"},
        {"1969-12-31 23:59:59.5", "1969-12-31T23:59:59.5Z"},
        {"2000-02-29 12:00:00.123456789012", "2000-02-29T12:00:00.123456789012Z"},
        {"9999-12-31 23:59:59", "9999-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct instant t;
        char iso[INSTANT_TEXT_BYTES];
        assert_null(scan_date(cases[i].text, strlen(cases[i].text), &t));
        instant_text(t, iso);
        assert_string_equal(iso, cases[i].iso);
    }
}

static void dates_that_do_not_exist_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "",
        "2023-02-29 00:00:00",
        "2100-02-29 00:00:00",
        "2023-13-01 00:00:00",
        "2023-00-10 00:00:00",
        "2023-01-32 00:00:00",
        "2023-01-01 24:00:00",
        "2023-01-01 00:60:00",
        "2023-01-01",
        "2023-01-01 00:00",
        "2023-01-01 00:00:00+25:00",
        "2023-01-01 00:00:00 CET",
        "16.11.2023 18:15:46",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct instant t;
        assert_non_null(scan_date(refused[i], strlen(refused[i]), &t));
    }
}

/* The word-wide scanner against digits one by one, for every number of digits and every byte behind them. */
static void eight_bytes_at_a_time_agree_with_one_by_one(void **state) {
    (void)state;
    for (unsigned digits = 0; digits <= 8; digits++) {
        for (int other = 0; other < 256; other++) {
            if (other >= '0' && other <= '9') {
                continue;
            }
            char text[8];
            uint64_t expected = 0;
            for (unsigned i = 0; i < 8; i++) {
                text[i] = i < digits ? (char)('0' + (i * 7 + digits + (unsigned)other) % 10) : (char)other;
                expected = i < digits ? expected * 10 + (uint64_t)(text[i] - '0') : expected;
            }
            uint64_t value = 0;
            assert_int_equal(scan_digits8(text, &value), digits);
            assert_int_equal(value, expected);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_whole_numbers_within_their_range),
        cmocka_unit_test(seconds_are_exact_to_the_picosecond),
        cmocka_unit_test(dates_are_read_in_every_shape_that_traces_use),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(eight_bytes_at_a_time_agree_with_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
