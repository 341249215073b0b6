/* sim/cluster/cluster_private.h: what the files of this room share. */
#ifndef DRYDOCK_CLUSTER_PRIVATE_H
#define DRYDOCK_CLUSTER_PRIVATE_H

#include "base/rng.h"
#include "cluster/cluster.h"
#include "cluster/scheduler.h"

/* A pod with what only this room needs. `pub` comes first: a struct pod * is also a pointer to this. */
struct pod_state {
    struct pod pub;
    struct cluster *cluster;
    struct pod_state *previous, *next; /* of those not Gone, in order of creation */
    event_id event;                    /* the pending timer of its phase; 0 = none */
    transfer_id transfer;              /* its own disk read */
    struct pod_state *next_waiter;     /* for an artefact that is on its way to its node */
    bool waiting;
    bool weights_fresh;   /* downloaded just now: still in the page cache, no disk read */
    size_t images_wanted; /* of the cache so far: it is their user */
    bool weights_wanted;
    simtime container_ps; /* start of the container that runs; -1 = none does */
    simtime backoff_ps,
        backoff_at_ps;       /* of the next restart, unless it runs long; when it was set; 0 = not */
    event_id doom, unready;  /* its killing by a probe, and its leaving the endpoints; 0 = none */
    bool hung;               /* no sign of life: itself, or its node */
    bool in_page_cache;      /* its weights were read on this node since it was booted */
    uint64_t last_complaint; /* hash of the last FailedScheduling message: said once, as events are counted */
    struct rng rng;
};

/* A node with what only this room needs. `pub` comes first: a struct node * is also a pointer to this. */
struct node_state {
    struct node pub;
    struct cluster *cluster;
    size_t index;       /* in cluster.nodes */
    size_t live_at;     /* in cluster.live */
    simtime emptied_ps; /* Ready and without a pod since; -1 = it has one, or is not Ready */
    event_id clock;     /* of its removal; 0 = none */
    struct pod *last_pod;
    bool lost;     /* not reachable */
    bool retiring; /* goes when its last pod has */
    event_id fate; /* found NotReady */
};

enum artefact_state { ARTEFACT_PULLING, ARTEFACT_PRESENT };

struct cache_entry {
    const char *key;
    double bytes;
    enum artefact_state state;
    uint64_t last_use;
    uint32_t users; /* pods on the node that need it: never evicted */
    struct pod_state *waiters;
    struct node_cache *owner;
    struct cache_entry *next;
    uint32_t source_host;
    uint32_t demand;     /* whose pod wanted it first */
    uint32_t parts_left; /* of a pull under way: its transfer, its write to disk */
    transfer_id transfer, write;
    bool is_image;
    struct cache_entry *next_pull; /* behind it in the node's queue of image pulls */
};

struct node_cache {
    struct cluster *cluster;
    const struct node *node;
    double capacity_bytes; /* 0 = any */
    double used_bytes;
    uint64_t clock;
    struct cache_entry *entries;
    struct cache_entry *pulls; /* images: the one being pulled and those that wait for it */
};

enum { COMPLAINT_BYTES = 320 };

/* Why pods fit nowhere: the message of FailedScheduling. */
struct complaint {
    uint64_t hash; /* of the text */
    uint32_t nodes;
    char text[COMPLAINT_BYTES];
};

struct demand_state {
    int64_t wanted;      /* replicas it shall have */
    uint32_t generation; /* pods made so far: part of a pod's random stream */
    bool *taken;         /* ordinals in use */
    size_t taken_count, taken_capacity;
    uint32_t lowest_free; /* no ordinal below it is free */
    bool reconciling;
    /* In this round of scheduling one of its pods found no room, nor a Ready node instead of the one it waits
     * for: no other will. */
    bool hopeless, settled;
    struct complaint complaint; /* of the likes of it, while hopeless */
};

/* A place for a node: a host of the platform. */
struct place {
    bool taken;
    uint32_t lives; /* so far */
};

struct pool_state {
    struct place *places; /* `max` of them */
    uint32_t lowest_free; /* no place below it is free */
    uint32_t ready;       /* nodes */
    const struct artefact *preloaded;
    size_t preloaded_count;
};

