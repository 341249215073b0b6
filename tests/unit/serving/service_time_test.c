#include "service_time_fixture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/strbuf.h"
#include "config/yaml.h"
#include "serving/service_time_form.h"

/* Replicas that between them take every branch of the forms. */
struct kind {
    const char *model, *gpu;
    int64_t tensor_parallel, pipeline_parallel;
    enum precision quantization, kv;
};

static const struct kind kinds[] = {
    {"llama-3-8b", "H100", 1, 1, PRECISION_AUTO, PRECISION_AUTO},
    {"llama-3-70b", "H100", 8, 1, PRECISION_AUTO, PRECISION_AUTO},
    {"llama-3-70b", "H100", 4, 1, PRECISION_FP8, PRECISION_FP8},
    {"llama-3-70b", "H100", 2, 2, PRECISION_AUTO, PRECISION_AUTO},
    {"mixtral-8x7b", "H100", 2, 1, PRECISION_AUTO, PRECISION_AUTO},
    {"qwen3-32b", "A100", 2, 1, PRECISION_AUTO, PRECISION_AUTO},
    {"llama-3-70b", "A100", 1, 1, PRECISION_INT4, PRECISION_AUTO},
    {"llama-3-8b", "A100", 1, 1, PRECISION_FP8, PRECISION_AUTO},
    {"llama-2-7b", "A100", 1, 1, PRECISION_AUTO, PRECISION_AUTO},
    {"llama-3-8b", "L4", 1, 1, PRECISION_AUTO, PRECISION_AUTO},
    {"opt-125m", "L4", 1, 1, PRECISION_AUTO, PRECISION_AUTO},
    {"qwen2.5-0.5b", "H100", 1, 1, PRECISION_AUTO, PRECISION_AUTO},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct replica_config replica_kind(const struct kind *kind) {
    struct engine_args args = arguments(kind->model);
    args.tensor_parallel = kind->tensor_parallel;
    args.pipeline_parallel = kind->pipeline_parallel;
    args.quantization = kind->quantization;
    args.kv_cache_dtype = kind->kv;
    return replica(&args, kind->gpu);
}

static int64_t between(struct rng *r, int64_t low, int64_t high) {
    return low + (int64_t)rng_below(r, (uint64_t)(high - low + 1));
}

/* Log-uniform, so that short and long contexts are tried alike. */
static int64_t log_between(struct rng *r, int64_t low, int64_t high) {
    double value = exp(log((double)low) + rng_uniform(r) * log((double)high / (double)low));
    return (int64_t)value < low ? low : (int64_t)value > high ? high : (int64_t)value;
}

static struct step_shape decoding(int64_t sequences, int64_t context) {
    return (struct step_shape){
        .decode_sequences = sequences, .decode_context = context, .sampled = sequences};
}

/* One chunk of `tokens` that follow `before` tokens of its prompt. */
static struct step_shape with_chunk(struct step_shape shape, int64_t tokens, int64_t before) {
    shape.prefill_tokens += tokens;
    shape.prefill_pairs += tokens * before + tokens * (tokens + 1) / 2;
    shape.prefill_context += tokens + before;
    return shape;
}

static struct step_shape random_decode(struct rng *r, const struct replica_config *c) {
    int64_t sequences = log_between(r, 1, c->max_num_seqs);
    int64_t tokens = c->kv_blocks * c->block_tokens;
    return decoding(sequences, log_between(r, sequences, tokens > sequences ? tokens : sequences));
}

static void the_decode_table_keeps_its_tolerance(void **state) {
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct replica_config c = replica_kind(&kinds[i]);
        struct arena arena = {0};
        struct service_time *times = compiled(&c, &arena);
        struct rng r = rng_stream(1, RNG_TEST, kinds[i].model);
        double worst = 0;
        for (int n = 0; n < 20000; n++) {
            struct step_shape shape = random_decode(&r, &c);
            double attention = form_decode_s(&c, shape.decode_sequences, shape.decode_context);
            double error = simtime_to_s(service_time_step(times, &shape)) - service_time_form_s(&c, &shape);
            worst = fmax(worst, fabs(error) / attention);
        }
        arena_free(&arena);
        if (worst > SERVICE_TIME_TOLERANCE) {
            fail_msg("%s on %s: decode attention is off by %.3f %%", kinds[i].model, kinds[i].gpu,
                     100 * worst);
        }
    }
}

