#include "base/units.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct {
    enum unit_kind kind;
    const char *text;
    double value;
} good[] = {
    {UNIT_NUMBER, "12", 12},
    {UNIT_NUMBER, "1e3", 1000},
    {UNIT_NUMBER, "1E+3", 1000},
    {UNIT_NUMBER, "0.5", 0.5},
    {UNIT_NUMBER, ".5", 0.5},
    {UNIT_NUMBER, "5.", 5},
    {UNIT_NUMBER, "-5", -5},
    {UNIT_NUMBER, "+5", 5},
    {UNIT_NUMBER, "-0", -0.0},
    {UNIT_NUMBER, "  7\t\n", 7},
    {UNIT_NUMBER, "007", 7},
    {UNIT_NUMBER, "1e-400", 0},
    {UNIT_NUMBER, "1e308", 1e308},
    {UNIT_NUMBER, "0e99999999999999999999", 0},
    {UNIT_NUMBER, "1e-99999999999999999999", 0},
    {UNIT_NUMBER, "0.000000000000000000000000000000000000000000000000000001e54", 1},
    {UNIT_COUNT, "500m", 0.5},
    {UNIT_COUNT, "9m", 0.009},
    {UNIT_COUNT, "2", 2},
    {UNIT_COUNT, "1k", 1000},
    {UNIT_COUNT, "4Ki", 4096},
    {UNIT_COUNT, "1e3", 1000},
    {UNIT_COUNT, "1E3", 1000},
    {UNIT_COUNT, "1E", 1e18},
    {UNIT_COUNT, "1Ei", 0x1p60},
    {UNIT_COUNT, "100n", 1e-7},
    {UNIT_COUNT, "3u", 3e-6},
    {UNIT_BYTES, "2Gi", 0x1p31},
    {UNIT_BYTES, "1.5Gi", 1610612736.0},
    {UNIT_BYTES, "512MB", 512e6},
    {UNIT_BYTES, "2GiB", 0x1p31},
    {UNIT_BYTES, "10GB", 1e10},
    {UNIT_BYTES, "7B", 7},
    {UNIT_BYTES, "1kB", 1000},
    {UNIT_BYTES, "1KB", 1000},
    {UNIT_BYTES, "1KiB", 1024},
    {UNIT_BYTES, "2TB", 2e12},
    {UNIT_BYTES, "128M", 128e6},
    {UNIT_BYTES, "1.5e3MB", 1.5e9},
    {UNIT_DURATION, "90s", 90},
    {UNIT_DURATION, "1h30m", 5400},
    {UNIT_DURATION, "250ms", 0.25},
    {UNIT_DURATION, "10us", 1e-5},
    {UNIT_DURATION, "10µs", 1e-5},
    {UNIT_DURATION, "10μs", 1e-5},
    {UNIT_DURATION, "5ns", 5e-9},
    {UNIT_DURATION, "2d", 172800},
    {UNIT_DURATION, "1w", 604800},
    {UNIT_DURATION, "1m1.5s", 61.5},
    {UNIT_DURATION, "1h.5m", 3630},
    {UNIT_DURATION, "1e3s", 1000},
    {UNIT_DURATION, "-1h30m", -5400},
    {UNIT_DURATION, "45", 45},
    {UNIT_DURATION, "0", 0},
    {UNIT_BANDWIDTH, "200Mbps", 25e6},
    {UNIT_BANDWIDTH, "25Gbps", 3.125e9},
    {UNIT_BANDWIDTH, "8bps", 1},
    {UNIT_BANDWIDTH, "3GBps", 3e9},
    {UNIT_BANDWIDTH, "3GB/s", 3e9},
    {UNIT_BANDWIDTH, "100MiB/s", 104857600},
    {UNIT_BANDWIDTH, "1e6", 1e6},
    {UNIT_RATE, "5/s", 5},
    {UNIT_RATE, "300/min", 5},
    {UNIT_RATE, "2/h", 2.0 / 3600},
    {UNIT_RATE, "8.5", 8.5},
    {UNIT_USD, "$2.50", 2.5},
    {UNIT_USD, "2.50 USD", 2.5},
    {UNIT_USD, "2.50USD", 2.5},
    {UNIT_USD, "2.50", 2.5},
    {UNIT_USD, "-$3", -3},
    {UNIT_USD_PER_H, "$2.50/h", 2.5},
    {UNIT_USD_PER_H, "2.50", 2.5},
    {UNIT_USD_PER_H, "$60/day", 2.5},
    {UNIT_USD_PER_H, "2.50 USD/h", 2.5},
    {UNIT_FRACTION, "0.95", 0.95},
    {UNIT_FRACTION, "95%", 0.95},
    {UNIT_FRACTION, "99.9%", 0.999},
    {UNIT_FRACTION, "7%", 0.07},
};

