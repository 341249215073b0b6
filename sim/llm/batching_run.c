/* Fast-forward: between arrivals, completions and KV limits a batch that only decodes repeats one step with
 * contexts that grow by a token a sequence. The time of a step is piecewise linear in the sum of contexts, so
 * the time of k of them is a sum of arithmetic progressions, one a piece, exact in whole picoseconds: a run
 * ends where single steps would have ended, to the bit. What interrupts it (a request, a cancellation, a look
 * at the clock) finds by the same sums which step is under way.
 *
 * A run costs O(running requests) to begin and to settle, whatever its length. */
#include <assert.h>

#include "llm/batching_private.h"

/* Keeps dates far from overflow, whatever a step lasts. */
enum { RUN_STEPS_MAX = 1 << 16 };

static struct stretch stretch_from(const struct batching *b, int64_t done) {
    int64_t context = b->run.context + done * b->run.sequences;
    struct decode_line line = service_time_decode_line(b->times, b->run.sequences, context);
    int64_t room = line.to - context;
    return (struct stretch){/* beyond the table's last piece its slope goes on */
                            .steps =
                                room > 0 ? (room + b->run.sequences - 1) / b->run.sequences : RUN_STEPS_MAX,
                            .first = line.base + line.slope * (context - line.from),
                            .increment = line.slope * b->run.sequences,
                            .slope = line.slope};
}

/* The stretch from step `done` on, of a run of `steps`. */
static struct stretch stretch_at(const struct batching *b, int64_t done, int64_t steps) {
    struct stretch s = b->run.head;
    if (done < s.steps) {
        s.first += s.increment * done;
        s.steps -= done;
    } else {
        s = stretch_from(b, done);
    }
    s.steps = s.steps < steps - done ? s.steps : steps - done;
    return s;
}

static simtime stretch_time(const struct stretch *s, int64_t steps) {
    return steps * s->first + s->increment * (steps * (steps - 1) / 2);
}

static simtime time_of(const struct batching *b, int64_t steps) {
    simtime time = 0;
    for (int64_t done = 0; done < steps;) {
        struct stretch s = stretch_at(b, done, steps);
        time += stretch_time(&s, s.steps);
        done += s.steps;
    }
    return time;
}

/* How many steps of a stretch end within `time`. Durations do not shrink: all of the first's is too many, and
 * taking away what is over by the longest one's length is never too much. */
static int64_t steps_within(const struct stretch *s, simtime time) {
    int64_t steps = time / s->first < s->steps ? time / s->first : s->steps;
    for (;;) {
        simtime over = stretch_time(s, steps) - time;
        if (over <= 0) {
            return steps;
        }
        simtime longest = s->first + s->increment * (steps - 1);
        steps -= (over + longest - 1) / longest;
    }
}

/* Steps of the run that have ended, and when the one under way began. */
static int64_t steps_ended(const struct batching *b, simtime *began) {
    simtime now = engine_now(b->base.engine);
    simtime end = b->run.began_ps;
    simtime last = 0; /* duration of the last step counted */
    int64_t done = 0;
    while (done < b->run.steps) {
        struct stretch s = stretch_at(b, done, b->run.steps);
        int64_t within = steps_within(&s, now - end);
        end += stretch_time(&s, within);
        last = within > 0 ? s.first + s.increment * (within - 1) : last;
        done += within;
        if (within < s.steps) {
            break;
        }
    }
    /* A step that ends this very instant has ended only if its event would have had its turn. */
    if (done > 0 && end == now && !engine_step_is_past(b->base.engine, b->base.rank)) {
        done--;
        end -= last;
    }
    assert(done < b->run.steps);
    *began = end;
    return done;
}

/* ---- how far ---- */

static int64_t blocks_of(const struct batching *b, const struct request *r, int64_t more) {
    return ((int64_t)r->computed + more + b->config.block_tokens - 1) / b->config.block_tokens;
}

/* That `steps` steps need beyond what is held; the first one's are taken, by some schedulers all. */
static int64_t blocks_more(const struct batching *b, int64_t steps) {
    int64_t blocks = 0;
    for (int64_t i = 0; i < b->running_count; i++) {
        int64_t more = blocks_of(b, b->running[i], steps) - b->running[i]->blocks;
        blocks += more > 0 ? more : 0;
    }
    return blocks;
}

/* The most steps, up to `steps`, for which the KV cache has blocks. */
static int64_t steps_with_blocks(const struct batching *b, int64_t steps) {
    if (b->running_count * (steps / b->config.block_tokens + 1) <= b->free_blocks ||
        blocks_more(b, steps) <= b->free_blocks) {
        return steps;
    }
    int64_t enough = 1;
    while (steps - enough > 1) {
        int64_t middle = enough + (steps - enough) / 2;
        if (blocks_more(b, middle) <= b->free_blocks) {
            enough = middle;
        } else {
            steps = middle;
        }
    }
    return enough;
}

/* Until the first completion; 1 when some request did not make its last token just now, since its next gap is
 * not the step's duration. */
