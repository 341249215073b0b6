/* sim/record/recorder.h: the recorder as its two files see it: record.c (the file), record_table.c (its
 * tables). Private to the room. */
#ifndef DRYDOCK_RECORD_RECORDER_H
#define DRYDOCK_RECORD_RECORDER_H

#include "record/hdf5_io.h"
#include "record/record.h"
#include "record/writer.h"

enum { RECORD_DEFLATE_LEVEL = 1 };

struct recorder {
    struct arena arena;
    hid_t file;
    const char *directory;
    const char *path;      /* result.h5 under its final name, as messages show it */
    const char *temporary; /* what is written */
    bool compress;
    bool own_thread;       /* a writer is wanted ... */
    struct writer *writer; /* ... and is there, NULL until the first full chunk */
    int failure;           /* errno of the first system call that failed; writes are lost from there on */
    bool broken;           /* something failed: nothing but recorder_abandon makes sense */
    struct record_table *tables;
    char *object; /* of the last series: they come object by object, each with some thirty metrics, */
    hid_t group;  /* so its group stays open */
};

/* True when `done` and nothing has failed since the recorder was opened; else false with err. */
bool recorder_check(struct recorder *r, bool done, struct error *err);

/* What went wrong, into err; for the thread that it went wrong in. Always false. */
bool recorder_tell_failure(const struct recorder *r, struct error *err);

/* Starts the writer where one is wanted and can be had. */
bool recorder_has_writer(struct recorder *r);

/* Waits until the writer has nothing left to do: before anything else is written. */
void recorder_settle(struct recorder *r);

/* For the writer: whether the chunk could be written; and what becomes of it then. */
bool table_chunk_write(struct table_chunk *chunk);
void table_chunk_give_back(struct table_chunk *chunk);

struct record_table *record_table_next(const struct record_table *t);

/* Writes what a table still holds. */
bool record_table_finish(struct record_table *t, struct error *err);

/* Closes a table's handles and gives its memory back. Answers the next table. */
struct record_table *record_table_free(struct record_table *t);

#endif
