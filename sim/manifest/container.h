/* sim/manifest/container.h: containers of a pod: resources, probes, the model server's arguments. */
#ifndef DRYDOCK_MANIFEST_CONTAINER_H
#define DRYDOCK_MANIFEST_CONTAINER_H

#include "manifest/manifest.h"
#include "manifest/manifest_fields.h"

/* `spec.containers` (or initContainers): names checked and unique within `list`. */
bool read_containers(const struct reading *r, const struct place *list, bool init, struct container **out,
                     size_t *count);

/* Requests and limits of one container or pod; requests default to limits. */
bool read_resources(const struct reading *r, const struct place *p, struct resources *requests,
                    struct resources *limits);

/* Nothing asked for, nothing limited. */
struct resources resources_absent(void);

#endif
