/* Continuous batching, step by step: every step is scheduled token by token, as vLLM's V1 scheduler does
 * without asynchronous scheduling (Scheduler.schedule in vllm/v1/core/sched/scheduler.py and allocate_slots
 * in kv_cache_manager.py, v0.10.1; the same algorithm up to early 2026, commit 00024d31).
 *
 * One token budget. Running requests first, in the order they were admitted, each with its next token or its
 * next prompt chunk. When one finds no block, the last one admitted is preempted: its blocks are freed, it
 * goes to the head of the queue and will compute its prompt and what it had generated again; it may be the
 * one that asked. A step that preempted admits nobody. Otherwise waiting ones follow, first come first
 * served, while budget, sequences and KV blocks last: a request is admitted when its first chunk finds
 * blocks, however long its prompt is, and the first that does not fit keeps all behind it waiting.
 *
 * Left out: the block that vLLM keeps as a null block (1 of thousands), and what later versions put before
 * admission (the whole sequence must fit, --scheduler-reserve-full-isl; a watermark of free blocks).
 *
 * Decisions taken here that the source leaves to its surroundings: requests that arrive at the very instant a
 * step begins are in it when the replica was idle (the engine drains its input queue before it schedules),
 * and a step that ends at the instant of an arrival ends first. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "serving/batching_private.h"

static struct batching *batching_of(struct replica *r) {
    return (struct batching *)r;
}

void batching_update_load(struct batching *b) {
    assert(b->free_blocks >= 0 && b->free_blocks <= b->config.kv_blocks);
    assert(b->running_count <= b->config.max_num_seqs);
    b->base.waiting = b->waiting.count;
    b->base.running = (uint32_t)b->running_count;
    int64_t used = b->config.kv_blocks - b->free_blocks;
    b->peak_blocks = used > b->peak_blocks ? used : b->peak_blocks;
}

static int64_t tokens_known(const struct request *r) {
    return (int64_t)r->input_tokens + r->generated;
}

/* ---- KV blocks ---- */

static bool blocks_take(struct batching *b, struct request *r, int64_t new_tokens) {
    int64_t size = b->config.block_tokens;
    int64_t need = ((int64_t)r->computed + new_tokens + size - 1) / size - r->blocks;
    if (need <= 0) {
        return true;
    }
    if (need > b->free_blocks) {
        return false;
    }
    batching_take_blocks(b, need);
    r->blocks += (uint32_t)need;
    return true;
}

static void blocks_release(struct batching *b, struct request *r) {
    b->free_blocks += b->prefixes ? prefix_cache_release(b->prefixes, r) : r->blocks;
    r->blocks = 0;
}

/* What the prefix cache has of a request that is about to be admitted; it is held when it is taken. */
static struct prefix_match prefix_of(const struct batching *b, const struct request *r) {
    return b->prefixes && r->chunk_count > 0 ? prefix_cache_match(b->prefixes, r, tokens_known(r))
                                             : (struct prefix_match){0};
}

/* Blocks for the first `tokens` after the match: all of them, or none and nothing held. */
static bool blocks_admit(struct batching *b, struct request *r, const struct prefix_match *match,
                         int64_t tokens) {
    int64_t size = b->config.block_tokens;
    int64_t need = (match->tokens + tokens + size - 1) / size - match->tokens / size;
    if (need + match->evictable > b->free_blocks) {
        return false;
    }
    if (match->chunks > 0) {
        prefix_cache_hold(b->prefixes, r, match);
        b->free_blocks -= match->evictable;
    }
    r->computed = (uint32_t)match->tokens;
    r->blocks = (uint32_t)(match->tokens / size + need);
    batching_take_blocks(b, need);
    return true;
}

/* ---- scheduling one step ---- */

/* So that `by` finds blocks for its tokens. */
static void preempt_last(struct batching *b, const struct request *by, int64_t tokens) {
    struct request *victim = b->running[--b->running_count];
    share_leave(b, victim);
    if (victim->watched) {
        batching_watch_preempted(b, victim, by, tokens);
    }
    blocks_release(b, victim);
    victim->computed = 0;
    if (victim->preemptions < UINT16_MAX) {
        victim->preemptions++;
    }
    victim->place = PLACE_WAITING;
    request_list_push_front(&b->waiting, victim);
    b->base.preemptions++;
}

