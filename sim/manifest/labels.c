#include "manifest/labels.h"

#include <string.h>

/* The API's own limits (k8s.io/apimachinery, util/validation). */
enum { SUBDOMAIN_MAX = 253, LABEL_MAX = 63 };

static bool is_lower_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alphanumeric(char c) {
    return is_lower_alphanumeric(c) || (c >= 'A' && c <= 'Z');
}

/* One DNS label of n bytes. */
static bool is_dns_label(const char *text, size_t n) {
    if (n == 0 || n > LABEL_MAX || !is_lower_alphanumeric(text[0]) || !is_lower_alphanumeric(text[n - 1])) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_lower_alphanumeric(text[i]) && text[i] != '-') {
            return false;
        }
    }
    return true;
}

/* Unlike a label, a part of a subdomain may be longer than 63. */
static bool is_subdomain(const char *text, size_t n) {
    if (n == 0 || n > SUBDOMAIN_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        bool edge = i == 0 || i + 1 == n || text[i - 1] == '.' || text[i + 1] == '.';
        if (!(is_lower_alphanumeric(text[i]) || (!edge && (text[i] == '-' || text[i] == '.')))) {
            return false;
        }
    }
    return true;
}

/* The name part of a key, and a label's value. */
static bool is_qualified_name(const char *text, size_t n) {
    if (n == 0 || n > LABEL_MAX || !is_alphanumeric(text[0]) || !is_alphanumeric(text[n - 1])) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_alphanumeric(text[i]) && strchr("-_.", text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_label_key(const char *key) {
    const char *slash = strchr(key, '/');
    if (slash == NULL) {
        return is_qualified_name(key, strlen(key));
    }
    return is_subdomain(key, (size_t)(slash - key)) && is_qualified_name(slash + 1, strlen(slash + 1));
}

bool check_name(const struct reading *r, const struct place *p, const char *name, enum name_syntax syntax) {
    size_t n = strlen(name);
    if (syntax == NAME_SUBDOMAIN && is_subdomain(name, n)) {
        return true;
    }
    if (syntax != NAME_SUBDOMAIN && is_dns_label(name, n) &&
        (syntax == NAME_LABEL || (name[0] >= 'a' && name[0] <= 'z'))) {
        return true;
    }
    static const char *const expected[] = {
        [NAME_SUBDOMAIN] = "a name of lower-case letters, digits, '-' and '.' (at most 253)",
        [NAME_LABEL] = "a name of lower-case letters, digits and '-' (at most 63)",
        [NAME_LABEL_1035] = "a name of at most 63 lower-case letters, digits and '-' from a letter on",
    };
    place_fail(r, p, "expected %s, got \"%.100s\"", expected[syntax], name);
    hint_placeholder(r->err, name);
    return false;
}

static bool read_map_of_text(const struct reading *r, const struct place *p, bool label_values,
                             struct labels *out) {
    if (!expect_mapping(r, p)) {
        return false;
    }
    size_t count = p->node == NULL ? 0 : p->node->count;
    out->items = arena_array(r->arena, count, sizeof *out->items);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct yaml_pair *pair = &p->node->pairs[i];
        struct place value = place_pair(r, p, i);
        const char *text = ""; /* null is the empty text here, as in the API's map[string]string */
        if (!is_label_key(pair->key)) {
            error_at(r->err, ERROR_INVALID, &pair->pos, p->path,
                     "expected a key such as app or example.com/app (letters, digits, '-', '_', '.'), got "
                     "\"%.100s\"",
                     pair->key);
            hint_placeholder(r->err, pair->key);
            return false;
        }
        if (!read_text(r, &value, &text)) {
            return false;
        }
        if (label_values && *text != '\0' && !is_qualified_name(text, strlen(text))) {
            place_fail(r, &value,
                       "expected at most 63 letters, digits, '-', '_' and '.', with a letter or digit at "
                       "both ends, got \"%.100s\"",
                       text);
            hint_placeholder(r->err, text);
            return false;
        }
        out->items[out->count++] = (struct label){.key = pair->key, .value = text};
    }
    return true;
}

bool read_labels(const struct reading *r, const struct place *p, struct labels *out) {
    return read_map_of_text(r, p, true, out);
}

bool read_annotations(const struct reading *r, const struct place *p, struct labels *out) {
    return read_map_of_text(r, p, false, out);
}

static const char *const metadata_fields[] = {"name",
                                              "generateName",
                                              "namespace",
                                              "labels",
                                              "annotations",
                                              "finalizers",
                                              "ownerReferences",
                                              "creationTimestamp",
                                              "deletionTimestamp",
                                              "generation",
                                              "uid",
                                              "resourceVersion",
                                              "managedFields",
                                              "selfLink",
                                              "deletionGracePeriodSeconds",
                                              "clusterName",
                                              NULL};

bool read_metadata(const struct reading *r, const struct place *object, enum name_syntax syntax,
                   struct metadata *out) {
    struct place p = place_get(r, object, "metadata");
    struct place name = place_get(r, &p, "name");
    struct place namespace_name = place_get(r, &p, "namespace");
    struct place labels = place_get(r, &p, "labels");
    struct place annotations = place_get(r, &p, "annotations");
    struct labels ignored;
    *out = (struct metadata){.namespace_name = "default"};
    warn_unknown_fields(r, &p, metadata_fields);
    return expect_present(r, &p, "the object's metadata") && expect_mapping(r, &p) &&
           expect_present(r, &name, "the object's name") && read_text(r, &name, &out->name) &&
           check_name(r, &name, out->name, syntax) && read_text(r, &namespace_name, &out->namespace_name) &&
           check_name(r, &namespace_name, out->namespace_name, NAME_LABEL) &&
           read_labels(r, &labels, &out->labels) && read_annotations(r, &annotations, &ignored);
}

/* ---- selectors ---- */

static struct selector_term equality_term(struct arena *arena, const struct label *label) {
    struct selector_term term = {.key = label->key, .op = SELECT_IN, .value_count = 1};
    term.values = arena_array(arena, 1, sizeof *term.values);
    term.values[0] = label->value;
    return term;
}

static bool read_expression(const struct reading *r, const struct place *p, struct selector_term *term) {
    static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};
    static const char *const fields[] = {"key", "operator", "values", NULL};
    struct place key = place_get(r, p, "key");
    struct place op = place_get(r, p, "operator");
    struct place values = place_get(r, p, "values");
    const char *op_text = NULL;
    warn_unknown_fields(r, p, fields);
    if (!expect_mapping(r, p) || !expect_present(r, &key, "a label's key") ||
        !read_text(r, &key, &term->key) || !expect_present(r, &op, "In, NotIn, Exists or DoesNotExist") ||
        !read_choice(r, &op, operators, &op_text) || !expect_list(r, &values)) {
        return false;
    }
    if (!is_label_key(term->key)) {
        return place_fail(r, &key, "expected a key such as app or example.com/app, got \"%.100s\"",
                          term->key);
    }
    while (strcmp(operators[term->op], op_text) != 0) {
        term->op++;
    }
    term->value_count = values.node == NULL ? 0 : values.node->count;
    term->values = arena_array(r->arena, term->value_count, sizeof *term->values);
    bool wants_values = term->op == SELECT_IN || term->op == SELECT_NOT_IN;
    if (wants_values != (term->value_count > 0)) {
        return place_fail(r, &values, "expected %s with operator %s",
                          wants_values ? "at least one value" : "no values", op_text);
    }
    for (size_t i = 0; i < term->value_count; i++) {
        struct place item = place_item(r, &values, i);
        term->values[i] = "";
        if (!read_text(r, &item, &term->values[i])) {
            return false;
        }
    }
    return true;
}

