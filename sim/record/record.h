/* sim/record/record.h: results: tables of columns in HDF5, time series, provenance. The only sim/ room that
 * includes hdf5.h. It knows nothing of what the columns mean: whoever owns the rows owns their table of
 * columns.
 *
 * A result is written under a temporary name and renamed when complete. Nothing that depends on the machine,
 * the date, the path, the compiler or the number of jobs goes into it: object times are off, the library's
 * version bound is v1.8, every byte that is written was given, so the same run gives the same bytes.
 */
#ifndef DRYDOCK_RECORD_RECORD_H
#define DRYDOCK_RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "record/summary.h"

#define RESULT_SCHEMA "drydock.result/1"

enum column_type {
    COLUMN_F64,
    COLUMN_I64,
    COLUMN_U64,
    COLUMN_I32,
    COLUMN_U32,
    COLUMN_U8,
    COLUMN_ENUM8,      /* uint8_t with names[]: an HDF5 enumeration */
    COLUMN_NAME,       /* uint32_t into a dictionary; attribute `dictionary` says where its texts are;
                          COLUMN_NO_NAME means none */
    COLUMN_SECONDS_PS, /* int64_t picoseconds in the row, float64 seconds in the file; negative means absent:
                          NaN */
    COLUMN_TEXT, /* const char * in the row (copied; NULL is ""), a string of variable length in the file;
                    some 100 ns a text, for tables of thousands of rows and not of millions */
};

#define COLUMN_NO_NAME UINT32_MAX

struct column {
    const char *name;
    enum column_type type;
    size_t offset;            /* in the row struct */
    const char *units;        /* "s", "token", "1", "USD"; an attribute */
    const char *long_name;    /* an attribute */
    const char *const *names; /* COLUMN_ENUM8, ended by NULL */
    const char *dictionary;   /* COLUMN_NAME: "service" -> /names/service */
};

struct recorder;
struct record_table;

struct record_options {
    const char *directory; /* made if needed; result.h5 and summary.json go there */
    bool compress;         /* shuffle + deflate 1 */
    bool own_thread;       /* full chunks are packed and written by a thread of their own, where there is a
                              processor for       it; the same bytes */
};

/* NULL on failure. Every failure of a recorder's function is ERROR_FAILED with the file's name (a full disk
 * says so); the recorder is then good for recorder_abandon, and recorder_close fails. */
struct recorder *recorder_open(const struct record_options *options, struct error *err);

/* A table such as "/requests": one 1-D dataset a column, ended by a column with name NULL. Rows are copied;
 * `columns` is borrowed until the recorder ends. Memory: up to 65,536 rows (the chunk of the file) of each
 * table; three times as many with a thread. */
struct record_table *recorder_table(struct recorder *r, const char *path, const struct column *columns,
                                    size_t row_bytes, struct error *err);
/* Some 75 ns for a row of 20 numbers, its share of the writing of chunks included (500 ns with `compress`).
 */
bool record_append(struct record_table *t, const void *row, struct error *err);
uint64_t record_rows(const struct record_table *t);

/* The texts of a dictionary, written to /names/<name>. */
bool recorder_names(struct recorder *r, const char *name, const char *const *texts, size_t count,
                    struct error *err);

/* When the values of a series are of: the first from start_s to start_s + interval_s and so on, the last one
 * ends at end_s, where the run does. */
struct series_times {
    double start_s, interval_s, end_s;
};

/* /timeseries/<object>/<metric> with attributes units, cell_methods, start_s, interval_s, end_s. A slash in
 * `object` makes groups within groups. */
bool recorder_series(struct recorder *r, const char *object, const char *metric, const char *units,
                     const char *cell_methods, const struct series_times *times, const double *values,
                     size_t count, struct error *err);

/* /provenance/<name>: a text. */
bool recorder_provenance(struct recorder *r, const char *name, const char *text, struct error *err);

/* Ends the result: /summary (the JSON of summary.json without wall_s), root attributes, summary.json; syncs
 * and renames both. On failure nothing new is left under a final name. The recorder is gone either way. */
bool recorder_close(struct recorder *r, const struct summary *summary, struct error *err);
/* Throws the unfinished result away; NULL is harmless. */
void recorder_abandon(struct recorder *r);

/* ---- reading a result back (export, report) ---- */
/* All of these answer ERROR_INVALID with the file's name for what is missing, truncated, damaged or no
 * result. */

/* The path of result.h5 for a RESULT argument (the file, or the folder holding it). */
bool result_path(const char *argument, struct arena *arena, const char **path, struct error *err);

/* The tables of a result, with slash and in the order of their names ("/requests"), ended by NULL. */
bool result_tables(const char *h5_path, struct arena *arena, const char *const **tables, struct error *err);

/* The objects that have series, in the order of their names ("/timeseries/all"), ended by NULL. */
bool result_series(const char *h5_path, struct arena *arena, const char *const **objects, struct error *err);

/* The text of /summary; of /provenance/<name>, NULL when the result has none of that name. */
bool result_summary_text(const char *h5_path, struct arena *arena, const char **json, struct error *err);
bool result_provenance(const char *h5_path, const char *name, struct arena *arena, const char **text,
                       struct error *err);

/* Writes a table ("requests", with or without a slash in front) as CSV: header of column names, dictionaries
 * and enumerations as texts, NaN as empty, numbers in shortest form, quotes as in RFC 4180, lines ended by
 * LF. One time series ("timeseries/<object>/<metric>") gives time_s and its values, an object
 * ("timeseries/<object>") all of its series side by side. Memory does not grow with the table. An unknown
 * table is ERROR_USAGE with the list of tables and objects. The caller flushes `out`; a failed write is
 * ERROR_FAILED. */
bool result_export_csv(const char *h5_path, const char *table, FILE *out, struct error *err);

/* What a table holds, for `drydock schema result`: whoever owns the rows lists them. */
struct result_table_schema {
    const char *path;             /* "/requests" */
    const char *long_name;        /* one sentence */
    const struct column *columns; /* ended by name NULL */
};

/* JSON Schema of drydock.result/1 read as JSON: a table is an object of columns, a column an array of its
 * values, with `units`, `dictionary` and the HDF5 type as annotations. `tables` ends with path NULL. */
void result_schema(const struct result_table_schema *tables, struct strbuf *out);

#endif
