#include "record/histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* One bucket is at most 2^-11 of its lower end wide; the last digits of the interpolation come on top. */
static const double bucket = 1.0 / 2048 * (1 + 1e-12);

static const double probabilities[] = {0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Type 7 of Hyndman and Fan 1996: linear between the ranks next to p (n - 1). */
static double exact_quantile(const double *sorted, size_t n, double p) {
    double rank = p * (double)(n - 1);
    size_t k = (size_t)rank;
    double next = k + 1 < n ? sorted[k + 1] : sorted[k];
    return sorted[k] + (next - sorted[k]) * (rank - (double)k);
}

static double draw_uniform(struct rng *r) {
    return rng_uniform_open(r);
}

static double draw_exponential(struct rng *r) {
    return rng_exponential(r, 3);
}

static double draw_lognormal(struct rng *r) {
    return rng_lognormal(r, -2, 2.5);
}

/* Most of the mass at three places, as service times of few sizes have it. */
static double draw_lumps(struct rng *r) {
    static const double places[] = {0.001, 0.5, 40};
    return places[rng_below(r, 3)];
}

static double draw_heavy(struct rng *r) {
    return 1e-3 / (rng_uniform_open(r) * rng_uniform_open(r));
}

static double (*const laws[])(struct rng *) = {draw_uniform, draw_exponential, draw_lognormal, draw_lumps,
                                               draw_heavy};
static const size_t sizes[] = {1, 2, 3, 7, 100, 1001, 20000};

static void fill(struct histogram *h, double *values, size_t n, double (*draw)(struct rng *), uint64_t key) {
    struct rng r = rng_stream_id(1, RNG_TEST, key);
    for (size_t i = 0; i < n; i++) {
        values[i] = draw(&r);
        histogram_add(h, values[i], 1);
    }
    qsort(values, n, sizeof *values, by_value);
}

static void quantiles_are_within_a_bucket_of_the_exact_ones(void **state) {
    (void)state;
    static double values[20000];
    for (size_t law = 0; law < COUNT(laws); law++) {
        for (size_t s = 0; s < COUNT(sizes); s++) {
            struct histogram h = {0};
            fill(&h, values, sizes[s], laws[law], law * 100 + s);
            for (size_t i = 0; i < COUNT(probabilities); i++) {
                double exact = exact_quantile(values, sizes[s], probabilities[i]);
                double got = histogram_quantile(&h, probabilities[i], 0);
                assert_true(fabs(got - exact) <= exact * bucket);
            }
            histogram_free(&h);
        }
    }
}

static void count_minimum_and_maximum_are_exact(void **state) {
    (void)state;
    static double values[20000];
    struct histogram h = {0};
    fill(&h, values, 20000, draw_lognormal, 7);
    assert_int_equal(h.n, 20000);
    assert_true(h.min == values[0] && h.max == values[19999]);
    assert_true(histogram_quantile(&h, 0, 0) == values[0]);
    assert_true(histogram_quantile(&h, 1, 0) == values[19999]);
    histogram_free(&h);
}

static void equal_values_give_that_value_for_every_figure(void **state) {
    (void)state;
    struct histogram h = {0};
    struct latency_summary l;
    histogram_add(&h, 0.1, 1000);
    latency_from_histogram(&h, 3, &l);
    const double figures[] = {l.mean, l.p50, l.p90, l.p95, l.p99, l.p999, l.max};
    for (size_t i = 0; i < COUNT(figures); i++) {
        assert_true(figures[i] == 0.1);
    }
    assert_int_equal(l.n, 1000);
    assert_int_equal(l.excluded, 3);
    histogram_free(&h);
}

static void the_sum_keeps_what_plain_addition_loses(void **state) {
    (void)state;
    struct histogram h = {0};
    histogram_add(&h, 1e9, 1);
    for (int i = 0; i < 1000000; i++) {
        histogram_add(&h, 1e-8, 1);
    }
    double exact = (1e9 + 0.01) / 1000001;
    assert_true(fabs(histogram_mean(&h) - exact) <= 2e-16 * exact);
    histogram_free(&h);
}

static void a_weight_counts_as_so_many_values(void **state) {
    (void)state;
    struct histogram once = {0};
    struct histogram often = {0};
    for (int i = 1; i <= 50; i++) {
        histogram_add(&once, i / 8.0, (uint64_t)i);
        for (int k = 0; k < i; k++) {
            histogram_add(&often, i / 8.0, 1);
        }
    }
    histogram_add(&once, 1e6, 0);
    assert_int_equal(once.n, often.n);
    assert_true(once.max == often.max);
    assert_true(histogram_mean(&once) == histogram_mean(&often)); /* eighths add up exactly */
    for (size_t i = 0; i < COUNT(probabilities); i++) {
        assert_true(histogram_quantile(&once, probabilities[i], 0) ==
                    histogram_quantile(&often, probabilities[i], 0));
    }
    histogram_free(&once);
    histogram_free(&often);
}

static void assert_same_bits(const struct histogram *a, const struct histogram *b) {
    assert_int_equal(a->n, b->n);
    assert_true(a->sum == b->sum && a->min == b->min && a->max == b->max);
    assert_true(a->underflow == b->underflow && a->overflow == b->overflow);
    for (int i = 0; i <= 1000; i++) {
        assert_true(histogram_quantile(a, i / 1000.0, 0) == histogram_quantile(b, i / 1000.0, 0));
    }
}

static void a_progression_counts_as_its_values_one_by_one(void **state) {
    (void)state;
    struct rng rng = rng_stream(1, RNG_TEST, "progressions");
    struct histogram whole = {0}, single = {0};
    for (int round = 0; round < 300; round++) {
        simtime first = (simtime)rng_below(&rng, UINT64_C(1) << (1 + rng_below(&rng, 50)));
        simtime increment = (simtime)rng_below(&rng, UINT64_C(1) << rng_below(&rng, 40));
        uint64_t steps = 1 + rng_below(&rng, 400), weight = rng_below(&rng, 5);
        histogram_add_progression(&whole, first, increment, steps, weight);
        for (uint64_t i = 0; i < steps; i++) {
            histogram_add_progression(&single, first + (simtime)i * increment, 0, 1, weight);
        }
    }
    assert_same_bits(&whole, &single);
    assert_true(whole.pages > 100);
    histogram_free(&whole);
    histogram_free(&single);
}

static void merging_is_the_same_as_adding_all_to_one(void **state) {
    (void)state;
    static double values[20000];
    struct histogram whole = {0};
    struct histogram parts[3] = {0};
    struct histogram merged = {0};
    fill(&whole, values, 20000, draw_heavy, 11);
    for (size_t i = 0; i < 20000; i++) {
        histogram_add(&parts[i % 3], values[i], 1);
    }
    histogram_add(&parts[2], -1, 2);
    histogram_add(&whole, -1, 2);
    for (size_t i = 0; i < 3; i++) {
        histogram_merge(&merged, &parts[i]);
    }
    histogram_merge(&merged, &(struct histogram){0});
    assert_int_equal(merged.n, whole.n);
    assert_true(merged.min == whole.min && merged.max == whole.max);
    assert_true(fabs(histogram_mean(&merged) - histogram_mean(&whole)) <= 1e-15 * histogram_mean(&whole));
    for (size_t i = 0; i < COUNT(probabilities); i++) {
        assert_true(histogram_quantile(&merged, probabilities[i], 0) ==
                    histogram_quantile(&whole, probabilities[i], 0));
    }
    for (size_t i = 0; i < 3; i++) {
        histogram_free(&parts[i]);
    }
    histogram_free(&merged);
    histogram_free(&whole);
}

/* (a + b) + c and a + (b + c), and all of it in another order: the same bits, within the same bound, and no
 * larger than what 60,000 values made. */
static void merging_is_associative_and_bounded_over_a_billion_values(void **state) {
    (void)state;
    enum { VALUES = 20000, WEIGHT = 20000 }; /* each value so often: 1.2e9 */
    static double values[3 * VALUES];
    struct histogram parts[3] = {0}, left = {0}, right = {0}, inner = {0}, backwards = {0};
    struct rng r = rng_stream(1, RNG_TEST, "merging");
    for (size_t i = 0; i < 3 * VALUES; i++) {
        values[i] = laws[i / VALUES + 1](&r);
        histogram_add(&parts[i / VALUES], values[i], WEIGHT);
    }
    histogram_merge(&left, &parts[0]);
    histogram_merge(&left, &parts[1]);
    histogram_merge(&left, &parts[2]);
    histogram_merge(&inner, &parts[1]);
    histogram_merge(&inner, &parts[2]);
    histogram_merge(&right, &parts[0]);
    histogram_merge(&right, &inner);
    for (size_t i = 3; i-- > 0;) {
        histogram_merge(&backwards, &parts[i]);
    }
    assert_same_bits(&left, &right);
    assert_same_bits(&left, &backwards);
    assert_int_equal(left.n, (uint64_t)3 * VALUES * WEIGHT);
    qsort(values, 3 * VALUES, sizeof *values, by_value);
    for (size_t i = 0; i < COUNT(probabilities); i++) {
        double rank = probabilities[i] * (double)(left.n - 1);
        uint64_t below = (uint64_t)rank, above = below + 1 < left.n ? below + 1 : below;
        double exact = values[below / WEIGHT];
        exact += (values[above / WEIGHT] - exact) * (rank - (double)below);
        double got = histogram_quantile(&left, probabilities[i], 0);
        assert_true(fabs(got - exact) <= exact * bucket);
    }
    assert_true(left.pages <= HISTOGRAM_PAGES);
    struct histogram *all[] = {&parts[0], &parts[1], &parts[2], &left, &right, &inner, &backwards};
    for (size_t i = 0; i < COUNT(all); i++) {
        histogram_free(all[i]);
    }
}

static void zeros_and_values_below_the_floor_count_as_zero(void **state) {
    (void)state;
    struct histogram h = {0};
    histogram_add(&h, 0, 50);
    histogram_add(&h, 1e-12, 40);
    histogram_add(&h, 2, 10);
    assert_int_equal(h.n, 100);
    assert_int_equal(h.underflow, 90);
    assert_true(histogram_quantile(&h, 0.5, 0) == 0);
    assert_true(histogram_quantile(&h, 0.95, 0) == 2);
    histogram_free(&h);
}

static void values_beyond_the_ceiling_count_as_the_maximum(void **state) {
    (void)state;
    struct histogram h = {0};
    histogram_add(&h, 1, 90);
    histogram_add(&h, 1e11, 10);
    assert_true(fabs(histogram_quantile(&h, 0.5, 0) - 1) <= bucket);
    assert_true(histogram_quantile(&h, 0.99, 0) == 1e11);
    histogram_add(&h, INFINITY, 1);
    assert_true(isinf(histogram_mean(&h)));
    assert_true(isinf(histogram_quantile(&h, 1, 0)));
    assert_true(fabs(histogram_quantile(&h, 0.5, 0) - 1) <= bucket);
    histogram_free(&h);
}

static void no_number_is_not_counted(void **state) {
    (void)state;
    struct histogram h = {0};
    histogram_add(&h, NAN, 5);
    assert_int_equal(h.n, 0);
    histogram_add(&h, 1, 1);
    histogram_add(&h, -NAN, 5);
    assert_int_equal(h.n, 1);
    assert_true(histogram_mean(&h) == 1);
    histogram_free(&h);
}

static void an_empty_histogram_is_all_zeros(void **state) {
    (void)state;
    struct histogram h = {0};
    struct latency_summary l;
    latency_from_histogram(&h, 4, &l);
    assert_int_equal(l.n, 0);
    assert_int_equal(l.excluded, 4);
    assert_true(l.mean == 0 && l.p50 == 0 && l.max == 0);
    histogram_free(&h);
}

static void a_gate_counts_those_that_never_got_there_as_infinite(void **state) {
    (void)state;
    struct histogram h = {0};
    struct latency_summary l;
    for (int i = 1; i <= 95; i++) {
        histogram_add(&h, i, 1);
    }
    latency_gate_from_histogram(&h, 5, 2, &l);
    assert_int_equal(l.n, 100);
    assert_int_equal(l.excluded, 2);
    assert_true(isinf(l.mean) && isinf(l.max) && isinf(l.p99));
    assert_true(fabs(l.p50 - 50.5) < 50.5 * bucket);
    assert_true(isinf(l.p95)); /* rank 94.05 lies between the last value and the first infinite one */
    assert_true(fabs(l.p90 - 90.1) < 90.1 * bucket);
    histogram_free(&h);
}

static void a_gate_of_nothing_but_failures_is_infinite_throughout(void **state) {
    (void)state;
    struct histogram h = {0};
    struct latency_summary l;
    latency_gate_from_histogram(&h, 3, 0, &l);
    assert_int_equal(l.n, 3);
    assert_true(isinf(l.p50) && isinf(l.mean) && isinf(l.max));
    latency_gate_from_histogram(&h, 0, 0, &l);
    assert_true(l.n == 0 && l.p50 == 0);
}

static void memory_is_that_of_the_pages_touched(void **state) {
    (void)state;
    struct histogram h = {0};
    struct rng r = rng_stream(3, RNG_TEST, "pages");
    for (int i = 0; i < 200000; i++) {
        histogram_add(&h, 1 + 7 * rng_uniform(&r), 1);
    }
    assert_int_equal(h.pages, 3 * 16); /* three octaves of sixteen pages */
    histogram_free(&h);
    assert_null(h.buckets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_within_a_bucket_of_the_exact_ones),
        cmocka_unit_test(count_minimum_and_maximum_are_exact),
        cmocka_unit_test(equal_values_give_that_value_for_every_figure),
        cmocka_unit_test(the_sum_keeps_what_plain_addition_loses),
        cmocka_unit_test(a_weight_counts_as_so_many_values),
        cmocka_unit_test(a_progression_counts_as_its_values_one_by_one),
        cmocka_unit_test(merging_is_the_same_as_adding_all_to_one),
        cmocka_unit_test(merging_is_associative_and_bounded_over_a_billion_values),
        cmocka_unit_test(zeros_and_values_below_the_floor_count_as_zero),
        cmocka_unit_test(values_beyond_the_ceiling_count_as_the_maximum),
        cmocka_unit_test(no_number_is_not_counted),
        cmocka_unit_test(an_empty_histogram_is_all_zeros),
        cmocka_unit_test(a_gate_counts_those_that_never_got_there_as_infinite),
        cmocka_unit_test(a_gate_of_nothing_but_failures_is_infinite_throughout),
        cmocka_unit_test(memory_is_that_of_the_pages_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
