/* The pool of requests in flight and the lists they wait in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "workload/request.h"

static void a_fresh_record_is_empty_and_its_dates_are_not_yet(void **state) {
    (void)state;
    struct request_pool *pool = request_pool_create();
    struct request *r = request_take(pool);
    memset(r, 0x5a, sizeof *r);
    request_give_back(pool, r);
    r = request_take(pool);
    assert_int_equal(r->id, 0);
    assert_int_equal(r->status, REQUEST_IN_FLIGHT);
    assert_int_equal(r->place, REQUEST_PLACE_NONE);
    assert_int_equal(r->replica, -1);
    assert_int_equal(r->gateway_ps, -1);
    assert_int_equal(r->scheduled_ps, -1);
    assert_int_equal(r->first_token_ps, -1);
    assert_int_equal(r->last_token_ps, -1);
    assert_int_equal(r->done_ps, -1);
    assert_null(r->next);
    assert_int_equal(sizeof *r, 272); /* as the header says */
    request_pool_destroy(pool);
}

static void records_are_used_again_so_memory_follows_what_is_in_flight(void **state) {
    (void)state;
    enum { LIVE = 100 };
    struct request_pool *pool = request_pool_create();
    struct request *live[LIVE];
    for (int i = 0; i < LIVE; i++) {
        live[i] = request_take(pool);
    }
    for (int i = 0; i < 100000; i++) {
        struct request *old = live[i % LIVE];
        request_give_back(pool, old);
        live[i % LIVE] = request_take(pool);
        assert_ptr_equal(live[i % LIVE], old);
    }
    assert_int_equal(request_pool_live(pool), LIVE);
    assert_int_equal(request_pool_peak(pool), LIVE);
    request_pool_destroy(pool);
}

static void mark(void *context, struct request *r) {
    uint8_t *seen = context;
    assert_int_equal(seen[r->id], 0);
    seen[r->id] = 1;
}

static void each_visits_the_live_ones_and_no_other(void **state) {
    (void)state;
    enum { COUNT = 3000 }; /* several chunks */
    static struct request *all[COUNT];
    static uint8_t seen[COUNT];
    struct request_pool *pool = request_pool_create();
    request_pool_each(pool, mark, seen); /* none */
    for (uint64_t i = 0; i < COUNT; i++) {
        all[i] = request_take(pool);
        all[i]->id = i;
    }
    for (int i = 0; i < COUNT; i += 3) {
        request_give_back(pool, all[i]);
    }
    request_pool_each(pool, mark, seen);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(seen[i], i % 3 != 0);
    }
    assert_int_equal(request_pool_live(pool), COUNT - COUNT / 3);
    assert_int_equal(request_pool_peak(pool), COUNT);
    request_pool_destroy(pool);
}

static void destroying_no_pool_is_harmless(void **state) {
    (void)state;
    request_pool_destroy(NULL);
}

static void assert_list(const struct request_list *list, const uint64_t *ids, uint32_t count) {
    assert_int_equal(list->count, count);
    const struct request *r = list->head;
    const struct request *previous = NULL;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(r->id, ids[i]);
        assert_ptr_equal(r->previous, previous);
        previous = r;
        r = r->next;
    }
    assert_null(r);
    assert_ptr_equal(list->tail, previous);
}

static void a_list_keeps_order_at_both_ends(void **state) {
    (void)state;
    struct request r[4] = {{.id = 0}, {.id = 1}, {.id = 2}, {.id = 3}};
    struct request_list list = {0};
    assert_null(request_list_pop_front(&list));
    request_list_push_front(&list, &r[1]);
    request_list_push_back(&list, &r[2]);
    request_list_push_front(&list, &r[0]);
    request_list_push_back(&list, &r[3]);
    assert_list(&list, (uint64_t[]){0, 1, 2, 3}, 4);
    request_list_remove(&list, &r[2]);
    assert_list(&list, (uint64_t[]){0, 1, 3}, 3);
    request_list_remove(&list, &r[3]);
    request_list_remove(&list, &r[0]);
    assert_list(&list, (uint64_t[]){1}, 1);
    assert_ptr_equal(request_list_pop_front(&list), &r[1]);
    assert_list(&list, NULL, 0);
    assert_null(r[1].next);
}

/* Against an array that does the same slowly. */
static void random_use_leaves_the_list_whole(void **state) {
    (void)state;
    enum { COUNT = 40 };
    struct request r[COUNT];
    uint64_t order[COUNT];
    uint32_t count = 0;
    struct request_list list = {0};
    struct rng rng = rng_stream_id(5, RNG_TEST, 0);
    for (uint64_t i = 0; i < COUNT; i++) {
        r[i] = (struct request){.id = i, .place = 0};
    }
    for (int step = 0; step < 20000; step++) {
        uint64_t id = rng_below(&rng, COUNT);
        if (r[id].place) {
            uint32_t at = 0;
            while (order[at] != id) {
                at++;
            }
            memmove(order + at, order + at + 1, (--count - at) * sizeof *order);
            request_list_remove(&list, &r[id]);
        } else if (rng_below(&rng, 2)) {
            memmove(order + 1, order, count++ * sizeof *order);
            order[0] = id;
            request_list_push_front(&list, &r[id]);
        } else {
            order[count++] = id;
            request_list_push_back(&list, &r[id]);
        }
        r[id].place = !r[id].place;
        assert_list(&list, order, count);
    }
}

static void every_status_has_its_name_in_order(void **state) {
    (void)state;
    assert_string_equal(request_status_names[REQUEST_IN_FLIGHT], "in_flight");
    assert_string_equal(request_status_names[REQUEST_COMPLETED], "completed");
    assert_string_equal(request_status_names[REQUEST_REJECTED], "rejected");
    assert_string_equal(request_status_names[REQUEST_TIMED_OUT], "timed_out");
    assert_string_equal(request_status_names[REQUEST_FAILED], "failed");
    assert_string_equal(request_status_names[REQUEST_UNFINISHED], "unfinished");
    assert_null(request_status_names[REQUEST_UNFINISHED + 1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_record_is_empty_and_its_dates_are_not_yet),
        cmocka_unit_test(records_are_used_again_so_memory_follows_what_is_in_flight),
        cmocka_unit_test(each_visits_the_live_ones_and_no_other),
        cmocka_unit_test(destroying_no_pool_is_harmless),
        cmocka_unit_test(a_list_keeps_order_at_both_ends),
        cmocka_unit_test(random_use_leaves_the_list_whole),
        cmocka_unit_test(every_status_has_its_name_in_order),
    };
    return cmocka_run_group_tests_name("workload/request", tests, NULL, NULL);
}
