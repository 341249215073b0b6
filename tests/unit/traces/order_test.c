/* Rows out of order of time: sorted within the window, refused beyond it, sorted whole when asked for. */
#include "trace_fixture.h"

enum { ROWS = 20000 };

/* A CSV whose row i arrives at times[i] and has i input tokens. */
static struct loaded *load_times(const double *times, size_t n) {
    size_t capacity = n * 32 + 64;
    char *text = malloc(capacity);
    size_t at = (size_t)snprintf(text, capacity, "arrival_s,input_tokens\n");
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, capacity - at, "%.3f,%zu\n", times[i], i);
    }
    struct loaded *l = loaded_bytes(text, at, NULL);
    free(text);
    return l;
}

static double *rising(size_t n) {
    double *times = malloc(n * sizeof *times);
    for (size_t i = 0; i < n; i++) {
        times[i] = (double)i;
    }
    return times;
}

static void assert_sorted(const struct loaded *l) {
    for (size_t i = 1; i < l->count; i++) {
        assert_true(l->rows[i].arrival_ps >= l->rows[i - 1].arrival_ps);
    }
}

static void swapped_rows_are_sorted_and_counted(void **state) {
    (void)state;
    double *times = rising(ROWS);
    for (size_t i = 0; i + 500 < ROWS; i += 1000) { /* each 500 rows from its place */
        double t = times[i];
        times[i] = times[i + 500];
        times[i + 500] = t;
    }
    struct loaded *l = load_times(times, ROWS);
    assert_int_equal(l->count, ROWS);
    assert_sorted(l);
    assert_true(l->report.out_of_order >= ROWS / 1000);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(l->rows[i].arrival_ps, SECONDS((double)i)); /* every time is there */
    }
    loaded_free(l);
    free(times);
}

static void rows_keep_their_number_when_sorted(void **state) {
    (void)state;
    double times[] = {2, 0, 1};
    struct loaded *l = load_times(times, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(l->rows[i].row, l->rows[i].input_tokens); /* both say the place in the file */
    }
    assert_int_equal(l->rows[0].row, 1);
    loaded_free(l);
}

static void rows_of_one_time_keep_their_order(void **state) {
    (void)state;
    double times[] = {5, 1, 1, 1, 0, 5};
    static const uint64_t order[] = {4, 1, 2, 3, 0, 5};
    struct loaded *l = load_times(times, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(l->rows[i].row, order[i]);
    }
    loaded_free(l);
}

static void a_row_far_off_is_refused_by_its_line(void **state) {
    (void)state;
    enum { LONG = 300000, LATE = 200000 };
    double *times = rising(LONG);
    times[LATE] = 7;
    struct loaded *l = load_times(times, LONG);
    assert_int_equal(l->err.code, ERROR_INVALID);
    assert_contains(l->text, ":200002: "); /* below the header, counted from 1 */
    assert_contains(l->text, "row 200000 is further off");
    assert_contains(l->text, "drydock trace convert --sort");
    loaded_free(l);
    free(times);
}

static void a_file_that_is_not_in_order_at_all_is_refused(void **state) {
    (void)state;
    enum { LONG = 300000 };
    double *times = malloc(LONG * sizeof *times);
    for (size_t i = 0; i < LONG; i++) {
        times[i] = (double)(i * 7919 % LONG);
    }
    struct loaded *l = load_times(times, LONG);
    assert_int_equal(l->err.code, ERROR_INVALID);
    assert_contains(l->text, "rows in order of time");
    assert_contains(l->text, "trace convert --sort");
    loaded_free(l);
    free(times);
}

