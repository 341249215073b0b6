/* sim/serving/watch.h: what a replica tells of the requests that somebody watches (request.watched): before
 * whom they waited and why, which batches they were in, who took their memory.
 *
 * A replica is only ever looked at: no event is added or moved, so a run that is watched is the same to the
 * bit. With runs of steps as one event the same calls come as step by step, with the same dates; they may
 * come later than those dates, in order for each request.
 */
#ifndef DRYDOCK_SERVING_WATCH_H
#define DRYDOCK_SERVING_WATCH_H

#include "workload/request.h"

struct replica;

/* What a request in a replica does, or what it waits for. */
enum watch_phase {
    WATCH_UNDER_WAY,     /* it came during a step; who joins is decided between steps */
    WATCH_SEQUENCES,     /* as many requests run as may */
    WATCH_BLOCKS,        /* who is first in the queue finds no KV blocks */
    WATCH_BUDGET,        /* those before it use up the tokens of a step */
    WATCH_ADAPTERS,      /* its adapter would be one more than may be in a batch */
    WATCH_LOADING,       /* its prompt's KV blocks come from the host or a store */
    WATCH_PREEMPTS,      /* a step in which somebody is preempted admits nobody */
    WATCH_THREADS,       /* of a plain server: all are busy */
    WATCH_PREFILL,       /* its prompt is computed */
    WATCH_LEFT_OUT,      /* it runs, and those before it use up the tokens of the step */
    WATCH_RECOMPUTE,     /* what it lost by preemption is computed again */
    WATCH_DECODE,        /* in steps that only decode */
    WATCH_DECODE_BESIDE, /* in steps in which prompts of others are computed too */
    WATCH_SERVICE,       /* a thread of a plain server works on it */
    WATCH_REMOTE,        /* its KV comes from another replica */
    WATCH_PHASES
};

/* One step of an engine with the request in its batch. */
struct watch_step {
    simtime began_ps, ended_ps;
    enum watch_phase phase;   /* WATCH_PREFILL ... WATCH_DECODE_BESIDE */
    int64_t computed, tokens; /* of the request: before the step, and in it; 0 = left out */
    bool makes_token;
    int64_t decoding, decode_context; /* the batch, the request included: sequences, their contexts in sum */
    int64_t prefilling, prefill_tokens; /* sequences, their tokens in this step */
};

/* What a request found when it came. */
struct watch_queue {
    const struct request
        *ahead; /* who waits before it, the first first, by `next`; ends before `count` more */
    uint32_t count, running;
    int64_t kv_permille; /* -1 = has no KV cache */
};

struct watch {
    void (*queued)(void *context, const struct request *r, const struct watch_queue *queue);
    /* From `at` on. */
    void (*phase)(void *context, const struct request *r, simtime at, enum watch_phase phase);
    void (*step)(void *context, const struct request *r, const struct watch_step *step);
    /* It gave back its blocks, so that `by` (itself, perhaps) can have `blocks` more. */
    void (*preempted)(void *context, const struct request *r, simtime at, const struct request *by,
                      int64_t blocks);
    void *context;
};

enum { WATCH_REQUESTS_MAX = 64 }; /* watched at one time */

#endif
