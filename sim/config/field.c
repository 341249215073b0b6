#include "config/field.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "config/delay.h"
#include "config/label.h"

/* Integers beyond this are not exact in a double, which is how numbers are parsed. */
static const double integer_largest = 9007199254740992.0;

static bool read_rows(struct field_reader *reader, const struct field *rows, const struct yaml_node *node,
                      char *base);

/* ---- where and what ---- */

static size_t path_push(struct field_reader *reader, const char *segment) {
    size_t length = strlen(reader->path);
    snprintf(reader->path + length, sizeof reader->path - length, "%s%s", length > 0 ? "." : "", segment);
    return length;
}

static size_t path_push_index(struct field_reader *reader, size_t index) {
    char text[24];
    snprintf(text, sizeof text, "%zu", index);
    return path_push(reader, text);
}

static void path_pop(struct field_reader *reader, size_t length) {
    reader->path[length] = 0;
}

/* What stands there, for messages: a text in quotes, or the kind of collection. */
static const char *found(struct field_reader *reader, const struct yaml_node *node) {
    switch (node->kind) {
    case YAML_NULL:
        return "nothing";
    case YAML_SEQUENCE:
        return "a list";
    case YAML_MAPPING:
        return "a mapping";
    case YAML_SCALAR:
        break;
    }
    return arena_printf(reader->arena, "\"%.60s%s\"", node->text, strlen(node->text) > 60 ? "..." : "");
}

static bool fail(struct field_reader *reader, const struct yaml_node *node, const char *expected) {
    return error_at(reader->err, ERROR_INVALID, &node->pos, reader->path, "expected %s, found %s", expected,
                    found(reader, node));
}

bool field_error(struct field_reader *reader, const struct yaml_node *node, const char *key,
                 const char *expected, ...) {
    char message[sizeof reader->err->expected];
    va_list args;
    va_start(args, expected);
    vsnprintf(message, sizeof message, expected, args);
    va_end(args);

    const struct yaml_node *at = key != NULL && yaml_get(node, key) != NULL ? yaml_get(node, key) : node;
    size_t length = key != NULL ? path_push(reader, key) : strlen(reader->path);
    error_at(reader->err, ERROR_INVALID, at != NULL ? &at->pos : NULL, reader->path, "%s", message);
    path_pop(reader, length);
    return false;
}

/* "one of warm, cold" */
static const char *list_choices(struct field_reader *reader, const char *const *choices) {
    const char *text = "one of ";
    for (size_t i = 0; choices[i] != NULL; i++) {
        text = arena_printf(reader->arena, "%s%s%s", text, i > 0 ? ", " : "", choices[i]);
    }
    return text;
}

/* ---- scalars ---- */

static bool bounded(double low, double high) {
    return low != 0 || high != 0;
}

/* "a duration such as 90s, from 0s to 100d" */
static const char *expected_quantity(struct field_reader *reader, const char *what, enum unit_kind unit,
                                     double low, double high) {
    char from[48], to[48];
    if (!bounded(low, high)) {
        return what;
    }
    if (isinf(high)) {
        return arena_printf(reader->arena, "%s, at least %s", what, unit_text(unit, low, from));
    }
    return arena_printf(reader->arena, "%s, from %s to %s", what, unit_text(unit, low, from),
                        unit_text(unit, high, to));
}

static bool within(double value, double low, double high) {
    return !bounded(low, high) || (value >= low && value <= high);
}

static bool read_quantity_node(struct field_reader *reader, const struct yaml_node *node, enum unit_kind unit,
                               double low, double high, double *value) {
    double parsed;
    if (node->kind != YAML_SCALAR || !unit_parse(unit, node->text, &parsed) || !within(parsed, low, high)) {
        return fail(reader, node, expected_quantity(reader, unit_expects(unit), unit, low, high));
    }
    *value = parsed;
    return true;
}

bool field_quantity(struct field_reader *reader, const struct yaml_node *node, const char *key,
                    enum unit_kind unit, double low, double high, double *value) {
    if (key == NULL) {
        return read_quantity_node(reader, node, unit, low, high, value);
    }
    size_t length = path_push(reader, key);
    bool ok = read_quantity_node(reader, yaml_get(node, key), unit, low, high, value);
    path_pop(reader, length);
    return ok;
}

static bool is_none(const struct yaml_node *node) {
    return node->kind == YAML_SCALAR && !node->quoted && strcmp(node->text, "none") == 0;
}

static bool read_quantity(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                          char *base) {
    double *into = (double *)(void *)(base + f->offset);
    if (f->fallback == NULL && !f->required && is_none(node)) {
        *into = f->absent;
        return true;
    }
    if (f->infinite != NULL && node->kind == YAML_SCALAR && strcmp(node->text, f->infinite) == 0) {
        *into = INFINITY;
        return true;
    }
    if (read_quantity_node(reader, node, f->unit, f->low, f->high, into)) {
        return true;
    }
    return f->infinite != NULL ? error_hint(reader->err, "or write %s", f->infinite) : false;
}

