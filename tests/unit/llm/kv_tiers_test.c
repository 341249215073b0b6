/* KV blocks beyond the GPUs: what loading takes in closed form, and random workloads in which no block is
 * lost. */
#include "llm/llm.h"
#include "serving/prefix_store.h"
#include "tests/unit/serving/replica_fixture.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

static struct arena arena;
static struct replica_config config;
static struct service_time *times;
static struct stage s;

static const double gib = 1073741824.0;

/* 1008 tokens of KV on the GPU, all in one step, a gibibyte on the host. */
static void set_up(enum kv_load load) {
    config = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    config.max_model_len = 1000;
    config.kv_blocks = 63;
    config.max_num_batched_tokens = 2048;
    config.max_num_seqs = 16;
    config.offload =
        (struct kv_offload){.on = true, .host_bytes = gib, .load = load, .unit_tokens = 16, .answers = true};
}

static void open_server(void) {
    times = compiled(&config, &arena);
    stage_begin(&s);
    s.replica = batching_create(s.engine, &config, times, true, &s.events);
}

static int close_server(void **state) {
    (void)state;
    replica_settle(s.replica);
    assert_int_equal(s.replica->kv_permille, 0);
    assert_int_equal(request_pool_live(s.pool), 0);
    stage_end(&s);
    arena_free(&arena);
    return 0;
}

/* A prompt of `tokens`, of which `there` are on the GPU. */
static simtime prefill_time(int64_t tokens, int64_t there) {
    int64_t q = tokens - there;
    return service_time_step(times, &(struct step_shape){.prefill_tokens = q,
                                                         .prefill_pairs = q * there + q * (q + 1) / 2,
                                                         .prefill_context = tokens,
                                                         .sampled = 1});
}

static simtime load_time(int64_t tokens) {
    return simtime_from_s((double)tokens * config.kv_bytes_per_token / config.gpu->host_bytes_per_s);
}

/* A conversation of 640 + 32 tokens; another one, of 720, that takes its place on the GPU; and its next turn,
 * of 800 tokens, whose first 671, 41 blocks, only the host has. The GPU keeps none: of 64 blocks 46 are
 * taken. */
static struct act *comes_back(void) {
    stage_add(&s, 0, 640, 32)->session = 1;
    stage_add(&s, 5 * SIMTIME_SECOND, 720, 280)->session = 2;
    struct act *again = stage_add(&s, 20 * SIMTIME_SECOND, 800, 2);
    again->session = 1;
    stage_play(&s, SIMTIME_NEVER);
    return again;
}

static void a_turn_waits_for_its_blocks_and_computes_the_rest(void **state) {
    (void)state;
    set_up(KV_LOAD_ASIDE);
    open_server();
    struct act *a = comes_back();
    assert_int_equal(a->cached, 656);
    assert_int_equal(s.replica->host_hits, 656);
    assert_int_equal(a->scheduled - a->at, load_time(656));
    assert_int_equal(a->first - a->at, load_time(656) + prefill_time(800, 656));
}

static void a_step_may_wait_for_them_instead(void **state) {
    (void)state;
    set_up(KV_LOAD_BEFORE_STEP);
    open_server();
    struct act *a = comes_back();
    assert_int_equal(a->scheduled, a->at);
    assert_int_equal(a->first - a->at, load_time(656) + prefill_time(800, 656));
}

static void or_compute_each_layer_as_it_comes(void **state) {
    (void)state;
    set_up(KV_LOAD_BY_LAYER);
    open_server();
    struct act *a = comes_back();
    simtime load = load_time(656), compute = prefill_time(800, 656), layers = config.architecture->layers;
    simtime loads = load + compute / layers, computes = compute + load / layers;
    assert_true(llabs(a->first - a->at - (loads > computes ? loads : computes)) <= 2);
}

static void chunks_of_lmcache_are_of_256_tokens_and_leave_answers_out(void **state) {
    (void)state;
    set_up(KV_LOAD_BEFORE_STEP);
    config.offload.unit_tokens = 256;
    config.offload.answers = false;
    open_server();
    assert_int_equal(comes_back()->cached, 512);
}

static void without_a_host_tier_all_is_computed(void **state) {
    (void)state;
    set_up(KV_LOAD_ASIDE);
    config.offload = (struct kv_offload){0};
    open_server();
    struct act *a = comes_back();
    assert_int_equal(a->cached, 0);
    assert_int_equal(a->first - a->at, prefill_time(800, 0));
}

