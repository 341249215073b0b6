/* kernels/fit/soft_roofline.h: t = t0 + ((F/P)^q + (B/W)^q)^(1/q), a roofline whose corner is round.
 *
 * Williams, Waterman and Patterson, "Roofline" (CACM 52(4), 2009), is the case t0 = 0, q = infinite; q = 1
 * adds the two terms, as where a kernel does not overlap them.
 */
#ifndef DRYDOCK_KERNELS_FIT_SOFT_ROOFLINE_H
#define DRYDOCK_KERNELS_FIT_SOFT_ROOFLINE_H

#include "base/error.h"
#include "kernels/samples.h"

struct soft_roofline {
    double t0_s, flops_per_s, bytes_per_s, q; /* flops_per_s: of op_work(), which is FLOPs for most ops */
};

double soft_roofline_s(const struct soft_roofline *r, double work, double bytes);
double soft_roofline_at(const struct soft_roofline *r, const struct samples *s, const double *x);

/* Least squares on log(model / measured) under a pseudo-Huber loss, by GSL's Levenberg-Marquardt. Fails where
 * there are fewer than 8 rows or nothing converges to finite figures (ERROR_INVALID). */
bool soft_roofline_fit(struct soft_roofline *r, const struct samples *s, struct error *err);

#endif
