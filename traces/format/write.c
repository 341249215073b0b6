/* traces/write.c: a source into a file: drydock.trace/1, CSV or packed CSV by the path's ending. Every column
 * that any row needs is written, so the file reads back as the same rows; all files appear under their final
 * name only when they are whole. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "record/hdf5_io.h"
#include "traces/format/h5_columns.h"
#include "traces/source.h"

static bool stopped(struct error *err) {
    return interrupt_requested() && !error_set(err, ERROR_INTERRUPTED, "interrupted");
}

/* ---- HDF5 ---- */

struct h5_writer {
    const char *path;
    hid_t file;
    int failure;                     /* errno of the first write that failed; see record/hdf5_io.h */
    hid_t datasets[H5_COLUMN_COUNT]; /* made at the first value that is not zero */
    hid_t hashes;
    uint64_t rows;
    uint64_t hash_count;
    bool names_used;
    struct trace_row *buffer;
    size_t buffered;
    uint64_t *hash_buffer; /* of the buffered rows */
    size_t hash_buffered;
    size_t hash_capacity;
    unsigned char *values;
};

static bool h5_failed(const struct h5_writer *w, struct error *err) {
    struct position pos = {.file = w->path};
    if (w->failure) {
        errno = w->failure;
        return error_errno(err, w->path, "cannot write");
    }
    return error_at(err, ERROR_FAILED, &pos, NULL, "cannot write the HDF5 file");
}

/* An extendible column; what was not written is 0. Not packed: three columns are 16 bytes a row, less than as
 * CSV, and unpacking took 50 of the 61 ns that reading a row did. No times in the object headers: the same
 * rows make the same bytes. */
static hid_t make_dataset(hid_t file, const char *name, enum h5_type type) {
    hsize_t none = 0;
    hsize_t most = H5S_UNLIMITED;
    hsize_t chunk = H5_CHUNK_ROWS;
    hid_t space = H5Screate_simple(1, &none, &most);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false);
    H5Pset_chunk(creation, 1, &chunk);
    hid_t dataset = H5Dcreate2(file, name, h5_memory_type(type), space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    H5Sclose(space);
    return dataset;
}

static bool write_text(hid_t object, const char *name, const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool good = attribute >= 0 && H5Awrite(attribute, type, text) >= 0;
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return good;
}

static bool write_count(hid_t object, const char *name, uint64_t count) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, H5T_NATIVE_UINT64, space, H5P_DEFAULT, H5P_DEFAULT);
    bool good = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_UINT64, &count) >= 0;
    H5Aclose(attribute);
    H5Sclose(space);
    return good;
}

/* `n` values behind the `before` there are. */
static bool append(hid_t dataset, enum h5_type type, uint64_t before, uint64_t n, const void *values) {
    hsize_t start = before;
    hsize_t count = n;
    hsize_t total = before + n;
    if (H5Dset_extent(dataset, &total) < 0) {
        return false;
    }
    hid_t space = H5Dget_space(dataset);
    hid_t memory = H5Screate_simple(1, &count, NULL);
    hid_t native = h5_memory_type(type);
    bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
                H5Dwrite(dataset, native, memory, space, H5P_DEFAULT, values) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    return good;
}

static bool write_column(struct h5_writer *w, int i) {
    const struct h5_column *column = &h5_columns[i];
    size_t bytes = h5_type_bytes(column->type);
    unsigned char any = i == 0;
    for (size_t row = 0; row < w->buffered; row++) {
        const unsigned char *value = (const unsigned char *)&w->buffer[row] + column->offset;
        memcpy(w->values + row * bytes, value, bytes);
        for (size_t b = 0; b < bytes; b++) {
            any |= value[b];
        }
    }
    if (w->datasets[i] < 0 && any) {
        w->datasets[i] = make_dataset(w->file, column->name, column->type);
        if (w->datasets[i] < 0 || !write_text(w->datasets[i], "units", column->units)) {
            return false;
        }
    }
    return w->datasets[i] < 0 || append(w->datasets[i], column->type, w->rows, w->buffered, w->values);
}

