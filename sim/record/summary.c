#include "record/summary.h"

#include <json-c/json.h>
#include <json-c/printbuf.h>
#include <math.h>
#include <string.h>

/* Numbers are written in their shortest exact form, the same on every machine; json-c alone would print 17
 * digits. */
static struct json_object *number(double value) {
    char text[NUMBER_TEXT_BYTES];
    if (!isfinite(value)) {
        return NULL; /* null */
    }
    return json_object_new_double_s(value, number_text(value, text));
}

static struct json_object *count(uint64_t value) {
    return json_object_new_uint64(value);
}

static void append_utf8(struct strbuf *out, const char *text) {
    while (*text) {
        size_t n = utf8_length(text);
        if (n) {
            strbuf_append_n(out, text, n);
        } else {
            strbuf_append(out, "\xEF\xBF\xBD");
        }
        text += n ? n : 1;
    }
}

static struct json_object *text(const char *value) {
    if (!value) {
        return NULL;
    }
    struct strbuf clean = {0};
    append_utf8(&clean, value);
    struct json_object *object = json_object_new_string(clean.text ? clean.text : "");
    strbuf_free(&clean);
    return object;
}

/* json-c before 0.17 breaks the line within an empty array; the bytes of a result must not tell its version.
 */
static int print_empty(struct json_object *o, struct printbuf *out, int level, int flags) {
    (void)o;
    (void)level;
    (void)flags;
    return printbuf_memappend(out, "[]", 2);
}

static struct json_object *array(size_t items) {
    struct json_object *o = json_object_new_array();
    if (items == 0) {
        json_object_set_serializer(o, print_empty, NULL, NULL);
    }
    return o;
}

static void add(struct json_object *to, const char *key, struct json_object *value) {
    json_object_object_add(to, key, value);
}

static struct json_object *requests_json(const struct request_counts *r) {
    struct json_object *o = json_object_new_object();
    add(o, "arrived", count(r->arrived));
    add(o, "completed", count(r->completed));
    add(o, "rejected", count(r->rejected));
    add(o, "timed_out", count(r->timed_out));
    add(o, "failed", count(r->failed));
    add(o, "unfinished", count(r->unfinished));
    add(o, "attempts", count(r->attempts));
    add(o, "cancelled", count(r->cancelled));
    return o;
}

/* null when nothing was counted. */
static struct json_object *latency_json(const struct latency_summary *l) {
    if (l->n == 0) {
        return NULL;
    }
    const struct {
        const char *key;
        double value;
    } figures[] = {{"mean", l->mean}, {"p50", l->p50},   {"p90", l->p90}, {"p95", l->p95},
                   {"p99", l->p99},   {"p999", l->p999}, {"max", l->max}};
    struct json_object *o = json_object_new_object();
    bool infinite = false;
    add(o, "n", count(l->n));
    add(o, "excluded", count(l->excluded));
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        add(o, figures[i].key, number(figures[i].value));
        infinite = infinite || isinf(figures[i].value);
    }
    if (infinite) {
        add(o, "infinite", json_object_new_boolean(true));
    }
    return o;
}

static struct json_object *latencies_json(const struct latency_summary *ttft,
                                          const struct latency_summary *tpot,
                                          const struct latency_summary *itl,
                                          const struct latency_summary *e2e,
                                          const struct latency_summary *queue) {
    struct json_object *o = json_object_new_object();
    add(o, "ttft_s", latency_json(ttft));
    add(o, "tpot_s", latency_json(tpot));
    add(o, "itl_s", latency_json(itl));
    add(o, "e2e_s", latency_json(e2e));
    add(o, "queue_s", latency_json(queue));
    return o;
}

static struct json_object *throughput_json(const struct scope_summary *s) {
    struct json_object *o = json_object_new_object();
    add(o, "requests_per_s", number(s->requests_per_s));
    add(o, "input_tokens_per_s", number(s->input_tokens_per_s));
    add(o, "output_tokens_per_s", number(s->output_tokens_per_s));
    return o;
}

static struct json_object *objective_json(const struct objective_result *r) {
    struct json_object *o = json_object_new_object();
    add(o, "metric", text(r->metric));
    add(o, "statistic", text(r->statistic));
    if (r->service) {
        add(o, "service", text(r->service));
    }
    add(o, "limit", number(r->limit));
    if (r->at_least) {
        add(o, "at_least", json_object_new_boolean(true));
    }
    add(o, "value", r->value_known ? number(r->value) : NULL);
    if (r->value_known && isinf(r->value)) {
        add(o, "infinite", json_object_new_boolean(true));
    }
    add(o, "met", json_object_new_boolean(r->met));
    return o;
}

struct gate_result gate_judge(const struct gate_result *gate) {
    struct gate_result r = *gate;
    r.held = !isnan(r.value) && !(r.value < r.min) && !(r.value > r.max);
    return r;
}

