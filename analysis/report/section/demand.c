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

static void append_counts(struct report *r) {
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
        html_table_begin(&r->html, "What became of the requests", report_heads(r, "Requests"),
                         1 + r->sources.count, report_numbers(r));
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        if (k < 2 || any(r, rows[k].path)) {
            append_row(r, &t, rows[k].name, rows[k].path);
        }
    }
    html_table_end(&t);
}

bool section_demand(struct report *r, struct error *err) {
    if (!r->has_series) {
        html_element(&r->html, "p", "class=\"absent\"",
                     "Nothing is drawn over time, here and below: no result holds time series of requests.");
    }
    if (!figure_write(r, &figure_demand, &r->all, "demand", err)) {
        return false;
    }
    append_counts(r);
    return true;
}
