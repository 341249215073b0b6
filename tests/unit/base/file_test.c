#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/progress.h"

static struct arena arena;
static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/drydock-file-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    arena_free(&arena);
    return system(command);
}

static char *in_folder(const char *name) {
    return path_join(&arena, folder, name);
}

/* The names in the folder, "a b ". */
static const char *listing(void) {
    static char text[512];
    char command[128];
    snprintf(command, sizeof command, "ls -A '%s' | tr '\\n' ' '", folder);
    FILE *ls = popen(command, "r");
    size_t n = fread(text, 1, sizeof text - 1, ls);
    text[n] = '\0';
    pclose(ls);
    return text;
}

static void assert_content(const char *path, const char *want) {
    struct error err = {0};
    char *bytes;
    size_t length;
    assert_true(file_read(path, 1 << 20, &arena, &bytes, &length, &err));
    assert_string_equal(bytes, want);
    assert_int_equal(length, strlen(want));
}

static void what_is_written_is_read_back_and_nothing_else_is_left(void **state) {
    (void)state;
    struct error err = {0};
    char *path = in_folder("a.txt");
    assert_true(file_write(path, "hello\n", 6, &err));
    assert_content(path, "hello\n");
    assert_true(file_write(path, "", 0, &err));
    assert_content(path, "");
    assert_string_equal(listing(), "a.txt ");
}

static void the_old_file_stays_until_the_new_one_is_complete(void **state) {
    (void)state;
    struct error err = {0};
    struct file_writer w;
    char *path = in_folder("a.txt");
    assert_true(file_write(path, "old", 3, &err));
    assert_true(file_begin(&w, path, &err));
    fputs("new", w.stream);
    fflush(w.stream);
    assert_content(path, "old");
    assert_true(strncmp(w.temporary_path, path, strlen(path)) == 0);
    assert_true(file_commit(&w, &err));
    assert_content(path, "new");
    file_abandon(&w);
    assert_content(path, "new");
}

static void an_abandoned_file_leaves_nothing(void **state) {
    (void)state;
    struct error err = {0};
    struct file_writer w;
    assert_true(file_begin(&w, in_folder("a.txt"), &err));
    fputs("half", w.stream);
    file_abandon(&w);
    assert_string_equal(listing(), "");
    file_abandon(&w);
}

static void a_file_over_the_limit_is_refused_with_the_limit(void **state) {
    (void)state;
    struct error err = {0};
    char *path = in_folder("a.txt");
    char *bytes = NULL;
    size_t length;
    assert_true(file_write(path, "12345", 5, &err));
    assert_true(file_read(path, 5, &arena, &bytes, &length, &err));
    assert_false(file_read(path, 4, &arena, &bytes, &length, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.expected, "limit of 4 bytes"));
    assert_string_equal(err.file, path);
}

