#include "manifest/workload.h"

#include <string.h>

#include "manifest/pod_template.h"

bool check_api_version(const struct reading *r, const struct place *object, const char *wanted,
                       const char *history) {
    struct place p = place_get(r, object, "apiVersion");
    const char *version = "";
    if (!read_text(r, &p, &version)) {
        return false;
    }
    if (strcmp(version, wanted) == 0) {
        return true;
    }
    place_fail(r, &p, "expected %s, got %s", wanted, version);
    return error_hint(r->err, "%s", history);
}

const char *object_key(struct arena *arena, const char *kind_in_lower_case, const struct metadata *metadata) {
    return arena_printf(arena, "%s/%s/%s", metadata->namespace_name, kind_in_lower_case, metadata->name);
}

struct workload *manifests_new_workload(struct manifests *m, struct arena *arena) {
    m->workloads = arena_grow(arena, m->workloads, m->workload_count, m->workload_count + 1,
                              &m->workload_capacity, sizeof *m->workloads);
    struct workload *w = &m->workloads[m->workload_count++];
    *w = (struct workload){.replicas = 1};
    return w;
}

/* The API refuses a selector that its own template does not match: such a workload would never own a pod. */
static bool check_selector(const struct reading *r, const struct place *spec, const struct workload *w) {
    struct place selector = place_get(r, spec, "selector");
    struct place labels = place_get(r, spec, "template.metadata.labels");
    if (w->selector.count == 0) {
        return place_fail(r, &selector, "expected at least one label to select pods by");
    }
    for (size_t i = 0; i < w->selector.count; i++) {
        const struct selector one = {.terms = &w->selector.terms[i], .count = 1};
        if (labels_match(&one, &w->pod.labels)) {
            continue;
        }
        const struct selector_term *term = &w->selector.terms[i];
        const char *value = labels_get(&w->pod.labels, term->key);
        labels.pos = selector.pos;
        if (value == NULL) {
            place_fail(r, &labels, "expected the label %s, which spec.selector asks for", term->key);
        } else {
            place_fail(r, &labels, "expected labels that spec.selector matches, got %s: %s", term->key,
                       value);
        }
        return error_hint(r->err, "make spec.selector and spec.template.metadata.labels agree");
    }
    return true;
}

static bool expect_selector(const struct reading *r, const struct place *p) {
    return expect_present(r, p, "a selector of the pods that belong to it") ||
           error_hint(r->err, "a patch of a kustomization is no whole object: `kustomize build` puts them "
                              "together");
}

static bool read_spec(const struct reading *r, const struct place *spec, struct workload *out) {
    struct place replicas = place_get(r, spec, "replicas");
    struct place selector = place_get(r, spec, "selector");
    struct place pod = place_get(r, spec, "template");
    struct place min_ready = place_get(r, spec, "minReadySeconds");
    int64_t min_ready_s = 0;
    out->replicas_given = replicas.node != NULL;
    out->replicas_pos = replicas.pos;
    if (!read_integer(r, &replicas, 0, INT32_MAX, &out->replicas) ||
        !read_integer(r, &min_ready, 0, INT32_MAX, &min_ready_s) || !expect_selector(r, &selector) ||
        !read_selector(r, &selector, &out->selector) || !read_pod_template(r, &pod, &out->pod)) {
        return false;
    }
    out->min_ready_s = (double)min_ready_s;
    return check_selector(r, spec, out);
}

bool read_workload(const struct reading *r, const struct place *object, const char *kind,
                   struct workload *out) {
    static const char *const object_fields[] = {"apiVersion", "kind", "metadata", "spec", "status", NULL};
    struct place spec = place_get(r, object, "spec");
    struct metadata metadata;
    const char *history = arena_printf(r->arena, "Kubernetes serves %ss as apps/v1 only, since 1.16", kind);
    warn_unknown_fields(r, object, object_fields);
    if (!check_api_version(r, object, "apps/v1", history) ||
        !read_metadata(r, object, NAME_SUBDOMAIN, &metadata) ||
        !expect_present(r, &spec, "what the object is to be") || !expect_mapping(r, &spec)) {
        return false;
    }
    out->namespace_name = metadata.namespace_name;
    out->name = metadata.name;
    out->pos = object->pos;
    out->key =
        object_key(r->arena, out->kind == WORKLOAD_DEPLOYMENT ? "deployment" : "statefulset", &metadata);
    return read_spec(r, &spec, out);
}

const struct container *workload_model_server(const struct workload *workload) {
    for (size_t i = 0; i < workload->pod.container_count; i++) {
        if (workload->pod.containers[i].engine.present) {
            return &workload->pod.containers[i];
        }
    }
    return NULL;
}
