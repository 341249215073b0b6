/* Continuous batching, step by step. Who computes what in a step is a scheduler's business (schedule_*.c);
 * here is what a step does to the requests in it, and what the owner of a replica calls.
 *
 * Decisions taken here that the engines' sources leave to their surroundings: requests that arrive at the
 * very instant a step begins are in it when the replica was idle (the engine drains its input queue before it
 * schedules), and a step that ends at the instant of an arrival ends first. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "llm/batching_private.h"

static struct batching *batching_of(struct replica *r) {
    return (struct batching *)r;
}

void batching_update_load(struct batching *b) {
    assert(b->free_blocks >= 0 && b->free_blocks <= b->config.kv_blocks);
    assert(b->running_count <= b->config.max_num_seqs);
    b->base.waiting = b->waiting.count + b->coming.count + (uint32_t)b->load_count;
    b->base.running = (uint32_t)b->running_count;
    int64_t used = b->config.kv_blocks - b->free_blocks;
    b->peak_blocks = used > b->peak_blocks ? used : b->peak_blocks;
}

/* What service_time_parts says of a step that only decodes. */
static simtime decode_parts(struct batching *b, const struct step_shape *shape, struct step_parts *parts) {
    const struct decode_line *line = batching_decode_line(b, shape->decode_sequences, shape->decode_context);
    *parts =
        (struct step_parts){.by_token = line->base - line->slope * line->from, .decode_slope = line->slope};
    return parts->by_token + parts->decode_slope * shape->decode_context;
}

/* Part by part, as batching_decode_line has it for steps that only decode. */
static simtime pace_parts(const struct batching *b, const struct step_shape *shape,
                          struct step_parts *parts) {
    int64_t ppm = b->base.pace_ppm;
    parts->by_token = replica_paced(parts->by_token, ppm);
    parts->decode_slope = replica_paced(parts->decode_slope, ppm);
    parts->prefill = replica_paced(parts->prefill, ppm);
    simtime time = parts->by_token + parts->decode_slope * shape->decode_context + parts->prefill;
    parts->by_token += time > 0 ? 0 : 1 - time;
    return time > 0 ? time : 1;
}

simtime batching_step_time(struct batching *b, const struct step_shape *shape) {
    struct step_parts parts;
    struct step_shape whole = *shape;
    simtime late_context = shape->decode_sequences > 0 ? b->sglang.late_context : 0;
    if (late_context > 0) {
        whole.decode_sequences += b->sglang.late;
        whole.decode_context += late_context;
        whole.sampled += b->sglang.late;
    }
    bool decode =
        shape->prefill_tokens == 0 && shape->decode_sequences > 0 && b->config.speculation.tokens == 0;
    simtime time = decode ? decode_parts(b, &whole, &parts) : 0;
    if (time <= 0) {
        time = service_time_parts(b->times, &whole, &parts);
        time = b->base.pace_ppm ? pace_parts(b, &whole, &parts) : time;
    }
    parts.by_token += parts.decode_slope * late_context; /* all bear what is computed in vain */
    simtime waits = b->loading_ps + (b->fetch_ps > 0 ? tiers_step_waits(b, time) : 0);
    parts.by_token += waits;
    share_step(b, &parts, shape);
    return time + waits;
}

/* ---- gaps between tokens ---- */

void batching_flush_gaps(struct batching *b) {
    const struct gap_run *g = &b->gaps;
    if (g->steps) {
        b->base.events->token_gaps(b->base.events->context, &b->base, g->first, g->increment, g->steps,
                                   g->weight);
        b->gaps.steps = 0;
    }
}

void batching_gaps(struct batching *b, simtime first, simtime increment, uint64_t steps, uint64_t weight) {
    struct gap_run *g = &b->gaps;
    if (weight == 0) {
        return;
    }
    if (g->steps > 0 && g->weight == weight) {
        simtime step = g->steps == 1 ? first - g->first : g->increment;
        bool fits = steps == 1 || increment == step;
        if (fits && step >= 0 && first == g->first + step * (simtime)g->steps) {
            g->increment = step;
            g->steps += steps;
            return;
        }
    }
    batching_flush_gaps(b);
    *g = (struct gap_run){first, increment, steps, weight};
}

/* ---- beginning a step ---- */

static bool is_empty(const struct step_shape *shape) {
    return shape->decode_sequences + shape->prefill_tokens == 0;
}

static bool schedule(struct batching *b, struct step_shape *shape) {
    static bool (*const schedulers[])(struct batching *, struct step_shape *) = {
        [SCHEDULER_VLLM] = schedule_vllm,
        [SCHEDULER_SGLANG] = schedule_sglang,
        [SCHEDULER_TGI] = schedule_tgi,
        [SCHEDULER_STATIC] = schedule_static,
    };
    if (b->config.scheduler != SCHEDULER_VLLM) {
        cohort_settle(b); /* the others look at every request */
    }
    return schedulers[b->config.scheduler](b, shape);
}

