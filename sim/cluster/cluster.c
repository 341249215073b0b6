/* Nodes and pods: wanted and there, bound, started, drained, gone. */
#include "cluster/cluster_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const pod_phase_names[] = {"Pending", "Pulling", "Starting",    "Loading", "Warming",
                                       "Unready", "Ready",   "Terminating", "Gone",    NULL};

enum { MESSAGE_BYTES = 320 };

void cluster_say(struct cluster *c, const char *object, const char *reason, const char *format, ...) {
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    c->events.event(c->events.context, object, reason, message);
}

const struct pod_demand *demand_of(const struct pod_state *pod) {
    return &pod->cluster->config.demands[pod->pub.demand];
}

/* ---- pods there are ---- */

/* The lowest free ordinal. */
static uint32_t take_ordinal(struct cluster *c, struct demand_state *d) {
    uint32_t ordinal = d->lowest_free;
    while (ordinal < d->taken_count && d->taken[ordinal]) {
        ordinal++;
    }
    if (ordinal == d->taken_count) {
        d->taken = arena_grow(c->arena, d->taken, d->taken_count, d->taken_count + 1, &d->taken_capacity,
                              sizeof *d->taken);
        d->taken_count++;
    }
    d->taken[ordinal] = true;
    d->lowest_free = ordinal + 1;
    return ordinal;
}

static void give_ordinal_back(struct demand_state *d, uint32_t ordinal) {
    d->taken[ordinal] = false;
    d->lowest_free = ordinal < d->lowest_free ? ordinal : d->lowest_free;
}

/* Kubernetes makes a StatefulSet's pod only when the one that had its ordinal has gone. */
static bool ordinal_is_terminating(const struct cluster *c, uint32_t demand) {
    const struct demand_state *d = &c->demands[demand];
    uint32_t ordinal = d->lowest_free;
    while (ordinal < d->taken_count && d->taken[ordinal]) {
        ordinal++;
    }
    return c->config.demands[demand].stateful && (int64_t)ordinal >= d->wanted;
}

static void join(struct cluster *c, struct pod_state *pod) {
    c->pods = arena_grow(c->arena, c->pods, c->pod_count, c->pod_count + 1, &c->pod_capacity,
                         sizeof(struct pod_state *));
    c->pods[c->pod_count++] = pod;
    pod->previous = c->last_pod;
    *(c->last_pod ? &c->last_pod->next : &c->first_pod) = pod;
    c->last_pod = pod;
    c->present_count++;
}

static void leave(struct cluster *c, struct pod_state *pod) {
    *(pod->previous ? &pod->previous->next : &c->first_pod) = pod->next;
    *(pod->next ? &pod->next->previous : &c->last_pod) = pod->previous;
    c->present_count--;
}

static struct pod_state *create_pod(struct cluster *c, uint32_t demand) {
    struct demand_state *d = &c->demands[demand];
    struct pod_state *pod = arena_alloc(c->arena, sizeof *pod);
    uint32_t ordinal = take_ordinal(c, d);
    pod->cluster = c;
    pod->pub = (struct pod){
        .name = arena_printf(c->arena, "%s/%u", c->config.demands[demand].workload, ordinal),
        .index = (uint32_t)c->pod_count,
        .demand = demand,
        .ordinal = ordinal,
        .node = -1,
        .created_ps = engine_now(c->engine),
        .bound_ps = -1,
        .pulled_ps = -1,
        .started_ps = -1,
        .loaded_ps = -1,
        .ready_ps = -1,
        .terminating_ps = -1,
        .gone_ps = -1,
    };
    char stream[MESSAGE_BYTES];
    snprintf(stream, sizeof stream, "%s#%u", pod->pub.name, d->generation++);
    pod->pub.ready_changed_ps = pod->container_ps = -1;
    pod->rng = rng_stream(c->config.seed, RNG_STARTUP, stream);
    join(c, pod);
    return pod;
}

/* Of one workload: what counts as a replica, and what is on its way out. */
struct census {
    int64_t alive, terminating;
    bool all_ready;
};

