/* The SLO against the dollar: a point a result. What costs more and promises less is seen at a glance. */
#include <math.h>
#include <string.h>

#include "analysis/report/figure.h"
#include "analysis/report/objective.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"

struct measure {
    const char *path;   /* in the summary */
    const char *metric; /* what tells its unit */
    const char *axis, *unit;
    double scale;
};

/* What can stand on an axis; the first that all results have is taken. */
static const struct measure costs[] = {
    {"cost.total_usd", "cost.total_usd", "cost of the run, dollars", "", 1},
    {"gpu.hours", "gpu.hours", "GPU hours held", " GPU hours", 1},
    {"replicas.replica_s", "replicas.replica_s", "replica-hours", " replica-hours", 1.0 / 3600}};
static const struct measure worths[] = {
    {"slo.attainment", "slo.attainment", "% of requests that met every objective", "", 100},
    {"latency_gate.ttft_s.p95", "latency.ttft_s", "p95 TTFT, seconds", "", 1},
    {"latency_gate.e2e_s.p95", "latency.e2e_s", "p95 E2E, seconds", "", 1}};

struct ends {
    double mean, low, high;
};

struct spot {
    const struct panel *panel;
    struct ends x, y;
};

static struct ends ends_of(const struct panel *p, const struct measure *m) {
    struct estimate e = source_estimate(p->source, m->path);
    double half = isfinite(e.half) ? e.half : 0;
    return (struct ends){m->scale * e.mean, m->scale * (e.mean - half), m->scale * (e.mean + half)};
}

static const struct measure *choose(const struct view *view, const struct measure *from, size_t n) {
    for (size_t k = 0; k < n; k++) {
        size_t known = 0;
        for (size_t i = 0; i < view->count; i++) {
            known += isfinite(ends_of(&view->panels[i], &from[k]).mean) ? 1 : 0;
        }
        if (known == view->count) {
            return &from[k];
        }
    }
    return NULL;
}

/* ---- words ---- */

static const char *cost_text(struct arena *a, const struct measure *m, double x) {
    return strstr(m->metric, "usd") ? say_usd(a, x) : arena_printf(a, "%s%s", say_number(a, x), m->unit);
}

static const char *worth_text(struct arena *a, const struct measure *m, double y) {
    return say_metric(a, m->metric, y / m->scale);
}

static bool keeps_all(const struct spot *s) {
    struct tally t = objectives_tally(s->panel->source, OBJECTIVES);
    return t.count > 0 && t.met == t.count;
}

/* Prices of different work tell nothing about which is cheap. */
static bool same_work(const struct spot *spots, size_t n) {
    for (size_t i = 1; i < n; i++) {
        if (panel_number(spots[i].panel, "requests.arrived") !=
            panel_number(spots[0].panel, "requests.arrived")) {
            return false;
        }
    }
    return true;
}

static void find(struct drawing *d, const struct spot *spots, size_t n, const struct measure *cost,
                 const struct measure *worth) {
    const struct spot *best = NULL;
    const struct spot *least = spots;
    const struct spot *most = spots;
    for (const struct spot *s = spots; s < spots + n; s++) {
        best = keeps_all(s) && (!best || s->x.mean < best->x.mean) ? s : best;
        least = s->x.mean < least->x.mean ? s : least;
        most = s->x.mean > most->x.mean ? s : most;
    }
    if (best && same_work(spots, n)) {
        strbuf_printf(&d->finding, "The least that meets every objective is %s, at %s", best->panel->title,
                      cost_text(d->arena, cost, best->x.mean));
        return;
    }
    strbuf_printf(&d->finding, "%s is %s for the least, %s, and %s for the most, %s%s",
                  say_metric_name(d->arena, worth->metric, worth->scale > 1 ? NULL : "p95"),
                  worth_text(d->arena, worth, least->y.mean), cost_text(d->arena, cost, least->x.mean),
                  worth_text(d->arena, worth, most->y.mean), cost_text(d->arena, cost, most->x.mean),
                  best ? "" : "; none meets every objective");
}

static double limit_of(const struct view *view, const struct measure *worth) {
    const char *statistic;
    double limit;
    if (strcmp(worth->metric, "slo.attainment") == 0) {
        return worth->scale * objective_limit_of(view->panels[0].source, worth->metric);
    }
    bool there =
        panel_objective(&view->panels[0], worth->metric, &statistic, &limit) && strcmp(statistic, "p95") == 0;
    return there ? limit : NAN;
}

static const double same_cost_below = 0.005; /* spots of such stand on one another */

static bool differ_in_cost(const struct spot *spots, size_t n) {
    double low = INFINITY;
    double high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, spots[i].x.mean);
        high = fmax(high, spots[i].x.mean);
    }
    return high - low >= same_cost_below * fabs(high);
}

