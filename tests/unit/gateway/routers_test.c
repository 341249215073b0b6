/* Routers: the policy's rule, and how one's own is found and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "gateway/router.h"

static const struct dd_route_request nobody;

static uint32_t route(const struct dd_router_ops *ops, void *state, const struct dd_candidate *candidates,
                      uint32_t count, double u, double v) {
    double uniform[2] = {u, v};
    return ops->choose(state, &nobody, candidates, count, uniform);
}

static void round_robin_takes_each_in_turn(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 4}, {.replica = 1}, {.replica = 9}};
    void *s = router_round_robin.create(NULL);
    uint32_t turns[7];
    for (int i = 0; i < 7; i++) {
        turns[i] = c[route(&router_round_robin, s, c, 3, 0, 0)].replica;
    }
    static const uint32_t expected[] = {1, 4, 9, 1, 4, 9, 1};
    assert_memory_equal(turns, expected, sizeof expected);
    router_round_robin.destroy(s);
}

static void round_robin_keeps_its_place_when_replicas_come_and_go(void **state) {
    (void)state;
    struct dd_candidate all[] = {{.replica = 0}, {.replica = 1}, {.replica = 2}, {.replica = 3}};
    void *s = router_round_robin.create(NULL);
    assert_int_equal(route(&router_round_robin, s, all, 4, 0, 0), 0);
    assert_int_equal(route(&router_round_robin, s, all, 4, 0, 0), 1);
    struct dd_candidate left[] = {{.replica = 0}, {.replica = 3}}; /* 1, just served, and 2 are gone */
    assert_int_equal(left[route(&router_round_robin, s, left, 2, 0, 0)].replica, 3);
    assert_int_equal(left[route(&router_round_robin, s, left, 2, 0, 0)].replica, 0);
    assert_int_equal(all[route(&router_round_robin, s, all, 4, 0, 0)].replica, 1);
    router_round_robin.destroy(s);
}

static void random_chooses_by_its_first_draw_alone_and_evenly(void **state) {
    (void)state;
    enum { N = 5, DRAWS = 50000 };
    struct dd_candidate c[N] = {{0}};
    uint32_t counts[N] = {0};
    struct rng rng = rng_stream_id(3, RNG_TEST, 0);
    for (int i = 0; i < DRAWS; i++) {
        counts[route(&router_random, NULL, c, N, rng_uniform(&rng), 0.5)]++;
    }
    double chi2 = 0;
    for (int i = 0; i < N; i++) {
        double expected = (double)DRAWS / N;
        chi2 += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    }
    assert_true(chi2 < 23.5); /* 4 degrees of freedom, 99.99 % */
    assert_int_equal(route(&router_random, NULL, c, N, 0.9999999999999999, 0), N - 1);
    assert_int_equal(route(&router_random, NULL, c, 1, 0.9, 0), 0);
}

static void least_outstanding_takes_the_emptiest_and_then_the_lowest(void **state) {
    (void)state;
    enum { N = 11 };
    struct dd_candidate c[N];
    for (uint32_t i = 0; i < N; i++) {
        c[i] = (struct dd_candidate){.replica = 2 * i + 3, .outstanding = 9 - i % 3};
    }
    assert_int_equal(route(&router_least_outstanding, NULL, c, N, 0, 0), 2);
    c[10].outstanding = 6;
    assert_int_equal(route(&router_least_outstanding, NULL, c, N, 0, 0), 10);
    c[6].outstanding = 0;
    assert_int_equal(route(&router_least_outstanding, NULL, c, N, 0, 0), 6);
    c[5].outstanding = 0;
    assert_int_equal(route(&router_least_outstanding, NULL, c, N, 0, 0), 5);
    for (uint32_t count = 1; count < 5; count++) {
        assert_int_equal(route(&router_least_outstanding, NULL, c, count, 0, 0), count < 3 ? count - 1 : 2);
    }
}

static void power_of_two_draws_two_different_ones_and_takes_the_emptier(void **state) {
    (void)state;
    enum { N = 4 };
    struct dd_candidate c[N];
    for (uint32_t i = 0; i < N; i++) {
        c[i] = (struct dd_candidate){.replica = i, .outstanding = i};
    }
    uint32_t counts[N] = {0};
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < N - 1; k++) {
            counts[route(&router_power_of_two, NULL, c, N, (i + 0.5) / N, (k + 0.5) / (N - 1))]++;
        }
    }
    /* of the 12 ordered pairs replica i is the lower of 2 (N - 1 - i) */
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(counts[i], 2 * (N - 1 - i));
    }
    assert_int_equal(route(&router_power_of_two, NULL, c, 1, 0.99, 0.99), 0);
    assert_true(route(&router_power_of_two, NULL, c, N, 0.9999999999999999, 0.9999999999999999) < N);
}

