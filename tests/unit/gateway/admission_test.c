/* Admission policies, each by itself and in a gate: what they let in, when, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "gateway/gate.h"

enum { OPTIONS_MAX = 8, QUIET = 1, NOISY = 2 };

/* Values by option name, the others as the table has them. */
struct given {
    const char *name;
    double number;
};

static void *make(const struct admission_ops *ops, const struct given *given) {
    struct dd_option_value values[OPTIONS_MAX] = {{0}};
    for (size_t i = 0; ops->options[i].name; i++) {
        values[i].number = ops->options[i].fallback;
        for (const struct given *g = given; g && g->name; g++) {
            values[i].number = strcmp(g->name, ops->options[i].name) == 0 ? g->number : values[i].number;
        }
    }
    return ops->create(values);
}

static struct admission_view at(simtime now) {
    return (struct admission_view){.now = now, .replicas = 1};
}

static struct admission_request of(uint32_t tenant, uint32_t tokens) {
    return (struct admission_request){.tenant = tenant, .input_tokens = tokens};
}

static bool lets_in(const struct admission_ops *ops, void *state, const struct admission_request *r,
                    const struct admission_view *view) {
    if (ops->check(state, r, view)) {
        return false;
    }
    if (ops->enter) {
        ops->enter(state, r, view);
    }
    return true;
}

/* ---- token bucket ---- */

/* Offered a request every step for a time: how many are let in. */
static int64_t let_in(double rate, double burst, simtime step, simtime until) {
    void *b = make(&admission_token_bucket, (struct given[]){{"rate", rate}, {"burst", burst}, {NULL, 0}});
    struct admission_request r = of(QUIET, 10);
    int64_t in = 0;
    for (simtime now = 0; now <= until; now += step) {
        struct admission_view view = at(now);
        in += lets_in(&admission_token_bucket, b, &r, &view);
    }
    admission_token_bucket.destroy(b);
    return in;
}

static void a_token_bucket_lets_in_its_burst_and_rate_times_time_exactly(void **state) {
    (void)state;
    static const struct {
        double rate, burst;
        int64_t seconds;
    } cases[] = {{4, 1, 60}, {4, 25, 60}, {0.5, 3, 100}, {100, 1, 7}, {7, 50, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t in =
            let_in(cases[i].rate, cases[i].burst, SIMTIME_SECOND / 2000, cases[i].seconds * SIMTIME_SECOND);
        assert_int_equal(in, (int64_t)(cases[i].burst + cases[i].rate * (double)cases[i].seconds));
    }
    assert_int_equal(let_in(4, 0, SIMTIME_SECOND / 2000, 0), 1); /* without a burst: a second's, one by one */
    assert_int_equal(let_in(4, 0, 1, 10), 4);
}

static void a_bucket_that_rests_is_full_and_no_fuller(void **state) {
    (void)state;
    void *b = make(&admission_token_bucket, (struct given[]){{"rate", 10}, {"burst", 3}, {NULL, 0}});
    struct admission_request r = of(QUIET, 10);
    for (int round = 0; round < 3; round++) {
        struct admission_view view = at(round * 1000 * SIMTIME_SECOND);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(lets_in(&admission_token_bucket, b, &r, &view), i < 3);
        }
    }
    admission_token_bucket.destroy(b);
}

static void tenants_have_buckets_of_their_own(void **state) {
    (void)state;
    void *b =
        make(&admission_token_bucket, (struct given[]){{"rate", 1}, {"burst", 1}, {"by", 1}, {NULL, 0}});
    struct admission_view view = at(0);
    struct admission_request quiet = of(QUIET, 10), noisy = of(NOISY, 10);
    assert_true(lets_in(&admission_token_bucket, b, &noisy, &view));
    assert_false(lets_in(&admission_token_bucket, b, &noisy, &view));
    assert_true(lets_in(&admission_token_bucket, b, &quiet, &view));
    admission_token_bucket.destroy(b);
}

static void answers_are_paid_for_when_they_end(void **state) {
    (void)state;
    void *b = make(&admission_token_bucket,
                   (struct given[]){{"rate", 100}, {"burst", 100}, {"unit", 1}, {NULL, 0}});
    struct admission_request r = of(QUIET, 100), larger = of(QUIET, 1000);
    struct admission_view view = at(0);
    assert_true(lets_in(&admission_token_bucket, b, &r, &view));
    admission_token_bucket.ended(b, &r, 300, 0); /* 4 s until the bucket is full again */
    view = at(4 * SIMTIME_SECOND - 1);
    assert_false(lets_in(&admission_token_bucket, b, &r, &view));
    view = at(4 * SIMTIME_SECOND);
    assert_true(lets_in(&admission_token_bucket, b, &larger, &view)); /* full: lets in, and is overdrawn */
    view = at(13 * SIMTIME_SECOND);
    assert_false(lets_in(&admission_token_bucket, b, &r, &view));
    admission_token_bucket.destroy(b);
}

