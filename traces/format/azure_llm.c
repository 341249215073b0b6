/* traces/azure_llm.c: Azure LLM inference traces of 2023 and 2024.
 *
 * TIMESTAMP,ContextTokens,GeneratedTokens; UTC with up to 9 digits of a second, in 2024 with "+00:00" behind.
 * CRLF, and no newline after the last row. Nearly all rows have one shape, so they are read in place by a
 * parser of that shape alone (190 instructions a row); whatever it does
 * not take goes to the general one.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/digits.h"
#include "traces/format/columns.h"

static const struct csv_column azure_columns[] = {
    {"TIMESTAMP", COLUMN_ARRIVAL, true},
    {"ContextTokens", COLUMN_INPUT, true},
    {"GeneratedTokens", COLUMN_OUTPUT, true},
    {NULL, COLUMN_IGNORED, false},
};

static const struct csv_dialect azure_dialect = {"azure-llm", azure_columns, false, NULL};

enum {
    MINUTE_BYTES = 16,       /* "2023-11-16 18:15" */
    FAST_ROW_BYTES = 96,     /* more than the parser can look at: date 32, two numbers of 8, CRLF, loads */
    FRACTION_AT = 4,         /* behind the minute's colon: "46.6805900" */
    FRACTION_DIGITS_MAX = 8, /* a lane */
    SECOND_PS_DIGITS = 12
};

struct azure_source {
    struct csv_source csv;
    bool usual_order;          /* the three columns, in their order */
    char minute[MINUTE_BYTES]; /* the minute read last ... */
    simtime minute_ps;         /* ... and its arrival time */
    unsigned fraction;         /* digits behind the second's point in the row before ... */
    int64_t fraction_ps;       /* ... and what the last of them counts */
    uint32_t marks;            /* of ":46.6805900", the byte behind included */
    unsigned zone;             /* bytes of "+00:00" or 0, there */
};

#ifdef __SSE2__

/* Where the minute lies, when all of it is within what file_place would take. */
static bool new_minute(struct azure_source *a, const char *p) {
    static const char second[] = ":00";
    const struct file_source *f = &a->csv.file;
    struct instant t;
    char text[MINUTE_BYTES + sizeof second];
    memcpy(text, p, MINUTE_BYTES);
    memcpy(text + MINUTE_BYTES, second, sizeof second);
    if (f->clock != CLOCK_DATED || scan_date(text, sizeof text - 1, &t)) {
        return false;
    }
    int64_t s = t.s - f->origin_s;
    if (s < -FILE_EARLIER_S_MAX || s > SIMTIME_WINDOW_MAX / SIMTIME_SECOND) {
        return false;
    }
    a->minute_ps = s * SIMTIME_SECOND - f->shift_ps;
    if (a->minute_ps > SIMTIME_WINDOW_MAX - 60 * SIMTIME_SECOND) {
        return false;
    }
    memcpy(a->minute, p, MINUTE_BYTES);
    return true;
}

static inline bool same_minute(struct azure_source *a, const char *p) {
    __m128i known = _mm_loadu_si128((const __m128i *)(const void *)a->minute);
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(known, here)) == 0xffff || new_minute(a, p);
}

/* How the second of the row at `second` ends, from here on taken for that of all rows: the places that follow
 * then do not wait for its digits to be counted. */
static bool new_shape(struct azure_source *a, const char *second) {
    uint32_t marks = digits_marks16(second) >> FRACTION_AT;
    unsigned digits = marks ? (unsigned)__builtin_ctz(marks) : FRACTION_DIGITS_MAX + 1;
    if (second[FRACTION_AT - 1] != '.' || digits == 0 || digits > FRACTION_DIGITS_MAX) {
        return false;
    }
    a->fraction = digits;
    a->fraction_ps = scan_power10(SECOND_PS_DIGITS - digits);
    a->marks = 1 | 1u << (FRACTION_AT - 1) | 1u << (FRACTION_AT + digits);
    a->zone = memcmp(second + FRACTION_AT + digits, "+00:00", 6) ? 0 : 6;
    return true;
}

