/* sim/serving/replica.h: one replica of a service: what takes requests and answers them after a while.
 *
 * A kind is one struct of functions: the engines of language models (llm/llm.h), a plain server with c
 * threads and a queue (plain_server.c). Whoever owns the replica is told what happens through struct
 * replica_events; it may submit to this or another replica from inside those calls, and cancel or stop from
 * inside `finished`.
 */
#ifndef DRYDOCK_SERVING_REPLICA_H
#define DRYDOCK_SERVING_REPLICA_H

#include "base/arena.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "scenario/scenario.h"
#include "serving/service_time.h"
#include "serving/watch.h"
#include "workload/request.h"

struct replica;

/* All calls are made at the date engine_now() gives. */
struct replica_events {
    /* The request joined a batch, or a server, for the first time. */
    void (*scheduled)(void *context, struct replica *replica, struct request *request);
    void (*first_token)(void *context, struct replica *replica, struct request *request);
    /* The replica lets go of the request: status completed, or what was given to replica_cancel or
     * replica_stop. */
    void (*finished)(void *context, struct replica *replica, struct request *request,
                     enum request_status status);
    /* In each of `steps` steps `count` counted requests waited between two tokens: `gap` in the first,
     * `increment` more in each further one. */
    void (*token_gaps)(void *context, struct replica *replica, simtime gap, simtime increment, uint64_t steps,
                       uint64_t count);
    /* Took `blocks` blocks for the KV of a request (request.remote): it may come now, and not from inside
     * this call. NULL where no such requests are submitted. */
    void (*kv_wanted)(void *context, struct replica *replica, struct request *request, int64_t blocks);
    void *context;
    const struct watch *watch; /* must be there when requests are watched */
};

struct replica_ops {
    const char *name;
    /* False when the request is turned away: *reason says why, as a literal. */
    bool (*submit)(struct replica *replica, struct request *request, const char **reason);
    void (*cancel)(struct replica *replica, struct request *request, enum request_status status);
    void (*stop)(struct replica *replica, enum request_status status);
    void (*destroy)(struct replica *replica);
    simtime_total (*busy)(const struct replica *replica); /* busy_ps and what is under way */
    void (*settle)(struct replica *replica);              /* NULL: it always is */
    void (*look)(struct replica *replica);                /* NULL: its load is up to date */
    void (*pace)(struct replica *replica, int64_t ppm);   /* sets pace_ppm */
    void (*hang)(struct replica *replica);
    void (*revive)(struct replica *replica);
    /* NULL: has no KV to hand over */
    void (*kv_arrived)(struct replica *replica, struct request *request);
    void (*kv_left)(struct replica *replica, struct request *request);
};

enum { REPLICA_STEP_CLASSES = 21 }; /* up to SERVICE_TIME_MAX_TOKENS */

/* The part every kind begins with. */
struct replica {
    const struct replica_ops *ops;
    struct engine *engine;
    const struct replica_events *events;
    const char *name; /* namespace/kind/name/ordinal */
    uint32_t index;   /* in the run */
    uint32_t service; /* that it serves */
    uint32_t
        rank; /* of the ends of its steps among those of an instant: `servers` ranks from here are its own
               */
    uint64_t first_ticket; /* its requests are counted from here */
    /* What the gateway and telemetry may know. */
    uint32_t waiting;
    uint32_t running;
    uint32_t kv_permille; /* as of the last replica_look */
    /* What it did. Busy fraction = busy_ps / (servers * time it was there). */
    uint32_t servers; /* that work side by side: 1 for a batching engine, the threads of a plain server */
    simtime_total busy_ps; /* summed over servers: a thousand of them pass int64 within hours */
    uint64_t steps;
    uint64_t preemptions;
    uint64_t cut;           /* answers ended at the model's greatest length */
    uint64_t prompt_tokens; /* computed, recomputed ones too */
    uint64_t generated_tokens;
    uint64_t prefix_queries, prefix_hits; /* prompt tokens that the prefix cache was asked for, and had */
    /* Of them, those that the host's memory and a store were asked for, and what was loaded from each. */
    uint64_t external_queries, host_hits, store_hits;
    uint64_t kv_load_bytes, kv_store_bytes;         /* to the GPUs, and from them */
    uint64_t swap_out_bytes, swap_in_bytes;         /* of preempted requests */
    uint64_t kv_peak_permille;                      /* as of the last replica_settle */
    uint64_t step_tokens;                           /* of all steps in sum: computed and generated ones */
    uint64_t steps_by_tokens[REPLICA_STEP_CLASSES]; /* steps of at most 2^i tokens, and more than 2^(i - 1) */
    int64_t pace_ppm; /* what work takes, in millionths of what it should; 0 = what it should */
};

