/* Reading cases and answering them. */
#include "tests/conformance/conformance.h"

struct json_object *get(struct json_object *object, const char *key) {
    struct json_object *value = NULL;
    return json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, key, &value)
               ? value
               : NULL;
}

bool has(struct json_object *object, const char *key) {
    return get(object, key) != NULL;
}

int64_t want_integer(struct trial *trial, struct json_object *object, const char *key) {
    struct json_object *value = get(object, key);
    if (!json_object_is_type(value, json_type_int)) {
        trial_break(trial, "%s: expected an integer", key);
        return 0;
    }
    return json_object_get_int64(value);
}

int64_t integer_or(struct trial *trial, struct json_object *object, const char *key, int64_t fallback) {
    return has(object, key) ? want_integer(trial, object, key) : fallback;
}

int64_t want_count(struct trial *trial, struct json_object *object, const char *key) {
    int64_t value = want_integer(trial, object, key);
    if (value < INT32_MIN || value > INT32_MAX) {
        trial_break(trial, "%s: expected an integer of 32 bits", key);
        return 0;
    }
    return value;
}

int64_t count_or(struct trial *trial, struct json_object *object, const char *key, int64_t fallback) {
    return has(object, key) ? want_count(trial, object, key) : fallback;
}

double want_number(struct trial *trial, struct json_object *object, const char *key) {
    struct json_object *value = get(object, key);
    if (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double)) {
        trial_break(trial, "%s: expected a number", key);
        return 0;
    }
    return json_object_get_double(value);
}

const char *want_text(struct trial *trial, struct json_object *object, const char *key) {
    struct json_object *value = get(object, key);
    if (!json_object_is_type(value, json_type_string)) {
        trial_break(trial, "%s: expected a text", key);
        return "";
    }
    return json_object_get_string(value);
}

bool want_bool(struct trial *trial, struct json_object *object, const char *key) {
    struct json_object *value = get(object, key);
    if (!json_object_is_type(value, json_type_boolean)) {
        trial_break(trial, "%s: expected true or false", key);
        return false;
    }
    return json_object_get_boolean(value);
}

struct json_object *want_list(struct trial *trial, struct json_object *object, const char *key,
                              size_t *count) {
    struct json_object *value = get(object, key);
    *count = 0;
    if (!json_object_is_type(value, json_type_array)) {
        trial_break(trial, "%s: expected a list", key);
        return NULL;
    }
    *count = json_object_array_length(value);
    return value;
}

void found(struct trial *trial, const char *key, struct json_object *value) {
    json_object_object_add(trial->got, key, value);
}

void found_integer(struct trial *trial, const char *key, int64_t value) {
    found(trial, key, json_object_new_int64(value));
}

void found_text(struct trial *trial, const char *key, const char *value) {
    found(trial, key, json_object_new_string(value));
}
