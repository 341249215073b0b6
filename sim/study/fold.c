#include "study/fold.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "record/headline.h"
#include "study/promises.h"

/* What the keys of an object are. */
enum keys {
    KEYS_OF_WHOLE,
    KEYS_OF_SCOPE,
    KEYS_ARE_NAMES, /* of services or tenants: "cost" could be one */
    KEYS_OF_MONEY
};

struct fold_state {
    const struct fold *fold;
    size_t count;
    struct strbuf path;
    struct json_object *flat;
};

static bool is_left_out(const struct fold *fold, const char *key, enum keys keys) {
    static const char *const names[] = {"seed", "replications", "wall_s", "replicated"};
    for (size_t i = 0; keys == KEYS_OF_WHOLE && i < sizeof names / sizeof *names; i++) {
        if (strcmp(key, names[i]) == 0) {
            return true;
        }
    }
    return keys == KEYS_OF_WHOLE && fold->without_tenants && strcmp(key, "tenants") == 0;
}

static enum keys keys_below(const char *key, enum keys keys) {
    if (keys == KEYS_OF_WHOLE && (strcmp(key, "services") == 0 || strcmp(key, "tenants") == 0)) {
        return KEYS_ARE_NAMES;
    }
    if (keys == KEYS_OF_MONEY || (keys != KEYS_ARE_NAMES && strcmp(key, "cost") == 0)) {
        return KEYS_OF_MONEY;
    }
    return KEYS_OF_SCOPE;
}

static bool seen_before(struct json_object *const *objects, size_t i, const char *key) {
    for (size_t k = 0; k < i; k++) {
        if (json_object_object_get_ex(objects[k], key, NULL)) {
            return true;
        }
    }
    return false;
}

static struct json_object *fold_objects(struct fold_state *s, struct json_object *const *objects,
                                        enum keys keys);

/* The values of one figure; false when it is none in any of them. */
static bool values_of(const struct fold_state *s, struct json_object *const *owners,
                      struct json_object *const *members, double *values) {
    bool any = false;
    for (size_t i = 0; i < s->count; i++) {
        values[i] = owners[i] ? summary_value(owners[i], members[i]) : NAN;
        any = any || !isnan(values[i]);
    }
    return any;
}

static void fold_number_member(struct fold_state *s, struct json_object *into, const char *key,
                               struct json_object *const *owners, struct json_object *const *members,
                               enum keys keys) {
    double *values = mem_zalloc(s->count, sizeof *values);
    struct json_object *figure = NULL;
    bool any = values_of(s, owners, members, values);
    if (any) {
        figure = s->fold->figure(s->fold->context, values, s->count, keys == KEYS_OF_MONEY);
    }
    if (!s->fold->flat) {
        json_object_object_add(into, key, figure);
    } else if (any) {
        json_object_object_add(s->flat, s->path.text, figure);
    }
    free(values);
}

/* Objects are looked into, numbers (and null, which may be one elsewhere) folded, the rest left out. */
static void fold_member(struct fold_state *s, struct json_object *into, const char *key,
                        struct json_object *const *owners, enum keys keys) {
    struct json_object **members = mem_zalloc(s->count, sizeof *members);
    bool is_object = false;
    bool is_other = false;
    for (size_t i = 0; i < s->count; i++) {
        json_object_object_get_ex(owners[i], key, &members[i]);
        is_object = is_object || json_object_is_type(members[i], json_type_object);
        is_other = is_other || json_object_is_type(members[i], json_type_string) ||
                   json_object_is_type(members[i], json_type_boolean) ||
                   json_object_is_type(members[i], json_type_array);
    }
    size_t length = s->path.length;
    strbuf_printf(&s->path, "%s%s", length ? "." : "", key);
    if (is_object) {
        struct json_object *below = fold_objects(s, members, keys_below(key, keys));
        if (json_object_object_length(below) > 0) {
            json_object_object_add(into, key, below);
        } else {
            json_object_put(below);
        }
    } else if (!is_other) {
        fold_number_member(s, into, key, owners, members, keys);
    }
    s->path.length = length;
    s->path.text[length] = '\0';
    free(members);
}

static struct json_object *fold_objects(struct fold_state *s, struct json_object *const *objects,
                                        enum keys keys) {
    struct json_object *into = json_object_new_object();
    for (size_t i = 0; i < s->count; i++) {
        if (!json_object_is_type(objects[i], json_type_object)) {
            continue;
        }
        json_object_object_foreach(objects[i], key, value) {
            (void)value;
            if (!is_left_out(s->fold, key, keys) && !seen_before(objects, i, key)) {
                fold_member(s, into, key, objects, keys);
            }
        }
    }
    return into;
}

struct json_object *fold_summaries(struct json_object *const *summaries, size_t count,
                                   const struct fold *fold) {
    struct fold_state s = {.fold = fold, .count = count};
    s.flat = fold->flat ? json_object_new_object() : NULL;
    struct json_object *nested = fold_objects(&s, summaries, KEYS_OF_WHOLE);
    strbuf_free(&s.path);
    if (fold->flat) {
        json_object_put(nested);
        return s.flat;
    }
    return nested;
}

/* ---- numbers ---- */

struct json_object *fold_number(double value, bool money) {
    char text[400]; /* the largest double has 309 digits before the point */
    if (!isfinite(value)) {
        return NULL;
    }
    if (money) {
        snprintf(text, sizeof text, "%.9f", value);
    } else {
        number_text(value, text);
    }
    return json_object_new_double_s(value, text);
}

struct json_object *interval_json(const struct interval *i, bool money) {
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "mean", fold_number(i->mean, money));
    json_object_object_add(o, "ci95_low", fold_number(i->low, money));
    json_object_object_add(o, "ci95_high", fold_number(i->high, money));
    json_object_object_add(o, "n", json_object_new_uint64(i->n));
    if (isinf(i->mean)) {
        json_object_object_add(o, "infinite", json_object_new_boolean(true));
    }
    return o;
}

/* ---- replications ---- */

static struct json_object *mean_figure(void *context, const double *values, size_t count, bool money) {
    (void)context;
    struct interval i = interval_of(values, count);
    return interval_json(&i, money);
}

void fold_replications(struct json_object *const *summaries, size_t count, struct strbuf *out) {
    static const struct fold fold = {.figure = mean_figure};
    struct json_object *o = fold_summaries(summaries, count, &fold);
    promises_fold(o, summaries, count);
    strbuf_append(out,
                  json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
}
