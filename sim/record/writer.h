/* sim/record/writer.h: the thread that writes chunks of tables while the run goes on. Private to the room.
 *
 * It starts with the first full chunk, so small results have none. At most WRITER_WAITING chunks wait for it;
 * whoever gives another one waits too, so memory is bounded. Chunks are written in the order they come, and
 * all else that is written waits for them (recorder_settle), so the file has the same bytes with and without
 * it. After a failure it takes chunks and drops them.
 */
#ifndef DRYDOCK_RECORD_WRITER_H
#define DRYDOCK_RECORD_WRITER_H

#include <stdbool.h>

#include "base/error.h"

struct recorder;
struct table_chunk;
struct writer;

enum { WRITER_WAITING = 2 };

/* Whether a thread would help: there is a second processor, and HDF5 can be called from two threads. */
bool writer_is_of_use(void);

/* NULL when no thread can be had. */
struct writer *writer_start(struct recorder *r);

/* Gives a chunk away; it goes back to its table when it is written. False with err when an earlier one could
 * not be. */
bool writer_give(struct writer *w, struct table_chunk *chunk, struct error *err);

/* A chunk of the table that is written, to be filled again; NULL when none is back. */
struct table_chunk *writer_take_back(struct writer *w, struct table_chunk **spare);

/* Waits until all is written. */
void writer_settle(struct writer *w);

/* After writer_settle: false with err when something could not be written. */
bool writer_check(const struct writer *w, struct error *err);

/* Waits and ends the thread. */
void writer_end(struct writer *w);

#endif