/* The batch of the step that begins now, and whether the next ones may be like it. */
static bool make_batch(struct batching *b, struct step_shape *shape) {
    b->unsettled = true;
    b->loading_ps = b->fetch_ps = 0;
    uint64_t preemptions = b->base.preemptions;
    bool steady = schedule(b, shape), knows_all = !b->config.async_scheduling;
    while (is_empty(shape) && b->waiting.head &&
           (!knows_all || b->base.preemptions > preemptions ||
            (b->tiers && b->load_count == 0 && tiers_make_room(b)))) {
        preemptions = b->base.preemptions; /* the last one may have gone for blocks that it held itself */
        knows_all = true;
        b->just_left = b->just_freed = 0;
        b->caught_up = true;
        steady = schedule(b, shape);
        b->caught_up = false;
    }
    b->unsettled = false;
    return steady;
}

/* May a request that waits now join the next step, though it could not join this one? It was tried in vain,
 * and during a run blocks only become fewer; but for what asynchronous scheduling does not know of yet. */
static bool may_join_next(const struct batching *b) {
    if (b->tiers && b->waiting.head && b->running_count < b->config.max_num_seqs) {
        return true; /* what the tiers have changes with time, and with it what it needs */
    }
    return b->config.async_scheduling && b->waiting.head &&
           (b->just_left > 0 || b->just_freed > 0 ||
            (int32_t)(b->last_joined + 2 - (uint32_t)b->base.steps) > 0);
}

static void step_end(void *context, uint64_t argument);

static void step_begin(struct batching *b) {
    struct step_shape shape = {0};
    uint64_t preemptions = b->base.preemptions;
    bool steady = make_batch(b, &shape);
    batching_update_load(b);
    b->stepping = !is_empty(&shape);
    if (!b->stepping) {
        /* Nobody starves: any request fits alone, once what is parked has gone and what is read in is there.
         */
        assert(b->running_count == 0 && (!b->waiting.head || b->parked > 0 || b->load_count > 0));
        batching_flush_gaps(b);
        return;
    }
    b->in_step = true;
    b->step_began_ps = engine_now(b->base.engine);
    b->step_tokens = shape.decode_sequences + shape.prefill_tokens;
    b->base.prompt_tokens += (uint64_t)shape.prefill_tokens;
    if (b->watched) {
        batching_watch_begins(b, &shape, b->base.preemptions == preemptions, b->budget_left);
    }
    bool repeats = b->fast && !may_join_next(b) && b->config.speculation.tokens == 0 && steady &&
                   shape.prefill_tokens == 0 && shape.decode_sequences == b->running_count &&
                   b->loading_ps + b->fetch_ps + b->sglang.late == 0;
    cohort_check(b);
    simtime end = b->step_began_ps + (repeats ? run_begin(b, &shape) : batching_step_time(b, &shape));
    b->event = engine_at_ranked(b->base.engine, end, b->base.rank, step_end, b, 0);
}

/* ---- ending one ---- */

void batching_let_go(struct batching *b, struct request *r, enum request_status status) {
    r->place = PLACE_NONE;
    if (r->watched) {
        batching_watch_leaves(b, r);
    }
    b->base.events->finished(b->base.events->context, &b->base, r, status);
}

/* Tokens that come out of one step arrive together: one gap, as vLLM's inter-token latency counts them. */
static void tokens_made(struct batching *b, struct request *r, simtime now, uint32_t tokens) {
    r->generated += tokens;
    b->base.generated_tokens += tokens;
    if (r->first_token_ps < 0) {
        r->first_token_ps = now;
        b->base.events->first_token(b->base.events->context, &b->base, r);
    } else if (r->counted) {
        batching_gaps(b, now - r->last_token_ps, 0, 1, 1);
    }
    r->last_token_ps = now;
}

void batching_first_token(struct batching *b, struct request *r) {
    r->generated = 1;
    r->first_token_ps = r->last_token_ps = engine_now(b->base.engine);
    b->base.events->first_token(b->base.events->context, &b->base, r);
}

/* Tokens that a sequence makes which has computed the drafts behind its last token, and the rest undone:
 * those that were right, and the one that the model gives in place of the first wrong one, or behind them
 * all. */
static uint32_t speculate(const struct batching *b, struct request *r) {
    uint32_t drafts = r->computed - (uint32_t)tokens_known(r);
    uint32_t tokens = 1 + accepted_drafts(&b->config, r->id, r->generated, drafts);
    uint32_t left = r->output_tokens - r->generated;
    tokens = tokens < left ? tokens : left;
    r->computed = (uint32_t)tokens_known(r) + tokens - 1;
    r->drafts = (uint16_t)b->config.speculation.tokens;
    return tokens;
}

