/* What no single key of a scenario can know. */
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "scenario/scenario_parts.h"
#include "traces/traces.h"

/* Names that something may refer to. */
struct names {
    struct arena *arena;
    const char **items; /* NULL-terminated, for str_nearest */
    size_t count, capacity;
};

static void names_add(struct names *n, const char *name) {
    n->items = arena_grow(n->arena, n->items, n->count, n->count + 2, &n->capacity, sizeof *n->items);
    n->items[n->count++] = name;
    n->items[n->count] = NULL;
}

static bool names_have(const struct names *n, const char *name) {
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* "spec.cluster.zones.0.region" and the place of its value; of `otherwise` when it is a default. */
struct spot {
    char field[FIELD_PATH_BYTES];
    struct position pos;
};

static struct spot spot_of(const struct scenario *s, const struct position *otherwise, const char *list,
                           size_t index, const char *key) {
    struct spot spot;
    snprintf(spot.field, sizeof spot.field, "spec.%s.%zu.%s", list, index, key);
    const struct yaml_node *node = yaml_path(s->tree, spot.field);
    spot.pos = node != NULL ? node->pos : *otherwise;
    return spot;
}

/* `what` is known; otherwise an error with the nearest name and the list. */
static bool check_known(const struct names *known, const char *name, const char *what,
                        const struct spot *spot, struct error *err) {
    if (name == NULL || names_have(known, name)) {
        return true;
    }
    error_at(err, ERROR_INVALID, &spot->pos, spot->field, "there is no %s \"%.80s\"", what, name);
    const char *near = known->count > 0 ? str_nearest(name, known->items) : NULL;
    const char *all = "";
    for (size_t i = 0; i < known->count; i++) {
        all = arena_printf(known->arena, "%s%s%s", all, i > 0 ? ", " : "", known->items[i]);
    }
    return near != NULL       ? error_hint(err, "did you mean %s?", near)
           : known->count > 0 ? error_hint(err, "known: %s", all)
                              : error_hint(err, "none is defined");
}

/* Adds `name`; an error when it is there already. */
static bool check_new(struct names *known, const char *name, const char *what, const struct spot *spot,
                      struct error *err) {
    if (names_have(known, name)) {
        return error_at(err, ERROR_INVALID, &spot->pos, spot->field, "a second %s with the name \"%.80s\"",
                        what, name);
    }
    names_add(known, name);
    return true;
}

/* ---- cluster ---- */

/* Regions, zones and the two origins are all ends of links, so no two of them may share a name. */
static bool check_places(const struct scenario *s, struct names *regions, struct names *zones,
                         struct names *ends, struct error *err) {
    names_add(ends, scenario_registry);
    names_add(ends, scenario_models);
    for (size_t i = 0; i < s->region_count; i++) {
        struct spot spot = spot_of(s, &s->regions[i].pos, "cluster.regions", i, "name");
        names_add(regions, s->regions[i].name);
        if (!check_new(ends, s->regions[i].name, "end point of links", &spot, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < s->zone_count; i++) {
        const struct zone_config *zone = &s->zones[i];
        struct spot name = spot_of(s, &zone->pos, "cluster.zones", i, "name");
        struct spot region = spot_of(s, &zone->pos, "cluster.zones", i, "region");
        names_add(zones, zone->name);
        if (!check_new(ends, zone->name, "end point of links", &name, err) ||
            !check_known(regions, zone->region, "region", &region, err)) {
            return false;
        }
    }
    return true;
}

static bool check_pools(const struct scenario *s, const struct names *zones, struct error *err) {
    struct names pools = {.arena = zones->arena};
    for (size_t i = 0; i < s->pool_count; i++) {
        const struct pool_config *pool = &s->pools[i];
        struct spot name = spot_of(s, &pool->pos, "cluster.pools", i, "name");
        struct spot zone = spot_of(s, &pool->pos, "cluster.pools", i, "zone");
        if (!check_new(&pools, pool->name, "pool", &name, err) ||
            !check_known(zones, pool->zone, "zone", &zone, err)) {
            return false;
        }
    }
    return true;
}

static bool check_links(const struct scenario *s, const struct names *ends, struct error *err) {
    struct names links = {.arena = ends->arena};
    for (size_t i = 0; i < s->link_count; i++) {
        const struct link_config *link = &s->links[i];
        struct spot name = spot_of(s, &link->pos, "cluster.links", i, "name");
        struct spot from = spot_of(s, &link->pos, "cluster.links", i, "from");
        struct spot to = spot_of(s, &link->pos, "cluster.links", i, "to");
        if (!check_known(ends, link->from, "zone, region, registry or models", &from, err) ||
            !check_known(ends, link->to, "zone, region, registry or models", &to, err) ||
            !check_new(&links, link->name, "link", &name, err)) {
            return false;
        }
    }
    return true;
}

/* ---- services ---- */

enum { WEIGHT_MOST = 1000000 }; /* as Gateway API routes have it */

/* A Service and its Deployment often share one. */
static bool is_ambiguous(const struct manifests *m, const char *name) {
    size_t services = 0, workloads = 0;
    for (size_t i = 0; i < m->service_count; i++) {
        services += strcmp(m->services[i].name, name) == 0;
    }
    for (size_t i = 0; i < m->workload_count; i++) {
        workloads += strcmp(m->workloads[i].name, name) == 0;
    }
    return services > 1 || workloads > 1;
}

/* A name that several objects have is told apart as the run tells its services apart: by namespace, by key.
 */
static void names_add_object(struct names *n, const struct manifests *m, const char *namespace_name,
                             const char *name, const char *key) {
    if (!names_have(n, name)) {
        names_add(n, name);
    }
    if (is_ambiguous(m, name)) {
        names_add(n, arena_printf(n->arena, "%s/%s", namespace_name, name));
        names_add(n, key);
    }
}

/* What requests can be sent to, and what serves them. */
static bool gather_services(const struct scenario *s, struct names *services, struct names *workloads,
                            struct error *err) {
    const struct manifests *m = &s->manifests;
    for (size_t i = 0; i < m->workload_count; i++) {
        static const char *const kinds[] = {"deployment", "statefulset"};
        const struct workload *w = &m->workloads[i];
        names_add_object(services, m, w->namespace_name, w->name, w->key);
        names_add(workloads, w->name);
        names_add(workloads, arena_printf(workloads->arena, "%s/%s", kinds[w->kind], w->name));
        names_add(workloads, w->key);
    }
    for (size_t i = 0; i < m->service_count; i++) {
        const struct service *service = &m->services[i];
        names_add_object(services, m, service->namespace_name, service->name, service->key);
    }
    for (size_t i = 0; i < s->service_count; i++) {
        struct spot spot = spot_of(s, &s->services[i].pos, "services", i, "name");
        if (!check_new(services, s->services[i].name, "service or workload", &spot, err)) {
            return false;
        }
        names_add(workloads, s->services[i].name);
    }
    return true;
}

static size_t names_count(const struct names *n, const char *name) {
    size_t count = 0;
    for (size_t i = 0; i < n->count; i++) {
        count += strcmp(n->items[i], name) == 0;
    }
    return count;
}

/* `name` is one workload's. */
static bool check_workload(const struct names *workloads, const char *name, const struct spot *spot,
                           struct error *err) {
    if (!check_known(workloads, name, "workload", spot, err)) {
        return false;
    }
    if (names_count(workloads, name) > 1) {
        error_at(err, ERROR_INVALID, &spot->pos, spot->field, "\"%.80s\" names several workloads", name);
        return error_hint(err, "say which: namespace/kind/name, the kind in lower case");
    }
    return true;
}

/* Whether the workloads are the service's is for the run to know. */
static bool check_weights(const struct policy_config *policy, size_t index, const struct names *workloads,
                          struct error *err) {
    for (size_t i = 0; policy->weights != NULL && i < policy->weights->count; i++) {
        const struct yaml_pair *pair = &policy->weights->pairs[i];
        struct spot spot = {.pos = pair->pos};
        snprintf(spot.field, sizeof spot.field, "spec.policies.%zu.weights.%s", index, pair->key);
        double weight = -1;
        if (!check_workload(workloads, pair->key, &spot, err)) {
            return false;
        }
        bool read = pair->value->kind == YAML_SCALAR && unit_parse(UNIT_NUMBER, pair->value->text, &weight);
        if (!read || weight < 0 || weight > WEIGHT_MOST) {
            return error_at(err, ERROR_INVALID, &pair->value->pos, spot.field,
                            "expected a number from 0 to %d", WEIGHT_MOST);
        }
    }
    return true;
}

/* ---- routes ---- */

enum { FALLBACKS_MOST = 8 };

static bool check_route_names(const struct scenario *s, struct names *models, struct error *err) {
    for (size_t i = 0; i < s->route_count; i++) {
        const struct route_config *route = &s->routes[i];
        struct spot spot = spot_of(s, &route->pos, "routes", i, "model");
        if (!check_new(models, route->model, "route for a model", &spot, err)) {
            return false;
        }
        spot = spot_of(s, &route->pos, "routes", i, "aliases");
        for (size_t k = 0; k < route->alias_count; k++) {
            if (!check_new(models, route->aliases[k], "route for a model", &spot, err)) {
                return false;
            }
        }
    }
    return true;
}

static bool is_called(const struct route_config *route, const char *name) {
    bool same = strcmp(route->model, name) == 0;
    for (size_t k = 0; k < route->alias_count; k++) {
        same = same || strcmp(route->aliases[k], name) == 0;
    }
    return same;
}

static bool check_targets(const struct scenario *s, size_t i, const struct names *services,
                          struct error *err) {
    const struct route_config *route = &s->routes[i];
    struct spot all = spot_of(s, &route->pos, "routes", i, "targets");
    double total = 0;
    for (size_t k = 0; k < route->target_count; k++) {
        struct spot spot = {.pos = route->targets[k].pos};
        snprintf(spot.field, sizeof spot.field, "spec.routes.%zu.targets.%zu.service", i, k);
        if (!check_known(services, route->targets[k].service, "service or workload", &spot, err)) {
            return false;
        }
        total += route->targets[k].weight;
    }
    return total > 0 || error_at(err, ERROR_INVALID, &all.pos, all.field,
                                 "expected at least one target with a weight above 0");
}

static bool check_fallbacks(const struct scenario *s, size_t i, const struct names *known,
                            struct error *err) {
    const struct route_config *route = &s->routes[i];
    struct spot spot = spot_of(s, &route->pos, "routes", i, "fallbacks");
    if (route->fallback_count > FALLBACKS_MOST) {
        return error_at(err, ERROR_INVALID, &spot.pos, spot.field, "expected at most %d, found %zu",
                        FALLBACKS_MOST, route->fallback_count);
    }
    for (size_t k = 0; k < route->fallback_count; k++) {
        if (is_called(route, route->fallbacks[k])) {
            return error_at(err, ERROR_INVALID, &spot.pos, spot.field, "\"%.80s\" falls back to itself",
                            route->fallbacks[k]);
        }
        if (!check_known(known, route->fallbacks[k], "model or service", &spot, err)) {
            return false;
        }
    }
    return true;
}

/* `models` becomes all that requests may ask for: models of routes, and services. */
static bool check_routes(const struct scenario *s, const struct names *services, struct names *models,
                         struct error *err) {
    if (!check_route_names(s, models, err)) {
        return false;
    }
    for (size_t i = 0; i < services->count; i++) {
        names_add(models, services->items[i]);
    }
    for (size_t i = 0; i < s->route_count; i++) {
        if (!check_targets(s, i, services, err) || !check_fallbacks(s, i, models, err)) {
            return false;
        }
    }
    return true;
}

static bool check_policies(const struct scenario *s, const struct names *services,
                           const struct names *workloads, struct error *err) {
    struct names seen = {.arena = services->arena};
    for (size_t i = 0; i < s->policy_count; i++) {
        const struct policy_config *policy = &s->policies[i];
        struct spot spot = spot_of(s, &policy->pos, "policies", i, "service");
        const char *name = policy->service != NULL ? policy->service : "";
        if (!check_known(services, policy->service, "service or workload", &spot, err) ||
            !check_new(&seen, name, "policy for a service", &spot, err) ||
            !check_weights(policy, i, workloads, err)) {
            return false;
        }
    }
    return true;
}

static bool check_service_times(const struct scenario *s, const struct names *workloads, struct error *err) {
    struct names seen = {.arena = workloads->arena};
    for (size_t i = 0; i < s->service_time_count; i++) {
        const struct service_time_config *entry = &s->service_times[i];
        struct spot spot = spot_of(s, &entry->pos, "service_times", i, "workload");
        const char *name = entry->workload != NULL ? entry->workload : "";
        if (!check_known(workloads, entry->workload, "workload", &spot, err) ||
            !check_new(&seen, name, "entry for a workload", &spot, err)) {
            return false;
        }
    }
    return true;
}

/* Nothing that is left out of the scenario can be promised about. */
static void check_has_value(const struct scenario *s, const char *metric, const struct position *pos,
                            struct notices *notices) {
    const struct {
        const char *prefix, *key;
        bool there;
    } needs[] = {{"cost.", "prices", s->prices != NULL}, {"carbon.", "carbon", s->carbon != NULL}};
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (!needs[i].there && strncmp(metric, needs[i].prefix, strlen(needs[i].prefix)) == 0) {
            notice_add(notices, NOTICE_WARNING, pos, "%s has no value without %s: it is not met", metric,
                       needs[i].key);
        }
    }
}

static bool check_objectives(const struct scenario *s, const struct names *services, struct notices *notices,
                             struct error *err) {
    bool counts_good = false, defines_good = false;
    for (size_t i = 0; i < s->objective_count; i++) {
        const struct objective_config *o = &s->objectives[i];
        struct spot spot = spot_of(s, &o->pos, "objectives", i, "service");
        if (!check_known(services, o->service, "service or workload", &spot, err)) {
            return false;
        }
        check_has_value(s, o->metric, &o->pos, notices);
        defines_good |= o->per_request;
        counts_good |= strcmp(o->metric, "slo.attainment") == 0 || strcmp(o->metric, "goodput_per_s") == 0;
        if (counts_good && !defines_good && i + 1 == s->objective_count) {
            notice_add(notices, NOTICE_WARNING, &o->pos,
                       "slo.attainment and goodput count every completed request as good: no objective on a "
                       "latency says otherwise");
        }
    }
    return true;
}

/* Tenants are the traces': only a run knows them. */
static bool check_gates(const struct scenario *s, const struct names *services, struct notices *notices,
                        struct error *err) {
    static const char service[] = "service/";
    for (size_t i = 0; i < s->gate_count; i++) {
        const struct gate_config *g = &s->gates[i];
        struct spot spot = spot_of(s, &g->pos, "gates", i, "scope");
        bool of_service = g->scope != NULL && strncmp(g->scope, service, strlen(service)) == 0;
        if (of_service &&
            !check_known(services, g->scope + strlen(service), "service or workload", &spot, err)) {
            return false;
        }
        check_has_value(s, g->metric, &g->pos, notices);
    }
    return true;
}

/* ---- changes ---- */

static bool same_change(const struct change_config *a, const struct change_config *b) {
    return a->at_s == b->at_s && strcmp(a->workload, b->workload) == 0;
}

static bool check_change(const struct scenario *s, size_t i, const struct names *workloads,
                         struct notices *notices, struct error *err) {
    const struct change_config *change = &s->changes[i];
    struct spot workload = spot_of(s, &change->pos, "changes", i, "workload");
    struct spot at = spot_of(s, &change->pos, "changes", i, "at");
    if (!check_workload(workloads, change->workload, &workload, err)) {
        return false;
    }
    for (size_t k = 0; k < i; k++) {
        if (same_change(&s->changes[k], change)) {
            return error_at(err, ERROR_INVALID, &at.pos, at.field,
                            "expected one change of %.80s at a time, there is one at this time already",
                            change->workload);
        }
    }
    if (s->duration_s > 0 && change->at_s >= s->duration_s) {
        notice_add(notices, NOTICE_WARNING, &at.pos, "%s lies after the end (`duration`): no request sees it",
                   at.field);
    }
    return true;
}

static bool check_fault_workloads(const struct scenario *s, const struct names *workloads,
                                  struct error *err) {
    for (size_t i = 0; i < s->fault_count; i++) {
        const struct fault_config *f = &s->faults[i];
        struct spot spot = spot_of(s, &f->pos, "faults", i, "workload");
        if (f->workload && !check_workload(workloads, f->workload, &spot, err)) {
            return false;
        }
    }
    return true;
}

static bool check_changes(const struct scenario *s, const struct names *workloads, struct notices *notices,
                          struct error *err) {
    for (size_t i = 0; i < s->change_count; i++) {
        if (!check_change(s, i, workloads, notices, err)) {
            return false;
        }
    }
    return true;
}

/* ---- traces ---- */

static bool check_file(const struct spot *spot, const char *path, struct error *err) {
    return path == NULL || file_exists(path) ||
           error_at(err, ERROR_INVALID, &spot->pos, spot->field, "there is no file %.300s", path);
}

/* Whether some route takes what nobody else knows: then any name may be asked for. */
static bool takes_any_model(const struct scenario *s) {
    for (size_t i = 0; i < s->route_count; i++) {
        if (is_called(&s->routes[i], "*")) {
            return true;
        }
    }
    return false;
}

static bool check_trace(const struct scenario *s, size_t i, const struct names *services,
                        const struct names *regions, struct error *err) {
    const struct trace_config *trace = &s->traces[i];
    struct names presets = {.arena = services->arena}, formats = presets;
    for (size_t p = 0; trace_presets[p].name != NULL; p++) {
        names_add(&presets, trace_presets[p].name);
    }
    for (size_t f = 0; trace_formats[f] != NULL; f++) {
        names_add(&formats, trace_formats[f]->name);
    }
    struct spot file = spot_of(s, &trace->pos, "traces", i, "file");
    struct spot preset = spot_of(s, &trace->pos, "traces", i, "preset");
    struct spot format = spot_of(s, &trace->pos, "traces", i, "format");
    struct spot service = spot_of(s, &trace->pos, "traces", i, "service");
    struct spot region = spot_of(s, &trace->pos, "traces", i, "region");
    return check_file(&file, trace->file, err) &&
           check_known(&presets, trace->preset, "preset", &preset, err) &&
           check_known(&formats, trace->format, "trace format", &format, err) &&
           (takes_any_model(s) ||
            check_known(services, trace->service, "service or workload", &service, err)) &&
           check_known(regions, trace->region, "region", &region, err) &&
           (trace->synth == NULL || scenario_check_synth(trace, i, services->arena, err));
}

/* ---- the rest ---- */

/* It becomes a folder's name. */
static bool check_name(const struct scenario *s, struct error *err) {
    const struct yaml_node *node = yaml_path(s->tree, "metadata.name");
    return scenario_name_is_safe(s->name) ||
           error_at(err, ERROR_INVALID, &node->pos, "metadata.name", "%s", scenario_name_expected);
}

static bool check_arms(const struct scenario *s, struct arena *arena, struct error *err) {
    struct names arms = {.arena = arena};
    for (size_t i = 0; i < s->arm_count; i++) {
        struct spot name = spot_of(s, &s->arms[i].pos, "arms", i, "name");
        if (!check_new(&arms, s->arms[i].name, "arm", &name, err)) {
            return false;
        }
    }
    return true;
}

/* Shorter windows than any latency show nothing, and the shortest would have no length in picoseconds. */
static const double series_interval_least_s = 0.001;

static bool check_series(const struct scenario *s, struct error *err) {
    if (s->series_interval_s <= 0 || s->series_interval_s >= series_interval_least_s) {
        return true;
    }
    static const char field[] = "spec.telemetry.series_interval";
    char found[48];
    return error_at(err, ERROR_INVALID, &yaml_path(s->tree, field)->pos, field,
                    "expected 0s or at least 1ms, found %s",
                    unit_text(UNIT_DURATION, s->series_interval_s, found));
}

static bool check_window(const struct scenario *s, struct error *err) {
    if (s->duration_s > 0 && s->warmup_s >= s->duration_s) {
        const struct yaml_node *node = yaml_path(s->tree, "spec.warmup");
        char warmup[48], duration[48];
        return error_at(
            err, ERROR_INVALID, &node->pos, "spec.warmup", "expected less than the duration (%s), found %s",
            unit_text(UNIT_DURATION, s->duration_s, duration), unit_text(UNIT_DURATION, s->warmup_s, warmup));
    }
    const struct yaml_node *node = yaml_path(s->tree, "spec.cluster.platform");
    struct spot platform = {"spec.cluster.platform", node != NULL ? node->pos : s->tree->pos};
    return check_file(&platform, s->platform_file, err);
}

static bool check_something_serves(const struct scenario *s, const struct names *workloads,
                                   struct error *err) {
    if (workloads->count > 0) {
        return true;
    }
    const struct yaml_node *spec = yaml_get(s->tree, "spec");
    error_at(err, ERROR_INVALID, spec != NULL ? &spec->pos : &s->tree->pos, "spec",
             s->manifest_path_count > 0
                 ? "the manifests hold no Deployment and no StatefulSet: nothing serves"
                 : "nothing serves requests");
    return error_hint(err,
                      "add manifests (with a Deployment) and a node pool, or a station under `services`");
}

bool scenario_check(const struct scenario *s, struct arena *arena, struct notices *notices,
                    struct error *err) {
    struct names regions = {.arena = arena}, zones = regions, ends = regions, services = regions,
                 workloads = regions, models = regions;
    bool ok = check_name(s, err) && check_arms(s, arena, err) && check_window(s, err) &&
              check_series(s, err) && check_places(s, &regions, &zones, &ends, err) &&
              check_pools(s, &zones, err) && check_links(s, &ends, err) &&
              gather_services(s, &services, &workloads, err) && check_something_serves(s, &workloads, err) &&
              check_policies(s, &services, &workloads, err) && check_routes(s, &services, &models, err) &&
              check_service_times(s, &workloads, err) && check_objectives(s, &services, notices, err) &&
              check_gates(s, &services, notices, err) && check_changes(s, &workloads, notices, err) &&
              check_fault_workloads(s, &workloads, err) && scenario_check_faults(s, notices, err);
    for (size_t i = 0; ok && i < s->trace_count; i++) {
        ok = check_trace(s, i, &models, &regions, err);
    }
    return ok && scenario_check_pods(s, arena, err);
}