static void steps_with_prefill_follow_the_form(void **state) {
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct replica_config c = replica_kind(&kinds[i]);
        struct arena arena = {0};
        struct service_time *times = compiled(&c, &arena);
        struct rng r = rng_stream(2, RNG_TEST, kinds[i].model);
        for (int n = 0; n < 2000; n++) {
            struct step_shape shape = {0};
            if (n % 2 == 0) {
                shape = random_decode(&r, &c);
            }
            int64_t room = c.max_num_batched_tokens - shape.decode_sequences;
            if (room > 0) {
                shape = with_chunk(shape, log_between(&r, 1, room), between(&r, 0, 4000));
            }
            double form = service_time_form_s(&c, &shape);
            assert_true(fabs(simtime_to_s(service_time_step(times, &shape)) / form - 1) < 0.002);
        }
        arena_free(&arena);
    }
}

static void a_step_lies_on_its_decode_line(void **state) {
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct replica_config c = replica_kind(&kinds[i]);
        struct arena arena = {0};
        struct service_time *times = compiled(&c, &arena);
        struct rng r = rng_stream(3, RNG_TEST, kinds[i].model);
        for (int n = 0; n < 5000; n++) {
            struct step_shape shape = random_decode(&r, &c);
            struct decode_line line =
                service_time_decode_line(times, shape.decode_sequences, shape.decode_context);
            assert_true(line.from <= shape.decode_context && shape.decode_context < line.to);
            assert_true(line.slope >= 0);
            assert_true(line.base + line.slope * (shape.decode_context - line.from) ==
                        service_time_step(times, &shape));
        }
        arena_free(&arena);
    }
}

static void decode_lines_meet(void **state) {
    (void)state;
    struct replica_config c = replica_kind(&kinds[0]);
    struct arena arena = {0};
    struct service_time *times = compiled(&c, &arena);
    for (int64_t sequences = 1; sequences <= c.max_num_seqs; sequences += 31) {
        struct decode_line line = service_time_decode_line(times, sequences, 0);
        assert_int_equal(line.from, 0);
        while (line.to != INT64_MAX) {
            struct decode_line next = service_time_decode_line(times, sequences, line.to);
            assert_true(next.from == line.to);
            assert_true(next.base == line.base + line.slope * (line.to - line.from));
            assert_true(next.slope >= 0 && next.to > next.from);
            line = next;
        }
        assert_true(line.from < 2 * c.kv_blocks * c.block_tokens);
    }
    arena_free(&arena);
}

/* What the batching engine does for a run of identical iterations: each one adds a token a sequence. */
static void a_run_of_iterations_has_a_closed_form(void **state) {
    (void)state;
    struct replica_config c = replica_kind(&kinds[0]);
    struct arena arena = {0};
    struct service_time *times = compiled(&c, &arena);
    struct rng r = rng_stream(4, RNG_TEST, "run");
    for (int n = 0; n < 300; n++) {
        struct step_shape shape = random_decode(&r, &c);
        int64_t sequences = shape.decode_sequences, context = shape.decode_context;
        struct decode_line line = service_time_decode_line(times, sequences, context);
        int64_t count = (line.to - 1 - context) / sequences + 1;
        count = count < 1000 ? count : 1000;
        simtime sum = 0;
        for (int64_t k = 0; k < count; k++) {
            shape.decode_context = context + k * sequences;
            sum += service_time_step(times, &shape);
        }
        simtime first = line.base + line.slope * (context - line.from);
        assert_true(sum == count * first + line.slope * sequences * (count * (count - 1) / 2));
    }
    arena_free(&arena);
}

static void the_last_line_goes_on_for_ever(void **state) {
    (void)state;
    struct replica_config c = replica_kind(&kinds[0]);
    struct arena arena = {0};
    struct service_time *times = compiled(&c, &arena);
    int64_t far = INT64_C(1) << 40;
    struct decode_line line = service_time_decode_line(times, 8, far);
    assert_true(line.to == INT64_MAX && line.from < far);
    struct step_shape shape = decoding(8, far);
    double form = service_time_form_s(&c, &shape);
    assert_true(fabs(simtime_to_s(service_time_step(times, &shape)) / form - 1) < 0.01);
    arena_free(&arena);
}

