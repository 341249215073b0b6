/* The machines that are paid for: Ready ones by pool, and those that are on their way. */
#include <math.h>
#include <string.h>

#include "analysis/report/figure.h"
#include "analysis/report/plot.h"
#include "analysis/report/say.h"
#include "base/cell.h"

enum { POOLS_MAX = 6, LAYERS_MAX = POOLS_MAX + 1 };

struct pools {
    const char *names[POOLS_MAX];
    size_t count;
    bool more; /* than there are colours for: the others are left out, and the note says so */
};

static void note_pool(struct pools *p, const char *name, struct arena *arena) {
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->names[i], name) == 0) {
            return;
        }
    }
    if (p->count < POOLS_MAX) {
        p->names[p->count++] = arena_strdup(arena, name);
    } else {
        p->more = true;
    }
}

static bool read_pools(const struct source *s, struct arena *arena, struct pools *pools, struct error *err) {
    static const char *const columns[] = {"pool", NULL};
    if (!result_has_table(s->result, "nodes")) {
        return true;
    }
    struct result_scan *scan = result_scan(s->result, "nodes", columns, err);
    bool done = scan != NULL;
    for (size_t rows; done && (rows = result_scan_next(scan, err)) > 0;) {
        for (size_t i = 0; i < rows && done; i++) {
            const char *name;
            done = result_cell_text(scan, 0, i, &name, err);
            if (done && name) {
                note_pool(pools, name, arena);
            }
        }
    }
    result_scan_end(scan);
    return done && !error_is_set(err);
}

/* Adds a line to another, point by point. */
static void add(struct line *to, const struct line *from) {
    if (to->count == 0) {
        *to = *from;
        return;
    }
    for (size_t i = 0; i < to->count && i < from->count; i++) {
        to->v[i] += from->v[i];
    }
    to->high += from->high;
}

/* Ready nodes pool by pool, and last those being provisioned, of all pools. */
static bool read_layers(const struct view *view, const struct panel *p, const struct pools *pools,
                        struct line *layers, struct error *err) {
    struct view whole = *view;
    whole.points_most = SERIES_VALUES_MAX;
    for (size_t i = 0; i < pools->count; i++) {
        struct line starting;
        const char *object = arena_printf(view->arena, "pools/%s", pools->names[i]);
        if (!source_line(p->source, object, "nodes_ready", THIN_MEAN, &whole, &layers[i], err) ||
            !source_line(p->source, object, "nodes_provisioning", THIN_MEAN, &whole, &starting, err)) {
            return false;
        }
        add(&layers[pools->count], &starting);
    }
    return true;
}

static void take_numbers(struct drawing *d, const struct view *view, size_t i, const struct pools *pools,
                         const struct line *layers) {
    struct number_column columns[LAYERS_MAX];
    for (size_t k = 0; k < pools->count; k++) {
        columns[k] = (struct number_column){arena_printf(d->arena, "Ready in pool %s, mean", pools->names[k]),
                                            THIN_MEAN, 1};
    }
    columns[pools->count] = (struct number_column){"provisioning, mean", THIN_MEAN, 1};
    drawing_numbers(d, view, i, columns, layers, pools->count + 1);
}

static void find(struct drawing *d, const struct view *view, size_t i, const struct line *total) {
    const char *mean = say_number(d->arena, total->mean);
    if (view->count > 1) {
        drawing_compare(d, view, i, "Nodes Ready, on average", mean);
    } else if (total->low == total->high) {
        strbuf_printf(&d->finding, "%s node%s Ready all the time", say_number(d->arena, total->low),
                      say_s(total->low));
    } else {
        strbuf_printf(&d->finding, "%s to %s nodes Ready (%s on average)", say_number(d->arena, total->low),
                      say_number(d->arena, total->high), mean);
    }
}

