#include <json-c/json.h>
#include <string.h>

#include "record/record.h"

struct type_schema {
    const char *json; /* type of an item */
    const char *hdf5; /* as h5dump names it */
    bool null;        /* NaN in the file */
};

static struct type_schema schema_of(enum column_type type) {
    switch (type) {
    case COLUMN_F64:
    case COLUMN_SECONDS_PS:
        return (struct type_schema){"number", "H5T_IEEE_F64LE", true};
    case COLUMN_I64:
        return (struct type_schema){"integer", "H5T_STD_I64LE", false};
    case COLUMN_U64:
        return (struct type_schema){"integer", "H5T_STD_U64LE", false};
    case COLUMN_I32:
        return (struct type_schema){"integer", "H5T_STD_I32LE", false};
    case COLUMN_U32:
    case COLUMN_NAME:
        return (struct type_schema){"integer", "H5T_STD_U32LE", false};
    case COLUMN_U8:
        return (struct type_schema){"integer", "H5T_STD_U8LE", false};
    case COLUMN_ENUM8:
        return (struct type_schema){"string", "H5T_ENUM of H5T_STD_U8LE", false};
    case COLUMN_TEXT:
        break;
    }
    return (struct type_schema){"string", "H5T_STRING of variable length, UTF-8", false};
}

static void add_text(struct json_object *to, const char *key, const char *text) {
    if (text) {
        json_object_object_add(to, key, json_object_new_string(text));
    }
}

static struct json_object *item_type(struct type_schema type) {
    if (!type.null) {
        return json_object_new_string(type.json);
    }
    struct json_object *either = json_object_new_array();
    json_object_array_add(either, json_object_new_string(type.json));
    json_object_array_add(either, json_object_new_string("null"));
    return either;
}

static struct json_object *items_schema(const struct column *c) {
    struct json_object *items = json_object_new_object();
    json_object_object_add(items, "type", item_type(schema_of(c->type)));
    if (c->type == COLUMN_ENUM8) {
        struct json_object *names = json_object_new_array();
        for (size_t i = 0; c->names[i]; i++) {
            json_object_array_add(names, json_object_new_string(c->names[i]));
        }
        json_object_object_add(items, "enum", names);
    }
    return items;
}

static struct json_object *column_schema(const struct column *c) {
    struct json_object *o = json_object_new_object();
    add_text(o, "type", "array");
    add_text(o, "description", c->long_name);
    add_text(o, "units", c->units);
    add_text(o, "hdf5", schema_of(c->type).hdf5);
    if (c->dictionary) {
        struct strbuf path = {0};
        strbuf_printf(&path, "/names/%s", c->dictionary);
        add_text(o, "dictionary", path.text);
        strbuf_free(&path);
    }
    json_object_object_add(o, "items", items_schema(c));
    return o;
}

static struct json_object *object_schema(const char *description) {
    struct json_object *o = json_object_new_object();
    add_text(o, "type", "object");
    add_text(o, "description", description);
    return o;
}

static struct json_object *table_schema(const struct result_table_schema *t) {
    struct json_object *o = object_schema(t->long_name);
    struct json_object *properties = json_object_new_object();
    struct json_object *required = json_object_new_array();
    for (const struct column *c = t->columns; c->name; c++) {
        json_object_object_add(properties, c->name, column_schema(c));
        json_object_array_add(required, json_object_new_string(c->name));
    }
    json_object_object_add(o, "properties", properties);
    json_object_object_add(o, "required", required);
    json_object_object_add(o, "additionalProperties", json_object_new_boolean(false));
    return o;
}

/* The groups that every result has, whatever its tables. */
static void add_fixed_groups(struct json_object *properties) {
    static const struct {
        const char *name, *description, *values;
    } groups[] = {
        {"names", "The dictionaries: the index in a column is the place of its text here.",
         "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}"},
        {"timeseries",
         "Group of an object (groups within groups where its name has slashes), then one dataset a metric: "
         "value i is "
         "of the time start_s + i * interval_s (attributes; also units, cell_methods).",
         "{\"type\": [\"object\", \"array\"]}"},
        {"provenance", "Texts that say what went into the run.", "{\"type\": [\"string\", \"object\"]}"},
    };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        struct json_object *o = object_schema(groups[i].description);
        json_object_object_add(o, "additionalProperties", json_tokener_parse(groups[i].values));
        json_object_object_add(properties, groups[i].name, o);
    }
    struct json_object *summary = json_object_new_object();
    add_text(summary, "type", "string");
    add_text(summary, "description",
             "The JSON of summary.json without wall_s (" SUMMARY_SCHEMA "; drydock schema summary).");
    json_object_object_add(properties, "summary", summary);
}

void result_schema(const struct result_table_schema *tables, struct strbuf *out) {
    struct json_object *o = json_object_new_object();
    add_text(o, "$schema", "https://json-schema.org/draft/2020-12/schema");
    add_text(o, "title", RESULT_SCHEMA);
    add_text(
        o, "description",
        "result.h5 (attribute schema of its root: " RESULT_SCHEMA ") read as JSON: a table is an object of "
        "columns, a column an array of its values; NaN is null, an enumeration its name. units, hdf5 and "
        "dictionary are notes: the attribute units, the type in the file, the path of the texts that an "
        "index "
        "means (4294967295: none).");
    add_text(o, "type", "object");
    struct json_object *properties = json_object_new_object();
    for (const struct result_table_schema *t = tables; t->path; t++) {
        json_object_object_add(properties, t->path + (*t->path == '/'), table_schema(t));
    }
    add_fixed_groups(properties);
    json_object_object_add(o, "properties", properties);
    json_object_object_add(o, "required", json_tokener_parse("[\"summary\", \"provenance\"]"));
    strbuf_append(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                             JSON_C_TO_STRING_NOSLASHESCAPE));
    strbuf_char(out, '\n');
    json_object_put(o);
}
