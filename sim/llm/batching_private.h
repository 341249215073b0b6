/* sim/llm/batching_private.h: what the files of continuous batching share. */
#ifndef DRYDOCK_LLM_BATCHING_PRIVATE_H
#define DRYDOCK_LLM_BATCHING_PRIVATE_H

#include "llm/adapters.h"
#include "llm/kv_tiers.h"
#include "llm/llm.h"
#include "llm/prefix_cache.h"

/* Steps of a run along one straight piece of the table of service times: durations first, first + increment,
 * ... */
struct run_piece {
    int64_t before, steps;           /* steps of the run before it, and in it */
    simtime first, increment, slope; /* increment = slope x sequences */
    simtime began;                   /* after the run's beginning */
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
enum {
    PLACE_NONE = REQUEST_PLACE_NONE,
    PLACE_WAITING,
    PLACE_LOADING,
    PLACE_RUNNING,
    PLACE_COMING,
    PLACE_LEAVING
};

/* Steps that differ in nothing but the length of their contexts, as one event: every running request makes a
 * token in each, nobody joins, leaves or is preempted before the last one's end. What the replica and its
 * requests say of themselves is as of the run's beginning until it is settled. */
enum { RUN_PIECES = 16 }; /* a run that needs more ends before them */
struct decode_run {
    int64_t steps; /* 0 = no run; the last one's end is the pending event */
    simtime began_ps;
    int64_t sequences, context; /* of the first step */
    int pieces;                 /* that it was laid out in, longer than it is when it was cut */
    struct run_piece piece[RUN_PIECES];
};

/* Requests that decode side by side: running[0 .. count) make a token each in every step, so that what a step
 * does to them it does to all alike. It is kept here once, and a step costs the same however many they are;
 * only who enters and who leaves is touched. While r is in it
 *   r->computed, generated   lack `steps` (they wrap),
 *   r->work_ps               lacks (its tokens computed - steps + 1) * slopes + offsets,
 *   r->last_token_ps, blocks are as they were when it entered; `last_token_ps` here is its own, and its
 * blocks are those of its tokens, the step under way included when `taken`, and always (cohort_check holds it
 * to this, after every step in sanitized builds) context    = sum over members of tokens computed, counted =
 * members whose gaps count, ends_at[i] = `steps` when running[i] has made its last token; ends = the least of
 * them, due[p]     = members that need a block for the step whose phase is p; growing = sum of due, phase =
 * of the step under way or to begin: one more each step, modulo block_tokens. Whoever wants records as they
 * are calls run_settle, or cohort_settle when there is no run. Nobody is in it between steps while somebody
 * is watched. */
struct cohort {
    int64_t count;
    uint32_t steps; /* that have ended since it was empty */
    uint32_t phase;
    uint32_t ends;
    bool taken; /* blocks for the step under way are */
    int64_t context, counted, growing;
    uint64_t slopes,
        offsets; /* sums over those steps of their decode_slope, and of slope x steps before it */
    simtime last_token_ps;
    uint32_t *due;     /* [block_tokens] */
    uint32_t *ends_at; /* room for max_num_seqs */
};

/* What SGLang's scheduler keeps from step to step. */
struct sglang_state {
    int64_t ratio;           /* new-token ratio, in billionths; 0 = not yet */
    uint64_t steps;          /* taken when it last scheduled */
    int64_t batch;           /* requests in the batch then */
    struct request *chunked; /* whose prompt was cut; NULL */
    bool full;               /* nobody is tried until somebody leaves */
    bool decoded, idle;      /* what the last step was */
    /* Under overlap, those that made their last token in the step before: they decode once more, in vain. */
    int64_t late, late_context;
};

/* And Text Generation Inference's. */
struct tgi_state {
    uint64_t steps;
    int64_t steps_without; /* since somebody was let in */
    bool admitted;         /* the last step let somebody in: now all decode */
};

struct batching {
    struct replica base;
    struct replica_config config;
    const struct service_time *times;
    bool fast;            /* runs of steps as one event */
    uint64_t next_ticket; /* requests submitted so far */
    struct request_list waiting;
    struct request_list coming; /* their KV is on its way from another replica */
    int64_t parked;           /* requests that hold blocks and run not: coming, or answered and not let go */
    struct request **running; /* in order of admission; room for max_num_seqs */
    int64_t *scheduled;       /* tokens each running request has in the step under way; 0 = left out */
    struct request **leaving; /* at the end of a step */
    int64_t running_count;
    struct cohort cohort;          /* the first of `running` */
    int64_t budget_left;           /* tokens that the step under way could have had beside */
    int64_t free_blocks;           /* those that hold something of the prefix cache included */
    struct prefix_cache *prefixes; /* NULL: off */
    struct adapters *adapters;     /* NULL: the engine takes none */
    struct kv_tiers *tiers;        /* NULL: KV blocks are on the GPUs alone */
    struct load *loads;            /* requests that are read in, out of the queue */
    int64_t load_count, load_capacity;
    int64_t swap_blocks; /* of the host, free for preempted requests */
    struct sglang_state sglang;
    struct tgi_state tgi;
    simtime loading_ps;  /* that the step to begin waits for adapters, and for swapping */
    simtime fetch_ps;    /* after which what it reads from the tiers has come */
    int64_t peak_blocks; /* most ever in use */
    /* Asynchronous scheduling: what left at the end of the step before is not known of yet. */
    int64_t just_left, just_freed; /* requests, blocks */
    uint32_t last_joined;          /* joined_step of the last one submitted */
    bool caught_up;                /* the batch is made with all known: there was nothing else to do */
    bool stepping;                 /* a step, or the event that begins one, is pending */
    bool in_step;                  /* its shape is fixed: who leaves, leaves at its end */
    bool unsettled; /* `running` is being changed: calls from callbacks may add to `waiting` and no more */
    bool stopped;
    event_id event;
    simtime step_began_ps;
    struct step_share share;
    int64_t step_tokens;     /* of the step under way */
    struct decode_line line; /* of the table, as last asked for, for so many sequences */
    int64_t line_sequences;
    struct decode_run run;
    struct batching_watch *watch; /* NULL: none ever came */
    size_t watched;               /* requests here that are watched */
    /* Gaps between tokens grow by the same from step to step: counted here and handed over when they do not,
     * at the latest when the batch is empty. */
    struct gap_run {
        simtime first, increment;
        uint64_t steps, weight;
    } gaps;
};

/* batching.c: what the gateway may know, after a change. */
void batching_update_load(struct batching *b);

/* batching.c, for a request that has come, or whose KV has: it is noted which step is under way; a run goes
 * on no further than to the step that it may join; the engine that had nothing to do begins one. Then, for
 * one that goes, `finished`. */
void batching_note_step(struct batching *b, struct request *r);
void batching_make_way(struct batching *b, const struct request *r);
void batching_wake(struct batching *b);
void batching_let_go(struct batching *b, struct request *r, enum request_status status);

/* batching.c: the first token of its answer came with its KV. */
void batching_first_token(struct batching *b, struct request *r);
/* Puts a request into the queue, with `again` in its old place, and has the engine go on: a run of steps goes
 * no further than to the one that it may join, and an idle engine begins one. */
void batching_queue(struct batching *b, struct request *r, bool again);

/* Of the step that begins, which is remembered for sharing it. */
simtime batching_step_time(struct batching *b, const struct step_shape *shape);

/* Hands over the gaps between tokens that are counted and not told yet. */
void batching_flush_gaps(struct batching *b);

/* `weight` gaps in each of `steps` steps, to be told with others or by themselves. */
void batching_gaps(struct batching *b, simtime first, simtime increment, uint64_t steps, uint64_t weight);

void batching_pace_line(struct batching *b); /* batching_faults.c */

/* The line of the table for steps that only decode; until the next call. */
static inline const struct decode_line *batching_decode_line(struct batching *b, int64_t sequences,
                                                             int64_t context) {
    if (sequences != b->line_sequences || context < b->line.from || context >= b->line.to) {
        service_time_decode_line_into(b->times, sequences, context, &b->line);
        b->line_sequences = sequences;
        if (b->base.pace_ppm) {
            batching_pace_line(b);
        }
    }
    return &b->line;
}

/* Takes free blocks; what the prefix cache had in them is forgotten. */
static inline void batching_take_blocks(struct batching *b, int64_t blocks) {
    b->free_blocks -= blocks;
    if (b->prefixes) {
        prefix_cache_trim(b->prefixes, b->free_blocks);
    }
}

static inline int64_t tokens_known(const struct request *r) {
    return (int64_t)r->input_tokens + r->generated;
}

/* Is its next token the one it made last (with drafts behind it), rather than one of its prompt, or one that
 * is computed again? */
static inline bool is_decoding(const struct request *r) {
    return r->generated > 0 && (int64_t)r->computed + 1 == tokens_known(r);
}

/* Adds the next `tokens` of a request to a step, or takes them out again (sign -1). */
static inline void shape_count(struct step_shape *shape, const struct request *r, int64_t tokens,
                               int64_t sign) {
    int64_t context = r->computed, known = tokens_known(r);
    if (is_decoding(r)) {
        shape->decode_sequences += sign;
        shape->decode_context += sign * (context + tokens);
        shape->draft_tokens += sign * (tokens - 1);
    } else {
        shape->prefill_tokens += sign * tokens;
        shape->prefill_pairs += sign * (tokens * context + tokens * (tokens + 1) / 2);
        shape->prefill_context += sign * (context + tokens);
    }
    if (context + tokens >= known) {
        shape->sampled += sign * (context + tokens - known + 1);
    }
}

/* ---- batching_blocks.c: what schedulers share ---- */

/* Blocks for the next `new_tokens` and `lookahead` behind them; false and nothing taken when there are too
 * few. */
bool blocks_take(struct batching *b, struct request *r, int64_t new_tokens, int64_t lookahead);

/* What a request of the batch holds is free again: it leaves. */
void release(struct batching *b, struct request *r);

/* What the prefix cache has of a request that is about to be admitted; it is held when it is taken. */
struct prefix_match prefix_of(const struct batching *b, const struct request *r);

/* Blocks for the first `tokens` after the match: all of them, or none and nothing held. */
bool blocks_admit(struct batching *b, struct request *r, const struct prefix_match *match, int64_t tokens);

/* Its blocks alone. */
void blocks_give_back(struct batching *b, struct request *r);

/* ---- batching_leave.c: replica_cancel and replica_stop ---- */

void batching_cancel(struct replica *replica, struct request *r, enum request_status status);
void batching_stop(struct replica *replica, enum request_status status);

/* ---- batching_remote.c: KV that comes from another replica, or is to go there ---- */

/* Blocks for the whole prompt of one that waits for its KV (REMOTE_WANTED): it is told, and waits among those
 * that come. False when there are too few. */
bool remote_reserve(struct batching *b, struct request *r);

/* One that is coming goes; no longer among them. */
void remote_take_off(struct batching *b, struct request *r);

/* For replica_ops. */
void batching_kv_arrived(struct replica *replica, struct request *r);
void batching_kv_left(struct replica *replica, struct request *r);
static inline int64_t blocks_for(const struct batching *b, int64_t tokens) {
    return (tokens + b->config.block_tokens - 1) / b->config.block_tokens;
}

/* Does it wait with blocks of its own, on the GPUs (read in from the tiers) or on the host (swapped)? */
static inline bool has_blocks(const struct request *r) {
    return r->computed > 0;
}

/* Puts a request among those that wait: behind all, or, under priority scheduling, behind those that go
 * before it. */
void waiting_add(struct batching *b, struct request *r);

/* Puts one that has been in the queue before where it was: behind those that came before it. */
void waiting_put_back(struct batching *b, struct request *r);

/* Takes running[at] out of the batch, so that `by` finds blocks for `tokens` more: its own are freed, it
 * waits and will compute all again. */
void preempt(struct batching *b, int64_t at, const struct request *by, int64_t tokens);

/* The request, admitted with `tokens` to compute beside what `match` found, joins the batch. */
void join(struct batching *b, struct request *r, const struct prefix_match *match, int64_t tokens);

/* Has its coming been noticed when the batch of the step that begins now was made? */
static inline bool is_known(const struct batching *b, const struct request *r) {
    return !b->config.async_scheduling || b->caught_up ||
           (int32_t)(r->joined_step + 2 - (uint32_t)b->base.steps) <= 0;
}

/* ---- batching_cohort.c ---- */

void cohort_create(struct batching *b);
void cohort_destroy(struct batching *b);

/* All that may follow those in it, in the order of `running`. */
void cohort_gather(struct batching *b);

/* All records as they are; nobody is in it. */
void cohort_settle(struct batching *b);

/* Schedules the next token of each: how many they are. 0 and nobody in it where `budget` or blocks do not do
 * for all: then one by one. */
int64_t cohort_schedule(struct batching *b, struct step_shape *shape, int64_t budget);

/* The step under way has ended; then who has its last token leaves `running` for `leaving`: how many. */
void cohort_advance(struct batching *b, simtime now);
int64_t cohort_end(struct batching *b);

/* Blocks for the next `steps` steps behind the one under way; the most steps, up to `most`, that so many
 * blocks do for. */
int64_t cohort_blocks(const struct batching *b, int64_t steps);
int64_t cohort_steps_with(const struct batching *b, int64_t blocks, int64_t most);

/* So many steps have ended, another is under way: the sum of their slopes, and of slope x steps before it. */
void cohort_pass(struct batching *b, int64_t steps, uint64_t slopes, uint64_t offsets, simtime last_token);

/* Asserts what its sums promise, by adding up again: O(batch), so in builds with the address sanitizer only.
 */
#ifdef __SANITIZE_ADDRESS__
void cohort_check(const struct batching *b);
#else
static inline void cohort_check(const struct batching *b) {
    (void)b;
}
#endif

/* ---- batching_tiers.c ---- */

/* Empty ones, in place of those that there are. */
void tiers_open(struct batching *b);

/* What the tiers have behind the match; nothing without tiers. */
struct kv_found tiers_find(const struct batching *b, const struct request *r,
                           const struct prefix_match *match);

/* Counts where the prompt of a request that is admitted for the first time was found. */
void tiers_count(struct batching *b, struct request *r, int64_t on_gpu, const struct kv_found *found);

/* Reads it in for the step that begins, which waits: the request has its blocks. */
void tiers_fetch(struct batching *b, struct request *r, const struct kv_found *found);

/* How long that keeps up a step which computes for so long. */
simtime tiers_step_waits(const struct batching *b, simtime computes);

/* Is what comes behind its first `tokens` being read in for another one? */
bool tiers_is_loading(const struct batching *b, const struct request *r, int64_t tokens);

/* Reads it in beside the steps: the request gets its blocks and leaves the queue until then. False when there
 * are too few blocks. */
bool tiers_load_aside(struct batching *b, struct request *r, const struct prefix_match *match,
                      const struct kv_found *found);

/* Has the store's part brought to the host, once in a request's life, which leaves the queue until then. */
void tiers_prefetch(struct batching *b, struct request *r, const struct prefix_match *match,
                    const struct kv_found *found);

/* A waiting request's blocks are free again: it computes all. */
void tiers_let_go(struct batching *b, struct request *r);

/* The same of one that is being read in, which is in no list afterwards; and of any such. NULL: there is
 * none. */
void tiers_cancel(struct batching *b, struct request *r);
struct request *tiers_stop_one(struct batching *b);

/* The last waiting request that has blocks on the GPUs gives them back; false when there is none. */
bool tiers_make_room(struct batching *b);

/* A preempted request's blocks go to the host, if there is room, and come back: the step that begins waits.
 */
bool swap_out(struct batching *b, const struct request *r);
void swap_in(struct batching *b, const struct request *r);

/* ---- schedule_*.c ---- */

/* Who computes what in the step that begins now: fills `running`, `scheduled`, `budget_left` and the shape.
 * Answers whether, if all decode in it, the next steps will be like it until somebody comes or leaves, or
 * blocks run out. */
bool schedule_vllm(struct batching *b, struct step_shape *shape);
bool schedule_sglang(struct batching *b, struct step_shape *shape);
bool schedule_tgi(struct batching *b, struct step_shape *shape);
bool schedule_static(struct batching *b, struct step_shape *shape);

/* ---- batching_share.c: whose time a step was; docs/cost.md has the rule ---- */

void share_join(struct batching *b, struct request *r);  /* `running` gets one more */
void share_leave(struct batching *b, struct request *r); /* or one less; its work is whole now */
/* The step under way: its time by parts, and its shape. */
void share_step(struct batching *b, const struct step_parts *parts, const struct step_shape *shape);
/* It has ended: before its requests are advanced by `tokens` each (the cohort by itself), and after all were.
 */
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

/* Ends the run after its first `steps` steps, when it is longer. */
void run_cut(struct batching *b, int64_t steps);

/* Applies the steps that have ended and leaves the one under way as an ordinary step, its event in place.
 * run_settle: and brings the records of all requests up to date. */
void run_end(struct batching *b);
void run_settle(struct batching *b);

/* KV blocks in use, the step under way included. */
int64_t run_blocks_in_use(const struct batching *b);

/* Steps of the run that have ended by now; 0 without one. */
int64_t run_steps_ended(const struct batching *b);

/* ---- batching_faults.c: what the owner calls when something breaks (serving/replica.h) ---- */

void batching_pace(struct replica *replica, int64_t ppm);
void batching_hang(struct replica *replica);
void batching_revive(struct replica *replica);

/* ---- batching_watch.c: requests that are watched; for the others only while b->watched ---- */

void batching_watch_joins(struct batching *b, struct request *r); /* it is the last one in the queue */
void batching_watch_leaves(struct batching *b, const struct request *r);
void batching_watch_wants(struct batching *b, const struct request *r); /* its KV comes from now on */
void batching_watch_has(struct batching *b, const struct request *r);   /* it is there */

/* It is read in from the tiers; it is there, and last in the queue of those that came. */
void batching_watch_loading(struct batching *b, const struct request *r);
void batching_watch_loaded(struct batching *b, const struct request *r);

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