static struct census census_of(const struct cluster *c, uint32_t demand) {
    struct census census = {.all_ready = true};
    for (const struct pod_state *pod = c->first_pod; pod; pod = pod->next) {
        const struct pod *p = &pod->pub;
        if (p->demand == demand && p->phase < POD_TERMINATING) {
            census.alive++;
            census.all_ready = census.all_ready && p->phase == POD_READY;
        }
        census.terminating += p->demand == demand && p->phase == POD_TERMINATING;
    }
    return census;
}

/* Creates what is missing; an ordered StatefulSet gets its next pod only when all it has are Ready and none
 * is on its way out. */
static void create_missing(struct cluster *c, uint32_t demand) {
    const struct pod_demand *d = &c->config.demands[demand];
    struct census census = census_of(c, demand);
    if (d->ordered && census.terminating > 0) {
        return;
    }
    while (census.alive < c->demands[demand].wanted && (!d->ordered || census.all_ready) &&
           !ordinal_is_terminating(c, demand)) {
        struct pod_state *pod = create_pod(c, demand);
        census.alive++;
        if (d->bare) {
            pod_become_ready(pod);
        } else {
            census.all_ready = false;
        }
    }
}

/* Inside create_missing and delete_surplus reconcile does nothing: they go on themselves. */
void pod_become_ready(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    simtime now = engine_now(c->engine);
    simtime since = pod->pub.ready_ps < 0 ? pod->pub.created_ps : pod->pub.ready_changed_ps;
    pod->pub.phase = POD_READY;
    pod->pub.ready_ps = pod->pub.ready_ps < 0 ? now : pod->pub.ready_ps;
    pod->pub.ready_changed_ps = now;
    pod->pub.started_ps = pod->pub.started_ps < 0 ? now : pod->pub.started_ps;
    pod->container_ps = pod->container_ps < 0 ? now : pod->container_ps; /* bare */
    restart_outage_ends(pod);
    cluster_say(c, pod->pub.name, "Ready", "after %.3f s", simtime_to_s(now - since));
    c->events.pod_ready(c->events.context, &pod->pub);
    if (demand_of(pod)->ordered) {
        cluster_reconcile(c, pod->pub.demand);
        cluster_schedule(c);
    }
}

/* ---- pods that go ---- */

static void pod_become_gone(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    engine_cancel(c->engine, pod->event);
    pod->event = 0;
    restart_forget(pod);
    pod->pub.phase = POD_GONE;
    pod->pub.gone_ps = engine_now(c->engine);
    leave(c, pod);
    give_ordinal_back(&c->demands[pod->pub.demand], pod->pub.ordinal);
    bool had_room = pod->pub.node >= 0;
    if (had_room) {
        pod_gives_room_back(pod);
        startup_release(pod);
    }
    cluster_say(c, pod->pub.name, "Gone", "removed");
    if (demand_of(pod)->stateful) {
        cluster_reconcile(c, pod->pub.demand);
    }
    if (had_room ||
        demand_of(pod)->stateful) { /* else thousands that never had any would each ask all others */
        cluster_schedule(c);
    }
}

static void grace_over(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    struct cluster *c = pod->cluster;
    pod->event = 0;
    cluster_say(c, pod->pub.name, "Killed", "grace period over, requests still running");
    c->events.pod_killed(c->events.context, &pod->pub);
    if (pod->pub.phase != POD_GONE) { /* the owner may have drained it while its requests failed */
        pod_become_gone(pod);
    }
}

static void pre_stop_over(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    pod->doom = 0;
    pod->cluster->events.pod_terminating(pod->cluster->events.context, &pod->pub);
}