static void a_file_in_no_order_is_sorted_when_asked_for(void **state) {
    (void)state;
    enum { LONG = 300000 };
    size_t at = 0;
    char *text = malloc(LONG * 32 + 64);
    at += (size_t)sprintf(text, "arrival_s,input_tokens\n");
    for (size_t i = 0; i < LONG; i++) {
        at += (size_t)sprintf(text + at, "%zu,%zu\n", i * 7919 % LONG, i);
    }
    struct loaded *l = loaded_bytes(text, at, &(struct trace_open_options){.any_order = true});
    assert_int_equal(l->count, LONG);
    for (size_t i = 0; i < LONG; i++) {
        assert_int_equal(l->rows[i].arrival_ps, SECONDS((double)i));
        assert_int_equal(l->rows[i].row, l->rows[i].input_tokens);
    }
    loaded_free(l);
    free(text);
}

static void a_dated_file_begins_with_its_earliest_row(void **state) {
    (void)state;
    struct loaded *l = loaded_text("arrival_s,input_tokens\n2024-01-01 00:00:10,1\n2024-01-01 00:00:07.5,2\n"
                                   "2024-01-01 00:00:20,3\n");
    assert_string_equal(l->report.start, "2024-01-01T00:00:07.5Z");
    assert_int_equal(l->rows[0].arrival_ps, 0);
    assert_int_equal(l->rows[0].input_tokens, 2);
    assert_int_equal(l->rows[2].arrival_ps, SECONDS(12.5));
    loaded_free(l);
}

static void dates_far_from_the_first_are_skipped(void **state) {
    (void)state;
    struct loaded *l = loaded_text("arrival_s,input_tokens\n2024-01-10 00:00:00,1\n2024-01-01 00:00:00,2\n"
                                   "2024-01-08 00:00:00,3\n2024-04-18 00:00:00,4\n2024-04-16 00:00:00,5\n"
                                   "1970-01-01 00:00:00,6\n9999-01-01 00:00:00,7\n");
    /* 1 and 3 stay; 2 is 9 days early, 4 is 101 days after row 3, 5 is 99 */
    assert_int_equal(l->count, 3);
    assert_int_equal(l->report.skipped, 4);
    assert_sorted(l);
    loaded_free(l);
}

static void hashes_follow_their_rows_through_the_sort(void **state) {
    (void)state;
    enum { LINES = 9000 };
    char *text = malloc(LINES * 96);
    size_t at = 0;
    for (int i = 0; i < LINES; i++) {
        int place = i ^ 3; /* groups of four, turned around */
        at += (size_t)sprintf(
            text + at, "{\"timestamp\":%d,\"input_length\":%d,\"output_length\":1,\"hash_ids\":[%d,%d]}\n",
            place * 1000, place, place, place + 1);
    }
    const char *path = scratch_bytes(text, at);
    struct trace_names names;
    struct error err = {0};
    struct trace_row row;
    trace_names_init(&names);
    struct trace_source *s = trace_open(path, NULL, &names, &err);
    assert_non_null(s);
    for (int i = 0; i < LINES; i++) {
        assert_int_equal(trace_next(s, &row, &err), 1);
        assert_int_equal(row.input_tokens, i);
        assert_int_equal(row.hash_count, 2);
        assert_int_equal(row.hashes[0], i);
        assert_int_equal(row.hashes[1], i + 1);
    }
    assert_int_equal(trace_next(s, &row, &err), 0);
    assert_int_equal(trace_next(s, &row, &err), 0);
    trace_close(s);
    trace_names_free(&names);
    unlink(path);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swapped_rows_are_sorted_and_counted),
        cmocka_unit_test(rows_keep_their_number_when_sorted),
        cmocka_unit_test(rows_of_one_time_keep_their_order),
        cmocka_unit_test(a_row_far_off_is_refused_by_its_line),
        cmocka_unit_test(a_file_that_is_not_in_order_at_all_is_refused),
        cmocka_unit_test(a_file_in_no_order_is_sorted_when_asked_for),
        cmocka_unit_test(a_dated_file_begins_with_its_earliest_row),
        cmocka_unit_test(dates_far_from_the_first_are_skipped),
        cmocka_unit_test(hashes_follow_their_rows_through_the_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
