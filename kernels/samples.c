#include "kernels/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

void samples_init(struct samples *s, const struct op *op, const char *types, double element_bytes) {
    *s = (struct samples){.op = op, .element_bytes = element_bytes};
    snprintf(s->types, sizeof s->types, "%s", types);
}

void samples_free(struct samples *s) {
    free(s->x);
    free(s->t_s);
    free(s->site);
    *s = (struct samples){0};
}

static void reserve(struct samples *s, size_t need) {
    size_t axes = (size_t)op_axes(s->op);
    if (need <= s->capacity) {
        return;
    }
    s->capacity = need > 2 * s->capacity ? need : 2 * s->capacity;
    s->x = mem_realloc(s->x, s->capacity, axes * sizeof *s->x);
    s->t_s = mem_realloc(s->t_s, s->capacity, sizeof *s->t_s);
    s->site = mem_realloc(s->site, s->capacity, sizeof *s->site);
}

void samples_add(struct samples *s, const double *x, double t_s) {
    size_t axes = (size_t)op_axes(s->op);
    reserve(s, s->count + 1);
    memcpy(s->x + s->count * axes, x, axes * sizeof *x);
    s->t_s[s->count] = t_s;
    s->site[s->count] = 0;
    s->count++;
}

/* A row for sorting: its site's axes, then the others, then the time, so that equal shapes have an order as
 * well. */
struct row {
    double key[OP_AXES_MAX + 1];
    size_t from;
};

static int by_key(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    for (int i = 0; i <= OP_AXES_MAX; i++) {
        if (x->key[i] != y->key[i]) {
            return x->key[i] < y->key[i] ? -1 : 1;
        }
    }
    return 0;
}

static struct row row_of(const struct samples *s, size_t i, int *site_axes) {
    struct row row = {.from = i};
    int axes = op_axes(s->op), filled = 0;
    for (int of_site = 1; of_site >= 0; of_site--) {
        for (int a = 0; a < axes; a++) {
            if ((int)(s->op->site >> a & 1) == of_site) {
                row.key[filled++] = s->x[i * (size_t)axes + (size_t)a];
            }
        }
        *site_axes = of_site ? filled : *site_axes;
    }
    row.key[filled] = s->t_s[i];
    return row;
}

void samples_sort(struct samples *s) {
    struct row *rows = mem_alloc((s->count + 1) * sizeof *rows);
    int site_axes = 0;
    for (size_t i = 0; i < s->count; i++) {
        rows[i] = row_of(s, i, &site_axes);
    }
    qsort(rows, s->count, sizeof *rows, by_key);
    struct samples sorted;
    samples_init(&sorted, s->op, s->types, s->element_bytes);
    reserve(&sorted, s->count);
    for (size_t i = 0; i < s->count; i++) {
        samples_add(&sorted, s->x + rows[i].from * (size_t)op_axes(s->op), s->t_s[rows[i].from]);
        bool new_site =
            i == 0 || memcmp(rows[i].key, rows[i - 1].key, (size_t)site_axes * sizeof(double)) != 0;
        sorted.sites += new_site;
        sorted.site[i] = (uint32_t)sorted.sites - 1;
    }
    free(rows);
    samples_free(s);
    *s = sorted;
}

struct samples samples_select(const struct samples *s, const bool *chosen) {
    struct samples out;
    samples_init(&out, s->op, s->types, s->element_bytes);
    size_t axes = (size_t)op_axes(s->op);
    for (size_t i = 0; i < s->count; i++) {
        if (chosen[s->site[i]]) {
            samples_add(&out, s->x + i * axes, s->t_s[i]);
            bool new_site = out.count == 1 || s->site[i] != s->site[i - 1];
            out.sites += new_site;
            out.site[out.count - 1] = (uint32_t)out.sites - 1;
        }
    }
    return out;
}
