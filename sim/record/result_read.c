#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/progress.h"
#include "record/hdf5_io.h"
#include "record/record.h"

enum { TABLES_MAX = 64, OBJECT_DEPTH_MAX = 16 };

static bool invalid(const char *path, struct error *err, const char *what) {
    struct position pos = {.file = path};
    return error_at(err, ERROR_INVALID, &pos, NULL, "%s", what);
}

bool hdf5_damaged(const char *path, struct error *err) {
    return invalid(path, err, "is truncated or damaged");
}

bool result_path(const char *argument, struct arena *arena, const char **path, struct error *err) {
    struct stat about;
    if (stat(argument, &about) != 0) {
        return invalid(argument, err, strerror(errno));
    }
    if (!S_ISDIR(about.st_mode)) {
        *path = arena_strdup(arena, argument);
        return true;
    }
    *path = path_join(arena, argument, "result.h5");
    if (!file_exists(*path)) {
        invalid(argument, err, "holds no result.h5");
        return error_hint(err, "a folder of several arms holds one result in each of its folders");
    }
    return true;
}

/* Without locks: a result may lie where locks are not supported, and nobody writes to a file of that name. */
static hid_t open_file(const char *path) {
    hid_t properties = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(properties, false, true);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, properties);
    hdf5_drop(properties);
    return file;
}

static bool check_kind(hid_t file, const char *path, struct error *err) {
    struct arena arena;
    arena_init(&arena);
    struct position pos = {.file = path};
    const char *schema = hdf5_read_text_attribute(file, "schema", &arena);
    if (!schema) {
        error_at(err, ERROR_INVALID, &pos, NULL,
                 "is an HDF5 file but no result: expected its attribute schema to be "
                 "\"" RESULT_SCHEMA "\"");
    } else if (strcmp(schema, RESULT_SCHEMA) != 0) {
        error_at(err, ERROR_INVALID, &pos, "schema", "expected \"" RESULT_SCHEMA "\", not \"%s\"", schema);
    }
    arena_free(&arena);
    return !error_is_set(err);
}

/* ---- a look at it from a safe place ---- */

/* Where HDF5 keeps texts of variable length it has no checksums and trusts what it reads: one wrong byte
 * there and it crashes or never ends (tests/unit/record/result_test.c finds such bytes). So a child of this
 * process reads all attributes and all such texts first; when it does not live to say that all is well, the
 * file is damaged. */
enum { PROBE_CPU_S = 5 }; /* some 100,000 series are read in that time */

static herr_t read_attribute(hid_t at, const char *name, const H5A_info_t *info, void *context) {
    (void)info;
    hdf5_read_text_attribute(at, name, context);
    return 0;
}

static void read_all_texts(hid_t dataset) {
    hid_t type = H5Dget_type(dataset);
    hid_t space = H5Dget_space(dataset);
    hssize_t n = space >= 0 ? H5Sget_simple_extent_npoints(space) : 0;
    if (type >= 0 && n > 0 && H5Tis_variable_str(type) > 0) {
        char **texts = mem_zalloc((size_t)n, sizeof *texts);
        H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts);
        free(texts); /* what they point to goes with the process */
    }
    hdf5_drop(space);
    hdf5_drop(type);
}

static herr_t probe_object(hid_t root, const char *name, const H5O_info_t *info, void *context) {
    hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    if (object >= 0) {
        H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, read_attribute, context);
        if (info->type == H5O_TYPE_DATASET) {
            read_all_texts(object);
        }
    }
    hdf5_drop(object);
    return 0;
}

static _Noreturn void probe(const char *path) {
    static const int deadly[] = {SIGINT, SIGTERM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU};
    struct arena arena;
    struct rlimit limit = {PROBE_CPU_S, PROBE_CPU_S};
    struct rlimit no_core = {0, 0};
    arena_init(&arena);
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        signal(deadly[i], SIG_DFL); /* whatever the program does on a crash of its own */
    }
    setrlimit(RLIMIT_CPU, &limit);
    setrlimit(RLIMIT_CORE, &no_core);
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    hid_t file = open_file(path);
    bool well = file >= 0 &&
                H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, probe_object, &arena, H5O_INFO_BASIC) >= 0;
    hdf5_drop(file);
    _exit(well ? 0 : 1);
}

static bool survives_probe(const char *path, struct error *err) {
    int status = 0;
    pid_t child = fork();
    if (child < 0) {
        return error_errno(err, path, "cannot start a process to look at it");
    }
    if (child == 0) {
        probe(path);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        if (interrupt_requested()) {
            kill(child, SIGKILL);
        }
    }
    if (interrupt_requested()) {
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || hdf5_damaged(path, err);
}

hid_t hdf5_open_result(const char *path, struct error *err) {
    struct stat about;
    hdf5_quiet();
    if (stat(path, &about) != 0) {
        invalid(path, err, strerror(errno));
        return H5I_INVALID_HID;
    }
    if (!S_ISREG(about.st_mode)) {
        invalid(path, err, "is no regular file");
        return H5I_INVALID_HID;
    }
    if (access(path, R_OK) != 0) {
        invalid(path, err, strerror(errno));
        return H5I_INVALID_HID;
    }
    if (H5Fis_hdf5(path) <= 0) {
        invalid(path, err, "is no result: expected an HDF5 file");
        return H5I_INVALID_HID;
    }
    hid_t file = survives_probe(path, err) ? open_file(path) : H5I_INVALID_HID;
    if (file < 0) {
        hdf5_damaged(path, err);
    } else if (!check_kind(file, path, err)) {
        hdf5_drop(file);
        file = H5I_INVALID_HID;
    }
    return file;
}

/* ---- tables ---- */

struct table_list {
    struct arena *arena;
    const char **names;
    size_t count;
};

bool hdf5_is_list(hid_t dataset) {
    hid_t space = dataset >= 0 ? H5Dget_space(dataset) : H5I_INVALID_HID;
    bool is = space >= 0 && H5Sget_simple_extent_ndims(space) == 1;
    hdf5_drop(space);
    return is;
}

static herr_t find_column(hid_t group, const char *name, const H5L_info_t *info, void *into) {
    (void)info;
    bool *found = into;
    hid_t d = H5Dopen2(group, name, H5P_DEFAULT);
    *found = hdf5_is_list(d);
    hdf5_drop(d);
    return *found; /* stops */
}

bool hdf5_holds_lists(hid_t group) {
    bool found = false;
    H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, find_column, &found);
    return found;
}

