/* Scripts into commands: the cases are text, in tests/cases/manifests/shellwords.cases. */
#include "case_file.h"

#include "manifest/server/shellwords.h"

static void dump_script(const char *input, struct strbuf *out) {
    static const char *const positional[] = {"sh", "first arg", "second"};
    struct arena arena;
    arena_init(&arena);
    struct shell_variables variables = {0};
    shell_set(&variables, &arena, "MODEL", "meta/llama");
    shell_set(&variables, &arena, "FLAGS", "--a 1  --b");
    shell_set(&variables, &arena, "EMPTY", "");
    shell_set(&variables, &arena, "SECRET", NULL);
    struct shell_script script = {0};
    const char *problem = NULL;
    int line = 0;
    if (!shell_parse(input, &variables, positional, 3, &arena, &script, &problem, &line)) {
        strbuf_printf(out, "error %d: %s\n", line, problem);
    }
    for (size_t i = 0; i < script.count; i++) {
        strbuf_printf(out, "%d:", script.commands[i].words[0].line);
        for (size_t j = 0; j < script.commands[i].count; j++) {
            const struct shell_word *w = &script.commands[i].words[j];
            strbuf_printf(out, " [%s]", w->text);
            if (w->unresolved != NULL) {
                strbuf_printf(out, "?%s", w->unresolved);
            }
        }
        strbuf_append(out, ".\n");
    }
    strbuf_printf(out, "%zu commands\n", script.count);
    arena_free(&arena);
}

static void expand_case(const char *text, const char *wanted, const char *wanted_unresolved) {
    struct arena arena;
    arena_init(&arena);
    struct shell_variables variables = {0};
    const char *unresolved = NULL;
    shell_set(&variables, &arena, "A", "one");
    shell_set(&variables, &arena, "A", "two");
    shell_set(&variables, &arena, "EMPTY", "");
    shell_set(&variables, &arena, "SECRET", NULL);
    assert_string_equal(kubernetes_expand(text, &variables, &arena, &unresolved), wanted);
    if (wanted_unresolved == NULL) {
        assert_null(unresolved);
    } else {
        assert_string_equal(unresolved, wanted_unresolved);
    }
    arena_free(&arena);
}

static void kubernetes_expands_known_variables_only(void **state) {
    (void)state;
    expand_case("plain", "plain", NULL);
    expand_case("x$(A)y", "xtwoy", NULL);
    expand_case("$(EMPTY)", "", NULL);
    expand_case("$(B)/$(A)", "$(B)/two", "$(B)");
    expand_case("$(SECRET)", "$(SECRET)", "$(SECRET)");
    expand_case("$A ${A}", "$A ${A}", NULL);
}

static void two_dollars_escape_one(void **state) {
    (void)state;
    expand_case("$$(A)", "$(A)", NULL);
    expand_case("$$$(A)", "$two", NULL);
    expand_case("$(A", "$(A", NULL);
    expand_case("100$", "100$", NULL);
}

/* Each variable holds the one before it twice; 2^40 bytes are asked for. */
static void doubling_variables_hit_the_limit(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct strbuf script = {0};
    strbuf_append(&script, "A0=xxxxxxxx\n");
    for (int i = 1; i < 40; i++) {
        strbuf_printf(&script, "A%d=$A%d$A%d\n", i, i - 1, i - 1);
    }
    struct shell_variables variables = {0};
    struct shell_script parsed = {0};
    const char *problem = NULL;
    int line = 0;
    assert_false(shell_parse(script.text, &variables, NULL, 0, &arena, &parsed, &problem, &line));
    assert_non_null(strstr(problem, "1 MiB"));
    strbuf_free(&script);
    arena_free(&arena);
}

int main(void) {
    add_cases("tests/cases/manifests/shellwords.cases", dump_script);
    ADD_TEST(kubernetes_expands_known_variables_only);
    ADD_TEST(two_dollars_escape_one);
    ADD_TEST(doubling_variables_hit_the_limit);
    return run_all_tests("shellwords");
}