static void shape_add(struct step_shape *shape, const struct request *r, int64_t tokens) {
    int64_t context = r->computed;
    if (batching_decodes(r, tokens)) {
        shape->decode_sequences++;
        shape->decode_context += context + 1;
    } else {
        shape->prefill_tokens += tokens;
        shape->prefill_pairs += tokens * context + tokens * (tokens + 1) / 2;
        shape->prefill_context += context + tokens;
    }
    if (context + tokens == tokens_known(r)) {
        shape->sampled++;
    }
}

/* Gives every running request its tokens; returns false when somebody had to be preempted. */
static bool schedule_running(struct batching *b, int64_t *budget, struct step_shape *shape) {
    bool all_fit = true;
    for (int64_t i = 0; i < b->running_count; i++) {
        struct request *r = b->running[i];
        int64_t tokens = tokens_known(r) - r->computed;
        if (tokens > *budget) {
            tokens = *budget;
        }
        b->scheduled[i] = 0;
        if (tokens == 0) {
            continue; /* the budget is spent: it keeps its place and its blocks */
        }
        while (i < b->running_count && !blocks_take(b, r, tokens)) {
            preempt_last(b, r, tokens);
            all_fit = false;
        }
        if (i >= b->running_count) {
            break; /* it was the last one itself */
        }
        b->scheduled[i] = tokens;
        *budget -= tokens;
        shape_add(shape, r, tokens);
    }
    return all_fit;
}

static void schedule_waiting(struct batching *b, int64_t *budget, struct step_shape *shape) {
    while (b->waiting.head && *budget > 0 && b->running_count < b->config.max_num_seqs) {
        struct request *r = b->waiting.head;
        struct prefix_match match = prefix_of(b, r);
        int64_t tokens = tokens_known(r) - match.tokens;
        if (tokens > *budget) {
            if (!b->config.chunked_prefill) {
                return;
            }
            tokens = *budget;
        }
        if (!blocks_admit(b, r, &match, tokens)) {
            return;
        }
        request_list_remove(&b->waiting, r);
        r->place = PLACE_RUNNING;
        share_join(b, r);
        b->running[b->running_count] = r;
        b->scheduled[b->running_count++] = tokens;
        *budget -= tokens;
        shape_add(shape, r, tokens);
        if (r->scheduled_ps < 0) {
            r->scheduled_ps = engine_now(b->base.engine);
            r->cached_tokens = (uint32_t)match.tokens;
            b->base.prefix_queries += b->prefixes && r->chunk_count > 0 ? r->input_tokens : 0;
            b->base.prefix_hits += (uint64_t)match.tokens;
            batching_update_load(b);
            b->base.events->scheduled(b->base.events->context, &b->base, r);
        }
    }
}

simtime batching_step_time(struct batching *b, const struct step_shape *shape) {
    struct step_parts parts;
    simtime time = service_time_parts(b->times, shape, &parts);
    share_step(b, &parts, shape);
    return time;
}

static void step_end(void *context, uint64_t argument);

static void step_begin(struct batching *b) {
    struct step_shape shape = {0};
    int64_t budget = b->config.max_num_batched_tokens;
    b->unsettled = true;
    bool all_fit = schedule_running(b, &budget, &shape);
    if (all_fit) {
        schedule_waiting(b, &budget, &shape);
    }
    b->unsettled = false;
    batching_update_load(b);
    b->stepping = shape.decode_sequences + shape.prefill_tokens > 0;
    if (!b->stepping) {
        assert(b->running_count == 0 && !b->waiting.head); /* nobody starves: any request fits alone */
        return;
    }
    b->in_step = true;
    b->step_began_ps = engine_now(b->base.engine);
    b->step_tokens = shape.decode_sequences + shape.prefill_tokens;
    b->base.prompt_tokens += (uint64_t)shape.prefill_tokens;
    if (b->watched) {
        batching_watch_begins(b, &shape, all_fit, budget);
    }
    /* Whoever waits now was tried and waits on: during a run blocks only become fewer. */
    bool repeats =
        b->fast && all_fit && shape.prefill_tokens == 0 && shape.decode_sequences == b->running_count;
    simtime end = b->step_began_ps + (repeats ? run_begin(b, &shape) : batching_step_time(b, &shape));
    b->event = engine_at_ranked(b->base.engine, end, b->base.index, step_end, b, 0);
}

/* ---- ending one ---- */

static void gaps_flush(struct batching *b) {
    if (b->gap_count) {
        b->base.events->token_gaps(b->base.events->context, &b->base, b->gap_ps, 0, 1, b->gap_count);
        b->gap_count = 0;
    }
}

