/* kernels/op.h: the operations that a model's step is made of, one definition each.
 *
 * A shape is an array of doubles, one per axis, in the order of `axes`. Counts are closed forms of the shape,
 * shared by whoever measures, fits or simulates the op. An op is one file in ops/ and one row in ops.c.
 */
#ifndef DRYDOCK_KERNELS_OP_H
#define DRYDOCK_KERNELS_OP_H

#include <stddef.h>

enum { OP_AXES_MAX = 8, OP_COORDINATES_MAX = 9, OP_ALIGNMENTS_MAX = 2, OP_SWEPT_MAX = 2 };

/* One way in which shapes that are measured tell of one that is not. Distance = sqrt(sum over coordinates of
 * (difference / scale)^2). Along the swept coordinates a site was measured at many places; of each site only
 * those on either side of the shape asked for count. */
struct op_alignment {
    double scale[OP_COORDINATES_MAX]; /* 0: not looked at */
    int swept[OP_SWEPT_MAX];
    int swept_count;
};

struct op {
    const char *name;
    const char *axes[OP_AXES_MAX + 1]; /* ended by NULL */
    unsigned site; /* bits of the axes that make a site: what is swept is not among them */
    double (*flops)(const double *x);
    /* Moved through device memory when each operand is read once; an element of the weights, or of the KV
     * cache, has `element_bytes`, activations have 2. */
    double (*bytes)(const double *x, double element_bytes);
    /* What the first term of the roofline grows with, where FLOPs are not what a kernel waits for; NULL:
     * flops. */
    double (*work)(const double *x);
    /* Where the shape lies among others: base-2 logarithms, mostly. */
    int coordinates;
    void (*place)(const double *x, double *z);
    int alignments;
    struct op_alignment alignment[OP_ALIGNMENTS_MAX];
};

extern const struct op op_gemm;              /* m n k: activations m x k times weights n x k */
extern const struct op op_decode_attention;  /* batch context heads kv_heads head_dim window; 0 = no window */
extern const struct op op_prefill_attention; /* batch tokens prefix heads kv_heads head_dim window; causal */
extern const struct op op_encoder_attention; /* batch tokens heads head_dim; not causal */

extern const struct op *const ops[]; /* ended by NULL */

int op_axes(const struct op *op);

static inline double op_work(const struct op *op, const double *x) {
    return op->work ? op->work(x) : op->flops(x);
}

#endif
