/* Routers that go by what they have sent where: prefix-aware, cache-aware, longest-prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/router.h"

enum { SETTINGS_MAX = 8 };
struct setting {
    const char *name;
    double value;
};

/* The router with its defaults, and these. */
static void *create(const struct dd_router_ops *ops, const struct setting *set) {
    struct dd_option_value values[SETTINGS_MAX] = {{0}};
    for (int i = 0; ops->options[i].name; i++) {
        values[i].number = ops->options[i].fallback;
        for (int k = 0; set && set[k].name; k++) {
            values[i].number =
                strcmp(set[k].name, ops->options[i].name) == 0 ? set[k].value : values[i].number;
        }
    }
    return ops->create(values);
}

static uint32_t turn(const struct dd_router_ops *ops, void *s, const struct dd_candidate *c, uint32_t count,
                     uint64_t session, uint32_t tokens, double u) {
    struct dd_route_request r = {.session = session,
                                 .input_tokens = tokens,
                                 .prefix = &session,
                                 .prefix_count = 1,
                                 .prefix_tokens = UINT32_MAX};
    double uniform[2] = {u, 0};
    return ops->choose(s, &r, c, count, uniform);
}

/* ---- prefix-aware ---- */

static void prefix_aware_weighs_what_a_replica_has_had_against_queue_and_kv(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0, .kv_permille = 500}, {.replica = 1}, {.replica = 2}};
    void *s = create(&router_prefix_aware, NULL);
    /* all queues alike: 2, and KV 2 x 0.5 against 2 x 1, drawn among the latter */
    assert_int_equal(turn(&router_prefix_aware, s, c, 3, 7, 160, 0.4), 1);
    assert_int_equal(turn(&router_prefix_aware, s, c, 3, 8, 160, 0.6), 2);
    /* half of the prompt: 3 x 0.5 + 2 x 0.4 against 2, with equal queues */
    c[1].kv_permille = 600;
    assert_int_equal(turn(&router_prefix_aware, s, c, 3, 7, 320, 0), 1);
    /* 3 x 0.5 + 2 x 0.1 < 2: and from here on replica 2 has had it all */
    c[1].kv_permille = 900;
    assert_int_equal(turn(&router_prefix_aware, s, c, 3, 7, 640, 0), 2);
    /* all of it, 3, against the whole weight of a queue, 2, and what replica 1 has had of it, 1.5 */
    c[1].kv_permille = 0;
    c[2].waiting = 9;
    assert_int_equal(turn(&router_prefix_aware, s, c, 3, 7, 640, 0), 1);
    router_prefix_aware.destroy(s);
}

static void prefix_aware_without_a_prefix_is_kv_usage_aware(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0, .waiting = 0, .kv_permille = 900},
                               {.replica = 1, .waiting = 5, .kv_permille = 300},
                               {.replica = 2, .waiting = 10, .kv_permille = 0}};
    struct dd_route_request r = {.input_tokens = 1000};
    double uniform[2] = {0, 0};
    void *s = create(&router_prefix_aware, NULL);
    assert_int_equal(router_prefix_aware.choose(s, &r, c, 3, uniform), 1); /* 2.2, 2.4, 2.0 */
    router_prefix_aware.destroy(s);
}

/* ---- cache-aware: the cases of SGLang's own tests ---- */

static void cache_aware_keeps_a_prompt_where_it_was_while_loads_are_in_balance(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0}, {.replica = 1}};
    void *s = create(&router_cache_aware, NULL);
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 320, 0), 0);
    c[0].outstanding = 1;
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 320, 0), 0);
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 160, 0), 0); /* and what it begins with */
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 8, 320, 0), 1); /* no match: the least loaded */
    router_cache_aware.destroy(s);
}

static void cache_aware_goes_by_load_when_it_is_out_of_balance(void **state) {
    (void)state;
    static const struct setting set[] = {
        {"cache_threshold", 0.5}, {"balance_abs_threshold", 5}, {"balance_rel_threshold", 2}, {NULL, 0}};
    struct dd_candidate c[] = {{.replica = 0}, {.replica = 1}};
    void *s = create(&router_cache_aware, set);
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 320, 0), 0);
    c[0].outstanding = 5; /* not more than 5 above */
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 320, 0), 0);
    c[0].outstanding = 20;
    c[1].outstanding = 10; /* not more than twice as many */
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 320, 0), 0);
    c[0].outstanding = 21;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 320, 0), 1);
    }
    router_cache_aware.destroy(s);
}

static void cache_aware_asks_for_more_than_a_share_of_the_prompt(void **state) {
    (void)state;
    static const struct setting set[] = {{"cache_threshold", 0.5}, {NULL, 0}};
    struct dd_candidate c[] = {{.replica = 0}, {.replica = 1}};
    void *s = create(&router_cache_aware, set);
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 160, 0), 0);
    c[0].outstanding = 1;
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 304, 0), 0); /* 10 of 19 blocks */
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 608, 0), 1); /* 19 of 38 */
    router_cache_aware.destroy(s);
}

static void cache_aware_forgets_replicas_that_are_gone(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0}, {.replica = 1, .outstanding = 3}};
    void *s = create(&router_cache_aware, NULL);
    assert_int_equal(turn(&router_cache_aware, s, c, 2, 7, 320, 0), 0);
    assert_int_equal(turn(&router_cache_aware, s, c + 1, 1, 7, 320, 0), 0);
    router_cache_aware.destroy(s);
}

/* ---- longest-prefix ---- */

static void longest_prefix_follows_the_match_whatever_the_load(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0}, {.replica = 1}, {.replica = 2}};
    void *s = create(&router_longest_prefix, NULL);
    assert_int_equal(turn(&router_longest_prefix, s, c, 3, 7, 320, 0.5), 1); /* none: drawn */
    c[1].outstanding = c[1].waiting = 500;
    assert_int_equal(turn(&router_longest_prefix, s, c, 3, 7, 640, 0.99), 1);
    assert_int_equal(turn(&router_longest_prefix, s, c, 3, 8, 640, 0.99), 2);
    router_longest_prefix.destroy(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefix_aware_weighs_what_a_replica_has_had_against_queue_and_kv),
        cmocka_unit_test(prefix_aware_without_a_prefix_is_kv_usage_aware),
        cmocka_unit_test(cache_aware_keeps_a_prompt_where_it_was_while_loads_are_in_balance),
        cmocka_unit_test(cache_aware_goes_by_load_when_it_is_out_of_balance),
        cmocka_unit_test(cache_aware_asks_for_more_than_a_share_of_the_prompt),
        cmocka_unit_test(cache_aware_forgets_replicas_that_are_gone),
        cmocka_unit_test(longest_prefix_follows_the_match_whatever_the_load),
    };
    return cmocka_run_group_tests_name("gateway/prefix_routers", tests, NULL, NULL);
}
