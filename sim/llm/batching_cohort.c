/* The cohort: requests of a batch that decode side by side, advanced all at once (batching_private.h). */
#include <assert.h>
#include <stdlib.h>

#include "llm/batching_private.h"

/* Then all records are brought up to date once and counting begins again, far from where 32 bits end. */
static const uint32_t STEPS_MOST = UINT32_C(1) << 30;

void cohort_create(struct batching *b) {
    b->cohort.due = mem_zalloc((size_t)b->config.block_tokens, sizeof *b->cohort.due);
    b->cohort.ends_at = mem_zalloc((size_t)b->config.max_num_seqs, sizeof *b->cohort.ends_at);
}

void cohort_destroy(struct batching *b) {
    free(b->cohort.due);
    free(b->cohort.ends_at);
}

/* ---- who belongs to it ---- */

/* Some schedulers take all blocks that a request will ever need at once. */
static bool has_all_blocks(const struct batching *b, const struct request *r) {
    return (int64_t)r->blocks * b->config.block_tokens >= (int64_t)r->input_tokens + r->output_tokens - 1;
}

/* The phase in which a member with `computed` tokens now needs a block for its next one. */
static uint32_t phase_of(const struct batching *b, uint32_t computed) {
    uint32_t size = (uint32_t)b->config.block_tokens;
    uint32_t phase = b->cohort.phase + size - computed % size;
    return phase < size ? phase : phase - size;
}

static bool may_enter(const struct batching *b, const struct request *r) {
    const struct cohort *c = &b->cohort;
    return r->place == PLACE_RUNNING && is_decoding(r) && r->drafts == 0 &&
           (c->count == 0 || r->last_token_ps == c->last_token_ps) &&
           (has_all_blocks(b, r) || (int64_t)r->blocks == blocks_for(b, (int64_t)r->computed + c->taken));
}

static void enter(struct batching *b, struct request *r) {
    struct cohort *c = &b->cohort;
    if (c->count == 0) {
        c->steps = c->ends = 0;
        c->slopes = c->offsets = 0;
        c->last_token_ps = r->last_token_ps;
    }
    if (!has_all_blocks(b, r)) {
        c->due[phase_of(b, r->computed)]++;
        c->growing++;
    }
    c->context += r->computed;
    c->counted += r->counted;
    uint32_t end = c->steps + r->output_tokens - r->generated;
    c->ends = c->count == 0 || end < c->ends ? end : c->ends;
    b->scheduled[c->count] = 1;
    c->ends_at[c->count++] = end;
    r->work_ps -= (uint64_t)((int64_t)r->computed - c->steps + 1) * c->slopes + c->offsets;
    r->computed -= c->steps;
    r->generated -= c->steps;
}

/* Its record is up to date again; of the cohort's sums its part is gone. */
static void leave(struct batching *b, struct request *r) {
    struct cohort *c = &b->cohort;
    r->generated += c->steps;
    r->computed += c->steps;
    r->work_ps += (uint64_t)((int64_t)r->computed - c->steps + 1) * c->slopes + c->offsets;
    r->last_token_ps = c->last_token_ps;
    if (!has_all_blocks(b, r)) {
        r->blocks = (uint32_t)blocks_for(b, (int64_t)r->computed + c->taken);
        c->due[phase_of(b, r->computed)]--;
        c->growing--;
    }
    c->context -= r->computed;
    c->counted -= r->counted;
}

void cohort_gather(struct batching *b) {
    struct cohort *c = &b->cohort;
    if (b->config.speculation.tokens > 0 || b->config.lookahead_tokens > 0) {
        return;
    }
    while (c->count < b->running_count && may_enter(b, b->running[c->count])) {
        enter(b, b->running[c->count]);
    }
}

void cohort_settle(struct batching *b) {
    for (int64_t i = 0; i < b->cohort.count; i++) {
        leave(b, b->running[i]);
    }
    b->cohort.count = 0;
}

/* ---- a step ---- */

int64_t cohort_schedule(struct batching *b, struct step_shape *shape, int64_t budget) {
    struct cohort *c = &b->cohort;
    c->taken = false;
    if (b->watched || c->steps > STEPS_MOST) {
        cohort_settle(b);
    }
    if (!b->watched) {
        cohort_gather(b);
    }
    if (c->count == 0) {
        return 0;
    }
    int64_t need = c->due[c->phase];
    if (c->count > budget || need > b->free_blocks - b->just_freed) {
        cohort_settle(b);
        return 0;
    }
    if (need > 0) {
        batching_take_blocks(b, need);
    }
    c->taken = true;
    shape->decode_sequences += c->count;
    shape->decode_context += c->context + c->count;
    shape->sampled += c->count;
    return c->count;
}

