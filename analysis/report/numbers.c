/* The numbers behind a picture over time, as a table that unfolds below it: for those who cannot see the
 * picture, and for those who want to quote it. All windows would be a thousand rows: they are in the result
 * (`export csv --table timeseries/...`); here a row stands for as many windows as it takes. */
#include <math.h>
#include <string.h>

#include "analysis/report/figure.h"
#include "analysis/report/html.h"
#include "analysis/report/say.h"

struct numbers {
    const char *title;
    const char **heads; /* of the columns that are shown */
    size_t columns, rows;
    double *from_s; /* where a row begins; it ends where the next one does, the last one with the run */
    double *cells;  /* row by row */
};

/* The span that point k of a line stands for. */
static void span_of(const struct line *l, size_t k, double *begin_s, double *end_s) {
    *begin_s = (double)(k * l->merged) * l->interval_s;
    *end_s = fmin((double)((k + 1) * l->merged) * l->interval_s, l->end_s);
}

/* Of points from `at` to before `to`: their mean over time, or the most or least of them; NaN where none has
 * a value. */
static double value_of(const struct line *l, enum thinning how, size_t at, size_t to) {
    double sum = 0;
    double weight = 0;
    double most = -INFINITY;
    double least = INFINITY;
    for (size_t k = at; k < to && k < l->count; k++) {
        double begin_s;
        double end_s;
        span_of(l, k, &begin_s, &end_s);
        if (!isnan(l->v[k])) {
            sum += l->v[k] * (end_s - begin_s);
            weight += end_s - begin_s;
            most = fmax(most, l->v[k]);
            least = fmin(least, l->v[k]);
        }
    }
    if (!(weight > 0)) {
        return NAN;
    }
    return how == THIN_MEAN ? sum / weight : how == THIN_MOST ? most : least;
}

/* The line with the most points: others may be absent. */
static const struct line *longest(const struct line *lines, size_t n) {
    const struct line *most = lines;
    for (size_t i = 1; i < n; i++) {
        most = lines[i].count > most->count ? &lines[i] : most;
    }
    return most;
}

static void take_heads(struct numbers *t, const struct number_column *columns, const struct line *lines,
                       size_t n, struct arena *arena) {
    t->heads = arena_array(arena, n + 1, sizeof *t->heads);
    for (size_t c = 0; c < n; c++) {
        if (columns[c].head && lines[c].count) {
            t->heads[t->columns++] = columns[c].head;
        }
    }
}

static void take_cells(struct numbers *t, size_t rows_most, const struct number_column *columns,
                       const struct line *lines, size_t n, struct arena *arena) {
    const struct line *first = longest(lines, n);
    size_t step = first->count > rows_most ? (first->count + rows_most - 1) / rows_most : 1;
    size_t rows = (first->count + step - 1) / step;
    t->from_s = arena_array(arena, rows, sizeof *t->from_s);
    t->cells = arena_array(arena, rows * t->columns + 1, sizeof *t->cells);
    double *cell = t->cells;
    for (size_t at = 0; at < first->count; at += step) {
        double end_s;
        span_of(first, at, &t->from_s[t->rows++], &end_s);
        for (size_t c = 0; c < n; c++) {
            if (columns[c].head && lines[c].count) {
                *cell++ = value_of(&lines[c], columns[c].how, at, at + step) / columns[c].unit;
            }
        }
    }
}

void drawing_numbers(struct drawing *d, const struct view *view, size_t i,
                     const struct number_column *columns, const struct line *lines, size_t n) {
    if (!d->tables) {
        d->tables = arena_array(d->arena, view->count, sizeof *d->tables);
    }
    struct numbers *t = &d->tables[d->table_count];
    *t = (struct numbers){.title = view->panels[i].title};
    take_heads(t, columns, lines, n, d->arena);
    if (t->columns > 0) {
        take_cells(t, view->count > 1 ? NUMBER_ROWS_OF_SEVERAL : NUMBER_ROWS_MAX, columns, lines, n,
                   d->arena);
        d->table_count++;
    }
}

/* ---- on the page ---- */

static void append_table(struct strbuf *html, const struct drawing *d, const struct numbers *t) {
    const char **heads = arena_array(d->arena, t->columns + 1, sizeof *heads);
    heads[0] = "from";
    memcpy(heads + 1, t->heads, t->columns * sizeof *heads);
    struct html_table table =
        html_table_begin(html, *t->title ? t->title : "Over time", heads, t->columns + 1, ~1U);
    for (size_t row = 0; row < t->rows; row++) {
        html_cell(&table, say_span(d->arena, t->from_s[row]));
        for (size_t c = 0; c < t->columns; c++) {
            double v = t->cells[row * t->columns + c];
            html_cell(&table, isnan(v) ? "\xE2\x80\x93" : say_number(d->arena, v));
        }
    }
    html_table_end(&table);
}

void numbers_append(struct strbuf *html, const struct drawing *d) {
    if (d->table_count == 0) {
        return;
    }
    strbuf_append(html, "<details class=\"numbers\"><summary>The numbers</summary>\n");
    for (size_t i = 0; i < d->table_count; i++) {
        append_table(html, d, &d->tables[i]);
    }
    strbuf_append(html, "</details>\n");
}
