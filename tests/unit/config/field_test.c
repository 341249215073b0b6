#include "config/field.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/delay.h"
#include "manifest/manifest.h"

/* A table with a row of every type. */
struct item {
    struct position pos;
    const char *name;
    int64_t low, high;
};

struct thing {
    const char *text, *path;
    int64_t integer, limit;
    double duration, patience, number;
    bool flag, flag_given;
    int choice;
    struct delay delay;
    bool has_delay;
    struct labels labels;
    const char **texts;
    size_t text_count;
    struct item *items;
    size_t item_count;
    struct yaml_node *node;
    double inner;
};

static bool finish_item(struct field_reader *reader, const struct yaml_node *node, void *element) {
    const struct item *item = element;
    return item->low <= item->high || field_error(reader, node, "low", "expected at most high");
}

static bool finish_group(struct field_reader *reader, const struct yaml_node *node, void *element) {
    struct thing *thing = element;
    const struct yaml_node *value = yaml_get(node, "number");
    thing->number = -1;
    return value == NULL || field_quantity(reader, node, "number", UNIT_FRACTION, 0, 1, &thing->number);
}

static const char *const colours[] = {"red", "green", NULL};

#define ROW(name, kind, of, member, ...)                                                                     \
    {                                                                                                        \
        .key = name, .type = FIELD_##kind, .offset = offsetof(struct of, member),                            \
        .help = "Help for " name ".", ##__VA_ARGS__                                                          \
    }

static const struct field item_fields[] = {
    ROW("name", TEXT, item, name, .required = true),
    ROW("low", INTEGER, item, low, .fallback = "1", .low = 0, .high = 10),
    ROW("high", INTEGER, item, high, .fallback = "5", .low = 0, .high = 10),
    FIELDS_END,
};

static const struct field group_fields[] = {
    ROW("inner", QUANTITY, thing, inner, .unit = UNIT_BYTES, .fallback = "1GB"),
    ROW("number", NUMBER, thing, number),
    FIELDS_END,
};

static const struct field fields[] = {
    ROW("text", TEXT, thing, text, .fallback = "hello"),
    ROW("path", PATH, thing, path),
    ROW("integer", INTEGER, thing, integer, .required = true, .low = -5, .high = 1e6),
    ROW("limit", INTEGER, thing, limit, .absent = -1, .low = 0, .high = 100),
    ROW("duration", QUANTITY, thing, duration, .unit = UNIT_DURATION, .fallback = "90s", .low = 0,
        .high = INFINITY),
    ROW("patience", QUANTITY, thing, patience, .unit = UNIT_DURATION, .fallback = "10m", .infinite = "never",
        .low = 0, .high = 3600),
    ROW("flag", BOOL, thing, flag, .fallback = "true", .given_offset = offsetof(struct thing, flag_given)),
    ROW("choice", ENUM, thing, choice, .choices = colours, .fallback = "green"),
    ROW("delay", DELAY, thing, delay, .given_offset = offsetof(struct thing, has_delay)),
    ROW("labels", LABELS, thing, labels),
    ROW("texts", TEXTS, thing, texts, .count_offset = offsetof(struct thing, text_count)),
    ROW("items", LIST, thing, items, .count_offset = offsetof(struct thing, item_count), .rows = item_fields,
        .element_bytes = sizeof(struct item), .finish = finish_item, .fallback = "[{name: first}]"),
    ROW("node", NODE, thing, node),
    {.key = "group", .type = FIELD_STRUCT, .rows = group_fields, .finish = finish_group, .help = "A group."},
    FIELDS_END,
};

static struct arena arena;
static struct error err;
static struct notices notices;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    err = (struct error){0};
    notices = (struct notices){.arena = &arena};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static bool read(const char *text, struct thing *thing) {
    struct yaml_file file;
    struct field_reader reader = {
        .arena = &arena, .notices = &notices, .err = &err, .folder = "folder", .place = {"t.yaml", 0, 0}};
    err = (struct error){0};
    *thing = (struct thing){0};
    assert_true(yaml_parse("t.yaml", text, strlen(text), &arena, &file, &err));
    return fields_read(&reader, fields, file.count > 0 ? file.documents[0] : NULL, thing);
}

static struct thing good(const char *text) {
    struct thing thing;
    if (!read(text, &thing)) {
        fail_msg("%s: %s", err.field, err.expected);
    }
    return thing;
}

static void defaults_fill_what_is_absent(void **state) {
    (void)state;
    struct thing t = good("integer: 3\n");
    assert_string_equal(t.text, "hello");
    assert_null(t.path);
    assert_int_equal(t.integer, 3);
    assert_int_equal(t.limit, -1);
    assert_true(t.duration == 90);
    assert_true(t.flag);
    assert_false(t.flag_given);
    assert_int_equal(t.choice, 1);
    assert_false(t.has_delay);
    assert_int_equal(t.item_count, 1);
    assert_string_equal(t.items[0].name, "first");
    assert_null(t.items[0].pos.file);
    assert_true(t.inner == 1e9);
    assert_null(t.node);
}