/* Blocks are written when the GPU forgets them, or when they are used again; here nothing is used twice. */
static void what_is_written_and_when_is_a_policy(void **state) {
    (void)state;
    set_up(KV_LOAD_BEFORE_STEP);
    config.offload.write = KV_WRITE_BACK;
    open_server();
    assert_int_equal(comes_back()->cached, 656);
    close_server(state);
    set_up(KV_LOAD_BEFORE_STEP);
    config.offload.write = KV_WRITE_SELECTIVE;
    open_server();
    assert_int_equal(comes_back()->cached, 0);
}

static void others_run_while_one_is_read_in(void **state) {
    (void)state;
    set_up(KV_LOAD_ASIDE);
    config.kv_blocks = 128;
    config.offload.host_bytes = 4 * gib;
    open_server();
    stage_add(&s, 0, 900, 2)->session = 1;
    stage_add(&s, SIMTIME_SECOND, 990, 2)->session = 2;
    stage_add(&s, 2 * SIMTIME_SECOND, 990, 2)->session = 3;
    struct act *again = stage_add(&s, 3 * SIMTIME_SECOND, 950, 2);
    again->session = 1;
    struct act *other = stage_add(&s, 3 * SIMTIME_SECOND, 16, 50);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(again->cached, 896); /* 16 blocks of it the GPU still had */
    assert_true(s.replica->host_hits > 0 && s.replica->host_hits < 896);
    assert_int_equal(other->scheduled, other->at);
    assert_true(again->scheduled > other->scheduled && again->scheduled < other->done);
}

/* Two turns of 960 tokens with 60 blocks of history each, 64 blocks on the GPU: both are asked for, one at a
 * time has room. */
static void who_holds_what_others_need_lets_go(void **state) {
    (void)state;
    set_up(KV_LOAD_ASIDE);
    open_server();
    stage_add(&s, 0, 480, 2)->session = 1;
    stage_add(&s, SIMTIME_SECOND, 480, 2)->session = 2;
    stage_add(&s, 2 * SIMTIME_SECOND, 990, 8); /* clears the GPU */
    struct act *a = stage_add(&s, 5 * SIMTIME_SECOND, 960, 8), *b = stage_add(&s, 5 * SIMTIME_SECOND, 960, 8);
    a->session = 1;
    b->session = 2;
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(a->status, REQUEST_COMPLETED);
    assert_int_equal(b->status, REQUEST_COMPLETED);
}

static void swapped_requests_compute_nothing_twice(void **state) {
    (void)state;
    set_up(KV_LOAD_ASIDE);
    config.offload = (struct kv_offload){.swap_bytes = gib};
    config.prefix_caching = false;
    open_server();
    stage_add(&s, 0, 400, 300);
    struct act *victim = stage_add(&s, 0, 400, 300);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(victim->preemptions, 1);
    assert_int_equal(s.replica->prompt_tokens, 800);
    assert_int_equal(s.replica->swap_out_bytes, s.replica->swap_in_bytes);
    assert_true(s.replica->swap_out_bytes > 0);
    int64_t blocks = (int64_t)((double)s.replica->swap_out_bytes / config.kv_bytes_per_token / 16);
    assert_true(blocks >= 31 && blocks <= 32); /* when both have half of 63 */
}

static void without_room_on_the_host_they_are_computed_again(void **state) {
    (void)state;
    set_up(KV_LOAD_ASIDE);
    config.offload = (struct kv_offload){.swap_bytes = 30 * 16 * config.kv_bytes_per_token};
    config.prefix_caching = false;
    open_server();
    stage_add(&s, 0, 400, 300);
    struct act *victim = stage_add(&s, 0, 400, 300);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(victim->preemptions, 1);
    assert_true(s.replica->prompt_tokens > 1200);
    assert_int_equal(s.replica->swap_out_bytes, 0);
}

/* ---- a store that two replicas share ---- */

