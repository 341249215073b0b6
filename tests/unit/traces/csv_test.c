#include "trace_fixture.h"

static void our_columns_are_taken_in_any_order(void **state) {
    (void)state;
    struct loaded *l = loaded_file("tests/cases/traces/own-columns.csv", NULL);
    assert_int_equal(l->count, 2);
    assert_int_equal(l->rows[0].arrival_ps, SECONDS(0.25));
    assert_int_equal(l->rows[1].arrival_ps, SIMTIME_SECOND + 1);
    assert_int_equal(l->rows[0].input_tokens, 374);
    assert_int_equal(l->rows[0].output_tokens, 44);
    assert_string_equal(name_of(l, l->rows[0].tenant), "Doe, \"J\"");
    assert_string_equal(name_of(l, l->rows[1].region), "eu-west");
    assert_true(l->rows[0].session != 0 && l->rows[1].session == 7);
    assert_true(l->rows[1].audio_s == 2.5 && l->rows[1].service_s == 0.125);
    assert_int_equal(l->rows[1].payload_bytes, 2048);
    assert_string_equal(l->report.ignored_columns, "colour,mood");
    assert_int_equal(l->report.skipped, 0);
    loaded_free(l);
}

static void a_map_names_the_files_columns(void **state) {
    (void)state;
    struct trace_open_options map = {.columns =
                                         "arrival_s=ts,input_tokens=prompt,output_tokens=answer,tenant=who"};
    struct loaded *l = loaded_file("tests/cases/traces/mapped.csv", &map);
    assert_int_equal(l->count, 2);
    assert_string_equal(l->report.start, "2026-01-02T03:04:05.5Z");
    assert_int_equal(l->rows[1].arrival_ps, SECONDS(0.5));
    assert_int_equal(l->rows[1].output_tokens, 21);
    assert_string_equal(name_of(l, l->rows[0].tenant), "ann");
    loaded_free(l);
}

static void a_map_that_cannot_be_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *map;
        enum error_code code;
        const char *text;
    } cases[] = {
        {"arrival_s", ERROR_USAGE, "our=theirs"},
        {"arrival_s=", ERROR_USAGE, "our=theirs"},
        {"arival_s=ts", ERROR_USAGE, "none of our columns"},
        {"arrival_s=ts,arrival_s=who", ERROR_USAGE, "mapped twice"},
        {"arrival_s=when,input_tokens=prompt", ERROR_INVALID, "when: expected this column in the header"},
        {"arrival_s=ts", ERROR_INVALID, "what a request asks for"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace_open_options map = {.columns = cases[i].map};
        struct loaded *l = loaded_file("tests/cases/traces/mapped.csv", &map);
        assert_int_equal(l->err.code, cases[i].code);
        assert_contains(l->text, cases[i].text);
        loaded_free(l);
    }
}

/* One unusable row between two good ones: the place, the column and the reason. */
static void malformed_rows_are_skipped_with_the_first_reason(void **state) {
    (void)state;
    static const struct {
        const char *row;
        int column;
        const char *reason;
    } cases[] = {
        {"1,-5,2,x", 3, "input_tokens: '-5' is negative"},
        {"1,nan,2,x", 3, "input_tokens: 'nan' is not a number"},
        {"1,3000000000,2,x", 3, "input_tokens: '3000000000' is out of range"},
        {"1,2.5,2,x", 3, "input_tokens: '2.5' is not a whole number"},
        {"1,,2,x", 3, "input_tokens: '' is empty"},
        {"1,2", 4, "has fewer fields than the header's 4"},
        {"1,2,3,x,5", 9, "has more fields than the header's 4"},
        {"soon,1,2,x", 1, "arrival_s: 'soon' is not a finite number"},
        {"-1,1,2,x", 1, "arrival_s: '-1' is negative"},
        {"8640001,1,2,x", 0, "arrival time is beyond 100 days"},
        {"2023-01-01 00:00:00,1,2,x", 0, "arrival time is a date where the rows before count seconds"},
        {"1,2,3,\"x", 7, "a quote is not closed on its line"},
        {"1,2,3,\"x\"y", 7, "text follows a quoted field"},
        {"1,2,3,\xff", 7, "is not UTF-8 text"},
        {"1,2,3,a\001b", 7, "is not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "arrival_s,input_tokens,output_tokens,tenant\n0,1,1,a\n%s\n2,1,1,b\n",
                 cases[i].row);
        struct loaded *l = loaded_text(text);
        assert_int_equal(l->count, 2);
        assert_int_equal(l->report.skipped, 1);
        assert_int_equal(l->report.first_skipped_line, 3);
        assert_int_equal(l->report.first_skipped_column, cases[i].column);
        assert_contains(l->report.first_skipped_reason, cases[i].reason);
        loaded_free(l);
    }
}

