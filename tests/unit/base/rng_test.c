/* Statistical bounds are five standard errors of the estimate (one false alarm in 1.7 million), with seeds
 * fixed. */
#include "base/rng.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sf_zeta.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { DRAWS = 200000 };
static const double sigmas = 5.0;

/* Vectors of Random123's kat_vectors for philox4x32 with ten rounds. */
static void philox_gives_the_published_vectors(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], block[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct rng r = {.used = 4};
        memcpy(r.counter, vectors[i].counter, sizeof r.counter);
        memcpy(r.key, vectors[i].key, sizeof r.key);
        for (int j = 0; j < 4; j++) {
            assert_int_equal(rng_u32(&r), vectors[i].block[j]);
        }
    }
}

static void a_stream_depends_on_seed_purpose_and_name_alone(void **state) {
    (void)state;
    struct rng a = rng_stream(1, RNG_ARRIVALS, "prod/chat");
    struct rng again = rng_stream(1, RNG_ARRIVALS, "prod/chat");
    struct rng others[] = {rng_stream(2, RNG_ARRIVALS, "prod/chat"), rng_stream(1, RNG_LENGTHS, "prod/chat"),
                           rng_stream(1, RNG_ARRIVALS, "prod/chat2"), rng_stream(1, RNG_ARRIVALS, NULL)};
    uint64_t first = rng_u64(&a);
    assert_int_equal(first, rng_u64(&again));
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_true(rng_u64(&others[i]) != first);
    }
}

static void no_name_is_the_empty_name_and_a_name_is_its_hash(void **state) {
    (void)state;
    struct rng none = rng_stream(5, RNG_TEST, NULL);
    struct rng empty = rng_stream(5, RNG_TEST, "");
    struct rng name = rng_stream(5, RNG_TEST, "pod/0");
    struct rng hash = rng_stream_id(5, RNG_TEST, hash64_text("pod/0"));
    assert_memory_equal(&none, &empty, sizeof none);
    assert_memory_equal(&name, &hash, sizeof name);
}

static void blocks_are_numbered_and_carry_into_the_upper_word(void **state) {
    (void)state;
    struct rng r = rng_stream(1, RNG_TEST, "");
    uint32_t entity[2] = {r.counter[2], r.counter[3]};
    r.counter[0] = UINT32_MAX;
    for (int i = 0; i < 5; i++) {
        rng_u32(&r);
    }
    assert_int_equal(r.counter[0], 1);
    assert_int_equal(r.counter[1], 1);
    assert_memory_equal(&r.counter[2], entity, sizeof entity);
}

static void replications_have_seeds_of_their_own(void **state) {
    (void)state;
    assert_int_equal(rng_replication_seed(42, 0), 42);
    uint64_t seeds[100];
    for (uint64_t n = 0; n < COUNT(seeds); n++) {
        seeds[n] = rng_replication_seed(42, n);
        for (uint64_t m = 0; m < n; m++) {
            assert_true(seeds[m] != seeds[n]);
        }
        assert_true(n == 0 || seeds[n] != rng_replication_seed(43, n));
    }
}

/* The draws of a published seed, so that a change of the generator cannot go unseen. */
static void the_draws_never_change(void **state) {
    (void)state;
    struct rng r = rng_stream(2024, RNG_ARRIVALS, "prod/Deployment/chat");
    uint64_t sum = 0;
    for (int i = 0; i < 1000; i++) {
        double draws[] = {
            rng_uniform(&r),           rng_exponential(&r, 2.0),        rng_normal(&r),
            rng_gamma(&r, 0.4, 1),     rng_gamma(&r, 3.5, 1),           rng_weibull(&r, 1.5, 2.0),
            rng_lognormal(&r, 1, 0.5), (double)rng_zipf(&r, 1.2, 1000), (double)rng_below(&r, 77)};
        sum = hash64(draws, sizeof draws, sum);
    }
    assert_int_equal(sum, UINT64_C(0x8acb15db85790a6c));
}

