/* traces/digits.h: many digits at a time, with the vectors that every x86-64 processor has (private).
 *
 * Text is searched for marks, the bytes that are no digits; numbers are the digits between two of them. Eight
 * digits that end at a mark are a lane, and the lanes of four numbers are turned into values together: pairs
 * of digits, fours, eights, in 13 instructions for what takes 50 one number after the other.
 */
#ifndef DRYDOCK_TRACES_DIGITS_H
#define DRYDOCK_TRACES_DIGITS_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

enum {
    DIGITS_LANE = 8,   /* digits in a lane */
    DIGITS_BEFORE = 16 /* bytes before a number that may be loaded */
};

/* digits_keep.low[n] keeps the last n bytes of the 8 before a mark, .high[n] those of the 8 before them. */
extern const struct digits_keep {
    uint64_t low[64];
    uint64_t high[64];
} digits_keep;

/* Bit i is set when p[i] is no digit; reads 16 bytes. Adding 0x46 makes 0x76 .. 0x7f of digits, more than
 * anything else becomes as a signed byte. */
static inline uint32_t digits_marks16(const char *p) {
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i moved = _mm_add_epi8(text, _mm_set1_epi8(0x46));
    return (uint32_t)_mm_movemask_epi8(_mm_cmpgt_epi8(_mm_set1_epi8(0x76), moved));
}

static inline uint64_t digits_marks64(const char *p) {
    uint64_t low = digits_marks16(p) | (uint64_t)digits_marks16(p + 16) << 16;
    uint64_t high = digits_marks16(p + 32) | (uint64_t)digits_marks16(p + 48) << 16;
    return low | high << 32;
}

/* The lane of the n digits before `end`; loads the 8 bytes there. n <= 63, what is beyond 8 is not in it. */
static inline uint64_t digits_lane(const char *end, size_t n) {
    uint64_t lane;
    memcpy(&lane, end - DIGITS_LANE, sizeof lane);
    return (lane ^ 0x3030303030303030u) & digits_keep.low[n];
}

/* The lane before that one, for numbers of up to 16 digits. */
static inline uint64_t digits_lane_above(const char *end, size_t n) {
    uint64_t lane;
    memcpy(&lane, end - 2 * DIGITS_LANE, sizeof lane);
    return (lane ^ 0x3030303030303030u) & digits_keep.high[n];
}

/* The lanes of two numbers. */
static inline __m128i digits_pair(const char *end, size_t n, const char *end2, size_t n2) {
    return _mm_set_epi64x((long long)digits_lane(end2, n2), (long long)digits_lane(end, n));
}

/* Two lanes of 8 digits into four values below 10,000. */
static inline __m128i digits_fours(__m128i lanes) {
    __m128i tens = _mm_mullo_epi16(lanes, _mm_set1_epi16(10));
    __m128i pairs = _mm_and_si128(_mm_add_epi16(tens, _mm_srli_epi16(lanes, 8)), _mm_set1_epi16(0xff));
    return _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
}

/* The values of four lanes. */
static inline __m128i digits_values(__m128i first, __m128i second) {
    __m128i fours = _mm_packs_epi32(digits_fours(first), digits_fours(second));
    return _mm_madd_epi16(fours, _mm_set1_epi32(1 << 16 | 10000));
}

#endif
#endif
