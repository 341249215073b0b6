/* sim/telemetry/window_sketch.h: the distribution of a figure, such as a latency, in every window.
 *
 * A bucket is the values whose doubles share exponent and first 6 bits of mantissa; a value is told as the
 * middle of its bucket, at most 2^-7 (0.8 %) of itself away. One window is open, its buckets an array that a
 * value finds by a shift; when another one is touched it is packed: a few bytes a bucket that is not empty,
 * some 2 bytes where most are near each other. A late value reopens its window. Merging adds buckets, so it
 * loses nothing.
 *
 * Values below 2^-20 (a microsecond, for seconds) count as 0, those from 2^24 on as that. NaN is not counted.
 */
#ifndef DRYDOCK_TELEMETRY_WINDOW_SKETCH_H
#define DRYDOCK_TELEMETRY_WINDOW_SKETCH_H

#include "telemetry/windows.h"

enum {
    SKETCH_SUB_BITS = 6,
    SKETCH_LOWEST_EXPONENT = -20,
    SKETCH_OCTAVES = 44,
    /* The first group holds 0 alone, the last one what is too large. */
    SKETCH_GROUP = 1 << SKETCH_SUB_BITS,
    SKETCH_GROUPS = SKETCH_OCTAVES + 2,
    SKETCH_BUCKETS = SKETCH_GROUPS * SKETCH_GROUP
};
_Static_assert(SKETCH_GROUPS <= 64 && SKETCH_GROUP == 64,
               "groups, and the buckets of one, are bits of a word");

struct window_sketch {
    struct window_part part;
    unsigned char **packed; /* by window; NULL = empty, or open */
    size_t room;
    size_t open; /* SIZE_MAX = none */
    /* The open one: which groups hold something, and which buckets of theirs, as bits. */
    uint64_t groups, buckets[SKETCH_GROUPS];
    uint32_t counts[SKETCH_BUCKETS];
};

/* 12 KiB, 8 bytes a window, and what is packed. */
struct window_sketch *window_sketch(struct windows *w);

/* `index` from windows_at. */
void window_sketch_value(struct window_sketch *s, size_t index, double value);

/* Adds `from` to `into`; both of the same windows. */
void window_sketch_add(struct window_sketch *into, struct window_sketch *from);

/* From the `first` window to the last of all: the p-quantiles (ascending) of the values in order x[0] ..
 * x[n-1], linear between the two nearest ranks to p * (n - 1). NaN when there is none. */
void window_sketch_quantiles(struct window_sketch *s, size_t first, size_t last, const double *p,
                             size_t p_count, double *quantiles);

/* Bytes that its packed windows take. */
size_t window_sketch_bytes(const struct window_sketch *s);

#endif
