/* The passes over a block: marks, then column by column (plan.h). A column's pass answers how many of the
 * rows from the first on are as planned, and those behind it do not look beyond. */
#include <string.h>

#include "traces/digits.h"
#include "traces/format/columns.h"

#ifdef __SSE2__

enum {
    BLOCK = 64,        /* bytes whose marks are found together */
    AT_ONCE = 8,       /* marks whose places are written together */
    GROUP = 8,         /* rows that are turned into values together */
    REACH_LEAST = 512, /* bytes to look at where rows often differ */
    MINUTE_BYTES = 16  /* "2023-11-16 18:15" */
};

#define ALWAYS static inline __attribute__((always_inline))

/* Two of the passes over a block are also there for processors with AVX2, which most are: the same results
 * sooner. */
#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

/* A block of text and where the fields of its rows end. */
struct block {
    bool avx2;
    const char *text;
    const uint32_t *ends; /* ends[-1] is 0, where the first row begins */
    unsigned marks;
    size_t rows;
};

/* Where a field of a row begins, and where the byte behind its mark lies. */
ALWAYS uint32_t field_begin(const struct block *b, size_t row, unsigned first_mark) {
    return b->ends[(ptrdiff_t)(row * b->marks + first_mark) - 1];
}

ALWAYS uint32_t field_end(const struct block *b, size_t row, unsigned mark) {
    return b->ends[row * b->marks + mark];
}

/* ---- places of marks ---- */

/* Fills `ends`; stops before a piece of text without a mark, so that no two are DIGITS_FIELD_MAX apart. */
static size_t find_marks(const char *text, size_t bytes, uint32_t *ends) {
    uint32_t *to = ends;
    for (uint32_t at = 0; at < bytes; at += BLOCK) {
        uint64_t marks = digits_marks64(text + at);
        if (marks == 0) {
            break;
        }
        do {
            *to++ = at + 1 + (uint32_t)__builtin_ctzll(marks);
            marks &= marks - 1;
        } while (marks);
    }
    return (size_t)(to - ends);
}

/* clang-format off */
#define PUT(i) first[i] = at + 1 + (uint32_t)_tzcnt_u64(marks), marks = _blsr_u64(marks);
/* clang-format on */

/* The same where there is AVX2: how many marks there are is counted, not found out, as a processor guesses
 * the end of that loop wrong in every block. */
AVX2 static size_t find_marks_avx2(const char *text, size_t bytes, uint32_t *ends) {
    uint32_t *to = ends;
    for (uint32_t at = 0; at < bytes; at += BLOCK) {
        uint64_t marks = digits_marks64_avx2(text + at);
        int count = __builtin_popcountll(marks);
        if (count == 0) {
            break;
        }
        uint32_t *first = to;
        to += count;
        for (; first < to; first += AT_ONCE) {
            PUT(0) PUT(1) PUT(2) PUT(3) PUT(4) PUT(5) PUT(6) PUT(7)
        }
    }
    return (size_t)(to - ends);
}

/* Takes the points within texts away. How many marks are left. */
static size_t drop_points(const struct plan *plan, const char *text, uint32_t *ends, size_t count) {
    uint32_t *to = ends;
    const uint32_t *from = ends;
    const uint32_t *end = ends + count;
    for (size_t rows = 0; rows < PLAN_ROWS; rows++) {
        for (size_t i = 0; i < plan->column_count; i++) {
            const struct plan_column *column = &plan->columns[i];
            while (column->text && from < end && text[*from - 1] == '.') {
                from++;
            }
            if (end - from < 2) {
                return (size_t)(to - ends);
            }
            if (column->has_part) {
                *to++ = *from++;
            }
            *to++ = *from++;
        }
    }
    return (size_t)(to - ends);
}

/* ---- numbers ---- */

static const uint64_t zeros = 0x3030303030303030u;
/* Added to digits it leaves the highest bit of each byte 0, unless one is above 9 or the highest not 0. */
static const uint64_t over = 0x7f76767676767676u;

/* One lane of each row. */
struct lane {
    const char *text;     /* where a lane lies whose field ends at 0 */
    const uint32_t *ends; /* of the fields, ends[-1] of those before */
    size_t marks;         /* from one row's to the next one's */
    const uint64_t *keep; /* by the difference of the two */
    uint64_t expected;
};

