/* How busy what is paid for was: GPUs, and the memory of the KV cache. */
#include <math.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"

enum { GPU, KV, LINES };

static const struct line_of wanted[LINES] = {{"gpu_busy_fraction", THIN_MEAN}, {"kv_usage", THIN_MOST}};

static const struct number_column numbers[LINES] = {{"GPUs busy, %, mean", THIN_MEAN, 0.01},
                                                    {"KV cache in use, %, most", THIN_MOST, 0.01}};

static void find(struct drawing *d, const struct view *view, size_t i, const struct line *l) {
    double of_run = panel_number(&view->panels[i], "gpu.busy_fraction");
    const char *busy = say_percent(d->arena, isnan(of_run) ? l[GPU].mean : of_run);
    if (view->count > 1) {
        drawing_compare(d, view, i, "GPUs busy, of the time that pods held them", busy);
        return;
    }
    strbuf_printf(&d->finding, "GPUs were busy %s of the time that %s", busy,
                  isnan(of_run) ? "replicas were Ready" : "pods held them");
    if (l[KV].count) {
        strbuf_printf(&d->finding, "; on average over the replicas the KV cache was at most %s full, %s",
                      say_percent(d->arena, l[KV].high), drawing_moment(d, l[KV].high_at_s));
    }
}

static void describe(struct drawing *d, const struct view *view, size_t i, const struct line *l) {
    static const char *const names[LINES] = {"GPUs busy", "KV cache in use"};
    struct strbuf text = {0};
    for (size_t k = 0; k < LINES; k++) {
        if (l[k].count) {
            strbuf_printf(&text, "%s%s between %s and %s, mean %s", text.length ? "; " : "", names[k],
                          say_percent(d->arena, l[k].low), say_percent(d->arena, l[k].high),
                          say_percent(d->arena, l[k].mean));
        }
    }
    drawing_say(&d->alt, view, i, text.text ? text.text : "");
    strbuf_free(&text);
}

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    struct line *lines = view_lines(view, wanted, LINES, err);
    if (!lines) {
        return false;
    }
    drawing_panels(d, view);
    d->legend = LINES;
    d->legend_characters = sizeof "KV cache in use" - 1;
    double unit_s = drawing_time_axis(d, lines_end_s(lines, view->count * LINES));
    strbuf_append(
        &d->note,
        "Pods hold GPUs from binding to their end, start-up included; the line of GPUs busy is of the "
        "time from Ready only, so it may lie higher. Busy is not full: a GPU with one request is as busy as "
        "one with a full batch.");
    plot_string(&d->input, "y_label", "%");
    plot_number(&d->input, "y_max", 102);
    for (size_t i = 0; i < view->count; i++) {
        find(d, view, i, &lines[i * LINES]);
        describe(d, view, i, &lines[i * LINES]);
        drawing_numbers(d, view, i, numbers, &lines[i * LINES], LINES);
        drawing_lines(d, "busy", i, unit_s, &lines[i * LINES], LINES);
    }
    return true;
}

const struct figure figure_busy = {.script = "busy",
                                   .needs = "gpu_busy_fraction",
                                   .absent = "GPU and KV cache use over time are not drawn: no GPU was used, "
                                             "or the result holds no such time series.",
                                   .draw = draw};
