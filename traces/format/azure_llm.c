/* traces/azure_llm.c: Azure LLM inference traces of 2023 and 2024.
 *
 * TIMESTAMP,ContextTokens,GeneratedTokens; UTC with up to 9 digits of a second, in 2024 with "+00:00" behind.
 * CRLF, and no newline after the last row. Nearly all rows have one shape, so they are read in place by a
 * parser of that shape alone, at 0.5 to 0.6 of the speed at which memchr counts newlines; whatever it does
 * not take goes to the general one.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/format/columns.h"

static const struct csv_column azure_columns[] = {
    {"TIMESTAMP", COLUMN_ARRIVAL, true},
    {"ContextTokens", COLUMN_INPUT, true},
    {"GeneratedTokens", COLUMN_OUTPUT, true},
    {NULL, COLUMN_IGNORED, false},
};

static const struct csv_dialect azure_dialect = {"azure-llm", azure_columns, false, NULL};

enum {
    MINUTE_BYTES = 17,  /* "2023-11-16 18:15:" */
    FAST_ROW_BYTES = 96 /* more than the parser can look at: date 36, two numbers of 9, CRLF, loads of 8 */
};

struct azure_source {
    struct csv_source csv;
    bool usual_order;          /* the three columns, in their order */
    char minute[MINUTE_BYTES]; /* the minute read last ... */
    int64_t minute_s;          /* ... and its seconds since 1970 */
};

/* Seconds since 1970 of the row's minute, parsed when it is another than the row before. */
static inline bool same_minute(struct azure_source *a, const char *p) {
    if (__builtin_expect(!memcmp(p, a->minute, MINUTE_BYTES), 1)) {
        return true;
    }
    struct instant t;
    char text[MINUTE_BYTES + 2];
    memcpy(text, p, MINUTE_BYTES);
    memcpy(text + MINUTE_BYTES, "00", 2);
    if (scan_date(text, sizeof text, &t)) {
        return false;
    }
    memcpy(a->minute, p, MINUTE_BYTES);
    a->minute_s = t.s;
    return true;
}

/* "46.6805900" or "46": moves *p behind it. */
static inline bool take_seconds(const char **p, int64_t minute_s, struct instant *t) {
    const char *at = *p;
    unsigned tens = (unsigned)(at[0] - '0');
    unsigned ones = (unsigned)(at[1] - '0');
    if (tens > 5 || ones > 9) {
        return false;
    }
    t->s = minute_s + (int64_t)(tens * 10 + ones);
    t->ps = 0;
    at += 2;
    if (*at == '.') {
        uint64_t fraction = 0;
        at++;
        unsigned digits = scan_digits8(at, &fraction);
        /* Nearly always 7. Taken as a guess that is checked, the place of the next field does not wait for
         * the digits to be counted. */
        at += at[7] == ',' && digits == 7 ? 7 : digits;
        if (digits == 8 && *at >= '0' && *at <= '9') {
            fraction = fraction * 10 + (uint64_t)(*at++ - '0');
            digits = 9;
        }
        t->ps = digits ? (int64_t)fraction * scan_power10(12 - digits) : 0;
    }
    *p = at;
    return true;
}

static inline bool take_number(const char **p, uint32_t *value) {
    uint64_t number;
    unsigned digits = scan_digits8(*p, &number);
    *p += digits;
    *value = (uint32_t)number;
    return digits > 0 && digits < 8;
}

/* The row at `p` when it has the usual shape: the byte behind its newline, else NULL. */
static inline const char *take_usual_row(struct azure_source *a, const char *p, struct trace_row *row) {
    struct instant t;
    uint32_t input;
    uint32_t output;
    if (!same_minute(a, p)) {
        return NULL;
    }
    p += MINUTE_BYTES;
    if (!take_seconds(&p, a->minute_s, &t)) {
        return NULL;
    }
    if (*p == '+' && !memcmp(p, "+00:00", 6)) {
        p += 6;
    }
    if (*p++ != ',' || !take_number(&p, &input) || *p++ != ',' || !take_number(&p, &output)) {
        return NULL;
    }
    /* As two cases, not as p += *p == '\r': the next row must not wait for this byte to be compared. */
    const char *next = NULL;
    if (p[0] == '\r' && p[1] == '\n') {
        next = p + 2;
    } else if (p[0] == '\n') {
        next = p + 1;
    } else {
        return NULL;
    }
    row_clear(row);
    row->input_tokens = input;
    row->output_tokens = output;
    row->service = a->csv.file.service;
    return file_place_date(&a->csv.file, t, row) ? next : NULL;
}

static inline __attribute__((always_inline)) enum parsed
azure_parse(struct file_source *f, struct trace_row *row, struct error *err) {
    struct azure_source *a = (struct azure_source *)f;
    if (a->usual_order && f->lines.end - f->lines.cur >= FAST_ROW_BYTES) {
        const char *next = take_usual_row(a, f->lines.cur, row);
        if (__builtin_expect(next != NULL, 1)) {
            f->lines.cur = next;
            f->lines.line += f->lines.line < INT32_MAX;
            return PARSED_ROW;
        }
    }
    return csv_parse(f, row, err);
}

static bool azure_fill(struct trace_source *s, struct error *err) {
    return file_fill((struct file_source *)s, azure_parse, err);
}

static void azure_close(struct trace_source *s) {
    csv_close(s);
}

static int azure_probe(const char *head, size_t length) {
    static const char *const names[] = {"TIMESTAMP", "ContextTokens", "GeneratedTokens", NULL};
    return header_has(head, length, names) ? 2 : 0;
}

static struct trace_source *azure_open(struct trace_input *input, const struct trace_open_options *options,
                                       struct trace_names *names, struct error *err) {
    static const struct trace_source_ops ops = {azure_fill, azure_close, NULL};
    struct csv_source *c = csv_source_new(input, &azure_dialect, &ops, options, names, err);
    if (!c) {
        return NULL;
    }
    struct azure_source *a = mem_realloc(c, 1, sizeof *a);
    static const unsigned char usual[] = {COLUMN_ARRIVAL, COLUMN_INPUT, COLUMN_OUTPUT};
    a->usual_order = a->csv.column_count == 3 && !memcmp(a->csv.uses, usual, sizeof usual);
    memset(a->minute, 0, sizeof a->minute);
    return &a->csv.file.base;
}

const struct trace_format trace_format_azure_llm = {
    "azure-llm", "Azure LLM inference traces 2023 and 2024 (github.com/Azure/AzurePublicDataset)",
    azure_probe, azure_open};
