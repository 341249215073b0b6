/* sim/manifest/labels.h: reading metadata, names, labels and selectors, with the API server's syntax rules.
 */
#ifndef DRYDOCK_MANIFEST_LABELS_H
#define DRYDOCK_MANIFEST_LABELS_H

#include "manifest/manifest.h"
#include "manifest/manifest_fields.h"

/* What a name may look like: RFC 1123 subdomain (most objects), RFC 1123 label (containers, namespaces),
 * RFC 1035 label (services). */
enum name_syntax { NAME_SUBDOMAIN, NAME_LABEL, NAME_LABEL_1035 };

/* Checks a name that was read from `p`; the message tells a placeholder from a typo. */
bool check_name(const struct reading *r, const struct place *p, const char *name, enum name_syntax syntax);

struct metadata {
    const char *namespace_name; /* "default" when absent */
    const char *name;
    struct labels labels;
};

/* The object's `metadata`: name required and checked, labels and annotations checked. */
bool read_metadata(const struct reading *r, const struct place *object, enum name_syntax syntax,
                   struct metadata *out);

/* A mapping of text to text: label syntax for keys and values. */
bool read_labels(const struct reading *r, const struct place *p, struct labels *out);

/* The same with any text as value. */
bool read_annotations(const struct reading *r, const struct place *p, struct labels *out);

/* matchLabels and matchExpressions. */
bool read_selector(const struct reading *r, const struct place *p, struct selector *out);

/* A plain mapping as Services have it. */
bool read_simple_selector(const struct reading *r, const struct place *p, struct selector *out);

#endif
