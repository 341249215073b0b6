#define _GNU_SOURCE /* memmem */
#include "record/record.h"

#include <hdf5.h>
#include <json-c/json.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "result_fixture.h"

/* Every DAMAGE_STEP-th byte is damaged in turn. */
#ifndef DAMAGE_STEP
#define DAMAGE_STEP 101
#endif

/* One result for all tests. */
static char *folder;
static char *h5;

static int make_result(void **state) {
    (void)state;
    struct error err = {0};
    folder = fixture_folder();
    h5 = fixture_path(folder, "result.h5");
    return fixture_write(folder, 6, false, &err) ? 0 : 1;
}

static int remove_result(void **state) {
    (void)state;
    free(h5);
    fixture_remove(folder);
    return 0;
}

/* ---- paths ---- */

static void a_folder_stands_for_the_result_in_it(void **state) {
    (void)state;
    struct error err = {0};
    struct arena arena = {0};
    const char *path;
    assert_done(result_path(folder, &arena, &path, &err), &err);
    assert_string_equal(path, h5);
    assert_done(result_path(h5, &arena, &path, &err), &err);
    assert_string_equal(path, h5);
    arena_free(&arena);
}

static void a_missing_result_is_named(void **state) {
    (void)state;
    struct error err = {0};
    struct arena arena = {0};
    const char *path;
    assert_false(result_path("/nowhere/at/all", &arena, &path, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.file, "/nowhere/at/all");
    err = (struct error){0};
    assert_false(result_path("/dev", &arena, &path, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.expected, "result.h5"));
    arena_free(&arena);
}

/* ---- what is in it ---- */

static void tables_are_listed(void **state) {
    (void)state;
    struct error err = {0};
    struct arena arena = {0};
    const char *const *tables;
    assert_done(result_tables(h5, &arena, &tables, &err), &err);
    assert_string_equal(tables[0], "/requests");
    assert_null(tables[1]);
    arena_free(&arena);
}

static void summary_and_provenance_come_back(void **state) {
    (void)state;
    struct error err = {0};
    struct arena arena = {0};
    struct strbuf json = {0};
    const char *text;
    summary_json(&fixture_summary, false, &json);
    assert_done(result_summary_text(h5, &arena, &text, &err), &err);
    assert_string_equal(text, json.text);
    assert_done(result_provenance(h5, "scenario", &arena, &text, &err), &err);
    assert_string_equal(text, "name: fixture\n");
    assert_done(result_provenance(h5, "manifests/chat.yaml", &arena, &text, &err), &err);
    assert_string_equal(text, "");
    assert_done(result_provenance(h5, "manifests/none.yaml", &arena, &text, &err), &err);
    assert_null(text);
    assert_done(result_provenance(h5, "", &arena, &text, &err), &err);
    assert_null(text);
    strbuf_free(&json);
    arena_free(&arena);
}

static const char requests_csv[] =
    "id,arrival_s,ttft_s,balance,cost_usd,delta,tokens,service,retries,status,reason\n"
    "0,0,1e-12,0,0,-3,0,chat,0,completed,\n"
    "1,0.0015,2e-12,-1000000007,0.1,-2,13,\"rag, \"\"two\"\"\",1,rejected,\"queue \"\"full\"\"\"\n"
    "2,0.003,,-2000000014,0.2,-1,26,caf\xC3\xA9,2,timed_out,\"two\nlines\"\n"
    "3,0.0045,4e-12,-3000000021,0.30000000000000004,0,39,,3,completed,plain\n"
    "4,0.006,5e-12,-4000000028,,1,52,chat,4,rejected,\n"
    "5,0.0075,,-5000000035,0.5,2,65,\"rag, \"\"two\"\"\",5,timed_out,\n";

static void a_table_is_exported_with_texts_and_gaps(void **state) {
    (void)state;
    struct error err = {0};
    char *csv = fixture_csv(h5, "requests", &err);
    assert_done(csv != NULL, &err);
    assert_string_equal(csv, requests_csv);
    free(csv);
    csv = fixture_csv(h5, "/requests", &err);
    assert_string_equal(csv, requests_csv);
    free(csv);
}

static void a_series_is_exported_with_its_times(void **state) {
    (void)state;
    static const char *const names[] = {"timeseries/default/deployment/chat/replicas",
                                        "timeseries/default/deployment/chat"};
    struct error err = {0};
    for (size_t i = 0; i < COUNT(names); i++) {
        char *csv = fixture_csv(h5, names[i], &err);
        assert_done(csv != NULL, &err);
        assert_string_equal(csv, "time_s,replicas\n10,0\n25,1.5\n40,\n55,3\n");
        free(csv);
    }
}

static void the_objects_that_have_series_are_listed(void **state) {
    (void)state;
    struct error err = {0};
    struct arena arena = {0};
    const char *const *objects;
    assert_done(result_series(h5, &arena, &objects, &err), &err);
    assert_string_equal(objects[0], "/timeseries/default/deployment/chat");
    assert_null(objects[1]);
    arena_free(&arena);
}

static void an_unknown_table_is_answered_with_the_list(void **state) {
    (void)state;
    static const char *const names[] = {"request", "", "/", "provenance", "summary", "names/nothing/at/all",
                                        "."};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct error err = {0};
        assert_null(fixture_csv(h5, names[i], &err));
        assert_int_equal(err.code, ERROR_USAGE);
        assert_non_null(strstr(err.hint, "requests, timeseries/default/deployment/chat"));
    }
}

