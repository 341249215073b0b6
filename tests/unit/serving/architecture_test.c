#include "service_time_fixture.h"

#include <ctype.h>
#include <string.h>

/* What a shape leaves open: whether the head is the embedding, and which layers have biases. */
struct published {
    const char *name;
    bool tied, qkv_bias;
};

static const struct published shapes[] = {
    {"llama-3-8b", false, false},    {"llama-3.1-8b", false, false},   {"llama-3-70b", false, false},
    {"llama-3.1-70b", false, false}, {"llama-3.1-405b", false, false}, {"llama-3.2-1b", true, false},
    {"llama-3.2-3b", true, false},   {"llama-2-7b", false, false},     {"llama-2-13b", false, false},
    {"llama-2-70b", false, false},   {"codellama-34b", false, false},  {"tinyllama-1.1b", false, false},
    {"mixtral-8x7b", false, false},  {"mistral-7b", false, false},     {"mistral-7b-v0.3", false, false},
    {"qwen2.5-0.5b", true, true},    {"qwen2.5-1.5b", true, true},     {"qwen2.5-3b", true, true},
    {"qwen2.5-7b", false, true},     {"qwen2.5-14b", false, true},     {"qwen2.5-32b", false, true},
    {"qwen2.5-72b", false, true},    {"qwen3-0.6b", true, false},      {"qwen3-4b", true, false},
    {"qwen3-8b", false, false},      {"qwen3-14b", false, false},      {"qwen3-32b", false, false},
    {"gemma-2b", true, false},
};

static const struct architecture *named(const char *name) {
    const struct architecture *a = architecture_find(name);
    assert_non_null(a);
    assert_string_equal(a->name, name);
    return a;
}

static int64_t parameters_of(const struct architecture *a, const struct published *p) {
    int64_t qkv = (a->heads + 2 * a->kv_heads) * a->head_dim;
    int64_t attention = a->hidden * qkv + a->heads * a->head_dim * a->hidden;
    int64_t ffn = a->ffn_matrices * a->hidden * a->ffn;
    int64_t experts = a->experts > 0 ? a->experts * (ffn + a->hidden) : ffn;
    int64_t small = 2 * a->hidden + (p->qkv_bias ? qkv : 0) + (a->qk_norm ? 2 * a->head_dim : 0);
    int64_t tables = (p->tied ? 1 : 2) * a->vocab * a->hidden;
    return tables + a->layers * (attention + experts + small) + a->hidden;
}

static void parameter_counts_follow_from_the_shapes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct architecture *a = named(shapes[i].name);
        if (parameters_of(a, &shapes[i]) != (int64_t)a->parameters) {
            fail_msg("%s: %lld from its shape, %.0f published", a->name,
                     (long long)parameters_of(a, &shapes[i]), a->parameters);
        }
    }
}

/* Learned positions (two more rows than positions), biases everywhere, LayerNorms of two vectors. */
static void opt_counts_its_positions_and_biases(void **state) {
    (void)state;
    const struct architecture *a = named("opt-125m");
    int64_t d = a->hidden, f = a->ffn;
    int64_t layer = 4 * d * d + 4 * d + 2 * d * f + f + d + 4 * d;
    int64_t total = a->vocab * d + (a->max_positions + 2) * d + a->layers * layer + 2 * d;
    assert_int_equal(total, (int64_t)a->parameters);
}

static void every_row_is_covered_by_a_count(void **state) {
    (void)state;
    size_t rows = 0;
    for (const struct architecture *a = architectures; a->name != NULL; a++) {
        rows++;
        assert_int_equal(a->heads % a->kv_heads, 0);
        assert_non_null(a->source);
        for (const char *const *alias = a->aliases; *alias != NULL; alias++) {
            assert_ptr_equal(architecture_find(*alias), a);
            for (const char *c = *alias; *c != '\0'; c++) {
                assert_false(isupper((unsigned char)*c));
            }
        }
    }
    assert_int_equal(rows, sizeof shapes / sizeof *shapes + 1);
}

static void model_names_of_manifests_are_found(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"meta-llama/Meta-Llama-3-8B-Instruct", "llama-3-8b"},
        {"unsloth/Meta-Llama-3.1-8B", "llama-3.1-8b"},
        {"meta-llama/Llama-3.3-70B-Instruct", "llama-3.1-70b"},
        {"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "llama-3.1-70b"},
        {"deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama-3.1-8b"},
        {"meta-llama/Llama-2-7b-hf", "llama-2-7b"},
        {"meta-llama/Llama-2-70b-chat-hf", "llama-2-70b"},
        {"codellama/CodeLlama-34b-Instruct-hf", "codellama-34b"},
        {"mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b"},
        {"mistralai/Mistral-7B-Instruct-v0.2", "mistral-7b"},
        {"mistralai/Mistral-7B-Instruct-v0.3", "mistral-7b-v0.3"},
        {"Qwen/Qwen2-7B-Instruct", "qwen2.5-7b"},
        {"Qwen/Qwen2.5-72B-Instruct-AWQ", "qwen2.5-72b"},
        {"Qwen/Qwen3-32B", "qwen3-32b"},
        {"Qwen/Qwen3-0.6B", "qwen3-0.6b"},
        {"facebook/opt-125m", "opt-125m"},
        {"hf://meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct architecture *a = architecture_find(cases[i][0]);
        assert_non_null(a);
        assert_string_equal(a->name, cases[i][1]);
    }
}

static void names_of_other_models_are_not(void **state) {
    (void)state;
    static const char *const cases[] = {"",
                                        "Qwen/Qwen2.5-VL-7B-Instruct",
                                        "Qwen/Qwen3-30B-A3B",
                                        "/models/llama",
                                        "meta-llama/Llama-4-Scout",
                                        "google/gemma-3-27b-it",
                                        "default/default"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(architecture_find(cases[i]));
    }
    assert_null(architecture_find(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameter_counts_follow_from_the_shapes),
        cmocka_unit_test(opt_counts_its_positions_and_biases),
        cmocka_unit_test(every_row_is_covered_by_a_count),
        cmocka_unit_test(model_names_of_manifests_are_found),
        cmocka_unit_test(names_of_other_models_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
