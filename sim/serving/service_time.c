/* Compiling the forms to tables, and reading them.
 *
 * Decode attention is the part a run of identical iterations needs in closed form: for each batch B a row of
 * values at knots in K, straight in between. Knots divide every octave of K into 2^bits equal pieces, so that
 * a segment's length is a power of two: finding it takes no search, its slope is a shift of the difference of
 * two neighbours, and only 8 bytes a knot are kept. The fewest knots
 * are taken that keep every row within the tolerance: 50 to 90 of the usual replica.
 *
 * A value is rounded up to a multiple of the length of the segment it begins. Lengths never shrink to the
 * right, so both ends of a segment are multiples of its length and its slope is a whole number of picoseconds
 * a token; and rounding up keeps the order of values, so that more sequences or more context never take less
 * time. The error is below 2^-bits ps a token of context, of slopes of 1000 ps and more.
 */
#include "serving/service_time.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "serving/service_time_form.h"

/* Pieces of [0, 1] in the table of (1 + r^p)^(1/p). Its largest error is 2e-5, in the first piece. */
enum { NORM_PIECES = 1024, MAX_BITS = 6, MAX_OCTAVE = 40 };

static const double picoseconds = 1e12;

struct decode_table {
    simtime *values; /* row B begins at (B - 1) * row_length */
    int64_t *starts; /* [row_length] first context of each segment, and where the last one ends */
    int64_t row_length;
    int bits;         /* 2^bits segments an octave */
    int first_octave; /* contexts below 2^first_octave are divided as that octave is */
    int64_t segments; /* of a row; the last one's end is a value too */
};

struct service_time {
    int64_t max_tokens, max_sequences;
    simtime *tokens; /* [0 .. max_tokens], overhead included */
    simtime *head;   /* [0 .. max_sampled] */
    int64_t max_sampled;
    simtime *draft_first; /* [0 .. max_tokens], of the batch; NULL = nobody drafts, or in no time */
    simtime *draft_rest;  /* [0 .. max_sequences], of those that go on */
    struct decode_table decode;
    /* prefill attention in picoseconds: t0 + larger(X, Y) * norm(smaller / larger) */
    double prefill_t0, pair, token, context;
    double norm[NORM_PIECES + 1];
};

/* ---- the knots ---- */

/* First context of segment i, and the logarithm of its length. Contexts below 2^first_octave have pieces of
 * the length of that octave's. */
static int64_t segment_start(const struct decode_table *t, int64_t i) {
    int64_t octave = i >> t->bits, piece = i & ((INT64_C(1) << t->bits) - 1);
    if (octave == 0) {
        return piece << (t->first_octave - t->bits);
    }
    octave += t->first_octave - 1;
    return (INT64_C(1) << octave) + (piece << (octave - t->bits));
}

static int segment_shift(const struct decode_table *t, int64_t i) {
    int octave = (int)(i >> t->bits);
    return t->first_octave - t->bits + (octave > 0 ? octave - 1 : 0);
}

static int64_t segment_of(const struct decode_table *t, int64_t context) {
    if (context < INT64_C(1) << t->first_octave) {
        return context >> (t->first_octave - t->bits);
    }
    int octave = 63 - __builtin_clzll((unsigned long long)context);
    int64_t i = ((int64_t)(octave - t->first_octave) << t->bits) + (context >> (octave - t->bits));
    return i < t->segments ? i : t->segments - 1;
}

/* ---- compiling ---- */

static double decode_value(const struct decode_form *form, double x, double a) {
    return form->scale_s * (form->t0_s + p_norm(x, a, form->q)) * picoseconds;
}

/* The largest error of a chord relative to the form, looked for at three places inside each segment. */
static double row_error(const struct decode_table *t, const struct decode_form *form, int64_t sequences) {
    double worst = 0, a = (double)sequences * form->per_sequence_s;
    double left = decode_value(form, 0, a);
    for (int64_t i = 0; i < t->segments; i++) {
        double from = (double)segment_start(t, i), to = (double)segment_start(t, i + 1);
        double right = decode_value(form, decode_form_x(form, to), a);
        for (int quarter = 1; quarter < 4; quarter++) {
            double share = quarter * 0.25;
            double exact = decode_value(form, decode_form_x(form, from + share * (to - from)), a);
            double error = fabs(left + share * (right - left) - exact) / exact;
            worst = error > worst ? error : worst;
        }
        left = right;
    }
    return worst;
}

static double worst_row_error(const struct decode_table *t, const struct decode_form *form,
                              int64_t max_sequences) {
    double worst = 0;
    for (int64_t sequences = 1; sequences <= max_sequences; sequences *= 2) {
        double error = row_error(t, form, sequences);
        worst = error > worst ? error : worst;
    }
    return worst;
}

