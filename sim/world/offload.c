/* Where the KV blocks of engines go beside their GPUs: stores that several share, and what the container has
 * room for. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "serving/prefix_store.h"
#include "world/world.h"

static struct prefix_store *open_store(struct world *w, const char *name, const struct position *pos) {
    struct prefix_store_limits limits = {.bytes = INFINITY, .bytes_per_s = 25e9 / 8, .latency_s = 1e-3};
    bool found = false;
    for (size_t i = 0; !found && i < w->scenario.kv_store_count; i++) {
        const struct kv_store_config *c = &w->scenario.kv_stores[i];
        found = strstr(name, c->match) != NULL;
        if (found) {
            limits = (struct prefix_store_limits){
                .bytes = c->bytes, .bytes_per_s = c->bandwidth_bytes_per_s, .latency_s = c->latency_s};
        }
    }
    if (!found) {
        notice_add(
            w->notices, NOTICE_WARNING, pos,
            "the store of KV blocks %.80s is not under cluster `kv_stores:`: taken to hold any number, at "
            "25 Gbps",
            name);
    }
    return prefix_store_create(&limits);
}

static struct prefix_store *store_called(struct world *w, const char *name, const struct position *pos) {
    for (size_t i = 0; i < w->kv_store_count; i++) {
        if (strcmp(w->kv_stores[i].name, name) == 0) {
            return w->kv_stores[i].store;
        }
    }
    w->kv_stores = arena_grow(w->arena, w->kv_stores, w->kv_store_count, w->kv_store_count + 1,
                              &w->kv_store_capacity, sizeof *w->kv_stores);
    struct kv_store_state *s = &w->kv_stores[w->kv_store_count++];
    *s = (struct kv_store_state){.name = name, .store = open_store(w, name, pos)};
    return s->store;
}

void world_free_stores(struct world *w) {
    for (size_t i = 0; i < w->kv_store_count; i++) {
        prefix_store_destroy(w->kv_stores[i].store);
    }
}

/* Pinned pages count to the container, for every engine in it. */
static void warn_of_host_memory(struct world *w, const struct replica_config *config,
                                const struct workload *workload, const struct container *c,
                                const struct position *pos) {
    double engines = config->data_parallel > 1 ? (double)config->data_parallel : 1;
    double wanted = engines * (config->offload.host_bytes + config->offload.swap_bytes);
    int64_t limit = c->limits.memory_bytes;
    char has[48], asks[48];
    if (limit >= 0 && wanted > (double)limit) {
        notice_add(
            w->notices, NOTICE_WARNING, pos,
            "container %s of %s may use %s of memory, and keeps %s of KV blocks there: in a cluster it is "
            "OOMKilled; here it runs as if it had the room",
            c->name, workload->name, unit_text(UNIT_BYTES, (double)limit, has),
            unit_text(UNIT_BYTES, wanted, asks));
    }
}

/* What moves KV from who prefills to who decodes goes over the network, whoever does it. */
static bool hands_over(const char *connector) {
    static const char *const names[] = {"NixlConnector", "P2pNcclConnector", "MooncakeConnector"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], connector) == 0) {
            return true;
        }
    }
    return false;
}

static void warn_of_connector(struct world *w, const struct container *c, bool modelled) {
    const struct engine_kv_transfer *kv = &c->engine.kv_transfer;
    bool one_part = kv->role == KV_ROLE_PREFILL || kv->role == KV_ROLE_DECODE;
    if (kv->connector && !modelled && !one_part && !hands_over(kv->connector)) {
        notice_add(w->notices, NOTICE_WARNING, &kv->pos,
                   "--kv-transfer-config: the connector %.60s is not modelled", kv->connector);
    }
}

void world_offload(struct world *w, struct replica_config *config, const struct workload *workload,
                   const struct container *c, const struct pool_config *pool) {
    struct kv_offload *o = &config->offload;
    const struct position *pos =
        c->engine.kv_offload.pos.line > 0 ? &c->engine.kv_offload.pos : &c->engine.kv_transfer.pos;
    warn_of_connector(w, c, o->on);
    if (o->store_name) {
        o->store = store_called(w, o->store_name, pos);
        o->network_bytes_per_s = pool->network_bytes_per_s;
    }
    warn_of_host_memory(w, config, workload, c, pos->line > 0 ? pos : &c->pos);
}
