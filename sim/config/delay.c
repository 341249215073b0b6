#include "config/delay.h"

#include <math.h>
#include <stddef.h>

#include "base/detmath.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "config/field.h"

/* The mapping as written; NAN where a key is absent. */
struct delay_keys {
    int law;
    double mean_s, median_s, sigma, cv, shape, low_s, high_s;
};

static const char *const law_names[] = {"constant", "exponential", "lognormal",     "gamma",
                                        "uniform",  "weibull",     "deterministic", NULL};
enum { LAW_DETERMINISTIC = 6 };

/* A year: no phase of anything here takes longer, and sums stay far from the clock's end. */
static const double delay_longest_s = 366.0 * 86400.0;

#define DELAY_DURATION(name, field, text)                                                                    \
    {                                                                                                        \
        .key = name, .type = FIELD_QUANTITY, .unit = UNIT_DURATION, .low = 0, .high = 366.0 * 86400.0,       \
        .absent = NAN, .offset = offsetof(struct delay_keys, field), .help = text                            \
    }
#define DELAY_NUMBER(name, field, least, most, text)                                                         \
    {                                                                                                        \
        .key = name, .type = FIELD_QUANTITY, .unit = UNIT_NUMBER, .low = least, .high = most, .absent = NAN, \
        .offset = offsetof(struct delay_keys, field), .help = text                                           \
    }

const struct field delay_fields[] = {
    {.key = "law",
     .type = FIELD_ENUM,
     .choices = law_names,
     .fallback = "constant",
     .offset = offsetof(struct delay_keys, law),
     .help = "Which distribution; `deterministic` is another word for `constant`."},
    DELAY_DURATION("mean", mean_s,
                   "Mean: constant, exponential, gamma, weibull; lognormal in place of median."),
    DELAY_DURATION("median", median_s, "Median: lognormal."),
    DELAY_NUMBER("sigma", sigma, 0, 10, "Standard deviation of the logarithm: lognormal."),
    DELAY_NUMBER("cv", cv, 0, 100,
                 "Standard deviation over mean: gamma (above 0); lognormal in place of sigma."),
    DELAY_NUMBER("shape", shape, 0.05, 100, "Shape: weibull."),
    DELAY_DURATION("low", low_s, "Least value: uniform."),
    DELAY_DURATION("high", high_s, "Greatest value: uniform."),
    FIELDS_END,
};

/* Γ(1 + k / shape), the k-th moment of a Weibull variate of scale 1. */
static double weibull_moment(double shape, double k) {
    return det_exp(det_lgamma(1.0 + k / shape));
}

enum { KEY_MEAN = 1, KEY_MEDIAN = 2, KEY_SIGMA = 4, KEY_CV = 8, KEY_SHAPE = 16, KEY_LOW = 32, KEY_HIGH = 64 };

static const struct {
    unsigned bit;
    const char *name;
} key_names[] = {
    {KEY_MEAN, "mean"},   {KEY_MEDIAN, "median"}, {KEY_SIGMA, "sigma"}, {KEY_CV, "cv"},
    {KEY_SHAPE, "shape"}, {KEY_LOW, "low"},       {KEY_HIGH, "high"},
};

/* The sets of keys that define each law. */
static const struct {
    enum delay_law law;
    unsigned keys;
    const char *text;
} law_keys[] = {
    {DELAY_CONSTANT, KEY_MEAN, "mean"},
    {DELAY_EXPONENTIAL, KEY_MEAN, "mean"},
    {DELAY_LOGNORMAL, KEY_MEDIAN | KEY_SIGMA, "median (or mean) and sigma (or cv)"},
    {DELAY_LOGNORMAL, KEY_MEAN | KEY_SIGMA, "median (or mean) and sigma (or cv)"},
    {DELAY_LOGNORMAL, KEY_MEDIAN | KEY_CV, "median (or mean) and sigma (or cv)"},
    {DELAY_LOGNORMAL, KEY_MEAN | KEY_CV, "median (or mean) and sigma (or cv)"},
    {DELAY_GAMMA, KEY_MEAN | KEY_CV, "mean and cv"},
    {DELAY_UNIFORM, KEY_LOW | KEY_HIGH, "low and high"},
    {DELAY_WEIBULL, KEY_MEAN | KEY_SHAPE, "mean and shape"},
};

static unsigned given_keys(const struct delay_keys *k) {
    const double values[] = {k->mean_s, k->median_s, k->sigma, k->cv, k->shape, k->low_s, k->high_s};
    unsigned given = 0;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        given |= isnan(values[i]) ? 0 : key_names[i].bit;
    }
    return given;
}

static bool check_keys(struct field_reader *reader, const struct yaml_node *node, enum delay_law law,
                       unsigned given) {
    const char *text = NULL;
    for (size_t i = 0; i < sizeof law_keys / sizeof law_keys[0]; i++) {
        if (law_keys[i].law == law) {
            text = law_keys[i].text;
            if (law_keys[i].keys == given) {
                return true;
            }
        }
    }
    return field_error(reader, node, NULL, "expected law %s with exactly %s", law_names[law], text);
}

