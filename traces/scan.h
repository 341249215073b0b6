/* traces/scan.h: numbers and dates out of text that is not terminated (private). Exact: no doubles in
 * between, no locale. */
#ifndef DRYDOCK_TRACES_SCAN_H
#define DRYDOCK_TRACES_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A point in time: seconds since 1970 or since a trace's own zero, and picoseconds within the second. */
struct instant {
    int64_t s;
    int64_t ps; /* 0 .. 1e12 - 1 */
};

static inline struct instant instant_of_ms(struct instant ms) {
    const int64_t ms_ps = (int64_t)1000000000; /* SIMTIME_SECOND / 1000 */
    return (struct instant){.s = ms.s / 1000, .ps = ms.s % 1000 * ms_ps + ms.ps / 1000};
}

/* Each fills *value and returns NULL, or returns why it cannot: "is empty", "is negative", "is not a number"
 * ... Blanks around are ignored. */
const char *scan_count(const char *p, size_t n, int64_t most, int64_t *value); /* 12, 12.0 */
const char *scan_seconds(const char *p, size_t n, struct instant *t);          /* 0.25, 1e3, -1 */
const char *scan_double(const char *p, size_t n, double *value);               /* finite, not negative */

/* 2023-11-16 18:15:46.6805900, with T for the blank, up to 12 digits, and Z, UTC or +hh:mm behind. */
const char *scan_date(const char *p, size_t n, struct instant *t);

/* True when the text begins like a date (dddd-). */
static inline bool scan_looks_like_date(const char *p, size_t n) {
    return n > 4 && p[4] == '-';
}

/* "2023-11-16T18:15:46.680590Z" into out[40]; as many digits as say it all. */
enum { INSTANT_TEXT_BYTES = 80 };
void instant_text(struct instant t, char out[INSTANT_TEXT_BYTES]);

/* The digits that the 8 bytes at p begin with: how many (0 .. 8) and their value. Reads 8 bytes always.
 *
 * One load finds the first byte that is no digit (adding 0x76 lifts everything above 9 over 0x7f; a carry
 * only disturbs bytes behind the first such one), shifts the digits to the top so that zeros lead, and folds
 * pairs, then fours, then eight: three multiplications, where a loop has a chain of one a digit. */
static inline unsigned scan_digits8(const char *p, uint64_t *value) {
    const uint64_t pairs = 0x000000ff000000ffu;
    uint64_t chunk;
    memcpy(&chunk, p, sizeof chunk);
    chunk ^= 0x3030303030303030u;
    uint64_t other = (chunk | (chunk + 0x7676767676767676u)) & 0x8080808080808080u;
    unsigned digits = other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
    if (digits == 0) {
        *value = 0;
        return 0;
    }
    chunk <<= 64 - 8 * digits;
    chunk = chunk * 10 + (chunk >> 8);
    uint64_t outer = (chunk & pairs) * ((1000000ull << 32) + 100);
    uint64_t inner = (chunk >> 16 & pairs) * ((10000ull << 32) + 1);
    *value = (outer + inner) >> 32;
    return digits;
}

/* 10^k, k = 0 .. 12 */
static inline int64_t scan_power10(unsigned k) {
    static const int64_t powers[] = {1,           10,           100,          1000,      10000,
                                     100000,      1000000,      10000000,     100000000, 1000000000,
                                     10000000000, 100000000000, 1000000000000};
    return powers[k];
}

#endif
