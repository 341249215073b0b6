/* kernels/samples.h: measured times of one op, in one pair of types, on one device. */
#ifndef DRYDOCK_KERNELS_SAMPLES_H
#define DRYDOCK_KERNELS_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/op.h"

struct samples {
    const struct op *op;
    char types[64]; /* "bfloat16", "bfloat16/fp8": of activations, and of the KV cache where it has its own */
    double element_bytes; /* of weights, or of the KV cache */
    size_t count, capacity;
    double *x;      /* count rows of op_axes(op) */
    double *t_s;    /* each > 0 */
    uint32_t *site; /* of each row; filled by samples_sort */
    size_t sites;
};

void samples_init(struct samples *s, const struct op *op, const char *types, double element_bytes);
void samples_free(struct samples *s);
void samples_add(struct samples *s, const double *x, double t_s);

/* Orders rows by site, whatever order they came in, and numbers the sites from 0. Rows of one site are in the
 * order of their axes. To be called once all are there. */
void samples_sort(struct samples *s);

/* The rows of the sites that `chosen` (one a site) says, in the same order; a new set. */
struct samples samples_select(const struct samples *s, const bool *chosen);

#endif
