/* Images and weights on a node's disk. */
#include <string.h>

#include "cluster/cluster_private.h"

struct node_cache *cache_create(struct cluster *c, const struct node *node, double capacity_bytes) {
    struct node_cache *cache = arena_alloc(c->arena, sizeof *cache);
    cache->cluster = c;
    cache->node = node;
    cache->capacity_bytes = capacity_bytes;
    return cache;
}

static struct cache_entry *entry_of(const struct node_cache *cache, const char *key) {
    for (struct cache_entry *e = cache->entries; e; e = e->next) {
        if (strcmp(e->key, key) == 0) {
            return e;
        }
    }
    return NULL;
}

bool cache_has(const struct node_cache *cache, const char *key) {
    const struct cache_entry *e = entry_of(cache, key);
    return e && e->state == ARTEFACT_PRESENT;
}

/* The least recently used artefact that no pod on the node needs. */
static struct cache_entry **oldest_unused(struct node_cache *cache) {
    struct cache_entry **oldest = NULL;
    for (struct cache_entry **e = &cache->entries; *e; e = &(*e)->next) {
        if ((*e)->users == 0 && (*e)->state == ARTEFACT_PRESENT &&
            (!oldest || (*e)->last_use < (*oldest)->last_use)) {
            oldest = e;
        }
    }
    return oldest;
}

/* Makes room as the kubelet's image garbage collection does. What still does not fit is taken all the same,
 * and said: a real node would come under disk pressure. */
static void make_room(struct node_cache *cache, double bytes) {
    while (cache->capacity_bytes > 0 && cache->used_bytes + bytes > cache->capacity_bytes) {
        struct cache_entry **oldest = oldest_unused(cache);
        if (!oldest) {
            cluster_say(cache->cluster, cache->node->name, "DiskPressure",
                        "needs %.0f bytes more than its disk holds",
                        cache->used_bytes + bytes - cache->capacity_bytes);
            return;
        }
        cache->used_bytes -= (*oldest)->bytes;
        *oldest = (*oldest)->next;
    }
}

static struct cache_entry *add_entry(struct node_cache *cache, const struct artefact *artefact,
                                     enum artefact_state state) {
    make_room(cache, artefact->bytes);
    struct cache_entry *e = arena_alloc(cache->cluster->arena, sizeof *e);
    e->key = artefact->key;
    e->bytes = artefact->bytes;
    e->state = state;
    e->owner = cache;
    e->next = cache->entries;
    cache->entries = e;
    cache->used_bytes += artefact->bytes;
    return e;
}

static void pull_done(void *context, uint64_t argument);

/* What arrives is written while it arrives: the artefact is there when both the transfer and the disk are
 * done. */
static void pull_start(struct cache_entry *e) {
    struct cluster *c = e->owner->cluster;
    const struct node *node = e->owner->node;
    e->write = engine_disk_write(c->engine, node->host, e->bytes, pull_done, e, 0);
    e->parts_left = 1 + (e->write != 0); /* a node without a disk of its own keeps it in memory */
    e->transfer = engine_transfer(c->engine, e->source_host, node->host, e->bytes, pull_done, e, 0);
    if (e->transfer == 0) {
        cluster_say(c, node->name, "Failed", "no way for %s to come here", e->key);
    }
}

static void drop(struct node_cache *cache, struct cache_entry *gone) {
    struct cache_entry **e = &cache->entries;
    while (*e != gone) {
        e = &(*e)->next;
    }
    *e = gone->next;
    cache->used_bytes -= gone->bytes;
}

/* Ends the first image pull of the node and starts the next that somebody still waits for. */
static void next_image(struct node_cache *cache) {
    cache->pulls = cache->pulls->next_pull;
    while (cache->pulls && !cache->pulls->waiters) {
        drop(cache, cache->pulls);
        cache->pulls = cache->pulls->next_pull;
    }
    if (cache->pulls) {
        pull_start(cache->pulls);
    }
}

