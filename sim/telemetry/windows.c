#include "telemetry/windows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* Tenths of seconds; each divides the next. */
static const int64_t ladder[] = {1, 5, 10, 50, 100, 200, 600, 1200, 6000, 18000, 36000, 72000, 216000};
static const simtime rung_ps = SIMTIME_SECOND / 10;
enum { RUNGS = sizeof ladder / sizeof ladder[0], ROOM_FIRST = 64 };
_Static_assert(SIMTIME_WINDOW_MAX / (21600 * SIMTIME_SECOND) < WINDOWS_MOST,
               "the last rung is enough for the longest run");

void windows_begin(struct windows *w, simtime interval) {
    *w = (struct windows){
        .interval_ps = interval > 0 ? interval : ladder[0] * rung_ps,
        .most = interval > 0 ? WINDOWS_MOST_FIXED : WINDOWS_MOST,
        .fixed = interval > 0,
        .room = ROOM_FIRST,
    };
}

void windows_end(struct windows *w) {
    for (struct window_part *part = w->parts; part;) {
        struct window_part *next = part->next;
        part->free(part);
        part = next;
    }
    w->parts = NULL;
}

size_t windows_count(const struct windows *w, simtime end) {
    return (size_t)((end + w->interval_ps - 1) / w->interval_ps);
}

simtime windows_covered(const struct windows *w, size_t index, simtime end) {
    simtime from = (simtime)index * w->interval_ps;
    return end - from < w->interval_ps ? end - from : w->interval_ps;
}

void windows_hang(struct windows *w, struct window_part *part) {
    part->next = w->parts;
    w->parts = part;
    part->room(part, 0, w->room);
}

void windows_drop(struct windows *w, struct window_part *part) {
    struct window_part **at = &w->parts;
    while (*at != part) {
        at = &(*at)->next;
    }
    *at = part->next;
    part->free(part);
}

/* ---- room ---- */

static size_t factor_of(const struct windows *w) {
    for (size_t i = 0; !w->fixed && i + 1 < RUNGS; i++) {
        if (w->interval_ps == ladder[i] * rung_ps) {
            return (size_t)(ladder[i + 1] / ladder[i]);
        }
    }
    return 2;
}

static void merge(struct windows *w) {
    size_t factor = factor_of(w);
    for (struct window_part *part = w->parts; part; part = part->next) {
        part->merge(part, w->room, factor, w->interval_ps);
    }
    w->interval_ps *= (simtime)factor;
    w->newest = 0;
    w->newest_from_ps = 0;
}

static void make_room(struct windows *w, size_t count) {
    size_t room = w->room;
    while (room < count) {
        room *= 2;
    }
    for (struct window_part *part = w->parts; part; part = part->next) {
        part->room(part, w->room, room);
    }
    w->room = room;
}

size_t windows_find(struct windows *w, simtime at) {
    assert(at >= 0);
    size_t index = (size_t)(at / w->interval_ps);
    if (index <= w->newest) {
        return index;
    }
    while (index >= w->most) {
        merge(w);
        index = (size_t)(at / w->interval_ps);
    }
    if (index + 2 > w->room) {
        make_room(w, index + 2); /* a step changes the window after its own as well */
    }
    if (index > w->newest) {
        w->newest = index;
        w->newest_from_ps = (simtime)index * w->interval_ps;
    }
    return index;
}

/* ---- sums ---- */

static void sums_room(struct window_part *part, size_t old_room, size_t room) {
    struct window_sums *s = (struct window_sums *)part;
    s->values = mem_realloc(s->values, room * s->lanes, sizeof *s->values);
    memset(s->values + old_room * s->lanes, 0, (room - old_room) * s->lanes * sizeof *s->values);
}

/* In place: what is written lies at or before what is read. */
static void sums_merge(struct window_part *part, size_t room, size_t factor, simtime old_interval) {
    struct window_sums *s = (struct window_sums *)part;
    (void)old_interval;
    for (size_t i = 1; i < room; i++) {
        uint64_t *into = window_sums_at(s, i / factor);
        uint64_t *from = window_sums_at(s, i);
        for (size_t lane = 0; lane < s->lanes; lane++) {
            uint64_t value = from[lane];
            from[lane] = 0;
            into[lane] += value;
        }
    }
}

