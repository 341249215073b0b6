/* kernels/fit/fit.h: how long an op takes at any shape, from what was measured at some.
 *
 * time = soft roofline (fit/soft_roofline.h) * exp(residual), the residual told by neighbours
 * (fit/kriging.h).
 */
#ifndef DRYDOCK_KERNELS_FIT_FIT_H
#define DRYDOCK_KERNELS_FIT_FIT_H

#include "base/error.h"
#include "kernels/fit/soft_roofline.h"

struct fit;

/* `s` is sorted (samples_sort) and outlives the fit. With `tune` the scales of distance are chosen by how
 * well sites that are left out are predicted; otherwise they are the op's. */
struct fit *fit_create(const struct samples *s, bool tune, struct error *err);
void fit_free(struct fit *f); /* NULL is harmless */

double fit_s(struct fit *f, const double *x);
const struct soft_roofline *fit_roofline(const struct fit *f);

/* Errors |fitted - measured| / measured of shapes that were not fitted. */
struct fit_errors {
    size_t rows;
    double mean, median, p90;
    double roofline_mean; /* of the roofline alone */
};

enum { FIT_FOLDS = 5 };

/* Each site is left out once, with a fifth of all; scales are tuned anew on the rest each time. Which sites
 * go together depends on their axes alone. Fails where there are fewer sites than folds (ERROR_INVALID). */
bool fit_cross_validate(const struct samples *s, struct fit_errors *errors, struct error *err);

#endif
