/* Continuous batching: what can be said of it in closed form, of single steps and of runs of them alike. */
#include "llm/llm.h"
#include "tests/unit/serving/replica_fixture.h"

#include <string.h>

static void assert_idle(const struct stage *s) {
    assert_int_equal(s->replica->waiting, 0);
    assert_int_equal(s->replica->running, 0);
    replica_settle(s->replica);
    assert_int_equal(s->replica->kv_permille, 0); /* every block came back */
    assert_int_equal(request_pool_live(s->pool), 0);
}

static struct arena arena;
static struct replica_config config;
static struct service_time *times;
static struct stage s;

static bool fast; /* runs of steps as one event, or single ones */

static void open_server(void) {
    times = compiled(&config, &arena);
    stage_begin(&s);
    s.replica = batching_create(s.engine, &config, times, fast, &s.events);
}

/* For what is changed in `config` before open_server(). */
static void reopen_server(void) {
    stage_end(&s);
    arena_free(&arena);
    open_server();
}

static void small_server(int64_t kv_tokens, int64_t budget, int64_t sequences) {
    config = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    config.max_model_len = 512;
    config.block_tokens = 16;
    config.kv_blocks = kv_tokens / 16;
    config.max_num_batched_tokens = budget;
    config.max_num_seqs = sequences;
    open_server();
}

static int close_server(void **state) {
    (void)state;
    stage_end(&s);
    arena_free(&arena);
    return 0;
}

static simtime prefill_time(int64_t tokens) {
    return service_time_step(times, &(struct step_shape){.prefill_tokens = tokens,
                                                         .prefill_pairs = tokens * (tokens + 1) / 2,
                                                         .prefill_context = tokens,
                                                         .sampled = 1});
}

static simtime decode_time(int64_t sequences, int64_t context) {
    return service_time_step(
        times,
        &(struct step_shape){.decode_sequences = sequences, .decode_context = context, .sampled = sequences});
}

static void resubmit(void *context, uint64_t index) {
    stage_submit(context, index);
}

/* Whatever event brings it: what goes before the end of a step joins at it, what goes after at the next. */
static void an_arrival_at_the_end_of_a_step_finds_the_next_one(void **state) {
    (void)state;
    static const enum event_priority priorities[] = {EVENT_TRANSFER, EVENT_REPLICA, EVENT_ARRIVAL,
                                                     EVENT_CONTROL};
    for (size_t k = 0; k < sizeof priorities / sizeof *priorities; k++) {
        small_server(8192, 512, 64);
        stage_add(&s, 0, 100, 200);
        stage_add(&s, SIMTIME_NEVER - 1, 20, 50);
        s.count = 1; /* the second comes by itself */
        simtime boundary = prefill_time(100);
        for (int i = 0; i < 37; i++) {
            boundary += decode_time(1, 101 + i);
        }
        engine_at(s.engine, boundary, priorities[k], resubmit, &s, 1);
        stage_play(&s, SIMTIME_NEVER);
        assert_int_equal(s.acts[1].scheduled,
                         priorities[k] == EVENT_TRANSFER ? boundary : boundary + decode_time(1, 101 + 37));
        assert_idle(&s);
        close_server(NULL);
    }
    small_server(8192, 512, 64); /* for the teardown */
}

static void a_lone_request_takes_one_prefill_step_and_a_step_a_token(void **state) {
    (void)state;
    small_server(4096, 1024, 8);
    stage_add(&s, 5, 100, 4);
    stage_play(&s, SIMTIME_NEVER);
    const struct act *act = &s.acts[0];
    assert_int_equal(act->scheduled, 5);
    assert_int_equal(act->first, 5 + prefill_time(100));
    assert_int_equal(act->done, act->first + decode_time(1, 101) + decode_time(1, 102) + decode_time(1, 103));
    assert_int_equal(s.gaps, 3);
    assert_int_equal(s.gap_sum, act->done - act->first);
    assert_int_equal(s.replica->steps, 4);
    assert_int_equal(s.replica->prompt_tokens, 100);
    assert_int_equal(s.replica->generated_tokens, 4);
    assert_int_equal(s.replica->busy_ps, act->done - 5);
    assert_idle(&s);
}

