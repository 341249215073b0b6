#include "finops/carbon.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/strbuf.h"

static struct arena arena;
static struct notices notices;
static struct carbon carbon;
static struct error err;
static char folder[32];

static const simtime hour = 3600 * SIMTIME_SECOND;

static int set_up(void **state) {
    (void)state;
    notices = (struct notices){.arena = &arena};
    err = (struct error){0};
    strcpy(folder, "/tmp/carbon_test.XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    unlink(path_join(&arena, folder, "grid.csv"));
    rmdir(folder);
    arena_free(&arena);
    return 0;
}

static bool load(const char *text) {
    struct yaml_file file;
    assert_true(yaml_parse("s.yaml", text, strlen(text), &arena, &file, &err));
    return carbon_load(file.documents[0], folder, &arena, &carbon, &notices, &err);
}

/* 100, 200, 300 g/kWh from midnight on, an hour each. */
static const char three_hours[] = "time_utc,g_co2e_per_kwh\n"
                                  "2020-06-01 00:00:00,100\n"
                                  "2020-06-01 01:00:00,200\n"
                                  "2020-06-01 02:00:00,300\n";

static void write_series(const char *text) {
    assert_true(file_write(path_join(&arena, folder, "grid.csv"), text, strlen(text), &err));
}

static void near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected) + 1e-15)) {
        print_message("%.12g is not %.12g\n", value, expected);
        fail();
    }
}

