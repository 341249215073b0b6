/* Who computes what in a step, as Text Generation Inference's router decides (3.x: batching_task in
 * backends/v3/src/backend.rs, State::next_batch in queue.rs).
 *
 * A request is let in with KV blocks for its prompt and all it may generate, so nobody is ever preempted; the
 * first in the queue that finds none keeps all behind it waiting. The queue is looked at before each step of
 * decoding: what is let in is computed first, then all decode.
 *
 * Where the attention kernel can cut prompts (flashinfer, flashdecoding: the default) the step that lets
 * somebody in takes the others' tokens along, prompts get what those leave of --max-batch-prefill-tokens, and
 * the last one is cut to fit. With ATTENTION=paged prompts are computed whole while the others stand still;
 * at least --waiting-served-ratio of the batch's size must be waiting for that, unless nobody was let in for
 * --max-waiting-tokens steps, and the batch grows to --max-batch-size.
 *
 * What a request may generate is taken to be what it does generate. */
#include "llm/batching_private.h"

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- those in the batch ---- */

/* Next tokens of all: those that decode first, then the prompt that was cut. */
static int64_t go_on(struct batching *b, struct step_shape *shape, int64_t budget) {
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < b->running_count; i++) {
            struct request *r = b->running[i];
            if (is_decoding(r) != (pass == 0)) {
                continue;
            }
            int64_t tokens = tokens_known(r) + r->drafts - r->computed;
            tokens = pass == 0 ? least(tokens, b->config.max_model_len - 1 - r->computed)
                               : least(tokens, budget > 0 ? budget : 0);
            b->scheduled[i] = tokens;
            budget -= tokens;
            if (tokens > 0) {
                shape_count(shape, r, tokens, 1);
            }
        }
    }
    return budget > 0 ? budget : 0;
}

/* ---- those who wait ---- */

static bool few_wait(const struct batching *b, int64_t waiting) {
    const struct tgi_state *s = &b->tgi;
    if (b->running_count == 0 || b->config.chunked_prefill ||
        s->steps_without >= b->config.max_waiting_tokens) {
        return false;
    }
    return (double)waiting < (double)(int64_t)((double)b->running_count * b->config.waiting_served_ratio);
}

/* How many at the head of the queue would be let in: what is too few is not begun with. */
static int64_t how_many_fit(const struct batching *b, int64_t budget) {
    int64_t count = 0, size = b->config.block_tokens, blocks = b->free_blocks;
    for (const struct request *r = b->waiting.head; r && b->running_count + count < b->config.max_num_seqs;
         r = r->next) {
        int64_t all = (int64_t)r->input_tokens + r->output_tokens - 1 + b->config.speculation.tokens;
        blocks -= (all + size - 1) / size;
        budget -= r->input_tokens;
        if (blocks < 0 || budget < 0) {
            break;
        }
        count++;
    }
    return count;
}

/* Lets in who finds blocks and budget. Answers how many. */
static int64_t admit(struct batching *b, struct step_shape *shape, int64_t budget) {
    int64_t admitted = 0;
    while (b->waiting.head && budget > 0 && b->running_count < b->config.max_num_seqs) {
        struct request *r = b->waiting.head;
        struct prefix_match match = prefix_of(b, r);
        int64_t prompt = tokens_known(r) - match.tokens;
        if (prompt > budget && !b->config.chunked_prefill) {
            break;
        }
        int64_t tokens = least(prompt, budget);
        int64_t all = (int64_t)r->input_tokens + r->output_tokens - 1 + b->config.speculation.tokens;
        if (!blocks_admit(b, r, &match, all - match.tokens)) {
            break;
        }
        join(b, r, &match, tokens);
        shape_count(shape, r, tokens, 1);
        budget -= tokens;
        admitted++;
    }
    b->budget_left = budget;
    return admitted;
}

static bool look_at_queue(struct batching *b, struct step_shape *shape) {
    int64_t budget = b->config.max_num_batched_tokens;
    if (!b->waiting.head || few_wait(b, b->waiting.count)) {
        return false;
    }
    if (b->config.chunked_prefill) {
        struct step_shape beside = *shape;
        if (b->running_count > 0) {
            budget = go_on(b, &beside, budget);
        }
        bool some = admit(b, &beside, budget) > 0;
        if (some) {
            *shape = beside;
        }
        return some;
    }
    return !few_wait(b, how_many_fit(b, budget)) && admit(b, shape, budget) > 0;
}

bool schedule_tgi(struct batching *b, struct step_shape *shape) {
    struct tgi_state *s = &b->tgi;
    bool first = b->running_count == 0;
    s->steps_without += (int64_t)(b->base.steps - s->steps);
    s->steps = b->base.steps;
    for (int64_t i = 0; i < b->running_count; i++) {
        b->scheduled[i] = 0;
    }
    bool looks = first || !s->admitted;
    bool some = looks && look_at_queue(b, shape);
    s->admitted = some && !first; /* all decode before the queue is looked at again */
    if (some) {
        s->steps_without = 0;
        return false;
    }
    b->budget_left = go_on(b, shape, b->config.max_num_batched_tokens);
    /* With prompts cut to fit, who was not let in now is not until somebody leaves. */
    return !b->waiting.head || (looks && b->config.chunked_prefill);
}
