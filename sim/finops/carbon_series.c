#include "finops/carbon.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "config/csv.h"

/* A step longer than this many usual ones is a gap. */
static const double gap_factor = 1.5;
#define INTENSITY_MOST 10000

struct reading {
    struct csv csv;
    int time, value; /* columns */
    int64_t *unix_s;
    double *values;
    size_t count, time_capacity, value_capacity;
};

static bool find_columns(struct reading *r, struct error *err) {
    r->time = csv_column(&r->csv, "time_utc");
    r->value = csv_column(&r->csv, "g_co2e_per_kwh");
    struct position pos = {r->csv.path, r->csv.line, 0};
    return (r->time >= 0 && r->value >= 0) ||
           error_at(err, ERROR_INVALID, &pos, NULL, "expected the columns time_utc and g_co2e_per_kwh");
}

static bool add_row(struct reading *r, struct arena *arena, struct error *err) {
    const char *text = csv_cell(&r->csv, r->value);
    int64_t unix_s;
    double value;
    if (!csv_date(csv_cell(&r->csv, r->time), &unix_s)) {
        return csv_error(&r->csv, r->time, err, "a date such as 2020-06-01 00:30:00");
    }
    if (r->count > 0 && unix_s <= r->unix_s[r->count - 1]) {
        return csv_error(&r->csv, r->time, err, "a date after that of the row before");
    }
    if (text[0] == 0 && r->count == 0) {
        return csv_error(&r->csv, r->value, err, "a value: before the first one there is none to hold");
    }
    if (text[0] == 0) {
        return true; /* a gap: the next row shows its length */
    }
    if (!unit_parse(UNIT_NUMBER, text, &value) || value < 0 || value > INTENSITY_MOST) {
        return csv_error(&r->csv, r->value, err, "g CO2e/kWh, from 0 to 10000");
    }
    size_t need = r->count + 1;
    r->unix_s = arena_grow(arena, r->unix_s, r->count, need, &r->time_capacity, sizeof *r->unix_s);
    r->values = arena_grow(arena, r->values, r->count, need, &r->value_capacity, sizeof *r->values);
    r->unix_s[r->count] = unix_s;
    r->values[r->count++] = value;
    return true;
}

static bool read_rows(struct reading *r, const char *path, struct arena *arena, struct error *err) {
    if (!csv_open(&r->csv, path, arena, err) || !find_columns(r, err)) {
        return false;
    }
    int got;
    while ((got = csv_next(&r->csv, err)) > 0) {
        if (!add_row(r, arena, err)) {
            return false;
        }
    }
    struct position pos = {r->csv.path, 0, 0};
    return got == 0 && (r->count > 0 || error_at(err, ERROR_INVALID, &pos, NULL, "holds no value"));
}

/* The series' second that is the run's 0. */
static bool find_start(const struct carbon_source *source, const struct reading *r, double *start_s,
                       struct error *err) {
    int64_t unix_s;
    double offset_s;
    *start_s = (double)r->unix_s[0];
    if (source->start == NULL) {
        return true;
    }
    if (csv_date(source->start, &unix_s)) {
        *start_s = (double)unix_s;
    } else if (unit_parse(UNIT_DURATION, source->start, &offset_s) && offset_s >= 0) {
        *start_s += offset_s;
    } else {
        return error_at(err, ERROR_INVALID, &source->pos, "start",
                        "expected a date such as 2020-06-15T00:00 or a duration such as 36h, found \"%.40s\"",
                        source->start);
    }
    if (*start_s > (double)r->unix_s[r->count - 1]) {
        error_at(err, ERROR_INVALID, &source->pos, "start", "%.40s is after the end of the series %.200s",
                 source->start, source->file);
        return error_hint(err, "it holds %zu rows", r->count);
    }
    return true;
}

static int ascending(const void *left, const void *right) {
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* The median of the steps. */
static int64_t usual_step(const struct reading *r) {
    if (r->count < 2) {
        return 0;
    }
    size_t n = r->count - 1;
    int64_t *steps = mem_alloc(n * sizeof *steps);
    for (size_t i = 0; i < n; i++) {
        steps[i] = r->unix_s[i + 1] - r->unix_s[i];
    }
    qsort(steps, n, sizeof *steps, ascending);
    int64_t step = steps[n / 2];
    free(steps);
    return step;
}

static void tell_gaps(const struct carbon_source *source, const struct reading *r, struct notices *notices) {
    double limit_s = gap_factor * (double)usual_step(r), longest_s = 0;
    size_t gaps = 0;
    for (size_t i = 0; i + 1 < r->count; i++) {
        double step_s = (double)(r->unix_s[i + 1] - r->unix_s[i]);
        if (step_s > limit_s) {
            gaps++;
            longest_s = step_s > longest_s ? step_s : longest_s;
        }
    }
    if (gaps > 0) {
        char text[48];
        notice_add(
            notices, NOTICE_WARNING, &source->pos,
            "the carbon series %s has %zu gap%s, the longest of %s: the last value before a gap is held",
            path_base(source->file), gaps, gaps == 1 ? "" : "s", unit_text(UNIT_DURATION, longest_s, text));
    }
}

bool carbon_series_read(struct carbon_source *source, struct arena *arena, struct notices *notices,
                        struct error *err) {
    struct reading r = {0};
    double start_s;
    if (!read_rows(&r, source->file, arena, err) || !find_start(source, &r, &start_s, err)) {
        return false;
    }
    tell_gaps(source, &r, notices);
    struct carbon_series *s = &source->series;
    s->count = r.count;
    s->value = r.values;
    s->time_s = arena_array(arena, r.count, sizeof *s->time_s);
    s->sum = arena_array(arena, r.count, sizeof *s->sum);
    for (size_t i = 0; i < r.count; i++) {
        s->time_s[i] = (double)r.unix_s[i] - start_s;
        s->sum[i] = i == 0 ? 0 : s->sum[i - 1] + s->value[i - 1] * (s->time_s[i] - s->time_s[i - 1]);
    }
    return true;
}

/* ---- use ---- */

/* Index of the value that holds at `time_s`. */
static size_t index_at(const struct carbon_series *s, double time_s) {
    size_t low = 0, high = s->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->time_s[middle] <= time_s) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Integral from the first row to `time_s`; negative before it. */
static double integral_to(const struct carbon_series *s, double time_s) {
    size_t i = index_at(s, time_s);
    return s->sum[i] + s->value[i] * (time_s - s->time_s[i]);
}

double carbon_series_mean(const struct carbon_series *s, double from_s, double to_s) {
    if (!(to_s > from_s)) {
        return s->value[index_at(s, from_s)];
    }
    return (integral_to(s, to_s) - integral_to(s, from_s)) / (to_s - from_s);
}
