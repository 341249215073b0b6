/* Nodes and pods: wanted and there, bound, started, drained, gone. */
#include "cluster/cluster_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const pod_phase_names[] = {"Pending", "Pulling",     "Starting", "Loading", "Warming",
                                       "Ready",   "Terminating", "Gone",     NULL};

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

/* ---- nodes ---- */

static void schedule_pending(struct cluster *c);

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
            startup_begin(pod);
        }
    }
    schedule_pending(c);
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

static void add_node(struct cluster *c, size_t index, bool at_once) {
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

static int64_t choose_node(const struct cluster *c, const struct pod_demand *d, uint32_t *why) {
    struct node_view *views = mem_zalloc(c->node_count, sizeof *views);
    for (size_t i = 0; i < c->node_count; i++) {
        views[i] = node_view_of(c, &c->nodes[i], d);
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

static void bind_pod(struct cluster *c, struct pod_state *pod, size_t node) {
    struct node *n = &c->nodes[node];
    const struct pod_demand *d = demand_of(pod);
    pod->pub.node = (int64_t)node;
    pod->pub.bound_ps = engine_now(c->engine);
    n->pods++;
    n->used_cpu_milli += d->cpu_milli;
    n->used_memory_bytes += d->memory_bytes;
    n->used_gpus += d->gpus;
    cluster_say(c, pod->pub.name, "Scheduled", "assigned to %s", n->name);
}

static void say_unschedulable(struct cluster *c, const struct pod_state *pod, const uint32_t *why) {
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
    cluster_say(c, pod->pub.name, "FailedScheduling", "0/%u nodes are available: %s", nodes, text);
}

/* Finds a node for the pod, adding one where a pool may grow. True when it has one now. */
static bool place(struct cluster *c, struct pod_state *pod, bool at_once) {
    uint32_t why[MISFIT_GPU + 1] = {0};
    int64_t node = choose_node(c, demand_of(pod), why);
    if (node < 0) {
        node = node_to_add(c, demand_of(pod));
        if (node >= 0) {
            add_node(c, (size_t)node, at_once);
        }
    }
    if (node < 0) {
        say_unschedulable(c, pod, why);
        return false;
    }
    bind_pod(c, pod, (size_t)node);
    return true;
}

static void schedule_pending(struct cluster *c) {
    for (size_t i = 0; i < c->pod_count; i++) {
        struct pod_state *pod = c->pods[i];
        if (pod->pub.phase != POD_PENDING || pod->pub.node >= 0) {
            continue;
        }
        if (place(c, pod, false) && c->nodes[pod->pub.node].ready) {
            startup_begin(pod);
        }
    }
}

/* ---- pods ---- */

static bool ordinal_in_use(const struct cluster *c, uint32_t demand, uint32_t ordinal) {
    for (size_t i = 0; i < c->pod_count; i++) {
        const struct pod *p = &c->pods[i]->pub;
        if (p->demand == demand && p->ordinal == ordinal && p->phase != POD_GONE) {
            return true;
        }
    }
    return false;
}

static struct pod_state *create_pod(struct cluster *c, uint32_t demand) {
    const struct pod_demand *d = &c->config.demands[demand];
    struct pod_state *pod = arena_alloc(c->arena, sizeof *pod);
    c->pods = arena_grow(c->arena, c->pods, c->pod_count, c->pod_count + 1, &c->pod_capacity,
                         sizeof(struct pod_state *));
    uint32_t ordinal = 0;
    while (ordinal_in_use(c, demand, ordinal)) {
        ordinal++;
    }
    pod->cluster = c;
    pod->pub = (struct pod){
        .name = arena_printf(c->arena, "%s/%u", d->workload, ordinal),
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
    snprintf(stream, sizeof stream, "%s#%u", pod->pub.name, c->generation[demand]++);
    pod->rng = rng_stream(c->config.seed, RNG_STARTUP, stream);
    c->pods[c->pod_count++] = pod;
    return pod;
}

static int64_t pods_alive(const struct cluster *c, uint32_t demand, bool *all_ready) {
    int64_t alive = 0;
    *all_ready = true;
    for (size_t i = 0; i < c->pod_count; i++) {
        const struct pod *p = &c->pods[i]->pub;
        if (p->demand == demand && p->phase < POD_TERMINATING) {
            alive++;
            *all_ready = *all_ready && p->phase == POD_READY;
        }
    }
    return alive;
}

/* Creates what is missing; an ordered StatefulSet gets its next pod only when all before it are Ready. */
static void create_missing(struct cluster *c, uint32_t demand) {
    const struct pod_demand *d = &c->config.demands[demand];
    bool all_ready;
    int64_t alive = pods_alive(c, demand, &all_ready);
    while (alive < c->wanted[demand] && (!d->ordered || all_ready)) {
        struct pod_state *pod = create_pod(c, demand);
        alive++;
        if (d->bare) {
            pod_become_ready(pod);
        } else {
            all_ready = false;
        }
    }
}

void pod_become_ready(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    pod->pub.phase = POD_READY;
    pod->pub.ready_ps = engine_now(c->engine);
    if (pod->pub.started_ps < 0) {
        pod->pub.started_ps = pod->pub.ready_ps;
    }
    cluster_say(c, pod->pub.name, "Ready", "after %.3f s",
                simtime_to_s(pod->pub.ready_ps - pod->pub.created_ps));
    c->events.pod_ready(c->events.context, &pod->pub);
    if (demand_of(pod)->ordered) {
        create_missing(c, pod->pub.demand);
        schedule_pending(c);
    }
}

static void release_node(struct cluster *c, struct pod_state *pod) {
    if (pod->pub.node < 0) {
        return;
    }
    struct node *n = &c->nodes[pod->pub.node];
    const struct pod_demand *d = demand_of(pod);
    n->pods--;
    n->used_cpu_milli -= d->cpu_milli;
    n->used_memory_bytes -= d->memory_bytes;
    n->used_gpus -= d->gpus;
    for (size_t i = 0; i < pod->images_wanted; i++) {
        cache_release(n->cache, d->images[i].key);
    }
    if (pod->weights_wanted) {
        cache_release(n->cache, d->weights.key);
    }
}

static void pod_become_gone(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    engine_cancel(c->engine, pod->event);
    pod->event = 0;
    pod->pub.phase = POD_GONE;
    pod->pub.gone_ps = engine_now(c->engine);
    release_node(c, pod);
    cluster_say(c, pod->pub.name, "Gone", "removed");
    schedule_pending(c);
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

static void delete_pod(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    bool was_ready = pod->pub.phase == POD_READY;
    startup_abort(pod);
    pod->pub.phase = POD_TERMINATING;
    pod->pub.terminating_ps = engine_now(c->engine);
    cluster_say(c, pod->pub.name, "Killing", "stopping");
    if (!was_ready) {
        pod_become_gone(pod);
        return;
    }
    simtime deadline = engine_now(c->engine) + simtime_from_s(demand_of(pod)->grace_s);
    pod->event = engine_at(c->engine, deadline, EVENT_LIFECYCLE, grace_over, pod, 0);
    c->events.pod_terminating(c->events.context, &pod->pub);
}

void cluster_pod_drained(struct cluster *c, struct pod *pod) {
    (void)c;
    if (pod->phase == POD_TERMINATING) {
        pod_become_gone((struct pod_state *)pod);
    }
}

/* The pod to go first: not bound before bound, not Ready before Ready, then the youngest (ReplicaSet
 * controller's ActivePodsWithRanks); an ordered StatefulSet always loses its highest ordinal. */
static bool goes_before(const struct pod_state *a, const struct pod_state *b) {
    if (demand_of(a)->ordered) {
        return a->pub.ordinal > b->pub.ordinal;
    }
    bool a_bound = a->pub.node >= 0;
    bool b_bound = b->pub.node >= 0;
    if (a_bound != b_bound) {
        return !a_bound;
    }
    bool a_ready = a->pub.phase == POD_READY;
    bool b_ready = b->pub.phase == POD_READY;
    if (a_ready != b_ready) {
        return !a_ready;
    }
    if (a->pub.ready_ps != b->pub.ready_ps) {
        return a->pub.ready_ps > b->pub.ready_ps;
    }
    return a->pub.index > b->pub.index;
}

static void delete_surplus(struct cluster *c, uint32_t demand) {
    bool all_ready;
    int64_t surplus = pods_alive(c, demand, &all_ready) - c->wanted[demand];
    for (; surplus > 0; surplus--) {
        struct pod_state *victim = NULL;
        for (size_t i = 0; i < c->pod_count; i++) {
            struct pod_state *p = c->pods[i];
            if (p->pub.demand == demand && p->pub.phase < POD_TERMINATING &&
                (!victim || goes_before(p, victim))) {
                victim = p;
            }
        }
        delete_pod(victim);
    }
}

void cluster_scale(struct cluster *c, uint32_t demand, int64_t replicas) {
    c->wanted[demand] = replicas;
    delete_surplus(c, demand);
    create_missing(c, demand);
    schedule_pending(c);
}

/* ---- the beginning ---- */

struct cluster *cluster_create(struct engine *engine, const struct cluster_config *config,
                               const struct cluster_events *events, struct arena *arena) {
    struct cluster *c = arena_alloc(arena, sizeof *c);
    c->engine = engine;
    c->config = *config;
    c->events = *events;
    c->arena = arena;
    c->wanted = arena_array(arena, config->demand_count, sizeof *c->wanted);
    c->generation = arena_array(arena, config->demand_count, sizeof *c->generation);
    c->first_node = arena_array(arena, config->pool_count, sizeof *c->first_node);
    for (size_t p = 0; p < config->pool_count; p++) {
        c->first_node[p] = c->node_count;
        c->node_count += (size_t)config->pools[p].max;
    }
    c->nodes = arena_array(arena, c->node_count, sizeof *c->nodes);
    for (size_t p = 0; p < config->pool_count; p++) {
        for (uint32_t i = 0; i < (uint32_t)config->pools[p].max; i++) {
            init_node(c, c->first_node[p] + i, (uint32_t)p, i);
        }
    }
    return c;
}

/* Warm: the pod has been there for a while; what it needs is in its node's cache. */
static void place_warm(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    if (!place(c, pod, true)) {
        return;
    }
    const struct pod_demand *d = demand_of(pod);
    struct node_cache *cache = c->nodes[pod->pub.node].cache;
    for (size_t i = 0; i < d->image_count; i++) {
        cache_fill(cache, &d->images[i]);
    }
    pod->images_wanted = d->image_count;
    pod->weights_wanted = d->weights.bytes > 0;
    if (pod->weights_wanted) {
        cache_fill(cache, &d->weights);
    }
    pod->pub.pulled_ps = pod->pub.started_ps = pod->pub.loaded_ps = engine_now(c->engine);
    pod_become_ready(pod);
}

void cluster_begin(struct cluster *c, const int64_t *replicas, bool warm) {
    for (size_t p = 0; p < c->config.pool_count; p++) {
        for (size_t i = 0; i < (size_t)c->config.pools[p].min; i++) {
            add_node(c, c->first_node[p] + i, true);
        }
    }
    for (uint32_t d = 0; d < c->config.demand_count; d++) {
        c->wanted[d] = replicas[d];
        if (!warm || c->config.demands[d].bare) {
            create_missing(c, d);
            continue;
        }
        for (int64_t i = 0; i < replicas[d]; i++) {
            place_warm(create_pod(c, d));
        }
    }
    schedule_pending(c);
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
    return &c->nodes[index];
}
