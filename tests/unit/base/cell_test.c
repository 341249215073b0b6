#include "base/cell.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void figures_have_three_significant_digits(void **state) {
    (void)state;
    static const struct {
        const char *(*cell)(double, char[CELL_BYTES]);
        double value;
        const char *text;
    } cases[] = {
        {cell_duration, 0, "0 s"},
        {cell_duration, 0.0756, "75.6 ms"},
        {cell_duration, 0.99949, "999 ms"},
        {cell_duration, 0.9996, "1.00 s"},
        {cell_duration, 2.5e-7, "0.25 us"},
        {cell_duration, INFINITY, "never"},
        {cell_rate, 1720, "1.72k"},
        {cell_rate, -0.333, "-0.33"},
        {cell_percent, 0.9712, "97.1 %"},
        {cell_percent, 0.99951, "99.95 %"},
        {cell_energy, 0, "0 kWh"},
        {cell_energy, 0.1596, "160 Wh"},
        {cell_energy, 7.6215, "7.62 kWh"},
        {cell_energy, 12345, "12.3 MWh"},
        {cell_mass, 0, "0 g"},
        {cell_mass, 0.13118, "131 mg"},
        {cell_mass, 2531.8, "2.53 kg"},
        {cell_usd, 0, "$0.00"},
        {cell_usd, 107.364, "$107.36"},
        {cell_usd, 999.994, "$999.99"},
        {cell_usd, 999.996, "$1,000"},
        {cell_usd, 1234567.4, "$1,234,567"},
        {cell_usd, -5.6, "-$5.60"},
        {cell_usd, 0.99951, "$1.00"},
        {cell_usd, 0.5, "$0.500"},
        {cell_usd, 0.01234, "$0.0123"},
        {cell_usd, 0.099996, "$0.100"},
        {cell_rate, -INFINITY, "-infinite"},
        {cell_usd, INFINITY, "infinite"},
    };
    char cell[CELL_BYTES];
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(cases[i].cell(cases[i].value, cell), cases[i].text);
    }
}

static void a_field_is_filled_and_never_longer(void **state) {
    (void)state;
    static const struct {
        const char *text, *left;
    } cases[] = {
        {"", "      "},
        {"abc", "abc   "},
        {"abcdef", "abcdef"},
        {"abcdefg", "abcde~"},
        {"\033[31m", "?[31m "},
        {"r\xC3\xA9sum\xC3\xA9", "r\xC3\xA9sum\xC3\xA9"},
        {"r\xC3\xA9sum\xC3\xA9s", "r\xC3\xA9sum~"},
    };
    struct strbuf out = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        strbuf_clear(&out);
        cell_append_left(&out, cases[i].text, 6);
        assert_string_equal(out.text, cases[i].left);
    }
    strbuf_clear(&out);
    cell_append_right(&out, "\xC3\xA9", 3);
    cell_append_right(&out, "whole", 3);
    assert_string_equal(out.text, "  \xC3\xA9whole");
    strbuf_free(&out);
}

static void words_are_wrapped_and_long_ones_left_whole(void **state) {
    (void)state;
    struct strbuf out = {0};
    cell_append_wrapped(&out, "one two  three a-word-that-is-too-long end", 2, 10);
    assert_string_equal(out.text, "one two\n  three\n  a-word-that-is-too-long\n  end\n");
    strbuf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_have_three_significant_digits),
        cmocka_unit_test(a_field_is_filled_and_never_longer),
        cmocka_unit_test(words_are_wrapped_and_long_ones_left_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
