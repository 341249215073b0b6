#include "analysis/report/figure.h"

#include <math.h>
#include <string.h>

#include "analysis/report/page.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"
#include "base/file.h"

enum { LINES_MAX = 15 }; /* of a panel */

/* ---- what figures share ---- */

void drawing_panels(struct drawing *d, const struct view *view) {
    d->panels = view->count;
    d->titles = arena_array(d->arena, view->count + 1, sizeof *d->titles);
    for (size_t i = 0; i < view->count; i++) {
        d->titles[i] = view->panels[i].title;
    }
}

double drawing_time_axis(struct drawing *d, double span_s) {
    static const struct {
        double up_to_s, unit_s;
        const char *name;
    } units[] = {{180, 1, "seconds"},
                 {3 * 3600.0, 60, "minutes"},
                 {4 * 86400.0, 3600, "hours"},
                 {INFINITY, 86400, "days"}};
    size_t i = 0;
    while (span_s > units[i].up_to_s) {
        i++;
    }
    plot_string(&d->input, "time_unit", units[i].name);
    plot_number(&d->input, "x_max", fmax(span_s, 1e-9) / units[i].unit_s);
    return units[i].unit_s;
}

static bool is_known(const struct line *l, size_t k) {
    return k < l->count && !isnan(l->v[k]);
}

/* Some line has a value here and none before nor after, so that it would not be seen. */
static bool is_alone(const struct line *lines, size_t n, size_t k) {
    for (size_t c = 0; c < n; c++) {
        if (is_known(&lines[c], k) && !(k > 0 && is_known(&lines[c], k - 1)) && !is_known(&lines[c], k + 1)) {
            return true;
        }
    }
    return false;
}

/* A value that stands alone becomes a dash as long as what it stands for. */
void drawing_lines(struct drawing *d, const char *name, size_t i, double unit_s, const struct line *lines,
                   size_t n) {
    double row[1 + LINES_MAX];
    plot_block_begin(&d->input, arena_printf(d->arena, "%s_%zu", name, i + 1));
    size_t points = n ? lines[0].count : 0;
    double half_s = n ? 0.5 * lines[0].interval_s * (double)lines[0].merged : 0;
    for (size_t k = 0; k < points; k++) {
        for (size_t c = 0; c < n; c++) {
            row[1 + c] = k < lines[c].count ? lines[c].v[k] : NAN;
        }
        bool alone = is_alone(lines, n, k);
        row[0] = (lines[0].t_s[k] - (alone ? half_s : 0)) / unit_s;
        plot_row(&d->input, row, 1 + n);
        if (alone) {
            row[0] = fmin(lines[0].t_s[k] + half_s, lines[0].end_s) / unit_s;
            plot_row(&d->input, row, 1 + n);
        }
    }
    plot_block_end(&d->input);
}

/* Row k of the lines, with t in front; true when it differs from the one before it. */
static bool take_row(double *row, double t, const struct line *lines, size_t n, size_t k) {
    bool differs = k == 0;
    row[0] = t;
    for (size_t c = 0; c < n; c++) {
        double v = k < lines[c].count ? lines[c].v[k] : NAN;
        differs = differs || (v != row[1 + c] && !(isnan(v) && isnan(row[1 + c])));
        row[1 + c] = v;
    }
    return differs;
}

void drawing_steps(struct drawing *d, const char *name, size_t i, double unit_s, const struct line *lines,
                   size_t n) {
    double row[1 + LINES_MAX] = {0};
    double before[1 + LINES_MAX];
    double half_s = n ? 0.5 * lines[0].interval_s * (double)lines[0].merged : 0;
    size_t points = n ? lines[0].count : 0;
    plot_block_begin(&d->input, arena_printf(d->arena, "%s_%zu", name, i + 1));
    for (size_t k = 0; k < points; k++) {
        double begin = fmax(0, lines[0].t_s[k] - half_s) / unit_s;
        memcpy(before, row, sizeof before);
        if (!take_row(row, begin, lines, n, k)) {
            continue;
        }
        if (k) {
            before[0] = begin;
            plot_row(&d->input, before, 1 + n);
        }
        plot_row(&d->input, row, 1 + n);
    }
    if (points) {
        row[0] = lines[0].end_s / unit_s;
        plot_row(&d->input, row, 1 + n);
    }
    plot_block_end(&d->input);
}

const char *drawing_moment(struct drawing *d, double t_s) {
    return t_s <= 0 ? "at the start" : arena_printf(d->arena, "after %s", say_span(d->arena, t_s));
}

void drawing_say(struct strbuf *out, const struct view *view, size_t i, const char *text) {
    strbuf_append(out, out->length ? "; " : "");
    if (view->count > 1) {
        strbuf_printf(out, "%s: ", view->panels[i].title);
    }
    strbuf_append(out, text);
}

