#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/rng.h"
#include "engine/queue.h"

static void nothing(void *context, uint64_t argument) {
    (void)context;
    (void)argument;
}

static uint64_t push(struct queue *q, simtime at, unsigned priority, uint64_t argument) {
    return queue_push(q, at, priority, (struct queue_event){.handler = nothing, .argument = argument});
}

static void events_come_out_in_order_of_time(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q);
    static const simtime dates[] = {5, 1, 4, 1000000000000, 0, 3, 2};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        push(&q, dates[i], 0, (uint64_t)dates[i]);
    }
    simtime last = -1;
    while (queue_count(&q) > 0) {
        simtime at = queue_first(&q, NULL);
        assert_int_equal(queue_pop(&q).argument, at);
        assert_true(at > last);
        last = at;
    }
    assert_true(queue_first(&q, NULL) == SIMTIME_NEVER);
    queue_free(&q);
}

static void ties_break_by_priority_then_sequence(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q);
    for (unsigned i = 0; i < 70; i++) {
        push(&q, 9, 6 - i % 7, i);
    }
    uint64_t last_priority = 0, last_argument = 0;
    for (unsigned i = 0; i < 70; i++) {
        unsigned priority;
        assert_true(queue_first(&q, &priority) == 9);
        uint64_t argument = queue_pop(&q).argument;
        assert_int_equal(priority, 6 - argument % 7);
        if (i > 0) {
            assert_true(priority > last_priority || (priority == last_priority && argument > last_argument));
        }
        last_priority = priority;
        last_argument = argument;
    }
    queue_free(&q);
}

static void a_moved_event_goes_behind_its_equals(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q);
    uint64_t id = push(&q, 1, 3, 1);
    push(&q, 5, 3, 2);
    push(&q, 5, 4, 3);
    assert_true(queue_move(&q, id, 5));
    assert_int_equal(queue_pop(&q).argument, 2);
    assert_int_equal(queue_pop(&q).argument, 1);
    assert_int_equal(queue_pop(&q).argument, 3);
    queue_free(&q);
}

static void past_and_zero_ids_are_harmless(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q);
    assert_false(queue_cancel(&q, 0));
    assert_false(queue_move(&q, 0, 1));
    assert_false(queue_cancel(&q, UINT64_MAX));
    uint64_t id = push(&q, 1, 0, 0);
    queue_pop(&q);
    assert_false(queue_cancel(&q, id));
    uint64_t other = push(&q, 1, 0, 0); /* in the same slot */
    assert_int_not_equal(id, other);
    assert_false(queue_move(&q, id, 7));
    assert_true(queue_cancel(&q, other));
    assert_false(queue_cancel(&q, other));
    assert_int_equal(queue_count(&q), 0);
    queue_free(&q);
}

static uint64_t push_ranked(struct queue *q, simtime at, uint32_t rank, uint64_t argument) {
    return queue_push_ranked(q, at, 1, rank, (struct queue_event){.argument = argument});
}

static void ranks_and_not_the_order_of_scheduling_break_ties(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q);
    push(&q, 5, 2, 4);
    push_ranked(&q, 5, QUEUE_RANK_MAX, 3);
    uint64_t moved = push_ranked(&q, 9, 1, 2);
    push_ranked(&q, 5, 0, 1);
    push(&q, 5, 0, 0);
    assert_true(queue_move(&q, moved, 5));
    for (uint64_t i = 0; i < 5; i++) {
        assert_true(queue_first(&q, NULL) == 5);
        assert_true(i == 0 || i == 4 ||
                    queue_first_place(&q) == queue_place(1, i == 3 ? QUEUE_RANK_MAX : (uint32_t)i - 1));
        assert_int_equal(queue_pop(&q).argument, i);
    }
    queue_free(&q);
}

/* One slot, one rank, one date: a stale entry and the current one differ in nothing but the count. */
static void a_stale_entry_of_a_rank_never_passes_for_current(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q);
    uint64_t id = push_ranked(&q, 1000, 7, 1);
    for (int i = 0; i < (1 << QUEUE_RANKED_BITS) + 9; i++) {
        assert_true(queue_move(&q, id, 1000 - i % 2));
    }
    assert_true(queue_move(&q, id, 1000));
    queue_pop(&q);
    assert_int_equal(queue_count(&q), 0);
    assert_true(queue_first(&q, NULL) == SIMTIME_NEVER);
    queue_free(&q);
}

/* ---- against a list that is searched from end to end ---- */

enum { MODEL_MAX = 300, OPERATIONS = 40000 };

struct model_event {
    uint64_t id, argument, sequence;
    simtime at;
    unsigned priority;
    uint32_t rank;
};

enum { RANKED = 1 }; /* the priority whose events have ranks, all of them different */

struct model {
    struct model_event events[MODEL_MAX];
    size_t count;
    uint64_t sequence;
};

