#include "kernels/op.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_close(double a, double b) {
    assert_true(fabs(a - b) <= 1e-12 * fabs(b));
}

static void a_matrix_product_multiplies_and_adds_once_for_each_of_its_cells_and_k(void **state) {
    (void)state;
    double x[] = {3, 5, 7};
    assert_close(op_gemm.flops(x), 2 * 3 * 5 * 7);
    assert_close(op_gemm.bytes(x, 2), 2 * (3 * 7 + 5 * 7 + 3 * 5));
    assert_close(op_gemm.bytes(x, 1), 3 * 7 + 5 * 7 + 2 * 3 * 5);
}

/* Counted token by token. */
static double pairs_counted(int tokens, int prefix, int window) {
    double pairs = 0;
    for (int i = 0; i < tokens; i++) {
        for (int j = 0; j <= prefix + i; j++) {
            pairs += window == 0 || prefix + i - j < window;
        }
    }
    return pairs;
}

static void prefill_attention_counts_the_pairs_that_see_each_other(void **state) {
    (void)state;
    static const int tokens[] = {1, 2, 17, 64}, prefixes[] = {0, 1, 16, 100},
                     windows[] = {0, 1, 2, 16, 17, 80, 164, 1000};
    for (size_t t = 0; t < 4; t++) {
        for (size_t p = 0; p < 4; p++) {
            for (size_t w = 0; w < 8; w++) {
                double x[] = {2, tokens[t], prefixes[p], 8, 2, 64, windows[w]};
                assert_close(op_prefill_attention.flops(x),
                             4.0 * 2 * 8 * 64 * pairs_counted(tokens[t], prefixes[p], windows[w]));
            }
        }
    }
}

static void decoding_one_token_is_prefilling_one_behind_the_others(void **state) {
    (void)state;
    static const int windows[] = {0, 1, 100, 4096};
    for (size_t w = 0; w < 4; w++) {
        double decode[] = {3, 1000, 32, 8, 128, windows[w]}, prefill[] = {3, 1, 999, 32, 8, 128, windows[w]};
        assert_close(op_decode_attention.flops(decode), op_prefill_attention.flops(prefill));
    }
    double x[] = {3, 1000, 32, 8, 128, 0};
    assert_close(op_decode_attention.bytes(x, 2),
                 op_prefill_attention.bytes((double[]){3, 1, 999, 32, 8, 128, 0}, 2));
    assert_close(op_decode_attention.bytes(x, 2), 2 * 2 * 3 * 8 * 128 * 1000.0 + 2 * 2 * 3 * 32 * 128);
}

static void an_encoder_looks_at_twice_as_many_pairs_as_a_decoder_nearly(void **state) {
    (void)state;
    double encoder[] = {4, 512, 16, 64}, decoder[] = {4, 512, 0, 16, 16, 64, 0};
    assert_close(op_encoder_attention.flops(encoder) * (512 + 1) / (2 * 512),
                 op_prefill_attention.flops(decoder));
    assert_close(op_encoder_attention.bytes(encoder, 2), op_prefill_attention.bytes(decoder, 2));
}

static void every_op_can_be_placed_and_its_alignments_look_at_what_is_placed(void **state) {
    (void)state;
    for (int i = 0; ops[i]; i++) {
        const struct op *op = ops[i];
        int axes = op_axes(op);
        assert_true(axes <= OP_AXES_MAX && op->coordinates <= OP_COORDINATES_MAX);
        assert_true(op->site > 0 && op->site < 1u << axes);
        assert_true(op->alignments >= 1 && op->alignments <= OP_ALIGNMENTS_MAX);
        double x[OP_AXES_MAX], z[OP_COORDINATES_MAX];
        for (int a = 0; a < axes; a++) {
            x[a] = 4;
        }
        op->place(x, z);
        for (int a = 0; a < op->alignments; a++) {
            const struct op_alignment *by = &op->alignment[a];
            for (int c = 0; c < op->coordinates; c++) {
                assert_true(isfinite(z[c]) && by->scale[c] >= 0);
            }
            for (int s = 0; s < by->swept_count; s++) {
                assert_true(by->scale[by->swept[s]] > 0);
            }
        }
        assert_true(op_work(op, x) > 0 && op->bytes(x, 2) > op->bytes(x, 1));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_matrix_product_multiplies_and_adds_once_for_each_of_its_cells_and_k),
        cmocka_unit_test(prefill_attention_counts_the_pairs_that_see_each_other),
        cmocka_unit_test(decoding_one_token_is_prefilling_one_behind_the_others),
        cmocka_unit_test(an_encoder_looks_at_twice_as_many_pairs_as_a_decoder_nearly),
        cmocka_unit_test(every_op_can_be_placed_and_its_alignments_look_at_what_is_placed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
