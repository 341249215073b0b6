/* sim/config/csv.h: small CSV files (prices, carbon intensity), plain or gzip: rows with their places, and
 * cells that are numbers or dates.
 *
 * A header without two columns of one name, then rows; commas between cells, quotes as in RFC 4180 but no
 * line end within them; LF or CRLF; blank lines and lines that begin with '#' are passed over. Another number
 * of cells than the header has is a located error.
 */
#ifndef DRYDOCK_CONFIG_CSV_H
#define DRYDOCK_CONFIG_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { CSV_FILE_BYTES_MAX = 64 << 20, CSV_COLUMNS_MAX = 64 };

struct csv {
    const char *path;
    char *text;          /* of the whole file; cells point into it */
    char *next;          /* where reading goes on */
    const char *comment; /* the first comment, without '#'; "" when there is none */
    int line;            /* of the current row, from 1 */
    size_t count;        /* cells of the header, and of every row */
    const char *names[CSV_COLUMNS_MAX];
    const char *cells[CSV_COLUMNS_MAX];
    int columns[CSV_COLUMNS_MAX]; /* where each cell begins, from 1 */
};

/* Reads the file and its header. ERROR_INVALID when it is missing, too large, damaged or holds no header. */
bool csv_open(struct csv *csv, const char *path, struct arena *arena, struct error *err);

/* The next row into cells[]: 1, 0 at the end, -1 with err set. */
int csv_next(struct csv *csv, struct error *err);

/* Index of a column, -1 when the header has none of that name. */
int csv_column(const struct csv *csv, const char *name);

/* The text of a cell; "" for column -1. */
const char *csv_cell(const struct csv *csv, int column);

/* Fails at a cell. Always returns false. */
bool csv_error(const struct csv *csv, int column, struct error *err, const char *expected);

/* A date as "2026-07-20", optionally with "T13:44:30Z" or " 13:44" behind, UTC, into seconds since
 * 1970-01-01. False when malformed or no day of the calendar. */
bool csv_date(const char *text, int64_t *unix_s);

#endif
