#include "kernels/fit/fit.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/progress.h"
#include "kernels/fit/kriging.h"

struct fit {
    const struct samples *s;
    struct soft_roofline roofline;
    struct op_alignment alignment[OP_ALIGNMENTS_MAX];
    double *residual; /* of each row */
    struct kriging *neighbours;
};

/* Rows that the choice of scales is judged by, at most. */
enum { TUNING_ROWS = 600 };

/* A scale is tried at so many times its value, and at the inverse. A change has to win by more than chance
 * may. */
static const double tuning_factor = 2.5, tuning_margin = 0.01;

/* ---- folds ---- */

struct ranked {
    uint64_t hash;
    size_t site;
};

static int by_hash(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Of each site, by its axes and the salt. */
static int *folds_of(const struct samples *s, uint64_t salt) {
    size_t axes = (size_t)op_axes(s->op);
    struct ranked *ranked = mem_alloc((s->sites + 1) * sizeof *ranked);
    for (size_t i = 0; i < s->count; i++) {
        double key[OP_AXES_MAX];
        size_t n = 0;
        for (size_t a = 0; a < axes; a++) {
            if (s->op->site >> a & 1) {
                key[n++] = s->x[i * axes + a];
            }
        }
        ranked[s->site[i]] = (struct ranked){hash64(key, n * sizeof *key, salt), s->site[i]};
    }
    qsort(ranked, s->sites, sizeof *ranked, by_hash);
    int *fold = mem_alloc((s->sites + 1) * sizeof *fold);
    for (size_t i = 0; i < s->sites; i++) {
        fold[ranked[i].site] = (int)(i % FIT_FOLDS);
    }
    free(ranked);
    return fold;
}

static struct samples select_fold(const struct samples *s, const int *fold, int which, bool inside) {
    bool *chosen = mem_alloc(s->sites + 1);
    for (size_t i = 0; i < s->sites; i++) {
        chosen[i] = (fold[i] == which) == inside;
    }
    struct samples out = samples_select(s, chosen);
    free(chosen);
    return out;
}

/* ---- scales ---- */

static double *residuals_of(const struct samples *s, const struct soft_roofline *r) {
    size_t axes = (size_t)op_axes(s->op);
    double *residual = mem_alloc((s->count + 1) * sizeof *residual);
    for (size_t i = 0; i < s->count; i++) {
        residual[i] = log(s->t_s[i] / soft_roofline_at(r, s, s->x + i * axes));
    }
    return residual;
}

/* Mean error of the residuals of `test` as neighbours in `train` tell them. */
static double error_of(const struct samples *train, const struct samples *test, const struct soft_roofline *r,
                       const struct op_alignment *alignment) {
    double *known = residuals_of(train, r), *wanted = residuals_of(test, r);
    struct kriging *k = kriging_create(train, known, alignment);
    size_t axes = (size_t)op_axes(test->op), step = test->count / TUNING_ROWS + 1, rows = 0;
    double sum = 0;
    for (size_t i = 0; i < test->count && !interrupt_requested(); i += step, rows++) {
        sum += fabs(exp(kriging_at(k, test->x + i * axes) - wanted[i]) - 1);
    }
    kriging_free(k);
    free(known);
    free(wanted);
    return rows > 0 ? sum / (double)rows : 0;
}

/* Tries each scale larger and smaller, once around; keeps what predicts sites left out better. */
static void tune(struct fit *f) {
    const struct op *op = f->s->op;
    int *fold = folds_of(f->s, 1);
    struct samples train = select_fold(f->s, fold, 0, false), test = select_fold(f->s, fold, 0, true);
    double best = error_of(&train, &test, &f->roofline, f->alignment);
    for (int a = 0; a < op->alignments; a++) {
        for (int c = 0; c < op->coordinates; c++) {
            double *scale = &f->alignment[a].scale[c], before = *scale, chosen = before;
            for (int up = 0; up < 2 && before > 0; up++) {
                *scale = up ? before * tuning_factor : before / tuning_factor;
                double error = error_of(&train, &test, &f->roofline, f->alignment);
                if (error < best * (1 - tuning_margin)) {
                    best = error;
                    chosen = *scale;
                }
            }
            *scale = chosen;
        }
    }
    samples_free(&train);
    samples_free(&test);
    free(fold);
}

/* ---- the fit ---- */

struct fit *fit_create(const struct samples *s, bool tuned, struct error *err) {
    struct fit *f = mem_zalloc(1, sizeof *f);
    f->s = s;
    memcpy(f->alignment, s->op->alignment, sizeof f->alignment);
    if (!soft_roofline_fit(&f->roofline, s, err)) {
        free(f);
        return NULL;
    }
    if (tuned && s->sites >= FIT_FOLDS) {
        tune(f);
    }
    if (interrupt_requested()) { /* what was tuned on the way is not to be used */
        error_set(err, ERROR_INTERRUPTED, "interrupted");
        free(f);
        return NULL;
    }
    f->residual = residuals_of(s, &f->roofline);
    f->neighbours = kriging_create(s, f->residual, f->alignment);
    return f;
}

void fit_free(struct fit *f) {
    if (f) {
        kriging_free(f->neighbours);
        free(f->residual);
        free(f);
    }
}

double fit_s(struct fit *f, const double *x) {
    return soft_roofline_at(&f->roofline, f->s, x) * exp(kriging_at(f->neighbours, x));
}

const struct soft_roofline *fit_roofline(const struct fit *f) {
    return &f->roofline;
}

/* ---- cross-validation ---- */

/* Errors of one fold, behind those that are there; adds to the sum of the roofline's own. */
static bool validate_fold(const struct samples *s, const int *fold, int which, double *errors, size_t *rows,
                          double *roofline_sum, struct error *err) {
    struct samples train = select_fold(s, fold, which, false), test = select_fold(s, fold, which, true);
    struct fit *f = fit_create(&train, true, err);
    size_t axes = (size_t)op_axes(s->op);
    for (size_t i = 0; f && i < test.count && !interrupt_requested(); i++) {
        const double *x = test.x + i * axes;
        errors[(*rows)++] = fabs(fit_s(f, x) / test.t_s[i] - 1);
        *roofline_sum += fabs(soft_roofline_at(&f->roofline, &test, x) / test.t_s[i] - 1);
    }
    bool fine = f != NULL && (!interrupt_requested() || error_set(err, ERROR_INTERRUPTED, "interrupted"));
    fit_free(f);
    samples_free(&train);
    samples_free(&test);
    return fine;
}

bool fit_cross_validate(const struct samples *s, struct fit_errors *errors, struct error *err) {
    if (s->sites < FIT_FOLDS) {
        return error_set(err, ERROR_INVALID, "%s %s: expected at least %d sites, there are %zu", s->op->name,
                         s->types, FIT_FOLDS, s->sites);
    }
    int *fold = folds_of(s, 0);
    double *all = mem_alloc((s->count + 1) * sizeof *all), roofline_sum = 0;
    *errors = (struct fit_errors){0};
    bool fine = true;
    for (int which = 0; fine && which < FIT_FOLDS; which++) {
        fine = validate_fold(s, fold, which, all, &errors->rows, &roofline_sum, err);
    }
    if (fine) {
        errors->mean = gsl_stats_mean(all, 1, errors->rows);
        errors->roofline_mean = roofline_sum / (double)errors->rows;
        gsl_sort(all, 1, errors->rows);
        errors->median = gsl_stats_quantile_from_sorted_data(all, 1, errors->rows, 0.5);
        errors->p90 = gsl_stats_quantile_from_sorted_data(all, 1, errors->rows, 0.9);
    }
    free(all);
    free(fold);
    return fine;
}