static void quantities_are_read_to_the_nearest_double(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        double value = NAN;
        if (!unit_parse(good[i].kind, good[i].text, &value) || value != good[i].value) {
            fail_msg("\"%s\" as %s gave %.17g", good[i].text, unit_expects(good[i].kind), value);
        }
    }
}

/* Refused whatever is asked for. */
static const char *const never[] = {
    "",         " ",    "\t\n",  "nan",   "NaN",   "inf",    "-inf", "Infinity",
    "infinity", "0x10", "0x1p3", "1..2",  "1.2.3", ".",      "-",    "+",
    "--5",      "+-5",  "e3",    ".e3",   "1e400", "-1e400", "1e+",  "1e99999999999",
    "5 5",      "1,5",  "1_000", "1 000", "abc",   "5z",     "5$",   "$",
    "$$5",      "%",    "5%%",   "s",     "/s",    "5//s",   "Ki",   "m",
    "5 m",      "5 Ki", "٣",     "1e3k",  "1e3Ki", "5K",     "5kib", "5Bi",
};

static const struct {
    enum unit_kind kind;
    const char *text;
} bad[] = {
    {UNIT_NUMBER, "500m"},     {UNIT_NUMBER, "5s"},         {UNIT_NUMBER, "5%"},
    {UNIT_NUMBER, "$5"},       {UNIT_COUNT, "5MB"},         {UNIT_COUNT, "5s"},
    {UNIT_COUNT, "1ki"},       {UNIT_COUNT, "1mi"},         {UNIT_BYTES, "5Mbps"},
    {UNIT_BYTES, "5GIB"},      {UNIT_BYTES, "5gb"},         {UNIT_DURATION, "1h30"},
    {UNIT_DURATION, "1h 30m"}, {UNIT_DURATION, "1h-30m"},   {UNIT_DURATION, "5M"},
    {UNIT_DURATION, "30m1"},   {UNIT_DURATION, "1hm"},      {UNIT_DURATION, "h1"},
    {UNIT_DURATION, "1y"},     {UNIT_DURATION, "1h."},      {UNIT_BANDWIDTH, "5MB"},
    {UNIT_BANDWIDTH, "5/s"},   {UNIT_BANDWIDTH, "5mbps"},   {UNIT_RATE, "5s"},
    {UNIT_RATE, "5/"},         {UNIT_RATE, "5/year"},       {UNIT_USD, "$2.50/h"},
    {UNIT_USD, "2.50 EUR"},    {UNIT_USD, "$2.50 USD"},     {UNIT_USD, "$ 2"},
    {UNIT_USD, "USD"},         {UNIT_USD_PER_H, "$2.50/s"}, {UNIT_USD_PER_H, "/h"},
    {UNIT_FRACTION, "95pct"},  {UNIT_FRACTION, "95 %"},
};

static void assert_refused(enum unit_kind kind, const char *text) {
    double value = 42.0;
    if (unit_parse(kind, text, &value)) {
        fail_msg("\"%s\" passed as %s: %g", text, unit_expects(kind), value);
    }
    assert_true(value == 42.0);
}

static void whatever_is_no_quantity_is_refused_and_the_value_untouched(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(never); i++) {
        for (int kind = 0; kind < UNIT_KINDS; kind++) {
            assert_refused((enum unit_kind)kind, never[i]);
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_refused(bad[i].kind, bad[i].text);
    }
    assert_refused(UNIT_NUMBER, NULL);
}

