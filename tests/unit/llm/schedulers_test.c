/* Schedulers other than vLLM's: schedules worked out by hand, and runs of steps held to single ones. */
#include "llm/llm.h"
#include <string.h>

#include "base/rng.h"
#include "tests/unit/serving/replica_fixture.h"

static struct arena arena;
static struct replica_config config;
static struct service_time *times;
static struct stage s;
static bool fast;

static void open_server(void) {
    times = compiled(&config, &arena);
    stage_begin(&s);
    s.replica = batching_create(s.engine, &config, times, fast, &s.events);
}

static int close_server(void **state) {
    (void)state;
    stage_end(&s);
    arena_free(&arena);
    return 0;
}

/* KV of 1,000 tokens, one a block. */
static void small(enum scheduler scheduler) {
    config = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    config.scheduler = scheduler;
    config.async_scheduling = false;
    config.max_model_len = 512;
    config.block_tokens = 1;
    config.kv_blocks = 1000;
    config.max_num_seqs = 8;
    config.max_num_batched_tokens = 64;
    config.queue_limit = -1;
    config.prefill_chunk = 64;
    config.max_prefill_tokens = 64;
    config.schedule_conservativeness = 1;
    config.waiting_served_ratio = 0.5;
    config.max_waiting_tokens = 5;
}

/* Sequences with `tokens` more of a prompt of which `context` is there; all ends of prompts sample. */
static void prompt(struct step_shape *shape, int64_t context, int64_t tokens, bool ends) {
    shape->prefill_tokens += tokens;
    shape->prefill_pairs += tokens * context + tokens * (tokens + 1) / 2;
    shape->prefill_context += context + tokens;
    shape->sampled += ends;
}

static void decoding(struct step_shape *shape, int64_t context) {
    shape->decode_sequences++;
    shape->decode_context += context;
    shape->sampled++;
}

static simtime step(const struct step_shape *shape) {
    return service_time_step(times, shape);
}

static void assert_idle(void) {
    assert_int_equal(s.replica->waiting + s.replica->running, 0);
    replica_settle(s.replica);
    assert_int_equal(s.replica->kv_permille, 0);
    assert_int_equal(request_pool_live(s.pool), 0);
}

/* ---- SGLang ---- */

static void sglang_computes_prompts_while_the_others_stand_still(void **state) {
    (void)state;
    small(SCHEDULER_SGLANG);
    open_server();
    stage_add(&s, 0, 10, 3);
    stage_add(&s, 1, 20, 1);
    stage_play(&s, SIMTIME_NEVER);
    struct step_shape first = {0}, second = {0}, third = {0}, fourth = {0};
    prompt(&first, 0, 10, true);
    prompt(&second, 0, 20, true); /* alone: the first's next token waits */
    decoding(&third, 11);
    decoding(&fourth, 12);
    assert_int_equal(s.acts[0].first, step(&first));
    assert_int_equal(s.acts[1].done, step(&first) + step(&second));
    assert_int_equal(s.acts[0].done, step(&first) + step(&second) + step(&third) + step(&fourth));
    assert_int_equal(s.gap_most, step(&second) + step(&third));
    assert_idle();
}

static void sglang_may_mix_prompts_and_decoding(void **state) {
    (void)state;
    small(SCHEDULER_SGLANG);
    config.mixed_chunk = true;
    open_server();
    stage_add(&s, 0, 10, 3);
    stage_add(&s, 1, 20, 1);
    stage_play(&s, SIMTIME_NEVER);
    struct step_shape first = {0}, second = {0}, third = {0};
    prompt(&first, 0, 10, true);
    prompt(&second, 0, 20, true);
    decoding(&second, 11);
    decoding(&third, 12);
    assert_int_equal(s.acts[1].done, step(&first) + step(&second));
    assert_int_equal(s.acts[0].done, step(&first) + step(&second) + step(&third));
    assert_idle();
}

