/* Pods that fit no pool's node would stay Pending for the whole run: said at once, with the reason. */
#include <string.h>

#include "scenario/scenario_parts.h"

static const char *const kind_names[] = {
    [WORKLOAD_DEPLOYMENT] = "Deployment", [WORKLOAD_STATEFULSET] = "StatefulSet"};

const char *scenario_zone_region(const struct scenario *s, const char *zone) {
    for (size_t i = 0; i < s->zone_count; i++) {
        if (strcmp(s->zones[i].name, zone) == 0) {
            return s->zones[i].region;
        }
    }
    return NULL;
}

/* ---- where the manifest says it ---- */

/* The manifest that a workload was read from: they begin at the same place. */
static const struct yaml_node *tree_of(const struct manifests *m, const struct workload *w) {
    for (size_t i = 0; i < m->tree_count; i++) {
        const struct position *pos = &m->trees[i]->pos;
        if (pos->line == w->pos.line && pos->column == w->pos.column && strcmp(pos->file, w->pos.file) == 0) {
            return m->trees[i];
        }
    }
    return NULL;
}

/* The first container of a list that asks for a resource; devices are asked for by their limit. */
static const struct yaml_pair *asked_in(const struct yaml_node *containers, const char *resource) {
    const char *lists[] = {"resources.requests", "resources.limits"};
    for (size_t i = 0; containers != NULL && containers->kind == YAML_SEQUENCE && i < containers->count;
         i++) {
        for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
            const struct yaml_pair *pair = yaml_pair_of(yaml_path(containers->items[i], lists[k]), resource);
            if (pair != NULL) {
                return pair;
            }
        }
    }
    return NULL;
}

struct position scenario_pod_place(const struct scenario *s, const struct workload *w, const char *what) {
    const struct yaml_node *tree = tree_of(&s->manifests, w);
    const struct yaml_node *spec = tree != NULL ? yaml_path(tree, "spec.template.spec") : NULL;
    const struct yaml_pair *pair = yaml_pair_of(spec, what);
    pair = pair != NULL ? pair : asked_in(yaml_get(spec, "containers"), what);
    pair = pair != NULL ? pair : asked_in(yaml_get(spec, "initContainers"), what);
    return pair != NULL ? pair->pos : w->pos;
}

/* ---- what fits where ---- */

/* A reason why a pod cannot be on a pool's nodes, and what of the pod it is about. */
struct misfit_reason {
    const char *text; /* NULL: it can */
    const char *what;
};

/* What a node of the pool answers to a nodeSelector's key; NULL when only the run can tell. */
static const char *node_label(const struct scenario *s, const struct pool_config *pool, const char *key) {
    const char *own = labels_get(&pool->labels, key);
    if (own != NULL) {
        return own;
    }
    if (strcmp(key, "topology.kubernetes.io/zone") == 0) {
        return pool->zone;
    }
    if (strcmp(key, "topology.kubernetes.io/region") == 0) {
        return scenario_zone_region(s, pool->zone);
    }
    return strcmp(key, "node.kubernetes.io/instance-type") == 0 ? pool->instance_type : NULL;
}

static const char *selector_misfit(const struct scenario *s, const struct pool_config *pool,
                                   const struct pod_template *pod, struct arena *arena) {
    for (size_t i = 0; i < pod->node_selector.count; i++) {
        const struct label *want = &pod->node_selector.items[i];
        const char *have = node_label(s, pool, want->key);
        if (have != NULL && strcmp(have, want->value) != 0) {
            return arena_printf(arena, "nodeSelector %s is %s, the node's is %s", want->key, want->value,
                                have);
        }
    }
    return NULL;
}

static const char *amount_misfit(const char *resource, enum unit_kind unit, double asked, double has,
                                 struct arena *arena) {
    char a[48], b[48];
    if (asked <= has) {
        return NULL;
    }
    return arena_printf(arena, "%s %s of %s", resource, unit_text(unit, asked, a), unit_text(unit, has, b));
}

static void note(struct misfit_reason *reason, const char *what, const char *text) {
    if (reason->text == NULL && text != NULL) {
        *reason = (struct misfit_reason){text, what};
    }
}

/* The first reason why the pod cannot be on the pool's nodes. */
static struct misfit_reason misfit(const struct scenario *s, const struct pool_config *pool,
                                   const struct pod_template *pod, struct arena *arena) {
    const struct resources *r = &pod->total;
    const char *gpu = r->gpu_resource != NULL ? r->gpu_resource : "GPUs";
    struct misfit_reason reason = {0};
    note(&reason, "nodeSelector", selector_misfit(s, pool, pod, arena));
    note(&reason, gpu, amount_misfit(gpu, UNIT_NUMBER, (double)r->gpus, (double)pool->gpus, arena));
    note(&reason, "cpu", amount_misfit("cpu", UNIT_NUMBER, (double)r->cpu_milli / 1000, pool->cpu, arena));
    note(&reason, "memory",
         amount_misfit("memory", UNIT_BYTES, (double)r->memory_bytes, pool->memory_bytes, arena));
    return reason;
}

static bool no_pool(const struct workload *w, struct error *err) {
    error_at(err, ERROR_INVALID, &w->pos, "spec.cluster.pools",
             "%s %s needs nodes, and there is no node pool%s", kind_names[w->kind], w->name,
             w->pod.total.gpus > 0 ? " (it asks for GPUs)" : "");
    return error_hint(err, w->pod.total.gpus > 0
                               ? "add {name, instance_type, gpu, gpus, cpu, memory} to spec.cluster.pools"
                               : "add {name, instance_type, cpu, memory} to spec.cluster.pools");
}

enum { REASONS_MAX = 4 };

static bool check_workload(const struct scenario *s, const struct workload *w, struct arena *arena,
                           struct error *err) {
    if (s->pool_count == 0) {
        return no_pool(w, err);
    }
    const char *reasons = "";
    const char *what = NULL; /* it fails by in the first pool */
    for (size_t i = 0; i < s->pool_count; i++) {
        struct misfit_reason why = misfit(s, &s->pools[i], &w->pod, arena);
        if (why.text == NULL) {
            return true;
        }
        what = i == 0 ? why.what : what;
        if (i < REASONS_MAX) {
            reasons = arena_printf(arena, "%s%spool %s: %s", reasons, i > 0 ? "; " : "", s->pools[i].name,
                                   why.text);
        }
    }
    struct position pos = scenario_pod_place(s, w, what);
    return error_at(err, ERROR_INVALID, &pos, "spec.template.spec",
                    "a pod of %s %s fits no node pool (asked of what a node has): %s", kind_names[w->kind],
                    w->name, reasons);
}

bool scenario_check_pods(const struct scenario *s, struct arena *arena, struct error *err) {
    for (size_t i = 0; i < s->manifests.workload_count; i++) {
        if (!check_workload(s, &s->manifests.workloads[i], arena, err)) {
            return false;
        }
    }
    return true;
}
