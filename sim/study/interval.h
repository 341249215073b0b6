/* sim/study/interval.h: how sure a mean over replications is. Pure.
 *
 * One value a replication (runs with other seeds are independent; requests within a run are not, so nothing
 * here is ever fed with the values of single requests). With n values x1 ... xn:
 *
 *   mean            m  = (x1 + ... + xn) / n
 *   standard error  se = sqrt(((x1 - m)^2 + ... + (xn - m)^2) / (n - 1)) / sqrt(n)
 *   interval        m - t se ... m + t se,  t = the 0.975 quantile of Student's t with n - 1 degrees of
 * freedom
 *
 * (Student, The probable error of a mean, Biometrika 6, 1908; Law, Simulation Modeling and Analysis, 5th ed.,
 * section 4.5.) Over many studies, 95 % of such intervals hold the true mean; exactly so when the values are
 * normal, nearly so for the means and quantiles of runs that are long enough. Equal values give an interval
 * of no width.
 *
 * Two definitions that ran under common seeds are compared pair by pair (Law, section 11.2: a paired t
 * interval): what moves both of them alike drops out, so the interval of the difference is often far narrower
 * than that of either mean.
 *
 * A value that does not exist is NaN and left out (a pair with one, too): `n` says how many were counted.
 * Infinite values are figures too ("never"): the mean is then infinite and nothing is known of its error.
 *
 * The same values give the same bits on every machine: t (GSL's gsl_cdf_tdist_Pinv) is cut to nine decimals,
 * which hides the last bits in which processors differ.
 */
#ifndef DRYDOCK_STUDY_INTERVAL_H
#define DRYDOCK_STUDY_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

struct interval {
    uint64_t n;            /* values, or pairs, that were counted */
    double mean;           /* NaN when n is 0 */
    double standard_error; /* NaN when n is below 2 or the mean is infinite */
    double low, high;      /* 95 %; NaN where standard_error is */
};

/* Of `count` values, one a replication. */
struct interval interval_of(const double *values, size_t count);

/* Of other - base, pair by pair. Pairs with an infinite value have no difference: the mean is then NaN. */
struct interval interval_of_difference(const double *base, const double *other, size_t count);

/* Of the relative change: with d the paired differences ln(other) - ln(base), everything is computed on d and
 * carried back, exp(d) - 1: 0.05 is 5 % more. The mean is thus that of the geometric mean ratio, halving is
 * as far from 0 as doubling, and the interval never goes below -1 (standard_error stays that of d). Only
 * values above 0 have a ratio: with any other in a pair, all is NaN. One pair gives other / base - 1. */
struct interval interval_of_change(const double *base, const double *other, size_t count);

/* Half the width; NaN without an interval. */
double interval_half(const struct interval *i);

#endif
