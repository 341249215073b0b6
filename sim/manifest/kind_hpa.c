/* HorizontalPodAutoscaler autoscaling/v2, with the defaults of pkg/apis/autoscaling/v2/defaults.go and the
 * checks of pkg/apis/autoscaling/validation. autoscaling/v1 is converted as the API server does: one Resource
 * metric for cpu. */
#include <string.h>

#include "manifest/workload.h"

/* The controller's limits: a stabilisation window of an hour, a policy's period of half an hour. */
enum { STABILIZATION_MAX_S = 3600, PERIOD_MAX_S = 1800, DEFAULT_CPU_PERCENT = 80, SCALE_DOWN_WINDOW_S = 300 };

/* ---- behaviour ---- */

static void default_rules(struct arena *arena, struct hpa *out) {
    static const struct hpa_policy up[] = {{"Pods", 4, 15}, {"Percent", 100, 15}};
    static const struct hpa_policy down[] = {{"Percent", 100, 15}};
    out->up = (struct hpa_rules){.select_policy = "Max", .policy_count = 2, .tolerance = -1};
    out->up.policies = arena_array(arena, 2, sizeof up[0]);
    memcpy(out->up.policies, up, sizeof up);
    out->down = (struct hpa_rules){
        .stabilization_s = SCALE_DOWN_WINDOW_S, .select_policy = "Max", .policy_count = 1, .tolerance = -1};
    out->down.policies = arena_array(arena, 1, sizeof down[0]);
    memcpy(out->down.policies, down, sizeof down);
}

static bool read_policy(const struct reading *r, const struct place *p, struct hpa_policy *out) {
    static const char *const types[] = {"Pods", "Percent", NULL};
    static const char *const fields[] = {"type", "value", "periodSeconds", NULL};
    struct place type = place_get(r, p, "type");
    struct place value = place_get(r, p, "value");
    struct place period = place_get(r, p, "periodSeconds");
    warn_unknown_fields(r, p, fields);
    return expect_present(r, p, "a policy") && expect_mapping(r, p) &&
           expect_present(r, &type, "Pods or Percent") && read_choice(r, &type, types, &out->type) &&
           expect_present(r, &value, "how many pods or percent") &&
           read_integer(r, &value, 1, INT32_MAX, &out->value) &&
           expect_present(r, &period, "a period in seconds") &&
           read_integer(r, &period, 1, PERIOD_MAX_S, &out->period_s);
}

static bool read_policies(const struct reading *r, const struct place *p, struct hpa_rules *out) {
    if (!expect_list(r, p)) {
        return false;
    }
    if (p->node == NULL) {
        return true;
    }
    if (p->node->count == 0) {
        return place_fail(r, p, "expected at least one policy");
    }
    out->policy_count = p->node->count;
    out->policies = arena_array(r->arena, out->policy_count, sizeof *out->policies);
    for (size_t i = 0; i < out->policy_count; i++) {
        struct place item = place_item(r, p, i);
        if (!read_policy(r, &item, &out->policies[i])) {
            return false;
        }
    }
    return true;
}

static bool read_rules(const struct reading *r, const struct place *p, struct hpa_rules *out) {
    static const char *const selects[] = {"Max", "Min", "Disabled", NULL};
    static const char *const fields[] = {"stabilizationWindowSeconds", "selectPolicy", "policies",
                                         "tolerance", NULL};
    struct place window = place_get(r, p, "stabilizationWindowSeconds");
    struct place select = place_get(r, p, "selectPolicy");
    struct place policies = place_get(r, p, "policies");
    struct place tolerance = place_get(r, p, "tolerance");
    int64_t tolerance_milli = -1000;
    if (!expect_mapping(r, p) || !read_integer(r, &window, 0, STABILIZATION_MAX_S, &out->stabilization_s) ||
        !read_choice(r, &select, selects, &out->select_policy) || !read_policies(r, &policies, out) ||
        !read_quantity(r, &tolerance, &tolerance_milli)) {
        return false;
    }
    warn_unknown_fields(r, p, fields);
    out->stabilization_given = window.node != NULL;
    out->tolerance = (double)tolerance_milli / 1000.0;
    return true;
}