/* ---- the others that decide at once ---- */

static void concurrency_counts_what_has_not_ended(void **state) {
    (void)state;
    void *c = make(&admission_concurrency, (struct given[]){{"limit", 2}, {"by", 1}, {NULL, 0}});
    struct admission_view view = at(0);
    struct admission_request quiet = of(QUIET, 1), noisy = of(NOISY, 1);
    assert_true(lets_in(&admission_concurrency, c, &noisy, &view));
    assert_true(lets_in(&admission_concurrency, c, &noisy, &view));
    assert_false(lets_in(&admission_concurrency, c, &noisy, &view));
    assert_true(lets_in(&admission_concurrency, c, &quiet, &view));
    admission_concurrency.ended(c, &noisy, 5, 0);
    assert_true(lets_in(&admission_concurrency, c, &noisy, &view));
    admission_concurrency.destroy(c);
}

/* One leaves the queue every 100 ms: with 9 waiting the next would wait 0.9 s. */
static void deadline_turns_away_what_the_queue_makes_late(void **state) {
    (void)state;
    void *d = make(&admission_deadline, (struct given[]){{"limit", 1}, {NULL, 0}});
    struct admission_view view = at(0);
    view.waiting = 1000;
    struct admission_request r = of(QUIET, 1);
    assert_true(lets_in(&admission_deadline, d, &r, &view)); /* nothing is known yet */
    for (int i = 0; i < 3; i++) {
        view.now = i * SIMTIME_SECOND / 10;
        admission_deadline.started(d, &view);
    }
    r.sent_ps = view.now;
    view.waiting = 10;
    assert_true(lets_in(&admission_deadline, d, &r, &view));
    view.waiting = 11;
    assert_false(lets_in(&admission_deadline, d, &r, &view));
    r.sent_ps = view.now - SIMTIME_SECOND / 2; /* half of the time is gone on the way here */
    view.waiting = 6;
    assert_false(lets_in(&admission_deadline, d, &r, &view));
    /* Idle time is no gap. */
    view.waiting = 0;
    admission_deadline.started(d, &view);
    view.now += 1000 * SIMTIME_SECOND;
    admission_deadline.started(d, &view);
    r.sent_ps = view.now;
    view.waiting = 9;
    assert_true(lets_in(&admission_deadline, d, &r, &view));
    admission_deadline.destroy(d);
}

static void tiers_are_shed_from_the_lowest_up(void **state) {
    (void)state;
    struct dd_option_value values[4] = {{0}};
    const uint32_t tenants[] = {QUIET, NOISY};
    const double tiers[] = {3, 0}; /* critical-plus, sheddable */
    values[0].tenants = tenants;
    values[0].tenant_numbers = tiers;
    values[0].tenant_count = 2;
    values[1].number = 1; /* others: sheddable-plus */
    values[2].number = 4;
    values[3].number = 4;
    void *t = admission_tiers.create(values);
    struct admission_request quiet = of(QUIET, 1), noisy = of(NOISY, 1), other = of(7, 1);
    struct admission_view view = at(0);
    view.replicas = 2;
    view.waiting = 7;
    assert_true(lets_in(&admission_tiers, t, &noisy, &view));
    view.waiting = 8; /* 4 a replica */
    assert_false(lets_in(&admission_tiers, t, &noisy, &view));
    assert_true(lets_in(&admission_tiers, t, &other, &view));
    view.waiting = 32;
    assert_false(lets_in(&admission_tiers, t, &other, &view));
    view.waiting = 1000000;
    assert_true(lets_in(&admission_tiers, t, &quiet, &view));
    admission_tiers.destroy(t);
}

/* ---- in a gate ---- */

static void add(struct gate *g, const struct admission_ops *ops, const struct given *given) {
    struct dd_option_value values[OPTIONS_MAX] = {{0}};
    for (size_t i = 0; ops->options[i].name; i++) {
        values[i].number = ops->options[i].fallback;
        for (const struct given *v = given; v && v->name; v++) {
            values[i].number = strcmp(v->name, ops->options[i].name) == 0 ? v->number : values[i].number;
        }
    }
    assert_true(gate_add(g, ops, values));
}

