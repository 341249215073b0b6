#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_filled_error_is_never_overwritten(void **state) {
    (void)state;
    struct error err = {0};
    struct position pos = {"b.yaml", 9, 9};
    assert_false(error_set(&err, ERROR_INVALID, "first"));
    assert_false(error_set(&err, ERROR_FAILED, "second"));
    assert_false(error_at(&err, ERROR_FAILED, &pos, "field", "third"));
    errno = ENOENT;
    assert_false(error_errno(&err, "c", "fourth"));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.expected, "first");
    assert_string_equal(err.file, "");
    assert_int_equal(err.line, 0);
}

static void an_error_says_where_what_and_what_to_do(void **state) {
    (void)state;
    struct error err = {0};
    struct position pos = {"scenario.yaml", 12, 5};
    char text[2048];
    error_at(&err, ERROR_INVALID, &pos, "spec.duration", "expected a duration, got \"%s\"", "fast");
    error_hint(&err, "write %s", "90s");
    assert_string_equal(error_text(&err, text, sizeof text),
                        "scenario.yaml:12:5: spec.duration: expected a duration, got \"fast\"; write 90s");
}

static void unknown_parts_of_the_place_are_left_out(void **state) {
    (void)state;
    static const struct {
        struct position pos;
        const char *field;
        const char *text;
    } cases[] = {
        {{"a", 3, 0}, NULL, "a:3: wrong"}, {{"a", 0, 4}, NULL, "a: wrong"}, {{"a", 0, 0}, "f", "a: f: wrong"},
        {{NULL, 3, 4}, NULL, "wrong"},     {{NULL, 0, 0}, "f", "f: wrong"}, {{"", 1, 1}, "", "wrong"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};
        char text[256];
        error_at(&err, ERROR_INVALID, &cases[i].pos, cases[i].field, "wrong");
        assert_string_equal(error_text(&err, text, sizeof text), cases[i].text);
    }
}

static void the_first_hint_stays_and_needs_a_failure(void **state) {
    (void)state;
    struct error err = {0};
    error_hint(&err, "too early");
    assert_string_equal(err.hint, "");
    assert_false(error_is_set(&err));
    error_set(&err, ERROR_USAGE, "wrong");
    error_hint(&err, "first");
    error_hint(&err, "second");
    assert_string_equal(err.hint, "first");
}

static void errno_becomes_the_reason(void **state) {
    (void)state;
    struct error err = {0};
    char text[256];
    errno = ENOSPC;
    assert_false(error_errno(&err, "out/result.h5", "cannot write"));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_string_equal(error_text(&err, text, sizeof text),
                        "out/result.h5: cannot write: No space left on device");
}

static void long_texts_are_cut_and_terminated(void **state) {
    (void)state;
    static char longer[4096];
    memset(longer, 'x', sizeof longer - 1);
    struct error err = {0};
    struct position pos = {longer, 1, 1};
    char text[64];
    error_at(&err, ERROR_INVALID, &pos, longer, "%s", longer);
    error_hint(&err, "%s", longer);
    assert_int_equal(strlen(err.file), sizeof err.file - 1);
    assert_int_equal(strlen(err.field), sizeof err.field - 1);
    assert_int_equal(strlen(err.expected), sizeof err.expected - 1);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
    assert_int_equal(strlen(error_text(&err, text, sizeof text)), sizeof text - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filled_error_is_never_overwritten),
        cmocka_unit_test(an_error_says_where_what_and_what_to_do),
        cmocka_unit_test(unknown_parts_of_the_place_are_left_out),
        cmocka_unit_test(the_first_hint_stays_and_needs_a_failure),
        cmocka_unit_test(errno_becomes_the_reason),
        cmocka_unit_test(long_texts_are_cut_and_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
