/* Several results side by side: one table, and service against cost. */
#include <math.h>
#include <string.h>

#include "analysis/report/page.h"
#include "analysis/report/say.h"

/* Rows of the table, as paths in the summary. */
static const struct compared {
    const char *path, *name;
} rows[] = {
    {"requests.arrived", "Requests"},
    {"requests.completed", "Completed"},
    {"slo.attainment", "SLO attainment"},
    {"goodput_per_s", "Goodput"},
    {"latency.ttft_s.p50", "p50 TTFT"},
    {"latency.ttft_s.p95", "p95 TTFT"},
    {"latency.ttft_s.p99", "p99 TTFT"},
    {"latency.tpot_s.p95", "p95 TPOT"},
    {"latency.e2e_s.p95", "p95 E2E"},
    {"replicas.mean", "Replicas, mean"},
    {"replicas.max", "Replicas, most"},
    {"gpu.hours", "GPU hours"},
    {"gpu.busy_fraction", "GPUs busy"},
    {"cost.total_usd", "Cost"},
    {"cost.usd_per_h", "Cost an hour"},
    {"cost.usd_per_1k_requests", "Cost of 1,000 requests"},
    {"cost.usd_per_1m_output_tokens", "Cost of a million output tokens"},
    {"cost.usd_per_good_request", "Cost of a good request"},
    {"energy_kwh", "Energy"},
    {"carbon.kg", "Carbon"},
};

static const double factor_from = 2; /* +200 % and more is said as a factor */

static bool is_share(const char *path) {
    return strcmp(path, "slo.attainment") == 0 || strcmp(path, "gpu.busy_fraction") == 0;
}

/* "latency.ttft_s" of "latency.ttft_s.p95": what say_metric knows the unit of. */
static const char *metric_of(struct report *r, const char *path) {
    const char *last = strrchr(path, '.');
    bool statistic = strncmp(path, "latency.", 8) == 0 && last > path + 7;
    return statistic ? arena_strndup(r->arena, path, (size_t)(last - path)) : path;
}

static const char *interval_text(struct report *r, const char *metric, struct json_object *figures) {
    double low = summary_figure(figures, "ci95_low");
    double high = summary_figure(figures, "ci95_high");
    if (isnan(low) || isnan(high)) {
        return "";
    }
    return arena_printf(r->arena, " [%s, %s]", say_metric(r->arena, metric, low),
                        say_metric(r->arena, metric, high));
}

/* The mean over replications with its interval, or the figure of the one run. */
static const char *value_text(struct report *r, const struct source *s, const char *path) {
    const char *metric = metric_of(r, path);
    struct json_object *several = json_read_at(json_read_at(s->summary, "replicated"), path);
    double mean = summary_figure(several, "mean");
    if (isnan(mean)) {
        return say_metric(r->arena, metric, summary_figure(s->summary, path));
    }
    return arena_printf(r->arena, "%s%s", say_metric(r->arena, metric, mean),
                        interval_text(r, metric, several));
}

/* A change against the first: in points of what is a share, as a factor where it is large. */
static const char *relative_text(struct report *r, double change) {
    if (change == 0) {
        return "same";
    }
    if (change >= factor_from) {
        return arena_printf(r->arena, "\xC3\x97%s", say_number(r->arena, 1 + change));
    }
    return arena_printf(r->arena, "%s%s", change > 0 ? "+" : "", say_percent(r->arena, change));
}

static const char *points_text(struct report *r, double points) {
    if (points == 0) {
        return "same";
    }
    return arena_printf(r->arena, "%s%s points", points > 0 ? "+" : "", say_number(r->arena, 100 * points));
}

/* The paired difference to the first arm, with its interval where there are replications. */
static const char *paired_text(struct report *r, struct json_object *change,
                               const char *(*say)(struct report *, double)) {
    double mean = summary_figure(change, "mean");
    double low = summary_figure(change, "ci95_low");
    double high = summary_figure(change, "ci95_high");
    if (isnan(low) || isnan(high)) {
        return say(r, mean);
    }
    return arena_printf(r->arena, "%s [%s, %s]", say(r, mean), say(r, low), say(r, high));
}

