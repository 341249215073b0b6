/* analysis/report/panel.h: what a figure compares. A panel is one scope (all of it, or a service) of one
 * result; a figure draws the panels of a view side by side. */
#ifndef DRYDOCK_ANALYSIS_REPORT_PANEL_H
#define DRYDOCK_ANALYSIS_REPORT_PANEL_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/report/source.h"
#include "base/strbuf.h"

struct panel {
    const struct source *source;
    const char *service; /* NULL: all of the result */
    const char *title;   /* "" where there is nothing to tell apart */
};

struct view {
    struct arena *arena;
    const struct panel *panels;
    size_t count;
    size_t points_most; /* of a line; 0 = as many as there can be */
    bool is_part;       /* of a whole that has said already what cannot be drawn */
};

/* How several values become one where a picture has no room for all. */
enum thinning { THIN_MEAN, THIN_MOST, THIN_LEAST };

/* A series as a line: its points, and figures of all its values. */
struct line {
    size_t count;  /* 0: there is no such series, or it is empty */
    double *t_s;   /* the middle of what a point stands for */
    double *v;     /* NaN where there is no value */
    size_t merged; /* values a point stands for */
    double interval_s, end_s;
    size_t known; /* values that are numbers */
    double mean, low, high, low_at_s, high_at_s;
};

enum { LINE_POINTS_MAX = 400 };

/* Of the panel's object, by metric ("arrivals_per_s"): as it is in the result, and as a line. */
bool panel_series(const struct view *view, const struct panel *p, const char *metric, struct arena *arena,
                  struct result_series *series, struct error *err);
bool panel_line(const struct view *view, const struct panel *p, const char *metric, enum thinning how,
                struct line *line, struct error *err);
/* Of any object ("cost"). */
bool source_line(const struct source *s, const char *object, const char *metric, enum thinning how,
                 const struct view *view, struct line *line, struct error *err);

/* Of each panel `n` lines, panel by panel, in the view's arena; NULL with err. */
struct line_of {
    const char *metric;
    enum thinning how;
};
struct line *view_lines(const struct view *view, const struct line_of *of, size_t n, struct error *err);

/* The share of windows in which a percentile ("ttft_s_p95") is within a limit. A window in which none was
 * completed counts as one in which it is not, if requests failed or one at least waited all the time; NaN
 * when there is no window. */
bool panel_share_within(const struct view *view, const struct panel *p, const char *metric, double limit,
                        double *share, struct error *err);

/* Requests that were rejected, timed out or failed. */
double panel_failures(const struct panel *p);

/* Over some lines: the largest value (0 when there is none) and the latest end. */
double lines_high(const struct line *lines, size_t n);
double lines_drawn_high(const struct line *lines,
                        size_t n); /* of their points, which may be means of values */
double lines_end_s(const struct line *lines, size_t n);

/* A rate minute by minute (window by window where a window is longer, or the run shorter than ten minutes):
 * what capacity is planned for. `window_s` 0: there is no such series. */
struct busiest {
    double window_s, mean, high, high_at_s, p99;
};
bool panel_busiest(const struct view *view, const struct panel *p, const char *metric,
                   struct busiest *busiest, struct error *err);

/* The panel's share of the summary; NULL when there is none. */
struct json_object *panel_scope(const struct panel *p);
double panel_number(const struct panel *p, const char *path);

/* The objective on a latency that holds for the panel; false when there is none. The statistic is borrowed.
 */
bool panel_objective(const struct panel *p, const char *metric, const char **statistic, double *limit);

#endif
