/* The head of the page: what was asked, what is the answer, and the promises one by one. */
#include <math.h>
#include <string.h>

#include "analysis/report/objective.h"
#include "analysis/report/page.h"
#include "analysis/report/say.h"

enum { MISSED_SAID_MAX = 3 };

/* ---- the sentence ---- */

static void append_missed(struct report *r, const struct source *s, struct strbuf *out) {
    const struct objective *all;
    size_t n = objectives_of(&r->sources, r->arena, &all);
    size_t said = 0;
    for (size_t i = 0; i < n && said < MISSED_SAID_MAX; i++) {
        struct verdict v = objective_verdict(s, &all[i]);
        if (v.judged && !v.met) {
            strbuf_printf(out, "%s%s %s %s (%s)", said ? ", " : ": ", objective_name(r->arena, &all[i]),
                          isnan(v.value) ? "has" : "is", objective_value(r->arena, &all[i], &v),
                          objective_limit(r->arena, &all[i]));
            said++;
        }
    }
}

/* Capital first letter. */
static void append_sentence(struct strbuf *out, const char *text) {
    strbuf_char(out, *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
    strbuf_append(out, *text ? text + 1 : "");
}

static void append_promises(struct report *r, const struct source *s, struct strbuf *out) {
    size_t met;
    size_t n = objectives_count(s, &met);
    if (n == 0) {
        strbuf_append(out, "No objective was stated, so there is nothing to pass or fail");
    } else if (n == 1) {
        strbuf_printf(out, "The objective is %s", met ? "met" : "missed");
    } else if (met == n) {
        strbuf_printf(out, "All %s objectives are met", say_small(r->arena, n));
    } else {
        append_sentence(out,
                        arena_printf(r->arena, "%s of %s objectives %s missed", say_small(r->arena, n - met),
                                     say_small(r->arena, n), n - met == 1 ? "is" : "are"));
    }
    append_missed(r, s, out);
    strbuf_append(out, ". ");
}

/* What came of the requests, and for how much. */
static void append_outcome(struct report *r, const struct source *s, struct strbuf *out) {
    struct arena *a = r->arena;
    double arrived = summary_figure(s->summary, "requests.arrived");
    double completed = summary_figure(s->summary, "requests.completed");
    double cost = summary_figure(s->summary, "cost.total_usd");
    double attainment = summary_figure(s->summary, "slo.attainment");
    const char *span = say_span(a, summary_figure(s->summary, "simulated_s"));
    if (!(arrived > 0)) {
        strbuf_printf(out, "No request arrived in %s", span);
    } else {
        strbuf_printf(out, "Of %s requests in %s, %s", say_count(a, arrived), span,
                      completed == arrived
                          ? "all were completed"
                          : arena_printf(a, "%s were completed", say_percent(a, completed / arrived)));
    }
    if (!isnan(attainment) && arrived > 0) {
        strbuf_printf(out, " and %s met every objective of theirs", say_percent(a, attainment));
    }
    if (!isnan(cost)) {
        strbuf_printf(out, "; the bill is %s (%s an hour)", say_usd(a, cost),
                      say_usd(a, summary_figure(s->summary, "cost.usd_per_h")));
    }
    strbuf_append(out, ".");
}

/* What decides between results that keep their promises: money, or GPUs where there are no prices. */
static const char *price_metric(const struct sources *all) {
    for (size_t i = 0; i < all->count; i++) {
        if (isnan(summary_figure(all->items[i].summary, "cost.total_usd"))) {
            return "gpu.hours";
        }
    }
    return "cost.total_usd";
}

static void append_choice(struct report *r, struct strbuf *out) {
    const char *metric = price_metric(&r->sources);
    const struct source *best = NULL;
    size_t keeping = 0;
    size_t judged = 0;
    for (size_t i = 0; i < r->sources.count; i++) {
        const struct source *s = &r->sources.items[i];
        size_t met;
        size_t n = objectives_count(s, &met);
        judged += n > 0;
        if (n == 0 || met < n) {
            continue;
        }
        keeping++;
        if (!best || summary_figure(s->summary, metric) < summary_figure(best->summary, metric)) {
            best = s;
        }
    }
    if (judged == 0) {
        strbuf_append(out, "No objective was stated, so there is nothing to pass or fail.");
        return;
    }
    append_sentence(out,
                    arena_printf(r->arena, "%s of %s %s every objective", say_small(r->arena, keeping),
                                 say_small(r->arena, r->sources.count), keeping == 1 ? "meets" : "meet"));
    bool comparable = sources_same_traffic(&r->sources) && sources_same_scenario(&r->sources);
    if (best && comparable && !isnan(summary_figure(best->summary, metric))) {
        bool money = strstr(metric, "usd") != NULL;
        strbuf_printf(out, "; the %s is %s, with %s%s", money ? "cheapest of them" : "smallest of them",
                      best->label, say_metric(r->arena, metric, summary_figure(best->summary, metric)),
                      money ? "" : " GPU hours");
    }
    strbuf_append(out, ".");
}

static void append_verdict(struct report *r) {
    struct strbuf text = {0};
    size_t met = 0;
    const struct source *s = &r->sources.items[0];
    const char *class = "verdict";
    if (r->sources.count == 1) {
        size_t n = objectives_count(s, &met);
        class = n == 0 ? "verdict" : met == n ? "verdict good" : "verdict bad";
        append_promises(r, s, &text);
        append_outcome(r, s, &text);
    } else {
        append_choice(r, &text);
    }
    html_element(&r->html, "p", arena_printf(r->arena, "class=\"%s\"", class), text.text);
    strbuf_char(&r->html, '\n');
    strbuf_free(&text);
}

/* ---- tiles ---- */

static void append_tile(struct report *r, const char *name, const char *value, const char *more) {
    strbuf_append(&r->html, "<div>");
    html_element(&r->html, "dt", NULL, name);
    html_element(&r->html, "dd", NULL, value);
    if (more) {
        html_element(&r->html, "dd", "class=\"more\"", more);
    }
    strbuf_append(&r->html, "</div>\n");
}

static void append_metric_tile(struct report *r, const struct source *s, const char *path, const char *metric,
                               const char *name, const char *more) {
    double value = summary_figure(s->summary, path);
    if (!isnan(value)) {
        append_tile(r, name, say_metric(r->arena, metric, value), more);
    }
}

static void append_tiles(struct report *r, const struct source *s) {
    struct arena *a = r->arena;
    double arrived = summary_figure(s->summary, "requests.arrived");
    double unit_cost = summary_figure(s->summary, "cost.usd_per_1k_requests");
    double gpu_hours = summary_figure(s->summary, "gpu.hours");
    double most = summary_figure(s->summary, "replicas.max");
    strbuf_append(&r->html, "<dl class=\"tiles\">\n");
    append_tile(
        r, "Requests", say_count(a, arrived),
        arena_printf(a, "%s completed", say_count(a, summary_figure(s->summary, "requests.completed"))));
    append_metric_tile(
        r, s, "slo.attainment", "slo.attainment", "SLO attainment",
        arena_printf(a, "goodput %s/s", say_number(a, summary_figure(s->summary, "goodput_per_s"))));
    append_metric_tile(
        r, s, "latency_gate.ttft_s.p95", "latency.ttft_s", "p95 time to first token",
        arena_printf(a, "median %s", say_latency(a, summary_figure(s->summary, "latency.ttft_s.p50"))));
    append_metric_tile(
        r, s, "latency_gate.tpot_s.p95", "latency.tpot_s", "p95 time per token",
        arena_printf(a, "median %s", say_latency(a, summary_figure(s->summary, "latency.tpot_s.p50"))));
    append_metric_tile(r, s, "replicas.mean", "replicas.mean", "Replicas, mean",
                       arena_printf(a, "%s at most", say_number(a, most)));
    append_metric_tile(r, s, "gpu.busy_fraction", "gpu.busy_fraction", "GPUs busy",
                       arena_printf(a, "%s GPU hours", say_number(a, gpu_hours)));
    append_metric_tile(r, s, "cost.total_usd", "cost.total_usd", "Cost",
                       isnan(unit_cost) ? NULL
                                        : arena_printf(a, "%s per 1,000 requests", say_usd(a, unit_cost)));
    strbuf_append(&r->html, "</dl>\n");
}

/* ---- promises one by one ---- */

static const char *verdict_markup(struct report *r, const struct objective *o, const struct verdict *v) {
    struct strbuf cell = {0};
    html_text(&cell, objective_value(r->arena, o, v));
    if (v->judged) {
        strbuf_append(&cell, v->met ? " <b class=\"good\">\xE2\x9C\x93\xC2\xA0met</b>"
                                    : " <b class=\"bad\">\xE2\x9C\x97\xC2\xA0missed</b>");
    }
    const char *markup = arena_strdup(r->arena, cell.text);
    strbuf_free(&cell);
    return markup;
}

static void append_objectives(struct report *r) {
    const struct objective *all;
    size_t n = objectives_of(&r->sources, r->arena, &all);
    if (n == 0) {
        return;
    }
    size_t columns = 2 + r->sources.count;
    const char **heads = arena_array(r->arena, columns, sizeof *heads);
    heads[0] = "Objective";
    heads[1] = "Promised";
    for (size_t i = 0; i < r->sources.count; i++) {
        heads[2 + i] = r->sources.count == 1 ? "Simulated" : r->sources.items[i].label;
    }
    struct html_table t = html_table_begin(&r->html, "Objectives", heads, columns, ~3u);
    for (size_t k = 0; k < n; k++) {
        html_cell(&t, objective_name(r->arena, &all[k]));
        html_cell(&t, objective_limit(r->arena, &all[k]));
        for (size_t i = 0; i < r->sources.count; i++) {
            struct verdict v = objective_verdict(&r->sources.items[i], &all[k]);
            html_cell_markup(&t, verdict_markup(r, &all[k], &v));
        }
    }
    html_table_end(&t);
}

bool section_verdict(struct report *r, struct error *err) {
    (void)err;
    append_verdict(r);
    if (r->sources.count == 1) {
        append_tiles(r, &r->sources.items[0]);
    }
    append_objectives(r);
    return true;
}
