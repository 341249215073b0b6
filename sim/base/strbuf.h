/* sim/base/strbuf.h: a growing text. Zero-initialise; strbuf_free gives it back. `text` is terminated, never
 * NULL after the first append. */
#ifndef DRYDOCK_BASE_STRBUF_H
#define DRYDOCK_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
    char *text;
    size_t length;
    size_t capacity;
};

void strbuf_append(struct strbuf *b, const char *text);
void strbuf_append_n(struct strbuf *b, const char *text, size_t n);
void strbuf_char(struct strbuf *b, char c);
void strbuf_printf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void strbuf_clear(struct strbuf *b); /* length 0, memory kept */
void strbuf_free(struct strbuf *b);

/* The shortest decimal that reads back as exactly `value` (at most 17 digits), the same on every machine and
 * in every locale; "NaN", "Infinity" and "-Infinity" otherwise. Returns `out`. */
enum { NUMBER_TEXT_BYTES = 32 };
const char *number_text(double value, char out[NUMBER_TEXT_BYTES]);

/* strtod, but in no locale: a comma ends the number. */
double number_read(const char *text, char **end);

/* True when `text` ends with `suffix`. */
bool str_ends_with(const char *text, const char *suffix);

/* Bytes of the UTF-8 character at `text`, 0 when it is none (overlong forms, surrogates and what lies beyond
 * U+10FFFF are none; nor is the end of the text). */
size_t utf8_length(const char *text);

/* The entry of `names` (NULL-terminated) nearest to `word` by edit distance, or NULL when none is near enough
 * to be worth suggesting (more than a third of the word's length, at least 2, away). */
const char *str_nearest(const char *word, const char *const *names);

#endif
