/* Fast-forward: between arrivals, completions and KV limits a batch that only decodes repeats one step with
 * contexts that grow by a token a sequence. The time of a step is piecewise linear in the sum of contexts, so
 * the time of k of them is a sum of arithmetic progressions, one a piece, exact in whole picoseconds: a run
 * ends where single steps would have ended, to the bit. What interrupts it (a request, a cancellation, a look
 * at the clock) finds by the same sums which step is under way.
 *
 * A run costs the same to begin and to end, whatever its length and however many requests are in it: they are
 * the cohort (batching_private.h). */
#include <assert.h>

#include "llm/batching_private.h"

/* Keeps dates far from overflow, whatever a step lasts. */
enum { RUN_STEPS_MAX = 1 << 16 };

/* ---- the pieces of a run ---- */

/* From step `done` of the run on, as far as the table's line goes. Filled in place: a copy would wait for the
 * stores. */
static void begin_piece(struct batching *b, int64_t done, struct run_piece *p) {
    int64_t sequences = b->run.sequences, context = b->run.context + done * sequences;
    const struct decode_line *line = batching_decode_line(b, sequences, context);
    int64_t room = line->to - context; /* beyond the table's last piece its slope goes on */
    p->before = done;
    p->steps = room < RUN_STEPS_MAX * sequences ? (room + sequences - 1) / sequences : RUN_STEPS_MAX;
    p->first = line->base + line->slope * (context - line->from);
    p->increment = line->slope * sequences;
    p->slope = line->slope;
}

static simtime piece_time(const struct run_piece *p, int64_t steps) {
    return steps * p->first + p->increment * (steps * (steps - 1) / 2);
}

/* Lays out `steps` steps, or as many as the pieces are enough for: how many. */
static int64_t lay_out(struct batching *b, int64_t steps) {
    struct decode_run *run = &b->run;
    simtime time = 0;
    int64_t done = 0;
    for (run->pieces = 0; done < steps && run->pieces < RUN_PIECES; run->pieces++) {
        struct run_piece *p = &run->piece[run->pieces];
        begin_piece(b, done, p);
        p->steps = p->steps < steps - done ? p->steps : steps - done;
        p->began = time;
        time += piece_time(p, p->steps);
        done += p->steps;
    }
    return done;
}

/* The one that has step number `step`. */
static const struct run_piece *piece_of(const struct batching *b, int64_t step) {
    const struct run_piece *p = &b->run.piece[b->run.pieces - 1];
    while (p->before > step) {
        p--;
    }
    return p;
}

static simtime duration_of(const struct run_piece *p, int64_t step) {
    return p->first + p->increment * (step - p->before);
}

static simtime time_of(const struct batching *b, int64_t steps) {
    const struct run_piece *p = piece_of(b, steps - 1);
    return p->began + piece_time(p, steps - p->before);
}

/* How many steps of a piece end within `time`. Durations do not shrink: all of the first's is too many, and
 * taking away what is over by the longest one's length is never too much. */
static int64_t steps_within(const struct run_piece *p, simtime time) {
    int64_t steps = time / p->first < p->steps ? time / p->first : p->steps;
    for (;;) {
        simtime over = piece_time(p, steps) - time;
        if (over <= 0) {
            return steps;
        }
        simtime longest = p->first + p->increment * (steps - 1);
        steps -= over <= longest ? 1 : (over + longest - 1) / longest;
    }
}

/* Steps of the run that have ended, and when the one under way began. */
static int64_t steps_ended(const struct batching *b, simtime *began) {
    simtime now = engine_now(b->base.engine), passed = now - b->run.began_ps;
    const struct run_piece *p = &b->run.piece[b->run.pieces - 1];
    while (p->began > passed) {
        p--;
    }
    int64_t within = steps_within(p, passed - p->began), done = p->before + within;
    simtime end = b->run.began_ps + p->began + piece_time(p, within);
    /* A step that ends this very instant has ended only if its event would have had its turn. */
    if (done > 0 && end == now && !engine_step_is_past(b->base.engine, b->base.rank)) {
        done--;
        end -= duration_of(piece_of(b, done), done);
    }
    assert(done < b->run.steps);
    *began = end;
    return done;
}

/* For a run: where blocks are copied to the host when they are forgotten, those that hold nothing. */
static int64_t blocks_to_spend(const struct batching *b) {
    bool copies = b->tiers && b->prefixes && b->config.offload.write == KV_WRITE_BACK;
    return b->free_blocks - (copies ? prefix_cache_evictable(b->prefixes) : 0);
}

