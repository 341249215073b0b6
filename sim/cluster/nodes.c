/* The nodes of the pools: asked for, Ready, empty, removed.
 *
 * A pool has `max` places, each a host of the platform. Who is there in turn are nodes of their own. Whatever
 * looks for a node goes through the live ones, so that the thousands that a long run leaves behind cost
 * nothing. */
#include "cluster/cluster_private.h"

struct node_state *node_of(const struct pod_state *pod) {
    return pod->cluster->nodes[pod->pub.node];
}

static const struct pool_config *pool_of(const struct node_state *n) {
    return &n->cluster->config.pools[n->pub.pool];
}

/* ---- places ---- */

bool pool_may_grow(const struct cluster *c, size_t pool) {
    return c->pools[pool].lowest_free < (uint32_t)c->config.pools[pool].max;
}

static uint32_t take_place(struct cluster *c, size_t pool) {
    struct pool_state *p = &c->pools[pool];
    uint32_t place = p->lowest_free;
    p->places[place].taken = true;
    p->places[place].lives++;
    while (pool_may_grow(c, pool) && p->places[p->lowest_free].taken) {
        p->lowest_free++;
    }
    return place;
}

static void give_place_back(struct cluster *c, const struct node *n) {
    struct pool_state *p = &c->pools[n->pool];
    p->places[n->ordinal].taken = false;
    p->lowest_free = n->ordinal < p->lowest_free ? n->ordinal : p->lowest_free;
}

/* The name is the key of the node's random stream: that of a place's first node tells nothing of what was
 * before or after it. */
static const char *name_of_life(struct cluster *c, size_t pool, uint32_t place) {
    const char *name = c->config.pools[pool].name;
    uint32_t lives = c->pools[pool].places[place].lives;
    return lives == 1 ? arena_printf(c->arena, "%s-%u", name, place)
                      : arena_printf(c->arena, "%s-%u-r%u", name, place, lives);
}

/* ---- lists ---- */

static void join(struct cluster *c, struct node_state *n) {
    c->nodes = arena_grow(c->arena, c->nodes, c->node_count, c->node_count + 1, &c->node_capacity,
                          sizeof(struct node_state *));
    n->index = c->node_count;
    c->nodes[c->node_count++] = n;
    c->live = arena_grow(c->arena, c->live, c->live_count, c->live_count + 1, &c->live_capacity,
                         sizeof(struct node_state *));
    n->live_at = c->live_count;
    c->live[c->live_count++] = n;
}

static void leave(struct cluster *c, struct node_state *n) {
    struct node_state *last = c->live[--c->live_count];
    c->live[n->live_at] = last;
    last->live_at = n->live_at;
}

/* ---- removal ---- */

void node_remove(struct node_state *n) {
    struct cluster *c = n->cluster;
    engine_cancel(c->engine, n->clock);
    engine_cancel(c->engine, n->fate);
    n->clock = n->fate = 0;
    cache_abandon(n->pub.cache);
    n->pub.cache = NULL;
    c->pools[n->pub.pool].ready -= n->pub.ready;
    n->pub.ready = false;
    n->pub.deleted_ps = engine_now(c->engine);
    n->emptied_ps = -1;
    give_place_back(c, &n->pub);
    leave(c, n);
}

static bool goes_before(const struct node_state *a, const struct node_state *b) {
    return a->emptied_ps != b->emptied_ps ? a->emptied_ps < b->emptied_ps : a->pub.ordinal > b->pub.ordinal;
}

/* The one that has been empty for the longest of those that have been for long enough; of equals, the one
 * with the highest number. */
static struct node_state *removable(const struct cluster *c, uint32_t pool) {
    simtime after = simtime_from_s(c->config.pools[pool].scale_down_after_s);
    struct node_state *best = NULL;
    for (size_t i = 0; i < c->live_count; i++) {
        struct node_state *n = c->live[i];
        bool due =
            n->pub.pool == pool && n->emptied_ps >= 0 && engine_now(c->engine) - n->emptied_ps >= after;
        if (due && (!best || goes_before(n, best))) {
            best = n;
        }
    }
    return best;
}

/* Counts what is Ready: a node on its way is none that `min` promises to be there. */
static void shrink(struct cluster *c, uint32_t pool) {
    struct node_state *n = NULL;
    while ((int64_t)c->pools[pool].ready > c->config.pools[pool].min && (n = removable(c, pool))) {
        cluster_say(c, n->pub.name, "NodeRemoved", "pool %s: no pod for %.3f s", pool_of(n)->name,
                    simtime_to_s(engine_now(c->engine) - n->emptied_ps));
        node_remove(n);
    }
}

static void clock_rings(void *context, uint64_t argument) {
    (void)argument;
    struct node_state *n = context;
    n->clock = 0;
    shrink(n->cluster, n->pub.pool);
}

/* ---- in use and empty ---- */

