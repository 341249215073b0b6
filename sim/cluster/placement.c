/* Which node a pod gets, and which nodes there have to be. */
#include "cluster/cluster_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { MESSAGE_BYTES = 320 };

/* ---- nodes ---- */

static void bind_pod(struct pod_state *pod);

static void init_node(struct cluster *c, size_t index, uint32_t pool, uint32_t ordinal) {
    struct node *n = &c->nodes[index];
    const struct pool_config *p = &c->config.pools[pool];
    n->name = arena_printf(c->arena, "%s-%u", p->name, ordinal);
    n->pool = pool;
    n->ordinal = ordinal;
    n->host = c->config.first_host[pool] + ordinal;
    n->requested_ps = -1;
    n->ready_ps = -1;
    n->deleted_ps = -1;
    n->cache = cache_create(c, index, p->disk_bytes);
}

static void node_become_ready(struct cluster *c, struct node *n) {
    n->ready = true;
    n->ready_ps = engine_now(c->engine);
    cluster_say(c, n->name, "NodeReady", "pool %s", c->config.pools[n->pool].name);
}

static void node_ready_event(void *context, uint64_t argument) {
    struct cluster *c = context;
    struct node *n = &c->nodes[argument];
    node_become_ready(c, n);
    for (size_t i = 0; i < c->pod_count; i++) {
        struct pod_state *pod = c->pods[i];
        if (pod->pub.phase == POD_PENDING && pod->pub.node == (int64_t)argument) {
            bind_pod(pod);
        }
    }
    cluster_schedule(c);
}

/* The next node of a pool that does not exist yet, or -1 when the pool is at its maximum. */
static int64_t absent_node(const struct cluster *c, size_t pool) {
    size_t first = c->first_node[pool];
    for (size_t i = first; i < first + (size_t)c->config.pools[pool].max; i++) {
        if (!c->nodes[i].exists) {
            return (int64_t)i;
        }
    }
    return -1;
}

void node_add(struct cluster *c, size_t index, bool at_once) {
    struct node *n = &c->nodes[index];
    n->exists = true;
    n->requested_ps = engine_now(c->engine);
    if (at_once) {
        node_become_ready(c, n);
        return;
    }
    struct rng rng = rng_stream(c->config.seed, RNG_PROVISION, n->name);
    double delay_s = delay_draw(&c->config.pools[n->pool].provisioning, &rng);
    cluster_say(c, n->name, "NodeRequested", "pool %s", c->config.pools[n->pool].name);
    engine_at(c->engine, n->requested_ps + simtime_from_s(delay_s), EVENT_LIFECYCLE, node_ready_event, c,
              index);
}

/* ---- scheduling ---- */

static struct pod_view pod_view_of(const struct pod_demand *d) {
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

static struct node_view node_view_of(const struct cluster *c, const struct node *n,
                                     const struct pod_demand *d) {
    const struct pool_config *p = &c->config.pools[n->pool];
    struct node_view v = {
        .name = n->name,
        .usable = n->exists,
        .ready = n->ready,
        .labels = &c->config.pool_labels[n->pool],
        .taints = &p->taints,
        .cpu_milli = (int64_t)(p->cpu * 1000),
        .memory_bytes = (int64_t)p->memory_bytes,
        .gpus = p->gpus,
        .used_cpu_milli = n->used_cpu_milli,
        .used_memory_bytes = n->used_memory_bytes,
        .used_gpus = n->used_gpus,
    };
    for (size_t i = 0; i < d->image_count; i++) {
        v.cached_bytes += cache_has(n->cache, d->images[i].key) ? d->images[i].bytes : 0;
    }
    v.cached_bytes += d->weights.bytes > 0 && cache_has(n->cache, d->weights.key) ? d->weights.bytes : 0;
    return v;
}

static int64_t choose_node(const struct cluster *c, const struct pod_demand *d, bool ready_only,
                           uint32_t *why) {
    struct node_view *views = mem_zalloc(c->node_count, sizeof *views);
    for (size_t i = 0; i < c->node_count; i++) {
        views[i] = node_view_of(c, &c->nodes[i], d);
        views[i].usable = views[i].usable && (views[i].ready || !ready_only);
    }
    struct pod_view pod = pod_view_of(d);
    int64_t chosen = scheduler_choose(&pod, views, c->node_count, why);
    free(views);
    return chosen;
}

/* The first pool, in the scenario's order, with room to grow whose empty node the pod fits. */
static int64_t node_to_add(const struct cluster *c, const struct pod_demand *d) {
    struct pod_view pod = pod_view_of(d);
    for (size_t p = 0; p < c->config.pool_count; p++) {
        int64_t absent = absent_node(c, p);
        if (absent < 0) {
            continue;
        }
        struct node_view view = node_view_of(c, &c->nodes[absent], d);
        view.usable = true;
        if (scheduler_filter(&pod, &view) == FIT) {
            return absent;
        }
    }
    return -1;
}

/* Reserves room. A pod of a node still being provisioned is nominated to it: it stays without a node as far
 * as Kubernetes is concerned, but the same need asks for no second node. */
static void take_room(struct pod_state *pod, size_t node) {
    struct node *n = &pod->cluster->nodes[node];
    const struct pod_demand *d = demand_of(pod);
    pod->pub.node = (int64_t)node;
    n->pods++;
    n->used_cpu_milli += d->cpu_milli;
    n->used_memory_bytes += d->memory_bytes;
    n->used_gpus += d->gpus;
}

void pod_gives_room_back(struct pod_state *pod) {
    struct node *n = &pod->cluster->nodes[pod->pub.node];
    const struct pod_demand *d = demand_of(pod);
    n->pods--;
    n->used_cpu_milli -= d->cpu_milli;
    n->used_memory_bytes -= d->memory_bytes;
    n->used_gpus -= d->gpus;
}

void pod_become_bound(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    pod->pub.bound_ps = engine_now(c->engine);
    cluster_say(c, pod->pub.name, "Scheduled", "assigned to %s", c->nodes[pod->pub.node].name);
}

static void bind_pod(struct pod_state *pod) {
    pod_become_bound(pod);
    startup_begin(pod);
}

/* The same complaint of the same pod is one event, as Kubernetes counts them. */
static void say_unschedulable(struct pod_state *pod, const uint32_t *why) {
    char text[MESSAGE_BYTES] = "";
    size_t used = 0;
    uint32_t nodes = 0;
    for (int m = MISFIT_SELECTOR; m <= MISFIT_GPU; m++) {
        nodes += why[m];
        if (why[m] && used < sizeof text) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%u %s", used ? ", " : "", why[m],
                                     misfit_texts[m]);
        }
    }
    if (nodes == 0) {
        snprintf(text, sizeof text, "no node");
    }
    uint64_t hash = hash64_text(text);
    if (hash != pod->last_complaint) {
        pod->last_complaint = hash;
        cluster_say(pod->cluster, pod->pub.name, "FailedScheduling", "0/%u nodes are available: %s", nodes,
                    text);
    }
}

