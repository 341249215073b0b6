/* The summary as a person wants it on a terminal: what came of the requests first, then how long they took,
 * whether that was good enough, and what it took. Names and warnings come from files: control characters in
 * them never reach the terminal. */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cell.h"
#include "base/units.h"
#include "record/figure.h"
#include "record/headline.h"
#include "record/summary.h"

enum {
    COLUMNS = 80,
    LABEL_COLUMNS = 12,
    VALUE_COLUMNS = 9,
    NAME_COLUMNS = 20,
    SCOPES_MAX = 10 /* rows of the services and of the tenants */
};

static void append_row_label(struct strbuf *out, const char *label) {
    strbuf_printf(out, "%-*s", LABEL_COLUMNS, label);
}

/* ---- parts ---- */

static void append_head(struct strbuf *out, const struct summary *s) {
    char a[CELL_BYTES];
    char b[CELL_BYTES];
    struct strbuf line = {0};
    cell_append_clean(&line, s->scenario, strlen(s->scenario));
    strbuf_printf(&line, ": %s simulated in ", unit_text(UNIT_DURATION, round(s->simulated_s), a));
    strbuf_printf(&line, "%s, %s events, seed %llu", cell_duration(s->wall_s, b), cell_count(s->events, a),
                  (unsigned long long)s->seed);
    if (s->replications > 1) {
        strbuf_printf(&line, ", %llu replications", (unsigned long long)s->replications);
    }
    cell_append_wrapped(out, line.text, 0, COLUMNS);
    strbuf_free(&line);
    strbuf_char(out, '\n');
}

static void append_requests(struct strbuf *out, const struct scope_summary *s) {
    char cell[CELL_BYTES];
    const struct request_counts *r = &s->requests;
    const struct {
        uint64_t n;
        const char *name;
    } outcomes[] = {{r->rejected, "rejected"},
                    {r->timed_out, "timed out"},
                    {r->failed, "failed"},
                    {r->unfinished, "unfinished"},
                    {r->cancelled, "cancelled"}};
    struct strbuf line = {0};
    strbuf_printf(&line, "%s arrived, ", cell_count(r->arrived, cell));
    strbuf_printf(&line, "%s completed", cell_count(r->completed, cell));
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if (outcomes[i].n) {
            strbuf_printf(&line, ", %s %s", cell_count(outcomes[i].n, cell), outcomes[i].name);
        }
    }
    append_row_label(out, "Requests");
    cell_append_wrapped(out, line.text, LABEL_COLUMNS, COLUMNS);
    strbuf_clear(&line);
    strbuf_printf(&line, "%s requests/s, ", cell_rate(s->requests_per_s, cell));
    strbuf_printf(&line, "%s input tokens/s, ", cell_rate(s->input_tokens_per_s, cell));
    strbuf_printf(&line, "%s output tokens/s", cell_rate(s->output_tokens_per_s, cell));
    append_row_label(out, "Throughput");
    cell_append_wrapped(out, line.text, LABEL_COLUMNS, COLUMNS);
    strbuf_free(&line);
}

static void append_footprint(struct strbuf *out, const struct scope_summary *s) {
    char a[CELL_BYTES];
    char b[CELL_BYTES];
    if (!s->has_energy) {
        return;
    }
    append_row_label(out, "Energy");
    strbuf_append(out, cell_energy(s->energy_kwh, a));
    if (s->has_carbon) {
        strbuf_printf(out, ", %s CO2e", cell_mass(s->carbon_kg * 1000, a));
        if (!isnan(s->carbon_sci_g)) {
            strbuf_printf(out, ", %s a request", cell_mass(s->carbon_sci_g, b));
        }
    }
    strbuf_char(out, '\n');
}