static const char *change_text(struct report *r, size_t i, const char *path) {
    const struct source *s = &r->sources.items[i];
    struct json_object *metrics = json_read_at(r->sources.arms, "metrics");
    struct json_object *arm = json_read_member(json_read_member(metrics, path), s->name);
    bool share = is_share(path);
    struct json_object *paired = json_read_member(arm, share ? "difference" : "relative");
    if (!isnan(summary_figure(paired, "mean"))) {
        return paired_text(r, paired, share ? points_text : relative_text);
    }
    double own = summary_figure(s->summary, path);
    double first = summary_figure(r->sources.items[0].summary, path);
    if (isnan(own) || isnan(first) || (first == 0 && !share)) {
        return "";
    }
    return share ? points_text(r, own - first) : relative_text(r, own / first - 1);
}

static const char *cell_markup(struct report *r, size_t i, const char *path) {
    struct strbuf cell = {0};
    html_text(&cell, value_text(r, &r->sources.items[i], path));
    const char *change = i ? change_text(r, i, path) : "";
    if (*change) {
        html_element(&cell, "small", NULL, change);
    }
    const char *markup = arena_strdup(r->arena, cell.text);
    strbuf_free(&cell);
    return markup;
}

static void append_table(struct report *r) {
    struct html_table t = html_table_begin(
        &r->html, arena_printf(r->arena, "Side by side; small: change against %s", r->sources.items[0].label),
        report_heads(r, "Figure"), 1 + r->sources.count, report_numbers(r));
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        if (!report_knows(r, rows[k].path)) {
            continue;
        }
        html_cell(&t, rows[k].name);
        for (size_t i = 0; i < r->sources.count; i++) {
            html_cell_markup(&t, cell_markup(r, i, rows[k].path));
        }
    }
    html_table_end(&t);
}

static const char *traffic_note(struct report *r) {
    if (!sources_same_scenario(&r->sources)) {
        return "These results come from different scenarios: what differs may be traffic and platform as "
               "well as "
               "settings.";
    }
    if (!sources_same_traffic(&r->sources)) {
        return "These results did not see the same traffic: what differs may be that as well as settings.";
    }
    return r->sources.arms ? "All arms saw the same traffic under the same seeds." : NULL;
}

static const char *interval_note(struct report *r) {
    double replications = summary_figure(r->sources.arms, "replications");
    if (!r->sources.arms) {
        return NULL;
    }
    return replications > 1
               ? arena_printf(
                     r->arena,
                     "In brackets are 95 %% confidence intervals over %s runs; changes are of pairs of "
                     "runs under one seed.",
                     say_count(r->arena, replications))
               : "One run each, so there are no confidence intervals (drydock run --reps N gives them).";
}

static void append_notes(struct report *r) {
    const char *notes[] = {traffic_note(r), interval_note(r)};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        if (notes[i]) {
            report_paragraph(r, notes[i]);
        }
    }
}

static void append_descriptions(struct report *r) {
    bool any = false;
    for (size_t i = 0; i < r->sources.count; i++) {
        any = any || r->sources.items[i].description;
    }
    if (!any) {
        return;
    }
    strbuf_append(&r->html, "<dl>\n");
    for (size_t i = 0; i < r->sources.count; i++) {
        html_element(&r->html, "dt", NULL, r->sources.items[i].label);
        html_element(&r->html, "dd", NULL,
                     r->sources.items[i].description ? r->sources.items[i].description : "");
    }
    strbuf_append(&r->html, "</dl>\n");
}

bool section_comparison(struct report *r, struct error *err) {
    if (r->sources.count < 2) {
        return true;
    }
    append_descriptions(r);
    append_notes(r);
    if (!figure_write(r, &figure_tradeoff, &r->all, "tradeoff", err)) {
        return false;
    }
    append_table(r);
    return true;
}