static void say_pulled(const struct cache_entry *e) {
    struct cluster *c = e->owner->cluster;
    if (c->events.pulled) {
        c->events.pulled(c->events.context, e->demand, e->owner->node, e->bytes, e->is_image);
    }
}

static void pull_done(void *context, uint64_t argument) {
    (void)argument;
    struct cache_entry *e = context;
    if (--e->parts_left > 0) {
        return;
    }
    e->state = ARTEFACT_PRESENT;
    say_pulled(e);
    if (e->is_image) {
        next_image(e->owner);
    }
    struct pod_state *waiter = e->waiters;
    e->waiters = NULL;
    while (waiter) {
        struct pod_state *next = waiter->next_waiter;
        waiter->next_waiter = NULL;
        waiter->waiting = false;
        startup_artefact_here(waiter, true);
        waiter = next;
    }
}

static void wait_for(struct cache_entry *e, struct pod_state *pod) {
    pod->waiting = true;
    pod->next_waiter = NULL;
    struct pod_state **tail = &e->waiters;
    while (*tail) {
        tail = &(*tail)->next_waiter;
    }
    *tail = pod;
}

/* Behind the images that are being pulled or wait for it. */
static void pull_image(struct cache_entry *e) {
    struct cache_entry **tail = &e->owner->pulls;
    while (*tail) {
        tail = &(*tail)->next_pull;
    }
    *tail = e;
    if (e == e->owner->pulls) {
        pull_start(e);
    }
}

bool cache_want(struct node_cache *cache, const struct artefact *artefact, bool is_image,
                uint32_t source_host, struct pod_state *pod) {
    struct cache_entry *e = entry_of(cache, artefact->key);
    bool start = !e;
    if (start) {
        e = add_entry(cache, artefact, ARTEFACT_PULLING);
        e->source_host = source_host;
        e->is_image = is_image;
        e->demand = pod->pub.demand;
    }
    e->users++;
    e->last_use = ++cache->clock;
    if (e->state == ARTEFACT_PRESENT) {
        return true;
    }
    wait_for(e, pod);
    if (start && is_image) {
        pull_image(e);
    } else if (start) {
        pull_start(e);
    }
    return false;
}

void cache_preload(struct node_cache *cache, const struct artefact *artefact) {
    if (!entry_of(cache, artefact->key)) {
        add_entry(cache, artefact, ARTEFACT_PRESENT);
    }
}

void cache_fill(struct node_cache *cache, const struct artefact *artefact) {
    cache_preload(cache, artefact);
    struct cache_entry *e = entry_of(cache, artefact->key);
    e->users++;
    e->last_use = ++cache->clock;
}

void cache_release(struct node_cache *cache, const char *key) {
    struct cache_entry *e = entry_of(cache, key);
    if (e && e->users > 0) {
        e->users--;
    }
}

void cache_forget_waiter(struct node_cache *cache, struct pod_state *pod) {
    for (struct cache_entry *e = cache->entries; e; e = e->next) {
        for (struct pod_state **w = &e->waiters; *w; w = &(*w)->next_waiter) {
            if (*w == pod) {
                *w = pod->next_waiter;
                pod->next_waiter = NULL;
                pod->waiting = false;
                return;
            }
        }
    }
}

void cache_interrupt(struct node_cache *cache) {
    struct engine *engine = cache->cluster->engine;
    cache->pulls = NULL;
    for (struct cache_entry *e = cache->entries, *next; e; e = next) {
        next = e->next;
        if (e->state == ARTEFACT_PULLING) {
            engine_transfer_cancel(engine, e->transfer);
            engine_transfer_cancel(engine, e->write);
            drop(cache, e);
        }
    }
}

void cache_abandon(struct node_cache *cache) {
    struct engine *engine = cache->cluster->engine;
    for (struct cache_entry *e = cache->entries; e; e = e->next) {
        engine_transfer_cancel(engine, e->transfer); /* ids of what has ended are harmless */
        engine_transfer_cancel(engine, e->write);
    }
}
