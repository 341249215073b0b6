/* kernels/fit/kriging.h: what neighbours say of a shape that was not measured.
 *
 * Ordinary kriging (Matheron, "Principles of Geostatistics", 1963; Cressie, "Statistics for Spatial Data",
 * 1993, ch. 3) of the residual log(measured / roofline) over the nearest measured shapes, with the
 * exponential covariance: rough, as the times of kernels are. At a measured shape it answers what was
 * measured (but for a small nugget), far from all their mean. A site that was itself measured along one
 * coordinate needs no neighbours: it is a straight line from one measured place to the next.
 */
#ifndef DRYDOCK_KERNELS_FIT_KRIGING_H
#define DRYDOCK_KERNELS_FIT_KRIGING_H

#include "kernels/samples.h"

struct kriging;

/* Copies what it needs. `residual` has one value for each row of `s`, which is sorted; `alignment` replaces
 * the op's. */
struct kriging *kriging_create(const struct samples *s, const double *residual,
                               const struct op_alignment *alignment);
void kriging_free(struct kriging *k); /* NULL is harmless */

double kriging_at(struct kriging *k, const double *x);

#endif
