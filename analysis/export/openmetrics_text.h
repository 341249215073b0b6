/* analysis/export/openmetrics_text.h: OpenMetrics 1.0 text, family by family: metadata first, then the
 * samples. */
#ifndef DRYDOCK_ANALYSIS_EXPORT_OPENMETRICS_TEXT_H
#define DRYDOCK_ANALYSIS_EXPORT_OPENMETRICS_TEXT_H

#include <stdio.h>

#include "base/simtime.h"
#include "base/strbuf.h"
#include "telemetry/buckets.h"

/* `unit` "" = none; else the name ends in it. */
void metrics_family(FILE *out, const char *name, const char *type, const char *unit, const char *help);

/* name{labels} value; without braces when `labels` is empty. A value that is NaN is left out. */
void metrics_sample(FILE *out, const char *name, const char *labels, double value);

/* Appends key="value", after a comma when something stands there. */
void metrics_label(struct strbuf *labels, const char *key, const char *value);

/* Counts by the edges of a histogram; the sum in the edges' own unit. */
struct metrics_histogram {
    uint64_t counts[BUCKETS_MAX + 1];
    simtime_total sum;
};

/* Its samples: _bucket, _count, _sum. `unit`: of the edges in one of the metric's, 1e12 for ps of seconds. */
void metrics_histogram(FILE *out, const char *name, const char *labels, const struct bucket_edges *edges,
                       int64_t unit, const struct metrics_histogram *h);

#endif