static void append_use(struct strbuf *out, const struct scope_summary *s) {
    char a[CELL_BYTES];
    char b[CELL_BYTES];
    if (s->has_replicas) {
        append_row_label(out, "Replicas");
        strbuf_printf(out, "%s on average, ", cell_rate(s->replicas_mean, a));
        strbuf_printf(out, "%.0f at most, %s replica-hours\n", s->replicas_max,
                      cell_rate(s->replica_s / 3600, b));
    }
    if (s->has_gpu) {
        append_row_label(out, "GPUs");
        strbuf_printf(out, "%s GPU-hours, %s busy\n", cell_rate(s->gpu_hours, a),
                      cell_percent(s->gpu_busy_fraction, b));
    }
    if (s->cost.present) {
        append_row_label(out, "Cost");
        strbuf_printf(out, "$%.2f, $%.2f an hour; idle $%.2f, start-up $%.2f\n", money_to_usd(s->cost.total),
                      money_to_usd(s->cost.per_h), money_to_usd(s->cost.by_state[2]),
                      money_to_usd(s->cost.by_state[1]));
    }
    append_footprint(out, s);
    if (s->has_slo) {
        append_row_label(out, "Goodput");
        strbuf_printf(out, "%s requests/s meet every objective: %s\n", cell_rate(s->goodput_per_s, a),
                      cell_percent(s->slo_attainment, b));
    }
}

static void append_latency_row(struct strbuf *out, const char *label, const struct latency_summary *l) {
    const double figures[] = {l->mean, l->p50, l->p90, l->p95, l->p99, l->p999, l->max};
    char cell[CELL_BYTES];
    append_row_label(out, label);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        strbuf_printf(out, "%*s", VALUE_COLUMNS, l->n ? cell_duration(figures[i], cell) : "-");
    }
    strbuf_char(out, '\n');
}

static void append_latency(struct strbuf *out, const struct scope_summary *s) {
    static const char *const heads[] = {"mean", "p50", "p90", "p95", "p99", "p99.9", "max"};
    strbuf_char(out, '\n');
    append_row_label(out, "Latency");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        strbuf_printf(out, "%*s", VALUE_COLUMNS, heads[i]);
    }
    strbuf_char(out, '\n');
    append_latency_row(out, "  TTFT", &s->ttft);
    append_latency_row(out, "  TPOT", &s->tpot);
    append_latency_row(out, "  ITL", &s->itl);
    append_latency_row(out, "  E2E", &s->e2e);
    append_latency_row(out, "  queue", &s->queue);
    if (s->e2e.excluded) {
        char cell[CELL_BYTES];
        struct strbuf note = {0};
        strbuf_printf(&note, "%s request%s that did not complete %s not in these figures.",
                      cell_count(s->e2e.excluded, cell), s->e2e.excluded == 1 ? "" : "s",
                      s->e2e.excluded == 1 ? "is" : "are");
        strbuf_append(out, "  ");
        cell_append_wrapped(out, note.text, 2, COLUMNS);
        strbuf_free(&note);
    }
}

cell_function *summary_cell(const char *metric) {
    static cell_function *const cells[UNIT_KINDS] = {[UNIT_DURATION] = cell_duration,
                                                     [UNIT_USD] = cell_usd,
                                                     [UNIT_USD_PER_H] = cell_usd,
                                                     [UNIT_FRACTION] = cell_percent};
    cell_function *cell = cells[figure_unit(metric)];
    return cell != NULL ? cell : cell_rate;
}

/* What a judge says of a figure: the promise, the value as text in a field that is as wide as the label
 * leaves room for, and the verdict. */
struct verdict {
    const char *word;
    const char *tint; /* the terminal's colour */
};

static const char tint_good[] = "\033[32m", tint_doubt[] = "\033[33m", tint_bad[] = "\033[1;31m";

enum { VERDICT_COLUMNS = 10, ONE_VALUE_COLUMNS = 14, INTERVAL_COLUMNS = 24 };

