#include "record/result.h"

#include "result_fixture.h"

static char *folder;
static char *h5;
static struct arena arena;

static int make_result(void **state) {
    (void)state;
    struct error err = {0};
    folder = fixture_folder();
    h5 = fixture_path(folder, "result.h5");
    return fixture_write(folder, 70000, true, &err) ? 0 : 1; /* more than a block */
}

static int remove_result(void **state) {
    (void)state;
    fixture_remove(folder);
    free(h5);
    arena_free(&arena);
    return 0;
}

static struct result *opened(void) {
    struct error err = {0};
    struct result *r = result_open(h5, &err);
    assert_done(r != NULL, &err);
    return r;
}

static void a_scan_gives_every_row_of_the_columns_asked_for(void **state) {
    (void)state;
    static const char *const columns[] = {"tokens", "arrival_s", "status", "service", "reason", NULL};
    struct error err = {0};
    struct result *r = opened();
    struct result_scan *scan = result_scan(r, "requests", columns, &err);
    uint64_t at = 0;
    for (size_t rows; (rows = result_scan_next(scan, &err)) > 0; at += rows) {
        for (size_t i = 0; i < rows; i += 997) {
            struct fixture_row want = fixture_row_at(at + i);
            double tokens;
            double arrival_s;
            const char *status;
            const char *service;
            const char *reason;
            assert_done(result_number(scan, 0, i, &tokens, &err) &&
                            result_number(scan, 1, i, &arrival_s, &err) &&
                            result_cell_text(scan, 2, i, &status, &err) &&
                            result_cell_text(scan, 3, i, &service, &err) &&
                            result_cell_text(scan, 4, i, &reason, &err),
                        &err);
            assert_true(tokens == want.tokens);
            assert_true(fabs(arrival_s - 1e-12 * (double)want.arrival_ps) < 1e-12);
            assert_string_equal(status, fixture_status[want.status]);
            if (want.service == COLUMN_NO_NAME) {
                assert_null(service);
            } else {
                assert_string_equal(service, fixture_services[want.service]);
            }
            assert_string_equal(reason ? reason : "", want.reason ? want.reason : "");
        }
    }
    assert_false(error_is_set(&err));
    assert_int_equal(at, 70000);
    result_scan_end(scan);
    result_close(r);
}

static void a_missing_column_and_a_cell_of_another_kind_are_named(void **state) {
    (void)state;
    struct error err = {0};
    struct result *r = opened();
    assert_null(result_scan(r, "requests", (const char *const[]){"tokens", "nothing", NULL}, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.field, "requests/nothing");

    struct error of_number = {0};
    struct error of_text = {0};
    double number;
    const char *text;
    struct result_scan *scan =
        result_scan(r, "requests", (const char *const[]){"reason", "tokens", NULL}, &of_number);
    assert_true(result_scan_next(scan, &of_number) > 0);
    assert_false(result_number(scan, 0, 0, &number, &of_number));
    assert_string_equal(of_number.field, "requests/reason");
    assert_false(result_cell_text(scan, 1, 0, &text, &of_text));
    assert_string_equal(of_text.field, "requests/tokens");
    result_scan_end(scan);
    result_close(r);
}

static void a_series_comes_with_its_times(void **state) {
    (void)state;
    struct error err = {0};
    struct result_series s;
    struct result *r = opened();
    assert_done(result_read_series(r, "default/deployment/chat", "replicas", &arena, &s, &err), &err);
    assert_int_equal(s.count, 4);
    assert_true(s.start_s == 10 && s.interval_s == 15 && s.end_s == 66);
    assert_true(s.values[1] == 1.5 && isnan(s.values[2]) && s.values[3] == 3);
    assert_string_equal(s.units, "1");
    assert_done(result_read_series(r, "default/deployment/chat", "nothing", &arena, &s, &err), &err);
    assert_int_equal(s.count, 0);
    assert_done(result_read_series(r, "no/such", "object", &arena, &s, &err), &err);
    assert_int_equal(s.count, 0);
    result_close(r);
}

static void texts_and_tables_are_there_or_not(void **state) {
    (void)state;
    struct error err = {0};
    const char *text;
    struct result *r = opened();
    assert_done(result_text(r, "provenance/scenario", &arena, &text, &err), &err);
    assert_string_equal(text, "name: fixture\n");
    assert_done(result_text(r, "provenance/nothing", &arena, &text, &err), &err);
    assert_null(text);
    assert_true(result_has_table(r, "requests"));
    assert_false(result_has_table(r, "decisions"));
    assert_false(result_has_table(r, "provenance"));
    result_close(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_gives_every_row_of_the_columns_asked_for),
        cmocka_unit_test(a_missing_column_and_a_cell_of_another_kind_are_named),
        cmocka_unit_test(a_series_comes_with_its_times),
        cmocka_unit_test(texts_and_tables_are_there_or_not),
    };
    return cmocka_run_group_tests(tests, make_result, remove_result);
}
