#include "kernels/fit/soft_roofline.h"

#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"

/* Errors beyond this share of the time weigh by their size rather than its square. */
static const double loss_scale = 0.1;

enum { LOG_T0, LOG_P, LOG_W, LOG_Q_OVER_1, PARAMETERS, ROWS_MIN = 8, STEPS_MAX = 60 };

double soft_roofline_s(const struct soft_roofline *r, double work, double bytes) {
    double x = work / r->flops_per_s, y = bytes / r->bytes_per_s;
    double larger = x > y ? x : y, smaller = x > y ? y : x;
    double both = smaller > 0 ? larger * pow(1 + pow(smaller / larger, r->q), 1 / r->q) : larger;
    return r->t0_s + both;
}

double soft_roofline_at(const struct soft_roofline *r, const struct samples *s, const double *x) {
    return soft_roofline_s(r, op_work(s->op, x), s->op->bytes(x, s->element_bytes));
}

/* Work and bytes of each row are the same in every step of the search. */
struct problem {
    const struct samples *s;
    double *work, *bytes;
};

static struct soft_roofline of_parameters(const gsl_vector *p) {
    return (struct soft_roofline){
        .t0_s = exp(gsl_vector_get(p, LOG_T0)),
        .flops_per_s = exp(gsl_vector_get(p, LOG_P)),
        .bytes_per_s = exp(gsl_vector_get(p, LOG_W)),
        .q = 1 + exp(gsl_vector_get(p, LOG_Q_OVER_1)),
    };
}

/* GSL knows no robust loss of the kind: the residual is given as the root of what it should cost. */
static double robust(double error) {
    double z = error / loss_scale;
    return copysign(loss_scale * sqrt(2 * (sqrt(1 + z * z) - 1)), error);
}

static int residuals(const gsl_vector *p, void *data, gsl_vector *out) {
    const struct problem *problem = data;
    struct soft_roofline r = of_parameters(p);
    for (size_t i = 0; i < problem->s->count; i++) {
        double t = soft_roofline_s(&r, problem->work[i], problem->bytes[i]);
        gsl_vector_set(out, i, robust(log(t / problem->s->t_s[i])));
    }
    return GSL_SUCCESS;
}

/* The fastest that was seen of each kind. */
static void begin(const struct problem *problem, double *p) {
    double t0 = INFINITY, flops = 0, bytes = 0;
    for (size_t i = 0; i < problem->s->count; i++) {
        double t = problem->s->t_s[i];
        t0 = fmin(t0, t);
        flops = fmax(flops, problem->work[i] / t);
        bytes = fmax(bytes, problem->bytes[i] / t);
    }
    p[LOG_T0] = log(t0 / 2);
    p[LOG_P] = log(flops);
    p[LOG_W] = log(bytes);
    p[LOG_Q_OVER_1] = 0;
}

static bool solve(struct problem *problem, struct soft_roofline *r) {
    gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
    how.trs = gsl_multifit_nlinear_trs_lmaccel;
    gsl_multifit_nlinear_workspace *w =
        gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, problem->s->count, PARAMETERS);
    if (!w) {
        return false;
    }
    gsl_multifit_nlinear_fdf what = {
        .f = residuals, .n = problem->s->count, .p = PARAMETERS, .params = problem};
    double p[PARAMETERS];
    begin(problem, p);
    gsl_vector_view at = gsl_vector_view_array(p, PARAMETERS);
    int why;
    bool fine = gsl_multifit_nlinear_init(&at.vector, &what, w) == GSL_SUCCESS;
    if (fine) {
        /* Running out of steps is no failure: the figures are judged by what they predict. */
        gsl_multifit_nlinear_driver(STEPS_MAX, 1e-8, 1e-8, 0, NULL, NULL, &why, w);
        *r = of_parameters(w->x);
    }
    gsl_multifit_nlinear_free(w);
    return fine && isfinite(r->t0_s) && isfinite(r->flops_per_s) && isfinite(r->bytes_per_s) &&
           isfinite(r->q) && r->flops_per_s > 0 && r->bytes_per_s > 0;
}

bool soft_roofline_fit(struct soft_roofline *r, const struct samples *s, struct error *err) {
    if (s->count < ROWS_MIN) {
        return error_set(err, ERROR_INVALID, "%s %s: expected at least %d measured shapes, there are %zu",
                         s->op->name, s->types, ROWS_MIN, s->count);
    }
    size_t axes = (size_t)op_axes(s->op);
    struct problem problem = {
        .s = s, .work = mem_alloc(s->count * sizeof(double)), .bytes = mem_alloc(s->count * sizeof(double))};
    for (size_t i = 0; i < s->count; i++) {
        problem.work[i] = op_work(s->op, s->x + i * axes);
        problem.bytes[i] = s->op->bytes(s->x + i * axes, s->element_bytes);
    }
    gsl_error_handler_t *before = gsl_set_error_handler_off();
    bool fine = solve(&problem, r);
    gsl_set_error_handler(before);
    free(problem.work);
    free(problem.bytes);
    return fine ||
           error_set(err, ERROR_INVALID, "%s %s: no roofline fits the measured times", s->op->name, s->types);
}
