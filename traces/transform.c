/* traces/transform.c: window, repeat, rate and time scale over any source.
 *
 * A batch of the transformed source comes from one batch of the inner one, so that hash pointers stay valid
 * without copies. Cloning alone needs to know the next arrival: the last row of an inner batch is held, with
 * its hashes, until the next batch is there.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "traces/source.h"

enum { TRANSFORM_BATCH = 4096, RATE_SCALE_MAX = 1000, REPEAT_MAX = 10000000 };

struct transformed {
    struct trace_source base;
    struct trace_source *inner;
    struct trace_transform t;
    struct trace_source *(*reopen)(void *context, struct error *err);
    void *context;
    uint32_t service;

    uint64_t copy; /* which of t.repeat */
    simtime shift_ps;
    simtime period_ps;
    simtime first_ps; /* of the first copy, on the window's clock */
    simtime last_ps;
    uint64_t in_window;
    uint64_t inner_rows; /* row numbers of one copy: 0 .. inner_rows - 1 */
    bool window_over;
    bool too_late; /* a scaled arrival lies beyond 100 days */

    int64_t time_mantissa; /* time_scale = mantissa * 2^-shift, exactly */
    int time_shift;

    struct trace_row *rows;
    size_t capacity;
    struct trace_row held; /* rate_scale > 1 */
    bool holding;
    uint64_t *held_hashes[2]; /* that of the batch before may still be in use */
    int held_side;
    struct trace_report report; /* of the first copy, when repeated */
};

static simtime scale_time(const struct transformed *x, simtime t) {
    if (x->t.time_scale == 1.0) {
        return t;
    }
    __int128 product = (__int128)t * x->time_mantissa;
    __int128 scaled = (product + ((__int128)1 << (x->time_shift - 1))) >> x->time_shift;
    return scaled > SIMTIME_NEVER ? SIMTIME_NEVER : (simtime)scaled;
}

static void put(struct transformed *x, const struct trace_row *row, simtime arrival_ps, uint64_t clone) {
    if (x->base.count == x->capacity) {
        x->capacity = x->capacity ? x->capacity * 2 : 2 * TRANSFORM_BATCH;
        x->rows = mem_realloc(x->rows, x->capacity, sizeof *x->rows);
    }
    struct trace_row *out = &x->rows[x->base.count++];
    *out = *row;
    out->arrival_ps = scale_time(x, arrival_ps);
    x->too_late |= out->arrival_ps > SIMTIME_WINDOW_MAX;
    out->row += clone * TRACE_CLONE_STRIDE;
    if (x->t.service) {
        out->service = x->service;
    }
}

static int by_value(const void *a, const void *b) {
    simtime x = *(const simtime *)a;
    simtime y = *(const simtime *)b;
    return x < y ? -1 : x > y;
}

/* The row and its clones, which arrive anywhere within `gap` behind it. */
static void put_clones(struct transformed *x, const struct trace_row *row, simtime gap) {
    struct rng r = rng_stream_id(x->t.seed, RNG_THINNING, row->row);
    double whole = floor(x->t.rate_scale);
    size_t clones = (size_t)whole - 1 + (rng_uniform(&r) < x->t.rate_scale - whole);
    simtime at[RATE_SCALE_MAX + 1];
    gap = gap > SIMTIME_NEVER - row->arrival_ps ? SIMTIME_NEVER - row->arrival_ps : gap;
    for (size_t i = 0; i < clones; i++) {
        at[i] = row->arrival_ps + (gap > 0 ? (simtime)rng_below(&r, (uint64_t)gap) : 0);
    }
    qsort(at, clones, sizeof *at, by_value);
    put(x, row, row->arrival_ps, 0);
    for (size_t i = 0; i < clones; i++) {
        put(x, row, at[i], i + 1);
    }
}

