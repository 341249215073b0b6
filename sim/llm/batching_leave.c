/* Who is taken away, and an engine that is stopped with all that it holds. */
#include <assert.h>
#include <string.h>

#include "llm/batching_private.h"

static void running_remove(struct batching *b, const struct request *r) {
    int64_t i = 0;
    while (b->running[i] != r) {
        i++;
        assert(i < b->running_count);
    }
    memmove(&b->running[i], &b->running[i + 1], (size_t)(b->running_count - i - 1) * sizeof *b->running);
    b->running_count--;
}

/* One that does not run may hold blocks for KV from elsewhere, for which others wait. */
static void give_up(struct batching *b, struct request *r) {
    bool had = r->blocks > 0;
    if (r->remote == REMOTE_NONE) {
        tiers_let_go(b, r);
    } else if (had) {
        blocks_give_back(b, r);
    }
    r->remote = REMOTE_NONE;
    if (had) {
        batching_wake(b);
    }
}

void batching_cancel(struct replica *replica, struct request *r, enum request_status status) {
    struct batching *b = (struct batching *)replica;
    assert(!b->unsettled);
    if (r->place == PLACE_WAITING || r->place == PLACE_COMING || r->place == PLACE_LOADING) {
        run_end(b);
    } else {
        run_settle(b);
    }
    if (r->place == PLACE_RUNNING && b->in_step) {
        r->place = (uint8_t)(PLACE_LEAVING + status);
        return;
    }
    if (r->place == PLACE_WAITING) {
        request_list_remove(&b->waiting, r);
        give_up(b, r);
    } else if (r->place == PLACE_COMING) {
        remote_take_off(b, r);
        give_up(b, r);
    } else if (r->place == PLACE_LOADING) {
        tiers_cancel(b, r);
        batching_wake(b);
    } else if (r->place == PLACE_RUNNING) {
        running_remove(b, r);
        release(b, r);
    } else {
        return; /* it is leaving already */
    }
    batching_update_load(b);
    batching_let_go(b, r, status);
}

void batching_stop(struct replica *replica, enum request_status status) {
    struct batching *b = (struct batching *)replica;
    assert(!b->unsettled);
    run_settle(b);
    batching_flush_gaps(b);
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
        release(b, b->running[i]);
    }
    batching_update_load(b);
    for (int64_t i = 0; i < count; i++) {
        uint8_t place = b->running[i]->place;
        batching_let_go(b, b->running[i],
                        place >= PLACE_LEAVING ? (enum request_status)(place - PLACE_LEAVING) : status);
    }
    struct request *r;
    while ((r = b->coming.head)) {
        remote_take_off(b, r);
        request_list_push_back(&b->waiting, r);
    }
    while ((r = request_list_pop_front(&b->waiting)) || (r = tiers_stop_one(b))) {
        give_up(b, r);
        batching_update_load(b);
        batching_let_go(b, r, status);
    }
}
