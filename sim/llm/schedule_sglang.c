/* Who computes what in a step, as SGLang's scheduler decides (0.5: Scheduler.get_next_batch_to_run and
 * update_running_batch in managers/scheduler.py, PrefillAdder in schedule_policy.py, retract_decode in
 * schedule_batch.py).
 *
 * Prompts go first: while waiting ones can be let in, a step computes prompts alone, up to
 * --chunked-prefill-size tokens, the last one cut there and gone on with in the next step, and those that
 * decode stand still (unless --enable-mixed-chunk takes them along). Else all decode.
 *
 * A request is let in when its prompt and what it may generate fit beside what those in the batch may still
 * generate, of which a share is counted, the new-token ratio: 0.7 x --schedule-conservativeness at first,
 * less with each step of decoding, down to 0.14 of that after 600. When the first that does not fit is met,
 * nobody is tried until somebody leaves the batch. Where the estimate was too low and KV is short, those that
 * generated least are retracted, the longest prompt of equals first, to the end of the queue; the ratio
 * becomes what those left have come to.
 *
 * What a request may generate (max_new_tokens) is taken to be what it does generate, as benchmarks ask for.
 *
 * With the overlap of host and GPU (the default; --disable-overlap-schedule), the batch of a step is made
 * when the step before it begins (Scheduler.event_loop_overlap: what the last step gave is looked at after
 * the next one was launched), with the requests that had come by then, and without what the step under way
 * will free. As who reaches his last token is not foreseen, he is in one more decoding step, whose token is
 * thrown away.
 *
 * With the hierarchical cache (hiradix_cache.py) the pages that the host has of a prompt are read in layer by
 * layer while the step computes; those that only the storage has are brought to the host first, and the
 * request waits for them aside when they are at least 256 tokens (prefetch_threshold in cache_controller.py).
 *
 * Left out: penalties for prompts of one batch that share a prefix (in-batch prefix caching), the tree's own
 * ways of splitting and of evicting leaves, priority scheduling; a step of nothing but tokens that are thrown
 * away.
 */
#include <assert.h>
#include <stdlib.h>

#include "llm/batching_private.h"

/* SGLANG_CLIP_MAX_NEW_TOKENS_ESTIMATION, SGLANG_INIT_NEW_TOKEN_RATIO, SGLANG_MIN_NEW_TOKEN_RATIO_FACTOR,
 * SGLANG_NEW_TOKEN_RATIO_DECAY_STEPS, SGLANG_RETRACT_DECODE_STEPS. */
enum { CLIP_NEW_TOKENS = 4096, DECAY_STEPS = 600, RETRACT_STEPS = 20 };
static const double first_ratio = 0.7, last_ratio = 0.14;
/* Beyond it, longest prefix match falls back to first come first served (schedule_policy.py). */
enum { LONGEST_PREFIX_QUEUE = 128 };
enum { PREFETCH_TOKENS = 256 };

/* Shares in billionths, so that k steps' decay at once is what k times one is. */
static const int64_t whole = 1000000000;

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- the new-token ratio ---- */

static int64_t initial_ratio(const struct batching *b) {
    double ratio = first_ratio * b->config.schedule_conservativeness;
    return (int64_t)((ratio < 1 ? ratio : 1) * (double)whole);
}

static void decay(struct batching *b, int64_t steps) {
    int64_t first = initial_ratio(b), floor = (int64_t)((double)first * last_ratio);
    int64_t to = b->sglang.ratio - steps * ((first - floor) / DECAY_STEPS);
    b->sglang.ratio = to > floor ? to : floor;
}

/* Since the last call here: steps of a run beyond its first, and who has left. */
static void catch_up(struct batching *b) {
    struct sglang_state *s = &b->sglang;
    if (s->ratio == 0 || s->idle) {
        s->ratio = initial_ratio(b);
    } else if (s->decoded && b->base.steps > s->steps + 1) {
        decay(b, (int64_t)(b->base.steps - s->steps - 1));
    }
    s->steps = b->base.steps;
    if (b->running_count + b->just_left < s->batch || b->running_count == 0) {
        s->full = false;
    }
}

/* ---- prompts ---- */

