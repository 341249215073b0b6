/* sim/base/simtime.h: the one simulated clock: int64 picoseconds from the start of the run.
 *
 * Sums of picoseconds are exact, so a run of iterations taken as one event ends on the same date, to the bit,
 * as the same iterations taken one by one. 2^63 ps are 106 days; a window longer than SIMTIME_WINDOW_MAX is
 * refused.
 */
#ifndef DRYDOCK_BASE_SIMTIME_H
#define DRYDOCK_BASE_SIMTIME_H

#include <stdint.h>

typedef int64_t simtime;        /* picoseconds */
typedef __int128 simtime_total; /* of sums over many servers or requests */

#define SIMTIME_SECOND ((simtime)1000000000000)
#define SIMTIME_NEVER INT64_MAX
#define SIMTIME_WINDOW_MAX ((simtime)100 * 86400 * SIMTIME_SECOND) /* 100 days */

/* Seconds to picoseconds, rounded half away from zero; saturates at +-SIMTIME_NEVER; NaN gives 0. */
static inline simtime simtime_from_s(double s) {
    if (!(s == s)) {
        return 0;
    }
    if (s >= 9.2e6) {
        return SIMTIME_NEVER;
    }
    if (s <= -9.2e6) {
        return -SIMTIME_NEVER;
    }
    return (simtime)(s * 1e12 + (s < 0 ? -0.5 : 0.5));
}

/* a + b and a x times, not negative; what lies beyond the clock is SIMTIME_NEVER. For whatever a user may set
 * to months: plain sums of it wrap. */
static inline simtime simtime_add(simtime a, simtime b) {
    simtime sum;
    return __builtin_add_overflow(a, b, &sum) ? SIMTIME_NEVER : sum;
}

static inline simtime simtime_times(simtime a, int64_t times) {
    simtime product;
    return __builtin_mul_overflow(a, times, &product) ? SIMTIME_NEVER : product;
}

/* The double nearest to the exact decimal below 9000 s: 1e12 is a double and 1e-12 is none, so a product
 * would print as 0.6273544475689999 where the quotient is 0.627354447569. */
static inline double simtime_to_s(simtime t) {
    return (double)t / 1e12;
}

/* Seconds of a sum, whole seconds and the rest apart so that no digit is lost on the way. */
static inline double simtime_total_to_s(simtime_total t) {
    if (t == (int64_t)t) { /* most are: a division of 128 bits is a call of 30 ns */
        return (double)((int64_t)t / SIMTIME_SECOND) + (double)((int64_t)t % SIMTIME_SECOND) / 1e12;
    }
    return (double)(int64_t)(t / SIMTIME_SECOND) + (double)(int64_t)(t % SIMTIME_SECOND) / 1e12;
}

#endif
