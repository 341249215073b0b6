#include "analysis/report/distribution.h"

#include <math.h>
#include <string.h>

enum { COLUMN_SERVICE, COLUMN_STATUS, COLUMN_COUNTED, COLUMN_TTFT, COLUMN_TPOT, COLUMN_E2E };

static const char *const columns[] = {"service", "status", "counted", "ttft_s", "tpot_s", "e2e_s", NULL};

/* Names are few and their texts live as long as the scan: mostly the one asked for last is asked for again.
 */
static struct distribution *find(struct distributions *d, const char *service) {
    for (size_t i = 0; service && i < d->service_count; i++) {
        if (d->services[i] == service || strcmp(d->services[i], service) == 0) {
            return &d->of[1 + i];
        }
    }
    return NULL;
}

/* TPOT of one token is undefined, so a completed request without it is no latecomer. */
static void count(struct distribution *of, const double *values, bool completed) {
    for (size_t m = 0; m < DISTRIBUTION_METRICS; m++) {
        if (!completed) {
            of->never[m]++;
        } else if (!isnan(values[m])) {
            histogram_add(&of->values[m], values[m], 1);
        }
    }
}

struct pass {
    struct distributions *into;
    const char *last_name; /* and what it stands for */
    struct distribution *last;
};

static bool count_row(struct pass *p, struct result_scan *scan, size_t row, struct error *err) {
    double counted;
    double values[DISTRIBUTION_METRICS];
    const char *status;
    const char *service;
    if (!result_number(scan, COLUMN_COUNTED, row, &counted, err) ||
        !result_number(scan, COLUMN_TTFT, row, &values[DISTRIBUTION_TTFT], err) ||
        !result_number(scan, COLUMN_TPOT, row, &values[DISTRIBUTION_TPOT], err) ||
        !result_number(scan, COLUMN_E2E, row, &values[DISTRIBUTION_E2E], err) ||
        !result_cell_text(scan, COLUMN_STATUS, row, &status, err) ||
        !result_cell_text(scan, COLUMN_SERVICE, row, &service, err)) {
        return false;
    }
    if (counted == 0) {
        return true;
    }
    bool completed = status && strcmp(status, "completed") == 0;
    if (service != p->last_name) {
        p->last = find(p->into, service);
        p->last_name = service;
    }
    count(&p->into->of[0], values, completed);
    if (p->last) {
        count(p->last, values, completed);
    }
    return true;
}

bool distributions_read(struct distributions *d, const struct result *result, const char *const *services,
                        size_t service_count, struct arena *arena, struct error *err) {
    *d = (struct distributions){.services = services,
                                .service_count = service_count,
                                .of = arena_array(arena, service_count + 1, sizeof *d->of)};
    if (!result_has_table(result, "requests")) {
        return true;
    }
    struct result_scan *scan = result_scan(result, "requests", columns, err);
    if (!scan) {
        return false;
    }
    struct pass pass = {.into = d};
    bool done = true;
    for (size_t rows; done && (rows = result_scan_next(scan, err)) > 0;) {
        pass.last_name = NULL; /* texts of one block may lie where those of another lay */
        pass.last = NULL;
        for (size_t i = 0; i < rows && done; i++) {
            done = count_row(&pass, scan, i, err);
        }
    }
    result_scan_end(scan);
    return done && !error_is_set(err);
}

void distributions_free(struct distributions *d) {
    for (size_t i = 0; d->of && i <= d->service_count; i++) {
        for (size_t m = 0; m < DISTRIBUTION_METRICS; m++) {
            histogram_free(&d->of[i].values[m]);
        }
    }
    d->of = NULL;
}

const struct distribution *distribution_of(const struct distributions *d, const char *service) {
    if (!service) {
        return d->of;
    }
    for (size_t i = 0; i < d->service_count; i++) {
        if (strcmp(d->services[i], service) == 0) {
            return &d->of[1 + i];
        }
    }
    return NULL;
}

/* The share of the k-th of n points: the last tenth of the points covers the last hundredth, where promises
 * are. */
static double share_of(size_t k, size_t n) {
    size_t tail = n / 10;
    size_t body = n - tail;
    if (k < body) {
        return 0.99 * (double)k / (double)(body - 1);
    }
    return 0.99 + 0.01 * (double)(k - body + 1) / (double)tail;
}

size_t distribution_curve(const struct histogram *h, uint64_t never, struct distribution_point *points,
                          size_t most) {
    size_t count_points = 0;
    if (h->n == 0) {
        return 0;
    }
    for (size_t k = 0; k < most; k++) {
        double share = share_of(k, most);
        double value = histogram_quantile(h, share, never);
        if (isinf(value)) {
            break;
        }
        points[count_points++] = (struct distribution_point){value, share};
    }
    if (never > 0 && count_points < most) { /* up to the last that got there */
        double share = (double)h->n / (double)(h->n + never);
        points[count_points++] = (struct distribution_point){h->max, share};
    }
    return count_points;
}
