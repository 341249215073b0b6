/* Dates are compared with closed forms. A lone transfer takes latency + bytes / bandwidth; n equal ones over
 * a shared link take n times the bytes; unequal ones of equal latency follow processor sharing (each gets an
 * equal part), which has its own event-driven reference below. Tolerance: 2 ps, the rounding of a date to
 * picoseconds on either side, unless a test says "to the ps". */
#include "tests/unit/engine/transfer_fixture.h"

/* ---- one and n ---- */

static void lone(void) {
    build();
    double latency_s, bandwidth;
    CHECK(platform_path(&w.platform, registry, 3, &latency_s, &bandwidth));
    CHECK(fabs(latency_s - (wan_latency_s + lan_latency_s)) < 1e-15 && bandwidth == wan);
    engine_transfer(w.engine, registry, 3, 4e9, note, NULL, 1);
    run(SIMTIME_NEVER);
    CHECK(w.count == 1 && w.log[0].what == 1);
    CHECK(near_s(w.log[0].at, latency_s + 4e9 / bandwidth, 0));
    CHECK(engine_counters(w.engine).transfers == 1 && engine_counters(w.engine).syncs <= 3);
    /* and again, later, the other way, inside the site, from a handler's date */
    engine_transfer(w.engine, 3, 4, 1e3, note, NULL, 2);
    simtime begin = engine_now(w.engine);
    run(SIMTIME_NEVER);
    CHECK(w.log[1].at == begin + simtime_from_s(lan_latency_s + 1e3 / nic));
    engine_destroy(w.engine);
}

static void a_lone_transfer_takes_latency_and_bytes_over_bandwidth_to_the_ps(void **state) {
    (void)state;
    assert_int_equal(in_child(lone), 0);
}

static void shared(void) {
    build();
    enum { N = 8 };
    for (uint32_t i = 0; i < N; i++) {
        engine_transfer(w.engine, registry, i, 1e9, note, NULL, i);
    }
    run(SIMTIME_NEVER);
    CHECK(w.count == N);
    for (uint32_t i = 0; i < N; i++) {
        CHECK(near_s(w.log[i].at, wan_latency_s + lan_latency_s + N * 1e9 / wan, 2));
    }
}

static void n_transfers_sharing_a_link_take_n_times_as_long(void **state) {
    (void)state;
    assert_int_equal(in_child(shared), 0);
}

static void unshared(void) {
    build_with(false);
    for (uint32_t i = 0; i < 8; i += 2) { /* disjoint pairs, and both directions of one */
        engine_transfer(w.engine, i, i + 1, 1e9, note, NULL, i);
    }
    engine_transfer(w.engine, 1, 0, 1e9, note, NULL, 9);
    run(SIMTIME_NEVER);
    CHECK(w.count == 5);
    for (uint32_t i = 0; i < 5; i++) {
        CHECK(near_s(w.log[i].at, lan_latency_s + 1e9 / nic, 0));
    }
}

static void disjoint_transfers_and_opposite_directions_do_not_slow_each_other(void **state) {
    (void)state;
    assert_int_equal(in_child(unshared), 0);
}

enum { ROUNDS = 50 };

static void begin_two(void *context, uint64_t round) {
    (void)context;
    engine_transfer(w.engine, 3, 5, 1e9, note, NULL, round);
    engine_transfer(w.engine, 3, 4, 1e9, note, NULL, round);
}

static void begin_one_each(void *context, uint64_t round) {
    simtime later = engine_now(w.engine) + SIMTIME_SECOND / 10;
    engine_transfer(w.engine, 1, 5, 1e9, note, NULL, ROUNDS + round);
    engine_transfer(w.engine, 2, 4, 1e9, note, NULL, ROUNDS + round);
    engine_at(w.engine, later, EVENT_CONTROL, begin_two, context, round);
}

static simtime round_begins(uint64_t round) {
    return (simtime)round * 12345678901234 / 5;
}

/* Two leave a host at one instant, both for hosts that somebody sends to already: each shares at both ends of
 * its way. */
