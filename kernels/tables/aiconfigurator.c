#include "kernels/tables/aiconfigurator.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "config/csv.h"

/* How the layout names an op, its types and its axes. */
struct layout {
    const char *op_name;
    const struct op *op;
    const char *activations, *stored; /* columns of types; stored may be NULL: the same */
    const char
        *axes[OP_AXES_MAX]; /* column of each axis; "a+b" adds two, a trailing '?' may be missing (0) */
};

static const struct layout layouts[] = {
    {"gemm", &op_gemm, "gemm_dtype", NULL, {"m", "n", "k"}},
    {"generation_attention",
     &op_decode_attention,
     "attn_dtype",
     "kv_cache_dtype",
     {"batch_size", "isl+step", "num_heads", "num_key_value_heads", "head_dim", "window_size?"}},
    {"context_attention",
     &op_prefill_attention,
     "attn_dtype",
     "kv_cache_dtype",
     {"batch_size", "isl", "step", "num_heads", "num_key_value_heads", "head_dim", "window_size?"}},
    {"encoder_attention",
     &op_encoder_attention,
     "attn_dtype",
     NULL,
     {"batch_size", "isl", "num_heads", "head_dim"}},
};

enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

/* Shapes beyond are a slip of the pen. */
static const double axis_max = 1e9, latency_ms_max = 3.6e6;

static bool fail_column(const struct csv *csv, const char *name, struct error *err) {
    struct position pos = {csv->path, 1, 1};
    return error_at(err, ERROR_INVALID, &pos, name, "expected a column of that name");
}

static bool number(const struct csv *csv, int column, double least, double most, double *value,
                   struct error *err) {
    const char *text = csv_cell(csv, column);
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    if (*text && !*end && isfinite(*value) && *value >= least && *value <= most) {
        return true;
    }
    char expected[96];
    snprintf(expected, sizeof expected, "a number from %g to %g", least, most);
    return csv_error(csv, column, err, expected);
}

/* The axis that `columns` names: one cell, or two added up. */
static bool axis(const struct csv *csv, const char *columns, double least, double *value, struct error *err) {
    char name[64];
    *value = 0;
    for (const char *at = columns; *at;) {
        size_t n = strcspn(at, "+?");
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        int column = csv_column(csv, name);
        double part = 0;
        if (column < 0 && at[n] != '?') {
            return fail_column(csv, name, err);
        }
        if (column >= 0 && !number(csv, column, 0, axis_max, &part, err)) {
            return false;
        }
        *value += part;
        at += n + (at[n] != '\0');
    }
    return *value >= least || csv_error(csv, csv_column(csv, name), err, "a number of at least 1");
}

/* May an axis be 0? A prefix and a window may: there is none. */
static bool may_be_none(const char *name) {
    return strcmp(name, "prefix") == 0 || strcmp(name, "window") == 0;
}

static bool shape(const struct csv *csv, const struct layout *l, double *x, struct error *err) {
    const struct op *op = l->op;
    int heads = -1, kv = -1;
    for (int a = 0; op->axes[a]; a++) {
        bool kv_heads = strcmp(op->axes[a], "kv_heads") == 0;
        heads = strcmp(op->axes[a], "heads") == 0 ? a : heads;
        kv = kv_heads ? a : kv;
        if (!axis(csv, l->axes[a], may_be_none(op->axes[a]) || kv_heads ? 0 : 1, &x[a], err)) {
            return false;
        }
    }
    if (kv >= 0 && heads >= 0 && x[kv] == 0) {
        x[kv] = x[heads]; /* not grouped */
    }
    return kv < 0 || heads < 0 || x[kv] <= x[heads] ||
           csv_error(csv, csv_column(csv, l->axes[kv]), err, "no more of them than heads");
}

static double element_bytes(const char *type) {
    return strstr(type, "fp8") || strstr(type, "int8") || strstr(type, "e4m3") ? 1 : 2;
}

static struct samples *set_of(struct table *t, const struct csv *csv, const struct layout *l,
                              struct error *err) {
    const char *activations = csv_cell(csv, csv_column(csv, l->activations));
    const char *stored = l->stored ? csv_cell(csv, csv_column(csv, l->stored)) : activations;
    char types[64];
    snprintf(types, sizeof types, strcmp(activations, stored) == 0 ? "%.24s" : "%.24s/%.24s", activations,
             stored);
    for (int i = 0; i < t->sets; i++) {
        if (t->set[i].op == l->op && strcmp(t->set[i].types, types) == 0) {
            return &t->set[i];
        }
    }
    if (t->sets == TABLE_SETS_MAX) {
        csv_error(csv, csv_column(csv, l->activations), err, "at most 16 kinds of types in a table");
        return NULL;
    }
    samples_init(&t->set[t->sets], l->op, types, element_bytes(stored));
    return &t->set[t->sets++];
}

static bool read_row(struct table *t, const struct csv *csv, struct error *err) {
    const char *name = csv_cell(csv, csv_column(csv, "op_name"));
    int i = 0;
    while (i < LAYOUTS && strcmp(layouts[i].op_name, name) != 0) {
        i++;
    }
    t->rows++;
    if (i == LAYOUTS) {
        t->rows_other++;
        snprintf(t->other, sizeof t->other, "%s", name);
        return true;
    }
    double x[OP_AXES_MAX] = {0}, ms;
    struct samples *set = set_of(t, csv, &layouts[i], err);
    if (!set || !shape(csv, &layouts[i], x, err) ||
        !number(csv, csv_column(csv, "latency"), 1e-6, latency_ms_max, &ms, err)) {
        return false;
    }
    samples_add(set, x, ms * 1e-3);
    return true;
}

static bool read_rows(struct table *t, struct csv *csv, struct error *err) {
    static const char *const needed[] = {"op_name", "latency"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (csv_column(csv, needed[i]) < 0) {
            return fail_column(csv, needed[i], err);
        }
    }
    int more;
    while ((more = csv_next(csv, err)) > 0) {
        if (t->rows == 0) {
            snprintf(t->device, sizeof t->device, "%s", csv_cell(csv, csv_column(csv, "device")));
        }
        if (interrupt_requested()) {
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        }
        if (!read_row(t, csv, err)) {
            return false;
        }
    }
    struct position pos = {csv->path, csv->line, 0};
    return more == 0 &&
           (t->rows > 0 || error_at(err, ERROR_INVALID, &pos, NULL, "expected at least one row"));
}

bool table_read(struct table *t, const char *path, struct arena *arena, struct error *err) {
    struct csv csv;
    *t = (struct table){0};
    if (!csv_open(&csv, path, arena, err) || !read_rows(t, &csv, err)) {
        table_free(t);
        return false;
    }
    for (int i = 0; i < t->sets; i++) {
        samples_sort(&t->set[i]);
    }
    return true;
}

void table_free(struct table *t) {
    for (int i = 0; i < t->sets; i++) {
        samples_free(&t->set[i]);
    }
    t->sets = 0;
}