static struct json_object *gate_json(const struct gate_result *r) {
    struct json_object *o = json_object_new_object();
    add(o, "metric", text(r->metric));
    if (r->scope) {
        add(o, "scope", text(r->scope));
    }
    if (!isnan(r->min)) {
        add(o, "min", number(r->min));
    }
    if (!isnan(r->max)) {
        add(o, "max", number(r->max));
    }
    add(o, "value", number(r->value));
    if (isinf(r->value)) {
        add(o, "infinite", json_object_new_boolean(true));
    }
    add(o, "held", json_object_new_boolean(r->held));
    add(o, "level", text(r->warn ? "warn" : "fail"));
    return o;
}

static struct json_object *slo_json(const struct scope_summary *scope, const struct summary *whole) {
    struct json_object *o = json_object_new_object();
    if (scope->has_slo) {
        add(o, "attainment", number(scope->slo_attainment));
    }
    if (whole) {
        struct json_object *list = array(whole->objective_count);
        for (size_t i = 0; i < whole->objective_count; i++) {
            json_object_array_add(list, objective_json(&whole->objectives[i]));
        }
        add(o, "objectives", list);
    }
    return o;
}

static void add_replicas(struct json_object *to, const struct scope_summary *s) {
    if (s->has_replicas) {
        struct json_object *o = json_object_new_object();
        add(o, "mean", number(s->replicas_mean));
        add(o, "max", number(s->replicas_max));
        add(o, "replica_s", number(s->replica_s));
        if (s->has_faults) {
            add(o, "availability", number(s->availability));
            add(o, "restarts", count(s->restarts));
        }
        add(to, "replicas", o);
    }
    if (s->has_gpu) {
        struct json_object *o = json_object_new_object();
        add(o, "hours", number(s->gpu_hours));
        add(o, "busy_fraction", number(s->gpu_busy_fraction));
        add(to, "gpu", o);
    }
}

/* Decimals with nine places, exact: never through a double. */
static struct json_object *money(nanousd amount) {
    char text[MONEY_TEXT_BYTES];
    return amount == NANOUSD_NONE ? NULL
                                  : json_object_new_double_s(money_to_usd(amount), money_text(amount, text));
}

static struct json_object *cost_json(const struct cost_figures *c) {
    static const char *const categories[] = {"compute", "network", "storage", "fixed"};
    static const char *const states[] = {"serving", "start_up", "idle", "drain"};
    struct json_object *o = json_object_new_object();
    add(o, "total_usd", money(c->total));
    add(o, "billed_usd", money(c->billed));
    add(o, "month_usd", money(c->month));
    add(o, "usd_per_h", money(c->per_h));
    add(o, "usd_per_1k_requests", money(c->per_1k_requests));
    add(o, "usd_per_1m_output_tokens", money(c->per_1m_output_tokens));
    add(o, "usd_per_good_request", money(c->per_good_request));
    add(o, "usage_usd", money(c->usage));
    add(o, "allocated_usd", money(c->allocated));
    struct json_object *by_category = json_object_new_object();
    for (int i = 0; i < COST_FIGURE_CATEGORIES; i++) {
        add(by_category, categories[i], money(c->by_category[i]));
    }
    add(o, "by_category", by_category);
    struct json_object *by_state = json_object_new_object();
    for (int i = 0; i < COST_FIGURE_STATES; i++) {
        add(by_state, states[i], money(c->by_state[i]));
    }
    add(o, "by_state", by_state);
    return o;
}

static void add_footprint(struct json_object *to, const struct scope_summary *s) {
    if (s->has_energy) {
        add(to, "energy_kwh", number(s->energy_kwh));
    }
    if (s->has_carbon) {
        struct json_object *o = json_object_new_object();
        add(o, "kg", number(s->carbon_kg));
        add(o, "sci_g_per_request", number(s->carbon_sci_g));
        add(to, "carbon", o);
    }
}

/* The figures of a scope; `whole` is given for that of all services together, which has the objectives. */
static void add_scope(struct json_object *to, const struct scope_summary *s, const struct summary *whole) {
    add(to, "requests", requests_json(&s->requests));
    add(to, "latency", latencies_json(&s->ttft, &s->tpot, &s->itl, &s->e2e, &s->queue));
    add(to, "latency_gate",
        latencies_json(&s->gate_ttft, &s->gate_tpot, &s->gate_itl, &s->gate_e2e, &s->gate_queue));
    add(to, "throughput", throughput_json(s));
    add(to, "goodput_per_s", number(s->goodput_per_s));
    if (s->has_slo || (whole && whole->objective_count)) {
        add(to, "slo", slo_json(s, whole));
    }
    add_replicas(to, s);
    if (s->cost.present) {
        add(to, "cost", cost_json(&s->cost));
    }
    add_footprint(to, s);
}

