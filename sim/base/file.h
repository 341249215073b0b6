/* sim/base/file.h: reading whole files within a limit, and writing so that no half file ever bears a final
 * name. */
#ifndef DRYDOCK_BASE_FILE_H
#define DRYDOCK_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"

/* The file's bytes, terminated by a NUL that is not counted. Fails on directories, on files over
 * `limit_bytes` (a message with the limit) and on I/O errors: ERROR_INVALID when the file does not exist,
 * cannot be read or is not a regular file or pipe, ERROR_FAILED on other errors. */
bool file_read(const char *path, size_t limit_bytes, struct arena *arena, char **bytes, size_t *length,
               struct error *err);

bool file_exists(const char *path);
bool file_is_directory(const char *path);

/* mkdir -p. */
bool file_make_directory(const char *path, struct error *err);

/* "dir/name"; a name that is absolute stays. The directory part of a path ("." when none). The last part. */
char *path_join(struct arena *arena, const char *dir, const char *name);
char *path_directory(struct arena *arena, const char *path);
const char *path_base(const char *path);

/* A file being written: bytes go to "<path>.tmp-<pid>" beside it until file_commit syncs and renames. A
 * device or a pipe (/dev/stdout) cannot be replaced and is written straight. */
struct file_writer {
    FILE *stream;
    char *final_path;
    char *temporary_path; /* NULL for a device or a pipe */
};

bool file_begin(struct file_writer *w, const char *path, struct error *err);
bool file_commit(struct file_writer *w,
                 struct error *err);      /* flush, fsync, rename; on failure removes the rest */
void file_abandon(struct file_writer *w); /* removes the temporary; safe after commit */

/* Whole text in one go. */
bool file_write(const char *path, const char *bytes, size_t length, struct error *err);

/* Temporary name that file_begin would use, for writers that open files themselves (HDF5); registered so that
 * file_remove_temporaries (called on a signal or a failure) removes it. Give back with file_forget_temporary.
 */
char *file_temporary_name(struct arena *arena, const char *path);
void file_forget_temporary(const char *temporary_path);
void file_remove_temporaries(void);

/* What a process that is gone (killed: it could not clean up) left in a folder under temporary names. */
void file_remove_temporaries_of(const char *directory, long process);

/* fsync a file written by somebody else and rename it to its final name. */
bool file_publish(const char *temporary_path, const char *path, struct error *err);

#endif
