/* sim/config/pod_template.h: `spec.template` of a workload. */
#ifndef DRYDOCK_CONFIG_POD_TEMPLATE_H
#define DRYDOCK_CONFIG_POD_TEMPLATE_H

#include "config/manifest.h"
#include "config/manifest_fields.h"

bool read_pod_template(const struct reading *r, const struct place *p, struct pod_template *out);

#endif
