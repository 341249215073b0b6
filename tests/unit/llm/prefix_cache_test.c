/* The prefix cache against a second one that thinks in single blocks, and what can be said of it by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "llm/prefix_cache.h"

enum { BLOCK = 16, CHUNK = 64 };

static struct request request_of(const uint64_t *chunks, uint32_t count, uint32_t chunk_tokens,
                                 uint32_t input) {
    return (struct request){
        .chunks = chunks, .chunk_count = count, .chunk_tokens = chunk_tokens, .input_tokens = input};
}

/* Computes all of a prompt on a cache with so many free blocks; answers what is free then. */
static int64_t admit(struct prefix_cache *c, struct request *r, int64_t free_blocks) {
    struct prefix_match m = prefix_cache_match(c, r, r->input_tokens + r->generated);
    prefix_cache_hold(c, r, &m);
    r->cached_tokens = (uint32_t)m.tokens;
    int64_t blocks = ((int64_t)r->input_tokens + BLOCK - 1) / BLOCK;
    free_blocks -= m.evictable + blocks - m.tokens / BLOCK;
    r->blocks = (uint32_t)blocks;
    prefix_cache_trim(c, free_blocks);
    r->computed = r->input_tokens;
    prefix_cache_learn(c, r);
    return free_blocks;
}

static void the_same_prompt_is_found_but_for_its_last_token(void **state) {
    (void)state;
    struct prefix_cache *c = prefix_cache_create(BLOCK);
    const uint64_t chunks[] = {1, 2};
    struct request a = request_of(chunks, 2, CHUNK, 128), b = request_of(chunks, 2, CHUNK, 128);
    int64_t left = admit(c, &a, 100);
    assert_int_equal(a.cached_tokens, 0);
    assert_int_equal(left, 92);
    left += prefix_cache_release(c, &a);
    assert_int_equal(left, 100);
    assert_int_equal(prefix_cache_evictable(c), 8);
    left = admit(c, &b, left);
    assert_int_equal(b.cached_tokens, 112); /* its last block is computed again */
    left += prefix_cache_release(c, &b);
    assert_int_equal(left, 100);
    prefix_cache_destroy(c);
}

static void prompts_share_what_is_under_way(void **state) {
    (void)state;
    struct prefix_cache *c = prefix_cache_create(BLOCK);
    const uint64_t one[] = {1, 2}, other[] = {1, 3};
    struct request a = request_of(one, 2, CHUNK, 128), b = request_of(other, 2, CHUNK, 128);
    int64_t left = admit(c, &a, 100);
    left = admit(c, &b, left);
    assert_int_equal(b.cached_tokens, 64);
    assert_int_equal(left, 100 - 8 - 4);
    left += prefix_cache_release(c, &a);
    assert_int_equal(left, 100 - 8); /* the first chunk is b's too */
    assert_int_equal(prefix_cache_evictable(c), 4);
    left += prefix_cache_release(c, &b);
    assert_int_equal(left, 100);
    assert_int_equal(prefix_cache_evictable(c), 12);
    prefix_cache_destroy(c);
}

static void a_session_finds_its_answers_too(void **state) {
    (void)state;
    struct prefix_cache *c = prefix_cache_create(BLOCK);
    const uint64_t session[] = {77};
    struct request a = request_of(session, 1, REQUEST_CHUNK_SESSION, 100);
    int64_t left = admit(c, &a, 100);
    a.generated = 61;
    a.computed += 60;
    a.blocks += 3;
    left -= 3;
    left += prefix_cache_release(c, &a);
    assert_int_equal(left, 100);
    struct request b = request_of(session, 1, REQUEST_CHUNK_SESSION, 300);
    left = admit(c, &b, left);
    assert_int_equal(b.cached_tokens, 160);
    left += prefix_cache_release(c, &b);
    struct request shorter = request_of(session, 1, REQUEST_CHUNK_SESSION, 90);
    assert_int_equal(prefix_cache_match(c, &shorter, 90).tokens, 0); /* does not carry the history */
    prefix_cache_destroy(c);
}

static void the_longest_unused_goes_first_and_its_end_before_its_beginning(void **state) {
    (void)state;
    struct prefix_cache *c = prefix_cache_create(BLOCK);
    const uint64_t one[] = {1, 2}, other[] = {3};
    struct request a = request_of(one, 2, CHUNK, 128), b = request_of(other, 1, CHUNK, 64);
    int64_t left = admit(c, &a, 12);
    left += prefix_cache_release(c, &a);
    left = admit(c, &b, left);
    left += prefix_cache_release(c, &b);
    assert_int_equal(left, 12);
    prefix_cache_trim(c, 12);
    assert_int_equal(prefix_cache_match(c, &a, 1000).tokens, 128);
    prefix_cache_trim(c, 7); /* five go: a's second chunk and the end of its first */
    assert_int_equal(prefix_cache_match(c, &a, 1000).tokens, 48);
    assert_int_equal(prefix_cache_match(c, &b, 1000).tokens, 64);
    prefix_cache_trim(c, 3);
    assert_int_equal(prefix_cache_match(c, &a, 1000).tokens, 0);
    assert_int_equal(prefix_cache_match(c, &b, 1000).tokens, 48);
    prefix_cache_destroy(c);
}

/* ---- against single blocks ---- */

enum {
    PROMPTS = 40,
    ROOTS = 3,
    KEYS = 200,
    LENGTH_MAX = 6,
    RUNNING = 8,
    BLOCKS = 80,
    A_CHUNK = CHUNK / BLOCK
};

