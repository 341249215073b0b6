/* Continuous batching, held to the picosecond to a second implementation written from vLLM's algorithm alone
 * (Scheduler.schedule and update_from_output, V1 engine, v0.10.1, synchronous): plain arrays, no events, one
 * loop over steps; and runs of steps held to single ones. */
#include "tests/unit/serving/replica_fixture.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

/* ---- vLLM's scheduler, naively ---- */

enum naive_where { NAIVE_NOWHERE, NAIVE_WAITING, NAIVE_RUNNING, NAIVE_OVER };

struct naive_request {
    struct act act;
    enum naive_where where;
    bool aborted; /* leaves at the end of the step */
    int64_t num_computed, num_output, blocks, new_tokens;
};

struct naive {
    const struct replica_config *config;
    const struct service_time *times;
    struct naive_request requests[STAGE_REQUESTS_MAX];
    size_t count;
    size_t waiting[STAGE_REQUESTS_MAX], running[STAGE_REQUESTS_MAX];
    size_t waiting_count, running_count;
    int64_t free_blocks;
    uint64_t steps, preemptions, gaps;
    simtime gap_sum, busy;
    struct step_shape shape; /* of the step under way */
};

static void erase(size_t *list, size_t *count, size_t at) {
    memmove(list + at, list + at + 1, (*count - at - 1) * sizeof *list);
    (*count)--;
}

static void insert_first(size_t *list, size_t *count, size_t what) {
    memmove(list + 1, list, *count * sizeof *list);
    list[0] = what;
    (*count)++;
}

static size_t find(const size_t *list, size_t count, size_t what) {
    for (size_t i = 0; i < count; i++) {
        if (list[i] == what) {
            return i;
        }
    }
    fail_msg("request %zu is not where it should be", what);
    return 0;
}

/* KVCacheManager.allocate_slots without prefix caching: all blocks that computed + new tokens need, or none.
 */
static bool naive_allocate(struct naive *n, struct naive_request *q) {
    int64_t tokens = q->num_computed + q->new_tokens;
    int64_t need = 0;
    while ((q->blocks + need) * n->config->block_tokens < tokens) {
        need++;
    }
    if (need > n->free_blocks) {
        return false;
    }
    n->free_blocks -= need;
    q->blocks += need;
    return true;
}

static int64_t num_tokens(const struct naive_request *q) {
    return q->act.input + q->num_output;
}

