/* Objectives and gates, held against the figures of the summary, by path: what judges is what is written. */
#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include "accounts/accounts.h"
#include "record/figure.h"
#include "record/headline.h"
#include "run/run_private.h"

/* ---- the figure ---- */

/* A workload that a Service selects has its figures under the Service's name. */
static const char *summary_name(const struct world *w, const char *service) {
    const struct service_state *called = service_called(w, service);
    return called ? called->name : service;
}

/* "service/NAME", "tenant/NAME", NULL for all; NULL when nothing came of it. */
static struct json_object *scope_of(const struct world *w, struct json_object *summary, const char *scope) {
    struct json_object *all, *one;
    if (!scope) {
        return summary;
    }
    bool tenant = strncmp(scope, "tenant/", 7) == 0;
    const char *name = strchr(scope, '/') + 1;
    bool found = json_object_object_get_ex(summary, tenant ? "tenants" : "services", &all) &&
                 json_object_object_get_ex(all, tenant ? name : summary_name(w, name), &one);
    return found ? one : NULL;
}

/* A figure that does not exist is NaN: it meets nothing, since a check that judged nothing must not pass. */
static double figure_of(const struct world *w, struct json_object *summary, const char *scope,
                        const char *path) {
    char judged[FIGURE_PATH_BYTES];
    struct json_object *from = scope_of(w, summary, scope);
    return from ? summary_figure(from, figure_judged(path, judged)) : NAN;
}

/* ---- objectives ---- */

static struct objective_result judge_objective(const struct world *w, struct json_object *summary,
                                               const struct objective_config *o) {
    const char *scope = o->service ? arena_printf(w->arena, "service/%s", o->service) : NULL;
    const char *path = o->statistic ? arena_printf(w->arena, "%s.%s", o->metric, o->statistic) : o->metric;
    struct objective_result r = {
        .metric = o->metric,
        .statistic = o->statistic,
        .service = o->service,
        .limit = o->limit,
        .at_least = o->sense == OBJECTIVE_AT_LEAST,
        .value = figure_of(w, summary, scope, path),
    };
    r.value_known = !isnan(r.value);
    r.met = r.value_known && (r.at_least ? r.value >= r.limit : r.value <= r.limit);
    return r;
}

/* ---- gates ---- */

static struct gate_result judge_gate(const struct world *w, struct json_object *summary,
                                     const struct gate_config *g) {
    return gate_judge(&(struct gate_result){.metric = g->metric,
                                            .scope = g->scope,
                                            .min = g->min,
                                            .max = g->max,
                                            .warn = g->level == GATE_WARN,
                                            .value = figure_of(w, summary, g->scope, g->metric)});
}

static void judge_gates(struct world *w, struct json_object *tree, struct summary *s) {
    s->gates = arena_array(w->arena, w->scenario.gate_count, sizeof *s->gates);
    for (size_t i = 0; i < w->scenario.gate_count; i++) {
        const struct gate_config *g = &w->scenario.gates[i];
        if (isnan(g->min) && isnan(g->max)) {
            notice_add(w->notices, NOTICE_NOTE, &g->pos,
                       "the gate on %s compares two revisions: a run alone does not judge it", g->metric);
        } else {
            s->gates[s->gate_count++] = judge_gate(w, tree, g);
        }
    }
}

/* ---- warnings ---- */

/* Places are told relative to the scenario's folder: the same folder elsewhere is the same result. */
static const char *without_folder(const struct world *w, const char *text) {
    size_t length = strlen(w->scenario.folder);
    bool inside = strncmp(text, w->scenario.folder, length) == 0 && text[length] == '/';
    return inside ? text + length + 1 : text;
}

static void warnings(struct world *w, struct summary *s) {
    s->warnings = arena_array(w->arena, w->notices->count, sizeof *s->warnings);
    for (size_t i = 0; i < w->notices->count; i++) {
        if (w->notices->items[i].level == NOTICE_WARNING) {
            s->warnings[s->warning_count++] = without_folder(w, w->notices->items[i].text);
        }
    }
}

void world_judge(struct world *w, struct summary *s) {
    struct json_object *tree = summary_tree(s, false);
    s->objective_count = w->scenario.objective_count;
    s->objectives = arena_array(w->arena, s->objective_count, sizeof *s->objectives);
    for (size_t i = 0; i < s->objective_count; i++) {
        s->objectives[i] = judge_objective(w, tree, &w->scenario.objectives[i]);
    }
    judge_gates(w, tree, s);
    json_object_put(tree);
    warnings(w, s);
}
