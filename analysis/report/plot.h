/* analysis/report/plot.h: pictures by gnuplot, which runs as a child process without a shell. It reads its
 * input from an anonymous file in memory and answers in another one: nothing lies on disk, so nothing is left
 * behind however the program ends, and no path or name reaches a command line.
 */
#ifndef DRYDOCK_ANALYSIS_REPORT_PLOT_H
#define DRYDOCK_ANALYSIS_REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strbuf.h"

/* ---- input ---- */

/* NAME = value; NaN and infinities are written as NaN. */
void plot_number(struct strbuf *input, const char *name, double value);

/* NAME = 'text': whatever the text holds, gnuplot sees it as it is. Control characters become blanks. */
void plot_string(struct strbuf *input, const char *name, const char *text);

/* $NAME << EOD ... EOD: rows of numbers. */
void plot_block_begin(struct strbuf *input, const char *name);
void plot_row(struct strbuf *input, const double *values, size_t n);
void plot_block_end(struct strbuf *input);

/* ---- drawing ---- */

struct plot_job {
    const char *name; /* of the figure, for messages */
    int in, out, log; /* anonymous files */
    int process;
};

/* Starts drawing `input`, then style.gp, then analysis/plots/<script>.gp. */
bool plot_start(struct plot_job *job, const char *script, const struct strbuf *input, struct error *err);

/* Waits, and appends the SVG to `svg`: styled for light and dark pages. A started job must be finished. */
bool plot_finish(struct plot_job *job, struct strbuf *svg, struct error *err);

/* ERROR_FAILED, with the package to install, where there is no gnuplot. */
bool plot_available(struct error *err);

#endif