/* The coarsest knots that keep the tolerance, a tenth of it left for rounding and for rows not looked at. */
static void place_knots(struct decode_table *t, const struct decode_form *form, int64_t max_sequences,
                        int64_t max_context) {
    int last_octave = 63 - __builtin_clzll((unsigned long long)max_context | 1ULL << MAX_BITS);
    last_octave = last_octave < MAX_OCTAVE ? last_octave : MAX_OCTAVE;
    for (t->bits = 2; t->bits <= MAX_BITS; t->bits++) {
        int octave = last_octave < 14 ? last_octave : 14;
        for (; octave >= t->bits; octave--) {
            t->first_octave = octave;
            t->segments = (int64_t)(last_octave - octave + 2) << t->bits;
            t->row_length = t->segments + 1;
            if (worst_row_error(t, form, max_sequences) <= 0.9 * SERVICE_TIME_TOLERANCE) {
                return;
            }
        }
    }
    t->bits = t->first_octave = MAX_BITS;
    t->segments = (int64_t)(last_octave - MAX_BITS + 2) << MAX_BITS;
    t->row_length = t->segments + 1;
}

static void fill_row(const struct decode_table *t, const struct decode_form *form, const double *x,
                     int64_t sequences) {
    simtime *values = t->values + (sequences - 1) * t->row_length;
    double a = (double)sequences * form->per_sequence_s;
    for (int64_t i = 0; i <= t->segments; i++) {
        int shift = segment_shift(t, i < t->segments ? i : t->segments - 1);
        double multiple = ceil(ldexp(decode_value(form, x[i], a), -shift));
        values[i] = (simtime)multiple << shift;
    }
}

static void compile_decode(struct service_time *s, const struct replica_config *config, struct arena *arena) {
    struct decode_form form = decode_form_of(config);
    struct decode_table *t = &s->decode;
    int64_t context = config->kv_blocks * config->block_tokens;
    place_knots(t, &form, s->max_sequences, context < 1 ? 1 : context);
    t->values = arena_array(arena, (size_t)(t->row_length * s->max_sequences), sizeof *t->values);
    double *x = mem_alloc((size_t)t->row_length * sizeof *x);
    t->starts = arena_array(arena, (size_t)t->row_length, sizeof *t->starts);
    for (int64_t i = 0; i < t->row_length; i++) {
        t->starts[i] = segment_start(t, i);
        x[i] = decode_form_x(&form, (double)segment_start(t, i));
    }
    for (int64_t sequences = 1; sequences <= s->max_sequences; sequences++) {
        fill_row(t, &form, x, sequences);
    }
    free(x);
}

static void compile_prefill(struct service_time *s, const struct replica_config *config) {
    struct prefill_form form = prefill_form_of(config);
    s->prefill_t0 = form.t0_s * picoseconds;
    s->pair = form.pair_s * picoseconds;
    s->token = form.token_s * picoseconds;
    s->context = form.context_s * picoseconds;
    for (int i = 0; i <= NORM_PIECES; i++) {
        s->norm[i] = p_norm(1, (double)i / NORM_PIECES, form.p);
    }
}

static void compile_tokens(struct service_time *s, const struct replica_config *config) {
    int64_t known = -1;
    for (int64_t m = 0; m <= s->max_tokens; m++) {
        int64_t padded = padded_tokens(config, m);
        s->tokens[m] = padded == known ? s->tokens[m - 1]
                                       : simtime_from_s(form_tokens_s(config, m) + config->overhead_s);
        known = padded;
    }
    for (int64_t m = 0; m <= s->max_sampled; m++) {
        s->head[m] = simtime_from_s(form_head_s(config, m));
    }
}

static void compile_drafts(struct service_time *s, const struct replica_config *config, struct arena *arena) {
    if (config->speculation.kind == DRAFT_NONE || config->speculation.kind == DRAFT_LOOKUP) {
        return;
    }
    s->draft_first = arena_array(arena, (size_t)s->max_tokens + 1, sizeof *s->draft_first);
    s->draft_rest = arena_array(arena, (size_t)s->max_sequences + 1, sizeof *s->draft_rest);
    for (int64_t m = 0; m <= s->max_tokens; m++) {
        s->draft_first[m] = simtime_from_s(form_draft_first_s(config, m));
    }
    for (int64_t m = 0; m <= s->max_sequences; m++) {
        s->draft_rest[m] = simtime_from_s(form_draft_rest_s(config, m));
    }
}