/* Others may use what a request has computed of its prompt. */
static void learn(struct batching *b, struct request *r) {
    if (b->prefixes) {
        prefix_cache_learn(b->prefixes, r);
    }
    if (b->tiers) {
        kv_tiers_keep(b->tiers, r, r->computed);
    }
}

/* Under overlap SGLang's scheduler does not know yet. */
static void note_late(struct batching *b, const struct request *r) {
    if (b->config.scheduler == SCHEDULER_SGLANG && b->config.async_scheduling &&
        r->place == PLACE_LEAVING + REQUEST_COMPLETED) {
        b->sglang.late++;
        b->sglang.late_context += (int64_t)r->computed + 1;
    }
}

static void leaves_batch(struct batching *b, struct request *r) {
    int64_t free = b->free_blocks;
    note_late(b, r);
    release(b, r);
    b->just_freed += b->config.async_scheduling ? b->free_blocks - free : 0;
}

/* The cohort's part of a step; answers how many have made their last token. */
static int64_t advance_cohort(struct batching *b, simtime now) {
    struct cohort *c = &b->cohort;
    batching_gaps(b, now - c->last_token_ps, 0, 1, (uint64_t)c->counted);
    b->base.generated_tokens += (uint64_t)c->count;
    cohort_advance(b, now);
    int64_t leaving = cohort_end(b);
    for (int64_t i = 0; i < leaving; i++) {
        leaves_batch(b, b->leaving[i]);
    }
    return leaving;
}

/* Advances every scheduled request and closes the ranks of those that stay; returns how many do not. */
static int64_t advance_running(struct batching *b, simtime now) {
    b->unsettled = true;
    b->just_freed = 0;
    b->sglang.late = b->sglang.late_context = 0;
    share_ended(b);
    int64_t i = b->cohort.count;
    int64_t leaving = i > 0 ? advance_cohort(b, now) : 0;
    int64_t kept = b->cohort.count;
    for (; i < b->running_count; i++) {
        struct request *r = b->running[i];
        share_request(b, r, b->scheduled[i]);
        if (r->place == PLACE_RUNNING) {
            r->computed += (uint32_t)b->scheduled[i];
            if (r->chunk_count > 0 && r->generated == 0) {
                learn(b, r);
            }
            if (b->scheduled[i] > 0 && (int64_t)r->computed >= tokens_known(r)) {
                tokens_made(b, r, now, b->config.speculation.tokens > 0 ? speculate(b, r) : 1);
            }
            if (r->generated >= r->output_tokens) {
                r->place = PLACE_LEAVING + REQUEST_COMPLETED;
            }
        }
        if (r->place == PLACE_RUNNING) {
            b->running[kept++] = r;
        } else {
            leaves_batch(b, r);
            b->leaving[leaving++] = r;
        }
    }
    share_done(b);
    b->running_count = kept;
    b->just_left = b->config.async_scheduling ? leaving : 0;
    b->unsettled = false;
    batching_update_load(b);
    return leaving;
}

/* Is the next step certain to be like the one that ends? All are in the cohort, none makes its last token,
 * nobody waits, and there are blocks. */
static bool step_repeats(const struct batching *b) {
    const struct cohort *c = &b->cohort;
    return b->share.uniform && c->count > 0 && c->count == b->running_count && c->ends - c->steps > 1 &&
           !b->waiting.head && !b->watched && b->run.steps == 0 && cohort_blocks(b, 1) <= b->free_blocks;
}

/* Of a step that repeats: what step_end and step_begin would do, without asking who leaves and who joins.
 * Most single steps are such. */
static void step_again(struct batching *b, simtime now) {
    struct step_shape shape = {0};
    share_ended(b);
    advance_cohort(b, now);
    b->just_left = b->just_freed = 0;
    b->loading_ps = 0;
    cohort_schedule(b, &shape, b->config.max_num_batched_tokens);
    cohort_check(b);
    batching_update_load(b);
    b->step_began_ps = now;
    b->event =
        engine_at_ranked(b->base.engine, now + batching_step_time(b, &shape), b->base.rank, step_end, b, 0);
}

static void count_step(struct batching *b, simtime now) {
    b->base.busy_ps += now - b->step_began_ps;
    b->base.steps++;
    replica_count_steps(&b->base, b->step_tokens, 1);
}