static void gap_add(struct batching *b, simtime gap) {
    if (gap != b->gap_ps) {
        gaps_flush(b);
        b->gap_ps = gap;
    }
    b->gap_count++;
}

static void let_go(struct batching *b, struct request *r, enum request_status status) {
    r->place = PLACE_NONE;
    if (r->watched) {
        batching_watch_leaves(b, r);
    }
    b->base.events->finished(b->base.events->context, &b->base, r, status);
}

static void token_made(struct batching *b, struct request *r, simtime now) {
    r->generated++;
    b->base.generated_tokens++;
    if (r->first_token_ps < 0) {
        r->first_token_ps = now;
        b->base.events->first_token(b->base.events->context, &b->base, r);
    } else if (r->counted) {
        gap_add(b, now - r->last_token_ps);
    }
    r->last_token_ps = now;
}

/* Advances every scheduled request and closes the ranks of those that stay; returns how many do not. */
static int64_t advance_running(struct batching *b, simtime now) {
    int64_t kept = 0;
    int64_t leaving = 0;
    b->unsettled = true;
    share_ended(b);
    for (int64_t i = 0; i < b->running_count; i++) {
        struct request *r = b->running[i];
        share_request(b, r, b->scheduled[i]);
        if (r->place == PLACE_RUNNING) {
            r->computed += (uint32_t)b->scheduled[i];
            if (r->chunk_count > 0 && b->prefixes && r->generated == 0) {
                prefix_cache_learn(b->prefixes, r);
            }
            if (b->scheduled[i] > 0 && (int64_t)r->computed == tokens_known(r)) {
                token_made(b, r, now);
            }
            if (r->generated >= r->output_tokens) {
                r->place = PLACE_LEAVING + REQUEST_COMPLETED;
            }
        }
        if (r->place == PLACE_RUNNING) {
            b->running[kept++] = r;
        } else {
            share_leave(b, r);
            blocks_release(b, r);
            b->leaving[leaving++] = r;
        }
    }
    share_done(b);
    b->running_count = kept;
    b->unsettled = false;
    batching_update_load(b);
    return leaving;
}

static void step_end(void *context, uint64_t argument) {
    (void)argument;
    struct batching *b = context;
    simtime now = engine_now(b->base.engine);
    b->event = 0;
    run_settle(b);
    if (b->watched) {
        batching_watch_ends(b, now);
    }
    b->in_step = false;
    b->base.busy_ps += now - b->step_began_ps;
    b->base.steps++;
    replica_count_steps(&b->base, b->step_tokens, 1);
    int64_t leaving = advance_running(b, now);
    gaps_flush(b);
    for (int64_t i = 0; i < leaving; i++) {
        let_go(b, b->leaving[i], (enum request_status)(b->leaving[i]->place - PLACE_LEAVING));
    }
    if (!b->stopped) {
        step_begin(b);
    }
}

/* ---- what the owner calls ---- */

static void step_kick(void *context, uint64_t argument) {
    (void)argument;
    struct batching *b = context;
    b->event = 0;
    step_begin(b);
}

static bool batching_submit(struct replica *replica, struct request *r, const char **reason) {
    struct batching *b = batching_of(replica);
    assert(!b->stopped);
    if ((int64_t)r->input_tokens >= b->config.max_model_len) {
        *reason = "prompt as long as --max-model-len or longer";
        return false;
    }
    int64_t room = b->config.max_model_len - r->input_tokens;
    if ((int64_t)r->output_tokens > room) {
        b->base.cut++;
        r->output_tokens = (uint32_t)room; /* the server ends it there: finish_reason "length" */
    }
    if (!b->waiting.head && b->running_count < b->config.max_num_seqs) {
        run_settle(b); /* it may join at the end of this step; behind others, or with no place, it cannot */
    }
    r->place = PLACE_WAITING;
    request_list_push_back(&b->waiting, r);
    batching_update_load(b);
    if (r->watched) {
        batching_watch_joins(b, r);
    }
    if (!b->stepping) {
        b->stepping = true;
        b->event = engine_at(b->base.engine, engine_now(b->base.engine), EVENT_CONTROL, step_kick, b, 0);
    }
    return true;
}

static void running_remove(struct batching *b, const struct request *r) {
    int64_t i = 0;
    while (b->running[i] != r) {
        i++;
        assert(i < b->running_count);
    }
    memmove(&b->running[i], &b->running[i + 1], (size_t)(b->running_count - i - 1) * sizeof *b->running);
    b->running_count--;
}

