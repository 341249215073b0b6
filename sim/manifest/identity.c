#include "manifest/identity.h"

#include <string.h>

static const char *text_or(const struct yaml_node *node, const char *fallback) {
    return node != NULL && node->kind == YAML_SCALAR && *node->text != '\0' ? node->text : fallback;
}

struct identity identity_of(struct yaml_node *tree) {
    const struct yaml_node *metadata = yaml_get(tree, "metadata");
    const char *version = text_or(yaml_get(tree, "apiVersion"), "");
    const char *slash = strchr(version, '/');
    return (struct identity){
        .group = version,
        .group_length = slash == NULL ? 0 : (size_t)(slash - version),
        .kind = text_or(yaml_get(tree, "kind"), ""),
        .namespace_name = text_or(yaml_get(metadata, "namespace"), "default"),
        .name = text_or(yaml_get(metadata, "name"), ""),
        .tree = tree,
    };
}

int identity_compare(const struct identity *a, const struct identity *b) {
    size_t shorter = a->group_length < b->group_length ? a->group_length : b->group_length;
    int order = memcmp(a->group, b->group, shorter);
    if (order == 0 && a->group_length != b->group_length) {
        order = a->group_length < b->group_length ? -1 : 1;
    }
    order = order != 0 ? order : strcmp(a->kind, b->kind);
    order = order != 0 ? order : strcmp(a->namespace_name, b->namespace_name);
    return order != 0 ? order : strcmp(a->name, b->name);
}

const struct manifest_kind *identity_kind(const struct identity *identity) {
    bool foreign = memchr(identity->group, '.', identity->group_length) != NULL;
    for (const struct manifest_kind *row = manifest_kinds; row->kind != NULL; row++) {
        bool same_group = strlen(row->api_group) == identity->group_length &&
                          memcmp(row->api_group, identity->group, identity->group_length) == 0;
        if (strcmp(row->kind, identity->kind) == 0 && (same_group || !foreign)) {
            return row;
        }
    }
    return NULL;
}
