/* What is on a node's disk before any pod asks for it: layers baked into a machine image, a secondary boot
 * disk. */
#include <string.h>

#include "cluster/cluster_private.h"

static bool is_named(const struct pool_config *pool, const char *key) {
    for (size_t i = 0; i < pool->preloaded_count; i++) {
        if (strcmp(pool->preloaded[i], "*") == 0 || strstr(key, pool->preloaded[i])) {
            return true;
        }
    }
    return false;
}

struct list {
    struct artefact *items;
    size_t count, capacity;
    struct arena *arena;
};

static void add_once(struct list *l, const struct pool_config *pool, const struct artefact *a) {
    bool known = a->bytes <= 0 || !is_named(pool, a->key);
    for (size_t i = 0; i < l->count; i++) {
        known = known || strcmp(l->items[i].key, a->key) == 0;
    }
    if (!known) {
        l->items = arena_grow(l->arena, l->items, l->count, l->count + 1, &l->capacity, sizeof *l->items);
        l->items[l->count++] = *a;
    }
}

const struct artefact *cluster_preloaded(const struct pool_config *pool, const struct labels *pool_labels,
                                         const struct pod_demand *demands, size_t demand_count,
                                         struct arena *arena, size_t *count) {
    struct list list = {.arena = arena};
    struct node_view node = empty_node_view(pool, pool_labels);
    for (size_t d = 0; pool->preloaded_count > 0 && d < demand_count; d++) {
        struct pod_view pod = pod_view_of(&demands[d]);
        if (demands[d].bare || scheduler_filter(&pod, &node) != FIT) {
            continue;
        }
        for (size_t i = 0; i < demands[d].image_count; i++) {
            add_once(&list, pool, &demands[d].images[i]);
        }
        add_once(&list, pool, &demands[d].weights);
    }
    *count = list.count;
    return list.items;
}
