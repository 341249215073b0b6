#include "base/rng.h"

#include <math.h>
#include <stddef.h>

#include "base/detmath.h"
#include "base/hash.h"

/* Multipliers and Weyl increments of Philox4x32 (Salmon et al. 2011, section 3.3). */
enum { PHILOX_ROUNDS = 10 };
static const uint32_t philox_m0 = 0xD2511F53U;
static const uint32_t philox_m1 = 0xCD9E8D57U;
static const uint32_t philox_w0 = 0x9E3779B9U; /* golden ratio */
static const uint32_t philox_w1 = 0xBB67AE85U; /* sqrt(3) - 1 */

static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0];
    uint32_t c1 = counter[1];
    uint32_t c2 = counter[2];
    uint32_t c3 = counter[3];
    uint32_t k0 = key[0];
    uint32_t k1 = key[1];
    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        uint64_t p0 = (uint64_t)philox_m0 * c0;
        uint64_t p1 = (uint64_t)philox_m1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += philox_w0;
        k1 += philox_w1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void split(uint64_t value, uint32_t out[2]) {
    out[0] = (uint32_t)value;
    out[1] = (uint32_t)(value >> 32);
}

/* Bytes are laid out by shifts, not by memory order, so that a seed means the same anywhere. */
static uint64_t hash_pair(uint64_t a, uint64_t b) {
    uint8_t bytes[16];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(a >> (8 * i));
        bytes[8 + i] = (uint8_t)(b >> (8 * i));
    }
    return hash64(bytes, sizeof bytes, 0);
}

struct rng rng_stream_id(uint64_t seed, enum rng_purpose purpose, uint64_t entity) {
    struct rng r = {.used = 4};
    split(hash_pair(seed, (uint64_t)purpose), r.key);
    split(entity, &r.counter[2]);
    return r;
}

struct rng rng_stream(uint64_t seed, enum rng_purpose purpose, const char *name) {
    return rng_stream_id(seed, purpose, hash64_text(name ? name : ""));
}

uint64_t rng_replication_seed(uint64_t seed, uint64_t n) {
    if (n == 0) {
        return seed;
    }
    struct rng r = rng_stream_id(seed, RNG_REPLICATION, n);
    return rng_u64(&r);
}

uint32_t rng_u32(struct rng *r) {
    if (r->used == 4) {
        philox(r->counter, r->key, r->block);
        r->used = 0;
        if (++r->counter[0] == 0) {
            r->counter[1]++;
        }
    }
    return r->block[r->used++];
}

uint64_t rng_u64(struct rng *r) {
    uint64_t low = rng_u32(r);
    uint64_t high = rng_u32(r);
    return high << 32 | low;
}

double rng_uniform(struct rng *r) {
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

/* Midpoints of 2^52 equal cells: symmetric about 1/2 and never 0 or 1. */
double rng_uniform_open(struct rng *r) {
    return ((double)(rng_u64(r) >> 12) + 0.5) * 0x1p-52;
}

/* Lemire 2019: the high half of a 64x64-bit product, rejecting the few low halves that would favour some
 * values. */
uint64_t rng_below(struct rng *r, uint64_t n) {
    unsigned __int128 product = (unsigned __int128)rng_u64(r) * n;
    if ((uint64_t)product < n) {
        uint64_t unfair = (0 - n) % n;
        while ((uint64_t)product < unfair) {
            product = (unsigned __int128)rng_u64(r) * n;
        }
    }
    return (uint64_t)(product >> 64);
}

double rng_exponential(struct rng *r, double mean) {
    return -mean * det_log(rng_uniform_open(r));
}

double rng_normal(struct rng *r) {
    return det_norm_inv(rng_uniform_open(r));
}

double rng_lognormal(struct rng *r, double mu, double sigma) {
    return det_exp(mu + sigma * rng_normal(r));
}

/* Marsaglia and Tsang 2000: cube a shifted normal, accept under a squeeze or the exact bound. */
static double gamma_above_one(struct rng *r, double shape) {
    double d = shape - 1.0 / 3.0;
    double c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = rng_normal(r);
        double t = 1.0 + c * x;
        if (t <= 0.0) {
            continue;
        }
        double v = t * t * t;
        double u = rng_uniform_open(r);
        if (u < 1.0 - 0.0331 * (x * x) * (x * x) || det_log(u) < 0.5 * x * x + d * (1.0 - v + det_log(v))) {
            return d * v;
        }
    }
}

/* Below shape 1 the algorithm does not hold: G(a) = G(a + 1) U^(1/a). */
double rng_gamma(struct rng *r, double shape, double scale) {
    if (shape >= 1.0) {
        return scale * gamma_above_one(r, shape);
    }
    double u = rng_uniform_open(r);
    return scale * gamma_above_one(r, shape + 1.0) * det_pow(u, 1.0 / shape);
}

double rng_weibull(struct rng *r, double shape, double scale) {
    return scale * det_pow(-det_log(rng_uniform_open(r)), 1.0 / shape);
}

/* (x^(1-s) - 1) / (1 - s), the integral of t^-s from 1 to x; log x where s is 1. */
static double zipf_integral(double s, double x) {
    double log_x = det_log(x);
    double y = (1.0 - s) * log_x;
    return y == 0.0 ? log_x : log_x * (det_expm1(y) / y);
}

/* Its inverse. Rounding may push the argument of the logarithm past the end of the range; the end it is then.
 */
static double zipf_integral_inverse(double s, double y) {
    double t = (1.0 - s) * y;
    if (t < -1.0) {
        t = -1.0;
    }
    return t == 0.0 ? det_exp(y) : det_exp(y * (det_log1p(t) / t));
}

/* Rejection-inversion (Hoermann and Derflinger 1996): invert the integral of the density's hat and accept
 * when the point lies under the histogram bar of the nearest integer. The bar of 1 is taken whole. */
uint64_t rng_zipf(struct rng *r, double exponent, uint64_t n) {
    double last = zipf_integral(exponent, (double)n + 0.5);
    double first = zipf_integral(exponent, 1.5) - 1.0;
    double sure =
        2.0 - zipf_integral_inverse(exponent, zipf_integral(exponent, 2.5) - det_pow(2.0, -exponent));
    for (;;) {
        double u = last + rng_uniform_open(r) * (first - last);
        double x = zipf_integral_inverse(exponent, u);
        double k = floor(x + 0.5);
        k = k < 1.0 ? 1.0 : k > (double)n ? (double)n : k;
        if (k - x <= sure || u >= zipf_integral(exponent, k + 0.5) - det_pow(k, -exponent)) {
            return (uint64_t)k;
        }
    }
}

static void gsl_philox_set(void *state, unsigned long seed) {
    *(struct rng *)state = rng_stream(seed, RNG_TEST, "");
}

static unsigned long gsl_philox_get(void *state) {
    return rng_u32(state);
}

static double gsl_philox_get_double(void *state) {
    return rng_uniform(state);
}

static const gsl_rng_type gsl_philox = {
    .name = "philox4x32-10",
    .max = UINT32_MAX,
    .min = 0,
    .size = sizeof(struct rng),
    .set = gsl_philox_set,
    .get = gsl_philox_get,
    .get_double = gsl_philox_get_double,
};

const gsl_rng_type *rng_gsl_type = &gsl_philox;
