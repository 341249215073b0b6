#include "config/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"

static struct arena arena;
static struct error err;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    err = (struct error){0};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct yaml_file parse_all(const char *text) {
    struct yaml_file file;
    if (!yaml_parse("t.yaml", text, strlen(text), &arena, &file, &err)) {
        fail_msg("%d:%d: %s", err.line, err.column, err.expected);
    }
    return file;
}

static struct yaml_node *parse(const char *text) {
    struct yaml_file file = parse_all(text);
    assert_int_equal(file.count, 1);
    return file.documents[0];
}

static bool refused(const char *bytes, size_t length) {
    struct yaml_file file;
    err = (struct error){0};
    bool ok = yaml_parse("t.yaml", bytes, length, &arena, &file, &err);
    assert_int_equal(ok, !error_is_set(&err));
    return !ok;
}

static void assert_text(const struct yaml_node *root, const char *path, const char *text) {
    const struct yaml_node *node = yaml_path(root, path);
    assert_non_null(node);
    assert_int_equal(node->kind, YAML_SCALAR);
    assert_string_equal(node->text, text);
}

static void positions_count_lines_and_characters_from_one(void **state) {
    (void)state;
    const struct yaml_node *root = parse("# comment\nspec:\n  ü: [a,  b]\n");
    const struct yaml_node *b = yaml_path(root, "spec.ü.1");
    assert_string_equal(b->pos.file, "t.yaml");
    assert_int_equal(b->pos.line, 3);
    assert_int_equal(b->pos.column, 11);
    const struct yaml_pair *pair = yaml_pair_of(yaml_get(root, "spec"), "ü");
    assert_int_equal(pair->pos.line, 3);
    assert_int_equal(pair->pos.column, 3);
}

static void crlf_and_a_byte_order_mark_change_nothing(void **state) {
    (void)state;
    const struct yaml_node *root = parse("\xef\xbb\xbf"
                                         "a: 1\r\nb: |\r\n  x\r\n  y\r\nc: 2\r\n");
    assert_text(root, "a", "1");
    assert_text(root, "b", "x\ny\n");
    assert_text(root, "c", "2");
    assert_int_equal(yaml_get(root, "a")->pos.column, 4);
    assert_int_equal(yaml_get(root, "c")->pos.line, 5);
}

static void quoted_words_are_texts_and_plain_ones_are_not(void **state) {
    (void)state;
    const struct yaml_node *root =
        parse("a: null\nb: 'null'\nc: ~\nd:\ne: true\nf: \"true\"\ng: !!str 12\nh: |\n  x\n");
    assert_int_equal(yaml_get(root, "a")->kind, YAML_NULL);
    assert_int_equal(yaml_get(root, "b")->kind, YAML_SCALAR);
    assert_int_equal(yaml_get(root, "c")->kind, YAML_NULL);
    assert_int_equal(yaml_get(root, "d")->kind, YAML_NULL);
    assert_string_equal(yaml_get(root, "d")->text, "");
    assert_false(yaml_get(root, "e")->quoted);
    assert_true(yaml_get(root, "f")->quoted);
    assert_true(yaml_get(root, "g")->quoted);
    assert_true(yaml_get(root, "h")->quoted);
}

static void json_is_yaml(void **state) {
    (void)state;
    const struct yaml_node *root = parse("{\"a\": [1, {\"b\": \"\\u00e9\\n\"}], \"c\": null}\n");
    assert_text(root, "a.0", "1");
    assert_text(root, "a.1.b", "é\n");
    assert_int_equal(yaml_get(root, "c")->kind, YAML_NULL);
}

static void empty_documents_are_left_out(void **state) {
    (void)state;
    assert_int_equal(parse_all("").count, 0);
    assert_int_equal(parse_all("# only\n# comments\n").count, 0);
    assert_int_equal(parse_all("---\n---\n~\n--- \nnull\n...\n").count, 0);
    assert_int_equal(parse_all("---\na: 1\n---\n# none\n---\nb: 2\n").count, 2);
    assert_int_equal(parse_all("\xef\xbb\xbf").count, 0);
}

