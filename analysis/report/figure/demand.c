/* What arrived, and how much of it was served as promised. */
#include <math.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"

enum { ARRIVALS, GOODPUT, FAILURES, LINES };
enum { POINTS_LEAST = 20 };

static const double requests_a_point = 10;

static const struct line_of wanted[LINES] = {
    {"arrivals_per_s", THIN_MEAN}, {"goodput_per_s", THIN_MEAN}, {"failures_per_s", THIN_MEAN}};

static const struct number_column numbers[LINES] = {
    {"arrivals, 1/s", THIN_MEAN, 1}, {"goodput, 1/s", THIN_MEAN, 1}, {"failures, 1/s", THIN_MEAN, 1}};

static const char *rate(struct drawing *d, double per_s) {
    return arena_printf(d->arena, "%s/s", say_number(d->arena, per_s));
}

/* The share of the whole run, since a series has no goodput during the warm-up. */
static const char *served(struct drawing *d, const struct panel *p) {
    double attainment = panel_number(p, "slo.attainment");
    double completed = panel_number(p, "requests.completed") / panel_number(p, "requests.arrived");
    return say_percent(d->arena, isnan(attainment) ? completed : attainment);
}

static bool find(struct drawing *d, const struct view *view, size_t i, struct error *err) {
    const struct panel *p = &view->panels[i];
    bool promised = !isnan(panel_number(p, "slo.attainment"));
    struct busiest b;
    if (view->count > 1) {
        drawing_compare(d, view, i, promised ? "Served as promised" : "Completed", served(d, p));
        return true;
    }
    if (!panel_busiest(view, p, "arrivals_per_s", &b, err)) {
        return false;
    }
    const char *busiest = b.window_s == 60
                              ? "busiest minute"
                              : arena_printf(d->arena, "busiest %s", say_span(d->arena, b.window_s));
    strbuf_printf(&d->finding, "Traffic averaged %s, in its %s %s (%s); %s of it was %s", rate(d, b.mean),
                  busiest, rate(d, b.high), drawing_moment(d, b.high_at_s), served(d, p),
                  promised ? "served as promised" : "completed");
    return true;
}

static void describe(struct drawing *d, const struct view *view, size_t i, const struct line *l) {
    const struct line *f = &l[FAILURES];
    const char *failures = f->count && f->high > 0
                               ? arena_printf(d->arena, "failures up to %s %s", rate(d, f->high),
                                              drawing_moment(d, f->high_at_s))
                               : "no failures";
    drawing_say(&d->alt, view, i,
                arena_printf(d->arena, "over %s, arrivals between %s and %s, goodput between %s and %s, %s",
                             say_span(d->arena, l->end_s), rate(d, l[ARRIVALS].low),
                             rate(d, l[ARRIVALS].high), rate(d, l[GOODPUT].low), rate(d, l[GOODPUT].high),
                             failures));
}

/* So many points that each stands for some requests: a rate of single ones is noise. */
static struct line *read_lines(const struct view *view, struct error *err) {
    struct view smooth = *view;
    double most = 0;
    for (size_t i = 0; i < view->count; i++) {
        most = fmax(most, panel_number(&view->panels[i], "requests.arrived") / requests_a_point);
    }
    smooth.points_most = (size_t)fmin((double)view->points_most, fmax(most, POINTS_LEAST));
    return view_lines(&smooth, wanted, LINES, err);
}

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    struct line *lines = read_lines(view, err);
    if (!lines) {
        return false;
    }
    size_t n = view->count * LINES;
    if (lines_high(lines, n) == 0) {
        strbuf_append(&d->finding, "Arrivals are not drawn: no request arrived.");
        return true;
    }
    bool failures = false;
    for (size_t i = FAILURES; i < n; i += LINES) {
        failures = failures || (lines[i].count && lines[i].high > 0);
    }
    drawing_panels(d, view);
    d->legend = failures ? 3 : 2;
    double unit_s = drawing_time_axis(d, lines_end_s(lines, n));
    plot_string(&d->input, "y_label", "requests a second");
    plot_number(&d->input, "y_max", 1.05 * fmax(lines_drawn_high(lines, n), 1e-3));
    plot_number(&d->input, "has_failures", failures);
    for (size_t i = 0; i < view->count; i++) {
        drawing_numbers(d, view, i, numbers, &lines[i * LINES], LINES);
        drawing_lines(d, "demand", i, unit_s, &lines[i * LINES], LINES);
        if (!find(d, view, i, err)) {
            return false;
        }
        describe(d, view, i, &lines[i * LINES]);
    }
    return true;
}

const struct figure figure_demand = {.script = "demand",
                                     .needs = "arrivals_per_s",
                                     .absent =
                                         "Arrivals and goodput over time are not drawn: the result holds "
                                         "no time series.",
                                     .draw = draw};
