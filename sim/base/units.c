#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

enum {
    QUANTITY_BYTES_MAX = 1000, /* longer texts are no quantity that anybody wrote */
    EXPONENT_MAX = 100000      /* larger exponents are read as this one: far outside every range */
};

/* One way to write a unit. The value is number * 10^power * times / over. The power of ten goes into the
 * decimal text before it is read, so that 9m is the double nearest to 0.009; times and over are exact in
 * binary. */
struct unit_row {
    const char *suffix;
    int power;
    double times;
    double over;
    bool alone; /* takes no exponent beside it: 1e3k is not Kubernetes */
};

#define DECIMAL(suffix, power)                                                                               \
    { suffix, power, 1, 1, false }
#define SCALED(suffix, power, times, over)                                                                   \
    { suffix, power, times, over, false }
#define KUBERNETES(suffix, power, times)                                                                     \
    { suffix, power, times, 1, true }
#define ROWS_END                                                                                             \
    { NULL, 0, 0, 0, false }

/* clang-format off */
#define KUBERNETES_ROWS                                                                                        \
    KUBERNETES("n", -9, 1), KUBERNETES("u", -6, 1), KUBERNETES("m", -3, 1),                                    \
    KUBERNETES("k", 3, 1), KUBERNETES("M", 6, 1), KUBERNETES("G", 9, 1),                                       \
    KUBERNETES("T", 12, 1), KUBERNETES("P", 15, 1), KUBERNETES("E", 18, 1),                                    \
    KUBERNETES("Ki", 0, 0x1p10), KUBERNETES("Mi", 0, 0x1p20), KUBERNETES("Gi", 0, 0x1p30),                     \
    KUBERNETES("Ti", 0, 0x1p40), KUBERNETES("Pi", 0, 0x1p50), KUBERNETES("Ei", 0, 0x1p60)

/* B, kB, ... and KiB, ... each followed by `per`: "", "ps" or "/s". */
#define BYTE_ROWS(per)                                                                                         \
    DECIMAL("B" per, 0), DECIMAL("kB" per, 3), DECIMAL("KB" per, 3), DECIMAL("MB" per, 6),                     \
    DECIMAL("GB" per, 9), DECIMAL("TB" per, 12), DECIMAL("PB" per, 15),                                        \
    SCALED("KiB" per, 0, 0x1p10, 1), SCALED("MiB" per, 0, 0x1p20, 1), SCALED("GiB" per, 0, 0x1p30, 1),         \
    SCALED("TiB" per, 0, 0x1p40, 1), SCALED("PiB" per, 0, 0x1p50, 1)

static const struct unit_row count_rows[] = {KUBERNETES_ROWS, ROWS_END};

static const struct unit_row bytes_rows[] = {KUBERNETES_ROWS, BYTE_ROWS(""), ROWS_END};

static const struct unit_row duration_rows[] = {
    DECIMAL("ns", -9), DECIMAL("us", -6), DECIMAL("\u00b5s", -6), DECIMAL("\u03bcs", -6), DECIMAL("ms", -3),
    DECIMAL("s", 0), SCALED("m", 0, 60, 1), SCALED("h", 0, 3600, 1), SCALED("d", 0, 86400, 1),
    SCALED("w", 0, 604800, 1), ROWS_END};

static const struct unit_row bandwidth_rows[] = {
    SCALED("bps", 0, 1, 8), SCALED("kbps", 3, 1, 8), SCALED("Kbps", 3, 1, 8), SCALED("Mbps", 6, 1, 8),
    SCALED("Gbps", 9, 1, 8), SCALED("Tbps", 12, 1, 8), BYTE_ROWS("ps"), BYTE_ROWS("/s"), ROWS_END};

static const struct unit_row rate_rows[] = {
    DECIMAL("/s", 0), SCALED("/min", 0, 1, 60), SCALED("/h", 0, 1, 3600), SCALED("/d", 0, 1, 86400),
    SCALED("/day", 0, 1, 86400), ROWS_END};

static const struct unit_row usd_per_h_rows[] = {
    DECIMAL("/h", 0), DECIMAL("/hour", 0), SCALED("/d", 0, 1, 24), SCALED("/day", 0, 1, 24), ROWS_END};

static const struct unit_row fraction_rows[] = {DECIMAL("%", -2), ROWS_END};

static const struct unit_row no_rows[] = {ROWS_END};

