/* Session affinity: who moves when replicas come and go, and what a bound on load costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "gateway/router.h"

enum { SESSIONS = 20000, REPLICAS = 16 };

static struct dd_candidate replicas[REPLICAS];

static void *affine(double bound) {
    for (uint32_t i = 0; i < REPLICAS; i++) {
        replicas[i] = (struct dd_candidate){.replica = 3 * i + 1};
    }
    struct dd_option_value values[] = {{.number = bound}};
    return router_session_affinity.create(values);
}

/* The number of the replica that a session goes to. */
static uint32_t home_of(void *s, uint64_t session, const struct dd_candidate *c, uint32_t count) {
    struct dd_route_request request = {.id = session * 31, .session = session};
    return c[router_session_affinity.choose(s, &request, c, count, NULL)].replica;
}

static void a_session_stays_whatever_the_load(void **state) {
    (void)state;
    void *s = affine(INFINITY);
    uint32_t home = home_of(s, 77, replicas, REPLICAS);
    for (uint32_t i = 0; i < REPLICAS; i++) {
        replicas[i].outstanding = replicas[i].replica == home ? 1000 : 0;
    }
    assert_int_equal(home_of(s, 77, replicas, REPLICAS), home);
    router_session_affinity.destroy(s);
}

static void sessions_are_spread_evenly(void **state) {
    (void)state;
    void *s = affine(INFINITY);
    double counts[3 * REPLICAS] = {0};
    for (uint64_t session = 1; session <= SESSIONS; session++) {
        counts[home_of(s, session, replicas, REPLICAS)]++;
    }
    double expected = (double)SESSIONS / REPLICAS;
    double chi2 = 0;
    for (uint32_t i = 0; i < REPLICAS; i++) {
        double off = counts[replicas[i].replica] - expected;
        chi2 += off * off / expected;
    }
    assert_true(chi2 < 44.3); /* 15 degrees of freedom, 99.99 % */
    router_session_affinity.destroy(s);
}

/* Takes the replica at index 5 away, read one way; adds it, read the other. */
static void only_the_sessions_of_the_changed_replica_move(void **state) {
    (void)state;
    void *s = affine(INFINITY);
    struct dd_candidate without[REPLICAS];
    uint32_t left = 0;
    for (uint32_t i = 0; i < REPLICAS; i++) {
        if (i != 5) {
            without[left++] = replicas[i];
        }
    }
    uint32_t moved = 0;
    uint32_t heirs[3 * REPLICAS] = {0};
    for (uint64_t session = 1; session <= SESSIONS; session++) {
        uint32_t before = home_of(s, session, replicas, REPLICAS);
        uint32_t after = home_of(s, session, without, left);
        if (before == replicas[5].replica) {
            moved++;
            heirs[after]++;
        } else {
            assert_int_equal(after, before);
        }
    }
    assert_in_range(moved, SESSIONS / REPLICAS * 8 / 10, SESSIONS / REPLICAS * 12 / 10);
    for (uint32_t i = 0; i < left; i++) { /* all the others share in them */
        assert_in_range(heirs[without[i].replica], moved / 30, moved / 7);
    }
    router_session_affinity.destroy(s);
}

static void the_order_of_candidates_is_nothing_to_a_session(void **state) {
    (void)state;
    void *s = affine(INFINITY);
    struct dd_candidate turned[REPLICAS];
    for (uint32_t i = 0; i < REPLICAS; i++) {
        turned[i] = replicas[REPLICAS - 1 - i];
    }
    for (uint64_t session = 1; session <= 500; session++) {
        assert_int_equal(home_of(s, session, turned, REPLICAS), home_of(s, session, replicas, REPLICAS));
    }
    router_session_affinity.destroy(s);
}

static void a_request_of_no_session_goes_to_the_least_busy(void **state) {
    (void)state;
    void *s = affine(1.25);
    for (uint32_t i = 0; i < REPLICAS; i++) {
        replicas[i].outstanding = 5 - (i == 11);
    }
    assert_int_equal(home_of(s, 0, replicas, REPLICAS), replicas[11].replica);
    router_session_affinity.destroy(s);
}

/* One session, nothing is ever answered: the load stays below the bound's, at every step. */
static void a_hot_session_spills_when_its_replica_is_at_the_bound(void **state) {
    (void)state;
    static const double bounds[] = {1, 1.1, 1.25, 2};
    for (int b = 0; b < 4; b++) {
        void *s = affine(bounds[b]);
        for (uint32_t sent = 1; sent <= 2000; sent++) {
            uint32_t home = home_of(s, 42, replicas, REPLICAS);
            for (uint32_t i = 0; i < REPLICAS; i++) {
                replicas[i].outstanding += replicas[i].replica == home;
                assert_true(replicas[i].outstanding <= ceil(bounds[b] * sent / REPLICAS));
            }
        }
        router_session_affinity.destroy(s);
    }
}

static void a_bound_leaves_sessions_alone_that_are_below_it(void **state) {
    (void)state;
    void *s = affine(INFINITY);
    void *bounded = affine(1.5);
    for (uint32_t i = 0; i < REPLICAS; i++) {
        replicas[i].outstanding = 10 + i % 3; /* a mean of 11, 16 at most */
    }
    for (uint64_t session = 1; session <= 500; session++) {
        assert_int_equal(home_of(bounded, session, replicas, REPLICAS),
                         home_of(s, session, replicas, REPLICAS));
    }
    router_session_affinity.destroy(s);
    router_session_affinity.destroy(bounded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_stays_whatever_the_load),
        cmocka_unit_test(sessions_are_spread_evenly),
        cmocka_unit_test(only_the_sessions_of_the_changed_replica_move),
        cmocka_unit_test(the_order_of_candidates_is_nothing_to_a_session),
        cmocka_unit_test(a_request_of_no_session_goes_to_the_least_busy),
        cmocka_unit_test(a_hot_session_spills_when_its_replica_is_at_the_bound),
        cmocka_unit_test(a_bound_leaves_sessions_alone_that_are_below_it),
    };
    return cmocka_run_group_tests_name("gateway/router_session_affinity", tests, NULL, NULL);
}