/* Chunks of 64: 50 of the first and 14 of the second, then 64, then its last 22 beside the third's 30. */
static void sglang_cuts_the_last_prompt_of_a_step_and_goes_on_with_it(void **state) {
    (void)state;
    small(SCHEDULER_SGLANG);
    open_server();
    stage_add(&s, 0, 50, 1);
    stage_add(&s, 0, 100, 1);
    stage_add(&s, 0, 30, 1);
    stage_play(&s, SIMTIME_NEVER);
    struct step_shape a = {0}, b = {0}, c = {0};
    prompt(&a, 0, 50, true);
    prompt(&a, 0, 14, false);
    prompt(&b, 14, 64, false);
    prompt(&c, 78, 22, true);
    prompt(&c, 0, 30, true);
    assert_int_equal(s.acts[0].done, step(&a));
    assert_int_equal(s.acts[1].done, step(&a) + step(&b) + step(&c));
    assert_int_equal(s.acts[2].done, s.acts[1].done);
    assert_int_equal(s.replica->steps, 3);
    assert_idle();
}

/* 1,000 tokens. The first has 40 + 400 and counts 0.7 of what it may generate; the second wants 40 + 470 + 1
 * of what is left: 1000 - 80 ... fits; the third 40 + 400 + 1 does not. */
static void sglang_lets_in_who_fits_beside_what_the_others_may_generate(void **state) {
    (void)state;
    small(SCHEDULER_SGLANG);
    open_server();
    stage_add(&s, 0, 40, 400);
    stage_add(&s, 1, 40, 470); /* 960 - 0.7 * 399 = 680 > 511 */
    stage_add(&s, 2, 40, 400); /* 920 - 0.7 * (399 + 469) = 312 < 441 */
    stage_play(&s, SIMTIME_NEVER);
    assert_true(s.acts[1].scheduled < s.acts[0].first + 1);
    assert_true(s.acts[2].scheduled >= s.acts[0].done); /* until somebody leaves nobody is tried again */
    assert_int_equal(s.replica->preemptions, 0);
    assert_idle();
}

/* Conservativeness of a thousandth: three are let in whose 3 x 400 tokens cannot all be there. */
static void sglang_retracts_who_generated_least(void **state) {
    (void)state;
    small(SCHEDULER_SGLANG);
    config.schedule_conservativeness = 0.001;
    open_server();
    stage_add(&s, 0, 40, 400);
    stage_add(&s, SIMTIME_SECOND, 40, 400);
    stage_add(&s, SIMTIME_SECOND + SIMTIME_SECOND / 10, 60, 400);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[0].preemptions, 0);
    assert_int_equal(s.acts[1].preemptions, 0);
    assert_true(s.acts[2].preemptions > 0);
    assert_true(s.acts[1].done < s.acts[2].done);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s.acts[i].generated, 400);
    }
    assert_idle();
}

static void sglang_may_take_the_longest_prefix_first(void **state) {
    (void)state;
    for (int lpm = 0; lpm < 2; lpm++) {
        small(SCHEDULER_SGLANG);
        config.prefix_caching = true;
        config.longest_prefix_first = lpm;
        config.max_num_seqs = 1;
        open_server();
        stage_add(&s, 0, 50, 2)->session = 7;
        stage_add(&s, SIMTIME_SECOND, 60, 50);
        stage_add(&s, SIMTIME_SECOND + 1, 60, 1);
        stage_add(&s, SIMTIME_SECOND + 2, 60, 1)->session = 7; /* finds 50 tokens */
        stage_play(&s, SIMTIME_NEVER);
        assert_int_equal(s.acts[3].cached, 51);
        assert_true((s.acts[3].done < s.acts[2].done) == (lpm == 1));
        assert_idle();
        close_server(NULL);
    }
    small(SCHEDULER_SGLANG);
    open_server();
}

