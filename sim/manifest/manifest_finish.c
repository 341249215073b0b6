/* sim/manifest/manifest_finish.c: what can only be said of all objects together: order, duplicates,
 * references.
 */
#include <stdlib.h>
#include <string.h>

#include "manifest/identity.h"

/* ---- trees to objects ---- */

/* Without a reader of its own an object is kept as it is. */
static void keep_other(const struct identity *object, struct manifests *m, struct arena *arena) {
    m->others = arena_grow(arena, m->others, m->other_count, m->other_count + 1, &m->other_capacity,
                           sizeof *m->others);
    m->others[m->other_count++] = (struct other_object){
        .api_version = object->group,
        .kind = object->kind,
        .namespace_name = object->namespace_name,
        .name = object->name,
        .pos = object->tree->pos,
        .tree = object->tree,
    };
}

/* An override of a field that nobody knows is an error that the reader goes on after. */
static bool read_objects(struct manifests *m, struct arena *arena, struct notices *notices,
                         struct error *err) {
    for (size_t i = 0; i < m->tree_count; i++) {
        struct identity object = identity_of(m->trees[i]);
        const struct manifest_kind *row = identity_kind(&object);
        if (row == NULL || row->read == NULL) {
            keep_other(&object, m, arena);
        } else if (!row->read(object.tree, m, arena, notices, err) || error_is_set(err)) {
            return false;
        }
    }
    return true;
}

/* ---- order and duplicates ---- */

static int compare_position(const struct position *a, const struct position *b) {
    int order = strcmp(a->file == NULL ? "" : a->file, b->file == NULL ? "" : b->file);
    if (order != 0) {
        return order;
    }
    return a->line != b->line ? (a->line < b->line ? -1 : 1)
                              : (a->column > b->column) - (a->column < b->column);
}

static int compare_identity_then_position(const void *a, const void *b) {
    const struct identity *x = a;
    const struct identity *y = b;
    int order = identity_compare(x, y);
    return order != 0 ? order : compare_position(&x->tree->pos, &y->tree->pos);
}

static bool refuse_duplicate(const struct identity *first, const struct identity *second, struct error *err) {
    error_at(err, ERROR_INVALID, &second->tree->pos, "metadata.name",
             "expected one %s %s in namespace %s, got another at %s:%d", second->kind, second->name,
             second->namespace_name, first->tree->pos.file == NULL ? "?" : first->tree->pos.file,
             first->tree->pos.line);
    return error_hint(err, "rename or remove one of them");
}

/* The trees are put in order of identity, so that provenance does not depend on how files are cut. */
static bool sort_trees(struct manifests *m, struct arena *arena, struct error *err) {
    struct identity *all = arena_array(arena, m->tree_count, sizeof *all);
    for (size_t i = 0; i < m->tree_count; i++) {
        all[i] = identity_of(m->trees[i]);
    }
    if (m->tree_count > 0) {
        qsort(all, m->tree_count, sizeof *all, compare_identity_then_position);
    }
    for (size_t i = 0; i < m->tree_count; i++) {
        m->trees[i] = all[i].tree;
        /* Objects without a name (generateName) are different objects. */
        if (i > 0 && *all[i].name != '\0' && identity_compare(&all[i - 1], &all[i]) == 0) {
            return refuse_duplicate(&all[i - 1], &all[i], err);
        }
    }
    return true;
}

static int compare_workloads(const void *a, const void *b) {
    return strcmp(((const struct workload *)a)->key, ((const struct workload *)b)->key);
}

static int compare_services(const void *a, const void *b) {
    return strcmp(((const struct service *)a)->key, ((const struct service *)b)->key);
}

static int compare_hpas(const void *a, const void *b) {
    return strcmp(((const struct hpa *)a)->key, ((const struct hpa *)b)->key);
}

static int compare_claims(const void *a, const void *b) {
    return strcmp(((const struct volume_claim *)a)->key, ((const struct volume_claim *)b)->key);
}

static int compare_others(const void *a, const void *b) {
    const struct other_object *x = a;
    const struct other_object *y = b;
    int order = strcmp(x->kind, y->kind);
    order = order != 0 ? order : strcmp(x->namespace_name, y->namespace_name);
    order = order != 0 ? order : strcmp(x->name, y->name);
    return order != 0 ? order : compare_position(&x->pos, &y->pos);
}

static void sort(void *items, size_t count, size_t bytes, int (*compare)(const void *, const void *)) {
    if (count > 1) {
        qsort(items, count, bytes, compare);
    }
}

/* ---- references ---- */

static const char *kind_in_key(const char *kind) {
    if (strcmp(kind, "Deployment") == 0) {
        return "deployment";
    }
    return strcmp(kind, "StatefulSet") == 0 ? "statefulset" : NULL;
}

static const struct workload *find_target(const struct manifests *m, const struct hpa *hpa,
                                          struct arena *arena) {
    const char *kind = kind_in_key(hpa->target_kind);
    if (kind == NULL || m->workload_count == 0) {
        return NULL;
    }
    const struct workload wanted = {
        .key = arena_printf(arena, "%s/%s/%s", hpa->namespace_name, kind, hpa->target_name)};
    return bsearch(&wanted, m->workloads, m->workload_count, sizeof wanted, compare_workloads);
}

