/* What it cost while it ran, by what the money was spent on. */
#include <math.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"

enum { LAYERS = 7 };

/* From the bottom of the stack up; each with its figure in the summary. */
static const struct layer {
    const char *metric, *name, *figure;
} layers[LAYERS] = {
    {"serving_usd_per_h", "serving", "cost.by_state.serving"},
    {"idle_usd_per_h", "idle", "cost.by_state.idle"},
    {"start_up_usd_per_h", "start-up", "cost.by_state.start_up"},
    {"drain_usd_per_h", "drain", "cost.by_state.drain"},
    {"storage_usd_per_h", "storage", "cost.by_category.storage"},
    {"network_usd_per_h", "network", "cost.by_category.network"},
    {"fixed_usd_per_h", "fixed", "cost.by_category.fixed"},
};

static bool read_layers(const struct view *view, size_t i, struct line *lines, struct error *err) {
    for (size_t k = 0; k < LAYERS; k++) {
        if (!source_line(view->panels[i].source, "cost", layers[k].metric, THIN_MEAN, view, &lines[k], err)) {
            return false;
        }
    }
    return true;
}

/* Shares of the bill, the largest first three of them. */
static const char *shares(struct drawing *d, const struct panel *p, double total) {
    bool said[LAYERS] = {false};
    struct strbuf text = {0};
    for (size_t n = 0; n < 3; n++) {
        size_t most = LAYERS;
        for (size_t k = 0; k < LAYERS; k++) {
            double usd = summary_figure(p->source->summary, layers[k].figure);
            if (!said[k] && usd > 0 &&
                (most == LAYERS || usd > summary_figure(p->source->summary, layers[most].figure))) {
                most = k;
            }
        }
        if (most < LAYERS) {
            said[most] = true;
            strbuf_printf(
                &text, "%s%s %s", n ? ", " : "",
                say_percent(d->arena, summary_figure(p->source->summary, layers[most].figure) / total),
                layers[most].name);
        }
    }
    const char *all = arena_strdup(d->arena, text.text ? text.text : "");
    strbuf_free(&text);
    return all;
}

static void find(struct drawing *d, const struct view *view, size_t i) {
    const struct panel *p = &view->panels[i];
    double total = summary_figure(p->source->summary, "cost.total_usd");
    double serving = summary_figure(p->source->summary, "cost.by_state.serving");
    if (view->count > 1) {
        drawing_compare(d, view, i, "The bill, and how much of it was for serving",
                        arena_printf(d->arena, "%s (%s)", say_usd(d->arena, total),
                                     say_percent(d->arena, total > 0 ? serving / total : 0)));
        return;
    }
    strbuf_printf(&d->finding, "%s in %s: %s", say_usd(d->arena, total),
                  say_span(d->arena, summary_figure(p->source->summary, "simulated_s")), shares(d, p, total));
}

static void describe(struct drawing *d, const struct view *view, size_t i, const struct line *l) {
    struct strbuf text = {0};
    for (size_t k = 0; k < LAYERS; k++) {
        if (l[k].count && l[k].high > 0) {
            strbuf_printf(&text, "%s%s %s an hour on average, at most %s", text.length ? "; " : "",
                          layers[k].name, say_usd(d->arena, l[k].mean), say_usd(d->arena, l[k].high));
        }
    }
    drawing_say(&d->alt, view, i, text.text ? text.text : "nothing was spent");
    strbuf_free(&text);
}

/* The end of a run cuts its last window short, and what is billed by the minute is squeezed into the rest of
 * it: a rate that tells nothing. Such a point is not drawn; answers whether there was one. */
static bool leave_out_partial(struct line *l) {
    bool partial = false;
    for (size_t k = 0; k < LAYERS; k++) {
        double windows = l[k].count ? l[k].end_s / l[k].interval_s : 0;
        if (l[k].count > 1 && fabs(windows - round(windows)) > 1e-6) {
            l[k].count--;
            partial = true;
            l[k].high = 0;
            for (size_t i = 0; i < l[k].count; i++) {
                l[k].high = fmax(l[k].high, l[k].v[i]);
            }
        }
    }
    return partial;
}

/* Layer upon layer: each becomes the sum up to it. Answers the highest sum. */
static double stack(struct line *l) {
    double high = 0;
    for (size_t k = 0; k < LAYERS; k++) {
        for (size_t i = 0; i < l[0].count; i++) {
            double own = i < l[k].count && !isnan(l[k].v[i]) ? l[k].v[i] : 0;
            double below = k ? l[k - 1].v[i] : 0;
            if (l[k].count == 0 && k) {
                continue;
            }
            l[k].v[i] = own + below;
            high = fmax(high, own + below);
        }
        if (l[k].count == 0 && k) {
            l[k] = l[k - 1];
        }
    }
    return high;
}

/* Of the layers that money was spent on. */
static void take_numbers(struct drawing *d, const struct view *view, size_t i, const struct line *l) {
    struct number_column columns[LAYERS];
    for (size_t k = 0; k < LAYERS; k++) {
        const char *head = arena_printf(d->arena, "%s, $/h", layers[k].name);
        columns[k] = (struct number_column){l[k].count && l[k].high > 0 ? head : NULL, THIN_MEAN, 1};
    }
    drawing_numbers(d, view, i, columns, l, LAYERS);
}

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    struct line *lines = arena_array(d->arena, view->count * LAYERS, sizeof *lines);
    bool used[LAYERS] = {false};
    bool partial = false;
    double high = 0;
    for (size_t i = 0; i < view->count; i++) {
        struct line *l = &lines[i * LAYERS];
        if (!read_layers(view, i, l, err)) {
            return false;
        }
        partial = leave_out_partial(l) || partial;
        for (size_t k = 0; k < LAYERS; k++) {
            used[k] = used[k] || (l[k].count && l[k].high > 0);
        }
        find(d, view, i);
        describe(d, view, i, l);
        take_numbers(d, view, i, l);
        high = fmax(high, stack(l));
    }
    drawing_panels(d, view);
    double unit_s = drawing_time_axis(d, lines_end_s(lines, view->count * LAYERS));
    plot_number(&d->input, "layers", LAYERS);
    for (size_t k = 0; k < LAYERS; k++) {
        plot_string(&d->input, arena_printf(d->arena, "layer_%zu", k + 1), used[k] ? layers[k].name : "");
        d->legend += used[k];
    }
    for (size_t i = 0; i < view->count; i++) {
        drawing_lines(d, "cost", i, unit_s, &lines[i * LAYERS], LAYERS);
    }
    if (partial) {
        strbuf_append(&d->note, "The last window, which the end of the run cuts short, is not drawn.");
    }
    plot_string(&d->input, "y_label", "dollars an hour");
    plot_number(&d->input, "y_max", 1.08 * fmax(high, 1e-6));
    return true;
}

const struct figure figure_cost = {
    .script = "cost",
    .needs = "cost/total_usd_per_h",
    .absent = "The cost over time is not drawn: the scenario has no prices, or the result no time series.",
    .draw = draw};