struct moments {
    double mean;
    double variance;
    double low;
    double high;
};

static struct moments moments_of(double (*draw)(struct rng *r), uint64_t seed) {
    struct rng r = rng_stream(seed, RNG_TEST, "moments");
    struct moments m = {.low = INFINITY, .high = -INFINITY};
    double squares = 0.0;
    for (int i = 1; i <= DRAWS; i++) {
        double x = draw(&r);
        double step = x - m.mean; /* Welford */
        m.mean += step / i;
        squares += step * (x - m.mean);
        m.low = fmin(m.low, x);
        m.high = fmax(m.high, x);
    }
    m.variance = squares / (DRAWS - 1);
    return m;
}

/* The standard error of a mean is sigma / sqrt(n), that of a variance sigma^2 sqrt((kurtosis - 1) / n). */
static void expect_moments(double (*draw)(struct rng *r), double mean, double variance, double kurtosis) {
    struct moments m = moments_of(draw, 11);
    double mean_error = sqrt(variance / DRAWS);
    double variance_error = variance * sqrt((kurtosis - 1.0) / DRAWS);
    if (fabs(m.mean - mean) > sigmas * mean_error || fabs(m.variance - variance) > sigmas * variance_error) {
        fail_msg("mean %g (want %g), variance %g (want %g)", m.mean, mean, m.variance, variance);
    }
}

static double exponential_2(struct rng *r) {
    return rng_exponential(r, 2.0);
}

static double lognormal_half(struct rng *r) {
    return rng_lognormal(r, 1.0, 0.5);
}

static double gamma_small(struct rng *r) {
    return rng_gamma(r, 0.4, 3.0);
}

static double gamma_large(struct rng *r) {
    return rng_gamma(r, 7.5, 0.5);
}

static double weibull_15(struct rng *r) {
    return rng_weibull(r, 1.5, 2.0);
}

static void uniforms_stay_in_their_interval(void **state) {
    (void)state;
    expect_moments(rng_uniform, 0.5, 1.0 / 12, 1.8);
    expect_moments(rng_uniform_open, 0.5, 1.0 / 12, 1.8);
    struct moments half_open = moments_of(rng_uniform, 3);
    struct moments open = moments_of(rng_uniform_open, 3);
    assert_true(half_open.low >= 0.0 && half_open.high < 1.0);
    assert_true(open.low > 0.0 && open.high < 1.0);
}

static void exponentials_have_their_moments(void **state) {
    (void)state;
    expect_moments(exponential_2, 2.0, 4.0, 9.0);
}

static void normals_have_their_moments(void **state) {
    (void)state;
    expect_moments(rng_normal, 0.0, 1.0, 3.0);
}

/* Kurtosis of the lognormal: e^(4 s^2) + 2 e^(3 s^2) + 3 e^(2 s^2) - 3. */
static void lognormals_have_their_moments(void **state) {
    (void)state;
    double s2 = 0.25;
    double kurtosis = exp(4 * s2) + 2 * exp(3 * s2) + 3 * exp(2 * s2) - 3;
    expect_moments(lognormal_half, exp(1.0 + s2 / 2), (exp(s2) - 1) * exp(2.0 + s2), kurtosis);
}

/* Mean k t, variance k t^2, kurtosis 3 + 6 / k. */
static void gammas_have_their_moments_on_both_sides_of_shape_one(void **state) {
    (void)state;
    expect_moments(gamma_small, 0.4 * 3.0, 0.4 * 9.0, 3.0 + 6.0 / 0.4);
    expect_moments(gamma_large, 7.5 * 0.5, 7.5 * 0.25, 3.0 + 6.0 / 7.5);
}

