/* sim/manifest/kinds.c: the kinds of object that Drydock understands, one row each. To add one: a file
 * kind_<name>.c with its reader, a row here, an array in struct manifests (see docs/manifests.md). Rows
 * without a reader are kinds that people name by kubectl's short name. */
#include "manifest/workload.h"

const struct manifest_kind manifest_kinds[] = {
    {"apps", "Deployment", "deploy", "replicas of one pod template, replaced by rolling update",
     read_deployment},
    {"apps", "StatefulSet", "sts", "replicas with stable names, started in order", read_stateful_set},
    {"", "Service", "svc", "a name for the pods that its selector matches", read_service},
    {"autoscaling", "HorizontalPodAutoscaler", "hpa", "replicas by metrics: autoscaling/v2, v1 converted",
     read_hpa},
    {"", "PersistentVolumeClaim", "pvc", "storage that is paid for", read_persistent_volume_claim},
    {"storage.k8s.io", "StorageClass", "sc", "what a claim gets that names none", read_storage_class},
    {"", "ConfigMap", "cm", "kept", NULL},
    {"", "ResourceQuota", "quota", "kept", NULL},
    {"", "ServiceAccount", "sa", "kept", NULL},
    {"apps", "DaemonSet", "ds", "kept", NULL},
    {"apps", "ReplicaSet", "rs", "kept", NULL},
    {"batch", "CronJob", "cj", "kept", NULL},
    {"networking.k8s.io", "Ingress", "ing", "kept", NULL},
    {"networking.k8s.io", "NetworkPolicy", "netpol", "kept", NULL},
    {"policy", "PodDisruptionBudget", "pdb", "kept", NULL},
    {"scheduling.k8s.io", "PriorityClass", "pc", "kept", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
