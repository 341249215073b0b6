#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/hash.h"
#include "config/yaml_text.h"

/* Texts to numbers, for anchors and for the keys of big mappings: files may hold a million of either, where a
 * linear search would take minutes. */
struct text_index {
    struct text_slot {
        const char *key;
        size_t value;
    } * slots;
    size_t slot_count; /* a power of two */
    size_t used;
};

static struct text_slot *index_slot(const struct text_index *index, const char *key) {
    size_t at = (size_t)hash64_text(key) & (index->slot_count - 1);
    while (index->slots[at].key != NULL && strcmp(index->slots[at].key, key) != 0) {
        at = (at + 1) & (index->slot_count - 1);
    }
    return &index->slots[at];
}

static void index_put(struct text_index *index, const char *key, size_t value) {
    if (index->used * 2 >= index->slot_count) {
        struct text_index bigger = {NULL, index->slot_count == 0 ? 64 : index->slot_count * 2, index->used};
        bigger.slots = mem_zalloc(bigger.slot_count, sizeof *bigger.slots);
        for (size_t i = 0; i < index->slot_count; i++) {
            if (index->slots[i].key != NULL) {
                *index_slot(&bigger, index->slots[i].key) = index->slots[i];
            }
        }
        free(index->slots);
        *index = bigger;
    }
    struct text_slot *slot = index_slot(index, key);
    index->used += slot->key == NULL;
    *slot = (struct text_slot){key, value};
}

static bool index_get(const struct text_index *index, const char *key, size_t *value) {
    if (index->slot_count == 0) {
        return false;
    }
    const struct text_slot *slot = index_slot(index, key);
    *value = slot->value;
    return slot->key != NULL;
}

/* What an alias stands for. Trees are shared, never copied: `nodes` and `height` are what a copy would add.
 */
struct anchor {
    struct yaml_node *node;
    size_t nodes;
    int height;
    bool open; /* its end has not been read: an alias now would be a cycle */
};

struct builder {
    yaml_parser_t parser;
    const char *file;
    struct arena *arena;
    struct error *err;
    struct anchor *anchors;
    size_t anchor_count, anchor_capacity;
    struct text_index anchor_names;
    size_t nodes; /* of the file, aliases expanded */
};

/* A mapping being read. */
struct mapping {
    struct yaml_pair *pairs;
    size_t count, capacity;
    struct text_index index; /* in use from INDEX_FROM pairs on */
    struct yaml_node *merge; /* value of "<<" */
};

enum { INDEX_FROM = 16 };

static struct yaml_node *build(struct builder *b, const yaml_event_t *event, int depth, int *height);

static struct position position_of(const struct builder *b, const yaml_mark_t *mark) {
    return (struct position){b->file, (int)mark->line + 1, (int)mark->column + 1};
}

static bool next_event(struct builder *b, yaml_event_t *event) {
    return yaml_parser_parse(&b->parser, event) || yaml_text_syntax_error(b->file, &b->parser, b->err);
}

static bool count_nodes(struct builder *b, size_t more, const struct position *pos) {
    b->nodes += more;
    if (b->nodes <= YAML_NODES_MAX) {
        return true;
    }
    error_at(b->err, ERROR_INVALID, pos, NULL, "expected at most %d values in a file, aliases expanded",
             YAML_NODES_MAX);
    return error_hint(b->err, "aliases of aliases multiply (a \"billion laughs\" file)");
}

static bool check_depth(struct builder *b, int depth, const struct position *pos) {
    return depth <= YAML_DEPTH_MAX || error_at(b->err, ERROR_INVALID, pos, NULL,
                                               "expected at most %d levels of nesting", YAML_DEPTH_MAX);
}

static struct yaml_node *new_node(struct builder *b, const yaml_event_t *event, enum yaml_kind kind) {
    struct yaml_node *node = arena_alloc(b->arena, sizeof *node);
    node->kind = kind;
    node->pos = position_of(b, &event->start_mark);
    node->text = "";
    return node;
}

