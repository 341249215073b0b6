/* traces/source.h: what is inside a trace_source (private to traces/).
 *
 * A source hands out batches: trace_next copies one row from the batch at hand and asks the source for the
 * next batch when it is used up, so that a row costs a comparison and a copy, whatever the format.
 */
#ifndef DRYDOCK_TRACES_SOURCE_H
#define DRYDOCK_TRACES_SOURCE_H

#include "traces/lines.h"
#include "traces/scan.h"
#include "traces/traces.h"

struct trace_source_ops {
    /* Points rows/count to the next batch; count 0 is the end. Rows and their hashes live until the next
     * fill. */
    bool (*fill)(struct trace_source *s, struct error *err);
    void (*close)(struct trace_source *s);
    /* For sources over others: their report (rows is overwritten). NULL = the source's own. */
    void (*report)(struct trace_source *s, struct trace_report *report);
};

struct trace_source {
    const struct trace_source_ops *ops;
    const struct trace_row *rows;
    size_t at;
    size_t count;
    uint64_t before; /* rows of earlier batches */
    bool ended;
    bool failed;
    struct trace_report report;
};

/* Asks for the next batch when this one is used up: 1 = rows at hand, 0 = end, -1 = failed. */
int source_refill(struct trace_source *s, struct error *err);

/* A file opened by trace_open, its first bytes in lines.cur .. lines.end. A format takes `lines` over by
 * copying the struct and setting `taken`. */
struct trace_input {
    const char *path;
    struct line_reader lines;
    bool taken;
};

/* Zeroes a row. gcc makes `rep stos` of a memset of this size, which costs more than parsing a row does. */
static inline void row_clear(struct trace_row *row) {
    typedef long long pair __attribute__((vector_size(16), aligned(8), may_alias));
    _Static_assert(sizeof *row == 96, "a row is six pairs of words");
    pair *p = (pair *)row;
    p[0] = p[1] = p[2] = p[3] = p[4] = p[5] = (pair){0, 0};
}

/* ---- sorting within a window ---- */

enum {
    SORT_AHEAD = 1024,          /* rows read ahead of those given out */
    SORT_ROWS = 4 * SORT_AHEAD, /* in memory: 96 B x 4096 stay in the L2 cache, and few rows are moved down */
    SORT_AHEAD_WIDE = 65536     /* once a file has shown to be out of order */
};

struct row_window {
    struct trace_row *rows; /* zeroed when made: fields of no column stay 0 */
    size_t count;
    size_t given; /* of them handed out: rows[0 .. given) */
    size_t capacity;
    size_t ahead;
    bool ended;
    bool disorder; /* among rows[0 .. count) */
    simtime latest;
    simtime last_given;
    uint64_t *hashes; /* while a row waits, its `hashes` is 1 + an index into this */
    size_t hash_count;
    size_t hash_capacity;
};

/* ---- a reader of a text file ---- */

enum clock_kind {
    CLOCK_UNSET,
    CLOCK_RELATIVE, /* counts from the file's own zero */
    CLOCK_REBASED,  /* the same, but begins beyond 100 days: counted from the first row */
    CLOCK_DATED     /* seconds since 1970, counted from the first row */
};

struct file_source {
    struct trace_source base;
    struct line_reader lines;
    struct trace_names *names;
    uint32_t service; /* for every row when service_forced */
    bool service_forced;
    enum clock_kind clock;
    bool zero_known;
    int64_t origin_s; /* second that arrivals are counted from */
    simtime shift_ps; /* and what is subtracted on top: the first row of a dated file */
    uint64_t next_row;
    bool any_order; /* sorted whole, in memory */
    struct row_window window;
};

enum parsed { PARSED_FAILED = -1, PARSED_END = 0, PARSED_ROW = 1 };
typedef enum parsed parse_row_fn(struct file_source *f, struct trace_row *row, struct error *err);

/* Takes the lines over from the input. */
void file_source_init(struct file_source *f, const struct trace_source_ops *ops, struct trace_input *input,
                      const struct trace_open_options *options, struct trace_names *names,
                      const char *format);