simtime run_begin(struct batching *b, const struct step_shape *shape) {
    struct cohort *c = &b->cohort;
    c->taken = true;
    cohort_gather(b);
    /* Where some did not make their last token just now, their next gap is not the step's duration. */
    if (c->count < b->running_count || c->last_token_ps != b->step_began_ps) {
        return batching_step_time(b, shape);
    }
    int64_t steps = c->ends - c->steps < RUN_STEPS_MAX ? c->ends - c->steps : RUN_STEPS_MAX;
    steps = steps > 1 ? 1 + cohort_steps_with(b, blocks_to_spend(b), steps - 1) : steps;
    if (steps <= 1) {
        return batching_step_time(b, shape);
    }
    b->run.began_ps = b->step_began_ps;
    b->run.sequences = shape->decode_sequences;
    b->run.context = shape->decode_context;
    b->run.steps = lay_out(b, steps);
    return time_of(b, b->run.steps);
}

void run_cut(struct batching *b, int64_t steps) {
    if (steps < b->run.steps) {
        b->run.steps = steps;
        engine_move(b->base.engine, b->event, b->run.began_ps + time_of(b, steps));
    }
}

/* ---- settling ---- */

/* What goes by token: the same in all steps of a piece, since contexts alone grow. */
static simtime by_token(const struct batching *b, const struct run_piece *p) {
    return p->first - p->slope * (b->run.context + p->before * b->run.sequences);
}

/* The step under way, an ordinary one from here on. */
static void share_last(struct batching *b, const struct run_piece *p) {
    struct step_parts parts = {.by_token = by_token(b, p), .decode_slope = p->slope};
    share_step(b, &parts, &(struct step_shape){.decode_sequences = b->run.sequences});
}

/* Tells the gaps of `steps` steps, shares what goes by token, and passes them to the cohort. */
static void pass_steps(struct batching *b, int64_t steps, simtime last_token) {
    uint64_t slopes = 0, offsets = 0;
    for (const struct run_piece *p = b->run.piece; p->before < steps; p++) {
        int64_t here = p->steps < steps - p->before ? p->steps : steps - p->before;
        batching_gaps(b, p->first, p->increment, (uint64_t)here, (uint64_t)b->cohort.counted);
        share_uniform(b, b->run.sequences, (uint64_t)(by_token(b, p) * here));
        slopes += (uint64_t)(p->slope * here);
        offsets += (uint64_t)(p->slope * (here * p->before + here * (here - 1) / 2));
        if (p->before + here == steps) {
            break;
        }
    }
    cohort_pass(b, steps, slopes, offsets, last_token);
}

static void tell_watch(struct batching *b, int64_t steps) {
    simtime began = b->run.began_ps;
    for (int64_t done = 0; done < steps; done++) {
        simtime ended = began + duration_of(piece_of(b, done), done);
        batching_watch_run_step(b, done, began, ended);
        began = ended;
    }
    batching_watch_run_settled(b, steps, began);
}

static void pass(struct batching *b, int64_t steps, simtime last_token) {
    if (b->watched) {
        cohort_settle(b);
        tell_watch(b, steps);
        cohort_gather(b);
    }
    pass_steps(b, steps, last_token);
}

void run_end(struct batching *b) {
    if (b->run.steps == 0) {
        return;
    }
    int64_t total = b->run.steps;
    simtime began = b->run.began_ps;
    /* At the end of the run its own event is being handled: all but the last step have ended. */
    int64_t ended = b->event ? steps_ended(b, &began) : total - 1;
    const struct run_piece *next = piece_of(b, ended);
    simtime duration = duration_of(next, ended);
    if (!b->event) {
        began = engine_now(b->base.engine) - duration;
    }
    share_last(b, next);
    if (ended > 0) {
        pass(b, ended, began);
        b->base.steps += (uint64_t)ended;
        replica_count_steps(&b->base, b->run.sequences, ended);
        b->base.generated_tokens += (uint64_t)(ended * b->run.sequences);
        b->base.busy_ps += began - b->run.began_ps;
        b->step_began_ps = began;
    }
    if (b->event && ended + 1 < total) {
        engine_move(b->base.engine, b->event, began + duration);
    }
    b->run.steps = 0;
    batching_update_load(b);
    if (b->watched) {
        cohort_settle(b);
    }
}

void run_settle(struct batching *b) {
    run_end(b);
    cohort_settle(b);
}

int64_t run_blocks_in_use(const struct batching *b) {
    simtime began;
    int64_t in_use = b->config.kv_blocks - b->free_blocks;
    return in_use + (b->run.steps > 0 ? cohort_blocks(b, steps_ended(b, &began)) : 0);
}

int64_t run_steps_ended(const struct batching *b) {
    simtime began;
    return b->run.steps > 0 ? steps_ended(b, &began) : 0;
}
