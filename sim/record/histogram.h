/* sim/record/histogram.h: the distribution of a figure over any number of values in bounded memory.
 *
 * A bucket is the values whose doubles share exponent and first 11 bits of mantissa, so it is at most 2^-11
 * of its value wide and finding it is a shift. Buckets lie in pages of a sixteenth of an octave (1 KiB), made
 * when first touched: latencies of one service fill 50 to 100 pages, the worst case is 1,024. n, min and max
 * are exact, and so is the sum of the values rounded to 1e-12 (picoseconds, for seconds): the same values
 * give the same bits on every machine and in any order.
 *
 * Values below 2^-30 (a nanosecond, for seconds), 0 and negative ones count as 0; those from 2^34 on,
 * infinity among them, count as the maximum. NaN is not counted at all.
 */
#ifndef DRYDOCK_RECORD_HISTOGRAM_H
#define DRYDOCK_RECORD_HISTOGRAM_H

#include <stdint.h>

#include "base/simtime.h"
#include "record/summary.h"

enum {
    HISTOGRAM_SUB_BITS = 11,
    HISTOGRAM_LOWEST_EXPONENT = -30, /* values below 2^-30 are 0 */
    HISTOGRAM_OCTAVES = 64,
    HISTOGRAM_PAGE_BITS = 7, /* buckets a page: 128 */
    HISTOGRAM_PAGES = HISTOGRAM_OCTAVES << (HISTOGRAM_SUB_BITS - HISTOGRAM_PAGE_BITS)
};

/* A zeroed histogram is empty and ready for use (2 KiB; pages come on the heap). */
struct histogram {
    uint64_t n;        /* sum of weights */
    simtime_total sum; /* in units of 1e-12 */
    double min, max;
    int infinite;                        /* 1 or -1: some value, or their sum, was too large for it */
    uint64_t underflow, overflow;        /* weights counted as 0, as the maximum */
    uint16_t directory[HISTOGRAM_PAGES]; /* 1 + index of a page; 0 = none yet */
    uint64_t *buckets;                   /* page after page, in the order they were made */
    uint32_t pages, page_capacity;
};

/* Gives the pages back; the histogram is empty afterwards. */
void histogram_free(struct histogram *h);

/* Counts `value` `weight` times (0 is nothing). */
void histogram_add(struct histogram *h, double value, uint64_t weight);

/* Counts each of `steps` values in seconds, `first` and then `increment` >= 0 more each, `weight` times: what
 * as many calls of histogram_add would, in time that does not grow with `steps` but with the buckets they
 * fill. */
void histogram_add_progression(struct histogram *h, simtime first, simtime increment, uint64_t steps,
                               uint64_t weight);

/* Adds all of `from`. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* 0 when empty. */
double histogram_mean(const struct histogram *h);

/* The p-quantile, 0 <= p <= 1, of the values in order x[0] .. x[n-1]: linear between the two nearest ranks to
 * p * (n - 1), as numpy and R (type 7) have it. Each rank is placed by linear interpolation within its
 * bucket, so the result is within 2^-11 of itself of the exact quantile; x[0] and x[n-1] are exact. 0 when
 * empty. `infinite` more values are taken to lie above all others; a quantile that needs one of them is
 * INFINITY. */
double histogram_quantile(const struct histogram *h, double p, uint64_t infinite);

/* The figures of `latency`: values seen, and how many requests have none. */
void latency_from_histogram(const struct histogram *h, uint64_t excluded, struct latency_summary *out);

/* The figures of `latency_gate`: `infinite` requests never got there and count as infinitely late; `excluded`
 * ones have no such figure by definition (TPOT of one token). */
void latency_gate_from_histogram(const struct histogram *h, uint64_t infinite, uint64_t excluded,
                                 struct latency_summary *out);

#endif
