/* What was asked of the platform. */
#include <math.h>

#include "analysis/report/page.h"
#include "analysis/report/say.h"

static void append_row(struct report *r, struct html_table *t, const char *name, const char *path) {
    html_cell(t, name);
    for (size_t i = 0; i < r->sources.count; i++) {
        html_cell(t, say_count(r->arena, summary_figure(r->sources.items[i].summary, path)));
    }
}

static bool any(const struct report *r, const char *path) {
    for (size_t i = 0; i < r->sources.count; i++) {
        if (summary_figure(r->sources.items[i].summary, path) > 0) {
            return true;
        }
    }
    return false;
}

/* Rates over the run, for those that have series. */
static bool append_rates(struct report *r, struct html_table *t, struct error *err) {
    const char **cells[] = {arena_array(r->arena, r->sources.count, sizeof(char *)),
                            arena_array(r->arena, r->sources.count, sizeof(char *)),
                            arena_array(r->arena, r->sources.count, sizeof(char *))};
    const char *window = "minute";
    size_t known = 0;
    for (size_t i = 0; i < r->sources.count; i++) {
        struct busiest b;
        if (!panel_busiest(&r->all, &r->panels[i], "arrivals_per_s", &b, err)) {
            return false;
        }
        double values[] = {b.mean, b.high, b.p99};
        for (size_t k = 0; k < 3; k++) {
            cells[k][i] = b.window_s > 0 ? say_metric(r->arena, "arrivals_per_s", values[k]) : "n/a";
        }
        known += b.window_s > 0 && b.high > 0;
        window = b.window_s > 0 && b.window_s != 60 ? say_span(r->arena, b.window_s) : window;
    }
    const char *names[] = {"Arrivals, mean", arena_printf(r->arena, "Arrivals, busiest %s", window),
                           arena_printf(r->arena, "Arrivals, p99 %s", window)};
    for (size_t k = 0; known && k < 3; k++) {
        html_cell(t, names[k]);
        for (size_t i = 0; i < r->sources.count; i++) {
            html_cell(t, cells[k][i]);
        }
    }
    return true;
}

static void append_tokens(struct report *r, struct html_table *t) {
    static const struct {
        const char *name, *path;
    } rows[] = {{"Prompt tokens, mean", "throughput.input_tokens_per_s"},
                {"Generated tokens, mean", "throughput.output_tokens_per_s"}};
    for (size_t k = 0; k < 2; k++) {
        if (!any(r, rows[k].path)) {
            continue;
        }
        html_cell(t, rows[k].name);
        for (size_t i = 0; i < r->sources.count; i++) {
            html_cell(t, say_metric(r->arena, rows[k].path,
                                    summary_figure(r->sources.items[i].summary, rows[k].path)));
        }
    }
}

static bool append_counts(struct report *r, struct error *err) {
    static const struct {
        const char *name, *path;
    } rows[] = {
        {"Arrived", "requests.arrived"},
        {"Completed", "requests.completed"},
        {"Rejected", "requests.rejected"},
        {"Timed out", "requests.timed_out"},
        {"Failed", "requests.failed"},
        {"Unfinished", "requests.unfinished"},
        {"of the completed: stopped by their user", "requests.cancelled"},
    };
    struct html_table t =
        html_table_begin(&r->html, "Traffic, and what became of it", report_heads(r, "Requests"),
                         1 + r->sources.count, report_numbers(r));
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        if (k < 2 || any(r, rows[k].path)) {
            append_row(r, &t, rows[k].name, rows[k].path);
        }
    }
    append_tokens(r, &t);
    bool done = append_rates(r, &t, err);
    html_table_end(&t);
    return done;
}

bool section_demand(struct report *r, struct error *err) {
    if (!r->has_series) {
        html_element(&r->html, "p", "class=\"absent\"",
                     "Nothing is drawn over time, here and below: no result holds time series of requests.");
    }
    if (!figure_write(r, &figure_demand, &r->all, "demand", err)) {
        return false;
    }
    return append_counts(r, err);
}
