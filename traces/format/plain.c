#include "traces/format/plain.h"

#include <string.h>

#include "traces/digits.h"
#include "traces/format/columns.h"

enum { LEARN_WAIT_MAX = 63, DIGITS_NARROW = 8, DIGITS_WIDE = 16 };

/* ---- learning a shape ---- */

/* Digits that a number of this use may have: what the parser of single rows takes without a question. */
static unsigned digits_most(enum column_use use, bool fraction) {
    switch (use) {
    case COLUMN_ARRIVAL:
    case COLUMN_ARRIVAL_MS:
        return fraction ? 12 : 15;
    case COLUMN_INPUT:
    case COLUMN_OUTPUT:
    case COLUMN_IMAGES:
        return fraction ? 0 : DIGITS_NARROW;
    case COLUMN_SERVICE:
    case COLUMN_TENANT:
    case COLUMN_REGION:
        return fraction ? 0 : 3; /* below PLAIN_NAMES */
    case COLUMN_PAYLOAD:
    case COLUMN_SESSION:
        return fraction ? 0 : DIGITS_WIDE;
    case COLUMN_IGNORED:
        return DIGITS_WIDE;
    default:
        return 0;
    }
}

static bool add_mark(struct plain_shape *s, char byte, unsigned least, unsigned most) {
    if (s->marks == PLAIN_MARKS_MAX) {
        return false;
    }
    s->marks++;
    s->bytes = s->bytes << 8 | (unsigned char)byte;
    s->least = s->least << 8 | least;
    s->most = s->most << 8 | most;
    s->tops = s->tops << 8 | 0x80;
    return true;
}

static bool add_number(struct plain_shape *s, enum column_use use, bool fraction, size_t digits, char mark) {
    unsigned most = digits_most(use, fraction);
    if (digits == 0 || digits > most || !add_mark(s, mark, 1, most)) {
        return false;
    }
    bool wide = most > DIGITS_NARROW && digits > DIGITS_NARROW - 1;
    s->lanes += wide ? 2 : 1;
    s->number[s->numbers++] =
        (struct plain_number){(unsigned char)use, fraction, wide, (unsigned char)(s->lanes - 1)};
    if (!wide && most > DIGITS_NARROW) {
        s->most = (s->most & ~0xffull) | DIGITS_NARROW;
    }
    return true;
}

static bool learn_row(const struct csv_source *c, struct plain_shape *s, const char *line, const char *end,
                      char newline) {
    const char *p = line;
    for (size_t column = 0; column < c->column_count; column++) {
        const char *begin = p;
        bool fraction = false;
        for (;; p++) {
            if (p < end && *p >= '0' && *p <= '9') {
                continue;
            }
            char mark = p < end ? *p : newline;
            if (!add_number(s, c->uses[column], fraction, (size_t)(p - begin), mark)) {
                return false;
            }
            if (mark != '.' || fraction) {
                break;
            }
            fraction = true;
            begin = p + 1;
        }
        bool last = column + 1 == c->column_count;
        if (last != (p == end) || (!last && *p != ',')) {
            return false;
        }
        p++;
    }
    s->lanes += newline != '\n'; /* the newline behind CR ends a lane of no digits */
    return newline == '\n' || add_mark(s, '\n', 0, 0);
}

static void learn_names(struct csv_source *c, const struct trace_row *row) {
    const uint32_t given[] = {row->service, row->tenant, row->region};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        const char *name = c->file.names->names[given[i]];
        size_t n = strlen(name);
        int64_t number;
        /* Only the usual way to write a number, as "07" is another name than "7". */
        if (n > 0 && n <= 3 && strspn(name, "0123456789") == n && (name[0] != '0' || n == 1) &&
            !scan_count(name, n, PLAIN_NAMES - 1, &number)) {
            c->plain->names[i][number] = given[i] + 1;
        }
    }
}

void plain_learn(struct csv_source *c, const char *line, size_t length, bool crlf,
                 const struct trace_row *row) {
    struct plain_reader *reader = c->plain;
    learn_names(c, row);
    if (reader->wait > 0) {
        reader->wait--;
        return;
    }
    struct plain_shape shape = {0};
    bool learned = c->dialect->rule == NULL && learn_row(c, &shape, line, line + length, crlf ? '\r' : '\n');
    if (learned) {
        reader->shape = shape;
    }
    reader->waited = learned ? 0 : reader->waited * 2 + 1;
    reader->waited = reader->waited > LEARN_WAIT_MAX ? LEARN_WAIT_MAX : reader->waited;
    reader->wait = reader->waited;
}

