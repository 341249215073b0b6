/* KV blocks that come from beyond the GPUs (kv_tiers.h), and those of preempted requests that go to the host
 * and come back.
 *
 * What vLLM loads aside (Scheduler.schedule, load_kv_async; WAITING_FOR_REMOTE_KVS): a waiting request whose
 * turn it is gets blocks for what the tiers have of its prompt, leaves the queue, and is read in between the
 * steps of others; then it takes its place in the queue again, by the order of coming, and the rest is
 * computed. When its end is noticed is as with a request that comes. A request whose blocks another one is
 * reading at the time is passed over.
 *
 * Two requests that were loaded may hold what each of them needs for the rest. vLLM stands still then; here,
 * when nobody runs and nobody is read in, the last one in the queue gives its blocks back and is found anew.
 */
#include <assert.h>
#include <stdlib.h>

#include "llm/batching_private.h"

/* A request that is read in. */
struct load {
    struct request *r;
    event_id event;
    uint32_t computed; /* tokens that are there when it ends */
};

void tiers_open(struct batching *b) {
    const struct replica_config *c = &b->config;
    kv_tiers_destroy(b->tiers);
    b->tiers = c->offload.on ? kv_tiers_create(c, b->prefixes, b->base.engine, &b->base) : NULL;
    b->swap_blocks = (int64_t)(c->offload.swap_bytes / (c->kv_bytes_per_token * (double)c->block_tokens));
}

/* ---- what is found ---- */

struct kv_found tiers_find(const struct batching *b, const struct request *r,
                           const struct prefix_match *match) {
    if (!b->tiers || r->chunk_count == 0) {
        return (struct kv_found){0};
    }
    return kv_tiers_find(b->tiers, r, match->tokens, tokens_known(r));
}

void tiers_count(struct batching *b, struct request *r, int64_t on_gpu, const struct kv_found *found) {
    if (r->scheduled_ps >= 0) {
        return; /* it was counted before it was preempted */
    }
    struct replica *p = &b->base;
    p->prefix_queries += b->prefixes && r->chunk_count > 0 ? r->input_tokens : 0;
    p->prefix_hits += (uint64_t)on_gpu;
    p->external_queries += r->chunk_count > 0 ? (uint64_t)(r->input_tokens - on_gpu) : 0;
    p->host_hits += (uint64_t)found->host_tokens;
    p->store_hits += (uint64_t)found->store_tokens;
    r->cached_tokens = (uint32_t)(on_gpu + found->host_tokens + found->store_tokens);
}

void tiers_fetch(struct batching *b, struct request *r, const struct kv_found *found) {
    if (found->host_tokens + found->store_tokens > 0) {
        simtime waits = kv_tiers_load(b->tiers, r, r->computed, found) - engine_now(b->base.engine);
        b->fetch_ps = waits > b->fetch_ps ? waits : b->fetch_ps;
        r->computed += (uint32_t)(found->host_tokens + found->store_tokens);
    }
}

simtime tiers_step_waits(const struct batching *b, simtime computes) {
    if (b->config.offload.load != KV_LOAD_BY_LAYER) {
        return b->fetch_ps;
    }
    /* Layer i is computed when it has come and layer i - 1 is done: whichever takes longer goes on without a
     * break, and of the other one layer stands out. */
    int64_t layers = b->config.architecture->layers;
    simtime one = b->fetch_ps / layers, rest = b->fetch_ps - computes + computes / layers;
    return one > rest ? one : rest;
}

/* ---- read in aside ---- */

bool tiers_is_loading(const struct batching *b, const struct request *r, int64_t tokens) {
    uint32_t chunk = (uint32_t)(tokens / r->chunk_tokens);
    for (int64_t i = 0; i < b->load_count; i++) {
        const struct request *other = b->loads[i].r;
        if (chunk < other->chunk_count && other->chunk_tokens == r->chunk_tokens &&
            other->chunks[chunk] == r->chunks[chunk]) {
            return true;
        }
    }
    return false;
}

static void load_ended(void *context, uint64_t argument);

