/* Nodes that are lost, found out, emptied and replaced.
 *
 * As the node lifecycle controller and its taint manager do it (pkg/controller/nodelifecycle,
 * pkg/controller/tainteviction): NotReady after --node-monitor-grace-period, then the taint
 * node.kubernetes.io/unreachable:NoExecute, tolerated for 300 s unless the pod says otherwise. A pod evicted
 * from a node that is not there any more is gone at once here; in a cluster it is when the node's object is
 * deleted, which a cloud's node controller does when the instance has ended. */
#include <math.h>

#include "cluster/cluster_private.h"

static bool is_on(const struct pod_state *pod, const struct node_state *n) {
    return pod->pub.node == (int64_t)n->index && pod->pub.phase > POD_PENDING && pod->pub.phase < POD_GONE;
}

/* The first pod of the node in order of creation, behind `pod`; NULL: the first of all. */
static struct pod_state *next_on(const struct node_state *n, const struct pod_state *pod) {
    struct pod_state *next = pod ? pod->next : n->cluster->first_pod;
    while (next && !is_on(next, n)) {
        next = next->next;
    }
    return next;
}

/* ---- the end of a node ---- */

static void goes(void *context, uint64_t argument) {
    (void)argument;
    struct node_state *n = context;
    struct cluster *c = n->cluster;
    const struct pool_config *pool = &c->config.pools[n->pub.pool];
    n->fate = 0;
    cluster_say(c, n->pub.name, "NodeRemoved", "pool %s: %s", pool->name, n->lost ? "lost" : "drained");
    node_remove(n);
    int64_t left = 0;
    for (size_t i = 0; i < c->live_count; i++) {
        left += c->live[i]->pub.pool == n->pub.pool && !c->live[i]->pub.cordoned;
    }
    if (left < pool->min && pool_may_grow(c, n->pub.pool)) {
        node_add(c, n->pub.pool, false);
    }
    cluster_schedule(c);
}

void node_retire(struct node_state *n) {
    engine_cancel(n->cluster->engine, n->fate);
    n->fate = engine_at(n->cluster->engine, engine_now(n->cluster->engine), EVENT_LIFECYCLE, goes, n, 0);
}

void cluster_drain_node(struct cluster *c, struct node *node, const char *why) {
    struct node_state *n = (struct node_state *)node;
    if (node->cordoned || node->deleted_ps >= 0) {
        return;
    }
    node->cordoned = n->retiring = true;
    cluster_say(c, node->name, "NodeNotSchedulable", "%s: its pods are moved", why);
    for (struct pod_state *pod = next_on(n, NULL), *next; pod; pod = next) {
        next = next_on(n, pod);
        if (pod->pub.phase < POD_TERMINATING) {
            uint32_t demand = pod->pub.demand;
            cluster_delete_pod(pod);
            cluster_reconcile(c, demand);
        }
    }
    if (node->pods == 0) {
        node_retire(n);
    }
    cluster_schedule(c);
}

/* ---- found out ---- */

static void evict(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    struct cluster *c = pod->cluster;
    uint32_t demand = pod->pub.demand;
    pod->event = 0;
    cluster_say(c, pod->pub.name, "TaintManagerEviction", "marking for deletion: %s is unreachable",
                node_of(pod)->pub.name);
    node_of(pod)->retiring = true;
    cluster_delete_pod(pod);
    cluster_reconcile(c, demand);
    cluster_schedule(c);
}

/* Connections to its pods are cut; they have left the endpoints. */
static void pod_is_unreachable(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    double tolerated_s = demand_of(pod)->unreachable_s;
    bool was_ready = pod->pub.phase == POD_READY;
    if (was_ready) {
        restart_outage_begins(pod);
    }
    pod->pub.phase = POD_UNREADY;
    pod->hung = false;
    if (isfinite(tolerated_s)) {
        simtime at = simtime_add(engine_now(c->engine), simtime_from_s(tolerated_s));
        pod->event = engine_at(c->engine, at, EVENT_LIFECYCLE, evict, pod, 0);
    }
    if (pod->pub.ready_ps >= 0) {
        c->events.pod_failed(c->events.context, &pod->pub);
    }
}