static void describe(struct drawing *d, const struct view *view, size_t i, const struct pools *pools,
                     const struct line *layers) {
    struct strbuf text = {0};
    for (size_t k = 0; k < pools->count; k++) {
        if (layers[k].count) {
            strbuf_printf(&text, "%spool %s between %s and %s nodes Ready, %s on average", k ? "; " : "",
                          pools->names[k], say_number(d->arena, layers[k].low),
                          say_number(d->arena, layers[k].high), say_number(d->arena, layers[k].mean));
        }
    }
    const struct line *starting = &layers[pools->count];
    strbuf_printf(&text, "; up to %s being provisioned", say_number(d->arena, starting->high));
    drawing_say(&d->alt, view, i, text.text);
    strbuf_free(&text);
}

/* Layer upon layer; the sum of the Ready ones, with its figures, into `total`. */
static void stack(struct line *layers, size_t pools, struct line *total) {
    *total = layers[0];
    total->low = INFINITY;
    total->high = 0;
    total->mean = 0;
    for (size_t k = 0; k < pools; k++) {
        total->mean += layers[k].count ? layers[k].mean : 0;
    }
    for (size_t k = 1; k <= pools; k++) {
        for (size_t i = 0; i < layers[k].count && i < layers[k - 1].count; i++) {
            layers[k].v[i] += layers[k - 1].v[i];
        }
        layers[k] = layers[k].count ? layers[k] : layers[k - 1];
    }
    for (size_t i = 0; i < layers[pools - 1].count; i++) {
        total->low = fmin(total->low, layers[pools - 1].v[i]);
        total->high = fmax(total->high, layers[pools - 1].v[i]);
    }
}

static void append_legend(struct drawing *d, const struct pools *pools) {
    plot_number(&d->input, "layers", (double)pools->count);
    for (size_t k = 0; k < pools->count; k++) {
        const char *name = pools->count == 1 ? "Ready" : arena_printf(d->arena, "Ready, %s", pools->names[k]);
        size_t characters = cell_width(name);
        plot_string(&d->input, arena_printf(d->arena, "layer_%zu", k + 1), name);
        d->legend_characters = characters > d->legend_characters ? characters : d->legend_characters;
    }
    d->legend = pools->count + 1;
}

static bool draw(const struct view *view, struct drawing *d, struct error *err) {
    struct pools pools = {0};
    for (size_t i = 0; i < view->count; i++) {
        if (!read_pools(view->panels[i].source, d->arena, &pools, err)) {
            return false;
        }
    }
    struct line *layers = arena_array(d->arena, view->count * LAYERS_MAX, sizeof *layers);
    double high = 1;
    for (size_t i = 0; i < view->count && pools.count; i++) {
        struct line *own = &layers[i * LAYERS_MAX];
        struct line total;
        if (!read_layers(view, &view->panels[i], &pools, own, err)) {
            return false;
        }
        describe(d, view, i, &pools, own);
        take_numbers(d, view, i, &pools, own);
        stack(own, pools.count, &total);
        find(d, view, i, &total);
        high = fmax(high, lines_drawn_high(own, pools.count + 1));
    }
    if (pools.count == 0 || lines_end_s(layers, view->count * LAYERS_MAX) == 0) {
        strbuf_append(&d->finding,
                      "Nodes over time are not drawn: there are none, or the result holds no such "
                      "time series.");
        return true;
    }
    drawing_panels(d, view);
    double unit_s = drawing_time_axis(d, lines_end_s(layers, view->count * LAYERS_MAX));
    append_legend(d, &pools);
    for (size_t i = 0; i < view->count; i++) {
        drawing_steps(d, "nodes", i, unit_s, &layers[i * LAYERS_MAX], pools.count + 1);
    }
    if (pools.more) {
        strbuf_printf(&d->note, "The first %d pools.", POOLS_MAX);
    }
    plot_string(&d->input, "y_label", "nodes");
    plot_number(&d->input, "y_max", 1.15 * high);
    return true;
}

const struct figure figure_nodes = {.script = "nodes", .draw = draw};