static void add_load(struct batching *b, struct request *r, simtime end, int64_t computed) {
    enum { LOADS_FIRST = 8 };
    if (b->load_count == b->load_capacity) {
        b->load_capacity = b->load_capacity ? 2 * b->load_capacity : LOADS_FIRST;
        b->loads = mem_realloc(b->loads, (size_t)b->load_capacity, sizeof *b->loads);
    }
    request_list_remove(&b->waiting, r);
    r->place = PLACE_LOADING;
    b->loads[b->load_count++] = (struct load){
        .r = r,
        .event = engine_at(b->base.engine, end, EVENT_TRANSFER, load_ended, b, (uint64_t)(uintptr_t)r),
        .computed = (uint32_t)computed,
    };
    if (r->watched) {
        batching_watch_loading(b, r);
    }
}

bool tiers_load_aside(struct batching *b, struct request *r, const struct prefix_match *match,
                      const struct kv_found *found) {
    int64_t tokens = found->host_tokens + found->store_tokens;
    if (!blocks_admit(b, r, match, tokens)) {
        return false;
    }
    tiers_count(b, r, match->tokens, found);
    add_load(b, r, kv_tiers_load(b->tiers, r, match->tokens, found), match->tokens + tokens);
    return true;
}

void tiers_prefetch(struct batching *b, struct request *r, const struct prefix_match *match,
                    const struct kv_found *found) {
    r->cached_tokens = (uint32_t)(match->tokens + found->host_tokens + found->store_tokens);
    add_load(b, r, kv_tiers_prefetch(b->tiers, r, match->tokens, found), 0);
}

static struct load take_load(struct batching *b, const struct request *r) {
    int64_t i = 0;
    while (b->loads[i].r != r) {
        i++;
        assert(i < b->load_count);
    }
    struct load load = b->loads[i];
    b->loads[i] = b->loads[--b->load_count];
    return load;
}

static void load_ended(void *context, uint64_t argument) {
    struct batching *b = context;
    struct request *r = (struct request *)(uintptr_t)argument;
    run_end(b); /* what others find from now on they find from here on */
    struct load load = take_load(b, r);
    if (load.computed > 0) {
        r->computed = load.computed;
        if (b->prefixes) {
            prefix_cache_learn(b->prefixes, r);
        }
    }
    batching_queue(b, r, true);
}

/* ---- who waits and has blocks ---- */

void tiers_let_go(struct batching *b, struct request *r) {
    if (r->blocks > 0) {
        blocks_give_back(b, r);
    } else if (r->place != PLACE_LOADING) {
        b->swap_blocks += blocks_for(b, r->computed);
    }
    r->computed = 0;
}

void tiers_cancel(struct batching *b, struct request *r) {
    struct load load = take_load(b, r);
    engine_cancel(b->base.engine, load.event);
    tiers_let_go(b, r);
}

struct request *tiers_stop_one(struct batching *b) {
    if (b->load_count == 0) {
        return NULL;
    }
    struct request *r = b->loads[b->load_count - 1].r;
    tiers_cancel(b, r);
    return r;
}

bool tiers_make_room(struct batching *b) {
    struct request *r = b->waiting.tail;
    while (r && (r->blocks == 0 || r->remote != REMOTE_NONE)) {
        r = r->previous;
    }
    if (!r) {
        return false;
    }
    tiers_let_go(b, r);
    return true;
}

/* ---- preempted to the host ---- */

static simtime swap_time(const struct batching *b, int64_t blocks) {
    const struct replica_config *c = &b->config;
    double gpus = (double)(c->tensor_parallel * c->pipeline_parallel);
    double bytes = (double)(blocks * c->block_tokens) * c->kv_bytes_per_token;
    return simtime_from_s(bytes / (c->gpu->host_bytes_per_s * gpus));
}

static uint64_t swap_bytes(const struct batching *b, int64_t blocks) {
    return (uint64_t)((double)(blocks * b->config.block_tokens) * b->config.kv_bytes_per_token);
}

bool swap_out(struct batching *b, const struct request *r) {
    int64_t blocks = blocks_for(b, r->computed);
    if (blocks == 0 || blocks > b->swap_blocks) {
        return false;
    }
    b->swap_blocks -= blocks;
    b->loading_ps += swap_time(b, blocks);
    b->base.swap_out_bytes += swap_bytes(b, blocks);
    return true;
}

void swap_in(struct batching *b, const struct request *r) {
    int64_t blocks = blocks_for(b, r->computed);
    b->swap_blocks += blocks;
    b->loading_ps += swap_time(b, blocks);
    b->base.swap_in_bytes += swap_bytes(b, blocks);
}
