/* How latencies are distributed over requests: a panel a latency, a line a result. Who was turned away counts
 * as infinitely late, so that a curve may end below 100 %. */
#include <math.h>
#include <string.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"
#include "base/cell.h"

enum { CURVE_POINTS = 160 };

static const double log_axis_from = 25; /* ratio of p99.9 to p1 */
static const double ms_up_to_s = 2;     /* the axis is in milliseconds below */
static const double upper_share = 0.999;
static const double lower_share = 0.01;
static const double default_share = 0.95; /* of the sentence, where nothing is promised */

static const struct latency {
    enum distribution_metric of;
    const char *metric, *name, *title;
} latencies[] = {
    {DISTRIBUTION_TTFT, "latency.ttft_s", "TTFT", "Time to first token (TTFT)"},
    {DISTRIBUTION_TPOT, "latency.tpot_s", "TPOT", "Time per output token (TPOT)"},
    {DISTRIBUTION_E2E, "latency.e2e_s", "E2E", "To the last token (E2E)"},
};

struct promise {
    bool there;
    double limit_s, share; /* p95: 0.95 */
    const char *statistic;
};

/* A statistic that is a percentile; what is promised of the mean is no line on a distribution. */
static bool share_of(const char *statistic, double *share) {
    double digits;
    char *end;
    if (statistic[0] != 'p') {
        return false;
    }
    digits = number_read(statistic + 1, &end);
    *share = digits / pow(10, (double)(end - statistic - 1)); /* p95, p999 */
    return end > statistic + 1 && *end == '\0' && *share > 0 && *share < 1;
}

static struct promise promise_of(const struct view *view, const struct latency *l) {
    struct promise p = {0};
    for (size_t i = 0; i < view->count && !p.there; i++) {
        p.there = panel_objective(&view->panels[i], l->metric, &p.statistic, &p.limit_s) &&
                  share_of(p.statistic, &p.share);
    }
    return p;
}

static const struct distribution *distribution_at(const struct view *view, size_t i) {
    return distribution_of(&view->panels[i].source->distributions, view->panels[i].service);
}

static bool has_values(const struct view *view, const struct latency *l) {
    for (size_t i = 0; i < view->count; i++) {
        const struct distribution *of = distribution_at(view, i);
        if (of && of->values[l->of].n > 0) {
            return true;
        }
    }
    return false;
}

/* The whole wait is shown where something is promised of it, or where nothing else is known. */
static bool is_shown(const struct view *view, const struct latency *l) {
    bool other = has_values(view, &latencies[0]) && has_values(view, &latencies[1]);
    return has_values(view, l) && (l->of != DISTRIBUTION_E2E || !other || promise_of(view, l).there);
}

/* ---- data ---- */

struct range {
    double low, high;
};

static struct range range_of(const struct view *view, const struct latency *l,
                             const struct promise *promise) {
    struct range r = {INFINITY, 0};
    for (size_t i = 0; i < view->count; i++) {
        const struct distribution *of = distribution_at(view, i);
        if (of && of->values[l->of].n > 0) {
            const struct histogram *h = &of->values[l->of];
            r.low = fmin(r.low, histogram_quantile(h, lower_share, 0));
            r.high = fmax(r.high, histogram_quantile(h, upper_share, 0));
        }
    }
    if (promise->there) {
        r.high = fmax(r.high, 1.2 * promise->limit_s);
    }
    return r;
}

static void append_curves(struct drawing *d, const struct view *view, const struct latency *l, size_t panel,
                          double unit_s) {
    struct distribution_point points[CURVE_POINTS];
    for (size_t i = 0; i < view->count; i++) {
        const struct distribution *of = distribution_at(view, i);
        size_t n = of ? distribution_curve(&of->values[l->of], of->never[l->of], points, CURVE_POINTS) : 0;
        plot_block_begin(&d->input, arena_printf(d->arena, "curve_%zu_%zu", panel, i + 1));
        for (size_t k = 0; k < n; k++) {
            plot_row(&d->input, (double[]){points[k].value / unit_s, 100 * points[k].share}, 2);
        }
        if (n == 0) {
            plot_row(&d->input, (double[]){NAN, NAN}, 2);
        }
        plot_block_end(&d->input);
    }
}

static void append_panel(struct drawing *d, const struct view *view, const struct latency *l, size_t panel) {
    struct promise promise = promise_of(view, l);
    struct range range = range_of(view, l, &promise);
    double unit_s = range.high < ms_up_to_s ? 1e-3 : 1;
    bool logarithmic = range.low > 0 && range.high > log_axis_from * range.low;
    struct arena *a = d->arena;
    append_curves(d, view, l, panel, unit_s);
    plot_number(&d->input, arena_printf(a, "limit_%zu", panel),
                promise.there ? promise.limit_s / unit_s : NAN);
    plot_number(&d->input, arena_printf(a, "share_%zu", panel), promise.there ? 100 * promise.share : NAN);
    plot_number(&d->input, arena_printf(a, "is_log_%zu", panel), logarithmic);
    plot_number(&d->input, arena_printf(a, "x_low_%zu", panel), logarithmic ? 0.9 * range.low / unit_s : 0);
    plot_number(&d->input, arena_printf(a, "x_high_%zu", panel), 1.02 * fmax(range.high, 1e-6) / unit_s);
    plot_string(&d->input, arena_printf(a, "x_label_%zu", panel),
                arena_printf(a, "%s, %s%s", l->name, unit_s < 1 ? "milliseconds" : "seconds",
                             logarithmic ? " (logarithmic)" : ""));
}

