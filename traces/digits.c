#include "traces/digits.h"

#ifdef __SSE2__

#define TOP(n) (n == 0 ? 0 : ~0ull << (64 - 8 * (n == 0 ? 1 : n)))
#define ALL ~0ull
#define ALL8 ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL
#define NONE8 0, 0, 0, 0, 0, 0, 0, 0
#define TOPS TOP(0), TOP(1), TOP(2), TOP(3), TOP(4), TOP(5), TOP(6), TOP(7)

/* The first byte of a number is the lowest of its lane: the last n bytes are the top ones. */
const struct digits_keep digits_keep = {
    .low = {TOPS, ALL8, ALL8, ALL8, ALL8, ALL8, ALL8, ALL8},
    .high = {NONE8, TOPS, ALL8, ALL8, ALL8, ALL8, ALL8, ALL8},
};

#endif
