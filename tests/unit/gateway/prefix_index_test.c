/* The gateway's guess of what replicas' prefix caches hold: blocks, matches, what goes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "gateway/prefix_index.h"

static struct prefix_index *make(uint32_t block_tokens, uint32_t blocks_most, uint64_t capacity,
                                 bool is_tree) {
    struct prefix_index_config config = {block_tokens, blocks_most, capacity, is_tree};
    return prefix_index_create(&config);
}

static struct dd_route_request pieces(const uint64_t *keys, uint32_t count, uint32_t piece_tokens,
                                      uint32_t input_tokens) {
    return (struct dd_route_request){
        .prefix = keys, .prefix_count = count, .prefix_tokens = piece_tokens, .input_tokens = input_tokens};
}

static struct dd_route_request turn(const uint64_t *session, uint32_t input_tokens) {
    return pieces(session, 1, UINT32_MAX, input_tokens);
}

static void sent(struct prefix_index *x, struct dd_route_request r, uint32_t replica) {
    static const struct dd_candidate all[16] = {{.replica = 0}};
    prefix_index_sent(x, &r, replica, all, 16);
}

static uint32_t match(struct prefix_index *x, struct dd_route_request r, uint32_t replica) {
    prefix_index_look(x, &r);
    return prefix_index_matched(x, replica);
}

/* As approximateprefix/plugin_test.go has it: 1.5 blocks make two, of which a longer prompt finds the full
 * one.
 */
static void a_block_that_was_not_full_is_another_one_in_a_longer_prompt(void **state) {
    (void)state;
    struct prefix_index *x = make(4, 256, 100, false);
    uint64_t session = 7;
    struct dd_route_request first = turn(&session, 6), second = turn(&session, 8);
    assert_int_equal(prefix_index_look(x, &first), 2);
    sent(x, first, 1);
    sent(x, first, 3);
    assert_int_equal(prefix_index_look(x, &second), 2);
    assert_int_equal(prefix_index_matched(x, 1), 1);
    assert_int_equal(prefix_index_matched(x, 2), 0);
    assert_int_equal(prefix_index_matched(x, 3), 1);
    assert_int_equal(match(x, first, 1), 2);
    prefix_index_destroy(x);
}

static void a_turn_finds_the_prompt_before_and_no_answer(void **state) {
    (void)state;
    struct prefix_index *x = make(16, 256, 31250, false);
    uint64_t session = 7, other = 8;
    sent(x, turn(&session, 320), 0);
    assert_int_equal(match(x, turn(&session, 640), 0), 20);
    sent(x, turn(&session, 640), 5);
    assert_int_equal(match(x, turn(&session, 1280), 5), 40);
    assert_int_equal(match(x, turn(&session, 1280), 0), 20);
    assert_int_equal(match(x, turn(&other, 1280), 5), 0);
    prefix_index_destroy(x);
}

static void what_lies_beyond_the_blocks_looked_at_is_not_seen(void **state) {
    (void)state;
    struct prefix_index *x = make(16, 256, 31250, false);
    uint64_t session = 7;
    struct dd_route_request r = turn(&session, 100000);
    assert_int_equal(prefix_index_look(x, &r), 256);
    sent(x, r, 0);
    assert_int_equal(match(x, r, 0), 256);
    prefix_index_destroy(x);
}

static void short_prompts_and_those_of_no_known_prefix_have_no_blocks(void **state) {
    (void)state;
    struct prefix_index *x = make(16, 256, 31250, false);
    uint64_t session = 7;
    struct dd_route_request r = turn(&session, 15), none = {.input_tokens = 1000};
    assert_int_equal(prefix_index_look(x, &r), 0);
    assert_int_equal(prefix_index_look(x, &none), 0);
    sent(x, r, 0);
    sent(x, none, 0);
    assert_int_equal(prefix_index_entries(x), 0);
    prefix_index_destroy(x);
}

