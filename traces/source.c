#include "traces/source.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

int source_refill(struct trace_source *s, struct error *err) {
    if (s->failed) {
        error_set(err, ERROR_FAILED, "the trace has failed before");
        return -1;
    }
    if (s->at < s->count) {
        return 1;
    }
    if (s->ended) {
        return 0;
    }
    s->before += s->count;
    s->at = s->count = 0;
    if (!s->ops->fill(s, err)) {
        s->failed = true;
        s->count = 0;
        return -1;
    }
    s->ended = s->count == 0;
    return s->count > 0;
}

int trace_next(struct trace_source *s, struct trace_row *row, struct error *err) {
    if (s->at == s->count) {
        int got = source_refill(s, err);
        if (got <= 0) {
            return got;
        }
    }
    *row = s->rows[s->at++];
    return 1;
}

int trace_next_rows(struct trace_source *s, const struct trace_row **rows, struct error *err) {
    int got = source_refill(s, err);
    if (got <= 0) {
        return got;
    }
    size_t n = s->count - s->at < INT_MAX ? s->count - s->at : INT_MAX;
    *rows = s->rows + s->at;
    s->at += n;
    return (int)n;
}

const struct trace_report *trace_report(const struct trace_source *s) {
    struct trace_source *own = (struct trace_source *)s; /* the report is brought up to date in place */
    if (s->ops->report) {
        own->ops->report(own, &own->report);
    }
    own->report.rows = s->before + s->at;
    return &s->report;
}

void trace_close(struct trace_source *s) {
    if (s) {
        s->ops->close(s);
    }
}

/* ---- names ---- */

void trace_names_init(struct trace_names *t) {
    memset(t, 0, sizeof *t);
    arena_init(&t->arena);
    t->names = arena_grow(&t->arena, NULL, 0, 16, &t->capacity, sizeof *t->names);
    t->names[t->count++] = arena_strdup(&t->arena, "");
    t->slot_count = 64;
    t->slots = arena_array(&t->arena, t->slot_count, sizeof *t->slots);
}

void trace_names_free(struct trace_names *t) {
    arena_free(&t->arena);
    memset(t, 0, sizeof *t);
}

static uint32_t *names_slot(struct trace_names *t, const char *name, size_t length) {
    size_t mask = t->slot_count - 1;
    for (size_t i = hash64(name, length, 0) & mask;; i = (i + 1) & mask) {
        uint32_t at = t->slots[i];
        if (at == 0 || (!strncmp(t->names[at], name, length) && t->names[at][length] == '\0')) {
            return &t->slots[i];
        }
    }
}

static void names_rehash(struct trace_names *t) {
    t->slot_count *= 2;
    t->slots = arena_array(&t->arena, t->slot_count, sizeof *t->slots);
    for (uint32_t i = 1; i < t->count; i++) {
        *names_slot(t, t->names[i], strlen(t->names[i])) = i;
    }
}

uint32_t trace_names_intern(struct trace_names *t, const char *name, size_t length) {
    if (length == 0) {
        return 0;
    }
    uint32_t *slot = names_slot(t, name, length);
    if (*slot == 0 && t->count >= TRACE_NAMES_MAX) {
        name = "(other)";
        length = strlen(name);
        slot = names_slot(t, name, length);
    }
    if (*slot != 0) {
        return *slot;
    }
    if (t->count * 2 >= t->slot_count) {
        names_rehash(t);
        slot = names_slot(t, name, length);
    }
    if (t->count == t->capacity) {
        t->names = arena_grow(&t->arena, t->names, t->count, t->count + 1, &t->capacity, sizeof *t->names);
    }
    t->names[t->count] = arena_strndup(&t->arena, name, length);
    *slot = (uint32_t)t->count;
    return (uint32_t)t->count++;
}

