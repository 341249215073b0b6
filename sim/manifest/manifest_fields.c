#include "manifest/manifest_fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/units.h"

/* What a plain (unquoted) scalar is once YAML 1.1 has become JSON, which is what the API server sees. */
enum plain_type { PLAIN_TEXT, PLAIN_NULL, PLAIN_BOOLEAN, PLAIN_INTEGER, PLAIN_FLOAT };

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

static const char *const true_words[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
static const char *const false_words[] = {"false", "False", "FALSE", "no",  "No",
                                          "NO",    "off",   "Off",   "OFF", NULL};

static bool is_integer_text(const char *t) {
    t += *t == '-' || *t == '+';
    if (t[0] == '0' && (t[1] == 'x' || t[1] == 'o' || t[1] == 'b')) {
        return t[2] != '\0' && t[2 + strspn(t + 2, "0123456789abcdefABCDEF_")] == '\0';
    }
    return t[0] >= '0' && t[0] <= '9' && t[strspn(t, "0123456789_")] == '\0';
}

static bool is_float_text(const char *t) {
    t += *t == '-' || *t == '+';
    if (strcmp(t, ".inf") == 0 || strcmp(t, ".nan") == 0 || strcmp(t, ".Inf") == 0 ||
        strcmp(t, ".NaN") == 0) {
        return true;
    }
    size_t whole = strspn(t, "0123456789");
    const char *rest = t + whole;
    size_t fraction = 0;
    if (*rest == '.') {
        fraction = strspn(rest + 1, "0123456789");
        rest += 1 + fraction;
    }
    if (whole + fraction == 0) {
        return false;
    }
    if (*rest == 'e' || *rest == 'E') {
        rest += 1;
        rest += *rest == '-' || *rest == '+';
        size_t digits = strspn(rest, "0123456789");
        return digits > 0 && rest[digits] == '\0';
    }
    return *rest == '\0';
}

static enum plain_type plain_type(const struct yaml_node *node) {
    if (node->quoted) {
        return PLAIN_TEXT;
    }
    const char *t = node->text;
    if (*t == '\0' || strcmp(t, "~") == 0 || strcmp(t, "null") == 0 || strcmp(t, "Null") == 0 ||
        strcmp(t, "NULL") == 0) {
        return PLAIN_NULL;
    }
    if (is_one_of(t, true_words) || is_one_of(t, false_words)) {
        return PLAIN_BOOLEAN;
    }
    if (is_integer_text(t)) {
        return PLAIN_INTEGER;
    }
    return is_float_text(t) ? PLAIN_FLOAT : PLAIN_TEXT;
}

static bool is_null(const struct yaml_node *node) {
    return node == NULL || node->kind == YAML_NULL ||
           (node->kind == YAML_SCALAR && plain_type(node) == PLAIN_NULL);
}

bool node_is_text(const struct yaml_node *node) {
    return node != NULL && node->kind == YAML_SCALAR && plain_type(node) == PLAIN_TEXT;
}

/* Long texts (scripts, certificates) would drown the message. */
enum { DESCRIBED_CHARACTERS = 60 };

const char *describe_node(struct arena *arena, const struct yaml_node *node) {
    if (is_null(node)) {
        return "nothing";
    }
    if (node->kind == YAML_SEQUENCE) {
        return "a list";
    }
    if (node->kind == YAML_MAPPING) {
        return "a mapping";
    }
    const char *more = strlen(node->text) > DESCRIBED_CHARACTERS ? "..." : "";
    switch (plain_type(node)) {
    case PLAIN_BOOLEAN:
        return arena_printf(arena, "the boolean %s", node->text);
    case PLAIN_INTEGER:
    case PLAIN_FLOAT:
        return arena_printf(arena, "the number %.*s%s", DESCRIBED_CHARACTERS, node->text, more);
    default:
        return arena_printf(arena, "the text \"%.*s%s\"", DESCRIBED_CHARACTERS, node->text, more);
    }
}

struct place place_of(struct yaml_node *object) {
    struct place p = {.node = object, .path = "", .pos = object->pos};
    return p;
}

struct place place_get(const struct reading *r, const struct place *parent, const char *key) {
    struct place p = {.node = NULL, .path = key, .pos = parent->pos};
    if (parent->path[0] != '\0') {
        p.path = arena_printf(r->arena, "%s.%s", parent->path, key);
    }
    struct yaml_node *value = parent->node == NULL ? NULL : yaml_get(parent->node, key);
    if (!is_null(value)) {
        p.node = value;
        p.pos = value->pos;
    }
    return p;
}

struct place place_pair(const struct reading *r, const struct place *mapping, size_t index) {
    const struct yaml_pair *pair = &mapping->node->pairs[index];
    struct place p = {.node = is_null(pair->value) ? NULL : pair->value, .path = pair->key, .pos = pair->pos};
    if (mapping->path[0] != '\0') {
        p.path = arena_printf(r->arena, "%s.%s", mapping->path, pair->key);
    }
    if (p.node != NULL) {
        p.pos = p.node->pos;
    }
    return p;
}

struct place place_item(const struct reading *r, const struct place *list, size_t index) {
    struct place p = {.node = list->node->items[index],
                      .path = arena_printf(r->arena, "%s.%zu", list->path, index)};
    p.pos = p.node->pos;
    if (is_null(p.node)) {
        p.node = NULL;
    }
    return p;
}

bool place_fail(const struct reading *r, const struct place *p, const char *expected, ...) {
    char text[sizeof r->err->expected];
    va_list list;
    va_start(list, expected);
    vsnprintf(text, sizeof text, expected, list);
    va_end(list);
    return error_at(r->err, ERROR_INVALID, &p->pos, p->path, "%s", text);
}

bool read_text(const struct reading *r, const struct place *p, const char **out) {
    if (p->node == NULL) {
        return true;
    }
    if (p->node->kind != YAML_SCALAR) {
        return place_fail(r, p, "expected text, got %s", describe_node(r->arena, p->node));
    }
    if (plain_type(p->node) != PLAIN_TEXT) {
        place_fail(r, p, "expected text, got %s", describe_node(r->arena, p->node));
        return error_hint(r->err, "put it in quotes: \"%s\"", p->node->text);
    }
    *out = p->node->text;
    return true;
}

static const char *range_text(struct arena *arena, int64_t low, int64_t high) {
    if (high >= INT32_MAX) {
        return arena_printf(arena, "an integer of at least %lld", (long long)low);
    }
    return arena_printf(arena, "an integer from %lld to %lld", (long long)low, (long long)high);
}

/* 3, +3 and integral floats such as 1e3, which are whole numbers once they are JSON. */
static bool integer_of(const struct yaml_node *node, int64_t *value) {
    if (node->kind != YAML_SCALAR) {
        return false;
    }
    enum plain_type type = plain_type(node);
    double number = 0.0;
    if ((type != PLAIN_INTEGER && type != PLAIN_FLOAT) || !unit_parse(UNIT_NUMBER, node->text, &number)) {
        return false;
    }
    if (number < -9e15 || number > 9e15 || number != (double)(int64_t)number) {
        return false;
    }
    *value = (int64_t)number;
    return true;
}

bool read_integer(const struct reading *r, const struct place *p, int64_t low, int64_t high, int64_t *out) {
    if (p->node == NULL) {
        return true;
    }
    int64_t value = 0;
    const char *range = range_text(r->arena, low, high);
    if (!integer_of(p->node, &value)) {
        place_fail(r, p, "expected %s, got %s", range, describe_node(r->arena, p->node));
        if (p->node->kind == YAML_SCALAR && p->node->quoted && is_integer_text(p->node->text)) {
            error_hint(r->err, "leave the quotes out");
        }
        if (p->node->kind == YAML_SCALAR) {
            hint_placeholder(r->err, p->node->text);
        }
        return false;
    }
    if (value < low || value > high) {
        return place_fail(r, p, "expected %s, got %lld", range, (long long)value);
    }
    *out = value;
    return true;
}

bool read_boolean(const struct reading *r, const struct place *p, bool *out) {
    if (p->node == NULL) {
        return true;
    }
    if (p->node->kind != YAML_SCALAR || plain_type(p->node) != PLAIN_BOOLEAN) {
        return place_fail(r, p, "expected true or false, got %s", describe_node(r->arena, p->node));
    }
    *out = is_one_of(p->node->text, true_words);
    return true;
}

static const char *list_words(struct arena *arena, const char *const *words) {
    const char *text = words[0];
    for (size_t i = 1; words[i] != NULL; i++) {
        text = arena_printf(arena, "%s%s%s", text, words[i + 1] == NULL ? " or " : ", ", words[i]);
    }
    return text;
}

bool read_choice(const struct reading *r, const struct place *p, const char *const *choices,
                 const char **out) {
    const char *text = NULL;
    if (!read_text(r, p, &text)) {
        return false;
    }
    if (text == NULL) {
        return true;
    }
    if (!is_one_of(text, choices)) {
        return place_fail(r, p, "expected %s, got \"%.*s\"", list_words(r->arena, choices),
                          DESCRIBED_CHARACTERS, text);
    }
    *out = text;
    return true;
}

static bool is_percent(const char *text) {
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 8 && strcmp(text + digits, "%") == 0;
}

bool read_count_or_percent(const struct reading *r, const struct place *p, const char **out) {
    if (p->node == NULL) {
        return true;
    }
    int64_t count = 0;
    if (integer_of(p->node, &count) && count >= 0 && count <= INT32_MAX) {
        *out = arena_printf(r->arena, "%lld", (long long)count);
        return true;
    }
    if (node_is_text(p->node) && is_percent(p->node->text)) {
        *out = p->node->text;
        return true;
    }
    return place_fail(r, p, "expected a whole number such as 1 or a percentage such as 25%%, got %s",
                      describe_node(r->arena, p->node));
}

void hint_placeholder(struct error *err, const char *text) {
    if (strchr(text, '<') != NULL && strchr(text, '>') != NULL) {
        error_hint(err, "\"%.80s\" looks like a placeholder: replace it with a value of yours", text);
    } else if (strstr(text, "{{") != NULL) {
        error_hint(err, "this is a template: render it first, for example with `helm template`");
    } else if (strchr(text, '$') != NULL) {
        error_hint(err, "\"%.80s\" looks like a variable: substitute it first, for example with `envsubst`",
                   text);
    }
}

/* "GB", "gb", "Gib" and such: what was meant. */
static void hint_quantity(struct error *err, const char *text) {
    size_t number = strspn(text, "0123456789.");
    const char *unit = text + number;
    if (number > 0 && strlen(unit) >= 2 && strchr("kKmMgGtTpP", unit[0]) != NULL &&
        strchr("bBiI", unit[1]) != NULL) {
        char letter = unit[0] == 'k' ? 'K' : (char)(unit[0] >= 'a' ? unit[0] - 'a' + 'A' : unit[0]);
        error_hint(err, "write %.*s%ci (powers of 1024) or %.*s%c (powers of 1000)", (int)number, text,
                   letter, (int)number, text, letter == 'K' ? 'k' : letter);
    }
}

bool read_quantity(const struct reading *r, const struct place *p, int64_t *milli) {
    if (p->node == NULL) {
        return true;
    }
    int64_t value = 0;
    if (p->node->kind != YAML_SCALAR || !unit_parse_milli(p->node->text, &value)) {
        place_fail(r, p, "expected a quantity such as 500m, 2 or 16Gi, got %s",
                   describe_node(r->arena, p->node));
        if (p->node->kind == YAML_SCALAR) {
            hint_quantity(r->err, p->node->text);
            hint_placeholder(r->err, p->node->text);
        }
        return false;
    }
    if (value < 0) {
        return place_fail(r, p, "expected a quantity of at least 0, got %s", p->node->text);
    }
    *milli = value;
    return true;
}

bool expect_mapping(const struct reading *r, const struct place *p) {
    return p->node == NULL || p->node->kind == YAML_MAPPING ||
           place_fail(r, p, "expected a mapping, got %s", describe_node(r->arena, p->node));
}

bool expect_list(const struct reading *r, const struct place *p) {
    if (p->node == NULL || p->node->kind == YAML_SEQUENCE) {
        return true;
    }
    place_fail(r, p, "expected a list, got %s", describe_node(r->arena, p->node));
    return error_hint(r->err, "begin each entry with \"- \"");
}

bool expect_present(const struct reading *r, const struct place *p, const char *what) {
    return p->node != NULL || place_fail(r, p, "expected %s, got nothing", what);
}

/* A file of another program that happens to have our keys would otherwise warn without end. */
enum { UNKNOWN_FIELDS_SHOWN = 20, SUGGESTIONS_MAX = 1000, FIELD_NAME_MAX = 64 };

static const char *path_of(const struct reading *r, const struct place *p, const struct yaml_pair *pair) {
    return arena_printf(r->arena, "%s%s%s", p->path, p->path[0] == '\0' ? "" : ".", pair->key);
}

static void warn_unknown_field(const struct reading *r, const struct place *p, const struct yaml_pair *pair,
                               const char *const *known) {
    bool worth_it = r->notices->count < SUGGESTIONS_MAX && strlen(pair->key) <= FIELD_NAME_MAX;
    const char *nearest = worth_it ? str_nearest(pair->key, known) : NULL;
    notice_add(r->notices, NOTICE_WARNING, &pair->pos, "%s: unknown field, ignored%s%s%s",
               path_of(r, p, pair), nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
               nearest != NULL ? "?" : "");
}

/* What an override names and nobody reads would be a comparison of a thing with itself. */
static void refuse_unknown_field(const struct reading *r, const struct place *p, const struct yaml_pair *pair,
                                 const char *const *known) {
    const char *nearest = str_nearest(pair->key, known);
    error_at(r->err, ERROR_INVALID, &pair->value->pos, path_of(r, p, pair), "unknown field");
    if (nearest != NULL) {
        error_hint(r->err, "did you mean %s?", nearest);
    } else {
        error_hint(r->err, "known here: %s", list_words(r->arena, known));
    }
}

void warn_unknown_fields(const struct reading *r, const struct place *p, const char *const *known) {
    if (p->node == NULL || p->node->kind != YAML_MAPPING) {
        return;
    }
    int shown = 0;
    for (size_t i = 0; i < p->node->count; i++) {
        const struct yaml_pair *pair = &p->node->pairs[i];
        if (is_one_of(pair->key, known)) {
            continue;
        }
        if (pair->put) {
            refuse_unknown_field(r, p, pair, known);
        } else if (shown++ < UNKNOWN_FIELDS_SHOWN) {
            warn_unknown_field(r, p, pair, known);
        }
    }
}