static void a_burst_of_one_instant_is_one_batch(void **state) {
    (void)state;
    small_server(4096, 1024, 8);
    for (int i = 0; i < 5; i++) {
        stage_add(&s, 0, 10, 1);
    }
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.replica->steps, 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(s.acts[i].done, s.acts[0].done);
        assert_int_equal(s.acts[i].scheduled, 0);
    }
}

static void a_step_ends_before_an_arrival_at_its_last_instant(void **state) {
    (void)state;
    small_server(4096, 1024, 8);
    stage_add(&s, 0, 100, 2);
    stage_add(&s, prefill_time(100), 10, 1);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[1].scheduled, prefill_time(100) + decode_time(1, 101));
}

/* ---- asynchronous scheduling ---- */

static void asynchronous(int64_t kv_tokens, int64_t budget, int64_t sequences) {
    small_server(kv_tokens, budget, sequences);
    config.async_scheduling = true;
    reopen_server();
}

static void who_comes_during_a_step_joins_the_next_but_one(void **state) {
    (void)state;
    asynchronous(8192, 512, 64);
    stage_add(&s, 0, 100, 50); /* alone: at once */
    simtime third = prefill_time(100) + decode_time(1, 101);
    stage_add(&s, third + 1, 20, 1);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].scheduled, 0);
    assert_int_equal(s.acts[1].scheduled, third + decode_time(1, 102) + decode_time(1, 103));
    assert_idle(&s);
}

static void who_comes_as_a_step_begins_is_not_in_the_next(void **state) {
    (void)state;
    asynchronous(8192, 512, 64);
    stage_add(&s, 0, 100, 50);
    stage_add(&s, prefill_time(100), 20, 1); /* the decode step has begun, and with it the batch behind it */
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[1].scheduled, prefill_time(100) + decode_time(1, 101) + decode_time(1, 102));
}

static void who_leaves_is_replaced_a_step_later(void **state) {
    (void)state;
    asynchronous(8192, 512, 2);
    stage_add(&s, 0, 100, 50);
    stage_add(&s, 0, 100, 3);
    stage_add(&s, 0, 100, 1); /* for the second one's place */
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[2].scheduled, s.acts[1].done + decode_time(1, 103));
    assert_idle(&s);
}

static void blocks_are_free_a_step_later(void **state) {
    (void)state;
    asynchronous(512, 384, 8); /* 32 blocks */
    stage_add(&s, 0, 192, 40); /* 12, and 3 more later */
    stage_add(&s, 0, 192, 3);  /* 13 with its answer */
    stage_add(&s, 0, 200, 2);  /* 13: not before the second has left */
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[2].scheduled, s.acts[1].done + decode_time(1, 195));
    assert_int_equal(s.replica->preemptions, 0);
    assert_idle(&s);
}

static void an_engine_with_nothing_else_to_do_waits_for_the_step_under_way(void **state) {
    (void)state;
    asynchronous(8192, 512, 64);
    stage_add(&s, 0, 100, 2);
    simtime second = prefill_time(100);
    stage_add(&s, second + 1, 50, 1); /* during the last step of the first: nobody is left for the next */
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[1].scheduled, s.acts[0].done);
    assert_int_equal(s.acts[1].done, s.acts[0].done + prefill_time(50));
    assert_idle(&s);
}

static void a_long_prompt_is_computed_in_chunks_of_the_budget(void **state) {
    (void)state;
    small_server(4096, 64, 8);
    stage_add(&s, 0, 130, 1);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.replica->steps, 3); /* 64 + 64 + 2 */
    assert_int_equal(s.replica->prompt_tokens, 130);
    assert_int_equal(s.acts[0].first, s.replica->busy_ps);
}

