/* Engines side by side in one pod: who gets which request, and that the whole says what its parts say. */
#include "llm/llm.h"
#include "tests/unit/serving/replica_fixture.h"

static struct arena arena;
static struct replica_config config;
static struct service_time *times;
static struct stage s;

static void open_engines(int64_t engines, bool in_turn) {
    config = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    config.max_model_len = 512;
    config.kv_blocks = 64;
    config.max_num_batched_tokens = 512;
    config.max_num_seqs = 2;
    config.data_parallel = engines;
    config.engines_in_turn = in_turn;
    times = compiled(&config, &arena);
    stage_begin(&s);
    s.replica = data_parallel_create(s.engine, &config, times, true, &s.events);
}

static int close_engines(void **state) {
    (void)state;
    stage_end(&s);
    arena_free(&arena);
    return 0;
}

static simtime prefill_time(int64_t requests, int64_t tokens) {
    return service_time_step(times,
                             &(struct step_shape){.prefill_tokens = requests * tokens,
                                                  .prefill_pairs = requests * tokens * (tokens + 1) / 2,
                                                  .prefill_context = requests * tokens,
                                                  .sampled = requests});
}

/* 0 to the first (0:0), 1 to the second (4:0), 2 to the first again (4:4). When 3 comes both run: 2
 * against 1.
 */
static void the_engine_with_the_least_to_do_is_chosen(void **state) {
    (void)state;
    open_engines(2, false);
    for (int i = 0; i < 3; i++) {
        stage_add(&s, 0, 100, 40);
    }
    stage_add(&s, 1, 50, 1);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].first, prefill_time(2, 100));
    assert_int_equal(s.acts[2].first, prefill_time(2, 100));
    assert_int_equal(s.acts[1].first, prefill_time(1, 100));
    assert_int_equal(s.acts[3].scheduled, s.acts[1].first); /* at the second's next step */
    assert_int_equal(s.replica->servers, 2);
    replica_settle(s.replica);
    assert_int_equal(s.replica->prompt_tokens, 350);
    assert_int_equal(s.replica->generated_tokens, 121);
    assert_int_equal(s.replica->busy_ps, s.acts[0].done + s.acts[1].done);
    assert_int_equal(s.replica->kv_permille, 0);
    assert_int_equal(s.replica->running + s.replica->waiting, 0);
}

/* One that waits weighs as much as four that run: the engines have 2 running and 0 waiting, and 1 and 1. */
static void one_that_waits_weighs_as_four_that_run(void **state) {
    (void)state;
    open_engines(2, false);
    stage_add(&s, 0, 100, 300);          /* first engine */
    stage_add(&s, 0, 100, 5);            /* second */
    stage_add(&s, 0, 100, 300);          /* first */
    stage_add(&s, 0, 100, 300);          /* second */
    stage_add(&s, 1, 100, 300);          /* first: it waits, both places are taken: 4 + 2 */
    stage_add(&s, SIMTIME_SECOND, 9, 1); /* second: one runs, nobody waits */
    stage_play(&s, SIMTIME_NEVER);
    assert_true(s.acts[5].scheduled < SIMTIME_SECOND + SIMTIME_SECOND / 20);
    assert_true(s.acts[4].scheduled >= s.acts[0].done);
}

static void in_turn_whatever_they_have_to_do(void **state) {
    (void)state;
    open_engines(2, true);
    stage_add(&s, 0, 100, 1);
    stage_add(&s, SIMTIME_SECOND, 100, 400);
    stage_add(&s, SIMTIME_SECOND + 1, 100, 1); /* the first's turn */
    stage_add(&s, SIMTIME_SECOND + 2, 100, 1); /* and the second's */
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[2].first, SIMTIME_SECOND + 1 + prefill_time(1, 100));
    assert_int_equal(s.acts[3].scheduled, SIMTIME_SECOND + prefill_time(1, 100));
}

static void stop_now(void *context, uint64_t argument) {
    (void)argument;
    replica_stop(((struct stage *)context)->replica, REQUEST_FAILED);
}

static void cancelling_and_stopping_reach_the_right_engine(void **state) {
    (void)state;
    open_engines(3, false);
    for (int i = 0; i < 9; i++) {
        stage_add(&s, i, 100, 400);
    }
    s.acts[4].cancel_at = SIMTIME_SECOND / 10;
    s.acts[8].cancel_at = SIMTIME_SECOND / 5;
    engine_at(s.engine, SIMTIME_SECOND / 2, EVENT_LIFECYCLE, stop_now, &s, 0);
    stage_play(&s, SIMTIME_NEVER);
    for (size_t i = 0; i < s.count; i++) {
        assert_int_equal(s.acts[i].status, i == 4 || i == 8 ? REQUEST_TIMED_OUT : REQUEST_FAILED);
    }
    assert_int_equal(s.replica->running + s.replica->waiting, 0);
    assert_int_equal(request_pool_live(s.pool), 0);
}

static void one_engine_is_a_batching_replica(void **state) {
    (void)state;
    open_engines(1, false);
    assert_int_equal(s.replica->servers, 1);
    assert_string_equal(s.replica->ops->name, "continuous-batching");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_engine_with_the_least_to_do_is_chosen, close_engines),
        cmocka_unit_test_teardown(one_that_waits_weighs_as_four_that_run, close_engines),
        cmocka_unit_test_teardown(in_turn_whatever_they_have_to_do, close_engines),
        cmocka_unit_test_teardown(cancelling_and_stopping_reach_the_right_engine, close_engines),
        cmocka_unit_test_teardown(one_engine_is_a_batching_replica, close_engines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
