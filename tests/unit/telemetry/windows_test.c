#include "telemetry/windows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

enum { SPANS = 3000, LANES = 3 };

struct span {
    simtime from, to;
    int64_t weight;
};

static simtime draw(struct rng *rng, simtime below) {
    return (simtime)(rng_uniform(rng) * (double)below);
}

static struct span draw_span(struct rng *rng, simtime end) {
    simtime a = draw(rng, end + 1);
    simtime length = draw(rng, 2) == 0 ? draw(rng, end / 1000) : draw(rng, end);
    simtime b = length < end - a ? a + length : end;
    return (struct span){a, b, 1 + draw(rng, 5)};
}

static simtime overlap(const struct span *s, simtime from, simtime to) {
    simtime a = s->from > from ? s->from : from;
    simtime b = s->to < to ? s->to : to;
    return b > a ? b - a : 0;
}

/* By the definition, span by span and window by window. */
static void assert_integral(const struct windows *w, const struct window_steps *s, const struct span *spans,
                            size_t count, simtime end) {
    size_t windows = windows_count(w, end);
    simtime_total *values = calloc(windows, sizeof *values);
    window_steps_values(s, w, windows, values);
    for (size_t k = 0; k < windows; k++) {
        simtime from = (simtime)k * w->interval_ps;
        simtime_total want = 0;
        for (size_t i = 0; i < count; i++) {
            want += (simtime_total)spans[i].weight * overlap(&spans[i], from, from + w->interval_ps);
        }
        assert_true(want == values[k]);
    }
    free(values);
}

static void steps_are_exact_in_every_window_whatever_the_length_of_the_run(void **state) {
    (void)state;
    static const simtime ends[] = {SIMTIME_SECOND / 7, 90 * SIMTIME_SECOND, 3601 * SIMTIME_SECOND,
                                   777777 * SIMTIME_SECOND + 1, SIMTIME_WINDOW_MAX};
    static struct span spans[SPANS];
    for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
        struct rng rng = rng_stream_id(1, RNG_SERVICE, e);
        struct windows w;
        windows_begin(&w, 0);
        struct window_steps *s = window_steps(&w);
        for (size_t i = 0; i < SPANS; i++) {
            spans[i] = draw_span(&rng, ends[e]);
            window_steps_span(s, &w, spans[i].from, spans[i].to, spans[i].weight);
        }
        windows_at(&w, ends[e]);
        assert_true(windows_count(&w, ends[e]) <= WINDOWS_MOST);
        assert_integral(&w, s, spans, SPANS, ends[e]);
        windows_end(&w);
    }
}

static void merging_gives_what_long_windows_from_the_start_give(void **state) {
    (void)state;
    struct rng rng = rng_stream_id(2, RNG_SERVICE, 0);
    const simtime end = 86400 * SIMTIME_SECOND;
    struct windows grown;
    struct windows made;
    windows_begin(&grown, 0);
    windows_begin(&made, 120 * SIMTIME_SECOND);
    struct window_steps *grown_steps = window_steps(&grown);
    struct window_steps *made_steps = window_steps(&made);
    struct window_sums *grown_sums = window_sums(&grown, LANES);
    struct window_sums *made_sums = window_sums(&made, LANES);
    for (size_t i = 0; i < SPANS; i++) {
        /* in the order of time, as in a run, so that it grows rung by rung */
        simtime until = (simtime)(i + 1) * (end / SPANS);
        struct span span = draw_span(&rng, until);
        window_steps_span(grown_steps, &grown, span.from, span.to, span.weight);
        window_steps_span(made_steps, &made, span.from, span.to, span.weight);
        window_sums_at(grown_sums, windows_at(&grown, span.to))[i % LANES] += 7;
        window_sums_at(made_sums, windows_at(&made, span.to))[i % LANES] += 7;
    }
    windows_at(&grown, end);
    assert_int_equal(made.interval_ps, grown.interval_ps);
    size_t count = windows_count(&made, end);
    simtime_total *a = calloc(2 * count, sizeof *a);
    window_steps_values(grown_steps, &grown, count, a);
    window_steps_values(made_steps, &made, count, a + count);
    assert_memory_equal(a, a + count, count * sizeof *a);
    uint64_t *x = calloc(2 * count, sizeof *x);
    for (size_t lane = 0; lane < LANES; lane++) {
        window_sums_values(grown_sums, &grown, lane, count, x);
        window_sums_values(made_sums, &made, lane, count, x + count);
        assert_memory_equal(x, x + count, count * sizeof *x);
    }
    free(x);
    free(a);
    windows_end(&grown);
    windows_end(&made);
}

