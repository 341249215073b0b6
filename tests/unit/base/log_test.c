#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"

static const char *shown(struct capture *c, enum log_level most) {
    log_configure(most, false);
    capture_begin(c, stderr);
    log_message(LOG_ERROR, "a %d", 1);
    log_message(LOG_WARNING, "b");
    log_message(LOG_INFO, "c");
    log_message(LOG_NOTE, "d");
    return capture_end(c);
}

static void each_level_has_its_prefix(void **state) {
    (void)state;
    struct capture c;
    assert_string_equal(shown(&c, LOG_NOTE),
                        "drydock: error: a 1\ndrydock: warning: b\ndrydock: c\ndrydock: note: d\n");
}

static void levels_above_the_most_are_silent(void **state) {
    (void)state;
    struct capture c;
    assert_string_equal(shown(&c, LOG_ERROR), "drydock: error: a 1\n");
    assert_string_equal(shown(&c, LOG_INFO), "drydock: error: a 1\ndrydock: warning: b\ndrydock: c\n");
    log_configure(LOG_WARNING, false);
    assert_true(log_shows(LOG_WARNING));
    assert_false(log_shows(LOG_INFO));
}

static void a_file_gets_no_colour_even_when_asked_for(void **state) {
    (void)state;
    struct capture c;
    capture_begin(&c, stderr);
    log_configure(LOG_INFO, true);
    log_message(LOG_WARNING, "plain");
    assert_string_equal(capture_end(&c), "drydock: warning: plain\n");
}

static void control_characters_never_reach_the_terminal(void **state) {
    (void)state;
    struct capture c;
    log_configure(LOG_INFO, false);
    capture_begin(&c, stderr);
    log_message(LOG_INFO, "name \"%s\"\n\tand \u00fc", "\033[2J\a\x7f");
    assert_string_equal(capture_end(&c), "drydock: name \"?[2J??\"\n\tand \u00fc\n");
}

static void a_message_clears_the_bar_first(void **state) {
    (void)state;
    struct capture c;
    capture_begin(&c, stderr);
    log_bar(true);
    log_message(LOG_INFO, "x");
    log_bar(false);
    log_message(LOG_INFO, "y");
    assert_string_equal(capture_end(&c), "\r\033[Kdrydock: x\ndrydock: y\n");
}

static void long_messages_are_whole(void **state) {
    (void)state;
    struct capture c;
    capture_begin(&c, stderr);
    log_message(LOG_INFO, "%5000d", 1);
    assert_int_equal(strlen(capture_end(&c)), 5000 + strlen("drydock: \n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_has_its_prefix),
        cmocka_unit_test(levels_above_the_most_are_silent),
        cmocka_unit_test(a_file_gets_no_colour_even_when_asked_for),
        cmocka_unit_test(control_characters_never_reach_the_terminal),
        cmocka_unit_test(a_message_clears_the_bar_first),
        cmocka_unit_test(long_messages_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