static void add_scopes(struct json_object *to, const char *key, const struct scope_summary *scopes,
                       size_t n) {
    if (n == 0) {
        return;
    }
    struct json_object *all = json_object_new_object();
    for (size_t i = 0; i < n; i++) {
        struct strbuf name = {0};
        struct json_object *o = json_object_new_object();
        add_scope(o, &scopes[i], NULL);
        append_utf8(&name, scopes[i].name);
        add(all, name.text ? name.text : "", o);
        strbuf_free(&name);
    }
    add(to, key, all);
}

/* ---- fairness ---- */

static void add_equality(struct json_object *to, const struct fairness_figure *f) {
    add(to, "ratio", number(f->ratio));
    add(to, "worst", text(f->worst));
    add(to, "jain", number(f->jain));
    if (isinf(f->ratio)) {
        add(to, "infinite", json_object_new_boolean(true));
    }
}

/* By the first grouping that there is, and then by each. */
static struct json_object *fairness_json(const struct fairness_figure of[FAIRNESS_GROUPINGS]) {
    static const char *const names[FAIRNESS_GROUPINGS] = {"tenant", "region", "modality"};
    static const char *const keys[FAIRNESS_GROUPINGS] = {"by_tenant", "by_region", "by_modality"};
    struct json_object *o = NULL;
    for (int i = 0; i < FAIRNESS_GROUPINGS; i++) {
        if (of[i].present && !o) {
            o = json_object_new_object();
            add(o, "by", text(names[i]));
            add_equality(o, &of[i]);
        }
    }
    for (int i = 0; i < FAIRNESS_GROUPINGS; i++) {
        if (of[i].present) {
            struct json_object *one = json_object_new_object();
            add_equality(one, &of[i]);
            add(o, keys[i], one);
        }
    }
    return o;
}

static void add_fairness(struct json_object *to, const struct summary *s) {
    static const char *const keys[FAIRNESS_METRICS] = {"attainment", "ttft_p95",       "goodput",
                                                       "rejected",   "service_tokens", "usd_per_request"};
    struct json_object *all = json_object_new_object();
    for (int m = 0; m < FAIRNESS_METRICS; m++) {
        struct json_object *o = fairness_json(s->fairness[m]);
        if (o) {
            add(all, keys[m], o);
        }
    }
    if (s->has_fairness_gap) {
        struct json_object *gap = json_object_new_object();
        add(gap, "largest", number(s->fairness_gap));
        add(gap, "bound", number(s->fairness_gap_bound));
        add(all, "gap_tokens", gap);
    }
    if (json_object_object_length(all) > 0) {
        add(to, "fairness", all);
    } else {
        json_object_put(all);
    }
}

struct json_object *summary_tree(const struct summary *s, bool with_wall) {
    struct json_object *o = json_object_new_object();
    add(o, "schema", text(SUMMARY_SCHEMA));
    add(o, "drydock_version", text(s->drydock_version));
    add(o, "scenario", text(s->scenario));
    add(o, "seed", count(s->seed));
    add(o, "replications", count(s->replications));
    add(o, "simulated_s", number(s->simulated_s));
    if (with_wall) {
        add(o, "wall_s", number(s->wall_s));
    }
    add(o, "events", count(s->events));
    add_scope(o, &s->all, s);
    add_scopes(o, "services", s->services, s->service_count);
    add_scopes(o, "tenants", s->tenants, s->tenant_count);
    add_fairness(o, s);
    if (s->has_scaling) {
        struct json_object *scaling = json_object_new_object();
        add(scaling, "decisions", count(s->scaling_decisions));
        add(scaling, "scale_ups", count(s->scaling_ups));
        add(scaling, "scale_downs", count(s->scaling_downs));
        add(o, "scaling", scaling);
    }
    if (s->replicated) {
        add(o, "replicated", json_tokener_parse(s->replicated));
    }
    if (s->gate_count) {
        struct json_object *gates = array(s->gate_count);
        for (size_t i = 0; i < s->gate_count; i++) {
            json_object_array_add(gates, gate_json(&s->gates[i]));
        }
        add(o, "gates", gates);
    }
    struct json_object *warnings = array(s->warning_count);
    for (size_t i = 0; i < s->warning_count; i++) {
        json_object_array_add(warnings, text(s->warnings[i]));
    }
    add(o, "warnings", warnings);
    return o;
}

void summary_json(const struct summary *s, bool with_wall, struct strbuf *out) {
    struct json_object *o = summary_tree(s, with_wall);
    strbuf_append(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                             JSON_C_TO_STRING_NOSLASHESCAPE));
    strbuf_char(out, '\n');
    json_object_put(o);
}