static void given_values_are_read(void **state) {
    (void)state;
    struct thing t =
        good("text: 12\npath: a/b\ninteger: 1e3\nlimit: 7\nduration: 1h\nflag: false\n"
             "choice: red\ndelay: 2s\nlabels: {a: b, n: 1, e: }\ntexts: one\n"
             "items:\n  - {name: x, high: 9}\n  - name: y\nnode: [1]\ngroup: {inner: 2Ki, number: 50%}\n");
    assert_string_equal(t.text, "12");
    assert_string_equal(t.path, "folder/a/b");
    assert_int_equal(t.integer, 1000);
    assert_int_equal(t.limit, 7);
    assert_true(t.duration == 3600);
    assert_true(!t.flag && t.flag_given);
    assert_int_equal(t.choice, 0);
    assert_true(t.has_delay && t.delay.mean_s == 2);
    assert_string_equal(labels_get(&t.labels, "n"), "1");
    assert_string_equal(labels_get(&t.labels, "e"), "");
    assert_int_equal(t.text_count, 1);
    assert_int_equal(t.item_count, 2);
    assert_int_equal(t.items[1].pos.line, 13);
    assert_int_equal(t.items[0].high, 9);
    assert_int_equal(t.node->kind, YAML_SEQUENCE);
    assert_true(t.inner == 2048 && t.number == 0.5);
}

static void null_and_none_mean_not_given(void **state) {
    (void)state;
    struct thing t = good("integer: 1\nlimit: none\nduration: null\ntext: ~\ndelay:\n");
    assert_int_equal(t.limit, -1);
    assert_true(t.duration == 90);
    assert_string_equal(t.text, "hello");
    assert_false(t.has_delay);
}

static void a_word_may_stand_for_infinity(void **state) {
    (void)state;
    assert_true(good("integer: 1\n").patience == 600);
    assert_true(isinf(good("integer: 1\npatience: never\n").patience));
    assert_true(isinf(good("{\"integer\": 1, \"patience\": \"never\"}\n").patience));
}

static void a_list_may_be_empty(void **state) {
    (void)state;
    assert_int_equal(good("integer: 1\nitems: []\ntexts: []\n").item_count, 0);
}

static const struct {
    const char *text, *field;
    int line, column;
    const char *expected, *hint;
} mistakes[] = {
    {"text: a\n", "integer", 1, 1, "required key is missing", "Help for integer"},
    {"", "integer", 0, 0, "required key is missing", ""},
    {"integer: 1\nlimt: 3\n", "limt", 2, 1, "unknown key", "did you mean limit?"},
    {"integer: 1\nxyzzyplugh: 3\n", "xyzzyplugh", 2, 1, "unknown key", "known here: text, path"},
    {"integer: 1.5\n", "integer", 1, 10, "a whole number, from -5 to 1000000, found \"1.5\"", ""},
    {"integer: 1e7\n", "integer", 1, 10, "from -5 to 1000000", ""},
    {"integer: nan\n", "integer", 1, 10, "found \"nan\"", ""},
    {"integer: [1]\n", "integer", 1, 10, "found a list", ""},
    {"integer: 99999999999999999999\n", "integer", 1, 10, "found", ""},
    {"integer: 1\nlimit: -1\n", "limit", 2, 8, "from 0 to 100, found \"-1\"", ""},
    {"integer: 1\nduration: -1s\n", "duration", 2, 11, "at least 0s, found \"-1s\"", ""},
    {"integer: 1\nduration: never\n", "duration", 2, 11, "found \"never\"", ""},
    {"integer: 1\npatience: 2h\n", "patience", 2, 11, "from 0s to 1h, found \"2h\"", "or write never"},
    {"integer: 1\nduration: {s: 1}\n", "duration", 2, 11, "found a mapping", ""},
    {"integer: 1\nflag: \"true\"\n", "flag", 2, 7, "true or false", ""},
    {"integer: 1\nflag: yes\n", "flag", 2, 7, "true or false", ""},
    {"integer: 1\nchoice: blue\n", "choice", 2, 9, "one of red, green, found \"blue\"", ""},
    {"integer: 1\nchoice: gren\n", "choice", 2, 9, "one of red, green", "did you mean green?"},
    {"integer: 1\ntext: ''\n", "text", 2, 7, "a text, found \"\"", ""},
    {"integer: 1\nlabels: [a]\n", "labels", 2, 9, "a mapping of texts", ""},
    {"integer: 1\nlabels: {a: [b]}\n", "labels.a", 2, 13, "a text, found a list", ""},
    {"integer: 1\ntexts: [a, {}]\n", "texts.1", 2, 12, "a text, found a mapping", ""},
    {"integer: 1\ntexts: {}\n", "texts", 2, 8, "a text or a list of texts", ""},
    {"integer: 1\nitems: {}\n", "items", 2, 8, "a list, found a mapping", ""},
    {"integer: 1\nitems: [a]\n", "items.0", 2, 9, "a mapping, found \"a\"", ""},
    {"integer: 1\nitems:\n  - {name: a}\n  - {low: 1}\n", "items.1.name", 4, 5, "required key is missing",
     ""},
    {"integer: 1\nitems:\n  - {name: a, low: 7, high: 3}\n", "items.0.low", 3, 20, "at most high", ""},
    {"integer: 1\nitems:\n  - {name: a, hig: 3}\n", "items.0.hig", 3, 15, "unknown key",
     "did you mean high?"},
    {"integer: 1\ngroup: {number: 2}\n", "group.number", 2, 17, "a fraction", ""},
    {"integer: 1\ngroup: [a]\n", "group", 2, 8, "a mapping, found a list", ""},
    {"integer: 1\ngroup: {inner: 5s}\n", "group.inner", 2, 16, "found \"5s\"", ""},
    {"[a]\n", "", 1, 1, "a mapping, found a list", ""},
};