static void pieces_match_up_to_the_first_that_nobody_has(void **state) {
    (void)state;
    struct prefix_index *x = make(16, 256, 31250, false);
    static const uint64_t a[] = {1, 2, 3, 4}, b[] = {1, 2, 9, 4};
    sent(x, pieces(a, 4, 32, 120), 0); /* the last piece is of 24 tokens */
    assert_int_equal(match(x, pieces(a, 4, 32, 120), 0), 8);
    assert_int_equal(match(x, pieces(b, 4, 32, 120), 0), 4);
    sent(x, pieces(b, 3, 32, 96), 1);
    /* the list counts what a replica has of what somebody has */
    assert_int_equal(match(x, pieces(b, 4, 32, 120), 0), 6);
    assert_int_equal(match(x, pieces(b, 4, 32, 120), 1), 6);
    prefix_index_destroy(x);
    x = make(16, 256, 31250, true);
    sent(x, pieces(a, 4, 32, 120), 0);
    sent(x, pieces(b, 3, 32, 96), 1);
    assert_int_equal(match(x, pieces(b, 4, 32, 120), 0), 4); /* a tree's match has no gap */
    assert_int_equal(match(x, pieces(b, 4, 32, 120), 1), 6);
    prefix_index_destroy(x);
}

/* indexer_test.go: full at ten, the eleventh drops the oldest, of that replica alone. */
static void the_least_recently_sent_goes_first_and_other_replicas_keep_theirs(void **state) {
    (void)state;
    struct prefix_index *x = make(16, 256, 10, false);
    uint64_t keys[11];
    for (uint64_t i = 0; i < 11; i++) {
        keys[i] = 100 + i;
    }
    for (int i = 0; i < 10; i++) {
        sent(x, pieces(&keys[i], 1, 16, 16), 0);
        sent(x, pieces(&keys[i], 1, 16, 16), 1);
    }
    assert_int_equal(prefix_index_entries(x), 20);
    sent(x, pieces(&keys[10], 1, 16, 16), 0);
    assert_int_equal(prefix_index_entries(x), 20);
    assert_int_equal(match(x, pieces(&keys[0], 1, 16, 16), 0), 0);
    assert_int_equal(match(x, pieces(&keys[0], 1, 16, 16), 1), 1);
    sent(x, pieces(&keys[1], 1, 16, 16), 0); /* used again */
    sent(x, pieces(&keys[0], 1, 16, 16), 0);
    assert_int_equal(match(x, pieces(&keys[1], 1, 16, 16), 0), 1);
    assert_int_equal(match(x, pieces(&keys[2], 1, 16, 16), 0), 0);
    prefix_index_destroy(x);
}

static void a_list_loses_a_prompts_beginning_first_and_a_tree_its_end(void **state) {
    (void)state;
    static const uint64_t a[] = {1, 2, 3}, b[] = {9};
    struct prefix_index *list = make(16, 256, 3, false), *tree = make(16, 256, 3, true);
    sent(list, pieces(a, 3, 16, 48), 0);
    sent(list, pieces(b, 1, 16, 16), 0);
    assert_int_equal(match(list, pieces(a, 3, 16, 48), 0), 0);
    sent(tree, pieces(a, 3, 16, 48), 0);
    sent(tree, pieces(b, 1, 16, 16), 0);
    assert_int_equal(match(tree, pieces(a, 3, 16, 48), 0), 2);
    prefix_index_destroy(list);
    prefix_index_destroy(tree);
}

/* Replica numbers are never given again, so what was known of those that went would stay for ever. */
static void replicas_that_are_gone_are_forgotten(void **state) {
    (void)state;
    struct prefix_index *x = make(16, 256, 1000, false);
    for (uint32_t replica = 0; replica < 200; replica++) {
        const struct dd_candidate there[] = {{.replica = replica}};
        uint64_t session = 1000 + replica;
        struct dd_route_request r = turn(&session, 160);
        prefix_index_sent(x, &r, replica, there, 1);
        assert_true(prefix_index_entries(x) <= 11);
        assert_int_equal(match(x, r, replica), 10);
    }
    prefix_index_destroy(x);
}

