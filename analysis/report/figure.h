/* analysis/report/figure.h: a figure is one file figure/NAME.c, one script analysis/plots/NAME.gp and one row
 * in figures.c. It turns a view into numbers for gnuplot, into the sentence that the picture shows and into
 * the same picture in words.
 */
#ifndef DRYDOCK_ANALYSIS_REPORT_FIGURE_H
#define DRYDOCK_ANALYSIS_REPORT_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/report/panel.h"
#include "analysis/report/report.h"
#include "base/strbuf.h"

/* What a figure fills. All texts are plain: whoever puts them on the page escapes them. */
struct drawing {
    struct arena *arena;
    struct strbuf input; /* for gnuplot: numbers, labels and data beyond what figure_write adds */
    size_t panels;       /* in the picture; 0 = there is nothing to draw, and `finding` says why */
    const char **titles; /* of the panels */
    size_t legend;       /* entries, and the characters of the longest name */
    size_t legend_characters;
    struct strbuf finding;  /* one sentence: what the picture shows, in figures of these very results */
    struct strbuf alt;      /* the picture in words, for those who cannot see it */
    struct strbuf note;     /* how to read it; may be empty */
    struct numbers *tables; /* drawing_numbers, one a panel */
    size_t table_count;
};

struct figure {
    const char *script; /* analysis/plots/<script>.gp */
    const char *needs;  /* the series without which a panel is left out: a metric of its object, or
                           OBJECT/METRIC;  NULL = none */
    const char *absent; /* what is said when that leaves no panel, after "not drawn: "; a sentence's rest */
    bool (*draw)(const struct view *view, struct drawing *d, struct error *err);
};

extern const struct figure figure_demand, figure_ttft, figure_tpot, figure_cdf, figure_replicas, figure_load,
    figure_busy, figure_nodes, figure_cost, figure_tradeoff, figure_services;

struct report;

/* Draws a figure and appends it to the page; a figure that has nothing to draw becomes one line that says
 * why. `id` tells the same figure of different sections apart. */
bool figure_write(struct report *r, const struct figure *figure, const struct view *view, const char *id,
                  struct error *err);

/* ---- for figures over time ---- */

/* A drawing with the titles of the view's panels. */
void drawing_panels(struct drawing *d, const struct view *view);

/* The unit for a span of time; tells gnuplot time_unit and x_max. Answers seconds a unit. */
double drawing_time_axis(struct drawing *d, double span_s);

/* $NAME_i: time in units of `unit_s` and a column a line; lines have the same times. */
void drawing_lines(struct drawing *d, const char *name, size_t i, double unit_s, const struct line *lines,
                   size_t n);

/* The same for what stays as it is from one point to the next: the corners of the steps. */
void drawing_steps(struct drawing *d, const char *name, size_t i, double unit_s, const struct line *lines,
                   size_t n);

/* A column of the numbers behind a picture; values are divided by `unit`. */
struct number_column {
    const char *head; /* NULL: not shown */
    enum thinning how;
    double unit;
};

enum { NUMBER_ROWS_MAX = 40, NUMBER_ROWS_OF_SEVERAL = 20 };

/* The numbers behind panel i, for a table below the picture: those of the lines, thinned to a few rows. To be
 * called before lines are stacked or scaled. numbers.c */
void drawing_numbers(struct drawing *d, const struct view *view, size_t i,
                     const struct number_column *columns, const struct line *lines, size_t n);

/* All of them as tables that unfold; nothing where there are none. numbers.c */
void numbers_append(struct strbuf *html, const struct drawing *d);

/* "After 12 min 30 s"-like place of a moment; "at the very beginning" for 0. */
const char *drawing_moment(struct drawing *d, double t_s);

/* Of several panels: "label: text; " in `out`, the text alone where there is one. */
void drawing_say(struct strbuf *out, const struct view *view, size_t i, const char *text);

/* Of several panels: "HEAD: label text, label text" as the finding. */
void drawing_compare(struct drawing *d, const struct view *view, size_t i, const char *head,
                     const char *text);

#endif
