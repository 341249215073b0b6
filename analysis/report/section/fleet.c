/* What it ran on: replicas, their load, the GPUs; and why an autoscaler did what it did. */
#include <math.h>
#include <string.h>

#include "analysis/report/page.h"
#include "analysis/report/say.h"

enum { DECISIONS_MAX = 60 };

enum { TIME, WORKLOAD, CURRENT, REPLICAS, FORMULA };
static const char *const columns[] = {"time_s", "workload", "current", "replicas", "formula", NULL};

struct decisions {
    struct html_table table;
    size_t said, left_out;
};

static bool append_decision(struct report *r, struct decisions *d, struct result_scan *scan, size_t row,
                            struct error *err) {
    double t;
    double current;
    double replicas;
    const char *workload;
    const char *formula;
    if (!result_number(scan, TIME, row, &t, err) || !result_number(scan, CURRENT, row, &current, err) ||
        !result_number(scan, REPLICAS, row, &replicas, err) ||
        !result_cell_text(scan, WORKLOAD, row, &workload, err) ||
        !result_cell_text(scan, FORMULA, row, &formula, err)) {
        return false;
    }
    if (replicas == current) {
        return true;
    }
    if (d->said == DECISIONS_MAX) {
        d->left_out++;
        return true;
    }
    if (d->said++ == 0) {
        static const char *const heads[] = {"When", "Workload", "Replicas", "Because"};
        d->table = html_table_begin(&r->html, "Changes of size", heads, 4, 0);
    }
    html_cell(&d->table, say_span(r->arena, t));
    html_cell(&d->table, workload ? workload : "");
    html_cell(&d->table, arena_printf(r->arena, "%s \xE2\x86\x92 %s", say_count(r->arena, current),
                                      say_count(r->arena, replicas)));
    html_cell(&d->table, formula ? formula : "");
    return true;
}

static bool append_decisions(struct report *r, const struct source *s, struct error *err) {
    if (!result_has_table(s->result, "decisions")) {
        return true;
    }
    struct result_scan *scan = result_scan(s->result, "decisions", columns, err);
    struct decisions d = {0};
    struct strbuf page = r->html;
    bool done = scan != NULL;
    r->html = (struct strbuf){0};
    for (size_t rows; done && (rows = result_scan_next(scan, err)) > 0;) {
        for (size_t i = 0; i < rows && done; i++) {
            done = append_decision(r, &d, scan, i, err);
        }
    }
    result_scan_end(scan);
    if (d.said) {
        html_table_end(&d.table);
    }
    struct strbuf table = r->html;
    r->html = page;
    if (d.said) {
        strbuf_append(&r->html, "<details><summary>Why it scaled");
        if (r->sources.count > 1) {
            strbuf_append(&r->html, ": ");
            html_text(&r->html, s->label);
        }
        strbuf_printf(&r->html, "</summary>\n%s", table.text);
        if (d.left_out) {
            report_paragraph(
                r, arena_printf(r->arena,
                                "%zu later changes are not listed; drydock export csv RESULT --table "
                                "decisions has all.",
                                d.left_out));
        }
        strbuf_append(&r->html, "</details>\n");
    }
    strbuf_free(&table);
    return done && !error_is_set(err);
}

/* ---- the table ---- */

/* From being asked for to Ready, of replicas that were not there at the start. */
static bool read_start_up(const struct source *s, struct histogram *times, struct error *err) {
    static const char *const wanted[] = {"created_s", "ready_s", NULL};
    if (!result_has_table(s->result, "replicas")) {
        return true;
    }
    struct result_scan *scan = result_scan(s->result, "replicas", wanted, err);
    bool done = scan != NULL;
    for (size_t rows; done && (rows = result_scan_next(scan, err)) > 0;) {
        for (size_t i = 0; i < rows && done; i++) {
            double created;
            double ready;
            done = result_number(scan, 0, i, &created, err) && result_number(scan, 1, i, &ready, err);
            if (done && ready > created) {
                histogram_add(times, ready - created, 1);
            }
        }
    }
    result_scan_end(scan);
    return done && !error_is_set(err);
}

static void append_texts(struct report *r, struct html_table *t, const char *head, const char *const *texts) {
    html_cell(t, head);
    for (size_t i = 0; i < r->sources.count; i++) {
        html_cell(t, texts[i]);
    }
}

/* A row of its own for each figure: both in one cell are too wide beside those of other results. */
static bool append_start_up(struct report *r, struct html_table *t, struct error *err) {
    const char **median = arena_array(r->arena, r->sources.count, sizeof *median);
    const char **longest = arena_array(r->arena, r->sources.count, sizeof *longest);
    uint64_t started = 0;
    for (size_t i = 0; i < r->sources.count; i++) {
        struct histogram times = {0};
        bool done = read_start_up(&r->sources.items[i], &times, err);
        started += times.n;
        median[i] = times.n ? say_span(r->arena, round(histogram_quantile(&times, 0.5, 0))) : "none started";
        longest[i] = times.n ? say_span(r->arena, round(times.max)) : "\xE2\x80\x93";
        histogram_free(&times);
        if (!done) {
            return false;
        }
    }
    if (started > 0) {
        append_texts(r, t, "Asked for to Ready, median", median);
        append_texts(r, t, "Asked for to Ready, longest", longest);
    }
    return true;
}

static bool append_table(struct report *r, struct error *err) {
    static const struct {
        const char *name, *path;
    } rows[] = {{"Replicas Ready, mean", "replicas.mean"}, {"Replicas Ready, most", "replicas.max"},
                {"GPU hours held", "gpu.hours"},           {"GPUs busy", "gpu.busy_fraction"},
                {"Scale-ups", "scaling.scale_ups"},        {"Scale-downs", "scaling.scale_downs"}};
    struct html_table t = html_table_begin(&r->html, "The fleet", report_heads(r, "Figure"),
                                           1 + r->sources.count, report_numbers(r));
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        if (!report_knows(r, rows[k].path)) {
            continue;
        }
        html_cell(&t, rows[k].name);
        for (size_t i = 0; i < r->sources.count; i++) {
            html_cell(&t, say_metric(r->arena, rows[k].path,
                                     summary_figure(r->sources.items[i].summary, rows[k].path)));
        }
    }
    bool done = append_start_up(r, &t, err);
    html_table_end(&t);
    return done;
}

bool section_fleet(struct report *r, struct error *err) {
    if (!figure_write(r, &figure_replicas, &r->all, "replicas", err)) {
        return false;
    }
    for (size_t i = 0; i < r->sources.count; i++) {
        if (!append_decisions(r, &r->sources.items[i], err)) {
            return false;
        }
    }
    return figure_write(r, &figure_load, &r->all, "load", err) &&
           figure_write(r, &figure_busy, &r->all, "busy", err) &&
           figure_write(r, &figure_nodes, &r->all, "nodes", err) && append_table(r, err);
}
