/* What a service's policy says of its tenants: how urgent their requests are, and which adapter of the model
 * they ask for. */
#include <string.h>

#include "base/units.h"
#include "world/world.h"

static struct tenant_terms *terms_of(struct world *w, struct service_state *s, const char *tenant) {
    uint32_t id = trace_names_intern(&w->names, tenant, strlen(tenant));
    if (id >= s->terms_count) {
        size_t capacity = s->terms_count;
        s->terms = arena_grow(w->arena, s->terms, s->terms_count, id + 1u, &capacity, sizeof *s->terms);
        memset(s->terms + s->terms_count, 0, (capacity - s->terms_count) * sizeof *s->terms);
        s->terms_count = capacity;
    }
    return &s->terms[id];
}

static bool fail(const struct world *w, const struct policy_config *p, const char *key,
                 const struct yaml_pair *pair, const char *expected, struct error *err) {
    return error_at(
        err, ERROR_INVALID, &pair->value->pos,
        arena_printf(w->arena, "spec.policies.%zu.%s.%s", (size_t)(p - w->scenario.policies), key, pair->key),
        "expected %s", expected);
}

static bool read_priorities(struct world *w, struct service_state *s, const struct policy_config *p,
                            struct error *err) {
    for (size_t i = 0; p->priorities && i < p->priorities->count; i++) {
        const struct yaml_pair *pair = &p->priorities->pairs[i];
        double value;
        if (pair->value->kind != YAML_SCALAR || !unit_parse(UNIT_COUNT, pair->value->text, &value) ||
            value < INT16_MIN || value > INT16_MAX || value != (double)(int16_t)value) {
            return fail(w, p, "priorities", pair, "a whole number from -32768 to 32767; smaller goes first",
                        err);
        }
        terms_of(w, s, pair->key)->priority = (int16_t)value;
    }
    return true;
}

static bool read_adapters(struct world *w, struct service_state *s, const struct policy_config *p,
                          struct error *err) {
    for (size_t i = 0; p->adapters && i < p->adapters->count; i++) {
        const struct yaml_pair *pair = &p->adapters->pairs[i];
        if (pair->value->kind != YAML_SCALAR || *pair->value->text == '\0') {
            return fail(w, p, "adapters", pair, "the name of an adapter", err);
        }
        terms_of(w, s, pair->key)->adapter =
            trace_names_intern(&w->names, pair->value->text, strlen(pair->value->text));
    }
    return true;
}

bool world_tenants(struct world *w, struct service_state *s, const struct policy_config *p,
                   struct error *err) {
    return !p || (read_priorities(w, s, p, err) && read_adapters(w, s, p, err));
}

/* ---- what the engines make of it ---- */

static bool some_engine(const struct world *w, const struct service_state *s,
                        bool (*does)(const struct replica_config *c)) {
    for (uint32_t d = 0; d < w->demand_count; d++) {
        const struct workload_state *load = &w->workloads[d];
        for (size_t p = 0; load->service == s - w->services && load->on_pool && p < w->scenario.pool_count;
             p++) {
            if (load->on_pool[p].times && does(&load->on_pool[p].config)) {
                return true;
            }
        }
    }
    return false;
}

static bool schedules_by_priority(const struct replica_config *c) {
    return c->priority_scheduling;
}

static bool takes_adapters(const struct replica_config *c) {
    return c->adapters.on_gpu > 0;
}

bool world_takes_adapters(const struct world *w, const struct service_state *s) {
    return some_engine(w, s, takes_adapters);
}

void world_tenants_check(struct world *w, const struct service_state *s, const struct policy_config *p) {
    if (p && p->priorities && !some_engine(w, s, schedules_by_priority)) {
        notice_add(w->notices, NOTICE_WARNING, &p->priorities->pos,
                   "spec.policies.%zu.priorities: no engine of service '%s' runs with --scheduling-policy "
                   "priority: they have no effect",
                   (size_t)(p - w->scenario.policies), s->name);
    }
    if (p && p->adapters && !world_takes_adapters(w, s)) {
        notice_add(w->notices, NOTICE_WARNING, &p->adapters->pos,
                   "spec.policies.%zu.adapters: no engine of service '%s' runs with --enable-lora: it turns "
                   "such requests away",
                   (size_t)(p - w->scenario.policies), s->name);
    }
}
