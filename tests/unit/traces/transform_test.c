#include "trace_fixture.h"

enum { ROWS = 1000 };

/* A source of ROWS rows, one a second from second 1 on, whose input tokens are their number and whose hashes
 * too. */
static const char *seconds_file(void) {
    static char text[ROWS * 96];
    size_t at = 0;
    for (int i = 0; i < ROWS; i++) {
        at += (size_t)sprintf(
            text + at, "{\"timestamp\":%d,\"input_length\":%d,\"output_length\":1,\"hash_ids\":[%d]}\n",
            (i + 1) * 1000, i, i);
    }
    return scratch_bytes(text, at);
}

struct again {
    const char *path;
    struct trace_names *names;
};

static struct trace_source *open_again(void *context, struct error *err) {
    struct again *a = context;
    return trace_open(a->path, NULL, a->names, err);
}

static struct loaded *transform(struct trace_transform t) {
    struct loaded *l = malloc(sizeof *l);
    struct again again = {seconds_file(), NULL};
    loaded_begin(l);
    again.names = &l->names;
    struct trace_source *inner = open_again(&again, &l->err);
    assert_non_null(inner);
    loaded_take(l, trace_transformed(inner, &t, &l->names, open_again, &again, &l->err));
    unlink(again.path);
    return l;
}

static struct trace_transform none(void) {
    return (struct trace_transform)TRACE_TRANSFORM_NONE;
}

static void assert_sorted(const struct loaded *l) {
    for (size_t i = 1; i < l->count; i++) {
        assert_true(l->rows[i].arrival_ps >= l->rows[i - 1].arrival_ps);
    }
}

static void nothing_changes_nothing(void **state) {
    (void)state;
    struct loaded *l = transform(none());
    assert_int_equal(l->count, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(l->rows[i].arrival_ps, SECONDS((double)(i + 1)));
        assert_int_equal(l->rows[i].row, i);
        assert_int_equal(l->hashes[i], i);
    }
    assert_string_equal(l->report.format, "mooncake");
    assert_int_equal(l->report.rows, ROWS);
    loaded_free(l);
}

static void a_window_begins_at_its_start_and_ends_before_its_end(void **state) {
    (void)state;
    struct trace_transform t = none();
    t.start_ps = SECONDS(10);
    t.length_ps = SECONDS(5);
    struct loaded *l = transform(t);
    assert_int_equal(l->count, 5); /* seconds 10 .. 14 */
    assert_int_equal(l->rows[0].arrival_ps, 0);
    assert_int_equal(l->rows[0].input_tokens, 9);
    assert_int_equal(l->rows[4].arrival_ps, SECONDS(4));
    loaded_free(l);
}

static void thinning_keeps_the_same_rows_under_one_seed_and_nests(void **state) {
    (void)state;
    struct trace_transform t = none();
    bool half[ROWS] = {false};
    t.seed = 7;
    t.rate_scale = 0.5;
    struct loaded *a = transform(t);
    for (size_t i = 0; i < a->count; i++) {
        half[a->rows[i].row] = true;
        assert_int_equal(a->rows[i].input_tokens, a->rows[i].row);
        assert_int_equal(a->hashes[i], a->rows[i].row);
    }
    assert_true(a->count > 430 && a->count < 570); /* 500 +- 4.4 sigma */
    t.rate_scale = 0.25;
    struct loaded *b = transform(t);
    for (size_t i = 0; i < b->count; i++) {
        assert_true(half[b->rows[i].row]); /* a quarter is part of the half */
    }
    t.seed = 8;
    struct loaded *c = transform(t);
    bool same = c->count == b->count;
    for (size_t i = 0; same && i < c->count; i++) {
        same = c->rows[i].row == b->rows[i].row;
    }
    assert_false(same);
    loaded_free(a);
    loaded_free(b);
    loaded_free(c);
}

