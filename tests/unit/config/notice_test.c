#include "config/notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static void texts_begin_with_their_place(void **state) {
    (void)state;
    struct notices n = {.arena = &arena};
    notice_add(&n, NOTICE_NOTE, &(struct position){"a.yaml", 3, 5}, "x is %d", 7);
    notice_add(&n, NOTICE_NOTE, &(struct position){"a.yaml", 0, 0}, "y");
    notice_add(&n, NOTICE_NOTE, NULL, "z");
    assert_string_equal(n.items[0].text, "a.yaml:3:5: x is 7");
    assert_string_equal(n.items[1].text, "a.yaml: y");
    assert_string_equal(n.items[2].text, "z");
}

static void equal_texts_at_one_place_are_kept_once(void **state) {
    (void)state;
    struct notices n = {.arena = &arena};
    struct position here = {"a.yaml", 3, 5}, there = {"a.yaml", 4, 5};
    notice_add(&n, NOTICE_WARNING, &here, "x");
    notice_add(&n, NOTICE_WARNING, &here, "x");
    notice_add(&n, NOTICE_WARNING, &there, "x");
    notice_add(&n, NOTICE_WARNING, &here, "y");
    assert_int_equal(n.count, 3);
}

static void strict_takes_the_first_warning_and_no_note(void **state) {
    (void)state;
    struct notices n = {.arena = &arena};
    struct error err = {0};
    notice_add(&n, NOTICE_NOTE, NULL, "a note");
    assert_true(notices_strict(&n, &err));
    notice_add(&n, NOTICE_WARNING, NULL, "first");
    notice_add(&n, NOTICE_WARNING, NULL, "second");
    assert_false(notices_strict(&n, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.expected, "first");
}

static void long_texts_are_cut_and_not_lost(void **state) {
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct notices n = {.arena = &arena};
    notice_add(&n, NOTICE_WARNING, NULL, "%s", text);
    assert_int_equal(n.count, 1);
    assert_true(strlen(n.items[0].text) > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_begin_with_their_place),
        cmocka_unit_test(equal_texts_at_one_place_are_kept_once),
        cmocka_unit_test(strict_takes_the_first_warning_and_no_note),
        cmocka_unit_test(long_texts_are_cut_and_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
