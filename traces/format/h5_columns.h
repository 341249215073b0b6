/* traces/h5_columns.h: the columns of drydock.trace/1, shared by its reader and its writer (private).
 *
 * drydock.trace/1 is an HDF5 file: attributes of the root group `schema` ("drydock.trace/1"), `requests`
 * (rows) and, when the trace has dates, `start`; one 1-D dataset a column of the table below, all of that
 * length, each with an attribute `units`; `names`, the texts that service, tenant and region point into (0 is
 * ""), when one of those is there; `hashes`, the prefix hashes of all rows end to end, when hash_count is
 * there. A column that would be all zero is left out. Times are whole picoseconds, so that nothing is rounded
 * on the way.
 */
#ifndef DRYDOCK_TRACES_H5_COLUMNS_H
#define DRYDOCK_TRACES_H5_COLUMNS_H

#include <hdf5.h>
#include <stddef.h>

#include "traces/traces.h"

#define H5_TRACE_SCHEMA "drydock.trace/1"

enum h5_type { H5_U32, H5_U64, H5_I64, H5_F64 };

struct h5_column {
    const char *name;
    enum h5_type type;
    size_t offset; /* in struct trace_row */
    const char *units;
};

enum { H5_COLUMN_COUNT = 15, H5_CHUNK_ROWS = 8192 };
extern const struct h5_column h5_columns[H5_COLUMN_COUNT];

hid_t h5_memory_type(enum h5_type type);
size_t h5_type_bytes(enum h5_type type);

#endif
