/* sim/manifest/manifest_fields.h: typed access to the fields of a Kubernetes object, with the API server's
 * idea of types: an unquoted number is no text, a quoted one is no number, null is absent.
 *
 * A reader returns false and fills the error when a field has the wrong type or is out of range; an absent
 * field leaves the output as it is, so that defaults are set before reading. Fields that the API does not
 * know are warnings, as kubectl's strict validation would refuse them.
 */
#ifndef DRYDOCK_MANIFEST_MANIFEST_FIELDS_H
#define DRYDOCK_MANIFEST_MANIFEST_FIELDS_H

#include <stdint.h>

#include "config/notice.h"
#include "config/yaml.h"

struct reading {
    struct arena *arena;
    struct notices *notices;
    struct error *err;
};

/* A value and the dotted path that leads to it. `node` is NULL when the value is absent; `pos` is then that
 * of the mapping that lacks it. */
struct place {
    struct yaml_node *node;
    const char *path;
    struct position pos;
};

struct place place_of(struct yaml_node *object);
struct place place_get(const struct reading *r, const struct place *parent, const char *key);
struct place place_pair(const struct reading *r, const struct place *mapping, size_t index);
struct place place_item(const struct reading *r, const struct place *list, size_t index);

/* Fills the error at this place; always false. */
bool place_fail(const struct reading *r, const struct place *p, const char *expected, ...)
    __attribute__((format(printf, 3, 4)));

/* Each takes the place itself (see place_get). Texts are borrowed from the tree. */
bool read_text(const struct reading *r, const struct place *p, const char **out);
bool read_integer(const struct reading *r, const struct place *p, int64_t low, int64_t high, int64_t *out);
bool read_boolean(const struct reading *r, const struct place *p, bool *out);
bool read_choice(const struct reading *r, const struct place *p, const char *const *choices,
                 const char **out);

/* A whole number or a percentage ("25%"), as written. */
bool read_count_or_percent(const struct reading *r, const struct place *p, const char **out);

/* A resource.Quantity of at least 0 in thousandths. */
bool read_quantity(const struct reading *r, const struct place *p, int64_t *milli);

/* The value is absent or has that shape. */
bool expect_mapping(const struct reading *r, const struct place *p);
bool expect_list(const struct reading *r, const struct place *p);

/* The value is there; the message says what is missing. */
bool expect_present(const struct reading *r, const struct place *p, const char *what);

/* Warns of each key of a mapping that is not in `known` (NULL-terminated), with the nearest known one. A key
 * that an override put there fills the error instead; the reader may go on, manifests_finish() looks. */
void warn_unknown_fields(const struct reading *r, const struct place *p, const char *const *known);

/* "the number 3", "the text \"x\"", "a list": what stands there, for messages. */
const char *describe_node(struct arena *arena, const struct yaml_node *node);

/* Adds a remedy when a refused text is one that somebody was to replace: <name>, ${NAME}, {{ .Values.x }}. */
void hint_placeholder(struct error *err, const char *text);

/* True when the API would read the node as text. */
bool node_is_text(const struct yaml_node *node);

#endif