/* `before`: bytes from a lane's first to behind its digits. */
ALWAYS struct lane lane_of(const struct block *b, const struct plan_number *number, unsigned before,
                           const uint64_t *keep, uint64_t expected) {
    return (struct lane){
        .text = b->text - 1 - number->tail - before,
        .ends = b->ends + number->mark,
        .marks = b->marks,
        .keep = keep + DIGITS_SHORT - 1 - number->tail,
        .expected = expected,
    };
}

ALWAYS const char *lane_place(const struct lane *lane, const uint32_t *end) {
    return lane->text + *end;
}

ALWAYS const uint64_t *lane_kept(const struct lane *lane, const uint32_t *end) {
    return lane->keep + (int32_t)(end[0] - end[-1]);
}

ALWAYS __m128i load_two(const void *first, const void *second) {
    __m128i low = _mm_loadl_epi64(first);
    return _mm_castps_si128(_mm_loadh_pi(_mm_castsi128_ps(low), second));
}

/* Digits of two rows' lanes; what is wrong with them is added to *bad. */
ALWAYS __m128i two_lanes(const struct lane *lane, const uint32_t *end, __m128i *bad) {
    const uint32_t *next = end + lane->marks;
    __m128i text = load_two(lane_place(lane, end), lane_place(lane, next));
    __m128i keep = load_two(lane_kept(lane, end), lane_kept(lane, next));
    __m128i digits = _mm_and_si128(_mm_xor_si128(text, _mm_set1_epi64x((long long)zeros)), keep);
    digits = _mm_xor_si128(digits, _mm_set1_epi64x((long long)lane->expected));
    __m128i wrong = _mm_or_si128(_mm_add_epi8(digits, _mm_set1_epi64x((long long)over)), digits);
    *bad = _mm_or_si128(*bad, wrong);
    return digits;
}

/* The first row whose lane is no number, or `rows`. */
static size_t first_bad(const struct lane *lane, size_t rows) {
    for (size_t i = 0; i < rows; i++) {
        const uint32_t *end = lane->ends + i * lane->marks;
        uint64_t digits = (digits_load(lane_place(lane, end)) ^ zeros) & *lane_kept(lane, end);
        digits ^= lane->expected;
        /* A carry from one byte into the next only comes of a byte that is wrong already. */
        if (((digits + over) | digits) & 0x8080808080808080u) {
            return i;
        }
    }
    return rows;
}

/* Values of a lane of each row, up to the first that is none: how many. Whole groups are read: so many rows
 * there are. */
static size_t lane_values(struct lane lane, size_t rows, uint32_t *values) {
    __m128i bad = _mm_setzero_si128();
    const uint32_t *end = lane.ends;
    for (size_t i = 0; i < rows; i += 4, end += 4 * lane.marks) {
        __m128i first = two_lanes(&lane, end, &bad);
        __m128i second = two_lanes(&lane, end + 2 * lane.marks, &bad);
        _mm_storeu_si128((__m128i *)(void *)(values + i), digits_values(first, second));
    }
    return _mm_movemask_epi8(bad) ? first_bad(&lane, rows) : rows;
}

AVX2 ALWAYS __m256i four_lanes_avx2(const struct lane *lane, const uint32_t *end, __m256i *bad) {
    const uint32_t *second = end + lane->marks;
    const uint32_t *third = second + lane->marks;
    const uint32_t *fourth = third + lane->marks;
    __m256i text = _mm256_set_m128i(load_two(lane_place(lane, third), lane_place(lane, fourth)),
                                    load_two(lane_place(lane, end), lane_place(lane, second)));
    __m256i keep = _mm256_set_m128i(load_two(lane_kept(lane, third), lane_kept(lane, fourth)),
                                    load_two(lane_kept(lane, end), lane_kept(lane, second)));
    __m256i digits = _mm256_and_si256(_mm256_xor_si256(text, _mm256_set1_epi64x((long long)zeros)), keep);
    digits = _mm256_xor_si256(digits, _mm256_set1_epi64x((long long)lane->expected));
    __m256i wrong = _mm256_or_si256(_mm256_add_epi8(digits, _mm256_set1_epi64x((long long)over)), digits);
    *bad = _mm256_or_si256(*bad, wrong);
    return digits;
}