/* A server with `concurrency` threads, a FIFO queue of at most `queue_limit` (-1 = any) and service times
 * drawn from `law` by (seed, service name, request id), so that two definitions see the same work; a request
 * that states its own service_s takes that instead. */
struct plain_server_config {
    struct delay law;
    int64_t concurrency;
    int64_t queue_limit;
    double time_factor;
    uint64_t seed;
    const char *service_name;
};
struct replica *plain_server_create(struct engine *engine, const struct plain_server_config *config,
                                    const struct replica_events *events);

static inline bool replica_submit(struct replica *r, struct request *request, const char **reason) {
    return r->ops->submit(r, request, reason);
}

/* Takes a submitted request away; `finished` is called with `status`, now or at the end of the step under
 * way. */
static inline void replica_cancel(struct replica *r, struct request *request, enum request_status status) {
    r->ops->cancel(r, request, status);
}

/* Stops at once: every request it holds is finished with `status`. Nothing may be submitted afterwards. */
static inline void replica_stop(struct replica *r, enum request_status status) {
    r->ops->stop(r, status);
}

/* What begins from now on takes `ppm` millionths of the time it should; what is under way keeps its time. */
static inline void replica_pace(struct replica *r, int64_t ppm) {
    r->ops->pace(r, ppm == 1000000 ? 0 : ppm);
}

/* The nearest whole picosecond, halves away from zero. */
static inline simtime replica_paced(simtime time, int64_t ppm) {
    __int128 product = (__int128)time * ppm;
    return (simtime)((product + (product < 0 ? -500000 : 500000)) / 1000000);
}

/* Does nothing more until it is stopped: what is under way is lost, what is submitted waits. Cancelling goes
 * on working: whoever gives up leaves at once. */
static inline void replica_hang(struct replica *r) {
    r->ops->hang(r);
}

/* One that was stopped works again, with empty caches: its process has been started anew. What it counts goes
 * on. */
static inline void replica_revive(struct replica *r) {
    r->ops->revive(r);
}

/* Busy time to now, with the step or the services under way. */
static inline simtime_total replica_busy_ps(const struct replica *r) {
    return r->ops->busy(r);
}

/* Brings all that the replica and its requests say of themselves up to now. What changes it settles by
 * itself; this is for the end of a run. */
static inline void replica_settle(struct replica *r) {
    if (r->ops->settle) {
        r->ops->settle(r);
    }
}

/* Brings waiting, running and kv_permille up to now; cheaper than settling. */
static inline void replica_look(struct replica *r) {
    if (r->ops->look) {
        r->ops->look(r);
    }
}

/* The KV that was wanted for the request is there: it may join a batch. */
static inline void replica_kv_arrived(struct replica *r, struct request *request) {
    r->ops->kv_arrived(r, request);
}

/* What a request that was answered has left behind (request.leaves_kv) is needed no longer. */
static inline void replica_kv_left(struct replica *r, struct request *request) {
    r->ops->kv_left(r, request);
}

/* For engines: `steps` steps of so many tokens have ended. */
static inline void replica_count_steps(struct replica *r, int64_t tokens, int64_t steps) {
    int i = tokens > 1 ? 64 - __builtin_clzll((unsigned long long)tokens - 1) : 0;
    r->step_tokens += (uint64_t)(tokens * steps);
    r->steps_by_tokens[i < REPLICA_STEP_CLASSES ? i : REPLICA_STEP_CLASSES - 1] += (uint64_t)steps;
}

static inline void replica_destroy(struct replica *r) {
    if (r) {
        r->ops->destroy(r);
    }
}

#endif