static bool names_a_container(const struct workload *w, const char *name) {
    for (size_t i = 0; i < w->pod.container_count; i++) {
        if (strcmp(w->pod.containers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Utilisation is a share of what pods request; without a request the controller cannot compute it. */
static void check_utilization(const struct hpa *hpa, const struct workload *w, struct notices *notices) {
    for (size_t i = 0; i < hpa->metric_count; i++) {
        const struct hpa_metric *metric = &hpa->metrics[i];
        if (metric->container != NULL && !names_a_container(w, metric->container)) {
            notice_add(notices, NOTICE_WARNING, &metric->pos, "%s has no container %s", w->key,
                       metric->container);
        }
        for (size_t j = 0; j < w->pod.container_count; j++) {
            const struct container *c = &w->pod.containers[j];
            bool counts = metric->container == NULL || strcmp(metric->container, c->name) == 0;
            bool missing = (strcmp(metric->name, "cpu") == 0 && c->requests.cpu_milli < 0) ||
                           (strcmp(metric->name, "memory") == 0 && c->requests.memory_bytes < 0);
            if (strcmp(metric->target_type, "Utilization") == 0 && counts && missing) {
                notice_add(notices, NOTICE_WARNING, &metric->pos,
                           "utilisation of %s cannot be computed: container %s of %s does not request it",
                           metric->name, c->name, w->key);
            }
        }
    }
}

static bool same_target(const struct hpa *a, const struct hpa *b) {
    return strcmp(a->target_name, b->target_name) == 0 && strcmp(a->target_kind, b->target_kind) == 0 &&
           strcmp(a->namespace_name, b->namespace_name) == 0;
}

static void check_hpas(const struct manifests *m, struct arena *arena, struct notices *notices) {
    for (size_t i = 0; i < m->hpa_count; i++) {
        const struct hpa *hpa = &m->hpas[i];
        const struct workload *target = find_target(m, hpa, arena);
        if (kind_in_key(hpa->target_kind) == NULL) {
            notice_add(notices, NOTICE_WARNING, &hpa->pos,
                       "HorizontalPodAutoscaler %s scales a %s, which is not modelled", hpa->name,
                       hpa->target_kind);
        } else if (target == NULL) {
            notice_add(
                notices, NOTICE_WARNING, &hpa->pos,
                "HorizontalPodAutoscaler %s scales %s %s, which is not among the manifests of namespace "
                "%s",
                hpa->name, hpa->target_kind, hpa->target_name, hpa->namespace_name);
        } else {
            check_utilization(hpa, target, notices);
        }
        for (size_t j = 0; j < i && target != NULL; j++) {
            if (same_target(&m->hpas[j], hpa)) {
                notice_add(notices, NOTICE_WARNING, &hpa->pos,
                           "HorizontalPodAutoscalers %s and %s scale the same %s %s", m->hpas[j].name,
                           hpa->name, hpa->target_kind, hpa->target_name);
            }
        }
    }
}

static bool has_pods(const struct manifests *m, const struct service *s) {
    for (size_t i = 0; i < m->workload_count; i++) {
        const struct workload *w = &m->workloads[i];
        if (strcmp(w->namespace_name, s->namespace_name) == 0 && labels_match(&s->selector, &w->pod.labels)) {
            return true;
        }
    }
    return false;
}

static void check_services(const struct manifests *m, struct notices *notices) {
    for (size_t i = 0; i < m->service_count; i++) {
        const struct service *s = &m->services[i];
        if (s->has_selector && !has_pods(m, s)) {
            notice_add(notices, NOTICE_WARNING, &s->pos,
                       "the selector of Service %s matches no pods of namespace %s", s->name,
                       s->namespace_name);
        }
    }
}

static void name_other_kinds(const struct manifests *m, struct notices *notices) {
    for (size_t i = 0; i < m->other_count;) {
        const struct other_object *first = &m->others[i];
        size_t n = 0;
        while (i < m->other_count && strcmp(m->others[i].kind, first->kind) == 0) {
            n++;
            i++;
        }
        const struct identity identity = identity_of(first->tree);
        const struct manifest_kind *row = identity_kind(&identity);
        notice_add(notices, row != NULL && row->harmless ? NOTICE_NOTE : NOTICE_WARNING, &first->pos,
                   "%zu object%s of kind %s %s kept but not modelled", n, n == 1 ? "" : "s", first->kind,
                   n == 1 ? "is" : "are");
    }
}

bool manifests_finish(struct manifests *m, struct arena *arena, struct notices *notices, struct error *err) {
    if (!read_objects(m, arena, notices, err) || !sort_trees(m, arena, err)) {
        return false;
    }
    sort(m->workloads, m->workload_count, sizeof *m->workloads, compare_workloads);
    sort(m->services, m->service_count, sizeof *m->services, compare_services);
    sort(m->hpas, m->hpa_count, sizeof *m->hpas, compare_hpas);
    sort(m->claims, m->claim_count, sizeof *m->claims, compare_claims);
    sort(m->others, m->other_count, sizeof *m->others, compare_others);
    check_hpas(m, arena, notices);
    check_services(m, notices);
    name_other_kinds(m, notices);
    return true;
}