static void aliases_share_the_value_of_their_anchor(void **state) {
    (void)state;
    const struct yaml_node *root = parse("a: &x {k: v}\nb: [*x, *x]\nc: &x 2\nd: *x\n*x : key\n");
    assert_ptr_equal(yaml_path(root, "b.0"), yaml_get(root, "a"));
    assert_text(root, "b.1.k", "v");
    assert_text(root, "d", "2");
    assert_text(root, "2", "key");
}

static void anchors_end_with_their_document(void **state) {
    (void)state;
    const char *text = "a: &x 1\n---\nb: *x\n";
    assert_true(refused(text, strlen(text)));
    assert_int_equal(err.line, 3);
}

static void merged_keys_give_way_to_written_ones(void **state) {
    (void)state;
    const struct yaml_node *root = parse("p: &p {a: 1, b: 1}\nq: &q {b: 2, c: 2}\n"
                                         "m:\n  <<: [*p, *q]\n  a: 9\nn: {<<: *q, d: 4}\n");
    assert_text(root, "m.a", "9");
    assert_text(root, "m.b", "1");
    assert_text(root, "m.c", "2");
    assert_int_equal(yaml_get(root, "m")->count, 3);
    assert_text(root, "n.c", "2");
    assert_text(root, "n.d", "4");
}

static void a_quoted_merge_key_is_a_key(void **state) {
    (void)state;
    assert_text(parse("'<<': x\n"), "<<", "x");
}

static void a_duplicate_among_many_keys_is_found(void **state) {
    (void)state;
    struct strbuf b = {0};
    for (int i = 0; i < 5000; i++) {
        strbuf_printf(&b, "key%d: %d\n", i, i);
    }
    assert_text(parse(b.text), "key4999", "4999");
    strbuf_append(&b, "key17: again\n");
    assert_true(refused(b.text, b.length));
    assert_int_equal(err.line, 5001);
    assert_string_equal(err.field, "key17");
    assert_non_null(strstr(err.expected, "line 18"));
    strbuf_free(&b);
}

static void hundreds_of_thousands_of_keys_merge_quickly(void **state) {
    (void)state;
    struct strbuf b = {0};
    strbuf_append(&b, "a: &a\n");
    for (int i = 0; i < 150000; i++) {
        strbuf_printf(&b, "  k%d: 1\n", i);
    }
    strbuf_append(&b, "b:\n  <<: *a\n");
    for (int i = 0; i < 150000; i++) {
        strbuf_printf(&b, "  l%d: 1\n", i);
    }
    assert_int_equal(yaml_get(parse(b.text), "b")->count, 300000);
    strbuf_free(&b);
}

static void the_number_of_documents_is_limited(void **state) {
    (void)state;
    struct strbuf b = {0};
    for (int i = 0; i < YAML_DOCUMENTS_MAX; i++) {
        strbuf_append(&b, "--- a\n");
    }
    assert_false(refused(b.text, b.length));
    strbuf_append(&b, "--- a\n");
    assert_true(refused(b.text, b.length));
    assert_int_equal(err.line, YAML_DOCUMENTS_MAX + 1);
    strbuf_free(&b);
}

static void nesting_is_allowed_up_to_its_limit(void **state) {
    (void)state;
    struct strbuf b = {0};
    for (int i = 0; i < YAML_DEPTH_MAX; i++) {
        strbuf_char(&b, '[');
    }
    for (int i = 0; i < YAML_DEPTH_MAX; i++) {
        strbuf_char(&b, ']');
    }
    assert_false(refused(b.text, b.length));
    char *deeper = arena_printf(&arena, "[%s]", b.text);
    assert_true(refused(deeper, strlen(deeper)));
    assert_non_null(strstr(err.expected, "64 levels"));
    strbuf_free(&b);
}

static void big_files_are_refused_by_size(void **state) {
    (void)state;
    size_t length = YAML_FILE_BYTES_MAX + 1;
    char *text = malloc(length);
    memset(text, '\n', length);
    assert_true(refused(text, length));
    assert_non_null(strstr(err.expected, "16777216 bytes"));
    free(text);
}

