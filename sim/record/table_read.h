/* sim/record/table_read.h: a table of a result, block by block: memory is that of 65,536 rows, however long
 * the table is. The cells of a column are read in one of seven forms, whatever exact type the file has, so
 * that tables of other versions can be read too. For the readers of this room. */
#ifndef DRYDOCK_RECORD_TABLE_READ_H
#define DRYDOCK_RECORD_TABLE_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "record/hdf5_io.h"

enum { TABLE_COLUMNS_MAX = 1024 };

enum cell_form {
    CELL_SIGNED,
    CELL_UNSIGNED,
    CELL_FLOAT,
    CELL_ENUM,
    CELL_NAME,
    CELL_FIXED_TEXT,
    CELL_TEXT,
    CELL_TIME
};

struct table_column {
    const char *name;
    enum cell_form form;
    hid_t dataset; /* none for CELL_TIME */
    hid_t memory;  /* type of the values as they are read */
    size_t width;
    unsigned char *values;
    const char **texts; /* CELL_ENUM, CELL_NAME; an enumeration has gaps of NULL */
    size_t text_count;
    double start_s, interval_s; /* CELL_TIME */
};

struct table_reader {
    const char *path;  /* of the file */
    const char *table; /* without a slash in front */
    struct arena arena;
    hid_t file; /* borrowed */
    struct table_column columns[TABLE_COLUMNS_MAX];
    size_t column_count;
    hsize_t rows;
    hsize_t block_rows;
    hsize_t at;     /* first row of the block that is in memory */
    size_t loaded;  /* rows of it */
    bool allocated; /* the columns have room for a block */
};

/* The table's columns in the order in which they were made; with `wanted` (ended by NULL) just those, in its
 * order. "timeseries/<object>/<metric>" gives time_s and its values. An unknown table is ERROR_USAGE with the
 * list of tables. Some 130 KB: made on the heap, given back by table_reader_free, on failure too. */
struct table_reader *table_reader_new(hid_t file, const char *path, const char *table);
bool table_reader_find(struct table_reader *t, const char *const *wanted, struct error *err);
void table_reader_free(struct table_reader *t);

/* Reads the next block; its rows, 0 at the end and on failure. */
size_t table_reader_next(struct table_reader *t, struct error *err);

/* Fills err with what is wrong with a column (NULL = the table). Always false. */
bool table_invalid(const struct table_reader *t, struct error *err, const char *column, const char *what);

/* One number of a block, of CELL_SIGNED, CELL_UNSIGNED or CELL_FLOAT. */
double table_number(const struct table_column *column, size_t row);

/* The index of a text in column->texts, of CELL_ENUM or CELL_NAME; SIZE_MAX where there is none. False for
 * one that the dictionary does not have. */
bool table_code(const struct table_reader *t, const struct table_column *column, size_t row, size_t *code,
                struct error *err);

#endif
