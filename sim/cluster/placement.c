/* Which node a pod gets, and from which pool one is asked for. */
#include "cluster/cluster_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* ---- scheduling ---- */

struct pod_view pod_view_of(const struct pod_demand *d) {
    struct pod_view v = {
        .cpu_milli = d->cpu_milli,
        .memory_bytes = d->memory_bytes,
        .gpus = d->gpus,
        .node_selector = d->node_selector,
        .tolerations = d->tolerations,
        .artefact_bytes = d->weights.bytes,
    };
    for (size_t i = 0; i < d->image_count; i++) {
        v.artefact_bytes += d->images[i].bytes;
    }
    return v;
}

struct node_view empty_node_view(const struct pool_config *pool, const struct labels *pool_labels) {
    return (struct node_view){
        .name = pool->name,
        .usable = true,
        .labels = pool_labels,
        .taints = &pool->taints,
        .cpu_milli = (int64_t)(pool->cpu * 1000),
        .memory_bytes = (int64_t)pool->memory_bytes,
        .gpus = pool->gpus,
    };
}

static struct node_view node_view_of(const struct cluster *c, const struct node *n,
                                     const struct pod_demand *d) {
    struct node_view v = empty_node_view(&c->config.pools[n->pool], &c->config.pool_labels[n->pool]);
    v.name = n->name;
    v.ready = n->ready;
    v.used_cpu_milli = n->used_cpu_milli;
    v.used_memory_bytes = n->used_memory_bytes;
    v.used_gpus = n->used_gpus;
    for (size_t i = 0; i < d->image_count; i++) {
        v.cached_bytes += cache_has(n->cache, d->images[i].key) ? d->images[i].bytes : 0;
    }
    v.cached_bytes += d->weights.bytes > 0 && cache_has(n->cache, d->weights.key) ? d->weights.bytes : 0;
    return v;
}

static struct node_state *choose_node(const struct cluster *c, const struct pod_demand *d, bool ready_only,
                                      uint32_t *why) {
    struct node_view *views = mem_zalloc(c->live_count, sizeof *views);
    for (size_t i = 0; i < c->live_count; i++) {
        views[i] = node_view_of(c, &c->live[i]->pub, d);
        views[i].usable = (views[i].ready || !ready_only) && !c->live[i]->pub.cordoned;
    }
    struct pod_view pod = pod_view_of(d);
    int64_t chosen = scheduler_choose(&pod, views, c->live_count, why);
    free(views);
    return chosen >= 0 ? c->live[chosen] : NULL;
}

/* The first pool, in the scenario's order, with room to grow whose empty node the pod fits; -1 = none. */
static int64_t pool_to_grow(const struct cluster *c, const struct pod_demand *d) {
    struct pod_view pod = pod_view_of(d);
    for (size_t p = 0; p < c->config.pool_count; p++) {
        struct node_view view = empty_node_view(&c->config.pools[p], &c->config.pool_labels[p]);
        if (pool_may_grow(c, p) && scheduler_filter(&pod, &view) == FIT) {
            return (int64_t)p;
        }
    }
    return -1;
}

/* Reserves room. A pod of a node still being provisioned is nominated to it: it stays without a node as far
 * as Kubernetes is concerned, but the same need asks for no second node. */
static void take_room(struct pod_state *pod, struct node_state *node) {
    pod->pub.node = (int64_t)node->index;
    node_take_room(node, demand_of(pod));
}

void pod_gives_room_back(struct pod_state *pod) {
    node_give_room_back(node_of(pod), demand_of(pod));
}

void pod_become_bound(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    pod->pub.bound_ps = engine_now(c->engine);
    node_binds(node_of(pod), &pod->pub);
    cluster_say(c, pod->pub.name, "Scheduled", "assigned to %s", node_of(pod)->pub.name);
}

static void bind_pod(struct pod_state *pod) {
    pod_become_bound(pod);
    startup_begin(pod);
}