static bool read_behavior(const struct reading *r, const struct place *spec, struct hpa *out) {
    static const char *const fields[] = {"scaleUp", "scaleDown", NULL};
    struct place behavior = place_get(r, spec, "behavior");
    struct place up = place_get(r, &behavior, "scaleUp");
    struct place down = place_get(r, &behavior, "scaleDown");
    default_rules(r->arena, out);
    out->behavior_given = behavior.node != NULL;
    warn_unknown_fields(r, &behavior, fields);
    return expect_mapping(r, &behavior) && read_rules(r, &up, &out->up) && read_rules(r, &down, &out->down);
}

/* ---- metrics ---- */

/* What a metric's target may be, by type of source. */
enum target_types { TARGET_VALUE = 1, TARGET_AVERAGE_VALUE = 2, TARGET_UTILIZATION = 4 };

static bool read_target_amount(const struct reading *r, const struct place *target, struct hpa_metric *out) {
    bool utilization = strcmp(out->target_type, "Utilization") == 0;
    const char *key = utilization                              ? "averageUtilization"
                      : strcmp(out->target_type, "Value") == 0 ? "value"
                                                               : "averageValue";
    struct place amount = place_get(r, target, key);
    int64_t percent = 0;
    if (!expect_present(r, &amount, arena_printf(r->arena, "%s with type %s", key, out->target_type))) {
        return false;
    }
    if (utilization) {
        bool good = read_integer(r, &amount, 1, INT32_MAX, &percent);
        out->target_milli = percent * 1000;
        return good;
    }
    if (!read_quantity(r, &amount, &out->target_milli)) {
        return false;
    }
    return out->target_milli > 0 ||
           place_fail(r, &amount, "expected a quantity above 0, got %s", amount.node->text);
}

static bool read_target(const struct reading *r, const struct place *source, unsigned allowed,
                        struct hpa_metric *out) {
    static const char *const types[] = {"Value", "AverageValue", "Utilization", NULL};
    static const char *const fields[] = {"type", "value", "averageValue", "averageUtilization", NULL};
    struct place target = place_get(r, source, "target");
    struct place type = place_get(r, &target, "type");
    if (!expect_present(r, &target, "a target") || !expect_mapping(r, &target) ||
        !expect_present(r, &type, "Utilization, Value or AverageValue") ||
        !read_choice(r, &type, types, &out->target_type)) {
        return false;
    }
    warn_unknown_fields(r, &target, fields);
    unsigned bit = 0;
    while (strcmp(types[bit], out->target_type) != 0) {
        bit++;
    }
    if ((allowed & (1U << bit)) == 0) {
        return place_fail(r, &type, "expected another target for a metric of type %s, got %s", out->type,
                          out->target_type);
    }
    return read_target_amount(r, &target, out);
}

static bool read_resource_source(const struct reading *r, const struct place *source,
                                 struct hpa_metric *out) {
    static const char *const fields[] = {"name", "target", NULL};
    static const char *const container_fields[] = {"name", "container", "target", NULL};
    bool of_container = strcmp(out->type, "ContainerResource") == 0;
    struct place name = place_get(r, source, "name");
    struct place container = place_get(r, source, "container");
    warn_unknown_fields(r, source, of_container ? container_fields : fields);
    return expect_present(r, &name, "a resource such as cpu") && read_text(r, &name, &out->name) &&
           (!of_container || (expect_present(r, &container, "a container's name") &&
                              read_text(r, &container, &out->container))) &&
           read_target(r, source, TARGET_AVERAGE_VALUE | TARGET_UTILIZATION, out);
}

static bool read_described(const struct reading *r, const struct place *source, struct hpa_metric *out) {
    static const char *const fields[] = {"apiVersion", "kind", "name", NULL};
    struct place object = place_get(r, source, "describedObject");
    struct place kind = place_get(r, &object, "kind");
    struct place name = place_get(r, &object, "name");
    warn_unknown_fields(r, &object, fields);
    return expect_present(r, &object, "the object that the metric describes") && expect_mapping(r, &object) &&
           expect_present(r, &kind, "the object's kind") && read_text(r, &kind, &out->described_kind) &&
           expect_present(r, &name, "the object's name") && read_text(r, &name, &out->described_name);
}

