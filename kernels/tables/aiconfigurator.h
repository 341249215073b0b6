/* kernels/tables/aiconfigurator.h: op times in the layout of AIConfigurator's tables, as CSV, plain or gzip.
 *
 * One row a shape: op_name, the axes under the names that layout has, types, and `latency` in milliseconds.
 */
#ifndef DRYDOCK_KERNELS_TABLES_AICONFIGURATOR_H
#define DRYDOCK_KERNELS_TABLES_AICONFIGURATOR_H

#include "base/arena.h"
#include "base/error.h"
#include "kernels/samples.h"

enum { TABLE_SETS_MAX = 16 };

struct table {
    char device[64];
    size_t rows;       /* read */
    size_t rows_other; /* of ops that are not fitted */
    char other[64];    /* the name of one */
    int sets;
    struct samples set[TABLE_SETS_MAX]; /* one an op and pair of types, sorted */
};

/* ERROR_INVALID with file, line and column where a cell is no number that makes sense, a column is missing,
 * or the file holds no row; nothing is left to free then. */
bool table_read(struct table *t, const char *path, struct arena *arena, struct error *err);
void table_free(struct table *t);

#endif
