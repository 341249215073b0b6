/* KV from another replica, and for another one: when blocks are taken and given back, and what a step
 * computes. */
#include "llm/llm.h"
#include "tests/unit/serving/replica_fixture.h"

static struct arena arena;
static struct replica_config config;
static struct service_time *times;
static struct stage s;
static bool fast;

/* What was asked for, and how long it takes to come. */
static simtime takes;
static int64_t wanted_blocks;
static simtime wanted_at[STAGE_REQUESTS_MAX];
static struct request *kept; /* answered, with its KV */

static void arrive(void *context, uint64_t index) {
    (void)context;
    if (s.acts[index].r) {
        replica_kv_arrived(s.replica, s.acts[index].r);
    }
}

static void want(void *context, struct replica *replica, struct request *r, int64_t blocks) {
    (void)context;
    wanted_blocks = blocks;
    wanted_at[r->id] = engine_now(replica->engine);
    engine_at(replica->engine, engine_now(replica->engine) + takes, EVENT_TRANSFER, arrive, NULL, r->id);
}

static void open_server(int64_t kv_tokens, int64_t sequences) {
    config = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    config.max_model_len = 512;
    config.kv_blocks = kv_tokens / 16;
    config.max_num_batched_tokens = 512;
    config.max_num_seqs = sequences;
    times = compiled(&config, &arena);
    stage_begin(&s);
    s.events.kv_wanted = want;
    s.replica = batching_create(s.engine, &config, times, fast, &s.events);
    takes = SIMTIME_SECOND / 200;
    kept = NULL;
}

/* SGLang's rules for a server that decodes, which keeps 64 tokens free for each answer. */
static void open_sglang(int64_t kv_tokens, int64_t sequences) {
    open_server(kv_tokens, sequences);
    stage_end(&s);
    arena_free(&arena);
    config.scheduler = SCHEDULER_SGLANG;
    config.kv_role = KV_ROLE_DECODE;
    config.prefix_caching = false;
    config.reserved_decode_tokens = 64;
    config.schedule_conservativeness = 1;
    config.max_prefill_tokens = config.prefill_chunk = 512;
    times = compiled(&config, &arena);
    stage_begin(&s);
    s.events.kv_wanted = want;
    s.replica = batching_create(s.engine, &config, times, fast, &s.events);
}

static int close_server(void **state) {
    (void)state;
    stage_end(&s);
    arena_free(&arena);
    return 0;
}

static simtime prompt_time(int64_t context, int64_t tokens) {
    return service_time_step(
        times, &(struct step_shape){.prefill_tokens = tokens,
                                    .prefill_pairs = tokens * context + tokens * (tokens + 1) / 2,
                                    .prefill_context = context + tokens,
                                    .sampled = 1});
}

static simtime decode_time(int64_t context) {
    return service_time_step(
        times, &(struct step_shape){.decode_sequences = 1, .decode_context = context, .sampled = 1});
}

/* As stage_submit, of a prompt that another replica has computed. */
static void submit_remote(void *context, uint64_t index) {
    struct stage *stage = context;
    struct act *act = &stage->acts[index];
    struct request *r = request_take(stage->pool);
    r->id = index;
    r->input_tokens = act->input;
    r->output_tokens = act->output;
    r->counted = true;
    r->scheduled_ps = 0; /* it was in a batch, elsewhere */
    r->remote = REMOTE_WANTED;
    act->r = r;
    assert_true(replica_submit(stage->replica, r, &act->reason));
}

static void add_remote(simtime at, uint32_t input, uint32_t output) {
    stage_add(&s, at, input, output);
    engine_at(s.engine, at, EVENT_ARRIVAL, submit_remote, &s, s.count - 1);
}

static void play(void) {
    struct error err = {0};
    assert_true(engine_run(s.engine, SIMTIME_NEVER, NULL, NULL, &err));
}