/* Against a plain model: for each replica the blocks in the order of last use. */
enum { REPLICAS = 3, KEYS = 12, CAPACITY = 8 };
struct model {
    uint64_t keys[REPLICAS][CAPACITY + KEYS];
    uint32_t count[REPLICAS];
};

static bool model_has(const struct model *m, uint32_t replica, uint64_t key) {
    for (uint32_t i = 0; i < m->count[replica]; i++) {
        if (m->keys[replica][i] == key) {
            return true;
        }
    }
    return false;
}

static void model_use(struct model *m, uint32_t replica, uint64_t key) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->count[replica]; i++) {
        if (m->keys[replica][i] != key) {
            m->keys[replica][n++] = m->keys[replica][i];
        }
    }
    m->keys[replica][n++] = key;
    m->count[replica] = n;
}

static void model_trim(struct model *m, uint32_t replica) {
    uint32_t over = m->count[replica] > CAPACITY ? m->count[replica] - CAPACITY : 0;
    for (uint32_t i = 0; i + over < m->count[replica]; i++) {
        m->keys[replica][i] = m->keys[replica][i + over];
    }
    m->count[replica] -= over;
}

static uint32_t model_match(const struct model *m, uint32_t replica, const uint64_t *keys, uint32_t count) {
    uint32_t matched = 0;
    for (uint32_t k = 0; k < count; k++) {
        bool any = false;
        for (uint32_t i = 0; i < REPLICAS; i++) {
            any |= model_has(m, i, keys[k]);
        }
        if (!any) {
            break;
        }
        matched += model_has(m, replica, keys[k]);
    }
    return matched;
}

static void a_list_does_as_a_plain_model(void **state) {
    (void)state;
    struct prefix_index *x = make(16, 256, CAPACITY, false);
    struct model m = {.count = {0}};
    struct rng rng = rng_stream_id(11, RNG_TEST, 0);
    for (int step = 0; step < 5000; step++) {
        uint64_t keys[4];
        uint32_t count = 1 + (uint32_t)rng_below(&rng, 4);
        uint64_t first = rng_below(&rng, KEYS - 4);
        for (uint32_t k = 0; k < count; k++) {
            keys[k] = first + k;
        }
        struct dd_route_request r = pieces(keys, count, 16, 16 * count);
        prefix_index_look(x, &r);
        for (uint32_t replica = 0; replica < REPLICAS; replica++) {
            assert_int_equal(prefix_index_matched(x, replica), model_match(&m, replica, keys, count));
        }
        uint32_t to = (uint32_t)rng_below(&rng, REPLICAS);
        sent(x, r, to);
        for (uint32_t k = 0; k < count; k++) {
            model_use(&m, to, keys[k]);
        }
        model_trim(&m, to);
        assert_int_equal(prefix_index_entries(x), m.count[0] + m.count[1] + m.count[2]);
    }
    prefix_index_destroy(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_that_was_not_full_is_another_one_in_a_longer_prompt),
        cmocka_unit_test(a_turn_finds_the_prompt_before_and_no_answer),
        cmocka_unit_test(what_lies_beyond_the_blocks_looked_at_is_not_seen),
        cmocka_unit_test(short_prompts_and_those_of_no_known_prefix_have_no_blocks),
        cmocka_unit_test(pieces_match_up_to_the_first_that_nobody_has),
        cmocka_unit_test(the_least_recently_sent_goes_first_and_other_replicas_keep_theirs),
        cmocka_unit_test(a_list_loses_a_prompts_beginning_first_and_a_tree_its_end),
        cmocka_unit_test(replicas_that_are_gone_are_forgotten),
        cmocka_unit_test(a_list_does_as_a_plain_model),
    };
    return cmocka_run_group_tests_name("gateway/prefix_index", tests, NULL, NULL);
}