static bool read_integer(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                         char *base) {
    int64_t *into = (int64_t *)(void *)(base + f->offset);
    double value;
    if (f->fallback == NULL && !f->required && is_none(node)) {
        *into = (int64_t)f->absent;
        return true;
    }
    if (node->kind != YAML_SCALAR || !unit_parse(UNIT_NUMBER, node->text, &value) || floor(value) != value ||
        fabs(value) > integer_largest || !within(value, f->low, f->high)) {
        return fail(reader, node, expected_quantity(reader, "a whole number", UNIT_NUMBER, f->low, f->high));
    }
    *into = (int64_t)value;
    return true;
}

static bool read_bool(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                      char *base) {
    bool *into = (bool *)(base + f->offset);
    if (node->kind == YAML_SCALAR && !node->quoted &&
        (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)) {
        *into = node->text[0] == 't';
        return true;
    }
    return fail(reader, node, "true or false");
}

/* The index of the node's text in `choices`, -1 with err set when it is none of them. */
static int read_choice(struct field_reader *reader, const char *const *choices,
                       const struct yaml_node *node) {
    for (int i = 0; node->kind == YAML_SCALAR && choices[i] != NULL; i++) {
        if (strcmp(choices[i], node->text) == 0) {
            return i;
        }
    }
    fail(reader, node, list_choices(reader, choices));
    const char *near = node->kind == YAML_SCALAR ? str_nearest(node->text, choices) : NULL;
    if (near != NULL) {
        error_hint(reader->err, "did you mean %s?", near);
    }
    return -1;
}

static bool read_enum(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                      char *base) {
    int index = read_choice(reader, f->choices, node);
    *(int *)(void *)(base + f->offset) = index;
    return index >= 0;
}

static const char *read_text_node(struct field_reader *reader, const struct field *f,
                                  const struct yaml_node *node) {
    if (node->kind != YAML_SCALAR || (node->text[0] == 0 && !f->empty_allowed)) {
        fail(reader, node, "a text");
        return NULL;
    }
    if (f->choices != NULL && read_choice(reader, f->choices, node) < 0) {
        return NULL;
    }
    bool is_path = f->type == FIELD_PATH || f->type == FIELD_PATHS;
    return is_path && reader->folder != NULL ? path_join(reader->arena, reader->folder, node->text)
                                             : node->text;
}

static bool read_text(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                      char *base) {
    const char *text = read_text_node(reader, f, node);
    *(const char **)(void *)(base + f->offset) = text;
    return text != NULL;
}

/* ---- collections ---- */

static bool read_texts(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                       char *base) {
    bool single = node->kind == YAML_SCALAR;
    if (!single && node->kind != YAML_SEQUENCE) {
        return fail(reader, node, "a text or a list of texts");
    }
    size_t count = single ? 1 : node->count;
    const char **items = arena_array(reader->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        size_t length = single ? strlen(reader->path) : path_push_index(reader, i);
        items[i] = read_text_node(reader, f, single ? node : node->items[i]);
        path_pop(reader, length);
        if (items[i] == NULL) {
            return false;
        }
    }
    *(const char ***)(void *)(base + f->offset) = items;
    *(size_t *)(void *)(base + f->count_offset) = count;
    return true;
}

static bool read_labels(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                        char *base) {
    struct labels *into = (struct labels *)(void *)(base + f->offset);
    if (node->kind != YAML_MAPPING) {
        return fail(reader, node, "a mapping of texts");
    }
    into->items = arena_array(reader->arena, node->count, sizeof *into->items);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *value = node->pairs[i].value;
        if (value->kind != YAML_SCALAR && value->kind != YAML_NULL) {
            return field_error(reader, value, node->pairs[i].key, "expected a text, found %s",
                               found(reader, value));
        }
        into->items[i] = (struct label){node->pairs[i].key, value->text};
    }
    into->count = node->count;
    return true;
}

static bool read_delay(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                       char *base) {
    return delay_read(reader, node, (struct delay *)(void *)(base + f->offset));
}

static bool read_node(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                      char *base) {
    (void)reader;
    *(const struct yaml_node **)(void *)(base + f->offset) = node;
    return true;
}

/* finish() reads it. */
static bool read_number(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                        char *base) {
    (void)f, (void)base;
    return node->kind == YAML_SCALAR || fail(reader, node, "a number");
}

static bool read_struct(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                        char *base) {
    return read_rows(reader, f->rows, node, base + f->offset) &&
           (f->finish == NULL || f->finish(reader, node, base + f->offset));
}

static bool read_list(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                      char *base) {
    if (node->kind != YAML_SEQUENCE) {
        return fail(reader, node, "a list");
    }
    char *items = arena_array(reader->arena, node->count, f->element_bytes);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = node->items[i];
        char *element = items + i * f->element_bytes;
        struct position *pos = (struct position *)(void *)element;
        *pos = item->pos.file != NULL ? item->pos : (struct position){0};
        size_t length = path_push_index(reader, i);
        bool ok = item->kind == YAML_MAPPING ? read_rows(reader, f->rows, item, element)
                                             : fail(reader, item, "a mapping");
        ok = ok && (f->finish == NULL || f->finish(reader, item, element));
        path_pop(reader, length);
        if (!ok) {
            return false;
        }
    }
    *(void **)(void *)(base + f->offset) = items;
    *(size_t *)(void *)(base + f->count_offset) = node->count;
    return true;
}