static int compare(const struct model_event *a, const struct model_event *b) {
    if (a->at != b->at) {
        return a->at < b->at ? -1 : 1;
    }
    if (a->priority != b->priority) {
        return a->priority < b->priority ? -1 : 1;
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : 1;
}

static size_t model_first(const struct model *m) {
    size_t first = 0;
    for (size_t i = 1; i < m->count; i++) {
        if (compare(&m->events[i], &m->events[first]) < 0) {
            first = i;
        }
    }
    return first;
}

static void model_remove(struct model *m, size_t i) {
    m->events[i] = m->events[--m->count];
}

static void push_both(struct queue *q, struct model *m, struct rng *r, simtime now, uint64_t *last_id) {
    struct model_event e = {.argument = rng_u64(r),
                            .sequence = m->sequence++,
                            .at = now + (simtime)rng_below(r, 20), /* few dates: many ties */
                            .priority = (unsigned)rng_below(r, 7)};
    if (e.priority == RANKED) {
        e.rank = (uint32_t)(m->sequence * 40503 % (QUEUE_RANK_MAX + 1));
        e.id = push_ranked(q, e.at, e.rank, e.argument);
    } else {
        e.id = push(q, e.at, e.priority, e.argument);
    }
    assert_true(e.id != 0 && e.id >> QUEUE_SLOT_BITS > *last_id >> QUEUE_SLOT_BITS);
    *last_id = e.id;
    m->events[m->count++] = e;
}

static void pop_both(struct queue *q, struct model *m, simtime *now) {
    size_t first = model_first(m);
    unsigned priority;
    assert_true(queue_first(q, &priority) == m->events[first].at);
    assert_int_equal(priority, m->events[first].priority);
    assert_true(queue_pop(q).argument == m->events[first].argument);
    *now = m->events[first].at;
    model_remove(m, first);
}

static void random_operations_agree_with_a_naive_model(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct rng r = rng_stream(seed, RNG_TEST, "queue");
        struct queue q;
        struct model m = {.count = 0};
        simtime now = 0;
        uint64_t last_id = 0;
        queue_init(&q);
        for (int i = 0; i < OPERATIONS; i++) {
            uint64_t what = rng_below(&r, 10);
            size_t pick = m.count ? rng_below(&r, m.count) : 0;
            if (m.count == 0 || (what < 5 - seed % 3 && m.count < MODEL_MAX)) {
                push_both(&q, &m, &r, now, &last_id);
            } else if (what < 8) {
                pop_both(&q, &m, &now);
            } else if (what == 8) {
                assert_true(queue_cancel(&q, m.events[pick].id));
                assert_false(queue_cancel(&q, m.events[pick].id));
                model_remove(&m, pick);
            } else {
                m.events[pick].at = now + (simtime)rng_below(&r, 20);
                m.events[pick].sequence = m.sequence++;
                assert_true(queue_move(&q, m.events[pick].id, m.events[pick].at));
            }
            assert_int_equal(queue_count(&q), m.count);
        }
        while (m.count > 0) {
            pop_both(&q, &m, &now);
        }
        assert_int_equal(queue_count(&q), 0);
        queue_free(&q);
    }
}

static void renumbering_keeps_the_order(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q);
    q.sequence = ((uint64_t)1 << 37) - 50; /* the last of those that fit */
    uint64_t ids[100];
    for (unsigned i = 0; i < 100; i++) {
        ids[i] = push(&q, 9, i % 3, i);
    }
    assert_true(q.sequence < 200);
    assert_true(queue_cancel(&q, ids[42]));
    assert_true(queue_move(&q, ids[0], 9));
    uint64_t last_priority = 0, last_argument = 0;
    for (unsigned i = 0; i < 99; i++) {
        unsigned priority;
        queue_first(&q, &priority);
        uint64_t argument = queue_pop(&q).argument;
        assert_int_equal(priority, argument % 3);
        argument = argument == 0 ? 100 : argument; /* it was moved behind */
        assert_true(argument != 42 && (priority > last_priority || argument > last_argument));
        last_priority = priority;
        last_argument = argument;
    }
    queue_free(&q);
}

static void cancelled_events_do_not_pile_up(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q);
    uint64_t timeout = push(&q, 1, 0, 0);
    for (int i = 0; i < 100000; i++) {
        uint64_t id = push(&q, 1000000, 0, 0);
        assert_true(queue_move(&q, timeout, 1000000 + i));
        assert_true(queue_cancel(&q, id));
    }
    assert_int_equal(queue_count(&q), 1);
    assert_true(q.entries < 200 && q.slot_count <= 2);
    queue_free(&q);
}

static void a_million_events_come_out_sorted(void **state) {
    (void)state;
    struct rng r = rng_stream(3, RNG_TEST, "many");
    struct queue q;
    queue_init(&q);
    for (int i = 0; i < 1000000; i++) {
        push(&q, (simtime)rng_below(&r, 1U << 30), 2, 0);
    }
    assert_int_equal(q.peak, 1000000);
    simtime last = 0;
    while (queue_count(&q) > 0) {
        simtime at = queue_first(&q, NULL);
        queue_pop(&q);
        assert_true(at >= last);
        last = at;
    }
    queue_free(&q);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_in_order_of_time),
        cmocka_unit_test(ties_break_by_priority_then_sequence),
        cmocka_unit_test(a_moved_event_goes_behind_its_equals),
        cmocka_unit_test(ranks_and_not_the_order_of_scheduling_break_ties),
        cmocka_unit_test(a_stale_entry_of_a_rank_never_passes_for_current),
        cmocka_unit_test(past_and_zero_ids_are_harmless),
        cmocka_unit_test(random_operations_agree_with_a_naive_model),
        cmocka_unit_test(renumbering_keeps_the_order),
        cmocka_unit_test(cancelled_events_do_not_pile_up),
        cmocka_unit_test(a_million_events_come_out_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