static void the_next_turn_of_a_session_computes_what_is_new(void **state) {
    (void)state;
    small_server(8192, 512, 64);
    stage_add(&s, 0, 100, 30)->session = 5;
    stage_add(&s, 10 * SIMTIME_SECOND, 200, 1)->session = 5;
    stage_add(&s, 20 * SIMTIME_SECOND, 200, 1);
    stage_play(&s, SIMTIME_NEVER);
    int64_t known = 128; /* whole blocks of the 129 tokens computed: the answer's last one never was */
    struct step_shape rest = {.prefill_tokens = 200 - known,
                              .prefill_pairs = (200 - known) * known + (200 - known) * (201 - known) / 2,
                              .prefill_context = 200,
                              .sampled = 1};
    assert_int_equal(s.acts[1].cached, known);
    assert_int_equal(s.acts[1].first - s.acts[1].at, service_time_step(times, &rest));
    assert_int_equal(s.acts[2].first - s.acts[2].at, prefill_time(200));
    assert_idle(&s);
}

static void the_last_admitted_gives_way_and_computes_again(void **state) {
    (void)state;
    small_server(512, 1024, 8); /* 32 blocks */
    stage_add(&s, 0, 240, 100); /* 15 blocks, 22 in the end */
    stage_add(&s, 0, 240, 60);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].preemptions, 0);
    assert_int_equal(s.acts[1].preemptions, 1);
    assert_int_equal(s.acts[0].status, REQUEST_COMPLETED);
    assert_int_equal(s.acts[1].status, REQUEST_COMPLETED);
    assert_int_equal(s.acts[1].generated, 60);
    assert_true(s.acts[1].done > s.acts[0].done);
    assert_true(s.replica->prompt_tokens > 3 * 240); /* its 240 and what it had generated, twice */
    replica_settle(s.replica);
    assert_int_equal(s.replica->kv_peak_permille, 1000);
    assert_idle(&s);
}

/* The first has the lower priority: it goes although the second was admitted after it. */
static void the_least_urgent_gives_way_under_priority_scheduling(void **state) {
    (void)state;
    small_server(512, 1024, 8); /* 32 blocks */
    config.priority_scheduling = true;
    reopen_server();
    stage_add(&s, 0, 240, 60)->priority = 5; /* 15 blocks, 19 in the end */
    stage_add(&s, 0, 240, 60)->priority = -1;
    stage_add(&s, 0, 240, 1)->priority = 5; /* as urgent as the first, and later */
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].preemptions, 1);
    assert_int_equal(s.acts[1].preemptions, 0);
    assert_true(s.acts[1].done < s.acts[0].done);
    assert_int_equal(s.acts[2].scheduled, s.acts[1].done); /* the first went back in front of it */
    assert_idle(&s);
}

static void who_is_more_urgent_passes_those_who_wait(void **state) {
    (void)state;
    small_server(4096, 1024, 1);
    config.priority_scheduling = true;
    reopen_server();
    stage_add(&s, 0, 10, 5);
    stage_add(&s, 1, 10, 1)->priority = 2;
    stage_add(&s, 2, 10, 1)->priority = 1;
    stage_add(&s, 3, 10, 1)->priority = 1;
    stage_play(&s, SIMTIME_NEVER);
    simtime one = prefill_time(10);
    assert_int_equal(s.acts[2].done, s.acts[0].done + one); /* nobody running is stopped for it */
    assert_int_equal(s.acts[3].done, s.acts[0].done + 2 * one);
    assert_int_equal(s.acts[1].done, s.acts[0].done + 3 * one);
}

static void right_drafts_come_out_of_one_step(void **state) {
    (void)state;
    small_server(4096, 1024, 8);
    config.speculation = (struct speculation){.kind = DRAFT_LOOKUP, .tokens = 3, .acceptance = 1};
    reopen_server();
    stage_add(&s, 0, 100, 10); /* 1 of the prompt's step, 4, 4, and 1 of 4: the answer ends there */
    stage_play(&s, SIMTIME_NEVER);
    struct step_shape verify = {.decode_sequences = 1, .draft_tokens = 3, .sampled = 4};
    simtime end = s.acts[0].first;
    for (int64_t known = 101; known <= 109; known += 4) {
        verify.decode_context = known + 3;
        end += service_time_step(times, &verify);
    }
    assert_int_equal(s.acts[0].first, prefill_time(100));
    assert_int_equal(s.acts[0].done, end);
    assert_int_equal(s.acts[0].generated, 10);
    assert_int_equal(s.replica->generated_tokens, 10);
    assert_int_equal(s.replica->steps, 4);
    assert_int_equal(s.gaps, 3); /* one a step that tokens came out of */
    assert_idle(&s);
}

