/* What is written reads back as the same rows, in drydock.trace/1 and in CSV. */
#include <hdf5.h>

#include "base/file.h"
#include "trace_fixture.h"

/* Writes a source under a scratch name with this ending; the name is static. */
static const char *write_as(const char *ending, struct trace_source *source, const struct trace_names *names,
                            struct error *err) {
    static char path[128];
    uint64_t rows = 0;
    snprintf(path, sizeof path, "/tmp/drydock-write-%d%s", (int)getpid(), ending);
    assert_non_null(source);
    if (!trace_write(source, names, path, &rows, err)) {
        trace_close(source);
        return NULL;
    }
    assert_int_equal(rows, trace_report(source)->rows);
    trace_close(source);
    return path;
}

static void assert_same_row(const struct loaded *a, const struct loaded *b, size_t i, bool hashes) {
    const struct trace_row *x = &a->rows[i];
    const struct trace_row *y = &b->rows[i];
    assert_int_equal(x->arrival_ps, y->arrival_ps);
    assert_int_equal(x->input_tokens, y->input_tokens);
    assert_int_equal(x->output_tokens, y->output_tokens);
    assert_string_equal(name_of(a, x->service), name_of(b, y->service));
    assert_string_equal(name_of(a, x->tenant), name_of(b, y->tenant));
    assert_string_equal(name_of(a, x->region), name_of(b, y->region));
    assert_int_equal(x->images, y->images);
    assert_int_equal(x->image_tokens, y->image_tokens);
    assert_int_equal(x->session, y->session);
    assert_int_equal(x->payload_bytes, y->payload_bytes);
    assert_true(x->audio_s == y->audio_s && x->service_s == y->service_s);
    if (hashes) {
        assert_int_equal(x->hash_count, y->hash_count);
        assert_int_equal(x->hash_block_tokens, y->hash_block_tokens);
    }
}

static void assert_round_trip(const char *file, const char *ending) {
    struct trace_names names;
    struct error err = {0};
    trace_names_init(&names);
    struct loaded *original = loaded_file(file, NULL);
    const char *path = write_as(ending, trace_open(file, NULL, &names, &err), &names, &err);
    assert_non_null(path);
    struct loaded *copy = loaded_file(path, NULL);
    bool h5 = !strcmp(ending, ".h5");
    assert_string_equal(copy->text, "");
    assert_int_equal(copy->count, original->count);
    for (size_t i = 0; i < copy->count; i++) {
        assert_same_row(original, copy, i, h5);
    }
    if (h5) {
        assert_string_equal(copy->report.start, original->report.start);
        assert_int_equal(copy->hash_count, original->hash_count);
        assert_memory_equal(copy->hashes, original->hashes, original->hash_count * sizeof *copy->hashes);
    }
    unlink(path);
    loaded_free(copy);
    loaded_free(original);
    trace_names_free(&names);
}

static void every_format_survives_a_round_trip(void **state) {
    (void)state;
    static const char *const files[] = {
        "azure-llm-2023.csv", "azure-lmm-2025.csv", "burstgpt-old.csv",
        "burstgpt-new.csv",   "mooncake.jsonl",     "gentd26.csv",
        "own-columns.csv",    "servegen",           "servegen-sampled.csv",
    };
    static const char *const endings[] = {".h5", ".csv", ".csv.gz"};
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "tests/cases/traces/%s", files[i]);
        for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
            assert_round_trip(path, endings[k]);
        }
    }
}

static char *bytes_of(const char *path, size_t *length) {
    struct arena arena = {0};
    struct error err = {0};
    char *bytes;
    assert_true(file_read(path, 1 << 28, &arena, &bytes, length, &err));
    char *copy = malloc(*length + 1);
    memcpy(copy, bytes, *length);
    arena_free(&arena);
    return copy;
}

static void the_same_rows_make_the_same_bytes_at_any_time(void **state) {
    (void)state;
    static const char *const endings[] = {".h5", ".csv.gz"};
    for (size_t k = 0; k < 2; k++) {
        size_t n[2];
        char *bytes[2];
        for (int i = 0; i < 2; i++) {
            struct trace_names names;
            struct error err = {0};
            trace_names_init(&names);
            const char *path =
                write_as(endings[k], trace_open("tests/cases/traces/mooncake.jsonl", NULL, &names, &err),
                         &names, &err);
            bytes[i] = bytes_of(path, &n[i]);
            unlink(path);
            trace_names_free(&names);
            usleep(i == 0 ? 1100000 : 0); /* another second, which must not show */
        }
        assert_int_equal(n[0], n[1]);
        assert_memory_equal(bytes[0], bytes[1], n[0]);
        free(bytes[0]);
        free(bytes[1]);
    }
}

