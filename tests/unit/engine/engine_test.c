#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/progress.h"
#include "engine/engine.h"

/* What happened, in order. */
struct record {
    simtime at;
    uint64_t what;
};

struct world {
    struct engine *engine;
    struct record log[256];
    size_t count;
    simtime arrivals[8];
    size_t arrival_count, arrival;
    event_id event;
};

static void note(void *context, uint64_t argument) {
    struct world *w = context;
    w->log[w->count++] = (struct record){engine_now(w->engine), argument};
}

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

static void happened(const struct world *w, const struct record *expected, size_t count) {
    assert_int_equal(w->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(w->log[i].what, expected[i].what);
        assert_int_equal(w->log[i].at, expected[i].at);
    }
}

static simtime next_arrival(void *context) {
    struct world *w = context;
    return w->arrival < w->arrival_count ? w->arrivals[w->arrival] : SIMTIME_NEVER;
}

static void fire_arrival(void *context) {
    struct world *w = context;
    note(w, 1000 + w->arrival++);
}

static struct engine_source source_of(struct world *w) {
    return (struct engine_source){.next = next_arrival, .fire = fire_arrival, .context = w};
}

static void an_empty_engine_ends_at_once(void **state) {
    (void)state;
    struct world w = world_new();
    run(&w, SIMTIME_NEVER);
    assert_int_equal(engine_now(w.engine), 0);
    engine_destroy(w.engine);
    engine_destroy(NULL);
}

static void of_one_instant_the_lower_priority_goes_first_and_arrivals_in_their_place(void **state) {
    (void)state;
    struct world w = world_new();
    w.arrivals[0] = w.arrivals[1] = 7;
    w.arrival_count = 2;
    engine_set_source(w.engine, source_of(&w));
    engine_at(w.engine, 7, EVENT_OBSERVE, note, &w, 6);
    engine_at(w.engine, 7, EVENT_CONTROL, note, &w, 5);
    engine_at(w.engine, 7, EVENT_TIMEOUT, note, &w, 4);
    engine_at(w.engine, 7, EVENT_ARRIVAL, note, &w, 3);
    engine_at(w.engine, 7, EVENT_LIFECYCLE, note, &w, 2);
    engine_at(w.engine, 7, EVENT_REPLICA, note, &w, 1);
    engine_at(w.engine, 7, EVENT_TRANSFER, note, &w, 0);
    run(&w, SIMTIME_NEVER);
    const struct record expected[] = {{7, 0}, {7, 1}, {7, 2}, {7, 1000}, {7, 1001},
                                      {7, 3}, {7, 4}, {7, 5}, {7, 6}};
    happened(&w, expected, 9);
    engine_destroy(w.engine);
}

static void look_at_rank(void *context, uint64_t rank) {
    struct world *w = context;
    note(w, engine_step_is_past(w->engine, (uint32_t)rank));
}

static void a_step_is_past_when_its_turn_was_before(void **state) {
    (void)state;
    struct world w = world_new();
    assert_false(engine_step_is_past(w.engine, 0));
    engine_at(w.engine, 7, EVENT_CONTROL, look_at_rank, &w, 3);
    engine_at_ranked(w.engine, 7, 4, look_at_rank, &w, 3);
    engine_at_ranked(w.engine, 7, 2, look_at_rank, &w, 3);
    engine_at(w.engine, 7, EVENT_TRANSFER, look_at_rank, &w, 3);
    run(&w, SIMTIME_NEVER);
    const struct record expected[] = {{7, 0}, {7, 0}, {7, 1}, {7, 1}};
    happened(&w, expected, 4);
    engine_destroy(w.engine);
}