/* Bytes of the UTF-8 character at p, 0 when it is none or a control character. */
static size_t character_bytes(const unsigned char *p, size_t n) {
    if (*p < 0x80) {
        return *p >= 0x20 && *p != 0x7f;
    }
    size_t bytes = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
    if (*p < 0xc2 || *p > 0xf4 || bytes > n) {
        return 0;
    }
    for (size_t i = 1; i < bytes; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
    bool surrogate = *p == 0xed && p[1] > 0x9f;
    bool beyond = *p == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : bytes;
}

const char *name_trouble(const char *name, size_t length) {
    if (length > TRACE_NAME_BYTES_MAX) {
        return "is longer than 255 bytes";
    }
    const unsigned char *p = (const unsigned char *)name;
    for (size_t i = 0; i < length;) {
        size_t bytes = character_bytes(p + i, length - i);
        if (bytes == 0) {
            return "is not UTF-8 text";
        }
        i += bytes;
    }
    return NULL;
}

/* ---- headers ---- */

size_t first_line(const char **head, size_t length) {
    if (length >= 3 && !memcmp(*head, "\xef\xbb\xbf", 3)) {
        *head += 3;
        length -= 3;
    }
    const char *newline = length ? memchr(*head, '\n', length) : NULL;
    if (newline) {
        length = (size_t)(newline - *head);
    }
    if (length > 0 && (*head)[length - 1] == '\r') {
        length--;
    }
    return length;
}

static bool header_has_one(const char *line, size_t length, const char *name) {
    size_t bytes = strlen(name);
    const char *end = line + length;
    while (line <= end) {
        const char *comma = memchr(line, ',', (size_t)(end - line));
        const char *stop = comma ? comma : end;
        const char *begin = line;
        while (begin < stop && (*begin == ' ' || *begin == '"')) {
            begin++;
        }
        while (stop > begin && (stop[-1] == ' ' || stop[-1] == '"')) {
            stop--;
        }
        if ((size_t)(stop - begin) == bytes && !memcmp(begin, name, bytes)) {
            return true;
        }
        line = comma ? comma + 1 : end + 1;
    }
    return false;
}

bool header_has(const char *head, size_t length, const char *const *names) {
    length = first_line(&head, length);
    for (; *names; names++) {
        if (!header_has_one(head, length, *names)) {
            return false;
        }
    }
    return true;
}

/* ---- readers of text ---- */

void file_source_init(struct file_source *f, const struct trace_source_ops *ops, struct trace_input *input,
                      const struct trace_open_options *options, struct trace_names *names,
                      const char *format) {
    f->base.ops = ops;
    f->lines = input->lines;
    input->taken = true;
    f->names = names;
    f->window.ahead = SORT_AHEAD;
    f->any_order = options && options->any_order;
    f->window.latest = f->window.last_given = -SIMTIME_NEVER;
    if (options && options->service) {
        f->service = trace_names_intern(names, options->service, strlen(options->service));
        f->service_forced = true;
    }
    snprintf(f->base.report.format, sizeof f->base.report.format, "%s", format);
}

void file_source_free(struct file_source *f) {
    lines_close(&f->lines);
    free(f->window.rows);
    free(f->window.hashes);
}

void file_skip(struct file_source *f, int column, const char *reason, ...) {
    struct trace_report *report = &f->base.report;
    if (report->skipped++ == 0) {
        va_list args;
        va_start(args, reason);
        vsnprintf(report->first_skipped_reason, sizeof report->first_skipped_reason, reason, args);
        va_end(args);
        report->first_skipped_line = f->lines.line;
        report->first_skipped_column = column;
    }
}

static void set_clock(struct file_source *f, struct instant t, bool date) {
    const int64_t since_1970_from_s = 100000000; /* 1973: no trace counts three years from its zero */
    if (date || t.s >= since_1970_from_s) {
        f->clock = CLOCK_DATED;
    } else {
        f->clock = t.s < SIMTIME_WINDOW_MAX / SIMTIME_SECOND ? CLOCK_RELATIVE : CLOCK_REBASED;
    }
    f->origin_s = f->clock == CLOCK_RELATIVE ? 0 : t.s;
}

const char *file_place(struct file_source *f, struct instant t, bool date, struct trace_row *row) {
    if (f->clock == CLOCK_UNSET) {
        set_clock(f, t, date);
    }
    if (date && f->clock != CLOCK_DATED) {
        return "is a date where the rows before count seconds";
    }
    int64_t s = t.s - f->origin_s;
    if (s < -FILE_EARLIER_S_MAX) {
        return "is more than 5 days before the first row";
    }
    if (s < SIMTIME_WINDOW_MAX / SIMTIME_SECOND) {
        row->arrival_ps = s * SIMTIME_SECOND + t.ps - f->shift_ps;
        if (row->arrival_ps <= SIMTIME_WINDOW_MAX || !f->zero_known) {
            return NULL;
        }
    }
    return f->clock == CLOCK_RELATIVE ? "is beyond 100 days" : "is more than 100 days after the first row";
}

uint64_t *file_hash_room(struct file_source *f, size_t count) {
    struct row_window *w = &f->window;
    if (w->hash_count + count > w->hash_capacity) {
        w->hash_capacity = (w->hash_count + count) * 2;
        w->hashes = mem_realloc(w->hashes, w->hash_capacity, sizeof *w->hashes);
    }
    return w->hashes + w->hash_count;
}

void file_hash_keep(struct file_source *f, struct trace_row *row, size_t count) {
    struct row_window *w = &f->window;
    row->hash_count = (uint32_t)count;
    row->hashes = count ? (const uint64_t *)(uintptr_t)(w->hash_count + 1) : NULL;
    w->hash_count += count;
}

/* ---- the window ---- */

static const uint64_t *waiting_hashes(const struct row_window *w, const struct trace_row *row) {
    return w->hashes + ((uintptr_t)row->hashes - 1);
}

/* Hashes of the rows that still wait move to a fresh block; those given out are forgotten with the old. */
static void carry_hashes(struct row_window *w) {
    size_t total = 0;
    for (size_t i = 0; i < w->count; i++) {
        total += w->rows[i].hash_count;
    }
    size_t capacity = total * 2 + 1024;
    uint64_t *fresh = mem_alloc(capacity * sizeof *fresh);
    size_t at = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct trace_row *row = &w->rows[i];
        if (row->hash_count > 0) {
            memcpy(fresh + at, waiting_hashes(w, row), row->hash_count * sizeof *fresh);
            row->hashes = (const uint64_t *)(uintptr_t)(at + 1);
            at += row->hash_count;
        }
    }
    free(w->hashes);
    w->hashes = fresh;
    w->hash_count = at;
    w->hash_capacity = capacity;
}