/* A pod that is not Ready has no requests to drain: its process ends at the signal. */
void cluster_delete_pod(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    bool was_ready = pod->pub.phase == POD_READY;
    startup_abort(pod);
    pod->pub.phase = POD_TERMINATING;
    pod->pub.terminating_ps = engine_now(c->engine);
    cluster_say(c, pod->pub.name, "Killing", "stopping");
    if (!was_ready && pod->hung) { /* it holds requests all the same */
        c->events.pod_killed(c->events.context, &pod->pub);
    }
    if (!was_ready && pod->pub.phase != POD_GONE) {
        pod_become_gone(pod);
    }
    if (!was_ready) {
        return;
    }
    simtime deadline = simtime_add(engine_now(c->engine), simtime_from_s(demand_of(pod)->grace_s));
    pod->event = engine_at(c->engine, deadline, EVENT_LIFECYCLE, grace_over, pod, 0);
    if (demand_of(pod)->pre_stop_s > 0) {
        simtime signal = simtime_add(engine_now(c->engine), simtime_from_s(demand_of(pod)->pre_stop_s));
        pod->doom = engine_at(c->engine, signal, EVENT_LIFECYCLE, pre_stop_over, pod, 0);
    }
    c->events.pod_terminating(c->events.context, &pod->pub);
}

bool cluster_pod_ends(struct pod_state *pod) {
    if (pod->pub.phase != POD_TERMINATING) {
        return false;
    }
    struct cluster *c = pod->cluster;
    c->events.pod_killed(c->events.context, &pod->pub);
    if (pod->pub.phase != POD_GONE) {
        pod_become_gone(pod);
    }
    return true;
}

void cluster_pod_drained(struct cluster *c, struct pod *pod) {
    (void)c;
    if (pod->phase == POD_TERMINATING && ((struct pod_state *)pod)->doom == 0) {
        pod_become_gone((struct pod_state *)pod);
    }
}

/* ---- which go first ---- */

struct victim {
    struct pod_state *pod;
    uint32_t neighbours; /* pods of the workload on its node */
};

/* -1, 0, 1: whether a is set and b is not, and so on: the unset goes first. */
static int unset_first(bool a, bool b) {
    return a - b;
}

/* cluster.h says the order; Kubernetes' ActivePodsWithRanks.Less, rule by rule. */
static int compare_victims(const void *left, const void *right) {
    const struct victim *a = left;
    const struct victim *b = right;
    const struct pod *x = &a->pod->pub;
    const struct pod *y = &b->pod->pub;
    if (demand_of(a->pod)->stateful) {
        return x->ordinal > y->ordinal ? -1 : 1;
    }
    int order = unset_first(x->bound_ps >= 0, y->bound_ps >= 0);
    order = order ? order : unset_first(x->started_ps >= 0, y->started_ps >= 0);
    order = order ? order : unset_first(x->phase == POD_READY, y->phase == POD_READY);
    order = order ? order : (a->neighbours < b->neighbours) - (a->neighbours > b->neighbours);
    order = order ? order : (x->ready_ps < y->ready_ps) - (x->ready_ps > y->ready_ps);
    return order ? order : (x->index < y->index) - (x->index > y->index);
}

