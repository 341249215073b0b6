/* Whose time a step was, exactly: the shares of a replica's requests add up to the time it was busy, but for
 * what a stopped step took and less than a step's number of tokens in picoseconds.
 *
 * What a step takes whatever its contexts are (linear layers, head, overhead) goes by token; decode attention
 * by the context that each sequence reads; prefill attention by the pairs of query and key of each chunk. So
 * a long context pays for the steps it slows down, and no time is counted twice.
 *
 * Steps in which every running request makes a token differ in their contexts alone: what goes by token is
 * only summed then, and divided when somebody joins or leaves. That is exact, and the same whether steps are
 * taken one by one or many at a time. */
#include "llm/batching_private.h"

static void pay_pending(struct batching *b) {
    struct step_share *s = &b->share;
    if (s->pending > 0) {
        uint64_t whole = s->pending + s->rest;
        s->per_token += whole / (uint64_t)s->sequences;
        s->rest = whole % (uint64_t)s->sequences;
        s->pending = 0;
    }
}

void share_join(struct batching *b, struct request *r) {
    pay_pending(b);
    r->work_ps -= b->share.per_token;
}

void share_leave(struct batching *b, struct request *r) {
    pay_pending(b);
    r->work_ps += b->share.per_token;
}

void share_step(struct batching *b, const struct step_parts *parts, const struct step_shape *shape) {
    struct step_share *s = &b->share;
    s->parts = *parts;
    s->tokens = shape->decode_sequences + shape->draft_tokens + shape->prefill_tokens;
    s->pairs = shape->prefill_pairs;
    s->uniform =
        shape->prefill_tokens + shape->draft_tokens == 0 && shape->decode_sequences == b->running_count;
}

void share_uniform(struct batching *b, int64_t sequences, uint64_t by_token) {
    b->share.sequences = sequences;
    b->share.pending += by_token;
}

void share_ended(struct batching *b) {
    struct step_share *s = &b->share;
    s->prefill_given = 0;
    if (s->uniform) {
        share_uniform(b, s->tokens, (uint64_t)s->parts.by_token);
        s->parts.by_token = 0;
        return;
    }
    uint64_t whole = (uint64_t)s->parts.by_token + s->rest;
    s->parts.by_token = (simtime)(whole / (uint64_t)s->tokens); /* from here on: of each */
    s->rest = whole % (uint64_t)s->tokens;
    s->per_token += (uint64_t)s->parts.by_token; /* of one token each: most have one */
}

static uint64_t prefill_part(const struct step_share *s, int64_t pairs) {
    uint64_t time = (uint64_t)s->parts.prefill;
    return pairs == s->pairs ? time
                             : (uint64_t)((unsigned __int128)time * (uint64_t)pairs / (uint64_t)s->pairs);
}

void share_mixed(struct batching *b, struct request *r, int64_t tokens) {
    struct step_share *s = &b->share;
    int64_t context = r->computed;
    r->work_ps += (uint64_t)(s->parts.by_token * (tokens - 1));
    if (tokens > 0 && is_decoding(r)) {
        r->work_ps += (uint64_t)(s->parts.decode_slope * (context + tokens));
    } else if (tokens > 0) {
        uint64_t part = prefill_part(s, tokens * context + tokens * (tokens + 1) / 2);
        r->work_ps += part;
        s->prefill_given += part;
    }
}

void share_done(struct batching *b) {
    b->share.rest += (uint64_t)b->share.parts.prefill - b->share.prefill_given;
}

void share_settle(struct batching *b) {
    pay_pending(b);
    for (int64_t i = 0; i < b->running_count; i++) {
        b->running[i]->work_ps += b->share.per_token;
    }
    b->share.per_token = 0;
}
