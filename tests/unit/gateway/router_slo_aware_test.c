/* The router that predicts: what it knows before it has seen anything, whom it prefers once it has, and the
 * cases of llm-d's latency-scorer and headroom tier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "gateway/router.h"

#define OPS router_slo_aware

enum { OPTIONS_MAX = 24 };
struct setting {
    const char *name;
    double value;
};

/* With its defaults, without luck (the highest score, no standard deviations), and with these. */
static void *create(const struct setting *set) {
    static const struct setting plain[] = {{"picker", 1}, {"deviations", 0}, {NULL, 0}};
    struct dd_option_value values[OPTIONS_MAX] = {{0}};
    for (int i = 0; OPS.options[i].name; i++) {
        values[i].number = OPS.options[i].fallback;
        for (int k = 0; plain[k].name; k++) {
            values[i].number =
                strcmp(plain[k].name, OPS.options[i].name) == 0 ? plain[k].value : values[i].number;
        }
        for (int k = 0; set && set[k].name; k++) {
            values[i].number =
                strcmp(set[k].name, OPS.options[i].name) == 0 ? set[k].value : values[i].number;
        }
    }
    return OPS.create(values);
}

static uint64_t next_id;

static uint32_t route(void *s, const struct dd_candidate *c, uint32_t count, double ttft_s, double tpot_s,
                      double u, double v) {
    struct dd_route_request r = {.id = ++next_id, .input_tokens = 100, .ttft_s = ttft_s, .tpot_s = tpot_s};
    double uniform[2] = {u, v};
    return OPS.choose(s, &r, c, count, uniform);
}

/* A pool where each request that waits costs 6.4 s, each that is there 64 ms a token: 0.1 s and 1 ms on the
 * scale of the features. */
static void train(void *s) {
    struct rng rng = rng_stream_id(5, RNG_TEST, 0);
    for (int i = 0; i < 1500; i++) {
        struct dd_candidate c = {.waiting = (uint32_t)rng_below(&rng, 20)};
        c.outstanding = c.waiting + (uint32_t)rng_below(&rng, 20);
        route(s, &c, 1, 1, 1, 0.5, 0.5);
        double tpot_s = 0.001 * c.outstanding;
        struct dd_route_report report = {.id = next_id, .tokens = 1, .at_s = 0.1 * c.waiting};
        OPS.first_token(s, &report);
        report.tokens = 11;
        report.at_s += 10 * tpot_s;
        OPS.ended(s, &report);
    }
}

static void without_predictions_it_goes_by_kv_queue_and_prefix(void **state) {
    (void)state;
    /* TestScoreCompositeFallback */
    struct dd_candidate c[] = {{.replica = 0, .kv_permille = 800, .waiting = 5, .outstanding = 10},
                               {.replica = 1, .kv_permille = 200, .waiting = 0, .outstanding = 3}};
    void *s = create(NULL);
    assert_int_equal(route(s, c, 2, 1, 1, 0.5, 0.5), 1);
    OPS.destroy(s);
}

static void of_those_that_keep_the_promise_the_closest_to_it_or_the_furthest(void **state) {
    (void)state;
    static const struct setting most[] = {{"headroom_selection_strategy", 1}, {NULL, 0}};
    struct dd_candidate c[] = {{.replica = 1, .waiting = 2, .outstanding = 10},
                               {.replica = 2, .waiting = 8, .outstanding = 10},
                               {.replica = 3, .waiting = 15, .outstanding = 20},
                               {.replica = 4, .waiting = 5, .outstanding = 10}};
    void *s = create(NULL);
    train(s);
    assert_int_equal(route(s, c, 4, 1, INFINITY, 0.5, 0.5), 1); /* 0.8 s of 1 */
    assert_int_equal(route(s, c, 4, 2, INFINITY, 0.5, 0.5), 2);
    OPS.destroy(s);
    s = create(most);
    train(s);
    assert_int_equal(route(s, c, 4, 1, INFINITY, 0.5, 0.5), 0);
    OPS.destroy(s);
}

static void when_none_keeps_it_an_idle_one_and_then_the_least_broken(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 1, .waiting = 19, .outstanding = 38}, /* breaks both */
                               {.replica = 2, .waiting = 10, .outstanding = 12}, /* TTFT */
                               {.replica = 3, .waiting = 1, .outstanding = 30},  /* TPOT */
                               {.replica = 4, .waiting = 1, .outstanding = 25},  /* TPOT, less */
                               {.replica = 5}};
    void *s = create(NULL);
    train(s);
    assert_int_equal(route(s, c, 4, 0.5, 0.020, 0.5, 0.5), 3);
    assert_int_equal(route(s, c, 2, 0.5, 0.020, 0.5, 0.5), 1);
    assert_int_equal(route(s, c, 1, 0.5, 0.020, 0.5, 0.5), 0);
    /* an idle one that breaks both, since nobody can keep this */
    assert_int_equal(route(s, c, 5, -1, -1, 0.5, 0.5), 4);
    OPS.destroy(s);
}

