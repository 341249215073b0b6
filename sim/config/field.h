/* sim/config/field.h: tables that map YAML mappings onto structs.
 *
 * A row says everything about one key: type, unit, bounds, default, help, where its value goes. Reading,
 * `validate --show-defaults`, the JSON Schema and the reference in docs/ all come from the rows, so that none
 * can lag behind another. Structs that are elements of a list begin with `struct position pos`, which is
 * filled with the place of the element.
 */
#ifndef DRYDOCK_CONFIG_FIELD_H
#define DRYDOCK_CONFIG_FIELD_H

#include <stdint.h>
#include <stdio.h>

#include "base/units.h"
#include "config/notice.h"
#include "config/yaml.h"

enum field_type {
    FIELD_TEXT,     /* const char *: not empty unless empty_allowed; one of `choices` when given */
    FIELD_PATH,     /* const char *: joined to the reader's folder */
    FIELD_INTEGER,  /* int64_t */
    FIELD_QUANTITY, /* double of `unit` */
    FIELD_BOOL,     /* bool */
    FIELD_ENUM,     /* int: index into `choices` */
    FIELD_DELAY,    /* struct delay */
    FIELD_LABELS,   /* struct labels: a mapping of texts */
    FIELD_TEXTS,    /* const char **, and size_t at count_offset: a text or a list of texts */
    FIELD_PATHS,    /* as FIELD_TEXTS, each joined to the folder */
    FIELD_STRUCT,   /* `rows` relative to `offset` */
    FIELD_LIST,     /* pointer to `element_bytes` each, and size_t at count_offset: a list of mappings */
    FIELD_NODE,     /* struct yaml_node *, kept as it is */
    FIELD_NUMBER    /* double that finish() reads, since its unit depends on other keys */
};

struct field_reader;

struct field {
    const char *key; /* NULL ends a table */
    enum field_type type;
    const char *help;     /* one or two sentences */
    const char *fallback; /* the default, as YAML; NULL = none, then `absent` is stored */
    size_t offset;
    size_t count_offset;
    size_t given_offset; /* of a bool that says whether the key stands in the file; 0 = none */
    enum unit_kind unit;
    double low, high; /* inclusive; both 0 = unchecked */
    double absent; /* integers and quantities: what "not given" is; the words `none` and `null` give it too */
    const char *infinite; /* quantities: the word that gives INFINITY ("never"), which no bound refuses */
    const char *const *choices; /* NULL-terminated */
    const struct field *rows;
    size_t element_bytes;
    /* Of a list or struct: called for each element when its keys are read. Fills what depends on several keys
     * and refuses what does not fit together. `node` is NULL when the element stands nowhere in the file. */
    bool (*finish)(struct field_reader *reader, const struct yaml_node *node, void *element);
    bool required;
    bool empty_allowed;
    bool spelling; /* another way of giving a key: read, never printed */
};

#define FIELDS_END                                                                                           \
    { .key = NULL }

enum { FIELD_PATH_BYTES = 192 };

struct field_reader {
    struct arena *arena;
    struct notices *notices;
    struct error *err;
    const char *folder;          /* that paths are relative to; NULL = left as they are */
    char path[FIELD_PATH_BYTES]; /* of what is being read: "spec.traces.0"; a longer one is cut short */
    struct position place;       /* of the mapping that is being read; that of the file to begin with */
};

/* Reads a mapping into the struct at `into`; `node` NULL or empty gives the defaults. The first mistake fills
 * reader->err with place, dotted path, expectation and remedy. */
bool fields_read(struct field_reader *reader, const struct field *rows, const struct yaml_node *node,
                 void *into);

/* Failing from finish(): place of `key` in `node` (of the node itself when `key` is NULL or absent). Always
 * returns false. */
bool field_error(struct field_reader *reader, const struct yaml_node *node, const char *key,
                 const char *expected, ...) __attribute__((format(printf, 4, 5)));

/* Reads one quantity of `unit`; low and high as in struct field. For finish(). */
bool field_quantity(struct field_reader *reader, const struct yaml_node *node, const char *key,
                    enum unit_kind unit, double low, double high, double *value);

/* The struct as YAML that fields_read() reads back to the same values. */
void fields_print_yaml(FILE *out, const struct field *rows, const void *from, int indent);

/* A table's JSON Schema (draft 2020-12): the object's members "type", "properties" ..., without braces. */
void fields_print_schema(FILE *out, const struct field *rows, int indent);

/* The shared part of a schema, "$defs", to be printed once at its top level. */
void fields_print_schema_definitions(FILE *out, int indent);

/* A table's reference in Markdown: a heading and a table, then those of its structs and lists. `title` is the
 * dotted path: "spec.cluster". */
void fields_print_markdown(FILE *out, const struct field *rows, const char *title);

/* Text in double quotes as JSON wants it. */
void field_print_json_text(FILE *out, const char *text);

#endif
