/* The plain server against a queue kept by hand: c threads, first come first served, a bounded queue. */
#include "tests/unit/serving/replica_fixture.h"

#include <string.h>

#include "base/hash.h"
#include "base/rng.h"

static struct stage s;

static void open_server(int64_t concurrency, int64_t queue_limit) {
    struct plain_server_config config = {
        .law = {.law = DELAY_EXPONENTIAL, .mean_s = 1, .cv = 1},
        .concurrency = concurrency,
        .queue_limit = queue_limit,
        .time_factor = 1,
        .seed = 7,
        .service_name = "station",
    };
    stage_begin(&s);
    s.replica = plain_server_create(s.engine, &config, &s.events);
}

static int close_server(void **state) {
    (void)state;
    stage_end(&s);
    return 0;
}

static struct act *job(double at_s, double service_s) {
    struct act *act = stage_add(&s, simtime_from_s(at_s), 3, 2);
    act->service_s = service_s;
    return act;
}

static void assert_idle(void) {
    assert_int_equal(s.replica->waiting, 0);
    assert_int_equal(s.replica->running, 0);
    assert_int_equal(request_pool_live(s.pool), 0);
}

static void requests_are_served_in_order_by_as_many_threads_as_there_are(void **state) {
    (void)state;
    open_server(2, -1);
    job(0, 3);
    job(0, 1);
    job(0.5, 1); /* waits for the second: 1 to 2 */
    job(0.6, 1); /* 2 to 3 */
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].done, 3 * SIMTIME_SECOND);
    assert_int_equal(s.acts[1].done, 1 * SIMTIME_SECOND);
    assert_int_equal(s.acts[2].scheduled, 1 * SIMTIME_SECOND);
    assert_int_equal(s.acts[3].scheduled, 2 * SIMTIME_SECOND);
    assert_int_equal(s.acts[3].done, 3 * SIMTIME_SECOND);
    assert_int_equal(s.acts[3].first, s.acts[3].done); /* an answer comes as a whole */
    assert_int_equal(s.replica->busy_ps, 6 * SIMTIME_SECOND);
    assert_int_equal(s.replica->steps, 4);
    assert_int_equal(s.replica->generated_tokens, 8);
    assert_idle();
}

/* Every date from the recursion of Lindley, widened to c servers: begin = max(arrival, earliest free). */
static void dates_follow_lindleys_recursion(void **state) {
    (void)state;
    for (uint64_t round = 0; round < 50; round++) {
        struct rng rng = rng_stream_id(2, RNG_TEST, round);
        int64_t servers = 1 + (int64_t)rng_below(&rng, 5);
        simtime free_at[5] = {0};
        open_server(servers, -1);
        simtime at = 0;
        for (int i = 0; i < 200; i++) {
            at += simtime_from_s(rng_exponential(&rng, 1));
            stage_add(&s, at, 1, 1)->service_s = rng_exponential(&rng, 0.9 * (double)servers);
        }
        stage_play(&s, SIMTIME_NEVER);
        for (size_t i = 0; i < s.count; i++) {
            simtime *earliest = &free_at[0];
            for (int64_t k = 1; k < servers; k++) {
                earliest = free_at[k] < *earliest ? &free_at[k] : earliest;
            }
            simtime begin = s.acts[i].at > *earliest ? s.acts[i].at : *earliest;
            *earliest = begin + simtime_from_s(s.acts[i].service_s);
            assert_int_equal(s.acts[i].scheduled, begin);
            assert_int_equal(s.acts[i].done, *earliest);
        }
        assert_idle();
        stage_end(&s);
    }
}

static void a_full_queue_turns_away_and_says_why(void **state) {
    (void)state;
    open_server(1, 2);
    for (int i = 0; i < 4; i++) {
        job(0, 1);
    }
    job(1, 1); /* after the first has gone: a place is free */
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[2].status, REQUEST_COMPLETED);
    assert_int_equal(s.acts[3].status, REQUEST_REJECTED);
    assert_string_equal(s.acts[3].reason, "server queue full");
    assert_int_equal(s.acts[4].status, REQUEST_COMPLETED);
    assert_idle();
}

static void a_queue_limit_of_none_still_serves_who_finds_a_free_thread(void **state) {
    (void)state;
    open_server(2, 0);
    job(0, 1);
    job(0, 1);
    job(0, 1);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[1].status, REQUEST_COMPLETED);
    assert_int_equal(s.acts[2].status, REQUEST_REJECTED);
}