/* ":46.6805900," with as many digits as before. */
static inline bool same_shape(const struct azure_source *a, const char *second) {
    const char *end = second + FRACTION_AT + a->fraction;
    uint32_t others = (digits_marks16(second) ^ a->marks) << (31 - FRACTION_AT - a->fraction);
    bool zone = a->zone == 0 || !memcmp(end, "+00:00", 6);
    return others == 0 && second[0] == ':' && second[FRACTION_AT - 1] == '.' && zone && end[a->zone] == ',';
}

/* The row at `p` when it has the usual shape: the byte behind its newline, else NULL. */
static inline const char *take_usual_row(struct azure_source *a, const char *p, struct trace_row *row) {
    if (!same_minute(a, p)) {
        return NULL;
    }
    const char *second = p + MINUTE_BYTES;
    if (!same_shape(a, second) && (!new_shape(a, second) || !same_shape(a, second))) {
        return NULL;
    }
    const char *fraction_end = second + FRACTION_AT + a->fraction;
    const char *input = fraction_end + a->zone + 1;
    uint32_t marks = digits_marks16(input);
    unsigned input_digits = (unsigned)__builtin_ctz(marks | 1u << 16);
    marks &= marks - 1;
    unsigned place = (unsigned)__builtin_ctz(marks | 1u << 16);
    unsigned output_digits = place - input_digits - 1;
    const char *end = input + place;
    if (input_digits - 1 >= DIGITS_LANE || output_digits - 1 >= DIGITS_LANE || input[input_digits] != ',') {
        return NULL;
    }
    /* As two cases, not as end += *end == '\r': the next row must not wait for this byte to be compared. */
    const char *next = NULL;
    if (end[0] == '\r' && end[1] == '\n') {
        next = end + 2;
    } else if (end[0] == '\n') {
        next = end + 1;
    } else {
        return NULL;
    }
    __m128i time = digits_pair(fraction_end, a->fraction, second + FRACTION_AT - 1, 2);
    __m128i work = digits_pair(input + input_digits, input_digits, end, output_digits);
    uint32_t values[4];
    _mm_storeu_si128((__m128i *)(void *)values, digits_values(time, work));
    if (values[1] > 59) {
        return NULL;
    }
    row_clear(row);
    row->arrival_ps =
        a->minute_ps + (int64_t)values[1] * SIMTIME_SECOND + (int64_t)values[0] * a->fraction_ps;
    row->input_tokens = values[2];
    row->output_tokens = values[3];
    row->service = a->csv.file.service;
    return next;
}

/* The rows of the usual shape that lie ahead. */
static size_t azure_many(struct file_source *f, struct trace_row *rows, size_t room) {
    struct azure_source *a = (struct azure_source *)f;
    const char *p = f->lines.cur;
    size_t n = 0;
    while (n < room && f->lines.end - p >= FAST_ROW_BYTES) {
        const char *next = take_usual_row(a, p, &rows[n]);
        if (!next) {
            break;
        }
        p = next;
        n++;
    }
    lines_taken(&f->lines, p, n);
    return n;
}

#else

static size_t azure_many(struct file_source *f, struct trace_row *rows, size_t room) {
    (void)f, (void)rows, (void)room;
    return 0;
}

#endif

static bool azure_fill(struct trace_source *s, struct error *err) {
    struct azure_source *a = (struct azure_source *)s;
    memset(a->minute, 0, sizeof a->minute); /* time 0 may have been set since */
    return file_fill(&a->csv.file, csv_parse, a->usual_order ? azure_many : NULL, err);
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
    memset((char *)a + sizeof *c, 0, sizeof *a - sizeof *c);
    static const unsigned char usual[] = {COLUMN_ARRIVAL, COLUMN_INPUT, COLUMN_OUTPUT};
    a->usual_order = a->csv.column_count == 3 && !memcmp(a->csv.uses, usual, sizeof usual);
    return &a->csv.file.base;
}

const struct trace_format trace_format_azure_llm = {
    "azure-llm", "Azure LLM inference traces 2023 and 2024 (github.com/Azure/AzurePublicDataset)",
    azure_probe, azure_open};