void drawing_compare(struct drawing *d, const struct view *view, size_t i, const char *head,
                     const char *text) {
    strbuf_printf(&d->finding, "%s%s %s %s", i ? "," : head, i ? "" : ":", view->panels[i].title, text);
}

/* ---- shapes ---- */

/* One for desks, one for phones: a picture that is scaled down to a phone cannot be read. */
struct shape {
    const char *name;
    int width;
    size_t columns_most;
    size_t points_most; /* of a line */
};

enum { WIDE, NARROW, SHAPES };
static const struct shape shapes[SHAPES] = {{"wide", 960, 3, 400}, {"narrow", 380, 1, 150}};
enum {
    NARROW_PAGE_PX = 640,
    LEGEND_INDENT_PX = 20, /* as style.gp has it */
    LEGEND_CELL_PX = 118,
    SAMPLE_PX = 48,
    CHARACTER_PX = 8
};

static int rows_of(size_t items, size_t columns) {
    return (int)((items + columns - 1) / columns);
}

static size_t columns_of(const struct shape *shape, size_t panels) {
    size_t most = panels == 4 ? 2 : shape->columns_most;
    size_t columns = most < shape->columns_most ? most : shape->columns_most;
    return panels < columns ? panels : columns;
}

/* Room for the longest name behind its sample. */
static int legend_cell_px(const struct drawing *d, const struct shape *shape) {
    int need = SAMPLE_PX + CHARACTER_PX * (int)d->legend_characters;
    int most = shape->width - LEGEND_INDENT_PX;
    need = need > LEGEND_CELL_PX ? need : LEGEND_CELL_PX;
    return need < most ? need : most;
}

static void shape_size(const struct shape *shape, const struct drawing *d, int *height,
                       struct strbuf *input) {
    size_t columns = columns_of(shape, d->panels);
    int rows = rows_of(d->panels, columns);
    int legend_cell = legend_cell_px(d, shape);
    int legend_rows = rows_of(d->legend, (size_t)((shape->width - LEGEND_INDENT_PX) / legend_cell));
    int cell = shape->width / (int)columns > 700 ? 280 : 240;
    *height = rows * cell + legend_rows * 20 + 6;
    plot_number(input, "width", shape->width);
    plot_number(input, "height", *height);
    plot_number(input, "columns", (double)columns);
    plot_number(input, "rows", rows);
    plot_number(input, "panels", (double)d->panels);
    plot_number(input, "legend_rows", legend_rows);
    plot_number(input, "legend_cell", legend_cell);
    for (size_t i = 0; i < d->panels; i++) {
        char name[32];
        snprintf(name, sizeof name, "title_%zu", i + 1);
        plot_string(input, name,
                    html_label(d->arena, d->titles[i], (size_t)(shape->width / (int)columns / 8)));
    }
}

struct rendering {
    int height;
    struct strbuf input, svg;
};

/* Both shapes at a time. A job that was started is waited for, whatever happens to the other. */
static bool render(const struct figure *figure, const struct drawing *drawings, struct rendering *of,
                   struct error *err) {
    struct plot_job jobs[SHAPES];
    size_t started = 0;
    bool done = true;
    for (; started < SHAPES && done; started += done) {
        const struct drawing *d = &drawings[started];
        shape_size(&shapes[started], d, &of[started].height, &of[started].input);
        strbuf_append_n(&of[started].input, d->input.text, d->input.length);
        done = plot_start(&jobs[started], figure->script, &of[started].input, err);
    }
    for (size_t i = 0; i < started; i++) {
        done = plot_finish(&jobs[i], &of[i].svg, err) && done;
    }
    return done;
}

/* ---- on the page ---- */

static void append_source(struct strbuf *html, const struct rendering *of, const struct shape *shape,
                          const char *attribute) {
    strbuf_printf(html, " width=\"%d\" height=\"%d\" %s=\"data:image/svg+xml;base64,", shape->width,
                  of->height, attribute);
    html_base64(html, of->svg.text, of->svg.length);
    strbuf_char(html, '"');
}

static void append_figure(struct strbuf *html, const struct drawing *d, const char *note,
                          const struct rendering *of, const char *id) {
    strbuf_printf(html, "<figure id=\"figure-%s\"><figcaption>", id);
    html_element(html, "strong", NULL, d->finding.text ? d->finding.text : "");
    if (note) {
        strbuf_char(html, ' ');
        html_element(html, "span", NULL, note);
    }
    strbuf_printf(html, "</figcaption>\n<picture><source media=\"(max-width: %dpx)\"", NARROW_PAGE_PX);
    append_source(html, &of[NARROW], &shapes[NARROW], "srcset");
    strbuf_append(html, ">\n<img alt=\"");
    html_text(html, d->alt.text ? d->alt.text : "");
    strbuf_char(html, '"');
    append_source(html, &of[WIDE], &shapes[WIDE], "src");
    strbuf_append(html, "></picture>\n");
    numbers_append(html, d);
    strbuf_append(html, "</figure>\n");
}