static void assert_idle(void) {
    assert_int_equal(s.replica->waiting + s.replica->running, 0);
    replica_settle(s.replica);
    assert_int_equal(s.replica->kv_permille, 0);
    assert_int_equal(request_pool_live(s.pool), 0);
}

/* ---- decode ---- */

static void the_last_token_of_the_prompt_is_computed_where_the_answer_is(void **state) {
    (void)state;
    open_server(4096, 8);
    add_remote(7, 100, 3);
    play();
    assert_int_equal(wanted_at[0], 7);
    assert_int_equal(wanted_blocks, 7); /* 100 tokens of 16 a block */
    assert_int_equal(s.acts[0].first, 7 + takes + prompt_time(99, 1));
    assert_int_equal(s.acts[0].done, s.acts[0].first + decode_time(101) + decode_time(102));
    assert_int_equal(s.replica->prompt_tokens, 1);
    assert_int_equal(s.gaps, 2);
    assert_idle();
}

static void a_prompt_of_one_token_is_fetched_too(void **state) {
    (void)state;
    open_server(4096, 8);
    add_remote(0, 1, 1);
    play();
    assert_int_equal(wanted_blocks, 1);
    assert_int_equal(s.acts[0].done, takes + prompt_time(0, 1));
    assert_idle();
}

static void what_waits_for_blocks_is_asked_for_when_they_are_there(void **state) {
    (void)state;
    open_server(512, 8); /* 32 blocks */
    add_remote(0, 400, 2);
    add_remote(1, 200, 1);
    play();
    assert_int_equal(wanted_at[0], 0);
    assert_int_equal(wanted_at[1], s.acts[0].done); /* while the first one's KV came, nobody ran */
    assert_int_equal(s.acts[1].done, s.acts[0].done + takes + prompt_time(199, 1));
    assert_idle();
}

static void who_gives_up_while_its_kv_comes_makes_room(void **state) {
    (void)state;
    open_server(512, 8);
    add_remote(0, 400, 2);
    add_remote(1, 200, 1);
    engine_at(s.engine, 1000, EVENT_TIMEOUT, stage_cancel, &s, 0);
    play();
    assert_int_equal(s.acts[0].status, REQUEST_TIMED_OUT);
    assert_int_equal(s.acts[0].done, 1000);
    assert_int_equal(wanted_at[1], 1000);
    assert_int_equal(s.acts[1].status, REQUEST_COMPLETED);
    assert_idle();
}

static void kv_that_has_come_goes_before_those_that_wait(void **state) {
    (void)state;
    open_server(8192, 1);
    takes = 1;
    add_remote(0, 100, 1);
    add_remote(0, 100, 1); /* comes while the first one runs */
    stage_add(&s, 2, 100, 1);
    engine_at(s.engine, 2, EVENT_ARRIVAL, stage_submit, &s, 2);
    play();
    assert_true(s.acts[1].done < s.acts[2].done);
    assert_idle();
}

static void a_preempted_one_computes_its_prompt_here(void **state) {
    (void)state;
    open_server(512, 8);
    takes = 1;
    add_remote(0, 250, 30);
    add_remote(0, 250, 30);
    play();
    assert_int_equal(s.replica->preemptions, 1);
    assert_int_equal(s.acts[0].generated + s.acts[1].generated, 60);
    assert_true(s.replica->prompt_tokens > 250);
    assert_idle();
}

static void stopping_ends_those_whose_kv_comes(void **state) {
    (void)state;
    open_server(512, 8);
    add_remote(0, 400, 2);
    add_remote(1, 200, 1);
    struct error err = {0};
    assert_true(engine_run(s.engine, 1000, NULL, NULL, &err));
    replica_stop(s.replica, REQUEST_FAILED);
    assert_int_equal(s.acts[0].status, REQUEST_FAILED);
    assert_int_equal(s.acts[1].status, REQUEST_FAILED);
    assert_idle();
    play();
}

/* ---- SGLang's ---- */

