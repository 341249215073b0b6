/* Who computes what in a step, as vLLM's V1 scheduler decides
 * (Scheduler.schedule in vllm/v1/core/sched/scheduler.py and allocate_slots in kv_cache_manager.py, v0.10.1;
 * the same algorithm up to early 2026, commit 00024d31).
 *
 * One token budget. Running requests first, in the order they were admitted, each with its next token (and
 * the drafts to verify behind it) or its next prompt chunk. When one finds no block, the last one admitted is
 * preempted: its blocks are freed, it goes to the head of the queue and will compute its prompt and what it
 * had generated again; it may be the one that asked. A step that preempted admits nobody. Otherwise waiting
 * ones follow, first come first served, while budget, sequences and KV blocks last: a request is admitted
 * when its first chunk finds blocks, however long its prompt is, and the first that does not fit keeps all
 * behind it waiting.
 *
 * Under --scheduling-policy priority the queue is in the order of (priority, arrival), smaller first, and the
 * victim is the one that is last in that order; what it was given in this step goes back to the budget. Where
 * the victim is the one that asked, those behind it still get their turn, as in versions of 2026 (0.10.1 gave
 * up the rest of the step, which left requests of higher priority standing).
 *
 * With LoRA, a waiting request whose adapter would be one more than --max-loras of those in the batch is
 * passed over and keeps its place. (In the batch are all running requests, as in versions of 2026; before, a
 * running one that found no budget in the step did not count.)
 *
 * Under asynchronous scheduling (the default) the batch of a step is made when the step before it begins, so
 * that the GPU never waits: with the requests that had come by then, and without what left at the end of that
 * step, but for who is known to reach its last token there (EngineCore.step_with_batch_queue in
 * vllm/v1/engine/core.py, a queue of two batches). When nothing of what is known makes a batch, the step
 * before is waited for. A request that comes during step n joins step n + 2, and what leaves after step n has
 * its place taken in step n + 2.
 *
 * A request whose prompt another server has computed (kv_transfer_params) is given blocks for all of it when
 * its turn comes, beyond those in the prefix cache, and then passed over until its KV has come
 * (WAITING_FOR_REMOTE_KVS); it is before all others then. The last token of the prompt is computed here.
 *
 * Left out: the block that vLLM keeps as a null block (1 of thousands), and what later versions put before
 * admission (the whole sequence must fit, --scheduler-reserve-full-isl; a watermark of free blocks). */
#include "llm/batching_private.h"

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- running ---- */

static int64_t last_in_order(const struct batching *b) {
    int64_t last = 0;
    for (int64_t i = 1; i < b->running_count; i++) {
        const struct request *r = b->running[i], *worst = b->running[last];
        bool later =
            r->priority != worst->priority ? r->priority > worst->priority : r->ticket > worst->ticket;
        last = later ? i : last;
    }
    return last;
}

struct turn {
    struct batching *b;
    struct step_shape *shape;
    int64_t budget;
    int64_t at; /* whose turn it is */
    bool all_fit;
};

/* Makes room for the one whose turn it is. False when it was itself the one to go. */
static bool preempt_one(struct turn *t, const struct request *by, int64_t tokens) {
    struct batching *b = t->b;
    int64_t victim = b->config.priority_scheduling ? last_in_order(b) : b->running_count - 1;
    bool itself = victim == t->at;
    if (victim < t->at) { /* it has had its turn */
        if (b->scheduled[victim] > 0) {
            shape_count(t->shape, b->running[victim], b->scheduled[victim], -1);
        }
        t->budget += b->scheduled[victim];
        t->at--;
    }
    preempt(b, victim, by, tokens);
    t->all_fit = false;
    return !itself;
}

/* Its next token and drafts, or its next chunk, as far as budget and model go. */
static int64_t tokens_wanted(const struct turn *t, const struct request *r) {
    int64_t tokens = tokens_known(r) + r->drafts - r->computed;
    tokens = least(tokens, t->budget);
    return least(tokens, t->b->config.max_model_len - 1 - r->computed);
}