static void more_work_never_takes_less_time(void **state) {
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct replica_config c = replica_kind(&kinds[i]);
        struct arena arena = {0};
        struct service_time *times = compiled(&c, &arena);
        struct rng r = rng_stream(5, RNG_TEST, kinds[i].model);
        for (int n = 0; n < 20000; n++) {
            struct step_shape shape = random_decode(&r, &c);
            if (shape.decode_sequences >= c.max_num_seqs) {
                continue;
            }
            simtime before = service_time_step(times, &shape);
            struct step_shape longer = shape, wider = shape;
            longer.decode_context++;
            wider.decode_sequences++;
            wider.decode_context++;
            wider.sampled++;
            assert_true(service_time_step(times, &longer) >= before);
            assert_true(service_time_step(times, &wider) >= before);
            if (shape.decode_sequences + 40 < c.max_num_batched_tokens) {
                int64_t tokens = between(&r, 1, c.max_num_batched_tokens - shape.decode_sequences - 1);
                struct step_shape mixed = with_chunk(shape, tokens, 100);
                simtime chunk = service_time_step(times, &mixed);
                struct step_shape larger = with_chunk(shape, tokens + 1, 100);
                struct step_shape deeper = with_chunk(shape, tokens, 101);
                assert_true(chunk > before);
                assert_true(service_time_step(times, &larger) >= chunk);
                assert_true(service_time_step(times, &deeper) >= chunk);
            }
        }
        arena_free(&arena);
    }
}

/* FLOPs and bytes that no implementation can leave out, at the datasheet's peak. */
static double floor_s(const struct replica_config *c, const struct step_shape *shape) {
    const struct architecture *a = c->architecture;
    double gpus = (double)c->tensor_parallel, d = (double)a->hidden, hd = (double)a->head_dim;
    double chosen = a->experts > 0 ? (double)a->experts_per_token : 1;
    double layer =
        2 * d * hd * (double)(a->heads + a->kv_heads) + chosen * (double)a->ffn_matrices * d * (double)a->ffn;
    double tokens = (double)(shape->decode_sequences + shape->prefill_tokens);
    double layers = (double)a->layers * layer, head = (double)a->vocab * d;
    double pairs = (double)(shape->prefill_pairs + shape->decode_context);
    double flops = 2 * (layers * tokens + head * (double)shape->sampled) +
                   4 * pairs * (double)(a->layers * a->heads) * hd;
    double bytes = layers * weight_bytes_each(c->weights) + (shape->sampled > 0 ? 2 * head : 0) +
                   (double)shape->decode_context * c->kv_bytes_per_token;
    double peak = c->gpu->peak_bf16_flops * (c->gpu->has_fp8 && c->weights == PRECISION_FP8 ? 2 : 1);
    return fmax(flops / peak, bytes / c->gpu->peak_bytes_per_s) / gpus;
}

static void no_step_beats_the_datasheet(void **state) {
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct replica_config c = replica_kind(&kinds[i]);
        struct arena arena = {0};
        struct service_time *times = compiled(&c, &arena);
        struct rng r = rng_stream(6, RNG_TEST, kinds[i].model);
        for (int n = 0; n < 5000; n++) {
            struct step_shape shape = random_decode(&r, &c);
            int64_t room = c.max_num_batched_tokens - shape.decode_sequences;
            if (n % 2 == 0 && room > 0) {
                shape = with_chunk(shape, log_between(&r, 1, room), between(&r, 0, 8000));
            }
            double step = simtime_to_s(service_time_step(times, &shape));
            if (step < floor_s(&c, &shape)) {
                fail_msg("%s on %s: %g s, below %g s", kinds[i].model, kinds[i].gpu, step,
                         floor_s(&c, &shape));
            }
        }
        arena_free(&arena);
    }
}