static void one_in_a_hundred_looks_at_the_other_tier(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 1, .waiting = 2, .outstanding = 10},
                               {.replica = 2, .waiting = 15, .outstanding = 20}};
    void *s = create(NULL);
    train(s);
    assert_int_equal(route(s, c, 2, 1, INFINITY, 0.0101, 0.5), 0);
    assert_int_equal(route(s, c, 2, 1, INFINITY, 0.0099, 0.5), 1);
    OPS.destroy(s);
}

static void a_weighted_draw_follows_the_scores(void **state) {
    (void)state;
    static const struct setting drawn[] = {{"picker", 0}, {NULL, 0}};
    struct dd_candidate c[] = {{.replica = 1, .waiting = 8, .outstanding = 10},
                               {.replica = 2, .waiting = 2, .outstanding = 10},
                               {.replica = 3, .waiting = 15, .outstanding = 20}};
    void *s = create(drawn);
    train(s);
    /* scores 101 and 1 hundredths, and none for the one that breaks the promise */
    assert_int_equal(route(s, c, 3, 1, INFINITY, 0.5, 100.5 / 102), 0);
    assert_int_equal(route(s, c, 3, 1, INFINITY, 0.5, 101.5 / 102), 1);
    OPS.destroy(s);
}

/* A prompt that a replica has had sticks to it while it is not slower by more than the penalty. */
static void a_known_prompt_sticks_up_to_a_penalty(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 1, .waiting = 1, .outstanding = 1},
                               {.replica = 2, .waiting = 2, .outstanding = 2},
                               {.replica = 3, .waiting = 8, .outstanding = 8}};
    void *s = create(NULL);
    train(s);
    uint64_t session = 99;
    double uniform[2] = {0.5, 0.5};
    struct dd_route_request r = {.id = 1u << 30, .input_tokens = 1600, .ttft_s = 10, .tpot_s = 100};
    r.prefix = &session;
    r.prefix_count = 1;
    r.prefix_tokens = UINT32_MAX;
    assert_int_equal(OPS.choose(s, &r, c, 1, uniform), 0);
    r.id++;
    assert_int_equal(OPS.choose(s, &r, c, 3, uniform), 0); /* and not 2, which is closer to the promise */
    r.ttft_s = 7;
    c[0].waiting = c[0].outstanding = 80; /* 8 s against 0.2 s */
    r.id++;
    assert_int_not_equal(OPS.choose(s, &r, c, 3, uniform), 0);
    OPS.destroy(s);
}

/* What is in flight before its first token is counted there, and no longer afterwards, however it ended. */
static void prompts_in_flight_are_work_before_the_next(void **state) {
    (void)state;
    struct dd_candidate c[] = {{.replica = 0}};
    void *s = create(NULL);
    struct rng rng = rng_stream_id(6, RNG_TEST, 0);
    double before = 0;
    uint64_t open[64];
    uint32_t count = 0;
    for (int i = 0; i < 4000; i++) { /* 100 prompt tokens are 0.1 s, here and before it */
        route(s, c, 1, 1, 1, 0.5, 0.5);
        struct dd_route_report report = {.id = next_id, .at_s = 0.1 + before};
        if (rng_below(&rng, 2) && count < 64) {
            open[count++] = next_id;
            before += 0.1;
            continue;
        }
        OPS.first_token(s, &report);
        OPS.ended(s, &report);
        while (count > 0 && rng_below(&rng, 2)) {
            report.id = open[--count];
            OPS.ended(s, &report); /* given up */
            before -= 0.1;
        }
    }
    while (count > 0) {
        struct dd_route_report report = {.id = open[--count]};
        OPS.ended(s, &report);
    }
    /* replica 1 has three prompts before it: 0.4 s; replica 2 none: 0.1 s, and keeps the promise */
    struct dd_candidate two[] = {{.replica = 1}, {.replica = 2}};
    for (int i = 0; i < 3; i++) {
        route(s, two, 1, 1, 1, 0.5, 0.5);
    }
    assert_int_equal(route(s, two, 2, 0.3, INFINITY, 0.5, 0.5), 1);
    OPS.destroy(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_predictions_it_goes_by_kv_queue_and_prefix),
        cmocka_unit_test(of_those_that_keep_the_promise_the_closest_to_it_or_the_furthest),
        cmocka_unit_test(when_none_keeps_it_an_idle_one_and_then_the_least_broken),
        cmocka_unit_test(one_in_a_hundred_looks_at_the_other_tier),
        cmocka_unit_test(a_weighted_draw_follows_the_scores),
        cmocka_unit_test(a_known_prompt_sticks_up_to_a_penalty),
        cmocka_unit_test(prompts_in_flight_are_work_before_the_next),
    };
    return cmocka_run_group_tests_name("gateway/router_slo_aware", tests, NULL, NULL);
}