static void hold(struct transformed *x, const struct trace_row *row) {
    if (x->holding) {
        put_clones(x, &x->held, row->arrival_ps - x->held.arrival_ps);
    }
    x->held = *row;
    x->holding = true;
}

/* The inner batch ends: what is held must outlive it. */
static void keep_held_hashes(struct transformed *x) {
    if (!x->holding || x->held.hash_count == 0 || x->held.hashes == x->held_hashes[x->held_side]) {
        return;
    }
    x->held_side = !x->held_side;
    free(x->held_hashes[x->held_side]);
    uint64_t *copy = mem_alloc(x->held.hash_count * sizeof *copy);
    memcpy(copy, x->held.hashes, x->held.hash_count * sizeof *copy);
    x->held_hashes[x->held_side] = copy;
    x->held.hashes = copy;
}

static void release_held(struct transformed *x) {
    if (x->holding) {
        simtime gap = x->in_window > 1 ? (x->last_ps - x->first_ps) / (simtime)(x->in_window - 1) : 0;
        put_clones(x, &x->held, gap);
        x->holding = false;
    }
}

static void take(struct transformed *x, const struct trace_row *row) {
    if (x->t.rate_scale < 1.0) {
        struct rng r = rng_stream_id(x->t.seed, RNG_THINNING, row->row);
        if (rng_uniform(&r) < x->t.rate_scale) {
            put(x, row, row->arrival_ps, 0);
        }
    } else if (x->t.rate_scale > 1.0) {
        hold(x, row);
    } else {
        put(x, row, row->arrival_ps, 0);
    }
}

/* One row of the inner source through window and repeat. */
static void window_row(struct transformed *x, const struct trace_row *inner) {
    if (x->copy == 0 && inner->row >= x->inner_rows) {
        x->inner_rows = inner->row + 1;
    }
    if (inner->arrival_ps < x->t.start_ps) {
        return;
    }
    struct trace_row row = *inner;
    row.arrival_ps -= x->t.start_ps;
    if (x->t.length_ps > 0 && row.arrival_ps >= x->t.length_ps) {
        x->window_over = true; /* rows come in order: nothing later can be inside */
        return;
    }
    if (x->copy == 0) {
        if (x->in_window++ == 0) {
            x->first_ps = row.arrival_ps;
        }
        x->last_ps = row.arrival_ps;
    }
    row.arrival_ps += x->shift_ps;
    row.row += x->copy * x->inner_rows;
    take(x, &row);
}

/* Known once the first copy has been read. */
static bool set_period(struct transformed *x, struct error *err) {
    simtime span = x->last_ps - x->first_ps;
    x->period_ps = x->in_window > 1 ? span + span / (simtime)(x->in_window - 1) : SIMTIME_SECOND;
    double end_s = simtime_to_s(x->first_ps) + simtime_to_s(x->period_ps) * (double)x->t.repeat;
    double days = end_s * fmax(x->t.time_scale, 1) / 86400;
    if (days > simtime_to_s(SIMTIME_WINDOW_MAX) / 86400) {
        error_at(err, ERROR_INVALID, NULL, "repeat",
                 "expected at most 100 days; %llu copies of %.6g s last %.6g days",
                 (unsigned long long)x->t.repeat, simtime_to_s(x->period_ps), days);
        return error_hint(err, "lower repeat, or scale the time down");
    }
    return true;
}

/* Opens the next copy; *more is false after the last. */
static bool next_copy(struct transformed *x, bool *more, struct error *err) {
    *more = x->copy + 1 < x->t.repeat && x->in_window > 0;
    if (!*more) {
        return true;
    }
    if (x->copy == 0) {
        x->report = *trace_report(x->inner);
        if (!set_period(x, err)) {
            return false;
        }
    }
    trace_close(x->inner);
    x->inner = x->reopen(x->context, err);
    x->copy++;
    x->shift_ps = (simtime)x->copy * x->period_ps;
    x->window_over = false;
    return x->inner != NULL;
}

