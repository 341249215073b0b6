/* sim/record/hdf5_io.h: what writer and readers share of HDF5: errors into struct error, groups, attributes,
 * texts. For the room and for traces/, which writes a format of its own.
 *
 * Handles are hid_t, negative when there is none; hdf5_drop() takes those as well.
 */
#ifndef DRYDOCK_RECORD_HDF5_IO_H
#define DRYDOCK_RECORD_HDF5_IO_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum { HDF5_TEXT_BYTES_MAX = 1 << 30 }; /* of one text, in a file that somebody else may have made */

/* Keeps the library's messages off stderr and notes its failures from here on (to be called first). */
void hdf5_quiet(void);

/* Fills err with `what` and the library's words on what failed first since hdf5_quiet(). Always false. */
bool hdf5_failed(struct error *err, enum error_code code, const char *file, const char *what);

/* Closes any kind of handle. */
void hdf5_drop(hid_t id);

/* ---- writing ---- */
/* Makes a file. A system call that fails leaves its errno in *failure (0 before; it must outlive the file),
 * and all later writes seem to succeed: the library can then let go of the file. */
hid_t hdf5_create_file(const char *path, int *failure);

/* Properties that keep dates out of the file and members in the order they were made. */
hid_t hdf5_group_properties(void);
hid_t hdf5_dataset_properties(void);

/* Opens the group at `path` below `at`, making what is missing on the way. */
hid_t hdf5_group(hid_t at, const char *path);

bool hdf5_text_attribute(hid_t at, const char *name, const char *text);
bool hdf5_double_attribute(hid_t at, const char *name, double value);
bool hdf5_u64_attribute(hid_t at, const char *name, uint64_t value);

/* A scalar text (fixed width, UTF-8) and a list of texts (fixed width: that of the longest). */
bool hdf5_text(hid_t at, const char *name, const char *text);
bool hdf5_texts(hid_t at, const char *name, const char *const *texts, size_t count);

/* ---- reading ---- */
/* NULL when absent, no text, or unreadable. */
const char *hdf5_read_text_attribute(hid_t at, const char *name, struct arena *arena);
bool hdf5_read_double_attribute(hid_t at, const char *name, double *value);

/* A scalar text; NULL when it is none. */
const char *hdf5_read_text(hid_t at, const char *name, struct arena *arena);

/* Opens a result for reading: negative, with err, when it is none. */
hid_t hdf5_open_result(const char *path, struct error *err);

/* Whether there is a dataset at `path`, which may be some groups deep. */
bool hdf5_has_dataset(hid_t at, const char *path);

/* Whether a dataset has one dimension; whether a group has such datasets, as a table does. */
bool hdf5_is_list(hid_t dataset);
bool hdf5_holds_lists(hid_t group);

/* Fills err with the failure of a read from `path`: a damaged file. Always false. */
bool hdf5_damaged(const char *path, struct error *err);

#endif