static void a_replica_finds_what_another_one_computed(void **state) {
    (void)state;
    static struct stage other;
    set_up(KV_LOAD_BEFORE_STEP);
    const double network = 1e9;
    struct prefix_store *store = prefix_store_create(
        &(struct prefix_store_limits){.bytes = INFINITY, .bytes_per_s = network, .latency_s = 0.25});
    config.offload.store = store;
    config.offload.network_bytes_per_s = 10 * network;
    open_server();
    stage_begin(&other);
    engine_destroy(other.engine);
    other.engine = s.engine;
    other.replica = batching_create(s.engine, &config, times, true, &other.events);
    stage_add(&s, 0, 640, 1)->session = 1;
    struct act *a = stage_add(&other, 2 * SIMTIME_SECOND, 800, 2);
    a->session = 1;
    engine_at(s.engine, a->at, EVENT_ARRIVAL, stage_submit, &other, 0);
    stage_play(&s, SIMTIME_NEVER);
    simtime read = simtime_from_s(0.25) + simtime_from_s(640 * config.kv_bytes_per_token / network);
    assert_int_equal(a->cached, 640);
    assert_int_equal(other.replica->store_hits, 640);
    assert_int_equal(a->first - a->at, read + prefill_time(800, 640));
    replica_destroy(other.replica);
    request_pool_destroy(other.pool);
    prefix_store_destroy(store);
}

/* ---- random workloads ---- */

static int64_t between(struct rng *rng, int64_t low, int64_t high) {
    return low + (int64_t)rng_below(rng, (uint64_t)(high - low + 1));
}

static struct replica_config random_config(struct rng *rng) {
    struct replica_config c = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    static const double loads[] = {1.0, 1.3, 2.0, 4.0};
    static const double hosts[] = {0, 0.5, 2, 20};
    bool sglang = rng_below(rng, 3) == 0;
    c.max_model_len = between(rng, 64, 400);
    c.block_tokens = rng_below(rng, 2) ? 16 : 4;
    c.max_num_seqs = between(rng, 1, 24);
    c.max_num_batched_tokens = between(rng, 24, 600);
    c.kv_blocks = (int64_t)((double)(c.max_model_len / c.block_tokens + 1) * loads[rng_below(rng, 4)]);
    double pool = (double)(c.kv_blocks * c.block_tokens) * c.kv_bytes_per_token;
    c.offload = (struct kv_offload){.on = rng_below(rng, 4) > 0,
                                    .host_bytes = pool * hosts[rng_below(rng, 4)],
                                    .swap_bytes = rng_below(rng, 2) ? pool * 0.7 : 0,
                                    .load = (enum kv_load)rng_below(rng, 2),
                                    .write = (enum kv_write)rng_below(rng, 3),
                                    .answers = rng_below(rng, 2),
                                    .unit_tokens = c.block_tokens * between(rng, 1, 3)};
    if (sglang) {
        c.scheduler = SCHEDULER_SGLANG;
        c.prefill_chunk = c.max_num_batched_tokens;
        c.max_prefill_tokens = 600;
        c.schedule_conservativeness = 0.3;
        c.offload.load = KV_LOAD_BY_LAYER;
        c.offload.swap_bytes = 0;
    }
    c.priority_scheduling = !sglang && rng_below(rng, 3) == 0;
    c.async_scheduling = rng_below(rng, 2);
    return c;
}

static void random_acts(struct stage *st, const struct replica_config *c, struct rng *rng) {
    simtime at = 0;
    for (int i = 0; i < 80; i++) {
        at += 2 * between(rng, 0, SIMTIME_SECOND / 40);
        struct act *act = stage_add(st, at, (uint32_t)between(rng, 1, c->max_model_len - 1),
                                    (uint32_t)between(rng, 1, c->max_model_len / 2));
        act->session = rng_below(rng, 4) ? 1 + rng_below(rng, 5) : 0;
        act->priority = (int16_t)rng_below(rng, 3);
        if (rng_below(rng, 8) == 0) {
            act->cancel_at = (at + between(rng, 0, SIMTIME_SECOND)) | 1;
        }
    }
}