AVX2 static size_t lane_values_avx2(struct lane lane, size_t rows, uint32_t *values) {
    __m256i bad = _mm256_setzero_si256();
    const uint32_t *end = lane.ends;
    for (size_t i = 0; i < rows; i += GROUP, end += GROUP * lane.marks) {
        __m256i first = four_lanes_avx2(&lane, end, &bad);
        __m256i second = four_lanes_avx2(&lane, end + 4 * lane.marks, &bad);
        _mm256_storeu_si256((__m256i *)(void *)(values + i), digits_values_avx2(first, second));
    }
    return _mm256_movemask_epi8(bad) ? first_bad(&lane, rows) : rows;
}

/* A number of each row: values, and those of the digits above the last 7. */
static size_t number_values(const struct block *b, const struct plan_number *number, size_t rows,
                            uint32_t *values, uint32_t *above) {
    struct lane low = lane_of(b, number, DIGITS_LANE, number->low, number->expected);
    rows = b->avx2 ? lane_values_avx2(low, rows, values) : lane_values(low, rows, values);
    if (number->high) {
        struct lane high = lane_of(b, number, DIGITS_WIDE, number->high, 0);
        rows = b->avx2 ? lane_values_avx2(high, rows, above) : lane_values(high, rows, above);
    }
    return rows;
}

/* ---- columns into rows ---- */

/* The field of a row that a column fills, and as what. */
ALWAYS void *field_of(struct trace_row *row, enum column_use use) {
    switch (use) {
    case COLUMN_INPUT:
        return &row->input_tokens;
    case COLUMN_OUTPUT:
        return &row->output_tokens;
    case COLUMN_IMAGES:
        return &row->images;
    case COLUMN_SERVICE:
        return &row->service;
    case COLUMN_TENANT:
        return &row->tenant;
    case COLUMN_REGION:
        return &row->region;
    case COLUMN_PAYLOAD:
        return &row->payload_bytes;
    default:
        return &row->session;
    }
}

enum { ROW_WORDS = sizeof(struct trace_row) / 4 };

static const uint64_t lane_unit = 10000000; /* ten to the power of DIGITS_LANE */

ALWAYS uint64_t number_at(const uint32_t *values, const uint32_t *above, bool wide, size_t i) {
    return wide ? above[i] * lane_unit + values[i] : values[i];
}

static size_t put_number(struct plan *plan, const struct plan_column *column, const struct block *b,
                         struct trace_row *rows, size_t n) {
    const struct plan_number *number = &column->whole;
    const uint32_t *values = plan->values[0];
    n = number_values(b, number, n, plan->values[0], plan->values[1]);
    uint32_t *to = field_of(rows, column->use);
    bool is_long = column->use == COLUMN_PAYLOAD || column->use == COLUMN_SESSION;
    if (!is_long) {
        for (size_t i = 0; i < n; i++, to += ROW_WORDS) {
            *to = values[i];
        }
        return n;
    }
    for (size_t i = 0; i < n; i++, to += ROW_WORDS) {
        uint64_t value = number_at(values, plan->values[1], number->high != NULL, i);
        memcpy(to, &value, sizeof value);
    }
    return n;
}

/* The minute that the rows lie in, when all of it is within what file_place would take. */
struct minute {
    char text[MINUTE_BYTES];
    simtime at_ps;
};

static bool new_minute(const struct file_source *f, const char *text, struct minute *minute) {
    static const char second[] = ":00";
    struct instant t;
    char whole[MINUTE_BYTES + sizeof second];
    memcpy(whole, text, MINUTE_BYTES);
    memcpy(whole + MINUTE_BYTES, second, sizeof second);
    if (f->clock != CLOCK_DATED || scan_date(whole, sizeof whole - 1, &t)) {
        return false;
    }
    int64_t s = t.s - f->origin_s;
    if (s < -FILE_EARLIER_S_MAX || s > SIMTIME_WINDOW_MAX / SIMTIME_SECOND) {
        return false;
    }
    minute->at_ps = s * SIMTIME_SECOND - f->shift_ps;
    memcpy(minute->text, text, MINUTE_BYTES);
    return minute->at_ps <= SIMTIME_WINDOW_MAX - 60 * SIMTIME_SECOND;
}

ALWAYS bool same_minute(const struct minute *minute, const char *text) {
    __m128i known = _mm_loadu_si128((const __m128i *)(const void *)minute->text);
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)text);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(known, here)) == 0xffff;
}