static void what_one_turns_away_costs_nothing_at_the_others(void **state) {
    (void)state;
    struct gate g = {0};
    add(&g, &admission_token_bucket, (struct given[]){{"rate", 1}, {"burst", 2}, {NULL, 0}});
    add(&g, &admission_concurrency, (struct given[]){{"limit", 1}, {NULL, 0}});
    struct gate_load load = {.replicas = 1};
    struct request r = {.tenant = QUIET, .input_tokens = 1};
    assert_null(gate_admit(&g, &r, &load));
    assert_string_equal(gate_admit(&g, &r, &load), "too many in flight (concurrency)");
    gate_ended(&g, &r, false, 0);
    assert_null(gate_admit(&g, &r, &load)); /* the second of the burst is there still */
    gate_ended(&g, &r, false, 0);
    assert_string_equal(gate_admit(&g, &r, &load), "rate limit (token-bucket)");
    gate_free(&g);
}

static void a_gate_takes_one_policy_that_holds(void **state) {
    (void)state;
    struct gate g = {0};
    add(&g, &admission_vtc, NULL);
    struct dd_option_value values[OPTIONS_MAX] = {{0}};
    assert_false(gate_add(&g, &admission_fifo, values));
    gate_free(&g);
}

/* ---- fair queueing ---- */

/* A server that works on `places` requests at a time, at one token a tick; each tenant always has one
 * waiting. */
struct fair_run {
    struct gate gate;
    struct request_pool *pool;
    struct request *last;
    struct request *at_work[8];
    uint32_t left[8];
    uint32_t places;
    double served[4]; /* by tenant, weighted tokens, as charged */
};

static void arrive(struct fair_run *f, uint32_t tenant, uint32_t input, uint32_t output) {
    struct gate_load load = {.replicas = 1};
    struct request *r = f->last = request_take(f->pool);
    r->tenant = tenant;
    r->input_tokens = input;
    r->output_tokens = output;
    assert_null(gate_admit(&f->gate, r, &load));
    gate_hold(&f->gate, r);
}

static void fill(struct fair_run *f) {
    for (uint32_t i = 0; i < f->places; i++) {
        struct gate_load load = {.waiting = f->gate.held, .replicas = 1};
        struct request *r = f->at_work[i] ? NULL : gate_release(&f->gate, &load);
        if (r) {
            f->at_work[i] = r;
            f->left[i] = r->output_tokens;
            f->served[r->tenant] += r->input_tokens;
        }
    }
}

static void tick(struct fair_run *f) {
    for (uint32_t i = 0; i < f->places; i++) {
        struct request *r = f->at_work[i];
        if (r && --f->left[i] == 0) {
            r->generated = r->output_tokens;
            f->served[r->tenant] += 2.0 * r->generated;
            f->at_work[i] = NULL;
            gate_ended(&f->gate, r, false, 0);
            request_give_back(f->pool, r);
        }
    }
}

static double served_gap(const struct fair_run *f, const struct fair_run *since) {
    return fabs((f->served[1] - since->served[1]) - (f->served[2] - since->served[2]));
}

/* Sheng et al., theorem 4.4: over any time in which both wait, the difference is within 2 U. Long prompts
 * against short ones, one place at a time or several. */
static void tenants_that_wait_are_given_the_same_within_the_bound(void **state) {
    (void)state;
    for (uint32_t places = 1; places <= 8; places++) {
        struct fair_run *f = calloc(1, sizeof *f), *since = calloc(1, sizeof *since);
        struct rng rng = rng_stream_id(places, RNG_TEST, 1);
        f->places = places;
        f->pool = request_pool_create();
        add(&f->gate, &admission_vtc, (struct given[]){{"release", 100}, {NULL, 0}});
        double largest = 0;
        uint32_t waiting[3] = {0};
        for (int t = 0; t < 20000; t++) {
            for (uint32_t tenant = 1; tenant <= 2; tenant++) {
                struct request_list *flow =
                    by_tenant_item(&f->gate.flows, tenant, sizeof(struct request_list));
                for (waiting[tenant] = flow->count; waiting[tenant] < 10; waiting[tenant]++) {
                    uint32_t input = tenant == 1 ? 1000 : 1 + (uint32_t)rng_below(&rng, 20);
                    arrive(f, tenant, input, 1 + (uint32_t)rng_below(&rng, tenant == 1 ? 5 : 200));
                }
            }
            fill(f);
            if (t == 0 || rng_below(&rng, 1000) == 0) {
                memcpy(since->served, f->served, sizeof f->served);
            }
            largest = fmax(largest, served_gap(f, since));
            tick(f);
        }
        struct admission_gap gap = admission_vtc.order->gap(f->gate.policies[0].state);
        assert_true(gap.largest > 0 && gap.largest <= gap.bound);
        assert_true(largest > 0 && largest <= 2 * gap.bound);
        assert_true(f->served[1] > 20 * gap.bound / 8); /* the run is long beside the bound */
        gate_free(&f->gate);
        request_pool_destroy(f->pool);
        free(f);
        free(since);
    }
}