struct prefill_pass {
    struct batching *b;
    struct step_shape *shape;
    int64_t input_left, chunk_left; /* tokens of this step */
    int64_t available, offset;      /* KV tokens; offset in billionths of one */
    int64_t admitted;
    struct request *chunked; /* the last one was cut */
};

static int64_t paged(const struct batching *b, int64_t tokens) {
    int64_t size = b->config.block_tokens;
    return (tokens + size - 1) / size * size;
}

static int64_t may_generate(const struct request *r) {
    return least((int64_t)r->output_tokens - r->generated, CLIP_NEW_TOKENS);
}

static void charge(struct prefill_pass *p, int64_t tokens, int64_t new_tokens) {
    tokens = paged(p->b, tokens);
    p->input_left -= tokens;
    p->chunk_left -= tokens;
    p->offset += (tokens + new_tokens + p->b->config.block_tokens) * whole;
}

static void compute(struct prefill_pass *p, int64_t at, int64_t tokens) {
    struct batching *b = p->b;
    b->scheduled[at] = tokens;
    shape_count(p->shape, b->running[at], tokens, 1);
}

static bool no_tokens_left(const struct prefill_pass *p) {
    return p->available * whole <= p->offset;
}

enum verdict { ADDED, STOP, NO_TOKENS };

/* Once; what has come to the host by then is what is taken. */
static bool waits_for_storage(struct batching *b, struct request *r, const struct prefix_match *match,
                              struct kv_found *found) {
    if (found->store_tokens >= PREFETCH_TOKENS && r->scheduled_ps < 0 && r->cached_tokens == 0) {
        tiers_prefetch(b, r, match, found);
        return true;
    }
    found->store_tokens = 0;
    return false;
}

/* PrefillAdder.add_one_req. Where the batch is empty the estimate does not count: the engine would wait for
 * ever. */
static enum verdict add(struct prefill_pass *p, struct request *r) {
    struct batching *b = p->b;
    struct prefix_match match = prefix_of(b, r);
    struct kv_found found = tiers_find(b, r, &match);
    if (b->tiers && waits_for_storage(b, r, &match, &found)) {
        return ADDED;
    }
    int64_t extend = tokens_known(r) - match.tokens;
    int64_t total = extend + may_generate(r) + b->config.block_tokens;
    int64_t held = match.evictable * b->config.block_tokens;
    if ((p->available - held) * whole - p->offset <= total * whole && b->running_count > 0) {
        return NO_TOKENS;
    }
    extend -= found.host_tokens;
    if (!b->config.chunked_prefill && p->admitted > 0 && paged(b, extend) >= p->input_left) {
        return STOP;
    }
    bool cut = b->config.chunked_prefill && paged(b, extend) > p->chunk_left;
    int64_t tokens = cut ? p->chunk_left / b->config.block_tokens * b->config.block_tokens : extend;
    if (tokens <= 0) {
        return STOP;
    }
    if (!blocks_admit(b, r, &match, found.host_tokens + tokens)) {
        return NO_TOKENS;
    }
    if (b->tiers) {
        tiers_count(b, r, match.tokens, &found);
        tiers_fetch(b, r, &found);
    }
    p->available -= held + found.host_tokens;
    p->admitted++;
    p->chunked = cut ? r : NULL;
    join(b, r, &match, tokens);
    compute(p, b->running_count - 1, tokens);
    charge(p, tokens, cut ? 0 : least(r->output_tokens, CLIP_NEW_TOKENS));
    return no_tokens_left(p) ? NO_TOKENS : p->input_left <= 0 || p->chunk_left <= 0 ? STOP : ADDED;
}

/* The longest match first, of equals who came first. */
static void order_by_prefix(struct batching *b) {
    struct request *order[LONGEST_PREFIX_QUEUE];
    int64_t matched[LONGEST_PREFIX_QUEUE];
    uint32_t count = b->waiting.count;
    for (uint32_t i = 0; i < count; i++) {
        struct request *r = request_list_pop_front(&b->waiting);
        int64_t tokens = prefix_of(b, r).tokens;
        uint32_t k = i;
        for (; k > 0 && matched[k - 1] < tokens; k--) {
            order[k] = order[k - 1];
            matched[k] = matched[k - 1];
        }
        order[k] = r;
        matched[k] = tokens;
    }
    for (uint32_t i = 0; i < count; i++) {
        request_list_push_back(&b->waiting, order[i]);
    }
}

