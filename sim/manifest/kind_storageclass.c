#include <string.h>

#include "manifest/workload.h"

/* Of several defaults the API takes the youngest, which manifests do not tell: here it is the first by name.
 */
bool read_storage_class(struct yaml_node *object, struct manifests *into, struct arena *arena,
                        struct notices *notices, struct error *err) {
    static const char *const object_fields[] = {"apiVersion",
                                                "kind",
                                                "metadata",
                                                "provisioner",
                                                "parameters",
                                                "reclaimPolicy",
                                                "mountOptions",
                                                "allowVolumeExpansion",
                                                "volumeBindingMode",
                                                "allowedTopologies",
                                                NULL};
    const struct reading r = {.arena = arena, .notices = notices, .err = err};
    struct place p = place_of(object);
    struct place metadata_at = place_get(&r, &p, "metadata");
    struct place annotations_at = place_get(&r, &metadata_at, "annotations");
    struct metadata metadata;
    struct labels annotations = {0};
    warn_unknown_fields(&r, &p, object_fields);
    if (!check_api_version(&r, &p, "storage.k8s.io/v1",
                           "Kubernetes serves StorageClasses as storage.k8s.io/v1 only, since 1.22") ||
        !read_metadata(&r, &p, NAME_SUBDOMAIN, &metadata) ||
        !read_annotations(&r, &annotations_at, &annotations)) {
        return false;
    }
    const char *is_default = labels_get(&annotations, "storageclass.kubernetes.io/is-default-class");
    const char *known = into->default_storage_class;
    if (is_default != NULL && strcmp(is_default, "true") == 0 &&
        (known == NULL || strcmp(metadata.name, known) < 0)) {
        into->default_storage_class = metadata.name;
    }
    return true;
}
