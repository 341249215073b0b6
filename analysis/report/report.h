/* analysis/report/report.h: one self-contained HTML page about one result or several: verdict, traffic, what
 * users felt, fleet, cost, assumptions, how to repeat. Pictures are drawn by gnuplot and lie in the page; no
 * script, no network. The same results give the same bytes.
 *
 * How it is put together: sections.c lists the sections in their order, figures.c the figures; a figure is
 * one file figure/NAME.c (data, the sentence it shows, its text alternative), one script
 * analysis/plots/NAME.gp and one row.
 */
#ifndef DRYDOCK_ANALYSIS_REPORT_REPORT_H
#define DRYDOCK_ANALYSIS_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct report_options {
    const char *const *results; /* each a result.h5, the folder holding it, or a folder holding arms.json */
    size_t result_count;
    const char *out;   /* the page; NULL = report.html beside the first result */
    const char *plots; /* a folder that gets each figure as SVG, with its gnuplot input; NULL = none */
};

/* *path is where the page was written; it lives in the arena. What is no result is ERROR_INVALID with its
 * name; a gnuplot that is missing or fails is ERROR_FAILED. */
bool report_write(const struct report_options *options, struct arena *arena, const char **path,
                  struct error *err);

#endif