static void what_cannot_be_an_input_is_invalid(void **state) {
    (void)state;
    const char *const paths[] = {in_folder("missing"), folder, "/dev/null", in_folder("missing/deeper"), ""};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct error err = {0};
        char *bytes;
        size_t length;
        assert_false(file_read(paths[i], 100, &arena, &bytes, &length, &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
}

static void bytes_of_any_value_and_size_are_read(void **state) {
    (void)state;
    enum { BYTES = 300000 };
    struct error err = {0};
    char *want = arena_alloc(&arena, BYTES);
    char *bytes;
    size_t length;
    for (int i = 0; i < BYTES; i++) {
        want[i] = (char)(i * 7 + i / 256);
    }
    assert_true(file_write(in_folder("b"), want, BYTES, &err));
    assert_true(file_read(in_folder("b"), BYTES, &arena, &bytes, &length, &err));
    assert_int_equal(length, BYTES);
    assert_memory_equal(bytes, want, BYTES);
    assert_int_equal(bytes[length], 0);
    /* The system states no size for these. */
    assert_true(file_read("/proc/self/status", 1 << 20, &arena, &bytes, &length, &err));
    assert_true(length > 100 && strlen(bytes) == length);
}

static void a_pipe_is_read_to_its_end_and_its_limit(void **state) {
    (void)state;
    enum { BYTES = 200000 };
    for (int over = 0; over < 2; over++) {
        char *path = in_folder(over ? "p1" : "p0");
        assert_int_equal(mkfifo(path, 0600), 0);
        pid_t child = fork();
        if (child == 0) {
            signal(SIGPIPE, SIG_DFL);
            FILE *out = fopen(path, "w");
            for (int i = 0; i < BYTES; i++) {
                fputc('p', out);
            }
            _exit(fclose(out));
        }
        struct error err = {0};
        char *bytes;
        size_t length;
        bool done = file_read(path, over ? BYTES - 1 : BYTES, &arena, &bytes, &length, &err);
        assert_int_equal(done, !over);
        assert_true(over || length == BYTES);
        waitpid(child, NULL, 0);
    }
}

static void directories_are_made_with_their_parents(void **state) {
    (void)state;
    struct error err = {0};
    assert_true(file_make_directory(in_folder("a/b//c/"), &err));
    assert_true(file_is_directory(in_folder("a/b/c")));
    assert_true(file_make_directory(in_folder("a/b/c"), &err));
    assert_true(file_make_directory("/", &err));
    assert_true(file_write(in_folder("a/file"), "x", 1, &err));
    assert_true(file_exists(in_folder("a/file")));
    assert_false(file_is_directory(in_folder("a/file")));
    assert_false(file_make_directory(in_folder("a/file"), &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_non_null(strstr(err.expected, "Not a directory"));
    err = (struct error){0};
    assert_false(file_make_directory(in_folder("a/file/below"), &err));
    assert_false(file_make_directory("", &err));
    assert_false(file_exists(in_folder("missing")));
}

static void paths_are_joined_and_split(void **state) {
    (void)state;
    static const struct {
        const char *dir, *name, *joined;
    } joins[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"},
                 {"", "b", "b"},    {"/", "b", "/b"},   {NULL, "b", "b"}};
    static const struct {
        const char *path, *dir, *base;
    } splits[] = {{"a/b", "a", "b"},       {"/a", "/", "a"},    {"a", ".", "a"}, {"a//b", "a", "b"},
                  {"/a/b/c", "/a/b", "c"}, {"a/b/", "a", "b/"}, {"", ".", ""},   {"a/", ".", "a/"}};
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        assert_string_equal(path_join(&arena, joins[i].dir, joins[i].name), joins[i].joined);
    }
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        assert_string_equal(path_directory(&arena, splits[i].path), splits[i].dir);
        assert_string_equal(path_base(splits[i].path), splits[i].base);
    }
    assert_string_equal(path_directory(&arena, "/"), "/");
}

static void a_place_that_cannot_be_written_fails_at_once(void **state) {
    (void)state;
    const char *const paths[] = {in_folder("missing/a"), folder, ""};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct error err = {0};
        struct file_writer w;
        assert_false(file_begin(&w, paths[i], &err));
        assert_int_equal(err.code, ERROR_FAILED);
    }
    assert_string_equal(listing(), "");
}

/* /dev/full takes nothing; a file-size limit stands for a disk that fills in the middle of a real file. */
static void a_full_disk_is_noticed_and_leaves_nothing(void **state) {
    (void)state;
    struct error err = {0};
    assert_false(file_write("/dev/full", "x", 1, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_non_null(strstr(err.expected, "No space left"));
    char *path = in_folder("big");
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {1000, 1000};
        static char bytes[100000];
        struct error failure = {0};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        bool done = file_write(path, bytes, sizeof bytes, &failure);
        struct file_writer w;
        bool later =
            file_begin(&w, path, &failure) && fwrite(bytes, 1, 2000, w.stream) && file_commit(&w, &failure);
        _exit(done || later ? 1 : (int)failure.code);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), ERROR_FAILED);
    assert_string_equal(listing(), "");
}

static void a_device_is_written_straight_and_stays_a_device(void **state) {
    (void)state;
    struct error err = {0};
    struct stat about;
    assert_true(file_write("/dev/null", "x", 1, &err));
    assert_int_equal(stat("/dev/null", &about), 0);
    assert_true(S_ISCHR(about.st_mode));
    assert_false(file_publish(in_folder("x"), "/dev/null", &err));
    assert_int_equal(err.code, ERROR_FAILED);
}

static void a_file_written_by_others_is_published_whole(void **state) {
    (void)state;
    struct error err = {0};
    char *path = in_folder("result.h5");
    char *temporary = file_temporary_name(&arena, path);
    FILE *out = fopen(temporary, "w");
    fputs("columns", out);
    fclose(out);
    assert_true(file_publish(temporary, path, &err));
    assert_content(path, "columns");
    assert_string_equal(listing(), "result.h5 ");
    assert_false(file_publish(temporary, path, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_content(path, "columns");
}

static void registered_temporaries_are_removed_and_forgotten_ones_stay(void **state) {
    (void)state;
    struct error err = {0};
    struct file_writer w;
    char *kept = file_temporary_name(&arena, in_folder("kept"));
    char *removed = file_temporary_name(&arena, in_folder("removed"));
    fclose(fopen(kept, "w"));
    fclose(fopen(removed, "w"));
    assert_true(file_begin(&w, in_folder("a"), &err));
    file_forget_temporary(kept);
    file_remove_temporaries();
    assert_string_equal(listing(), arena_printf(&arena, "%s ", path_base(kept)));
    assert_false(file_commit(&w, &err));
    assert_int_equal(err.code, ERROR_FAILED);
}

static void a_child_leaves_its_parents_temporaries_alone(void **state) {
    (void)state;
    char *mine = file_temporary_name(&arena, in_folder("mine"));
    fclose(fopen(mine, "w"));
    pid_t child = fork();
    if (child == 0) {
        file_remove_temporaries();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    assert_true(file_exists(mine));
    file_remove_temporaries();
    assert_false(file_exists(mine));
}

static void what_a_killed_process_left_is_removed_and_nothing_else(void **state) {
    (void)state;
    char *mine = file_temporary_name(&arena, in_folder("mine"));
    fclose(fopen(mine, "w"));
    fclose(fopen(in_folder("result.h5.tmp-123456"), "w"));
    fclose(fopen(in_folder("summary.json.tmp-123456"), "w"));
    fclose(fopen(in_folder("summary.json.tmp-1234567"), "w"));
    file_remove_temporaries_of(folder, 123456);
    file_remove_temporaries_of(in_folder("absent"), 123456);
    assert_string_equal(listing(), arena_printf(&arena, "%s summary.json.tmp-1234567 ", path_base(mine)));
    file_remove_temporaries();
}

static void more_files_at_a_time_than_the_limit_are_refused(void **state) {
    (void)state;
    struct file_writer w[200];
    struct error err = {0};
    int open_count = 0;
    while (open_count < 200 &&
           file_begin(&w[open_count], in_folder(arena_printf(&arena, "f%d", open_count)), &err)) {
        open_count++;
    }
    assert_int_equal(open_count, 64);
    assert_non_null(strstr(err.expected, "more than 64 files"));
    for (int i = 0; i < open_count; i++) {
        file_abandon(&w[i]);
    }
    assert_string_equal(listing(), "");
}

/* The state letter of a process, 'S' once it sleeps in a system call. */
static char process_state(pid_t pid) {
    char path[64];
    char state = '?';
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *stat = fopen(path, "r");
    if (stat) {
        if (fscanf(stat, "%*d (%*[^)]) %c", &state) != 1) {
            state = '?';
        }
        fclose(stat);
    }
    return state;
}

static void waiting_for_a_pipe_ends_with_an_interrupt(void **state) {
    (void)state;
    char *path = in_folder("pipe");
    char *ready = in_folder("ready");
    assert_int_equal(mkfifo(path, 0600), 0);
    pid_t child = fork();
    if (child == 0) {
        struct error err = {0};
        char *bytes;
        size_t length;
        interrupt_install();
        close(open(ready, O_CREAT | O_WRONLY, 0600));
        file_read(path, 100, &arena, &bytes, &length, &err);
        _exit((int)err.code);
    }
    struct timespec pause = {.tv_nsec = 2000000};
    while (!file_exists(ready) || process_state(child) != 'S') {
        nanosleep(&pause, NULL);
    }
    int status = 0;
    kill(child, SIGTERM);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), ERROR_INTERRUPTED);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_is_written_is_read_back_and_nothing_else_is_left),
        FILE_TEST(the_old_file_stays_until_the_new_one_is_complete),
        FILE_TEST(an_abandoned_file_leaves_nothing),
        FILE_TEST(a_file_over_the_limit_is_refused_with_the_limit),
        FILE_TEST(what_cannot_be_an_input_is_invalid),
        FILE_TEST(bytes_of_any_value_and_size_are_read),
        FILE_TEST(a_pipe_is_read_to_its_end_and_its_limit),
        FILE_TEST(directories_are_made_with_their_parents),
        FILE_TEST(paths_are_joined_and_split),
        FILE_TEST(a_place_that_cannot_be_written_fails_at_once),
        FILE_TEST(a_full_disk_is_noticed_and_leaves_nothing),
        FILE_TEST(a_device_is_written_straight_and_stays_a_device),
        FILE_TEST(a_file_written_by_others_is_published_whole),
        FILE_TEST(registered_temporaries_are_removed_and_forgotten_ones_stay),
        FILE_TEST(a_child_leaves_its_parents_temporaries_alone),
        FILE_TEST(what_a_killed_process_left_is_removed_and_nothing_else),
        FILE_TEST(more_files_at_a_time_than_the_limit_are_refused),
        FILE_TEST(waiting_for_a_pipe_ends_with_an_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
