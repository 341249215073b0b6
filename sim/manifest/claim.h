/* sim/manifest/claim.h: PersistentVolumeClaims: objects, templates of a StatefulSet, and the ones that a
 * pod's volumes name. */
#ifndef DRYDOCK_MANIFEST_CLAIM_H
#define DRYDOCK_MANIFEST_CLAIM_H

#include "manifest/manifest.h"
#include "manifest/manifest_fields.h"

/* `spec.volumeClaimTemplates` and `spec.persistentVolumeClaimRetentionPolicy` of a StatefulSet. */
bool read_claim_templates(const struct reading *r, const struct place *spec, struct workload *out);

/* The claims that the volumes of a pod's spec name. */
void read_claim_names(const struct reading *r, const struct place *spec, struct pod_template *out);

#endif