/* Pods, Object and External name a metric and may select series of it. */
static bool read_named_source(const struct reading *r, const struct place *source, struct hpa_metric *out) {
    static const char *const fields[] = {"metric", "target", "describedObject", NULL};
    static const char *const metric_fields[] = {"name", "selector", NULL};
    struct place metric = place_get(r, source, "metric");
    struct place name = place_get(r, &metric, "name");
    struct place selector = place_get(r, &metric, "selector");
    bool object = strcmp(out->type, "Object") == 0;
    struct selector checked;
    warn_unknown_fields(r, source, fields);
    if (!expect_present(r, &metric, "a metric") || !expect_mapping(r, &metric) ||
        !expect_present(r, &name, "the metric's name") || !read_text(r, &name, &out->name) ||
        !read_selector(r, &selector, &checked) || (object && !read_described(r, source, out))) {
        return false;
    }
    warn_unknown_fields(r, &metric, metric_fields);
    out->selector = selector.node;
    unsigned allowed =
        strcmp(out->type, "Pods") == 0 ? TARGET_AVERAGE_VALUE : TARGET_VALUE | TARGET_AVERAGE_VALUE;
    return read_target(r, source, allowed, out);
}

static bool read_metric(const struct reading *r, const struct place *p, struct hpa_metric *out) {
    static const char *const types[] = {"Resource", "ContainerResource", "Pods", "Object", "External", NULL};
    static const char *const sources[] = {"resource", "containerResource", "pods",
                                          "object",   "external",          NULL};
    static const char *const fields[] = {"type",     "resource", "containerResource", "pods", "object",
                                         "external", NULL};
    struct place type = place_get(r, p, "type");
    *out = (struct hpa_metric){.pos = p->pos};
    warn_unknown_fields(r, p, fields);
    if (!expect_present(r, p, "a metric") || !expect_mapping(r, p) ||
        !expect_present(r, &type, "Resource, ContainerResource, Pods, Object or External") ||
        !read_choice(r, &type, types, &out->type)) {
        return false;
    }
    size_t chosen = 0;
    while (strcmp(types[chosen], out->type) != 0) {
        chosen++;
    }
    for (size_t i = 0; sources[i] != NULL; i++) {
        struct place other = place_get(r, p, sources[i]);
        if (i != chosen && other.node != NULL) {
            return place_fail(r, &other, "expected only %s with type %s", sources[chosen], out->type);
        }
    }
    struct place source = place_get(r, p, sources[chosen]);
    if (!expect_present(r, &source, "the metric's source") || !expect_mapping(r, &source)) {
        return false;
    }
    return chosen < 2 ? read_resource_source(r, &source, out) : read_named_source(r, &source, out);
}

static void cpu_metric(const struct reading *r, const struct position *pos, int64_t percent,
                       struct hpa *out) {
    out->metric_count = 1;
    out->metrics = arena_array(r->arena, 1, sizeof *out->metrics);
    out->metrics[0] = (struct hpa_metric){.type = "Resource",
                                          .pos = *pos,
                                          .name = "cpu",
                                          .target_type = "Utilization",
                                          .target_milli = percent * 1000};
}

static bool read_metrics(const struct reading *r, const struct place *spec, struct hpa *out) {
    struct place list = place_get(r, spec, "metrics");
    if (!expect_list(r, &list)) {
        return false;
    }
    if (list.node == NULL || list.node->count == 0) {
        cpu_metric(r, &out->pos, DEFAULT_CPU_PERCENT, out);
        return true;
    }
    out->metric_count = list.node->count;
    out->metrics = arena_array(r->arena, out->metric_count, sizeof *out->metrics);
    for (size_t i = 0; i < out->metric_count; i++) {
        struct place item = place_item(r, &list, i);
        if (!read_metric(r, &item, &out->metrics[i])) {
            return false;
        }
    }
    return true;
}

static bool read_v1_metric(const struct reading *r, const struct place *spec, struct hpa *out) {
    struct place percent_at = place_get(r, spec, "targetCPUUtilizationPercentage");
    int64_t percent = DEFAULT_CPU_PERCENT;
    if (!read_integer(r, &percent_at, 1, INT32_MAX, &percent)) {
        return false;
    }
    cpu_metric(r, &percent_at.pos, percent, out);
    return true;
}

/* ---- the object ---- */