static void least_tokens_takes_the_fewest_prompt_tokens_then_requests_then_the_lowest(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 7, .outstanding = 1, .tokens = 900},
                               {.replica = 5, .outstanding = 3, .tokens = 400},
                               {.replica = 6, .outstanding = 2, .tokens = 400},
                               {.replica = 3, .outstanding = 2, .tokens = 400}};
    assert_int_equal(route(&router_least_tokens, NULL, c, 4, 0, 0), 3);
    c[3].outstanding = 4;
    assert_int_equal(route(&router_least_tokens, NULL, c, 4, 0, 0), 2);
    c[0].tokens = 399;
    assert_int_equal(route(&router_least_tokens, NULL, c, 4, 0, 0), 0);
    c[1].tokens = 1ull << 40; /* more than 32 bits hold */
    assert_int_equal(route(&router_least_tokens, NULL, c + 1, 1, 0, 0), 0);
    assert_int_equal(route(&router_least_tokens, NULL, c, 2, 0, 0), 0);
}

/* ---- kv-usage-aware ---- */

static void *scorer(double queue_weight, double kv_weight, double queue_most) {
    struct dd_option_value values[] = {
        {.number = queue_weight}, {.number = kv_weight}, {.number = queue_most}};
    return router_kv_usage_aware.create(values);
}

static uint32_t score_and_pick(double queue_weight, double kv_weight, double queue_most,
                               const struct dd_candidate *c, uint32_t count, double u) {
    void *s = scorer(queue_weight, kv_weight, queue_most);
    uint32_t chosen = route(&router_kv_usage_aware, s, c, count, u, 0);
    router_kv_usage_aware.destroy(s);
    return chosen;
}

static void kv_usage_aware_weighs_short_queues_against_empty_caches(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0, .waiting = 0, .kv_permille = 900},
                               {.replica = 1, .waiting = 5, .kv_permille = 300},
                               {.replica = 2, .waiting = 10, .kv_permille = 0}};
    /* 2 x 1 + 2 x 0.1 = 2.2, 2 x 0.5 + 2 x 0.7 = 2.4, 2 x 0 + 2 x 1 = 2.0 */
    assert_int_equal(score_and_pick(2, 2, INFINITY, c, 3, 0), 1);
    assert_int_equal(score_and_pick(3, 2, INFINITY, c, 3, 0), 0);
    assert_int_equal(score_and_pick(1, 2, INFINITY, c, 3, 0), 2);
    assert_int_equal(score_and_pick(0, 1, INFINITY, c, 3, 0), 2);
    assert_int_equal(score_and_pick(1, 0, INFINITY, c, 3, 0), 0);
}

static void kv_usage_aware_leaves_long_queues_out_while_there_are_short_ones(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0, .waiting = 4, .kv_permille = 900},
                               {.replica = 1, .waiting = 5, .kv_permille = 300},
                               {.replica = 2, .waiting = 6, .kv_permille = 0}};
    assert_int_equal(score_and_pick(0, 1, 6, c, 3, 0), 2);
    assert_int_equal(score_and_pick(0, 1, 5, c, 3, 0), 1);
    assert_int_equal(score_and_pick(0, 1, 4, c, 3, 0), 0);
    assert_int_equal(score_and_pick(0, 1, 3, c, 3, 0), 2);
    /* the one that is left out stretches no scale: 1 + 0.1 against 0 + 0.7, not against 0.5 + 0.7 */
    assert_int_equal(score_and_pick(1, 1, 5, c, 3, 0), 0);
}

static void kv_usage_aware_draws_among_the_best(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0, .kv_permille = 200},
                               {.replica = 1, .kv_permille = 100},
                               {.replica = 2, .kv_permille = 300},
                               {.replica = 3, .kv_permille = 100}};
    assert_int_equal(score_and_pick(2, 2, INFINITY, c, 4, 0.49), 1);
    assert_int_equal(score_and_pick(2, 2, INFINITY, c, 4, 0.51), 3);
    assert_int_equal(score_and_pick(0, 0, INFINITY, c, 4, 0.74), 2);
    assert_int_equal(score_and_pick(0, 0, INFINITY, c, 4, 0.9999999999999999), 3);
}

/* ---- weighted ---- */

static void weighted_spreads_each_share_smoothly(void **state) {
    (void)state;
    struct dd_candidate c[] = {
        {.replica = 0, .weight = 5}, {.replica = 1, .weight = 1}, {.replica = 2, .weight = 1}};
    void *s = router_weighted.create(NULL);
    static const uint32_t expected[] = {0, 0, 1, 0, 2, 0, 0}; /* nginx's own example */
    for (int i = 0; i < 70; i++) {
        assert_int_equal(route(&router_weighted, s, c, 3, 0, 0), expected[i % 7]);
    }
    router_weighted.destroy(s);
}