static const struct {
    const char *expects;
    const struct unit_row *rows;
    bool dollars;  /* "$" in front or "USD" behind the number */
    bool compound; /* several parts: 1h30m */
} kinds[UNIT_KINDS] = {
    [UNIT_NUMBER] = {"a number such as 12, 0.5 or 1e3", no_rows, false, false},
    [UNIT_COUNT] = {"a quantity such as 2, 500m or 4Ki", count_rows, false, false},
    [UNIT_BYTES] = {"a size such as 2Gi, 512MB or 1048576", bytes_rows, false, false},
    [UNIT_DURATION] = {"a duration such as 90s or 1h30m", duration_rows, false, true},
    [UNIT_BANDWIDTH] = {"a bandwidth such as 200Mbps or 3GB/s", bandwidth_rows, false, false},
    [UNIT_RATE] = {"a rate such as 5/s or 300/min", rate_rows, false, false},
    [UNIT_USD] = {"an amount in dollars such as $2.50", no_rows, true, false},
    [UNIT_USD_PER_H] = {"a price such as $2.50/h or $60/day", usd_per_h_rows, true, false},
    [UNIT_FRACTION] = {"a fraction such as 0.95 or 95%", fraction_rows, false, false},
};
/* clang-format on */

const char *unit_expects(enum unit_kind kind) {
    return kinds[kind].expects;
}

/* An unsigned decimal number as it stands in a text. */
struct decimal {
    const char *digits; /* the significand, with at most one point */
    size_t length;
    int exponent;
    bool has_exponent;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes an exponent off *text; an E that no digit follows is the suffix exa and stays. */
static void scan_exponent(const char **text, const char *end, struct decimal *d) {
    const char *p = *text;
    if (p == end || (*p != 'e' && *p != 'E')) {
        return;
    }
    p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    if (p == end || !is_digit(*p)) {
        return;
    }
    for (; p < end && is_digit(*p); p++) {
        d->exponent = d->exponent * 10 + (*p - '0');
        d->exponent = d->exponent > EXPONENT_MAX ? EXPONENT_MAX : d->exponent;
    }
    d->exponent = negative ? -d->exponent : d->exponent;
    d->has_exponent = true;
    *text = p;
}

/* Takes a number off *text: digits with at most one point among, before or behind them. */
static bool scan_decimal(const char **text, const char *end, struct decimal *d) {
    const char *p = *text;
    size_t digits = 0;
    bool point = false;
    for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        point = point || *p == '.';
        digits += is_digit(*p);
    }
    if (digits == 0) {
        return false;
    }
    *d = (struct decimal){.digits = *text, .length = (size_t)(p - *text)};
    scan_exponent(&p, end, d);
    *text = p;
    return true;
}

/* The double nearest to d * 10^power. */
static double decimal_value(const struct decimal *d, int power) {
    char text[QUANTITY_BYTES_MAX + 32];
    snprintf(text, sizeof text, "%.*se%d", (int)d->length, d->digits, d->exponent + power);
    return number_read(text, NULL);
}

/* The row whose suffix is the text up to `end`. */
static const struct unit_row *find_row(const struct unit_row *rows, const char *text, const char *end) {
    size_t n = (size_t)(end - text);
    for (; rows->suffix; rows++) {
        if (strlen(rows->suffix) == n && memcmp(rows->suffix, text, n) == 0) {
            return rows;
        }
    }
    return NULL;
}

static double row_value(const struct unit_row *row, const struct decimal *d) {
    return decimal_value(d, row->power) * row->times / row->over;
}

/* 1h30m: numbers each with a unit, in any order, as in Go; a lone number needs none. */
static bool parse_compound(const struct unit_row *rows, const char *p, const char *end, double *value) {
    double sum = 0.0;
    bool first = true;
    while (p < end) {
        struct decimal d;
        if (!scan_decimal(&p, end, &d)) {
            return false;
        }
        if (first && p == end) {
            *value = decimal_value(&d, 0);
            return true;
        }
        const char *unit = p;
        while (p < end && !is_digit(*p) && *p != '.') {
            p++;
        }
        const struct unit_row *row = find_row(rows, unit, p);
        if (!row) {
            return false;
        }
        sum += row_value(row, &d);
        first = false;
    }
    *value = sum;
    return !first;
}

/* Takes " USD" off *text when it is there. */
static void skip_currency(const char **text, const char *end) {
    const char *p = *text;
    while (p < end && is_blank(*p)) {
        p++;
    }
    if (end - p >= 3 && memcmp(p, "USD", 3) == 0) {
        *text = p + 3;
    }
}