static void intervals_are_those_that_people_read(void **state) {
    (void)state;
    static const double rungs_s[] = {0.1, 0.5, 1, 5, 10, 20, 60, 120, 600, 1800, 3600, 7200, 21600};
    struct windows w;
    windows_begin(&w, 0);
    for (size_t i = 0; i < sizeof rungs_s / sizeof *rungs_s; i++) {
        assert_int_equal(simtime_from_s(rungs_s[i]), w.interval_ps);
        if (WINDOWS_MOST * rungs_s[i] > 100 * 86400) {
            break; /* the longest run has fewer */
        }
        simtime next = WINDOWS_MOST * w.interval_ps;
        windows_at(&w, next - 1);
        assert_int_equal(simtime_from_s(rungs_s[i]), w.interval_ps);
        windows_at(&w, next);
    }
    windows_end(&w);
}

static void an_interval_that_was_asked_for_holds_until_there_are_too_many_windows(void **state) {
    (void)state;
    struct windows w;
    windows_begin(&w, 3 * SIMTIME_SECOND);
    struct window_sums *s = window_sums(&w, 1);
    for (simtime at = 0; at < WINDOWS_MOST_FIXED; at += 999) {
        window_sums_at(s, windows_at(&w, at * 3 * SIMTIME_SECOND))[0]++;
    }
    assert_int_equal(3 * SIMTIME_SECOND, w.interval_ps);
    windows_at(&w, (simtime)WINDOWS_MOST_FIXED * 3 * SIMTIME_SECOND);
    assert_int_equal(6 * SIMTIME_SECOND, w.interval_ps);
    assert_int_equal(1, window_sums_at(s, 0)[0]);
    assert_int_equal(1, window_sums_at(s, 999 / 2)[0]);
    assert_int_equal(0, window_sums_at(s, 999)[0] - 1); /* 1998 / 2 */
    windows_end(&w);
}

static void a_part_that_comes_late_has_room_and_can_be_dropped(void **state) {
    (void)state;
    struct windows w;
    windows_begin(&w, 0);
    struct window_sums *first = window_sums(&w, 1);
    windows_at(&w, 80 * SIMTIME_SECOND);
    struct window_steps *second = window_steps(&w);
    struct window_sums *third = window_sums(&w, 2);
    window_steps_span(second, &w, 0, 80 * SIMTIME_SECOND, 1);
    windows_drop(&w, &second->part);
    window_sums_at(third, windows_at(&w, 80 * SIMTIME_SECOND))[1]++;
    window_sums_at(first, windows_at(&w, 3600 * SIMTIME_SECOND))[0]++;
    assert_int_equal(1, window_sums_at(third, windows_at(&w, 80 * SIMTIME_SECOND))[1]);
    windows_end(&w);
}

static void what_ends_after_the_run_counts_in_its_last_window(void **state) {
    (void)state;
    struct windows w;
    windows_begin(&w, SIMTIME_SECOND);
    struct window_sums *s = window_sums(&w, 1);
    const simtime end = 5 * SIMTIME_SECOND / 2;
    uint64_t values[3];
    window_sums_at(s, windows_at(&w, end))[0]++;
    window_sums_at(s, windows_at(&w, 4 * SIMTIME_SECOND))[0]++;
    assert_int_equal(3, windows_count(&w, end));
    window_sums_values(s, &w, 0, 3, values);
    assert_int_equal(0, values[0] + values[1]);
    assert_int_equal(2, values[2]);
    assert_int_equal(SIMTIME_SECOND, windows_covered(&w, 1, end));
    assert_int_equal(SIMTIME_SECOND / 2, windows_covered(&w, 2, end));
    windows_end(&w);
}

static void sums_of_several_add_up(void **state) {
    (void)state;
    struct rng rng = rng_stream_id(3, RNG_SERVICE, 0);
    const simtime end = 1000 * SIMTIME_SECOND;
    static struct span spans[100];
    struct windows w;
    windows_begin(&w, 0);
    struct window_steps *all = window_steps(&w);
    for (size_t part = 0; part < 10; part++) {
        struct window_steps *s = window_steps(&w);
        for (size_t i = part; i < 100; i += 10) {
            spans[i] = draw_span(&rng, end);
            window_steps_span(s, &w, spans[i].from, spans[i].to, spans[i].weight);
        }
        window_steps_add(all, s, &w, 1);
        windows_drop(&w, &s->part);
    }
    assert_integral(&w, all, spans, 100, end);
    windows_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_exact_in_every_window_whatever_the_length_of_the_run),
        cmocka_unit_test(merging_gives_what_long_windows_from_the_start_give),
        cmocka_unit_test(intervals_are_those_that_people_read),
        cmocka_unit_test(an_interval_that_was_asked_for_holds_until_there_are_too_many_windows),
        cmocka_unit_test(a_part_that_comes_late_has_room_and_can_be_dropped),
        cmocka_unit_test(what_ends_after_the_run_counts_in_its_last_window),
        cmocka_unit_test(sums_of_several_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
