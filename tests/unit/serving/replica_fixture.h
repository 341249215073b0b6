/* tests/unit/serving/replica_fixture.h: a replica on an engine of its own, and a diary of what it says. */
#ifndef DRYDOCK_TESTS_REPLICA_FIXTURE_H
#define DRYDOCK_TESTS_REPLICA_FIXTURE_H

#include <stdlib.h>

#include "serving/replica.h"
#include "tests/unit/serving/service_time_fixture.h"

enum { STAGE_REQUESTS_MAX = 256 };

/* A request to come, and what became of it. `r` is dead once status is set. */
struct act {
    simtime at, cancel_at; /* cancel_at -1 = never */
    uint32_t input, output;
    double service_s;
    uint64_t session; /* 0 = none */
    int16_t priority;
    uint32_t adapter; /* 0 = none */
    bool uncounted;
    struct request *r;
    simtime scheduled, first, done;
    uint32_t generated, preemptions, cached;
    double work_ps; /* its share of the replica's busy time */
    enum request_status status;
    const char *reason;
};

struct stage {
    struct engine *engine;
    struct replica *replica;
    struct request_pool *pool;
    struct replica_events events;
    struct act acts[STAGE_REQUESTS_MAX];
    size_t count;
    uint64_t gaps;
    simtime gap_sum, gap_least, gap_most;
    uint64_t looks;
    void (*on_finished)(struct stage *s, struct act *act);
};

static inline struct act *act_of(void *context, const struct request *r) {
    return &((struct stage *)context)->acts[r->id];
}

static inline void stage_scheduled(void *context, struct replica *replica, struct request *r) {
    struct act *act = act_of(context, r);
    assert_int_equal(act->scheduled, -1);
    act->scheduled = engine_now(replica->engine);
}

static inline void stage_first_token(void *context, struct replica *replica, struct request *r) {
    struct act *act = act_of(context, r);
    assert_int_equal(act->first, -1);
    act->first = engine_now(replica->engine);
}

static inline void stage_finished(void *context, struct replica *replica, struct request *r,
                                  enum request_status status) {
    struct stage *s = context;
    struct act *act = act_of(context, r);
    assert_ptr_equal(act->r, r);
    assert_int_equal(act->status, REQUEST_IN_FLIGHT);
    assert_int_equal(r->place, REQUEST_PLACE_NONE);
    act->status = status;
    act->done = engine_now(replica->engine);
    act->generated = r->generated;
    act->preemptions = r->preemptions;
    act->cached = r->cached_tokens;
    act->work_ps = (double)r->work_ps;
    act->r = NULL;
    request_give_back(s->pool, r);
    if (s->on_finished) {
        s->on_finished(s, act);
    }
}

static inline void stage_gaps(void *context, struct replica *replica, simtime gap, simtime increment,
                              uint64_t steps, uint64_t count) {
    (void)replica;
    struct stage *s = context;
    for (; steps > 0; steps--, gap += increment) {
        s->gap_least = s->gaps == 0 || gap < s->gap_least ? gap : s->gap_least;
        s->gap_most = s->gaps == 0 || gap > s->gap_most ? gap : s->gap_most;
        s->gaps += count;
        s->gap_sum += gap * (simtime)count;
    }
}

static inline void stage_begin(struct stage *s) {
    struct error err = {0};
    *s = (struct stage){.engine = engine_create(NULL, &err), .pool = request_pool_create()};
    assert_non_null(s->engine);
    s->events = (struct replica_events){.scheduled = stage_scheduled,
                                        .first_token = stage_first_token,
                                        .finished = stage_finished,
                                        .token_gaps = stage_gaps,
                                        .context = s};
}

static inline void stage_end(struct stage *s) {
    replica_destroy(s->replica);
    engine_destroy(s->engine);
    request_pool_destroy(s->pool);
}

static inline struct act *stage_add(struct stage *s, simtime at, uint32_t input, uint32_t output) {
    assert_true(s->count < STAGE_REQUESTS_MAX);
    struct act *act = &s->acts[s->count++];
    *act = (struct act){.at = at, .cancel_at = -1, .input = input, .output = output};
    act->scheduled = act->first = act->done = -1;
    return act;
}

static inline void stage_submit(void *context, uint64_t index) {
    struct stage *s = context;
    struct act *act = &s->acts[index];
    struct request *r = request_take(s->pool);
    r->id = index;
    r->arrival_ps = engine_now(s->engine);
    r->input_tokens = act->input;
    r->output_tokens = act->output;
    r->service_s = act->service_s;
    r->counted = !act->uncounted;
    r->priority = act->priority;
    r->adapter = act->adapter;
    if (act->session) {
        r->chunks = &act->session;
        r->chunk_count = 1;
        r->chunk_tokens = REQUEST_CHUNK_SESSION;
    }
    act->r = r;
    if (!replica_submit(s->replica, r, &act->reason)) {
        act->status = REQUEST_REJECTED;
        act->r = NULL;
        request_give_back(s->pool, r);
    }
}

static inline void stage_cancel(void *context, uint64_t index) {
    struct stage *s = context;
    if (s->acts[index].r) {
        replica_cancel(s->replica, s->acts[index].r, REQUEST_TIMED_OUT);
    }
}

/* Plays all acts until nothing is left to do, or until `until`. */
static inline void stage_play(struct stage *s, simtime until) {
    struct error err = {0};
    for (size_t i = 0; i < s->count; i++) {
        engine_at(s->engine, s->acts[i].at, EVENT_ARRIVAL, stage_submit, s, i);
        if (s->acts[i].cancel_at >= 0) {
            engine_at(s->engine, s->acts[i].cancel_at, EVENT_TIMEOUT, stage_cancel, s, i);
        }
    }
    assert_true(engine_run(s->engine, until, NULL, NULL, &err));
}

#endif
