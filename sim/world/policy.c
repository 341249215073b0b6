/* Which policy counts for a service, and what its router is told: options from the router's own table,
 * weights of the service's workloads. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "world/world.h"

/* What is being set up, and where the scenario says it. */
struct setting {
    struct world *w;
    struct service_state *service;
    const struct policy_config *policy;
    const char *list; /* spec.policies.0 */
    struct error *err;
};

static bool serves(const struct setting *s, uint32_t demand) {
    const struct workload_state *load = &s->w->workloads[demand];
    return load->service == s->service - s->w->services && load->can_serve;
}

static const char *field_of(const struct setting *s, const char *key, const char *name) {
    return arena_printf(s->w->arena, "%s.%s.%s", s->list, key, name);
}

/* ---- options ---- */

static bool unknown_option(const struct setting *s, const struct yaml_pair *pair) {
    enum { NAMES_MAX = 32 };
    const struct dd_option *rows = s->service->router->options;
    const char *names[NAMES_MAX + 1] = {NULL};
    const char *list = "";
    for (int i = 0; rows && rows[i].name && i < NAMES_MAX; i++) {
        names[i] = rows[i].name;
        list = arena_printf(s->w->arena, "%s%s%s", list, i ? ", " : "", rows[i].name);
    }
    const char *near = str_nearest(pair->key, names);
    error_at(s->err, ERROR_INVALID, &pair->pos, field_of(s, "options", pair->key),
             "router '%s' has no such option", s->service->router->name);
    return near       ? error_hint(s->err, "did you mean '%s'?", near)
           : names[0] ? error_hint(s->err, "it has: %s", list)
                      : error_hint(s->err, "it has none (`drydock help policies`)");
}

static bool read_number(const struct setting *s, const struct dd_option *row, const struct yaml_pair *pair,
                        double *number) {
    bool whole = row->type == DD_OPTION_INTEGER;
    const char *text = pair->value->kind == YAML_SCALAR ? pair->value->text : "";
    if (isinf(row->fallback) && strcmp(text, "none") == 0) {
        *number = row->fallback;
        return true;
    }
    double value;
    if (unit_parse(whole ? UNIT_COUNT : UNIT_NUMBER, text, &value) && value >= row->low &&
        value <= row->high && (!whole || value == floor(value))) {
        *number = value;
        return true;
    }
    char low[48];
    char high[48];
    return error_at(s->err, ERROR_INVALID, &pair->value->pos, field_of(s, "options", row->name),
                    "expected a %snumber from %s to %s%s", whole ? "whole " : "",
                    unit_text(UNIT_NUMBER, row->low, low), unit_text(UNIT_NUMBER, row->high, high),
                    isinf(row->fallback) ? ", or none" : "");
}

/* Adds what `called` names among the service's workloads. */
static bool read_workload(const struct setting *s, const struct dd_option *row,
                          const struct yaml_node *called, uint32_t *found, uint32_t *count) {
    const char *text = called->kind == YAML_SCALAR ? called->text : "";
    const char *known = "";
    uint32_t before = *count;
    for (uint32_t d = 0; d < s->w->demand_count; d++) {
        if (!serves(s, d)) {
            continue;
        }
        const char *name = s->w->demands[d].workload;
        known = arena_printf(s->w->arena, "%s%s%s", known, known[0] ? ", " : "", name);
        if (demand_is_called(&s->w->demands[d], text)) {
            found[(*count)++] = d;
        }
    }
    if (*count > before) {
        return true;
    }
    error_at(s->err, ERROR_INVALID, &called->pos, field_of(s, "options", row->name),
             "expected a workload of service '%s', found \"%.80s\"", s->service->name, text);
    return error_hint(s->err, "it has: %s", known);
}

static bool read_workloads(const struct setting *s, const struct dd_option *row, const struct yaml_pair *pair,
                           struct dd_option_value *value) {
    const struct yaml_node *node = pair->value;
    bool is_list = node->kind == YAML_SEQUENCE;
    size_t names = is_list ? node->count : 1;
    uint32_t *found = arena_array(s->w->arena, names * s->w->demand_count + 1, sizeof *found);
    value->workloads = found;
    for (size_t i = 0; i < names; i++) {
        if (!read_workload(s, row, is_list ? node->items[i] : node, found, &value->workload_count)) {
            return false;
        }
    }
    return value->workload_count > 0 ||
           error_at(s->err, ERROR_INVALID, &node->pos, field_of(s, "options", row->name),
                    "expected at least one workload");
}

static bool read_option(const struct setting *s, const struct dd_option *row, struct dd_option_value *value) {
    const struct yaml_node *options = s->policy ? s->policy->options : NULL;
    const struct yaml_pair *pair = options ? yaml_pair_of(options, row->name) : NULL;
    value->number = row->fallback;
    if (!pair) {
        if (row->required) {
            error_at(s->err, ERROR_INVALID,
                     options     ? &options->pos
                     : s->policy ? &s->policy->pos
                                 : NULL,
                     field_of(s, "options", row->name), "router '%s' needs this option",
                     s->service->router->name);
            return error_hint(s->err, "%s", row->help);
        }
        return true;
    }
    return row->type == DD_OPTION_WORKLOADS ? read_workloads(s, row, pair, value)
                                            : read_number(s, row, pair, &value->number);
}

