#include "base/cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- figures ---- */

/* Three significant digits without an exponent. */
static void three_digits(double x, char out[CELL_BYTES]) {
    double size = fabs(x);
    snprintf(out, CELL_BYTES, "%.*f", size == 0 ? 0 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0, x);
}

static const char *scaled(double x, const char *unit, const double *factors, const char *const *prefixes,
                          char out[CELL_BYTES]) {
    size_t i = 0;
    while (factors[i + 1] > 0 && fabs(x) < 0.9995 * factors[i]) {
        i++;
    }
    char digits[CELL_BYTES];
    three_digits(x / factors[i], digits);
    snprintf(out, CELL_BYTES, "%.24s%s%s%s", digits, *unit ? " " : "", prefixes[i], unit);
    return out;
}

static const char *infinite(double x, char out[CELL_BYTES]) {
    return strcpy(out, x > 0 ? "infinite" : "-infinite");
}

const char *cell_duration(double s, char out[CELL_BYTES]) {
    static const double factors[] = {1, 1e-3, 1e-6, 0};
    static const char *const prefixes[] = {"", "m", "u"};
    if (isinf(s)) {
        return strcpy(out, "never");
    }
    return scaled(s, "s", s == 0 ? (const double[]){1, 0} : factors, prefixes, out);
}

const char *cell_rate(double x, char out[CELL_BYTES]) {
    static const double factors[] = {1e9, 1e6, 1e3, 1, 0};
    static const char *const prefixes[] = {"G", "M", "k", ""};
    if (isinf(x)) {
        return infinite(x, out);
    }
    return scaled(x, "", factors, prefixes, out);
}

const char *cell_energy(double kwh, char out[CELL_BYTES]) {
    static const double factors[] = {1e6, 1e3, 1, 1e-3, 0};
    static const char *const prefixes[] = {"G", "M", "k", ""};
    return kwh == 0 ? strcpy(out, "0 kWh") : scaled(kwh, "Wh", factors, prefixes, out);
}

const char *cell_mass(double g, char out[CELL_BYTES]) {
    static const double factors[] = {1e3, 1, 1e-3, 1e-6, 0};
    static const char *const prefixes[] = {"k", "", "m", "u"};
    return g == 0 ? strcpy(out, "0 g") : scaled(g, "g", factors, prefixes, out);
}

const char *cell_percent(double fraction, char out[CELL_BYTES]) {
    snprintf(out, CELL_BYTES, "%.*f %%", fraction > 0.99 && fraction < 1 ? 2 : 1, 100 * fraction);
    return out;
}

const char *cell_count(uint64_t n, char out[CELL_BYTES]) {
    char digits[CELL_BYTES];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t at = 0;
    for (int i = 0; i < length; i++) {
        out[at++] = digits[i];
        if ((length - 1 - i) % 3 == 0 && i + 1 < length) {
            out[at++] = ',';
        }
    }
    out[at] = '\0';
    return out;
}

/* Cents from 1 to 1000, whole dollars above, three significant digits below. */
const char *cell_usd(double usd, char out[CELL_BYTES]) {
    double size = fabs(usd);
    char whole[CELL_BYTES];
    if (isinf(usd)) {
        return infinite(usd, out);
    }
    if (size >= 999.995 && size < 1e18) {
        snprintf(out, CELL_BYTES, "%s$%.40s", usd < 0 ? "-" : "", cell_count((uint64_t)llround(size), whole));
    } else {
        int places = size >= 0.9995 || size == 0 ? 2 : 2 - (int)floor(log10(size * 1.0005));
        snprintf(out, CELL_BYTES, "%s$%.*f", usd < 0 ? "-" : "", places < 9 ? places : 9, size);
    }
    return out;
}

/* ---- texts ---- */

static bool starts_character(char c) {
    return ((unsigned char)c & 0xC0) != 0x80;
}

static size_t character_count(const char *text, size_t bytes) {
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        n += starts_character(text[i]);
    }
    return n;
}

size_t cell_width(const char *text) {
    return character_count(text, strlen(text));
}

void cell_append_clean(struct strbuf *out, const char *text, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        strbuf_char(out, c < 0x20 || c == 0x7F ? '?' : text[i]);
    }
}

void cell_append_left(struct strbuf *out, const char *text, size_t columns) {
    size_t bytes = strlen(text);
    size_t n = character_count(text, bytes);
    if (n > columns) {
        while (n >= columns || !starts_character(text[bytes])) {
            n -= starts_character(text[--bytes]);
        }
        cell_append_clean(out, text, bytes);
        strbuf_char(out, '~');
        n++;
    } else {
        cell_append_clean(out, text, bytes);
    }
    strbuf_printf(out, "%*s", (int)(columns - n), "");
}

void cell_append_right(struct strbuf *out, const char *text, size_t columns) {
    size_t n = cell_width(text);
    strbuf_printf(out, "%*s", n < columns ? (int)(columns - n) : 0, "");
    cell_append_clean(out, text, strlen(text));
}

void cell_append_wrapped(struct strbuf *out, const char *text, size_t indent, size_t columns) {
    size_t column = indent;
    while (*text) {
        size_t bytes = strcspn(text, " ");
        size_t width = character_count(text, bytes);
        if (column > indent && column + 1 + width > columns) {
            strbuf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            strbuf_char(out, ' ');
            column++;
        }
        cell_append_clean(out, text, bytes);
        column += width;
        text += bytes;
        text += strspn(text, " ");
    }
    strbuf_char(out, '\n');
}
