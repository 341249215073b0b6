#include "traces/format/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/strbuf.h"

/* ---- columns by our names ---- */

static const struct {
    const char *name;
    enum column_use use;
} column_uses[] = {
    {"arrival_s", COLUMN_ARRIVAL},
    {"arrival_ms", COLUMN_ARRIVAL_MS},
    {"input_tokens", COLUMN_INPUT},
    {"output_tokens", COLUMN_OUTPUT},
    {"text_tokens", COLUMN_TEXT},
    {"images", COLUMN_IMAGES},
    {"image_tokens", COLUMN_IMAGE_TOKENS},
    {"audio_s", COLUMN_AUDIO},
    {"service_s", COLUMN_SERVICE_S},
    {"payload_bytes", COLUMN_PAYLOAD},
    {"service", COLUMN_SERVICE},
    {"tenant", COLUMN_TENANT},
    {"client", COLUMN_TENANT}, /* ServeGen's word; must come after the name that messages use */
    {"region", COLUMN_REGION},
    {"session", COLUMN_SESSION},
};

const char *column_use_name(enum column_use use) {
    for (size_t i = 0; i < sizeof column_uses / sizeof *column_uses; i++) {
        if (column_uses[i].use == use) {
            return column_uses[i].name;
        }
    }
    return "status";
}

enum column_use column_use_find(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof column_uses / sizeof *column_uses; i++) {
        if (strlen(column_uses[i].name) == length && !memcmp(column_uses[i].name, name, length)) {
            return column_uses[i].use;
        }
    }
    return COLUMN_IGNORED;
}

/* ---- fields ---- */

/* The field at *p, which is then moved behind its comma (or beyond `end` after the last one). Quoted fields
 * are unquoted into c->quoted. Why it cannot be read, or NULL. */
static const char *next_field(struct csv_source *c, const char **p, const char *end, const char **field,
                              size_t *length) {
    const char *at = *p;
    if (at == end || *at != '"') {
        const char *comma = at == end ? NULL : memchr(at, ',', (size_t)(end - at));
        *field = at;
        *length = (size_t)((comma ? comma : end) - at);
        *p = comma ? comma + 1 : end + 1;
        return NULL;
    }
    size_t n = 0;
    for (at++; at < end && (*at != '"' || (at + 1 < end && at[1] == '"')); at++) {
        if (n == sizeof c->quoted) {
            return "a quoted field is longer than 4096 bytes";
        }
        at += *at == '"';
        c->quoted[n++] = *at;
    }
    if (at >= end) {
        return "a quote is not closed on its line";
    }
    at++;
    if (at < end && *at != ',') {
        return "text follows a quoted field";
    }
    *field = c->quoted;
    *length = n;
    *p = at < end ? at + 1 : end + 1;
    return NULL;
}

static const char *take_tokens(const char *p, size_t n, uint32_t *tokens) {
    int64_t value;
    const char *why = scan_count(p, n, TRACE_TOKENS_MAX, &value);
    if (!why) {
        *tokens = (uint32_t)value;
    }
    return why;
}

/* 252;486;576 */
static const char *take_image_tokens(const char *p, size_t n, struct csv_row *r) {
    int64_t sum = 0;
    const char *end = p + n;
    while (p <= end && n > 0) {
        const char *stop = memchr(p, ';', (size_t)(end - p));
        stop = stop ? stop : end;
        int64_t value;
        const char *why = scan_count(p, (size_t)(stop - p), TRACE_TOKENS_MAX, &value);
        if (why) {
            return why;
        }
        sum += value;
        if (sum > TRACE_TOKENS_MAX) {
            return "is out of range";
        }
        r->image_list++;
        p = stop + 1;
    }
    r->row->image_tokens = (uint32_t)sum;
    return NULL;
}

static const char *take_name(struct csv_source *c, const char *p, size_t n, uint32_t *index) {
    const char *why = name_trouble(p, n);
    if (!why) {
        *index = trace_names_intern(c->file.names, p, n);
    }
    return why;
}

/* A whole number is taken as it is (0 = none), any other text by its hash. */
static const char *take_session(const char *p, size_t n, uint64_t *session) {
    int64_t value;
    if (!scan_count(p, n, INT64_MAX, &value)) {
        *session = (uint64_t)value;
    } else {
        *session = hash64(p, n, 0) | 1;
    }
    return NULL;
}

static const char *take_arrival(const char *p, size_t n, struct csv_row *r) {
    r->date = scan_looks_like_date(p, n);
    return r->date ? scan_date(p, n, &r->at) : scan_seconds(p, n, &r->at);
}

