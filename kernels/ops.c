/* The table of ops. */
#include "kernels/op.h"

const struct op *const ops[] = {
    &op_gemm, &op_decode_attention, &op_prefill_attention, &op_encoder_attention, NULL,
};

int op_axes(const struct op *op) {
    int n = 0;
    while (op->axes[n]) {
        n++;
    }
    return n;
}