static void work_depends_on_seed_service_and_request_alone(void **state) {
    (void)state;
    simtime alone[8];
    for (int crowd = 0; crowd < 2; crowd++) {
        open_server(crowd ? 1 : 8, -1);
        for (int i = 0; i < 8; i++) {
            stage_add(&s, crowd ? (8 - i) * 1000 : 0, 1, 1);
        }
        stage_play(&s, SIMTIME_NEVER);
        for (int i = 0; i < 8; i++) {
            simtime work = s.acts[i].done - s.acts[i].scheduled;
            assert_true(work > 0 && (!crowd || work == alone[i]));
            alone[i] = work;
        }
        stage_end(&s);
    }
    struct rng rng = rng_stream_id(7, RNG_SERVICE, hash64_text("station") ^ 3);
    assert_int_equal(alone[3], simtime_from_s(rng_exponential(&rng, 1)));
    open_server(1, -1); /* for the teardown */
}

static void cancelled_while_waiting_it_takes_no_server_time(void **state) {
    (void)state;
    open_server(1, -1);
    job(0, 2);
    job(0, 2)->cancel_at = SIMTIME_SECOND;
    job(0, 2);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[1].status, REQUEST_TIMED_OUT);
    assert_int_equal(s.acts[1].done, SIMTIME_SECOND);
    assert_int_equal(s.acts[2].done, 4 * SIMTIME_SECOND);
    assert_idle();
}

static void cancelled_in_service_it_frees_its_thread_for_the_next(void **state) {
    (void)state;
    open_server(1, -1);
    job(0, 2)->cancel_at = SIMTIME_SECOND;
    job(0, 2);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].status, REQUEST_TIMED_OUT);
    assert_int_equal(s.acts[1].scheduled, SIMTIME_SECOND);
    assert_int_equal(s.replica->busy_ps, 3 * SIMTIME_SECOND);
    assert_idle();
}

static void stop_now(void *context, uint64_t status) {
    struct stage *stage = context;
    replica_stop(stage->replica, (enum request_status)status);
}

static void stopping_ends_all_at_once_and_starts_nobody(void **state) {
    (void)state;
    open_server(2, -1);
    for (int i = 0; i < 5; i++) {
        job(0, 4);
    }
    engine_at(s.engine, SIMTIME_SECOND, EVENT_LIFECYCLE, stop_now, &s, REQUEST_FAILED);
    stage_play(&s, SIMTIME_NEVER);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(s.acts[i].status, REQUEST_FAILED);
        assert_int_equal(s.acts[i].done, SIMTIME_SECOND);
        assert_int_equal(s.acts[i].scheduled, i < 2 ? 0 : -1);
    }
    assert_int_equal(s.replica->busy_ps, 2 * SIMTIME_SECOND);
    assert_int_equal(engine_now(s.engine), SIMTIME_SECOND);
    assert_idle();
}

/* Two that come back after each answer: closed system, FIFO, never more than one in service. */
static void come_back(struct stage *stage, struct act *act) {
    if (stage->count < 20) {
        struct act *again = stage_add(stage, act->done, 1, 1);
        again->service_s = 1;
        stage_submit(stage, stage->count - 1);
    }
}

static void requests_may_be_submitted_from_finished_and_queue_up_behind(void **state) {
    (void)state;
    open_server(1, -1);
    job(0, 1);
    job(0, 1);
    s.on_finished = come_back;
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.count, 20);
    for (size_t i = 0; i < s.count; i++) {
        assert_int_equal(s.acts[i].done, (simtime)(i + 1) * SIMTIME_SECOND);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(requests_are_served_in_order_by_as_many_threads_as_there_are, close_server),
        cmocka_unit_test(dates_follow_lindleys_recursion),
        cmocka_unit_test_teardown(a_full_queue_turns_away_and_says_why, close_server),
        cmocka_unit_test_teardown(a_queue_limit_of_none_still_serves_who_finds_a_free_thread, close_server),
        cmocka_unit_test_teardown(work_depends_on_seed_service_and_request_alone, close_server),
        cmocka_unit_test_teardown(cancelled_while_waiting_it_takes_no_server_time, close_server),
        cmocka_unit_test_teardown(cancelled_in_service_it_frees_its_thread_for_the_next, close_server),
        cmocka_unit_test_teardown(stopping_ends_all_at_once_and_starts_nobody, close_server),
        cmocka_unit_test_teardown(requests_may_be_submitted_from_finished_and_queue_up_behind, close_server),
    };
    return cmocka_run_group_tests_name("serving/plain_server", tests, NULL, NULL);
}