static void sglang_turns_away_who_finds_its_queue_full(void **state) {
    (void)state;
    small(SCHEDULER_SGLANG);
    config.queue_limit = 1;
    config.max_num_seqs = 1;
    open_server();
    for (int i = 0; i < 3; i++) {
        stage_add(&s, i, 10, 5);
    }
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.acts[1].status, REQUEST_COMPLETED);
    assert_int_equal(s.acts[2].status, REQUEST_REJECTED);
    assert_idle();
}

/* ---- Text Generation Inference ---- */

static void tgi_takes_the_others_along_and_cuts_what_is_too_long(void **state) {
    (void)state;
    small(SCHEDULER_TGI);
    open_server();
    stage_add(&s, 0, 10, 4);
    stage_add(&s, 1, 100, 1);
    stage_play(&s, SIMTIME_NEVER);
    struct step_shape a = {0}, b = {0}, c = {0}, d = {0};
    prompt(&a, 0, 10, true);
    decoding(&b, 11); /* lets the second in: 64 less the first's token */
    prompt(&b, 0, 63, false);
    decoding(&c, 12); /* all go on */
    prompt(&c, 63, 37, true);
    decoding(&d, 13);
    assert_int_equal(s.acts[0].first, step(&a));
    assert_int_equal(s.acts[1].done, step(&a) + step(&b) + step(&c));
    assert_int_equal(s.acts[0].done, step(&a) + step(&b) + step(&c) + step(&d));
    assert_idle();
}

/* 40 + 400 - 1 blocks each are reserved: two fit into 1,000, the third waits, and a fourth that would fit
 * waits behind it. */
static void tgi_reserves_all_and_never_preempts(void **state) {
    (void)state;
    small(SCHEDULER_TGI);
    open_server();
    for (int i = 0; i < 3; i++) {
        stage_add(&s, 0, 40, 400);
    }
    stage_add(&s, 1, 10, 1);
    stage_play(&s, SIMTIME_NEVER);
    replica_settle(s.replica);
    assert_int_equal(s.replica->kv_peak_permille, 439 + 439 + 10); /* with the third and the fourth */
    assert_int_equal(s.acts[2].scheduled, s.acts[0].done);
    assert_int_equal(s.acts[3].scheduled, s.acts[0].done);
    assert_int_equal(s.replica->preemptions, 0);
    assert_idle();
}

static void tgi_turns_away_what_is_too_much_or_too_long(void **state) {
    (void)state;
    small(SCHEDULER_TGI);
    config.concurrency_limit = 2;
    config.max_input_tokens = 100;
    open_server();
    stage_add(&s, 0, 101, 1);
    stage_add(&s, 1, 100, 9);
    stage_add(&s, 2, 10, 9);
    stage_add(&s, 3, 10, 9);
    stage_play(&s, SIMTIME_NEVER);
    assert_non_null(strstr(s.acts[0].reason, "--max-input-tokens"));
    assert_int_equal(s.acts[2].status, REQUEST_COMPLETED);
    assert_non_null(strstr(s.acts[3].reason, "--max-concurrent-requests"));
    assert_idle();
}

/* Paged attention: prompts alone and whole. Four run; with a ratio of 0.5 two must wait before the batch is
 * stopped for them, or five steps must have passed. */
static void tgi_waits_until_enough_wait_for_a_prefill(void **state) {
    (void)state;
    for (int waiting = 1; waiting <= 2; waiting++) {
        small(SCHEDULER_TGI);
        config.chunked_prefill = false;
        config.max_num_batched_tokens = 512;
        open_server();
        for (int i = 0; i < 4; i++) {
            stage_add(&s, 0, 10, 20);
        }
        for (int i = 0; i < waiting; i++) {
            stage_add(&s, 1, 10, 1);
        }
        stage_play(&s, SIMTIME_NEVER);
        struct step_shape four = {0};
        for (int i = 0; i < 4; i++) {
            prompt(&four, 0, 10, true);
        }
        simtime begins = step(&four);
        for (int64_t k = 0; waiting == 1 && k < 4; k++) { /* the prompts' step is the first of five */
            struct step_shape all = {0};
            for (int i = 0; i < 4; i++) {
                decoding(&all, 11 + k);
            }
            begins += step(&all);
        }
        assert_int_equal(s.acts[4].scheduled, begins);
        assert_idle();
        close_server(NULL);
    }
    small(SCHEDULER_TGI);
    open_server();
}

