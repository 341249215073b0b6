/* tests/unit/record/schema_check.h: the part of JSON Schema that the summary's uses, and members by path. */
#ifndef DRYDOCK_TESTS_SCHEMA_CHECK_H
#define DRYDOCK_TESTS_SCHEMA_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "record/summary.h"

/* The member at a dotted path; fails the test when there is none. */
static inline struct json_object *member(struct json_object *o, const char *path) {
    char copy[128];
    strcpy(copy, path);
    for (char *key = strtok(copy, "."); key; key = strtok(NULL, ".")) {
        assert_true(json_object_object_get_ex(o, key, &o));
    }
    return o;
}

static inline bool has_type(struct json_object *value, const char *type) {
    static const struct {
        const char *name;
        json_type type;
    } types[] = {{"object", json_type_object}, {"array", json_type_array},     {"string", json_type_string},
                 {"integer", json_type_int},   {"boolean", json_type_boolean}, {"null", json_type_null}};
    json_type is = json_object_get_type(value);
    if (strcmp(type, "number") == 0) {
        return is == json_type_int || is == json_type_double;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(type, types[i].name) == 0) {
            return is == types[i].type;
        }
    }
    fail_msg("unknown type %s", type);
    return false;
}

static inline bool validates(struct json_object *root, struct json_object *schema, struct json_object *value);

static inline bool object_validates(struct json_object *root, struct json_object *schema,
                                    struct json_object *value) {
    struct json_object *required = member(schema, "required");
    struct json_object *properties = member(schema, "properties");
    struct json_object *additional = member(schema, "additionalProperties");
    for (size_t i = 0; i < json_object_array_length(required); i++) {
        const char *key = json_object_get_string(json_object_array_get_idx(required, i));
        if (!json_object_object_get_ex(value, key, NULL)) {
            print_message("no key %s\n", key);
            return false;
        }
    }
    json_object_object_foreach(value, key, item) {
        struct json_object *rule;
        bool known = json_object_object_get_ex(properties, key, &rule);
        if (!known && json_object_get_type(additional) == json_type_boolean) {
            print_message("a key too many: %s\n", key);
            return false;
        }
        if (!validates(root, known ? rule : additional, item)) {
            print_message("at %s\n", key);
            return false;
        }
    }
    return true;
}

static inline bool any_validates(struct json_object *root, struct json_object *either,
                                 struct json_object *value) {
    for (size_t i = 0; i < json_object_array_length(either); i++) {
        if (validates(root, json_object_array_get_idx(either, i), value)) {
            return true;
        }
    }
    return false;
}

/* The part of JSON Schema that the summary's uses: $ref into $defs, anyOf, const, type, minimum, items and
 * the keys of objects. */
static inline bool validates(struct json_object *root, struct json_object *schema,
                             struct json_object *value) {
    struct json_object *rule;
    if (json_object_object_get_ex(schema, "$ref", &rule)) {
        char path[64];
        snprintf(path, sizeof path, "$defs.%s", json_object_get_string(rule) + strlen("#/$defs/"));
        return validates(root, member(root, path), value);
    }
    if (json_object_object_get_ex(schema, "anyOf", &rule)) {
        return any_validates(root, rule, value);
    }
    if (json_object_object_get_ex(schema, "const", &rule)) {
        return json_object_equal(rule, value);
    }
    if (!has_type(value, json_object_get_string(member(schema, "type")))) {
        return false;
    }
    if (json_object_get_type(value) == json_type_object) {
        return object_validates(root, schema, value);
    }
    if (json_object_object_get_ex(schema, "items", &rule)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            if (!validates(root, rule, json_object_array_get_idx(value, i))) {
                return false;
            }
        }
    }
    return true;
}

static inline struct json_object *parsed_schema(void) {
    struct strbuf text = {0};
    summary_schema(&text);
    struct json_object *schema = json_tokener_parse(text.text);
    assert_non_null(schema);
    strbuf_free(&text);
    return schema;
}

#endif
