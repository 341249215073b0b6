/* Continuous batching. The first test holds it, to the picosecond, to a second implementation written from
 * vLLM's algorithm alone (Scheduler.schedule and update_from_output, V1 engine, v0.10.1, synchronous): plain
 * arrays, no events, one loop over steps. The others state what can be said in closed form. */
#include "tests/unit/serving/replica_fixture.h"

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

/* A sequence that computes the one token it generated last is decoding; all else is prefill. */
static simtime naive_duration(const struct naive *n) {
    struct step_shape shape = {0};
    for (size_t i = 0; i < n->count; i++) {
        const struct naive_request *q = &n->requests[i];
        int64_t after = q->num_computed + q->new_tokens;
        if (q->new_tokens == 0) {
            continue;
        }
        if (q->new_tokens == 1 && q->num_output > 0 && after == num_tokens(q)) {
            shape.decode_sequences++;
            shape.decode_context += after;
        } else {
            shape.prefill_tokens += q->new_tokens;
            shape.prefill_context += after;
            for (int64_t k = q->num_computed + 1; k <= after; k++) {
                shape.prefill_pairs += k; /* token k attends to k tokens */
            }
        }
        shape.sampled += after == num_tokens(q);
    }
    return shape.decode_sequences + shape.prefill_tokens ? service_time_step(n->times, &shape) : 0;
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

static void assert_idle(const struct stage *s) {
    assert_int_equal(s->replica->waiting, 0);
    assert_int_equal(s->replica->running, 0);
    assert_int_equal(s->replica->kv_permille, 0); /* every block came back */
    assert_int_equal(request_pool_live(s->pool), 0);
}

static void equals_a_naive_reading_of_vllm_to_the_picosecond(void **state) {
    (void)state;
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
        s.replica = batching_create(s.engine, &config, times, &s.events);
        random_acts(&s, &config, &rng);
        n = (struct naive){.config = &config, .times = times, .count = s.count};
        for (size_t i = 0; i < s.count; i++) {
            n.requests[i].act = s.acts[i];
        }
        naive_play(&n);
        stage_play(&s, SIMTIME_NEVER);
        assert_same(round, &s, &n);
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

/* ---- in closed form ---- */

static struct arena arena;
static struct replica_config config;
static struct service_time *times;
static struct stage s;

static void small_server(int64_t kv_tokens, int64_t budget, int64_t sequences) {
    config = replica_of("meta-llama/Meta-Llama-3-8B-Instruct", "H100", 1);
    config.max_model_len = 512;
    config.block_tokens = 16;
    config.kv_blocks = kv_tokens / 16;
    config.max_num_batched_tokens = budget;
    config.max_num_seqs = sequences;
    times = compiled(&config, &arena);
    stage_begin(&s);
    s.replica = batching_create(s.engine, &config, times, &s.events);
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

static void a_long_prompt_is_computed_in_chunks_of_the_budget(void **state) {
    (void)state;
    small_server(4096, 64, 8);
    stage_add(&s, 0, 130, 1);
    stage_play(&s, SIMTIME_NEVER);
    assert_int_equal(s.replica->steps, 3); /* 64 + 64 + 2 */
    assert_int_equal(s.replica->prompt_tokens, 130);
    assert_int_equal(s.acts[0].first, s.replica->busy_ps);
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
    assert_int_equal(s.replica->kv_peak_permille, 1000);
    assert_idle(&s);
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
        cmocka_unit_test(equals_a_naive_reading_of_vllm_to_the_picosecond),
        cmocka_unit_test_teardown(a_lone_request_takes_one_prefill_step_and_a_step_a_token, close_server),
        cmocka_unit_test_teardown(a_burst_of_one_instant_is_one_batch, close_server),
        cmocka_unit_test_teardown(a_step_ends_before_an_arrival_at_its_last_instant, close_server),
        cmocka_unit_test_teardown(a_long_prompt_is_computed_in_chunks_of_the_budget, close_server),
        cmocka_unit_test_teardown(the_last_admitted_gives_way_and_computes_again, close_server),
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
    return cmocka_run_group_tests_name("serving/batching", tests, NULL, NULL);
}