static void factor_and_overhead_enter_once(void **state) {
    (void)state;
    struct replica_config c = replica_kind(&kinds[0]);
    struct step_shape shape = with_chunk(decoding(16, 9000), 300, 50);
    double plain = service_time_form_s(&c, &shape);
    c.time_factor = 1.5;
    c.overhead_s = 2e-3;
    struct arena arena = {0};
    struct service_time *times = compiled(&c, &arena);
    double step = simtime_to_s(service_time_step(times, &shape));
    assert_true(fabs(step - (1.5 * plain + 2e-3)) < 0.002 * step);
    struct step_shape nothing = {0};
    assert_true(service_time_step(times, &nothing) == simtime_from_s(2e-3));
    arena_free(&arena);
}

static void a_step_takes_at_least_a_picosecond(void **state) {
    (void)state;
    struct replica_config c = replica_kind(&kinds[0]);
    struct arena arena = {0};
    struct step_shape nothing = {0};
    assert_true(service_time_step(compiled(&c, &arena), &nothing) == 1);
    arena_free(&arena);
}

static void tables_are_small(void **state) {
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct replica_config c = replica_kind(&kinds[i]);
        struct arena arena = {0};
        compiled(&c, &arena);
        assert_true(arena.used_bytes < 3 << 20);
        arena_free(&arena);
    }
}