/* Picoseconds of a fraction: its value and how many digits it had. */
ALWAYS int64_t part_ps(const struct plan *plan, const struct plan_number *part, const struct block *b,
                       size_t i) {
    unsigned digits = field_end(b, i, part->mark) - field_begin(b, i, part->mark) - 1 - part->tail;
    return (int64_t)number_at(plan->values[2], plan->values[3], part->high != NULL, i) *
           scan_power10(12 - digits);
}

static size_t put_dates(const struct file_source *f, const struct plan *plan,
                        const struct plan_column *column, const struct block *b, struct trace_row *rows,
                        size_t n) {
    const struct plan_number part = column->part;
    const uint32_t *seconds = plan->values[0];
    struct minute minute = {.text = ""};
    for (size_t i = 0; i < n; i++) {
        const char *text = b->text + field_begin(b, i, column->whole.mark);
        bool known = same_minute(&minute, text) || new_minute(f, text, &minute);
        if (!known || text[MINUTE_BYTES] != ':' || seconds[i] > 59) {
            return i;
        }
        rows[i].arrival_ps = minute.at_ps + seconds[i] * SIMTIME_SECOND + part_ps(plan, &part, b, i);
    }
    return n;
}

ALWAYS size_t put_seconds(const struct file_source *f, const struct plan *plan,
                          const struct plan_column *column, const struct block *b, struct trace_row *rows,
                          size_t n, bool wide, bool has_part, bool ms) {
    const struct file_clock clock = {f->origin_s, f->shift_ps, f->zero_known};
    const struct plan_number part = column->part;
    for (size_t i = 0; i < n; i++) {
        struct instant t = {.s = (int64_t)number_at(plan->values[0], plan->values[1], wide, i)};
        if (has_part) {
            t.ps = part_ps(plan, &part, b, i);
        }
        if (ms) {
            t = instant_of_ms(t);
        }
        if (!file_place_known(&clock, t, &rows[i].arrival_ps)) {
            return i;
        }
    }
    return n;
}

static size_t put_times(const struct file_source *f, struct plan *plan, const struct plan_column *column,
                        const struct block *b, struct trace_row *rows, size_t n) {
    bool wide = column->whole.high != NULL;
    n = number_values(b, &column->whole, n, plan->values[0], plan->values[1]);
    if (column->has_part) {
        n = number_values(b, &column->part, n, plan->values[2], plan->values[3]);
    }
    if (column->date) {
        return put_dates(f, plan, column, b, rows, n);
    }
    if (column->use == COLUMN_ARRIVAL && !wide && column->has_part) {
        return put_seconds(f, plan, column, b, rows, n, false, true, false);
    }
    return put_seconds(f, plan, column, b, rows, n, wide, column->has_part, column->use == COLUMN_ARRIVAL_MS);
}

/* Whether a field ends with the bytes that it should: tail and mark. */
ALWAYS bool ends_well(const struct plan_column *column, const struct block *b, const uint32_t *end) {
    uint64_t bytes = digits_load(b->text + *end - sizeof bytes);
    return ((bytes ^ column->literal) & column->literal_bytes) == 0;
}

/* The 16 bytes that end there, all but the last n of them 0. */
ALWAYS __m128i name_text(const char *end, size_t n) {
    __m128i keep = _mm_loadu_si128((const __m128i *)(const void *)digits_keep_text[n]);
    return _mm_and_si128(_mm_loadu_si128((const __m128i *)(const void *)(end - PLAN_NAME_BYTES)), keep);
}

/* Many names come again in the next row. */
static size_t put_names(struct plan *plan, const struct plan_column *column, const struct block *b,
                        struct trace_row *rows, size_t n) {
    uint32_t *to = field_of(rows, column->use);
    const uint32_t *end = b->ends + column->mark;
    const char *behind = b->text - 1 - column->whole.tail; /* of a name whose field ends at 0 */
    const uint32_t shortest = 1 + column->whole.tail;
    const uint32_t use = (uint32_t)column->use << 8;
    struct plan_name last = {.length = 0};
    __m128i last_text = _mm_setzero_si128();
    for (size_t i = 0; i < n; i++, to += ROW_WORDS, end += b->marks) {
        uint32_t length = end[0] - end[-1] - shortest;
        if (length > PLAN_NAME_BYTES || !ends_well(column, b, end)) {
            return i;
        }
        __m128i text = name_text(behind + *end, length);
        bool again = _mm_movemask_epi8(_mm_cmpeq_epi8(text, last_text)) == 0xffff;
        if (!again || last.length != (length | use)) {
            uint64_t words[2];
            _mm_storeu_si128((__m128i *)(void *)words, text);
            last = *plan_find_name(plan, words, length | use);
            last_text = text;
            if (!plan_is_name(&last, words, length | use)) {
                return i;
            }
        }
        *to = last.index;
    }
    return n;
}

