/* sim/manifest/identity.h: what makes two objects the same one, and which row of kinds.c they are of. */
#ifndef DRYDOCK_MANIFEST_IDENTITY_H
#define DRYDOCK_MANIFEST_IDENTITY_H

#include "manifest/manifest.h"

/* Group (without version), kind, namespace, name: borrowed from the tree. */
struct identity {
    const char *group;
    size_t group_length;
    const char *kind, *namespace_name, *name; /* "" when absent, but for the namespace: "default" */
    struct yaml_node *tree;
};

struct identity identity_of(struct yaml_node *tree);

/* By group, kind, namespace, name: negative, 0 or positive as strcmp. */
int identity_compare(const struct identity *a, const struct identity *b);

/* The row of its kind; NULL for kinds that no row names. A built-in kind under a wrong built-in group is a
 * slip, not another kind: `apiVersion: v1, kind: Deployment`. Groups with a dot are other people's (Knative
 * has a Service, too). */
const struct manifest_kind *identity_kind(const struct identity *identity);

#endif
