/* The fleet: replicas by state, what was asked for, and when an autoscaler changed its mind. */
#include <math.h>
#include <string.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"

enum { DESIRED, READY, STARTING, PENDING, TERMINATING, LINES };
enum { MARKS_MAX = 120, CHANGES_MAX = 2000 };

static const struct line_of wanted[LINES] = {{"replicas_desired", THIN_MOST},
                                             {"replicas_ready", THIN_LEAST},
                                             {"replicas_starting", THIN_MOST},
                                             {"replicas_pending", THIN_MOST},
                                             {"replicas_terminating", THIN_MOST}};

static const struct number_column numbers[LINES] = {{"desired, most", THIN_MOST, 1},
                                                    {"Ready, least", THIN_LEAST, 1},
                                                    {"starting, most", THIN_MOST, 1},
                                                    {"pending, most", THIN_MOST, 1},
                                                    {"terminating, most", THIN_MOST, 1}};

/* ---- decisions ---- */

enum { COLUMN_TIME, COLUMN_CURRENT, COLUMN_REPLICAS, COLUMN_WORKLOAD, COLUMN_REASON };
static const char *const decision_columns[] = {"time_s", "current", "replicas", "workload", "reason", NULL};

enum { WORKLOADS_MAX = 64 };

/* The workloads that serve a service; `all` where the panel is of all services. */
struct workloads {
    bool all;
    const char *names[WORKLOADS_MAX];
    size_t count;
};

static bool has_workload(const struct workloads *w, const char *name) {
    for (size_t i = 0; name && i < w->count; i++) {
        if (strcmp(w->names[i], name) == 0) {
            return true;
        }
    }
    return w->all;
}

static bool note_workload(struct workloads *w, const char *service, struct result_scan *scan, size_t row,
                          struct arena *arena, struct error *err) {
    const char *workload;
    const char *serves;
    if (!result_cell_text(scan, 0, row, &workload, err) || !result_cell_text(scan, 1, row, &serves, err)) {
        return false;
    }
    if (workload && serves && strcmp(serves, service) == 0 && !has_workload(w, workload) &&
        w->count < WORKLOADS_MAX) {
        w->names[w->count++] = arena_strdup(arena, workload);
    }
    return true;
}

static bool read_workloads(const struct panel *p, struct arena *arena, struct workloads *w,
                           struct error *err) {
    static const char *const columns[] = {"workload", "service", NULL};
    *w = (struct workloads){.all = !p->service};
    if (w->all || !result_has_table(p->source->result, "replicas")) {
        return true;
    }
    struct result_scan *scan = result_scan(p->source->result, "replicas", columns, err);
    bool done = scan != NULL;
    for (size_t rows; done && (rows = result_scan_next(scan, err)) > 0;) {
        for (size_t i = 0; i < rows && done; i++) {
            done = note_workload(w, p->service, scan, i, arena, err);
        }
    }
    result_scan_end(scan);
    return done && !error_is_set(err);
}

struct marks {
    double t_s[MARKS_MAX], replicas[MARKS_MAX];
    bool up[MARKS_MAX];
    size_t drawn, ups, downs;
    size_t by_hand;      /* changes that the scenario scripts */
    size_t unread;       /* syncs of an autoscaler that could not read a metric */
    const char *failure; /* the reason of the first of them */
    struct workloads of;
};

static bool note_decision(struct marks *m, struct result_scan *scan, size_t row, struct arena *arena,
                          struct error *err) {
    double t;
    double current;
    double replicas;
    const char *workload;
    const char *reason;
    if (!result_number(scan, COLUMN_TIME, row, &t, err) ||
        !result_number(scan, COLUMN_CURRENT, row, &current, err) ||
        !result_number(scan, COLUMN_REPLICAS, row, &replicas, err) ||
        !result_cell_text(scan, COLUMN_WORKLOAD, row, &workload, err) ||
        !result_cell_text(scan, COLUMN_REASON, row, &reason, err)) {
        return false;
    }
    if (!has_workload(&m->of, workload)) {
        return true;
    }
    if (reason && strncmp(reason, "FailedGet", strlen("FailedGet")) == 0) {
        m->failure = m->unread++ ? m->failure : arena_strdup(arena, reason);
    }
    if (replicas == current) {
        return true;
    }
    *(replicas > current ? &m->ups : &m->downs) += 1;
    if (m->drawn < MARKS_MAX) {
        m->t_s[m->drawn] = t;
        m->replicas[m->drawn] = replicas;
        m->up[m->drawn++] = replicas > current;
    }
    return true;
}