static void tables_too_large_are_refused(void **state) {
    (void)state;
    struct replica_config c = replica_kind(&kinds[0]);
    struct arena arena = {0};
    struct error err = {0};
    c.max_num_seqs = SERVICE_TIME_MAX_SEQUENCES + 1;
    assert_null(service_time_compile(&c, &arena, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    arena_free(&arena);
}

/* ---- the norm behind an all-reduce ---- */

static double with_and_without(const struct replica_config *c, int64_t sequences) {
    struct step_shape shape = decoding(sequences, sequences * 500);
    struct replica_config apart = *c;
    apart.fused_all_reduce = false;
    return service_time_form_s(&apart, &shape) - service_time_form_s(c, &shape);
}

static void a_norm_behind_a_small_all_reduce_is_part_of_it(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Llama-2-70b-hf");
    args.tensor_parallel = 4;
    struct replica_config c = replica(&args, "H100");
    assert_true(c.fused_all_reduce);
    /* 80 layers, each without two launches and four times 8192 bf16 values a token. */
    double saved = 80 * (2 * 2.2e-6 + 2 * 64 * 4 * 8192.0 / 2.6e12);
    assert_true(fabs(with_and_without(&c, 64) / saved - 1) < 1e-9);
    assert_true(with_and_without(&c, 128) > 0);  /* 2 MiB */
    assert_true(with_and_without(&c, 129) == 0); /* padded to 136 */
    args.tensor_parallel = 8;
    c = replica(&args, "H100");
    assert_true(with_and_without(&c, 32) > 0 && with_and_without(&c, 33) == 0);
}

static void norms_are_kernels_of_their_own_elsewhere(void **state) {
    (void)state;
    struct engine_args args = arguments("meta-llama/Llama-3.1-8B");
    struct replica_config alone = replica(&args, "H100");
    assert_true(with_and_without(&alone, 64) == 0);
    args.tensor_parallel = 2;
    struct replica_config a100 = replica(&args, "A100");
    assert_true(with_and_without(&a100, 64) == 0);
    args.data_parallel = 2;
    assert_false(replica(&args, "H100").fused_all_reduce);
    args.data_parallel = -1;
    args.enforce_eager = 1;
    assert_false(replica(&args, "H100").fused_all_reduce);
    args.enforce_eager = -1;
    args.pipeline_parallel = 2;
    assert_false(replica(&args, "H100").fused_all_reduce);
}

/* ---- measured decode steps ---- */

/* Batches are means (Little's law) and need not be whole: between two of them the time is a straight line. */
static double step_at(const struct replica_config *c, double sequences, double context) {
    double below = floor(sequences), share = sequences - below;
    struct step_shape low = decoding((int64_t)below, (int64_t)(context + 0.5));
    struct step_shape high = decoding((int64_t)below + 1, (int64_t)(context + 0.5));
    return (1 - share) * service_time_form_s(c, &low) + share * service_time_form_s(c, &high);
}

static struct replica_config measured_replica(const char *model, int64_t tensor_parallel) {
    struct engine_args args = arguments(model);
    args.tensor_parallel = tensor_parallel;
    args.max_model_len = 4096;
    args.max_num_batched_tokens = 2048;
    args.max_num_seqs = 128;
    args.dtype = PRECISION_FP16;
    return replica(&args, "H100");
}

struct errors {
    double sum, worst;
    int count;
};

static void add_error(struct errors *errors, const char *model, double sequences, double step_s,
                      double tpot_s) {
    double error = fabs(step_s / tpot_s - 1);
    print_message("%s B %.1f: %.2f ms, measured %.2f (%+.1f %%)\n", model, sequences, 1e3 * step_s,
                  1e3 * tpot_s, 100 * (step_s / tpot_s - 1));
    errors->sum += error;
    errors->worst = fmax(errors->worst, error);
    errors->count++;
}

/* vLLM on H100, its time per output token (medians) and the batch it ran at. */
static const struct {
    const char *model;
    int64_t tensor_parallel;
    double sequences, context, tpot_s;
} measured[] = {
    {"meta-llama/Llama-2-7b-hf", 1, 8.98, 6424, 7.2045e-3},
    {"meta-llama/Llama-2-7b-hf", 1, 16.40, 11482, 8.1594e-3},
    {"meta-llama/Llama-2-7b-hf", 1, 22.16, 15845, 8.8856e-3},
    {"meta-llama/Llama-2-7b-hf", 1, 82.48, 57734, 16.4189e-3},
    {"codellama/CodeLlama-34b-Instruct-hf", 2, 29.40, 20559, 14.5771e-3},
    {"codellama/CodeLlama-34b-Instruct-hf", 2, 85.14, 59531, 16.8780e-3},
    {"meta-llama/Llama-2-70b-hf", 4, 37.33, 26111, 18.5916e-3},
    {"meta-llama/Llama-2-70b-hf", 4, 110.30, 77143, 21.9618e-3},
};

static void measured_decode_steps_are_met_at_their_batch(void **state) {
    (void)state;
    struct errors errors = {0};
    for (size_t i = 0; i < sizeof measured / sizeof *measured; i++) {
        struct replica_config c = measured_replica(measured[i].model, measured[i].tensor_parallel);
        double step = step_at(&c, measured[i].sequences, measured[i].context);
        add_error(&errors, measured[i].model, measured[i].sequences, step, measured[i].tpot_s);
    }
    print_message("mean %.1f %%, largest %.1f %%\n", 100 * errors.sum / errors.count, 100 * errors.worst);
    assert_true(errors.sum / errors.count <= 0.02);
    assert_true(errors.worst <= 0.04);
}

static void measured_mixtral_steps_are_met_within_a_tenth(void **state) {
    (void)state;
    struct errors errors = {0};
    struct replica_config c = measured_replica("mistralai/Mixtral-8x7B-v0.1", 2);
    add_error(&errors, "Mixtral", 37.97, step_at(&c, 37.97, 26394), 18.8994e-3);
    add_error(&errors, "Mixtral", 102.50, step_at(&c, 102.50, 71257), 20.4076e-3);
    assert_true(errors.worst <= 0.10);
}

static double number_at(const struct yaml_node *node, const char *first, const char *second,
                        const char *third) {
    node = yaml_get(node, first);
    node = second != NULL ? yaml_get(node, second) : node;
    node = third != NULL ? yaml_get(node, third) : node;
    assert_non_null(node);
    return number_read(node->text, NULL);
}

static void add_stage(struct errors *errors, const struct yaml_node *run, const struct yaml_node *stage) {
    const char *model = yaml_get(run, "model")->text;
    double e2e = number_at(stage, "measured", "e2e_s", "p50");
    double ttft = number_at(stage, "measured", "ttft_s", "p50");
    double output = number_at(stage, "output_tokens", "p50", NULL);
    double sequences = number_at(stage, "achieved_rate_per_s", NULL, NULL) * e2e;
    double context = sequences * (number_at(stage, "prompt_tokens", "mean", NULL) + output / 2);
    struct replica_config c =
        measured_replica(model, (int64_t)number_at(run, "engine_args", "tensor_parallel", NULL));
    add_error(errors, model, sequences, step_at(&c, sequences, context), (e2e - ttft) / (output - 1));
}

static void the_ground_truth_file_is_met_at_its_batches(void **state) {
    (void)state;
    const char *data = getenv("DATA");
    char path[4096];
    snprintf(path, sizeof path, "%s/ground_truth/vllm_h100.json", data != NULL ? data : "../shared");
    if (access(path, R_OK) != 0) {
        print_message("no %s: skipped\n", path);
        skip();
    }
    struct arena arena = {0};
    struct error err = {0};
    struct yaml_file file;
    assert_true(yaml_load(path, &arena, &file, &err));
    const struct yaml_node *runs = yaml_get(file.documents[0], "runs");
    struct errors errors = {0};
    for (size_t i = 0; i < runs->count; i++) {
        const struct yaml_node *stages = yaml_get(runs->items[i], "stages");
        bool dense = architecture_find(yaml_get(runs->items[i], "model")->text)->experts == 0;
        for (size_t k = 0; dense && k < stages->count; k++) {
            add_stage(&errors, runs->items[i], stages->items[k]);
        }
    }
    assert_true(errors.count >= 1);
    assert_true(errors.sum / errors.count <= 0.02);
    assert_true(errors.worst <= 0.04);
    arena_free(&arena);
}

/* ---- the same bits everywhere ---- */

static uint64_t mixed(uint64_t hash, simtime value) {
    return (hash ^ (uint64_t)value) * UINT64_C(1099511628211);
}

/* Every table through its readers; FNV-1a over the picoseconds. */
static uint64_t tables_hash(void) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = 0; i < KINDS; i++) {
        struct replica_config c = replica_kind(&kinds[i]);
        struct arena arena = {0};
        struct service_time *times = compiled(&c, &arena);
        hash = mixed(hash, c.kv_blocks);
        for (int64_t sequences = 1; sequences <= c.max_num_seqs; sequences += 7) {
            for (int64_t context = 0;;) {
                struct decode_line line = service_time_decode_line(times, sequences, context);
                hash = mixed(mixed(hash, line.base), line.slope);
                if (line.to == INT64_MAX) {
                    break;
                }
                context = line.to;
            }
        }
        for (int64_t tokens = 1; tokens <= c.max_num_batched_tokens; tokens += 3) {
            struct step_shape shape = with_chunk((struct step_shape){.sampled = 1}, tokens, 5 * tokens);
            hash = mixed(hash, service_time_step(times, &shape));
        }
        arena_free(&arena);
    }
    return hash;
}

