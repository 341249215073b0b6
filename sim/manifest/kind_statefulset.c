#include <string.h>

#include "manifest/claim.h"
#include "manifest/workload.h"

static const char *const spec_fields[] = {"replicas",
                                          "selector",
                                          "template",
                                          "serviceName",
                                          "podManagementPolicy",
                                          "updateStrategy",
                                          "volumeClaimTemplates",
                                          "minReadySeconds",
                                          "revisionHistoryLimit",
                                          "persistentVolumeClaimRetentionPolicy",
                                          "ordinals",
                                          NULL};

static bool read_update_strategy(const struct reading *r, const struct place *spec, struct workload *out) {
    static const char *const types[] = {"RollingUpdate", "OnDelete", NULL};
    static const char *const fields[] = {"type", "rollingUpdate", NULL};
    static const char *const rolling_fields[] = {"partition", "maxUnavailable", NULL};
    struct place strategy = place_get(r, spec, "updateStrategy");
    struct place type = place_get(r, &strategy, "type");
    struct place rolling = place_get(r, &strategy, "rollingUpdate");
    struct place unavailable = place_get(r, &rolling, "maxUnavailable");
    struct place partition_at = place_get(r, &rolling, "partition");
    const char *text = "RollingUpdate";
    int64_t partition = 0;
    if (!expect_mapping(r, &strategy) || !read_choice(r, &type, types, &text) ||
        !expect_mapping(r, &rolling) || !read_count_or_percent(r, &unavailable, &out->max_unavailable) ||
        !read_integer(r, &partition_at, 0, INT32_MAX, &partition)) {
        return false;
    }
    warn_unknown_fields(r, &strategy, fields);
    warn_unknown_fields(r, &rolling, rolling_fields);
    if (strcmp(text, "OnDelete") == 0 || partition > 0) {
        const struct place *at = partition > 0 ? &partition_at : &type;
        notice_add(r->notices, NOTICE_WARNING, &at->pos, "%s: partial updates are not modelled", at->path);
    }
    return true;
}

bool read_stateful_set(struct yaml_node *object, struct manifests *into, struct arena *arena,
                       struct notices *notices, struct error *err) {
    static const char *const policies[] = {"OrderedReady", "Parallel", NULL};
    const struct reading r = {.arena = arena, .notices = notices, .err = err};
    struct place p = place_of(object);
    struct place spec = place_get(&r, &p, "spec");
    struct place policy = place_get(&r, &spec, "podManagementPolicy");
    struct place service_name = place_get(&r, &spec, "serviceName");
    const char *policy_text = "OrderedReady";
    const char *ignored = NULL;
    struct workload *w = manifests_new_workload(into, arena);
    w->kind = WORKLOAD_STATEFULSET;
    w->max_surge = "0";
    w->max_unavailable = "1";
    w->progress_deadline_s = 600;
    warn_unknown_fields(&r, &spec, spec_fields);
    if (!read_workload(&r, &p, "StatefulSet", w) || !read_choice(&r, &policy, policies, &policy_text) ||
        !read_text(&r, &service_name, &ignored) || !read_claim_templates(&r, &spec, w) ||
        !read_update_strategy(&r, &spec, w)) {
        return false;
    }
    w->ordered = strcmp(policy_text, "OrderedReady") == 0;
    return true;
}
