#include "base/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"

struct settings {
    bool json;
    bool no_color;
    const char *out;
    struct option_list traces;
    int64_t jobs;
    int64_t seed;
    double window_s;
    double share;
};

static const struct option rows[] = {
    {"json", OPTION_FLAG, NULL, "Machine-readable output.", offsetof(struct settings, json), 0, 0,
     UNIT_NUMBER},
    {"no-color", OPTION_FLAG, NULL, "No colour.", offsetof(struct settings, no_color), 0, 0, UNIT_NUMBER},
    {"out", OPTION_TEXT, "DIR", "Where the results go.", offsetof(struct settings, out), 0, 0, UNIT_NUMBER},
    {"trace", OPTION_LIST, "FILE",
     "A trace in place of the scenario's; may be given several times, and the requests of all of them are "
     "merged in "
     "the order of their arrival.",
     offsetof(struct settings, traces), 0, 0, UNIT_NUMBER},
    {"jobs", OPTION_INTEGER, "N", "Worker processes.", offsetof(struct settings, jobs), 1, 256, UNIT_NUMBER},
    {"seed", OPTION_INTEGER, "N", "Seed.", offsetof(struct settings, seed), 0, 0, UNIT_NUMBER},
    {"window", OPTION_QUANTITY, "DURATION", "Length of the window.", offsetof(struct settings, window_s), 1,
     3600, UNIT_DURATION},
    {"a-rather-long-option-name", OPTION_QUANTITY, "FRACTION", "A share.", offsetof(struct settings, share),
     0, 0, UNIT_FRACTION},
    OPTION_END,
};

enum { WORDS_MAX = 16 };

/* Splits `line` at blanks into an argv whose first word is the command. */
static bool parse(const char *line, struct settings *s, char *argv[WORDS_MAX], int *operands,
                  struct error *err) {
    static char words[512];
    int argc = 0;
    snprintf(words, sizeof words, "run %s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    *s = (struct settings){.jobs = 1, .window_s = 60.0};
    *err = (struct error){0};
    return option_parse(rows, argc, argv, s, operands, err);
}

static void every_type_fills_its_field(void **state) {
    (void)state;
    struct settings s;
    struct error err;
    char *argv[WORDS_MAX];
    int operands;
    assert_true(parse("--json --out dir --trace=a --jobs 8 --trace b --window=1h --seed -5 --no-color "
                      "--a-rather-long-option-name=95%",
                      &s, argv, &operands, &err));
    assert_true(s.json && s.no_color);
    assert_string_equal(s.out, "dir");
    assert_int_equal(s.jobs, 8);
    assert_int_equal(s.seed, -5);
    assert_true(s.window_s == 3600.0 && s.share == 0.95);
    assert_int_equal(s.traces.count, 2);
    assert_string_equal(s.traces.items[0], "a");
    assert_string_equal(s.traces.items[1], "b");
    assert_int_equal(operands, 0);
    option_list_free(&s.traces);
    assert_int_equal(s.traces.count, 0);
    assert_null(s.traces.items);
}

static void what_is_not_given_keeps_its_default(void **state) {
    (void)state;
    struct settings s;
    struct error err;
    char *argv[WORDS_MAX];
    int operands = 9;
    assert_true(parse("", &s, argv, &operands, &err));
    assert_false(s.json);
    assert_null(s.out);
    assert_int_equal(s.jobs, 1);
    assert_true(s.window_s == 60.0);
    assert_int_equal(operands, 0);
}

static void operands_move_to_the_front_in_their_order(void **state) {
    (void)state;
    struct settings s;
    struct error err;
    char *argv[WORDS_MAX];
    int operands;
    assert_true(parse("a --out dir b --json - c -- --jobs -x", &s, argv, &operands, &err));
    static const char *const want[] = {"run", "a", "b", "-", "c", "--jobs", "-x"};
    assert_int_equal(operands, 6);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        assert_string_equal(argv[i], want[i]);
    }
    assert_string_equal(s.out, "dir");
    assert_true(s.json);
    assert_int_equal(s.jobs, 1);
}

static void the_last_of_two_values_counts(void **state) {
    (void)state;
    struct settings s;
    struct error err;
    char *argv[WORDS_MAX];
    int operands;
    assert_true(parse("--jobs 2 --jobs 3 --out= --out=a=b", &s, argv, &operands, &err));
    assert_int_equal(s.jobs, 3);
    assert_string_equal(s.out, "a=b");
}