static void every_cut_of_a_file_is_read_or_refused_with_a_place(void **state) {
    (void)state;
    static const char text[] = "apiVersion: v1 # é\nkind: &k 'List'\nitems:\n- {a: [1, \"x\\ty\"], b: *k}\n"
                               "- c: |\n    block\n  d: >-\n    folded\n---\n? e\n: f\n";
    assert_false(refused(text, sizeof text - 1));
    for (size_t n = 0; n < sizeof text - 1; n++) {
        if (refused(text, n)) {
            assert_int_equal(err.code, ERROR_INVALID);
            assert_string_equal(err.file, "t.yaml");
            assert_true(err.line > 0 && err.column > 0);
            assert_null(strstr(err.expected, "did not find"));
        }
    }
}

static void every_flipped_byte_is_survived(void **state) {
    (void)state;
    static const char text[] = "a: &k {b: [1, 'x'], <<: {c: d}}\ne: *k\nf: !!str |\n  g\n";
    char copy[sizeof text];
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, text, sizeof text);
            copy[at] = (char)byte;
            refused(copy, sizeof text - 1);
        }
        arena_free(&arena);
    }
}

static void paths_reach_lists_and_keys_with_dots(void **state) {
    (void)state;
    const struct yaml_node *root = parse("a: {app.kubernetes.io/name: x, l: [p, {q: r}]}\n");
    assert_text(root, "a.app\\.kubernetes\\.io/name", "x");
    assert_text(root, "a.l.1.q", "r");
    assert_null(yaml_path(root, "a.l.2"));
    assert_null(yaml_path(root, "a.l.x"));
    assert_null(yaml_path(root, "a.l.0.z"));
    assert_ptr_equal(yaml_path(root, ""), root);
    assert_null(yaml_get(NULL, "a"));
}

static void set_changes_adds_and_extends(void **state) {
    (void)state;
    struct yaml_node *root = parse("spec: {n: 1, l: [a, b], e: }\n");
    assert_true(yaml_set(root, "spec.n", "2", "--set", &arena, &err));
    assert_true(yaml_set(root, "spec.l.1", "{x: [y]}", "--set", &arena, &err));
    assert_true(yaml_set(root, "spec.l.2", "'07'", "--set", &arena, &err));
    assert_true(yaml_set(root, "spec.new.deep.0.k", "v", "--set", &arena, &err));
    assert_true(yaml_set(root, "spec.e.f", "", "--set", &arena, &err));
    assert_text(root, "spec.n", "2");
    assert_text(root, "spec.l.0", "a");
    assert_text(root, "spec.l.1.x.0", "y");
    assert_text(root, "spec.l.2", "07");
    assert_text(root, "spec.new.deep.0.k", "v");
    assert_int_equal(yaml_path(root, "spec.e.f")->kind, YAML_NULL);
    const struct yaml_node *y = yaml_path(root, "spec.l.1.x.0");
    assert_string_equal(y->pos.file, "--set");
    assert_int_equal(y->pos.line, 0);
}

static void keys_that_somebody_put_are_told_from_those_of_the_file(void **state) {
    (void)state;
    struct yaml_node *root = parse("a: {b: 1, c: 2}\nd: {e: 1}\n");
    const struct position pos = {"arm", 7, 9};
    struct yaml_node *value = yaml_value("{x: [{y: 1}]}", NULL, "arm", &arena, &err);
    assert_true(yaml_put(root, "a.n.m", value, &pos, &arena, &err));
    assert_true(yaml_pair_of(root, "a")->put);
    assert_false(yaml_pair_of(root, "d")->put);
    assert_false(yaml_pair_of(yaml_get(root, "a"), "b")->put);
    assert_true(yaml_pair_of(yaml_path(root, "a.n"), "m")->put);
    assert_true(yaml_pair_of(yaml_path(root, "a.n.m.x.0"), "y")->put);
    assert_int_equal(yaml_path(root, "a.n")->pos.line, 7);
    assert_int_equal(yaml_pair_of(root, "a")->pos.line, 1);
}