/* The index of the anchor, opened; SIZE_MAX when the event bears none. */
static size_t open_anchor(struct builder *b, const yaml_char_t *name, struct yaml_node *node) {
    if (name == NULL) {
        return SIZE_MAX;
    }
    size_t at = b->anchor_count++;
    b->anchors = arena_grow(b->arena, b->anchors, at, at + 1, &b->anchor_capacity, sizeof *b->anchors);
    b->anchors[at] = (struct anchor){node, b->nodes, 0, true};
    index_put(&b->anchor_names, arena_strdup(b->arena, (const char *)name), at);
    return at;
}

/* `nodes_before` counted the node itself already, hence the one. */
static void close_anchor(struct builder *b, size_t at, int height) {
    if (at != SIZE_MAX) {
        struct anchor *anchor = &b->anchors[at];
        anchor->nodes = b->nodes - anchor->nodes + 1;
        anchor->height = height;
        anchor->open = false;
    }
}

static struct yaml_node *build_alias(struct builder *b, const yaml_event_t *event, int depth, int *height) {
    const char *name = (const char *)event->data.alias.anchor;
    struct position pos = position_of(b, &event->start_mark);
    size_t at;
    if (!index_get(&b->anchor_names, name, &at)) {
        error_at(b->err, ERROR_INVALID, &pos, NULL, "no anchor &%s stands before the alias *%s", name, name);
        return NULL;
    }
    const struct anchor *anchor = &b->anchors[at];
    if (anchor->open) {
        error_at(b->err, ERROR_INVALID, &pos, NULL,
                 "cyclic alias: *%s stands inside the value &%s of line %d that it names", name, name,
                 anchor->node->pos.line);
        return NULL;
    }
    *height = anchor->height;
    if (!check_depth(b, depth + anchor->height, &pos) || !count_nodes(b, anchor->nodes, &pos)) {
        return NULL;
    }
    return anchor->node;
}

/* Tags that say no more than what is read anyway; "str" makes a text of anything. */
static bool check_tag(struct builder *b, const yaml_char_t *tag, const struct position *pos) {
    static const char *const known[] = {"str", "int", "float", "bool", "null", "map", "seq", "timestamp"};
    static const char prefix[] = "tag:yaml.org,2002:";
    const char *text = (const char *)tag;
    if (text == NULL || strcmp(text, "!") == 0) {
        return true;
    }
    if (strncmp(text, prefix, sizeof prefix - 1) == 0) {
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (strcmp(text + sizeof prefix - 1, known[i]) == 0) {
                return true;
            }
        }
    }
    error_at(b->err, ERROR_INVALID, pos, NULL, "the tag %.80s is not read", text);
    return error_hint(b->err, "write the value without a tag");
}

static bool is_null_text(const char *text) {
    return text[0] == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 ||
           strcmp(text, "NULL") == 0;
}

static struct yaml_node *build_scalar(struct builder *b, const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    const char *tag = (const char *)event->data.scalar.tag;
    struct yaml_node *node = new_node(b, event, YAML_SCALAR);
    if (!count_nodes(b, 1, &node->pos) || !check_tag(b, event->data.scalar.tag, &node->pos)) {
        return NULL;
    }
    if (memchr(text, 0, event->data.scalar.length) != NULL) {
        error_at(b->err, ERROR_INVALID, &node->pos, NULL, "a text cannot hold a NUL character");
        return NULL;
    }
    node->literal = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
                   (tag != NULL && strcmp(tag, "tag:yaml.org,2002:str") == 0);
    if (!node->quoted && is_null_text(text)) {
        node->kind = YAML_NULL;
    } else {
        node->text = arena_strndup(b->arena, text, event->data.scalar.length);
    }
    close_anchor(b, open_anchor(b, event->data.scalar.anchor, node), 1);
    return node;
}

