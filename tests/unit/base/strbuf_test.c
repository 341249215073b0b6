#include "base/strbuf.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void a_text_grows_and_stays_terminated(void **state) {
    (void)state;
    struct strbuf b = {0};
    strbuf_append(&b, "");
    assert_string_equal(b.text, "");
    for (int i = 0; i < 1000; i++) {
        strbuf_char(&b, 'a');
        assert_int_equal(strlen(b.text), i + 1);
    }
    strbuf_append_n(&b, "bcd", 2);
    strbuf_append(&b, "e");
    strbuf_printf(&b, "%d%s", 12, "f");
    assert_string_equal(b.text + 1000, "bce12f");
    assert_int_equal(b.length, 1006);
    strbuf_free(&b);
    assert_null(b.text);
}

static void clearing_keeps_the_memory(void **state) {
    (void)state;
    struct strbuf b = {0};
    strbuf_clear(&b);
    strbuf_printf(&b, "%500d", 1);
    char *before = b.text;
    strbuf_clear(&b);
    assert_int_equal(b.length, 0);
    assert_string_equal(b.text, "");
    strbuf_append(&b, "x");
    assert_ptr_equal(b.text, before);
    strbuf_free(&b);
    strbuf_free(&b);
}

static void a_nul_inside_is_kept(void **state) {
    (void)state;
    struct strbuf b = {0};
    strbuf_append_n(&b, "a\0b", 3);
    assert_int_equal(b.length, 3);
    assert_memory_equal(b.text, "a\0b", 4);
    strbuf_free(&b);
}

static void numbers_are_as_short_as_they_can_be(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-17.5, "-17.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3.0, "0.3333333333333333"},
        {123456789012345.0, "123456789012345"},
        {999999999999999.0, "999999999999999"},
        {100000.0, "100000"},
        {1e22, "1e+22"},
        {1e-5, "1e-05"},
        {5e-324, "5e-324"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {9007199254740993.0, "9007199254740992"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
    };
    char text[NUMBER_TEXT_BYTES];
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(number_text(cases[i].value, text), cases[i].text);
    }
}

static void every_number_reads_back_as_itself(void **state) {
    (void)state;
    uint64_t bits = 1;
    char text[NUMBER_TEXT_BYTES];
    for (int i = 0; i < 200000; i++) {
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        double back = number_read(number_text(value, text), NULL);
        assert_memory_equal(&back, &value, sizeof value);
    }
}

static void numbers_have_a_point_in_every_locale(void **state) {
    (void)state;
    static const char *const with_comma[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ps_AF"};
    bool found = false;
    for (size_t i = 0; i < COUNT(with_comma); i++) {
        found = found || setlocale(LC_ALL, with_comma[i]);
    }
    char text[NUMBER_TEXT_BYTES];
    char *end;
    assert_string_equal(number_text(2.5, text), "2.5");
    assert_true(number_read("2.5", &end) == 2.5 && *end == '\0');
    assert_true(number_read("2,5", &end) == 2.0 && *end == ',');
    setlocale(LC_ALL, "C");
    if (!found) {
        skip(); /* no locale with a comma on this machine */
    }
}

static void endings_are_compared_whole(void **state) {
    (void)state;
    assert_true(str_ends_with("trace.csv.gz", ".gz"));
    assert_true(str_ends_with("a", ""));
    assert_true(str_ends_with("", ""));
    assert_true(str_ends_with(".gz", ".gz"));
    assert_false(str_ends_with("gz", ".gz"));
    assert_false(str_ends_with("trace.gz.csv", ".gz"));
}

static void the_nearest_name_is_suggested(void **state) {
    (void)state;
    static const char *const names[] = {"trace", "rate_scale", "time_scale", "out", "seed", "x", NULL};
    static const struct {
        const char *word;
        const char *name;
    } cases[] = {
        {"trcae", "trace"},
        {"trace", "trace"},
        {"traces", "trace"},
        {"ratescale", "rate_scale"},
        {"tiem_scale", "time_scale"},
        {"tou", "out"},
        {"sed", "seed"},
        {"Trace", "trace"},
        {"window", NULL},
        {"qq", NULL},
        {"y", NULL},
        {"", NULL},
        {"rate_scale_of_the_trace", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *name = str_nearest(cases[i].word, names);
        if (cases[i].name) {
            assert_non_null(name);
            assert_string_equal(name, cases[i].name);
        } else {
            assert_null(name);
        }
    }
}

static void endless_words_get_no_suggestion(void **state) {
    (void)state;
    char word[5000];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    const char *const names[] = {word, "a", NULL};
    assert_null(str_nearest(word, names));
    assert_null(str_nearest("a", (const char *const[]){NULL}));
    assert_string_equal(str_nearest("aa", names), "a");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_grows_and_stays_terminated),
        cmocka_unit_test(clearing_keeps_the_memory),
        cmocka_unit_test(a_nul_inside_is_kept),
        cmocka_unit_test(numbers_are_as_short_as_they_can_be),
        cmocka_unit_test(every_number_reads_back_as_itself),
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
        cmocka_unit_test(endings_are_compared_whole),
        cmocka_unit_test(the_nearest_name_is_suggested),
        cmocka_unit_test(endless_words_get_no_suggestion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