static void a_write_that_fails_is_told(void **state) {
    (void)state;
    struct error err = {0};
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_false(result_export_csv(h5, "requests", full, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_non_null(strstr(err.expected, "No space left"));
    fclose(full);
}

/* ---- files that are no results ---- */

static void assert_invalid(const char *path) {
    struct error err = {0};
    struct arena arena = {0};
    const char *text;
    assert_null(fixture_csv(path, "requests", &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.file, path);
    err = (struct error){0};
    assert_false(result_summary_text(path, &arena, &text, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    arena_free(&arena);
}

static void what_is_no_result_is_refused(void **state) {
    (void)state;
    struct error err = {0};
    static const struct {
        const char *bytes;
        size_t length;
    } contents[] = {
        {"", 0}, {"id,arrival_s\n", 13}, {"\x89HDF\r\n\x1a\n", 8}, {"\x89HDF\r\n\x1a\n\2\10\10\0", 12}};
    char *path = fixture_path(folder, "other.h5");
    for (size_t i = 0; i < COUNT(contents); i++) {
        assert_done(file_write(path, contents[i].bytes, contents[i].length, &err), &err);
        assert_invalid(path);
    }
    assert_int_equal(unlink(path), 0);
    assert_invalid(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_invalid(path); /* and does not wait for a writer */
    free(path);
    assert_invalid("/dev/null");
}

static hid_t text_attribute(hid_t at, const char *name, const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text));
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, type, text);
    H5Aclose(a);
    H5Sclose(space);
    return H5Tclose(type);
}

static void hdf5_files_of_others_are_told_from_results(void **state) {
    (void)state;
    struct error err = {0};
    char *path = fixture_path(folder, "foreign.h5");
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    assert_invalid(path);
    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    text_attribute(file, "schema", "drydock.result/99");
    H5Fclose(file);
    assert_null(fixture_csv(path, "requests", &err));
    assert_non_null(strstr(err.expected, "drydock.result/99"));
    free(path);
}

/* Puts a dataset beside a good one into /requests of an otherwise empty result; `type` is that of the file.
 */
static char *result_with(const char *name, hid_t type, hid_t space) {
    char *path = fixture_path(folder, "odd.h5");
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    text_attribute(file, "schema", RESULT_SCHEMA);
    hid_t group = H5Gcreate2(file, "requests", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    hsize_t rows = 3;
    hid_t list = H5Screate_simple(1, &rows, NULL);
    H5Dclose(H5Dcreate2(group, "id", H5T_STD_U64LE, list, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(list);
    hid_t d = H5Dcreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    text_attribute(d, "dictionary", "/names/none");
    H5Dclose(d);
    H5Gclose(group);
    H5Fclose(file);
    return path;
}

static void columns_that_cannot_be_shown_are_named(void **state) {
    (void)state;
    hsize_t extent[2] = {3, 2};
    hid_t list = H5Screate_simple(1, extent, NULL);
    hid_t matrix = H5Screate_simple(2, extent, NULL);
    hid_t scalar = H5Screate(H5S_SCALAR);
    hid_t compound = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(compound, "x", 0, H5T_NATIVE_DOUBLE);
    const struct {
        hid_t type, space;
        const char *says;
    } cases[] = {
        {compound, list, "type"},
        {H5T_STD_REF_OBJ, list, "type"},
        {H5T_IEEE_F64LE, matrix, "list of values"},
        {H5T_IEEE_F64LE, scalar, "list of values"},
        {H5T_STD_U32LE, list, "dictionary"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err = {0};
        char *path = result_with("odd", cases[i].type, cases[i].space);
        assert_null(fixture_csv(path, "requests", &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(err.field, "requests/odd");
        assert_non_null(strstr(err.expected, cases[i].says));
        free(path);
    }
    H5Tclose(compound);
    H5Sclose(list);
    H5Sclose(matrix);
    H5Sclose(scalar);
}

/* ---- damaged results ---- */

static char *bytes_of(const char *path, size_t *length) {
    struct error err = {0};
    struct arena arena = {0};
    char *bytes;
    assert_done(file_read(path, 1 << 24, &arena, &bytes, length, &err), &err);
    char *copy = malloc(*length);
    memcpy(copy, bytes, *length);
    arena_free(&arena);
    return copy;
}

static void put_bytes(const char *path, const char *bytes, size_t length) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, length, f), length);
    assert_int_equal(fclose(f), 0);
}

static void a_truncated_result_is_refused_at_every_length(void **state) {
    (void)state;
    size_t length;
    char *bytes = bytes_of(h5, &length);
    char *path = fixture_path(folder, "truncated.h5");
    for (size_t n = 0; n < length; n += n < 600 ? 37 : 1009) {
        put_bytes(path, bytes, n);
        assert_invalid(path);
    }
    put_bytes(path, bytes, length - 1);
    assert_invalid(path);
    free(bytes);
    free(path);
}

/* Exports a damaged file; 0 = done or refused with its name, else something is wrong. */
static int read_damaged(const char *path) {
    struct error err = {0};
    struct arena arena = {0};
    const char *text;
    FILE *sink = fopen("/dev/null", "w");
    bool done = result_export_csv(path, "requests", sink, &err);
    fclose(sink);
    bool told =
        done || ((err.code == ERROR_INVALID || err.code == ERROR_USAGE) && strcmp(err.file, path) == 0);
    err = (struct error){0};
    done = result_summary_text(path, &arena, &text, &err);
    told = told && (done || (err.code == ERROR_INVALID && strcmp(err.file, path) == 0));
    arena_free(&arena);
    return told ? 0 : 1;
}

/* Each damaged file in a process of its own, with a limit on memory and time: neither a crash nor a word on
 * stderr. */
static void a_damaged_byte_anywhere_is_no_crash(void **state) {
    (void)state;
    size_t length;
    char *bytes = bytes_of(h5, &length);
    char *path = fixture_path(folder, "damaged.h5");
    char *said = fixture_path(folder, "said");
    int crashes = 0;
    for (size_t at = 0; at < length; at += DAMAGE_STEP) {
        char kept = bytes[at];
        bytes[at] = (char)(at % 3 == 0 ? 0xFF : at % 3 == 1 ? ~kept : kept ^ 1 << at % 8);
        put_bytes(path, bytes, length);
        bytes[at] = kept;
        pid_t child = fork();
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the next test */
            alarm(120);
            if (!freopen(said, "a", stderr)) {
                _exit(9);
            }
            _exit(read_damaged(path));
        }
        int status;
        waitpid(child, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            print_message("byte %zu: status %x\n", at, (unsigned)status);
            crashes++;
        }
    }
    struct stat about;
    assert_int_equal(crashes, 0);
    assert_int_equal(stat(said, &about), 0);
    assert_int_equal(about.st_size, 0);
    free(bytes);
    free(path);
    free(said);
}

/* The first object of the first heap of texts has no length: HDF5 would walk on the spot. */
static void a_heap_without_an_end_is_refused(void **state) {
    (void)state;
    enum { HEAP_HEADER_BYTES = 16, LENGTH_OFFSET = 8 };
    size_t length;
    char *bytes = bytes_of(h5, &length);
    char *heap = memmem(bytes, length, "GCOL", 4);
    char *path = fixture_path(folder, "endless.h5");
    assert_non_null(heap);
    memset(heap + HEAP_HEADER_BYTES + LENGTH_OFFSET, 0, sizeof(uint64_t));
    put_bytes(path, bytes, length);
    assert_invalid(path);
    free(bytes);
    free(path);
}

/* ---- the schema ---- */

static void the_schema_lists_tables_columns_and_units(void **state) {
    (void)state;
    static const struct result_table_schema tables[] = {{"/requests", "One row a request.", fixture_columns},
                                                        {NULL, NULL, NULL}};
    struct strbuf text = {0};
    result_schema(tables, &text);
    struct json_object *schema = json_tokener_parse(text.text);
    assert_non_null(schema);
    struct json_object *at = schema;
    static const char *const path[] = {"properties", "requests", "properties", "ttft_s"};
    for (size_t i = 0; i < COUNT(path); i++) {
        assert_true(json_object_object_get_ex(at, path[i], &at));
    }
    assert_string_equal(json_object_get_string(json_object_object_get(at, "units")), "s");
    assert_string_equal(json_object_get_string(json_object_object_get(at, "hdf5")), "H5T_IEEE_F64LE");
    assert_non_null(strstr(text.text, "\"dictionary\": \"/names/service\""));
    assert_non_null(strstr(text.text, "\"timed_out\""));
    json_object_put(schema);
    strbuf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_stands_for_the_result_in_it),
        cmocka_unit_test(a_missing_result_is_named),
        cmocka_unit_test(tables_are_listed),
        cmocka_unit_test(summary_and_provenance_come_back),
        cmocka_unit_test(a_table_is_exported_with_texts_and_gaps),
        cmocka_unit_test(a_series_is_exported_with_its_times),
        cmocka_unit_test(the_objects_that_have_series_are_listed),
        cmocka_unit_test(an_unknown_table_is_answered_with_the_list),
        cmocka_unit_test(a_write_that_fails_is_told),
        cmocka_unit_test(what_is_no_result_is_refused),
        cmocka_unit_test(hdf5_files_of_others_are_told_from_results),
        cmocka_unit_test(columns_that_cannot_be_shown_are_named),
        cmocka_unit_test(a_truncated_result_is_refused_at_every_length),
        cmocka_unit_test(a_damaged_byte_anywhere_is_no_crash),
        cmocka_unit_test(a_heap_without_an_end_is_refused),
        cmocka_unit_test(the_schema_lists_tables_columns_and_units),
    };
    return cmocka_run_group_tests(tests, make_result, remove_result);
}