/* Finds a node for the pod, adding one where a pool may grow. */
bool pod_place(struct pod_state *pod, bool at_once, uint32_t *why) {
    struct cluster *c = pod->cluster;
    int64_t node = choose_node(c, demand_of(pod), false, why);
    if (node < 0) {
        node = node_to_add(c, demand_of(pod));
        if (node < 0) {
            return false;
        }
        node_add(c, (size_t)node, at_once);
    }
    take_room(pod, (size_t)node);
    if (!c->nodes[node].ready) {
        cluster_say(c, pod->pub.name, "Nominated", "waits for %s", c->nodes[node].name);
    }
    return true;
}

/* A pod that waits for a node to come takes room that becomes free on a Ready one. */
static bool move_to_ready_node(struct pod_state *pod) {
    struct demand_state *demand = &pod->cluster->demands[pod->pub.demand];
    if (demand->settled) {
        return false;
    }
    int64_t node = choose_node(pod->cluster, demand_of(pod), true, NULL);
    demand->settled = node < 0;
    if (node >= 0) {
        pod_gives_room_back(pod);
        take_room(pod, (size_t)node);
    }
    return node >= 0;
}

static bool find_first_room(struct pod_state *pod) {
    struct demand_state *demand = &pod->cluster->demands[pod->pub.demand];
    if (!demand->hopeless) {
        memset(demand->why, 0, sizeof demand->why);
        demand->hopeless = !pod_place(pod, false, demand->why);
    }
    if (demand->hopeless) {
        say_unschedulable(pod, demand->why);
    }
    return !demand->hopeless && pod->cluster->nodes[pod->pub.node].ready;
}

/* One round. Room only shrinks while it goes on, so what fails for one pod fails for its likes; but a pod
 * that moves leaves room behind, and then there is another round: true. */
static bool schedule_round(struct cluster *c) {
    bool moved = false;
    for (size_t d = 0; d < c->config.demand_count; d++) {
        c->demands[d].hopeless = false;
        c->demands[d].settled = false;
    }
    for (size_t i = 0; i < c->pod_count; i++) {
        struct pod_state *pod = c->pods[i];
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

void nodes_create(struct cluster *c) {
    const struct cluster_config *config = &c->config;
    c->first_node = arena_array(c->arena, config->pool_count, sizeof *c->first_node);
    for (size_t p = 0; p < config->pool_count; p++) {
        c->first_node[p] = c->node_count;
        c->node_count += (size_t)config->pools[p].max;
    }
    c->nodes = arena_array(c->arena, c->node_count, sizeof *c->nodes);
    for (size_t p = 0; p < config->pool_count; p++) {
        for (uint32_t i = 0; i < (uint32_t)config->pools[p].max; i++) {
            init_node(c, c->first_node[p] + i, (uint32_t)p, i);
        }
    }
}
