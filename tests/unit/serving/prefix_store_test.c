/* Blocks of past prompts outside of GPUs: who goes when room is needed, when what is sent arrives. */
#include "serving/prefix_store.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"

static struct prefix_store *s;

static void open_store(double bytes, double bytes_per_s) {
    s = prefix_store_create(&(struct prefix_store_limits){.bytes = bytes, .bytes_per_s = bytes_per_s});
}

static int close_store(void **state) {
    (void)state;
    prefix_store_destroy(s);
    return 0;
}

static void what_is_put_is_found_when_it_has_arrived(void **state) {
    (void)state;
    open_store(INFINITY, 100);
    assert_true(prefix_store_put(s, 7, 4, 50, 0) == 200);
    assert_int_equal(prefix_store_find(s, 7, 2 * SIMTIME_SECOND - 1), 0);
    assert_int_equal(prefix_store_find(s, 7, 2 * SIMTIME_SECOND), 4);
    assert_int_equal(prefix_store_find(s, 8, 2 * SIMTIME_SECOND), 0);
    /* Two blocks more: the first four stay there meanwhile. */
    assert_true(prefix_store_put(s, 7, 6, 50, 3 * SIMTIME_SECOND) == 100);
    assert_int_equal(prefix_store_find(s, 7, 3 * SIMTIME_SECOND), 4);
    assert_int_equal(prefix_store_find(s, 7, 4 * SIMTIME_SECOND), 6);
    assert_true(prefix_store_put(s, 7, 5, 50, 5 * SIMTIME_SECOND) == 0); /* known */
}

static void transfers_queue_each_way_for_itself(void **state) {
    (void)state;
    open_store(INFINITY, 100);
    assert_int_equal(prefix_store_fetch(s, 0, 300), 3 * SIMTIME_SECOND);
    assert_int_equal(prefix_store_fetch(s, SIMTIME_SECOND, 100), 4 * SIMTIME_SECOND);
    assert_int_equal(prefix_store_fetch(s, 9 * SIMTIME_SECOND, 100), 10 * SIMTIME_SECOND);
    prefix_store_put(s, 1, 1, 100, 0);
    assert_int_equal(prefix_store_find(s, 1, SIMTIME_SECOND), 1);
}

static void the_longest_unused_goes_first_and_its_last_blocks_before_its_first(void **state) {
    (void)state;
    open_store(10, 1e9);
    prefix_store_put(s, 1, 4, 1, 0);
    prefix_store_put(s, 2, 4, 1, 0);
    prefix_store_touch(s, 1);
    prefix_store_put(s, 3, 3, 1, 0);
    assert_int_equal(prefix_store_find(s, 1, SIMTIME_SECOND), 4);
    assert_int_equal(prefix_store_find(s, 2, SIMTIME_SECOND), 3);
    assert_int_equal(prefix_store_find(s, 3, SIMTIME_SECOND), 3);
    assert_true(prefix_store_bytes(s) == 10);
    assert_true(prefix_store_put(s, 4, 11, 1, 0) == 0); /* more than it holds */
    assert_int_equal(prefix_store_find(s, 1, SIMTIME_SECOND), 4);
}

/* ---- against an array that is looked through ---- */

enum { KEYS = 40 };
struct naive {
    uint64_t used[KEYS]; /* when last; 0 = not there */
    uint32_t blocks[KEYS];
    uint64_t now;
    int64_t held, most;
};

static void naive_put(struct naive *n, uint64_t key, uint32_t blocks) {
    n->used[key] = ++n->now;
    if (blocks > n->blocks[key]) {
        n->held += blocks - n->blocks[key];
        n->blocks[key] = blocks;
    }
    while (n->held > n->most) {
        size_t oldest = KEYS;
        for (size_t k = 0; k < KEYS; k++) {
            if (n->blocks[k] > 0 && (oldest == KEYS || n->used[k] < n->used[oldest])) {
                oldest = k;
            }
        }
        n->blocks[oldest]--;
        n->held--;
    }
}

static void random_use_equals_a_naive_reading(void **state) {
    (void)state;
    open_store(100, 1e12);
    struct naive n = {.most = 100};
    struct rng rng = rng_stream_id(5, RNG_TEST, 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t key = rng_below(&rng, KEYS);
        if (rng_below(&rng, 3) > 0) {
            uint32_t blocks = 1 + (uint32_t)rng_below(&rng, 30);
            prefix_store_put(s, key, blocks, 1, 0);
            naive_put(&n, key, blocks);
        } else {
            prefix_store_touch(s, key);
            n.used[key] = n.blocks[key] > 0 ? ++n.now : 0;
        }
        uint64_t chunks = 0;
        for (uint64_t k = 0; k < KEYS; k++) {
            assert_int_equal(prefix_store_find(s, k, SIMTIME_SECOND), n.blocks[k]);
            chunks += n.blocks[k] > 0;
        }
        assert_true(prefix_store_bytes(s) == (double)n.held);
        assert_int_equal(prefix_store_chunks(s), chunks);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_put_is_found_when_it_has_arrived, close_store),
        cmocka_unit_test_teardown(transfers_queue_each_way_for_itself, close_store),
        cmocka_unit_test_teardown(the_longest_unused_goes_first_and_its_last_blocks_before_its_first,
                                  close_store),
        cmocka_unit_test_teardown(random_use_equals_a_naive_reading, close_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
