#include "traces/synth/lengths.h"

#include <math.h>

#include "base/detmath.h"

static const double normal_reach = 8.0; /* standard deviations; 1e-15 lies beyond */

/* Phi(z) = 1/2 + phi(z) (z + z^3/3 + z^5/(3 5) + ...): every term positive, so nothing cancels. */
static double normal_series(double z) {
    double x = fabs(z);
    double sum = x;
    double term = x;
    for (int k = 3; k < 400; k += 2) {
        term *= x * x / k;
        sum += term;
    }
    double half = sum * det_exp(-0.5 * x * x) * 0.3989422804014327; /* 1/sqrt(2 pi) */
    half = half > 0.5 ? 0.5 : half;
    return z < 0 ? 0.5 - half : 0.5 + half;
}

void normal_table_init(struct normal_table *t) {
    for (int i = 0; i <= 4096; i++) {
        t->value[i] = normal_series(normal_reach * (i - 2048) / 2048.0);
    }
}

double normal_cdf(const struct normal_table *t, double z) {
    double place = (z + normal_reach) * (2048.0 / normal_reach);
    if (!(place > 0)) {
        return 0;
    }
    if (place >= 4096) {
        return 1;
    }
    int i = (int)place;
    return t->value[i] + (place - i) * (t->value[i + 1] - t->value[i]);
}

static double quantile(const struct length_distribution *d, double p) {
    int low = 0;
    int high = d->quantile_count - 1;
    if (p <= d->probability[low]) {
        return d->value[low];
    }
    if (p >= d->probability[high]) {
        return d->value[high];
    }
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (d->probability[middle] <= p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    double share = (p - d->probability[low]) / (d->probability[high] - d->probability[low]);
    return d->value[low] + share * (d->value[high] - d->value[low]);
}

static uint32_t whole(const struct length_distribution *d, double length) {
    double high = d->high ? d->high : TRACE_TOKENS_MAX;
    double rounded = floor(length + 0.5);
    return rounded <= d->low ? d->low : rounded >= high ? (uint32_t)high : (uint32_t)rounded;
}

uint32_t length_draw(const struct length_distribution *d, const struct normal_table *t, double z,
                     struct rng *r) {
    switch (d->law) {
    case LENGTH_CONSTANT:
        break;
    case LENGTH_LOGNORMAL:
        return whole(d, det_exp(d->mu + d->sigma * z));
    case LENGTH_QUANTILES:
        return whole(d, quantile(d, normal_cdf(t, z)));
    case LENGTH_ZIPF:
        return d->low + (uint32_t)rng_zipf(r, d->exponent, (uint64_t)d->high - d->low + 1) - 1;
    case LENGTH_EXPONENTIAL:
        return whole(d, -d->mu * det_log1p(-normal_cdf(t, z)));
    case LENGTH_UNIFORM: /* floor, so that both ends are as likely as the rest */
        return whole(d, floor(d->low + normal_cdf(t, z) * ((double)d->high - d->low + 1)));
    }
    return d->low;
}

static bool bad(const char *field, const char *part, const char *expected, struct error *err) {
    char name[96];
    int at = 0;
    for (const char *p = field; *p && at < 60; p++) {
        name[at++] = *p;
    }
    name[at++] = '.';
    for (const char *p = part; *p && at < 95; p++) {
        name[at++] = *p;
    }
    name[at] = '\0';
    return error_at(err, ERROR_INVALID, NULL, name, "expected %s", expected);
}

static bool check_quantiles(const struct length_distribution *d, const char *field, struct error *err) {
    if (d->quantile_count < 2 || d->quantile_count > TRACE_QUANTILES_MAX) {
        return bad(field, "quantiles", "between 2 and 64 quantiles", err);
    }
    for (int i = 0; i < d->quantile_count; i++) {
        if (!(d->probability[i] >= 0 && d->probability[i] <= 1) || !(d->value[i] >= 0) ||
            d->value[i] > TRACE_TOKENS_MAX) {
            return bad(field, "quantiles", "probabilities from 0 to 1 and lengths from 0 to 2147483647", err);
        }
        if (i > 0 && (d->probability[i] <= d->probability[i - 1] || d->value[i] < d->value[i - 1])) {
            return bad(field, "quantiles", "probabilities that rise and lengths that do not fall", err);
        }
    }
    return true;
}

bool length_check(const struct length_distribution *d, const char *field, struct error *err) {
    bool ranged = d->law == LENGTH_ZIPF || d->law == LENGTH_UNIFORM;
    if (d->low > TRACE_TOKENS_MAX || d->high > TRACE_TOKENS_MAX) {
        return bad(field, "high", "at most 2147483647 tokens", err);
    }
    if ((ranged || d->high > 0) && d->high < d->low) {
        return bad(field, "high", "a number not below low", err);
    }
    if (d->law == LENGTH_LOGNORMAL && !(fabs(d->mu) <= 21.5)) { /* e^21.5 = 2^31 */
        return bad(field, "mu", "the mean of the logarithm: a number from -21.5 to 21.5", err);
    }
    if (d->law == LENGTH_LOGNORMAL && !(d->sigma >= 0 && d->sigma <= 10)) {
        return bad(field, "sigma", "a number from 0 to 10", err);
    }
    if (d->law == LENGTH_EXPONENTIAL && !(d->mu > 0 && d->mu <= TRACE_TOKENS_MAX)) {
        return bad(field, "mean", "a positive number of tokens", err);
    }
    if (d->law == LENGTH_ZIPF && !(d->exponent > 0 && d->exponent <= 20)) {
        return bad(field, "exponent", "a number above 0 and at most 20", err);
    }
    return d->law != LENGTH_QUANTILES || check_quantiles(d, field, err);
}
