/* Transfers that are cancelled, hosts that go off under them, and disks; on random platforms, too. Tolerances
 * are those of transfer_test.c. */
#include "tests/unit/engine/transfer_fixture.h"

/* ---- cancelling ---- */

static transfer_id victim;

static void cancel_victim(void *context, uint64_t argument) {
    note(context, argument);
    CHECK(engine_transfer_cancel(w.engine, victim));
    CHECK(!engine_transfer_cancel(w.engine, victim));
}

static void cancelled(void) {
    build();
    victim = engine_transfer(w.engine, registry, 0, 1e9, note, NULL, 1);
    engine_transfer(w.engine, registry, 1, 1e9, note, NULL, 2);
    engine_at(w.engine, SIMTIME_SECOND, EVENT_CONTROL, cancel_victim, NULL, 3);
    run(SIMTIME_NEVER);
    CHECK(w.count == 2 && w.log[0].what == 3 && w.log[1].what == 2);
    /* until 1 s each had half of the link */
    double open_s = wan_latency_s + lan_latency_s;
    double left = 1e9 - (1 - open_s) * wan / 2;
    CHECK(near_s(w.log[1].at, 1 + left / wan, 2));
}

static void a_cancelled_transfer_gives_its_bandwidth_to_the_others(void **state) {
    (void)state;
    assert_int_equal(in_child(cancelled), 0);
}

static void cancel_at_once(void) {
    build();
    for (int round = 0; round < 3; round++) { /* before the worker ever ran; with pooled ones too */
        transfer_id a = engine_transfer(w.engine, 0, 1, 1e9, note, NULL, 1);
        transfer_id b = engine_transfer(w.engine, 2, 3, 1e6, note, NULL, 2);
        CHECK(engine_transfer_cancel(w.engine, a));
        CHECK(a != b);
        run(engine_now(w.engine) + 10 * SIMTIME_SECOND);
        CHECK(w.count == (size_t)round + 1 && w.log[round].what == 2);
    }
    engine_destroy(w.engine);
}

static void cancelling_before_the_transfer_began_is_harmless(void **state) {
    (void)state;
    assert_int_equal(in_child(cancel_at_once), 0);
}

static void cancel_from_end(void *context, uint64_t argument) {
    note(context, argument);
    engine_at(w.engine, engine_now(w.engine) + 5, EVENT_CONTROL, cancel_victim, NULL, 9);
}

static void cancel_in_worker(void) {
    build();
    engine_transfer(w.engine, 2, 3, 1e6, cancel_from_end, NULL, 1);
    victim = engine_transfer(w.engine, 4, 5, 1e12, note, NULL, 2);
    engine_at(w.engine, 5000 * SIMTIME_SECOND, EVENT_OBSERVE, note, NULL, 3);
    run(SIMTIME_NEVER);
    CHECK(w.count == 3 && w.log[1].what == 9 && w.log[2].what == 3);
    engine_destroy(w.engine);
}

static void an_end_can_cancel_another_transfer(void **state) {
    (void)state;
    assert_int_equal(in_child(cancel_in_worker), 0);
}

static void host_off(void) {
    build();
    engine_transfer(w.engine, registry, 1, 1e9, note, NULL, 1);
    engine_transfer(w.engine, 1, 2, 1e9, note, NULL, 2);
    engine_disk_read(w.engine, 1, 1e9, note, NULL, 3);
    engine_transfer(w.engine, 1, 1, 1e9, note, NULL, 4);
    engine_transfer(w.engine, registry, 3, 1e9, note, NULL, 5);
    run(SIMTIME_SECOND / 4);
    CHECK(w.count == 1 && w.log[0].what == 4);
    engine_host_set(w.engine, 1, false);
    engine_host_set(w.engine, 1, false);
    engine_host_set(w.engine, HOSTS + 5, false);
    CHECK(engine_transfer(w.engine, registry, 1, 1e9, note, NULL, 6) == 0);
    CHECK(engine_transfer(w.engine, 1, 1, 1e9, note, NULL, 6) == 0);
    CHECK(engine_disk_read(w.engine, 1, 1e9, note, NULL, 6) == 0);
    run(5 * SIMTIME_SECOND);
    CHECK(w.count == 2 && w.log[1].what == 5);
    engine_host_set(w.engine, 1, true);
    engine_transfer(w.engine, 2, 1, 1e9, note, NULL, 7);
    simtime begin = engine_now(w.engine);
    run(SIMTIME_NEVER);
    CHECK(w.count == 3 && llabs(w.log[2].at - begin - simtime_from_s(lan_latency_s + 1e9 / nic)) <= 1);
    engine_destroy(w.engine);
}

static void a_host_that_goes_off_takes_its_transfers_and_comes_back(void **state) {
    (void)state;
    assert_int_equal(in_child(host_off), 0);
}