static int64_t steps_to_completion(struct batching *b) {
    int64_t steps = RUN_STEPS_MAX;
    b->run.counted = 0;
    for (int64_t i = 0; i < b->running_count; i++) {
        const struct request *r = b->running[i];
        int64_t left = (int64_t)r->output_tokens - r->generated;
        steps = left < steps ? left : steps;
        b->run.counted += r->counted;
        if (r->last_token_ps != b->step_began_ps) {
            return 1;
        }
    }
    return steps;
}

simtime run_begin(struct batching *b, const struct step_shape *shape) {
    int64_t steps = steps_to_completion(b);
    steps = steps > 1 ? steps_with_blocks(b, steps) : steps;
    if (steps <= 1) {
        return batching_step_time(b, shape);
    }
    b->run.steps = steps;
    b->run.began_ps = b->step_began_ps;
    b->run.sequences = shape->decode_sequences;
    b->run.context = shape->decode_context;
    b->run.head = stretch_from(b, 0);
    return time_of(b, steps);
}

void run_cut(struct batching *b, int64_t steps) {
    if (steps < b->run.steps) {
        b->run.steps = steps;
        engine_move(b->base.engine, b->event, b->run.began_ps + time_of(b, steps));
    }
}

/* ---- settling ---- */

/* What goes by token in a stretch's first step: the same in all of them, since contexts alone grow. */
static simtime by_token(const struct batching *b, const struct stretch *s, int64_t done) {
    return s->first - s->slope * (b->run.context + done * b->run.sequences);
}

/* A request whose context is c in the run's first step reads c + i in step i: slopes . c + offsets in all. */
struct attention {
    simtime slopes, offsets;
};

/* Tells the gaps of `steps` steps and shares what goes by token. */
static struct attention pass_steps(struct batching *b, int64_t steps) {
    struct attention a = {0};
    for (int64_t done = 0; done < steps;) {
        struct stretch s = stretch_at(b, done, steps);
        if (b->run.counted > 0) {
            b->base.events->token_gaps(b->base.events->context, &b->base, s.first, s.increment,
                                       (uint64_t)s.steps, b->run.counted);
        }
        share_uniform(b, b->run.sequences, (uint64_t)(by_token(b, &s, done) * s.steps));
        a.slopes += s.slope * s.steps;
        a.offsets += s.slope * (s.steps * done + s.steps * (s.steps - 1) / 2);
        done += s.steps;
    }
    return a;
}

/* The step under way, an ordinary one from here on. */
static void share_last(struct batching *b, const struct stretch *s, int64_t done) {
    struct step_parts parts = {.by_token = by_token(b, s, done), .decode_slope = s->slope};
    share_step(b, &parts, &(struct step_shape){.decode_sequences = b->run.sequences});
}

static void advance(struct batching *b, int64_t steps, simtime last_token) {
    int64_t taken = 0;
    struct attention a = pass_steps(b, steps);
    for (int64_t i = 0; i < b->running_count; i++) {
        struct request *r = b->running[i];
        r->work_ps += (uint64_t)(a.slopes * (r->computed + 1) + a.offsets);
        r->generated += (uint32_t)steps;
        r->computed += (uint32_t)steps;
        r->last_token_ps = last_token;
        int64_t blocks = blocks_of(b, r, 1); /* the step under way has its own */
        if (blocks > r->blocks) {
            taken += blocks - r->blocks;
            r->blocks = (uint32_t)blocks;
        }
    }
    batching_take_blocks(b, taken);
}

static void tell_watch(struct batching *b, int64_t steps) {
    simtime began = b->run.began_ps;
    for (int64_t done = 0; done < steps; done++) {
        struct stretch s = stretch_at(b, done, steps);
        batching_watch_run_step(b, done, began, began + s.first);
        began += s.first;
    }
    batching_watch_run_settled(b, steps, began);
}

void run_settle(struct batching *b) {
    if (b->run.steps == 0) {
        return;
    }
    int64_t total = b->run.steps;
    simtime began = b->run.began_ps;
    /* At the end of the run its own event is being handled: all but the last step have ended. */
    int64_t ended = b->event ? steps_ended(b, &began) : total - 1;
    struct stretch next = stretch_at(b, ended, total);
    if (!b->event) {
        began = engine_now(b->base.engine) - next.first;
    }
    share_last(b, &next, ended);
    if (ended > 0) {
        if (b->watched) {
            tell_watch(b, ended);
        }
        advance(b, ended, began);
        b->base.steps += (uint64_t)ended;
        replica_count_steps(&b->base, b->run.sequences, ended);
        b->base.generated_tokens += (uint64_t)(ended * b->run.sequences);
        b->base.busy_ps += began - b->run.began_ps;
        b->step_began_ps = began;
    }
    if (b->event && ended + 1 < total) {
        engine_move(b->base.engine, b->event, began + next.first);
    }
    b->run.steps = 0;
    batching_update_load(b);
}

int64_t run_blocks_in_use(const struct batching *b) {
    simtime began;
    int64_t in_use = b->config.kv_blocks - b->free_blocks;
    return in_use + (b->run.steps > 0 ? blocks_more(b, steps_ended(b, &began) + 1) : 0);
}

int64_t run_steps_ended(const struct batching *b) {
    simtime began;
    return b->run.steps > 0 ? steps_ended(b, &began) : 0;
}
