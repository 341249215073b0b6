/* Fields of objects set from outside: the cases are text, in tests/cases/manifests/overrides.cases. */
#include "manifest_dump.h"

#include <stdio.h>

/* "set PATH=VALUE" as the scenario does it, "set" being the place of what is set. */
static bool set_line(struct manifests *m, const char *line, struct arena *arena, struct notices *notices,
                     struct error *err) {
    const struct position pos = {"set", 0, 0};
    const char *equals = strchr(line, '=');
    const char *text = arena_strndup(arena, line, (size_t)(equals - line));
    struct object_path path;
    if (!object_path_is(text) || !object_path_parse(text, arena, &path)) {
        return error_set(err, ERROR_USAGE, "no path of an object");
    }
    struct yaml_node *value = yaml_value(equals + 1, NULL, "set", arena, err);
    return value != NULL && manifests_set(m, &path, value, &pos, arena, notices, err);
}

/* The words of a workload's command line after it was edited. */
static void dump_words(const struct manifests *m, struct strbuf *out) {
    static const char *const lists[] = {"command", "args"};
    for (size_t i = 0; i < m->tree_count; i++) {
        for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
            char path[64];
            snprintf(path, sizeof path, "spec.template.spec.containers.0.%s", lists[k]);
            const struct yaml_node *words = yaml_path(m->trees[i], path);
            strbuf_append(out, words != NULL ? lists[k] : "");
            for (size_t w = 0; words != NULL && w < words->count; w++) {
                strbuf_printf(out, " %s", words->items[w]->text);
            }
            strbuf_append(out, words != NULL ? "\n" : "");
        }
    }
}

/* Lines "set ..." first, then documents. */
static void dump_changed(const char *input, struct strbuf *out) {
    struct arena arena;
    arena_init(&arena);
    struct notices notices = {.arena = &arena};
    struct manifests m = {0};
    struct yaml_file file = {0};
    struct error err = {0};
    const char *documents = input;
    while (strncmp(documents, "set ", 4) == 0) {
        documents += strcspn(documents, "\n") + 1;
    }
    bool good = yaml_parse("case", documents, strlen(documents), &arena, &file, &err);
    for (size_t i = 0; good && i < file.count; i++) {
        good = manifests_add(file.documents[i], &m, &arena, &notices, &err);
    }
    for (const char *line = input; good && line < documents; line += strcspn(line, "\n") + 1) {
        good = set_line(&m, arena_strndup(&arena, line + 4, strcspn(line, "\n") - 4), &arena, &notices, &err);
    }
    if (good && manifests_finish(&m, &arena, &notices, &err)) {
        dump_objects(&m, out);
        dump_words(&m, out);
    } else {
        dump_error(&err, out);
    }
    dump_notices(&notices, out);
    arena_free(&arena);
}

static void a_path_of_an_object_has_a_slash_before_its_first_dot(void **state) {
    (void)state;
    assert_true(object_path_is("hpa/chat.spec.minReplicas"));
    assert_true(object_path_is("prod/hpa/chat.spec.minReplicas"));
    assert_false(object_path_is("cluster.pools.0.labels.example\\.com/x"));
    assert_false(object_path_is("duration"));
    assert_false(object_path_is(""));
}

static void a_path_names_kind_and_object_and_field(void **state) {
    (void)state;
    struct object_path path;
    assert_true(object_path_parse("prod/hpa/llama-3.1.spec.x", &case_set.arena, &path));
    assert_string_equal(path.namespace_name, "prod");
    assert_string_equal(path.kind, "hpa");
    assert_string_equal(path.rest, "llama-3.1.spec.x");
    assert_true(object_path_parse("hpa/chat.metadata.labels.example\\.com/x", &case_set.arena, &path));
    assert_null(path.namespace_name);
    static const char *const bad[] = {"hpa/chat",  "hpa/",        "/chat.spec",  "hpa/.spec",  "hpa/chat.",
                                      "a/b/c/d.e", "/hpa/chat.x", "hpa//chat.x", "prod/hpa/x", "prod/hpa/.x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(object_path_parse(bad[i], &case_set.arena, &path));
    }
}

int main(void) {
    add_cases("tests/cases/manifests/overrides.cases", dump_changed);
    ADD_TEST(a_path_of_an_object_has_a_slash_before_its_first_dot);
    ADD_TEST(a_path_names_kind_and_object_and_field);
    return run_all_tests("manifest_set");
}