/* Mean b G(1 + 1/a), variance b^2 (G(1 + 2/a) - G(1 + 1/a)^2); kurtosis at a = 1.5 is 4.39. */
static void weibulls_have_their_moments(void **state) {
    (void)state;
    double g1 = tgamma(1.0 + 1.0 / 1.5);
    double g2 = tgamma(1.0 + 2.0 / 1.5);
    expect_moments(weibull_15, 2.0 * g1, 4.0 * (g2 - g1 * g1), 4.39);
}

/* Kolmogorov's distance of the draws' probabilities from uniform: sqrt(n) D above 2.6 has probability 2.7e-6.
 */
static void normals_follow_the_whole_distribution(void **state) {
    (void)state;
    enum { CELLS = 1000 };
    uint32_t counts[CELLS] = {0};
    struct rng r = rng_stream(17, RNG_TEST, "ks");
    for (int i = 0; i < DRAWS; i++) {
        double p = 0.5 * erfc(-rng_normal(&r) * 0.7071067811865476);
        counts[(int)fmin(p * CELLS, CELLS - 1)]++;
    }
    double distance = 0.0;
    double below = 0.0;
    for (int i = 0; i < CELLS; i++) {
        below += counts[i];
        distance = fmax(distance, fabs(below / DRAWS - (i + 1.0) / CELLS));
    }
    assert_true(sqrt(DRAWS) * distance < 2.6);
}

static void counts_below_a_bound_are_unbiased(void **state) {
    (void)state;
    struct rng r = rng_stream(23, RNG_TEST, "below");
    uint32_t counts[7] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t n = rng_below(&r, COUNT(counts));
        assert_true(n < COUNT(counts));
        counts[n]++;
    }
    double p = 1.0 / COUNT(counts);
    for (size_t i = 0; i < COUNT(counts); i++) {
        assert_true(fabs(counts[i] - DRAWS * p) < sigmas * sqrt(DRAWS * p * (1.0 - p)));
    }
    assert_int_equal(rng_below(&r, 1), 0);
}

/* With n = 3 * 2^62 a modulus would give the lower third twice the weight. */
static void a_bound_near_two_to_the_64_is_unbiased_too(void **state) {
    (void)state;
    struct rng r = rng_stream(29, RNG_TEST, "below");
    uint64_t n = UINT64_C(3) << 62;
    int low = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = rng_below(&r, n);
        assert_true(x < n);
        low += x < n / 3;
    }
    assert_true(fabs(low - DRAWS / 3.0) < sigmas * sqrt(DRAWS * 2.0 / 9.0));
}

static void expect_zipf(double exponent, uint64_t n) {
    struct rng r = rng_stream(31, RNG_TEST, "zipf");
    enum { SHOWN = 12 };
    uint32_t counts[SHOWN + 1] = {0};
    double norm = 0.0;
    for (uint64_t k = 1; k <= n; k++) {
        norm += pow((double)k, -exponent);
    }
    for (int i = 0; i < DRAWS; i++) {
        uint64_t k = rng_zipf(&r, exponent, n);
        assert_true(k >= 1 && k <= n);
        counts[k <= SHOWN ? k : 0]++;
    }
    for (uint64_t k = 1; k <= SHOWN && k <= n; k++) {
        double p = pow((double)k, -exponent) / norm;
        if (fabs(counts[k] - DRAWS * p) > sigmas * sqrt(DRAWS * p * (1.0 - p)) + 1e-9) {
            fail_msg("exponent %g, n %llu: %u draws of %llu, want %g", exponent, (unsigned long long)n,
                     counts[k], (unsigned long long)k, DRAWS * p);
        }
    }
}

static void zipf_ranks_fall_with_their_power(void **state) {
    (void)state;
    expect_zipf(1.0, 1000);
    expect_zipf(1.2, 100000);
    expect_zipf(0.6, 50);
    expect_zipf(0.0, 10);
    expect_zipf(3.0, 5);
    expect_zipf(2.0, 1);
    expect_zipf(1.0 + 1e-12, 100);
}