static void weighted_keeps_the_shares_when_replicas_come_and_go(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0, .weight = 3},
                               {.replica = 1, .weight = 3},
                               {.replica = 2, .weight = 3},
                               {.replica = 40, .weight = 1}};
    void *s = router_weighted.create(NULL);
    for (int i = 0; i < 7; i++) {
        route(&router_weighted, s, c, 2, 0, 0); /* and the state is of some other moment */
    }
    int counts[4] = {0};
    for (int i = 0; i < 1000; i++) {
        counts[route(&router_weighted, s, c, 4, 0, 0)]++;
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range(counts[i], 100 * (i < 3 ? 3 : 1) - 2, 100 * (i < 3 ? 3 : 1) + 2);
    }
    router_weighted.destroy(s);
}

static void weighted_uses_weight_zero_only_when_there_is_nothing_else(void **state) {
    (void)state;
    struct dd_candidate c[] = {
        {.replica = 0, .weight = 0}, {.replica = 1, .weight = 0}, {.replica = 2, .weight = 1}};
    void *s = router_weighted.create(NULL);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(route(&router_weighted, s, c, 3, 0, 0), 2);
    }
    int counts[2] = {0};
    for (int i = 0; i < 20; i++) {
        counts[route(&router_weighted, s, c, 2, 0, 0)]++;
    }
    assert_int_equal(counts[0], 10);
    assert_int_equal(counts[1], 10);
    router_weighted.destroy(s);
}

/* ---- two-pool-by-length ---- */

static uint32_t route_length(void *s, const struct dd_candidate *c, uint32_t count, uint32_t input_tokens) {
    struct dd_route_request request = {.input_tokens = input_tokens};
    return router_two_pool_by_length.choose(s, &request, c, count, NULL);
}

static void two_pool_sends_by_length_and_least_outstanding_within(void **state) {
    (void)state;
    static const uint32_t long_ones[] = {3, 8};
    struct dd_option_value values[] = {{.number = 1000}, {.workloads = long_ones, .workload_count = 2}};
    void *s = router_two_pool_by_length.create(values);
    struct dd_candidate c[] = {{.replica = 0, .workload = 2, .outstanding = 4},
                               {.replica = 1, .workload = 3, .outstanding = 2},
                               {.replica = 2, .workload = 2, .outstanding = 3},
                               {.replica = 3, .workload = 8, .outstanding = 1}};
    assert_int_equal(route_length(s, c, 4, 999), 2);
    assert_int_equal(route_length(s, c, 4, 1000), 3);
    c[3].outstanding = 9;
    assert_int_equal(route_length(s, c, 4, 100000), 1);
    /* a pool that has nobody is stood in for */
    assert_int_equal(route_length(s, c, 1, 100000), 0);
    assert_int_equal(route_length(s, c + 3, 1, 1), 0);
    router_two_pool_by_length.destroy(s);
}

/* ---- the table ---- */

/* What a scenario that says as little as it can gives the router. */
static void *create_plain(const struct dd_router_ops *ops) {
    static const uint32_t first = 0;
    struct dd_option_value values[16] = {{0}};
    for (int i = 0; ops->options && ops->options[i].name; i++) {
        values[i].number = ops->options[i].fallback;
        values[i].workloads = &first;
        values[i].workload_count = ops->options[i].type == DD_OPTION_WORKLOADS;
    }
    return ops->create ? ops->create(values) : NULL;
}

static void every_router_answers_within_the_candidates(void **state) {
    (void)state;
    struct rng rng = rng_stream_id(4, RNG_TEST, 0);
    for (int i = 0; routers[i]; i++) {
        void *s = create_plain(routers[i]);
        for (int k = 0; k < 2000; k++) {
            struct dd_candidate c[9];
            uint32_t count = 1 + (uint32_t)rng_below(&rng, 9);
            for (uint32_t j = 0; j < count; j++) {
                c[j] = (struct dd_candidate){.replica = 20 - 2 * j,
                                             .workload = j % 2,
                                             .outstanding = rng_u32(&rng) % 4,
                                             .waiting = rng_u32(&rng) % 3,
                                             .kv_permille = rng_u32(&rng) % 1001,
                                             .weight = (float)(rng_u32(&rng) % 3)};
            }
            uint64_t prefix[3] = {rng_below(&rng, 4), 10 + rng_below(&rng, 4), 20};
            struct dd_route_request request = {.session = rng_u32(&rng) % 5,
                                               .input_tokens = 4000 + (uint32_t)k % 200,
                                               .prefix = prefix,
                                               .prefix_count = (uint32_t)rng_below(&rng, 4),
                                               .prefix_tokens = 512};
            double uniform[2] = {rng_uniform(&rng), rng_uniform(&rng)};
            assert_true(routers[i]->choose(s, &request, c, count, uniform) < count);
        }
        if (routers[i]->destroy) {
            routers[i]->destroy(s);
        }
    }
}

