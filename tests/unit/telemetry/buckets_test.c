#include "telemetry/buckets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static void an_edge_belongs_to_its_bucket(void **state) {
    (void)state;
    assert_int_equal(bucket_of(&vllm_first_token_edges, 0), 0);
    assert_int_equal(bucket_of(&vllm_first_token_edges, SIMTIME_SECOND / 1000), 0);
    assert_int_equal(bucket_of(&vllm_first_token_edges, SIMTIME_SECOND / 1000 + 1), 1);
    assert_int_equal(bucket_of(&vllm_first_token_edges, 2560 * SIMTIME_SECOND), 21);
    assert_int_equal(bucket_of(&vllm_first_token_edges, 2560 * SIMTIME_SECOND + 1), 22);
}

static void edges_ascend(void **state) {
    (void)state;
    const struct bucket_edges *all[] = {&vllm_first_token_edges, &vllm_token_gap_edges, &vllm_request_edges,
                                        &vllm_step_token_edges};
    for (size_t k = 0; k < 4; k++) {
        assert_true(all[k]->count <= BUCKETS_MAX);
        for (size_t i = 1; i < all[k]->count; i++) {
            assert_true(all[k]->at[i - 1] < all[k]->at[i]);
        }
    }
}

static void edges_of_tokens_end_at_the_longest_model_length(void **state) {
    (void)state;
    int64_t at[BUCKETS_MAX];
    struct bucket_edges edges = vllm_request_token_edges(8192, at);
    assert_int_equal(edges.count, 12); /* 1 2 5 ... 5000 */
    assert_int_equal(edges.at[11], 5000);
    assert_int_equal(vllm_request_token_edges(0, at).count, 0);
    assert_int_equal(vllm_request_token_edges(1, at).count, 1);
}

/* A progression counts as its values one by one. */
static void a_progression_is_its_values(void **state) {
    (void)state;
    struct rng rng = rng_stream_id(7, RNG_SERVICE, 1);
    for (int round = 0; round < 2000; round++) {
        uint64_t at_once[TOKEN_GAP_BUCKETS] = {0}, single[TOKEN_GAP_BUCKETS] = {0};
        int64_t first = (int64_t)(rng_uniform(&rng) * 1e11);
        int64_t increment = round % 3 ? (int64_t)(rng_uniform(&rng) * 1e9) : 0;
        uint64_t steps = (uint64_t)(rng_uniform(&rng) * 300);
        buckets_add(&vllm_token_gap_edges, at_once, first, increment, steps, 3);
        for (uint64_t i = 0; i < steps; i++) {
            single[bucket_of(&vllm_token_gap_edges, first + (int64_t)i * increment)] += 3;
        }
        assert_memory_equal(at_once, single, sizeof single);
    }
}

/* Whatever bucket was counted into before. */
static void gaps_are_counted_as_if_nothing_was_remembered(void **state) {
    (void)state;
    struct rng rng = rng_stream_id(8, RNG_SERVICE, 1);
    struct token_gaps gaps = {0};
    uint64_t plain[TOKEN_GAP_BUCKETS] = {0};
    for (int round = 0; round < 5000; round++) {
        int64_t first = round % 7 ? (int64_t)(rng_uniform(&rng) * 6e10) : vllm_token_gap_edges.at[round % 19];
        int64_t increment = round % 2 ? (int64_t)(rng_uniform(&rng) * 1e8) : 0;
        uint64_t steps = 1 + (uint64_t)(rng_uniform(&rng) * 50);
        token_gaps_add(&gaps, first, increment, steps, 2);
        buckets_add(&vllm_token_gap_edges, plain, first, increment, steps, 2);
        assert_memory_equal(gaps.counts, plain, sizeof plain);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edge_belongs_to_its_bucket),
        cmocka_unit_test(edges_ascend),
        cmocka_unit_test(edges_of_tokens_end_at_the_longest_model_length),
        cmocka_unit_test(a_progression_is_its_values),
        cmocka_unit_test(gaps_are_counted_as_if_nothing_was_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