/* What was drawn too when drawing it failed: that is when its input is wanted. */
static bool keep_files(const char *folder, const char *id, const struct rendering *of, struct arena *arena,
                       struct error *err) {
    bool done = file_make_directory(folder, err);
    for (size_t i = 0; i < SHAPES && done; i++) {
        const char *stem = path_join(arena, folder, arena_printf(arena, "%s.%s", id, shapes[i].name));
        done = file_write(arena_printf(arena, "%s.input", stem), of[i].input.text, of[i].input.length, err) &&
               (!of[i].svg.text ||
                file_write(arena_printf(arena, "%s.svg", stem), of[i].svg.text, of[i].svg.length, err));
    }
    return done;
}

/* ---- which panels there are ---- */

static bool has_series(const struct view *view, const struct panel *p, const char *needs, bool *has,
                       struct error *err) {
    struct line line;
    const char *slash = strchr(needs, '/');
    const char *object = slash ? arena_strndup(view->arena, needs, (size_t)(slash - needs)) : NULL;
    bool done = object ? source_line(p->source, object, slash + 1, THIN_MEAN, view, &line, err)
                       : panel_line(view, p, needs, THIN_MEAN, &line, err);
    *has = done && line.count > 0;
    return done;
}

/* Leaves out the panels that have nothing to show, and says so. */
static bool choose_panels(const struct view *view, const char *needs, struct view *chosen,
                          struct strbuf *left_out, struct error *err) {
    struct panel *panels = arena_array(view->arena, view->count + 1, sizeof *panels);
    *chosen = (struct view){.arena = view->arena, .panels = panels};
    for (size_t i = 0; i < view->count; i++) {
        bool has = true;
        if (needs && !has_series(view, &view->panels[i], needs, &has, err)) {
            return false;
        }
        if (has) {
            panels[chosen->count++] = view->panels[i];
        } else if (view->panels[i].title[0]) {
            strbuf_printf(left_out, "%s%s", left_out->length ? ", " : "", view->panels[i].title);
        }
    }
    return true;
}

static void append_absent(struct report *r, const struct view *view, const char *why) {
    if (r->has_series && !view->is_part) {
        html_element(&r->html, "p", "class=\"absent\"", why);
        strbuf_char(&r->html, '\n');
    }
}

static void drawing_free(struct drawing *d) {
    strbuf_free(&d->input);
    strbuf_free(&d->finding);
    strbuf_free(&d->alt);
    strbuf_free(&d->note);
}

static bool render_and_append(struct report *r, const struct figure *figure, const struct drawing *drawings,
                              const char *id, struct error *err) {
    struct rendering of[SHAPES] = {{0}};
    bool done = render(figure, drawings, of, err);
    if (r->plots) {
        done = keep_files(r->plots, id, of, r->arena, err) && done;
    }
    if (done) {
        append_figure(&r->html, &drawings[WIDE], drawings[NARROW].note.text, of, id);
    }
    for (size_t i = 0; i < SHAPES; i++) {
        strbuf_free(&of[i].input);
        strbuf_free(&of[i].svg);
    }
    return done;
}

/* For each shape: a phone has room for fewer points. */
static bool draw_shapes(const struct figure *figure, const struct view *view, struct drawing *drawings,
                        struct error *err) {
    bool done = true;
    for (size_t i = 0; i < SHAPES && done; i++) {
        struct view shaped = *view;
        shaped.points_most = shapes[i].points_most;
        done = figure->draw(&shaped, &drawings[i], err);
    }
    return done;
}

static bool draw_and_append(struct report *r, const struct figure *figure, const struct view *view,
                            const char *left_out, const char *id, struct error *err) {
    struct drawing drawings[SHAPES] = {{.arena = r->arena}, {.arena = r->arena}};
    struct drawing *d = &drawings[WIDE];
    bool done = draw_shapes(figure, view, drawings, err);
    if (done && left_out) {
        strbuf_printf(&d->note, "%sNot drawn, for want of such figures: %s.", d->note.length ? " " : "",
                      left_out);
    }
    if (done && d->panels == 0) {
        append_absent(r, view, d->finding.text ? d->finding.text : "");
    } else if (done) {
        done = render_and_append(r, figure, drawings, id, err);
    }
    for (size_t i = 0; i < SHAPES; i++) {
        drawing_free(&drawings[i]);
    }
    return done;
}

bool figure_write(struct report *r, const struct figure *figure, const struct view *view, const char *id,
                  struct error *err) {
    struct view chosen;
    struct strbuf left_out = {0};
    bool done = choose_panels(view, figure->needs, &chosen, &left_out, err);
    if (done && chosen.count == 0) {
        append_absent(r, view, figure->absent);
    } else if (done) {
        done = draw_and_append(r, figure, &chosen, left_out.text, id, err);
    }
    strbuf_free(&left_out);
    return done;
}