/* Every block of every chunk by itself: who uses it, and when it was last used. */
struct naive {
    struct {
        bool there;
        int users;
        uint64_t used;
    } block[KEYS][A_CHUNK];
    uint64_t clock;
};

static int64_t naive_evictable(const struct naive *n) {
    int64_t count = 0;
    for (int k = 0; k < KEYS; k++) {
        for (int i = 0; i < A_CHUNK; i++) {
            count += n->block[k][i].there && n->block[k][i].users == 0;
        }
    }
    return count;
}

static void naive_trim(struct naive *n, int64_t free_blocks) {
    while (naive_evictable(n) > free_blocks) {
        int key = -1, place = 0;
        for (int k = 0; k < KEYS; k++) {
            for (int i = 0; i < A_CHUNK; i++) {
                if (n->block[k][i].there && n->block[k][i].users == 0 &&
                    (key < 0 || n->block[k][i].used < n->block[key][place].used)) {
                    key = k;
                    place = i;
                }
            }
        }
        n->block[key][place].there = false;
    }
}

static int64_t naive_match(const struct naive *n, const struct request *r) {
    int64_t tokens = 0;
    for (uint32_t k = 0; k < r->chunk_count; k++) {
        for (int i = 0; i < A_CHUNK; i++) {
            if (tokens + BLOCK > (int64_t)r->input_tokens - 1 || !n->block[r->chunks[k]][i].there) {
                return tokens;
            }
            tokens += BLOCK;
        }
    }
    return tokens;
}

/* The blocks of a prompt that the cache knows of: counted as used or given back, the last one first. */
static void naive_use(struct naive *n, const struct request *r, uint32_t held, int change) {
    for (uint32_t k = held; k-- > 0;) {
        for (int i = A_CHUNK; i-- > 0;) {
            if (n->block[r->chunks[k]][i].there) {
                n->block[r->chunks[k]][i].users += change;
                n->block[r->chunks[k]][i].used = ++n->clock;
            }
        }
    }
}

static void random_prompts_agree_with_single_blocks(void **state) {
    (void)state;
    uint64_t hits = 0, evictions = 0;
    for (uint64_t round = 0; round < 200; round++) {
        struct rng rng = rng_stream_id(3, RNG_TEST, round);
        static uint64_t prompts[PROMPTS][LENGTH_MAX];
        static struct request running[RUNNING];
        static struct naive n;
        uint32_t lengths[PROMPTS];
        memset(&n, 0, sizeof n);
        memset(running, 0, sizeof running);
        for (int p = 0; p < PROMPTS; p++) { /* a tree of keys: each stands at one place, after one other */
            lengths[p] = 1 + (uint32_t)rng_below(&rng, LENGTH_MAX);
            prompts[p][0] = rng_below(&rng, ROOTS);
            for (int k = 1; k < LENGTH_MAX; k++) {
                prompts[p][k] = 2 * prompts[p][k - 1] + ROOTS + rng_below(&rng, 2);
            }
        }
        struct prefix_cache *c = prefix_cache_create(BLOCK);
        int64_t left = BLOCKS;
        for (int step = 0; step < 300; step++) {
            struct request *r = &running[rng_below(&rng, RUNNING)];
            if (r->blocks) {
                uint32_t held = r->held_chunks;
                left += prefix_cache_release(c, r);
                naive_use(&n, r, held, -1);
                r->blocks = 0;
            } else {
                uint64_t p = rng_below(&rng, PROMPTS);
                *r = request_of(prompts[p], lengths[p], CHUNK, lengths[p] * CHUNK);
                int64_t found = naive_match(&n, r);
                struct prefix_match m = prefix_cache_match(c, r, r->input_tokens);
                assert_int_equal(m.tokens, found);
                int64_t need = (int64_t)r->input_tokens / BLOCK - found / BLOCK + m.evictable;
                if (need > left) {
                    r->input_tokens = 0;
                    continue;
                }
                prefix_cache_hold(c, r, &m);
                naive_use(&n, r, m.chunks, 1);
                left -= need;
                int64_t before = naive_evictable(&n);
                r->blocks = r->input_tokens / BLOCK;
                prefix_cache_trim(c, left);
                naive_trim(&n, left);
                evictions += (uint64_t)(before - naive_evictable(&n));
                hits += (uint64_t)found;
                r->computed = r->input_tokens;
                uint32_t known = r->held_chunks;
                prefix_cache_learn(c, r);
                for (uint32_t k = 0; k < r->held_chunks; k++) {
                    for (int i = 0; i < A_CHUNK; i++) {
                        bool had = n.block[r->chunks[k]][i].there;
                        n.block[r->chunks[k]][i].users += k >= known || !had;
                        n.block[r->chunks[k]][i].there = true;
                    }
                }
            }
            assert_int_equal(prefix_cache_evictable(c), naive_evictable(&n));
        }
        for (int i = 0; i < RUNNING; i++) {
            left += running[i].blocks ? prefix_cache_release(c, &running[i]) : 0;
        }
        assert_int_equal(left, BLOCKS);
        prefix_cache_destroy(c);
    }
    print_message("  %llu tokens found, %llu blocks forgotten\n", (unsigned long long)hits,
                  (unsigned long long)evictions);
    assert_true(hits > 100000 && evictions > 10000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_prompt_is_found_but_for_its_last_token),
        cmocka_unit_test(prompts_share_what_is_under_way),
        cmocka_unit_test(a_session_finds_its_answers_too),
        cmocka_unit_test(the_longest_unused_goes_first_and_its_end_before_its_beginning),
        cmocka_unit_test(random_prompts_agree_with_single_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