/* ---- static ---- */

static void nobody_joins_a_static_batch(void **state) {
    (void)state;
    small(SCHEDULER_STATIC);
    config.max_num_seqs = 2;
    open_server();
    stage_add(&s, 0, 10, 2);
    stage_add(&s, 0, 10, 30);
    stage_add(&s, 0, 10, 5);
    stage_play(&s, SIMTIME_NEVER);
    assert_true(s.acts[0].done < s.acts[1].done);
    assert_int_equal(s.acts[2].scheduled, s.acts[1].done);
    struct step_shape two = {0};
    prompt(&two, 0, 10, true);
    prompt(&two, 0, 10, true);
    assert_int_equal(s.acts[1].first, step(&two));
    assert_idle();
}

/* ---- single steps and runs of them ---- */

static int64_t between(struct rng *rng, int64_t low, int64_t high) {
    return low + (int64_t)rng_below(rng, (uint64_t)(high - low + 1));
}

static struct replica_config random_config(struct rng *rng, enum scheduler scheduler) {
    static const int64_t blocks[] = {1, 1, 4, 16};
    small(scheduler);
    struct replica_config c = config;
    c.max_model_len = between(rng, 32, 400);
    c.block_tokens = blocks[rng_below(rng, 4)];
    c.kv_blocks = (c.max_model_len + c.block_tokens - 1) / c.block_tokens * between(rng, 10, 50) / 10;
    c.max_num_seqs = between(rng, 1, 24);
    c.chunked_prefill = rng_below(rng, 3) > 0;
    c.prefix_caching = rng_below(rng, 2);
    c.prefill_chunk = between(rng, 1, 8) * 16;
    c.max_num_batched_tokens = c.chunked_prefill ? c.prefill_chunk : c.max_model_len + 64;
    c.max_prefill_tokens = c.chunked_prefill ? 128 : c.max_model_len + 64;
    c.mixed_chunk = rng_below(rng, 3) == 0;
    c.longest_prefix_first = rng_below(rng, 2);
    c.schedule_conservativeness = (double)between(rng, 1, 12) / 10;
    c.waiting_served_ratio = (double)between(rng, 0, 12) / 10;
    return c;
}

static void random_acts(struct stage *stage, const struct replica_config *c, struct rng *rng) {
    simtime at = 0;
    int64_t count = between(rng, 1, 60);
    for (int64_t i = 0; i < count; i++) {
        at += (simtime)rng_below(rng, (uint64_t)SIMTIME_SECOND / 4);
        struct act *act = stage_add(stage, at, (uint32_t)between(rng, 1, c->max_model_len * 2 / 3),
                                    (uint32_t)between(rng, 1, c->max_model_len));
        act->session = rng_below(rng, 3) ? 0 : 1 + rng_below(rng, 4);
        if (rng_below(rng, 8) == 0) {
            act->cancel_at = at + (simtime)rng_below(rng, (uint64_t)SIMTIME_SECOND);
        }
    }
}

static void assert_same(const struct stage *a, const struct stage *b) {
    for (size_t i = 0; i < a->count; i++) {
        const struct act *x = &a->acts[i], *y = &b->acts[i];
        assert_true(x->status == y->status && x->scheduled == y->scheduled && x->first == y->first);
        assert_true(x->done == y->done && x->generated == y->generated && x->preemptions == y->preemptions);
        assert_true(x->cached == y->cached && x->work_ps == y->work_ps);
        assert_true(x->status == REQUEST_COMPLETED || x->status == REQUEST_REJECTED || x->cancel_at >= 0);
    }
    assert_true(a->replica->steps == b->replica->steps && a->replica->busy_ps == b->replica->busy_ps);
    assert_true(a->replica->kv_peak_permille == b->replica->kv_peak_permille);
    assert_true(a->gaps == b->gaps && a->gap_sum == b->gap_sum);
}