static void add_waiting(struct prefill_pass *p) {
    struct batching *b = p->b;
    if (b->config.longest_prefix_first && b->waiting.count <= LONGEST_PREFIX_QUEUE) {
        order_by_prefix(b);
    }
    for (struct request *r = b->waiting.head, *next; r; r = next) {
        next = r->next;
        if (b->running_count + b->just_left >= b->config.max_num_seqs) {
            b->sglang.full = true;
            return;
        }
        if (r->remote != REMOTE_NONE || !is_known(b, r) ||
            (b->adapters && !adapters_fit(b->adapters, r->adapter))) {
            continue;
        }
        enum verdict verdict = add(p, r);
        if (verdict == NO_TOKENS) {
            b->sglang.full = b->running_count > 0;
        }
        if (verdict != ADDED) {
            return;
        }
    }
}

/* The prompt that the last step cut: its blocks were counted when it was let in. */
static void go_on(struct prefill_pass *p) {
    struct batching *b = p->b;
    int64_t at = b->running_count - 1;
    while (b->running[at] != b->sglang.chunked) {
        at--;
    }
    struct request *r = b->running[at];
    int64_t extend = tokens_known(r) - r->computed, tokens = least(extend, p->chunk_left);
    if (!blocks_take(b, r, tokens, 0)) {
        preempt(b, at, r, tokens); /* decoding beside it took more than was estimated */
        b->sglang.chunked = NULL;
        return;
    }
    bool cut = tokens < extend;
    compute(p, at, tokens);
    charge(p, tokens, cut ? 0 : least(r->output_tokens, CLIP_NEW_TOKENS));
    p->chunked = cut ? r : NULL;
}

static struct prefill_pass begin_pass(struct batching *b, struct step_shape *shape, int64_t decoding) {
    int64_t beside = b->config.mixed_chunk ? decoding : 0;
    struct prefill_pass p = {
        .b = b,
        .shape = shape,
        .input_left = b->config.max_prefill_tokens - beside,
        .chunk_left = b->config.chunked_prefill ? b->config.prefill_chunk - beside : INT64_MAX / 4,
        .available = (b->free_blocks - b->just_freed) * b->config.block_tokens,
        .offset = beside * whole,
    };
    for (int64_t i = 0; i < b->running_count; i++) {
        if (b->running[i] != b->sglang.chunked) {
            p.offset += may_generate(b->running[i]) * b->sglang.ratio;
        }
    }
    return p;
}

/* False when there was none to compute. */
static bool prefill(struct batching *b, struct step_shape *shape) {
    struct sglang_state *s = &b->sglang;
    if (!s->chunked && (!b->waiting.head || s->full)) {
        return false;
    }
    struct prefill_pass p = begin_pass(b, shape, b->running_count - (s->chunked != NULL));
    if (s->chunked) {
        go_on(&p);
    }
    if (!p.chunked) {
        add_waiting(&p);
    }
    s->chunked = p.chunked;
    b->budget_left = p.chunk_left;
    return shape->prefill_tokens > 0;
}

/* ---- decoding ---- */

static bool decodes(const struct batching *b, int64_t at) {
    return b->scheduled[at] == 0 && is_decoding(b->running[at]);
}

static int64_t tokens_of(const struct batching *b, const struct request *r) {
    return least(1 + r->drafts, b->config.max_model_len - 1 - r->computed);
}

static bool all_find_blocks(const struct batching *b) {
    int64_t need = 0, size = b->config.block_tokens;
    for (int64_t i = 0; i < b->running_count; i++) {
        const struct request *r = b->running[i];
        if (decodes(b, i)) {
            int64_t more = (r->computed + tokens_of(b, r) + size - 1) / size - r->blocks;
            need += more > 0 ? more : 0;
        }
    }
    return need <= b->free_blocks - b->just_freed;
}

/* Of those that decode: generated least; of equals, the longest prompt, the last in the batch. -1 = nobody
 * does. The very last one goes too: a prefix it shares with requests that are gone may be what is in its way
 * (SGLang gives it up). */
