#include "kernels/fit/kriging.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* Neighbours asked, shared among alignments; sides of a place along two swept coordinates. */
enum { NEIGHBOURS = 40, SIDES = 9 };

/* Measurements repeat to within about a per cent where residuals spread by ten. */
static const double nugget = 0.02;

/* Coordinates nearer than this are the same. */
static const double same = 1e-9;

struct kriging {
    const struct op *op;
    struct op_alignment alignment[OP_ALIGNMENTS_MAX];
    size_t sites;
    int looked_at[OP_ALIGNMENTS_MAX];                 /* how many coordinates */
    int which[OP_ALIGNMENTS_MAX][OP_COORDINATES_MAX]; /* those, the swept ones first */
    double *scaled[OP_ALIGNMENTS_MAX];                /* count rows of them, over their scales */
    double *residual;                                 /* of each row */
    size_t *first;                                    /* row of each site, and the end */
    gsl_matrix *covariance;
    gsl_vector *right, *ones;
};

struct neighbour {
    size_t row;
    double distance;
};

void kriging_free(struct kriging *k) {
    if (!k) {
        return;
    }
    gsl_matrix_free(k->covariance);
    gsl_vector_free(k->right);
    gsl_vector_free(k->ones);
    for (int a = 0; a < OP_ALIGNMENTS_MAX; a++) {
        free(k->scaled[a]);
    }
    free(k->residual);
    free(k->first);
    free(k);
}

/* Where x lies under alignment a. */
static void place(const struct kriging *k, int a, const double *x, double *z) {
    double all[OP_COORDINATES_MAX];
    k->op->place(x, all);
    for (int i = 0; i < k->looked_at[a]; i++) {
        z[i] = all[k->which[a][i]] / k->alignment[a].scale[k->which[a][i]];
    }
}

static void choose_coordinates(struct kriging *k, int a) {
    const struct op_alignment *by = &k->alignment[a];
    for (int i = 0; i < by->swept_count; i++) {
        k->which[a][k->looked_at[a]++] = by->swept[i];
    }
    for (int c = 0; c < k->op->coordinates; c++) {
        bool swept = false;
        for (int i = 0; i < by->swept_count; i++) {
            swept |= by->swept[i] == c;
        }
        if (by->scale[c] > 0 && !swept) {
            k->which[a][k->looked_at[a]++] = c;
        }
    }
}

static void place_rows(struct kriging *k, int a, const struct samples *s) {
    size_t axes = (size_t)op_axes(s->op), n = (size_t)k->looked_at[a];
    k->scaled[a] = mem_zalloc(s->count * n + 1, sizeof(double));
    for (size_t i = 0; i < s->count; i++) {
        place(k, a, s->x + i * axes, k->scaled[a] + i * n);
    }
}

struct kriging *kriging_create(const struct samples *s, const double *residual,
                               const struct op_alignment *alignment) {
    struct kriging *k = mem_zalloc(1, sizeof *k);
    k->op = s->op;
    memcpy(k->alignment, alignment, sizeof k->alignment);
    k->sites = s->sites;
    k->residual = mem_alloc((s->count + 1) * sizeof *k->residual);
    k->first = mem_alloc((s->sites + 1) * sizeof *k->first);
    for (size_t i = 0; i < s->count; i++) {
        k->residual[i] = residual[i];
        if (i == 0 || s->site[i] != s->site[i - 1]) {
            k->first[s->site[i]] = i;
        }
    }
    k->first[s->sites] = s->count;
    for (int a = 0; a < k->op->alignments; a++) {
        choose_coordinates(k, a);
        place_rows(k, a, s);
    }
    k->covariance = gsl_matrix_alloc(NEIGHBOURS, NEIGHBOURS);
    k->right = gsl_vector_alloc(NEIGHBOURS);
    k->ones = gsl_vector_alloc(NEIGHBOURS);
    return k;
}

static double squared_distance(const double *a, const double *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum;
}

static const double *row_of(const struct kriging *k, int a, size_t row) {
    return k->scaled[a] + row * (size_t)k->looked_at[a];
}

/* Covariance of the residuals at two places, given under every alignment: 1 at the same. */
static double covariance(const struct kriging *k, const double *const *x, const double *const *y) {
    double sum = 0;
    for (int a = 0; a < k->op->alignments; a++) {
        sum += exp(-sqrt(squared_distance(x[a], y[a], k->looked_at[a])));
    }
    return sum / k->op->alignments;
}

/* On which side of z a row lies, along the first n coordinates: a digit each, 0 below, 1 at the same, 2
 * above.
 */
static int side_of(const double *row, const double *z, int n) {
    int side = 0;
    for (int i = 0; i < n; i++) {
        double d = row[i] - z[i];
        side = 3 * side + (d < -same ? 0 : d > same ? 2 : 1);
    }
    return side;
}

/* Whether a side is at z itself along the coordinate that is `i`-th of `n` swept ones. */
static bool level(int side, int i, int n) {
    for (; i < n - 1; i++) {
        side /= 3;
    }
    return side % 3 == 1;
}

/* Where a site was measured level with z along a coordinate, what lies above and below of it tells nothing
 * more. */
static void drop_brackets(struct neighbour best[SIDES], int swept) {
    for (int i = 0; i < swept; i++) {
        bool any = false;
        for (int side = 0; side < SIDES; side++) {
            any |= best[side].distance < INFINITY && level(side, i, swept);
        }
        for (int side = 0; any && side < SIDES; side++) {
            if (!level(side, i, swept)) {
                best[side].distance = INFINITY;
            }
        }
    }
}

