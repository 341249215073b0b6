/* sim/cluster/cluster.h: nodes and pods over time: what the manifests ask for, made to happen.
 *
 * A pod's life: Pending (no node) -> [node provisioning] -> Pulling (images) -> Starting (container, engine)
 * -> Loading (weights) -> Warming (compile, graphs) -> Ready -> Terminating (drains for the grace period) ->
 * Gone. Image pulls and weight downloads are transfers over shared links, so that a storm of cold starts
 * slows itself; images and weights stay on the node (least recently used go first when its disk is full), and
 * a second pod that needs what is being pulled waits for that pull.
 *
 * A container that ends is started again by the kubelet in the same pod, under CrashLoopBackOff; a pod that
 * was Ready and is not, is Unready meanwhile. A node that is lost is found out after a grace period, and its
 * pods are evicted (docs/faults.md).
 *
 * A node's life: asked for (a pod finds no room) -> Ready -> removed (it has had no pod for the pool's
 * scale_down_after, and more than `min` of the pool are Ready). What comes to its place later is another
 * node: another name, other dates, an empty cache.
 *
 * The cluster decides where and when; the owner is told through struct cluster_events and gives pods their
 * work.
 */
#ifndef DRYDOCK_CLUSTER_CLUSTER_H
#define DRYDOCK_CLUSTER_CLUSTER_H

#include "base/arena.h"
#include "engine/engine.h"
#include "scenario/scenario.h"

enum pod_phase {
    POD_PENDING, /* no node yet, or its node is not Ready yet */
    POD_PULLING,
    POD_STARTING,
    POD_LOADING,
    POD_WARMING,
    POD_UNREADY, /* its container has ended and waits to be started, or fails its readiness probe */
    POD_READY,
    POD_TERMINATING,
    POD_GONE,
    POD_PHASES
};
extern const char *const pod_phase_names[]; /* ended by NULL */

/* An image or a model's weights: what is moved and cached. */
struct artefact {
    const char *key; /* image reference, or "weights/<model>@<precision>" */
    double bytes;
};

/* What the pods of one workload need; compiled once by the owner. */
struct pod_demand {
    const char *workload; /* stable key: namespace/kind/name */
    const char *name;     /* for messages */
    struct position pos;  /* of the manifest */
    bool bare;            /* needs no node: Ready at once (inline services) */
    bool stateful;        /* StatefulSet: ordinals 0 .. replicas - 1, the highest goes first */
    bool ordered;         /* StatefulSet, OrderedReady: up and down one at a time */
    int64_t cpu_milli, memory_bytes, gpus;
    const struct labels *node_selector;
    const struct yaml_node *tolerations;
    const struct artefact *images;
    size_t image_count;
    struct artefact weights; /* bytes 0 = none */
    int64_t weight_gpus;     /* GPUs the weights are spread over */
    bool model_server;       /* engine start-up and warm-up apply */
    struct probe startup, readiness, liveness;
    double grace_s;
    double pre_stop_s; /* of the grace period: how long its preStop hook keeps it from being told to stop */
    double unreachable_s; /* it tolerates a node that is not reachable; INFINITY = for ever */
};

/* One life on a place of its pool. */
struct node {
    const char *name; /* <pool>-<ordinal>; the second there is <pool>-<ordinal>-r2, and so on */
    uint32_t pool;
    uint32_t ordinal; /* its place in the pool, below the pool's max: one node at a time */
    uint32_t host;    /* platform host of the place */
    bool ready;       /* and not removed */
    simtime requested_ps, ready_ps, deleted_ps; /* -1 = not (yet) */
    uint32_t pods;                              /* bound or nominated */
    int64_t used_cpu_milli, used_memory_bytes, used_gpus;
    struct node_cache *cache; /* NULL when it is removed */
    struct pod *first_pod;    /* that was ever bound to it, in order of creation: next_on_node */
    bool cordoned;            /* takes no pod any more */
};

/* A time in which a pod that had been Ready was not. */
struct outage {
    simtime from_ps, to_ps; /* to -1 = not over */
    const struct outage *before;
};

struct pod {
    const char *name; /* namespace/kind/name/ordinal */
    uint32_t index;   /* in order of creation: position in the run's list of pods */
    uint32_t demand;
    uint32_t ordinal;
    enum pod_phase phase;
    int64_t node; /* index: its own, or the one being provisioned that it is nominated to; -1 = none */
    simtime created_ps, bound_ps, pulled_ps, started_ps, loaded_ps, ready_ps, terminating_ps, gone_ps;
    struct pod *next_on_node;     /* bound to the same node; NULL = none, or not bound */
    void *owner_data;             /* the owner's: its replica */
    uint32_t restarts;            /* of its container; dates above are those of its first */
    simtime ready_changed_ps;     /* became Ready, or ceased to be; -1 = never was */
    const struct outage *outages; /* the latest first */
};