static void schedule_running(struct turn *t) {
    struct batching *b = t->b;
    t->at = cohort_schedule(b, t->shape, t->budget);
    t->budget -= t->at;
    while (t->at < b->running_count) {
        struct request *r = b->running[t->at];
        int64_t tokens = tokens_wanted(t, r);
        b->scheduled[t->at] = 0;
        if (tokens == 0) {
            t->at++; /* the budget is spent: it keeps its place and its blocks */
            continue;
        }
        bool stays = true;
        while (stays && !blocks_take(b, r, tokens, b->config.lookahead_tokens)) {
            cohort_settle(b);
            stays = (b->tiers && tiers_make_room(b)) || preempt_one(t, r, tokens);
        }
        if (stays) {
            b->scheduled[t->at++] = tokens;
            t->budget -= tokens;
            shape_count(t->shape, r, tokens, 1);
        }
    }
}

/* ---- waiting ---- */

/* The first one from `r` on that is known of and whose adapter fits into the batch: it passes those before
 * it.
 */
static struct request *first_that_fits(const struct batching *b, struct request *r) {
    while (r && (!is_known(b, r) || (b->adapters && !adapters_fit(b->adapters, r->adapter)))) {
        r = r->next;
    }
    return r;
}

/* Its KV comes from another replica, or has come: all but its last token's, which makes the first one of the
 * answer. Taking blocks for it costs nothing of the budget. */
static bool admit_remote(struct turn *t, struct request *r) {
    if (r->remote == REMOTE_WANTED) {
        return remote_reserve(t->b, r);
    }
    struct prefix_match match = {.tokens = r->computed};
    int64_t tokens = tokens_known(r) - r->computed;
    if (!blocks_take(t->b, r, tokens, 0)) {
        return false;
    }
    t->budget -= tokens;
    shape_count(t->shape, r, tokens, 1);
    join(t->b, r, &match, tokens);
    return true;
}

/* Admits one, or has it read in from the tiers; false when it keeps those behind it waiting. */
static bool admit(struct turn *t, struct request *r) {
    struct batching *b = t->b;
    bool has = has_blocks(r), swapped = has && r->blocks == 0;
    struct prefix_match match = has ? (struct prefix_match){.tokens = r->computed} : prefix_of(b, r);
    struct kv_found found = has ? (struct kv_found){0} : tiers_find(b, r, &match);
    int64_t external = found.host_tokens + found.store_tokens;
    if (external > 0 && b->config.offload.load == KV_LOAD_ASIDE) {
        return tiers_is_loading(b, r, match.tokens) || tiers_load_aside(b, r, &match, &found);
    }
    int64_t tokens = tokens_known(r) - match.tokens - external;
    if (tokens > t->budget) {
        if (!b->config.chunked_prefill) {
            return false;
        }
        tokens = t->budget;
    }
    if (has ? !blocks_take(b, r, tokens, 0) : !blocks_admit(b, r, &match, external + tokens)) {
        return false;
    }
    if (swapped) {
        swap_in(b, r);
    }
    if (b->tiers && !has) {
        tiers_count(b, r, match.tokens, &found);
        tiers_fetch(b, r, &found);
    }
    t->budget -= tokens;
    shape_count(t->shape, r, tokens, 1);
    join(b, r, &match, tokens);
    return true;
}

static void schedule_waiting(struct turn *t) {
    struct batching *b = t->b;
    struct request *next = b->waiting.head;
    while (t->budget > 0 && b->running_count + b->just_left < b->config.max_num_seqs) {
        struct request *r = first_that_fits(b, next);
        if (!r) {
            return;
        }
        next = r->next;
        if (!(r->remote != REMOTE_NONE ? admit_remote(t, r) : admit(t, r))) {
            return;
        }
    }
}

bool schedule_vllm(struct batching *b, struct step_shape *shape) {
    struct turn turn = {.b = b, .shape = shape, .budget = b->config.max_num_batched_tokens, .all_fit = true};
    schedule_running(&turn);
    if (turn.all_fit) {
        schedule_waiting(&turn);
    }
    b->budget_left = turn.budget;
    return turn.all_fit;
}