static void past_dates_count_as_now(void **state) {
    (void)state;
    struct world w = world_new();
    engine_at(w.engine, 10, EVENT_REPLICA, note, &w, 1);
    run(&w, 20);
    engine_at(w.engine, 3, EVENT_REPLICA, note, &w, 2);
    event_id id = engine_at(w.engine, 30, EVENT_REPLICA, note, &w, 3);
    assert_true(engine_move(w.engine, id, -5));
    run(&w, SIMTIME_NEVER);
    const struct record expected[] = {{10, 1}, {10, 2}, {10, 3}};
    happened(&w, expected, 3);
    engine_destroy(w.engine);
}

static void events_at_the_end_still_run_and_later_ones_wait(void **state) {
    (void)state;
    struct world w = world_new();
    w.arrivals[0] = 50;
    w.arrivals[1] = 51;
    w.arrival_count = 2;
    engine_set_source(w.engine, source_of(&w));
    engine_at(w.engine, 50, EVENT_CONTROL, note, &w, 1);
    engine_at(w.engine, 51, EVENT_REPLICA, note, &w, 2);
    run(&w, 50);
    assert_int_equal(w.count, 2);
    assert_int_equal(engine_now(w.engine), 50);
    run(&w, 50);
    assert_int_equal(w.count, 2);
    run(&w, 1000);
    const struct record expected[] = {{50, 1000}, {50, 1}, {51, 2}, {51, 1001}};
    happened(&w, expected, 4);
    assert_int_equal(engine_now(w.engine), 51); /* all done: the clock stays at the last event */
    engine_destroy(w.engine);
}

static void the_clock_stands_at_the_end_when_something_is_left(void **state) {
    (void)state;
    struct world w = world_new();
    engine_at(w.engine, 100, EVENT_REPLICA, note, &w, 1);
    run(&w, 60);
    assert_int_equal(engine_now(w.engine), 60);
    assert_int_equal(w.count, 0);
    engine_destroy(w.engine);
}

static void cancel_other(void *context, uint64_t argument) {
    struct world *w = context;
    note(w, argument);
    assert_true(engine_cancel(w->engine, w->event));
    assert_false(engine_cancel(w->engine, w->event));
    assert_false(engine_move(w->engine, w->event, 99));
}

static void a_handler_can_cancel_what_is_due_at_the_same_instant(void **state) {
    (void)state;
    struct world w = world_new();
    engine_at(w.engine, 5, EVENT_REPLICA, cancel_other, &w, 1);
    w.event = engine_at(w.engine, 5, EVENT_TIMEOUT, note, &w, 2);
    run(&w, SIMTIME_NEVER);
    const struct record expected[] = {{5, 1}};
    happened(&w, expected, 1);
    engine_destroy(w.engine);
}

static void schedule_now(void *context, uint64_t argument) {
    struct world *w = context;
    note(w, argument);
    if (argument < 5) {
        engine_at(w->engine, engine_now(w->engine), EVENT_TRANSFER, schedule_now, w, argument + 1);
    }
}

static void an_event_scheduled_for_now_goes_before_later_priorities(void **state) {
    (void)state;
    struct world w = world_new();
    engine_at(w.engine, 5, EVENT_CONTROL, note, &w, 9);
    engine_at(w.engine, 5, EVENT_REPLICA, schedule_now, &w, 3);
    run(&w, SIMTIME_NEVER);
    const struct record expected[] = {{5, 3}, {5, 4}, {5, 5}, {5, 9}};
    happened(&w, expected, 4);
    engine_destroy(w.engine);
}

static void stop_here(void *context, uint64_t argument) {
    struct world *w = context;
    note(w, argument);
    engine_stop(w->engine);
}

static void stop_ends_the_run_after_the_current_event(void **state) {
    (void)state;
    struct world w = world_new();
    engine_at(w.engine, 5, EVENT_REPLICA, stop_here, &w, 1);
    engine_at(w.engine, 5, EVENT_REPLICA, note, &w, 2);
    run(&w, 100);
    assert_int_equal(w.count, 1);
    assert_int_equal(engine_now(w.engine), 5);
    engine_destroy(w.engine);
}

