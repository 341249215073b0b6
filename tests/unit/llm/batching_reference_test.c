/* Continuous batching, held to the picosecond to a second implementation written from vLLM's algorithm alone
 * (Scheduler.schedule and update_from_output, V1 engine, v0.10.1, synchronous): plain arrays, no events, one
 * loop over steps; and runs of steps held to single ones. */
#include "tests/unit/llm/naive_vllm.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

/* ---- random workloads ---- */

static int64_t between(struct rng *rng, int64_t low, int64_t high) {
    return low + (int64_t)rng_below(rng, (uint64_t)(high - low + 1));
}

struct features {
    bool priority, speculation, adapters;
};

/* Small tables: a batch of at most 64, so that compiling one takes no time. */
static struct replica_config random_config(struct rng *rng, const struct features *with) {
    struct replica_config c = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    static const int64_t block_sizes[] = {1, 2, 8, 16};
    static const double loads[] = {1.0, 1.05, 1.3, 2.0, 8.0};
    c.max_model_len = between(rng, 4, 160);
    c.block_tokens = block_sizes[rng_below(rng, 4)];
    c.max_num_seqs = between(rng, 1, 64);
    c.chunked_prefill = rng_below(rng, 3) > 0;
    c.max_num_batched_tokens = rng_below(rng, 2) ? between(rng, 1, 24) : between(rng, 24, 400);
    if (!c.chunked_prefill && c.max_num_batched_tokens < c.max_model_len) {
        c.max_num_batched_tokens = c.max_model_len;
    }
    int64_t needed = (c.max_model_len + c.block_tokens - 1) / c.block_tokens;
    c.kv_blocks = (int64_t)((double)needed * loads[rng_below(rng, 5)]);
    if (with->speculation && rng_below(rng, 4) > 0) {
        c.speculation = (struct speculation){.kind = rng_below(rng, 2) ? DRAFT_LAYER : DRAFT_LOOKUP,
                                             .tokens = between(rng, 1, 5),
                                             .acceptance = (double)rng_below(rng, 5) / 4};
        c.lookahead_tokens = c.speculation.kind == DRAFT_LAYER ? c.speculation.tokens : 0;
    }
    if (with->adapters) {
        c.adapters.on_gpu = between(rng, 1, 4);
        c.adapters.on_host = c.adapters.on_gpu + between(rng, 0, 2);
        c.adapters.to_gpu_ps = 7 * SIMTIME_SECOND / 1000;
        c.adapters.to_host_ps = 31 * SIMTIME_SECOND / 1000;
    }
    c.priority_scheduling = with->priority;
    c.async_scheduling = rng_below(rng, 2);
    return c;
}

/* Bursts of up to a dozen requests; one in six is given up at some date. A step takes about 8 ms. */
static void random_acts(struct stage *s, const struct replica_config *c, struct rng *rng) {
    uint64_t levels = c->priority_scheduling ? 4 : 1;
    simtime at = 0;
    int64_t count = between(rng, 1, 70);
    simtime spread = between(rng, 1, 300) * SIMTIME_SECOND / 1000;
    while ((int64_t)s->count < count) {
        at += 2 * between(rng, 1, spread); /* even: cancellations are odd and never tie with arrivals */
        for (int64_t burst = between(rng, 1, 12); burst > 0 && (int64_t)s->count < count; burst--) {
            bool tries_too_much = rng_below(rng, 40) == 0;
            int64_t input = between(rng, 1, tries_too_much ? c->max_model_len + 3 : c->max_model_len / 2 + 1);
            struct act *act =
                stage_add(s, at, (uint32_t)input, (uint32_t)between(rng, 1, c->max_model_len + 4));
            act->priority = (int16_t)((int)rng_below(rng, levels) - 1);
            act->adapter = c->adapters.on_gpu > 0 ? (uint32_t)rng_below(rng, NAIVE_ADAPTERS + 1) : 0;
            if (rng_below(rng, 6) == 0) {
                act->cancel_at = (at + between(rng, 0, SIMTIME_SECOND)) | 1;
            }
        }
    }
}