static const char *own_path;

static void the_processor_changes_no_bit(void **state) {
    (void)state;
    char command[4096], line[64] = "", here[64];
    snprintf(command, sizeof command,
             "GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2,-AVX2_Usable,-FMA_Usable '%s' hash", own_path);
    FILE *child = popen(command, "r");
    assert_non_null(child);
    assert_non_null(fgets(line, sizeof line, child));
    assert_int_equal(pclose(child), 0);
    snprintf(here, sizeof here, "%016" PRIx64 "\n", tables_hash());
    assert_string_equal(line, here);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "hash") == 0) {
        printf("%016" PRIx64 "\n", tables_hash());
        return 0;
    }
    own_path = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_decode_table_keeps_its_tolerance),
        cmocka_unit_test(steps_with_prefill_follow_the_form),
        cmocka_unit_test(a_step_lies_on_its_decode_line),
        cmocka_unit_test(decode_lines_meet),
        cmocka_unit_test(a_run_of_iterations_has_a_closed_form),
        cmocka_unit_test(the_last_line_goes_on_for_ever),
        cmocka_unit_test(more_work_never_takes_less_time),
        cmocka_unit_test(no_step_beats_the_datasheet),
        cmocka_unit_test(factor_and_overhead_enter_once),
        cmocka_unit_test(a_step_takes_at_least_a_picosecond),
        cmocka_unit_test(tables_are_small),
        cmocka_unit_test(tables_too_large_are_refused),
        cmocka_unit_test(a_norm_behind_a_small_all_reduce_is_part_of_it),
        cmocka_unit_test(norms_are_kernels_of_their_own_elsewhere),
        cmocka_unit_test(measured_decode_steps_are_met_at_their_batch),
        cmocka_unit_test(measured_mixtral_steps_are_met_within_a_tenth),
        cmocka_unit_test(the_ground_truth_file_is_met_at_its_batches),
        cmocka_unit_test(the_processor_changes_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
