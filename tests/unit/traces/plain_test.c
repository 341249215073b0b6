/* Rows of plain numbers are read many at a time; quotes keep the same rows from it. */
#include "trace_fixture.h"

enum { ROWS = 6000, ROW_BYTES = 128 };

/* A table whose row i is `format` of drawn numbers, quoted as a whole or plain. */
static struct loaded *load_table(const char *header, const char *newline, bool quoted, unsigned digits,
                                 const struct trace_open_options *options) {
    char *text = malloc((size_t)ROWS * ROW_BYTES);
    size_t at = (size_t)sprintf(text, "%s%s", header, newline);
    uint64_t x = 1;
    const char *quote = quoted ? "\"" : "";
    for (unsigned i = 0; i < ROWS; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        char fraction[16];
        snprintf(fraction, sizeof fraction, ".%012llu", (unsigned long long)(x >> 25));
        fraction[i % 10 == 9 || digits == 0 ? 0 : 1 + digits - (i % 3 == 0 && digits > 1)] = '\0';
        at += (size_t)sprintf(text + at, "%s%u%s%s,%llu,%s%llu%s,%llu%s", quote, i / 4, fraction, quote,
                              (unsigned long long)(x >> 40) % 20000, i % 500 == 499 ? "0" : "",
                              (unsigned long long)(x >> 50) % 200, "",
                              (unsigned long long)(x >> (i % 40 + 12)), newline);
    }
    struct loaded *l = loaded_bytes(text, at - strlen(newline), options);
    free(text);
    return l;
}

static void assert_same(const struct loaded *a, const struct loaded *b) {
    assert_string_equal(a->text, "");
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_memory_equal(&a->rows[i], &b->rows[i], sizeof *a->rows);
        assert_string_equal(name_of(a, a->rows[i].tenant), name_of(b, b->rows[i].tenant));
    }
    assert_int_equal(a->report.skipped, b->report.skipped);
    assert_int_equal(a->report.out_of_order, b->report.out_of_order);
    assert_string_equal(a->report.first_skipped_reason, b->report.first_skipped_reason);
}

static void plain_rows_are_read_as_quoted_ones_are(void **state) {
    (void)state;
    static const char *const headers[] = {
        "arrival_s,input_tokens,output_tokens,session", "arrival_ms,input_tokens,images,payload_bytes",
        "arrival_s,output_tokens,tenant,session", "arrival_s,input_tokens,other,session"};
    static const char *const newlines[] = {"\n", "\r\n"};
    static const unsigned digits[] = {0, 1, 3, 7, 8, 9, 12};
    const struct trace_open_options forced = {.service = "chat"};
    for (size_t h = 0; h < sizeof headers / sizeof *headers; h++) {
        for (size_t d = 0; d < sizeof digits / sizeof *digits; d++) {
            const char *newline = newlines[(h + d) % 2];
            const struct trace_open_options *options = d % 3 ? NULL : &forced;
            struct loaded *plain = load_table(headers[h], newline, false, digits[d], options);
            struct loaded *quoted = load_table(headers[h], newline, true, digits[d], options);
            assert_int_equal(plain->count + plain->report.skipped, ROWS);
            assert_same(plain, quoted);
            loaded_free(plain);
            loaded_free(quoted);
        }
    }
}

static void numbers_with_zeros_in_front_are_names_of_their_own(void **state) {
    (void)state;
    char text[8192] = "arrival_s,input_tokens,tenant\n";
    for (int i = 0; i < 200; i++) {
        sprintf(text + strlen(text), "%d,%d,%s\n", i, i, i % 50 == 49 ? "07" : "7");
    }
    struct loaded *l = loaded_text(text);
    assert_int_equal(l->count, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_string_equal(name_of(l, l->rows[i].tenant), i % 50 == 49 ? "07" : "7");
    }
    loaded_free(l);
}

static void a_number_too_long_among_plain_ones_is_skipped_with_its_place(void **state) {
    (void)state;
    char text[16384] = "arrival_s,input_tokens\n";
    for (int i = 0; i < 400; i++) {
        sprintf(text + strlen(text), "%d,%s\n", i, i == 300 ? "99999999999" : i == 310 ? "" : "12");
    }
    struct loaded *l = loaded_text(text);
    assert_int_equal(l->count, 398);
    assert_int_equal(l->report.skipped, 2);
    assert_int_equal(l->report.first_skipped_line, 302);
    assert_int_equal(l->report.first_skipped_column, 5);
    assert_contains(l->report.first_skipped_reason, "is out of range");
    loaded_free(l);
}

static void rows_can_be_looked_at_where_they_lie(void **state) {
    (void)state;
    static const char text[] = "arrival_s,input_tokens\n0,1\n1,2\n2,3\n";
    struct trace_names names;
    struct error err = {0};
    const struct trace_row *rows;
    struct trace_row first;
    trace_names_init(&names);
    const char *path = scratch_bytes(text, sizeof text - 1);
    struct trace_source *s = trace_open(path, NULL, &names, &err);
    assert_int_equal(trace_next(s, &first, &err), 1);
    assert_int_equal(trace_next_rows(s, &rows, &err), 2);
    assert_int_equal(rows[1].input_tokens, 3);
    assert_int_equal(trace_report(s)->rows, 3);
    assert_int_equal(trace_next_rows(s, &rows, &err), 0);
    trace_close(s);
    unlink(path);
    trace_names_free(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_rows_are_read_as_quoted_ones_are),
        cmocka_unit_test(numbers_with_zeros_in_front_are_names_of_their_own),
        cmocka_unit_test(a_number_too_long_among_plain_ones_is_skipped_with_its_place),
        cmocka_unit_test(rows_can_be_looked_at_where_they_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
