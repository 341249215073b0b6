#include "analysis/report/objective.h"

#include <math.h>
#include <string.h>

#include "analysis/report/say.h"

/* With replications the means are judged. */
static struct json_object *list_of(const struct source *s) {
    struct json_object *list = json_read_at(s->summary, "replicated.slo.objectives");
    list = list ? list : json_read_at(s->summary, "slo.objectives");
    return json_object_is_type(list, json_type_array) ? list : NULL;
}

static size_t length_of(struct json_object *list) {
    return list ? json_object_array_length(list) : 0;
}

static struct objective read_objective(struct json_object *o) {
    return (struct objective){.metric = json_read_text(o, "metric"),
                              .statistic = json_read_text(o, "statistic"),
                              .service = json_read_text(o, "service"),
                              .limit = summary_figure(o, "limit"),
                              .at_least = json_read_flag(o, "at_least")};
}

static bool is_same(const struct objective *a, const struct objective *b) {
    return strcmp(a->metric, b->metric) == 0 && strcmp(a->statistic, b->statistic) == 0 &&
           strcmp(a->service, b->service) == 0 && a->at_least == b->at_least &&
           (a->limit == b->limit || (isnan(a->limit) && isnan(b->limit)));
}

size_t objectives_of(const struct sources *sources, struct arena *arena,
                     const struct objective **objectives) {
    struct objective *all = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < sources->count; i++) {
        struct json_object *list = list_of(&sources->items[i]);
        for (size_t k = 0; k < length_of(list); k++) {
            struct objective o = read_objective(json_object_array_get_idx(list, k));
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

struct verdict objective_verdict(const struct source *s, const struct objective *o) {
    struct json_object *list = list_of(s);
    for (size_t k = 0; k < length_of(list); k++) {
        struct json_object *entry = json_object_array_get_idx(list, k);
        struct objective own = read_objective(entry);
        if (is_same(&own, o)) {
            struct replicated_figure mean = replicated_figure(json_read_at(entry, "value"));
            bool single = isnan(mean.mean);
            return (struct verdict){.judged = true,
                                    .met = json_read_flag(entry, "met"),
                                    .value = single ? summary_figure(entry, "value") : mean.mean,
                                    .half = single ? NAN : mean.half};
        }
    }
    return (struct verdict){.value = NAN, .half = NAN};
}

size_t objectives_count(const struct source *s, size_t *met) {
    struct json_object *list = list_of(s);
    *met = 0;
    for (size_t k = 0; k < length_of(list); k++) {
        *met += json_read_flag(json_object_array_get_idx(list, k), "met");
    }
    return length_of(list);
}

const char *objective_name(struct arena *a, const struct objective *o) {
    const char *name = say_metric_name(a, o->metric, *o->statistic ? o->statistic : NULL);
    return *o->service ? arena_printf(a, "%s of %s", name, o->service) : name;
}

const char *objective_limit(struct arena *a, const struct objective *o) {
    return arena_printf(a, "%s %s", o->at_least ? "at least" : "at most",
                        say_promised(a, o->metric, o->limit));
}

const char *objective_value(struct arena *a, const struct objective *o, const struct verdict *v) {
    if (!v->judged) {
        return "no such objective";
    }
    if (!isfinite(v->value)) {
        return isnan(v->value) ? "no value" : "infinite";
    }
    return say_metric(a, o->metric, v->value);
}