/* ---- the picture ---- */

/* Boxes in shares of the axes; a character and a line as gnuplot sets them in the two shapes of a picture. */
struct box {
    double x, y, width;
    bool left; /* of its spot */
};
static const double character_wide = 0.012, character_narrow = 0.026, line_share = 0.075;
enum { NARROW_POINTS = 300 }; /* a view for a phone has room for fewer */

static bool overlap(const struct box *a, const struct box *b) {
    return a->x < b->x + b->width && b->x < a->x + a->width && fabs(a->y - b->y) < line_share;
}

/* A label stands beside its point, to the left where the right has no room, on the first line up or down that
 * no label before it takes. */
static void place(struct box *boxes, size_t i, double y) {
    static const double lines[] = {0.9, -1, 2, -2.1, 3.1, -3.2, 4.2, -4.3};
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
        size_t free = 0;
        boxes[i].y = y + lines[k] * line_share;
        while (free < i && !overlap(&boxes[free], &boxes[i])) {
            free++;
        }
        if (free == i && boxes[i].y > 0 && boxes[i].y < 1) {
            return;
        }
    }
    boxes[i].y = y + lines[0] * line_share;
}

/* Labels of one column stand in the order of their spots, which come from above. */
static void put_in_order(struct box *boxes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i + 1; k < n; k++) {
            bool one_column =
                boxes[i].x < boxes[k].x + boxes[k].width && boxes[k].x < boxes[i].x + boxes[i].width;
            if (one_column && boxes[i].y < boxes[k].y) {
                double y = boxes[i].y;
                boxes[i].y = boxes[k].y;
                boxes[k].y = y;
            }
        }
    }
}

/* The k-th spot from above. */
static size_t spot_from_above(const struct spot *spots, size_t count, size_t k) {
    for (size_t i = 0; i < count; i++) {
        size_t above = 0;
        for (size_t j = 0; j < count; j++) {
            above += spots[j].y.mean > spots[i].y.mean || (spots[j].y.mean == spots[i].y.mean && j < i);
        }
        if (above == k) {
            return i;
        }
    }
    return k; /* of values that are no numbers */
}

static double share_of(double value, const double *range) {
    return (value - range[0]) / (range[1] - range[0]);
}

/* From above to below, so that of two spots that nearly meet the upper one's label is the upper one. */
static void append_labels(struct drawing *d, const struct view *view, const struct spot *spots,
                          const double *x_range, const double *y_range) {
    struct box *boxes = arena_array(d->arena, view->count, sizeof *boxes);
    bool narrow = view->points_most && view->points_most < NARROW_POINTS;
    for (size_t k = 0; k < view->count; k++) {
        const struct spot *s = &spots[spot_from_above(spots, view->count, k)];
        double x = share_of(s->x.mean, x_range);
        double width = (1 + (double)strlen(s->panel->title)) * (narrow ? character_narrow : character_wide);
        bool left = x + width > 1 && x > 0.4;
        boxes[k] = (struct box){.x = left ? x - width : x, .width = width, .left = left};
        place(boxes, k, share_of(s->y.mean, y_range));
    }
    put_in_order(boxes, view->count);
    for (size_t k = 0; k < view->count; k++) {
        size_t i = spot_from_above(spots, view->count, k);
        double line = (boxes[k].y - share_of(spots[i].y.mean, y_range)) / line_share;
        plot_string(&d->input, arena_printf(d->arena, "name_%zu", i + 1), spots[i].panel->title);
        plot_number(&d->input, arena_printf(d->arena, "left_of_%zu", i + 1), boxes[k].left);
        plot_number(&d->input, arena_printf(d->arena, "line_%zu", i + 1), line);
    }
}

static void append_spots(struct drawing *d, const struct view *view, const struct spot *spots,
                         const struct measure *worth, double limit) {
    size_t n = view->count;
    double x[2] = {INFINITY, -INFINITY};
    double y[2] = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        x[0] = fmin(x[0], spots[i].x.low);
        x[1] = fmax(x[1], spots[i].x.high);
        y[0] = fmin(y[0], spots[i].y.low);
        y[1] = fmax(y[1], spots[i].y.high);
    }
    y[0] = isnan(limit) ? y[0] : fmin(y[0], limit);
    y[1] = isnan(limit) ? y[1] : fmax(y[1], limit);
    double x_room = fmax(0.12 * (x[1] - x[0]), 0.02 * fabs(x[1]) + 1e-9);
    double y_room = fmax(0.15 * (y[1] - y[0]), 0.02 * fabs(y[1]) + 1e-9);
    x[0] = fmax(0, x[0] - x_room);
    x[1] += x_room;
    y[0] = fmax(0, y[0] - y_room);
    y[1] += y_room;
    if (worth->scale > 1) {
        y[1] = fmin(y[1], 100 + 0.04 * (100 - y[0])); /* no share is above 100 % */
    }
    plot_block_begin(&d->input, "spots");
    for (size_t i = 0; i < n; i++) {
        const struct spot *s = &spots[i];
        plot_row(&d->input, (double[]){s->x.mean, s->y.mean, s->x.low, s->x.high, s->y.low, s->y.high}, 6);
    }
    plot_block_end(&d->input);
    append_labels(d, view, spots, x, y);
    plot_number(&d->input, "spots", (double)n);
    plot_number(&d->input, "x_low", x[0]);
    plot_number(&d->input, "x_high", x[1]);
    plot_number(&d->input, "y_low", y[0]);
    plot_number(&d->input, "y_high", y[1]);
}

