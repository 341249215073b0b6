/* tests/unit/llm/naive_vllm.h: vLLM's V1 scheduler a second time, written from its algorithm alone
 * (Scheduler.schedule and update_from_output, v0.10.1, synchronous; priorities and adapters as of 2026):
 * plain arrays, no events, one loop over steps. Only which drafts are right is asked of the program. */
#ifndef DRYDOCK_TESTS_NAIVE_VLLM_H
#define DRYDOCK_TESTS_NAIVE_VLLM_H

#include "llm/llm.h"
#include <string.h>

#include "tests/unit/serving/replica_fixture.h"

enum { NAIVE_ADAPTERS = 6 };
enum naive_where { NAIVE_NOWHERE, NAIVE_WAITING, NAIVE_RUNNING, NAIVE_OVER };

struct naive_request {
    struct act act;
    enum naive_where where;
    bool aborted; /* leaves at the end of the step */
    int64_t num_computed, num_output, blocks, new_tokens, spec_tokens;
    int64_t came; /* index of the step under way; two less than that of the next one when there was none */
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
    bool on_host[NAIVE_ADAPTERS + 1], on_gpu[NAIVE_ADAPTERS + 1];
    uint64_t left[NAIVE_ADAPTERS + 1], leavings; /* when each was last in a batch */
    simtime loading;
    struct step_shape shape; /* of the step under way */
    /* asynchronous scheduling: what the batch is made without */
    int64_t unknown_free, unknown_blocks;
    bool knows_all;
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
static bool naive_allocate(struct naive *n, struct naive_request *q, int64_t lookahead) {
    int64_t tokens = q->num_computed + q->new_tokens + lookahead;
    if (tokens > n->config->max_model_len) {
        tokens = n->config->max_model_len;
    }
    int64_t need = 0;
    while ((q->blocks + need) * n->config->block_tokens < tokens) {
        need++;
    }
    if (need > n->free_blocks - n->unknown_blocks) {
        return false;
    }
    n->free_blocks -= need;
    q->blocks += need;
    return true;
}

/* A batch is made at the beginning of the step before: of those who had come by then. */
static bool naive_knows(const struct naive *n, const struct naive_request *q) {
    return !n->config->async_scheduling || n->knows_all || q->came <= (int64_t)n->steps - 2;
}

static int64_t num_tokens(const struct naive_request *q) {
    return q->act.input + q->num_output;
}

static bool naive_in_batch(const struct naive *n, uint32_t adapter) {
    for (size_t i = 0; i < n->running_count; i++) {
        if (n->requests[n->running[i]].act.adapter == adapter) {
            return true;
        }
    }
    return false;
}

static void naive_left(struct naive *n, uint32_t adapter) {
    n->left[adapter] = naive_in_batch(n, adapter) ? n->left[adapter] : ++n->leavings;
}

/* (priority, arrival) of two requests; acts are in order of arrival. */
static bool later(const struct naive *n, size_t a, size_t b) {
    int32_t x = n->requests[a].act.priority, y = n->requests[b].act.priority;
    return x != y ? x > y : a > b;
}

/* Place in `running` of the next to go. */
static size_t naive_victim(const struct naive *n) {
    size_t victim = n->running_count - 1;
    for (size_t i = 0; n->config->priority_scheduling && i < n->running_count; i++) {
        victim = later(n, n->running[i], n->running[victim]) ? i : victim;
    }
    return victim;
}

static void naive_preempt(struct naive *n, size_t at) {
    size_t last = n->running[at];
    erase(n->running, &n->running_count, at);
    struct naive_request *q = &n->requests[last];
    q->spec_tokens = 0;
    n->free_blocks += q->blocks;
    q->blocks = q->num_computed = q->new_tokens = 0;
    q->where = NAIVE_WAITING;
    q->act.preemptions++;
    n->preemptions++;
    insert_first(n->waiting, &n->waiting_count, last);
    naive_left(n, q->act.adapter);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void naive_order(struct naive *n) {
    for (size_t i = 1; n->config->priority_scheduling && i < n->waiting_count; i++) {
        for (size_t k = i; k > 0 && later(n, n->waiting[k - 1], n->waiting[k]); k--) {
            size_t which = n->waiting[k];
            n->waiting[k] = n->waiting[k - 1];
            n->waiting[k - 1] = which;
        }
    }
}

static bool naive_adapter_fits(const struct naive *n, uint32_t adapter) {
    int64_t there = 0;
    for (uint32_t a = 1; a <= NAIVE_ADAPTERS; a++) {
        there += naive_in_batch(n, a);
    }
    return adapter == 0 || there < n->config->adapters.on_gpu || naive_in_batch(n, adapter);
}

/* Removes the adapter not in the batch that was in one longest ago. */
static void naive_evict(struct naive *n, bool *there) {
    uint32_t oldest = 0;
    for (uint32_t a = 1; a <= NAIVE_ADAPTERS; a++) {
        if (there[a] && !naive_in_batch(n, a) && (oldest == 0 || n->left[a] < n->left[oldest])) {
            oldest = a;
        }
    }
    there[oldest] = false;
    if (there == n->on_host) {
        n->on_gpu[oldest] = false;
    }
}

static int64_t naive_count(const bool *there) {
    int64_t count = 0;
    for (uint32_t a = 1; a <= NAIVE_ADAPTERS; a++) {
        count += there[a];
    }
    return count;
}

static simtime naive_load(struct naive *n, uint32_t adapter) {
    simtime time = 0;
    if (adapter > 0 && !n->on_host[adapter]) {
        if (naive_count(n->on_host) == n->config->adapters.on_host) {
            naive_evict(n, n->on_host);
        }
        n->on_host[adapter] = true;
        time += n->config->adapters.to_host_ps;
    }
    if (adapter > 0 && !n->on_gpu[adapter]) {
        if (naive_count(n->on_gpu) == n->config->adapters.on_gpu) {
            naive_evict(n, n->on_gpu);
        }
        n->on_gpu[adapter] = true;
        time += n->config->adapters.to_gpu_ps;
    }
    return time;
}

static void naive_schedule(struct naive *n, simtime now) {
    n->loading = 0;
    int64_t budget = n->config->max_num_batched_tokens;
    bool preempted = false;
    for (size_t i = 0; i < n->count; i++) {
        n->requests[i].new_tokens = 0;
    }
    size_t i = 0;
    while (i < n->running_count && budget > 0) {
        size_t which = n->running[i];
        struct naive_request *q = &n->requests[which];
        q->new_tokens = least(num_tokens(q) + q->spec_tokens - q->num_computed, budget);
        q->new_tokens = least(q->new_tokens, n->config->max_model_len - 1 - q->num_computed);
        bool gone = false;
        while (!gone && !naive_allocate(n, q, n->config->lookahead_tokens)) {
            size_t at = naive_victim(n);
            gone = n->running[at] == which;
            if (at < i) {
                i--;
                budget += n->requests[n->running[at]].new_tokens;
            }
            naive_preempt(n, at);
            preempted = true;
        }
        if (!gone) {
            budget -= q->new_tokens;
            i++;
        }
    }
    size_t passed = 0; /* over, for their adapters */
    while (!preempted && n->waiting_count > passed && budget > 0 &&
           (int64_t)n->running_count + n->unknown_free < n->config->max_num_seqs) {
        naive_order(n);
        size_t which = n->waiting[passed];
        struct naive_request *q = &n->requests[which];
        if (!naive_knows(n, q) || !naive_adapter_fits(n, q->act.adapter)) {
            passed++;
            continue;
        }
        q->new_tokens = num_tokens(q) - q->num_computed;
        bool whole = n->config->chunked_prefill || q->new_tokens <= budget;
        q->new_tokens = least(q->new_tokens, budget);
        if (!whole || !naive_allocate(n, q, 0)) {
            q->new_tokens = 0;
            break;
        }
        n->loading += naive_load(n, q->act.adapter);
        n->running[n->running_count++] = which;
        erase(n->waiting, &n->waiting_count, passed);
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

static bool naive_decodes(const struct naive_request *q) {
    return q->new_tokens > 0 && q->num_output > 0 && q->num_computed == num_tokens(q) - 1;
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
        if (naive_decodes(q)) {
            shape.decode_sequences++;
            shape.decode_context += after;
            shape.draft_tokens += q->new_tokens - 1;
        } else {
            shape.prefill_tokens += q->new_tokens;
            shape.prefill_context += after;
            shape.prefill_pairs += pairs_of(q);
        }
        shape.sampled += after >= num_tokens(q) ? after - num_tokens(q) + 1 : 0;
    }
    n->shape = shape;
    return shape.decode_sequences + shape.prefill_tokens ? service_time_step(n->times, &shape) + n->loading
                                                         : 0;
}

/* A step's time by token, its attention by context and by pairs; docs/cost.md. */
static void naive_share(struct naive *n) {
    struct step_parts parts;
    service_time_parts(n->times, &n->shape, &parts);
    double tokens = (double)(n->shape.decode_sequences + n->shape.draft_tokens + n->shape.prefill_tokens);
    for (size_t i = 0; i < n->running_count; i++) {
        struct naive_request *q = &n->requests[n->running[i]];
        q->act.work_ps += (double)(parts.by_token + n->loading) * (double)q->new_tokens / tokens;
        if (naive_decodes(q)) {
            q->act.work_ps += (double)(parts.decode_slope * (q->num_computed + q->new_tokens));
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
    naive_left(n, n->requests[which].act.adapter);
}

/* check_stop: max_tokens, or max_model_len */
static bool naive_stops(const struct naive *n, const struct naive_request *q) {
    return q->num_output >= q->act.output || num_tokens(q) >= n->config->max_model_len;
}

/* update_from_output, for one request. */
static void naive_update(struct naive *n, size_t which, simtime now, simtime *last_token) {
    struct naive_request *q = &n->requests[which];
    q->num_computed += q->new_tokens;
    if (q->new_tokens > 0 && q->num_computed >= num_tokens(q)) {
        bool is_first = q->num_output == 0;
        int64_t drafts = q->num_computed - num_tokens(q);
        int64_t right = accepted_drafts(n->config, which, (uint32_t)q->num_output, (uint32_t)drafts);
        q->num_computed -= drafts - right;
        for (int64_t k = 0; k <= right && !naive_stops(n, q); k++) {
            q->num_output++;
        }
        q->spec_tokens = n->config->speculation.tokens;
        if (is_first) {
            q->act.first = now;
        } else {
            n->gaps++;
            n->gap_sum += now - last_token[which];
        }
        last_token[which] = now;
    }
    if (naive_stops(n, q)) {
        naive_free(n, which);
        naive_end(q, now, REQUEST_COMPLETED);
    }
}

static void naive_arrive(struct naive *n, size_t which, bool idle) {
    struct naive_request *q = &n->requests[which];
    q->came = (int64_t)n->steps - (idle ? 2 : 0);
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
            naive_arrive(n, i, step_ends == SIMTIME_NEVER);
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
    int64_t blocks = n->free_blocks;
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
    if (n->config->async_scheduling) {
        n->unknown_free = (int64_t)(batch_count - n->running_count);
        n->unknown_blocks = n->free_blocks - blocks;
    }
}

/* The batch of the next step and how long it takes; when nothing that is known makes one, all is waited for.
 */
static simtime naive_next(struct naive *n, simtime now) {
    naive_schedule(n, now);
    simtime duration = naive_duration(n);
    if (duration == 0 && n->config->async_scheduling) {
        n->unknown_free = n->unknown_blocks = 0;
        n->knows_all = true;
        naive_schedule(n, now);
        duration = naive_duration(n);
        n->knows_all = false;
    }
    return duration;
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
            n->unknown_free = n->unknown_blocks = 0;
        }
        simtime duration = naive_next(n, now);
        if (duration > 0) {
            naive_step(n, now, now + duration, last_token);
            now += duration;
        } else {
            assert_int_equal(n->waiting_count + n->running_count, 0); /* all were turned away */
        }
    }
}

#endif
