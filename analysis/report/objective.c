#include "analysis/report/objective.h"

#include <math.h>
#include <string.h>

#include "analysis/report/say.h"

/* With replications the means are judged. */
static struct json_object *list_of(const struct source *s, enum objective_kind kind) {
    const char *path = kind == GATES ? "gates" : "slo.objectives";
    struct json_object *list = json_read_at(json_read_at(s->summary, "replicated"), path);
    list = list ? list : json_read_at(s->summary, path);
    return json_object_is_type(list, json_type_array) ? list : NULL;
}

static size_t length_of(struct json_object *list) {
    return list ? json_object_array_length(list) : 0;
}

static struct objective read_objective(struct json_object *o) {
    double limit = summary_figure(o, "limit");
    bool at_least = json_read_flag(o, "at_least");
    return (struct objective){.kind = OBJECTIVES,
                              .metric = json_read_text(o, "metric"),
                              .statistic = json_read_text(o, "statistic"),
                              .scope = json_read_text(o, "service"),
                              .min = at_least ? limit : NAN,
                              .max = at_least ? NAN : limit};
}

/* A gate names a whole path ("latency.ttft_s.p95") and its scope as "service/NAME" or "tenant/NAME". */
static struct objective read_gate(struct json_object *o, struct arena *arena) {
    const char *path = json_read_text(o, "metric");
    const char *last = strrchr(path, '.');
    const char *scope = json_read_text(o, "scope");
    bool latency = strncmp(path, "latency.", strlen("latency.")) == 0 && last > path + strlen("latency");
    struct objective gate = {.kind = GATES,
                             .metric = latency ? arena_strndup(arena, path, (size_t)(last - path)) : path,
                             .statistic = latency ? last + 1 : "",
                             .scope = scope,
                             .min = summary_figure(o, "min"),
                             .max = summary_figure(o, "max"),
                             .warns = strcmp(json_read_text(o, "level"), "warn") == 0};
    if (strncmp(scope, "service/", strlen("service/")) == 0) {
        gate.scope = scope + strlen("service/");
    } else if (strncmp(scope, "tenant/", strlen("tenant/")) == 0) {
        gate.scope = arena_printf(arena, "tenant %s", scope + strlen("tenant/"));
    }
    return gate;
}

static struct objective read_entry(struct json_object *o, enum objective_kind kind, struct arena *arena) {
    return kind == GATES ? read_gate(o, arena) : read_objective(o);
}

static bool equal(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

static bool is_same(const struct objective *a, const struct objective *b) {
    return strcmp(a->metric, b->metric) == 0 && strcmp(a->statistic, b->statistic) == 0 &&
           strcmp(a->scope, b->scope) == 0 && equal(a->min, b->min) && equal(a->max, b->max);
}

size_t objectives_of(const struct sources *sources, enum objective_kind kind, struct arena *arena,
                     const struct objective **objectives) {
    struct objective *all = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < sources->count; i++) {
        struct json_object *list = list_of(&sources->items[i], kind);
        for (size_t k = 0; k < length_of(list); k++) {
            struct objective o = read_entry(json_object_array_get_idx(list, k), kind, arena);
            size_t at = 0;
            while (at < count && !is_same(&all[at], &o)) {
                at++;
            }
            if (at == count) {
                all = arena_grow(arena, all, count, count + 1, &capacity, sizeof *all);
                all[count++] = o;
            }
        }
    }
    *objectives = all;
    return count;
}

static bool is_met(struct json_object *entry, enum objective_kind kind) {
    return json_read_flag(entry, kind == GATES ? "held" : "met");
}

/* The value is a number, or over replications a mean with its interval. */
static struct verdict read_verdict(struct json_object *entry, enum objective_kind kind) {
    struct replicated_figure mean = replicated_figure(json_read_at(entry, "value"));
    bool single = isnan(mean.mean);
    return (struct verdict){.judged = true,
                            .met = is_met(entry, kind),
                            .value = single ? summary_figure(entry, "value") : mean.mean,
                            .half = single ? NAN : mean.half};
}

struct verdict objective_verdict(const struct source *s, const struct objective *o, struct arena *arena) {
    struct json_object *list = list_of(s, o->kind);
    for (size_t k = 0; k < length_of(list); k++) {
        struct json_object *entry = json_object_array_get_idx(list, k);
        struct objective own = read_entry(entry, o->kind, arena);
        if (is_same(&own, o)) {
            return read_verdict(entry, o->kind);
        }
    }
    return (struct verdict){.value = NAN, .half = NAN};
}

struct tally objectives_tally(const struct source *s, enum objective_kind kind) {
    struct json_object *list = list_of(s, kind);
    struct tally t = {.count = length_of(list)};
    for (size_t k = 0; k < t.count; k++) {
        struct json_object *entry = json_object_array_get_idx(list, k);
        bool met = is_met(entry, kind);
        bool warns = strcmp(json_read_text(entry, "level"), "warn") == 0;
        t.met += met;
        t.failed += !met && !warns;
    }
    return t;
}

double objective_limit_of(const struct source *s, const char *metric) {
    struct json_object *list = list_of(s, OBJECTIVES);
    for (size_t k = 0; k < length_of(list); k++) {
        struct objective o = read_objective(json_object_array_get_idx(list, k));
        if (strcmp(o.metric, metric) == 0 && !*o.scope) {
            return isnan(o.min) ? o.max : o.min;
        }
    }
    return NAN;
}

/* ---- words ---- */

const char *objective_name(struct arena *a, const struct objective *o) {
    const char *name = say_metric_name(a, o->metric, *o->statistic ? o->statistic : NULL);
    return *o->scope ? arena_printf(a, "%s of %s", name, o->scope) : name;
}

const char *objective_limit(struct arena *a, const struct objective *o) {
    const char *min = isnan(o->min) ? "" : arena_printf(a, "at least %s", say_promised(a, o->metric, o->min));
    const char *max = isnan(o->max) ? "" : arena_printf(a, "at most %s", say_promised(a, o->metric, o->max));
    return arena_printf(a, "%s%s%s", min, *min && *max ? ", " : "", max);
}

const char *objective_value(struct arena *a, const struct objective *o, const struct verdict *v) {
    if (!v->judged) {
        return "not asked";
    }
    if (!isfinite(v->value)) {
        return isnan(v->value) ? "no value" : "never";
    }
    return say_metric(a, o->metric, v->value);
}