static void naive_preempt(struct naive *n) {
    size_t last = n->running[--n->running_count];
    struct naive_request *q = &n->requests[last];
    n->free_blocks += q->blocks;
    q->blocks = q->num_computed = q->new_tokens = 0;
    q->where = NAIVE_WAITING;
    q->act.preemptions++;
    n->preemptions++;
    insert_first(n->waiting, &n->waiting_count, last);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void naive_schedule(struct naive *n, simtime now) {
    int64_t budget = n->config->max_num_batched_tokens;
    bool preempted = false;
    for (size_t i = 0; i < n->count; i++) {
        n->requests[i].new_tokens = 0;
    }
    for (size_t i = 0; i < n->running_count && budget > 0; i++) {
        struct naive_request *q = &n->requests[n->running[i]];
        q->new_tokens = least(num_tokens(q) - q->num_computed, budget);
        q->new_tokens = least(q->new_tokens, n->config->max_model_len - 1 - q->num_computed);
        bool fits = naive_allocate(n, q);
        while (!fits && i < n->running_count) {
            naive_preempt(n);
            preempted = true;
            fits = i < n->running_count && naive_allocate(n, q);
        }
        if (!fits) {
            break;
        }
        budget -= q->new_tokens;
    }
    while (!preempted && n->waiting_count > 0 && budget > 0 &&
           n->running_count < (size_t)n->config->max_num_seqs) {
        struct naive_request *q = &n->requests[n->waiting[0]];
        q->new_tokens = num_tokens(q) - q->num_computed;
        bool whole = n->config->chunked_prefill || q->new_tokens <= budget;
        q->new_tokens = least(q->new_tokens, budget);
        if (!whole || !naive_allocate(n, q)) {
            q->new_tokens = 0;
            break;
        }
        n->running[n->running_count++] = n->waiting[0];
        erase(n->waiting, &n->waiting_count, 0);
        q->where = NAIVE_RUNNING;
        q->act.scheduled = q->act.scheduled < 0 ? now : q->act.scheduled;
        budget -= q->new_tokens;
    }
}

static int64_t pairs_of(const struct naive_request *q) {
    int64_t pairs = 0;
    for (int64_t k = q->num_computed + 1; k <= q->num_computed + q->new_tokens; k++) {
        pairs += k; /* token k attends to k tokens */
    }
    return pairs;
}

static bool is_decoding(const struct naive_request *q) {
    return q->new_tokens == 1 && q->num_output > 0 && q->num_computed + 1 == num_tokens(q);
}

/* A sequence that computes the one token it generated last is decoding; all else is prefill. */
static simtime naive_duration(struct naive *n) {
    struct step_shape shape = {0};
    for (size_t i = 0; i < n->count; i++) {
        const struct naive_request *q = &n->requests[i];
        int64_t after = q->num_computed + q->new_tokens;
        if (q->new_tokens == 0) {
            continue;
        }
        if (is_decoding(q)) {
            shape.decode_sequences++;
            shape.decode_context += after;
        } else {
            shape.prefill_tokens += q->new_tokens;
            shape.prefill_context += after;
            shape.prefill_pairs += pairs_of(q);
        }
        shape.sampled += after == num_tokens(q);
    }
    n->shape = shape;
    return shape.decode_sequences + shape.prefill_tokens ? service_time_step(n->times, &shape) : 0;
}

/* A step's time by token, its attention by context and by pairs; docs/cost.md. */
static void naive_share(struct naive *n) {
    struct step_parts parts;
    service_time_parts(n->times, &n->shape, &parts);
    double tokens = (double)(n->shape.decode_sequences + n->shape.prefill_tokens);
    for (size_t i = 0; i < n->running_count; i++) {
        struct naive_request *q = &n->requests[n->running[i]];
        q->act.work_ps += (double)parts.by_token * (double)q->new_tokens / tokens;
        if (is_decoding(q)) {
            q->act.work_ps += (double)(parts.decode_slope * (q->num_computed + 1));
        } else if (q->new_tokens > 0) {
            q->act.work_ps += (double)parts.prefill * (double)pairs_of(q) / (double)n->shape.prefill_pairs;
        }
    }
}

static void naive_end(struct naive_request *q, simtime now, enum request_status status) {
    q->where = NAIVE_OVER;
    q->act.done = now;
    q->act.status = status;
    q->act.generated = (uint32_t)q->num_output;
}

static void naive_free(struct naive *n, size_t which) {
    n->free_blocks += n->requests[which].blocks;
    n->requests[which].blocks = 0;
    erase(n->running, &n->running_count, find(n->running, n->running_count, which));
}

/* update_from_output, for one request. */
static void naive_update(struct naive *n, size_t which, simtime now, simtime *last_token) {
    struct naive_request *q = &n->requests[which];
    q->num_computed += q->new_tokens;
    if (q->new_tokens > 0 && q->num_computed == num_tokens(q)) {
        q->num_output++;
        if (q->num_output == 1) {
            q->act.first = now;
        } else {
            n->gaps++;
            n->gap_sum += now - last_token[which];
        }
        last_token[which] = now;
    }
    /* check_stop: max_tokens, or max_model_len */
    if (q->num_output >= q->act.output || num_tokens(q) >= n->config->max_model_len) {
        naive_free(n, which);
        naive_end(q, now, REQUEST_COMPLETED);
    }
}

static void naive_arrive(struct naive *n, size_t which) {
    struct naive_request *q = &n->requests[which];
    if ((int64_t)q->act.input >= n->config->max_model_len) {
        q->where = NAIVE_OVER;
        q->act.status = REQUEST_REJECTED;
        return;
    }
    q->where = NAIVE_WAITING;
    n->waiting[n->waiting_count++] = which;
}

/* Arrivals (in order) and cancellations with from <= date < to. Their dates never coincide. */
static void naive_world(struct naive *n, simtime from, simtime to, simtime step_ends) {
    for (size_t i = 0; i < n->count; i++) {
        struct naive_request *q = &n->requests[i];
        if (q->where == NAIVE_NOWHERE && q->act.at >= from && q->act.at < to) {
            naive_arrive(n, i);
        }
        if (q->act.cancel_at >= from && q->act.cancel_at < to && q->where == NAIVE_WAITING) {
            erase(n->waiting, &n->waiting_count, find(n->waiting, n->waiting_count, i));
            naive_end(q, q->act.cancel_at, REQUEST_TIMED_OUT);
        } else if (q->act.cancel_at >= from && q->act.cancel_at < to && q->where == NAIVE_RUNNING) {
            q->aborted = true;
            assert_true(step_ends >= q->act.cancel_at);
        }
    }
}

static simtime naive_next_arrival(const struct naive *n) {
    simtime next = SIMTIME_NEVER;
    for (size_t i = 0; i < n->count; i++) {
        if (n->requests[i].where == NAIVE_NOWHERE && n->requests[i].act.at < next) {
            next = n->requests[i].act.at;
        }
    }
    return next;
}

static void naive_step(struct naive *n, simtime begin, simtime end, simtime *last_token) {
    size_t batch[STAGE_REQUESTS_MAX];
    size_t batch_count = n->running_count;
    memcpy(batch, n->running, batch_count * sizeof *batch);
    naive_share(n);
    naive_world(n, begin, end, end);
    for (size_t i = 0; i < batch_count; i++) {
        if (n->requests[batch[i]].aborted) {
            naive_free(n, batch[i]);
            naive_end(&n->requests[batch[i]], end, REQUEST_TIMED_OUT);
        } else {
            naive_update(n, batch[i], end, last_token);
        }
    }
    n->steps++;
    n->busy += end - begin;
}

static void naive_play(struct naive *n) {
    static simtime last_token[STAGE_REQUESTS_MAX];
    simtime now = 0;
    n->free_blocks = n->config->kv_blocks;
    for (;;) {
        if (n->waiting_count + n->running_count == 0) {
            now = naive_next_arrival(n); /* idle: what arrives at one instant is one batch */
            if (now == SIMTIME_NEVER) {
                return;
            }
            naive_world(n, now, now + 1, SIMTIME_NEVER);
        }
        naive_schedule(n, now);
        simtime duration = naive_duration(n);
        if (duration > 0) {
            naive_step(n, now, now + duration, last_token);
            now += duration;
        } else {
            assert_int_equal(n->waiting_count + n->running_count, 0); /* all were turned away */
        }
    }
}

/* ---- random workloads ---- */

static int64_t between(struct rng *rng, int64_t low, int64_t high) {
    return low + (int64_t)rng_below(rng, (uint64_t)(high - low + 1));
}

/* Small tables: a batch of at most 64, so that compiling one takes no time. */
static struct replica_config random_config(struct rng *rng) {
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
    return c;
}

/* Bursts of up to a dozen requests; one in six is given up at some date. A step takes about 8 ms. */
static void random_acts(struct stage *s, const struct replica_config *c, struct rng *rng) {
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

static void compare_with_a_naive_reading(bool fast) {
    enum { ROUNDS = 1000 };
    static struct naive n;
    static struct stage s;
    uint64_t requests = 0, preemptions = 0, unchunked = 0, aborted = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct rng rng = rng_stream_id(1, RNG_TEST, round);
        struct replica_config config = random_config(&rng);
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
    compare_with_a_naive_reading(false);
}

static void in_runs_of_steps_too(void **state) {
    (void)state;
    compare_with_a_naive_reading(true);
}

/* Contexts of tens of thousands of tokens: runs that cross many pieces of the table of service times. */
static struct replica_config long_config(struct rng *rng) {
    struct replica_config c = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    c.max_model_len = 8192;
    c.max_num_seqs = between(rng, 2, 32);
    c.max_num_batched_tokens = between(rng, 64, 4096);
    c.kv_blocks = between(rng, 1, 6) * c.max_model_len / c.block_tokens;
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
        cmocka_unit_test(runs_cross_pieces_of_the_service_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
