/* sim/telemetry/windows.h: what happened when, in bounded memory: sums and time means by window.
 *
 * Simulated time is cut into windows of one interval, from 0 on. Nobody has to know how long a run will be:
 * the interval begins small and, when more windows than the limit would be needed, neighbours are merged and
 * it becomes the next of a ladder of intervals that people read with ease, each a divisor of the next. What
 * has been counted stays exact: merging gives, to the bit, what counting in the longer windows from the start
 * would have given.
 *
 * Three kinds of parts hang on a set of windows and are merged with it:
 *
 *     sums      counts by window, several lanes side by side
 *     steps     the time integral of a step function: how many there were of something, for how long
 *     sketches  the distribution of a figure by window (window_sketch.h)
 *
 * Dates come in any order. Dates and times are integers, so the order does not matter either.
 */
#ifndef DRYDOCK_TELEMETRY_WINDOWS_H
#define DRYDOCK_TELEMETRY_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/simtime.h"

enum {
    WINDOWS_MOST = 1024,         /* before neighbours are merged: the picture of a day has 720 points */
    WINDOWS_MOST_FIXED = 100000, /* the same where the interval was asked for: a day by the second */
};

struct window_part {
    struct window_part *next;
    void (*room)(struct window_part *part, size_t old_room, size_t room); /* new ones are empty */
    /* All of them, `factor` by `factor`; those that become free are emptied. */
    void (*merge)(struct window_part *part, size_t room, size_t factor, simtime old_interval);
    void (*free)(struct window_part *part);
};

struct windows {
    simtime interval_ps;
    size_t most;
    bool fixed;  /* the interval was asked for: it doubles, where that cannot be helped */
    size_t room; /* windows that every part has room for; one more than any index that was given out */
    struct window_part *parts;
    size_t newest; /* the last window found, and where it begins: most dates are in it */
    simtime newest_from_ps;
};

/* `interval` 0: by the ladder from 0.1 s on. */
void windows_begin(struct windows *w, simtime interval);
/* Frees the parts. */
void windows_end(struct windows *w);

/* How many windows cover [0, end), each from (its index) x interval on; the last one ends at `end`. */
size_t windows_count(const struct windows *w, simtime end);
/* What `count` of them cover of the last. */
simtime windows_covered(const struct windows *w, size_t index, simtime end);

/* For windows_at. */
size_t windows_find(struct windows *w, simtime at);

/* The window that `at` is in. May merge windows: an index from before is then another window's. */
static inline size_t windows_at(struct windows *w, simtime at) {
    if ((uint64_t)(at - w->newest_from_ps) < (uint64_t)w->interval_ps) {
        return w->newest;
    }
    return windows_find(w, at);
}

/* ---- sums ---- */

struct window_sums {
    struct window_part part;
    size_t lanes;
    uint64_t *values; /* window by window, lane by lane; add to them at an index from windows_at */
};

struct window_sums *window_sums(struct windows *w, size_t lanes);

static inline uint64_t *window_sums_at(const struct window_sums *s, size_t index) {
    return s->values + index * s->lanes;
}

/* Adds `from` to `into`; both of the same windows and with as many lanes. */
void window_sums_add(struct window_sums *into, const struct window_sums *from, const struct windows *w);
/* A lane by window; what is dated at the end of the run or later counts in the last window. */
void window_sums_values(const struct window_sums *s, const struct windows *w, size_t lane, size_t count,
                        uint64_t *values);

/* ---- steps ---- */

/* A step at `at` is `partial` of its window (the rest of it) and all of the windows after. */
struct window_step {
    simtime_total partial;
    int64_t change; /* from the beginning of this window on */
};

struct window_steps {
    struct window_part part;
    struct window_step *cells;
};

struct window_steps *window_steps(struct windows *w);

/* For window_steps_span. */
void window_steps_far(struct window_steps *s, struct windows *w, simtime from, simtime to, int64_t weight);

/* `weight` more of it from `from` until `to`. Nothing when `to` is not after `from`. */
static inline void window_steps_span(struct window_steps *s, struct windows *w, simtime from, simtime to,
                                     int64_t weight) {
    if (from >= w->newest_from_ps && to > from && to - w->newest_from_ps < w->interval_ps) {
        s->cells[w->newest].partial += (simtime_total)weight * (to - from);
    } else if (to > from) {
        window_steps_far(s, w, from, to, weight);
    }
}

/* An amount of weight x time that fell into a window: `index` from windows_at. */
static inline void window_steps_amount(const struct window_steps *s, size_t index, simtime_total amount) {
    s->cells[index].partial += amount;
}
void window_steps_add(struct window_steps *into, const struct window_steps *from, const struct windows *w,
                      int sign);
/* The integral by window, weight x ps. */
void window_steps_values(const struct window_steps *s, const struct windows *w, size_t count,
                         simtime_total *values);

/* Takes a part off and frees it; the one that was made last is found first. */
void windows_drop(struct windows *w, struct window_part *part);

/* For the kinds of parts: hangs a part on the windows and gives it room. */
void windows_hang(struct windows *w, struct window_part *part);

#endif
