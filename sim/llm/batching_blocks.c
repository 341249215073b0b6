/* What every scheduler of a batch does alike: it takes and gives KV blocks, lets requests in and sends them
 * back to the queue. */
#include <string.h>

#include "llm/batching_private.h"

/* ---- KV blocks ---- */

bool blocks_take(struct batching *b, struct request *r, int64_t new_tokens, int64_t lookahead) {
    int64_t size = b->config.block_tokens, tokens = (int64_t)r->computed + new_tokens + lookahead;
    if (lookahead > 0 && tokens > b->config.max_model_len) {
        tokens = b->config.max_model_len;
    }
    int64_t need = (tokens + size - 1) / size - r->blocks;
    if (need <= 0) {
        return true;
    }
    if (need > b->free_blocks - b->just_freed) {
        return false;
    }
    batching_take_blocks(b, need);
    r->blocks += (uint32_t)need;
    return true;
}

void blocks_give_back(struct batching *b, struct request *r) {
    b->free_blocks += b->prefixes ? prefix_cache_release(b->prefixes, r) : r->blocks;
    r->blocks = 0;
}

void release(struct batching *b, struct request *r) {
    if (b->sglang.chunked == r) {
        b->sglang.chunked = NULL;
    }
    share_leave(b, r);
    if (b->adapters) {
        adapters_let_go(b->adapters, r->adapter);
    }
    if (b->tiers) {
        kv_tiers_keep(b->tiers, r, r->computed);
    }
    if (r->leaves_kv && r->place == PLACE_LEAVING + REQUEST_COMPLETED) {
        b->parked++;
        return;
    }
    blocks_give_back(b, r);
}

struct prefix_match prefix_of(const struct batching *b, const struct request *r) {
    return b->prefixes && r->chunk_count > 0 ? prefix_cache_match(b->prefixes, r, tokens_known(r))
                                             : (struct prefix_match){0};
}

bool blocks_admit(struct batching *b, struct request *r, const struct prefix_match *match, int64_t tokens) {
    int64_t size = b->config.block_tokens;
    int64_t need = (match->tokens + tokens + size - 1) / size - match->tokens / size;
    if (need + match->evictable > b->free_blocks - b->just_freed) {
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

/* ---- who waits ---- */

/* Smaller numbers go first, then who came first: Request.__lt__ in vllm/v1/request.py. */
static bool goes_before(const struct request *a, const struct request *b) {
    return a->priority != b->priority ? a->priority < b->priority : a->ticket < b->ticket;
}

void waiting_add(struct batching *b, struct request *r) {
    r->place = PLACE_WAITING;
    struct request *before = b->waiting.tail;
    while (b->config.priority_scheduling && before && goes_before(r, before)) {
        before = before->previous;
    }
    request_list_insert_after(&b->waiting, before, r);
}

void waiting_put_back(struct batching *b, struct request *r) {
    if (b->config.priority_scheduling) {
        waiting_add(b, r);
        return;
    }
    r->place = PLACE_WAITING;
    struct request *behind = b->waiting.head;
    while (behind && behind->ticket < r->ticket) {
        behind = behind->next;
    }
    request_list_insert_after(&b->waiting, behind ? behind->previous : b->waiting.tail, r);
}

void preempt(struct batching *b, int64_t at, const struct request *by, int64_t tokens) {
    struct request *victim = b->running[at];
    size_t behind = (size_t)(--b->running_count - at);
    memmove(&b->running[at], &b->running[at + 1], behind * sizeof(struct request *));
    memmove(&b->scheduled[at], &b->scheduled[at + 1], behind * sizeof *b->scheduled);
    if (victim->watched) {
        batching_watch_preempted(b, victim, by, tokens);
    }
    bool swapped = b->swap_blocks > 0 && swap_out(b, victim);
    release(b, victim);
    victim->computed = swapped ? victim->computed : 0;
    victim->drafts = 0;
    if (victim->preemptions < UINT16_MAX) {
        victim->preemptions++;
    }
    b->base.preemptions++;
    if (b->config.priority_scheduling) {
        waiting_add(b, victim);
    } else {
        victim->place = PLACE_WAITING;
        request_list_push_front(&b->waiting, victim);
    }
}

void join(struct batching *b, struct request *r, const struct prefix_match *match, int64_t tokens) {
    request_list_remove(&b->waiting, r);
    r->place = PLACE_RUNNING;
    r->remote = REMOTE_NONE;
    share_join(b, r);
    b->running[b->running_count] = r;
    b->scheduled[b->running_count++] = tokens;
    if (b->adapters) {
        b->loading_ps += adapters_hold(b->adapters, r->adapter);
    }
    if (r->scheduled_ps < 0) {
        if (!b->tiers) {
            r->cached_tokens = (uint32_t)match->tokens;
            b->base.prefix_queries += b->prefixes && r->chunk_count > 0 ? r->input_tokens : 0;
            b->base.prefix_hits += (uint64_t)match->tokens;
        }
        r->scheduled_ps = engine_now(b->base.engine);
        batching_update_load(b);
        b->base.events->scheduled(b->base.events->context, &b->base, r);
    }
}