static void two_at_once(void) {
    build();
    for (uint64_t i = 0; i < ROUNDS; i++) {
        engine_at(w.engine, round_begins(i), EVENT_CONTROL, begin_one_each, NULL, i);
    }
    run(SIMTIME_NEVER);
    CHECK(w.count == 4 * ROUNDS && engine_counters(w.engine).early == 0);
    for (size_t i = 0; i < w.count; i++) {
        double alone_s = 0.1, left = 1e9 - (w.log[i].what >= ROUNDS ? alone_s * nic : 0);
        double begins_s = simtime_to_s(round_begins(w.log[i].what % ROUNDS));
        CHECK(near_s(w.log[i].at, begins_s + alone_s + lan_latency_s + left / (nic / 2), 30));
    }
}

static void transfers_that_leave_a_host_at_one_instant_share_at_both_ends(void **state) {
    (void)state;
    assert_int_equal(in_child(two_at_once), 0);
}

static void none_at_all(void) {
    build();
    CHECK(engine_transfer(w.engine, 0, 0, 1e12, note, NULL, 1) != 0);
    CHECK(engine_transfer(w.engine, 0, 1, 0, note, NULL, 2) != 0);
    CHECK(engine_transfer(w.engine, 0, 1, -5, note, NULL, 3) != 0);
    CHECK(engine_transfer(w.engine, 0, 1, NAN, note, NULL, 4) != 0);
    transfer_id cancelled = engine_transfer(w.engine, 2, 2, 1, note, NULL, 5);
    CHECK(engine_transfer_cancel(w.engine, cancelled) && !engine_transfer_cancel(w.engine, cancelled));
    CHECK(engine_transfer(w.engine, 0, HOSTS, 1, note, NULL, 6) == 0);
    CHECK(engine_transfer(w.engine, HOSTS, 0, 1, note, NULL, 7) == 0);
    CHECK(engine_transfer(w.engine, 0, registry - 1, 1, note, NULL, 8) == 0); /* no path */
    CHECK(engine_disk_read(w.engine, registry, 1, note, NULL, 9) == 0);       /* no disk */
    CHECK(engine_disk_read(w.engine, HOSTS, 1, note, NULL, 10) == 0);
    run(SIMTIME_NEVER);
    CHECK(w.count == 4 && engine_now(w.engine) == 0 && engine_counters(w.engine).transfers == 0);
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024];
    while (fgets(line, sizeof line, maps)) {
        CHECK(!strstr(line, "libsimgrid"));
    }
    fclose(maps);
}

static void local_and_empty_transfers_take_no_time_and_no_simgrid(void **state) {
    (void)state;
    assert_int_equal(in_child(none_at_all), 0);
}

/* ---- dates inside SimGrid's run ---- */

static void start_next(void *context, uint64_t argument) {
    note(context, argument);
    if (argument < 20) {
        engine_transfer(w.engine, 0, 1, 1e9, start_next, NULL, argument + 2);
    }
}

static void chain_step(void *context, uint64_t argument) {
    note(context, argument);
    if (argument < 40) {
        if (argument % 2 == 0) {
            engine_at(w.engine, engine_now(w.engine) + 1000003, EVENT_LIFECYCLE, chain_step, NULL,
                      argument + 1);
        } else {
            engine_transfer(w.engine, 0, 1, 1e9, chain_step, NULL, argument + 1);
        }
    }
}

/* Nothing is due before 1e6 s: SimGrid is sent far ahead, and every link of the chain falls inside. */
static void chain(void) {
    build();
    engine_at(w.engine, 1000000 * SIMTIME_SECOND, EVENT_OBSERVE, nothing, NULL, 0);
    engine_transfer(w.engine, 0, 1, 1e9, chain_step, NULL, 0);
    run(SIMTIME_NEVER);
    simtime one = simtime_from_s(lan_latency_s + 1e9 / nic), at = 0;
    CHECK(w.count == 41);
    for (uint64_t i = 0; i <= 40; i++) {
        at += i % 2 == 0 ? one : 1000003;
        CHECK(w.log[i].what == i && w.log[i].at == at);
    }
    CHECK(engine_counters(w.engine).transfers == 21);
}

static void what_an_end_sets_off_before_the_next_own_event_happens_at_its_date_to_the_ps(void **state) {
    (void)state;
    assert_int_equal(in_child(chain), 0);
}

/* ---- against processor sharing ---- */

enum { JOBS = 400, CLIENTS = 12 };

/* Each client pulls, thinks, pulls again. The plan is drawn first, so that both sides follow the same. */
static struct {
    double bytes[JOBS];
    simtime think[JOBS];
    simtime end[JOBS]; /* by the engine */
    uint32_t next;
    simtime step; /* of the observer that makes the engine advance SimGrid; 0: none */
    uint32_t ended;
} plan;

