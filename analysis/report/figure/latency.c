/* How long users waited, over time: the median, the percentile that is promised, and the slowest hundredth.
 */
#include <math.h>
#include <string.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"

enum { MEDIAN, JUDGED, SLOWEST, LINES };

/* Beyond this ratio of what is drawn a linear axis shows nothing of the lower part. */
static const double log_axis_from = 60;

static const double ms_up_to_s = 2; /* the axis is in milliseconds below */

struct latency {
    const char *metric; /* "ttft_s" */
    const char *name;   /* "TTFT" */
    const char *judged; /* statistic: "p95" */
    bool promised;      /* some panel has an objective on it */
};

static bool has_series(const char *statistic) {
    static const char *const known[] = {"p50", "p90", "p95", "p99"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i], statistic) == 0) {
            return true;
        }
    }
    return false;
}

/* The statistic of the first objective, where it is one that series are kept of. */
static void choose_judged(struct latency *l, const struct view *view) {
    const char *statistic;
    double limit;
    const char *metric = arena_printf(view->arena, "latency.%s", l->metric);
    l->judged = "p95";
    for (size_t i = 0; i < view->count; i++) {
        if (panel_objective(&view->panels[i], metric, &statistic, &limit) && has_series(statistic)) {
            l->judged = arena_strdup(view->arena, statistic);
            l->promised = true;
            return;
        }
    }
}

/* Of the panel, on the judged statistic; NaN when there is none. */
static double limit_of(const struct latency *l, const struct panel *p, struct arena *arena) {
    const char *statistic;
    double limit;
    const char *metric = arena_printf(arena, "latency.%s", l->metric);
    bool there = panel_objective(p, metric, &statistic, &limit) && strcmp(statistic, l->judged) == 0;
    return there ? limit : NAN;
}

static const char *windows(struct arena *a, double interval_s) {
    return interval_s == 60 ? "minutes" : arena_printf(a, "%s windows", say_span(a, interval_s));
}

/* Without an objective: the figure of the whole run, and the worst window. */
static void find_plain(struct drawing *d, const struct view *view, size_t i, const struct latency *l,
                       const struct line *judged) {
    const char *path = arena_printf(d->arena, "latency_gate.%s.%s", l->metric, l->judged);
    const char *overall = say_latency(d->arena, panel_number(&view->panels[i], path));
    const char *worst = say_latency(d->arena, judged->high);
    if (view->count > 1) {
        drawing_compare(d, view, i,
                        arena_printf(d->arena, "%s %s, and in the worst window", l->judged, l->name),
                        arena_printf(d->arena, "%s (%s)", overall, worst));
        return;
    }
    strbuf_printf(&d->finding, "%s %s was %s over the whole run; in the worst window, %s, %s", l->judged,
                  l->name, overall, drawing_moment(d, judged->high_at_s), worst);
}

static void find_promised(struct drawing *d, const struct view *view, size_t i, const struct latency *l,
                          const struct line *judged, double limit, double share) {
    const char *promise = arena_printf(d->arena, "%s %s", l->judged, l->name);
    const char *in_share = share == 1 ? "all" : say_percent(d->arena, share);
    if (view->count > 1) {
        drawing_compare(d, view, i,
                        arena_printf(d->arena, "Share of %s with %s within its objective",
                                     windows(d->arena, judged->interval_s), promise),
                        say_percent(d->arena, share));
        return;
    }
    strbuf_printf(&d->finding, "%s stayed within %s in %s of the %s; worst %s %s", promise,
                  say_promised(d->arena, "latency_s", limit), in_share, windows(d->arena, judged->interval_s),
                  say_latency(d->arena, judged->high), drawing_moment(d, judged->high_at_s));
    double failures = panel_failures(&view->panels[i]);
    if (failures > 0) {
        strbuf_printf(&d->finding, "; %s request%s failed, timed out or %s rejected",
                      say_count(d->arena, failures), say_s(failures), failures == 1 ? "was" : "were");
    }
}

static bool find(struct drawing *d, const struct view *view, size_t i, const struct latency *l,
                 const struct line *lines, struct error *err) {
    double limit = limit_of(l, &view->panels[i], d->arena);
    double share;
    if (!l->promised) {
        find_plain(d, view, i, l, &lines[JUDGED]);
    } else if (!panel_share_within(view, &view->panels[i],
                                   arena_printf(d->arena, "%s_%s", l->metric, l->judged), limit, &share,
                                   err)) {
        return false;
    } else {
        find_promised(d, view, i, l, &lines[JUDGED], limit, share);
    }
    return true;
}

static void describe(struct drawing *d, const struct view *view, size_t i, const struct latency *l,
                     const struct line *lines) {
    const char *names[LINES] = {"p50", l->judged, "p99"};
    struct strbuf text = {0};
    for (size_t k = 0; k < LINES; k++) {
        if (lines[k].count) {
            strbuf_printf(&text, "%s%s %s between %s and %s", k ? ", " : "", names[k], l->name,
                          say_latency(d->arena, lines[k].low), say_latency(d->arena, lines[k].high));
        }
    }
    double limit = limit_of(l, &view->panels[i], d->arena);
    if (!isnan(limit)) {
        strbuf_printf(&text, "; the objective is a line at %s", say_promised(d->arena, "latency_s", limit));
    }
    drawing_say(&d->alt, view, i, text.text ? text.text : "");
    strbuf_free(&text);
}

