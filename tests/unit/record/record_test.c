#include "record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/hash.h"
#include "result_fixture.h"

enum { CHUNK_ROWS = 65536 };

static void sha256_of(const char *folder, const char *name, char out[SHA256_TEXT_BYTES]) {
    struct error err = {0};
    char *path = fixture_path(folder, name);
    assert_done(sha256_file(path, out, &err), &err);
    free(path);
}

static void count_files(const char *folder, int expected) {
    char command[600];
    snprintf(command, sizeof command, "test $(find '%s' -type f | wc -l) -eq %d", folder, expected);
    assert_int_equal(system(command), 0);
}

static void a_result_is_two_files_and_nothing_else(void **state) {
    (void)state;
    struct error err = {0};
    char *folder = fixture_folder();
    char *deeper = fixture_path(folder, "made/on/the/way");
    assert_done(fixture_write(deeper, 10, false, &err), &err);
    char *h5 = fixture_path(deeper, "result.h5");
    char *json = fixture_path(deeper, "summary.json");
    assert_true(file_exists(h5));
    assert_true(file_exists(json));
    count_files(folder, 2);
    free(h5);
    free(json);
    free(deeper);
    fixture_remove(folder);
}

/* The heap is filled with another pattern each time, and a second lies between the two: neither memory that
 * was never written nor a date may show. */
static void the_same_rows_give_the_same_bytes(void **state) {
    (void)state;
    static const uint64_t sizes[] = {0, 3, 1000, CHUNK_ROWS + 5};
    struct error err = {0};
    char first[SHA256_TEXT_BYTES];
    char second[SHA256_TEXT_BYTES];
    for (int compress = 0; compress < 2; compress++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            char *folder = fixture_folder();
            mallopt(M_PERTURB, 0x5A);
            assert_done(fixture_write(folder, sizes[i], compress, &err), &err);
            sha256_of(folder, "result.h5", first);
            if (i == 1) {
                usleep(1100000);
            }
            mallopt(M_PERTURB, 0x33);
            assert_done(fixture_write(folder, sizes[i], compress, &err), &err);
            sha256_of(folder, "result.h5", second);
            mallopt(M_PERTURB, 0);
            assert_string_equal(first, second);
            fixture_remove(folder);
        }
    }
}

static void the_same_bytes_come_from_a_processor_without_fma(void **state) {
    (void)state;
    struct error err = {0};
    char with[SHA256_TEXT_BYTES];
    char without[SHA256_TEXT_BYTES];
    char self[4096];
    char command[6000];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    char *folder = fixture_folder();
    assert_done(fixture_write(folder, 1000, true, &err), &err);
    sha256_of(folder, "result.h5", with);
    snprintf(command, sizeof command, "GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2_Usable '%s' --write '%s'",
             self, folder);
    assert_int_equal(system(command), 0);
    sha256_of(folder, "result.h5", without);
    assert_string_equal(with, without);
    fixture_remove(folder);
}