static void sums_free(struct window_part *part) {
    free(((struct window_sums *)part)->values);
    free(part);
}

struct window_sums *window_sums(struct windows *w, size_t lanes) {
    struct window_sums *s = mem_zalloc(1, sizeof *s);
    s->part = (struct window_part){NULL, sums_room, sums_merge, sums_free};
    s->lanes = lanes;
    windows_hang(w, &s->part);
    return s;
}

void window_sums_add(struct window_sums *into, const struct window_sums *from, const struct windows *w) {
    assert(into->lanes == from->lanes);
    for (size_t i = 0; i < w->room * from->lanes; i++) {
        into->values[i] += from->values[i];
    }
}

void window_sums_values(const struct window_sums *s, const struct windows *w, size_t lane, size_t count,
                        uint64_t *values) {
    for (size_t i = 0; i < count; i++) {
        values[i] = window_sums_at(s, i)[lane];
    }
    for (size_t i = count; count > 0 && i < w->room; i++) {
        values[count - 1] += window_sums_at(s, i)[lane];
    }
}

/* ---- steps ---- */

static void steps_room(struct window_part *part, size_t old_room, size_t room) {
    struct window_steps *s = (struct window_steps *)part;
    s->cells = mem_realloc(s->cells, room, sizeof *s->cells);
    memset(s->cells + old_room, 0, (room - old_room) * sizeof *s->cells);
}

/* A change at the beginning of a window is, of the longer one that it is merged into, a part of that one and
 * all of those after it. */
static void steps_merge(struct window_part *part, size_t room, size_t factor, simtime old_interval) {
    struct window_steps *s = (struct window_steps *)part;
    int64_t later = 0; /* changes of the next one */
    size_t into = 0;
    for (; into * factor < room; into++) {
        struct window_step sum = {0, later};
        later = 0;
        for (size_t k = 0; k < factor && into * factor + k < room; k++) {
            struct window_step *cell = &s->cells[into * factor + k];
            sum.partial += cell->partial;
            if (k == 0) {
                sum.change += cell->change;
            } else {
                sum.partial += (simtime_total)cell->change * ((simtime)(factor - k) * old_interval);
                later += cell->change;
            }
            *cell = (struct window_step){0, 0};
        }
        s->cells[into] = sum;
    }
    s->cells[into].change += later;
}

static void steps_free(struct window_part *part) {
    free(((struct window_steps *)part)->cells);
    free(part);
}

struct window_steps *window_steps(struct windows *w) {
    struct window_steps *s = mem_zalloc(1, sizeof *s);
    s->part = (struct window_part){NULL, steps_room, steps_merge, steps_free};
    windows_hang(w, &s->part);
    return s;
}

static void step(struct window_steps *s, const struct windows *w, size_t index, simtime at, int64_t change) {
    simtime rest = (simtime)(index + 1) * w->interval_ps - at;
    s->cells[index].partial += (simtime_total)change * rest;
    s->cells[index + 1].change += change;
}

void window_steps_far(struct window_steps *s, struct windows *w, simtime from, simtime to, int64_t weight) {
    size_t last = windows_at(w, to); /* the later date first: it may merge windows */
    if (from >= (simtime)last * w->interval_ps) {
        s->cells[last].partial += (simtime_total)weight * (to - from);
        return;
    }
    step(s, w, windows_at(w, from), from, weight);
    step(s, w, last, to, -weight);
}

void window_steps_add(struct window_steps *into, const struct window_steps *from, const struct windows *w,
                      int sign) {
    for (size_t i = 0; i < w->room; i++) {
        into->cells[i].partial += sign * from->cells[i].partial;
        into->cells[i].change += sign * from->cells[i].change;
    }
}

void window_steps_values(const struct window_steps *s, const struct windows *w, size_t count,
                         simtime_total *values) {
    int64_t level = 0;
    for (size_t i = 0; i < count; i++) {
        level += s->cells[i].change;
        values[i] = s->cells[i].partial + (simtime_total)level * w->interval_ps;
    }
}
