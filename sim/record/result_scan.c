#include "record/result.h"

#include <stdlib.h>
#include <string.h>

#include "record/record.h"
#include "record/table_read.h"

struct result {
    const char *path;
    hid_t file;
};

struct result_scan {
    struct table_reader *table;
    struct arena texts; /* of fixed-width cells, which are not terminated */
};

struct result *result_open(const char *h5_path, struct error *err) {
    hid_t file = hdf5_open_result(h5_path, err);
    if (file < 0) {
        return NULL;
    }
    struct result *r = mem_zalloc(1, sizeof *r);
    *r = (struct result){.path = h5_path, .file = file};
    return r;
}

void result_close(struct result *r) {
    if (r) {
        hdf5_drop(r->file);
        free(r);
    }
}

bool result_text(const struct result *r, const char *path, struct arena *arena, const char **text,
                 struct error *err) {
    *text = NULL;
    if (!hdf5_has_dataset(r->file, path)) {
        return true;
    }
    *text = hdf5_read_text(r->file, path, arena);
    return *text || hdf5_damaged(r->path, err);
}

/* ---- series ---- */

static bool read_values(const struct result *r, hid_t d, struct arena *arena, struct result_series *series,
                        struct error *err) {
    hsize_t n = 0;
    hid_t space = H5Dget_space(d);
    bool list = space >= 0 && H5Sget_simple_extent_ndims(space) == 1 &&
                H5Sget_simple_extent_dims(space, &n, NULL) == 1 && n <= SERIES_VALUES_MAX;
    hdf5_drop(space);
    if (!list) {
        return hdf5_damaged(r->path, err);
    }
    series->values = arena_array(arena, (size_t)n + 1, sizeof *series->values);
    series->count = (size_t)n;
    return n == 0 || H5Dread(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, series->values) >= 0 ||
           hdf5_damaged(r->path, err);
}

bool result_read_series(const struct result *r, const char *object, const char *metric, struct arena *arena,
                        struct result_series *series, struct error *err) {
    *series = (struct result_series){.units = ""};
    const char *path = arena_printf(arena, "timeseries/%s/%s", object, metric);
    if (!hdf5_has_dataset(r->file, path)) {
        return true;
    }
    hid_t d = H5Dopen2(r->file, path, H5P_DEFAULT);
    bool timed = hdf5_read_double_attribute(d, "start_s", &series->start_s) &&
                 hdf5_read_double_attribute(d, "interval_s", &series->interval_s) && series->interval_s > 0;
    const char *units = hdf5_read_text_attribute(d, "units", arena);
    series->units = units ? units : "";
    bool done = timed ? read_values(r, d, arena, series, err) : hdf5_damaged(r->path, err);
    if (!hdf5_read_double_attribute(d, "end_s", &series->end_s)) {
        series->end_s = series->start_s + (double)series->count * series->interval_s;
    }
    hdf5_drop(d);
    return done;
}

/* ---- tables ---- */

bool result_has_table(const struct result *r, const char *table) {
    if (H5Lexists(r->file, table, H5P_DEFAULT) <= 0) {
        return false;
    }
    hid_t group = H5Gopen2(r->file, table, H5P_DEFAULT);
    bool has = group >= 0 && hdf5_holds_lists(group);
    hdf5_drop(group);
    return has;
}

struct result_scan *result_scan(const struct result *r, const char *table, const char *const *columns,
                                struct error *err) {
    struct result_scan *scan = mem_zalloc(1, sizeof *scan);
    scan->table = table_reader_new(r->file, r->path, table);
    if (!table_reader_find(scan->table, columns, err)) {
        result_scan_end(scan);
        return NULL;
    }
    return scan;
}

void result_scan_end(struct result_scan *scan) {
    if (scan) {
        table_reader_free(scan->table);
        arena_free(&scan->texts);
        free(scan);
    }
}

size_t result_scan_next(struct result_scan *scan, struct error *err) {
    arena_free(&scan->texts);
    return table_reader_next(scan->table, err);
}

bool result_number(const struct result_scan *scan, size_t column, size_t row, double *value,
                   struct error *err) {
    const struct table_column *c = &scan->table->columns[column];
    if (c->form != CELL_FLOAT && c->form != CELL_SIGNED && c->form != CELL_UNSIGNED) {
        return table_invalid(scan->table, err, c->name, "expected numbers");
    }
    *value = table_number(c, row);
    return true;
}

bool result_integer(const struct result_scan *scan, size_t column, size_t row, uint64_t *value,
                    struct error *err) {
    const struct table_column *c = &scan->table->columns[column];
    if (c->form != CELL_UNSIGNED) {
        return table_invalid(scan->table, err, c->name, "expected whole numbers from 0 on");
    }
    memcpy(value, c->values + row * c->width, sizeof *value);
    return true;
}

bool result_cell_text(struct result_scan *scan, size_t column, size_t row, const char **text,
                      struct error *err) {
    const struct table_column *c = &scan->table->columns[column];
    const unsigned char *at = c->values + row * c->width;
    size_t code;
    switch (c->form) {
    case CELL_TEXT:
        memcpy(text, at, sizeof *text);
        return true;
    case CELL_FIXED_TEXT:
        *text = arena_strndup(&scan->texts, (const char *)at, strnlen((const char *)at, c->width));
        return true;
    case CELL_ENUM:
    case CELL_NAME:
        if (!table_code(scan->table, c, row, &code, err)) {
            return false;
        }
        *text = code == SIZE_MAX ? NULL : c->texts[code];
        return true;
    default:
        return table_invalid(scan->table, err, c->name, "expected texts");
    }
}