static uint32_t goes_next(struct gate *g, uint64_t waiting) {
    struct gate_load load = {.waiting = waiting, .replicas = 1};
    struct request *r = gate_release(g, &load);
    assert_non_null(r);
    return r->tenant;
}

/* While QUIET was away NOISY was given 500 tokens: back, it is lifted to NOISY's counter and does not take
 * all. */
static void who_was_away_has_saved_up_nothing(void **state) {
    (void)state;
    struct fair_run f = {.places = 8, .pool = request_pool_create()};
    add(&f.gate, &admission_vtc, (struct given[]){{"release", 100}, {NULL, 0}});
    for (int i = 0; i < 5; i++) {
        arrive(&f, NOISY, 100, 1);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(goes_next(&f.gate, f.gate.held), NOISY);
    }
    for (int i = 0; i < 4; i++) {
        arrive(&f, QUIET, 100, 1);
    }
    static const uint32_t order[] = {QUIET, NOISY, QUIET, NOISY, QUIET, QUIET};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        assert_int_equal(goes_next(&f.gate, f.gate.held), order[i]);
    }
    struct gate_load load = {.replicas = 1};
    assert_null(gate_release(&f.gate, &load));
    gate_free(&f.gate);
    request_pool_destroy(f.pool);
}

static void a_weight_of_two_is_given_twice_as_much(void **state) {
    (void)state;
    struct gate g = {0};
    struct dd_option_value values[OPTIONS_MAX] = {
        {.number = 100}, {.number = INFINITY}, {.number = 1}, {.number = 2}};
    const uint32_t tenants[] = {QUIET};
    const double weights[] = {2};
    values[4] = (struct dd_option_value){.tenants = tenants, .tenant_numbers = weights, .tenant_count = 1};
    assert_true(gate_add(&g, &admission_vtc, values));
    struct request r[60];
    for (uint32_t i = 0; i < 60; i++) {
        struct gate_load load = {.replicas = 1};
        r[i] = (struct request){.tenant = 1 + i % 2, .input_tokens = 10, .replica = -1};
        assert_null(gate_admit(&g, &r[i], &load));
        gate_hold(&g, &r[i]);
    }
    int quiet = 0;
    for (int i = 0; i < 30; i++) {
        quiet += goes_next(&g, g.held) == QUIET;
    }
    assert_int_equal(quiet, 20);
    gate_free(&g);
}

/* At most one may wait at the one replica; who gives up leaves the queue, and nobody is sent twice. */
static void nothing_goes_on_without_room(void **state) {
    (void)state;
    const struct admission_ops *both[] = {&admission_vtc, &admission_fifo};
    for (int i = 0; i < 2; i++) {
        struct fair_run f = {.places = 1, .pool = request_pool_create()};
        struct request *sent[3];
        add(&f.gate, both[i], NULL);
        for (int k = 0; k < 3; k++) {
            arrive(&f, NOISY, 5, 1);
            sent[k] = f.last;
        }
        struct gate_load load = {.waiting = 3, .replicas = 1};
        assert_ptr_equal(gate_release(&f.gate, &load), sent[0]);
        assert_null(gate_release(&f.gate, &load)); /* the first waits there */
        gate_take_off(&f.gate, sent[1]);
        gate_ended(&f.gate, sent[1], true, 0);
        load.waiting = 1; /* the first is in a batch, the third is held */
        assert_ptr_equal(gate_release(&f.gate, &load), sent[2]);
        load.waiting = 0;
        assert_null(gate_release(&f.gate, &load));
        assert_int_equal(f.gate.in_flight, 2);
        gate_free(&f.gate);
        request_pool_destroy(f.pool);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_bucket_lets_in_its_burst_and_rate_times_time_exactly),
        cmocka_unit_test(a_bucket_that_rests_is_full_and_no_fuller),
        cmocka_unit_test(tenants_have_buckets_of_their_own),
        cmocka_unit_test(answers_are_paid_for_when_they_end),
        cmocka_unit_test(concurrency_counts_what_has_not_ended),
        cmocka_unit_test(deadline_turns_away_what_the_queue_makes_late),
        cmocka_unit_test(tiers_are_shed_from_the_lowest_up),
        cmocka_unit_test(what_one_turns_away_costs_nothing_at_the_others),
        cmocka_unit_test(a_gate_takes_one_policy_that_holds),
        cmocka_unit_test(tenants_that_wait_are_given_the_same_within_the_bound),
        cmocka_unit_test(who_was_away_has_saved_up_nothing),
        cmocka_unit_test(a_weight_of_two_is_given_twice_as_much),
        cmocka_unit_test(nothing_goes_on_without_room),
    };
    return cmocka_run_group_tests_name("gateway/admission", tests, NULL, NULL);
}
