#include "llm/kv_tiers.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "serving/prefix_store.h"

struct kv_tiers {
    const struct replica_config *config;
    struct engine *engine;
    struct replica *replica;
    struct prefix_store *host, *store; /* store: NULL = none, or somebody else's */
    double block_bytes, token_bytes;
};

/* The link of the host is that of its GPUs; what a host without memory for blocks loads from a store passes
 * it too. */
static struct prefix_store *create_host(const struct replica_config *config) {
    double gpus = (double)(config->tensor_parallel * config->pipeline_parallel);
    struct prefix_store_limits limits = {.bytes = config->offload.host_bytes,
                                         .bytes_per_s = config->gpu->host_bytes_per_s * gpus};
    return prefix_store_create(&limits);
}

static void keep_forgotten(void *context, uint64_t key, uint32_t blocks) {
    struct kv_tiers *t = context;
    double bytes = prefix_store_put(t->host, key, blocks, t->block_bytes, engine_now(t->engine));
    t->replica->kv_store_bytes += (uint64_t)bytes;
}

struct kv_tiers *kv_tiers_create(const struct replica_config *config, struct prefix_cache *gpu,
                                 struct engine *engine, struct replica *replica) {
    struct kv_tiers *t = mem_zalloc(1, sizeof *t);
    t->config = config;
    t->engine = engine;
    t->replica = replica;
    t->host = create_host(config);
    t->store = config->offload.store;
    t->token_bytes = config->kv_bytes_per_token;
    t->block_bytes = t->token_bytes * (double)config->block_tokens;
    if (config->offload.write == KV_WRITE_BACK && gpu) {
        prefix_cache_tell(gpu, keep_forgotten, t);
    }
    return t;
}

void kv_tiers_destroy(struct kv_tiers *t) {
    if (t) {
        prefix_store_destroy(t->host);
        free(t);
    }
}

static uint64_t salted(const struct kv_tiers *t, uint64_t key) {
    return key ^ t->config->offload.salt;
}

/* ---- what is there ---- */

/* Blocks of a chunk in the host's memory, and in the store where that has more; 0 when they do not carry the
 * request's history: a session's, which then is shorter than what was said before. */
struct chunk_blocks {
    uint32_t host, any;
};

static struct chunk_blocks look_up(const struct kv_tiers *t, const struct request *r, uint32_t k,
                                   int64_t known) {
    simtime now = engine_now(t->engine);
    struct chunk_blocks b = {.host = prefix_store_find(t->host, r->chunks[k], now)};
    uint32_t stored = t->store ? prefix_store_find(t->store, salted(t, r->chunks[k]), now) : 0;
    int64_t size = t->config->block_tokens;
    bool session = r->chunk_tokens == REQUEST_CHUNK_SESSION;
    b.host = session && b.host * size > known ? 0 : b.host;
    stored = session && stored * size > known ? 0 : stored;
    b.any = stored > b.host ? stored : b.host;
    return b;
}

static struct kv_found whole_units(const struct kv_tiers *t, struct kv_found f, int64_t tokens) {
    const struct kv_offload *o = &t->config->offload;
    int64_t over = (tokens + f.host_tokens + f.store_tokens) % o->unit_tokens;
    int64_t of_store = over < f.store_tokens ? over : f.store_tokens;
    f.store_tokens -= of_store;
    f.host_tokens -= over - of_store;
    bool worth = f.host_tokens + f.store_tokens >= (o->least_tokens > 0 ? o->least_tokens : 1);
    return worth && f.host_tokens >= 0 ? f : (struct kv_found){0};
}

struct kv_found kv_tiers_find(const struct kv_tiers *t, const struct request *r, int64_t tokens,
                              int64_t known) {
    struct kv_found f = {0};
    int64_t size = t->config->block_tokens, most = prefix_known_by_key(r, known - 1);
    for (uint32_t k = 0; k < r->chunk_count; k++) {
        int64_t begin = (int64_t)k * r->chunk_tokens;
        uint32_t wanted = prefix_chunk_blocks(r, k, most, size);
        if (wanted == 0) {
            break;
        }
        struct chunk_blocks there = look_up(t, r, k, known);
        int64_t have = tokens + f.host_tokens + f.store_tokens;
        int64_t host = begin + (there.host < wanted ? there.host : wanted) * size - have;
        int64_t any = begin + (there.any < wanted ? there.any : wanted) * size - have;
        f.host_tokens += host > 0 ? host : 0;
        f.store_tokens += any > 0 ? any - (host > 0 ? host : 0) : 0;
        if (tokens + f.host_tokens + f.store_tokens < begin + (int64_t)r->chunk_tokens) {
            break;
        }
    }
    return whole_units(t, f, tokens);
}

