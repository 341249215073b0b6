/* From a scenario to a world: which services there are, which workloads serve them and how fast, what
 * arrives. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "world/world.h"

/* ---- services ---- */

static uint32_t intern(struct world *w, const char *name) {
    return trace_names_intern(&w->names, name, strlen(name));
}

/* Rows of a trace may call a service by its name, its workload's name or its model's served name. */
static void name_service(struct world *w, const char *name, uint32_t service) {
    if (!name || !name[0]) {
        return;
    }
    uint32_t id = intern(w, name);
    if (id >= w->service_of_name_count) {
        size_t capacity = w->service_of_name_count;
        w->service_of_name = arena_grow(w->arena, w->service_of_name, w->service_of_name_count, id + 1u,
                                        &capacity, sizeof *w->service_of_name);
        w->service_of_name_count = capacity;
    }
    if (w->service_of_name[id] == 0) {
        w->service_of_name[id] = service + 1;
    }
}

const struct service_state *service_called(const struct world *w, const char *called) {
    for (uint32_t i = 0; i < w->service_count; i++) {
        if (strcmp(w->services[i].name, called) == 0) {
            return &w->services[i];
        }
    }
    for (uint32_t d = 0; d < w->demand_count; d++) {
        if (w->workloads[d].service >= 0 && demand_is_called(&w->demands[d], called)) {
            return &w->services[w->workloads[d].service];
        }
    }
    return NULL;
}

static double *limit_of(struct request_limits *l, const char *metric) {
    static const char *const names[] = {"latency.ttft_s", "latency.tpot_s", "latency.e2e_s",
                                        "latency.queue_s"};
    double *fields[] = {&l->ttft_s, &l->tpot_s, &l->e2e_s, &l->queue_s};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(metric, names[i]) == 0) {
            return fields[i];
        }
    }
    return NULL;
}

/* ITL is a figure of gaps, not of requests: as a per-request objective its limit is held against the
 * request's mean gap, which is its TPOT. */
static void read_limits(const struct world *w, struct service_state *s) {
    s->limits = (struct request_limits){false, INFINITY, INFINITY, INFINITY, INFINITY};
    for (size_t i = 0; i < w->scenario.objective_count; i++) {
        const struct objective_config *o = &w->scenario.objectives[i];
        if (!o->per_request || (o->service && service_called(w, o->service) != s)) {
            continue;
        }
        const char *metric = strcmp(o->metric, "latency.itl_s") == 0 ? "latency.tpot_s" : o->metric;
        double *limit = limit_of(&s->limits, metric);
        if (limit) {
            s->limits.any = true;
            *limit = fmin(*limit, o->limit);
        }
    }
}

static uint32_t add_service(struct world *w, const char *name, const char *key, const struct position *pos) {
    struct service_state *s = &w->services[w->service_count];
    s->name = name;
    s->key = key;
    s->pos = *pos;
    return w->service_count++;
}

static bool selects(const struct service *service, const struct workload *workload) {
    return service->has_selector && strcmp(service->namespace_name, workload->namespace_name) == 0 &&
           labels_match(&service->selector, &workload->pod.labels);
}

/* Workloads come first among the demands, in the manifests' order (by key), then inline services. */
static void find_services(struct world *w) {
    const struct manifests *m = &w->scenario.manifests;
    for (size_t i = 0; i < m->service_count; i++) {
        int64_t index = -1;
        for (uint32_t d = 0; d < m->workload_count; d++) {
            if (w->workloads[d].service >= 0 || !selects(&m->services[i], &m->workloads[d])) {
                continue;
            }
            if (index < 0) {
                index = add_service(w, m->services[i].name, m->services[i].key, &m->services[i].pos);
            }
            w->workloads[d].service = index;
        }
    }
    for (uint32_t d = 0; d < m->workload_count; d++) {
        if (w->workloads[d].service < 0) {
            w->services[w->service_count].bare = true;
            w->workloads[d].service =
                add_service(w, m->workloads[d].name, m->workloads[d].key, &m->workloads[d].pos);
        }
    }
    for (size_t i = 0; i < w->scenario.service_count; i++) {
        const struct inline_service_config *s = &w->scenario.services[i];
        w->workloads[m->workload_count + i].service = add_service(w, s->name, s->name, &s->pos);
    }
}

/* ---- their names ---- */

/* "namespace/name" of "namespace/kind/name". */
static const char *within_namespace(struct world *w, const char *key) {
    const char *first = strchr(key, '/');
    const char *last = strrchr(key, '/');
    return first == last ? key : arena_printf(w->arena, "%.*s%s", (int)(first - key), key, last);
}

static const char *name_of(struct world *w, uint32_t service, int form) {
    const struct service_state *s = &w->services[service];
    return form == 0 ? s->name : form == 1 ? within_namespace(w, s->key) : s->key;
}