static void count_ticks(void *context, simtime now, uint64_t events) {
    (void)now;
    (void)events;
    ++*(uint64_t *)context;
}

static void again(void *context, uint64_t argument) {
    struct world *w = context;
    if (argument > 0) {
        engine_at(w->engine, engine_now(w->engine) + 1, EVENT_REPLICA, again, w, argument - 1);
    }
}

static void the_tick_and_the_counters_follow_the_events(void **state) {
    (void)state;
    struct world w = world_new();
    struct error err = {0};
    uint64_t ticks = 0;
    engine_at(w.engine, 0, EVENT_REPLICA, again, &w, 99999);
    assert_true(engine_run(w.engine, SIMTIME_NEVER, count_ticks, &ticks, &err));
    struct engine_counters c = engine_counters(w.engine);
    assert_int_equal(c.events, 100000);
    assert_int_equal(c.transfers, 0);
    assert_int_equal(c.syncs, 0);
    assert_int_equal(c.peak_pending, 1);
    assert_in_range(ticks, 10, 100);
    engine_destroy(w.engine);
}

static void for_ever(void *context, uint64_t argument) {
    struct world *w = context;
    if (argument == 10000) {
        raise(SIGTERM);
    }
    engine_at(w->engine, engine_now(w->engine) + 1, EVENT_REPLICA, for_ever, w, argument + 1);
}

static void a_signal_ends_the_run_with_130(void **state) {
    (void)state;
    fflush(NULL);
    pid_t pid = fork(); /* the flag stays set for the rest of a process */
    if (pid == 0) {
        struct error err = {0};
        struct world w = {.engine = engine_create(NULL, &err)};
        interrupt_install();
        engine_at(w.engine, 0, EVENT_REPLICA, for_ever, &w, 0);
        bool ok = engine_run(w.engine, SIMTIME_NEVER, NULL, NULL, &err);
        _exit(!ok && err.code == ERROR_INTERRUPTED ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void transfers_without_a_platform_are_none(void **state) {
    (void)state;
    struct world w = world_new();
    assert_int_equal(engine_transfer(w.engine, 0, 1, 1e6, note, &w, 1), 0);
    assert_int_equal(engine_transfer(w.engine, 0, 0, 0, note, &w, 1), 0);
    assert_int_equal(engine_disk_read(w.engine, 0, 1e6, note, &w, 1), 0);
    assert_false(engine_transfer_cancel(w.engine, 0));
    assert_false(engine_transfer_cancel(w.engine, 77));
    engine_host_set(w.engine, 0, false);
    run(&w, SIMTIME_NEVER);
    assert_int_equal(w.count, 0);
    engine_destroy(w.engine);
}

static void a_run_without_transfers_never_loads_simgrid(void **state) {
    (void)state;
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024];
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        assert_null(strstr(line, "simgrid"));
    }
    fclose(maps);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_engine_ends_at_once),
        cmocka_unit_test(of_one_instant_the_lower_priority_goes_first_and_arrivals_in_their_place),
        cmocka_unit_test(a_step_is_past_when_its_turn_was_before),
        cmocka_unit_test(past_dates_count_as_now),
        cmocka_unit_test(events_at_the_end_still_run_and_later_ones_wait),
        cmocka_unit_test(the_clock_stands_at_the_end_when_something_is_left),
        cmocka_unit_test(a_handler_can_cancel_what_is_due_at_the_same_instant),
        cmocka_unit_test(an_event_scheduled_for_now_goes_before_later_priorities),
        cmocka_unit_test(stop_ends_the_run_after_the_current_event),
        cmocka_unit_test(the_tick_and_the_counters_follow_the_events),
        cmocka_unit_test(a_signal_ends_the_run_with_130),
        cmocka_unit_test(transfers_without_a_platform_are_none),
        cmocka_unit_test(a_run_without_transfers_never_loads_simgrid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