static const char *take_arrival_ms(const char *p, size_t n, struct csv_row *r) {
    struct instant ms;
    const char *why = scan_seconds(p, n, &ms);
    if (!why) {
        r->date = false;
        r->at = instant_of_ms(ms);
    }
    return why;
}

/* One field of a row; why it cannot be used, or NULL. Fields that may be missing (COLUMN_AUDIO and below) say
 * nothing when they are empty. */
static const char *take_field(struct csv_source *c, enum column_use use, const char *p, size_t n,
                              struct csv_row *r) {
    struct trace_row *row = r->row;
    int64_t tokens;
    const char *why;
    if (n == 0 && use >= COLUMN_IMAGES) {
        return NULL;
    }
    r->given |= 1ull << use;
    switch (use) {
    case COLUMN_ARRIVAL:
        return take_arrival(p, n, r);
    case COLUMN_ARRIVAL_MS:
        return take_arrival_ms(p, n, r);
    case COLUMN_INPUT:
        return take_tokens(p, n, &row->input_tokens);
    case COLUMN_OUTPUT:
        return take_tokens(p, n, &row->output_tokens);
    case COLUMN_TEXT:
        why = scan_count(p, n, TRACE_TOKENS_MAX, &tokens);
        r->text_tokens = why ? 0 : (uint64_t)tokens;
        return why;
    case COLUMN_IMAGES:
        return take_tokens(p, n, &row->images);
    case COLUMN_IMAGE_TOKENS:
        return take_image_tokens(p, n, r);
    case COLUMN_AUDIO:
        return scan_double(p, n, &row->audio_s);
    case COLUMN_SERVICE_S:
        return scan_double(p, n, &row->service_s);
    case COLUMN_PAYLOAD:
        return scan_count(p, n, INT64_MAX / 2, &row->payload_bytes);
    case COLUMN_SERVICE:
        return take_name(c, p, n, &row->service);
    case COLUMN_TENANT:
        return take_name(c, p, n, &row->tenant);
    case COLUMN_REGION:
        return take_name(c, p, n, &row->region);
    case COLUMN_SESSION:
        return take_session(p, n, &row->session);
    case COLUMN_STATUS:
        r->status = p;
        r->status_length = n;
        return NULL;
    case COLUMN_IGNORED:
    case COLUMN_USES:
        break;
    }
    return NULL;
}

/* ---- rows ---- */

/* Prompt tokens in all: as stated, else text and images together. */
static const char *total_input(struct csv_row *r) {
    struct trace_row *row = r->row;
    if (!(r->given & 1ull << COLUMN_IMAGES) && r->image_list > 0) {
        row->images = (uint32_t)(r->image_list < TRACE_TOKENS_MAX ? r->image_list : TRACE_TOKENS_MAX);
    }
    if (!(r->given & 1ull << COLUMN_INPUT)) {
        uint64_t total = r->text_tokens + row->image_tokens;
        if (total > TRACE_TOKENS_MAX) {
            return "is out of range";
        }
        row->input_tokens = (uint32_t)total;
    }
    return NULL;
}

static bool skip_field(struct csv_source *c, size_t column, const char *line, const char *p, const char *text,
                       size_t length, const char *why) {
    int shown = length < 40 ? (int)length : 40;
    file_skip(&c->file, (int)(p - line) + 1, "%s: '%.*s' %s", c->names[column], shown, text, why);
    return false;
}

/* Digits at p that end the field: its value, and *p moved on as next_field would. `bound` is how far may be
 * read, `end` where the line does. */
static inline bool quick_digits(const char **p, const char *end, const char *bound, uint64_t *value,
                                unsigned *digits) {
    if (bound - *p < 9) {
        return false;
    }
    *digits = scan_digits8(*p, value);
    const char *stop = *p + *digits;
    if (*digits == 0 || *digits == 8 || stop > end || (stop < end && *stop != ',')) {
        return false;
    }
    *p = stop + 1;
    return true;
}

/* "12345.678" */
static inline bool quick_seconds(const char **p, const char *end, const char *bound, struct instant *t) {
    uint64_t whole;
    uint64_t fraction;
    unsigned digits;
    if (bound - *p < 9) {
        return false;
    }
    digits = scan_digits8(*p, &whole);
    const char *point = *p + digits;
    if (digits == 0 || digits == 8 || point >= end || *point != '.') {
        return false;
    }
    point++;
    if (!quick_digits(&point, end, bound, &fraction, &digits)) {
        return false;
    }
    t->s = (int64_t)whole;
    t->ps = (int64_t)fraction * scan_power10(12 - digits);
    *p = point;
    return true;
}

