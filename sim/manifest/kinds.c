/* sim/manifest/kinds.c: the kinds of object that Drydock understands, one row each. To add one: a file
 * kind_<name>.c with its reader, a row here, an array in struct manifests (see docs/manifests.md). Rows
 * without a reader are kinds that people name by kubectl's short name. */
#include "manifest/workload.h"

const struct manifest_kind manifest_kinds[] = {
    {"apps", "Deployment", "deploy", "replicas of one pod template, replaced by rolling update",
     read_deployment, false},
    {"apps", "StatefulSet", "sts", "replicas with stable names, started in order", read_stateful_set, false},
    {"", "Service", "svc", "a name for the pods that its selector matches", read_service, false},
    {"autoscaling", "HorizontalPodAutoscaler", "hpa", "replicas by metrics: autoscaling/v2, v1 converted",
     read_hpa, false},
    {"", "PersistentVolumeClaim", "pvc", "storage that is paid for", read_persistent_volume_claim, false},
    {"storage.k8s.io", "StorageClass", "sc", "what a claim gets that names none", read_storage_class, false},
    {"", "ConfigMap", "cm", "kept", NULL, true},
    {"", "Namespace", "ns", "kept", NULL, true},
    {"", "ResourceQuota", "quota", "kept", NULL, false},
    {"", "Secret", NULL, "kept", NULL, true},
    {"", "ServiceAccount", "sa", "kept", NULL, true},
    {"apps", "DaemonSet", "ds", "kept", NULL, false},
    {"apps", "ReplicaSet", "rs", "kept", NULL, false},
    {"batch", "CronJob", "cj", "kept", NULL, false},
    {"networking.k8s.io", "Ingress", "ing", "kept", NULL, false},
    {"networking.k8s.io", "NetworkPolicy", "netpol", "kept", NULL, false},
    {"policy", "PodDisruptionBudget", "pdb", "kept", NULL, false},
    {"rbac.authorization.k8s.io", "ClusterRole", NULL, "kept", NULL, true},
    {"rbac.authorization.k8s.io", "ClusterRoleBinding", NULL, "kept", NULL, true},
    {"rbac.authorization.k8s.io", "Role", NULL, "kept", NULL, true},
    {"rbac.authorization.k8s.io", "RoleBinding", NULL, "kept", NULL, true},
    {"scheduling.k8s.io", "PriorityClass", "pc", "kept", NULL, false},
    {NULL, NULL, NULL, NULL, NULL, false},
};
