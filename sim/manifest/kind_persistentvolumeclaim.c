#include <string.h>

#include "manifest/claim.h"
#include "manifest/workload.h"

static const char *const spec_fields[] = {"accessModes", "selector",         "resources",
                                          "volumeName",  "storageClassName", "volumeMode",
                                          "dataSource",  "dataSourceRef",    "volumeAttributesClassName",
                                          NULL};

/* ---- what is asked for ---- */

static bool read_access_modes(const struct reading *r, const struct place *spec) {
    static const char *const modes[] = {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod",
                                        NULL};
    struct place list = place_get(r, spec, "accessModes");
    if (!expect_list(r, &list)) {
        return false;
    }
    if (list.node == NULL || list.node->count == 0) {
        return place_fail(r, &list, "expected at least one access mode, such as ReadWriteOnce");
    }
    for (size_t i = 0; i < list.node->count; i++) {
        struct place item = place_item(r, &list, i);
        const char *mode;
        if (!read_choice(r, &item, modes, &mode)) {
            return false;
        }
    }
    return true;
}

static bool read_size(const struct reading *r, const struct place *spec, int64_t *bytes) {
    struct place resources = place_get(r, spec, "resources");
    struct place requests = place_get(r, &resources, "requests");
    struct place size = place_get(r, &requests, "storage");
    int64_t milli = 0;
    if (!expect_mapping(r, &resources) || !expect_mapping(r, &requests) ||
        !expect_present(r, &size, "the size of the volume") || !read_quantity(r, &size, &milli)) {
        return false;
    }
    *bytes = (milli + 999) / 1000;
    return milli > 0 || place_fail(r, &size, "expected a size of more than 0");
}

static bool read_claim_spec(const struct reading *r, const struct place *spec, struct volume_claim *out) {
    struct place class_name = place_get(r, spec, "storageClassName");
    warn_unknown_fields(r, spec, spec_fields);
    return expect_present(r, spec, "what the claim asks for") && expect_mapping(r, spec) &&
           read_access_modes(r, spec) && read_size(r, spec, &out->bytes) &&
           read_text(r, &class_name, &out->storage_class);
}

/* ---- objects ---- */

bool read_persistent_volume_claim(struct yaml_node *object, struct manifests *into, struct arena *arena,
                                  struct notices *notices, struct error *err) {
    static const char *const object_fields[] = {"apiVersion", "kind", "metadata", "spec", "status", NULL};
    const struct reading r = {.arena = arena, .notices = notices, .err = err};
    struct place p = place_of(object);
    struct place spec = place_get(&r, &p, "spec");
    struct metadata metadata;
    struct volume_claim claim = {.pos = object->pos};
    warn_unknown_fields(&r, &p, object_fields);
    if (!check_api_version(&r, &p, "v1", "a PersistentVolumeClaim is an object of the core API, v1") ||
        !read_metadata(&r, &p, NAME_SUBDOMAIN, &metadata) || !read_claim_spec(&r, &spec, &claim)) {
        return false;
    }
    claim.namespace_name = metadata.namespace_name;
    claim.name = metadata.name;
    claim.key = object_key(arena, "persistentvolumeclaim", &metadata);
    into->claims = arena_grow(arena, into->claims, into->claim_count, into->claim_count + 1,
                              &into->claim_capacity, sizeof *into->claims);
    into->claims[into->claim_count++] = claim;
    return true;
}

/* ---- of a StatefulSet ---- */

/* A template has the metadata of an object without a namespace of its own. */
static bool read_template(const struct reading *r, const struct place *p, struct volume_claim *out) {
    struct place spec = place_get(r, p, "spec");
    struct metadata metadata;
    out->pos = p->pos;
    if (!expect_present(r, p, "a claim") || !expect_mapping(r, p) ||
        !read_metadata(r, p, NAME_SUBDOMAIN, &metadata) || !read_claim_spec(r, &spec, out)) {
        return false;
    }
    out->name = metadata.name;
    return true;
}

static bool read_retention(const struct reading *r, const struct place *spec, struct workload *out) {
    static const char *const policies[] = {"Retain", "Delete", NULL};
    static const char *const fields[] = {"whenScaled", "whenDeleted", NULL};
    struct place retention = place_get(r, spec, "persistentVolumeClaimRetentionPolicy");
    struct place scaled = place_get(r, &retention, "whenScaled");
    struct place deleted = place_get(r, &retention, "whenDeleted");
    const char *when_scaled = "Retain", *when_deleted = "Retain";
    if (!expect_mapping(r, &retention) || !read_choice(r, &scaled, policies, &when_scaled) ||
        !read_choice(r, &deleted, policies, &when_deleted)) {
        return false;
    }
    warn_unknown_fields(r, &retention, fields);
    out->claims_go_when_scaled = strcmp(when_scaled, "Delete") == 0;
    return true;
}

bool read_claim_templates(const struct reading *r, const struct place *spec, struct workload *out) {
    struct place list = place_get(r, spec, "volumeClaimTemplates");
    if (!expect_list(r, &list) || !read_retention(r, spec, out)) {
        return false;
    }
    out->claim_count = list.node != NULL ? list.node->count : 0;
    out->claims = arena_array(r->arena, out->claim_count, sizeof *out->claims);
    for (size_t i = 0; i < out->claim_count; i++) {
        struct place item = place_item(r, &list, i);
        out->claims[i].namespace_name = out->namespace_name;
        if (!read_template(r, &item, &out->claims[i])) {
            return false;
        }
    }
    return true;
}

/* ---- of a pod ---- */

/* Volumes are not modelled, so that what else stands there is nobody's mistake here. */
void read_claim_names(const struct reading *r, const struct place *spec, struct pod_template *out) {
    struct place volumes = place_get(r, spec, "volumes");
    bool is_list = volumes.node != NULL && volumes.node->kind == YAML_SEQUENCE;
    out->claim_names = arena_array(r->arena, is_list ? volumes.node->count : 0, sizeof *out->claim_names);
    for (size_t i = 0; is_list && i < volumes.node->count; i++) {
        const struct yaml_node *name =
            yaml_get(yaml_get(volumes.node->items[i], "persistentVolumeClaim"), "claimName");
        if (name != NULL && name->kind == YAML_SCALAR) {
            out->claim_names[out->claim_name_count++] = name->text;
        }
    }
}
