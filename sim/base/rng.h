/* sim/base/rng.h: counter-based random streams (Philox4x32-10; Salmon et al., SC 2011).
 *
 * A draw is a pure function of (seed, purpose, stable name, index). Two definitions that are compared under
 * one seed therefore see the same arrivals, lengths, start-up times and failures whatever the order of
 * events, and adding an unrelated object changes nothing. Names are stable (namespace/kind/name/ordinal),
 * never creation order.
 */
#ifndef DRYDOCK_BASE_RNG_H
#define DRYDOCK_BASE_RNG_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

struct rng {
    uint32_t key[2];
    uint32_t counter[4]; /* [0..1] draw block, [2..3] entity */
    uint32_t block[4];
    uint32_t used; /* words of `block` handed out; 4 = none left */
};

/* What a stream is for. Append only: the numbers are part of every published seed. */
enum rng_purpose {
    RNG_ARRIVALS = 1,
    RNG_LENGTHS = 2,
    RNG_THINNING = 3,
    RNG_SERVICE = 4,
    RNG_ROUTER = 5,
    RNG_PROVISION = 6,
    RNG_STARTUP = 7,
    RNG_SESSION = 8,
    RNG_TEST = 9,
    RNG_REPLICATION = 10,
    RNG_NETWORK = 11,
    RNG_RETRY = 12,
    RNG_CANCEL = 13,
    RNG_DRAFTS = 14,
    RNG_FAULTS = 15,
    RNG_MODEL_ROUTE = 16,
};

/* The stream (seed, purpose, name); `name` is hashed with XXH3. NULL is the same as "". */
struct rng rng_stream(uint64_t seed, enum rng_purpose purpose, const char *name);

/* The same keyed by number, for streams that belong to a request or a replica ordinal under a name's hash. */
struct rng rng_stream_id(uint64_t seed, enum rng_purpose purpose, uint64_t entity);

/* The seed of replication `n` (0 is the seed itself). */
uint64_t rng_replication_seed(uint64_t seed, uint64_t n);

uint32_t rng_u32(struct rng *r);
uint64_t rng_u64(struct rng *r);
double rng_uniform(struct rng *r);             /* [0, 1), 53 bits */
double rng_uniform_open(struct rng *r);        /* (0, 1) */
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 .. n-1, unbiased; n > 0 */

/* Variates from deterministic maths (gsl_ran_* call libm, whose last bit depends on the CPU). */
double rng_exponential(struct rng *r, double mean);
double rng_normal(struct rng *r);                              /* by inversion: one uniform a draw */
double rng_lognormal(struct rng *r, double mu, double sigma);  /* of the logarithm */
double rng_gamma(struct rng *r, double shape, double scale);   /* Marsaglia and Tsang 2000 */
double rng_weibull(struct rng *r, double shape, double scale); /* by inversion */
uint64_t rng_zipf(struct rng *r, double exponent,
                  uint64_t n); /* 1 .. n, P(k) ~ k^-exponent; rejection-inversion */

/* The same generator as a gsl_rng_type, for whatever takes a gsl_rng. gsl_rng_set(r, s) selects (s, RNG_TEST,
 * ""); */
extern const gsl_rng_type *rng_gsl_type;

#endif
