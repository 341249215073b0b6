/* What the rows of a table look like, from one of them (plan.h). */
#include <string.h>

#include "traces/digits.h"
#include "traces/format/columns.h"

enum {
    LEARN_WAIT_MAX = 63,
    DATE_BYTES = DIGITS_DATE_SECOND,
    ROW_BYTES_MAX = 256 /* of longer rows a block holds too few */
};

struct plan *plan_new(bool avx2) {
    struct plan *plan = mem_zalloc(1, sizeof *plan);
#ifdef __SSE2__
    plan->avx2 = avx2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                 __builtin_cpu_supports("popcnt");
#else
    (void)avx2;
#endif
    return plan;
}

/* The text of a field, and what follows it. */
struct field {
    const char *begin;
    const char *end;
    char mark; /* ',' or '\n' */
    bool cr;   /* a CR is between */
};

static size_t count_digits(const char *p, const char *end) {
    const char *at = p;
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return (size_t)(at - p);
}

/* ---- columns ---- */

/* Tail and mark as the highest bytes of a word. */
static void set_literal(struct plan_column *column, const char *tail, size_t bytes,
                        const struct field *field) {
    char word[8] = "";
    size_t n = bytes + field->cr;
    memcpy(word + sizeof word - 1 - n, tail, bytes);
    word[sizeof word - 2] = field->cr ? '\r' : word[sizeof word - 2];
    word[sizeof word - 1] = field->mark;
    column->literal = digits_load(word);
    column->literal_bytes = ~0ull << (56 - 8 * n);
}

static uint64_t expect(char byte) {
    return (uint64_t)(unsigned char)(byte ^ '0') << 56;
}

/* `digits` in the row at hand; `wide` when the column had long ones before. */
static bool set_number(struct plan_number *number, unsigned mark, size_t digits, unsigned tail, char behind,
                       bool *wide) {
    *wide |= digits > DIGITS_LANE;
    *number = (struct plan_number){
        .mark = mark,
        .tail = tail,
        .low = *wide ? digits_keep.wide_low : digits_keep.narrow,
        .high = *wide ? digits_keep.wide_high : NULL,
        .expected = expect(behind),
    };
    return digits > 0 && digits <= DIGITS_WIDE;
}

static bool learn_text(struct plan *plan, struct plan_column *column, const struct field *field) {
    size_t length = (size_t)(field->end - field->begin);
    plan->has_points |= memchr(field->begin, '.', length) != NULL;
    column->text = true;
    column->whole.mark = column->mark;
    column->whole.tail = field->cr;
    set_literal(column, "", 0, field);
    return length == 0 || *field->begin != '"';
}

/* How a number ends: with the field, or with the zone of a date. */
static unsigned learn_tail(struct plan_column *column, const char *tail, const struct field *field,
                           char *behind) {
    size_t bytes = (size_t)(field->end - tail);
    *behind = bytes ? *tail : field->cr ? '\r' : field->mark;
    if (bytes + field->cr > 0) {
        set_literal(column, tail, bytes, field);
    }
    return (unsigned)(bytes + field->cr);
}

static bool is_zone(const char *tail, const char *end) {
    size_t n = (size_t)(end - tail);
    return n == 0 || (n == 1 && *tail == 'Z') || (n == 6 && !memcmp(tail, "+00:00", n));
}

/* 2023-11-16 18:15:46.680, 12345.678, 12345 */
static bool learn_time(struct plan *plan, struct plan_column *column, const struct field *field, bool *wide) {
    size_t length = (size_t)(field->end - field->begin);
    column->date = column->use == COLUMN_ARRIVAL && scan_looks_like_date(field->begin, length);
    size_t digits = column->date ? DATE_BYTES : count_digits(field->begin, field->end);
    const char *point = field->begin + digits;
    column->has_part = length > digits && *point == '.';
    if (column->date && !column->has_part) {
        return false;
    }
    char behind;
    const char *part = point + column->has_part;
    size_t part_digits = column->has_part ? count_digits(part, field->end) : 0;
    const char *tail = part + part_digits;
    if ((column->date && !is_zone(tail, field->end)) || (!column->date && tail != field->end)) {
        return false;
    }
    unsigned tail_bytes = learn_tail(column, tail, field, &behind);
    if (!column->has_part) {
        return set_number(&column->whole, column->mark, digits, tail_bytes, behind, wide);
    }
    bool learned = set_number(&column->whole, column->mark, column->date ? 2 : digits, 0, '.', wide);
    column->whole.low = column->date ? digits_keep.second : column->whole.low;
    column->mark = plan->marks++;
    const unsigned part_digits_max = 12; /* picoseconds */
    return learned && part_digits <= part_digits_max &&
           set_number(&column->part, column->mark, part_digits, tail_bytes, behind, &plan->part_wide);
}