struct cluster_events {
    void (*pod_ready)(void *context, struct pod *pod);
    /* It takes no new work from now on. The owner calls cluster_pod_drained when the last request has left,
     * which counts when the preStop hook has ended: then this is called once more. After the grace period
     * pod_killed comes instead. */
    void (*pod_terminating)(void *context, struct pod *pod);
    void (*pod_killed)(void *context, struct pod *pod);
    /* Its process is gone, what it worked on is lost; pod_ready comes again when another one is Ready. */
    void (*pod_failed)(void *context, struct pod *pod);
    /* Its process answers no more. It is sent requests until that is found out: pod_unready, by a probe. */
    void (*pod_hangs)(void *context, struct pod *pod);
    void (*pod_unready)(void *context, struct pod *pod);
    /* An image or a model's weights have come to a node; `demand` is whose pod asked first. May be NULL. */
    void (*pulled)(void *context, uint32_t demand, const struct node *node, double bytes, bool is_image);
    /* A Kubernetes event: object, reason ("Scheduled", "FailedScheduling", "Pulled", "NodeReady" ...),
     * message. */
    void (*event)(void *context, const char *object, const char *reason, const char *message);
    void *context;
};

struct cluster_config {
    const struct pool_config *pools;
    size_t pool_count;
    const uint32_t *first_host;       /* platform host of each pool's first place; the others follow */
    const struct labels *pool_labels; /* well-known labels and the pool's own */
    uint32_t registry_host, models_host;
    const struct startup_config *startup;
    const struct pod_demand *demands;
    size_t demand_count;
    uint64_t seed;
    double node_grace_s; /* from a node's last sign of life to NotReady */
};

struct cluster;

struct cluster *cluster_create(struct engine *engine, const struct cluster_config *config,
                               const struct cluster_events *events, struct arena *arena);

/* Before the run: the pools' minimum nodes are there and Ready at time 0. With `warm`, every pod of
 * `replicas[demand]` is placed, Ready and its node has what it needs in its cache; otherwise they are created
 * at time 0. A pod that fits nowhere stays Pending. */
void cluster_begin(struct cluster *c, const int64_t *replicas, bool warm);

/* The number of replicas a workload shall have from now on. Scaling down takes pods in the order of the
 * ReplicaSet controller (ActivePodsWithRanks): without a node before bound, not started before started, not
 * Ready before Ready, from the node with the most pods of this workload, the youngest. (Where Kubernetes
 * finds pods of like age, on a logarithmic scale, it takes one of them at random; here it is the youngest.) A
 * StatefulSet loses its highest ordinals, one after the other has gone where it is ordered, and gets an
 * ordinal back only when the pod that had it has gone. */
void cluster_scale(struct cluster *c, uint32_t demand, int64_t replicas);

void cluster_pod_drained(struct cluster *c, struct pod *pod);

/* ---- what breaks: restart.c, node_loss.c ---- */

/* The pod's container ends, as `why` says. The kubelet starts it again: at once the first time,
 * then after 10 s, doubled up to 300 s, until it has run for 10 minutes. A pod that was told to stop is gone
 * with it. False: it has no container that runs. */
bool cluster_crash(struct cluster *c, struct pod *pod, const char *why);

/* A Ready pod answers no more, probes neither. Its readiness probe, failed often enough, takes it out of the
 * endpoints; its liveness probe has it killed, which takes the whole grace period. False: it is not Ready, or
 * hangs. */
bool cluster_hang(struct cluster *c, struct pod *pod);

/* The node is not reached any more, and its pods do not work. After node_grace_s it is NotReady, and they
 * are; each is evicted when it has tolerated that for as long as it does, and made anew elsewhere. When all
 * are, the node goes and another comes where the pool's `min` asks for it. With `returns_ps` >= 0 it is there
 * again at that date, rebooted, if it has not gone. False: it is lost already, or not Ready. */
bool cluster_lose_node(struct cluster *c, struct node *node, simtime returns_ps);

/* The node takes no pod any more and those it has are moved: they drain, others are made elsewhere. When the
 * last one has gone, so does the node. */
void cluster_drain_node(struct cluster *c, struct node *node, const char *why);

/* The node of a place that there is now; NULL = none. */
struct node *cluster_node_at(struct cluster *c, uint32_t pool, uint32_t place);

/* What new nodes of a pool have on their disk: of the images and weights of the pods that may land there,
 * each one whose key contains one of the pool's `preloaded` texts. The owner sees to it that they fit. */
const struct artefact *cluster_preloaded(const struct pool_config *pool, const struct labels *pool_labels,
                                         const struct pod_demand *demands, size_t demand_count,
                                         struct arena *arena, size_t *count);

/* Pods that are not Gone, in order of creation: how many, and the one after `pod` (the first after NULL; NULL
 * after the last). What is Gone costs nothing here. */
size_t cluster_present_count(const struct cluster *c);
struct pod *cluster_present_pod(const struct cluster *c, const struct pod *pod);

/* All pods and nodes there ever were, in order of creation: nodes that are still being provisioned and those
 * that are gone too. */
size_t cluster_pod_count(const struct cluster *c);
struct pod *cluster_pod(const struct cluster *c, size_t index);
size_t cluster_node_count(const struct cluster *c);
const struct node *cluster_node(const struct cluster *c, size_t index);

#endif
