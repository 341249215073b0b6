#include "base/strbuf.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum {
    STRBUF_FIRST_BYTES = 64,
    NEAREST_WORD_MAX = 127,   /* longer words get no suggestion */
    DIGITS_ALWAYS_EXACT = 15, /* every decimal of so many digits survives a trip through a double */
    DIGITS_ALWAYS_ENOUGH = 17 /* every double survives a trip through so many digits */
};

static void reserve(struct strbuf *b, size_t more) {
    size_t need = b->length + more + 1;
    if (need <= b->capacity) {
        return;
    }
    size_t capacity = b->capacity ? b->capacity : STRBUF_FIRST_BYTES;
    while (capacity < need) {
        capacity *= 2;
    }
    b->text = mem_realloc(b->text, capacity, 1);
    b->capacity = capacity;
}

void strbuf_append_n(struct strbuf *b, const char *text, size_t n) {
    reserve(b, n);
    if (n) {
        memcpy(b->text + b->length, text, n);
    }
    b->length += n;
    b->text[b->length] = '\0';
}

void strbuf_append(struct strbuf *b, const char *text) {
    strbuf_append_n(b, text, strlen(text));
}

void strbuf_char(struct strbuf *b, char c) {
    strbuf_append_n(b, &c, 1);
}

void strbuf_vprintf(struct strbuf *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    size_t length = n > 0 ? (size_t)n : 0;
    reserve(b, length);
    b->text[b->length] = '\0';
    vsnprintf(b->text + b->length, length + 1, format, again);
    b->length += length;
    va_end(again);
}

void strbuf_printf(struct strbuf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    strbuf_vprintf(b, format, args);
    va_end(args);
}

void strbuf_clear(struct strbuf *b) {
    b->length = 0;
    if (b->text) {
        b->text[0] = '\0';
    }
}

void strbuf_free(struct strbuf *b) {
    free(b->text);
    *b = (struct strbuf){0};
}

/* printf and strtod follow the thread's locale; a library or program that we are linked into may have set
 * one. */
static locale_t enter_c_locale(locale_t *plain) {
    *plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return uselocale(*plain);
}

static void leave_c_locale(locale_t plain, locale_t before) {
    uselocale(before);
    freelocale(plain);
}

/* Below the normal range fewer digits than 15 may do (5e-324 has one), so the search begins at one there. */
static void shortest_digits(double value, char out[NUMBER_TEXT_BYTES]) {
    int digits = fabs(value) < DBL_MIN ? 1 : DIGITS_ALWAYS_EXACT;
    for (; digits <= DIGITS_ALWAYS_ENOUGH; digits++) {
        snprintf(out, NUMBER_TEXT_BYTES, "%.*g", digits, value);
        double back = strtod(out, NULL);
        if (memcmp(&back, &value, sizeof back) == 0) {
            return;
        }
    }
}

const char *number_text(double value, char out[NUMBER_TEXT_BYTES]) {
    if (isnan(value)) {
        return strcpy(out, "NaN");
    }
    if (isinf(value)) {
        return strcpy(out, value < 0 ? "-Infinity" : "Infinity");
    }
    locale_t plain;
    locale_t before = enter_c_locale(&plain);
    shortest_digits(value, out);
    leave_c_locale(plain, before);
    return out;
}

double number_read(const char *text, char **end) {
    locale_t plain;
    locale_t before = enter_c_locale(&plain);
    double value = strtod(text, end);
    leave_c_locale(plain, before);
    return value;
}

bool str_ends_with(const char *text, const char *suffix) {
    size_t n = strlen(text);
    size_t m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Insertions, deletions, substitutions and swaps of neighbours, each one step (optimal string alignment).
 * Three rows of the usual table are enough. */
static size_t edit_distance(const char *a, size_t n, const char *b, size_t m) {
    size_t rows[3][NEAREST_WORD_MAX + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= m; j++) {
        before[j] = above[j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = smaller(row[j], before[j - 2] + 1);
            }
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[m];
}

const char *str_nearest(const char *word, const char *const *names) {
    size_t n = strlen(word);
    if (n == 0 || n > NEAREST_WORD_MAX) {
        return NULL;
    }
    size_t limit = n / 3 > 2 ? n / 3 : 2;
    const char *best = NULL;
    for (; *names; names++) {
        size_t m = strlen(*names);
        if (m > NEAREST_WORD_MAX) {
            continue;
        }
        size_t distance = edit_distance(word, n, *names, m);
        /* A word that shares nothing with the name is no misspelling of it, however short both are. */
        if (distance <= limit && distance < (n > m ? n : m)) {
            best = *names;
            limit = distance ? distance - 1 : 0;
            if (distance == 0) {
                return best;
            }
        }
    }
    return best;
}

size_t utf8_length(const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    static const struct {
        unsigned char first, last, low, high; /* of the first byte; of the second */
        size_t length;
    } forms[] = {
        {0x01, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last) {
            continue;
        }
        for (size_t k = 1; k < forms[i].length; k++) {
            unsigned char low = k == 1 ? forms[i].low : 0x80;
            unsigned char high = k == 1 ? forms[i].high : 0xBF;
            if (s[k] < low || s[k] > high) {
                return 0;
            }
        }
        return forms[i].length;
    }
    return 0;
}