/* Fills what the keys imply. Log-normal: mean = median exp(sigma^2 / 2), cv^2 = exp(sigma^2) - 1. */
static struct delay resolve(const struct delay_keys *k, unsigned given) {
    struct delay d = {.law = (enum delay_law)k->law};
    switch (d.law) {
    case DELAY_CONSTANT:
        d.mean_s = k->mean_s;
        break;
    case DELAY_EXPONENTIAL:
        d.mean_s = k->mean_s;
        d.cv = 1.0;
        break;
    case DELAY_LOGNORMAL:
        d.sigma = given & KEY_SIGMA ? k->sigma : sqrt(det_log1p(k->cv * k->cv));
        d.median_s = given & KEY_MEDIAN ? k->median_s : k->mean_s * det_exp(-0.5 * d.sigma * d.sigma);
        d.mean_s = given & KEY_MEAN ? k->mean_s : d.median_s * det_exp(0.5 * d.sigma * d.sigma);
        d.cv = sqrt(det_expm1(d.sigma * d.sigma));
        break;
    case DELAY_GAMMA:
        d.mean_s = k->mean_s;
        d.cv = k->cv;
        break;
    case DELAY_UNIFORM:
        d.low_s = k->low_s;
        d.high_s = k->high_s;
        d.mean_s = 0.5 * (d.low_s + d.high_s);
        d.cv = d.mean_s > 0 ? (d.high_s - d.low_s) / (sqrt(12.0) * d.mean_s) : 0;
        break;
    case DELAY_WEIBULL:
        d.mean_s = k->mean_s;
        d.shape = k->shape;
        double first = weibull_moment(d.shape, 1);
        d.cv = sqrt(weibull_moment(d.shape, 2) / (first * first) - 1.0);
        break;
    }
    return d;
}

bool delay_read(struct field_reader *reader, const struct yaml_node *node, struct delay *into) {
    if (node->kind == YAML_SCALAR) {
        *into = (struct delay){.law = DELAY_CONSTANT};
        return field_quantity(reader, node, NULL, UNIT_DURATION, 0, delay_longest_s, &into->mean_s);
    }
    if (node->kind != YAML_MAPPING) {
        return field_error(reader, node, NULL,
                           "expected a duration such as 45s, or {law: lognormal, median: 45s, sigma: 0.3}");
    }
    struct delay_keys keys = {0};
    if (!fields_read(reader, delay_fields, node, &keys)) {
        return false;
    }
    if (keys.law == LAW_DETERMINISTIC) {
        keys.law = DELAY_CONSTANT;
    }
    unsigned given = given_keys(&keys);
    if (!check_keys(reader, node, (enum delay_law)keys.law, given)) {
        return false;
    }
    if (keys.law == DELAY_UNIFORM && keys.low_s > keys.high_s) {
        return field_error(reader, node, "low", "expected low to be at most high");
    }
    if (keys.law == DELAY_GAMMA && keys.cv < 0.001) {
        return field_error(reader, node, "cv", "expected a cv of at least 0.001; law constant has none");
    }
    *into = resolve(&keys, given);
    return true;
}

double delay_draw(const struct delay *d, struct rng *rng) {
    switch (d->law) {
    case DELAY_CONSTANT:
        return d->mean_s;
    case DELAY_EXPONENTIAL:
        return rng_exponential(rng, d->mean_s);
    case DELAY_LOGNORMAL:
        return d->median_s > 0 ? rng_lognormal(rng, det_log(d->median_s), d->sigma) : 0;
    case DELAY_GAMMA:
        return rng_gamma(rng, 1.0 / (d->cv * d->cv), d->mean_s * d->cv * d->cv);
    case DELAY_UNIFORM:
        return d->low_s + (d->high_s - d->low_s) * rng_uniform(rng);
    case DELAY_WEIBULL:
        return rng_weibull(rng, d->shape, d->mean_s / weibull_moment(d->shape, 1));
    }
    return 0;
}

void delay_print(FILE *out, const struct delay *d) {
    char a[NUMBER_TEXT_BYTES], b[NUMBER_TEXT_BYTES];
    const char *name = law_names[d->law];
    switch (d->law) {
    case DELAY_CONSTANT:
        fprintf(out, "%ss", number_text(d->mean_s, a));
        break;
    case DELAY_EXPONENTIAL:
        fprintf(out, "{law: %s, mean: %ss}", name, number_text(d->mean_s, a));
        break;
    case DELAY_LOGNORMAL:
        fprintf(out, "{law: %s, median: %ss, sigma: %s}", name, number_text(d->median_s, a),
                number_text(d->sigma, b));
        break;
    case DELAY_GAMMA:
        fprintf(out, "{law: %s, mean: %ss, cv: %s}", name, number_text(d->mean_s, a), number_text(d->cv, b));
        break;
    case DELAY_UNIFORM:
        fprintf(out, "{law: %s, low: %ss, high: %ss}", name, number_text(d->low_s, a),
                number_text(d->high_s, b));
        break;
    case DELAY_WEIBULL:
        fprintf(out, "{law: %s, mean: %ss, shape: %s}", name, number_text(d->mean_s, a),
                number_text(d->shape, b));
        break;
    }
}
