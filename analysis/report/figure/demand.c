/* What arrived, and how much of it was served as promised. */
#include <math.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"

enum { ARRIVALS, GOODPUT, FAILURES, LINES };

static const struct line_of wanted[LINES] = {
    {"arrivals_per_s", THIN_MEAN}, {"goodput_per_s", THIN_MEAN}, {"failures_per_s", THIN_MEAN}};

static const char *rate(struct drawing *d, double per_s) {
    return arena_printf(d->arena, "%s/s", say_number(d->arena, per_s));
}

/* The share of the whole run, since a series has no goodput during the warm-up. */
static const char *served(struct drawing *d, const struct panel *p) {
    double attainment = panel_number(p, "slo.attainment");
    double completed = panel_number(p, "requests.completed") / panel_number(p, "requests.arrived");
    return say_percent(d->arena, isnan(attainment) ? completed : attainment);
}

static void find(struct drawing *d, const struct view *view, size_t i, const struct line *l) {
    const struct panel *p = &view->panels[i];
    bool promised = !isnan(panel_number(p, "slo.attainment"));
    const char *what = promised ? "served as promised" : "completed";
    if (view->count > 1) {
        drawing_compare(d, view, i, promised ? "Served as promised" : "Completed", served(d, p));
        return;
    }
    strbuf_printf(&d->finding, "Traffic averaged %s and peaked at %s %s; %s of it was %s",
                  rate(d, l[ARRIVALS].mean), rate(d, l[ARRIVALS].high),
                  drawing_moment(d, l[ARRIVALS].high_at_s), served(d, p), what);
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

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    struct line *lines = view_lines(view, wanted, LINES, err);
    if (!lines) {
        return false;
    }
    size_t n = view->count * LINES;
    bool failures = false;
    for (size_t i = FAILURES; i < n; i += LINES) {
        failures = failures || (lines[i].count && lines[i].high > 0);
    }
    drawing_panels(d, view);
    d->legend = failures ? 3 : 2;
    double unit_s = drawing_time_axis(d, lines_end_s(lines, n));
    plot_string(&d->input, "y_label", "requests a second");
    plot_number(&d->input, "y_max", 1.05 * fmax(lines_high(lines, n), 1e-3));
    plot_number(&d->input, "has_failures", failures);
    for (size_t i = 0; i < view->count; i++) {
        drawing_lines(d, "demand", i, unit_s, &lines[i * LINES], LINES);
        find(d, view, i, &lines[i * LINES]);
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