static bool parse_single(enum unit_kind kind, const char *p, const char *end, bool dollar_seen,
                         double *value) {
    struct decimal d;
    if (!scan_decimal(&p, end, &d)) {
        return false;
    }
    if (kinds[kind].dollars && !dollar_seen) {
        skip_currency(&p, end);
    }
    if (p == end) {
        *value = decimal_value(&d, 0);
        return true;
    }
    const struct unit_row *row = find_row(kinds[kind].rows, p, end);
    if (!row || (row->alone && d.has_exponent)) {
        return false;
    }
    *value = row_value(row, &d);
    return true;
}

/* Narrows a text to what stands between its blanks; false when nothing does, or too much. */
static bool trim(const char **text, const char **end) {
    if (!*text) {
        return false;
    }
    const char *first = *text;
    while (is_blank(*first)) {
        first++;
    }
    const char *last = first + strlen(first);
    while (last > first && is_blank(last[-1])) {
        last--;
    }
    *text = first;
    *end = last;
    return last > first && last - first <= QUANTITY_BYTES_MAX;
}

static bool take_sign(const char **text) {
    bool negative = **text == '-';
    if (negative || **text == '+') {
        (*text)++;
    }
    return negative;
}

bool unit_parse(enum unit_kind kind, const char *text, double *value) {
    const char *end;
    if (!trim(&text, &end)) {
        return false;
    }
    bool negative = take_sign(&text);
    bool dollar = kinds[kind].dollars && text < end && *text == '$';
    if (dollar) {
        text++;
    }
    double size;
    bool good = kinds[kind].compound ? parse_compound(kinds[kind].rows, text, end, &size)
                                     : parse_single(kind, text, end, dollar, &size);
    if (!good || !isfinite(size)) {
        return false;
    }
    *value = negative ? -size : size;
    return true;
}

/* A decimal number as digits, the first `whole` of them before the point. Long enough for the largest
 * quantity and for what six doublings of 2^10 add in front. */
struct digit_string {
    int length;
    int whole;
    uint8_t digits[QUANTITY_BYTES_MAX + 24];
};

/* The digits right-aligned behind 24 zeros, so that products have room to grow to the left. */
static void digits_of(const struct decimal *d, int power, struct digit_string *s) {
    int point = -1;
    *s = (struct digit_string){.length = 24};
    for (size_t i = 0; i < d->length; i++) {
        if (d->digits[i] == '.') {
            point = s->length;
        } else {
            s->digits[s->length++] = (uint8_t)(d->digits[i] - '0');
        }
    }
    s->whole = (point < 0 ? s->length : point) + d->exponent + power;
}

static void times_1024(struct digit_string *s) {
    unsigned carry = 0;
    for (int i = s->length - 1; i >= 0; i--) {
        unsigned product = s->digits[i] * 1024U + carry;
        s->digits[i] = (uint8_t)(product % 10);
        carry = product / 10;
    }
}

/* The value as an integer, rounded away from zero; false beyond int64. */
static bool round_away(const struct digit_string *s, int64_t *value) {
    unsigned __int128 sum = 0;
    bool rest = false;
    for (int i = 0; i < s->length; i++) {
        if (i >= s->whole) {
            rest = rest || s->digits[i];
            continue;
        }
        sum = sum * 10 + s->digits[i];
        if (sum > INT64_MAX) {
            return false;
        }
    }
    for (int i = s->length; i < s->whole && sum; i++) {
        sum *= 10;
        if (sum > INT64_MAX) {
            return false;
        }
    }
    sum += rest;
    *value = (int64_t)sum;
    return sum <= INT64_MAX;
}

bool unit_parse_milli(const char *text, int64_t *milli) {
    const char *end;
    if (!trim(&text, &end)) {
        return false;
    }
    bool negative = take_sign(&text);
    struct decimal d;
    if (!scan_decimal(&text, end, &d)) {
        return false;
    }
    int power = 3;
    double times = 1.0;
    if (text < end) {
        const struct unit_row *row = find_row(count_rows, text, end);
        if (!row || d.has_exponent) {
            return false;
        }
        power += row->power;
        times = row->times;
    }
    struct digit_string s;
    digits_of(&d, power, &s);
    for (; times > 1.0; times /= 1024.0) {
        times_1024(&s);
    }
    int64_t size;
    if (!round_away(&s, &size)) {
        return false;
    }
    *milli = negative ? -size : size;
    return true;
}

