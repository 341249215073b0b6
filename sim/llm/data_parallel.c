/* Data parallel engines in one pod (--data-parallel-size): each has its own GPUs, KV cache and scheduler, and
 * the API server in front of them picks one for each request.
 *
 * vLLM (DPLBAsyncMPClient.get_core_engine_for_request in vllm/v1/engine/core_client.py, 0.10 to early 2026):
 * the least of 4 x waiting + running, the first among equals. It counts what it sends at once, and learns
 * every 100 ms what the engines did with it; here it always knows. SGLang: one after the other
 * (--load-balance-method round_robin).
 *
 * Left out: that engines of a mixture-of-experts model wait for each other in every step. */
#include <assert.h>
#include <stdlib.h>

#include "llm/llm.h"

struct data_parallel {
    struct replica base;
    bool in_turn;
    uint32_t next; /* whose turn it is */
    const struct replica_events *events;
    struct replica_events inner;
    struct replica **cores; /* base.servers of them */
};

/* Requests carry their core above the count of those that reached it. */
enum { CORE_SHIFT = 48 };

static struct data_parallel *parallel_of(struct replica *r) {
    return (struct data_parallel *)r;
}

static struct replica *core_of(const struct data_parallel *p, const struct request *r) {
    return p->cores[r->ticket >> CORE_SHIFT];
}

/* What the whole says of itself is the sum of what its engines say. */
static void gather(struct data_parallel *p) {
    struct replica *b = &p->base;
    uint64_t kv = 0, peak = 0;
    assert(b->servers > 1);
    b->waiting = b->running = 0;
    b->steps = b->preemptions = b->cut = b->prompt_tokens = b->generated_tokens = 0;
    b->prefix_queries = b->prefix_hits = b->external_queries = b->host_hits = b->store_hits = 0;
    b->kv_load_bytes = b->kv_store_bytes = b->swap_out_bytes = b->swap_in_bytes = 0;
    b->busy_ps = 0;
    for (uint32_t i = 0; i < b->servers; i++) {
        const struct replica *c = p->cores[i];
        b->waiting += c->waiting;
        b->running += c->running;
        b->busy_ps += c->busy_ps;
        b->steps += c->steps;
        b->preemptions += c->preemptions;
        b->cut += c->cut;
        b->prompt_tokens += c->prompt_tokens;
        b->generated_tokens += c->generated_tokens;
        b->prefix_queries += c->prefix_queries;
        b->prefix_hits += c->prefix_hits;
        b->external_queries += c->external_queries;
        b->host_hits += c->host_hits;
        b->store_hits += c->store_hits;
        b->kv_load_bytes += c->kv_load_bytes;
        b->kv_store_bytes += c->kv_store_bytes;
        b->swap_out_bytes += c->swap_out_bytes;
        b->swap_in_bytes += c->swap_in_bytes;
        kv += c->kv_permille;
        peak += c->kv_peak_permille;
    }
    b->kv_permille = (uint32_t)(kv / b->servers);
    b->kv_peak_permille = peak / b->servers;
}

/* ---- what its engines say ---- */

static void core_scheduled(void *context, struct replica *core, struct request *r) {
    (void)core;
    struct data_parallel *p = context;
    gather(p);
    p->events->scheduled(p->events->context, &p->base, r);
}

static void core_first_token(void *context, struct replica *core, struct request *r) {
    (void)core;
    struct data_parallel *p = context;
    gather(p);
    p->events->first_token(p->events->context, &p->base, r);
}

static void core_finished(void *context, struct replica *core, struct request *r,
                          enum request_status status) {
    (void)core;
    struct data_parallel *p = context;
    gather(p);
    p->events->finished(p->events->context, &p->base, r, status);
}

static void core_token_gaps(void *context, struct replica *core, simtime gap, simtime increment,
                            uint64_t steps, uint64_t count) {
    (void)core;
    struct data_parallel *p = context;
    p->events->token_gaps(p->events->context, &p->base, gap, increment, steps, count);
}

static void core_kv_wanted(void *context, struct replica *core, struct request *r, int64_t blocks) {
    (void)core;
    struct data_parallel *p = context;
    p->events->kv_wanted(p->events->context, &p->base, r, blocks);
}

/* ---- what its owner calls ---- */

static uint32_t choose(struct data_parallel *p) {
    if (p->in_turn) {
        uint32_t chosen = p->next;
        p->next = (p->next + 1) % p->base.servers;
        return chosen;
    }
    uint32_t best = 0;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < p->base.servers; i++) {
        uint64_t score = 4 * (uint64_t)p->cores[i]->waiting + p->cores[i]->running;
        best = score < least ? i : best;
        least = score < least ? score : least;
    }
    return best;
}

