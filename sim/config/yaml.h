/* sim/config/yaml.h: YAML (and so JSON) into a tree that knows where everything stands.
 *
 * Built on libyaml's events. Anchors and aliases are resolved; a cyclic alias, an expansion beyond the
 * limits, a duplicate key, a tab in indentation, UTF-16, binary and text after the end are located errors.
 * "<<" merges.
 */
#ifndef DRYDOCK_CONFIG_YAML_H
#define DRYDOCK_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"

enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

/* Limits, each with a name in its message. */
enum {
    YAML_FILE_BYTES_MAX = 16 << 20,
    YAML_DEPTH_MAX = 64,
    YAML_NODES_MAX = 1000000, /* after alias expansion, of one file */
    YAML_DOCUMENTS_MAX = 10000,
};

struct yaml_pair;

struct yaml_node {
    enum yaml_kind kind;
    bool quoted;  /* a scalar in quotes or a block: "true" and 'true' are texts */
    bool literal; /* a block scalar (|): its text begins on the line below pos, line by line */
    struct position pos;
    const char *text; /* scalar; "" for null */
    size_t count;     /* of pairs or items */
    struct yaml_pair *pairs;
    struct yaml_node **items;
};

struct yaml_pair {
    const char *key;
    struct position pos; /* of the key */
    struct yaml_node *value;
    bool put; /* by yaml_put(), or on the way to what it put: somebody meant this key */
};

struct yaml_file {
    struct yaml_node **documents; /* empty documents are left out */
    size_t count;
};

/* `name` is the file name in messages (copied). Text must be UTF-8, with or without BOM, LF or CRLF. */
bool yaml_parse(const char *name, const char *bytes, size_t length, struct arena *arena,
                struct yaml_file *file, struct error *err);
bool yaml_load(const char *path, struct arena *arena, struct yaml_file *file, struct error *err);

/* The value of a key, NULL when absent (or when `node` is no mapping). */
struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);
const struct yaml_pair *yaml_pair_of(const struct yaml_node *node, const char *key);

/* The node at a dotted path such as "spec.template.spec.containers.0.image"; NULL when absent. A dot within a
 * key is written "\\.". */
struct yaml_node *yaml_path(const struct yaml_node *node, const char *path);

/* Puts `value` at a dotted path, creating mappings on the way (an index may be at most one past the end of
 * its list). What is created, and what goes wrong, stands at `pos`. */
bool yaml_put(struct yaml_node *root, const char *path, struct yaml_node *value, const struct position *pos,
              struct arena *arena, struct error *err);

/* A text as a YAML flow value that stands at `origin` ("--set"); `path` is for messages. NULL and err when it
 * is none. */
struct yaml_node *yaml_value(const char *text, const char *path, const char *origin, struct arena *arena,
                             struct error *err);

/* Both: yaml_put() of yaml_value(). */
bool yaml_set(struct yaml_node *root, const char *path, const char *value, const char *origin,
              struct arena *arena, struct error *err);

/* Writes a tree as YAML that reads back as the same tree, in block style, each line behind `indent` blanks. A
 * scalar is written without a line end before or after it. */
void yaml_print(FILE *out, const struct yaml_node *node, int indent);

/* A text as YAML that reads back as that text: plain where it can be, in double quotes elsewhere. */
void yaml_print_text(FILE *out, const char *text);

#endif
