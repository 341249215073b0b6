/* All services at a glance: what each promises of its first token, and whether it kept it over time. */
#include <math.h>
#include <string.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"

static const struct line_of wanted[] = {{"ttft_s_p95", THIN_MOST}};
static const double ms_up_to_s = 2;

static double limit_of(const struct panel *p) {
    const char *statistic;
    double limit;
    bool there = panel_objective(p, "latency.ttft_s", &statistic, &limit) && strcmp(statistic, "p95") == 0;
    return there ? limit : NAN;
}

static bool find(struct drawing *d, const struct view *view, const struct line *lines, struct error *err) {
    size_t promised = 0;
    size_t kept = 0;
    size_t slowest = 0;
    for (size_t i = 0; i < view->count; i++) {
        double limit = limit_of(&view->panels[i]);
        promised += isnan(limit) ? 0 : 1;
        double share = NAN;
        if (!isnan(limit) &&
            !panel_share_within(view, &view->panels[i], wanted->metric, limit, &share, err)) {
            return false;
        }
        kept += share == 1 && panel_failures(&view->panels[i]) == 0;
        slowest = lines[i].high > lines[slowest].high ? i : slowest;
    }
    if (promised) {
        strbuf_printf(&d->finding,
                      "%zu of %zu services kept p95 TTFT within their objective in every window and failed "
                      "no request; ",
                      kept, promised);
    }
    strbuf_printf(&d->finding, "%sslowest: %s with %s %s", promised ? "" : "p95 TTFT by service, ",
                  view->panels[slowest].title, say_latency(d->arena, lines[slowest].high),
                  drawing_moment(d, lines[slowest].high_at_s));
    return true;
}

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    struct line *lines = view_lines(view, wanted, 1, err);
    if (!lines) {
        return false;
    }
    double high = lines_high(lines, view->count);
    bool promised = false;
    drawing_panels(d, view);
    double unit_s = high < ms_up_to_s ? 1e-3 : 1;
    double time_s = drawing_time_axis(d, lines_end_s(lines, view->count));
    if (!find(d, view, lines, err)) {
        return false;
    }
    for (size_t i = 0; i < view->count; i++) {
        double limit = limit_of(&view->panels[i]);
        promised = promised || !isnan(limit);
        high = isnan(limit) ? high : fmax(high, limit);
        drawing_say(&d->alt, view, i,
                    arena_printf(d->arena, "p95 TTFT between %s and %s%s",
                                 say_latency(d->arena, lines[i].low), say_latency(d->arena, lines[i].high),
                                 isnan(limit) ? ""
                                              : arena_printf(d->arena, ", objective %s",
                                                             say_promised(d->arena, "latency_s", limit))));
        plot_number(&d->input, arena_printf(d->arena, "limit_%zu", i + 1), limit / unit_s);
        const struct number_column column = {unit_s < 1 ? "worst p95 TTFT, ms" : "worst p95 TTFT, s",
                                             THIN_MOST, unit_s};
        drawing_numbers(d, view, i, &column, &lines[i], 1);
        for (size_t k = 0; k < lines[i].count; k++) {
            lines[i].v[k] /= unit_s;
        }
        drawing_lines(d, "service", i, time_s, &lines[i], 1);
    }
    d->legend = promised ? 2 : 1;
    plot_string(&d->input, "y_label", unit_s < 1 ? "milliseconds" : "seconds");
    plot_number(&d->input, "y_max", 1.08 * fmax(high, 1e-6) / unit_s);
    plot_number(&d->input, "is_promised", promised);
    return true;
}

const struct figure figure_services = {
    .script = "services",
    .needs = "ttft_s_p95",
    .absent = "Services are not compared over time: the result holds no such time series.",
    .draw = draw};
