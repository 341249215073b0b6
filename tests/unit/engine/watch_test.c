/* engine_watch: what looks sees an instant when it is over, and nothing else changes. */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SEEN_MAX = 64 };

struct world {
    struct engine *engine;
    uint64_t handled;
    simtime interval; /* of looks; 0 = once */
    simtime looked_at[SEEN_MAX];
    uint64_t handled_then[SEEN_MAX];
    size_t looks;
    bool step_was_past;
};

static struct world world_new(void) {
    struct error err = {0};
    struct world w = {.engine = engine_create(NULL, &err)};
    assert_non_null(w.engine);
    return w;
}

static void run(struct world *w, simtime until) {
    struct error err = {0};
    assert_true(engine_run(w->engine, until, NULL, NULL, &err));
}

static void handle(void *context, uint64_t argument) {
    struct world *w = context;
    (void)argument;
    w->handled++;
}

static void look(void *context, uint64_t argument) {
    struct world *w = context;
    (void)argument;
    w->looked_at[w->looks] = engine_now(w->engine);
    w->step_was_past = engine_step_is_past(w->engine, 3);
    w->handled_then[w->looks++] = w->handled;
    if (w->interval > 0) {
        engine_watch(w->engine, engine_now(w->engine) + w->interval, look, w);
    }
}

static void a_look_comes_when_its_instant_is_over(void **state) {
    (void)state;
    struct world w = world_new();
    engine_at(w.engine, 10, EVENT_OBSERVE, handle, &w, 0);
    engine_at(w.engine, 10, EVENT_TRANSFER, handle, &w, 0);
    engine_at(w.engine, 11, EVENT_TRANSFER, handle, &w, 0);
    engine_watch(w.engine, 10, look, &w);
    run(&w, SIMTIME_NEVER);
    assert_int_equal(1, w.looks);
    assert_int_equal(10, w.looked_at[0]);
    assert_int_equal(2, w.handled_then[0]);
    assert_true(w.step_was_past);
    engine_destroy(w.engine);
}

static void looks_between_two_events_stand_at_their_own_dates(void **state) {
    (void)state;
    struct world w = world_new();
    w.interval = 3;
    engine_at(w.engine, 1, EVENT_REPLICA, handle, &w, 0);
    engine_at(w.engine, 10, EVENT_REPLICA, handle, &w, 0);
    engine_watch(w.engine, 3, look, &w);
    run(&w, SIMTIME_NEVER);
    assert_int_equal(3, w.looks);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(3 * (simtime)(i + 1), w.looked_at[i]);
        assert_int_equal(1, w.handled_then[i]);
    }
    assert_int_equal(10, engine_now(w.engine));
    engine_destroy(w.engine);
}

static void a_look_is_no_event_and_keeps_no_run_going(void **state) {
    (void)state;
    struct world w = world_new();
    w.interval = 1;
    engine_at(w.engine, 5, EVENT_REPLICA, handle, &w, 0);
    engine_watch(w.engine, 1, look, &w);
    run(&w, SIMTIME_NEVER);
    assert_int_equal(4, w.looks); /* the run ends at 5, before the clock goes on */
    assert_int_equal(1, engine_counters(w.engine).events);
    assert_int_equal(5, engine_now(w.engine));
    engine_destroy(w.engine);
}

static void the_last_watch_counts_and_never_ends_it(void **state) {
    (void)state;
    struct world w = world_new();
    engine_at(w.engine, 5, EVENT_REPLICA, handle, &w, 0);
    engine_watch(w.engine, 1, look, &w);
    engine_watch(w.engine, 2, look, &w);
    run(&w, 3);
    assert_int_equal(0, w.looks); /* nothing has moved the clock past 2 */
    run(&w, SIMTIME_NEVER);
    assert_int_equal(1, w.looks);
    engine_watch(w.engine, 7, look, &w);
    engine_watch(w.engine, SIMTIME_NEVER, look, &w);
    engine_at(w.engine, 9, EVENT_REPLICA, handle, &w, 0);
    run(&w, SIMTIME_NEVER);
    assert_int_equal(1, w.looks);
    engine_destroy(w.engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_comes_when_its_instant_is_over),
        cmocka_unit_test(looks_between_two_events_stand_at_their_own_dates),
        cmocka_unit_test(a_look_is_no_event_and_keeps_no_run_going),
        cmocka_unit_test(the_last_watch_counts_and_never_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