static void headers_that_cannot_be_are_errors_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"", "the file is empty"},
        {"arrival_s,input_tokens\n", "no data row"},
        {"arrival_s,input_tokens\n\n\n", "no data row"},
        {"arrival_s,input_tokens\nx,y\n", ":2:1: no usable row: all 1 were skipped"},
        {"arrival_s,input_tokens,input_tokens\n0,1,1\n", ":1:1: input_tokens: expected each column once"},
        {"arrival_s,tenant,client\n0,a,b\n", "client: expected each column once"},
        {"arrival_s,tenant\n0,a\n", "what a request asks for"},
        {"when,what\n1,2\n", ":1:1: expected a trace that Drydock knows; the file begins 'when,what'"},
        {"\xff\xfe"
         "a",
         "UTF-16"},
        {"\x01\x02\x03\n", "the file begins '"
                           "?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct loaded *l = loaded_text(cases[i].text);
        assert_int_equal(l->count, 0);
        assert_int_equal(l->err.code, ERROR_INVALID);
        assert_contains(l->text, cases[i].part);
        loaded_free(l);
    }
}

static void binary_data_is_told_from_text(void **state) {
    (void)state;
    struct loaded *l = loaded_bytes("ab\0cd\n1,2\n", 10, NULL);
    assert_int_equal(l->err.code, ERROR_INVALID);
    assert_contains(l->text, "binary data");
    loaded_free(l);
}

static void milliseconds_are_a_column_of_their_own(void **state) {
    (void)state;
    struct loaded *l = loaded_text("arrival_ms,input_tokens\n1500.25,7\n1e4,8\n");
    assert_int_equal(l->count, 2);
    assert_int_equal(l->rows[0].arrival_ps, SECONDS(1.50025));
    assert_int_equal(l->rows[1].arrival_ps, SECONDS(10));
    loaded_free(l);
}

static void seconds_since_1970_are_counted_from_the_first_row(void **state) {
    (void)state;
    struct loaded *l = loaded_text("arrival_s,input_tokens\n1700000000.5,7\n1700000002,8\n");
    assert_string_equal(l->report.start, "2023-11-14T22:13:20.5Z");
    assert_int_equal(l->rows[0].arrival_ps, 0);
    assert_int_equal(l->rows[1].arrival_ps, SECONDS(1.5));
    loaded_free(l);
}

static void the_files_own_zero_is_kept(void **state) {
    (void)state;
    struct loaded *l = loaded_text("arrival_s,input_tokens\n100,7\n101,8\n");
    assert_string_equal(l->report.start, "");
    assert_int_equal(l->rows[0].arrival_ps, SECONDS(100));
    loaded_free(l);
}

static void image_lists_are_summed_and_counted(void **state) {
    (void)state;
    struct loaded *l = loaded_text("arrival_s,image_tokens\n0,1;2;3\n1,7\n2,\n3,1;;2\n4,1;-2\n");
    assert_int_equal(l->count, 3);
    assert_int_equal(l->rows[0].image_tokens, 6);
    assert_int_equal(l->rows[0].images, 3);
    assert_int_equal(l->rows[0].input_tokens, 6);
    assert_int_equal(l->rows[1].images, 1);
    assert_int_equal(l->rows[2].images, 0);
    assert_int_equal(l->report.skipped, 2);
    loaded_free(l);
}

static void a_line_without_end_is_skipped(void **state) {
    (void)state;
    enum { LONG = 3 << 20 };
    static const char head[] = "arrival_s,input_tokens\n1,2\n";
    char *text = malloc(LONG);
    memset(text, '7', LONG);
    memcpy(text, head, sizeof head - 1);
    struct loaded *l = loaded_bytes(text, LONG, NULL);
    assert_int_equal(l->count, 1);
    assert_int_equal(l->report.skipped, 1);
    assert_contains(l->report.first_skipped_reason, "longer than 1 MiB");
    loaded_free(l);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_columns_are_taken_in_any_order),
        cmocka_unit_test(a_map_names_the_files_columns),
        cmocka_unit_test(a_map_that_cannot_be_is_refused),
        cmocka_unit_test(malformed_rows_are_skipped_with_the_first_reason),
        cmocka_unit_test(headers_that_cannot_be_are_errors_with_their_place),
        cmocka_unit_test(binary_data_is_told_from_text),
        cmocka_unit_test(milliseconds_are_a_column_of_their_own),
        cmocka_unit_test(seconds_since_1970_are_counted_from_the_first_row),
        cmocka_unit_test(the_files_own_zero_is_kept),
        cmocka_unit_test(image_lists_are_summed_and_counted),
        cmocka_unit_test(a_line_without_end_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
