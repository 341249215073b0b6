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
    double arrived = source_estimate(s, "requests.arrived").mean;
    double completed = source_estimate(s, "requests.completed").mean;
    double cost = source_estimate(s, "cost.total_usd").mean;
    double attainment = source_estimate(s, "slo.attainment").mean;
    const char *span = say_span(a, source_estimate(s, "simulated_s").mean);
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
                      say_usd(a, source_estimate(s, "cost.usd_per_h").mean));
    }
    double replications = summary_figure(s->summary, "replications");
    if (replications > 1) {
        strbuf_printf(out, ". These are means over %s runs with different seeds; pictures show the first",
                      say_count(a, replications));
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
        if (!best || source_estimate(s, metric).mean < source_estimate(best, metric).mean) {
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
    double price = best ? source_estimate(best, metric).mean : NAN;
    bool money = strstr(metric, "usd") != NULL;
    if (best && keeping == 1) {
        strbuf_printf(out, ": %s", best->label);
    } else if (best && comparable) {
        strbuf_printf(out, "; the %s of them is %s", money ? "cheapest" : "smallest", best->label);
    }
    if (best && comparable && !isnan(price)) {
        strbuf_printf(out, ", at %s%s", say_metric(r->arena, metric, price), money ? "" : " GPU hours");
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

/* With replications the line below tells how sure the mean is. */
static void append_metric_tile(struct report *r, const struct source *s, const char *path, const char *metric,
                               const char *name, const char *more) {
    struct estimate e = source_estimate(s, path);
    bool sure = isnan(e.half) || !isfinite(e.mean);
    if (!isnan(e.mean)) {
        append_tile(r, name, say_metric(r->arena, metric, e.mean),
                    sure ? more : say_half(r->arena, metric, e.half));
    }
}

/* The figure that goes with a tile's, with words around it. */
static const char *beside(struct report *r, const struct source *s, const char *path, const char *metric,
                          const char *before, const char *after) {
    double value = source_estimate(s, path).mean;
    return isnan(value)
               ? NULL
               : arena_printf(r->arena, "%s%s%s", before, say_metric(r->arena, metric, value), after);
}

static void append_tiles(struct report *r, const struct source *s) {
    strbuf_append(&r->html, "<dl class=\"tiles\">\n");
    append_metric_tile(r, s, "requests.arrived", "requests.arrived", "Requests",
                       beside(r, s, "requests.completed", "requests.completed", "", " completed"));
    append_metric_tile(r, s, "slo.attainment", "slo.attainment", "SLO attainment",
                       beside(r, s, "goodput_per_s", "goodput_per_s", "goodput ", ""));
    append_metric_tile(r, s, "latency_gate.ttft_s.p95", "latency.ttft_s", "p95 time to first token",
                       beside(r, s, "latency_gate.ttft_s.p50", "latency.ttft_s", "median ", ""));
    append_metric_tile(r, s, "latency_gate.tpot_s.p95", "latency.tpot_s", "p95 time per token",
                       beside(r, s, "latency_gate.tpot_s.p50", "latency.tpot_s", "median ", ""));
    append_metric_tile(r, s, "replicas.mean", "replicas.mean", "Replicas, mean",
                       beside(r, s, "replicas.max", "replicas.max", "", " at most"));
    append_metric_tile(r, s, "gpu.busy_fraction", "gpu.busy_fraction", "GPUs busy",
                       beside(r, s, "gpu.hours", "gpu.hours", "", " GPU hours"));
    append_metric_tile(
        r, s, "cost.total_usd", "cost.total_usd", "Cost",
        beside(r, s, "cost.usd_per_1k_requests", "cost.usd_per_1k_requests", "", " per 1,000 requests"));
    append_metric_tile(r, s, "carbon.kg", "carbon.kg", "Carbon",
                       beside(r, s, "energy_kwh", "energy_kwh", "", ""));
    strbuf_append(&r->html, "</dl>\n");
}

/* ---- promises one by one ---- */

enum { VERDICTS_BESIDE_MAX = 2 }; /* results whose verdicts stand beside the figures; of more, below them */

static const char *verdict_markup(struct report *r, const struct objective *o, const struct verdict *v) {
    struct strbuf cell = {0};
    html_text(&cell, objective_value(r->arena, o, v));
    if (v->half > 0 && isfinite(v->half)) {
        html_element(&cell, "small", NULL, say_half(r->arena, o->metric, v->half));
    }
    if (v->judged && r->sources.count > VERDICTS_BESIDE_MAX) {
        strbuf_append(&cell, "<br>");
    }
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
