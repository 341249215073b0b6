/* What continuous batching tells of the requests that are watched (watch.h). It keeps those that are here in
 * a short list: with an empty one a step costs a comparison. */
#include <assert.h>
#include <stdlib.h>

#include "llm/batching_private.h"

struct watched {
    const struct request *r;
    bool tried;        /* a step has begun since it came, so that it is known why it waits */
    int64_t came_step; /* of the run under way when it came, how many of its steps had ended */
};

struct batching_watch {
    struct watched items[WATCH_REQUESTS_MAX];
    enum watch_phase keeps_out; /* why the step under way admitted no more */
    struct step_shape shape;    /* of the step under way */
    int64_t prefilling;         /* sequences in it that compute a prompt */
};

static const struct watch *told(const struct batching *b) {
    return b->base.events->watch;
}

static void tell_phase(const struct batching *b, const struct request *r, simtime at,
                       enum watch_phase phase) {
    told(b)->phase(told(b)->context, r, at, phase);
}

/* Place in the batch; -1 = waits. */
static int64_t place_of(const struct batching *b, const struct request *r) {
    for (int64_t i = 0; i < b->running_count; i++) {
        if (b->running[i] == r) {
            return i;
        }
    }
    return -1;
}

void batching_watch_leaves(struct batching *b, const struct request *r) {
    struct batching_watch *w = b->watch;
    for (size_t i = 0; i < b->watched; i++) {
        if (w->items[i].r == r) {
            w->items[i] = w->items[--b->watched];
            return;
        }
    }
}

void batching_watch_preempted(struct batching *b, const struct request *r, const struct request *by,
                              int64_t tokens) {
    int64_t size = b->config.block_tokens;
    int64_t blocks = ((int64_t)by->computed + tokens + size - 1) / size - by->blocks;
    told(b)->preempted(told(b)->context, r, engine_now(b->base.engine), by, blocks);
}

void batching_watch_loading(struct batching *b, const struct request *r) {
    tell_phase(b, r, engine_now(b->base.engine), WATCH_LOADING);
}

void batching_watch_loaded(struct batching *b, const struct request *r) {
    for (size_t i = 0; i < b->watched; i++) {
        if (b->watch->items[i].r == r) {
            b->watch->items[i].tried = false;
            b->watch->items[i].came_step = run_steps_ended(b);
        }
    }
    tell_phase(b, r, engine_now(b->base.engine), WATCH_UNDER_WAY);
}

/* ---- a step begins ---- */

/* Why one that waits does: what keeps out the first in the queue, or its adapter, for which others pass it.
 */
static enum watch_phase waits_for(const struct batching *b, const struct request *r) {
    enum watch_phase all = b->watch->keeps_out;
    bool adapter = b->adapters && (all == WATCH_BLOCKS || all == WATCH_BUDGET);
    return adapter && !adapters_fit(b->adapters, r->adapter) ? WATCH_ADAPTERS : all;
}

static enum watch_phase keeps_out(const struct batching *b, bool all_fit, int64_t budget) {
    if (!all_fit) {
        return WATCH_PREEMPTS;
    }
    if (b->running_count >= b->config.max_num_seqs) {
        return WATCH_SEQUENCES;
    }
    const struct request *first = b->waiting.head;
    bool whole = first && !b->config.chunked_prefill && tokens_known(first) > budget;
    return budget == 0 || whole ? WATCH_BUDGET : WATCH_BLOCKS;
}

void batching_watch_joins(struct batching *b, struct request *r) {
    if (!b->watch) {
        b->watch = mem_zalloc(1, sizeof *b->watch);
    }
    assert(b->watched < WATCH_REQUESTS_MAX);
    b->watch->items[b->watched++] = (struct watched){.r = r, .came_step = run_steps_ended(b)};
    if (b->run.steps > 0) { /* it may wait beyond the step under way, for what the run's beginning found */
        b->watch->keeps_out = keeps_out(b, true, b->config.max_num_batched_tokens - b->running_count);
    }
    struct watch_queue queue = {.ahead = b->waiting.head,
                                .count = b->waiting.count - 1,
                                .running = (uint32_t)b->running_count,
                                .kv_permille = run_blocks_in_use(b) * 1000 / b->config.kv_blocks};
    told(b)->queued(told(b)->context, r, &queue);
    tell_phase(b, r, engine_now(b->base.engine), WATCH_UNDER_WAY);
}

void batching_watch_wants(struct batching *b, const struct request *r) {
    tell_phase(b, r, engine_now(b->base.engine), WATCH_REMOTE);
}

