/* sim/manifest/manifest.h: Kubernetes objects as Drydock understands them. One file a kind (kind_*.c), one
 * row in kinds.c. Objects of other kinds are kept as trees, counted and named in a warning, never dropped. */
#ifndef DRYDOCK_MANIFEST_MANIFEST_H
#define DRYDOCK_MANIFEST_MANIFEST_H

#include <stdint.h>

#include "config/label.h"
#include "config/notice.h"
#include "config/yaml.h"
#include "manifest/server/engine_args.h"

enum selector_operator { SELECT_IN, SELECT_NOT_IN, SELECT_EXISTS, SELECT_NOT_EXISTS };

struct selector_term {
    const char *key;
    enum selector_operator op;
    const char **values;
    size_t value_count;
};

/* matchLabels and matchExpressions as terms; all must hold. An empty selector matches everything. */
struct selector {
    struct selector_term *terms;
    size_t count;
};

bool labels_match(const struct selector *selector, const struct labels *labels);
const char *labels_get(const struct labels *labels, const char *key); /* NULL when absent */

/* Amounts in the API's own exact units. Absent is -1. */
struct resources {
    int64_t cpu_milli;
    int64_t memory_bytes;
    int64_t ephemeral_bytes;
    int64_t gpus;             /* nvidia.com/gpu, amd.com/gpu, gpu.intel.com */
    const char *gpu_resource; /* the resource's name; NULL when none */
};

struct probe {
    bool present;
    double initial_delay_s;
    double period_s;
    double timeout_s;
    int64_t success_threshold;
    int64_t failure_threshold;
};

struct container {
    const char *name;
    const char *image;
    struct position pos;
    struct position image_pos;
    struct resources requests; /* with limits filled in where requests are absent, as the API does */
    struct resources limits;
    struct probe startup_probe, readiness_probe, liveness_probe;
    double pre_stop_s;         /* of lifecycle.preStop, as far as it is a sleep; 0 = none */
    struct engine_args engine; /* engine.present is false when this is no model server */
    bool sidecar;              /* an init container with restartPolicy Always: runs beside the others */
};

/* A PersistentVolumeClaim: an object, or a template of a StatefulSet, of which each replica gets one. */
struct volume_claim {
    const char *namespace_name, *name;
    const char *key; /* NULL for a template */
    struct position pos;
    const char *storage_class; /* NULL = the cluster's default; "" = none: a volume that is there already */
    int64_t bytes;
};

struct pod_template {
    struct labels labels;
    struct labels annotations;
    struct labels node_selector;
    struct yaml_node *affinity;    /* kept; NULL when absent */
    struct yaml_node *tolerations; /* kept */
    struct container *containers;
    size_t container_count;
    struct container *init_containers;
    size_t init_container_count;
    const char **claim_names; /* PersistentVolumeClaims that its volumes name */
    size_t claim_name_count;
    double termination_grace_s; /* default 30 */
    struct resources total;     /* what the scheduler counts: sum over containers, max with init containers;
                                   amounts nobody asks for are 0 here, not -1 */
};

enum workload_kind { WORKLOAD_DEPLOYMENT, WORKLOAD_STATEFULSET };

/* A Deployment or a StatefulSet. */
struct workload {
    enum workload_kind kind;
    const char *namespace_name; /* "default" when absent */
    const char *name;
    const char *key; /* stable: namespace/kind/name, kind in lower case */
    struct position pos;
    int64_t replicas; /* default 1 */
    struct position replicas_pos;
    bool replicas_given;
    struct selector selector;
    struct pod_template pod;
    bool ordered;                /* StatefulSet with podManagementPolicy OrderedReady */
    struct volume_claim *claims; /* StatefulSet: volumeClaimTemplates */
    size_t claim_count;
    bool claims_go_when_scaled; /* persistentVolumeClaimRetentionPolicy.whenScaled: Delete */
    bool recreate;         /* Deployment with strategy Recreate: all old pods end before new ones start */
    const char *max_surge; /* as written, default "25%" */
    const char *max_unavailable;
    double min_ready_s;
    double progress_deadline_s; /* default 600 */
};

struct service_port {
    const char *name;
    int64_t port;
    const char *target_port;
};

struct service {
    const char *namespace_name;
    const char *name;
    const char *key;
    struct position pos;
    struct selector selector;
    bool has_selector;
    const char *type; /* ClusterIP ... */
    struct service_port *ports;
    size_t port_count;
};

/* autoscaling/v2 HorizontalPodAutoscaler, defaults of the API filled in. */
struct hpa_metric {
    const char *type; /* Resource, ContainerResource, Pods, Object, External */
    struct position pos;
    const char *name;                            /* resource or metric name */
    const char *container;                       /* ContainerResource */
    struct yaml_node *selector;                  /* metric selector, kept */
    const char *described_kind, *described_name; /* Object */
    const char *target_type;                     /* Utilization, Value, AverageValue */
    int64_t target_milli; /* percent x 1000 for Utilization, else the quantity in thousandths */
};

