#include "study/promises.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "record/headline.h"
#include "record/summary.h"
#include "study/fold.h"

enum { KEPT_MAX = 6 };

/* A list of promises in a summary: objectives, or gates. */
struct promises {
    const char *owner; /* the object that holds the list; NULL = the summary itself */
    const char *list;
    const char *kept[KEPT_MAX]; /* what each says beside its value */
    const char *verdict;
    bool (*holds)(struct json_object *promise, double value);
};

static bool is_true(struct json_object *o, const char *key) {
    struct json_object *member;
    return json_object_object_get_ex(o, key, &member) && json_object_get_boolean(member);
}

static bool is_met(struct json_object *objective, double value) {
    double limit = summary_figure(objective, "limit");
    return !isnan(value) && (is_true(objective, "at_least") ? value >= limit : value <= limit);
}

static bool is_held(struct json_object *gate, double value) {
    struct gate_result r = {
        .min = summary_figure(gate, "min"), .max = summary_figure(gate, "max"), .value = value};
    return gate_judge(&r).held;
}

static const struct promises kinds[] = {
    {"slo", "objectives", {"metric", "statistic", "service", "limit", "at_least"}, "met", is_met},
    {NULL, "gates", {"metric", "scope", "min", "max", "level"}, "held", is_held},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- over replications ---- */

static struct json_object *promise_of(const struct promises *kind, struct json_object *summary,
                                      size_t index) {
    struct json_object *owner = summary, *list;
    bool found = (kind->owner == NULL || json_object_object_get_ex(summary, kind->owner, &owner)) &&
                 json_object_object_get_ex(owner, kind->list, &list);
    return found ? json_object_array_get_idx(list, index) : NULL;
}

/* Promise `index` of all replications; NULL behind the last. */
static struct json_object *judge(const struct promises *kind, struct json_object *const *summaries,
                                 size_t count, size_t index) {
    double *values = mem_zalloc(count, sizeof *values);
    struct json_object *any = NULL;
    bool known = true; /* what one replication could not judge is not kept by the others */
    for (size_t i = 0; i < count; i++) {
        struct json_object *promise = summaries[i] ? promise_of(kind, summaries[i], index) : NULL;
        values[i] = promise ? summary_figure(promise, "value") : NAN;
        known = known && (!summaries[i] || !isnan(values[i]));
        any = any ? any : promise;
    }
    struct interval i = interval_of(values, count);
    free(values);
    if (!any) {
        return NULL;
    }
    struct json_object *o = json_object_new_object();
    for (size_t k = 0; k < KEPT_MAX && kind->kept[k]; k++) {
        struct json_object *member;
        if (json_object_object_get_ex(any, kind->kept[k], &member)) {
            json_object_object_add(o, kind->kept[k], json_object_get(member));
        }
    }
    json_object_object_add(o, "value", interval_json(&i, false));
    json_object_object_add(o, kind->verdict, json_object_new_boolean(known && kind->holds(any, i.mean)));
    return o;
}

static void fold_kind(const struct promises *kind, struct json_object *to,
                      struct json_object *const *summaries, size_t count) {
    struct json_object *list = json_object_new_array();
    struct json_object *owner = to, *o;
    for (size_t index = 0; (o = judge(kind, summaries, count, index)) != NULL; index++) {
        json_object_array_add(list, o);
    }
    if (json_object_array_length(list) == 0) {
        json_object_put(list);
        return;
    }
    if (kind->owner && !json_object_object_get_ex(to, kind->owner, &owner)) {
        owner = json_object_new_object();
        json_object_object_add(to, kind->owner, owner);
    }
    json_object_object_add(owner, kind->list, list);
}

void promises_fold(struct json_object *to, struct json_object *const *summaries, size_t count) {
    for (size_t i = 0; i < KINDS; i++) {
        fold_kind(&kinds[i], to, summaries, count);
    }
}

/* ---- which are broken ---- */

static const char *text_in(struct json_object *o, const char *key) {
    struct json_object *member;
    return json_object_object_get_ex(o, key, &member) && member ? json_object_get_string(member) : NULL;
}

static void append_limit(struct json_object *o, const char *key, const char *sign, struct strbuf *out) {
    char cell[CELL_BYTES];
    double limit = summary_figure(o, key);
    if (!isnan(limit)) {
        strbuf_printf(out, " %s %s", sign, summary_cell(text_in(o, "metric"))(limit, cell));
    }
}

/* "latency.ttft_s p95 <= 500 ms of service chat", "cost.total_usd <= $130.00 of tenant/search" */
static void append_name(struct json_object *o, struct strbuf *out) {
    const char *statistic = text_in(o, "statistic");
    const char *service = text_in(o, "service");
    const char *scope = text_in(o, "scope");
    strbuf_printf(out, "%s%s%s%s", out->length ? ", " : "", text_in(o, "metric"), statistic ? " " : "",
                  statistic ? statistic : "");
    append_limit(o, "limit", is_true(o, "at_least") ? ">=" : "<=", out);
    append_limit(o, "min", ">=", out);
    append_limit(o, "max", "<=", out);
    strbuf_printf(out, "%s%s%s",
                  service ? " of service "
                  : scope ? " of "
                          : "",
                  service ? service : "", scope ? scope : "");
}

static bool fails(const struct promises *kind, struct json_object *promise) {
    const char *level = text_in(promise, "level");
    return !is_true(promise, kind->verdict) && !(level && level[0] == 'w');
}

size_t promises_broken(struct json_object *summary, struct strbuf *names) {
    struct json_object *from = summary, *o;
    size_t broken = 0;
    json_object_object_get_ex(summary, "replicated", &from);
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t i = 0; (o = promise_of(&kinds[k], from ? from : summary, i)) != NULL; i++) {
            if (fails(&kinds[k], o)) {
                append_name(o, names);
                broken++;
            }
        }
    }
    return broken;
}