static void assert_same(uint64_t round, const struct stage *s, const struct naive *n) {
    for (size_t i = 0; i < s->count; i++) {
        const struct act *a = &s->acts[i];
        const struct act *b = &n->requests[i].act;
        if (a->status != b->status || a->scheduled != b->scheduled || a->first != b->first ||
            a->done != b->done || a->generated != b->generated || a->preemptions != b->preemptions) {
            fail_msg(
                "round %llu, request %zu (%u in, %u out): %s/%s scheduled %lld/%lld first %lld/%lld done "
                "%lld/%lld preempted %u/%u",
                (unsigned long long)round, i, a->input, a->output, request_status_names[a->status],
                request_status_names[b->status], (long long)a->scheduled, (long long)b->scheduled,
                (long long)a->first, (long long)b->first, (long long)a->done, (long long)b->done,
                a->preemptions, b->preemptions);
        }
    }
    assert_int_equal(s->replica->steps, n->steps);
    assert_int_equal(s->replica->preemptions, n->preemptions);
    assert_int_equal(s->replica->busy_ps, n->busy);
    assert_int_equal(s->gaps, n->gaps);
    assert_int_equal(s->gap_sum, n->gap_sum);
}

/* To a few picoseconds a step; all shares add up to the time it was busy, but for less than a step's tokens.
 */
static void assert_shared(const struct stage *s, const struct naive *n) {
    double sum = 0;
    for (size_t i = 0; i < s->count; i++) {
        assert_true(fabs(s->acts[i].work_ps - n->requests[i].act.work_ps) <= 3 * (double)n->steps + 100);
        sum += s->acts[i].work_ps;
    }
    double left = (double)n->busy - sum;
    assert_true(left >= 0 && left < (double)(n->config->max_num_batched_tokens + n->config->max_num_seqs));
}

static void assert_idle(const struct stage *s) {
    assert_int_equal(s->replica->waiting, 0);
    assert_int_equal(s->replica->running, 0);
    replica_settle(s->replica);
    assert_int_equal(s->replica->kv_permille, 0); /* every block came back */
    assert_int_equal(request_pool_live(s->pool), 0);
}

static void compare_with_a_naive_reading(bool fast, struct features with) {
    enum { ROUNDS = 700 };
    static struct naive n;
    static struct stage s;
    uint64_t requests = 0, preemptions = 0, unchunked = 0, aborted = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct rng rng = rng_stream_id(1, RNG_TEST, round);
        struct replica_config config = random_config(&rng, &with);
        struct arena arena = {0};
        struct service_time *times = compiled(&config, &arena);
        stage_begin(&s);
        s.replica = batching_create(s.engine, &config, times, fast, &s.events);
        random_acts(&s, &config, &rng);
        n = (struct naive){.config = &config, .times = times, .count = s.count};
        for (size_t i = 0; i < s.count; i++) {
            n.requests[i].act = s.acts[i];
        }
        naive_play(&n);
        stage_play(&s, SIMTIME_NEVER);
        assert_same(round, &s, &n);
        assert_shared(&s, &n);
        assert_idle(&s);
        requests += s.count;
        preemptions += n.preemptions;
        unchunked += !config.chunked_prefill;
        for (size_t i = 0; i < s.count; i++) {
            aborted += s.acts[i].status == REQUEST_TIMED_OUT;
        }
        stage_end(&s);
        arena_free(&arena);
    }
    print_message("  %d workloads, %llu requests, %llu preemptions, %llu given up\n", ROUNDS,
                  (unsigned long long)requests, (unsigned long long)preemptions, (unsigned long long)aborted);
    assert_true(preemptions > requests); /* or the comparison would prove little */
    assert_true(unchunked > ROUNDS / 5 && aborted > requests / 20);
}

static void equals_a_naive_reading_of_vllm_to_the_picosecond(void **state) {
    (void)state;
    compare_with_a_naive_reading(false, (struct features){0});
}

static void in_runs_of_steps_too(void **state) {
    (void)state;
    compare_with_a_naive_reading(true, (struct features){0});
}

static void with_priorities_too(void **state) {
    (void)state;
    compare_with_a_naive_reading(false, (struct features){.priority = true});
    compare_with_a_naive_reading(true, (struct features){.priority = true});
}

static void with_speculative_decoding_too(void **state) {
    (void)state;
    compare_with_a_naive_reading(true, (struct features){.speculation = true});
}

static void with_adapters_too(void **state) {
    (void)state;
    compare_with_a_naive_reading(false, (struct features){.adapters = true});
    compare_with_a_naive_reading(true, (struct features){.adapters = true});
}

static void with_all_of_them_too(void **state) {
    (void)state;
    compare_with_a_naive_reading(true,
                                 (struct features){.priority = true, .speculation = true, .adapters = true});
}

/* Contexts of tens of thousands of tokens: runs that cross many pieces of the table of service times. */
static struct replica_config long_config(struct rng *rng) {
    struct replica_config c = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    c.max_model_len = 8192;
    c.max_num_seqs = between(rng, 2, 32);
    c.max_num_batched_tokens = between(rng, 64, 4096);
    c.kv_blocks = between(rng, 1, 6) * c.max_model_len / c.block_tokens;
    c.async_scheduling = rng_below(rng, 2);
    return c;
}

