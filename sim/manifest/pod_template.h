/* sim/manifest/pod_template.h: `spec.template` of a workload. */
#ifndef DRYDOCK_MANIFEST_POD_TEMPLATE_H
#define DRYDOCK_MANIFEST_POD_TEMPLATE_H

#include "manifest/manifest.h"
#include "manifest/manifest_fields.h"

bool read_pod_template(const struct reading *r, const struct place *p, struct pod_template *out);

#endif