static void set_leaves_other_uses_of_an_alias_alone(void **state) {
    (void)state;
    struct yaml_node *root = parse("a: &x {k: 1, l: [1]}\nb: *x\n");
    assert_true(yaml_set(root, "b.k", "2", "--set", &arena, &err));
    assert_true(yaml_set(root, "b.l.0", "2", "--set", &arena, &err));
    assert_text(root, "a.k", "1");
    assert_text(root, "a.l.0", "1");
    assert_text(root, "b.k", "2");
    assert_text(root, "b.l.0", "2");
}

static void set_refuses_what_cannot_be_reached(void **state) {
    (void)state;
    struct yaml_node *root = parse("a: 1\nl: [x]\n");
    static const char *const bad[] = {"a.b", "l.2", "l.key", "l.-1", "", "a..b", "l.99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (struct error){0};
        assert_false(yaml_set(root, bad[i], "1", "--set", &arena, &err));
        assert_string_equal(err.file, "--set");
        assert_int_equal(err.code, ERROR_INVALID);
    }
    err = (struct error){0};
    assert_false(yaml_set(root, "a", "[1, 2", "--set", &arena, &err));
    assert_string_equal(err.field, "a");
    err = (struct error){0};
    assert_false(yaml_set(root, "a", "1\n---\n2", "--set", &arena, &err));
}

static bool same_tree(const struct yaml_node *a, const struct yaml_node *b) {
    if (a->kind != b->kind || a->count != b->count || strcmp(a->text, b->text) != 0) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        bool list = a->kind == YAML_SEQUENCE;
        if (!list && strcmp(a->pairs[i].key, b->pairs[i].key) != 0) {
            return false;
        }
        if (!same_tree(list ? a->items[i] : a->pairs[i].value, list ? b->items[i] : b->pairs[i].value)) {
            return false;
        }
    }
    return true;
}

static void what_is_printed_reads_back_as_the_same_tree(void **state) {
    (void)state;
    static const char text[] =
        "a: [1, [2, [], {}], {b: c, d: {e: [f]}}]\nempty: ''\nword: 'true'\nnumber: '12'\nreal: 1e3\n'null': "
        "x\n"
        "block: |\n  line 1\n   line: 2\n\n'key: odd': \"tab\\t quote\\\" back\\\\ \\x07 é\"\nhash: 'a #b'\n"
        "url: http://x/y?z=1\ndash: '- a'\nstar: '*a'\nbang: '!a'\ntrail: 'a '\nnone: ~\nday: 2024-01-01\n"
        "'-': dash\nflow: {a: -}\nbreaks: \"\\N--- \\L\\P\\x80\\uFEFF\"\n";
    const struct yaml_node *tree = parse(text);
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&printed, &length);
    yaml_print(out, tree, 4);
    fclose(out);
    assert_true(same_tree(tree, parse(printed)));
    free(printed);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(positions_count_lines_and_characters_from_one),
        TEST(crlf_and_a_byte_order_mark_change_nothing),
        TEST(quoted_words_are_texts_and_plain_ones_are_not),
        TEST(json_is_yaml),
        TEST(empty_documents_are_left_out),
        TEST(aliases_share_the_value_of_their_anchor),
        TEST(anchors_end_with_their_document),
        TEST(merged_keys_give_way_to_written_ones),
        TEST(a_quoted_merge_key_is_a_key),
        TEST(a_duplicate_among_many_keys_is_found),
        TEST(hundreds_of_thousands_of_keys_merge_quickly),
        TEST(the_number_of_documents_is_limited),
        TEST(nesting_is_allowed_up_to_its_limit),
        TEST(big_files_are_refused_by_size),
        TEST(every_cut_of_a_file_is_read_or_refused_with_a_place),
        TEST(every_flipped_byte_is_survived),
        TEST(paths_reach_lists_and_keys_with_dots),
        TEST(set_changes_adds_and_extends),
        TEST(keys_that_somebody_put_are_told_from_those_of_the_file),
        TEST(set_leaves_other_uses_of_an_alias_alone),
        TEST(set_refuses_what_cannot_be_reached),
        TEST(what_is_printed_reads_back_as_the_same_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
