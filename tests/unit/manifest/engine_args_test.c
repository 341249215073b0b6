/* Command lines of containers: the cases are text, in tests/cases/manifests/engine_args.cases. */
#include "manifest_dump.h"

#include <stdio.h>

static void dump_container_args(const char *input, struct strbuf *out) {
    struct arena arena;
    arena_init(&arena);
    struct notices notices = {.arena = &arena};
    struct yaml_file file = {0};
    struct engine_args args;
    struct error err = {0};
    if (yaml_parse("case", input, strlen(input), &arena, &file, &err) &&
        engine_args_read(file.documents[0], &args, &arena, &notices, &err)) {
        dump_engine(&args, out);
        strbuf_printf(out, "first argument %d\nmodel %d\n", args.pos.line, args.model_pos.line);
    } else {
        dump_error(&err, out);
    }
    dump_notices(&notices, out);
    arena_free(&arena);
}

/* One flag of vLLM with a value; the error's text, "" when there is none. */
static const char *refusal(const char *flag, const char *value, char *text, size_t bytes) {
    char container[512];
    struct arena arena;
    arena_init(&arena);
    struct notices notices = {.arena = &arena};
    struct yaml_file file = {0};
    struct engine_args args;
    struct error err = {0};
    snprintf(container, sizeof container, "command: [vllm, serve, m, '%s', '%s']", flag, value);
    text[0] = '\0';
    if (!yaml_parse("case", container, strlen(container), &arena, &file, &err) ||
        !engine_args_read(file.documents[0], &args, &arena, &notices, &err)) {
        error_text(&err, text, bytes);
    }
    arena_free(&arena);
    return text;
}

static void every_modelled_flag_refuses_bad_values(void **state) {
    static const char *const numbers[] = {
        "--tensor-parallel-size", "--pipeline-parallel-size",  "--data-parallel-size",
        "--max-num-seqs",         "--max-num-batched-tokens",  "--max-model-len",
        "--block-size",           "--num-gpu-blocks-override", "--gpu-memory-utilization"};
    static const char *const bad[] = {"",
                                      "x",
                                      "0",
                                      "-3",
                                      "nan",
                                      "inf",
                                      "1e400",
                                      "0x10",
                                      "8 k",
                                      "8kk",
                                      "1.5K",
                                      "8q",
                                      "99999999999999999999"};
    char text[2048];
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++) {
            refusal(numbers[i], bad[j], text, sizeof text);
            assert_non_null(strstr(text, numbers[i]));
            assert_non_null(strstr(text, "case:1:"));
        }
    }
    static const char *const words[] = {"--dtype", "--quantization", "--kv-cache-dtype",
                                        "--scheduling-policy"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        refusal(words[i], "bfloat17", text, sizeof text);
        assert_non_null(strstr(text, words[i]));
    }
    refusal("--gpu-memory-utilization", "1.01", text, sizeof text);
    assert_non_null(strstr(text, "at most 1"));
    refusal("--swap-space", "-1", text, sizeof text);
    assert_non_null(strstr(text, "--swap-space"));
}

static void names_and_aliases_are_unique_within_a_server(void **state) {
    (void)state;
    for (const struct engine_server *s = engine_servers; s->name != NULL; s++) {
        for (const struct engine_flag *m = s->minor; m != NULL && m->name != NULL; m++) {
            assert_true(m->effect != FLAG_MODELLED && m->set == NULL && m->help[0] != '\0');
            for (const struct engine_flag *a = s->flags; a->name != NULL; a++) {
                assert_string_not_equal(a->name, m->name);
                assert_true(a->alias == NULL || strcmp(a->alias, m->name) != 0);
            }
        }
        for (const struct engine_flag *a = s->flags; a->name != NULL; a++) {
            for (const struct engine_flag *b = a + 1; b->name != NULL; b++) {
                assert_string_not_equal(a->name, b->name);
                assert_true(a->alias == NULL || b->alias == NULL || strcmp(a->alias, b->alias) != 0);
                assert_true(a->alias == NULL || strcmp(a->alias, b->name) != 0);
                assert_true(b->alias == NULL || strcmp(b->alias, a->name) != 0);
            }
        }
    }
}