static void wrong_drafts_cost_time_and_no_more(void **state) {
    (void)state;
    small_server(4096, 1024, 8);
    config.speculation = (struct speculation){.kind = DRAFT_LOOKUP, .tokens = 3, .acceptance = 0};
    reopen_server();
    stage_add(&s, 0, 100, 5);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.replica->steps, 5);
    assert_true(s.acts[0].done > prefill_time(100) + 4 * decode_time(1, 105));
    assert_idle(&s);
}

/* Eagle's layer writes three places ahead: 13 + 3 tokens fill the block, the next one needs another. */
static void drafts_have_kv_slots_ahead(void **state) {
    (void)state;
    for (int64_t lookahead = 0; lookahead <= 3; lookahead += 3) {
        small_server(512, 1024, 8);
        config.speculation = (struct speculation){.kind = DRAFT_LOOKUP, .tokens = 3, .acceptance = 0};
        config.lookahead_tokens = lookahead;
        reopen_server();
        stage_add(&s, 0, 10, 2); /* the second step computes tokens 11 to 14 */
        stage_play(&s, SIMTIME_NEVER);
        replica_settle(s.replica);
        assert_int_equal(s.replica->kv_peak_permille, lookahead ? 2 * 1000 / 32 : 1000 / 32);
        close_server(NULL);
    }
    small_server(512, 1024, 8); /* for the teardown */
}

static void an_adapter_too_many_is_passed_over(void **state) {
    (void)state;
    small_server(4096, 1024, 8);
    config.adapters = (struct adapter_limits){
        .on_gpu = 1, .on_host = 1, .to_gpu_ps = SIMTIME_SECOND / 100, .to_host_ps = SIMTIME_SECOND};
    reopen_server();
    stage_add(&s, 0, 10, 3)->adapter = 1;
    stage_add(&s, 0, 10, 1)->adapter = 2;
    stage_add(&s, 0, 10, 1)->adapter = 1;
    stage_add(&s, 0, 10, 1); /* the base model */
    stage_play(&s, SIMTIME_NEVER);
    simtime loads = SIMTIME_SECOND + SIMTIME_SECOND / 100;
    simtime three = service_time_step(
        times, &(struct step_shape){
                   .prefill_tokens = 30, .prefill_pairs = 3 * 55, .prefill_context = 30, .sampled = 3});
    assert_int_equal(s.acts[2].done, loads + three);
    assert_int_equal(s.acts[3].done, loads + three);
    assert_int_equal(s.acts[0].done, loads + three + decode_time(1, 11) + decode_time(1, 12));
    assert_int_equal(s.acts[1].done, s.acts[0].done + loads + prefill_time(10));
    assert_idle(&s);
}

static void an_adapter_needs_an_engine_that_takes_some(void **state) {
    (void)state;
    small_server(4096, 1024, 8);
    stage_add(&s, 0, 10, 1)->adapter = 1;
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].status, REQUEST_REJECTED);
    assert_non_null(strstr(s.acts[0].reason, "--enable-lora"));
}

/* A steady stream of short requests never keeps a long one out: first come first served. */
static void nobody_starves(void **state) {
    (void)state;
    small_server(512, 512, 4);
    stage_add(&s, 0, 20, 400);
    stage_add(&s, 1, 500, 5); /* needs all but one block: waits for the first to end */
    for (int i = 0; i < 200; i++) {
        stage_add(&s, 2 + i * SIMTIME_SECOND / 1000, 10, 3);
    }
    stage_play(&s, SIMTIME_NEVER);
    for (size_t i = 0; i < s.count; i++) {
        assert_int_equal(s.acts[i].status, REQUEST_COMPLETED);
        assert_true(i < 2 || s.acts[i].first >= s.acts[1].first);
    }
}

