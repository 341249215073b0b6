/* sim/manifest/workload.h: what Deployment and StatefulSet share, and what every kind shows to kinds.c. */
#ifndef DRYDOCK_MANIFEST_WORKLOAD_H
#define DRYDOCK_MANIFEST_WORKLOAD_H

#include "manifest/labels.h"
#include "manifest/manifest.h"
#include "manifest/manifest_fields.h"

/* Reads metadata, replicas, selector, template and minReadySeconds of an object whose apiVersion must be
 * apps/v1. `kind` is the object's, as written. */
bool read_workload(const struct reading *r, const struct place *object, const char *kind,
                   struct workload *out);

/* The object's apiVersion must be `wanted`; what the message says of others is the history of the kind. */
bool check_api_version(const struct reading *r, const struct place *object, const char *wanted,
                       const char *history);

/* "namespace/kind/name". */
const char *object_key(struct arena *arena, const char *kind_in_lower_case, const struct metadata *metadata);

struct workload *manifests_new_workload(struct manifests *m, struct arena *arena);

/* One reader a kind, for kinds.c. */
typedef bool kind_reader(struct yaml_node *object, struct manifests *into, struct arena *arena,
                         struct notices *notices, struct error *err);
kind_reader read_deployment, read_stateful_set, read_service, read_hpa, read_persistent_volume_claim,
    read_storage_class;

#endif
