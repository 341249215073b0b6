#include "config/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/file.h"

static struct arena arena;
static char path[64];
static struct csv csv;
static struct error err;

static int set_up(void **state) {
    (void)state;
    err = (struct error){0};
    snprintf(path, sizeof path, "/tmp/csv_test.XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state) {
    (void)state;
    unlink(path);
    arena_free(&arena);
    return 0;
}

static bool opens(const char *text) {
    assert_true(file_write(path, text, strlen(text), &err));
    return csv_open(&csv, path, &arena, &err);
}

static void rows_follow_a_header(void **state) {
    (void)state;
    assert_true(opens("# seen 2026-07-20\n\na,b\r\n1,two\r\n# between\n\n3,\n"));
    assert_string_equal(csv.comment, "seen 2026-07-20");
    assert_int_equal(csv_column(&csv, "b"), 1);
    assert_int_equal(csv_column(&csv, "c"), -1);
    assert_int_equal(csv_next(&csv, &err), 1);
    assert_string_equal(csv_cell(&csv, 0), "1");
    assert_string_equal(csv_cell(&csv, 1), "two");
    assert_string_equal(csv_cell(&csv, -1), "");
    assert_int_equal(csv_next(&csv, &err), 1);
    assert_int_equal(csv.line, 7);
    assert_string_equal(csv_cell(&csv, 1), "");
    assert_int_equal(csv_next(&csv, &err), 0);
    assert_int_equal(csv_next(&csv, &err), 0);
}

static void quotes_hold_commas_and_quotes(void **state) {
    (void)state;
    assert_true(opens("a,b,c\n\"x, y\",\"say \"\"hi\"\"\",\"\"\n"));
    assert_int_equal(csv_next(&csv, &err), 1);
    assert_string_equal(csv_cell(&csv, 0), "x, y");
    assert_string_equal(csv_cell(&csv, 1), "say \"hi\"");
    assert_string_equal(csv_cell(&csv, 2), "");
}

static void an_open_quote_is_an_error(void **state) {
    (void)state;
    assert_true(opens("a,b\n\"x,y\n"));
    assert_int_equal(csv_next(&csv, &err), -1);
    assert_int_equal(err.line, 2);
}

static void another_number_of_cells_is_an_error(void **state) {
    (void)state;
    assert_true(opens("a,b\n1\n"));
    assert_int_equal(csv_next(&csv, &err), -1);
    assert_string_equal(err.expected, "expected 2 cells as in the header, found 1");
}

static void a_cell_knows_its_place(void **state) {
    (void)state;
    assert_true(opens("\xef\xbb\xbfprice,note\n12,x\n"));
    assert_int_equal(csv_next(&csv, &err), 1);
    assert_false(csv_error(&csv, 1, &err, "something else"));
    assert_true(err.line == 2 && err.column == 4);
    assert_string_equal(err.field, "note");
    assert_string_equal(err.expected, "expected something else, found \"x\"");
    assert_int_equal(csv_column(&csv, "price"), 0);
}

static void gzip_reads_as_plain_text(void **state) {
    (void)state;
    gzFile out = gzopen(path, "wb");
    for (int i = 0; i < 30000; i++) {
        gzprintf(out, i == 0 ? "n,text\n" : "%d,abcdef\n", i);
    }
    gzclose(out);
    assert_true(csv_open(&csv, path, &arena, &err));
    int rows = 0;
    while (csv_next(&csv, &err) == 1) {
        rows++;
    }
    assert_int_equal(rows, 29999);
    assert_string_equal(csv_cell(&csv, 0), "29999");
}

static void gzip_that_breaks_off_is_an_error(void **state) {
    (void)state;
    gzFile out = gzopen(path, "wb");
    for (int i = 0; i < 30000; i++) {
        gzprintf(out, "%d,%d\n", i, i * i);
    }
    gzclose(out);
    assert_int_equal(truncate(path, 5000), 0);
    assert_false(csv_open(&csv, path, &arena, &err));
    assert_string_equal(err.expected, "is damaged: its gzip data ends early or fails its check");
}

static void what_is_no_csv_file_is_an_error(void **state) {
    (void)state;
    assert_false(opens(""));
    err = (struct error){0};
    assert_false(opens("# only a comment\n"));
    err = (struct error){0};
    assert_true(file_write(path, "a,b\n1,\0\n", 8, &err));
    assert_false(csv_open(&csv, path, &arena, &err));
    err = (struct error){0};
    assert_false(csv_open(&csv, "/tmp", &arena, &err));
    err = (struct error){0};
    assert_false(csv_open(&csv, "/tmp/csv_test.there-is-none", &arena, &err));
    assert_int_equal(err.code, ERROR_INVALID);
}

static void dates_are_days_of_the_calendar(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_s;
    } good[] = {{"1970-01-01", 0},
                {"2000-02-29", 951782400},
                {"2020-06-01 00:30:00", 1590971400},
                {"2026-07-20T13:44:30Z", 1784555070},
                {"2026-07-20T13:44+00:00", 1784555040},
                {"1969-12-31 23:59:59", -1}};
    static const char *const bad[] = {
        "",           "2026",          "2026-13-01",       "2026-02-29",
        "2026-07-32", "20-07-2026",    "2026-07-20x",      "2026-07-20T",
        "2026-7-20",  "1900-02-29",    "2026-07-20T24:00", "2026-07-20T13:44+02:00",
        "2026-00-10", "2026-07-20T13", "2026/07/20"};
    int64_t unix_s;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(csv_date(good[i].text, &unix_s));
        assert_int_equal(unix_s, good[i].unix_s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(csv_date(bad[i], &unix_s));
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(rows_follow_a_header),
        TEST(quotes_hold_commas_and_quotes),
        TEST(an_open_quote_is_an_error),
        TEST(another_number_of_cells_is_an_error),
        TEST(a_cell_knows_its_place),
        TEST(gzip_reads_as_plain_text),
        TEST(gzip_that_breaks_off_is_an_error),
        TEST(what_is_no_csv_file_is_an_error),
        cmocka_unit_test(dates_are_days_of_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