static void cloning_adds_rows_before_the_next_arrival(void **state) {
    (void)state;
    struct trace_transform t = none();
    t.rate_scale = 2.5;
    struct loaded *l = transform(t);
    assert_true(l->count > 2430 && l->count < 2570);
    assert_sorted(l);
    size_t clones[ROWS] = {0};
    for (size_t i = 0; i < l->count; i++) {
        const struct trace_row *row = &l->rows[i];
        uint64_t original = row->row % TRACE_CLONE_STRIDE;
        simtime late = row->arrival_ps - SECONDS((double)(original + 1));
        assert_int_equal(row->input_tokens, original);
        assert_int_equal(l->hashes[i], original);
        assert_int_equal(row->row / TRACE_CLONE_STRIDE, clones[original]++);
        assert_true(late >= 0 && late < SIMTIME_SECOND);
    }
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(clones[i] == 2 || clones[i] == 3);
    }
    loaded_free(l);
}

static void time_scale_multiplies_exactly(void **state) {
    (void)state;
    struct trace_transform t = none();
    t.time_scale = 0.5;
    struct loaded *l = transform(t);
    assert_int_equal(l->rows[ROWS - 1].arrival_ps, SECONDS(500));
    loaded_free(l);
    t.time_scale = 3;
    l = transform(t);
    assert_int_equal(l->rows[ROWS - 1].arrival_ps, SECONDS(3000));
    loaded_free(l);
}

static void copies_follow_at_span_and_mean_gap_with_row_numbers_of_their_own(void **state) {
    (void)state;
    struct trace_transform t = none();
    t.repeat = 3;
    struct loaded *l = transform(t);
    assert_int_equal(l->count, 3 * ROWS);
    for (size_t i = 0; i < l->count; i++) {
        assert_int_equal(l->rows[i].arrival_ps, SECONDS((double)(i + 1)));
        assert_int_equal(l->rows[i].row, i);
        assert_int_equal(l->rows[i].input_tokens, i % ROWS);
        assert_int_equal(l->hashes[i], i % ROWS);
    }
    loaded_free(l);
}

static void a_repeated_window_repeats_the_window(void **state) {
    (void)state;
    struct trace_transform t = none();
    t.start_ps = SECONDS(1);
    t.length_ps = SECONDS(10);
    t.repeat = 4;
    t.time_scale = 0.1;
    struct loaded *l = transform(t);
    assert_int_equal(l->count, 40);
    for (size_t i = 0; i < l->count; i++) {
        simtime expected = SECONDS((double)i) / 10;
        assert_true(l->rows[i].arrival_ps >= expected - 1 && l->rows[i].arrival_ps <= expected + 1);
    }
    loaded_free(l);
}