static bool has_row(const struct dd_option *rows, const char *name) {
    for (; rows && rows->name; rows++) {
        if (strcmp(rows->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool make_router(const struct setting *s) {
    const struct dd_router_ops *router = s->service->router;
    const struct yaml_node *given = s->policy ? s->policy->options : NULL;
    for (size_t i = 0; given && i < given->count; i++) {
        if (!has_row(router->options, given->pairs[i].key)) {
            return unknown_option(s, &given->pairs[i]);
        }
    }
    size_t count = 0;
    while (router->options && router->options[count].name) {
        count++;
    }
    struct dd_option_value *values = arena_array(s->w->arena, count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        if (!read_option(s, &router->options[i], &values[i])) {
            return false;
        }
    }
    s->service->router_state = router->create ? router->create(values) : NULL;
    return true;
}

/* ---- weights ---- */

/* Every key that names a workload of the service sets its weight; the others are, in a policy for one
 * service, slips. */
static bool take_weight(const struct setting *s, const struct yaml_pair *pair, bool *taken) {
    bool is_ours = false;
    for (uint32_t d = 0; d < s->w->demand_count; d++) {
        if (!serves(s, d) || !demand_is_called(&s->w->demands[d], pair->key)) {
            continue;
        }
        if (taken[d]) {
            return error_at(s->err, ERROR_INVALID, &pair->pos, field_of(s, "weights", pair->key),
                            "a second weight for %s", s->w->demands[d].workload);
        }
        taken[d] = is_ours = true;
        unit_parse(UNIT_NUMBER, pair->value->text, &s->w->workloads[d].weight);
    }
    return is_ours || !s->policy->service ||
           error_at(s->err, ERROR_INVALID, &pair->pos, field_of(s, "weights", pair->key),
                    "it takes no requests of service '%s'", s->service->name);
}

static bool check_complete(const struct setting *s, const bool *taken) {
    double total = 0;
    const char *without = NULL;
    for (uint32_t d = 0; d < s->w->demand_count; d++) {
        if (serves(s, d)) {
            s->service->has_weights |= taken[d];
            total += taken[d] ? s->w->workloads[d].weight : 0;
            without = taken[d] ? without : s->w->demands[d].workload;
        }
    }
    if (!s->service->has_weights) {
        return true;
    }
    const char *field = arena_printf(s->w->arena, "%s.weights", s->list);
    if (without) {
        error_at(s->err, ERROR_INVALID, &s->policy->weights->pos, field,
                 "expected a weight for each workload of service '%s', %s has none", s->service->name,
                 without);
        return error_hint(s->err, "a weight of 0 sends it nothing while others are Ready");
    }
    if (total == 0) {
        return error_at(s->err, ERROR_INVALID, &s->policy->weights->pos, field,
                        "expected a weight above 0 for a workload of service '%s'", s->service->name);
    }
    if (!s->service->router->weighs) {
        notice_add(s->w->notices, NOTICE_WARNING, &s->policy->weights->pos,
                   "%s: router '%s' does not go by weights ('weighted' does): they have no effect", field,
                   s->service->router->name);
    }
    return true;
}

static bool set_weights(const struct setting *s) {
    const struct yaml_node *weights = s->policy ? s->policy->weights : NULL;
    if (!weights) {
        return true;
    }
    bool *taken = arena_array(s->w->arena, s->w->demand_count + 1, sizeof *taken);
    for (size_t i = 0; i < weights->count; i++) {
        if (!take_weight(s, &weights->pairs[i], taken)) {
            return false;
        }
    }
    return check_complete(s, taken);
}

/* ---- the whole ---- */

/* The entry that names the service, else the one for all. */
static const struct policy_config *policy_of(const struct world *w, const struct service_state *s) {
    const struct policy_config *found = NULL;
    for (size_t i = 0; i < w->scenario.policy_count; i++) {
        const struct policy_config *p = &w->scenario.policies[i];
        if (p->service && service_called(w, p->service) == s) {
            return p;
        }
        if (!p->service && !found) {
            found = p;
        }
    }
    return found;
}

bool world_policy(struct world *w, struct service_state *s, struct error *err) {
    const struct policy_config *p = policy_of(w, s);
    s->queue_limit = p ? p->queue_limit : -1;
    s->timeout_ps = p ? simtime_from_s(p->timeout_s) : 0;
    s->metrics_refresh_ps = p ? simtime_from_s(p->metrics_refresh_s) : 0;
    const char *router = p ? p->router : "round-robin";
    bool is_path = strchr(router, '/') != NULL;
    if (is_path) {
        router = path_join(w->arena, w->scenario.folder, router);
    }
    if (is_path && w->check_only) { /* code is not loaded to be checked */
        return true;
    }
    s->router = router_load(router, w->allow_exec, p ? &p->pos : NULL, err);
    if (!s->router) {
        return false;
    }
    s->router_stream = hash64_text(s->name);
    struct setting setting = {.w = w, .service = s, .policy = p, .err = err};
    setting.list = p ? arena_printf(w->arena, "spec.policies.%zu", (size_t)(p - w->scenario.policies)) : "";
    return make_router(&setting) && set_weights(&setting);
}