static void append_judged(struct strbuf *out, const char *label, const char *value, size_t value_columns,
                          const struct verdict *v, bool colour) {
    strbuf_append(out, "  ");
    cell_append_left(out, label, COLUMNS - 2 - value_columns - VERDICT_COLUMNS);
    cell_append_right(out, value, value_columns);
    strbuf_printf(out, "%*s%s%s%s\n", VERDICT_COLUMNS - (int)strlen(v->word), "", colour ? v->tint : "",
                  v->word, colour ? "\033[0m" : "");
}

/* "latency.ttft_s p95 <= 500 ms, chat" */
static void append_objective(struct strbuf *out, const struct objective_result *r, const char *value,
                             size_t value_columns, bool colour) {
    char cell[CELL_BYTES];
    struct strbuf label = {0};
    strbuf_printf(&label, "%s%s%s %s %s", r->metric, r->statistic ? " " : "",
                  r->statistic ? r->statistic : "",
                  r->at_least ? ">=" : "<=", summary_cell(r->metric)(r->limit, cell));
    if (r->service) {
        strbuf_printf(&label, ", %s", r->service);
    }
    struct verdict v = {r->met           ? "met"
                        : r->value_known ? "MISSED"
                                         : "no value",
                        r->met ? tint_good : tint_bad};
    append_judged(out, label.text, value, value_columns, &v, colour);
    strbuf_free(&label);
}

/* "latency.ttft_s.p95 <= 500 ms, service/chat" */
static void append_gate(struct strbuf *out, const struct gate_result *r, const char *value,
                        size_t value_columns, bool colour) {
    char cell[CELL_BYTES];
    struct strbuf label = {0};
    strbuf_append(&label, r->metric);
    if (!isnan(r->min)) {
        strbuf_printf(&label, " >= %s", summary_cell(r->metric)(r->min, cell));
    }
    if (!isnan(r->max)) {
        strbuf_printf(&label, "%s <= %s", isnan(r->min) ? "" : ",", summary_cell(r->metric)(r->max, cell));
    }
    if (r->scope) {
        strbuf_printf(&label, ", %s", r->scope);
    }
    struct verdict v = {r->held           ? "held"
                        : isnan(r->value) ? "no value"
                        : r->warn         ? "warn"
                                          : "BROKEN",
                        r->held   ? tint_good
                        : r->warn ? tint_doubt
                                  : tint_bad};
    append_judged(out, label.text, value, value_columns, &v, colour);
    strbuf_free(&label);
}

static const char *value_cell(const char *metric, double value, char out[CELL_BYTES]) {
    return isnan(value) ? strcpy(out, "-") : summary_cell(metric)(value, out);
}

static void append_promises(struct strbuf *out, const struct summary *s, bool colour) {
    char cell[CELL_BYTES];
    strbuf_append(out, s->objective_count ? "\nObjectives\n" : "");
    for (size_t i = 0; i < s->objective_count; i++) {
        const struct objective_result *r = &s->objectives[i];
        const char *value = value_cell(r->metric, r->value_known ? r->value : NAN, cell);
        append_objective(out, r, value, ONE_VALUE_COLUMNS, colour);
    }
    strbuf_append(out, s->gate_count ? "\nGates\n" : "");
    for (size_t i = 0; i < s->gate_count; i++) {
        const struct gate_result *r = &s->gates[i];
        append_gate(out, r, value_cell(r->metric, r->value, cell), ONE_VALUE_COLUMNS, colour);
    }
}

static void append_scope(struct strbuf *out, const struct scope_summary *s) {
    char cell[CELL_BYTES];
    strbuf_append(out, "  ");
    cell_append_left(out, s->name, NAME_COLUMNS);
    strbuf_printf(out, "%14s", cell_count(s->requests.arrived, cell));
    strbuf_printf(out, "%11s", s->ttft.n ? cell_duration(s->ttft.p95, cell) : "-");
    strbuf_printf(out, "%11s", s->tpot.n ? cell_duration(s->tpot.p95, cell) : "-");
    strbuf_printf(out, "%11s", s->e2e.n ? cell_duration(s->e2e.p95, cell) : "-");
    strbuf_printf(out, "%11s\n", s->has_slo ? cell_percent(s->slo_attainment, cell) : "-");
}

