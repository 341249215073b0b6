/* sim/base/money.h: exact money: whole nano-dollars in int64, products in 128 bits.
 *
 * Sums of integers do not depend on their order, so a total equals the sum of its parts however they are
 * added. A product is rounded once, half up, to a nano-dollar: a bill is within half a nano-dollar of the
 * real number. What is divided is divided by largest remainder, so that the parts add up to the whole.
 * Amounts reach 9.2e9 dollars; beyond that is an error, never a wrapped number.
 */
#ifndef DRYDOCK_BASE_MONEY_H
#define DRYDOCK_BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef int64_t nanousd; /* 1e-9 dollars */

#define NANOUSD_PER_USD ((nanousd)1000000000)
#define NANOUSD_NONE INT64_MIN /* a figure that there is none of */

/* Amounts of what is paid for (picoseconds, bytes, byte-milliseconds, GPU-picoseconds) and weights. */
typedef unsigned __int128 money_amount;
#define MONEY_AMOUNT_MAX ((money_amount)1 << 94)

/* The nearest nano-dollar; false when `usd` is no number or beyond the range. */
bool money_from_usd(double usd, nanousd *out);

/* For figures that are no money any more (plots, ratios). NaN for NANOUSD_NONE. */
double money_to_usd(nanousd amount);

bool money_add(nanousd *sum, nanousd part, struct error *err);

/* rate x amount / per, rounded half up: $2.50 an hour for 90 s is money_times(2500000000, 90, 3600).
 * rate >= 0, per > 0; amount and per at most MONEY_AMOUNT_MAX. */
bool money_times(nanousd rate, money_amount amount, money_amount per, nanousd *out, struct error *err);

/* Divides total >= 0 over `count` > 0 parts by weight: each gets its share rounded down, and what is left
 * goes in nano-dollars to the largest remainders, the earlier part first where they are equal. Weights that
 * are all zero count as equal. Their sum is at most MONEY_AMOUNT_MAX. */
bool money_split(nanousd total, const money_amount *weights, size_t count, nanousd *parts, struct error *err);

/* Decimal dollars with 9 places: "12.345678901"; "null" for NANOUSD_NONE. Returns out. */
enum { MONEY_TEXT_BYTES = 24 };
const char *money_text(nanousd amount, char out[MONEY_TEXT_BYTES]);

#endif