static void draw_plan(uint64_t seed) {
    struct rng r = rng_stream(seed, RNG_TEST, "pulls");
    for (uint32_t i = 0; i < JOBS; i++) {
        plan.bytes[i] = floor(rng_exponential(&r, 2e8)) + 1;
        plan.think[i] = simtime_from_s(rng_exponential(&r, 0.3));
    }
}

static void pull_ended(void *context, uint64_t job);

static void pull(void *context, uint64_t client) {
    (void)context;
    if (plan.next < JOBS) {
        uint32_t job = plan.next++;
        CHECK(engine_transfer(w.engine, registry, (uint32_t)client, plan.bytes[job], pull_ended, NULL,
                              (uint64_t)job << 32 | client));
    }
}

static void pull_ended(void *context, uint64_t argument) {
    uint32_t job = (uint32_t)(argument >> 32);
    plan.end[job] = engine_now(w.engine);
    plan.ended++;
    engine_at(w.engine, engine_now(w.engine) + plan.think[job], EVENT_CONTROL, pull, context,
              argument & UINT32_MAX);
}

static void observe(void *context, uint64_t argument) {
    if (plan.ended < JOBS) {
        engine_at(w.engine, engine_now(w.engine) + plan.step, EVENT_OBSERVE, observe, context, argument);
    }
}

static void run_plan(simtime step) {
    plan.step = step;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        engine_at(w.engine, (simtime)i * 12345678901, EVENT_CONTROL, pull, NULL, i);
    }
    if (step > 0) {
        engine_at(w.engine, 0, EVENT_OBSERVE, observe, NULL, 0);
    }
    run(SIMTIME_NEVER);
    CHECK(plan.ended == JOBS && engine_counters(w.engine).early == 0);
}

/* The same by a small simulation of its own: flows past their latency share `wan` equally; starts in order of
 * date, then of the client. */
static void reference(double *end_s) {
    double start_s[CLIENTS], flow_left[CLIENTS], flow_opens_s[CLIENTS], now = 0;
    int job_of[CLIENTS];
    uint32_t next = 0, ended = 0;
    for (int c = 0; c < CLIENTS; c++) {
        start_s[c] = simtime_to_s((simtime)c * 12345678901);
        job_of[c] = -1;
    }
    while (ended < JOBS) {
        double best = INFINITY;
        int who = -1, what = 0, active = 0;
        for (int c = 0; c < CLIENTS; c++) {
            active += job_of[c] >= 0 && flow_opens_s[c] <= now;
        }
        for (int c = 0; c < CLIENTS; c++) {
            double at = job_of[c] < 0           ? start_s[c]
                        : flow_opens_s[c] > now ? flow_opens_s[c]
                                                : now + flow_left[c] * active / wan;
            if (at < best) {
                best = at;
                who = c;
                what = job_of[c] < 0 ? 0 : flow_opens_s[c] > now ? 1 : 2;
            }
        }
        for (int c = 0; c < CLIENTS; c++) {
            if (job_of[c] >= 0 && flow_opens_s[c] <= now) {
                flow_left[c] -= (best - now) * wan / active;
            }
        }
        now = best;
        if (what == 0) {
            start_s[who] = INFINITY;
            if (next < JOBS) {
                job_of[who] = (int)next++;
                flow_left[who] = plan.bytes[job_of[who]];
                flow_opens_s[who] = now + wan_latency_s + lan_latency_s;
            }
        } else if (what == 2) {
            end_s[job_of[who]] = now;
            start_s[who] = now + simtime_to_s(plan.think[job_of[who]]);
            job_of[who] = -1;
            ended++;
        }
    }
}

static void processor_sharing(void) {
    static double end_s[JOBS];
    build();
    draw_plan(7);
    run_plan(0);
    reference(end_s);
    for (uint32_t i = 0; i < JOBS; i++) {
        CHECK(near_s(plan.end[i], end_s[i], 100)); /* sums of doubles over 400 pulls, on both sides */
    }
}

static void pulls_over_one_link_follow_processor_sharing(void **state) {
    (void)state;
    assert_int_equal(in_child(processor_sharing), 0);
}

static void contended(void) {
    build();
    draw_plan(3);
    run_plan(SIMTIME_SECOND / 10000);
    struct engine_counters c = engine_counters(w.engine);
    CHECK(c.events > 100 * JOBS && c.early == 0);
    CHECK(c.syncs < 5 * JOBS); /* a start, an end, and what was not foreseen */
}