static void off_before_first(void) {
    build();
    engine_host_set(w.engine, 1, false);
    engine_transfer(w.engine, 0, 2, 1e6, note, NULL, 1); /* loads SimGrid */
    run(SIMTIME_NEVER);
    engine_host_set(w.engine, 1, true);
    engine_transfer(w.engine, 0, 1, 1e6, note, NULL, 2);
    run(SIMTIME_NEVER);
    CHECK(w.count == 2);
}

static void a_host_can_be_off_before_the_first_transfer(void **state) {
    (void)state;
    assert_int_equal(in_child(off_before_first), 0);
}

/* Random starts, cancels and hosts off, from handlers that run in the main program and in workers. */
enum { LIVE = 64 };
static struct {
    struct rng random;
    transfer_id ids[LIVE];
    uint64_t ended, started, rounds;
} chaos;

static void chaos_ended(void *context, uint64_t argument);

static void chaos_step(void *context, uint64_t argument) {
    struct rng *r = &chaos.random;
    uint32_t i = (uint32_t)rng_below(r, LIVE);
    uint32_t from = (uint32_t)rng_below(r, HOSTS), to = (uint32_t)rng_below(r, HOSTS);
    (void)argument;
    switch (rng_below(r, 6)) {
    case 0:
        engine_transfer_cancel(w.engine, chaos.ids[i]);
        break;
    case 1:
        engine_host_set(w.engine, from, rng_below(r, 3) > 0);
        break;
    case 2:
        chaos.ids[i] = engine_disk_write(w.engine, to, rng_exponential(r, 1e7), chaos_ended, context, i);
        chaos.started += chaos.ids[i] != 0;
        break;
    default:
        chaos.ids[i] = engine_transfer(w.engine, from, to, rng_exponential(r, 1e7), chaos_ended, context, i);
        chaos.started += chaos.ids[i] != 0;
    }
    if (chaos.rounds > 0) {
        chaos.rounds--;
        engine_at(w.engine, engine_now(w.engine) + (simtime)rng_below(r, 20000000000), EVENT_CONTROL,
                  chaos_step, context, 0);
    }
}

static void chaos_ended(void *context, uint64_t argument) {
    chaos.ended++;
    chaos_step(context, argument);
}

static void chaotic(void) {
    build();
    chaos.random = rng_stream(1, RNG_TEST, "chaos");
    chaos.rounds = 20000;
    engine_at(w.engine, 0, EVENT_CONTROL, chaos_step, NULL, 0);
    run(SIMTIME_NEVER);
    CHECK(engine_counters(w.engine).early == 0);
    CHECK(chaos.rounds == 0 && chaos.ended > 1000 && chaos.ended < chaos.started);
    engine_destroy(w.engine);
}

static void random_starts_cancels_and_failures_do_not_abort(void **state) {
    (void)state;
    assert_int_equal(in_child(chaotic), 0);
}

static uint64_t mesh_seed;

/* Six sites, some links unshared, latencies and bandwidths over three decades. */
static void build_mesh(void) {
    enum { SITES = 6, LINKS = 9 };
    static char names[HOSTS + SITES + LINKS][16];
    static struct platform_site sites[SITES];
    static struct platform_link links[LINKS];
    struct rng r = rng_stream(mesh_seed, RNG_TEST, "mesh");
    struct error err = {0};
    for (uint32_t i = 0; i < HOSTS + SITES + LINKS; i++) {
        snprintf(names[i], sizeof names[i], "n%u", i);
    }
    for (uint32_t i = 0; i < SITES; i++) {
        sites[i].name = names[HOSTS + i];
    }
    for (uint32_t i = 0; i < HOSTS; i++) {
        w.hosts[i] = (struct platform_host){names[i], (uint32_t)rng_below(&r, SITES),
                                            1e7 * (1 + (double)rng_below(&r, 1000)), 1e8, 1e8};
    }
    for (uint32_t i = 0; i < LINKS; i++) {
        uint32_t from = i < SITES ? i : (uint32_t)rng_below(&r, SITES); /* a ring and some chords */
        uint32_t to = (from + (i < SITES ? 1 : 2 + (uint32_t)rng_below(&r, 2))) % SITES;
        links[i] = (struct platform_link){names[HOSTS + SITES + i],
                                          from,
                                          to,
                                          1e-5 * (double)rng_below(&r, 1000),
                                          1e7 * (1 + (double)rng_below(&r, 1000)),
                                          rng_below(&r, 4) > 0};
    }
    w.platform = (struct platform){.sites = sites,
                                   .site_count = SITES,
                                   .hosts = w.hosts,
                                   .host_count = HOSTS,
                                   .links = links,
                                   .link_count = LINKS};
    CHECK(platform_finish(&w.platform, &w.arena, &err));
    w.engine = engine_create(&w.platform, &err);
}