/* ---- words ---- */

static bool is_reached(const struct view *view, const struct latency *l, double share) {
    const struct distribution *of = distribution_at(view, 0);
    return !of || of->values[l->of].n + of->never[l->of] == 0 ||
           isfinite(histogram_quantile(&of->values[l->of], share, of->never[l->of]));
}

static const char *quantile_text(struct drawing *d, const struct view *view, const struct latency *l,
                                 size_t i, double share) {
    const struct distribution *of = distribution_at(view, i);
    if (!of || of->values[l->of].n + of->never[l->of] == 0) {
        return "n/a";
    }
    return say_latency(d->arena, histogram_quantile(&of->values[l->of], share, of->never[l->of]));
}

static void find(struct drawing *d, const struct view *view, const struct latency *l) {
    struct promise promise = promise_of(view, l);
    double share = promise.there ? promise.share : default_share;
    const char *percent = say_percent(d->arena, share);
    const char *token = l->of == DISTRIBUTION_TTFT ? "first token" : "last token";
    if (view->count == 1 && !is_reached(view, l, share)) {
        strbuf_printf(&d->finding, "Fewer than %s of requests ever had their %s", percent, token);
    } else if (view->count == 1) {
        strbuf_printf(&d->finding, "%s of requests had their %s within %s", percent, token,
                      quantile_text(d, view, l, 0, share));
    }
    for (size_t i = 0; i < view->count && view->count > 1; i++) {
        drawing_compare(d, view, i,
                        arena_printf(d->arena, "%s of requests had their %s within", percent, token),
                        quantile_text(d, view, l, i, share));
    }
    if (promise.there) {
        strbuf_printf(&d->finding, " (objective: %s)", say_promised(d->arena, l->metric, promise.limit_s));
    }
}

static void describe(struct drawing *d, const struct view *view, const struct latency *l) {
    struct promise promise = promise_of(view, l);
    for (size_t i = 0; i < view->count; i++) {
        drawing_say(&d->alt, view, i,
                    arena_printf(d->arena, "%s p50 %s, p90 %s, p95 %s, p99 %s", l->name,
                                 quantile_text(d, view, l, i, 0.5), quantile_text(d, view, l, i, 0.9),
                                 quantile_text(d, view, l, i, 0.95), quantile_text(d, view, l, i, 0.99)));
    }
    if (promise.there) {
        strbuf_printf(&d->alt, "; the objective is a line at %s for %s of requests",
                      say_promised(d->arena, l->metric, promise.limit_s),
                      say_percent(d->arena, promise.share));
    }
}

static void append_legend(struct drawing *d, const struct view *view, bool promised) {
    bool several = view->count > 1;
    plot_number(&d->input, "lines", (double)view->count);
    for (size_t i = 0; i < view->count; i++) {
        const char *name = several ? view->panels[i].title : "requests";
        size_t characters = cell_width(name);
        plot_string(&d->input, arena_printf(d->arena, "line_%zu", i + 1), name);
        d->legend_characters = characters > d->legend_characters ? characters : d->legend_characters;
    }
    plot_number(&d->input, "is_promised", promised);
    d->legend = view->count + promised;
}

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    (void)err;
    bool promised = false;
    d->titles = arena_array(d->arena, sizeof latencies / sizeof *latencies, sizeof *d->titles);
    for (size_t k = 0; k < sizeof latencies / sizeof *latencies; k++) {
        const struct latency *l = &latencies[k];
        if (!is_shown(view, l)) {
            continue;
        }
        if (d->panels == 0 && l->of != DISTRIBUTION_TPOT) {
            find(d, view, l);
        }
        d->titles[d->panels++] = l->title;
        append_panel(d, view, l, d->panels);
        describe(d, view, l);
        promised = promised || promise_of(view, l).there;
    }
    if (d->panels == 0) {
        strbuf_append(&d->finding, "Latencies are not drawn: no request was completed after the warm-up.");
        return true;
    }
    plot_string(&d->input, "y_label", "% of requests");
    append_legend(d, view, promised);
    if (promised) {
        strbuf_append(&d->note,
                      "An objective is kept where the curve passes above the crossing of its lines.");
    }
    return true;
}

const struct figure figure_cdf = {.script = "cdf", .draw = draw};