static void assert_same(uint64_t round, const struct stage *a, const struct stage *b) {
    for (size_t i = 0; i < a->count; i++) {
        const struct act *x = &a->acts[i], *y = &b->acts[i];
        if (x->status != y->status || x->scheduled != y->scheduled || x->first != y->first ||
            x->done != y->done || x->cached != y->cached || x->preemptions != y->preemptions ||
            x->work_ps != y->work_ps) {
            fail_msg("round %llu, request %zu", (unsigned long long)round, i);
        }
    }
    const struct replica *p = a->replica, *q = b->replica;
    assert_true(p->steps == q->steps && p->busy_ps == q->busy_ps && p->host_hits == q->host_hits);
    assert_true(p->store_hits == q->store_hits && p->kv_load_bytes == q->kv_load_bytes);
    assert_true(p->kv_store_bytes == q->kv_store_bytes && p->swap_in_bytes == q->swap_in_bytes);
    assert_true(p->kv_peak_permille == q->kv_peak_permille && a->gap_sum == b->gap_sum);
}

/* All that a request is charged adds up to the time its replica was busy, but for steps' remainders. */
static void assert_shared(const struct stage *st, const struct replica_config *c) {
    double sum = 0;
    for (size_t i = 0; i < st->count; i++) {
        sum += st->acts[i].work_ps;
    }
    double left = (double)st->replica->busy_ps - sum;
    assert_true(left >= 0 && left < (double)(c->max_num_batched_tokens + c->max_num_seqs));
}

static void no_block_is_lost_and_runs_of_steps_are_what_single_ones_are(void **state) {
    (void)state;
    enum { ROUNDS = 400 };
    static struct stage stages[2];
    uint64_t host = 0, store = 0, swapped = 0, events[2] = {0};
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct arena a = {0};
        struct replica_config c = {0};
        for (int mode = 0; mode < 2; mode++) {
            struct rng rng = rng_stream_id(11, RNG_TEST, round);
            struct stage *st = &stages[mode];
            c = random_config(&rng);
            bool shares = rng_below(&rng, 2);
            struct prefix_store_limits limits = {.bytes = 4 * gib, .bytes_per_s = 1e10, .latency_s = 1e-3};
            c.offload.store = shares ? prefix_store_create(&limits) : NULL;
            c.offload.network_bytes_per_s = 1e10;
            stage_begin(st);
            st->replica = batching_create(st->engine, &c, compiled(&c, &a), mode == 1, &st->events);
            random_acts(st, &c, &rng);
            stage_play(st, SIMTIME_NEVER);
            replica_settle(st->replica);
            assert_int_equal(st->replica->kv_permille, 0);
            assert_int_equal(st->replica->waiting, 0);
            assert_int_equal(request_pool_live(st->pool), 0);
            assert_true(st->replica->swap_in_bytes <= st->replica->swap_out_bytes);
            events[mode] += engine_counters(st->engine).events;
            prefix_store_destroy(c.offload.store);
        }
        assert_same(round, &stages[0], &stages[1]);
        assert_shared(&stages[0], &c);
        host += stages[0].replica->host_hits;
        store += stages[0].replica->store_hits;
        swapped += stages[0].replica->swap_in_bytes > 0;
        stage_end(&stages[0]);
        stage_end(&stages[1]);
        arena_free(&a);
    }
    print_message(
        "  %llu tokens from hosts, %llu from stores, %llu rounds with swaps, %llu events in place of %llu\n",
        (unsigned long long)host, (unsigned long long)store, (unsigned long long)swapped,
        (unsigned long long)events[1], (unsigned long long)events[0]);
    assert_true(host > 20000 && store > 20000 && swapped > ROUNDS / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_turn_waits_for_its_blocks_and_computes_the_rest, close_server),
        cmocka_unit_test_teardown(a_step_may_wait_for_them_instead, close_server),
        cmocka_unit_test_teardown(or_compute_each_layer_as_it_comes, close_server),
        cmocka_unit_test_teardown(chunks_of_lmcache_are_of_256_tokens_and_leave_answers_out, close_server),
        cmocka_unit_test_teardown(without_a_host_tier_all_is_computed, close_server),
        cmocka_unit_test_teardown(what_is_written_and_when_is_a_policy, close_server),
        cmocka_unit_test_teardown(others_run_while_one_is_read_in, close_server),
        cmocka_unit_test_teardown(who_holds_what_others_need_lets_go, close_server),
        cmocka_unit_test_teardown(swapped_requests_compute_nothing_twice, close_server),
        cmocka_unit_test_teardown(without_room_on_the_host_they_are_computed_again, close_server),
        cmocka_unit_test_teardown(a_replica_finds_what_another_one_computed, close_server),
        cmocka_unit_test(no_block_is_lost_and_runs_of_steps_are_what_single_ones_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