/* What nearly all fields are, plain digits, without a search for the comma: 35 ns a row less. False leaves
 * the field to the general way. */
static inline bool quick_field(struct csv_source *c, enum column_use use, const char **p, const char *end,
                               struct csv_row *r) {
    const char *bound = c->file.lines.end;
    uint64_t value;
    unsigned digits;
    switch (use) {
    case COLUMN_ARRIVAL:
        if (!quick_seconds(p, end, bound, &r->at)) {
            return false;
        }
        break;
    case COLUMN_INPUT:
        if (!quick_digits(p, end, bound, &value, &digits)) {
            return false;
        }
        r->row->input_tokens = (uint32_t)value;
        break;
    case COLUMN_OUTPUT:
        if (!quick_digits(p, end, bound, &value, &digits)) {
            return false;
        }
        r->row->output_tokens = (uint32_t)value;
        break;
    default:
        return false;
    }
    r->given |= 1ull << use;
    return true;
}

/* The fields of a line into the row; false when it was skipped. */
static bool split_line(struct csv_source *c, const char *line, size_t length, struct csv_row *r) {
    const char *end = line + length;
    const char *p = line;
    size_t column = 0;
    for (; p <= end && column < c->column_count; column++) {
        const char *at = p;
        const char *field;
        size_t n;
        enum column_use use = c->uses[column];
        if (quick_field(c, use, &p, end, r)) {
            continue;
        }
        const char *why = next_field(c, &p, end, &field, &n);
        if (why) {
            file_skip(&c->file, (int)(at - line) + 1, "%s", why);
            return false;
        }
        why = use == COLUMN_IGNORED ? NULL : take_field(c, use, field, n, r);
        if (why) {
            return skip_field(c, column, line, at, field, n, why);
        }
    }
    if (column < c->column_count || p <= end) {
        const char *place = p <= end ? p : end;
        file_skip(&c->file, (int)(place - line) + 1, "has %s fields than the header's %zu",
                  column < c->column_count ? "fewer" : "more", c->column_count);
        return false;
    }
    return true;
}

/* What the fields mean together; false when the row was skipped. */
static bool finish_row(struct csv_source *c, struct csv_row *r) {
    const char *why = total_input(r);
    bool failed = false;
    if (why) {
        file_skip(&c->file, 0, "input_tokens %s", why);
        return false;
    }
    why = c->dialect->rule ? c->dialect->rule(r, &failed) : NULL;
    if (why) {
        file_skip(&c->file, 0, "%s", why);
        c->file.base.report.failed += failed;
        return false;
    }
    why = file_place(&c->file, r->at, r->date, r->row);
    if (why) {
        file_skip(&c->file, 0, "arrival time %s", why);
        return false;
    }
    if (c->file.service_forced) {
        r->row->service = c->file.service;
    }
    return true;
}

static enum parsed csv_parse(struct file_source *f, struct trace_row *row, struct error *err) {
    struct csv_source *c = (struct csv_source *)f;
    for (;;) {
        const char *line;
        size_t length;
        int got = lines_next(&f->lines, &line, &length, err);
        if (got == LINE_END || got == LINE_FAILED) {
            return got == LINE_END ? PARSED_END : PARSED_FAILED;
        }
        if (got == LINE_TOO_LONG) {
            file_skip(f, 0, "the line is longer than 1 MiB");
            continue;
        }
        if (length == 0) {
            continue;
        }
        row_clear(row);
        struct csv_row r = {.row = row};
        if (split_line(c, line, length, &r) && finish_row(c, &r)) {
            if (c->plan) {
                plan_learn(c, line, length, line + length < f->lines.cur && line[length] == '\r', row);
            }
            return PARSED_ROW;
        }
    }
}

/* ---- header ---- */

static bool fail_header(struct csv_source *c, const char *field, const char *what, struct error *err) {
    struct position pos = {.file = c->file.lines.path, .line = c->file.lines.line, .column = 1};
    return error_at(err, ERROR_INVALID, &pos, field, "%s", what);
}

static void add_name(char *list, size_t bytes, const char *name) {
    size_t used = strlen(list);
    size_t n = strlen(name);
    if (used + n + 8 < bytes) {
        snprintf(list + used, bytes - used, "%s%s", used ? "," : "", name);
    } else if (!str_ends_with(list, ",...")) {
        snprintf(list + used, bytes - used, ",...");
    }
}

