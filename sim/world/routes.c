/* What stands before services: which of them gets the requests for a model. Names were checked with the
 * scenario. */
#include <string.h>

#include "base/hash.h"
#include "world/world.h"

static struct route_choice choice_of(struct world *w, const char *name, const struct route_config *route) {
    struct route_target *targets = arena_array(w->arena, route->target_count, sizeof *targets);
    double total = 0;
    for (size_t i = 0; i < route->target_count; i++) {
        total += route->targets[i].weight;
    }
    double sum = 0;
    for (size_t i = 0; i < route->target_count; i++) {
        const struct route_target_config *t = &route->targets[i];
        const struct service_state *service = service_called(w, t->service);
        sum += t->weight;
        targets[i] = (struct route_target){
            .service = (uint32_t)(service - w->services),
            .adapter = t->adapter ? trace_names_intern(&w->names, t->adapter, strlen(t->adapter)) : 0,
            .until = sum / total};
        if (t->adapter && !world_takes_adapters(w, service)) {
            notice_add(
                w->notices, NOTICE_WARNING, &t->pos,
                "no engine of service '%s' runs with --enable-lora: it turns requests for adapter '%s' away",
                service->name, t->adapter);
        }
    }
    return (struct route_choice){
        .name = name, .targets = targets, .target_count = (uint32_t)route->target_count};
}

static struct route_choice choice_of_service(struct world *w, const char *name) {
    struct route_target *target = arena_alloc(w->arena, sizeof *target);
    target->service = (uint32_t)(service_called(w, name) - w->services);
    target->until = 1;
    return (struct route_choice){.name = name, .targets = target, .target_count = 1};
}

static const struct route_config *route_called(const struct world *w, const char *name) {
    for (size_t i = 0; i < w->scenario.route_count; i++) {
        const struct route_config *route = &w->scenario.routes[i];
        bool same = strcmp(route->model, name) == 0;
        for (size_t k = 0; k < route->alias_count; k++) {
            same = same || strcmp(route->aliases[k], name) == 0;
        }
        if (same) {
            return route;
        }
    }
    return NULL;
}

static void name_route(struct world *w, const char *name, uint32_t route) {
    if (strcmp(name, "*") == 0) {
        w->route_of_rest = route + 1;
        return;
    }
    uint32_t id = trace_names_intern(&w->names, name, strlen(name));
    if (id >= w->route_of_name_count) {
        size_t capacity = w->route_of_name_count;
        w->route_of_name = arena_grow(w->arena, w->route_of_name, w->route_of_name_count, id + 1u, &capacity,
                                      sizeof *w->route_of_name);
        w->route_of_name_count = capacity;
    }
    w->route_of_name[id] = route + 1;
}

/* Whether these are saturated is asked: somebody has to look into their replicas. */
static void look_at(struct world *w, const struct route_choice *c) {
    for (uint32_t i = 0; i < c->target_count; i++) {
        w->services[c->targets[i].service].blind = false;
    }
}

static struct model_route route_of(struct world *w, const struct route_config *config) {
    struct model_route route = {.name = config->model,
                                .choice_count = 1 + (uint32_t)config->fallback_count,
                                .waiting_most = (uint32_t)config->queue_depth_threshold,
                                .kv_permille_most = (uint32_t)(config->kv_cache_util_threshold * 1000),
                                .stream = hash64_text(config->model)};
    route.choices = arena_array(w->arena, route.choice_count, sizeof *route.choices);
    route.choices[0] = choice_of(w, config->model, config);
    for (size_t k = 0; k < config->fallback_count; k++) {
        const char *name = config->fallbacks[k];
        const struct route_config *other = route_called(w, name);
        route.choices[k + 1] = other ? choice_of(w, name, other) : choice_of_service(w, name);
    }
    for (uint32_t k = 0; route.choice_count > 1 && k < route.choice_count; k++) {
        look_at(w, &route.choices[k]);
    }
    return route;
}

void world_routes(struct world *w) {
    const struct scenario *s = &w->scenario;
    w->route_count = (uint32_t)s->route_count;
    w->routes = arena_array(w->arena, s->route_count + 1, sizeof *w->routes);
    for (uint32_t i = 0; i < w->route_count; i++) {
        w->routes[i] = route_of(w, &s->routes[i]);
        name_route(w, s->routes[i].model, i);
        for (size_t k = 0; k < s->routes[i].alias_count; k++) {
            name_route(w, s->routes[i].aliases[k], i);
        }
    }
}