/* A pool that cannot shrink needs no clock. */
static void node_becomes_empty(struct node_state *n) {
    const struct pool_config *p = pool_of(n);
    simtime now = engine_now(n->cluster->engine);
    simtime after = simtime_from_s(p->scale_down_after_s);
    n->emptied_ps = now;
    if (p->max > p->min && after < SIMTIME_NEVER - now) {
        n->clock = engine_at(n->cluster->engine, now + after, EVENT_CONTROL, clock_rings, n, 0);
    }
}

static void node_comes_into_use(struct node_state *n) {
    engine_cancel(n->cluster->engine, n->clock);
    n->clock = 0;
    n->emptied_ps = -1;
}

void node_take_room(struct node_state *n, const struct pod_demand *d) {
    if (n->pub.pods++ == 0) {
        node_comes_into_use(n);
    }
    n->pub.used_cpu_milli += d->cpu_milli;
    n->pub.used_memory_bytes += d->memory_bytes;
    n->pub.used_gpus += d->gpus;
}

void node_give_room_back(struct node_state *n, const struct pod_demand *d) {
    n->pub.used_cpu_milli -= d->cpu_milli;
    n->pub.used_memory_bytes -= d->memory_bytes;
    n->pub.used_gpus -= d->gpus;
    if (--n->pub.pods > 0) {
        return;
    }
    if (n->retiring) {
        node_retire(n);
    } else if (n->pub.ready) {
        node_becomes_empty(n);
    }
}

/* Most often the pod is younger than all before it. */
void node_binds(struct node_state *n, struct pod *pod) {
    if (n->last_pod && n->last_pod->index < pod->index) {
        n->last_pod->next_on_node = pod;
        n->last_pod = pod;
        return;
    }
    struct pod **link = &n->pub.first_pod;
    while (*link && (*link)->index < pod->index) {
        link = &(*link)->next_on_node;
    }
    pod->next_on_node = *link;
    *link = pod;
    n->last_pod = n->last_pod ? n->last_pod : pod;
}

/* ---- from the request to Ready ---- */

static void node_becomes_ready(struct node_state *n) {
    struct cluster *c = n->cluster;
    n->pub.ready = true;
    n->pub.ready_ps = engine_now(c->engine);
    c->pools[n->pub.pool].ready++;
    if (n->pub.pods == 0) {
        node_becomes_empty(n);
    }
    cluster_say(c, n->pub.name, "NodeReady", "pool %s", pool_of(n)->name);
}

/* With one more Ready, one that `min` has kept may go. */
static void provisioned(void *context, uint64_t argument) {
    (void)argument;
    struct node_state *n = context;
    node_becomes_ready(n);
    pods_bind_to(n->cluster, n->index);
    shrink(n->cluster, n->pub.pool);
}

static struct node_state *create(struct cluster *c, size_t pool) {
    uint32_t place = take_place(c, pool);
    struct node_state *n = arena_alloc(c->arena, sizeof *n);
    n->cluster = c;
    n->emptied_ps = -1;
    n->pub = (struct node){
        .name = name_of_life(c, pool, place),
        .pool = (uint32_t)pool,
        .ordinal = place,
        .host = c->config.first_host[pool] + place,
        .requested_ps = engine_now(c->engine),
        .ready_ps = -1,
        .deleted_ps = -1,
        .cache = cache_create(c, &n->pub, c->config.pools[pool].disk_bytes),
    };
    for (size_t i = 0; i < c->pools[pool].preloaded_count; i++) {
        cache_preload(n->pub.cache, &c->pools[pool].preloaded[i]);
    }
    join(c, n);
    return n;
}

struct node_state *node_add(struct cluster *c, size_t pool, bool at_once) {
    const struct pool_config *p = &c->config.pools[pool];
    struct node_state *n = create(c, pool);
    if (at_once) {
        node_becomes_ready(n);
        return n;
    }
    struct rng rng = rng_stream(c->config.seed, RNG_PROVISION, n->pub.name);
    simtime at = simtime_add(n->pub.requested_ps, simtime_from_s(delay_draw(&p->provisioning, &rng)));
    cluster_say(c, n->pub.name, "NodeRequested", "pool %s", p->name);
    engine_at(c->engine, at, EVENT_LIFECYCLE, provisioned, n, 0);
    return n;
}

void nodes_create(struct cluster *c) {
    const struct cluster_config *config = &c->config;
    c->pools = arena_array(c->arena, config->pool_count, sizeof *c->pools);
    for (size_t p = 0; p < config->pool_count; p++) {
        struct pool_state *pool = &c->pools[p];
        pool->places = arena_array(c->arena, (size_t)config->pools[p].max, sizeof *pool->places);
        pool->preloaded = cluster_preloaded(&config->pools[p], &config->pool_labels[p], config->demands,
                                            config->demand_count, c->arena, &pool->preloaded_count);
    }
}