static void batching_cancel(struct replica *replica, struct request *r, enum request_status status) {
    struct batching *b = batching_of(replica);
    assert(!b->unsettled);
    run_settle(b);
    if (r->place == PLACE_RUNNING && b->in_step) {
        r->place = (uint8_t)(PLACE_LEAVING + status);
        return;
    }
    if (r->place == PLACE_WAITING) {
        request_list_remove(&b->waiting, r);
    } else if (r->place == PLACE_RUNNING) {
        running_remove(b, r);
        share_leave(b, r);
        blocks_release(b, r);
    } else {
        return; /* it is leaving already */
    }
    batching_update_load(b);
    let_go(b, r, status);
}

static void batching_stop(struct replica *replica, enum request_status status) {
    struct batching *b = batching_of(replica);
    assert(!b->unsettled);
    run_settle(b);
    engine_cancel(b->base.engine, b->event);
    if (b->in_step) {
        b->base.busy_ps += engine_now(b->base.engine) - b->step_began_ps;
    }
    b->stopped = true;
    b->stepping = false;
    b->in_step = false;
    int64_t count = b->running_count;
    b->running_count = 0;
    for (int64_t i = 0; i < count; i++) {
        share_leave(b, b->running[i]);
        blocks_release(b, b->running[i]);
    }
    batching_update_load(b);
    for (int64_t i = 0; i < count; i++) {
        uint8_t place = b->running[i]->place;
        let_go(b, b->running[i],
               place >= PLACE_LEAVING ? (enum request_status)(place - PLACE_LEAVING) : status);
    }
    struct request *r;
    while ((r = request_list_pop_front(&b->waiting))) {
        batching_update_load(b);
        let_go(b, r, status);
    }
}

static void batching_destroy(struct replica *replica) {
    struct batching *b = batching_of(replica);
    free(b->running);
    free(b->scheduled);
    free(b->leaving);
    free(b->watch);
    prefix_cache_destroy(b->prefixes);
    free(b);
}

static simtime_total batching_busy(const struct replica *replica) {
    const struct batching *b = (const struct batching *)replica;
    return replica->busy_ps + (b->in_step ? engine_now(replica->engine) - b->step_began_ps : 0);
}

static uint32_t permille(const struct batching *b, int64_t blocks) {
    return (uint32_t)(blocks * 1000 / b->config.kv_blocks);
}

/* A division for each change of the blocks, of which there are several a request, took a twentieth of a run;
 * few changes are looked at. */
static void batching_look(struct replica *replica) {
    struct batching *b = batching_of(replica);
    replica->kv_permille = permille(b, run_blocks_in_use(b));
}

static void batching_settle(struct replica *replica) {
    struct batching *b = batching_of(replica);
    run_settle(b);
    share_settle(b);
    batching_look(replica);
    replica->kv_peak_permille = permille(b, b->peak_blocks);
}

static const struct replica_ops batching_ops = {
    .name = "continuous-batching",
    .submit = batching_submit,
    .cancel = batching_cancel,
    .stop = batching_stop,
    .destroy = batching_destroy,
    .busy = batching_busy,
    .settle = batching_settle,
    .look = batching_look,
};

struct replica *batching_create(struct engine *engine, const struct replica_config *config,
                                const struct service_time *times, bool fast,
                                const struct replica_events *events) {
    assert(config->max_num_seqs > 0 && config->max_num_batched_tokens > 0);
    assert(config->kv_blocks * config->block_tokens >= config->max_model_len);
    assert(config->chunked_prefill || config->max_num_batched_tokens >= config->max_model_len);
    struct batching *b = mem_zalloc(1, sizeof *b);
    b->base.ops = &batching_ops;
    b->base.engine = engine;
    b->base.events = events;
    b->base.servers = 1;
    b->config = *config;
    b->times = times;
    b->fast = fast;
    b->free_blocks = config->kv_blocks;
    b->prefixes = config->prefix_caching ? prefix_cache_create(config->block_tokens) : NULL;
    b->running = mem_zalloc((size_t)config->max_num_seqs, sizeof *b->running);
    b->scheduled = mem_zalloc((size_t)config->max_num_seqs, sizeof *b->scheduled);
    b->leaving = mem_zalloc((size_t)config->max_num_seqs, sizeof(struct request *));
    return &b->base;
}