bool read_selector(const struct reading *r, const struct place *p, struct selector *out) {
    static const char *const fields[] = {"matchLabels", "matchExpressions", NULL};
    struct place labels_at = place_get(r, p, "matchLabels");
    struct place expressions = place_get(r, p, "matchExpressions");
    struct labels labels;
    if (!expect_mapping(r, p) || !read_labels(r, &labels_at, &labels) || !expect_list(r, &expressions)) {
        return false;
    }
    warn_unknown_fields(r, p, fields);
    size_t expression_count = expressions.node == NULL ? 0 : expressions.node->count;
    out->terms = arena_array(r->arena, labels.count + expression_count, sizeof *out->terms);
    out->count = 0;
    for (size_t i = 0; i < labels.count; i++) {
        out->terms[out->count++] = equality_term(r->arena, &labels.items[i]);
    }
    for (size_t i = 0; i < expression_count; i++) {
        struct place item = place_item(r, &expressions, i);
        if (!read_expression(r, &item, &out->terms[out->count++])) {
            return false;
        }
    }
    return true;
}

bool read_simple_selector(const struct reading *r, const struct place *p, struct selector *out) {
    struct labels labels;
    if (!read_labels(r, p, &labels)) {
        return false;
    }
    out->terms = arena_array(r->arena, labels.count, sizeof *out->terms);
    out->count = labels.count;
    for (size_t i = 0; i < labels.count; i++) {
        out->terms[i] = equality_term(r->arena, &labels.items[i]);
    }
    return true;
}

const char *labels_get(const struct labels *labels, const char *key) {
    for (size_t i = 0; i < labels->count; i++) {
        if (strcmp(labels->items[i].key, key) == 0) {
            return labels->items[i].value;
        }
    }
    return NULL;
}

static bool term_holds(const struct selector_term *term, const struct labels *labels) {
    const char *value = labels_get(labels, term->key);
    bool listed = false;
    for (size_t i = 0; value != NULL && i < term->value_count; i++) {
        listed = listed || strcmp(term->values[i], value) == 0;
    }
    switch (term->op) {
    case SELECT_IN:
        return listed;
    case SELECT_NOT_IN: /* holds where the key is absent, too */
        return !listed;
    case SELECT_EXISTS:
        return value != NULL;
    default:
        return value == NULL;
    }
}

bool labels_match(const struct selector *selector, const struct labels *labels) {
    for (size_t i = 0; i < selector->count; i++) {
        if (!term_holds(&selector->terms[i], labels)) {
            return false;
        }
    }
    return true;
}
