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
    {"latency_gate.ttft_s.p50", "p50 TTFT"},
    {"latency_gate.ttft_s.p95", "p95 TTFT"},
    {"latency_gate.ttft_s.p99", "p99 TTFT"},
    {"latency_gate.tpot_s.p95", "p95 TPOT"},
    {"latency_gate.e2e_s.p95", "p95 E2E"},
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

static const double same_below = 5e-5;    /* a change that would be written as zero */
static const double certain_below = 1e-6; /* an interval of rounding errors is none */
static const double factor_from = 2;      /* +200 % and more is said as a factor */

static bool is_share(const char *path) {
    return strcmp(path, "slo.attainment") == 0 || strcmp(path, "gpu.busy_fraction") == 0;
}

/* "latency.ttft_s" of "latency_gate.ttft_s.p95": what say_metric knows the unit of. */
static const char *metric_of(struct report *r, const char *path) {
    const char *last = strrchr(path, '.');
    bool statistic = strncmp(path, "latency_gate.", 13) == 0;
    return statistic ? arena_strndup(r->arena, path, (size_t)(last - path)) : path;
}

/* A change against the first: in points of what is a share, as a factor where it is large. */
static const char *relative_text(struct report *r, double change) {
    if (fabs(change) < same_below) {
        return "same";
    }
    if (change >= factor_from) {
        return arena_printf(r->arena, "\xC3\x97%s", say_number(r->arena, 1 + change));
    }
    return arena_printf(r->arena, "%s%s", change > 0 ? "+" : "", say_percent(r->arena, change));
}

static const char *points_text(struct report *r, double points) {
    if (fabs(points) < same_below) {
        return "same";
    }
    return arena_printf(r->arena, "%s%s" NBSP "pt", points > 0 ? "+" : "",
                        say_number(r->arena, 100 * points));
}

/* The paired difference to the first arm, with its interval in a line of its own where there are
 * replications. */
static const char *paired_text(struct report *r, struct json_object *change,
                               const char *(*say)(struct report *, double)) {
    double mean = summary_figure(change, "mean");
    double low = summary_figure(change, "ci95_low");
    double high = summary_figure(change, "ci95_high");
    if (isnan(low) || isnan(high) || low == high) {
        return say(r, mean);
    }
    const char *from = say(r, low);
    const char *to = say(r, high);
    if (strcmp(from, to) == 0) { /* "same" thrice */
        return say(r, mean);
    }
    return arena_printf(r->arena, "%s\n[%s, %s]", say(r, mean), from, to);
}

/* Without pairs a change is that of the means, whose intervals stand beside it. */
static const char *change_text(struct report *r, size_t i, const char *path) {
    const struct source *s = &r->sources.items[i];
    struct json_object *metrics = json_read_at(r->sources.arms, "metrics");
    struct json_object *arm = json_read_member(json_read_member(metrics, path), s->name);
    bool share = is_share(path);
    double own = source_estimate(s, path).mean;
    double first = source_estimate(&r->sources.items[0], path).mean;
    struct json_object *paired = json_read_member(arm, share ? "difference" : "relative");
    if (isfinite(summary_figure(paired, "mean")) && isfinite(first)) {
        return paired_text(r, paired, share ? points_text : relative_text);
    }
    if (!isfinite(own) || !isfinite(first) || (first == 0 && !share)) {
        return "";
    }
    return share ? points_text(r, own - first) : relative_text(r, own / first - 1);
}

static const char *cell_markup(struct report *r, size_t i, const char *path) {
    const char *metric = metric_of(r, path);
    struct estimate e = source_estimate(&r->sources.items[i], path);
    struct strbuf cell = {0};
    html_text(&cell, say_metric(r->arena, metric, e.mean));
    if (e.half > certain_below * fabs(e.mean) && isfinite(e.half)) {
        html_element(&cell, "small", NULL, say_half(r->arena, metric, e.half));
    }
    const char *change = i ? change_text(r, i, path) : "";
    if (*change) {
        size_t n = strcspn(change, "\n");
        html_element(&cell, "small", "class=\"change\"", arena_strndup(r->arena, change, n));
        if (change[n]) {
            html_element(&cell, "small", "class=\"change\"", change + n + 1);
        }
    }
    const char *markup = arena_strdup(r->arena, cell.text);
    strbuf_free(&cell);
    return markup;
}

static void append_table(struct report *r) {
    struct html_table t =
        html_table_begin(&r->html,
                         arena_printf(r->arena, "Side by side; last lines of a cell: change against %s",
                                      r->sources.items[0].label),
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
        return report_replicated(r) ? "Where a result has replications its figures are means over them, with "
                                      "half of their 95 % confidence interval; changes are of the means, not "
                                      "of pairs of runs."
                                    : NULL;
    }
    return replications > 1
               ? arena_printf(
                     r->arena,
                     "Figures in tables are means over %s runs with half of their 95 %% confidence interval, "
                     "changes are of pairs of runs under one seed (pt: points of a share).",
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

/* "spec.replicas = 4": what an arm sets, each in an element of its own. */
static void append_settings(struct report *r, const struct source *s) {
    if (!json_object_is_type(s->settings, json_type_object)) {
        return;
    }
    json_object_object_foreach(s->settings, path, value) {
        const char *text = json_object_is_type(value, json_type_string)
                               ? json_object_get_string(value)
                               : json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE);
        strbuf_char(&r->html, ' ');
        html_element(&r->html, "code", NULL, arena_printf(r->arena, "%s=%s", path, text));
    }
}

static void append_descriptions(struct report *r) {
    if (!r->sources.arms) {
        return;
    }
    strbuf_append(&r->html, "<dl class=\"arms\">\n");
    for (size_t i = 0; i < r->sources.count; i++) {
        const struct source *s = &r->sources.items[i];
        html_element(&r->html, "dt", NULL, s->label);
        strbuf_append(&r->html, "<dd>");
        html_text(&r->html, s->description ? s->description : "");
        append_settings(r, s);
        strbuf_append(&r->html, "</dd>\n");
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