static void on_one_shared_link_simgrid_is_asked_a_few_times_a_transfer(void **state) {
    (void)state;
    assert_int_equal(in_child(contended), 0);
}

static int plan_pipe[2];
static simtime plan_step;

static void plan_to_pipe(void) {
    build();
    draw_plan(11);
    run_plan(plan_step);
    CHECK(write(plan_pipe[1], plan.end, sizeof plan.end) == (ssize_t)sizeof plan.end);
}

static void plan_with(simtime step, simtime *end) {
    assert_int_equal(pipe(plan_pipe), 0);
    plan_step = step;
    assert_int_equal(in_child(plan_to_pipe), 0);
    assert_int_equal(read(plan_pipe[0], end, sizeof plan.end), sizeof plan.end);
    close(plan_pipe[0]);
    close(plan_pipe[1]);
}

/* With none, SimGrid is advanced only where a transfer could end; with one every 0.1 ms, nearly always. */
static void dates_do_not_depend_on_how_often_simgrid_is_advanced_to_the_ps(void **state) {
    (void)state;
    static simtime rare[JOBS], often[JOBS];
    plan_with(0, rare);
    plan_with(SIMTIME_SECOND / 10000 + 7, often);
    for (uint32_t i = 0; i < JOBS; i++) {
        assert_int_equal(rare[i], often[i]);
    }
}

static void late(void) {
    build();
    simtime begin = 95 * 86400 * SIMTIME_SECOND + 1234567890123; /* doubles are 1e-9 s apart here */
    engine_at(w.engine, begin, EVENT_REPLICA, start_next, NULL, 0);
    engine_at(w.engine, begin + 2000 * SIMTIME_SECOND, EVENT_OBSERVE, nothing, NULL, 0);
    run(SIMTIME_NEVER);
    CHECK(w.count == 11);
    for (uint64_t i = 0; i <= 10; i++) {
        simtime expected = begin + (simtime)i * simtime_from_s(lan_latency_s + 1e9 / nic);
        CHECK(llabs(w.log[i].at - expected) < 40000); /* 40 ns over ten transfers */
        CHECK(i == 0 || w.log[i].at > w.log[i - 1].at);
    }
}

static void transfers_after_three_months_end_to_a_few_nanoseconds(void **state) {
    (void)state;
    assert_int_equal(in_child(late), 0);
}

/* Steps that multiply the clock: SimGrid's now += date - now is inexact there, and a date missed by its last
 * bit once aborted the process. */
static void leaps(void) {
    build();
    struct rng r = rng_stream(5, RNG_TEST, "leaps");
    simtime at = 1;
    while (at < 9 * 86400 * SIMTIME_SECOND) {
        run(at);
        engine_transfer(w.engine, 0, 1, 1 + (double)rng_below(&r, 1000000), note, NULL, 0);
        engine_at(w.engine, at + at / 3, EVENT_REPLICA, nothing, NULL, 0);
        run(at + at / 2);
        at = at * (2 + (simtime)rng_below(&r, 9)) + (simtime)rng_below(&r, 1000);
    }
    run(SIMTIME_NEVER);
}

static void any_leap_of_the_clock_is_taken(void **state) {
    (void)state;
    assert_int_equal(in_child(leaps), 0);
}

/* ---- ties ---- */

static void schedule_replica(void *context, uint64_t argument) {
    note(context, argument);
    engine_at(w.engine, engine_now(w.engine), EVENT_REPLICA, note, NULL, argument + 100);
}

static void simultaneous(void) {
    build();
    simtime end = simtime_from_s(lan_latency_s + 1e9 / nic);
    for (uint32_t i = 0; i < 4; i++) {
        engine_transfer(w.engine, 2 * i, 2 * i + 1, 1e9, schedule_replica, NULL, i);
    }
    engine_at(w.engine, end, EVENT_REPLICA, note, NULL, 50);
    engine_at(w.engine, end, EVENT_CONTROL, note, NULL, 51);
    engine_at(w.engine, 10 * end, EVENT_CONTROL, nothing, NULL, 0);
    run(SIMTIME_NEVER);
    CHECK(w.count == 10);
    static const uint64_t order[] = {0, 1, 2, 3, 50, 100, 101, 102, 103, 51};
    for (size_t i = 0; i < 10; i++) {
        CHECK(w.log[i].at == end && (i < 4            ? w.log[i].what < 4
                                     : i > 4 && i < 9 ? w.log[i].what >= 100
                                                      : w.log[i].what == order[i]));
    }
}

