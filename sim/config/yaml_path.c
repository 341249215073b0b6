/* Finding and setting values in a YAML tree by dotted path. */
#include <stdlib.h>
#include <string.h>

#include "config/yaml.h"

enum { SEGMENT_BYTES = 256 };

/* Takes the next segment of a path off `*path` into `out`; "\." is a dot within a key. False at the end, or
 * when a segment is too long to be any key. */
static bool next_segment(const char **path, char out[SEGMENT_BYTES]) {
    const char *p = *path;
    size_t n = 0;
    if (*p == 0) {
        return false;
    }
    for (; *p != 0 && *p != '.'; p++) {
        if (*p == '\\' && p[1] == '.') {
            p++;
        }
        if (n + 1 == SEGMENT_BYTES) {
            return false;
        }
        out[n++] = *p;
    }
    out[n] = 0;
    *path = *p == '.' ? p + 1 : p;
    return true;
}

/* A list index of at most 9 digits. */
static bool parse_index(const char *segment, size_t *at) {
    size_t digits = strspn(segment, "0123456789");
    if (digits == 0 || digits > 9 || segment[digits] != 0) {
        return false;
    }
    *at = (size_t)strtoul(segment, NULL, 10);
    return true;
}

const struct yaml_pair *yaml_pair_of(const struct yaml_node *node, const char *key) {
    if (node == NULL || node->kind != YAML_MAPPING) {
        return NULL;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(node->pairs[i].key, key) == 0) {
            return &node->pairs[i];
        }
    }
    return NULL;
}

struct yaml_node *yaml_get(const struct yaml_node *node, const char *key) {
    const struct yaml_pair *pair = yaml_pair_of(node, key);
    return pair != NULL ? pair->value : NULL;
}

static struct yaml_node *step(const struct yaml_node *node, const char *segment) {
    size_t at;
    if (node->kind == YAML_SEQUENCE && parse_index(segment, &at) && at < node->count) {
        return node->items[at];
    }
    return yaml_get(node, segment);
}

struct yaml_node *yaml_path(const struct yaml_node *node, const char *path) {
    char segment[SEGMENT_BYTES];
    const struct yaml_node *at = node;
    while (at != NULL && *path != 0) {
        if (!next_segment(&path, segment)) {
            return NULL;
        }
        at = step(at, segment);
    }
    return (struct yaml_node *)at;
}

/* Moves a tree to where it was really written. */
static void relocate(struct yaml_node *node, struct position pos) {
    node->pos = pos;
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == YAML_SEQUENCE) {
            relocate(node->items[i], pos);
        } else {
            node->pairs[i].pos = pos;
            relocate(node->pairs[i].value, pos);
        }
    }
}

struct yaml_node *yaml_value(const char *text, const char *path, const char *origin, struct arena *arena,
                             struct error *err) {
    struct position pos = {arena_strdup(arena, origin), 0, 0};
    struct yaml_file file;
    struct error inner = {0};
    if (!yaml_parse(origin, text, strlen(text), arena, &file, &inner)) {
        error_at(err, inner.code, &pos, path,
                 "expected a value such as 2, 90s, [a, b] or {law: constant}: %s", inner.expected);
        return NULL;
    }
    if (file.count > 1) {
        error_at(err, ERROR_INVALID, &pos, path, "expected one value");
        return NULL;
    }
    struct yaml_node *node;
    if (file.count == 0) {
        node = arena_alloc(arena, sizeof *node);
        node->text = "";
        node->pos = pos;
        return node;
    }
    node = file.documents[0];
    relocate(node, pos);
    return node;
}

/* Every key of a tree is one that somebody put there. */
static void mark_put(struct yaml_node *node) {
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == YAML_SEQUENCE) {
            mark_put(node->items[i]);
        } else {
            node->pairs[i].put = true;
            mark_put(node->pairs[i].value);
        }
    }
}

/* The slot of `segment` in a mapping, added when absent. Arrays are copied before they change: an alias may
 * share them with other places of the tree. */
static struct yaml_node **mapping_slot(struct yaml_node *node, const char *segment, struct position pos,
                                       struct arena *arena) {
    struct yaml_pair *pairs = arena_array(arena, node->count + 1, sizeof *pairs);
    if (node->count > 0) {
        memcpy(pairs, node->pairs, node->count * sizeof *pairs);
    }
    node->pairs = pairs;
    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(pairs[i].key, segment) == 0) {
            pairs[i].put = true;
            return &pairs[i].value;
        }
    }
    pairs[node->count] = (struct yaml_pair){arena_strdup(arena, segment), pos, NULL, true};
    return &pairs[node->count++].value;
}

static struct yaml_node **sequence_slot(struct yaml_node *node, size_t at, struct arena *arena) {
    struct yaml_node **items = arena_array(arena, node->count + 1, sizeof *items);
    if (node->count > 0) {
        memcpy(items, node->items, node->count * sizeof *items);
    }
    node->items = items;
    node->count += at == node->count;
    return &items[at];
}

/* Where the value of `segment` is kept in `node`; NULL and err when the node can have no such part. */
static struct yaml_node **open_slot(struct yaml_node *node, const char *path, const char *segment,
                                    struct position pos, struct arena *arena, struct error *err) {
    size_t at = 0;
    bool is_index = parse_index(segment, &at);
    if (node->kind == YAML_NULL) {
        node->kind = is_index ? YAML_SEQUENCE : YAML_MAPPING;
    }
    if (node->kind == YAML_MAPPING) {
        return mapping_slot(node, segment, pos, arena);
    }
    if (node->kind == YAML_SCALAR) {
        error_at(err, ERROR_INVALID, &pos, path, "\"%s\" asks for a part of a plain value", segment);
        return NULL;
    }
    if (!is_index || at > node->count) {
        error_at(err, ERROR_INVALID, &pos, path, "expected an index from 0 to %zu in place of \"%s\"",
                 node->count, segment);
        return NULL;
    }
    return sequence_slot(node, at, arena);
}

bool yaml_put(struct yaml_node *root, const char *path, struct yaml_node *value, const struct position *pos,
              struct arena *arena, struct error *err) {
    char segment[SEGMENT_BYTES];
    struct yaml_node *node = root;
    struct yaml_node **slot = NULL;
    const char *rest = path;
    int depth = 0;
    while (*rest != 0) {
        if (!next_segment(&rest, segment) || segment[0] == 0 || ++depth > YAML_DEPTH_MAX) {
            return error_at(err, ERROR_INVALID, pos, path,
                            "expected a dotted path such as traces.0.rate_scale");
        }
        if (slot != NULL) { /* go down, into a copy that nobody shares */
            node = arena_alloc(arena, sizeof *node);
            *node = *slot != NULL ? **slot : (struct yaml_node){.text = "", .pos = *pos};
            *slot = node;
        }
        slot = open_slot(node, path, segment, *pos, arena, err);
        if (slot == NULL) {
            return false;
        }
    }
    if (slot == NULL) {
        return error_at(err, ERROR_INVALID, pos, path, "expected a dotted path such as traces.0.rate_scale");
    }
    mark_put(value);
    *slot = value;
    return true;
}

bool yaml_set(struct yaml_node *root, const char *path, const char *value, const char *origin,
              struct arena *arena, struct error *err) {
    struct yaml_node *node = yaml_value(value, path, origin, arena, err);
    struct position pos = {node != NULL ? node->pos.file : NULL, 0, 0};
    return node != NULL && yaml_put(root, path, node, &pos, arena, err);
}