static herr_t note_table(hid_t root, const char *name, const H5L_info_t *info, void *into) {
    struct table_list *list = into;
    (void)info;
    if (strcmp(name, "names") == 0 || strcmp(name, "provenance") == 0 || list->count == TABLES_MAX) {
        return 0;
    }
    hid_t group = H5Gopen2(root, name, H5P_DEFAULT);
    if (group >= 0 && hdf5_holds_lists(group)) {
        list->names[list->count++] = arena_printf(list->arena, "/%s", name);
    }
    hdf5_drop(group);
    return 0;
}

bool result_tables(const char *h5_path, struct arena *arena, const char *const **tables, struct error *err) {
    hid_t file = hdf5_open_result(h5_path, err);
    if (file < 0) {
        return false;
    }
    struct table_list list = {.arena = arena, .names = arena_array(arena, TABLES_MAX + 1, sizeof(char *))};
    bool done = H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, note_table, &list) >= 0;
    hdf5_drop(file);
    *tables = list.names;
    return done || hdf5_damaged(h5_path, err);
}

/* ---- series ---- */

struct object_list {
    struct arena *arena;
    const char **names;
    size_t count, capacity;
    const char *folder; /* of the group that is being looked through */
    int depth;
};

static herr_t note_object(hid_t at, const char *name, const H5L_info_t *info, void *into) {
    struct object_list *list = into;
    (void)info;
    hid_t group = H5Gopen2(at, name, H5P_DEFAULT);
    if (group < 0 || list->depth == OBJECT_DEPTH_MAX) {
        hdf5_drop(group);
        return 0;
    }
    const char *folder = list->folder;
    const char *path = list->folder = arena_printf(list->arena, "%s/%s", folder, name);
    if (hdf5_holds_lists(group)) {
        list->names = arena_grow(list->arena, list->names, list->count, list->count + 2, &list->capacity,
                                 sizeof(char *));
        list->names[list->count++] = path;
    }
    list->depth++;
    herr_t done = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, note_object, list);
    list->depth--;
    list->folder = folder;
    hdf5_drop(group);
    return done;
}

bool result_series(const char *h5_path, struct arena *arena, const char *const **objects, struct error *err) {
    hid_t file = hdf5_open_result(h5_path, err);
    if (file < 0) {
        return false;
    }
    struct object_list list = {.arena = arena, .folder = "/timeseries"};
    list.names = arena_grow(arena, NULL, 0, 1, &list.capacity, sizeof(char *));
    bool done = true;
    if (H5Lexists(file, "timeseries", H5P_DEFAULT) > 0) {
        hid_t top = H5Gopen2(file, "timeseries", H5P_DEFAULT);
        done = top >= 0 && H5Literate(top, H5_INDEX_NAME, H5_ITER_INC, NULL, note_object, &list) >= 0;
        hdf5_drop(top);
    }
    hdf5_drop(file);
    list.names[list.count] = NULL;
    *objects = list.names;
    return done || hdf5_damaged(h5_path, err);
}

/* ---- texts ---- */

bool result_summary_text(const char *h5_path, struct arena *arena, const char **json, struct error *err) {
    hid_t file = hdf5_open_result(h5_path, err);
    if (file < 0) {
        return false;
    }
    *json = hdf5_read_text(file, "summary", arena);
    hdf5_drop(file);
    return *json || hdf5_damaged(h5_path, err);
}

/* Step by step: H5Lexists wants all but the last to be there. */
bool hdf5_has_dataset(hid_t at, const char *path) {
    char part[512];
    for (const char *end = path; *end;) {
        end += strcspn(end, "/");
        size_t n = (size_t)(end - path);
        if (n == 0 || n >= sizeof part) {
            return false;
        }
        memcpy(part, path, n);
        part[n] = '\0';
        if (H5Lexists(at, part, H5P_DEFAULT) <= 0) {
            return false;
        }
        end += *end == '/';
    }
    hid_t object = H5Oopen(at, path, H5P_DEFAULT);
    bool is = object >= 0 && H5Iget_type(object) == H5I_DATASET;
    hdf5_drop(object);
    return is;
}

bool result_provenance(const char *h5_path, const char *name, struct arena *arena, const char **text,
                       struct error *err) {
    *text = NULL;
    hid_t file = hdf5_open_result(h5_path, err);
    if (file < 0) {
        return false;
    }
    const char *path = arena_printf(arena, "provenance/%s", name);
    bool there = hdf5_has_dataset(file, path);
    if (there) {
        *text = hdf5_read_text(file, path, arena);
    }
    hdf5_drop(file);
    return !there || *text || hdf5_damaged(h5_path, err);
}