static void step_end(void *context, uint64_t argument) {
    (void)argument;
    struct batching *b = context;
    simtime now = engine_now(b->base.engine);
    b->event = 0;
    if (!b->fast && step_repeats(b)) {
        count_step(b, now);
        step_again(b, now);
        return;
    }
    run_end(b);
    if (b->watched) {
        batching_watch_ends(b, now);
    }
    b->in_step = false;
    count_step(b, now);
    cohort_check(b);
    int64_t leaving = advance_running(b, now);
    cohort_check(b);
    for (int64_t i = 0; i < leaving; i++) {
        batching_let_go(b, b->leaving[i], (enum request_status)(b->leaving[i]->place - PLACE_LEAVING));
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
    b->just_left = b->just_freed = 0;
    b->sglang.late = b->sglang.late_context = 0;
    step_begin(b);
}

void batching_wake(struct batching *b) {
    if (!b->stepping && !b->stopped) {
        b->stepping = true;
        b->event = engine_at(b->base.engine, engine_now(b->base.engine), EVENT_CONTROL, step_kick, b, 0);
    }
}

/* Notes the step under way; one that finds the engine idle is in the next. */
void batching_note_step(struct batching *b, struct request *r) {
    bool idle = !b->in_step && (!b->stepping || b->event);
    r->joined_step = (uint32_t)b->base.steps + (idle ? 0u - 2u : (uint32_t)run_steps_ended(b));
    b->last_joined = r->joined_step;
}

/* A run goes on no further than to the step that one who has come may join. */
void batching_make_way(struct batching *b, const struct request *r) {
    if (b->config.async_scheduling) {
        run_cut(b, (int64_t)(r->joined_step + 2 - (uint32_t)b->base.steps));
    } else {
        run_end(b);
    }
}

void batching_queue(struct batching *b, struct request *r, bool again) {
    batching_note_step(b, r);
    if (again) {
        waiting_put_back(b, r);
    } else {
        waiting_add(b, r);
    }
    bool may_join =
        (b->waiting.head == r || b->adapters || b->tiers) && b->running_count < b->config.max_num_seqs;
    if (may_join || (r->remote && b->config.scheduler == SCHEDULER_SGLANG)) { /* which takes no place yet */
        batching_make_way(b, r); /* with no place, or behind others that it cannot pass, it waits on */
    }
    batching_update_load(b);
    if (r->watched) {
        if (again) {
            batching_watch_loaded(b, r);
        } else {
            batching_watch_joins(b, r);
        }
    }
    batching_wake(b);
}

static bool batching_submit(struct replica *replica, struct request *r, const char **reason) {
    struct batching *b = batching_of(replica);
    assert(!b->stopped);
    if ((int64_t)r->input_tokens >= b->config.max_model_len) {
        *reason = "prompt as long as --max-model-len or longer";
        return false;
    }
    if (r->adapter != 0 && !b->adapters) {
        *reason = "an adapter, of an engine without --enable-lora";
        return false;
    }
    if (b->config.max_input_tokens > 0 && (int64_t)r->input_tokens > b->config.max_input_tokens) {
        *reason = "prompt longer than --max-input-tokens";
        return false;
    }
    if (b->config.concurrency_limit > 0 &&
        b->waiting.count + b->load_count + b->running_count >= b->config.concurrency_limit) {
        *reason = "--max-concurrent-requests reached";
        return false;
    }
    if (b->config.queue_limit >= 0 && b->waiting.count >= b->config.queue_limit) {
        *reason = "the engine's queue is full";
        return false;
    }
    int64_t room = b->config.max_model_len - r->input_tokens;
    if ((int64_t)r->output_tokens > room) {
        b->base.cut++;
        r->output_tokens = (uint32_t)room; /* the server ends it there: finish_reason "length" */
    }
    r->ticket = b->base.first_ticket + b->next_ticket++;
    batching_queue(b, r, false);
    return true;
}

static void batching_destroy(struct replica *replica) {
    struct batching *b = batching_of(replica);
    free(b->running);
    free(b->scheduled);
    free(b->leaving);
    free(b->watch);
    cohort_destroy(b);
    prefix_cache_destroy(b->prefixes);
    adapters_destroy(b->adapters);
    kv_tiers_destroy(b->tiers);
    free(b->loads);
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
    batching_flush_gaps(b);
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
    .pace = batching_pace,
    .hang = batching_hang,
    .revive = batching_revive,
    .kv_arrived = batching_kv_arrived,
    .kv_left = batching_kv_left,
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
    b->adapters = config->adapters.on_gpu > 0 ? adapters_create(&config->adapters) : NULL;
    tiers_open(b);
    b->running = mem_zalloc((size_t)config->max_num_seqs, sizeof *b->running);
    b->scheduled = mem_zalloc((size_t)config->max_num_seqs, sizeof *b->scheduled);
    b->leaving = mem_zalloc((size_t)config->max_num_seqs, sizeof(struct request *));
    cohort_create(b);
    return &b->base;
}