static void mistakes_are_told_with_place_and_path(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct thing thing;
        assert_false(read(mistakes[i].text, &thing));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(err.file, "t.yaml");
        assert_string_equal(err.field, mistakes[i].field);
        assert_int_equal(err.line, mistakes[i].line);
        assert_int_equal(err.column, mistakes[i].column);
        assert_non_null(strstr(err.expected, mistakes[i].expected));
        assert_non_null(strstr(err.hint, mistakes[i].hint));
    }
}

static char *print(const struct thing *thing) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fields_print_yaml(out, fields, thing, 0);
    fclose(out);
    return text;
}

static void what_is_printed_reads_back_and_prints_the_same(void **state) {
    (void)state;
    struct thing t = good(
        "text: 'true'\ninteger: -3\nduration: 0.1\npatience: never\ndelay: {law: gamma, mean: 1s, cv: 0.3}\n"
        "labels: {a/b: 'x: y', c: ''}\ntexts: ['1', two words, '#']\n"
        "items: [{name: a, low: 0}, {name: '-'}]\nnode: {k: [1, {l: 'null'}], e: {}}\n"
        "group: {inner: 123456789, number: 0.25}\n");
    char *first = print(&t);
    struct thing back = good(first);
    char *second = print(&back);
    assert_string_equal(first, second);
    assert_string_equal(back.text, "true");
    assert_true(back.duration == 0.1 && isinf(back.patience));
    assert_true(back.inner == 123456789);
    assert_string_equal(labels_get(&back.labels, "a/b"), "x: y");
    free(first);
    free(second);
}

static void a_path_too_long_for_messages_is_cut(void **state) {
    (void)state;
    char key[400];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = 0;
    struct thing thing;
    assert_false(read(arena_printf(&arena, "integer: 1\n%s: 1\n", key), &thing));
    assert_int_equal(strlen(err.field), FIELD_PATH_BYTES - 1);
}

static void markdown_has_a_row_for_every_key(void **state) {
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fields_print_markdown(out, fields, "spec");
    fclose(out);
    assert_non_null(strstr(text, "### spec\n"));
    assert_non_null(strstr(text, "### spec.items[]\n"));
    assert_non_null(
        strstr(text, "| `integer` | integer, -5 to 1000000 | **required** | Help for integer. |"));
    assert_non_null(strstr(text, "| `choice` | text: `red`, `green` | `green` |"));
    assert_non_null(strstr(text, "| `patience` | duration, 0s to 1h, or `never` | `10m` |"));
    assert_non_null(strstr(text, "### spec.group\n"));
    free(text);
}

static void the_schema_is_json_that_our_reader_takes(void **state) {
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fputs("{", out);
    fields_print_schema_definitions(out, 2);
    fputs(", ", out);
    fields_print_schema(out, fields, 2);
    fputs("}", out);
    fclose(out);
    struct yaml_file file; /* JSON is YAML */
    assert_true(yaml_parse("schema", text, length, &arena, &file, &err));
    const struct yaml_node *root = file.documents[0];
    assert_string_equal(yaml_path(root, "required.0")->text, "integer");
    assert_string_equal(yaml_path(root, "additionalProperties")->text, "false");
    assert_string_equal(yaml_path(root, "properties.items.items.required.0")->text, "name");
    assert_string_equal(yaml_path(root, "properties.delay.$ref")->text, "#/$defs/delay");
    assert_string_equal(yaml_path(root, "properties.duration.default")->text, "90s");
    assert_string_equal(yaml_path(root, "properties.choice.enum.0")->text, "red");
    assert_non_null(yaml_path(root, "$defs.delay.anyOf.2.properties.sigma"));
    free(text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(defaults_fill_what_is_absent),
        TEST(given_values_are_read),
        TEST(null_and_none_mean_not_given),
        TEST(a_word_may_stand_for_infinity),
        TEST(a_list_may_be_empty),
        TEST(mistakes_are_told_with_place_and_path),
        TEST(what_is_printed_reads_back_and_prints_the_same),
        TEST(a_path_too_long_for_messages_is_cut),
        TEST(markdown_has_a_row_for_every_key),
        TEST(the_schema_is_json_that_our_reader_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