typedef bool (*read_function)(struct field_reader *, const struct field *, const struct yaml_node *, char *);

static const read_function read_functions[] = {
    [FIELD_TEXT] = read_text,         [FIELD_PATH] = read_text,     [FIELD_INTEGER] = read_integer,
    [FIELD_QUANTITY] = read_quantity, [FIELD_BOOL] = read_bool,     [FIELD_ENUM] = read_enum,
    [FIELD_DELAY] = read_delay,       [FIELD_LABELS] = read_labels, [FIELD_TEXTS] = read_texts,
    [FIELD_PATHS] = read_texts,       [FIELD_STRUCT] = read_struct, [FIELD_LIST] = read_list,
    [FIELD_NODE] = read_node,         [FIELD_NUMBER] = read_number,
};

/* ---- a mapping ---- */

static const struct field *row_of(const struct field *rows, const char *key) {
    for (; rows->key != NULL; rows++) {
        if (strcmp(rows->key, key) == 0) {
            return rows;
        }
    }
    return NULL;
}

enum { SUGGESTIONS_MAX = 64 };

static bool unknown_key(struct field_reader *reader, const struct field *rows, const struct yaml_pair *pair) {
    const char *names[SUGGESTIONS_MAX + 1] = {0};
    const char *all = "";
    for (size_t i = 0; rows[i].key != NULL && i < SUGGESTIONS_MAX; i++) {
        names[i] = rows[i].key;
        all = arena_printf(reader->arena, "%s%s%s", all, i > 0 ? ", " : "", rows[i].key);
    }
    size_t length = path_push(reader, pair->key);
    error_at(reader->err, ERROR_INVALID, &pair->pos, reader->path, "unknown key");
    path_pop(reader, length);
    const char *near = str_nearest(pair->key, names);
    return near != NULL ? error_hint(reader->err, "did you mean %s?", near)
                        : error_hint(reader->err, "known here: %s", all);
}

/* Reads a default from its text. It is our own: a mistake in one shows in the first test that loads it. */
static bool read_fallback(struct field_reader *reader, const struct field *f, char *base) {
    struct yaml_file file;
    if (!yaml_parse(NULL, f->fallback, strlen(f->fallback), reader->arena, &file, reader->err)) {
        return false;
    }
    return file.count == 0 || read_functions[f->type](reader, f, file.documents[0], base);
}

static bool read_absent(struct field_reader *reader, const struct field *f, char *base) {
    if (f->spelling) {
        return true;
    }
    if (f->required) {
        error_at(reader->err, ERROR_INVALID, &reader->place, reader->path, "required key is missing");
        return error_hint(reader->err, "%s: %s", f->key, f->help);
    }
    if (f->fallback != NULL) {
        return read_fallback(reader, f, base);
    }
    if (f->type == FIELD_STRUCT) {
        return read_struct(reader, f, NULL, base);
    }
    if (f->type == FIELD_INTEGER) {
        *(int64_t *)(void *)(base + f->offset) = (int64_t)f->absent;
    } else if (f->type == FIELD_QUANTITY) {
        *(double *)(void *)(base + f->offset) = f->absent;
    }
    return true;
}

static bool read_row(struct field_reader *reader, const struct field *f, const struct yaml_node *node,
                     char *base) {
    const struct yaml_pair *pair = yaml_pair_of(node, f->key);
    bool given = pair != NULL && pair->value->kind != YAML_NULL;
    if (f->given_offset != 0) {
        *(bool *)(base + f->given_offset) = given;
    }
    if (!given) {
        return read_absent(reader, f, base);
    }
    return read_functions[f->type](reader, f, pair->value, base);
}

static bool read_rows(struct field_reader *reader, const struct field *rows, const struct yaml_node *node,
                      char *base) {
    if (node != NULL && node->kind != YAML_MAPPING && node->kind != YAML_NULL) {
        return fail(reader, node, "a mapping");
    }
    for (size_t i = 0; node != NULL && i < node->count; i++) {
        if (row_of(rows, node->pairs[i].key) == NULL) {
            return unknown_key(reader, rows, &node->pairs[i]);
        }
    }
    struct position outer = reader->place;
    reader->place = node != NULL ? node->pos : outer;
    bool ok = true;
    for (; ok && rows->key != NULL; rows++) {
        size_t length = path_push(reader, rows->key);
        ok = read_row(reader, rows, node, base);
        path_pop(reader, length);
    }
    reader->place = outer;
    return ok;
}

bool fields_read(struct field_reader *reader, const struct field *rows, const struct yaml_node *node,
                 void *into) {
    return read_rows(reader, rows, node, into);
}
