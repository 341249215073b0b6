/* sim/record/recorder.h: the recorder as its two files see it: record.c (the file), record_table.c (its
 * tables). Private to the room. */
#ifndef DRYDOCK_RECORD_RECORDER_H
#define DRYDOCK_RECORD_RECORDER_H

#include "record/hdf5_io.h"
#include "record/record.h"

enum { RECORD_DEFLATE_LEVEL = 1 };

struct recorder {
    struct arena arena;
    hid_t file;
    const char *directory;
    const char *path;      /* result.h5 under its final name, as messages show it */
    const char *temporary; /* what is written */
    bool compress;
    int failure; /* errno of the first system call that failed; writes are lost from there on */
    bool broken; /* something failed: nothing but recorder_abandon makes sense */
    struct record_table *tables;
    char *object; /* of the last series: they come object by object, each with some thirty metrics, */
    hid_t group;  /* so its group stays open */
};

/* True when `done` and nothing has failed since the recorder was opened; else false with err. */
bool recorder_check(struct recorder *r, bool done, struct error *err);

struct record_table *record_table_next(const struct record_table *t);

/* Writes what a table still holds. */
bool record_table_finish(struct record_table *t, struct error *err);

/* Closes a table's handles and gives its memory back. Answers the next table. */
struct record_table *record_table_free(struct record_table *t);

#endif