#ifdef __SSE2__

/* ---- cutting out digits ---- */

/* The byte behind the row's newline, or NULL when it has another shape. Unrolled where `marks` is a constant,
 * as all is for tables of few columns. */
static inline __attribute__((always_inline)) const char *cut_row(const struct plain_shape *s, unsigned marks,
                                                                 bool wide, const char *p, uint64_t *lanes,
                                                                 uint64_t *counts) {
    uint64_t left = digits_marks64(p);
    const char *begin = p;
    uint64_t bytes = 0;
    uint64_t digits = 0;
    for (unsigned i = 0; i < marks; i++) {
        if (left == 0) {
            return NULL;
        }
        const char *end = p + (unsigned)__builtin_ctzll(left);
        size_t n = (size_t)(end - begin);
        left &= left - 1;
        bytes = bytes << 8 | (unsigned char)*end;
        digits = digits << 8 | n;
        if (wide && s->number[i].wide) {
            *lanes++ = digits_lane_above(end, n);
        }
        *lanes++ = digits_lane(end, n);
        begin = end + 1;
    }
    *counts = digits;
    /* No byte of `digits` is above 63, so that no borrow leaves it. */
    uint64_t inside = ((s->most | s->tops) - digits) & ((digits | s->tops) - s->least) & s->tops;
    return bytes == s->bytes && inside == s->tops ? begin : NULL;
}

/* Lanes into values, in place. */
static void value_lanes(uint64_t *lanes, size_t n) {
    uint32_t *values = (uint32_t *)(void *)lanes;
    for (size_t i = 0; i < n; i += 4) {
        __m128i first = _mm_loadu_si128((const __m128i *)(const void *)(lanes + i));
        __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(lanes + i + 2));
        _mm_storeu_si128((__m128i *)(void *)(values + i), digits_values(first, second));
    }
}

/* Cuts rows up to the first of another shape: how many. */
static inline __attribute__((always_inline)) size_t cut_most(struct plain_reader *reader, unsigned marks,
                                                             bool wide, const char *p, const char *bound,
                                                             size_t most) {
    const struct plain_shape s = reader->shape; /* a copy, which the lanes cannot be thought to change */
    size_t n = 0;
    for (; n < most && bound - p >= PLAIN_ROW_BYTES; n++) {
        p = cut_row(&s, marks, wide, p, reader->lanes + n * s.lanes, &reader->digits[n]);
        if (!p) {
            break;
        }
        reader->ends[n] = p;
    }
    return n;
}

static size_t cut_rows(struct plain_reader *reader, const char *p, const char *bound, size_t room) {
    const struct plain_shape *s = &reader->shape;
    size_t most = PLAIN_LANES_MAX / s->lanes;
    most = most < PLAIN_ROWS_MAX ? most : PLAIN_ROWS_MAX;
    most = most < room ? most : room;
    if (s->lanes > s->numbers + (s->marks > s->numbers)) {
        return cut_most(reader, s->marks, true, p, bound, most);
    }
    switch (s->marks) {
    case 3:
        return cut_most(reader, 3, false, p, bound, most);
    case 4:
        return cut_most(reader, 4, false, p, bound, most);
    case 5:
        return cut_most(reader, 5, false, p, bound, most);
    default:
        return cut_most(reader, s->marks, false, p, bound, most);
    }
}

/* ---- values into rows ---- */

/* What the numbers of n rows became: value of row i in lane k at [i * lanes + k]. */
struct plain_values {
    const struct plain_reader *reader;
    const uint32_t *of;
    size_t lanes;
};

/* Of the row whose values begin at `at`. */
static inline uint64_t number_at(const uint32_t *at, const struct plain_number *number) {
    at += number->lane;
    return number->wide ? at[-1] * 100000000ull + at[0] : at[0];
}

static inline unsigned digits_of(const struct plain_values *v, unsigned place, size_t row) {
    return v->reader->digits[row] >> 8 * (v->reader->shape.marks - 1 - place) & 0xff;
}

static void put_counts(const struct plain_values *v, const struct plain_number *number, uint32_t *first,
                       size_t n) {
    const uint32_t *at = v->of + number->lane;
    for (size_t i = 0; i < n; i++, at += v->lanes, first += sizeof(struct trace_row) / sizeof *first) {
        *first = *at;
    }
}

static void put_long(const struct plain_values *v, const struct plain_number *number, uint64_t *first,
                     size_t n) {
    for (size_t i = 0; i < n; i++, first += sizeof(struct trace_row) / sizeof *first) {
        *first = number_at(v->of + i * v->lanes, number);
    }
}

