#include "record/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "record/recorder.h"

bool recorder_tell_failure(const struct recorder *r, struct error *err) {
    if (r->failure) {
        errno = r->failure;
        return error_errno(err, r->path, "cannot write");
    }
    return hdf5_failed(err, ERROR_FAILED, r->path, "cannot write");
}

bool recorder_check(struct recorder *r, bool done, struct error *err) {
    if (r->writer) {
        writer_settle(r->writer);
        if (!writer_check(r->writer, err)) {
            r->broken = true;
            return false;
        }
    }
    if (done && r->failure == 0 && !r->broken) {
        return true;
    }
    r->broken = true;
    return recorder_tell_failure(r, err);
}

bool recorder_has_writer(struct recorder *r) {
    if (r->own_thread && !r->writer) {
        r->writer = writer_is_of_use() ? writer_start(r) : NULL;
        r->own_thread = r->writer != NULL;
    }
    return r->own_thread;
}

void recorder_settle(struct recorder *r) {
    if (r->writer) {
        writer_settle(r->writer);
    }
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
    r->own_thread = options->own_thread;
    r->file = hdf5_create_file(r->temporary, &r->failure);
    if (!recorder_check(r, r->file >= 0, err)) {
        recorder_abandon(r);
        return NULL;
    }
    return r;
}

/* The group that `name` below /<top> belongs into, and the part of the name after its last slash. */
static hid_t group_of(hid_t file, const char *top, const char *name, const char **leaf) {
    struct strbuf path = {0};
    const char *slash = strrchr(name, '/');
    *leaf = slash ? slash + 1 : name;
    strbuf_printf(&path, "%s/", top);
    strbuf_append_n(&path, name, (size_t)(*leaf - name));
    hid_t group = hdf5_group(file, path.text);
    strbuf_free(&path);
    return group;
}

bool recorder_names(struct recorder *r, const char *name, const char *const *texts, size_t count,
                    struct error *err) {
    const char *leaf;
    recorder_settle(r);
    hid_t group = group_of(r->file, "names", name, &leaf);
    bool done = group >= 0 && hdf5_texts(group, leaf, texts, count);
    hdf5_drop(group);
    return recorder_check(r, done, err);
}

bool recorder_provenance(struct recorder *r, const char *name, const char *text, struct error *err) {
    const char *leaf;
    recorder_settle(r);
    hid_t group = group_of(r->file, "provenance", name, &leaf);
    bool done = group >= 0 && hdf5_text(group, leaf, text);
    hdf5_drop(group);
    return recorder_check(r, done, err);
}

static void close_object(struct recorder *r) {
    if (r->object) {
        hdf5_drop(r->group);
        free(r->object);
        r->object = NULL;
    }
}

static hid_t group_of_object(struct recorder *r, const char *object) {
    if (r->object && strcmp(r->object, object) == 0) {
        return r->group;
    }
    close_object(r);
    const char *none;
    struct strbuf folder = {0};
    strbuf_printf(&folder, "%s/", object);
    r->group = group_of(r->file, "timeseries", folder.text, &none);
    strbuf_free(&folder);
    r->object = mem_alloc(strlen(object) + 1);
    strcpy(r->object, object);
    return r->group;
}

/* One chunk where it is to be compressed. */
static hid_t series_properties(const struct recorder *r, hsize_t rows) {
    hid_t p = hdf5_dataset_properties();
    if (r->compress && rows > 0) {
        H5Pset_chunk(p, 1, &rows);
        H5Pset_shuffle(p);
        H5Pset_deflate(p, RECORD_DEFLATE_LEVEL);
    }
    return p;
}

bool recorder_series(struct recorder *r, const char *object, const char *metric, const char *units,
                     const char *cell_methods, const struct series_times *times, const double *values,
                     size_t count, struct error *err) {
    hsize_t rows = count;
    recorder_settle(r);
    hid_t group = group_of_object(r, object);
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t p = series_properties(r, rows);
    hid_t d = group >= 0 ? H5Dcreate2(group, metric, H5T_IEEE_F64LE, space, H5P_DEFAULT, p, H5P_DEFAULT)
                         : H5I_INVALID_HID;
    bool done = d >= 0 &&
                (count == 0 || H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0) &&
                hdf5_text_attribute(d, "units", units) &&
                hdf5_text_attribute(d, "cell_methods", cell_methods) &&
                hdf5_double_attribute(d, "start_s", times->start_s) &&
                hdf5_double_attribute(d, "interval_s", times->interval_s) &&
                hdf5_double_attribute(d, "end_s", times->end_s);
    hdf5_drop(d);
    hdf5_drop(p);
    hdf5_drop(space);
    return recorder_check(r, done, err);
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

static void close_tables(struct recorder *r) {
    for (struct record_table *t = r->tables; t; t = record_table_free(t)) {
    }
    r->tables = NULL;
}

static bool finish_file(struct recorder *r, const struct summary *summary, struct error *err) {
    if (!recorder_check(r, true, err)) {
        return false;
    }
    for (struct record_table *t = r->tables; t; t = record_table_next(t)) {
        if (!record_table_finish(t, err)) {
            return false;
        }
    }
    close_tables(r);
    close_object(r);
    bool done = write_root(r, summary) && H5Fclose(r->file) >= 0;
    r->file = done ? H5I_INVALID_HID : r->file;
    return recorder_check(r, done, err);
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
    if (r->writer) {
        writer_end(r->writer);
    }
    close_tables(r);
    close_object(r);
    hdf5_drop(r->file);
    unlink(r->temporary);
    file_forget_temporary(r->temporary);
    struct arena arena = r->arena;
    free(r);
    arena_free(&arena);
}
