/* Which drafts are right, and what an engine's arguments ask for. */
#include "tests/unit/serving/service_time_fixture.h"

#include <math.h>
#include <string.h>

static struct replica_config drafting(double acceptance) {
    return (struct replica_config){.speculation = {.acceptance = acceptance}, .seed = 7};
}

/* Leviathan et al. 2023, equation 1: (1 - alpha^(k+1)) / (1 - alpha) tokens a step. A step's tokens lie
 * between 1 and k + 1, so their standard deviation is at most k / 2; five standard errors. */
static void a_step_makes_as_many_tokens_as_the_closed_form_says(void **state) {
    (void)state;
    enum { REQUESTS = 40000, DRAFTS = 4 };
    static const double acceptances[] = {0, 0.3, 0.7, 0.95, 1};
    for (int i = 0; i < 5; i++) {
        struct replica_config c = drafting(acceptances[i]);
        double alpha = acceptances[i], sum = 0;
        for (uint64_t id = 0; id < REQUESTS; id++) {
            sum += 1 + accepted_drafts(&c, id, 3, DRAFTS);
        }
        double expected = alpha < 1 ? (1 - pow(alpha, DRAFTS + 1)) / (1 - alpha) : DRAFTS + 1;
        assert_true(fabs(sum / REQUESTS - expected) <= 5 * (DRAFTS / 2.0) / sqrt(REQUESTS));
    }
}

/* A batch that is short of budget verifies fewer drafts: the answer goes on as it would have. */
static void how_many_are_verified_changes_none_of_them(void **state) {
    (void)state;
    struct replica_config c = drafting(0.6);
    for (uint64_t id = 0; id < 200; id++) {
        uint32_t right = accepted_drafts(&c, id, 11, 8);
        for (uint32_t drafts = 0; drafts <= 8; drafts++) {
            assert_int_equal(accepted_drafts(&c, id, 11, drafts), right < drafts ? right : drafts);
        }
        /* One place further on all but the first are the same. */
        assert_true(right == 0 || accepted_drafts(&c, id, 12, 7) == right - 1);
    }
    struct replica_config other = c;
    other.seed = 8;
    uint64_t differs = 0;
    for (uint64_t id = 0; id < 200; id++) {
        differs += accepted_drafts(&c, id, 1, 8) != accepted_drafts(&other, id, 1, 8);
    }
    assert_true(differs > 50);
}

static struct engine_args asking(const char *method, const char *model, int64_t tokens) {
    struct engine_args args = arguments("meta-llama/Llama-3.1-70B-Instruct");
    args.tensor_parallel = 4;
    args.speculation =
        (struct engine_speculation){.method = method, .model = model, .tokens = tokens, .pos = args.pos};
    return args;
}

static void the_method_is_named_or_told_by_the_model(void **state) {
    (void)state;
    static const struct {
        const char *method, *model;
        enum draft_kind kind;
        int64_t lookahead;
    } cases[] = {
        {"ngram", NULL, DRAFT_LOOKUP, 0},
        {NULL, "[ngram]", DRAFT_LOOKUP, 0},
        {"eagle3", "some/head", DRAFT_LAYER, 3},
        {NULL, "yuhuili/EAGLE-LLaMA3.1-Instruct-70B", DRAFT_LAYER, 3},
        {"deepseek_mtp", NULL, DRAFT_LAYER, 3},
        {"medusa", "some/heads", DRAFT_HEADS, 0},
        {NULL, "meta-llama/Llama-3.2-1B-Instruct", DRAFT_MODEL, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct engine_args args = asking(cases[i].method, cases[i].model, 3);
        struct replica_config c = replica(&args, "H100");
        assert_int_equal(c.speculation.kind, cases[i].kind);
        assert_int_equal(c.speculation.tokens, 3);
        assert_int_equal(c.lookahead_tokens, cases[i].lookahead);
    }
    struct engine_args off = asking("ngram", NULL, 0);
    assert_int_equal(replica(&off, "H100").speculation.kind, DRAFT_NONE);
}

static void a_draft_model_takes_memory_and_time(void **state) {
    (void)state;
    struct engine_args plain = asking(NULL, NULL, -1), ngram = asking("ngram", NULL, 3);
    struct engine_args eagle = asking("eagle", "x", 3);
    struct engine_args model = asking(NULL, "meta-llama/Llama-3.2-1B-Instruct", 3);
    struct replica_config a = replica(&plain, "H100"), b = replica(&ngram, "H100"),
                          c = replica(&eagle, "H100"), d = replica(&model, "H100");
    assert_int_equal(a.kv_blocks, b.kv_blocks);
    assert_true(b.kv_blocks > c.kv_blocks && b.kv_blocks > d.kv_blocks);
    struct arena arena = {0};
    struct step_shape one = {.decode_sequences = 8, .decode_context = 8000, .sampled = 8};
    struct step_shape four = {
        .decode_sequences = 8, .decode_context = 8024, .draft_tokens = 24, .sampled = 32};
    simtime alone = service_time_step(compiled(&a, &arena), &one);
    simtime looked_up = service_time_step(compiled(&b, &arena), &four);
    simtime drafted = service_time_step(compiled(&c, &arena), &four);
    simtime modelled = service_time_step(compiled(&d, &arena), &four);
    assert_true(alone < looked_up && looked_up < drafted && drafted < modelled);
    assert_true((double)looked_up < 1.5 * (double)alone); /* verifying four tokens reads the weights once */
    arena_free(&arena);
}

static void assert_refused(const char *method, const char *model, int64_t tokens, const char *expected) {
    struct engine_args args = asking(method, model, tokens);
    struct replica_config config;
    struct error err = {0};
    assert_false(
        replica_config_fill(&config, &args, architecture_find(args.model), gpu_find("H100"), 0, 8, &err));
    assert_non_null(strstr(err.expected, expected));
    assert_string_equal(err.field, "--speculative-config");
    assert_int_equal(err.line, 12);
}

static void what_no_engine_takes_is_refused(void **state) {
    (void)state;
    assert_refused("ngram", NULL, -1, "num_speculative_tokens");
    assert_refused("ngram", NULL, 65, "1 to 64");
    assert_refused("oracle", NULL, 3, "unknown method 'oracle'");
    assert_refused("draft_model", "acme/secret", 3, "draft model 'acme/secret'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_makes_as_many_tokens_as_the_closed_form_says),
        cmocka_unit_test(how_many_are_verified_changes_none_of_them),
        cmocka_unit_test(the_method_is_named_or_told_by_the_model),
        cmocka_unit_test(a_draft_model_takes_memory_and_time),
        cmocka_unit_test(what_no_engine_takes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