static void zipf_of_a_steep_law_over_endless_ranks_is_the_zeta_distribution(void **state) {
    (void)state;
    struct rng r = rng_stream(37, RNG_TEST, "zipf");
    int ones = 0;
    for (int i = 0; i < DRAWS; i++) {
        ones += rng_zipf(&r, 2.5, UINT64_C(1) << 52) == 1;
    }
    double p = 1.0 / gsl_sf_zeta(2.5);
    assert_true(fabs(ones - DRAWS * p) < sigmas * sqrt(DRAWS * p * (1.0 - p)));
}

static void gsl_draws_from_the_same_stream(void **state) {
    (void)state;
    gsl_rng *gsl = gsl_rng_alloc(rng_gsl_type);
    struct rng r = rng_stream(99, RNG_TEST, "");
    gsl_rng_set(gsl, 99);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(gsl_rng_get(gsl), rng_u32(&r));
    }
    assert_true(gsl_rng_uniform(gsl) == rng_uniform(&r));
    assert_int_equal(gsl_rng_min(gsl), 0);
    assert_int_equal(gsl_rng_max(gsl), UINT32_MAX);
    gsl_rng_free(gsl);
}

static void gsl_variates_work_on_it(void **state) {
    (void)state;
    gsl_rng *gsl = gsl_rng_alloc(rng_gsl_type);
    gsl_rng_set(gsl, 7);
    double poisson = 0.0;
    double gaussian = 0.0;
    double beta = 0.0;
    double below = 0.0;
    for (int i = 0; i < DRAWS; i++) {
        poisson += gsl_ran_poisson(gsl, 4.0);
        gaussian += gsl_ran_gaussian_ziggurat(gsl, 1.0);
        beta += gsl_ran_beta(gsl, 2.0, 3.0);
        below += (double)gsl_rng_uniform_int(gsl, 10);
    }
    double root = sqrt(DRAWS);
    assert_true(fabs(poisson / DRAWS - 4.0) < sigmas * 2.0 / root);
    assert_true(fabs(gaussian / DRAWS) < sigmas / root);
    assert_true(fabs(beta / DRAWS - 0.4) < sigmas * 0.2 / root);         /* variance 0.04 */
    assert_true(fabs(below / DRAWS - 4.5) < sigmas * sqrt(8.25) / root); /* variance (n^2 - 1) / 12 */
    gsl_rng *copy = gsl_rng_clone(gsl);
    assert_int_equal(gsl_rng_get(copy), gsl_rng_get(gsl));
    gsl_rng_free(copy);
    gsl_rng_free(gsl);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_vectors),
        cmocka_unit_test(a_stream_depends_on_seed_purpose_and_name_alone),
        cmocka_unit_test(no_name_is_the_empty_name_and_a_name_is_its_hash),
        cmocka_unit_test(blocks_are_numbered_and_carry_into_the_upper_word),
        cmocka_unit_test(replications_have_seeds_of_their_own),
        cmocka_unit_test(the_draws_never_change),
        cmocka_unit_test(uniforms_stay_in_their_interval),
        cmocka_unit_test(exponentials_have_their_moments),
        cmocka_unit_test(normals_have_their_moments),
        cmocka_unit_test(lognormals_have_their_moments),
        cmocka_unit_test(gammas_have_their_moments_on_both_sides_of_shape_one),
        cmocka_unit_test(weibulls_have_their_moments),
        cmocka_unit_test(normals_follow_the_whole_distribution),
        cmocka_unit_test(counts_below_a_bound_are_unbiased),
        cmocka_unit_test(a_bound_near_two_to_the_64_is_unbiased_too),
        cmocka_unit_test(zipf_ranks_fall_with_their_power),
        cmocka_unit_test(zipf_of_a_steep_law_over_endless_ranks_is_the_zeta_distribution),
        cmocka_unit_test(gsl_draws_from_the_same_stream),
        cmocka_unit_test(gsl_variates_work_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
