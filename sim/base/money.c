#include "base/money.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

bool money_from_usd(double usd, nanousd *out) {
    double nano = nearbyint(usd * 1e9);
    if (!(fabs(nano) < 9.2e18)) {
        return false;
    }
    *out = (nanousd)nano;
    return true;
}

double money_to_usd(nanousd amount) {
    return amount == NANOUSD_NONE ? NAN : (double)amount / 1e9;
}

static bool too_much(struct error *err) {
    return error_set(err, ERROR_INVALID, "an amount of money is beyond 9.2e9 dollars");
}

bool money_add(nanousd *sum, nanousd part, struct error *err) {
    nanousd total;
    if (__builtin_add_overflow(*sum, part, &total) || total == NANOUSD_NONE) {
        return too_much(err);
    }
    *sum = total;
    return true;
}

/* a x b / c and its remainder. The product has up to 157 bits, so it is taken in two halves of a:
 * each step stays below 2^127 while b and c are at most 2^94. False when the quotient is no nanousd. */
static bool multiply_divide(uint64_t a, money_amount b, money_amount c, uint64_t *quotient,
                            money_amount *remainder) {
    money_amount high = (a >> 32) * b;
    money_amount low = ((high % c) << 32) + (a & UINT32_MAX) * b;
    money_amount head = high / c, tail = low / c;
    if (head > INT32_MAX || (head << 32) + tail > INT64_MAX) {
        return false;
    }
    *quotient = (uint64_t)((head << 32) + tail);
    *remainder = low % c;
    return true;
}

bool money_times(nanousd rate, money_amount amount, money_amount per, nanousd *out, struct error *err) {
    assert(rate >= 0 && per > 0 && per <= MONEY_AMOUNT_MAX);
    uint64_t quotient;
    money_amount remainder;
    if (amount > MONEY_AMOUNT_MAX || !multiply_divide((uint64_t)rate, amount, per, &quotient, &remainder)) {
        return too_much(err);
    }
    *out = (nanousd)quotient;
    return remainder < per - remainder || money_add(out, 1, err);
}

struct share {
    size_t part;
    money_amount remainder;
};

static int larger_remainder_first(const void *left, const void *right) {
    const struct share *a = left, *b = right;
    if (a->remainder != b->remainder) {
        return a->remainder > b->remainder ? -1 : 1;
    }
    return a->part < b->part ? -1 : 1;
}

bool money_split(nanousd total, const money_amount *weights, size_t count, nanousd *parts,
                 struct error *err) {
    assert(total >= 0 && count > 0);
    money_amount sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weights[i];
        if (weights[i] > MONEY_AMOUNT_MAX || sum > MONEY_AMOUNT_MAX) {
            return too_much(err);
        }
    }
    struct share *shares = mem_alloc(count * sizeof *shares);
    nanousd left = total;
    for (size_t i = 0; i < count; i++) {
        uint64_t quotient = 0;
        shares[i] = (struct share){.part = i};
        /* A share is never above the total, so it fits. */
        multiply_divide((uint64_t)total, sum > 0 ? weights[i] : 1, sum > 0 ? sum : count, &quotient,
                        &shares[i].remainder);
        parts[i] = (nanousd)quotient;
        left -= parts[i];
    }
    if (left > 0) {
        qsort(shares, count, sizeof *shares, larger_remainder_first);
        for (size_t i = 0; i < (size_t)left; i++) {
            parts[shares[i].part]++;
        }
    }
    free(shares);
    return true;
}

const char *money_text(nanousd amount, char out[MONEY_TEXT_BYTES]) {
    if (amount == NANOUSD_NONE) {
        snprintf(out, MONEY_TEXT_BYTES, "null");
        return out;
    }
    uint64_t size = amount < 0 ? -(uint64_t)amount : (uint64_t)amount;
    snprintf(out, MONEY_TEXT_BYTES, "%s%" PRIu64 ".%09" PRIu64, amount < 0 ? "-" : "", size / 1000000000,
             size % 1000000000);
    return out;
}