static void a_prompt_as_long_as_the_model_allows_is_turned_away(void **state) {
    (void)state;
    small_server(4096, 1024, 8);
    stage_add(&s, 0, 512, 1);
    stage_add(&s, 0, 511, 100);
    stage_add(&s, 0, 500, 100);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].status, REQUEST_REJECTED);
    assert_non_null(strstr(s.acts[0].reason, "--max-model-len"));
    assert_int_equal(s.acts[1].generated, 1);
    assert_int_equal(s.acts[2].generated, 12); /* cut at 512 tokens together */
    assert_int_equal(s.acts[2].status, REQUEST_COMPLETED);
}

static void a_waiting_request_is_cancelled_at_once(void **state) {
    (void)state;
    small_server(4096, 1024, 1);
    stage_add(&s, 0, 100, 50);
    stage_add(&s, 0, 100, 50)->cancel_at = SIMTIME_SECOND / 100;
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[1].status, REQUEST_TIMED_OUT);
    assert_int_equal(s.acts[1].done, SIMTIME_SECOND / 100);
    assert_int_equal(s.acts[1].scheduled, -1);
    assert_int_equal(s.acts[0].generated, 50);
    assert_idle(&s);
}

static void a_running_request_leaves_at_the_end_of_its_step_without_its_token(void **state) {
    (void)state;
    small_server(4096, 1024, 4);
    stage_add(&s, 0, 100, 50)->cancel_at = prefill_time(100) + 1; /* in the first decode step */
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].status, REQUEST_TIMED_OUT);
    assert_int_equal(s.acts[0].generated, 1);
    assert_int_equal(s.acts[0].done, prefill_time(100) + decode_time(1, 101));
    assert_int_equal(s.gaps, 0);
    assert_idle(&s);
}

static void cancel_others(struct stage *stage, struct act *act) {
    (void)act;
    for (size_t i = 0; i < stage->count; i++) {
        stage_cancel(stage, i);
    }
}

static void requests_may_be_cancelled_and_submitted_from_finished(void **state) {
    (void)state;
    small_server(4096, 1024, 3);
    stage_add(&s, 0, 10, 2); /* when it is done, it takes the two that run and the one that waits with it */
    stage_add(&s, 0, 10, 9);
    stage_add(&s, 0, 10, 2);
    stage_add(&s, 0, 10, 9);
    s.on_finished = cancel_others;
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].status, REQUEST_COMPLETED);
    assert_int_equal(s.acts[1].status, REQUEST_TIMED_OUT);
    assert_int_equal(s.acts[2].status, REQUEST_COMPLETED); /* of the same step: it was done already */
    assert_int_equal(s.acts[3].status, REQUEST_TIMED_OUT);
    assert_int_equal(s.acts[1].generated, 2);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(s.acts[i].done, s.acts[0].done);
    }
    assert_idle(&s);
}

static void stop_now(void *context, uint64_t status) {
    struct stage *stage = context;
    replica_stop(stage->replica, (enum request_status)status);
}

static void stopping_ends_every_request_and_the_step(void **state) {
    (void)state;
    small_server(4096, 1024, 2);
    stage_add(&s, 0, 100, 50);
    stage_add(&s, 0, 100, 50)->cancel_at = SIMTIME_SECOND / 10;
    stage_add(&s, 0, 100, 50);
    engine_at(s.engine, SIMTIME_SECOND / 10 + 1, EVENT_LIFECYCLE, stop_now, &s, REQUEST_FAILED);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].status, REQUEST_FAILED);
    assert_int_equal(s.acts[1].status, REQUEST_TIMED_OUT); /* it was on its way out */
    assert_int_equal(s.acts[2].status, REQUEST_FAILED);
    assert_int_equal(engine_now(s.engine), SIMTIME_SECOND / 10 + 1);
    assert_int_equal(s.replica->busy_ps, SIMTIME_SECOND / 10 + 1);
    assert_idle(&s);
}

