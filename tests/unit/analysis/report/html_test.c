#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/report/html.h"

static struct arena arena;

static const char *escaped(const char *text) {
    struct strbuf out = {0};
    strbuf_append(&out, "");
    html_text(&out, text);
    const char *copy = arena_strdup(&arena, out.text);
    strbuf_free(&out);
    return copy;
}

static void markup_in_a_text_stays_a_text(void **state) {
    (void)state;
    assert_string_equal(escaped("<script>alert('x')</script>"),
                        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    assert_string_equal(escaped("\" onload=\"x & y"), "&quot; onload=&quot;x &amp; y");
    assert_string_equal(escaped("&lt;"), "&amp;lt;");
}

static void bytes_that_html_refuses_are_replaced(void **state) {
    (void)state;
    assert_string_equal(escaped("a\x01"
                                "b\x1b[31m"),
                        "a\xEF\xBF\xBD"
                        "b\xEF\xBF\xBD[31m");
    assert_string_equal(escaped("\xff\xc3"), "\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_string_equal(escaped("caf\xC3\xA9\n\t"), "caf\xC3\xA9\n\t");
    assert_string_equal(escaped("\xC2\x85"), "\xEF\xBF\xBD");
    assert_string_equal(escaped("cut \xE2\x82"), "cut \xEF\xBF\xBD\xEF\xBF\xBD");
}

static void a_label_is_one_short_line(void **state) {
    (void)state;
    assert_string_equal(html_label(&arena, "two\nlines\tand", 40), "two lines and");
    assert_string_equal(html_label(&arena, "caf\xC3\xA9s everywhere", 6), "caf\xC3\xA9s\xE2\x80\xA6");
    assert_string_equal(html_label(&arena, "exact", 5), "exact");
    assert_string_equal(html_label(&arena, "", 5), "");
}

static void tables_have_heads_for_rows_and_columns(void **state) {
    (void)state;
    static const char *const heads[] = {"what", "<how much>"};
    struct strbuf out = {0};
    struct html_table t = html_table_begin(&out, "A & B", heads, 2, 2);
    html_cell(&t, "x<y");
    html_cell(&t, "1");
    html_table_end(&t);
    assert_non_null(strstr(out.text, "<caption>A &amp; B</caption>"));
    assert_non_null(
        strstr(out.text, "<th scope=\"col\">what</th><th scope=\"col\" class=\"n\">&lt;how much&gt;"));
    assert_non_null(strstr(out.text, "<tr><th scope=\"row\">x&lt;y</th><td class=\"n\">1</td></tr>"));
    strbuf_free(&out);
}

/* Test vectors of RFC 4648, and a text longer than one step of the encoder. */
static void base64_is_that_of_the_rfc(void **state) {
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct strbuf out = {0};
        strbuf_append(&out, "");
        html_base64(&out, vectors[i][0], strlen(vectors[i][0]));
        assert_string_equal(out.text, vectors[i][1]);
        strbuf_free(&out);
    }
    enum { LONG = 100000 };
    char *text = arena_alloc(&arena, LONG);
    struct strbuf out = {0};
    html_base64(&out, text, LONG);
    assert_int_equal(out.length, (LONG + 2) / 3 * 4);
    assert_memory_equal(out.text, "AAAA", 4);
    assert_string_equal(out.text + out.length - 4, "AA==");
    assert_null(memchr(out.text, '=', out.length - 2));
    strbuf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_in_a_text_stays_a_text),
        cmocka_unit_test(bytes_that_html_refuses_are_replaced),
        cmocka_unit_test(a_label_is_one_short_line),
        cmocka_unit_test(tables_have_heads_for_rows_and_columns),
        cmocka_unit_test(base64_is_that_of_the_rfc),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