static bool build_items(struct builder *b, struct yaml_node *list, int depth, int *height) {
    size_t capacity = 0;
    for (;;) {
        yaml_event_t event;
        if (!next_event(b, &event)) {
            return false;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        int below = 0;
        struct yaml_node *item = build(b, &event, depth + 1, &below);
        yaml_event_delete(&event);
        if (item == NULL) {
            return false;
        }
        list->items =
            arena_grow(b->arena, list->items, list->count, list->count + 1, &capacity, sizeof *list->items);
        list->items[list->count++] = item;
        *height = below + 1 > *height ? below + 1 : *height;
    }
}

static const struct yaml_pair *mapping_find(const struct mapping *m, const char *key) {
    if (m->count >= INDEX_FROM) {
        size_t at;
        return index_get(&m->index, key, &at) ? &m->pairs[at] : NULL;
    }
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->pairs[i].key, key) == 0) {
            return &m->pairs[i];
        }
    }
    return NULL;
}

static void mapping_append(struct builder *b, struct mapping *m, const struct yaml_pair *pair) {
    m->pairs = arena_grow(b->arena, m->pairs, m->count, m->count + 1, &m->capacity, sizeof *m->pairs);
    m->pairs[m->count++] = *pair;
    if (m->count == INDEX_FROM) {
        for (size_t i = 0; i < m->count; i++) {
            index_put(&m->index, m->pairs[i].key, i);
        }
    } else if (m->count > INDEX_FROM) {
        index_put(&m->index, pair->key, m->count - 1);
    }
}

/* Adds what `from` has and the mapping has not. */
static bool merge_mapping(struct builder *b, struct mapping *m, const struct yaml_node *from) {
    if (from->kind != YAML_MAPPING) {
        return error_at(b->err, ERROR_INVALID, &from->pos, "<<", "expected a mapping, or a list of mappings");
    }
    for (size_t i = 0; i < from->count; i++) {
        if (mapping_find(m, from->pairs[i].key) == NULL) {
            mapping_append(b, m, &from->pairs[i]);
        }
    }
    return true;
}

/* Keys written out win over merged ones wherever "<<" stands, and earlier items of its list over later. */
static bool merge_all(struct builder *b, struct mapping *m) {
    if (m->merge == NULL) {
        return true;
    }
    if (m->merge->kind != YAML_SEQUENCE) {
        return merge_mapping(b, m, m->merge);
    }
    for (size_t i = 0; i < m->merge->count; i++) {
        if (!merge_mapping(b, m, m->merge->items[i])) {
            return false;
        }
    }
    return true;
}

static bool check_key(struct builder *b, const struct mapping *m, const struct yaml_node *key) {
    if (key->kind != YAML_SCALAR) {
        return error_at(b->err, ERROR_INVALID, &key->pos, NULL, "expected a text as the key");
    }
    const struct yaml_pair *first = mapping_find(m, key->text);
    if (first != NULL) {
        error_at(b->err, ERROR_INVALID, &key->pos, key->text,
                 "duplicate key: first given in line %d, column %d", first->pos.line, first->pos.column);
        return error_hint(b->err, "remove one of the two");
    }
    return true;
}

static bool build_pair(struct builder *b, struct mapping *m, const yaml_event_t *event, int depth,
                       int *height) {
    int below = 0;
    const struct yaml_node *key = build(b, event, depth + 1, &below);
    struct position pos = position_of(b, &event->start_mark);
    if (key == NULL || !check_key(b, m, key)) {
        return false;
    }
    yaml_event_t next;
    if (!next_event(b, &next)) {
        return false;
    }
    struct yaml_node *value = build(b, &next, depth + 1, &below);
    yaml_event_delete(&next);
    if (value == NULL) {
        return false;
    }
    *height = below + 1 > *height ? below + 1 : *height;
    if (strcmp(key->text, "<<") == 0 && !key->quoted) {
        if (m->merge != NULL) {
            return error_at(b->err, ERROR_INVALID, &pos, "<<", "duplicate key: give \"<<\" a list instead");
        }
        m->merge = value;
        return true;
    }
    mapping_append(b, m, &(struct yaml_pair){key->text, pos, value, false});
    return true;
}