void file_source_free(struct file_source *f); /* lines, window; not f itself */

/* Counts a row that cannot be used. `column` 0 = not known. */
void file_skip(struct file_source *f, int column, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets row->arrival_ps. Why not, or NULL. `date`: t is seconds since 1970; otherwise it is on the file's own
 * clock, which is taken for seconds since 1970 when it begins beyond 1e8. */
const char *file_place(struct file_source *f, struct instant t, bool date, struct trace_row *row);

/* Rows may lie this far before the first that was read: 105 days of picoseconds still fit an int64. */
enum { FILE_EARLIER_S_MAX = 5 * 86400 };

/* The same when the clock is known and t is no date, or a date and the clock is CLOCK_DATED. False sends the
 * caller to file_place. */
struct file_clock {
    int64_t origin_s;
    simtime shift_ps;
    bool zero_known;
};

static inline bool file_place_known(const struct file_clock *clock, struct instant t, simtime *arrival_ps) {
    int64_t s = t.s - clock->origin_s;
    if (s < -FILE_EARLIER_S_MAX || s >= SIMTIME_WINDOW_MAX / SIMTIME_SECOND) {
        return false;
    }
    *arrival_ps = s * SIMTIME_SECOND + t.ps - clock->shift_ps;
    return *arrival_ps <= SIMTIME_WINDOW_MAX || !clock->zero_known;
}

/* Room for the hashes of the row being parsed; set row->hashes and hash_count with it. */
uint64_t *file_hash_room(struct file_source *f, size_t count);
void file_hash_keep(struct file_source *f, struct trace_row *row, size_t count);

/* The steps of a fill, for file_fill below. */
bool window_begin(struct file_source *f);
bool window_settle(struct file_source *f, bool *more, struct error *err);

/* Rows with plain shapes, many at a time: fills up to `room` of them from lines.cur on and takes their lines.
 * 0 leaves the next row to the parser of single rows. */
typedef size_t parse_many_fn(struct file_source *f, struct trace_row *rows, size_t room);

/* Numbers the next `n` rows of the window and sees whether they are in order. */
static inline void window_add(struct file_source *f, size_t n) {
    struct row_window *w = &f->window;
    struct trace_row *rows = w->rows + w->count;
    simtime latest = w->latest;
    uint64_t early = 0;
    for (size_t i = 0; i < n; i++) {
        rows[i].row = f->next_row + i;
        early += rows[i].arrival_ps < latest;
        latest = rows[i].arrival_ps < latest ? latest : rows[i].arrival_ps;
    }
    w->latest = latest;
    w->disorder |= early > 0;
    f->base.report.out_of_order += early;
    f->next_row += n;
    w->count += n;
}

/* fill() of a reader: parses rows up to the window's end, sorts them if need be, gives out all but those kept
 * for sorting. `many` may be NULL. */
static inline bool file_fill(struct file_source *f, parse_row_fn *parse, parse_many_fn *many,
                             struct error *err) {
    struct row_window *w = &f->window;
    bool more = window_begin(f);
    while (more) {
        while (w->count < w->capacity && !w->ended) {
            size_t n = many ? many(f, w->rows + w->count, w->capacity - w->count) : 0;
            if (n == 0) {
                enum parsed got = parse(f, &w->rows[w->count], err);
                if (got == PARSED_FAILED) {
                    return false;
                }
                w->ended = got == PARSED_END;
                n = got == PARSED_ROW;
            }
            window_add(f, n);
        }
        if (!window_settle(f, &more, err)) {
            return false;
        }
    }
    return true;
}

/* ---- small things shared by formats ---- */

/* The first line (BOM dropped) of what is at hand. */
size_t first_line(const char **head, size_t length);

/* True when the first line (BOM and CRLF apart) is a table header that has all of `names` (NULL-terminated).
 */
bool header_has(const char *head, size_t length, const char *const *names);

/* NULL when `name` can be a name: UTF-8 without control characters, not too long. */
const char *name_trouble(const char *name, size_t length);

struct trace_source *servegen_open_folder(const char *folder, const struct trace_open_options *options,
                                          struct trace_names *names, struct error *err);

#endif
