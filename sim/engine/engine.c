#include "engine/engine.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/progress.h"
#include "engine/state.h"

enum { TICK_EVENTS = 4096 }; /* a power of two */

static simtime source_empty(void *context) {
    (void)context;
    return SIMTIME_NEVER;
}

struct engine *engine_create(const struct platform *platform, struct error *err) {
    (void)err;
    struct engine *e = mem_zalloc(1, sizeof *e);
    queue_init(&e->queue);
    e->source.next = source_empty;
    e->watch_at = SIMTIME_NEVER;
    e->platform = platform;
    transfers_begin(e);
    return e;
}

void engine_destroy(struct engine *e) {
    if (e) {
        transfers_end(e);
        queue_free(&e->queue);
        free(e);
    }
}

simtime engine_now(const struct engine *e) {
    return e->now;
}

void engine_fail(struct engine *e) {
    e->halted = true;
}

static event_id scheduled(struct engine *e, event_id id) {
    if (id == 0) {
        error_set(&e->error, ERROR_FAILED, "more than %d events are pending", QUEUE_PENDING_MAX);
        engine_fail(e);
    }
    return id;
}

event_id engine_at(struct engine *e, simtime at, enum event_priority priority, event_handler handler,
                   void *context, uint64_t argument) {
    struct queue_event event = {.handler = handler, .context = context, .argument = argument};
    return scheduled(e, queue_push(&e->queue, at < e->now ? e->now : at, priority, event));
}

static uint32_t rank_within(uint32_t rank) {
    return rank < QUEUE_RANK_MAX ? rank : QUEUE_RANK_MAX;
}

event_id engine_at_ranked(struct engine *e, simtime at, uint32_t rank, event_handler handler, void *context,
                          uint64_t argument) {
    struct queue_event event = {.handler = handler, .context = context, .argument = argument};
    return scheduled(
        e, queue_push_ranked(&e->queue, at < e->now ? e->now : at, EVENT_STEP, rank_within(rank), event));
}

bool engine_step_is_past(const struct engine *e, uint32_t rank) {
    return e->place > queue_place(EVENT_STEP, rank_within(rank));
}

bool engine_cancel(struct engine *e, event_id id) {
    return queue_cancel(&e->queue, id);
}

bool engine_move(struct engine *e, event_id id, simtime at) {
    return queue_move(&e->queue, id, at < e->now ? e->now : at);
}

void engine_watch(struct engine *e, simtime at, event_handler look, void *context) {
    e->watch_at = at;
    e->look = look;
    e->look_context = context;
}

void engine_set_source(struct engine *e, struct engine_source source) {
    e->source = source;
}

void engine_stop(struct engine *e) {
    e->halted = true;
}

struct engine_counters engine_counters(const struct engine *e) {
    struct engine_counters counters = e->counters;
    counters.peak_pending = e->queue.peak;
    return counters;
}

/* The date of what is next, and whether that is an arrival. An own event of the arrivals' priority goes after
 * the arrival of the same instant. */
static simtime next_date(struct engine *e, bool *arrival) {
    unsigned priority = 0;
    simtime own = queue_first(&e->queue, &priority);
    simtime arriving = e->source.next(e->source.context);
    *arrival = (arriving < own) | ((arriving == own) & (priority >= EVENT_ARRIVAL));
    return *arrival ? arriving : own;
}

static void poll(struct engine *e) {
    if (interrupt_requested()) {
        error_set(&e->error, ERROR_INTERRUPTED, "interrupted");
        engine_fail(e);
    }
    if (e->tick) {
        e->tick(e->tick_context, e->now, e->counters.events);
    }
}

static void look(struct engine *e, simtime next) {
    while (e->watch_at < next) {
        e->now = e->watch_at > e->now ? e->watch_at : e->now;
        e->watch_at = SIMTIME_NEVER;
        e->place = UINT32_MAX; /* all of this instant has had its turn */
        e->look(e->look_context, 0);
    }
}

static void fire(struct engine *e, simtime at, bool arrival) {
    if (at > e->watch_at) {
        look(e, at);
    }
    if (at > e->now) {
        e->now = at;
    }
    if (arrival) {
        e->place = queue_place(EVENT_ARRIVAL, 0);
        e->source.fire(e->source.context);
    } else {
        e->place = queue_first_place(&e->queue);
        struct queue_event event = queue_pop_first(&e->queue);
        event.handler(event.context, event.argument);
    }
    if ((++e->counters.events & (TICK_EVENTS - 1)) == 0) {
        poll(e);
    }
}

void engine_run_before(struct engine *e, simtime bound) {
    e->driving = true;
    while (!e->halted) {
        bool arrival;
        simtime t = next_date(e, &arrival);
        if (t >= bound) {
            break;
        }
        if (e->in_flight > 0 && t >= e->safe && t > e->synced && bound_passed(e, t)) {
            transfers_advance(e, t);
            continue; /* something may have ended, and what follows from it be due before t */
        }
        fire(e, t, arrival);
    }
    e->driving = false;
}

/* With no own event to wait for: the date up to which to let SimGrid run. Whatever it is, ends are handled at
 * their dates; a date too far would only leave SimGrid's clock beyond the last end. */
static simtime lonely_target(struct engine *e, simtime until, simtime *stride) {
    bound_passed(e, until);
    if (e->safe > e->synced) {
        return e->safe < until ? e->safe : until;
    }
    simtime room = until - e->synced;
    simtime step = *stride < room ? *stride : room;
    *stride = *stride < SIMTIME_NEVER / 2 ? 2 * *stride : *stride;
    return e->synced + step;
}

static void run_until(struct engine *e, simtime until) {
    simtime last = until == SIMTIME_NEVER ? SIMTIME_NEVER - 1 : until;
    simtime stride = SIMTIME_SECOND / 1000;
    for (;;) {
        uint64_t handled = e->counters.events;
        engine_run_before(e, last + 1);
        if (e->halted || e->in_flight == 0) {
            return;
        }
        if (e->synced >= last) {
            break;
        }
        if (e->counters.events != handled) {
            stride = SIMTIME_SECOND / 1000;
        }
        e->driving = true;
        transfers_advance(e, lonely_target(e, last, &stride));
        e->driving = false;
        poll(e);
    }
    if (until == SIMTIME_NEVER) {
        error_set(&e->error, ERROR_FAILED, "a transfer does not end within 106 days");
        engine_fail(e);
    }
}

bool engine_run(struct engine *e, simtime until, void (*tick)(void *context, simtime now, uint64_t events),
                void *tick_context, struct error *err) {
    e->tick = tick;
    e->tick_context = tick_context;
    e->halted = error_is_set(&e->error);
    transfers_resume(e);
    e->running = true;
    run_until(e, until);
    e->running = false;
    if (error_is_set(&e->error)) {
        if (!error_is_set(err)) {
            *err = e->error;
        }
        return false;
    }
    bool arrival;
    bool drained = next_date(e, &arrival) == SIMTIME_NEVER && e->in_flight == 0;
    if (!e->halted && !drained && until != SIMTIME_NEVER && until > e->now) {
        e->now = until;
    }
    return true;
}
