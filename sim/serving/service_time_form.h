/* sim/serving/service_time_form.h: the parts of a step in seconds, for compiling them; private to the room.
 *
 * All are on the given replica, of one step, time_factor included and overhead_s not. Deterministic maths.
 */
#ifndef DRYDOCK_SERVING_SERVICE_TIME_FORM_H
#define DRYDOCK_SERVING_SERVICE_TIME_FORM_H

#include "serving/service_time.h"

/* What grows with the tokens of the batch: linear layers, elementwise ops, all-reduces, pipeline hand-over.
 * 0 at 0 tokens. */
double form_tokens_s(const struct replica_config *config, int64_t tokens);

/* What grows with the sequences that sample: the head's GEMM and the sampler. 0 at 0 sequences. */
double form_head_s(const struct replica_config *config, int64_t sampled);

/* Drafting, once for all tokens of the batch (the draft model computes the KV of each), and what comes after
 * for the sequences that sampled: their further drafts, and the head of every draft. Attention of the draft
 * model is left out. */
double form_draft_first_s(const struct replica_config *config, int64_t tokens);
double form_draft_rest_s(const struct replica_config *config, int64_t sequences);

/* Attention of the decoding sequences: layers * (t0 + (x(K)^q + a(B)^q)^(1/q)). Callers that evaluate many
 * batches at one K keep x^q. */
struct decode_form {
    double scale_s;        /* layers * time_factor */
    double t0_s;           /* a layer */
    double bytes_a_token;  /* K and V, of one GPU and layer */
    double per_sequence_s; /* a(B) = B * per_sequence_s */
    double inverse_rate;   /* 1 / W */
    double small_s;
    double q;
};
struct decode_form decode_form_of(const struct replica_config *config);
double decode_form_x(const struct decode_form *form, double context);
double form_decode_s(const struct replica_config *config, int64_t sequences, int64_t context);

/* Attention of the prefill chunks: t0 + (X^p + Y^p)^(1/p), X = pairs * pair_s, Y = tokens * token_s + context
 * * context_s. */
struct prefill_form {
    double t0_s, pair_s, token_s, context_s, p;
};
struct prefill_form prefill_form_of(const struct replica_config *config);
double form_prefill_s(const struct replica_config *config, const struct step_shape *shape);

/* (a^q + b^q)^(1/q) for a, b >= 0, without overflow. */
double p_norm(double a, double b, double q);

/* Tokens the kernels see: CUDA graphs are captured for 1, 2, 4, multiples of 8 and, from 256, of 16. */
int64_t padded_tokens(const struct replica_config *config, int64_t tokens);

/* Bytes of a weight of a linear layer as stored; bytes of an element of the KV cache. */
double weight_bytes_each(enum precision precision);
double kv_bytes_each(enum precision precision);

#endif