static void huge_digit_strings_are_no_quantities(void **state) {
    (void)state;
    static char digits[20001];
    int64_t milli = 7;
    double value;
    memset(digits, '9', sizeof digits - 1);
    assert_refused(UNIT_COUNT, digits);
    assert_false(unit_parse_milli(digits, &milli));
    digits[400] = '\0';
    assert_refused(UNIT_BYTES, digits);
    assert_false(unit_parse_milli(digits, &milli));
    digits[300] = '\0';
    assert_true(unit_parse(UNIT_BYTES, digits, &value) && value == 1e300);
    assert_false(unit_parse_milli(digits, &milli));
    assert_int_equal(milli, 7);
}

static const struct {
    const char *text;
    int64_t milli;
} milli_cases[] = {
    {"500m", 500},
    {"2", 2000},
    {"1.5Gi", 1610612736000},
    {"0", 0},
    {"-0", 0},
    {"0.1", 100},
    {"1m", 1},
    {"0.5m", 1},
    {"1.0001m", 2},
    {"0.0001", 1},
    {"0.001000", 1},
    {"1n", 1},
    {"1000001n", 2},
    {"1000u", 1},
    {"-1.0001m", -2},
    {"-500m", -500},
    {"-1n", -1},
    {"+3", 3000},
    {" 3 ", 3000},
    {"1k", 1000000},
    {"1Ki", 1024000},
    {"1e3", 1000000},
    {"1E3", 1000000},
    {"1e-3", 1},
    {"1e-4", 1},
    {"1e-99999999999", 1},
    {"0e99999999999", 0},
    {".5Ki", 512000},
    {"5.", 5000},
    {"9223372036854775.807", INT64_MAX},
    {"-9223372036854775.807", -INT64_MAX},
    {"9223372036854775807m", INT64_MAX},
    {"9P", 9000000000000000000},
    {"8Pi", 9007199254740992000},
    {"0.001Ei", 1152921504606846976},
    {"0.0000000000000000001Ei", 116},
    /* A tail of digits that changes the rounding: 0.125 thousandths in a Ki, and a hair more. */
    {"0.0009765625Ki", 1000},
    {"0.00097656250000000000000000000000000000000000000000000001Ki", 1001},
    {"0.000000000000000000000000000000000000001e39", 1000},
};

static void milli_quantities_are_exact_and_rounded_away_from_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(milli_cases); i++) {
        int64_t milli = -1;
        if (!unit_parse_milli(milli_cases[i].text, &milli) || milli != milli_cases[i].milli) {
            fail_msg("\"%s\" gave %lld", milli_cases[i].text, (long long)milli);
        }
    }
}

static void milli_quantities_beyond_int64_or_malformed_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"9223372036854775.8071",
                                        "9223372036854775.808",
                                        "-9223372036854775.808",
                                        "9.3P",
                                        "10P",
                                        "1E",
                                        "1Ei",
                                        "9Pi",
                                        "1e16",
                                        "1e400",
                                        "1e99999999999",
                                        "5KiB",
                                        "5MB",
                                        "1e3k",
                                        "5K",
                                        "1h",
                                        "0x10",
                                        "1..2",
                                        "",
                                        " ",
                                        "-",
                                        "nan",
                                        "inf",
                                        "2 Gi",
                                        "1e",
                                        "m",
                                        NULL};
    for (size_t i = 0; i < COUNT(texts); i++) {
        int64_t milli = 77;
        if (unit_parse_milli(texts[i], &milli)) {
            fail_msg("\"%s\" passed: %lld", texts[i], (long long)milli);
        }
        assert_int_equal(milli, 77);
    }
}

/* Every thousandth in a range, written as a decimal and with each suffix of Kubernetes. */
static void milli_quantities_agree_with_plain_arithmetic(void **state) {
    (void)state;
    char text[64];
    for (int64_t n = -3000; n <= 3000; n++) {
        int64_t milli;
        snprintf(text, sizeof text, "%lldm", (long long)n);
        assert_true(unit_parse_milli(text, &milli) && milli == n);
        snprintf(text, sizeof text, "%s%lld.%03lld", n < 0 ? "-" : "", (long long)(n < 0 ? -n : n) / 1000,
                 (long long)(n < 0 ? -n : n) % 1000);
        assert_true(unit_parse_milli(text, &milli) && milli == n);
        snprintf(text, sizeof text, "%lldMi", (long long)n);
        assert_true(unit_parse_milli(text, &milli) && milli == n * 1048576000);
    }
}