static int64_t to_retract(const struct batching *b) {
    int64_t found = -1;
    for (int64_t i = 0; i < b->running_count; i++) {
        const struct request *r = b->running[i], *worst = found < 0 ? r : b->running[found];
        if (decodes(b, i) && (r->generated < worst->generated ||
                              (r->generated == worst->generated && r->input_tokens >= worst->input_tokens))) {
            found = i;
        }
    }
    return found;
}

static void estimate_again(struct batching *b) {
    int64_t generated = 0, in_all = 1;
    for (int64_t i = 0; i < b->running_count; i++) {
        generated += b->running[i]->generated + RETRACT_STEPS;
        in_all += b->running[i]->output_tokens;
    }
    b->sglang.ratio = generated < in_all ? generated * whole / in_all : whole;
}

/* False when somebody had to go. */
static bool make_room(struct batching *b) {
    bool all_fit = all_find_blocks(b);
    if (all_fit) {
        decay(b, 1);
        return true;
    }
    int64_t at;
    while (!all_find_blocks(b) && (at = to_retract(b)) >= 0) {
        struct request *victim = b->running[at];
        preempt(b, at, b->running[0], 1);
        request_list_remove(&b->waiting, victim);
        request_list_push_back(&b->waiting, victim);
    }
    estimate_again(b);
    b->sglang.full = false;
    return false;
}

static bool decode(struct batching *b, struct step_shape *shape) {
    bool all_fit = make_room(b);
    for (int64_t i = 0; i < b->running_count; i++) {
        struct request *r = b->running[i];
        int64_t tokens = decodes(b, i) ? tokens_of(b, r) : 0;
        if (tokens > 0 && blocks_take(b, r, tokens, b->config.lookahead_tokens)) {
            b->scheduled[i] = tokens;
            shape_count(shape, r, tokens, 1);
        }
    }
    return all_fit;
}

/* ---- KV from another server (disaggregation/decode.py) ---- */

/* DecodePreallocQueue: room for the prompt, and some for each answer that is or will be in the making. */
static bool has_room(const struct batching *b, const struct request *r, int64_t here) {
    int64_t answers = b->running_count + b->coming.count + here;
    int64_t size = b->config.block_tokens;
    int64_t free = b->free_blocks * size - answers * b->config.reserved_decode_tokens;
    return answers == 0 || paged(b, r->input_tokens) <= free;
}

/* The prefill server has made its first token, which is told of now. */
static bool join_prebuilt(struct batching *b, struct request *r) {
    struct prefix_match match = {.tokens = r->computed};
    if (b->running_count >= b->config.max_num_seqs) {
        return false;
    }
    join(b, r, &match, 0);
    batching_first_token(b, r);
    return true;
}

static void take_remote(struct batching *b) {
    int64_t here = 0;
    for (struct request *r = b->waiting.head, *next; r; r = next) {
        next = r->next;
        here += r->remote == REMOTE_HERE && !join_prebuilt(b, r);
    }
    for (struct request *r = b->waiting.head, *next; r; r = next) {
        next = r->next;
        if (r->remote == REMOTE_WANTED && (!has_room(b, r, here) || !remote_reserve(b, r))) {
            return;
        }
    }
}

/* All of its requests come with their KV; those that were retracted are computed again. */
static bool waits_for_prompts(const struct batching *b) {
    for (const struct request *r = b->waiting.head; r; r = r->next) {
        if (r->remote == REMOTE_NONE) {
            return true;
        }
    }
    return false;
}

bool schedule_sglang(struct batching *b, struct step_shape *shape) {
    struct sglang_state *s = &b->sglang;
    catch_up(b);
    if (b->config.kv_role == KV_ROLE_DECODE) {
        take_remote(b);
    }
    for (int64_t i = 0; i < b->running_count; i++) {
        b->scheduled[i] = 0;
    }
    bool prompts = prefill(b, shape), all_fit = true;
    if (!prompts || b->config.mixed_chunk) {
        all_fit = decode(b, shape);
    }
    if (b->running_count == 0 && b->waiting.head) {
        prompts = prefill(b, shape); /* all were retracted */
    }
    s->decoded = !prompts;
    s->batch = b->running_count + b->just_left;
    s->idle = b->running_count == 0;
    return all_fit && (!waits_for_prompts(b) || s->full);
}