/* Names that have been met; up to the row with another one. */
static size_t put_names(const struct plain_values *v, unsigned place, uint32_t *first, size_t n) {
    const struct plain_number *number = &v->reader->shape.number[place];
    const uint32_t *names = v->reader->names[number->use - COLUMN_SERVICE];
    for (size_t i = 0; i < n; i++, first += sizeof(struct trace_row) / sizeof *first) {
        uint32_t value = v->of[i * v->lanes + number->lane];
        unsigned digits = digits_of(v, place, i);
        if (names[value] == 0 || (digits > 1 && value < (uint32_t)scan_power10(digits - 1))) {
            return i;
        }
        *first = names[value] - 1;
    }
    return n;
}

/* Times, up to the row that file_place has to look at. */
static size_t put_times(const struct plain_values *v, unsigned place, const struct file_source *f,
                        struct trace_row *rows, size_t n) {
    const struct plain_shape *s = &v->reader->shape;
    const struct plain_number whole = s->number[place];
    const struct plain_number part = place + 1 < s->numbers ? s->number[place + 1] : whole;
    const struct file_clock clock = {f->origin_s, f->shift_ps, f->zero_known};
    const unsigned part_shift = part.fraction ? 8 * (s->marks - 2 - place) : 0;
    const uint64_t *digits = v->reader->digits;
    const size_t lanes = v->lanes;
    const uint32_t *at = v->of;
    for (size_t i = 0; i < n; i++, at += lanes) {
        struct instant t = {.s = (int64_t)number_at(at, &whole)};
        if (part.fraction) {
            t.ps =
                (int64_t)number_at(at, &part) * scan_power10(12 - (unsigned)(digits[i] >> part_shift & 0xff));
        }
        if (whole.use == COLUMN_ARRIVAL_MS) {
            t = instant_of_ms(t);
        }
        if (!file_place_known(&clock, t, &rows[i].arrival_ps)) {
            return i;
        }
    }
    return n;
}

/* One number of n rows; how many of them are good. */
static size_t put_number(const struct plain_values *v, unsigned place, const struct file_source *f,
                         struct trace_row *rows, size_t n) {
    const struct plain_number *number = &v->reader->shape.number[place];
    switch (number->use) {
    case COLUMN_ARRIVAL:
    case COLUMN_ARRIVAL_MS:
        return number->fraction ? n : put_times(v, place, f, rows, n);
    case COLUMN_INPUT:
        put_counts(v, number, &rows->input_tokens, n);
        return n;
    case COLUMN_OUTPUT:
        put_counts(v, number, &rows->output_tokens, n);
        return n;
    case COLUMN_IMAGES:
        put_counts(v, number, &rows->images, n);
        return n;
    case COLUMN_PAYLOAD:
        put_long(v, number, (uint64_t *)(void *)&rows->payload_bytes, n);
        return n;
    case COLUMN_SESSION:
        put_long(v, number, &rows->session, n);
        return n;
    case COLUMN_SERVICE:
        return put_names(v, place, &rows->service, n);
    case COLUMN_TENANT:
        return put_names(v, place, &rows->tenant, n);
    case COLUMN_REGION:
        return put_names(v, place, &rows->region, n);
    default:
        return n;
    }
}

size_t plain_many(struct file_source *f, struct trace_row *rows, size_t room) {
    struct csv_source *c = (struct csv_source *)f;
    struct plain_reader *reader = c->plain;
    const struct line_reader *lines = &f->lines;
    size_t n = 0;
    if (reader->shape.marks > 0 && lines->cur - lines->buffer >= DIGITS_BEFORE) {
        n = cut_rows(reader, lines->cur, lines->end, room);
    }
    if (n > 0) {
        value_lanes(reader->lanes, n * reader->shape.lanes);
        for (size_t i = 0; i < n; i++) {
            row_clear(&rows[i]);
        }
    }
    struct plain_values v = {reader, (const uint32_t *)(const void *)reader->lanes, reader->shape.lanes};
    for (unsigned place = 0; n > 0 && place < reader->shape.numbers; place++) {
        n = put_number(&v, place, f, rows, n);
    }
    for (size_t i = 0; c->file.service_forced && i < n; i++) {
        rows[i].service = c->file.service;
    }
    reader->missed = n > 0 ? 0 : reader->missed + 1;
    if (n > 0) {
        lines_taken(&f->lines, reader->ends[n - 1], n);
    }
    return n;
}

#else

size_t plain_many(struct file_source *f, struct trace_row *rows, size_t room) {
    (void)f, (void)rows, (void)room;
    return 0;
}

#endif