static enum column_use use_of(const struct csv_dialect *dialect, const char *name) {
    for (const struct csv_column *column = dialect->columns; column->name; column++) {
        if (!strcmp(column->name, name)) {
            return column->use;
        }
    }
    return COLUMN_IGNORED;
}

/* A column's name without blanks and quotes around; bytes that are no text are not carried into messages. */
static const char *header_name(struct csv_source *c, const char *field, size_t n) {
    while (n > 0 && (*field == ' ' || *field == '"')) {
        field++;
        n--;
    }
    while (n > 0 && (field[n - 1] == ' ' || field[n - 1] == '"')) {
        n--;
    }
    return name_trouble(field, n) ? "(unreadable)" : arena_strndup(&c->arena, field, n);
}

static bool add_column(struct csv_source *c, const char *name, uint64_t *seen, struct error *err) {
    struct trace_report *report = &c->file.base.report;
    enum column_use use = use_of(c->dialect, name);
    if (use != COLUMN_IGNORED && *seen & 1ull << use) {
        return fail_header(c, name, "expected each column once; this one says the same as another before it",
                           err);
    }
    *seen |= use == COLUMN_IGNORED ? 0 : 1ull << use;
    c->uses[c->column_count] = (unsigned char)use;
    c->names[c->column_count++] = name;
    if (use != COLUMN_IGNORED && use != COLUMN_STATUS) {
        add_name(report->columns, sizeof report->columns,
                 use == COLUMN_ARRIVAL_MS ? "arrival_s" : column_use_name(use));
    } else if (use == COLUMN_IGNORED && !c->dialect->open_ended) {
        add_name(report->ignored_columns, sizeof report->ignored_columns, name);
    }
    return true;
}

static bool check_required(struct csv_source *c, uint64_t seen, struct error *err) {
    for (const struct csv_column *column = c->dialect->columns; column->name; column++) {
        if (column->required && !(seen & 1ull << column->use)) {
            fail_header(c, column->name, "expected this column in the header", err);
            return error_hint(err, "the header must name it; --columns maps other names, "
                                   "for example --columns arrival_s=ts,input_tokens=prompt");
        }
    }
    return true;
}

static bool read_header(struct csv_source *c, struct error *err) {
    const char *line;
    size_t length;
    int got = lines_next(&c->file.lines, &line, &length, err);
    if (got != LINE_GIVEN) {
        return got == LINE_FAILED ? false : fail_header(c, NULL, "expected a header line", err);
    }
    if (length >= 3 && !memcmp(line, "\xef\xbb\xbf", 3)) {
        line += 3;
        length -= 3;
    }
    const char *end = line + length;
    uint64_t seen = 0;
    while (line <= end) {
        const char *field;
        size_t n;
        const char *why = next_field(c, &line, end, &field, &n);
        if (why) {
            return fail_header(c, NULL, why, err);
        }
        if (c->column_count == CSV_COLUMNS_MAX) {
            return fail_header(c, NULL, "expected at most 256 columns", err);
        }
        if (!add_column(c, header_name(c, field, n), &seen, err)) {
            return false;
        }
    }
    return check_required(c, seen, err);
}

struct csv_source *csv_source_new(struct trace_input *input, const struct csv_dialect *dialect,
                                  const struct trace_source_ops *ops,
                                  const struct trace_open_options *options, struct trace_names *names,
                                  struct error *err) {
    struct csv_source *c = mem_zalloc(1, sizeof *c);
    file_source_init(&c->file, ops, input, options, names, dialect->format);
    c->dialect = dialect;
    enum trace_pace pace = options ? options->pace : TRACE_BEST;
    c->plan = dialect->rule || pace == TRACE_ONE_BY_ONE ? NULL : plan_new(pace == TRACE_BEST);
    if (!read_header(c, err)) {
        ops->close(&c->file.base);
        return NULL;
    }
    return c;
}

void csv_close(struct trace_source *s) {
    struct csv_source *c = (struct csv_source *)s;
    file_source_free(&c->file);
    arena_free(&c->arena);
    free(c->plan);
    free(c);
}

bool csv_fill(struct trace_source *s, struct error *err) {
    struct csv_source *c = (struct csv_source *)s;
    return file_fill(&c->file, csv_parse, c->plan ? plan_many : NULL, err);
}

struct trace_source *csv_open_dialect(struct trace_input *input, const struct csv_dialect *dialect,
                                      const struct trace_open_options *options, struct trace_names *names,
                                      struct error *err) {
    static const struct trace_source_ops ops = {csv_fill, csv_close, NULL};
    struct csv_source *c = csv_source_new(input, dialect, &ops, options, names, err);
    return c ? &c->file.base : NULL;
}
