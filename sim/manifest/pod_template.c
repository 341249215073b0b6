#include "manifest/pod_template.h"

#include <string.h>

#include "manifest/claim.h"
#include "manifest/container.h"
#include "manifest/labels.h"

static const char *const pod_fields[] = {"volumes",
                                         "initContainers",
                                         "containers",
                                         "ephemeralContainers",
                                         "restartPolicy",
                                         "terminationGracePeriodSeconds",
                                         "activeDeadlineSeconds",
                                         "dnsPolicy",
                                         "nodeSelector",
                                         "serviceAccountName",
                                         "serviceAccount",
                                         "automountServiceAccountToken",
                                         "nodeName",
                                         "hostNetwork",
                                         "hostPID",
                                         "hostIPC",
                                         "shareProcessNamespace",
                                         "securityContext",
                                         "imagePullSecrets",
                                         "hostname",
                                         "subdomain",
                                         "affinity",
                                         "schedulerName",
                                         "tolerations",
                                         "hostAliases",
                                         "priorityClassName",
                                         "priority",
                                         "dnsConfig",
                                         "readinessGates",
                                         "runtimeClassName",
                                         "enableServiceLinks",
                                         "preemptionPolicy",
                                         "overhead",
                                         "topologySpreadConstraints",
                                         "setHostnameAsFQDN",
                                         "os",
                                         "hostUsers",
                                         "schedulingGates",
                                         "resourceClaims",
                                         "resources",
                                         "hostnameOverride",
                                         "workloadRef",
                                         "schedulingGroup",
                                         NULL};

/* ---- what the scheduler counts ---- */

static int64_t or_zero(int64_t amount) {
    return amount < 0 ? 0 : amount;
}

/* Quantities are below 2^63 each; a pod that asks for more in all is refused, not wrapped. */
static bool add_amount(int64_t *sum, int64_t amount) {
    return !__builtin_add_overflow(*sum, or_zero(amount), sum);
}