static bool noticed(const char *part) {
    for (size_t i = 0; i < notices.count; i++) {
        if (strstr(notices.items[i].text, part) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- what the scenario says ---- */

static void a_number_is_an_intensity(void **state) {
    (void)state;
    assert_true(load("380"));
    assert_true(carbon.has_intensity && carbon.energy.pue == 1.135);
    near(carbon_intensity(&carbon, "anywhere", 0, hour), 380);
}

static void without_the_key_there_is_energy_and_no_carbon(void **state) {
    (void)state;
    assert_true(carbon_load(NULL, NULL, &arena, &carbon, &notices, &err));
    assert_true(!carbon.has_intensity && carbon.energy.memory_w_per_gb == 0.392);
    near(carbon_intensity(&carbon, NULL, 0, hour), 0);
    carbon_check(&carbon, NULL, 0, (const char *const[]){"r"}, 1, hour, &notices);
    assert_int_equal(notices.count, 0);
}

static void regions_have_their_own(void **state) {
    (void)state;
    write_series(three_hours);
    assert_true(
        load("{intensity: 380, regions: [{region: fr, intensity: 50}, {region: gb, series: grid.csv}]}"));
    near(carbon_intensity(&carbon, "fr", 0, hour), 50);
    near(carbon_intensity(&carbon, "gb", 0, hour), 100);
    near(carbon_intensity(&carbon, "us", 0, hour), 380);
    near(carbon_intensity(&carbon, NULL, 0, hour), 380);
}

static void mistakes_are_told_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{pue: 1.1}", "expected intensity, series or regions"},
        {"{intensity: -1}", "expected a number such as 12, 0.5 or 1e3, from 0 to 10000, found \"-1\""},
        {"-1", "expected a number such as 12, 0.5 or 1e3, from 0 to 10000, found \"-1\""},
        {"[1]", "expected a mapping, found a list"},
        {"{intensity: 1, pue: 0.9}", "expected a number such as 12, 0.5 or 1e3, from 1 to 10, found \"0.9\""},
        {"{intensity: 1, series: grid.csv}", "expected either intensity or series, found both"},
        {"{intensity: 1, start: 1h}", "is where the run begins in a series, and there is none"},
        {"{intensity: 1, embodied: 3}", "unknown key"},
        {"{regions: [{region: r}]}", "expected intensity or series of region r"},
        {"{regions: [{region: r, intensity: 1}, {region: r, intensity: 2}]}", "r is there twice"},
        {"{intensity: 1, gpus: [{gpu: X, idle: 1, low: 3, high: 2}]}", "expected at most high, 2 W"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        err = (struct error){0};
        assert_false(load(cases[i].text));
        assert_string_equal(err.expected, cases[i].expected);
        assert_true(err.line == 1 && err.column >= 1);
    }
}

static void a_series_that_is_not_there_is_an_error(void **state) {
    (void)state;
    assert_false(load("{series: none.csv}"));
    assert_non_null(strstr(err.expected, "there is no file"));
    assert_string_equal(err.field, "spec.carbon.series");
}

/* ---- series ---- */

static void a_series_is_averaged_over_time(void **state) {
    (void)state;
    write_series(three_hours);
    assert_true(load("{series: grid.csv}"));
    near(carbon_intensity(&carbon, NULL, 0, hour), 100);
    near(carbon_intensity(&carbon, NULL, hour / 2, 3 * hour / 2), 150);
    near(carbon_intensity(&carbon, NULL, 0, 3 * hour), 200);
    near(carbon_intensity(&carbon, NULL, hour, hour), 200);
    assert_int_equal(notices.count, 0);
}

static void a_run_may_begin_anywhere_in_a_series(void **state) {
    (void)state;
    write_series(three_hours);
    assert_true(load("{series: grid.csv, start: 2020-06-01T01:00}"));
    near(carbon_intensity(&carbon, NULL, 0, hour), 200);
    assert_true(load("{series: grid.csv, start: 90m}"));
    near(carbon_intensity(&carbon, NULL, 0, hour), 250);
    assert_false(load("{series: grid.csv, start: 4h}"));
    err = (struct error){0};
    assert_false(load("{series: grid.csv, start: yesterday}"));
    assert_string_equal(err.field, "start");
}

static void ends_are_held_and_said(void **state) {
    (void)state;
    write_series(three_hours);
    assert_true(load("{series: grid.csv, start: 2020-05-31T23:00}"));
    near(carbon_intensity(&carbon, NULL, 0, 2 * hour), 100);
    near(carbon_intensity(&carbon, NULL, 4 * hour, 9 * hour), 300);
    carbon_check(&carbon, NULL, 0, (const char *const[]){"r"}, 1, 4 * hour, &notices);
    assert_int_equal(notices.count, 1);
    assert_true(noticed("begins 1.0 h after the run: its first value is held"));
    carbon_check(&carbon, NULL, 0, (const char *const[]){"r"}, 1, 6 * hour, &notices);
    assert_true(noticed("ends 2.0 h before the run: its last value is held"));
}

static void gaps_are_held_and_said(void **state) {
    (void)state;
    write_series("time_utc,g_co2e_per_kwh\n"
                 "2020-06-01 00:00:00,100\n"
                 "2020-06-01 00:30:00,200\n"
                 "2020-06-01 01:00:00,\n"
                 "2020-06-01 01:30:00,300\n"
                 "2020-06-01 02:00:00,300\n"
                 "2020-06-01 02:30:00,300\n"
                 "2020-06-01 05:00:00,300\n");
    assert_true(load("{series: grid.csv}"));
    near(carbon_intensity(&carbon, NULL, hour, 3 * hour / 2), 200);
    assert_int_equal(notices.count, 1);
    assert_true(noticed("has 2 gaps, the longest of 2h30m: the last value before a gap is held"));
    assert_int_equal(notices.items[0].level, NOTICE_WARNING);
}

static void a_broken_series_is_told_with_its_line(void **state) {
    (void)state;
    static const struct {
        const char *row;
        int line;
    } cases[] = {{"2020-06-01 02:00:00,-3\n", 3},   {"2020-06-01 02:00:00,NaN\n", 3},
                 {"2020-06-01 02:00:00,many\n", 3}, {"2020-06-01 00:00:00,3\n", 3},
                 {"2020-05-31 00:00:00,3\n", 3},    {"yesterday,3\n", 3},
                 {"2020-06-01 02:00:00\n", 3},      {"2020-06-01 02:00:00,99999\n", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_series(
            arena_printf(&arena, "time_utc,g_co2e_per_kwh\n2020-06-01 00:00:00,1\n%s", cases[i].row));
        err = (struct error){0};
        assert_false(load("{series: grid.csv}"));
        assert_int_equal(err.line, cases[i].line);
        assert_true(str_ends_with(err.file, "grid.csv"));
    }
    write_series("time_utc,g_co2e_per_kwh\n");
    err = (struct error){0};
    assert_false(load("{series: grid.csv}"));
    write_series("time,g\n1,2\n");
    err = (struct error){0};
    assert_false(load("{series: grid.csv}"));
    assert_string_equal(err.expected, "expected the columns time_utc and g_co2e_per_kwh");
}

static void public_series_are_read(void **state) {
    (void)state;
    const char *data = getenv("DATA");
    const char *file =
        path_join(&arena, data != NULL ? data : "../shared", "traces/carbon/ger_2020-06_2020-07.csv.gz");
    if (!file_exists(file)) {
        print_message("no %s\n", file);
        skip();
    }
    char *absolute = realpath(file, NULL);
    assert_true(load(arena_printf(&arena, "{series: %s}", absolute)));
    free(absolute);
    assert_int_equal(carbon.everywhere.series.count, 5856);
    near(carbon_intensity(&carbon, NULL, 0, hour / 2), (170.32 + 171.38) / 2);
}

/* ---- what is not known ---- */

static void a_gpu_without_a_curve_is_said(void **state) {
    (void)state;
    assert_true(load("380"));
    carbon_check(&carbon, (const char *const[]){"MI300X", NULL, "H100", "MI300X"}, 4, NULL, 0, hour,
                 &notices);
    assert_int_equal(notices.count, 1);
    assert_true(noticed("no power curve is known of GPU MI300X: its energy counts as 0"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_number_is_an_intensity),
        TEST(without_the_key_there_is_energy_and_no_carbon),
        TEST(regions_have_their_own),
        TEST(mistakes_are_told_with_their_place),
        TEST(a_series_that_is_not_there_is_an_error),
        TEST(a_series_is_averaged_over_time),
        TEST(a_run_may_begin_anywhere_in_a_series),
        TEST(ends_are_held_and_said),
        TEST(gaps_are_held_and_said),
        TEST(a_broken_series_is_told_with_its_line),
        TEST(public_series_are_read),
        TEST(a_gpu_without_a_curve_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