struct cluster {
    struct engine *engine;
    struct cluster_config config;
    struct cluster_events events;
    struct arena *arena;
    struct node_state **nodes; /* all there ever were */
    size_t node_count, node_capacity;
    struct node_state **live; /* those asked for and not removed, in no order: what look-ups go through */
    size_t live_count, live_capacity;
    struct pool_state *pools;
    struct pod_state **pods; /* all there ever were */
    size_t pod_count, pod_capacity;
    struct pod_state *first_pod, *last_pod; /* of those not Gone: what look-ups go through */
    size_t present_count;
    struct demand_state *demands;
};

/* startup.c: the chain from bound to Ready, and back. */
void startup_begin(struct pod_state *pod); /* bound to a Ready node */
void startup_artefact_here(struct pod_state *pod, bool fresh);
void startup_abort(struct pod_state *pod);   /* cancels timers, transfers and waits */
void startup_release(struct pod_state *pod); /* what it used of its node's cache may go */
void pod_become_ready(struct pod_state *pod);
void startup_restart(struct pod_state *pod); /* the container alone: images are there */
/* From the container's start: the first probe at `since_start` or later. */
simtime probe_after(const struct probe *probe, simtime since_start);

/* restart.c */
void restart_container_runs(struct pod_state *pod); /* probes begin to count against it */
void restart_container_works(struct pod_state *pod);
void restart_outage_begins(struct pod_state *pod);
void restart_outage_ends(struct pod_state *pod);
void restart_forget(struct pod_state *pod); /* timers of probes */

/* cache.c */
struct node_cache *cache_create(struct cluster *c, const struct node *node, double capacity_bytes);
bool cache_has(const struct node_cache *cache, const char *key);
/* True when the artefact is there. Otherwise it is on its way from `source_host` (started now, unless it was
 * already), and startup_artefact_here(pod) will be called. The pod counts as its user until cache_release. A
 * node pulls one image at a time, first come first served (the kubelet's serializeImagePulls). */
bool cache_want(struct node_cache *cache, const struct artefact *artefact, bool is_image,
                uint32_t source_host, struct pod_state *pod);
void cache_fill(struct node_cache *cache, const struct artefact *artefact);    /* a pod's, there already */
void cache_preload(struct node_cache *cache, const struct artefact *artefact); /* there, nobody's yet */
void cache_release(struct node_cache *cache, const char *key);
void cache_forget_waiter(struct node_cache *cache, struct pod_state *pod);
void cache_interrupt(struct node_cache *cache); /* pulls under way end, nobody waits: it is without power */
void cache_abandon(struct node_cache *cache);   /* its node goes: pulls under way end, nobody is told */

/* nodes.c */
void nodes_create(struct cluster *c);
bool pool_may_grow(const struct cluster *c, size_t pool);
struct node_state *node_add(struct cluster *c, size_t pool, bool at_once);
struct node_state *node_of(const struct pod_state *pod);
void node_take_room(struct node_state *node, const struct pod_demand *demand);
void node_binds(struct node_state *node, struct pod *pod);
void node_give_room_back(struct node_state *node, const struct pod_demand *demand);
void node_remove(struct node_state *node); /* it has no pod */

/* node_loss.c */
void node_retire(struct node_state *node); /* now, when its events are over */

/* placement.c */
struct pod_view pod_view_of(const struct pod_demand *demand);
struct node_view empty_node_view(const struct pool_config *pool, const struct labels *pool_labels);
/* Reserves room on a node, asking for one where a pool may grow. False: `why` counts nodes by misfit. */
bool pod_place(struct pod_state *pod, bool at_once, uint32_t *why);
void pod_become_bound(struct pod_state *pod);
void pods_bind_to(struct cluster *c, size_t node); /* it is Ready: those nominated to it start */
void pod_gives_room_back(struct pod_state *pod);
void cluster_schedule(struct cluster *c); /* finds room for every pod that has none */

/* cluster.c */
void cluster_delete_pod(struct pod_state *pod);
bool cluster_pod_ends(struct pod_state *pod); /* was told to stop, and now has no container: it is gone */
void cluster_reconcile(struct cluster *c, uint32_t demand);
const struct pod_demand *demand_of(const struct pod_state *pod);
void cluster_say(struct cluster *c, const char *object, const char *reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