static void found_not_ready(void *context, uint64_t argument) {
    (void)argument;
    struct node_state *n = context;
    struct cluster *c = n->cluster;
    n->fate = 0;
    n->pub.ready = false;
    c->pools[n->pub.pool].ready--;
    cluster_say(c, n->pub.name, "NodeNotReady", "Kubelet stopped posting node status");
    for (struct pod_state *pod = next_on(n, NULL), *next; pod; pod = next) {
        next = next_on(n, pod);
        pod_is_unreachable(pod);
    }
    if (n->pub.pods == 0) {
        node_retire(n);
    }
}

/* ---- there again ---- */

static void boot_pod(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    bool was_ready = pod->pub.phase == POD_READY;
    startup_abort(pod);
    if (was_ready) { /* nobody had found out */
        restart_outage_begins(pod);
    }
    pod->pub.phase = POD_UNREADY;
    pod->hung = pod->in_page_cache = pod->weights_fresh = false;
    if (pod->pub.ready_ps >= 0) {
        c->events.pod_failed(c->events.context, &pod->pub);
    }
    startup_release(pod);
    pod->images_wanted = 0;
    pod->weights_wanted = false;
    pod->pub.restarts += pod->pub.started_ps >= 0;
    startup_begin(pod);
}

static void returns(void *context, uint64_t argument) {
    (void)argument;
    struct node_state *n = context;
    struct cluster *c = n->cluster;
    if (n->pub.deleted_ps >= 0 || n->retiring) {
        return;
    }
    engine_cancel(c->engine, n->fate);
    n->fate = 0;
    c->pools[n->pub.pool].ready += !n->pub.ready;
    n->pub.ready = true;
    n->lost = n->pub.cordoned = false;
    cluster_say(c, n->pub.name, "NodeReady", "there again, rebooted");
    for (struct pod_state *pod = next_on(n, NULL), *next; pod; pod = next) {
        next = next_on(n, pod);
        boot_pod(pod);
    }
    cluster_schedule(c);
}

/* ---- lost ---- */

/* What it does not tell its controllers. A pod that was to stop is waited for no longer than its grace
 * period: it is gone here. */
static void pod_is_lost(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    if (cluster_pod_ends(pod)) {
        return;
    }
    startup_abort(pod);
    pod->container_ps = -1;
    bool works = pod->pub.phase == POD_READY && !pod->hung;
    pod->hung = true;
    if (works) {
        c->events.pod_hangs(c->events.context, &pod->pub);
    }
}

bool cluster_lose_node(struct cluster *c, struct node *node, simtime returns_ps) {
    struct node_state *n = (struct node_state *)node;
    if (!node->ready || n->lost || n->retiring) {
        return false;
    }
    n->lost = node->cordoned = true;
    for (struct pod_state *pod = next_on(n, NULL), *next; pod; pod = next) {
        next = next_on(n, pod);
        pod_is_lost(pod);
    }
    cache_interrupt(node->cache);
    simtime now = engine_now(c->engine);
    n->fate = engine_at(c->engine, simtime_add(now, simtime_from_s(c->config.node_grace_s)), EVENT_LIFECYCLE,
                        found_not_ready, n, 0);
    if (returns_ps >= 0) {
        engine_at(c->engine, returns_ps > now ? returns_ps : now, EVENT_LIFECYCLE, returns, n, 0);
    }
    return true;
}

struct node *cluster_node_at(struct cluster *c, uint32_t pool, uint32_t place) {
    for (size_t i = 0; i < c->live_count; i++) {
        if (c->live[i]->pub.pool == pool && c->live[i]->pub.ordinal == place) {
            return &c->live[i]->pub;
        }
    }
    return NULL;
}
