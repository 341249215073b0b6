/* Requests that are being worked on, and those that wait for it. */
#include <math.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"

enum { RUNNING, QUEUE, LINES };

static const struct line_of wanted[LINES] = {{"running", THIN_MOST}, {"queue", THIN_MOST}};

static const struct number_column numbers[LINES] = {{"running, most", THIN_MOST, 1},
                                                    {"queued, most", THIN_MOST, 1}};

/* Means over a window: with a fraction where they are few. */
static const char *say_requests(struct arena *a, double n) {
    return n < 100 ? say_number(a, n) : say_count(a, n);
}

static const double queue_worth_saying = 1; /* requests, on average over a window */

static void find(struct drawing *d, const struct view *view, size_t i, const struct line *l) {
    const char *most = say_requests(d->arena, l[QUEUE].high);
    if (view->count > 1) {
        drawing_compare(d, view, i, "Requests queued at most", most);
        return;
    }
    strbuf_printf(&d->finding, "On average over %s, at most %s request%s ran at a time, %s",
                  say_span(d->arena, l[RUNNING].interval_s), say_requests(d->arena, l[RUNNING].high),
                  say_s(l[RUNNING].high), drawing_moment(d, l[RUNNING].high_at_s));
    if (l[QUEUE].high < queue_worth_saying) {
        strbuf_append(&d->finding, "; hardly any had to queue");
    } else {
        strbuf_printf(&d->finding, "; at most %s queued, %s", most, drawing_moment(d, l[QUEUE].high_at_s));
    }
}

static void describe(struct drawing *d, const struct view *view, size_t i, const struct line *l) {
    drawing_say(
        &d->alt, view, i,
        arena_printf(d->arena,
                     "requests running between %s and %s (mean %s), queued between %s and %s (mean %s)",
                     say_number(d->arena, l[RUNNING].low), say_number(d->arena, l[RUNNING].high),
                     say_number(d->arena, l[RUNNING].mean), say_number(d->arena, l[QUEUE].low),
                     say_number(d->arena, l[QUEUE].high), say_number(d->arena, l[QUEUE].mean)));
}

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    struct line *lines = view_lines(view, wanted, LINES, err);
    if (!lines) {
        return false;
    }
    size_t n = view->count * LINES;
    if (lines_high(lines, n) == 0) {
        strbuf_append(&d->finding, "Running requests are not drawn: there were none.");
        return true;
    }
    drawing_panels(d, view);
    if (view->count > 1) {
        strbuf_printf(&d->note, "Figures are means of windows of %s.", say_span(d->arena, lines->interval_s));
    }
    d->legend = LINES;
    double unit_s = drawing_time_axis(d, lines_end_s(lines, n));
    plot_string(&d->input, "y_label", "requests");
    plot_number(&d->input, "y_max", 1.08 * fmax(lines_high(lines, n), 1));
    for (size_t i = 0; i < view->count; i++) {
        find(d, view, i, &lines[i * LINES]);
        describe(d, view, i, &lines[i * LINES]);
        drawing_numbers(d, view, i, numbers, &lines[i * LINES], LINES);
        drawing_lines(d, "load", i, unit_s, &lines[i * LINES], LINES);
    }
    return true;
}

const struct figure figure_load = {.script = "load",
                                   .needs = "queue",
                                   .absent = "Queue and running requests over time are not drawn: the result "
                                             "holds no such time series.",
                                   .draw = draw};
