/* sim/manifest/kinds.c: the kinds of object that Drydock understands, one row each. To add one: a file
 * kind_<name>.c with its reader, a row here, an array in struct manifests (see docs/manifests.md). */
#include "manifest/workload.h"

const struct manifest_kind manifest_kinds[] = {
    {"apps", "Deployment", "replicas of one pod template, replaced by rolling update", read_deployment},
    {"apps", "StatefulSet", "replicas with stable names, started in order", read_stateful_set},
    {"", "Service", "a name for the pods that its selector matches", read_service},
    {"autoscaling", "HorizontalPodAutoscaler", "replicas by metrics: autoscaling/v2, v1 converted", read_hpa},
    {NULL, NULL, NULL, NULL},
};