static bool flush_rows(struct h5_writer *w, struct error *err) {
    if (w->buffered == 0) {
        return true;
    }
    for (int i = 0; i < H5_COLUMN_COUNT; i++) {
        if (!write_column(w, i)) {
            return h5_failed(w, err);
        }
    }
    if (w->hash_buffered > 0) {
        if (w->hashes < 0) {
            w->hashes = make_dataset(w->file, "hashes", H5_U64);
        }
        if (w->hashes < 0 || !append(w->hashes, H5_U64, w->hash_count, w->hash_buffered, w->hash_buffer)) {
            return h5_failed(w, err);
        }
        w->hash_count += w->hash_buffered;
    }
    w->rows += w->buffered;
    w->buffered = w->hash_buffered = 0;
    return true;
}

static bool h5_put(struct h5_writer *w, const struct trace_row *row, struct error *err) {
    if (w->hash_buffered + row->hash_count > w->hash_capacity) {
        w->hash_capacity = (w->hash_buffered + row->hash_count) * 2;
        w->hash_buffer = mem_realloc(w->hash_buffer, w->hash_capacity, sizeof *w->hash_buffer);
    }
    if (row->hash_count > 0) {
        memcpy(w->hash_buffer + w->hash_buffered, row->hashes, row->hash_count * sizeof *row->hashes);
        w->hash_buffered += row->hash_count;
    }
    w->names_used |= row->service || row->tenant || row->region;
    w->buffer[w->buffered++] = *row;
    return w->buffered < H5_CHUNK_ROWS || flush_rows(w, err);
}

/* Fixed-length texts: the longest decides. */
static bool write_names(struct h5_writer *w, const struct trace_names *names) {
    size_t bytes = 1;
    for (size_t i = 0; i < names->count; i++) {
        size_t length = strlen(names->names[i]) + 1;
        bytes = length > bytes ? length : bytes;
    }
    char *texts = mem_zalloc(names->count, bytes);
    for (size_t i = 0; i < names->count; i++) {
        strcpy(texts + i * bytes, names->names[i]);
    }
    hsize_t count = names->count;
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, bytes);
    H5Tset_cset(type, H5T_CSET_UTF8);
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false);
    hid_t dataset = H5Dcreate2(w->file, "names", type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    bool good = dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0;
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    H5Tclose(type);
    free(texts);
    return good;
}

static bool write_head(struct h5_writer *w, const char *start, const struct trace_names *names) {
    return write_text(w->file, "schema", H5_TRACE_SCHEMA) && write_text(w->file, "title", "request trace") &&
           write_count(w->file, "requests", w->rows) && (!start[0] || write_text(w->file, "start", start)) &&
           (!w->names_used || write_names(w, names));
}

/* Ends the file; false when a byte of it could not be written. */
static bool h5_finish(struct h5_writer *w) {
    bool good = true;
    for (int i = 0; i < H5_COLUMN_COUNT; i++) {
        good &= w->datasets[i] < 0 || H5Dclose(w->datasets[i]) >= 0;
    }
    good &= w->hashes < 0 || H5Dclose(w->hashes) >= 0;
    good &= w->file >= 0 && H5Fclose(w->file) >= 0 && w->failure == 0;
    free(w->buffer);
    free(w->values);
    free(w->hash_buffer);
    return good;
}

