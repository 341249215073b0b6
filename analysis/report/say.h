/* analysis/report/say.h: figures as people read them. Texts live in the arena; between a number and its unit
 * stands a no-break space. What is no number is "n/a", infinity is "never" (of durations) or "unlimited". */
#ifndef DRYDOCK_ANALYSIS_REPORT_SAY_H
#define DRYDOCK_ANALYSIS_REPORT_SAY_H

#include "base/arena.h"

#define NBSP "\xC2\xA0"

const char *say_count(struct arena *a, double n);   /* 19,218 */
const char *say_number(struct arena *a, double x);  /* three digits: 5.51, 1.17k, 0.0042 */
const char *say_latency(struct arena *a, double s); /* 373 ms, 9.19 s, 1 min 5 s */
const char *say_span(struct arena *a, double s);    /* whole seconds and more: 58 min 28 s, 2 h 5 min, 3 d */
const char *say_percent(struct arena *a, double fraction); /* 98.8 %; 100 % is all, 99.996 % is not */
const char *say_usd(struct arena *a, double usd);          /* $136.05, $0.00716, $12,345 */

/* A value of a summary's metric ("latency.ttft_s", "cost.total_usd") in the unit its name tells. */
const char *say_metric(struct arena *a, const char *metric, double value);

/* The same of a limit: whoever promised 30 ms did not mean 30.0 ms. */
const char *say_promised(struct arena *a, const char *metric, double value);

/* Half of an interval around it: "± 43 ms"; of a share in points: "± 2.4 pt". */
const char *say_half(struct arena *a, const char *metric, double half);

/* "p95 TTFT" of "latency.ttft_s" and "p95"; names that are not known stay as they are. */
const char *say_metric_name(struct arena *a, const char *metric, const char *statistic);

/* "one", "two", ... up to twelve; digits beyond. */
const char *say_small(struct arena *a, size_t n);

/* " s" of a plural: "" for one. */
static inline const char *say_s(double n) {
    return n == 1 ? "" : "s";
}

#endif