static bool build_pairs(struct builder *b, struct yaml_node *node, int depth, int *height) {
    struct mapping m = {0};
    bool ok, end;
    do {
        yaml_event_t event;
        end = true;
        ok = next_event(b, &event);
        if (ok) {
            end = event.type == YAML_MAPPING_END_EVENT;
            ok = end || build_pair(b, &m, &event, depth, height);
            yaml_event_delete(&event);
        }
    } while (ok && !end);
    ok = ok && merge_all(b, &m);
    node->pairs = m.pairs;
    node->count = m.count;
    free(m.index.slots);
    return ok;
}

/* Depth is bounded by YAML_DEPTH_MAX, so the recursion is. */
static struct yaml_node *build(struct builder *b, const yaml_event_t *event, int depth, int *height) {
    *height = 1;
    if (event->type == YAML_ALIAS_EVENT) {
        return build_alias(b, event, depth, height);
    }
    if (event->type == YAML_SCALAR_EVENT) {
        return build_scalar(b, event);
    }
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *name = is_list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    const yaml_char_t *tag = is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
    struct yaml_node *node = new_node(b, event, is_list ? YAML_SEQUENCE : YAML_MAPPING);
    if (!count_nodes(b, 1, &node->pos) || !check_tag(b, tag, &node->pos) ||
        !check_depth(b, depth + 1, &node->pos)) {
        return NULL;
    }
    size_t anchor = open_anchor(b, name, node);
    if (!(is_list ? build_items(b, node, depth, height) : build_pairs(b, node, depth, height))) {
        return NULL;
    }
    close_anchor(b, anchor, *height);
    return node;
}

/* One document after its start event. */
static bool build_document(struct builder *b, struct yaml_file *file, size_t *capacity) {
    yaml_event_t event;
    if (!next_event(b, &event)) {
        return false;
    }
    int height;
    struct yaml_node *root = build(b, &event, 0, &height);
    struct position pos = position_of(b, &event.start_mark);
    yaml_event_delete(&event);
    if (root == NULL) {
        return false;
    }
    free(b->anchor_names.slots); /* anchors end with their document */
    b->anchor_names = (struct text_index){0};
    b->anchor_count = 0;
    if (root->kind == YAML_NULL) {
        return true;
    }
    if (file->count == YAML_DOCUMENTS_MAX) {
        return error_at(b->err, ERROR_INVALID, &pos, NULL, "expected at most %d documents in a file",
                        YAML_DOCUMENTS_MAX);
    }
    file->documents = arena_grow(b->arena, file->documents, file->count, file->count + 1, capacity,
                                 sizeof *file->documents);
    file->documents[file->count++] = root;
    return true;
}

static bool build_stream(struct builder *b, struct yaml_file *file) {
    size_t capacity = 0;
    for (;;) {
        yaml_event_t event;
        if (!next_event(b, &event)) {
            return false;
        }
        yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT) {
            return true;
        }
        if (type == YAML_DOCUMENT_START_EVENT && !build_document(b, file, &capacity)) {
            return false;
        }
    }
}

bool yaml_parse(const char *name, const char *bytes, size_t length, struct arena *arena,
                struct yaml_file *file, struct error *err) {
    struct builder b = {.file = arena_strdup(arena, name), .arena = arena, .err = err};
    *file = (struct yaml_file){0};
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        length -= 3;
    }
    if (length > YAML_FILE_BYTES_MAX) {
        struct position pos = {b.file, 0, 0};
        return error_at(err, ERROR_INVALID, &pos, NULL, "expected at most %d bytes of YAML in a file",
                        YAML_FILE_BYTES_MAX);
    }
    if (!yaml_text_check(b.file, bytes, length, err)) {
        return false;
    }
    if (!yaml_parser_initialize(&b.parser)) {
        return error_set(err, ERROR_FAILED, "no memory to read %s", name);
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)bytes, length);
    bool ok = build_stream(&b, file);
    yaml_parser_delete(&b.parser);
    free(b.anchor_names.slots);
    return ok;
}

bool yaml_load(const char *path, struct arena *arena, struct yaml_file *file, struct error *err) {
    char *bytes;
    size_t length;
    return file_read(path, YAML_FILE_BYTES_MAX, arena, &bytes, &length, err) &&
           yaml_parse(path, bytes, length, arena, file, err);
}