bool window_begin(struct file_source *f) {
    struct row_window *w = &f->window;
    if (!w->rows) {
        w->capacity = SORT_ROWS;
        w->rows = mem_zalloc(w->capacity, sizeof *w->rows);
    }
    w->count -= w->given;
    memmove(w->rows, w->rows + w->given, w->count * sizeof *w->rows);
    w->given = 0;
    w->disorder = false;
    if (w->hashes) {
        carry_hashes(w);
    }
    return !w->ended || w->count > 0;
}

static int by_arrival(const void *a, const void *b) {
    const struct trace_row *x = a;
    const struct trace_row *y = b;
    if (x->arrival_ps != y->arrival_ps) {
        return x->arrival_ps < y->arrival_ps ? -1 : 1;
    }
    return x->row < y->row ? -1 : x->row > y->row;
}

/* The first row's date becomes time 0, now that it is known which row is the first. */
static void set_zero(struct file_source *f) {
    struct row_window *w = &f->window;
    simtime zero = w->rows[0].arrival_ps;
    struct instant t = {.s = f->origin_s + zero / SIMTIME_SECOND, .ps = zero % SIMTIME_SECOND};
    if (t.ps < 0) {
        t.ps += SIMTIME_SECOND;
        t.s--;
    }
    if (f->clock == CLOCK_DATED) {
        instant_text(t, f->base.report.start);
    }
    f->zero_known = true;
    f->shift_ps = zero;
    for (size_t i = 0; i < w->count; i++) {
        w->rows[i].arrival_ps -= zero;
    }
    while (w->rows[w->count - 1].arrival_ps > SIMTIME_WINDOW_MAX) { /* never the first, which is at 0 */
        w->count--;
        file_skip(f, 0, "arrival time is more than 100 days after the first row");
    }
    w->latest = w->rows[w->count - 1].arrival_ps;
}

/* A row that belongs before what was given out already is further from its place than the window reaches. Its
 * line is told from the reader's by the rows between them, so blank lines and rows that were skipped since
 * move it. */
static bool none_is_late(const struct file_source *f, struct error *err) {
    const struct row_window *w = &f->window;
    if (w->count == 0 || w->rows[0].arrival_ps >= w->last_given) {
        return true;
    }
    uint64_t behind = f->next_row - 1 - w->rows[0].row;
    struct position pos = {.file = f->lines.path, .line = f->lines.line - (int)behind};
    error_at(err, ERROR_INVALID, &pos, NULL,
             "expected rows in order of time, or at most %zu rows from their place: row %llu is further off, "
             "%.3f s too "
             "late",
             w->ahead, (unsigned long long)w->rows[0].row,
             simtime_to_s(w->last_given - w->rows[0].arrival_ps));
    return error_hint(err, "drydock trace convert --sort IN OUT writes it in order");
}

static void give_out(struct file_source *f) {
    struct row_window *w = &f->window;
    size_t kept = w->ended ? 0 : w->ahead;
    w->given = w->count > kept ? w->count - kept : 0;
    for (size_t i = 0; w->hashes && i < w->given; i++) {
        if (w->rows[i].hash_count > 0) {
            w->rows[i].hashes = waiting_hashes(w, &w->rows[i]);
        }
    }
    if (w->given > 0) {
        w->last_given = w->rows[w->given - 1].arrival_ps;
    }
    f->base.rows = w->rows;
    f->base.count = w->given;
}

static void widen(struct row_window *w, size_t capacity) {
    size_t before = w->capacity;
    w->capacity = capacity;
    w->rows = mem_realloc(w->rows, w->capacity, sizeof *w->rows);
    memset(w->rows + before, 0, (w->capacity - before) * sizeof *w->rows);
}

bool window_settle(struct file_source *f, bool *more, struct error *err) {
    struct row_window *w = &f->window;
    if (f->any_order && !w->ended) { /* all of the file, before any of it is given out */
        widen(w, 2 * w->capacity);
        *more = true;
        return true;
    }
    if (w->disorder && w->ahead < SORT_AHEAD_WIDE && !f->any_order) {
        w->ahead = SORT_AHEAD_WIDE;
        widen(w, 2 * w->ahead);
        *more = !w->ended;
        if (*more) {
            return true;
        }
    }
    *more = false;
    if (w->disorder) {
        qsort(w->rows, w->count, sizeof *w->rows, by_arrival);
    }
    if (f->clock != CLOCK_RELATIVE && !f->zero_known && w->count > 0) {
        set_zero(f);
    }
    if (!none_is_late(f, err)) {
        return false;
    }
    give_out(f);
    *more = w->given == 0 && !w->ended;
    return true;
}
