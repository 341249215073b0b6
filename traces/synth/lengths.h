/* traces/lengths.h: drawing token lengths (private). */
#ifndef DRYDOCK_TRACES_LENGTHS_H
#define DRYDOCK_TRACES_LENGTHS_H

#include "base/rng.h"
#include "traces/traces.h"

/* The standard normal distribution function between its values at 4097 points: error below 1e-6, which is
 * less than one token anywhere, at a tenth of the cost of the series. */
struct normal_table {
    double value[4097]; /* at -8 .. 8 */
};
void normal_table_init(struct normal_table *t);
double normal_cdf(const struct normal_table *t, double z);

/* One length. `z` is a standard normal variate that the length grows with, so that two lengths correlate as
 * their z do (Gaussian copula); Zipf lengths are drawn by rejection from `r` and take no notice of z. */
uint32_t length_draw(const struct length_distribution *d, const struct normal_table *t, double z,
                     struct rng *r);

/* Names the bad field: "input_tokens.sigma". */
bool length_check(const struct length_distribution *d, const char *field, struct error *err);

#endif