static void thinned_copies_differ(void **state) {
    (void)state;
    struct trace_transform t = none();
    t.repeat = 2;
    t.rate_scale = 0.5;
    struct loaded *l = transform(t);
    bool kept[2][ROWS] = {{false}};
    size_t differ = 0;
    for (size_t i = 0; i < l->count; i++) {
        kept[l->rows[i].row / ROWS][l->rows[i].row % ROWS] = true;
    }
    for (size_t i = 0; i < ROWS; i++) {
        differ += kept[0][i] != kept[1][i];
    }
    assert_true(differ > 400 && differ < 600);
    loaded_free(l);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    static const struct {
        struct trace_transform t;
        const char *text;
    } cases[] = {
        {{0, 0, 0, 1, 1, 0, NULL}, "rate_scale"},
        {{0, 0, -1, 1, 1, 0, NULL}, "rate_scale"},
        {{0, 0, 1001, 1, 1, 0, NULL}, "rate_scale"},
        {{0, 0, 1, 0, 1, 0, NULL}, "time_scale"},
        {{0, 0, 1, 1e7, 1, 0, NULL}, "time_scale"},
        {{-1, 0, 1, 1, 1, 0, NULL}, "start"},
        {{0, -1, 1, 1, 1, 0, NULL}, "length"},
        {{0, 0, 1, 1, 0, 0, NULL}, "repeat"},
        {{0, 0, 1, 1, 100000, 0, NULL}, "at most 100 days"},
        {{0, 0, 1, 1e5, 1, 0, NULL}, "within 100 days"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct loaded *l = transform(cases[i].t);
        assert_int_equal(l->err.code, ERROR_INVALID);
        assert_contains(l->text, cases[i].text);
        loaded_free(l);
    }
}

static void a_source_that_cannot_be_reopened_is_not_repeated(void **state) {
    (void)state;
    struct loaded *l = malloc(sizeof *l);
    struct synth_spec spec;
    struct trace_transform t = none();
    synth_defaults(&spec);
    loaded_begin(l);
    t.repeat = 2;
    struct trace_source *inner = trace_synth(&spec, &l->names, &l->err);
    assert_null(trace_transformed(inner, &t, &l->names, NULL, NULL, &l->err));
    assert_int_equal(l->err.code, ERROR_INVALID);
    loaded_free(l);
}

static struct trace_source *synth_at(struct loaded *l, const char *name, double rate_per_s) {
    struct synth_spec spec;
    synth_defaults(&spec);
    spec.name = spec.tenant = name;
    spec.rate_per_s = rate_per_s;
    return trace_synth(&spec, &l->names, &l->err);
}

static void mixing_orders_by_arrival_and_tells_the_source(void **state) {
    (void)state;
    struct loaded *l = malloc(sizeof *l);
    struct loaded *alone = malloc(sizeof *alone);
    struct trace_source *sources[3];
    size_t counts[3] = {0};
    loaded_begin(l);
    loaded_begin(alone);
    sources[0] = synth_at(l, "a", 1);
    sources[1] = synth_at(l, "b", 0.01);
    sources[2] = synth_at(l, "c", 3);
    loaded_take(l, trace_mixed(sources, 3, &l->err));
    assert_sorted(l);
    for (size_t i = 0; i < l->count; i++) {
        const struct trace_row *row = &l->rows[i];
        assert_int_equal(row->row, counts[row->source]++);
        assert_int_equal(row->tenant, row->source + 1);
    }
    loaded_take(alone, synth_at(alone, "c", 3));
    assert_int_equal(counts[2], alone->count); /* mixing loses and adds nothing */
    loaded_free(alone);
    loaded_free(l);
}

static void ties_go_to_the_lower_index_and_hashes_stay_right(void **state) {
    (void)state;
    struct loaded *l = malloc(sizeof *l);
    struct trace_source *sources[2];
    loaded_begin(l);
    const char *path = seconds_file();
    sources[0] = trace_open(path, NULL, &l->names, &l->err);
    sources[1] = trace_open(path, NULL, &l->names, &l->err);
    loaded_take(l, trace_mixed(sources, 2, &l->err));
    unlink(path);
    assert_int_equal(l->count, 2 * ROWS);
    for (size_t i = 0; i < l->count; i++) {
        assert_int_equal(l->rows[i].source, i % 2);
        assert_int_equal(l->hashes[i], i / 2);
    }
    loaded_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changes_nothing),
        cmocka_unit_test(a_window_begins_at_its_start_and_ends_before_its_end),
        cmocka_unit_test(thinning_keeps_the_same_rows_under_one_seed_and_nests),
        cmocka_unit_test(cloning_adds_rows_before_the_next_arrival),
        cmocka_unit_test(time_scale_multiplies_exactly),
        cmocka_unit_test(copies_follow_at_span_and_mean_gap_with_row_numbers_of_their_own),
        cmocka_unit_test(a_repeated_window_repeats_the_window),
        cmocka_unit_test(thinned_copies_differ),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_source_that_cannot_be_reopened_is_not_repeated),
        cmocka_unit_test(mixing_orders_by_arrival_and_tells_the_source),
        cmocka_unit_test(ties_go_to_the_lower_index_and_hashes_stay_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