static void texts_for_messages_read_well(void **state) {
    (void)state;
    static const struct {
        enum unit_kind kind;
        double value;
        const char *text;
    } cases[] = {
        {UNIT_NUMBER, 12.5, "12.5"},
        {UNIT_NUMBER, 0.1 + 0.2, "0.3"},
        {UNIT_NUMBER, -3, "-3"},
        {UNIT_COUNT, 0.5, "0.5"},
        {UNIT_BYTES, 0x1p31, "2Gi"},
        {UNIT_BYTES, 1610612736, "1536Mi"},
        {UNIT_BYTES, 512, "512"},
        {UNIT_BYTES, 512e6, "512M"},
        {UNIT_BYTES, 1e6, "1M"},
        {UNIT_BYTES, 1001, "1001"},
        {UNIT_BYTES, 0, "0"},
        {UNIT_DURATION, 5400, "1h30m"},
        {UNIT_DURATION, 90, "1m30s"},
        {UNIT_DURATION, 172800, "2d"},
        {UNIT_DURATION, 86400 + 1.5, "1d1.5s"},
        {UNIT_DURATION, 0.25, "250ms"},
        {UNIT_DURATION, 1e-5, "10us"},
        {UNIT_DURATION, 5e-9, "5ns"},
        {UNIT_DURATION, 1e-12, "0.001ns"},
        {UNIT_DURATION, 1, "1s"},
        {UNIT_DURATION, 0, "0s"},
        {UNIT_DURATION, -5400, "-1h30m"},
        {UNIT_BANDWIDTH, 25e6, "25MB/s"},
        {UNIT_BANDWIDTH, 3.125e9, "3125MB/s"},
        {UNIT_RATE, 5, "5/s"},
        {UNIT_USD, 2.5, "$2.50"},
        {UNIT_USD, 3, "$3.00"},
        {UNIT_USD, -0.0375, "-$0.0375"},
        {UNIT_USD_PER_H, 2.5, "$2.50/h"},
        {UNIT_FRACTION, 0.95, "95%"},
        {UNIT_FRACTION, 0.07, "7%"},
        {UNIT_DURATION, INFINITY, "Infinity"},
        {UNIT_NUMBER, -INFINITY, "-Infinity"},
        {UNIT_BYTES, NAN, "NaN"},
    };
    char text[48];
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(unit_text(cases[i].kind, cases[i].value, text), cases[i].text);
    }
}

static void texts_read_back_as_nearly_the_same_value(void **state) {
    (void)state;
    char text[48];
    for (int kind = 0; kind < UNIT_KINDS; kind++) {
        for (double value = 1e-9; value < 1e17; value *= 1.37) {
            double back = NAN;
            double rounded = value > 1e3 ? floor(value) : value;
            unit_text((enum unit_kind)kind, rounded, text);
            if (!unit_parse((enum unit_kind)kind, text, &back) || !(fabs(back - rounded) <= 1e-8 * rounded)) {
                fail_msg("%.17g became \"%s\" (%s), read back as %.17g", rounded, text,
                         unit_expects((enum unit_kind)kind), back);
            }
        }
    }
}

static void every_kind_says_what_it_expects(void **state) {
    (void)state;
    for (int kind = 0; kind < UNIT_KINDS; kind++) {
        assert_true(strstr(unit_expects((enum unit_kind)kind), " such as ") != NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_read_to_the_nearest_double),
        cmocka_unit_test(whatever_is_no_quantity_is_refused_and_the_value_untouched),
        cmocka_unit_test(huge_digit_strings_are_no_quantities),
        cmocka_unit_test(milli_quantities_are_exact_and_rounded_away_from_zero),
        cmocka_unit_test(milli_quantities_beyond_int64_or_malformed_are_refused),
        cmocka_unit_test(milli_quantities_agree_with_plain_arithmetic),
        cmocka_unit_test(texts_for_messages_read_well),
        cmocka_unit_test(texts_read_back_as_nearly_the_same_value),
        cmocka_unit_test(every_kind_says_what_it_expects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
