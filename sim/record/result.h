/* sim/record/result.h: an open result, read piece by piece: texts, time series, columns of tables.
 *
 * What is missing, damaged or no result is ERROR_INVALID with the file's name. Opening lets a child process
 * look at the file first (docs/results.md), so open once and ask often.
 */
#ifndef DRYDOCK_RECORD_RESULT_H
#define DRYDOCK_RECORD_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct result;

/* NULL with err. `h5_path` is borrowed. */
struct result *result_open(const char *h5_path, struct error *err);
void result_close(struct result *r); /* NULL is harmless */

/* The text at "summary" or "provenance/<name>"; *text is NULL when the result has none of that name. */
bool result_text(const struct result *r, const char *path, struct arena *arena, const char **text,
                 struct error *err);

/* /timeseries/<object>/<metric>: a value a window of time. */
struct result_series {
    const char *units; /* "" when it states none */
    double start_s;    /* when the first interval begins */
    double interval_s;
    double end_s; /* of the last, which the end of the run may have cut short */
    size_t count; /* 0: the result has no such series */
    double *values;
};

enum { SERIES_VALUES_MAX = 1 << 24 }; /* 194 days of seconds */

bool result_read_series(const struct result *r, const char *object, const char *metric, struct arena *arena,
                        struct result_series *series, struct error *err);

/* A pass over some columns of a table, block by block: memory does not grow with the table. */
struct result_scan;

bool result_has_table(const struct result *r, const char *table); /* "requests" */

/* NULL with err. `columns` is ended by NULL. */
struct result_scan *result_scan(const struct result *r, const char *table, const char *const *columns,
                                struct error *err);
void result_scan_end(struct result_scan *scan); /* NULL is harmless */

/* Reads the next rows and answers how many; 0 at the end and on failure. */
size_t result_scan_next(struct result_scan *scan, struct error *err);

/* Values of the rows that are there, by position of the column in `columns` and of the row in the block. A
 * number is NaN where absent; a text is NULL where absent and lives until the next rows. False for a cell of
 * another kind. */
bool result_number(const struct result_scan *scan, size_t column, size_t row, double *value,
                   struct error *err);
/* A whole number that a double may not hold. */
bool result_integer(const struct result_scan *scan, size_t column, size_t row, uint64_t *value,
                    struct error *err);
bool result_cell_text(struct result_scan *scan, size_t column, size_t row, const char **text,
                      struct error *err);

#endif