static void the_first_token_comes_with_the_kv(void **state) {
    (void)state;
    open_sglang(4096, 8);
    add_remote(0, 100, 3);
    play();
    assert_int_equal(s.acts[0].first, takes);
    assert_int_equal(s.acts[0].done, takes + decode_time(101) + decode_time(102));
    assert_int_equal(s.replica->prompt_tokens, 0);
    assert_idle();
}

static void an_answer_of_one_token_ends_when_its_kv_has_come(void **state) {
    (void)state;
    open_sglang(4096, 8);
    add_remote(0, 100, 1);
    play();
    assert_int_equal(s.acts[0].first, takes);
    assert_int_equal(s.acts[0].done, takes);
    assert_int_equal(s.acts[0].generated, 1);
    assert_idle();
}

static void room_is_left_for_answers_in_the_making(void **state) {
    (void)state;
    open_sglang(512, 8);
    add_remote(0, 240, 2); /* leaves 272 tokens, less 64 */
    add_remote(0, 208, 2); /* just fits; leaves 64 less 128 */
    add_remote(0, 1, 1);
    play();
    assert_int_equal(wanted_at[1], 0);
    assert_int_equal(wanted_at[2], s.acts[0].done);
    assert_idle();
}

/* ---- prefill ---- */

static void keep(void *context, struct replica *replica, struct request *r, enum request_status status) {
    (void)replica;
    (void)context;
    assert_int_equal(status, REQUEST_COMPLETED);
    s.acts[r->id].done = engine_now(s.engine);
    s.acts[r->id].status = status;
    if (r->leaves_kv) {
        kept = r;
    } else {
        request_give_back(s.pool, r);
    }
}

static void let_go(void *context, uint64_t argument) {
    (void)context;
    (void)argument;
    replica_kv_left(s.replica, kept);
    request_give_back(s.pool, kept);
}

static void submit_leaving(void *context, uint64_t index) {
    (void)context;
    stage_submit(&s, index);
    s.acts[index].r->leaves_kv = true;
}

static void a_prompt_keeps_its_blocks_until_they_are_let_go(void **state) {
    (void)state;
    open_server(512, 8);
    s.events.finished = keep;
    stage_add(&s, 0, 400, 1);
    stage_add(&s, 1, 200, 1);
    engine_at(s.engine, 0, EVENT_ARRIVAL, submit_leaving, NULL, 0);
    engine_at(s.engine, 1, EVENT_ARRIVAL, stage_submit, &s, 1);
    simtime later = SIMTIME_SECOND;
    engine_at(s.engine, later, EVENT_TRANSFER, let_go, NULL, 0);
    play();
    assert_int_equal(s.acts[0].done, prompt_time(0, 400));
    assert_int_equal(s.acts[1].scheduled, later); /* there were 7 of 13 blocks */
    assert_int_equal(s.acts[1].done, later + prompt_time(0, 200));
    assert_idle();
}

#define CASE(name) cmocka_unit_test_teardown(name, close_server)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_last_token_of_the_prompt_is_computed_where_the_answer_is),
        CASE(a_prompt_of_one_token_is_fetched_too),
        CASE(what_waits_for_blocks_is_asked_for_when_they_are_there),
        CASE(who_gives_up_while_its_kv_comes_makes_room),
        CASE(kv_that_has_come_goes_before_those_that_wait),
        CASE(a_preempted_one_computes_its_prompt_here),
        CASE(stopping_ends_those_whose_kv_comes),
        CASE(the_first_token_comes_with_the_kv),
        CASE(an_answer_of_one_token_ends_when_its_kv_has_come),
        CASE(room_is_left_for_answers_in_the_making),
        CASE(a_prompt_keeps_its_blocks_until_they_are_let_go),
    };
    int failed = 0;
    for (int run = 0; run < 2; run++) {
        fast = run == 1;
        failed += cmocka_run_group_tests_name(fast ? "remote, fast" : "remote, stepping", tests, NULL, NULL);
    }
    return failed;
}