static bool parallel_submit(struct replica *replica, struct request *r, const char **reason) {
    struct data_parallel *p = parallel_of(replica);
    uint32_t chosen = choose(p);
    p->cores[chosen]->rank = replica->rank + chosen;
    bool taken = replica_submit(p->cores[chosen], r, reason);
    gather(p);
    return taken;
}

static void parallel_cancel(struct replica *replica, struct request *r, enum request_status status) {
    struct data_parallel *p = parallel_of(replica);
    replica_cancel(core_of(p, r), r, status);
    gather(p);
}

static void parallel_stop(struct replica *replica, enum request_status status) {
    struct data_parallel *p = parallel_of(replica);
    for (uint32_t i = 0; i < replica->servers; i++) {
        replica_stop(p->cores[i], status);
    }
    gather(p);
}

static void parallel_destroy(struct replica *replica) {
    struct data_parallel *p = parallel_of(replica);
    for (uint32_t i = 0; i < replica->servers; i++) {
        replica_destroy(p->cores[i]);
    }
    free(p->cores);
    free(p);
}

static simtime_total parallel_busy(const struct replica *replica) {
    const struct data_parallel *p = (const struct data_parallel *)replica;
    simtime_total busy = 0;
    for (uint32_t i = 0; i < replica->servers; i++) {
        busy += replica_busy_ps(p->cores[i]);
    }
    return busy;
}

static void parallel_settle(struct replica *replica) {
    struct data_parallel *p = parallel_of(replica);
    for (uint32_t i = 0; i < replica->servers; i++) {
        replica_settle(p->cores[i]);
    }
    gather(p);
}

static void parallel_look(struct replica *replica) {
    struct data_parallel *p = parallel_of(replica);
    for (uint32_t i = 0; i < replica->servers; i++) {
        replica_look(p->cores[i]);
    }
    gather(p);
}

static void parallel_pace(struct replica *replica, int64_t ppm) {
    struct data_parallel *p = parallel_of(replica);
    for (uint32_t i = 0; i < replica->servers; i++) {
        p->cores[i]->ops->pace(p->cores[i], ppm);
    }
    replica->pace_ppm = ppm;
}

static void parallel_hang(struct replica *replica) {
    struct data_parallel *p = parallel_of(replica);
    for (uint32_t i = 0; i < replica->servers; i++) {
        replica_hang(p->cores[i]);
    }
    gather(p);
}

static void parallel_revive(struct replica *replica) {
    struct data_parallel *p = parallel_of(replica);
    for (uint32_t i = 0; i < replica->servers; i++) {
        replica_revive(p->cores[i]);
    }
    gather(p);
}

static void parallel_kv_arrived(struct replica *replica, struct request *r) {
    struct data_parallel *p = parallel_of(replica);
    replica_kv_arrived(core_of(p, r), r);
    gather(p);
}

static void parallel_kv_left(struct replica *replica, struct request *r) {
    struct data_parallel *p = parallel_of(replica);
    replica_kv_left(core_of(p, r), r);
    gather(p);
}

static const struct replica_ops parallel_ops = {
    .name = "data-parallel",
    .submit = parallel_submit,
    .cancel = parallel_cancel,
    .stop = parallel_stop,
    .destroy = parallel_destroy,
    .busy = parallel_busy,
    .settle = parallel_settle,
    .look = parallel_look,
    .pace = parallel_pace,
    .hang = parallel_hang,
    .revive = parallel_revive,
    .kv_arrived = parallel_kv_arrived,
    .kv_left = parallel_kv_left,
};

struct replica *data_parallel_create(struct engine *engine, const struct replica_config *config,
                                     const struct service_time *times, bool fast,
                                     const struct replica_events *events) {
    if (config->data_parallel <= 1) {
        return batching_create(engine, config, times, fast, events);
    }
    struct data_parallel *p = mem_zalloc(1, sizeof *p);
    p->base.ops = &parallel_ops;
    p->base.engine = engine;
    p->base.servers = (uint32_t)config->data_parallel;
    p->in_turn = config->engines_in_turn;
    p->events = events;
    p->inner = (struct replica_events){
        .scheduled = core_scheduled,
        .first_token = core_first_token,
        .finished = core_finished,
        .token_gaps = core_token_gaps,
        .kv_wanted = core_kv_wanted,
        .watch = events->watch,
        .context = p,
    };
    p->cores = mem_zalloc(p->base.servers, sizeof *p->cores);
    for (uint32_t i = 0; i < p->base.servers; i++) {
        p->cores[i] = batching_create(engine, config, times, fast, &p->inner);
        p->cores[i]->first_ticket = (uint64_t)i << CORE_SHIFT;
    }
    return &p->base;
}
