#include "trace_fixture.h"

static void parameters_are_set_from_text(void **state) {
    (void)state;
    static const char *const settings[][2] = {
        {"process", "mmpp"},
        {"rate_per_s", "300/min"},
        {"shape", "0.5"},
        {"duration_s", "1h30m"},
        {"states", "0.2:5m, 3:60s"},
        {"profile", "[1, 2.5, 0]"},
        {"profile_period_s", "1d"},
        {"input_tokens", "lognormal(median=900, sigma=1.1, low=1, high=8192)"},
        {"output_tokens", "quantiles(0=1, 50%=120, 1=4000)"},
        {"correlation", "-0.25"},
        {"session_turns_mean", "3.5"},
        {"service", "chat"},
        {"seed", "18446744073709551"},
        {"name", "morning"},
    };
    struct arena arena = {0};
    struct error err = {0};
    struct synth_spec spec;
    synth_defaults(&spec);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        assert_true(synth_set(&spec, &arena, settings[i][0], settings[i][1], &err));
    }
    assert_true(synth_check(&spec, &err));
    assert_int_equal(spec.process, ARRIVAL_MMPP);
    assert_true(spec.rate_per_s == 5 && spec.shape == 0.5 && spec.duration_s == 5400);
    assert_true(spec.state_count == 2 && spec.state_rate[1] == 3 && spec.state_sojourn_s[0] == 300);
    assert_true(spec.profile_count == 3 && spec.profile[1] == 2.5 && spec.profile_period_s == 86400);
    assert_int_equal(spec.input_tokens.law, LENGTH_LOGNORMAL);
    assert_true(spec.input_tokens.mu > 6.8023 && spec.input_tokens.mu < 6.8025); /* ln 900 */
    assert_int_equal(spec.input_tokens.high, 8192);
    assert_int_equal(spec.output_tokens.quantile_count, 3);
    assert_true(spec.output_tokens.probability[1] == 0.5 && spec.output_tokens.value[1] == 120);
    assert_true(spec.correlation == -0.25 && spec.session_turns_mean == 3.5);
    assert_string_equal(spec.service, "chat");
    assert_string_equal(spec.name, "morning");
    assert_true(spec.seed == 18446744073709551u);
    arena_free(&arena);
}

static void a_bare_number_is_a_constant_length(void **state) {
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    struct synth_spec spec;
    synth_defaults(&spec);
    assert_true(synth_set(&spec, &arena, "input_tokens", "4k", &err));
    assert_int_equal(spec.input_tokens.law, LENGTH_CONSTANT);
    assert_int_equal(spec.input_tokens.low, 4000);
    arena_free(&arena);
}

static void what_cannot_be_is_named_with_what_was_expected(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *part;
    } cases[] = {
        {"rate", "2", "did you mean"},
        {"colour", "2", "no parameter of synthesis"},
        {"process", "gama", "did you mean gamma?"},
        {"rate_per_s", "fast", "rate_per_s: 'fast': expected"},
        {"rate_per_s", "nan", "expected"},
        {"duration_s", "soon", "duration"},
        {"input_tokens", "-5", "whole number of tokens"},
        {"input_tokens", "2.5", "whole number of tokens"},
        {"input_tokens", "gauss(mu=1)", "lognormal"},
        {"input_tokens", "lognormal(mu=1", "lognormal"},
        {"input_tokens", "lognormal(mu=1))", "lognormal"},
        {"input_tokens", "lognormal(mean=1)", "a parameter of this law"},
        {"input_tokens", "lognormal(median=0)", "median above 0"},
        {"input_tokens", "lognormal(mu)", "name=value"},
        {"output_tokens", "quantiles(0=1,2=5)", "probabilities from 0 to 1"},
        {"states", "0.2,3", "at most 8 states"},
        {"profile", "1,x", "expected"},
        {"seed", "-1", "a whole number"},
        {"seed", "1.5", "a whole number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct error err = {0};
        struct synth_spec spec;
        char text[2048];
        synth_defaults(&spec);
        bool set = synth_set(&spec, &arena, cases[i].name, cases[i].text, &err);
        if (set) { /* a value that only the whole spec shows to be wrong */
            assert_false(synth_check(&spec, &err));
        }
        assert_int_equal(err.code, ERROR_INVALID);
        assert_contains(error_text(&err, text, sizeof text), cases[i].part);
        arena_free(&arena);
    }
}

static void the_whole_spec_is_checked(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *field;
    } cases[] = {
        {"rate_per_s", "0", "rate_per_s"},
        {"rate_per_s", "-1", "rate_per_s"},
        {"duration_s", "101d", "duration_s"},
        {"process", "mmpp", "states"},
        {"profile", "0,0", "profile"},
        {"correlation", "1.5", "correlation"},
        {"session_turns_mean", "0.5", "session_turns_mean"},
        {"session_think_sigma", "-1", "session_think_sigma"},
        {"input_tokens", "uniform(low=10,high=5)", "input_tokens.high"},
        {"input_tokens", "lognormal(mu=5,sigma=-1)", "input_tokens.sigma"},
        {"input_tokens", "exponential(mean=0)", "input_tokens.mean"},
        {"output_tokens", "zipf(exponent=0,high=10)", "output_tokens.exponent"},
        {"output_tokens", "quantiles(0.5=1,0.4=5)", "output_tokens.quantiles"},
        {"output_tokens", "quantiles(0.4=9,0.5=5)", "output_tokens.quantiles"},
        {"output_tokens", "quantiles(0.4=9)", "output_tokens.quantiles"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct error err = {0};
        struct synth_spec spec;
        synth_defaults(&spec);
        assert_true(synth_set(&spec, &arena, cases[i].name, cases[i].text, &err));
        assert_false(synth_check(&spec, &err));
        assert_string_equal(err.field, cases[i].field);
        arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_set_from_text),
        cmocka_unit_test(a_bare_number_is_a_constant_length),
        cmocka_unit_test(what_cannot_be_is_named_with_what_was_expected),
        cmocka_unit_test(the_whole_spec_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