static bool learn_number(struct plan_column *column, const struct field *field, bool long_one, bool *wide) {
    size_t digits = count_digits(field->begin, field->end);
    char behind;
    unsigned tail = learn_tail(column, field->end, field, &behind);
    return field->begin + digits == field->end && (long_one || digits <= DIGITS_LANE) &&
           set_number(&column->whole, column->mark, digits, tail, behind, wide);
}

static bool learn_column(struct plan *plan, const struct field *field, bool *wide) {
    struct plan_column *column = &plan->columns[plan->column_count++];
    column->mark = plan->marks++;
    switch ((enum column_use)column->use) {
    case COLUMN_IGNORED:
    case COLUMN_SERVICE:
    case COLUMN_TENANT:
    case COLUMN_REGION:
        return learn_text(plan, column, field);
    case COLUMN_ARRIVAL:
    case COLUMN_ARRIVAL_MS:
        return learn_time(plan, column, field, wide);
    case COLUMN_INPUT:
    case COLUMN_OUTPUT:
    case COLUMN_IMAGES:
        return learn_number(column, field, false, wide);
    case COLUMN_PAYLOAD:
    case COLUMN_SESSION:
        return learn_number(column, field, true, wide);
    default:
        return false;
    }
}

/* ---- rows ---- */

static bool learn_row(const struct csv_source *c, struct plan *plan, const char *line, const char *end,
                      bool crlf) {
    const char *p = line;
    plan->marks = 0;
    plan->column_count = 0;
    memset(plan->columns, 0, sizeof plan->columns);
    for (size_t i = 0; i < c->column_count; i++) {
        if (i == PLAN_COLUMNS_MAX) {
            return false;
        }
        bool last = i + 1 == c->column_count;
        const char *comma = last ? NULL : memchr(p, ',', (size_t)(end - p));
        struct field field = {p, last ? end : comma, last ? '\n' : ',', last && crlf};
        plan->columns[i].use = c->uses[i];
        if (!field.end || !learn_column(plan, &field, &plan->wide[i])) {
            return false;
        }
        p = field.end + 1;
    }
    return true;
}

/* Names of which the row is made are known from here on. */
static void learn_names(const struct csv_source *c, struct plan *plan, const struct trace_row *row) {
    const struct {
        enum column_use use;
        uint32_t index;
    } given[] = {{COLUMN_SERVICE, row->service}, {COLUMN_TENANT, row->tenant}, {COLUMN_REGION, row->region}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        const char *name = c->file.names->names[given[i].index];
        size_t n = strlen(name);
        if (n > PLAN_NAME_BYTES || *name == '"') {
            continue;
        }
        char padded[2 * PLAN_NAME_BYTES] = "";
        struct plan_name learned = {.length = (uint32_t)n | (uint32_t)given[i].use << 8,
                                    .index = given[i].index};
        memcpy(padded + PLAN_NAME_BYTES, name, n);
        digits_text(padded + PLAN_NAME_BYTES + n, n, learned.text);
        *plan_find_name(plan, learned.text, learned.length) = learned;
    }
}

void plan_learn(struct csv_source *c, const char *line, size_t length, bool crlf,
                const struct trace_row *row) {
    struct plan *plan = c->plan;
    learn_names(c, plan, row);
    if (plan->missed == 1) { /* one row that differs is no new look */
        return;
    }
    if (plan->wait > 0) {
        plan->wait--;
        return;
    }
    bool learned = length <= ROW_BYTES_MAX && learn_row(c, plan, line, line + length, crlf);
    if (!learned) {
        plan->marks = 0;
    }
    plan->waited = learned ? 0 : plan->waited * 2 + 1;
    plan->waited = plan->waited > LEARN_WAIT_MAX ? LEARN_WAIT_MAX : plan->waited;
    plan->wait = plan->waited;
}