static bool add_resources(struct resources *sum, const struct resources *r) {
    if (sum->gpu_resource == NULL) {
        sum->gpu_resource = r->gpu_resource;
    }
    return add_amount(&sum->cpu_milli, r->cpu_milli) && add_amount(&sum->memory_bytes, r->memory_bytes) &&
           add_amount(&sum->ephemeral_bytes, r->ephemeral_bytes) && add_amount(&sum->gpus, r->gpus);
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static void max_resources(struct resources *most, const struct resources *r) {
    most->cpu_milli = larger(most->cpu_milli, r->cpu_milli);
    most->memory_bytes = larger(most->memory_bytes, r->memory_bytes);
    most->ephemeral_bytes = larger(most->ephemeral_bytes, r->ephemeral_bytes);
    most->gpus = larger(most->gpus, r->gpus);
    if (most->gpu_resource == NULL) {
        most->gpu_resource = r->gpu_resource;
    }
}

/* As the scheduler: the main containers and all sidecars run together; before them each init container runs
 * alone with the sidecars that were started ahead of it. The pod needs the larger of the two. */
static bool sum_pod(const struct pod_template *pod, struct resources *total) {
    struct resources sidecars = {0};
    struct resources starting = {0};
    for (size_t i = 0; i < pod->init_container_count; i++) {
        const struct container *c = &pod->init_containers[i];
        struct resources now = sidecars;
        if (!add_resources(c->sidecar ? &sidecars : &now, &c->requests)) {
            return false;
        }
        max_resources(&starting, c->sidecar ? &sidecars : &now);
    }
    struct resources running = sidecars;
    for (size_t i = 0; i < pod->container_count; i++) {
        if (!add_resources(&running, &pod->containers[i].requests)) {
            return false;
        }
    }
    *total = running;
    max_resources(total, &starting);
    return true;
}

static bool read_total(const struct reading *r, const struct place *spec, struct pod_template *out) {
    struct place resources_at = place_get(r, spec, "resources");
    struct place overhead_at = place_get(r, spec, "overhead");
    struct resources pod_requests;
    struct resources pod_limits;
    if (!sum_pod(out, &out->total)) {
        return place_fail(r, spec, "expected requests that add up to less than 2^63");
    }
    if (!read_resources(r, &resources_at, &pod_requests, &pod_limits) || !expect_mapping(r, &overhead_at)) {
        return false;
    }
    if (pod_requests.cpu_milli >= 0) { /* pod-level requests stand in place of the sum */
        out->total.cpu_milli = pod_requests.cpu_milli;
    }
    if (pod_requests.memory_bytes >= 0) {
        out->total.memory_bytes = pod_requests.memory_bytes;
    }
    if (overhead_at.node != NULL) {
        notice_add(r->notices, NOTICE_WARNING, &overhead_at.pos, "%s: not modelled", overhead_at.path);
    }
    return true;
}

/* ---- the template ---- */

static bool check_unique_names(const struct reading *r, const struct place *spec,
                               const struct pod_template *pod) {
    size_t all = pod->init_container_count + pod->container_count;
    for (size_t i = 0; i < all; i++) {
        bool init = i < pod->init_container_count;
        size_t at = init ? i : i - pod->init_container_count;
        const struct container *c = init ? &pod->init_containers[at] : &pod->containers[at];
        for (size_t j = 0; j < i; j++) {
            const struct container *earlier = j < pod->init_container_count
                                                  ? &pod->init_containers[j]
                                                  : &pod->containers[j - pod->init_container_count];
            if (strcmp(c->name, earlier->name) == 0) {
                struct place p = *spec;
                p.path = arena_printf(r->arena, "%s.%s.%zu.name", spec->path,
                                      init ? "initContainers" : "containers", at);
                p.pos = c->pos;
                return place_fail(r, &p, "expected a name of its own, \"%s\" is taken at line %d", c->name,
                                  earlier->pos.line);
            }
        }
    }
    return true;
}

static bool read_containers_of(const struct reading *r, const struct place *spec, struct pod_template *out) {
    struct place containers = place_get(r, spec, "containers");
    struct place init_containers = place_get(r, spec, "initContainers");
    if (!read_containers(r, &init_containers, true, &out->init_containers, &out->init_container_count) ||
        !read_containers(r, &containers, false, &out->containers, &out->container_count)) {
        return false;
    }
    if (out->container_count == 0) {
        return place_fail(r, &containers, "expected at least one container");
    }
    return check_unique_names(r, spec, out) && read_total(r, spec, out);
}

/* Everything the scheduler looks at but does not model yet is said once, where it stands. */
static void warn_unmodelled(const struct reading *r, const struct place *spec) {
    static const char *const fields[] = {
        "nodeName",        "hostNetwork",           "topologySpreadConstraints",
        "schedulingGates", "resourceClaims",        "runtimeClassName",
        "readinessGates",  "activeDeadlineSeconds", NULL};
    for (size_t i = 0; fields[i] != NULL; i++) {
        struct place p = place_get(r, spec, fields[i]);
        if (p.node != NULL) {
            notice_add(r->notices, i < 6 ? NOTICE_WARNING : NOTICE_NOTE, &p.pos, "%s: kept but not modelled",
                       p.path);
        }
    }
}

static bool check_restart_policy(const struct reading *r, const struct place *spec) {
    static const char *const always[] = {"Always", NULL};
    struct place policy = place_get(r, spec, "restartPolicy");
    const char *text = NULL;
    return read_choice(r, &policy, always, &text);
}

bool read_pod_template(const struct reading *r, const struct place *p, struct pod_template *out) {
    static const char *const template_fields[] = {"metadata", "spec", NULL};
    struct place metadata = place_get(r, p, "metadata");
    struct place labels = place_get(r, &metadata, "labels");
    struct place annotations = place_get(r, &metadata, "annotations");
    struct place spec = place_get(r, p, "spec");
    if (!expect_present(r, p, "a pod template") || !expect_mapping(r, p) || !expect_mapping(r, &metadata) ||
        !read_labels(r, &labels, &out->labels) || !read_annotations(r, &annotations, &out->annotations) ||
        !expect_present(r, &spec, "the pod's spec") || !expect_mapping(r, &spec)) {
        return false;
    }
    warn_unknown_fields(r, p, template_fields);
    warn_unknown_fields(r, &spec, pod_fields);
    struct place selector = place_get(r, &spec, "nodeSelector");
    struct place affinity = place_get(r, &spec, "affinity");
    struct place tolerations = place_get(r, &spec, "tolerations");
    struct place grace = place_get(r, &spec, "terminationGracePeriodSeconds");
    int64_t grace_s = 30;
    if (!read_labels(r, &selector, &out->node_selector) || !expect_mapping(r, &affinity) ||
        !expect_list(r, &tolerations) || !read_integer(r, &grace, 0, INT32_MAX, &grace_s) ||
        !check_restart_policy(r, &spec)) {
        return false;
    }
    out->affinity = affinity.node;
    out->tolerations = tolerations.node;
    out->termination_grace_s = (double)grace_s;
    read_claim_names(r, &spec, out);
    warn_unmodelled(r, &spec);
    return read_containers_of(r, &spec, out);
}