static void a_wrong_line_is_a_usage_error_that_says_why(void **state) {
    (void)state;
    static const struct {
        const char *line;
        const char *text;
    } cases[] = {
        {"--jbos 2", "unknown option --jbos; did you mean --jobs?"},
        {"--tracee=x", "unknown option --tracee; did you mean --trace?"},
        {"--frobnicate", "unknown option --frobnicate"},
        {"-j 2",
         "unknown option -j; options begin with two dashes; write -- before an operand that begins with one"},
        {"--jobs", "--jobs: expected a value (N)"},
        {"--out --json", "--out: expected a value (DIR); write --out=--json if that is the value"},
        {"--json=yes", "--json: takes no value, got \"yes\""},
        {"--jobs 0", "--jobs: expected an integer from 1 to 256, got \"0\""},
        {"--jobs 257", "--jobs: expected an integer from 1 to 256, got \"257\""},
        {"--jobs 2.5", "--jobs: expected an integer from 1 to 256, got \"2.5\""},
        {"--jobs=", "--jobs: expected an integer from 1 to 256, got \"\""},
        {"--seed 99999999999999999999", "--seed: expected an integer, got \"99999999999999999999\""},
        {"--seed 0x10", "--seed: expected an integer, got \"0x10\""},
        {"--window 2h", "--window: expected a duration such as 90s or 1h30m from 1s to 1h, got \"2h\""},
        {"--window fast", "--window: expected a duration such as 90s or 1h30m from 1s to 1h, got \"fast\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings s;
        struct error err;
        char *argv[WORDS_MAX];
        char text[1024];
        int operands;
        assert_false(parse(cases[i].line, &s, argv, &operands, &err));
        assert_int_equal(err.code, ERROR_USAGE);
        assert_string_equal(error_text(&err, text, sizeof text), cases[i].text);
    }
}

static void the_bounds_of_a_range_belong_to_it(void **state) {
    (void)state;
    struct settings s;
    struct error err;
    char *argv[WORDS_MAX];
    int operands;
    assert_true(parse("--jobs 1 --window 1", &s, argv, &operands, &err));
    assert_true(parse("--jobs 256 --window 1h", &s, argv, &operands, &err));
    assert_true(parse("--seed -9223372036854775808", &s, argv, &operands, &err));
    assert_int_equal(s.seed, INT64_MIN);
}

static void help_aligns_sentences_and_wraps_them(void **state) {
    (void)state;
    struct capture c;
    capture_begin(&c, stdout);
    option_print_help(rows);
    assert_string_equal(
        capture_end(&c),
        "Options:\n"
        "  --json                    Machine-readable output.\n"
        "  --no-color                No colour.\n"
        "  --out DIR                 Where the results go.\n"
        "  --trace FILE              A trace in place of the scenario's; may be given several times,\n"
        "                            and the requests of all of them are merged in the order of their\n"
        "                            arrival.\n"
        "  --jobs N                  Worker processes.\n"
        "  --seed N                  Seed.\n"
        "  --window DURATION         Length of the window.\n"
        "  --a-rather-long-option-name FRACTION\n"
        "                            A share.\n");
}

static void the_man_page_escapes_what_roff_would_obey(void **state) {
    (void)state;
    static const struct option odd[] = {
        {"no-color", OPTION_FLAG, NULL, ".start with a\\b.", 0, 0, 0, UNIT_NUMBER},
        {"out", OPTION_TEXT, "DIR", "'quoted' first.", 0, 0, 0, UNIT_NUMBER},
        OPTION_END,
    };
    struct capture c;
    capture_begin(&c, stdout);
    option_print_man(odd);
    assert_string_equal(capture_end(&c), ".TP\n\\fB\\-\\-no\\-color\\fR\n\\&.start with a\\eb.\n"
                                         ".TP\n\\fB\\-\\-out\\fR \\fIDIR\\fR\n\\&'quoted' first.\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_fills_its_field),
        cmocka_unit_test(what_is_not_given_keeps_its_default),
        cmocka_unit_test(operands_move_to_the_front_in_their_order),
        cmocka_unit_test(the_last_of_two_values_counts),
        cmocka_unit_test(a_wrong_line_is_a_usage_error_that_says_why),
        cmocka_unit_test(the_bounds_of_a_range_belong_to_it),
        cmocka_unit_test(help_aligns_sentences_and_wraps_them),
        cmocka_unit_test(the_man_page_escapes_what_roff_would_obey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