static void a_long_trace_takes_many_chunks(void **state) {
    (void)state;
    struct synth_spec spec;
    struct trace_names names;
    struct error err = {0};
    synth_defaults(&spec);
    spec.rate_per_s = 10;
    spec.tenant = "late"; /* a name */
    spec.session_turns_mean = 2;
    trace_names_init(&names);
    struct loaded *original = malloc(sizeof *original);
    loaded_begin(original);
    loaded_take(original, trace_synth(&spec, &original->names, &original->err));
    assert_true(original->count > 30000);
    const char *path = write_as(".h5", trace_synth(&spec, &names, &err), &names, &err);
    struct loaded *copy = loaded_file(path, NULL);
    assert_int_equal(copy->count, original->count);
    for (size_t i = 0; i < copy->count; i++) {
        assert_same_row(original, copy, i, true);
        assert_int_equal(copy->rows[i].row, i);
    }
    unlink(path);
    loaded_free(copy);
    loaded_free(original);
    trace_names_free(&names);
}

static void nothing_is_left_when_writing_fails(void **state) {
    (void)state;
    struct synth_spec spec;
    struct trace_names names;
    struct error err = {0};
    uint64_t rows;
    trace_names_init(&names);
    synth_defaults(&spec);
    static const char *const paths[] = {"/nonexistent/a.h5", "/nonexistent/a.csv", "/nonexistent/a.csv.gz"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct trace_source *source = trace_synth(&spec, &names, &err);
        struct error failed = {0};
        assert_false(trace_write(source, &names, paths[i], &rows, &failed));
        assert_int_equal(failed.code, ERROR_FAILED);
        trace_close(source);
    }
    struct trace_source *source = trace_synth(&spec, &names, &err);
    assert_false(trace_write(source, &names, "/tmp/a.txt", &rows, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    trace_close(source);
    trace_names_free(&names);
}

/* ---- HDF5 files that are not ours, or not whole ---- */

static hid_t new_file(char path[64]) {
    snprintf(path, 64, "/tmp/drydock-h5-%d.h5", (int)getpid());
    return H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
}

static void add_text(hid_t file, const char *name, const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, text);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static void add_column(hid_t file, const char *name, const int64_t *values, hsize_t n) {
    hid_t space = H5Screate_simple(1, &n, NULL);
    hid_t dataset = H5Dcreate2(file, name, H5T_NATIVE_INT64, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
    H5Sclose(space);
}

static void other_hdf5_files_are_refused_with_what_they_are(void **state) {
    (void)state;
    static const int64_t rising[] = {0, 5, 9};
    static const int64_t falling[] = {0, 9, 5};
    static const int64_t far[] = {0, 5, INT64_MAX};
    static const struct {
        const char *schema;
        const int64_t *arrival;
        const char *column;
        hsize_t rows;
        const char *part;
    } cases[] = {
        {NULL, rising, NULL, 3, "schema"},
        {"drydock.result/1", rising, NULL, 3, "the file is drydock.result/1"},
        {"drydock.trace/1", NULL, NULL, 0, "arrival_ps"},
        {"drydock.trace/1", rising, NULL, 0, "no data row"},
        {"drydock.trace/1", falling, NULL, 3, "row 2: expected an arrival not before"},
        {"drydock.trace/1", far, NULL, 3, "row 2"},
        {"drydock.trace/1", rising, "tenant", 3, "names"},
        {"drydock.trace/1", rising, "hash_count", 3, "hashes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[64];
        hid_t file = new_file(path);
        if (cases[i].schema) {
            add_text(file, "schema", cases[i].schema);
        }
        if (cases[i].arrival) {
            add_column(file, "arrival_ps", cases[i].arrival, cases[i].rows);
        }
        if (cases[i].column) {
            add_column(file, cases[i].column, rising, cases[i].rows);
        }
        H5Fclose(file);
        struct loaded *l = loaded_file(path, NULL);
        assert_int_equal(l->err.code, ERROR_INVALID);
        assert_contains(l->text, cases[i].part);
        loaded_free(l);
        unlink(path);
    }
}

static void an_hdf5_file_cut_short_is_refused(void **state) {
    (void)state;
    struct trace_names names;
    struct error err = {0};
    size_t n;
    trace_names_init(&names);
    const char *path =
        write_as(".h5", trace_open("tests/cases/traces/own-columns.csv", NULL, &names, &err), &names, &err);
    char *bytes = bytes_of(path, &n);
    unlink(path);
    for (size_t cut = 8; cut < n; cut += 97) {
        struct loaded *l = loaded_bytes(bytes, cut, NULL);
        assert_int_equal(l->err.code, ERROR_INVALID);
        loaded_free(l);
    }
    free(bytes);
    trace_names_free(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_survives_a_round_trip),
        cmocka_unit_test(the_same_rows_make_the_same_bytes_at_any_time),
        cmocka_unit_test(a_long_trace_takes_many_chunks),
        cmocka_unit_test(nothing_is_left_when_writing_fails),
        cmocka_unit_test(other_hdf5_files_are_refused_with_what_they_are),
        cmocka_unit_test(an_hdf5_file_cut_short_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