static void chaotic_mesh(void) {
    build_mesh();
    chaos.random = rng_stream(mesh_seed, RNG_TEST, "chaos");
    chaos.rounds = 3000;
    engine_at(w.engine, 0, EVENT_CONTROL, chaos_step, NULL, 0);
    run(SIMTIME_NEVER);
    CHECK(chaos.ended > 100 && engine_counters(w.engine).early == 0);
    CHECK(engine_counters(w.engine).transfers > 500);
}

static void no_transfer_ends_before_the_date_found_safe_on_random_platforms(void **state) {
    (void)state;
    for (mesh_seed = 1; mesh_seed <= 12; mesh_seed++) {
        assert_int_equal(in_child(chaotic_mesh), 0);
    }
}

/* Two transfers at a time, each cancelled by hand or with its host. */
static void cancel_step(void *context, uint64_t rounds) {
    engine_transfer_cancel(w.engine, victim);
    engine_host_set(w.engine, 3, false);
    engine_host_set(w.engine, 3, true);
    victim = engine_transfer(w.engine, 0, 1, 1e12, nothing, NULL, 0);
    engine_transfer(w.engine, 2, 3, 1e12, nothing, NULL, 0);
    if (rounds > 0) {
        engine_at(w.engine, engine_now(w.engine) + SIMTIME_SECOND, EVENT_CONTROL, cancel_step, context,
                  rounds - 1);
    }
}

static size_t memory_after(uint64_t rounds) {
    engine_at(w.engine, engine_now(w.engine), EVENT_CONTROL, cancel_step, NULL, rounds);
    run(engine_now(w.engine) + (simtime)(rounds + 10) * SIMTIME_SECOND);
    return mallinfo2().uordblks;
}

static void cancels(void) {
    build();
    size_t before = memory_after(100);
    size_t after = memory_after(5000);
    CHECK(after < before + 10000); /* less than a byte for each transfer */
    CHECK(engine_counters(w.engine).transfers > 10000);
    engine_destroy(w.engine);
}

static void cancelled_transfers_leave_no_memory_behind(void **state) {
    (void)state;
    assert_int_equal(in_child(cancels), 0);
}

/* ---- disks ---- */

static void disks(void) {
    build();
    engine_disk_read(w.engine, 0, 4e9, note, NULL, 1);          /* 2 GB/s */
    engine_disk_read(w.engine, 0, 1e9, note, NULL, 2);          /* ends at 1 s, with half of it */
    engine_disk_write(w.engine, 0, 1e9, note, NULL, 3);         /* 1 GB/s, its own direction */
    victim = engine_disk_read(w.engine, 1, 8e9, note, NULL, 4); /* cancelled at 1 s */
    engine_disk_read(w.engine, 1, 2e9, note, NULL, 5);          /* half to 1 s, then all */
    engine_at(w.engine, SIMTIME_SECOND, EVENT_OBSERVE, cancel_victim, NULL, 6);
    run(SIMTIME_NEVER);
    CHECK(w.count == 5);
    static const struct {
        uint64_t what;
        simtime at;
    } expected[] = {{3, SIMTIME_SECOND},
                    {2, SIMTIME_SECOND},
                    {6, SIMTIME_SECOND},
                    {5, 3 * SIMTIME_SECOND / 2},
                    {1, 5 * SIMTIME_SECOND / 2}};
    for (size_t i = 0; i < 5; i++) {
        size_t found = 0;
        while (found < 5 && w.log[found].what != expected[i].what) {
            found++;
        }
        CHECK(found < 5 && w.log[found].at == expected[i].at);
    }
    CHECK(engine_counters(w.engine).transfers == 0);
}

static void reads_of_a_disk_share_it_and_writes_have_their_own_to_the_ps(void **state) {
    (void)state;
    assert_int_equal(in_child(disks), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancelled_transfer_gives_its_bandwidth_to_the_others),
        cmocka_unit_test(cancelling_before_the_transfer_began_is_harmless),
        cmocka_unit_test(an_end_can_cancel_another_transfer),
        cmocka_unit_test(a_host_that_goes_off_takes_its_transfers_and_comes_back),
        cmocka_unit_test(a_host_can_be_off_before_the_first_transfer),
        cmocka_unit_test(random_starts_cancels_and_failures_do_not_abort),
        cmocka_unit_test(no_transfer_ends_before_the_date_found_safe_on_random_platforms),
        cmocka_unit_test(cancelled_transfers_leave_no_memory_behind),
        cmocka_unit_test(reads_of_a_disk_share_it_and_writes_have_their_own_to_the_ps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
