#include "diary/diary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static struct request request(uint64_t id, simtime arrival, simtime e2e) {
    return (struct request){.id = id,
                            .arrival_ps = arrival,
                            .first_token_ps = arrival + e2e / 2,
                            .last_token_ps = arrival + e2e,
                            .input_tokens = 100,
                            .output_tokens = 3,
                            .status = REQUEST_COMPLETED,
                            .counted = true,
                            .watched = true};
}

static void the_slowest_come_first_and_ties_go_to_the_lower_id(void **state) {
    (void)state;
    struct diary_order order = {.slowest = 3};
    struct diary *d = diary_create(&order, &arena);
    static const simtime times[] = {5, 9, 9, 1, 7};
    for (uint64_t i = 0; i < 5; i++) {
        struct request r = request(9 - i, 100, times[i]);
        diary_look(d, &r);
    }
    uint64_t ids[DIARY_PAGES_MAX];
    assert_int_equal(diary_slowest(d, ids), 3);
    assert_int_equal(ids[0], 7);
    assert_int_equal(ids[1], 8);
    assert_int_equal(ids[2], 5);
    diary_free(d);
}

static void only_counted_requests_that_completed_are_slow(void **state) {
    (void)state;
    struct diary_order order = {.slowest = 1, .measure = DIARY_TTFT};
    struct diary *d = diary_create(&order, &arena);
    struct request warm_up = request(1, 0, 50), lost = request(2, 0, 50), fine = request(3, 0, 10);
    warm_up.counted = false;
    lost.status = REQUEST_FAILED;
    diary_look(d, &warm_up);
    diary_look(d, &lost);
    diary_look(d, &fine);
    uint64_t ids[DIARY_PAGES_MAX];
    assert_int_equal(diary_slowest(d, ids), 1);
    assert_int_equal(ids[0], 3);
    diary_free(d);
}

static void step(const struct watch *w, const struct request *r, simtime began, simtime ended,
                 enum watch_phase phase, int64_t computed, int64_t tokens) {
    struct watch_step s = {.began_ps = began,
                           .ended_ps = ended,
                           .phase = phase,
                           .computed = computed,
                           .tokens = tokens,
                           .makes_token = computed + tokens >= 100,
                           .decoding = phase == WATCH_DECODE,
                           .prefilling = phase != WATCH_DECODE,
                           .prefill_tokens = phase == WATCH_DECODE ? 0 : tokens};
    w->step(w->context, r, &s);
}

static bool says(const struct strbuf *text, const char *what) {
    if (!strstr(text->text, what)) {
        print_error("%s\nlacks: %s\n", text->text, what);
    }
    return strstr(text->text, what) != NULL;
}

/* 1 s up, 2 s held, 3 s of waiting for blocks, 4 s prompt; preempted for 5 s and 6 s, 7 s decoding, 1 s back.
 */
static void a_life_adds_up(void **state) {
    (void)state;
    const simtime s = SIMTIME_SECOND;
    uint64_t id = 4;
    struct diary_order order = {.ids = &id, .count = 1};
    struct diary *d = diary_create(&order, &arena);
    const struct watch *w = diary_watch(d);
    struct request r = request(id, 0, 28 * s), other = request(8, 0, 1);
    struct dd_candidate candidate = {.outstanding = 2, .kv_permille = 815};
    const char *name = "chat/0";
    struct diary_route route = {.router = "random", .candidates = &candidate, .names = &name, .count = 1};
    struct watch_queue queue = {.ahead = &other, .count = 1, .running = 3, .kv_permille = 815};
    r.first_token_ps = 10 * s;
    r.down_ps = s;
    assert_true(diary_wants(d, id));
    assert_false(diary_wants(d, 5));
    diary_sent(d, &r, "chat", NULL, "eu");
    diary_at_gateway(d, &r, s);
    diary_held(d, &r, s);
    diary_routed(d, &r, 3 * s, &route);
    w->queued(w->context, &r, &queue);
    w->phase(w->context, &r, 3 * s, WATCH_UNDER_WAY);
    w->phase(w->context, &r, 3 * s, WATCH_BLOCKS);
    diary_scheduled(d, &r, 6 * s);
    w->phase(w->context, &r, 6 * s, WATCH_PREFILL);
    step(w, &r, 6 * s, 10 * s, WATCH_PREFILL, 0, 100);
    diary_first_token(d, &r, 10 * s);
    r.generated = 1;
    r.computed = 100;
    w->preempted(w->context, &r, 10 * s, &other, 2);
    r.computed = 0;
    w->phase(w->context, &r, 12 * s, WATCH_SEQUENCES);
    w->phase(w->context, &r, 15 * s, WATCH_RECOMPUTE);
    step(w, &r, 15 * s, 21 * s, WATCH_RECOMPUTE, 0, 101);
    w->phase(w->context, &r, 21 * s, WATCH_DECODE);
    step(w, &r, 21 * s, 28 * s, WATCH_DECODE, 101, 1);
    r.generated = 3;
    diary_ended(d, &r, 28 * s);
    struct strbuf text = {0};
    diary_print(d, &text);
    assert_true(says(&text, "Request 4 to chat, from eu: 100 prompt tokens, 3 generated, completed"));
    assert_true(says(&text, "queues behind 1 with 100 prompt tokens: 8; 3 running, KV cache 81.5 % full"));
    assert_true(says(&text, "after 3.00 s for KV blocks"));
    assert_true(says(&text, "request 8 needs 2 more KV blocks and the cache is full; 100 tokens"));
    assert_true(says(&text, "runs again, after 5.00 s"));
    assert_true(says(&text, "token 2 comes 11.0 s after the one before"));
    assert_true(
        says(&text, "queue: KV cache full                3.000000000000    27.3 %        3.000000000000"));
    assert_true(
        says(&text, "preempted: in the queue again       0.000000000000     0.0 %        5.000000000000"));
    assert_true(
        says(&text, "all: TTFT, E2E                     11.000000000000   100.0 %       29.000000000000"));
    struct error err = {0};
    assert_true(diary_complete(d, &err));
    strbuf_free(&text);
    diary_free(d);
}

static void an_id_that_never_came_is_wrong_usage(void **state) {
    (void)state;
    uint64_t ids[] = {4, 5};
    struct diary_order order = {.ids = ids, .count = 2};
    struct diary *d = diary_create(&order, &arena);
    struct request r = request(4, 0, 1);
    struct error err = {0};
    diary_wants(d, 4);
    diary_sent(d, &r, "chat", NULL, NULL);
    assert_false(diary_complete(d, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.expected, "--explain 5"));
    assert_non_null(strstr(err.hint, "ids from 4 to 4"));
    diary_free(d);
}

static int free_arena(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slowest_come_first_and_ties_go_to_the_lower_id),
        cmocka_unit_test(only_counted_requests_that_completed_are_slow),
        cmocka_unit_test(a_life_adds_up),
        cmocka_unit_test(an_id_that_never_came_is_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