/* One service or tenant would repeat the whole. */
static void append_scopes(struct strbuf *out, const char *title, const struct scope_summary *scopes,
                          size_t n) {
    if (n < 2) {
        return;
    }
    strbuf_printf(out, "\n%-22s%14s%11s%11s%11s%11s\n", title, "requests", "TTFT p95", "TPOT p95", "E2E p95",
                  "objectives");
    for (size_t i = 0; i < n && i < SCOPES_MAX; i++) {
        append_scope(out, &scopes[i]);
    }
    if (n > SCOPES_MAX) {
        strbuf_printf(out, "  and %zu more, in summary.json\n", n - SCOPES_MAX);
    }
}

/* "TTFT p95: quiet 3.4 times the best" */
static void append_spread(struct strbuf *line, const struct fairness_figure *f, const char *metric,
                          const char *than) {
    char ratio[CELL_BYTES];
    if (!f->present || f->ratio == 1) {
        return;
    }
    strbuf_printf(line, "%s%s: ", line->length > 0 ? "; " : "", metric);
    cell_append_clean(line, f->worst, strlen(f->worst));
    if (isinf(f->ratio)) {
        strbuf_printf(line, " beyond comparison");
    } else {
        strbuf_printf(line, " %s times %s", cell_rate(f->ratio, ratio), than);
    }
}

static void append_fairness(struct strbuf *out, const struct summary *s) {
    struct strbuf line = {0};
    append_spread(&line, &s->fairness[FAIRNESS_TTFT_P95][FAIRNESS_BY_TENANT], "TTFT p95", "the best");
    append_spread(&line, &s->fairness[FAIRNESS_ATTAINMENT][FAIRNESS_BY_TENANT], "objectives",
                  "below the best");
    if (line.length > 0) {
        append_row_label(out, "Fairness");
        cell_append_wrapped(out, line.text, LABEL_COLUMNS, COLUMNS);
    }
    strbuf_free(&line);
}

/* ---- replications ---- */

/* "75.6 ms ± 1.2 ms"; the mean alone where it has no interval, "-" where there is none. */
static void figure_cell(const struct replicated_figure *f, cell_function *cell, char out[CELL_BYTES]) {
    char mean[CELL_BYTES];
    char half[CELL_BYTES];
    if (isnan(f->mean)) {
        strcpy(out, "-");
    } else if (isnan(f->half)) {
        cell(f->mean, out);
    } else {
        snprintf(out, CELL_BYTES, "%.24s ± %.24s", cell(f->mean, mean), cell(f->half, half));
    }
}

static void append_replications(struct strbuf *out, const struct summary *s, struct json_object *replicated) {
    strbuf_printf(out, "\n%llu replications: mean ± half of the 95 %% interval (above: the first alone)\n",
                  (unsigned long long)s->replications);
    for (const struct headline *h = headlines; h->path; h++) {
        struct json_object *figure = NULL;
        char cell[CELL_BYTES];
        if (!summary_member(replicated, h->path, &figure) || !figure) {
            continue;
        }
        struct replicated_figure f = replicated_figure(figure);
        strbuf_append(out, "  ");
        cell_append_left(out, h->label, 24);
        cell_append_right(out, isnan(f.mean) ? "-" : h->cell(f.mean, cell), 10);
        if (!isnan(f.half)) {
            strbuf_printf(out, "  ± %s", h->cell(f.half, cell));
        }
        if (f.n < s->replications) {
            strbuf_printf(out, "  (in %llu of them)", (unsigned long long)f.n);
        }
        strbuf_char(out, '\n');
    }
}

static const char *text_of(struct json_object *o, const char *key) {
    struct json_object *member;
    return json_object_object_get_ex(o, key, &member) && member ? json_object_get_string(member) : NULL;
}

