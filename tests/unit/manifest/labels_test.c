/* Labels and selectors: the cases are text, in tests/cases/manifests/labels.cases. */
#include "manifest_dump.h"

#include "manifest/labels.h"

/* {selector: ..., labels: ...} as a workload has them, or {simple: ..., labels: ...} as a Service. */
static void dump_match(const char *input, struct strbuf *out) {
    struct arena arena;
    arena_init(&arena);
    struct notices notices = {.arena = &arena};
    struct yaml_file file = {0};
    struct error err = {0};
    const struct reading r = {.arena = &arena, .notices = &notices, .err = &err};
    struct selector selector = {0};
    struct labels labels = {0};
    bool good = yaml_parse("case", input, strlen(input), &arena, &file, &err);
    if (good) {
        struct place p = place_of(file.documents[0]);
        struct place simple = place_get(&r, &p, "simple");
        struct place full = place_get(&r, &p, "selector");
        struct place labels_at = place_get(&r, &p, "labels");
        good = (simple.node != NULL ? read_simple_selector(&r, &simple, &selector)
                                    : read_selector(&r, &full, &selector)) &&
               read_labels(&r, &labels_at, &labels);
    }
    if (good) {
        strbuf_append(out, labels_match(&selector, &labels) ? "match\n" : "no match\n");
    } else {
        dump_error(&err, out);
    }
    dump_notices(&notices, out);
    arena_free(&arena);
}

static bool accepts(const char *name, enum name_syntax syntax) {
    struct arena arena;
    arena_init(&arena);
    struct error err = {0};
    struct yaml_node node = {0};
    const struct reading r = {.arena = &arena, .err = &err};
    struct place p = place_of(&node);
    bool good = check_name(&r, &p, name, syntax);
    arena_free(&arena);
    return good;
}

static void names_follow_their_syntax(void **state) {
    (void)state;
    char long_label[65] = {0};
    memset(long_label, 'a', 64);
    char long_name[255] = {0};
    memset(long_name, 'a', 254);
    assert_true(accepts("a.b-c.9", NAME_SUBDOMAIN));
    assert_true(accepts(long_label, NAME_SUBDOMAIN));
    assert_false(accepts(long_name, NAME_SUBDOMAIN));
    assert_true(accepts("9a", NAME_LABEL));
    assert_false(accepts("9a", NAME_LABEL_1035));
    assert_false(accepts("a.b", NAME_LABEL));
    assert_false(accepts(long_label, NAME_LABEL));
    static const char *const bad[] = {"",   "-a", "a-",  "A",   "a_b",     "a..b",
                                      ".a", "a.", "a b", "a\n", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(accepts(bad[i], NAME_SUBDOMAIN));
        assert_false(accepts(bad[i], NAME_LABEL));
        assert_false(accepts(bad[i], NAME_LABEL_1035));
    }
}

static void an_absent_label_is_null(void **state) {
    struct label items[] = {{"app", "x"}, {"tier", ""}};
    const struct labels labels = {items, 2};
    (void)state;
    assert_string_equal(labels_get(&labels, "app"), "x");
    assert_string_equal(labels_get(&labels, "tier"), "");
    assert_null(labels_get(&labels, "ap"));
}

int main(void) {
    add_cases("tests/cases/manifests/labels.cases", dump_match);
    ADD_TEST(names_follow_their_syntax);
    ADD_TEST(an_absent_label_is_null);
    return run_all_tests("labels");
}
