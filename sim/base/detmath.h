/* sim/base/detmath.h: exp, log and friends that give the same bits on every x86-64 machine.
 *
 * glibc picks other code paths where the CPU has FMA, and the last bit of exp, log, pow, sin changes with
 * them. Model code and random variates use these instead: plain IEEE double operations in a fixed order,
 * built without contraction. Worst error against a correctly rounded result is below 1 ulp (tested on dense
 * grids against long double). sqrt, floor, ceil, fabs, ldexp, frexp are exact in libm and need no twin.
 */
#ifndef DRYDOCK_BASE_DETMATH_H
#define DRYDOCK_BASE_DETMATH_H

double det_log(double x);   /* natural; -inf at 0, NaN below */
double det_log1p(double x); /* log(1 + x) without cancellation */
double det_log2(double x);
double det_exp(double x); /* over- and underflow to inf and 0, subnormals right */
double det_expm1(double x);
double det_pow(double x, double y); /* x >= 0, or x < 0 with integral y */
double det_sin(double x);           /* |x| <= 1e6; NaN beyond */
double det_cos(double x);
double det_lgamma(double x); /* x > 0; relative error below 1e-13 */
double
det_norm_inv(double probability); /* quantile of the standard normal, 0 < p < 1; relative error below 1e-13 */

#endif