struct service_time *service_time_compile(const struct replica_config *config, struct arena *arena,
                                          struct error *err) {
    if (config->max_num_batched_tokens < 1 || config->max_num_seqs < 1 ||
        config->max_num_batched_tokens > SERVICE_TIME_MAX_TOKENS ||
        config->max_num_seqs > SERVICE_TIME_MAX_SEQUENCES) {
        error_set(err, ERROR_INVALID, "expected at most %d tokens and %d sequences in a step",
                  SERVICE_TIME_MAX_TOKENS, SERVICE_TIME_MAX_SEQUENCES);
        return NULL;
    }
    struct service_time *s = arena_alloc(arena, sizeof *s);
    s->max_sequences = config->max_num_seqs;
    /* vLLM's budget holds for all tokens of a step, that of others for prompts. */
    int64_t decoding = config->max_num_seqs;
    if (config->scheduler != SCHEDULER_VLLM) {
        decoding = config->max_num_seqs * (1 + config->speculation.tokens);
    }
    s->max_tokens = config->max_num_batched_tokens > decoding ? config->max_num_batched_tokens : decoding;
    s->max_tokens += config->scheduler == SCHEDULER_TGI ? decoding : 0;
    s->tokens = arena_array(arena, (size_t)s->max_tokens + 1, sizeof *s->tokens);
    s->max_sampled = s->max_sequences * (1 + config->speculation.tokens);
    s->max_sampled = s->max_sampled < s->max_tokens ? s->max_sampled : s->max_tokens;
    s->head = arena_array(arena, (size_t)s->max_sampled + 1, sizeof *s->head);
    compile_drafts(s, config, arena);
    compile_tokens(s, config);
    compile_decode(s, config, arena);
    compile_prefill(s, config);
    return s;
}

/* ---- reading ---- */

static inline void attention_line(const struct decode_table *t, int64_t sequences, int64_t context,
                                  struct decode_line *line) {
    int64_t i = segment_of(t, context);
    const simtime *value = t->values + (sequences - 1) * t->row_length + i;
    line->from = t->starts[i];
    line->to = i == t->segments - 1 ? INT64_MAX : t->starts[i + 1];
    line->base = value[0];
    line->slope = (value[1] - value[0]) >> segment_shift(t, i);
}

static simtime prefill_time(const struct service_time *s, const struct step_shape *shape) {
    double x = (double)shape->prefill_pairs * s->pair;
    double y = (double)shape->prefill_tokens * s->token + (double)shape->prefill_context * s->context;
    double larger = x > y ? x : y, smaller = x > y ? y : x;
    double at = smaller / larger * NORM_PIECES;
    int piece = (int)at;
    piece = piece < NORM_PIECES ? piece : NORM_PIECES - 1;
    double norm = s->norm[piece] + (at - piece) * (s->norm[piece + 1] - s->norm[piece]);
    return (simtime)(s->prefill_t0 + larger * norm + 0.5);
}

simtime service_time_parts(const struct service_time *s, const struct step_shape *shape,
                           struct step_parts *parts) {
    int64_t tokens = shape->decode_sequences + shape->draft_tokens + shape->prefill_tokens;
    assert(tokens <= s->max_tokens && shape->sampled <= s->max_sampled);
    *parts = (struct step_parts){.by_token = s->tokens[tokens] + s->head[shape->sampled]};
    if (shape->decode_sequences > 0) {
        assert(shape->decode_sequences <= s->max_sequences);
        struct decode_line line;
        attention_line(&s->decode, shape->decode_sequences, shape->decode_context, &line);
        parts->by_token += line.base - line.slope * line.from;
        parts->decode_slope = line.slope;
    }
    if (shape->prefill_tokens > 0) {
        parts->prefill = prefill_time(s, shape);
    }
    if (s->draft_first) {
        parts->by_token += s->draft_first[tokens] + s->draft_rest[shape->sampled - shape->draft_tokens];
    }
    simtime time = parts->by_token + parts->decode_slope * shape->decode_context + parts->prefill;
    parts->by_token += time > 0 ? 0 : 1 - time;
    return time > 0 ? time : 1;
}

simtime service_time_step(const struct service_time *s, const struct step_shape *shape) {
    struct step_parts parts;
    return service_time_parts(s, shape, &parts);
}

void service_time_decode_line_into(const struct service_time *s, int64_t decode_sequences,
                                   int64_t decode_context, struct decode_line *line) {
    assert(decode_sequences >= 1 && decode_sequences <= s->max_sequences && decode_context >= 0);
    attention_line(&s->decode, decode_sequences, decode_context, line);
    line->base += s->tokens[decode_sequences] + s->head[decode_sequences];
}
