#include "telemetry/window_sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum {
    MANTISSA_BITS = 52,
    EXPONENT_BIAS = 1023,
    VARINT_BITS = 7,
    VARINT_MORE = 1 << VARINT_BITS,
    /* A bucket: its distance to the one before in at most 2 bytes, its count in at most 5. */
    BUCKET_BYTES_MOST = 7
};
static const int64_t lowest = (int64_t)(EXPONENT_BIAS + SKETCH_LOWEST_EXPONENT) << SKETCH_SUB_BITS;
static const size_t none = SIZE_MAX;
static const double smallest = 0x1p-20; /* 2^SKETCH_LOWEST_EXPONENT, */
static const double largest = 0x1p+24;  /* and SKETCH_OCTAVES above it */

static size_t bucket_of(double value) {
    if (value < smallest) {
        return 0;
    }
    if (value >= largest) {
        return SKETCH_BUCKETS - SKETCH_GROUP;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (size_t)((int64_t)(bits >> (MANTISSA_BITS - SKETCH_SUB_BITS)) - lowest) + SKETCH_GROUP;
}

static double middle_of(size_t bucket) {
    if (bucket < SKETCH_GROUP) {
        return 0;
    }
    if (bucket >= SKETCH_BUCKETS - SKETCH_GROUP) {
        return largest;
    }
    uint64_t bits = (uint64_t)((int64_t)bucket - SKETCH_GROUP + lowest) << (MANTISSA_BITS - SKETCH_SUB_BITS);
    bits |= (uint64_t)1 << (MANTISSA_BITS - SKETCH_SUB_BITS - 1);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- packing: distance to the bucket before (from 1 on) and count, as varints; a distance of 0 ends ---- */

static unsigned char *put(unsigned char *to, uint32_t value) {
    for (; value >= VARINT_MORE; value >>= VARINT_BITS) {
        *to++ = (unsigned char)(value | VARINT_MORE);
    }
    *to++ = (unsigned char)value;
    return to;
}

static const unsigned char *take(const unsigned char *from, uint32_t *value) {
    *value = 0;
    for (unsigned shift = 0;; shift += VARINT_BITS) {
        *value |= (uint32_t)(*from & (VARINT_MORE - 1)) << shift;
        if (!(*from++ & VARINT_MORE)) {
            return from;
        }
    }
}

static void count(struct window_sketch *s, size_t bucket, uint32_t more) {
    if (s->counts[bucket] == 0) {
        size_t group = bucket >> SKETCH_SUB_BITS;
        s->groups |= (uint64_t)1 << group;
        s->buckets[group] |= (uint64_t)1 << (bucket & (SKETCH_GROUP - 1));
    }
    s->counts[bucket] += more;
}

/* Empties the open counts into bytes; NULL when there are none. */
static unsigned char *pack(struct window_sketch *s) {
    unsigned char bytes[SKETCH_BUCKETS * BUCKET_BYTES_MOST + 1];
    unsigned char *end = bytes;
    size_t before = none; /* one less than the first bucket */
    for (; s->groups; s->groups &= s->groups - 1) {
        size_t group = (size_t)__builtin_ctzll(s->groups);
        for (uint64_t *set = &s->buckets[group]; *set; *set &= *set - 1) {
            size_t bucket = group * SKETCH_GROUP + (size_t)__builtin_ctzll(*set);
            end = put(end, (uint32_t)(bucket - before));
            end = put(end, s->counts[bucket]);
            s->counts[bucket] = 0;
            before = bucket;
        }
    }
    if (end == bytes) {
        return NULL;
    }
    *end++ = 0;
    unsigned char *packed = mem_alloc((size_t)(end - bytes));
    memcpy(packed, bytes, (size_t)(end - bytes));
    return packed;
}

/* Adds to the open counts. NULL is nothing. */
static void unpack(struct window_sketch *s, const unsigned char *packed) {
    size_t bucket = none;
    uint32_t distance;
    uint32_t more;
    while (packed && *packed) {
        packed = take(packed, &distance);
        packed = take(packed, &more);
        bucket += distance;
        count(s, bucket, more);
    }
}

static void close_open(struct window_sketch *s) {
    if (s->open != none) {
        s->packed[s->open] = pack(s);
        s->open = none;
    }
}

static void open_window(struct window_sketch *s, size_t index) {
    close_open(s);
    unpack(s, s->packed[index]);
    free(s->packed[index]);
    s->packed[index] = NULL;
    s->open = index;
}

/* ---- as a part of windows ---- */

static void sketch_room(struct window_part *part, size_t old_room, size_t room) {
    struct window_sketch *s = (struct window_sketch *)part;
    s->packed = mem_realloc(s->packed, room, sizeof(unsigned char *));
    for (size_t i = old_room; i < room; i++) {
        s->packed[i] = NULL;
    }
    s->room = room;
}

static void sketch_merge(struct window_part *part, size_t room, size_t factor, simtime old_interval) {
    struct window_sketch *s = (struct window_sketch *)part;
    (void)old_interval;
    close_open(s);
    for (size_t into = 0; into * factor < room; into++) {
        for (size_t i = into * factor; i < room && i < (into + 1) * factor; i++) {
            unpack(s, s->packed[i]);
            free(s->packed[i]);
            s->packed[i] = NULL;
        }
        s->packed[into] = pack(s);
    }
}

static void sketch_free(struct window_part *part) {
    struct window_sketch *s = (struct window_sketch *)part;
    for (size_t i = 0; i < s->room; i++) {
        free(s->packed[i]);
    }
    free(s->packed);
    free(s);
}

struct window_sketch *window_sketch(struct windows *w) {
    struct window_sketch *s = mem_zalloc(1, sizeof *s);
    s->part = (struct window_part){NULL, sketch_room, sketch_merge, sketch_free};
    s->open = none;
    windows_hang(w, &s->part);
    return s;
}

/* ---- values ---- */

void window_sketch_value(struct window_sketch *s, size_t index, double value) {
    if (isnan(value)) {
        return;
    }
    if (index != s->open) {
        open_window(s, index);
    }
    count(s, bucket_of(value), 1);
}

void window_sketch_add(struct window_sketch *into, struct window_sketch *from) {
    close_open(from);
    for (size_t i = 0; i < from->room; i++) {
        if (from->packed[i]) {
            open_window(into, i);
            unpack(into, from->packed[i]);
        }
    }
    close_open(into);
}

/* ---- quantiles ---- */

struct filled {
    uint32_t bucket, count;
};

/* The buckets of a packed window, and how many values are in them. */
static size_t filled_of(const unsigned char *packed, struct filled *filled, uint64_t *n) {
    size_t found = 0;
    uint32_t bucket = (uint32_t)none;
    *n = 0;
    while (packed && *packed) {
        uint32_t distance;
        packed = take(packed, &distance);
        packed = take(packed, &filled[found].count);
        bucket += distance;
        filled[found].bucket = bucket;
        *n += filled[found++].count;
    }
    return found;
}

static void quantiles_of(const unsigned char *packed, const double *p, size_t p_count, double *quantiles) {
    struct filled filled[SKETCH_BUCKETS];
    uint64_t n;
    size_t last = filled_of(packed, filled, &n);
    size_t at = 0;
    uint64_t below = 0; /* values in the buckets before `at` */
    for (size_t i = 0; i < p_count; i++) {
        quantiles[i] = NAN;
        if (n == 0) {
            continue;
        }
        double place = p[i] * (double)(n - 1);
        uint64_t rank = (uint64_t)place;
        for (; rank >= below + filled[at].count; at++) {
            below += filled[at].count;
        }
        bool same = at + 1 == last || rank + 1 < below + filled[at].count;
        double value = middle_of(filled[at].bucket);
        double next = same ? value : middle_of(filled[at + 1].bucket);
        quantiles[i] = value + (place - (double)rank) * (next - value);
    }
}

void window_sketch_quantiles(struct window_sketch *s, size_t first, size_t last, const double *p,
                             size_t p_count, double *quantiles) {
    close_open(s);
    if (first == last) {
        quantiles_of(s->packed[first], p, p_count, quantiles);
        return;
    }
    for (size_t i = first; i <= last; i++) {
        unpack(s, s->packed[i]);
    }
    unsigned char *together = pack(s);
    quantiles_of(together, p, p_count, quantiles);
    free(together);
}

static size_t packed_bytes(const unsigned char *packed) {
    const unsigned char *end = packed;
    uint32_t ignored;
    while (*end) {
        end = take(end, &ignored);
        end = take(end, &ignored);
    }
    return (size_t)(end + 1 - packed);
}

size_t window_sketch_bytes(const struct window_sketch *s) {
    size_t bytes = 0;
    for (size_t i = 0; i < s->room; i++) {
        bytes += s->packed[i] ? packed_bytes(s->packed[i]) : 0;
    }
    return bytes;
}