static void stop_when_one_is_done(struct stage *stage, struct act *act) {
    if (act->status == REQUEST_COMPLETED) {
        stage->on_finished = NULL;
        replica_stop(stage->replica, REQUEST_FAILED);
    }
}

static void it_may_be_stopped_from_finished(void **state) {
    (void)state;
    small_server(4096, 1024, 2);
    stage_add(&s, 0, 10, 2);
    stage_add(&s, 0, 10, 9);
    stage_add(&s, 0, 10, 9);
    s.on_finished = stop_when_one_is_done;
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].status, REQUEST_COMPLETED);
    assert_int_equal(s.acts[1].status, REQUEST_FAILED);
    assert_int_equal(s.acts[2].status, REQUEST_FAILED);
    assert_int_equal(s.replica->steps, 2);
    assert_idle(&s);
}

static void gaps_of_the_warm_up_are_not_counted(void **state) {
    (void)state;
    small_server(4096, 1024, 8);
    stage_add(&s, 0, 10, 6)->uncounted = true;
    stage_add(&s, 0, 10, 3);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.gaps, 2);
    assert_true(s.gap_least > 0 && s.gap_most >= s.gap_least);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_arrival_at_the_end_of_a_step_finds_the_next_one, close_server),
        cmocka_unit_test_teardown(a_lone_request_takes_one_prefill_step_and_a_step_a_token, close_server),
        cmocka_unit_test_teardown(a_burst_of_one_instant_is_one_batch, close_server),
        cmocka_unit_test_teardown(a_step_ends_before_an_arrival_at_its_last_instant, close_server),
        cmocka_unit_test_teardown(who_comes_during_a_step_joins_the_next_but_one, close_server),
        cmocka_unit_test_teardown(who_comes_as_a_step_begins_is_not_in_the_next, close_server),
        cmocka_unit_test_teardown(who_leaves_is_replaced_a_step_later, close_server),
        cmocka_unit_test_teardown(blocks_are_free_a_step_later, close_server),
        cmocka_unit_test_teardown(an_engine_with_nothing_else_to_do_waits_for_the_step_under_way,
                                  close_server),
        cmocka_unit_test_teardown(a_long_prompt_is_computed_in_chunks_of_the_budget, close_server),
        cmocka_unit_test_teardown(the_next_turn_of_a_session_computes_what_is_new, close_server),
        cmocka_unit_test_teardown(the_last_admitted_gives_way_and_computes_again, close_server),
        cmocka_unit_test_teardown(the_least_urgent_gives_way_under_priority_scheduling, close_server),
        cmocka_unit_test_teardown(who_is_more_urgent_passes_those_who_wait, close_server),
        cmocka_unit_test_teardown(right_drafts_come_out_of_one_step, close_server),
        cmocka_unit_test_teardown(wrong_drafts_cost_time_and_no_more, close_server),
        cmocka_unit_test_teardown(drafts_have_kv_slots_ahead, close_server),
        cmocka_unit_test_teardown(an_adapter_too_many_is_passed_over, close_server),
        cmocka_unit_test_teardown(an_adapter_needs_an_engine_that_takes_some, close_server),
        cmocka_unit_test_teardown(nobody_starves, close_server),
        cmocka_unit_test_teardown(a_prompt_as_long_as_the_model_allows_is_turned_away, close_server),
        cmocka_unit_test_teardown(a_waiting_request_is_cancelled_at_once, close_server),
        cmocka_unit_test_teardown(a_running_request_leaves_at_the_end_of_its_step_without_its_token,
                                  close_server),
        cmocka_unit_test_teardown(requests_may_be_cancelled_and_submitted_from_finished, close_server),
        cmocka_unit_test_teardown(stopping_ends_every_request_and_the_step, close_server),
        cmocka_unit_test_teardown(it_may_be_stopped_from_finished, close_server),
        cmocka_unit_test_teardown(gaps_of_the_warm_up_are_not_counted, close_server),
    };
    int failed = cmocka_run_group_tests_name("single steps", tests, NULL, NULL);
    fast = true;
    return failed + cmocka_run_group_tests_name("runs of steps", tests, NULL, NULL);
}
