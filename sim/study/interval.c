#include "study/interval.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/detmath.h"

static const double UPPER_TAIL = 0.975; /* of a two-sided interval of 95 % */

/* The last bits of GSL's quantile follow the C library's exp and pow, which follow the processor. Nine
 * decimals are the same everywhere, and nobody reads more. */
static double student_t(uint64_t degrees) {
    static const double decimals = 1e9;
    return rint(gsl_cdf_tdist_Pinv(UPPER_TAIL, (double)degrees) * decimals) / decimals;
}

static struct interval unknown(uint64_t n, double mean) {
    return (struct interval){.n = n, .mean = mean, .standard_error = NAN, .low = NAN, .high = NAN};
}

/* Sums run over distances from the first value, so that equal values have exactly their value as mean. */
static struct interval of_numbers(const double *x, size_t n) {
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i] - x[0];
    }
    double mean = x[0] + sum / (double)n;
    if (n < 2 || !isfinite(mean)) {
        return unknown(n, mean);
    }
    for (size_t i = 0; i < n; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
    }
    struct interval r = {.n = n, .mean = mean};
    r.standard_error = sqrt(squares / (double)(n - 1) / (double)n);
    double half = student_t(n - 1) * r.standard_error;
    r.low = mean - half;
    r.high = mean + half;
    return r;
}

/* Infinite ones decide the mean alone (x - x0 would be no number). */
static struct interval of_existing(const double *x, size_t n) {
    double infinite = 0;
    for (size_t i = 0; i < n; i++) {
        infinite += isinf(x[i]) ? x[i] : 0; /* one of each sign: NaN */
    }
    if (n == 0) {
        return unknown(0, NAN);
    }
    return infinite != 0 ? unknown(n, infinite) : of_numbers(x, n);
}

struct interval interval_of(const double *values, size_t count) {
    double *kept = mem_zalloc(count + 1, sizeof *kept);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            kept[n++] = values[i];
        }
    }
    struct interval r = of_existing(kept, n);
    free(kept);
    return r;
}

/* The pairs' distances as `distance` measures them; one that is no number makes the whole unknown. */
static struct interval of_pairs(const double *base, const double *other, size_t count,
                                double (*distance)(double, double)) {
    double *d = mem_zalloc(count + 1, sizeof *d);
    size_t n = 0;
    bool known = true;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(base[i]) && !isnan(other[i])) {
            d[n] = distance(base[i], other[i]);
            known = known && isfinite(d[n]);
            n++;
        }
    }
    struct interval r = known ? of_existing(d, n) : unknown(n, NAN);
    free(d);
    return r;
}

static double difference(double base, double other) {
    return other - base;
}

static double log_ratio(double base, double other) {
    return base > 0 && other > 0 ? det_log(other) - det_log(base) : NAN;
}

struct interval interval_of_difference(const double *base, const double *other, size_t count) {
    return of_pairs(base, other, count, difference);
}

/* The ratio of a single pair is taken straight: its logarithm and back would cost it its last digits. */
static double only_ratio(const double *base, const double *other, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isnan(base[i]) && !isnan(other[i])) {
            return (other[i] - base[i]) / base[i];
        }
    }
    return NAN;
}

struct interval interval_of_change(const double *base, const double *other, size_t count) {
    struct interval r = of_pairs(base, other, count, log_ratio);
    r.mean = r.n == 1 && isfinite(r.mean) ? only_ratio(base, other, count) : det_expm1(r.mean);
    r.low = det_expm1(r.low);
    r.high = det_expm1(r.high);
    return r;
}

double interval_half(const struct interval *i) {
    return (i->high - i->low) / 2;
}
