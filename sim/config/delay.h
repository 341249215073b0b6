/* sim/config/delay.h: random durations as a scenario writes them.
 *
 * "45s", or a mapping {law: lognormal, median: 45s, sigma: 0.3}. Laws and their keys:
 *   constant (or deterministic)  mean
 *   exponential                  mean
 *   lognormal                    median or mean; sigma (of the logarithm) or cv
 *   gamma                        mean, cv
 *   uniform                      low, high
 *   weibull                      mean, shape
 */
#ifndef DRYDOCK_CONFIG_DELAY_H
#define DRYDOCK_CONFIG_DELAY_H

#include <stdbool.h>
#include <stdio.h>

#include "config/field.h"

enum delay_law {
    DELAY_CONSTANT,
    DELAY_EXPONENTIAL,
    DELAY_LOGNORMAL,
    DELAY_GAMMA,
    DELAY_UNIFORM,
    DELAY_WEIBULL
};

struct delay {
    enum delay_law law;
    double mean_s;        /* filled for every law */
    double cv;            /* standard deviation over mean, filled for every law */
    double median_s;      /* lognormal */
    double sigma;         /* lognormal, of the logarithm */
    double shape;         /* weibull */
    double low_s, high_s; /* uniform */
};

struct rng;

/* One draw, >= 0. One law takes the same number of uniforms from the stream every time (gamma excepted, which
 * rejects). */
double delay_draw(const struct delay *delay, struct rng *rng);

/* The keys of the mapping, for schema and reference. */
extern const struct field delay_fields[];

bool delay_read(struct field_reader *reader, const struct yaml_node *node, struct delay *into);

/* As a YAML value on one line that reads back to the same delay. */
void delay_print(FILE *out, const struct delay *delay);

#endif
