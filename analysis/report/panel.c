#include "analysis/report/panel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The last window is as long as the run covers it. */
static double width_s(const struct result_series *series, size_t i) {
    double begin_s = series->start_s + (double)i * series->interval_s;
    return fmax(fmin(series->interval_s, series->end_s - begin_s), 0);
}

static void take_figures(struct line *line, const struct result_series *series) {
    double sum = 0, over_s = 0;
    line->low = INFINITY;
    line->high = -INFINITY;
    for (size_t i = 0; i < series->count; i++) {
        double v = series->values[i];
        double at = series->start_s + (double)i * series->interval_s;
        if (isnan(v)) {
            continue;
        }
        line->known++;
        sum += v * width_s(series, i);
        over_s += width_s(series, i);
        if (v > line->high) {
            line->high = v;
            line->high_at_s = at;
        }
        if (v < line->low) {
            line->low = v;
            line->low_at_s = at;
        }
    }
    line->mean = over_s > 0 ? sum / over_s : NAN;
}

static double merge(const double *values, size_t n, enum thinning how) {
    double sum = 0;
    double most = -INFINITY;
    double least = INFINITY;
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i])) {
            sum += values[i];
            most = fmax(most, values[i]);
            least = fmin(least, values[i]);
            known++;
        }
    }
    if (known == 0) {
        return NAN;
    }
    return how == THIN_MEAN ? sum / (double)known : how == THIN_MOST ? most : least;
}

static void take_points(struct line *line, const struct result_series *series, enum thinning how,
                        const struct view *view) {
    size_t most = view->points_most ? view->points_most : LINE_POINTS_MAX;
    size_t merged = (series->count + most - 1) / most;
    size_t points = (series->count + merged - 1) / merged;
    line->merged = merged;
    line->t_s = arena_array(view->arena, points, sizeof *line->t_s);
    line->v = arena_array(view->arena, points, sizeof *line->v);
    for (size_t at = 0; at < series->count; at += merged) {
        size_t n = series->count - at < merged ? series->count - at : merged;
        double begin_s = series->start_s + (double)at * series->interval_s;
        double last_s = fmin(begin_s + (double)n * series->interval_s, series->end_s);
        line->t_s[line->count] = (begin_s + last_s) / 2;
        line->v[line->count++] = merge(series->values + at, n, how);
    }
}

static void take_line(struct line *line, const struct result_series *series, enum thinning how,
                      const struct view *view) {
    *line = (struct line){0};
    if (series->count == 0) {
        return;
    }
    line->interval_s = series->interval_s;
    line->end_s = series->end_s;
    take_figures(line, series);
    take_points(line, series, how, view);
    line->count = line->known ? line->count : 0;
}

bool source_line(const struct source *s, const char *object, const char *metric, enum thinning how,
                 const struct view *view, struct line *line, struct error *err) {
    struct arena scratch;
    struct result_series series;
    arena_init(&scratch);
    bool done = result_read_series(s->result, object, metric, &scratch, &series, err);
    if (done) {
        take_line(line, &series, how, view);
    }
    arena_free(&scratch);
    return done;
}

/* Where only one service is there, the whole and it are one, and a result may have kept either. */
bool panel_series(const struct view *view, const struct panel *p, const char *metric, struct arena *arena,
                  struct result_series *series, struct error *err) {
    const char *service = p->service;
    const char *const *services;
    if (!service) {
        if (!result_read_series(p->source->result, "all", metric, arena, series, err)) {
            return false;
        }
        if (series->count > 0 || source_services(p->source, view->arena, &services) != 1) {
            return true;
        }
        service = services[0];
    }
    return result_read_series(p->source->result, arena_printf(arena, "services/%s", service), metric, arena,
                              series, err);
}

bool panel_line(const struct view *view, const struct panel *p, const char *metric, enum thinning how,
                struct line *line, struct error *err) {
    struct arena scratch;
    struct result_series series;
    arena_init(&scratch);
    bool done = panel_series(view, p, metric, &scratch, &series, err);
    if (done) {
        take_line(line, &series, how, view);
    }
    arena_free(&scratch);
    return done;
}

struct line *view_lines(const struct view *view, const struct line_of *of, size_t n, struct error *err) {
    struct line *lines = arena_array(view->arena, view->count * n + 1, sizeof *lines);
    for (size_t i = 0; i < view->count * n; i++) {
        const struct line_of *want = &of[i % n];
        if (!panel_line(view, &view->panels[i / n], want->metric, want->how, &lines[i], err)) {
            return NULL;
        }
    }
    return lines;
}

static const double second_s = 1, minute_s = 60, long_run_s = 600;