static bool flag_of(struct json_object *o, const char *key) {
    struct json_object *member;
    return json_object_object_get_ex(o, key, &member) && json_object_get_boolean(member);
}

static struct replicated_figure value_of(struct json_object *promise) {
    struct json_object *value = NULL;
    json_object_object_get_ex(promise, "value", &value);
    return replicated_figure(value);
}

static void append_replicated_objective(struct strbuf *out, struct json_object *o, bool colour) {
    char cell[CELL_BYTES];
    struct replicated_figure f = value_of(o);
    struct objective_result r = {.metric = text_of(o, "metric"),
                                 .statistic = text_of(o, "statistic"),
                                 .service = text_of(o, "service"),
                                 .limit = summary_figure(o, "limit"),
                                 .at_least = flag_of(o, "at_least"),
                                 .value_known = !isnan(f.mean),
                                 .met = flag_of(o, "met")};
    figure_cell(&f, summary_cell(r.metric), cell);
    append_objective(out, &r, cell, INTERVAL_COLUMNS, colour);
}

static void append_replicated_gate(struct strbuf *out, struct json_object *o, bool colour) {
    char cell[CELL_BYTES];
    struct replicated_figure f = value_of(o);
    struct gate_result r = {.metric = text_of(o, "metric"),
                            .scope = text_of(o, "scope"),
                            .min = summary_figure(o, "min"),
                            .max = summary_figure(o, "max"),
                            .value = f.mean,
                            .warn = strcmp(text_of(o, "level"), "warn") == 0,
                            .held = flag_of(o, "held")};
    figure_cell(&f, summary_cell(r.metric), cell);
    append_gate(out, &r, cell, INTERVAL_COLUMNS, colour);
}

static void append_replicated_promises(struct strbuf *out, struct json_object *replicated, bool colour) {
    static const struct {
        const char *path, *title;
        void (*append)(struct strbuf *, struct json_object *, bool);
    } kinds[] = {{"slo.objectives", "Objectives", append_replicated_objective},
                 {"gates", "Gates", append_replicated_gate}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct json_object *list = NULL;
        if (!summary_member(replicated, kinds[k].path, &list)) {
            continue;
        }
        strbuf_printf(out, "\n%s, judged on the means\n", kinds[k].title);
        for (size_t i = 0; i < json_object_array_length(list); i++) {
            kinds[k].append(out, json_object_array_get_idx(list, i), colour);
        }
    }
}

void summary_text(const struct summary *s, bool colour, struct strbuf *out) {
    append_head(out, s);
    append_requests(out, &s->all);
    append_use(out, &s->all);
    if (s->has_scaling) {
        char cells[3][CELL_BYTES];
        strbuf_printf(out, "Scaling     %s decisions, %s up, %s down\n",
                      cell_count(s->scaling_decisions, cells[0]), cell_count(s->scaling_ups, cells[1]),
                      cell_count(s->scaling_downs, cells[2]));
    }
    append_latency(out, &s->all);
    append_scopes(out, "Services", s->services, s->service_count);
    append_scopes(out, "Tenants", s->tenants, s->tenant_count);
    append_fairness(out, s);
    struct json_object *replicated = s->replicated ? json_tokener_parse(s->replicated) : NULL;
    if (replicated) {
        append_replications(out, s, replicated);
        append_replicated_promises(out, replicated, colour);
    } else {
        append_promises(out, s, colour);
    }
    json_object_put(replicated);
    if (s->warning_count) {
        strbuf_append(out, "\nWarnings\n");
    }
    for (size_t i = 0; i < s->warning_count; i++) {
        strbuf_append(out, "  ");
        cell_append_wrapped(out, s->warnings[i], 4, COLUMNS);
    }
}

void summary_print(const struct summary *s, bool colour) {
    struct strbuf text = {0};
    summary_text(s, colour, &text);
    fputs(text.text, stdout);
    strbuf_free(&text);
}