static bool write_h5(struct trace_source *source, const struct trace_names *names, const char *path,
                     uint64_t *rows, struct error *err) {
    struct arena arena = {0};
    struct trace_row row;
    const char *temporary = file_temporary_name(&arena, path);
    struct h5_writer w = {.path = path, .hashes = H5I_INVALID_HID};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    for (int i = 0; i < H5_COLUMN_COUNT; i++) {
        w.datasets[i] = H5I_INVALID_HID;
    }
    w.file = hdf5_create_file(temporary, &w.failure);
    w.buffer = mem_alloc(H5_CHUNK_ROWS * sizeof *w.buffer);
    w.values = mem_alloc((size_t)H5_CHUNK_ROWS * 8);
    bool good = w.file >= 0 || h5_failed(&w, err);
    int got = 0;
    while (good && !stopped(err) && (got = trace_next(source, &row, err)) > 0) {
        good = h5_put(&w, &row, err) && (w.failure == 0 || h5_failed(&w, err));
    }
    good = good && got == 0 && !error_is_set(err) && flush_rows(&w, err);
    if (good && !write_head(&w, trace_report(source)->start, names)) {
        good = h5_failed(&w, err);
    }
    if (!h5_finish(&w) && good) {
        good = h5_failed(&w, err);
    }
    good = good && file_publish(temporary, path, err);
    if (!good) {
        unlink(temporary);
        file_forget_temporary(temporary);
    }
    *rows = w.rows;
    arena_free(&arena);
    return good;
}

/* ---- CSV ---- */

struct csv_writer {
    const char *path;
    struct file_writer file;
    gzFile packed;
    struct strbuf text;
    const struct trace_names *names;
    const char *columns; /* of the source, which decide what is written */
    unsigned chosen;     /* bit per csv_columns[] */
};

enum { CSV_FLUSH_BYTES = 1 << 16 };

/* Seconds with as many digits as it takes, exactly. */
static void print_seconds(struct strbuf *out, simtime t) {
    strbuf_printf(out, "%" PRId64, t / SIMTIME_SECOND);
    int64_t ps = t % SIMTIME_SECOND;
    if (ps > 0) {
        char digits[16];
        int length = snprintf(digits, sizeof digits, ".%012" PRId64, ps);
        while (digits[length - 1] == '0') {
            digits[--length] = '\0';
        }
        strbuf_append(out, digits);
    }
}

static void print_name(struct strbuf *out, const char *name) {
    if (!name[strcspn(name, ",\"")]) {
        strbuf_append(out, name);
        return;
    }
    strbuf_char(out, '"');
    for (; *name; name++) {
        strbuf_append_n(out, "\"\"", *name == '"' ? 2 : 0);
        if (*name != '"') {
            strbuf_char(out, *name);
        }
    }
    strbuf_char(out, '"');
}

static void print_number(struct strbuf *out, double value) {
    char text[NUMBER_TEXT_BYTES];
    strbuf_append(out, number_text(value, text));
}

static const char *const csv_columns[] = {"arrival_s", "input_tokens", "output_tokens", "service",
                                          "tenant",    "region",       "images",        "image_tokens",
                                          "session",   "audio_s",      "service_s",     "payload_bytes"};
enum { CSV_COLUMNS = sizeof csv_columns / sizeof *csv_columns, CSV_ALWAYS = 3 };

static void print_column(struct csv_writer *w, int column, const struct trace_row *row) {
    struct strbuf *out = &w->text;
    switch (column) {
    case 0:
        print_seconds(out, row->arrival_ps);
        break;
    case 1:
        strbuf_printf(out, "%" PRIu32, row->input_tokens);
        break;
    case 2:
        strbuf_printf(out, "%" PRIu32, row->output_tokens);
        break;
    case 3:
        print_name(out, w->names->names[row->service]);
        break;
    case 4:
        print_name(out, w->names->names[row->tenant]);
        break;
    case 5:
        print_name(out, w->names->names[row->region]);
        break;
    case 6:
        strbuf_printf(out, "%" PRIu32, row->images);
        break;
    case 7:
        strbuf_printf(out, "%" PRIu32, row->image_tokens);
        break;
    case 8:
        strbuf_printf(out, "%" PRIu64, row->session);
        break;
    case 9:
        print_number(out, row->audio_s);
        break;
    case 10:
        print_number(out, row->service_s);
        break;
    default:
        strbuf_printf(out, "%" PRId64, row->payload_bytes);
    }
}

