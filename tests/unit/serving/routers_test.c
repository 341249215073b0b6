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
#include "serving/router.h"

static const struct dd_route_request nobody;

static uint32_t route(const struct dd_router_ops *ops, void *state, const struct dd_candidate *candidates,
                      uint32_t count, double u, double v) {
    double uniform[2] = {u, v};
    return ops->choose(state, &nobody, candidates, count, uniform);
}

static void round_robin_takes_each_in_turn(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 4}, {.replica = 1}, {.replica = 9}};
    void *s = router_round_robin.create();
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
    void *s = router_round_robin.create();
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
    struct dd_candidate c[] = {{.replica = 7, .outstanding = 2},
                               {.replica = 5, .outstanding = 1},
                               {.replica = 3, .outstanding = 1},
                               {.replica = 9, .outstanding = 4}};
    assert_int_equal(route(&router_least_outstanding, NULL, c, 4, 0, 0), 2);
    c[3].outstanding = 0;
    assert_int_equal(route(&router_least_outstanding, NULL, c, 4, 0, 0), 3);
    assert_int_equal(route(&router_least_outstanding, NULL, c, 1, 0, 0), 0);
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

static void every_router_answers_within_the_candidates(void **state) {
    (void)state;
    struct rng rng = rng_stream_id(4, RNG_TEST, 0);
    for (int i = 0; routers[i]; i++) {
        void *s = routers[i]->create ? routers[i]->create() : NULL;
        for (int k = 0; k < 2000; k++) {
            struct dd_candidate c[9];
            uint32_t count = 1 + (uint32_t)rng_below(&rng, 9);
            for (uint32_t j = 0; j < count; j++) {
                c[j] = (struct dd_candidate){.replica = 20 - 2 * j, .outstanding = rng_u32(&rng) % 4};
            }
            assert_true(route(routers[i], s, c, count, rng_uniform(&rng), rng_uniform(&rng)) < count);
        }
        if (routers[i]->destroy) {
            routers[i]->destroy(s);
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
    assert_refused("least-outstandin", false, ERROR_INVALID, "least-outstanding, power-of-two",
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
        cmocka_unit_test(every_router_answers_within_the_candidates),
        cmocka_unit_test(each_row_has_a_name_a_help_and_the_interface_version),
        cmocka_unit_test(an_unknown_router_is_answered_with_the_known_and_the_nearest),
        cmocka_unit_test(code_is_loaded_only_when_allowed_and_when_it_is_a_router),
    };
    return cmocka_run_group_tests_name("serving/routers", tests, NULL, NULL);
}
