#include <string.h>

#include "manifest/workload.h"

static const char *const spec_fields[] = {"replicas",
                                          "selector",
                                          "template",
                                          "strategy",
                                          "minReadySeconds",
                                          "revisionHistoryLimit",
                                          "paused",
                                          "progressDeadlineSeconds",
                                          NULL};

static bool is_zero(const char *count_or_percent) {
    return count_or_percent[strspn(count_or_percent, "0")] == '\0' ||
           strcmp(count_or_percent + strspn(count_or_percent, "0"), "%") == 0;
}

static bool read_rolling_update(const struct reading *r, const struct place *strategy, struct workload *out) {
    static const char *const fields[] = {"maxSurge", "maxUnavailable", NULL};
    struct place rolling = place_get(r, strategy, "rollingUpdate");
    struct place surge = place_get(r, &rolling, "maxSurge");
    struct place unavailable = place_get(r, &rolling, "maxUnavailable");
    if (out->recreate && rolling.node != NULL) {
        place_fail(r, &rolling, "expected no rollingUpdate with type Recreate");
        return error_hint(r->err, "leave it out, or set type: RollingUpdate");
    }
    if (!expect_mapping(r, &rolling) || !read_count_or_percent(r, &surge, &out->max_surge) ||
        !read_count_or_percent(r, &unavailable, &out->max_unavailable)) {
        return false;
    }
    warn_unknown_fields(r, &rolling, fields);
    if (!out->recreate && is_zero(out->max_surge) && is_zero(out->max_unavailable)) {
        place_fail(r, &unavailable, "expected more than 0 while maxSurge is 0");
        return error_hint(r->err, "with both 0 no pod could ever be replaced");
    }
    return true;
}

static bool read_strategy(const struct reading *r, const struct place *spec, struct workload *out) {
    static const char *const types[] = {"RollingUpdate", "Recreate", NULL};
    static const char *const fields[] = {"type", "rollingUpdate", NULL};
    struct place strategy = place_get(r, spec, "strategy");
    struct place type = place_get(r, &strategy, "type");
    const char *text = "RollingUpdate";
    if (!expect_mapping(r, &strategy) || !read_choice(r, &type, types, &text)) {
        return false;
    }
    warn_unknown_fields(r, &strategy, fields);
    out->recreate = strcmp(text, "Recreate") == 0;
    out->max_surge = out->recreate ? "0" : "25%";
    out->max_unavailable = out->recreate ? "100%" : "25%";
    return read_rolling_update(r, &strategy, out);
}

static bool read_progress(const struct reading *r, const struct place *spec, struct workload *out) {
    struct place deadline = place_get(r, spec, "progressDeadlineSeconds");
    struct place paused_at = place_get(r, spec, "paused");
    int64_t deadline_s = 600;
    bool paused = false;
    if (!read_integer(r, &deadline, 0, INT32_MAX, &deadline_s) || !read_boolean(r, &paused_at, &paused)) {
        return false;
    }
    if ((double)deadline_s <= out->min_ready_s) {
        return place_fail(r, &deadline, "expected more than minReadySeconds (%.0f), got %lld",
                          out->min_ready_s, (long long)deadline_s);
    }
    if (paused) {
        notice_add(r->notices, NOTICE_WARNING, &paused_at.pos, "%s: a paused rollout is not modelled",
                   paused_at.path);
    }
    out->progress_deadline_s = (double)deadline_s;
    return true;
}

bool read_deployment(struct yaml_node *object, struct manifests *into, struct arena *arena,
                     struct notices *notices, struct error *err) {
    const struct reading r = {.arena = arena, .notices = notices, .err = err};
    struct place p = place_of(object);
    struct place spec = place_get(&r, &p, "spec");
    struct workload *w = manifests_new_workload(into, arena);
    w->kind = WORKLOAD_DEPLOYMENT;
    warn_unknown_fields(&r, &spec, spec_fields);
    return read_workload(&r, &p, "Deployment", w) && read_strategy(&r, &spec, w) &&
           read_progress(&r, &spec, w);
}