static struct victim *rank_victims(const struct cluster *c, uint32_t demand, size_t count) {
    struct victim *victims = mem_zalloc(count, sizeof *victims);
    uint32_t *on_node = mem_zalloc(c->live_count, sizeof *on_node); /* who has a pod is live */
    size_t n = 0;
    for (struct pod_state *pod = c->first_pod; pod; pod = pod->next) {
        if (pod->pub.demand == demand && pod->pub.phase < POD_TERMINATING) {
            victims[n++].pod = pod;
            if (pod->pub.node >= 0) {
                on_node[node_of(pod)->live_at]++;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct pod_state *pod = victims[i].pod;
        victims[i].neighbours = pod->pub.node >= 0 ? on_node[node_of(pod)->live_at] : 0;
    }
    qsort(victims, n, sizeof *victims, compare_victims);
    free(on_node);
    return victims;
}

/* An ordered StatefulSet loses one pod at a time: pod_become_gone comes back here for the next. */
static void delete_surplus(struct cluster *c, uint32_t demand) {
    const struct pod_demand *d = &c->config.demands[demand];
    struct census census = census_of(c, demand);
    int64_t surplus = census.alive - c->demands[demand].wanted;
    if (surplus <= 0) {
        return;
    }
    struct victim *victims = rank_victims(c, demand, (size_t)census.alive);
    for (int64_t i = 0; i < surplus; i++) {
        if (d->ordered && census_of(c, demand).terminating > 0) {
            break;
        }
        cluster_delete_pod(victims[i].pod);
    }
    free(victims);
}

void cluster_reconcile(struct cluster *c, uint32_t demand) {
    struct demand_state *d = &c->demands[demand];
    if (d->reconciling) {
        return; /* a pod went at once: whoever deleted it goes on */
    }
    d->reconciling = true;
    delete_surplus(c, demand);
    create_missing(c, demand);
    d->reconciling = false;
}

void cluster_scale(struct cluster *c, uint32_t demand, int64_t replicas) {
    c->demands[demand].wanted = replicas;
    cluster_reconcile(c, demand);
    cluster_schedule(c);
}

/* ---- the beginning ---- */

struct cluster *cluster_create(struct engine *engine, const struct cluster_config *config,
                               const struct cluster_events *events, struct arena *arena) {
    struct cluster *c = arena_alloc(arena, sizeof *c);
    c->engine = engine;
    c->config = *config;
    c->events = *events;
    c->arena = arena;
    c->demands = arena_array(arena, config->demand_count, sizeof *c->demands);
    nodes_create(c);
    return c;
}

/* Warm: the pod has been there for a while; what it needs is in its node's cache. */
static void place_warm(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    uint32_t why[MISFIT_GPU + 1] = {0};
    if (!pod_place(pod, true, why)) {
        return; /* it stays Pending; the first round of scheduling says why */
    }
    pod_become_bound(pod);
    const struct pod_demand *d = demand_of(pod);
    struct node_cache *cache = node_of(pod)->pub.cache;
    for (size_t i = 0; i < d->image_count; i++) {
        cache_fill(cache, &d->images[i]);
    }
    pod->images_wanted = d->image_count;
    pod->weights_wanted = d->weights.bytes > 0;
    if (pod->weights_wanted) {
        cache_fill(cache, &d->weights);
    }
    pod->pub.pulled_ps = pod->pub.started_ps = pod->pub.loaded_ps = engine_now(c->engine);
    pod->container_ps = engine_now(c->engine);
    pod->in_page_cache = true;
    pod_become_ready(pod);
}

void cluster_begin(struct cluster *c, const int64_t *replicas, bool warm) {
    for (size_t p = 0; p < c->config.pool_count; p++) {
        for (int64_t i = 0; i < c->config.pools[p].min; i++) {
            node_add(c, p, true);
        }
    }
    for (uint32_t d = 0; d < c->config.demand_count; d++) {
        c->demands[d].wanted = replicas[d];
        if (!warm || c->config.demands[d].bare) {
            create_missing(c, d);
            continue;
        }
        c->demands[d].reconciling = true; /* a Ready pod of an ordered set asks for no further one here */
        for (int64_t i = 0; i < replicas[d]; i++) {
            place_warm(create_pod(c, d));
        }
        c->demands[d].reconciling = false;
    }
    cluster_schedule(c);
}

size_t cluster_present_count(const struct cluster *c) {
    return c->present_count;
}

struct pod *cluster_present_pod(const struct cluster *c, const struct pod *pod) {
    struct pod_state *next = pod ? ((const struct pod_state *)pod)->next : c->first_pod;
    return next ? &next->pub : NULL;
}

size_t cluster_pod_count(const struct cluster *c) {
    return c->pod_count;
}

struct pod *cluster_pod(const struct cluster *c, size_t index) {
    return &c->pods[index]->pub;
}

size_t cluster_node_count(const struct cluster *c) {
    return c->node_count;
}

const struct node *cluster_node(const struct cluster *c, size_t index) {
    return &c->nodes[index]->pub;
}