static bool read_by_hand(const struct panel *p, struct marks *m, struct error *err) {
    static const char *const columns[] = {"object", "reason", NULL};
    if (!result_has_table(p->source->result, "events")) {
        return true;
    }
    struct result_scan *scan = result_scan(p->source->result, "events", columns, err);
    bool done = scan != NULL;
    for (size_t rows; done && (rows = result_scan_next(scan, err)) > 0;) {
        for (size_t i = 0; i < rows && done; i++) {
            const char *object;
            const char *reason;
            done = result_cell_text(scan, 0, i, &object, err) && result_cell_text(scan, 1, i, &reason, err);
            m->by_hand +=
                done && reason && strcmp(reason, "ScaledByHand") == 0 && has_workload(&m->of, object);
        }
    }
    result_scan_end(scan);
    return done && !error_is_set(err);
}

/* Where several autoscalers are at work, a mark stands at the height of its own workload's size. */
static bool read_marks(const struct panel *p, struct arena *arena, struct marks *m, struct error *err) {
    *m = (struct marks){0};
    if (!read_workloads(p, arena, &m->of, err) || !read_by_hand(p, m, err)) {
        return false;
    }
    if (!result_has_table(p->source->result, "decisions")) {
        return true;
    }
    struct result_scan *scan = result_scan(p->source->result, "decisions", decision_columns, err);
    bool done = scan != NULL;
    for (size_t rows; done && (rows = result_scan_next(scan, err)) > 0;) {
        for (size_t i = 0; i < rows && done; i++) {
            done = note_decision(m, scan, i, arena, err);
        }
    }
    result_scan_end(scan);
    return done && !error_is_set(err);
}

static void append_marks(struct drawing *d, const struct marks *m, size_t i, double unit_s) {
    plot_block_begin(&d->input, arena_printf(d->arena, "marks_%zu", i + 1));
    for (size_t k = 0; k < m->drawn; k++) {
        plot_row(&d->input, (double[]){m->t_s[k] / unit_s, m->replicas[k], m->up[k]}, 3);
    }
    plot_block_end(&d->input);
}

/* ---- words ---- */

static const char *decisions_text(struct drawing *d, const struct marks *m) {
    struct arena *a = d->arena;
    const char *scaled = m->ups + m->downs == 0
                             ? ""
                             : arena_printf(a, ", %zu scale-up%s, %zu scale-down%s", m->ups,
                                            say_s((double)m->ups), m->downs, say_s((double)m->downs));
    const char *by_hand =
        m->by_hand == 0 ? ""
                        : arena_printf(a, ", %zu change%s by hand", m->by_hand, say_s((double)m->by_hand));
    const char *unread =
        m->unread == 0 ? ""
                       : arena_printf(a, ", a metric could not be read in %zu sync%s of an autoscaler (%s)",
                                      m->unread, say_s((double)m->unread), m->failure);
    const char *text = arena_printf(a, "%s%s%s", scaled, by_hand, unread);
    return *text ? text + strlen(", ") : "no scaling";
}

/* Values are means over windows of what comes in whole numbers: where the least mean is 1.59 there was a
 * moment with one at most. */
static const char *between(struct drawing *d, const struct line *l) {
    return l->low == l->high ? arena_printf(d->arena, "%s all the time", say_number(d->arena, l->low))
                             : arena_printf(d->arena, "%s to %s", say_count(d->arena, floor(l->low)),
                                            say_count(d->arena, ceil(l->high)));
}

static void find(struct drawing *d, const struct view *view, size_t i, const struct line *l,
                 const struct marks *m) {
    const struct line *ready = &l[READY];
    if (view->count > 1) {
        drawing_compare(d, view, i, "Replicas Ready, on average", say_number(d->arena, ready->mean));
    } else if (ready->low == ready->high) {
        strbuf_printf(&d->finding, "%s replica%s Ready all the time, %s", say_number(d->arena, ready->low),
                      say_s(ready->low), decisions_text(d, m));
    } else {
        strbuf_printf(&d->finding, "%s replicas Ready (%s on average), %s", between(d, ready),
                      say_number(d->arena, ready->mean), decisions_text(d, m));
    }
}