static bool csv_flush(struct csv_writer *w, struct error *err) {
    size_t length = w->text.length;
    bool good = w->packed ? gzwrite(w->packed, w->text.text, (unsigned)length) == (int)length
                          : fwrite(w->text.text, 1, length, w->file.stream) == length;
    strbuf_clear(&w->text);
    return good || error_errno(err, w->path, "cannot write");
}

/* True when the list "a,b,c" has the name. */
static bool listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *p = list; (p = strstr(p, name)); p += length) {
        if ((p == list || p[-1] == ',') && (p[length] == ',' || p[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* CSV cannot add a column half way, so the source's columns decide; where they are not told (mixed), all. */
static void choose_columns(struct csv_writer *w, const struct trace_row *first) {
    for (int i = 0; i < CSV_COLUMNS; i++) {
        bool needed = i < CSV_ALWAYS || !w->columns[0] || listed(w->columns, csv_columns[i]) ||
                      (i == 3 && first->service) || (i == 4 && first->tenant) || (i == 5 && first->region) ||
                      (i == 8 && first->session) || (i == 6 && listed(w->columns, "image_tokens"));
        w->chosen |= (unsigned)needed << i;
    }
    for (int i = 0; i < CSV_COLUMNS; i++) {
        if (w->chosen >> i & 1) {
            strbuf_printf(&w->text, "%s%s", i ? "," : "", csv_columns[i]);
        }
    }
    strbuf_char(&w->text, '\n');
}

static bool csv_put(struct csv_writer *w, const struct trace_row *row, struct error *err) {
    if (!w->chosen) {
        choose_columns(w, row);
    }
    for (int i = 0; i < CSV_COLUMNS; i++) {
        if (w->chosen >> i & 1) {
            strbuf_append(&w->text, i ? "," : "");
            print_column(w, i, row);
        }
    }
    strbuf_char(&w->text, '\n');
    return w->text.length < CSV_FLUSH_BYTES || csv_flush(w, err);
}

/* The packed stream over the writer's file; gzip without a date in its head, as zlib writes it. */
static bool csv_begin(struct csv_writer *w, const char *path, struct error *err) {
    w->path = path;
    if (!file_begin(&w->file, path, err)) {
        return false;
    }
    if (!str_ends_with(path, ".gz")) {
        return true;
    }
    int copy = dup(fileno(w->file.stream));
    w->packed = copy >= 0 ? gzdopen(copy, "wb6") : NULL;
    return w->packed || error_errno(err, path, "cannot pack");
}

static bool write_csv(struct trace_source *source, const struct trace_names *names, const char *path,
                      uint64_t *rows, struct error *err) {
    struct csv_writer w = {.names = names, .columns = trace_report(source)->columns};
    struct trace_row row;
    int got = 0;
    bool good = csv_begin(&w, path, err);
    *rows = 0;
    while (good && !stopped(err) && (got = trace_next(source, &row, err)) > 0) {
        good = csv_put(&w, &row, err);
        ++*rows;
    }
    if (good && !w.chosen) {
        choose_columns(&w, &(struct trace_row){0});
    }
    good = good && got == 0 && !error_is_set(err) && csv_flush(&w, err);
    if (w.packed && gzclose(w.packed) != Z_OK && good) {
        good = error_errno(err, path, "cannot write");
    }
    if (good) {
        good = file_commit(&w.file, err);
    } else if (w.file.stream) {
        file_abandon(&w.file);
    }
    strbuf_free(&w.text);
    return good;
}

bool trace_write(struct trace_source *source, const struct trace_names *names, const char *path,
                 uint64_t *rows, struct error *err) {
    *rows = 0;
    if (str_ends_with(path, ".csv") || str_ends_with(path, ".csv.gz")) {
        return write_csv(source, names, path, rows, err);
    }
    if (str_ends_with(path, ".h5") || str_ends_with(path, ".hdf5")) {
        return write_h5(source, names, path, rows, err);
    }
    struct position pos = {.file = path};
    return error_at(err, ERROR_USAGE, &pos, NULL,
                    "expected an output file that ends in .h5, .csv or .csv.gz");
}