static int by_value(const void *a, const void *b) {
    const double *x = a;
    const double *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Values become those of whole minutes (or seconds), in place; how many. */
static size_t gather_minutes(struct result_series *s, double *window_s) {
    double aim_s = s->end_s - s->start_s >= long_run_s ? minute_s : second_s;
    size_t merged = (size_t)fmax(1, ceil(aim_s / s->interval_s - 1e-9));
    size_t count = 0;
    for (size_t at = 0; at < s->count; at += merged) {
        size_t n = s->count - at < merged ? s->count - at : merged;
        double mean = merge(s->values + at, n, THIN_MEAN);
        s->values[count++] = isnan(mean) ? 0 : mean * (double)n / (double)merged;
    }
    *window_s = (double)merged * s->interval_s;
    return count;
}

bool panel_busiest(const struct view *view, const struct panel *p, const char *metric,
                   struct busiest *busiest, struct error *err) {
    struct arena scratch;
    struct result_series s;
    arena_init(&scratch);
    *busiest = (struct busiest){0};
    bool done = panel_series(view, p, metric, &scratch, &s, err);
    if (done && s.count > 0) {
        double sum = 0;
        size_t n = gather_minutes(&s, &busiest->window_s);
        for (size_t i = 0; i < n; i++) {
            sum += s.values[i] * busiest->window_s;
            if (s.values[i] > busiest->high) {
                busiest->high = s.values[i];
                busiest->high_at_s = s.start_s + (double)i * busiest->window_s;
            }
        }
        busiest->mean = sum / fmax(s.end_s - s.start_s, 1e-9);
        qsort(s.values, n, sizeof *s.values, by_value);
        busiest->p99 = s.values[(size_t)(0.99 * (double)(n - 1) + 0.5)];
    }
    arena_free(&scratch);
    return done;
}

/* Nobody had a token in window i though somebody should have: requests ended without one, or one at least
 * waited all through it. A request that came and is still worked on says nothing yet: its window is the one
 * it completes in. */
static bool is_stalled(const struct result_series *failures, const struct result_series *queue, size_t i) {
    bool failed = i < failures->count && failures->values[i] > 0;
    return failed || (i < queue->count && queue->values[i] >= 1);
}

bool panel_share_within(const struct view *view, const struct panel *p, const char *metric, double limit,
                        double *share, struct error *err) {
    struct arena scratch;
    struct result_series s;
    struct result_series queue;
    struct result_series failures;
    arena_init(&scratch);
    bool done = panel_series(view, p, metric, &scratch, &s, err) &&
                panel_series(view, p, "queue", &scratch, &queue, err) &&
                panel_series(view, p, "failures_per_s", &scratch, &failures, err);
    size_t judged = 0;
    size_t within = 0;
    for (size_t i = 0; done && i < s.count; i++) {
        judged += !isnan(s.values[i]) || is_stalled(&failures, &queue, i) ? 1 : 0;
        within += s.values[i] <= limit;
    }
    *share = judged ? (double)within / (double)judged : NAN;
    arena_free(&scratch);
    return done;
}

double panel_failures(const struct panel *p) {
    static const char *const ends[] = {"requests.rejected", "requests.timed_out", "requests.failed"};
    double sum = 0;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        double n = panel_number(p, ends[i]);
        sum += isnan(n) ? 0 : n;
    }
    return sum;
}

double lines_high(const struct line *lines, size_t n) {
    double high = 0;
    for (size_t i = 0; i < n; i++) {
        high = lines[i].known ? fmax(high, lines[i].high) : high;
    }
    return high;
}

double lines_drawn_high(const struct line *lines, size_t n) {
    double high = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < lines[i].count; k++) {
            high = fmax(high, lines[i].v[k]);
        }
    }
    return high;
}

double lines_end_s(const struct line *lines, size_t n) {
    double end_s = 0;
    for (size_t i = 0; i < n; i++) {
        end_s = fmax(end_s, lines[i].end_s);
    }
    return end_s;
}

struct json_object *panel_scope(const struct panel *p) {
    return source_scope(p->source, p->service);
}

double panel_number(const struct panel *p, const char *path) {
    return summary_figure(panel_scope(p), path);
}

/* An objective of a service holds for the whole where that is the only one. */
static bool holds_for(const struct panel *p, struct json_object *objective) {
    const char *service = json_read_text(objective, "service");
    struct json_object *services = json_read_at(p->source->summary, "services");
    bool single = json_object_is_type(services, json_type_object) && json_object_object_length(services) == 1;
    return !*service || (p->service ? strcmp(service, p->service) == 0 : single);
}

bool panel_objective(const struct panel *p, const char *metric, const char **statistic, double *limit) {
    struct json_object *all = json_read_at(p->source->summary, "slo.objectives");
    size_t n = json_object_is_type(all, json_type_array) ? json_object_array_length(all) : 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *o = json_object_array_get_idx(all, i);
        if (strcmp(json_read_text(o, "metric"), metric) == 0 && holds_for(p, o) &&
            !json_read_flag(o, "at_least")) {
            *statistic = json_read_text(o, "statistic");
            *limit = summary_figure(o, "limit");
            return isfinite(*limit);
        }
    }
    return false;
}