static void transfers_that_end_together_all_go_before_what_they_set_off(void **state) {
    (void)state;
    assert_int_equal(in_child(simultaneous), 0);
}

static void until_end(void) {
    build();
    simtime end = simtime_from_s(lan_latency_s + 1e9 / nic);
    engine_transfer(w.engine, 0, 1, 1e9, note, NULL, 1);
    run(end - 1);
    CHECK(w.count == 0 && engine_now(w.engine) == end - 1);
    run(end);
    CHECK(w.count == 1 && w.log[0].at == end);
}

static void a_transfer_that_ends_at_the_end_of_the_run_is_handled(void **state) {
    (void)state;
    assert_int_equal(in_child(until_end), 0);
}

/* ---- the module ---- */

static void no_module(void) {
    struct error err = {0};
    setenv("DRYDOCK_MODULE_DIR", "/nonexistent", 1);
    build();
    CHECK(engine_transfer(w.engine, 0, 1, 1e6, note, NULL, 1) == 0);
    CHECK(!engine_run(w.engine, SIMTIME_NEVER, NULL, NULL, &err));
    CHECK(err.code == ERROR_FAILED && strstr(err.expected, "drydock-simgrid.so"));
    engine_destroy(w.engine);
}

static void a_missing_module_is_an_error_of_the_run(void **state) {
    (void)state;
    assert_int_equal(in_child(no_module), 0);
}

static void two_engines(void) {
    struct error err = {0};
    build();
    engine_transfer(w.engine, 0, 1, 1e6, note, NULL, 1);
    run(SIMTIME_NEVER);
    engine_destroy(w.engine);
    w.engine = engine_create(&w.platform, &err);
    CHECK(engine_transfer(w.engine, 0, 1, 1e6, note, NULL, 1) == 0);
    CHECK(!engine_run(w.engine, SIMTIME_NEVER, NULL, NULL, &err));
    CHECK(err.code == ERROR_FAILED && strstr(err.expected, "one platform a process"));
    engine_destroy(w.engine);
}

static void a_second_platform_in_a_process_is_an_error(void **state) {
    (void)state;
    assert_int_equal(in_child(two_engines), 0);
}

static void for_ever(void) {
    struct error err = {0};
    build();
    engine_transfer(w.engine, 0, 1, 1e18, note, NULL, 1);
    CHECK(!engine_run(w.engine, SIMTIME_NEVER, NULL, NULL, &err));
    CHECK(err.code == ERROR_FAILED && strstr(err.expected, "106 days"));
    engine_destroy(w.engine);
}

static void a_transfer_beyond_the_clock_is_an_error(void **state) {
    (void)state;
    assert_int_equal(in_child(for_ever), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_transfer_takes_latency_and_bytes_over_bandwidth_to_the_ps),
        cmocka_unit_test(n_transfers_sharing_a_link_take_n_times_as_long),
        cmocka_unit_test(disjoint_transfers_and_opposite_directions_do_not_slow_each_other),
        cmocka_unit_test(transfers_that_leave_a_host_at_one_instant_share_at_both_ends),
        cmocka_unit_test(local_and_empty_transfers_take_no_time_and_no_simgrid),
        cmocka_unit_test(what_an_end_sets_off_before_the_next_own_event_happens_at_its_date_to_the_ps),
        cmocka_unit_test(pulls_over_one_link_follow_processor_sharing),
        cmocka_unit_test(on_one_shared_link_simgrid_is_asked_a_few_times_a_transfer),
        cmocka_unit_test(dates_do_not_depend_on_how_often_simgrid_is_advanced_to_the_ps),
        cmocka_unit_test(transfers_after_three_months_end_to_a_few_nanoseconds),
        cmocka_unit_test(any_leap_of_the_clock_is_taken),
        cmocka_unit_test(transfers_that_end_together_all_go_before_what_they_set_off),
        cmocka_unit_test(a_transfer_that_ends_at_the_end_of_the_run_is_handled),
        cmocka_unit_test(a_missing_module_is_an_error_of_the_run),
        cmocka_unit_test(a_second_platform_in_a_process_is_an_error),
        cmocka_unit_test(a_transfer_beyond_the_clock_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