/* Scaling to zero needs a metric that exists without pods. */
static bool has_metric_without_pods(const struct hpa *hpa) {
    for (size_t i = 0; i < hpa->metric_count; i++) {
        if (strcmp(hpa->metrics[i].type, "Object") == 0 || strcmp(hpa->metrics[i].type, "External") == 0) {
            return true;
        }
    }
    return false;
}

static bool read_bounds(const struct reading *r, const struct place *spec, struct hpa *out) {
    struct place min = place_get(r, spec, "minReplicas");
    struct place max = place_get(r, spec, "maxReplicas");
    out->min_replicas = 1;
    if (!read_integer(r, &min, 0, INT32_MAX, &out->min_replicas) ||
        !expect_present(r, &max, "the most replicas to scale to") ||
        !read_integer(r, &max, 1, INT32_MAX, &out->max_replicas)) {
        return false;
    }
    if (out->min_replicas > out->max_replicas) {
        return place_fail(r, &max, "expected at least minReplicas (%lld), got %lld",
                          (long long)out->min_replicas, (long long)out->max_replicas);
    }
    if (out->min_replicas == 0 && !has_metric_without_pods(out)) {
        place_fail(r, &min, "expected at least 1 without a metric of type Object or External");
        return error_hint(r->err, "with no pod left, pod metrics could never scale it up again");
    }
    return true;
}

static bool read_reference(const struct reading *r, const struct place *spec, struct hpa *out) {
    static const char *const fields[] = {"apiVersion", "kind", "name", NULL};
    struct place target = place_get(r, spec, "scaleTargetRef");
    struct place kind = place_get(r, &target, "kind");
    struct place name = place_get(r, &target, "name");
    warn_unknown_fields(r, &target, fields);
    return expect_present(r, &target, "the object to scale") && expect_mapping(r, &target) &&
           expect_present(r, &kind, "the kind to scale, such as Deployment") &&
           read_text(r, &kind, &out->target_kind) && expect_present(r, &name, "the name of what to scale") &&
           read_text(r, &name, &out->target_name);
}

static bool read_spec(const struct reading *r, const struct place *spec, bool v1, struct hpa *out) {
    static const char *const fields[] = {"scaleTargetRef", "minReplicas", "maxReplicas",
                                         "metrics",        "behavior",    NULL};
    static const char *const v1_fields[] = {"scaleTargetRef", "minReplicas", "maxReplicas",
                                            "targetCPUUtilizationPercentage", NULL};
    warn_unknown_fields(r, spec, v1 ? v1_fields : fields);
    if (v1) {
        default_rules(r->arena, out);
    }
    return expect_mapping(r, spec) && read_reference(r, spec, out) &&
           (v1 ? read_v1_metric(r, spec, out) : read_metrics(r, spec, out)) && read_bounds(r, spec, out) &&
           (v1 || read_behavior(r, spec, out));
}

bool read_hpa(struct yaml_node *object, struct manifests *into, struct arena *arena, struct notices *notices,
              struct error *err) {
    static const char *const object_fields[] = {"apiVersion", "kind", "metadata", "spec", "status", NULL};
    const struct reading r = {.arena = arena, .notices = notices, .err = err};
    struct place p = place_of(object);
    struct place spec = place_get(&r, &p, "spec");
    struct place version = place_get(&r, &p, "apiVersion");
    bool v1 = node_is_text(version.node) && strcmp(version.node->text, "autoscaling/v1") == 0;
    struct metadata metadata;
    struct hpa hpa = {.pos = object->pos};
    warn_unknown_fields(&r, &p, object_fields);
    if ((!v1 && !check_api_version(&r, &p, "autoscaling/v2",
                                   "v2beta1 and v2beta2 are gone since Kubernetes 1.26; v2beta2's fields are "
                                   "the same in v2")) ||
        !read_metadata(&r, &p, NAME_SUBDOMAIN, &metadata) ||
        !expect_present(&r, &spec, "what to scale and how") || !read_spec(&r, &spec, v1, &hpa)) {
        return false;
    }
    hpa.namespace_name = metadata.namespace_name;
    hpa.name = metadata.name;
    hpa.key = object_key(arena, "horizontalpodautoscaler", &metadata);
    into->hpas = arena_grow(arena, into->hpas, into->hpa_count, into->hpa_count + 1, &into->hpa_capacity,
                            sizeof *into->hpas);
    into->hpas[into->hpa_count++] = hpa;
    return true;
}