/* The axis: unit, largest value, whether logarithmic. Answers seconds a unit. */
static double set_axis(struct drawing *d, const struct view *view, const struct latency *l,
                       const struct line *lines) {
    double high = lines_high(lines, view->count * LINES);
    double low = INFINITY;
    for (size_t i = 0; i < view->count * LINES; i++) {
        low = lines[i].count && lines[i].low > 0 ? fmin(low, lines[i].low) : low;
    }
    for (size_t i = 0; i < view->count; i++) {
        double limit = limit_of(l, &view->panels[i], d->arena);
        high = isnan(limit) ? high : fmax(high, limit);
    }
    bool logarithmic = high > log_axis_from * low;
    double unit_s = high < ms_up_to_s ? 1e-3 : 1;
    plot_number(&d->input, "is_log", logarithmic);
    plot_number(&d->input, "y_min", logarithmic ? 0.8 * low / unit_s : 0);
    plot_number(&d->input, "y_max", (logarithmic ? 1.5 : 1.08) * fmax(high, 1e-6) / unit_s);
    plot_string(&d->input, "y_label",
                arena_printf(d->arena, "%s, %s%s", l->name, unit_s < 1 ? "milliseconds" : "seconds",
                             logarithmic ? " (logarithmic)" : ""));
    return unit_s;
}

static void take_numbers(struct drawing *d, const struct view *view, size_t i, const struct latency *l,
                         const struct line *lines, double unit_s) {
    const char *names[LINES] = {"p50", l->judged, "p99"};
    struct number_column columns[LINES];
    for (size_t k = 0; k < LINES; k++) {
        bool twice = k == JUDGED && (strcmp(l->judged, "p50") == 0 || strcmp(l->judged, "p99") == 0);
        const char *head = arena_printf(d->arena, "worst %s, %s", names[k], unit_s < 1 ? "ms" : "s");
        columns[k] = (struct number_column){twice ? NULL : head, THIN_MOST, unit_s};
    }
    drawing_numbers(d, view, i, columns, lines, LINES);
}

static void scale(struct line *lines, size_t n, double unit_s) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < lines[i].count; k++) {
            lines[i].v[k] /= unit_s;
        }
    }
}

static bool draw_latency(struct latency l, const struct view *view, struct drawing *d, struct error *err) {
    choose_judged(&l, view);
    const struct line_of wanted[LINES] = {
        {arena_printf(d->arena, "%s_p50", l.metric), THIN_MOST},
        {arena_printf(d->arena, "%s_%s", l.metric, l.judged), THIN_MOST},
        {arena_printf(d->arena, "%s_p99", l.metric), THIN_MOST},
    };
    size_t n = view->count * LINES;
    struct line *lines = view_lines(view, wanted, LINES, err);
    if (!lines) {
        return false;
    }
    drawing_panels(d, view);
    d->legend = 3 + l.promised;
    double unit_s = set_axis(d, view, &l, lines);
    double time_s = drawing_time_axis(d, lines_end_s(lines, n));
    plot_string(&d->input, "judged", l.judged);
    plot_number(&d->input, "is_promised", l.promised);
    for (size_t i = 0; i < view->count; i++) {
        if (!find(d, view, i, &l, &lines[i * LINES], err)) {
            return false;
        }
        describe(d, view, i, &l, &lines[i * LINES]);
        plot_number(&d->input, arena_printf(d->arena, "limit_%zu", i + 1),
                    limit_of(&l, &view->panels[i], d->arena) / unit_s);
        take_numbers(d, view, i, &l, &lines[i * LINES], unit_s);
        scale(&lines[i * LINES], LINES, unit_s);
        drawing_lines(d, "latency", i, time_s, &lines[i * LINES], LINES);
    }
    strbuf_append(&d->note, "Lines are of the requests that were completed in a window.");
    if (lines->merged > 1) {
        strbuf_append(&d->note, " Where there is no room for all windows, a point is the worst of several.");
    }
    return true;
}

static bool draw_ttft(const struct view *view, struct drawing *d, struct error *err) {
    return draw_latency((struct latency){.metric = "ttft_s", .name = "TTFT"}, view, d, err);
}

static bool draw_tpot(const struct view *view, struct drawing *d, struct error *err) {
    return draw_latency((struct latency){.metric = "tpot_s", .name = "TPOT"}, view, d, err);
}

const struct figure figure_ttft = {
    .script = "latency",
    .needs = "ttft_s_p95",
    .absent =
        "Time to first token over time is not drawn: no request has one, or the result no such time series.",
    .draw = draw_ttft};
const struct figure figure_tpot = {.script = "latency",
                                   .needs = "tpot_s_p95",
                                   .absent = "Time per output token over time is not drawn: no request has "
                                             "one, or the result no such time series.",
                                   .draw = draw_tpot};