struct hpa_policy {
    const char *type; /* Pods, Percent */
    int64_t value;
    int64_t period_s;
};

struct hpa_rules {
    int64_t stabilization_s; /* up 0, down 300 when absent */
    bool stabilization_given;
    const char *select_policy; /* Max, Min, Disabled */
    struct hpa_policy *policies;
    size_t policy_count;
    double tolerance; /* negative = controller default (0.1) */
};

struct hpa {
    const char *namespace_name;
    const char *name;
    const char *key;
    struct position pos;
    const char *target_kind, *target_name;
    int64_t min_replicas; /* default 1 */
    int64_t max_replicas;
    struct hpa_metric *metrics;
    size_t metric_count;
    bool behavior_given; /* without spec.behavior the controller scales by older rules, not by the defaults */
    struct hpa_rules up, down;
};

/* An object of a kind that no row of kinds.c understands (or understands but does not model). */
struct other_object {
    const char *api_version, *kind, *namespace_name, *name;
    struct position pos;
    struct yaml_node *tree;
};

struct manifests {
    struct workload *workloads;
    size_t workload_count, workload_capacity;
    struct service *services;
    size_t service_count, service_capacity;
    struct hpa *hpas;
    size_t hpa_count, hpa_capacity;
    struct volume_claim *claims;
    size_t claim_count, claim_capacity;
    const char *default_storage_class; /* of the StorageClass that says so; NULL when none does */
    struct other_object *others;
    size_t other_count, other_capacity;
    size_t object_count;
    struct yaml_node **trees; /* every object, List items taken apart, for provenance */
    size_t tree_count, tree_capacity;
};

/* One row of kinds.c. */
struct manifest_kind {
    const char *api_group; /* "apps"; "" is core; versions are checked by read() */
    const char *kind;
    const char *short_name; /* kubectl's: "deploy"; NULL = none */
    const char *help;
    /* NULL: known by name only, its objects are kept and not modelled. */
    bool (*read)(struct yaml_node *object, struct manifests *into, struct arena *arena,
                 struct notices *notices, struct error *err);
    bool harmless; /* without a reader: texts and rights, which change no figure. A note, and no warning */
};
extern const struct manifest_kind manifest_kinds[]; /* ended by kind NULL */

/* The container that is a model server; NULL when there is none. */
const struct container *workload_model_server(const struct workload *workload);

/* Loads a file or a folder (every *.yaml, *.yml, *.json below it in byte order of path, hidden files left
 * out) and adds the trees of its objects, which manifests_finish() reads. An object without apiVersion or
 * kind and a file with no object are located errors; Kustomization, Helm charts (Chart.yaml) and files with
 * template braces get a clear reason. */
bool manifests_load(const char *path, struct manifests *into, struct arena *arena, struct notices *notices,
                    struct error *err);

/* Adds the trees of one parsed document (List is taken apart). */
bool manifests_add(struct yaml_node *document, struct manifests *into, struct arena *arena,
                   struct notices *notices, struct error *err);

/* ---- changing a field before the objects are read ---- */

/* A field of an object: "hpa/chat.spec.minReplicas", "prod/Deployment/chat.spec.replicas". KIND is a kind,
 * its plural or kubectl's short name, in any case of letters. */
struct object_path {
    const char *namespace_name; /* NULL = any */
    const char *kind;
    const char *rest; /* name and field: where the one ends the objects tell, since names may hold dots */
};

/* Such a path has a '/' before its first '.'; the paths of a scenario never do. */
bool object_path_is(const char *text);

/* False when it is not [NAMESPACE/]KIND/NAME.FIELD. */
bool object_path_parse(const char *text, struct arena *arena, struct object_path *path);

/* Puts `value` at the field of the one object that the path names; between load and finish, so that reading,
 * defaults and checks see it as if it stood in the file. "NAME.args.--FLAG" is a flag of the model server's
 * command line (engine_args.h). What goes wrong stands at `pos`: no such object (with the nearest), several,
 * a part of a plain value. A field that the kind does not know is found by manifests_finish(), and an error
 * then.
 */
bool manifests_set(struct manifests *m, const struct object_path *path, struct yaml_node *value,
                   const struct position *pos, struct arena *arena, struct notices *notices,
                   struct error *err);

/* To be called after the last load: reads the trees, sorts by key so that the order of files changes nothing,
 * checks references (HPA to its target, Service selectors that match nothing: warnings), and names the kinds
 * that are not modelled, once a kind with a count (those that could change no figure in a note only). A
 * selector that does not match its own template, a bad quantity, and two objects of one kind, namespace and
 * name (with both places) are located errors. */
bool manifests_finish(struct manifests *m, struct arena *arena, struct notices *notices, struct error *err);

#endif
