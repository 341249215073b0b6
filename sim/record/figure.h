/* sim/record/figure.h: the figures of a summary by their paths: which there are, in which unit, and which way
 * is better. One list, that of the summary's own keys: objectives, gates, comparisons and documentation all
 * ask here. */
#ifndef DRYDOCK_RECORD_FIGURE_H
#define DRYDOCK_RECORD_FIGURE_H

#include <stdbool.h>

#include "base/units.h"

enum { FIGURE_PATH_BYTES = 96 };

struct figure {
    const char *path;      /* "latency.ttft_s.p95", "cost.total_usd" */
    const char *metric;    /* the same without the statistic: "latency.ttft_s" */
    const char *statistic; /* "p95"; NULL where the figure is one number */
    const char *help;      /* of the metric; "" where its name says it */
    enum unit_kind unit;   /* which the name tells */
    bool more_is_better;
    bool of_run; /* of the whole run: no service and no tenant has it */
};

/* Calls `each` for every figure in the order of the summary, until it answers false. Texts are gone after the
 * call. Figures of `latency` are what the summary shows; what judges them is in `latency_gate`, see
 * figure_judged(). */
typedef bool figure_visitor(void *context, const struct figure *figure);
void figures_each(figure_visitor *each, void *context);

/* The unit of a figure, or of a metric without its statistic. */
enum unit_kind figure_unit(const char *path);

/* The path at which a judge looks a figure up (headline.h: summary_figure): a latency counts those that never
 * got there as infinitely late. The path itself for others. Returns `out`. */
const char *figure_judged(const char *path, char out[FIGURE_PATH_BYTES]);

#endif