/* Rows around the ends of stages and chunks, read back one by one. */
static void every_row_comes_back(void **state) {
    (void)state;
    static const uint64_t sizes[] = {
        0, 1, 255, 256, 257, 1024, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS};
    struct error err = {0};
    for (size_t k = 0; k < COUNT(sizes); k++) {
        char *folder = fixture_folder();
        char *h5 = fixture_path(folder, "result.h5");
        assert_done(fixture_write(folder, sizes[k], k % 2, &err), &err);
        char *csv = fixture_csv(h5, "requests", &err);
        assert_non_null(csv);
        char *line = csv;
        uint64_t id = 0;
        for (line = strchr(line, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
            if (line[0] >= '0' && line[0] <= '9') { /* else the second line of a text */
                char *end;
                assert_int_equal(strtoull(line, &end, 10), id);
                assert_true(strtod(end + 1, NULL) == (double)((int64_t)id * 1500000000) / 1e12);
                id++;
            }
        }
        assert_int_equal(id, sizes[k]);
        free(csv);
        free(h5);
        fixture_remove(folder);
    }
}

static void a_small_result_is_a_small_file(void **state) {
    (void)state;
    struct error err = {0};
    struct stat about;
    char *folder = fixture_folder();
    char *h5 = fixture_path(folder, "result.h5");
    assert_done(fixture_write(folder, 10, false, &err), &err);
    assert_int_equal(stat(h5, &about), 0);
    assert_true(about.st_size < 40000);
    free(h5);
    fixture_remove(folder);
}

static void compression_makes_it_smaller_and_changes_no_value(void **state) {
    (void)state;
    struct error err = {0};
    struct stat plain;
    struct stat packed;
    char *folder = fixture_folder();
    char *h5 = fixture_path(folder, "result.h5");
    assert_done(fixture_write(folder, CHUNK_ROWS + 1000, false, &err), &err);
    char *csv = fixture_csv(h5, "requests", &err);
    stat(h5, &plain);
    assert_done(fixture_write(folder, CHUNK_ROWS + 1000, true, &err), &err);
    char *csv_packed = fixture_csv(h5, "requests", &err);
    stat(h5, &packed);
    assert_non_null(csv);
    assert_string_equal(csv, csv_packed);
    assert_true(packed.st_size < plain.st_size / 2);
    free(csv);
    free(csv_packed);
    free(h5);
    fixture_remove(folder);
}

static void an_abandoned_result_leaves_nothing_and_keeps_the_old_one(void **state) {
    (void)state;
    struct error err = {0};
    char before[SHA256_TEXT_BYTES];
    char after[SHA256_TEXT_BYTES];
    char *folder = fixture_folder();
    assert_done(fixture_write(folder, 5, false, &err), &err);
    sha256_of(folder, "result.h5", before);
    struct record_options options = {.directory = folder};
    struct recorder *r = recorder_open(&options, &err);
    assert_non_null(r);
    struct record_table *t =
        recorder_table(r, "/requests", fixture_columns, sizeof(struct fixture_row), &err);
    struct fixture_row row = fixture_row_at(0);
    assert_true(record_append(t, &row, &err));
    recorder_abandon(r);
    recorder_abandon(NULL);
    count_files(folder, 2);
    sha256_of(folder, "result.h5", after);
    assert_string_equal(before, after);
    fixture_remove(folder);
}

static void a_folder_that_cannot_be_made_is_named(void **state) {
    (void)state;
    struct error err = {0};
    struct record_options options = {.directory = "/dev/null/out"};
    assert_null(recorder_open(&options, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_non_null(strstr(err.file, "/dev/null"));
}

static void a_folder_in_the_place_of_the_result_is_refused(void **state) {
    (void)state;
    struct error err = {0};
    char *folder = fixture_folder();
    char *h5 = fixture_path(folder, "result.h5");
    assert_int_equal(mkdir(h5, 0777), 0);
    assert_false(fixture_write(folder, 5, false, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_string_equal(err.file, h5);
    count_files(folder, 0);
    free(h5);
    fixture_remove(folder);
}

static void a_series_recorded_twice_is_an_error_and_no_crash(void **state) {
    (void)state;
    struct error err = {0};
    double value = 1;
    struct series_times times = {0, 1, 1};
    char *folder = fixture_folder();
    struct record_options options = {.directory = folder};
    struct recorder *r = recorder_open(&options, &err);
    assert_true(recorder_series(r, "a", "b", "1", "time: point", &times, &value, 1, &err));
    assert_false(recorder_series(r, "a", "b", "1", "time: point", &times, &value, 1, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_false(recorder_close(r, &fixture_summary, &err));
    count_files(folder, 0);
    fixture_remove(folder);
}

/* ---- a thread of its own ---- */

struct numbers_row {
    uint64_t id;
    int64_t at_ps;
    uint32_t tokens;
    uint8_t kind;
};

/* Rows without texts, which is what a thread takes, beside some with. */
static bool write_numbers(const char *folder, uint64_t rows, bool compress, bool own_thread,
                          struct error *err) {
    static const struct column numbers[] = {
        {"id", COLUMN_U64, offsetof(struct numbers_row, id), "1", "id", NULL, NULL},
        {"at_s", COLUMN_SECONDS_PS, offsetof(struct numbers_row, at_ps), "s", "time", NULL, NULL},
        {"tokens", COLUMN_U32, offsetof(struct numbers_row, tokens), "token", "tokens", NULL, NULL},
        {"kind", COLUMN_U8, offsetof(struct numbers_row, kind), "1", "kind", NULL, NULL},
        {0}};
    static const struct column texts[] = {{"text", COLUMN_TEXT, 0, NULL, NULL, NULL, NULL}, {0}};
    const struct record_options options = {
        .directory = folder, .compress = compress, .own_thread = own_thread};
    struct recorder *r = recorder_open(&options, err);
    struct record_table *t =
        r ? recorder_table(r, "/numbers", numbers, sizeof(struct numbers_row), err) : NULL;
    struct record_table *words = t ? recorder_table(r, "/words", texts, sizeof(char *), err) : NULL;
    bool done = words != NULL;
    for (uint64_t i = 0; done && i < rows; i++) {
        const struct numbers_row row = {i, (int64_t)(i * 7919), (uint32_t)(i % 1000), (uint8_t)(i % 7)};
        const char *word = "word";
        done = record_append(t, &row, err) && (i % 100 || record_append(words, &word, err));
    }
    if (!done) {
        recorder_abandon(r);
        return false;
    }
    return recorder_close(r, &fixture_summary, err);
}

static void a_thread_writes_the_same_bytes(void **state) {
    (void)state;
    static const uint64_t sizes[] = {10, CHUNK_ROWS, 7 * CHUNK_ROWS + 5};
    for (int compress = 0; compress < 2; compress++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            struct error err = {0};
            char without[SHA256_TEXT_BYTES];
            char with[SHA256_TEXT_BYTES];
            char *folder = fixture_folder();
            assert_done(write_numbers(folder, sizes[i], compress, false, &err), &err);
            sha256_of(folder, "result.h5", without);
            assert_done(write_numbers(folder, sizes[i], compress, true, &err), &err);
            sha256_of(folder, "result.h5", with);
            assert_string_equal(without, with);
            fixture_remove(folder);
        }
    }
}

/* ---- a full disk ---- */

/* In a process of its own, for HDF5 may still have something to say when a process ends: what it writes to
 * stderr counts as a failure. Answers the text of the error. */
static void write_in_child(const char *folder, uint64_t rows, bool own_thread, rlim_t limit_bytes,
                           char *message, size_t bytes) {
    int said[2];
    int complaints[2];
    assert_int_equal(pipe(said), 0);
    assert_int_equal(pipe(complaints), 0);
    pid_t child = fork();
    if (child == 0) {
        struct error err = {0};
        char text[1600] = "";
        dup2(complaints[1], STDERR_FILENO);
        close(complaints[0]);
        close(complaints[1]);
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {limit_bytes, limit_bytes};
        if (limit_bytes) {
            setrlimit(RLIMIT_FSIZE, &limit);
        }
        if (!(own_thread ? write_numbers(folder, rows, false, true, &err)
                         : fixture_write(folder, rows, false, &err))) {
            snprintf(text, sizeof text, "%d ", err.code);
            error_text(&err, text + strlen(text), sizeof text - strlen(text));
        }
        if (write(said[1], text, strlen(text)) < 0) {
            _exit(9);
        }
        exit(0); /* not _exit: HDF5's own ending is part of the test */
    }
    close(said[1]);
    close(complaints[1]);
    char complaint[256];
    ssize_t n = read(said[0], message, bytes - 1);
    message[n > 0 ? n : 0] = '\0';
    ssize_t complained = read(complaints[0], complaint, sizeof complaint - 1);
    close(said[0]);
    close(complaints[0]);
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(complained, 0);
}

static void assert_failed_cleanly(const char *folder, const char *message, const char *reason) {
    assert_memory_equal(message, "4 ", 2);
    assert_non_null(strstr(message, reason));
    assert_true(strstr(message, "result.h5") || strstr(message, "summary.json"));
    count_files(folder, 0);
}

static void a_limit_on_file_size_fails_cleanly_wherever_it_strikes(void **state) {
    (void)state;
    static const rlim_t limits[] = {1, 100, 2048, 5000, 20000, 300000, 3000000};
    char message[2000];
    char *folder = fixture_folder();
    for (size_t i = 0; i < COUNT(limits); i++) {
        write_in_child(folder, CHUNK_ROWS + 1, false, limits[i], message, sizeof message);
        assert_failed_cleanly(folder, message, "File too large");
    }
    fixture_remove(folder);
}

static void what_a_thread_cannot_write_fails_the_result(void **state) {
    (void)state;
    static const rlim_t limits[] = {300000, 1400000, 1500000, 4000000, 9600000};
    char message[2000];
    char *folder = fixture_folder();
    for (size_t i = 0; i < COUNT(limits); i++) {
        write_in_child(folder, 7 * CHUNK_ROWS + 5, true, limits[i], message, sizeof message);
        assert_failed_cleanly(folder, message, "File too large");
    }
    fixture_remove(folder);
}

static void a_full_disk_fails_cleanly_wherever_it_strikes(void **state) {
    (void)state;
    static const char *const sizes[] = {"size=4k", "size=12k", "size=64k", "size=1m", "size=6m"};
    char message[2000];
    char *folder = fixture_folder();
    for (size_t i = 0; i < COUNT(sizes); i++) {
        if (mount("none", folder, "tmpfs", 0, sizes[i]) != 0) {
            print_message("no small file system: mounting a tmpfs is not permitted here\n");
            fixture_remove(folder);
            skip();
        }
        write_in_child(folder, CHUNK_ROWS + 1, false, 0, message, sizeof message);
        assert_failed_cleanly(folder, message, "No space left on device");
        assert_int_equal(umount(folder), 0);
    }
    fixture_remove(folder);
}

/* ---- other readers ---- */

static const char h5py_script[] =
    "import sys, h5py, numpy as np\n"
    "f = h5py.File(sys.argv[1], 'r')\n"
    "assert f.attrs['schema'] == 'drydock.result/1' and f.attrs['title'] == 'fixture' and f.attrs['seed'] == "
    "42\n"
    "t = f['requests']\n"
    "names = [d.decode() for d in f[t['service'].attrs['dictionary']][:]]\n"
    "assert names == ['chat', 'rag, \"two\"', 'caf\\u00e9'], names\n"
    "i = np.arange(1000, dtype=np.int64)\n"
    "assert (t['id'][:] == i).all() and (t['balance'][:] == -i * 1000000007).all()\n"
    "assert t['arrival_s'].attrs['units'] == 's' and t['arrival_s'].attrs['long_name'] == 'arrival'\n"
    "assert (t['arrival_s'][:] == (i * 1500000000) / 1e12).all()\n"
    "assert (np.isnan(t['ttft_s'][:]) == (i % 3 == 2)).all()\n"
    "assert (np.isnan(t['cost_usd'][:]) == (i % 5 == 4)).all()\n"
    "assert (t['delta'][:] == i % 7 - 3).all() and (t['tokens'][:] == i * 13).all()\n"
    "assert (t['service'][:] == np.where(i % 4 == 3, 0xFFFFFFFF, i % 4)).all()\n"
    "assert h5py.check_enum_dtype(t['status'].dtype) == {'completed': 0, 'rejected': 1, 'timed_out': 2}\n"
    "assert list(t['reason'].asstr()[:5]) == ['', 'queue \"full\"', 'two\\nlines', 'plain', '']\n"
    "s = f['timeseries/default/deployment/chat/replicas']\n"
    "assert s.attrs['units'] == '1' and s.attrs['start_s'] == 10 and s.attrs['interval_s'] == 15\n"
    "assert s.attrs['cell_methods'] == 'time: point' and s.attrs['end_s'] == 66\n"
    "assert f['provenance/scenario'].asstr()[()] == 'name: fixture\\n'\n"
    "assert f['provenance/manifests/chat.yaml'].asstr()[()] == ''\n"
    "import json; assert json.loads(f['summary'].asstr()[()])['seed'] == 42\n";

static void h5py_reads_what_was_written(void **state) {
    (void)state;
    if (system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") != 0) {
        print_message("no h5py: apt-get install python3-h5py\n");
        skip();
    }
    struct error err = {0};
    char command[1400];
    char *folder = fixture_folder();
    char *script = fixture_path(folder, "read.py");
    assert_done(file_write(script, h5py_script, strlen(h5py_script), &err), &err);
    for (int compress = 0; compress < 2; compress++) {
        assert_done(fixture_write(folder, 1000, compress, &err), &err);
        snprintf(command, sizeof command, "/usr/bin/python3 '%s' '%s/result.h5'", script, folder);
        assert_int_equal(system(command), 0);
    }
    free(script);
    fixture_remove(folder);
}

static int write_only(const char *folder) {
    struct error err = {0};
    return fixture_write(folder, 1000, true, &err) ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        return write_only(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_two_files_and_nothing_else),
        cmocka_unit_test(the_same_rows_give_the_same_bytes),
        cmocka_unit_test(the_same_bytes_come_from_a_processor_without_fma),
        cmocka_unit_test(every_row_comes_back),
        cmocka_unit_test(a_small_result_is_a_small_file),
        cmocka_unit_test(compression_makes_it_smaller_and_changes_no_value),
        cmocka_unit_test(an_abandoned_result_leaves_nothing_and_keeps_the_old_one),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_named),
        cmocka_unit_test(a_folder_in_the_place_of_the_result_is_refused),
        cmocka_unit_test(a_series_recorded_twice_is_an_error_and_no_crash),
        cmocka_unit_test(a_limit_on_file_size_fails_cleanly_wherever_it_strikes),
        cmocka_unit_test(a_thread_writes_the_same_bytes),
        cmocka_unit_test(what_a_thread_cannot_write_fails_the_result),
        cmocka_unit_test(a_full_disk_fails_cleanly_wherever_it_strikes),
        cmocka_unit_test(h5py_reads_what_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