static bool transform_fill(struct trace_source *s, struct error *err) {
    struct transformed *x = (struct transformed *)s;
    x->base.count = 0;
    bool more = true;
    while (x->base.count == 0 && more) {
        int got = x->window_over ? 0 : source_refill(x->inner, err);
        if (got < 0) {
            return false;
        }
        if (got == 0) {
            if (!next_copy(x, &more, err)) {
                return false;
            }
            continue;
        }
        while (x->inner->at < x->inner->count && x->base.count < TRANSFORM_BATCH && !x->window_over) {
            window_row(x, &x->inner->rows[x->inner->at++]);
        }
        if (x->inner->at == x->inner->count || x->window_over) {
            keep_held_hashes(x);
        }
    }
    if (!more) {
        release_held(x);
    }
    x->base.rows = x->rows;
    if (x->too_late) {
        error_at(err, ERROR_INVALID, NULL, "time_scale",
                 "expected arrivals within 100 days after all transforms");
        return error_hint(err, "take a part of the trace with start and length");
    }
    return true;
}

static void transform_close(struct trace_source *s) {
    struct transformed *x = (struct transformed *)s;
    trace_close(x->inner);
    free(x->rows);
    free(x->held_hashes[0]);
    free(x->held_hashes[1]);
    free(x);
}

/* What the file was like stays what the first copy told. */
static void transform_report(struct trace_source *s, struct trace_report *report) {
    struct transformed *x = (struct transformed *)s;
    if (x->copy > 0) {
        *report = x->report;
    } else if (x->inner) {
        *report = *trace_report(x->inner);
    }
}

static bool check(const struct trace_transform *t, bool can_reopen, struct error *err) {
    if (!(t->rate_scale > 0) || t->rate_scale > RATE_SCALE_MAX) {
        return error_at(err, ERROR_INVALID, NULL, "rate_scale", "expected a number above 0 and at most 1000");
    }
    if (!(t->time_scale >= 1e-6) || t->time_scale > 1e6) {
        return error_at(err, ERROR_INVALID, NULL, "time_scale", "expected a number from 1e-6 to 1e6");
    }
    if (t->start_ps < 0 || t->start_ps > SIMTIME_WINDOW_MAX) {
        return error_at(err, ERROR_INVALID, NULL, "start", "expected a time from 0 to 100 days");
    }
    if (t->length_ps < 0 || t->length_ps > SIMTIME_WINDOW_MAX) {
        return error_at(err, ERROR_INVALID, NULL, "length", "expected a time from 0 (all) to 100 days");
    }
    if (t->repeat < 1 || t->repeat > REPEAT_MAX) {
        return error_at(err, ERROR_INVALID, NULL, "repeat", "expected a whole number from 1 to %d",
                        REPEAT_MAX);
    }
    if (t->repeat > 1 && !can_reopen) {
        return error_at(err, ERROR_INVALID, NULL, "repeat", "expected 1: this trace can be read only once");
    }
    return true;
}

struct trace_source *trace_transformed(struct trace_source *inner, const struct trace_transform *t,
                                       struct trace_names *names,
                                       struct trace_source *(*reopen)(void *context, struct error *err),
                                       void *context, struct error *err) {
    static const struct trace_source_ops ops = {transform_fill, transform_close, transform_report};
    if (!check(t, reopen != NULL, err)) {
        trace_close(inner);
        return NULL;
    }
    struct transformed *x = mem_zalloc(1, sizeof *x);
    x->base.ops = &ops;
    x->inner = inner;
    x->t = *t;
    x->reopen = reopen;
    x->context = context;
    if (t->service) {
        x->service = trace_names_intern(names, t->service, strlen(t->service));
    }
    int exponent;
    x->time_mantissa = (int64_t)ldexp(frexp(t->time_scale, &exponent), 53);
    x->time_shift = 53 - exponent;
    return &x->base;
}