static void runs_of_steps_are_what_single_ones_are(void **state) {
    (void)state;
    static const enum scheduler schedulers[] = {SCHEDULER_SGLANG, SCHEDULER_TGI, SCHEDULER_STATIC};
    static struct stage stages[2];
    for (int k = 0; k < 3; k++) {
        uint64_t events[2] = {0}, preemptions = 0, requests = 0;
        for (uint64_t round = 0; round < 300; round++) {
            struct arena a = {0};
            for (int mode = 0; mode < 2; mode++) {
                struct rng rng = rng_stream_id(3 + (uint64_t)k, RNG_TEST, round);
                struct replica_config c = random_config(&rng, schedulers[k]);
                struct stage *st = &stages[mode];
                stage_begin(st);
                st->replica = batching_create(st->engine, &c, compiled(&c, &a), mode == 1, &st->events);
                random_acts(st, &c, &rng);
                stage_play(st, SIMTIME_NEVER);
                replica_settle(st->replica);
                assert_int_equal(st->replica->kv_permille, 0);
                assert_int_equal(request_pool_live(st->pool), 0);
                events[mode] += engine_counters(st->engine).events;
            }
            assert_same(&stages[0], &stages[1]);
            preemptions += stages[0].replica->preemptions;
            requests += stages[0].count;
            stage_end(&stages[0]);
            stage_end(&stages[1]);
            arena_free(&a);
        }
        print_message("  scheduler %d: %llu requests, %llu preemptions, %llu events in place of %llu\n",
                      (int)schedulers[k], (unsigned long long)requests, (unsigned long long)preemptions,
                      (unsigned long long)events[1], (unsigned long long)events[0]);
        assert_true(2 * events[1] < events[0]);
        assert_true((preemptions > 100) == (schedulers[k] == SCHEDULER_SGLANG));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sglang_computes_prompts_while_the_others_stand_still, close_server),
        cmocka_unit_test_teardown(sglang_may_mix_prompts_and_decoding, close_server),
        cmocka_unit_test_teardown(sglang_cuts_the_last_prompt_of_a_step_and_goes_on_with_it, close_server),
        cmocka_unit_test_teardown(sglang_lets_in_who_fits_beside_what_the_others_may_generate, close_server),
        cmocka_unit_test_teardown(sglang_retracts_who_generated_least, close_server),
        cmocka_unit_test_teardown(sglang_may_take_the_longest_prefix_first, close_server),
        cmocka_unit_test_teardown(sglang_turns_away_who_finds_its_queue_full, close_server),
        cmocka_unit_test_teardown(tgi_takes_the_others_along_and_cuts_what_is_too_long, close_server),
        cmocka_unit_test_teardown(tgi_reserves_all_and_never_preempts, close_server),
        cmocka_unit_test_teardown(tgi_turns_away_what_is_too_much_or_too_long, close_server),
        cmocka_unit_test_teardown(tgi_waits_until_enough_wait_for_a_prefill, close_server),
        cmocka_unit_test_teardown(nobody_joins_a_static_batch, close_server),
    };
    int failed = cmocka_run_group_tests_name("single steps", tests, NULL, NULL);
    fast = true;
    failed += cmocka_run_group_tests_name("runs of steps", tests, NULL, NULL);
    const struct CMUnitTest alike[] = {cmocka_unit_test(runs_of_steps_are_what_single_ones_are)};
    return failed + cmocka_run_group_tests_name("both", alike, NULL, NULL);
}