static uint32_t later_phase(const struct batching *b, int64_t steps) {
    int64_t phase = b->cohort.phase + steps, size = b->config.block_tokens;
    return (uint32_t)(phase < size ? phase : phase - size < size ? phase - size : phase % size);
}

void cohort_advance(struct batching *b, simtime now) {
    struct cohort *c = &b->cohort;
    c->slopes += (uint64_t)b->share.parts.decode_slope;
    c->offsets += (uint64_t)b->share.parts.decode_slope * c->steps;
    c->steps++;
    c->phase = later_phase(b, 1);
    c->taken = false;
    c->context += c->count;
    c->last_token_ps = now;
}

int64_t cohort_end(struct batching *b) {
    struct cohort *c = &b->cohort;
    int64_t kept = 0, leaving = 0;
    if (c->steps != c->ends) {
        return 0;
    }
    c->ends = UINT32_MAX;
    for (int64_t i = 0; i < c->count; i++) {
        struct request *r = b->running[i];
        uint32_t end = c->ends_at[i];
        if (end == c->steps) {
            leave(b, r);
            r->place = PLACE_LEAVING + REQUEST_COMPLETED;
            b->leaving[leaving++] = r;
        } else {
            b->running[kept] = r;
            c->ends_at[kept++] = end;
            c->ends = end < c->ends ? end : c->ends;
        }
    }
    c->count = kept;
    return leaving;
}

/* ---- many steps ---- */

/* Blocks of the `steps` steps behind the one under way. */
int64_t cohort_blocks(const struct batching *b, int64_t steps) {
    const struct cohort *c = &b->cohort;
    int64_t size = b->config.block_tokens;
    if (c->growing == 0 || steps <= 0) {
        return 0;
    }
    int64_t rounds = steps < size ? 0 : steps / size;
    int64_t blocks = rounds * c->growing;
    int64_t phase = c->phase;
    for (int64_t left = steps - rounds * size; left > 0; left--) {
        phase = phase + 1 < size ? phase + 1 : 0;
        blocks += c->due[phase];
    }
    return blocks;
}

int64_t cohort_steps_with(const struct batching *b, int64_t blocks, int64_t most) {
    int64_t steps = most;
    if (b->cohort.growing * most <= blocks || cohort_blocks(b, most) <= blocks) {
        return most;
    }
    int64_t enough = 0;
    while (steps - enough > 1) {
        int64_t middle = enough + (steps - enough) / 2;
        if (cohort_blocks(b, middle) <= blocks) {
            enough = middle;
        } else {
            steps = middle;
        }
    }
    return enough;
}

void cohort_pass(struct batching *b, int64_t steps, uint64_t slopes, uint64_t offsets, simtime last_token) {
    struct cohort *c = &b->cohort;
    int64_t blocks = cohort_blocks(b, steps);
    c->offsets += offsets + slopes * c->steps;
    c->slopes += slopes;
    c->steps += (uint32_t)steps;
    c->phase = later_phase(b, steps);
    c->context += steps * c->count;
    c->last_token_ps = last_token;
    batching_take_blocks(b, blocks);
}

/* ---- what the sums promise ---- */

#ifdef __SANITIZE_ADDRESS__
void cohort_check(const struct batching *b) {
    const struct cohort *c = &b->cohort;
    int64_t context = 0, counted = 0, growing = 0, blocks = 0;
    uint32_t ends = UINT32_MAX;
    assert(c->count <= b->running_count);
    for (int64_t i = 0; i < b->running_count; i++) {
        const struct request *r = b->running[i];
        if (i >= c->count || has_all_blocks(b, r)) {
            blocks += r->blocks;
        }
        if (i >= c->count) {
            continue;
        }
        uint32_t computed = r->computed + c->steps, generated = r->generated + c->steps;
        assert(r->place == PLACE_RUNNING && computed + 1 == r->input_tokens + generated);
        assert(c->ends_at[i] - c->steps == r->output_tokens - generated);
        ends = c->ends_at[i] < ends ? c->ends_at[i] : ends;
        context += computed;
        counted += r->counted;
        growing += !has_all_blocks(b, r);
        blocks += has_all_blocks(b, r) ? 0 : blocks_for(b, (int64_t)computed + c->taken);
    }
    assert(context == c->context && counted == c->counted && growing == c->growing);
    assert(c->count == 0 || ends == c->ends);
    for (int64_t phase = 0; phase < b->config.block_tokens; phase++) {
        growing -= c->due[phase];
    }
    assert(growing == 0);
    bool others = b->parked > 0 || b->load_count > 0 || b->waiting.head; /* may hold some */
    assert(b->prefixes || others || blocks == b->config.kv_blocks - b->free_blocks);
}
#endif
