/* traces/digits.h: digits out of text, several numbers at a time, with the vectors that every x86-64
 * processor has (private).
 *
 * A lane is 8 bytes of text: up to 7 digits and, highest, the byte behind them. Four lanes become values
 * together: pairs of digits, fours, eights, in 14 instructions for what takes 50 one number after the other.
 */
#ifndef DRYDOCK_TRACES_DIGITS_H
#define DRYDOCK_TRACES_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    DIGITS_LANE = 7,        /* digits in a lane */
    DIGITS_WIDE = 14,       /* in two */
    DIGITS_BEFORE = 32,     /* bytes before a number that may be loaded */
    DIGITS_FIELD_MAX = 128, /* bytes from one mark to the next, never as many */
    DIGITS_SHORT = 8,       /* a field may be this much shorter than nothing, its tail taken off */
    DIGITS_DATE_SECOND = 19 /* bytes of "2023-11-16 18:15:46" */
};

/* What is kept of a lane when `n` bytes lie between the mark before and it, at [DIGITS_SHORT + n]. Where n is
 * no length that the number may have nothing is kept, not even the byte behind the digits, which is then
 * missed. */
struct digits_keep {
    uint64_t narrow[DIGITS_SHORT + DIGITS_FIELD_MAX];    /* 1 to 7 digits */
    uint64_t wide_low[DIGITS_SHORT + DIGITS_FIELD_MAX];  /* the last 7 of 1 to 14 */
    uint64_t wide_high[DIGITS_SHORT + DIGITS_FIELD_MAX]; /* those before, in the lane 7 bytes before */
    uint64_t second[DIGITS_SHORT + DIGITS_FIELD_MAX];    /* the last 2 bytes of a date of 19 */
};
extern const struct digits_keep digits_keep;

/* The last n bytes of 16 that end somewhere, as two words, the rest 0. */
enum { DIGITS_TEXT_MAX = 16 };
extern const uint64_t digits_keep_text[DIGITS_TEXT_MAX + 1][2];

static inline uint64_t digits_load(const char *p) {
    uint64_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return bytes;
}

static inline void digits_text(const char *end, size_t n, uint64_t text[2]) {
    text[0] = digits_load(end - 16) & digits_keep_text[n][0];
    text[1] = digits_load(end - 8) & digits_keep_text[n][1];
}

#ifdef __SSE2__
#include <immintrin.h>

/* Bit i is set when p[i] is a comma, a point or a newline; reads 16 bytes. */
static inline uint32_t digits_marks16(const char *p) {
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i comma_or_point = _mm_cmpeq_epi8(_mm_or_si128(text, _mm_set1_epi8(',' ^ '.')), _mm_set1_epi8('.'));
    __m128i newline = _mm_cmpeq_epi8(text, _mm_set1_epi8('\n'));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(comma_or_point, newline));
}

static inline uint64_t digits_marks64(const char *p) {
    uint64_t low = digits_marks16(p) | (uint64_t)digits_marks16(p + 16) << 16;
    uint64_t high = digits_marks16(p + 32) | (uint64_t)digits_marks16(p + 48) << 16;
    return low | high << 32;
}

/* Two lanes of digits, their highest bytes 0, into four values of up to 4 digits. */
static inline __m128i digits_fours(__m128i lanes) {
    __m128i aligned = _mm_slli_epi64(lanes, 8);
    __m128i tens = _mm_mullo_epi16(aligned, _mm_set1_epi16(10));
    __m128i pairs = _mm_and_si128(_mm_add_epi16(tens, _mm_srli_epi16(aligned, 8)), _mm_set1_epi16(0xff));
    return _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
}

/* The values of four lanes. */
static inline __m128i digits_values(__m128i first, __m128i second) {
    __m128i fours = _mm_packs_epi32(digits_fours(first), digits_fours(second));
    return _mm_madd_epi16(fours, _mm_set1_epi32(1 << 16 | 10000));
}

/* The same for processors with AVX2; digits_values_avx2 takes the lanes of eight numbers. */
#define DIGITS_AVX2 __attribute__((target("avx2"))) static inline

DIGITS_AVX2 uint32_t digits_marks32_avx2(const char *p) {
    __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i comma_or_point =
        _mm256_cmpeq_epi8(_mm256_or_si256(text, _mm256_set1_epi8(',' ^ '.')), _mm256_set1_epi8('.'));
    __m256i newline = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('\n'));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(comma_or_point, newline));
}

DIGITS_AVX2 uint64_t digits_marks64_avx2(const char *p) {
    return digits_marks32_avx2(p) | (uint64_t)digits_marks32_avx2(p + 32) << 32;
}

DIGITS_AVX2 __m256i digits_fours_avx2(__m256i lanes) {
    __m256i aligned = _mm256_slli_epi64(lanes, 8);
    __m256i pairs = _mm256_maddubs_epi16(aligned, _mm256_set1_epi16(1 << 8 | 10));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi32(1 << 16 | 100));
}

DIGITS_AVX2 __m256i digits_values_avx2(__m256i first, __m256i second) {
    __m256i fours = _mm256_packs_epi32(digits_fours_avx2(first), digits_fours_avx2(second));
    __m256i values = _mm256_madd_epi16(fours, _mm256_set1_epi32(1 << 16 | 10000));
    return _mm256_permute4x64_epi64(values, _MM_SHUFFLE(3, 1, 2, 0)); /* packs works by halves */
}

#endif
#endif