/* ---- reading ---- */

/* Those that it reads are the newest now, the first of them last. */
static void touch(struct kv_tiers *t, const struct request *r) {
    for (uint32_t k = r->chunk_count; k-- > 0;) {
        prefix_store_touch(t->host, r->chunks[k]);
        if (t->store) {
            prefix_store_touch(t->store, salted(t, r->chunks[k]));
        }
    }
}

/* The store's link is shared with its other readers, the host's card is taken to be its own. */
static simtime fetch(struct kv_tiers *t, int64_t tokens) {
    simtime now = engine_now(t->engine);
    double bytes = (double)tokens * t->token_bytes;
    simtime sent = prefix_store_fetch(t->store, now, bytes);
    simtime received = now + simtime_from_s(bytes / t->config->offload.network_bytes_per_s);
    return sent > received ? sent : received;
}

static void put_in_host(struct kv_tiers *t, const struct request *r, int64_t tokens, simtime at) {
    for (uint32_t k = r->chunk_count; k-- > 0;) {
        uint32_t blocks = prefix_chunk_blocks(r, k, tokens, t->config->block_tokens);
        prefix_store_arrives(t->host, r->chunks[k], blocks, t->block_bytes, at);
    }
}

/* What comes from the store goes on to the GPU piece by piece as it arrives: the slower of both links counts.
 */
simtime kv_tiers_load(struct kv_tiers *t, const struct request *r, int64_t tokens,
                      const struct kv_found *found) {
    double bytes = (double)(found->host_tokens + found->store_tokens) * t->token_bytes;
    simtime there = prefix_store_fetch(t->host, engine_now(t->engine), bytes);
    simtime fetched = found->store_tokens > 0 ? fetch(t, found->store_tokens) : 0;
    touch(t, r);
    if (found->store_tokens > 0) {
        put_in_host(t, r, tokens + found->host_tokens + found->store_tokens, fetched);
    }
    t->replica->kv_load_bytes += (uint64_t)bytes;
    return fetched > there ? fetched : there;
}

simtime kv_tiers_prefetch(struct kv_tiers *t, const struct request *r, int64_t tokens,
                          const struct kv_found *found) {
    simtime at = fetch(t, found->store_tokens);
    put_in_host(t, r, tokens + found->host_tokens + found->store_tokens, at);
    return at;
}

/* ---- writing ---- */

void kv_tiers_keep(struct kv_tiers *t, const struct request *r, int64_t computed) {
    const struct kv_offload *o = &t->config->offload;
    simtime now = engine_now(t->engine);
    int64_t tokens = prefix_known_by_key(r, computed);
    tokens = o->answers || tokens < r->input_tokens ? tokens : r->input_tokens;
    tokens = o->write == KV_WRITE_SELECTIVE && tokens > r->cached_tokens ? r->cached_tokens : tokens;
    tokens -= tokens % o->unit_tokens;
    double bytes = 0;
    for (uint32_t k = r->chunk_count; k-- > 0;) { /* the last is forgotten first */
        uint32_t blocks = prefix_chunk_blocks(r, k, tokens, t->config->block_tokens);
        double sent = 0, to_host = 0;
        if (t->store) {
            sent = prefix_store_put(t->store, salted(t, r->chunks[k]), blocks, t->block_bytes, now);
        }
        if (o->write != KV_WRITE_BACK) {
            to_host = prefix_store_put(t->host, r->chunks[k], blocks, t->block_bytes, now);
        }
        bytes += sent > to_host ? sent : to_host;
    }
    t->replica->kv_store_bytes += (uint64_t)bytes;
}