/* Rows whose ignored field is not one that a quote may make go on behind its comma. */
static size_t pass_ignored(const struct plan_column *column, const struct block *b, size_t n) {
    const uint32_t *end = b->ends + column->mark;
    for (size_t i = 0; i < n; i++, end += b->marks) {
        if (b->text[end[-1]] == '"' || !ends_well(column, b, end)) {
            return i;
        }
    }
    return n;
}

static size_t pass_tails(const struct plan_column *column, const struct block *b, size_t n) {
    const uint32_t *end = b->ends + column->mark;
    for (size_t i = 0; i < n; i++, end += b->marks) {
        if (!ends_well(column, b, end)) {
            return i;
        }
    }
    return n;
}

static size_t put_column(struct file_source *f, struct plan *plan, const struct plan_column *column,
                         const struct block *b, struct trace_row *rows, size_t n) {
    if (column->literal_bytes && !column->text) {
        n = pass_tails(column, b, n);
    }
    switch ((enum column_use)column->use) {
    case COLUMN_IGNORED:
        return pass_ignored(column, b, n);
    case COLUMN_SERVICE:
    case COLUMN_TENANT:
    case COLUMN_REGION:
        return put_names(plan, column, b, rows, n);
    case COLUMN_ARRIVAL:
    case COLUMN_ARRIVAL_MS:
        return put_times(f, plan, column, b, rows, n);
    default:
        return put_number(plan, column, b, rows, n);
    }
}

/* ---- blocks ---- */

/* The next block's rows: whole ones, in whole groups. */
static struct block next_block(struct plan *plan, const struct line_reader *lines, size_t room) {
    size_t bytes = (size_t)(lines->end - lines->cur) / BLOCK * BLOCK;
    bytes = bytes < plan->reach ? bytes : plan->reach;
    uint32_t *ends = plan->ends + 1;
    size_t count =
        plan->avx2 ? find_marks_avx2(lines->cur, bytes, ends) : find_marks(lines->cur, bytes, ends);
    if (plan->has_points) {
        count = drop_points(plan, lines->cur, ends, count);
    }
    size_t rows = count / plan->marks;
    rows = rows < room ? rows : room;
    rows = rows < PLAN_ROWS ? rows : PLAN_ROWS;
    return (struct block){plan->avx2, lines->cur, ends, plan->marks, rows / GROUP * GROUP};
}

size_t plan_many(struct file_source *f, struct trace_row *rows, size_t room) {
    struct csv_source *c = (struct csv_source *)f;
    struct plan *plan = c->plan;
    if (plan->marks == 0) {
        return 0;
    }
    struct block b = next_block(plan, &f->lines, room);
    size_t n = b.rows;
    for (size_t i = 0; n > 0 && i < plan->column_count; i++) {
        n = put_column(f, plan, &plan->columns[i], &b, rows, n);
    }
    for (size_t i = 0; f->service_forced && i < n; i++) {
        rows[i].service = f->service;
    }
    size_t twice = n < b.rows ? 2 * (n > 0 ? field_end(&b, n - 1, plan->marks - 1) : 0) : 2 * plan->reach;
    plan->reach = twice < REACH_LEAST ? REACH_LEAST : twice > PLAN_BYTES ? PLAN_BYTES : twice;
    plan->missed = n > 0 ? 0 : plan->missed + 1;
    if (n > 0) {
        lines_taken(&f->lines, b.text + field_end(&b, n - 1, plan->marks - 1), n);
    }
    return n;
}

#else

size_t plan_many(struct file_source *f, struct trace_row *rows, size_t room) {
    (void)f, (void)rows, (void)room;
    return 0;
}

#endif
