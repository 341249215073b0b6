/* sim/serving/batching_private.h: what the files of continuous batching share. */
#ifndef DRYDOCK_SERVING_BATCHING_PRIVATE_H
#define DRYDOCK_SERVING_BATCHING_PRIVATE_H

#include "serving/prefix_cache.h"
#include "serving/replica.h"

/* Steps of a run along one straight piece of the table of service times: durations first, first + increment,
 * ... */
struct stretch {
    int64_t steps;
    simtime first, increment, slope; /* increment = slope x sequences */
};

/* How a step's time is shared among its requests (batching_share.c). */
struct step_share {
    struct step_parts parts; /* of the step under way */
    int64_t tokens, pairs;
    bool uniform; /* every running request decodes in it: what goes by token is the same for each */
    /* Uniform steps only add up until somebody joins or leaves; each running request is owed what per_token
     * has grown by since it joined. All wrap: differences count. */
    uint64_t pending, per_token;
    int64_t sequences; /* of the pending steps */
    uint64_t rest;     /* of divisions; goes into the next */
    uint64_t prefill_given;
};

/* request.place; from PLACE_LEAVING on, what is above it is the status it leaves with. */
enum { PLACE_NONE = REQUEST_PLACE_NONE, PLACE_WAITING, PLACE_RUNNING, PLACE_LEAVING };

/* Steps that differ in nothing but the length of their contexts, as one event: every running request makes a
 * token in each, nobody joins, leaves or is preempted before the last one's end. What the replica and its
 * requests say of themselves is as of the run's beginning until it is settled. */
struct decode_run {
    int64_t steps; /* 0 = no run; the last one's end is the pending event */
    simtime began_ps;
    int64_t sequences, context; /* of the first step */
    uint64_t counted;           /* requests whose gaps count */
    struct stretch head;        /* most runs need no other */
};

struct batching {
    struct replica base;
    struct replica_config config;
    const struct service_time *times;
    bool fast; /* runs of steps as one event */
    struct request_list waiting;
    struct request **running; /* in order of admission; room for max_num_seqs */
    int64_t *scheduled;       /* tokens each running request has in the step under way; 0 = left out */
    struct request **leaving; /* at the end of a step */
    int64_t running_count;
    int64_t free_blocks;           /* those that hold something of the prefix cache included */
    struct prefix_cache *prefixes; /* NULL: off */
    int64_t peak_blocks;           /* most ever in use */
    bool stepping;                 /* a step, or the event that begins one, is pending */
    bool in_step;                  /* its shape is fixed: who leaves, leaves at its end */
    bool unsettled; /* `running` is being changed: calls from callbacks may add to `waiting` and no more */
    bool stopped;
    event_id event;
    simtime step_began_ps;
    struct step_share share;
    int64_t step_tokens; /* of the step under way */
    struct decode_run run;
    struct batching_watch *watch; /* NULL: none ever came */
    size_t watched;               /* requests here that are watched */
    /* Gaps between tokens come in long runs of equal ones: counted here and handed over when they change. */
    simtime gap_ps;
    uint64_t gap_count;
};

/* batching.c: what the gateway may know, after a change. */
void batching_update_load(struct batching *b);

/* Of the step that begins, which is remembered for sharing it. */
simtime batching_step_time(struct batching *b, const struct step_shape *shape);

/* Is this its next token, rather than a piece of its prompt (or of what is computed again)? */
static inline bool batching_decodes(const struct request *r, int64_t tokens) {
    return tokens == 1 && r->generated > 0 && r->computed + 1 == r->input_tokens + r->generated;
}

/* Takes free blocks; what the prefix cache had in them is forgotten. */
static inline void batching_take_blocks(struct batching *b, int64_t blocks) {
    b->free_blocks -= blocks;
    if (b->prefixes) {
        prefix_cache_trim(b->prefixes, b->free_blocks);
    }
}

/* ---- batching_share.c: whose time a step was; docs/cost.md has the rule ---- */

void share_join(struct batching *b, struct request *r);  /* `running` gets one more */
void share_leave(struct batching *b, struct request *r); /* or one less; its work is whole now */
/* The step under way: its time by parts, and its shape. */
void share_step(struct batching *b, const struct step_parts *parts, const struct step_shape *shape);
/* It has ended: before its requests are advanced by `tokens` each, and after all were. */
void share_ended(struct batching *b);
void share_mixed(struct batching *b, struct request *r, int64_t tokens); /* of a step that is not uniform */
static inline void share_request(struct batching *b, struct request *r, int64_t tokens) {
    if (b->share.uniform) {
        r->work_ps += (uint64_t)(b->share.parts.decode_slope * (r->computed + 1));
    } else {
        share_mixed(b, r, tokens);
    }
}
void share_done(struct batching *b);
/* `steps` uniform steps whose time by token came to `by_token` in all. */
void share_uniform(struct batching *b, int64_t sequences, uint64_t by_token);
/* Pays out what running requests are owed. */
void share_settle(struct batching *b);

/* ---- batching_run.c ---- */

/* Makes a run of the step that begins now, whose shape (all running requests, a token each) and blocks are
 * fixed, if more than one can be foreseen: as many as the first completion and the free KV blocks allow.
 * Answers how long all of it takes, or the one step. */
simtime run_begin(struct batching *b, const struct step_shape *shape);

/* Applies the steps that have ended and leaves the one under way as an ordinary step, its event in place. */
void run_settle(struct batching *b);

/* KV blocks in use, the step under way included. */
int64_t run_blocks_in_use(const struct batching *b);

/* Steps of the run that have ended by now; 0 without one. */
int64_t run_steps_ended(const struct batching *b);

/* ---- batching_watch.c: requests that are watched; for the others only while b->watched ---- */

void batching_watch_joins(struct batching *b, struct request *r); /* it is the last one in the queue */
void batching_watch_leaves(struct batching *b, const struct request *r);

/* `by` asked for blocks for `tokens` more. */
void batching_watch_preempted(struct batching *b, const struct request *r, const struct request *by,
                              int64_t tokens);

/* Of a step that is scheduled, with what it left of the token budget; before a run is made of it. */
void batching_watch_begins(struct batching *b, const struct step_shape *shape, bool all_fit, int64_t budget);

/* Of a step that is no run: before its requests are advanced. */
void batching_watch_ends(struct batching *b, simtime now);

/* Of step number `step` (from 0) of a run that is being settled, before its requests are advanced; then of
 * the step under way, which began at `began`. */
void batching_watch_run_step(struct batching *b, int64_t step, simtime began, simtime ended);
void batching_watch_run_settled(struct batching *b, int64_t ended, simtime began);

#endif
