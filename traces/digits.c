#include "traces/digits.h"

/* The first byte of a number is the lowest of its lane: the last n digits lie below the highest byte. */
#define BEHIND (0xffull << 56)
#define DIGITS(n) ((1ull << 56) - (1ull << (56 - 8 * (n)))) /* the last n of 7 */
#define LANE(n) (DIGITS(n) | BEHIND)
#define AT(n) [DIGITS_SHORT + (n)]

const struct digits_keep digits_keep = {
    .narrow = {AT(1) = LANE(1), AT(2) = LANE(2), AT(3) = LANE(3), AT(4) = LANE(4), AT(5) = LANE(5),
               AT(6) = LANE(6), AT(7) = LANE(7)},
    .wide_low = {AT(1) = LANE(1), AT(2) = LANE(2), AT(3) = LANE(3), AT(4) = LANE(4), AT(5) = LANE(5),
                 AT(6) = LANE(6), AT(7) = LANE(7), AT(8) = LANE(7), AT(9) = LANE(7), AT(10) = LANE(7),
                 AT(11) = LANE(7), AT(12) = LANE(7), AT(13) = LANE(7), AT(14) = LANE(7)},
    .wide_high = {AT(8) = DIGITS(1), AT(9) = DIGITS(2), AT(10) = DIGITS(3), AT(11) = DIGITS(4),
                  AT(12) = DIGITS(5), AT(13) = DIGITS(6), AT(14) = DIGITS(7)},
    .second = {AT(DIGITS_DATE_SECOND) = LANE(2)},
};

#define LAST(n) (~0ull << (64 - 8 * (n)))
#define ALL ~0ull

const uint64_t digits_keep_text[DIGITS_TEXT_MAX + 1][2] = {
    {0, 0},         {0, LAST(1)},   {0, LAST(2)},   {0, LAST(3)},   {0, LAST(4)},   {0, LAST(5)},
    {0, LAST(6)},   {0, LAST(7)},   {0, ALL},       {LAST(1), ALL}, {LAST(2), ALL}, {LAST(3), ALL},
    {LAST(4), ALL}, {LAST(5), ALL}, {LAST(6), ALL}, {LAST(7), ALL}, {ALL, ALL},
};