static void each_option_has_a_help_and_a_default_within_its_bounds(void **state) {
    (void)state;
    for (int i = 0; routers[i]; i++) {
        for (const struct dd_option *o = routers[i]->options; o && o->name; o++) {
            assert_true(o->help && o->help[0] >= 'a' && o->help[0] <= 'z');
            if (o->type != DD_OPTION_WORKLOADS) {
                assert_true(o->low < o->high);
                assert_true(o->required || isinf(o->fallback) ||
                            (o->fallback >= o->low && o->fallback <= o->high));
            }
        }
    }
}

static void each_row_has_a_name_a_help_and_the_interface_version(void **state) {
    (void)state;
    for (int i = 0; routers[i]; i++) {
        assert_int_equal(routers[i]->abi, DD_POLICY_ABI);
        assert_non_null(routers[i]->help);
        assert_ptr_equal(router_find(routers[i]->name), routers[i]);
    }
    assert_null(router_find("nearest"));
}

static void assert_refused(const char *name, bool allow_exec, enum error_code code, const char *text,
                           const char *hint) {
    struct position pos = {"scenario.yaml", 7, 3};
    struct error err = {0};
    assert_null(router_load(name, allow_exec, &pos, &err));
    assert_int_equal(err.code, code);
    assert_int_equal(err.line, 7);
    if (!strstr(err.expected, text) || !strstr(err.hint, hint)) {
        fail_msg("'%s', '%s'", err.expected, err.hint);
    }
}

static void an_unknown_router_is_answered_with_the_known_and_the_nearest(void **state) {
    (void)state;
    assert_refused("least-outstandin", false, ERROR_INVALID, "least-outstanding, least-tokens",
                   "did you mean 'least-outstanding'?");
    assert_refused("fastest", false, ERROR_INVALID, "round-robin", "");
}

static void code_is_loaded_only_when_allowed_and_when_it_is_a_router(void **state) {
    (void)state;
    assert_refused("./no-such-router.so", false, ERROR_INVALID, "code", "--allow-exec");
    assert_refused("./no-such-router.so", true, ERROR_FAILED, "no-such-router.so", "");
    static const char *const stranger = "/usr/lib/x86_64-linux-gnu/libz.so.1"; /* the tests link it */
    if (access(stranger, R_OK) == 0) {
        assert_refused(stranger, true, ERROR_FAILED, "exports no symbol dd_router", "drydock_policy.h");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_robin_takes_each_in_turn),
        cmocka_unit_test(round_robin_keeps_its_place_when_replicas_come_and_go),
        cmocka_unit_test(random_chooses_by_its_first_draw_alone_and_evenly),
        cmocka_unit_test(least_outstanding_takes_the_emptiest_and_then_the_lowest),
        cmocka_unit_test(power_of_two_draws_two_different_ones_and_takes_the_emptier),
        cmocka_unit_test(least_tokens_takes_the_fewest_prompt_tokens_then_requests_then_the_lowest),
        cmocka_unit_test(kv_usage_aware_weighs_short_queues_against_empty_caches),
        cmocka_unit_test(kv_usage_aware_leaves_long_queues_out_while_there_are_short_ones),
        cmocka_unit_test(kv_usage_aware_draws_among_the_best),
        cmocka_unit_test(weighted_spreads_each_share_smoothly),
        cmocka_unit_test(weighted_keeps_the_shares_when_replicas_come_and_go),
        cmocka_unit_test(weighted_uses_weight_zero_only_when_there_is_nothing_else),
        cmocka_unit_test(two_pool_sends_by_length_and_least_outstanding_within),
        cmocka_unit_test(every_router_answers_within_the_candidates),
        cmocka_unit_test(each_option_has_a_help_and_a_default_within_its_bounds),
        cmocka_unit_test(each_row_has_a_name_a_help_and_the_interface_version),
        cmocka_unit_test(an_unknown_router_is_answered_with_the_known_and_the_nearest),
        cmocka_unit_test(code_is_loaded_only_when_allowed_and_when_it_is_a_router),
    };
    return cmocka_run_group_tests_name("gateway/routers", tests, NULL, NULL);
}