enum { UNIT_TEXT_BYTES = 48 };

/* Nine digits: enough for a message, few enough to hide the last bits of a sum. */
static void number_short(double value, char out[UNIT_TEXT_BYTES]) {
    char nine[UNIT_TEXT_BYTES];
    char text[NUMBER_TEXT_BYTES];
    snprintf(nine, sizeof nine, "%.8e", value);
    snprintf(out, UNIT_TEXT_BYTES, "%s", number_text(isfinite(value) ? strtod(nine, NULL) : value, text));
}

static void duration_text(double size, struct strbuf *b) {
    static const struct {
        const char *suffix;
        double s;
    } whole[] = {{"d", 86400}, {"h", 3600}, {"m", 60}},
      parts[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};
    char text[UNIT_TEXT_BYTES];
    size_t before = b->length;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0] && size < 1e15; i++) {
        double n = floor(size / whole[i].s);
        if (n > 0) {
            strbuf_printf(b, "%.0f%s", n, whole[i].suffix);
            size -= n * whole[i].s;
        }
    }
    bool alone = b->length == before;
    if (size <= 0.0 || (!alone && size < 1e-9)) {
        strbuf_append(b, alone ? "0s" : "");
        return;
    }
    size_t i = 0;
    while (alone && i < 3 && size < parts[i].s * (1.0 - 1e-9)) {
        i++;
    }
    number_short(size / parts[i].s, text);
    strbuf_printf(b, "%s%s", text, parts[i].suffix);
}

/* How many times `size` divides by `step` and stays whole. */
static int whole_steps(double size, double step, int most) {
    int n = 0;
    for (; n < most && size >= step && fmod(size, step) == 0.0; n++) {
        size /= step;
    }
    return n;
}

static void bytes_text(double size, struct strbuf *b) {
    static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    static const char *const decimal[] = {"", "k", "M", "G", "T", "P", "E"};
    char text[UNIT_TEXT_BYTES];
    int twos = whole_steps(size, 1024.0, 6);
    int tens = whole_steps(size, 1000.0, 6);
    bool in_twos = twos >= tens;
    for (int i = 0; i < (in_twos ? twos : tens); i++) {
        size /= in_twos ? 1024.0 : 1000.0;
    }
    number_short(size, text);
    strbuf_printf(b, "%s%s", text, in_twos ? binary[twos] : decimal[tens]);
}

static void bandwidth_text(double size, struct strbuf *b) {
    static const char *const suffixes[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
    char text[UNIT_TEXT_BYTES];
    int steps = whole_steps(size, 1000.0, 4);
    for (int i = 0; i < steps; i++) {
        size /= 1000.0;
    }
    number_short(size, text);
    strbuf_printf(b, "%s%s", text, suffixes[steps]);
}

/* $2.50 and $0.0375: two decimals, or as many as it takes. */
static void dollars_text(double size, const char *per, struct strbuf *b) {
    char text[UNIT_TEXT_BYTES];
    number_short(size, text);
    size_t decimals = strchr(text, '.') ? strlen(strchr(text, '.') + 1) : 0;
    bool pad = size < 1e15 && !strchr(text, 'e') && decimals < 2;
    strbuf_printf(b, "$%s%s%s", text, !pad ? "" : decimals == 0 ? ".00" : "0", per);
}

const char *unit_text(enum unit_kind kind, double value, char out[48]) {
    char text[UNIT_TEXT_BYTES];
    struct strbuf b = {0};
    double size = fabs(value);
    number_short(size, text);
    strbuf_append(&b, value < 0.0 ? "-" : "");
    if (!isfinite(value)) {
        strbuf_append(&b, text);
    } else if (kind == UNIT_BYTES) {
        bytes_text(size, &b);
    } else if (kind == UNIT_DURATION) {
        duration_text(size, &b);
    } else if (kind == UNIT_BANDWIDTH) {
        bandwidth_text(size, &b);
    } else if (kind == UNIT_USD || kind == UNIT_USD_PER_H) {
        dollars_text(size, kind == UNIT_USD ? "" : "/h", &b);
    } else if (kind == UNIT_FRACTION) {
        number_short(size * 100.0, text);
        strbuf_printf(&b, "%s%%", text);
    } else {
        strbuf_printf(&b, "%s%s", text, kind == UNIT_RATE ? "/s" : "");
    }
    snprintf(out, UNIT_TEXT_BYTES, "%s", b.text);
    strbuf_free(&b);
    return out;
}