/* Keeps `list` in order, at most `room` long. */
static void keep(struct neighbour *list, int *n, int room, struct neighbour new) {
    if (new.distance == INFINITY || (*n == room && new.distance >= list[room - 1].distance)) {
        return;
    }
    int at = *n < room ? (*n)++ : room - 1;
    for (; at > 0 && list[at - 1].distance > new.distance; at--) {
        list[at] = list[at - 1];
    }
    list[at] = new;
}

/* Distances in the list are squared. */
static int nearest(const struct kriging *k, int a, const double *z, struct neighbour list[NEIGHBOURS]) {
    int n = 0, room = NEIGHBOURS / k->op->alignments, looked_at = k->looked_at[a];
    int swept = k->alignment[a].swept_count;
    for (size_t s = 0; s < k->sites; s++) {
        struct neighbour best[SIDES];
        for (int side = 0; side < SIDES; side++) {
            best[side] = (struct neighbour){0, INFINITY};
        }
        for (size_t i = k->first[s]; i < k->first[s + 1]; i++) {
            const double *row = row_of(k, a, i);
            double d = squared_distance(row, z, looked_at);
            struct neighbour *b = &best[side_of(row, z, swept)];
            if (d < b->distance) {
                *b = (struct neighbour){i, d};
            }
        }
        drop_brackets(best, swept);
        for (int side = 0; side < SIDES; side++) {
            keep(list, &n, room, best[side]);
        }
    }
    return n;
}

/* The nearest under each alignment in turn, none twice. */
static int neighbours(const struct kriging *k, const double *const *z, size_t rows[NEIGHBOURS]) {
    int n = 0;
    for (int a = 0; a < k->op->alignments; a++) {
        struct neighbour list[NEIGHBOURS];
        int found = nearest(k, a, z[a], list);
        for (int i = 0; i < found; i++) {
            int j = 0;
            while (j < n && rows[j] != list[i].row) {
                j++;
            }
            rows[j] = list[i].row;
            n += j == n;
        }
    }
    return n;
}

static void places_of(const struct kriging *k, size_t row, const double **z) {
    for (int a = 0; a < k->op->alignments; a++) {
        z[a] = row_of(k, a, row);
    }
}

/* C, of the rows among each other (its lower half), and c, of each to z. */
static void fill(struct kriging *k, const double *const *z, const size_t *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const double *x[OP_ALIGNMENTS_MAX], *y[OP_ALIGNMENTS_MAX];
        places_of(k, rows[i], x);
        for (size_t j = 0; j <= i; j++) {
            places_of(k, rows[j], y);
            gsl_matrix_set(k->covariance, i, j, covariance(k, x, y) + (i == j ? nugget : 0));
        }
        gsl_vector_set(k->right, i, covariance(k, x, z));
    }
}

/* Weights w = C^-1 (c + mu 1) with mu such that they add up to 1. */
static double weigh(struct kriging *k, const size_t *rows, size_t n) {
    gsl_matrix_view c = gsl_matrix_submatrix(k->covariance, 0, 0, n, n);
    gsl_vector_view right = gsl_vector_subvector(k->right, 0, n);
    gsl_vector_view ones = gsl_vector_subvector(k->ones, 0, n);
    gsl_vector_set_all(&ones.vector, 1);
    gsl_linalg_cholesky_decomp1(&c.matrix);
    gsl_linalg_cholesky_svx(&c.matrix, &right.vector);
    gsl_linalg_cholesky_svx(&c.matrix, &ones.vector);
    double sum = 0, sum_of_ones = 0, value = 0;
    for (size_t i = 0; i < n; i++) {
        sum += gsl_vector_get(&right.vector, i);
        sum_of_ones += gsl_vector_get(&ones.vector, i);
    }
    for (size_t i = 0; i < n; i++) {
        double w =
            gsl_vector_get(&right.vector, i) + (1 - sum) / sum_of_ones * gsl_vector_get(&ones.vector, i);
        value += w * k->residual[rows[i]];
    }
    return value;
}

/* Whether row and z are of one site: all but the swept coordinates are the same. */
static bool of_one_site(const struct kriging *k, size_t row, const double *z) {
    int swept = k->alignment[0].swept_count;
    return squared_distance(row_of(k, 0, row) + swept, z + swept, k->looked_at[0] - swept) < same;
}

/* At a site that was measured along one coordinate: the straight line between the places below and above, and
 * beyond the first and the last their value. Neighbours would only blur it. False: there is no such site. */
static bool on_own_line(const struct kriging *k, const double *z, double *value) {
    size_t s = 0;
    while (s < k->sites && !of_one_site(k, k->first[s], z)) {
        s++;
    }
    if (k->alignment[0].swept_count != 1 || s == k->sites) {
        return false;
    }
    size_t above = k->first[s], end = k->first[s + 1];
    while (above < end && row_of(k, 0, above)[0] < z[0]) {
        above++;
    }
    size_t right = above < end ? above : end - 1, left = above > k->first[s] ? above - 1 : above;
    double from = row_of(k, 0, left)[0], to = row_of(k, 0, right)[0];
    double share = to > from ? (z[0] - from) / (to - from) : 0;
    *value = k->residual[left] + share * (k->residual[right] - k->residual[left]);
    return true;
}

double kriging_at(struct kriging *k, const double *x) {
    double own[OP_ALIGNMENTS_MAX][OP_COORDINATES_MAX] = {{0}};
    const double *z[OP_ALIGNMENTS_MAX] = {NULL};
    size_t rows[NEIGHBOURS];
    for (int a = 0; a < k->op->alignments; a++) {
        place(k, a, x, own[a]);
        z[a] = own[a];
    }
    double value;
    if (on_own_line(k, own[0], &value)) {
        return value;
    }
    int n = neighbours(k, z, rows);
    if (n == 0) {
        return 0;
    }
    fill(k, z, rows, (size_t)n);
    return weigh(k, rows, (size_t)n);
}