static void describe(struct drawing *d, const struct view *view, size_t i, const struct line *l,
                     const struct marks *m) {
    static const char *const names[LINES] = {"desired", "Ready", "starting", "pending", "terminating"};
    struct strbuf text = {0};
    for (size_t k = 0; k < LINES; k++) {
        if (l[k].count) {
            strbuf_printf(&text, "%s%s %s", text.length ? ", " : "replicas ", names[k], between(d, &l[k]));
        }
    }
    strbuf_printf(&text, "; %s", decisions_text(d, m));
    for (size_t k = 0; k < m->drawn && k < 8; k++) {
        strbuf_printf(&text, ", to %s %s", say_number(d->arena, m->replicas[k]),
                      drawing_moment(d, m->t_s[k]));
    }
    drawing_say(&d->alt, view, i, text.text);
    strbuf_free(&text);
}

/* Layers of the stack, drawn from the largest down, are sums. */
static void stack(struct line *l) {
    for (size_t k = STARTING; k < LINES; k++) {
        for (size_t i = 0; i < l[k].count && i < l[k - 1].count; i++) {
            l[k].v[i] = (isnan(l[k].v[i]) ? 0 : l[k].v[i]) + l[k - 1].v[i];
        }
        if (l[k].count == 0) {
            l[k] = l[k - 1];
        }
    }
}

static double stack_high(const struct line *l) {
    double high = l[DESIRED].count ? l[DESIRED].high : 0;
    for (size_t i = 0; i < l[TERMINATING].count; i++) {
        high = fmax(high, l[TERMINATING].v[i]);
    }
    return high;
}

/* States change seldom: all changes are drawn where there are few enough, since the worst of several moments
 * for each state by itself would add up to replicas that never were. */
static struct line *read_lines(const struct view *view, struct error *err) {
    struct view whole = *view;
    size_t changes = 0;
    whole.points_most = SERIES_VALUES_MAX;
    struct line *lines = view_lines(&whole, wanted, LINES, err);
    for (size_t i = 0; lines && i < view->count * LINES; i++) {
        for (size_t k = 1; k < lines[i].count; k++) {
            changes += lines[i].v[k] != lines[i].v[k - 1] ? 1 : 0;
        }
    }
    return lines && changes > CHANGES_MAX ? view_lines(view, wanted, LINES, err) : lines;
}

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    struct line *lines = read_lines(view, err);
    if (!lines) {
        return false;
    }
    double high = 1;
    drawing_panels(d, view);
    double unit_s = drawing_time_axis(d, lines_end_s(lines, view->count * LINES));
    struct marks *m = arena_alloc(d->arena, sizeof *m);
    bool marked = false;
    for (size_t i = 0; i < view->count; i++) {
        struct line *l = &lines[i * LINES];
        if (!read_marks(&view->panels[i], d->arena, m, err)) {
            return false;
        }
        find(d, view, i, l, m);
        describe(d, view, i, l, m);
        drawing_numbers(d, view, i, numbers, l, LINES);
        stack(l);
        high = fmax(high, stack_high(l));
        drawing_steps(d, "replicas", i, unit_s, l, LINES);
        append_marks(d, m, i, unit_s);
        plot_number(&d->input, arena_printf(d->arena, "ups_%zu", i + 1), (double)m->ups);
        plot_number(&d->input, arena_printf(d->arena, "downs_%zu", i + 1), (double)m->downs);
        marked = marked || m->drawn > 0;
    }
    d->legend = marked ? 7 : 5;
    plot_string(&d->input, "y_label", "replicas");
    plot_number(&d->input, "y_max", 1.15 * high);
    plot_number(&d->input, "is_marked", marked);
    return true;
}

const struct figure figure_replicas = {
    .script = "replicas",
    .needs = "replicas_ready",
    .absent = "Replicas over time are not drawn: the result holds no such time series.",
    .draw = draw};
