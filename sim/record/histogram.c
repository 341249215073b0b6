#include "record/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum {
    MANTISSA_BITS = 52,
    EXPONENT_BIAS = 1023,
    PAGE_BUCKETS = 1 << HISTOGRAM_PAGE_BITS,
    BUCKET_SHIFT = MANTISSA_BITS - HISTOGRAM_SUB_BITS,
    PAGE_SHIFT = BUCKET_SHIFT + HISTOGRAM_PAGE_BITS,
    /* number of the first page, as a shifted double: exponent and first bits of mantissa */
    FIRST_PAGE = (HISTOGRAM_LOWEST_EXPONENT + EXPONENT_BIAS) << (HISTOGRAM_SUB_BITS - HISTOGRAM_PAGE_BITS),
    PAGES_AT_FIRST = 8
};

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void histogram_free(struct histogram *h) {
    free(h->buckets);
    memset(h, 0, sizeof *h);
}

/* A sum beyond this is infinite for all that a mean is good for. */
static const double sum_most = 1e36;
static const double unit = 1e12;

static void sum_add(struct histogram *h, double value, uint64_t weight) {
    double scaled = value * unit;
    if (scaled >= 0 && scaled < 9e18) {
        h->sum += (simtime_total)(int64_t)(scaled + 0.5) * (int64_t)weight; /* one multiplication */
    } else if (fabs(scaled) * (double)weight < sum_most) {
        h->sum += (simtime_total)scaled * (simtime_total)weight;
    } else {
        h->infinite = value > 0 ? 1 : -1;
    }
}

static void count_range(struct histogram *h, double low, double high, uint64_t weight) {
    if (h->n == 0) {
        h->min = low;
        h->max = high;
    }
    if (low < h->min) { /* rarely true, and so cheaper than an unconditional store */
        h->min = low;
    }
    if (high > h->max) {
        h->max = high;
    }
    h->n += weight;
}

static __attribute__((noinline)) void make_page(struct histogram *h, uint64_t page) {
    if (h->pages == h->page_capacity) {
        h->page_capacity = h->page_capacity ? 2 * h->page_capacity : PAGES_AT_FIRST;
        h->buckets = mem_realloc(h->buckets, h->page_capacity, PAGE_BUCKETS * sizeof *h->buckets);
    }
    memset(h->buckets + (size_t)h->pages * PAGE_BUCKETS, 0, PAGE_BUCKETS * sizeof *h->buckets);
    h->directory[page] = (uint16_t)++h->pages;
}

static inline uint64_t *page_at(struct histogram *h, uint64_t page) {
    if (h->directory[page] == 0) {
        make_page(h, page);
    }
    return h->buckets + (size_t)(h->directory[page] - 1) * PAGE_BUCKETS;
}

static __attribute__((noinline)) bool count_beyond(struct histogram *h, double value, uint64_t weight) {
    if (isnan(value)) {
        return false;
    }
    *(value < 1 ? &h->underflow : &h->overflow) += weight;
    return true;
}

/* False when the value is no number. */
static inline __attribute__((always_inline)) bool count_bucket(struct histogram *h, double value,
                                                               uint64_t weight) {
    uint64_t bits = bits_of(value);
    /* Negative values, infinities and NaN have larger bit patterns than any page: one comparison tells them
     * all. */
    uint64_t page = (bits >> PAGE_SHIFT) - FIRST_PAGE;
    if (page >= HISTOGRAM_PAGES) {
        return count_beyond(h, value, weight);
    }
    page_at(h, page)[(bits >> BUCKET_SHIFT) % PAGE_BUCKETS] += weight;
    return true;
}

void histogram_add(struct histogram *h, double value, uint64_t weight) {
    if (count_bucket(h, value, weight) && weight) {
        count_range(h, value, value, weight);
        sum_add(h, value, weight);
    }
}

static uint64_t bucket_of(double value) {
    return bits_of(value) >> BUCKET_SHIFT;
}

/* The first time that lies in a bucket beyond this one. Its lower end times 1e12 is that time but for
 * rounding, so a look at the neighbours is all it takes; halving the steps of a progression took several
 * times as long. */
static simtime bucket_end(uint64_t bucket) {
    double end_s = double_of((bucket + 1) << BUCKET_SHIFT);
    double end_ps = end_s * unit;
    if (!(end_ps < (double)SIMTIME_NEVER)) {
        return SIMTIME_NEVER;
    }
    simtime end = (simtime)end_ps;
    while (simtime_to_s(end) < end_s) {
        end++;
    }
    while (end > 0 && simtime_to_s(end - 1) >= end_s) {
        end--;
    }
    return end;
}

