/* The labels that nodes of each pool carry: the well-known ones, the pool's own, and GPU product labels in
 * the words that the manifests use for the pool's GPU. */
#include <string.h>

#include "world/world.h"

static const char *const product_labels[] = {"nvidia.com/gpu.product", "cloud.google.com/gke-accelerator",
                                             "gpu.nvidia.com/class", "karpenter.k8s.aws/instance-gpu-name",
                                             NULL};

static void add(struct world *w, struct labels *labels, size_t *capacity, const char *key,
                const char *value) {
    if (!value || labels_get(labels, key)) {
        return;
    }
    labels->items = arena_grow(w->arena, labels->items, labels->count, labels->count + 1, capacity,
                               sizeof *labels->items);
    labels->items[labels->count++] = (struct label){key, value};
}

/* "NVIDIA-H100-80GB-HBM3" in a nodeSelector is a pool's `gpu: H100`. */
static void add_products(struct world *w, const struct pool_config *pool, struct labels *labels,
                         size_t *capacity) {
    const struct gpu_kind *kind = pool->gpu ? gpu_find(pool->gpu) : NULL;
    const struct manifests *m = &w->scenario.manifests;
    for (size_t i = 0; kind && i < m->workload_count; i++) {
        for (int k = 0; product_labels[k]; k++) {
            const char *asked = labels_get(&m->workloads[i].pod.node_selector, product_labels[k]);
            if (asked && gpu_find(asked) == kind) {
                add(w, labels, capacity, product_labels[k], asked);
            }
        }
    }
}

void world_labels(struct world *w) {
    const struct scenario *s = &w->scenario;
    w->pool_labels = arena_array(w->arena, s->pool_count, sizeof *w->pool_labels);
    for (size_t p = 0; p < s->pool_count; p++) {
        const struct pool_config *pool = &s->pools[p];
        struct labels *labels = &w->pool_labels[p];
        size_t capacity = 0;
        for (size_t i = 0; i < pool->labels.count; i++) {
            add(w, labels, &capacity, pool->labels.items[i].key, pool->labels.items[i].value);
        }
        add(w, labels, &capacity, "node.kubernetes.io/instance-type", pool->instance_type);
        add(w, labels, &capacity, "topology.kubernetes.io/zone", pool->zone);
        add(w, labels, &capacity, "topology.kubernetes.io/region", scenario_zone_region(s, pool->zone));
        add(w, labels, &capacity, "kubernetes.io/os", "linux");
        add(w, labels, &capacity, "kubernetes.io/arch", "amd64");
        if (pool->gpus > 0) {
            add(w, labels, &capacity, "nvidia.com/gpu.present", "true");
        }
        add_products(w, pool, labels, &capacity);
    }
}