/* Reads `server` with the flag and a value (NULL: none); false when it is refused. The dump goes to out. */
static bool try_flag(const struct engine_server *server, const struct engine_flag *f, const char *value,
                     struct strbuf *out) {
    static const char *const commands[][2] = {
        {"vllm", "vllm, serve"}, {"sglang", "sglang, serve"}, {"tgi", "text-generation-launcher"}};
    size_t c = 0;
    while (strcmp(commands[c][0], server->name) != 0) {
        c++;
    }
    char input[512];
    struct arena arena;
    arena_init(&arena);
    struct notices notices = {.arena = &arena};
    struct yaml_file file = {0};
    struct engine_args args;
    struct error err = {0};
    const char *name = f ? f->name : NULL;
    snprintf(input, sizeof input,
             name == NULL    ? "command: [%s]"
             : value == NULL ? "command: [%s, '%s']"
                             : "command: [%s, '%s=%s']",
             commands[c][1], name, value);
    bool good = yaml_parse("case", input, strlen(input), &arena, &file, &err) &&
                engine_args_read(file.documents[0], &args, &arena, &notices, &err);
    if (good) {
        dump_engine(&args, out);
        for (size_t i = 0; i < notices.count; i++) {
            assert_null(strstr(notices.items[i].text, "not modelled"));
            assert_null(strstr(notices.items[i].text, "unknown"));
        }
    }
    arena_free(&arena);
    return good;
}

/* What is said to be modelled leaves its mark: some value of it changes what the run is told. */
static void every_modelled_flag_changes_what_is_read(void **state) {
    static const char *const values[] = {NULL,
                                         "3",
                                         "0.37",
                                         "fp8",
                                         "float32",
                                         "priority",
                                         "-1",
                                         "lpm",
                                         "decode",
                                         "d",
                                         "swap",
                                         "lmcache",
                                         "write_back",
                                         "{kv_role: kv_both}",
                                         "{num_speculative_tokens: 3}"};
    (void)state;
    for (const struct engine_server *s = engine_servers; s->name != NULL; s++) {
        struct strbuf none = {0};
        assert_true(try_flag(s, NULL, NULL, &none));
        for (const struct engine_flag *f = s->flags; f->name != NULL; f++) {
            bool changed = f->effect != FLAG_MODELLED;
            for (size_t i = 0; !changed && i < sizeof values / sizeof values[0]; i++) {
                struct strbuf with = {0};
                changed = try_flag(s, f, values[i], &with) && strcmp(none.text, with.text) != 0;
                strbuf_free(&with);
            }
            if (!changed) {
                fail_msg("%s of %s is said to be modelled, and no value of it changes anything", f->name,
                         s->name);
            }
        }
        strbuf_free(&none);
    }
}

static void every_flag_has_help_and_modelled_ones_are_kept(void **state) {
    (void)state;
    for (const struct engine_server *s = engine_servers; s->name != NULL; s++) {
        for (const struct engine_flag *f = s->flags; f->name != NULL; f++) {
            assert_true(f->help != NULL && f->help[0] != '\0');
            assert_true(f->effect != FLAG_MODELLED || f->set != NULL);
            assert_true(f->neutral == NULL || f->effect == FLAG_NOT_MODELLED);
        }
    }
}

static void the_manual_names_every_modelled_flag(void **state) {
    char *text = NULL;
    size_t length = 0;
    struct error err = {0};
    (void)state;
    assert_true(file_read("docs/manifests.md", 1 << 20, &case_set.arena, &text, &length, &err));
    for (const struct engine_server *s = engine_servers; s->name != NULL; s++) {
        for (const struct engine_flag *f = s->flags; f->name != NULL; f++) {
            if (f->effect == FLAG_MODELLED && strstr(text, f->name) == NULL) {
                fail_msg("docs/manifests.md does not name %s of %s", f->name, s->name);
            }
        }
    }
}

int main(void) {
    add_cases("tests/cases/manifests/engine_args.cases", dump_container_args);
    ADD_TEST(every_modelled_flag_refuses_bad_values);
    ADD_TEST(names_and_aliases_are_unique_within_a_server);
    ADD_TEST(every_modelled_flag_changes_what_is_read);
    ADD_TEST(every_flag_has_help_and_modelled_ones_are_kept);
    ADD_TEST(the_manual_names_every_modelled_flag);
    return run_all_tests("engine_args");
}