void histogram_add_progression(struct histogram *h, simtime first, simtime increment, uint64_t steps,
                               uint64_t weight) {
    if (weight == 0 || steps == 0) {
        return;
    }
    simtime last = first + increment * (simtime)(steps - 1);
    double low = simtime_to_s(first), high = simtime_to_s(last);
    count_range(h, low, high, steps * weight);
    /* (first + last) * steps is even, and a sum of two dates no more than 64 bits without a sign. */
    h->sum += (simtime_total)((unsigned __int128)((uint64_t)first + (uint64_t)last) * (steps * weight) >> 1);
    while (bucket_of(low) != bucket_of(high)) {
        uint64_t inside = (uint64_t)((bucket_end(bucket_of(low)) - 1 - first) / increment) + 1;
        count_bucket(h, low, inside * weight);
        first += increment * (simtime)inside;
        low = simtime_to_s(first);
        steps -= inside;
    }
    count_bucket(h, low, steps * weight);
}

void histogram_merge(struct histogram *into, const struct histogram *from) {
    if (from->n == 0) {
        return;
    }
    for (uint64_t page = 0; page < HISTOGRAM_PAGES; page++) {
        if (from->directory[page]) {
            const uint64_t *source = from->buckets + (size_t)(from->directory[page] - 1) * PAGE_BUCKETS;
            uint64_t *target = page_at(into, page);
            for (size_t i = 0; i < PAGE_BUCKETS; i++) {
                target[i] += source[i];
            }
        }
    }
    into->underflow += from->underflow;
    into->overflow += from->overflow;
    count_range(into, from->min, from->max, from->n);
    into->sum += from->sum;
    into->infinite = from->infinite ? from->infinite : into->infinite;
}

static double clamped(const struct histogram *h, double x) {
    return x < h->min ? h->min : x > h->max ? h->max : x;
}

double histogram_mean(const struct histogram *h) {
    if (h->n == 0) {
        return 0;
    }
    if (h->infinite) {
        return h->infinite > 0 ? INFINITY : -INFINITY;
    }
    return clamped(h, (double)h->sum / unit / (double)h->n);
}

/* The value `within` counts into a bucket of `count`, at the middle of its share. */
static double place_in_bucket(uint64_t page, uint64_t bucket, uint64_t within, uint64_t count) {
    uint64_t number = ((page + FIRST_PAGE) << HISTOGRAM_PAGE_BITS) + bucket;
    double low = double_of(number << BUCKET_SHIFT);
    double high = double_of((number + 1) << BUCKET_SHIFT);
    return low + (high - low) * (((double)within + 0.5) / (double)count);
}

/* The value of rank 0 <= k < n. */
static double value_at(const struct histogram *h, uint64_t k) {
    if (k == 0) {
        return h->min;
    }
    if (k >= h->n - h->overflow || k == h->n - 1) {
        return h->max;
    }
    if (k < h->underflow) {
        return clamped(h, 0);
    }
    uint64_t below = h->underflow;
    for (uint64_t page = 0; page < HISTOGRAM_PAGES; page++) {
        if (h->directory[page] == 0) {
            continue;
        }
        const uint64_t *buckets = h->buckets + (size_t)(h->directory[page] - 1) * PAGE_BUCKETS;
        for (uint64_t i = 0; i < PAGE_BUCKETS; i++) {
            if (k - below < buckets[i]) {
                return clamped(h, place_in_bucket(page, i, k - below, buckets[i]));
            }
            below += buckets[i];
        }
    }
    return h->max;
}

double histogram_quantile(const struct histogram *h, double p, uint64_t infinite) {
    uint64_t n = h->n + infinite;
    if (n == 0) {
        return 0;
    }
    double rank = (p < 0 ? 0 : p > 1 ? 1 : p) * (double)(n - 1);
    uint64_t k = (uint64_t)rank;
    double part = rank - (double)k;
    if (k >= h->n || (part > 0 && k + 1 >= h->n && infinite)) {
        return h->n && !infinite ? h->max : INFINITY;
    }
    double low = value_at(h, k);
    double high = part > 0 && k + 1 < h->n ? value_at(h, k + 1) : low;
    return high > low ? low + (high - low) * part : low;
}

void latency_gate_from_histogram(const struct histogram *h, uint64_t infinite, uint64_t excluded,
                                 struct latency_summary *out) {
    *out = (struct latency_summary){
        .n = h->n + infinite,
        .excluded = excluded,
        .mean = infinite ? INFINITY : histogram_mean(h),
        .p50 = histogram_quantile(h, 0.5, infinite),
        .p90 = histogram_quantile(h, 0.9, infinite),
        .p95 = histogram_quantile(h, 0.95, infinite),
        .p99 = histogram_quantile(h, 0.99, infinite),
        .p999 = histogram_quantile(h, 0.999, infinite),
        .max = infinite ? INFINITY : h->max,
    };
}

void latency_from_histogram(const struct histogram *h, uint64_t excluded, struct latency_summary *out) {
    latency_gate_from_histogram(h, 0, excluded, out);
}