/* Composed once a round: thousands of pods may have the same complaint. */
static void compose_complaint(struct complaint *complaint, const uint32_t *why) {
    char *text = complaint->text;
    size_t used = 0;
    text[0] = '\0';
    complaint->nodes = 0;
    for (int m = MISFIT_SELECTOR; m <= MISFIT_GPU; m++) {
        complaint->nodes += why[m];
        if (why[m] && used < COMPLAINT_BYTES) {
            used += (size_t)snprintf(text + used, COMPLAINT_BYTES - used, "%s%u %s", used ? ", " : "", why[m],
                                     misfit_texts[m]);
        }
    }
    if (complaint->nodes == 0) {
        snprintf(text, COMPLAINT_BYTES, "no node");
    }
    complaint->hash = hash64_text(text);
}

/* The same complaint of the same pod is one event, as Kubernetes counts them. */
static void say_unschedulable(struct pod_state *pod, const struct complaint *complaint) {
    if (complaint->hash != pod->last_complaint) {
        pod->last_complaint = complaint->hash;
        cluster_say(pod->cluster, pod->pub.name, "FailedScheduling", "0/%u nodes are available: %s",
                    complaint->nodes, complaint->text);
    }
}

/* Finds a node for the pod, adding one where a pool may grow. */
bool pod_place(struct pod_state *pod, bool at_once, uint32_t *why) {
    struct cluster *c = pod->cluster;
    struct node_state *node = choose_node(c, demand_of(pod), false, why);
    if (!node) {
        int64_t pool = pool_to_grow(c, demand_of(pod));
        if (pool < 0) {
            return false;
        }
        node = node_add(c, (size_t)pool, at_once);
    }
    take_room(pod, node);
    if (!node->pub.ready) {
        cluster_say(c, pod->pub.name, "Nominated", "waits for %s", node->pub.name);
    }
    return true;
}

/* A pod that waits for a node to come takes room that becomes free on a Ready one. */
static bool move_to_ready_node(struct pod_state *pod) {
    struct demand_state *demand = &pod->cluster->demands[pod->pub.demand];
    if (demand->settled) {
        return false;
    }
    struct node_state *node = choose_node(pod->cluster, demand_of(pod), true, NULL);
    demand->settled = !node;
    if (node) {
        pod_gives_room_back(pod);
        take_room(pod, node);
    }
    return node != NULL;
}

static bool find_first_room(struct pod_state *pod) {
    struct demand_state *demand = &pod->cluster->demands[pod->pub.demand];
    if (!demand->hopeless) {
        uint32_t why[MISFIT_GPU + 1] = {0};
        demand->hopeless = !pod_place(pod, false, why);
        if (demand->hopeless) {
            compose_complaint(&demand->complaint, why);
        }
    }
    if (demand->hopeless) {
        say_unschedulable(pod, &demand->complaint);
    }
    return !demand->hopeless && node_of(pod)->pub.ready;
}

/* One round. Room only shrinks while it goes on, so what fails for one pod fails for its likes; but a pod
 * that moves leaves room behind, and then there is another round: true. */
static bool schedule_round(struct cluster *c) {
    bool moved = false;
    for (size_t d = 0; d < c->config.demand_count; d++) {
        c->demands[d].hopeless = false;
        c->demands[d].settled = false;
    }
    for (struct pod_state *pod = c->first_pod; pod; pod = pod->next) {
        if (pod->pub.phase != POD_PENDING) {
            continue;
        }
        bool waits = pod->pub.node >= 0;
        if (waits ? move_to_ready_node(pod) : find_first_room(pod)) {
            moved = moved || waits;
            bind_pod(pod);
        }
    }
    return moved;
}

void cluster_schedule(struct cluster *c) {
    while (schedule_round(c)) {
    }
}

void pods_bind_to(struct cluster *c, size_t node) {
    for (struct pod_state *pod = c->first_pod; pod; pod = pod->next) {
        if (pod->pub.phase == POD_PENDING && pod->pub.node == (int64_t)node) {
            bind_pod(pod);
        }
    }
    cluster_schedule(c);
}
