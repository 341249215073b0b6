/* Which policy counts for a service, and what its router and its admission policies are told: options from
 * their own tables, weights of the service's workloads. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "world/options.h"

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

/* ---- the router ---- */

static bool make_router(const struct router_order *o, struct error *err) {
    const struct dd_router_ops *router = o->of->router;
    const struct option_source source = {.w = o->w,
                                         .service = o->service,
                                         .kind = "router",
                                         .name = router->name,
                                         .rows = router->options,
                                         .given = o->options,
                                         .pos = o->pos,
                                         .field = o->field,
                                         .promise_s = NAN,
                                         .err = err};
    const struct dd_option_value *values = options_read(&source);
    o->of->router_state = values && router->create ? router->create(values) : NULL;
    return values != NULL;
}

bool world_router(const struct router_order *o, struct error *err) {
    const char *name = o->name;
    bool is_path = strchr(name, '/') != NULL;
    if (is_path) {
        name = path_join(o->w->arena, o->w->scenario.folder, name);
    }
    if (is_path && o->w->check_only) { /* code is not loaded to be checked */
        return true;
    }
    o->of->router = router_load(name, o->w->allow_exec, o->pos, err);
    if (!o->of->router) {
        return false;
    }
    o->of->blind = router_is_blind(o->of->router) && !o->w->diary;
    o->of->router_stream = hash64_text(o->of->name);
    return make_router(o, err);
}

/* ---- admission ---- */

static bool unknown_admission(const struct setting *s, const struct admission_config *a, const char *field) {
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX + 1] = {NULL};
    const char *list = "";
    for (int i = 0; admissions[i] && i < NAMES_MAX; i++) {
        names[i] = admissions[i]->name;
        list = arena_printf(s->w->arena, "%s%s%s", list, i ? ", " : "", admissions[i]->name);
    }
    error_at(s->err, ERROR_INVALID, &a->pos, field, "expected one of %s; got '%s'", list, a->policy);
    const char *near = str_nearest(a->policy, names);
    return near ? error_hint(s->err, "did you mean '%s'?", near) : false;
}

/* What the service promises of a first token: its objective's limit, else its time-out. */
static double promise_of(const struct service_state *s) {
    double timeout_s = s->timeout_ps > 0 ? simtime_to_s(s->timeout_ps) : NAN;
    return isfinite(s->limits.ttft_s) ? s->limits.ttft_s : timeout_s;
}

static bool add_admission(const struct setting *s, size_t index) {
    const struct admission_config *a = &s->policy->admission[index];
    const char *at = arena_printf(s->w->arena, "%s.admission.%zu", s->list, index);
    const char *field = arena_printf(s->w->arena, "%s.policy", at);
    const struct admission_ops *ops = admission_find(a->policy);
    if (!ops) {
        return unknown_admission(s, a, field);
    }
    const struct option_source source = {.w = s->w,
                                         .service = s->service,
                                         .kind = "admission policy",
                                         .name = ops->name,
                                         .rows = ops->options,
                                         .given = a->options,
                                         .pos = &a->pos,
                                         .field = arena_printf(s->w->arena, "%s.options", at),
                                         .promise_s = promise_of(s->service),
                                         .err = s->err};
    const struct dd_option_value *values = options_read(&source);
    if (!values) {
        return false;
    }
    if (gate_add(&s->service->gate, ops, values)) {
        return true;
    }
    return ops->order ? error_at(s->err, ERROR_INVALID, &a->pos, field,
                                 "expected one policy that holds requests, this is the second")
                      : error_at(s->err, ERROR_INVALID, &a->pos, field, "expected at most %d policies",
                                 GATE_POLICIES_MAX);
}

static bool make_gate(const struct setting *s) {
    for (size_t i = 0; s->policy && i < s->policy->admission_count; i++) {
        if (!add_admission(s, i)) {
            return false;
        }
    }
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

static void set_clients(struct service_state *s, const struct policy_config *p) {
    struct clients *c = &s->clients;
    c->retry = p->retry.attempts > 1 ? &p->retry : NULL;
    c->cancel = p->cancel.share > 0 ? &p->cancel : NULL;
    c->stream = hash64_text(s->name);
    c->slice_ps = simtime_from_s(p->retry.budget_window_s / RETRY_BUDGET_SLICES);
    for (size_t i = 0; i < p->retry.on_count; i++) {
        for (unsigned status = 0; request_status_names[status]; status++) {
            bool same = strcmp(p->retry.on[i], request_status_names[status]) == 0;
            c->again_on |= same ? 1u << status : 0;
        }
    }
}

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
    struct setting setting = {.w = w, .service = s, .policy = p, .err = err};
    setting.list = p ? arena_printf(w->arena, "spec.policies.%zu", (size_t)(p - w->scenario.policies)) : "";
    if (!make_gate(&setting)) {
        return false;
    }
    if (p) {
        set_clients(s, p);
    }
    const struct router_order order = {.w = w,
                                       .service = s,
                                       .of = s,
                                       .name = p ? p->router : "round-robin",
                                       .options = p ? p->options : NULL,
                                       .pos = p ? &p->pos : NULL,
                                       .field = arena_printf(w->arena, "%s.options", setting.list)};
    if (!world_router(&order, err)) {
        return false;
    }
    if (!s->router) {
        return true;
    }
    world_tenants_check(w, s, p);
    return set_weights(&setting) && world_tenants(w, s, p, err) && world_roles(w, s, p, err);
}
