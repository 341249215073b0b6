#define _GNU_SOURCE /* memfd_create */
#include "record/record.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "record/recorder.h"

bool recorder_failed(struct recorder *r, struct error *err) {
    r->broken = true;
    return hdf5_failed(err, ERROR_FAILED, r->path, "cannot write");
}

/* The version bound keeps the file readable by every HDF5 since 1.8 and its bytes the same whichever library
 * wrote it. No lock: the name is ours alone, and some network file systems have none. */
static hid_t create_file(const char *path) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Pset_file_locking(access, false, true);
    H5Pset_obj_track_times(creation, false);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    hdf5_drop(creation);
    hdf5_drop(access);
    return file;
}

struct recorder *recorder_open(const struct record_options *options, struct error *err) {
    if (!file_make_directory(options->directory, err)) {
        return NULL;
    }
    hdf5_quiet();
    struct recorder *r = mem_zalloc(1, sizeof *r);
    r->directory = arena_strdup(&r->arena, options->directory);
    r->path = path_join(&r->arena, r->directory, "result.h5");
    r->temporary = file_temporary_name(&r->arena, r->path);
    r->compress = options->compress;
    r->file = create_file(r->temporary);
    if (r->file < 0) {
        recorder_failed(r, err);
        recorder_abandon(r);
        return NULL;
    }
    return r;
}

bool recorder_names(struct recorder *r, const char *name, const char *const *texts, size_t count,
                    struct error *err) {
    hid_t group = hdf5_group(r->file, "names");
    bool done = group >= 0 && hdf5_texts(group, name, texts, count);
    hdf5_drop(group);
    return done || recorder_failed(r, err);
}

bool recorder_provenance(struct recorder *r, const char *name, const char *text, struct error *err) {
    hid_t group = hdf5_group(r->file, "provenance");
    bool done = group >= 0 && hdf5_text(group, name, text);
    hdf5_drop(group);
    return done || recorder_failed(r, err);
}

static hid_t series_group(hid_t file, const char *object) {
    hid_t all = hdf5_group(file, "timeseries");
    hid_t group = all >= 0 ? hdf5_group(all, object) : H5I_INVALID_HID;
    hdf5_drop(all);
    return group;
}

bool recorder_series(struct recorder *r, const char *object, const char *metric, const char *units,
                     const char *cell_methods, double start_s, double interval_s, const double *values,
                     size_t count, struct error *err) {
    hsize_t rows = count;
    hid_t group = series_group(r->file, object);
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t p = hdf5_dataset_properties();
    hid_t d = group >= 0 ? H5Dcreate2(group, metric, H5T_IEEE_F64LE, space, H5P_DEFAULT, p, H5P_DEFAULT)
                         : H5I_INVALID_HID;
    bool done =
        d >= 0 &&
        (count == 0 || H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0) &&
        hdf5_text_attribute(d, "units", units) && hdf5_text_attribute(d, "cell_methods", cell_methods) &&
        hdf5_double_attribute(d, "start_s", start_s) && hdf5_double_attribute(d, "interval_s", interval_s);
    hdf5_drop(d);
    hdf5_drop(p);
    hdf5_drop(space);
    hdf5_drop(group);
    return done || recorder_failed(r, err);
}

static bool write_root(struct recorder *r, const struct summary *s) {
    struct strbuf json = {0};
    summary_json(s, false, &json);
    bool done = hdf5_text(r->file, "summary", json.text) &&
                hdf5_text_attribute(r->file, "schema", RESULT_SCHEMA) &&
                hdf5_text_attribute(r->file, "Conventions", "CF-1.8") &&
                hdf5_text_attribute(r->file, "title", s->scenario) &&
                hdf5_text_attribute(r->file, "drydock_version", s->drydock_version) &&
                hdf5_u64_attribute(r->file, "seed", s->seed);
    strbuf_free(&json);
    return done;
}

/* Once a write has failed HDF5 can neither flush nor let go of the file, and tries again at the end of the
 * process. So what it still wants to write goes to memory that is thrown away. */
static void divert(hid_t file) {
    void *handle = NULL;
    int sink = memfd_create("discarded result", MFD_CLOEXEC);
    if (sink >= 0 && H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) >= 0) {
        dup2(sink, *(int *)handle);
    }
    close(sink);
}

static void close_tables(struct recorder *r) {
    for (struct record_table *t = r->tables; t; t = record_table_free(t)) {
    }
    r->tables = NULL;
}

/* The flush comes apart from the close: after a failed flush the file can still be diverted. */
static bool finish_file(struct recorder *r, const struct summary *summary, struct error *err) {
    if (r->broken) {
        return recorder_failed(r, err);
    }
    for (struct record_table *t = r->tables; t; t = record_table_next(t)) {
        if (!record_table_finish(t, err)) {
            return false;
        }
    }
    close_tables(r);
    if (!write_root(r, summary) || H5Fflush(r->file, H5F_SCOPE_LOCAL) < 0) {
        return recorder_failed(r, err);
    }
    herr_t closed = H5Fclose(r->file);
    r->file = closed < 0 ? r->file : H5I_INVALID_HID;
    return closed >= 0 || recorder_failed(r, err);
}

/* summary.json is written, but not yet named, before result.h5 gets its name: a full disk shows while both
 * old files still stand. */
static bool publish(struct recorder *r, const struct summary *summary, struct error *err) {
    struct strbuf json = {0};
    struct file_writer w;
    if (!file_begin(&w, path_join(&r->arena, r->directory, "summary.json"), err)) {
        return false;
    }
    summary_json(summary, true, &json);
    bool done = fwrite(json.text, 1, json.length, w.stream) == json.length && fflush(w.stream) == 0;
    strbuf_free(&json);
    if (!done) {
        error_errno(err, w.final_path, "cannot write");
    }
    if (!done || !file_publish(r->temporary, r->path, err)) {
        file_abandon(&w);
        return false;
    }
    if (!file_commit(&w, err)) {
        unlink(r->path);
        return false;
    }
    return true;
}

bool recorder_close(struct recorder *r, const struct summary *summary, struct error *err) {
    bool done = finish_file(r, summary, err) && publish(r, summary, err);
    recorder_abandon(r);
    return done;
}

void recorder_abandon(struct recorder *r) {
    if (!r) {
        return;
    }
    if (r->file >= 0) {
        divert(r->file);
    }
    close_tables(r);
    hdf5_drop(r->file);
    unlink(r->temporary);
    file_forget_temporary(r->temporary);
    H5Eclear2(H5E_DEFAULT);
    struct arena arena = r->arena;
    free(r);
    arena_free(&arena);
}