static bool is_number(struct json_object *o) {
    return json_object_is_type(o, json_type_int) || json_object_is_type(o, json_type_double);
}

/* A line says that there is something between two spots: so it is drawn along numbers alone. All arms set the
 * same things, and where they differ those are numbers that grow from arm to arm, or fall, all at once. */
static bool grows(const struct spot *spots, size_t n, const char *key, int *direction) {
    for (size_t i = 1; i < n; i++) {
        struct json_object *before = json_read_member(spots[i - 1].panel->source->settings, key);
        struct json_object *here = json_read_member(spots[i].panel->source->settings, key);
        if (!is_number(before) || !is_number(here)) {
            return false;
        }
        double step = json_object_get_double(here) - json_object_get_double(before);
        int sign = (step > 0) - (step < 0);
        if (sign == 0 || (*direction != 0 && sign != *direction)) {
            return false;
        }
        *direction = sign;
    }
    return true;
}

static bool same_setting(const struct spot *spots, size_t n, const char *key) {
    struct json_object *first = json_read_member(spots[0].panel->source->settings, key);
    for (size_t i = 1; i < n; i++) {
        struct json_object *here = json_read_member(spots[i].panel->source->settings, key);
        if (!here || !json_object_equal(first, here)) {
            return false;
        }
    }
    return true;
}

static bool along_numbers(const struct spot *spots, size_t n) {
    struct json_object *first = spots[0].panel->source->settings;
    int direction = 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *settings = spots[i].panel->source->settings;
        if (!json_object_is_type(settings, json_type_object) ||
            json_object_object_length(settings) != json_object_object_length(first)) {
            return false;
        }
    }
    json_object_object_foreach(first, key, value) {
        (void)value;
        if (!same_setting(spots, n, key) && !grows(spots, n, key, &direction)) {
            return false;
        }
    }
    return direction != 0;
}

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    (void)err;
    const struct measure *cost = choose(view, costs, sizeof costs / sizeof *costs);
    const struct measure *worth = choose(view, worths, sizeof worths / sizeof *worths);
    if (!cost || !worth) {
        strbuf_append(&d->finding, "Service against cost is not drawn: not all results have both figures.");
        return true;
    }
    struct spot *spots = arena_array(d->arena, view->count, sizeof *spots);
    for (size_t i = 0; i < view->count; i++) {
        const struct panel *p = &view->panels[i];
        spots[i] = (struct spot){p, ends_of(p, cost), ends_of(p, worth)};
    }
    if (view->count > 1 && !differ_in_cost(spots, view->count)) {
        strbuf_printf(&d->finding, "Service against cost is not drawn: all come to the same, %s.",
                      cost_text(d->arena, cost, spots[0].x.mean));
        return true;
    }
    double limit = limit_of(view, worth);
    d->panels = 1;
    d->titles = arena_array(d->arena, 1, sizeof *d->titles);
    d->titles[0] = "";
    d->legend = isnan(limit) ? 0U : 1U;
    append_spots(d, view, spots, worth, limit);
    plot_string(&d->input, "y_label", worth->axis);
    plot_string(&d->input, "x_label", cost->axis);
    plot_number(&d->input, "is_money", strstr(cost->metric, "usd") != NULL);
    plot_number(&d->input, "limit", limit);
    plot_number(&d->input, "is_joined", along_numbers(spots, view->count));
    find(d, spots, view->count, cost, worth);
    if (!isnan(source_estimate(view->panels[0].source, cost->path).half)) {
        strbuf_append(&d->note,
                      "Bars are 95 % intervals of each; changes in the table, of pairs under one seed, are "
                      "surer.");
    }
    for (size_t i = 0; i < view->count; i++) {
        strbuf_printf(&d->alt, "%s%s: %s for %s", i ? "; " : "", spots[i].panel->title,
                      worth_text(d->arena, worth, spots[i].y.mean),
                      cost_text(d->arena, cost, spots[i].x.mean));
    }
    return true;
}

const struct figure figure_tradeoff = {.script = "tradeoff", .draw = draw};