/* As one that comes anew. */
void batching_watch_has(struct batching *b, const struct request *r) {
    struct batching_watch *w = b->watch;
    for (size_t i = 0; i < b->watched; i++) {
        if (w->items[i].r == r) {
            w->items[i] = (struct watched){.r = r, .came_step = run_steps_ended(b)};
        }
    }
    if (b->run.steps > 0) {
        w->keeps_out = keeps_out(b, true, b->config.max_num_batched_tokens - b->running_count);
    }
    tell_phase(b, r, engine_now(b->base.engine), WATCH_UNDER_WAY);
}

static enum watch_phase phase_in_step(const struct batching_watch *w, const struct request *r,
                                      int64_t tokens) {
    if (tokens == 0) {
        return WATCH_LEFT_OUT;
    }
    if (is_decoding(r)) {
        return w->shape.prefill_tokens > 0 ? WATCH_DECODE_BESIDE : WATCH_DECODE;
    }
    return r->generated > 0 ? WATCH_RECOMPUTE : WATCH_PREFILL;
}

void batching_watch_begins(struct batching *b, const struct step_shape *shape, bool all_fit, int64_t budget) {
    struct batching_watch *w = b->watch;
    w->shape = *shape;
    w->prefilling = 0;
    for (int64_t i = 0; i < b->running_count; i++) {
        w->prefilling += b->scheduled[i] > 0 && !is_decoding(b->running[i]);
    }
    w->keeps_out = keeps_out(b, all_fit, budget);
    for (size_t i = 0; i < b->watched; i++) {
        struct watched *item = &w->items[i];
        int64_t place = place_of(b, item->r);
        bool aside = item->r->place == PLACE_COMING || item->r->place == PLACE_LOADING;
        if (place < 0 && (aside || !is_known(b, item->r))) {
            continue;
        }
        item->tried = true;
        tell_phase(b, item->r, b->step_began_ps,
                   place < 0 ? waits_for(b, item->r) : phase_in_step(w, item->r, b->scheduled[place]));
    }
}

/* ---- steps end ---- */

static struct watch_step step_of(const struct batching_watch *w, simtime began, simtime ended) {
    return (struct watch_step){.began_ps = began,
                               .ended_ps = ended,
                               .decoding = w->shape.decode_sequences,
                               .decode_context = w->shape.decode_context,
                               .prefilling = w->prefilling,
                               .prefill_tokens = w->shape.prefill_tokens};
}

void batching_watch_ends(struct batching *b, simtime now) {
    struct batching_watch *w = b->watch;
    struct watch_step step = step_of(w, b->step_began_ps, now);
    for (size_t i = 0; i < b->watched; i++) {
        const struct request *r = w->items[i].r;
        int64_t place = place_of(b, r);
        if (place >= 0 && r->place == PLACE_RUNNING) { /* not one that was cancelled during the step */
            step.computed = r->computed;
            step.tokens = b->scheduled[place];
            step.phase = phase_in_step(w, r, step.tokens);
            /* The token that vLLM's prefill server makes is thrown away. */
            step.makes_token = step.tokens > 0 && step.computed + step.tokens >= tokens_known(r) &&
                               !(r->leaves_kv && b->config.scheduler == SCHEDULER_VLLM);
            told(b)->step(told(b)->context, r, &step);
        }
    }
}

/* Who came during the run is tried when the next step of it begins; under asynchronous scheduling, when the
 * one behind it does. */
static void try_in_run(struct batching *b, struct watched *item, int64_t step, simtime began) {
    if (!item->tried && item->r->place != PLACE_COMING && item->r->place != PLACE_LOADING &&
        step > item->came_step + b->config.async_scheduling) {
        item->tried = true;
        tell_phase(b, item->r, began, waits_for(b, item->r));
    }
}

void batching_watch_run_step(struct batching *b, int64_t step, simtime began, simtime ended) {
    struct batching_watch *w = b->watch;
    struct watch_step told_step = step_of(w, began, ended);
    told_step.phase = WATCH_DECODE;
    told_step.tokens = 1;
    told_step.makes_token = true;
    for (size_t i = 0; i < b->watched; i++) {
        if (place_of(b, w->items[i].r) >= 0) {
            told_step.computed = (int64_t)w->items[i].r->computed + step;
            told(b)->step(told(b)->context, w->items[i].r, &told_step);
        } else {
            try_in_run(b, &w->items[i], step, began);
        }
    }
    w->shape.decode_context += w->shape.decode_sequences;
}

void batching_watch_run_settled(struct batching *b, int64_t ended, simtime began) {
    for (size_t i = 0; i < b->watched; i++) {
        if (place_of(b, b->watch->items[i].r) < 0) {
            try_in_run(b, &b->watch->items[i], ended, began);
        }
        b->watch->items[i].came_step = 0;
    }
}
