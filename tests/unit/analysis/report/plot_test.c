#define _GNU_SOURCE /* setenv */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/report/plot.h"
#include "analysis/report/svg_style.h"

static bool has_gnuplot(void) {
    struct error err = {0};
    return plot_available(&err);
}

static void texts_are_quoted_so_that_gnuplot_expands_nothing(void **state) {
    (void)state;
    struct strbuf input = {0};
    plot_string(&input, "title_1", "it's `id` \"x\" \\n\n@home $HOME");
    assert_string_equal(input.text, "title_1 = 'it''s `id` \"x\" \\n @home $HOME'\n");
    strbuf_free(&input);
}

static void what_is_no_number_is_a_gap(void **state) {
    (void)state;
    struct strbuf input = {0};
    plot_block_begin(&input, "line");
    plot_row(&input, (double[]){0.5, NAN, 1e-9}, 3);
    plot_row(&input, (double[]){1, INFINITY, -2}, 3);
    plot_block_end(&input);
    plot_number(&input, "limit", NAN);
    assert_string_equal(input.text, "$line << EOD\n0.5 NaN 1e-09\n1 NaN -2\nEOD\nlimit = NaN\n");
    strbuf_free(&input);
}

/* The input of services.gp with one panel of a given title. */
static void make_input(struct strbuf *input, const char *title) {
    static const struct {
        const char *name;
        double value;
    } numbers[] = {{"width", 600}, {"height", 300},    {"columns", 1},       {"rows", 1},
                   {"panels", 1},  {"legend_rows", 1}, {"legend_cell", 118}, {"x_max", 2},
                   {"y_max", 3},   {"limit_1", 2.5},   {"is_promised", 1}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        plot_number(input, numbers[i].name, numbers[i].value);
    }
    plot_string(input, "time_unit", "minutes");
    plot_string(input, "y_label", "seconds");
    plot_string(input, "title_1", title);
    plot_block_begin(input, "service_1");
    plot_row(input, (double[]){0, 1}, 2);
    plot_row(input, (double[]){1, 2}, 2);
    plot_block_end(input);
}

static bool draw(const char *title, struct strbuf *svg, struct error *err) {
    struct plot_job job;
    struct strbuf input = {0};
    make_input(&input, title);
    bool done = plot_start(&job, "services", &input, err) && plot_finish(&job, svg, err);
    strbuf_free(&input);
    return done;
}

static void a_hostile_title_is_drawn_as_it_is(void **state) {
    (void)state;
    if (!has_gnuplot()) {
        skip();
    }
    struct error err = {0};
    struct strbuf svg = {0};
    assert_true(draw("a_b^{x} `touch /tmp/x` <b> & \"q\" it's \\ %d $x", &svg, &err));
    assert_non_null(strstr(svg.text, "a_b^{x} `touch /tmp/x` &lt;b"));
    assert_null(strstr(svg.text, "<b>"));
    assert_non_null(strstr(svg.text, "&amp;"));
    strbuf_free(&svg);
}

static void the_same_input_gives_the_same_bytes_and_no_maker_nor_date(void **state) {
    (void)state;
    if (!has_gnuplot()) {
        skip();
    }
    struct error err = {0};
    struct strbuf one = {0};
    struct strbuf two = {0};
    setenv("GNUTERM", "dumb", 1); /* the user's settings have no say */
    assert_true(draw("x", &one, &err) && draw("x", &two, &err));
    unsetenv("GNUTERM");
    assert_string_equal(one.text, two.text);
    assert_null(strstr(one.text, "Produced by"));
    assert_null(strstr(one.text, "<script"));
    assert_non_null(strstr(one.text, "prefers-color-scheme:dark"));
    strbuf_free(&one);
    strbuf_free(&two);
}

static void an_input_that_gnuplot_refuses_names_the_figure(void **state) {
    (void)state;
    if (!has_gnuplot()) {
        skip();
    }
    struct error err = {0};
    struct plot_job job;
    struct strbuf svg = {0};
    struct strbuf input = {0};
    strbuf_append(&input, "width = nonsense(\n");
    assert_true(plot_start(&job, "services", &input, &err));
    assert_false(plot_finish(&job, &svg, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_non_null(strstr(err.expected, "services"));
    assert_int_equal(svg.length, 0);
    strbuf_free(&input);
}

static void without_gnuplot_the_message_names_the_package(void **state) {
    (void)state;
    struct error err = {0};
    const char *path = getenv("PATH");
    char *kept = path ? strdup(path) : NULL;
    setenv("PATH", "/nonexistent", 1);
    assert_false(plot_available(&err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_non_null(strstr(err.hint, "gnuplot-nox"));
    if (kept) {
        setenv("PATH", kept, 1);
        free(kept);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_quoted_so_that_gnuplot_expands_nothing),
        cmocka_unit_test(what_is_no_number_is_a_gap),
        cmocka_unit_test(a_hostile_title_is_drawn_as_it_is),
        cmocka_unit_test(the_same_input_gives_the_same_bytes_and_no_maker_nor_date),
        cmocka_unit_test(an_input_that_gnuplot_refuses_names_the_figure),
        cmocka_unit_test(without_gnuplot_the_message_names_the_package),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
