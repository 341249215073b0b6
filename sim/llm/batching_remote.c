/* Prefill/decode disaggregation as a replica sees it. One that decodes takes blocks for the whole prompt
 * before its KV comes, so that it cannot find the cache full when it is there. One that prefills keeps the
 * blocks of a prompt until its KV has gone. docs/serving.md has the whole way. */
#include <assert.h>

#include "llm/batching_private.h"

bool remote_reserve(struct batching *b, struct request *r) {
    struct prefix_match match = prefix_of(b, r);
    int64_t tokens = (int64_t)r->input_tokens - match.tokens;
    if (!blocks_admit(b, r, &match, tokens)) {
        return false;
    }
    b->base.prefix_queries += b->prefixes && r->chunk_count > 0 ? r->input_tokens : 0;
    b->base.prefix_hits += (uint64_t)match.tokens;
    request_list_remove(&b->waiting, r);
    request_list_push_back(&b->coming, r);
    r->place = PLACE_COMING;
    r->remote = REMOTE_COMING;
    b->parked++;
    if (r->watched) {
        batching_watch_wants(b, r);
    }
    b->base.events->kv_wanted(b->base.events->context, &b->base, r,
                              r->blocks - match.tokens / b->config.block_tokens);
    return true;
}

void remote_take_off(struct batching *b, struct request *r) {
    request_list_remove(&b->coming, r);
    r->place = PLACE_NONE;
    b->parked--;
}

/* Before those whose KV has not come yet; of those whose KV has, in order of its coming. Under priority
 * scheduling the queue's own order counts. */
static void wait_in_front(struct batching *b, struct request *r) {
    if (b->config.priority_scheduling) {
        waiting_add(b, r);
        return;
    }
    struct request *before = NULL;
    for (struct request *a = b->waiting.head; a && a->remote == REMOTE_HERE; a = a->next) {
        before = a;
    }
    r->place = PLACE_WAITING;
    request_list_insert_after(&b->waiting, before, r);
}

/* SGLang's prefill server makes the first token, which may be all of the answer. vLLM's makes one too, which
 * is thrown away: the decode server computes the prompt's last token again. */
void batching_kv_arrived(struct replica *replica, struct request *r) {
    struct batching *b = (struct batching *)replica;
    assert(!b->unsettled && !b->stopped && r->place == PLACE_COMING);
    bool has_token = b->config.scheduler == SCHEDULER_SGLANG;
    remote_take_off(b, r);
    r->remote = REMOTE_HERE;
    r->computed = r->input_tokens - !has_token;
    if (has_token && r->output_tokens == 1) {
        run_end(b);
        batching_first_token(b, r);
        blocks_give_back(b, r);
        batching_update_load(b);
        batching_wake(b);
        batching_let_go(b, r, REQUEST_COMPLETED);
        return;
    }
    batching_note_step(b, r);
    wait_in_front(b, r);
    if (b->running_count < b->config.max_num_seqs) {
        batching_make_way(b, r);
    }
    batching_update_load(b);
    if (r->watched) {
        batching_watch_has(b, r);
    }
    batching_wake(b);
}

void batching_kv_left(struct replica *replica, struct request *r) {
    struct batching *b = (struct batching *)replica;
    assert(!b->unsettled && r->place == PLACE_NONE && r->leaves_kv);
    run_end(b);
    b->parked--;
    blocks_give_back(b, r);
    batching_update_load(b);
    batching_wake(b);
}