/* The name alone where it is one of its kind, else with its namespace, else the whole key. Only what serves
 * has a say: an object that nothing comes of renames nobody. */
static void name_services(struct world *w) {
    enum { FORMS = 3 };
    const char **names = arena_array(w->arena, w->service_count, sizeof *names);
    for (uint32_t i = 0; i < w->service_count; i++) {
        size_t same = 2;
        for (int form = 0; form < FORMS && same > 1; form++) {
            names[i] = name_of(w, i, form);
            same = 0;
            for (uint32_t k = 0; k < w->service_count; k++) {
                bool has_say = !w->services[k].bare || w->services[i].bare;
                same += has_say && strcmp(name_of(w, k, form), names[i]) == 0;
            }
        }
    }
    for (uint32_t i = 0; i < w->service_count; i++) {
        w->services[i].name = names[i];
        w->services[i].name_id = intern(w, names[i]);
        name_service(w, names[i], i);
    }
}

static void name_workloads(struct world *w) {
    for (size_t d = 0; d < w->scenario.manifests.workload_count; d++) {
        const struct workload *workload = &w->scenario.manifests.workloads[d];
        const struct container *c = workload_model_server(workload);
        uint32_t service = (uint32_t)w->workloads[d].service;
        name_service(w, workload->name, service);
        if (c) {
            name_service(w, c->engine.served_model_name, service);
            name_service(w, c->engine.model, service);
        }
    }
}

/* Where rows go that name no service: to the only one that can serve, or the only one with a model. */
static void find_default(struct world *w) {
    uint32_t able = 0;
    uint32_t models = 0;
    uint32_t last_able = w->service_count;
    uint32_t last_model = w->service_count;
    for (uint32_t s = 0; s < w->service_count; s++) {
        bool can = false;
        bool model = false;
        for (uint32_t d = 0; d < w->demand_count; d++) {
            bool mine = w->workloads[d].service == (int64_t)s && w->workloads[d].can_serve;
            can = can || mine;
            model = model || (mine && !w->workloads[d].plain);
        }
        able += can;
        models += model;
        last_able = can ? s : last_able;
        last_model = model ? s : last_model;
    }
    w->default_service = able == 1 ? last_able : models == 1 ? last_model : w->service_count;
}

bool world_services(struct world *w, struct error *err) {
    find_default(w);
    for (uint32_t i = 0; i < w->service_count; i++) {
        read_limits(w, &w->services[i]);
        if (!world_policy(w, &w->services[i], err)) {
            return false;
        }
    }
    world_routes(w);
    return true;
}

/* ---- the whole ---- */

bool world_build(struct world *w, struct error *err) {
    const struct scenario *s = &w->scenario;
    w->warmup_ps = simtime_from_s(s->warmup_s);
    w->duration_ps = simtime_from_s(s->duration_s);
    w->pool = request_pool_create();
    trace_names_init(&w->names);
    w->demand_count = (uint32_t)(s->manifests.workload_count + s->service_count);
    w->workloads = arena_array(w->arena, w->demand_count, sizeof *w->workloads);
    w->demands = arena_array(w->arena, w->demand_count, sizeof *w->demands);
    w->replicas_wanted = arena_array(w->arena, w->demand_count, sizeof *w->replicas_wanted);
    w->services = arena_array(w->arena, s->manifests.service_count + w->demand_count, sizeof *w->services);
    for (uint32_t d = 0; d < w->demand_count; d++) {
        w->workloads[d].service = -1;
    }
    if (w->demand_count == 0) {
        struct position pos = {.file = s->path};
        error_at(err, ERROR_INVALID, &pos, "spec",
                 "nothing to run: no workload in the manifests, no inline service");
        return error_hint(err, "give `manifests:` or `services:` (docs/scenario.md)");
    }
    find_services(w);
    name_services(w);
    name_workloads(w);
    world_labels(w);
    if (!world_network(w, err) || !world_demands(w, err) || !world_services(w, err)) {
        return false;
    }
    if (!world_disks(w, err)) {
        return false;
    }
    w->engine = engine_create(w->has_platform ? &w->platform : NULL, err);
    return w->engine != NULL;
}

static void free_router(const struct service_state *s) {
    if (s->router && s->router->destroy && s->router_state) {
        s->router->destroy(s->router_state);
    }
}

void world_free(struct world *w) {
    for (size_t i = 0; i < w->serving_count; i++) {
        replica_destroy(w->pods[i]->replica);
    }
    for (uint32_t i = 0; i < w->service_count; i++) {
        struct service_state *s = &w->services[i];
        gate_free(&s->gate);
        free_router(s);
        if (s->decode) {
            free_router(s->decode);
        }
    }
    world_free_stores(w);
    if (w->source) {
        trace_close(w->source);
    }
    if (w->engine) {
        engine_destroy(w->engine);
    }
    request_pool_destroy(w->pool);
    trace_names_free(&w->names);
}