static void long_acts(struct stage *s, struct rng *rng) {
    simtime at = 0;
    for (int i = 0; i < 100; i++) {
        at += (simtime)rng_below(rng, (uint64_t)SIMTIME_SECOND / 2);
        struct act *act = stage_add(s, at, (uint32_t)between(rng, 1, 4000), (uint32_t)between(rng, 1, 3000));
        if (rng_below(rng, 2)) {
            act->session = 1 + rng_below(rng, 6);
        }
        if (rng_below(rng, 10) == 0) {
            act->cancel_at = at + (simtime)rng_below(rng, 10 * (uint64_t)SIMTIME_SECOND);
        }
    }
}

static void assert_same_stage(const struct stage *a, const struct stage *b) {
    for (size_t i = 0; i < a->count; i++) {
        const struct act *x = &a->acts[i], *y = &b->acts[i];
        assert_true(x->status == y->status && x->scheduled == y->scheduled && x->first == y->first);
        assert_true(x->done == y->done && x->generated == y->generated && x->preemptions == y->preemptions);
        assert_int_equal(x->cached, y->cached);
        assert_true(x->work_ps == y->work_ps); /* to the picosecond, however many steps at a time */
    }
    const struct replica *p = a->replica, *q = b->replica;
    assert_true(p->steps == q->steps && p->busy_ps == q->busy_ps && p->preemptions == q->preemptions);
    assert_true(p->prefix_queries == q->prefix_queries && p->prefix_hits == q->prefix_hits);
    assert_true(p->generated_tokens == q->generated_tokens && p->prompt_tokens == q->prompt_tokens);
    assert_true(p->kv_peak_permille == q->kv_peak_permille && p->kv_permille == q->kv_permille);
    assert_true(a->gaps == b->gaps && a->gap_sum == b->gap_sum);
    assert_true(a->gap_least == b->gap_least && a->gap_most == b->gap_most);
}

/* Every so often somebody looks: at a random date, and at the very end of a step. */
static void look(void *context, uint64_t argument) {
    (void)argument;
    struct stage *st = context;
    replica_look(st->replica);
    st->looks = st->looks * 31 + st->replica->kv_permille;
    st->looks = st->looks * 31 + st->replica->running;
    st->looks = st->looks * 31 + st->replica->waiting;
    st->looks = st->looks * 31 + (uint64_t)replica_busy_ps(st->replica);
}

static void runs_cross_pieces_of_the_service_times(void **state) {
    (void)state;
    static struct stage stages[2];
    uint64_t single = 0, runs = 0, hits = 0;
    for (uint64_t round = 0; round < 40; round++) {
        struct arena a = {0};
        for (int mode = 0; mode < 2; mode++) {
            struct rng rng = rng_stream_id(2, RNG_TEST, round);
            struct replica_config c = long_config(&rng);
            struct service_time *t = compiled(&c, &a);
            stage_begin(&stages[mode]);
            stages[mode].replica =
                batching_create(stages[mode].engine, &c, t, mode == 1, &stages[mode].events);
            long_acts(&stages[mode], &rng);
            for (int i = 1; i < 200; i++) {
                engine_at(stages[mode].engine, i * SIMTIME_SECOND / 7, EVENT_OBSERVE, look, &stages[mode], 0);
            }
            stage_play(&stages[mode], between(&rng, 5, 500) * SIMTIME_SECOND);
            replica_settle(stages[mode].replica);
        }
        assert_same_stage(&stages[0], &stages[1]);
        assert_true(stages[0].looks == stages[1].looks);
        single += engine_counters(stages[0].engine).events;
        runs += engine_counters(stages[1].engine).events;
        hits += stages[1].replica->prefix_hits;
        stage_end(&stages[0]);
        stage_end(&stages[1]);
        arena_free(&a);
    }
    print_message("  %llu events in place of %llu\n", (unsigned long long)runs, (unsigned long long)single);
    assert_true(runs * 5 < single && hits > 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_a_naive_reading_of_vllm_to_the_picosecond),
        cmocka_unit_test(in_runs_of_steps_too),
        cmocka_unit_test(with_priorities_too),
        cmocka_unit_test(with_speculative_decoding_too),
        cmocka_unit_test(with_adapters_too),
        cmocka_unit_test(with_all_of_them_too),
        cmocka_unit_test(runs_cross_pieces_of_the_service_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
