/* Whether what a pool's nodes shall have from the start (`preloaded`) is anything, and whether that, and what
 * each pod needs, fits on their disk. */
#include "world/world.h"

static const struct artefact *preloaded(const struct world *w, size_t pool, const struct pool_config *config,
                                        size_t *count) {
    return cluster_preloaded(config, &w->pool_labels[pool], w->demands, w->demand_count, w->arena, count);
}

/* A text that names nothing is a slip of the pen, or another workload's: the run can go on without. */
static void say_useless(struct world *w, size_t pool) {
    const struct pool_config *p = &w->scenario.pools[pool];
    for (size_t i = 0; i < p->preloaded_count; i++) {
        struct pool_config one = *p;
        size_t count = 0;
        one.preloaded = &p->preloaded[i];
        one.preloaded_count = 1;
        preloaded(w, pool, &one, &count);
        if (count == 0) {
            notice_add(w->notices, NOTICE_WARNING, &p->pos,
                       "pool %s: `preloaded` %s is in the name of no image and no weights that a pod on it "
                       "needs",
                       p->name, p->preloaded[i]);
        }
    }
}

static bool check_disk(struct world *w, size_t pool, struct error *err) {
    const struct pool_config *p = &w->scenario.pools[pool];
    size_t count = 0;
    const struct artefact *artefacts = preloaded(w, pool, p, &count);
    double bytes = 0;
    const struct artefact *largest = artefacts;
    for (size_t i = 0; i < count; i++) {
        bytes += artefacts[i].bytes;
        largest = artefacts[i].bytes > largest->bytes ? &artefacts[i] : largest;
    }
    if (bytes <= p->disk_bytes) {
        return true;
    }
    error_at(err, ERROR_INVALID, &p->pos, arena_printf(w->arena, "spec.cluster.pools.%zu.preloaded", pool),
             "expected at most the node's disk (%.1f GB), found %.1f GB in %zu images and weights",
             p->disk_bytes / 1e9, bytes / 1e9, count);
    return error_hint(err, "give the pool a larger `disk`, or name less; the largest is %s (%.1f GB)",
                      largest->key, largest->bytes / 1e9);
}

/* In a cluster such a pod is evicted for ephemeral storage as soon as it has pulled. */
static bool check_pod(struct world *w, size_t pool, const struct pod_demand *d, struct error *err) {
    const struct pool_config *p = &w->scenario.pools[pool];
    double bytes = d->weights.bytes;
    for (size_t i = 0; i < d->image_count; i++) {
        bytes += d->images[i].bytes;
    }
    if (bytes <= p->disk_bytes || d->bare || !demand_may_land_on(w, d, pool)) {
        return true;
    }
    error_at(err, ERROR_INVALID, &p->pos, arena_printf(w->arena, "spec.cluster.pools.%zu.disk", pool),
             "expected room for a pod of %s, %.1f GB of images and %.1f GB of weights; the disk has %.1f GB",
             d->name, (bytes - d->weights.bytes) / 1e9, d->weights.bytes / 1e9, p->disk_bytes / 1e9);
    return error_hint(err,
                      "give the pool a larger `disk`, or keep the pod off it by a taint or nodeSelector");
}

bool world_disks(struct world *w, struct error *err) {
    for (size_t p = 0; p < w->scenario.pool_count; p++) {
        say_useless(w, p);
        if (!check_disk(w, p, err)) {
            return false;
        }
        for (uint32_t d = 0; d < w->demand_count; d++) {
            if (!check_pod(w, p, &w->demands[d], err)) {
                return false;
            }
        }
    }
    return true;
}
