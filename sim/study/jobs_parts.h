/* sim/study/jobs_parts.h: what jobs.c (the parent) and jobs_worker.c (the workers) share. Private to the
 * room.
 */
#ifndef DRYDOCK_STUDY_JOBS_PARTS_H
#define DRYDOCK_STUDY_JOBS_PARTS_H

#include <stdint.h>

#include "study/jobs.h"

enum {
    MESSAGE_BYTES_MAX = 1 << 30, /* more than any summary; beyond it the bytes are no message */
    WORKER_WORDS_BYTES = 1 << 12 /* of what a dead worker wrote that are looked at */
};

/* A message is a head and then its bytes. */
enum message_kind {
    MESSAGE_SHARE,  /* a double: the share of the work that is done */
    MESSAGE_HALF,   /* of job_wait */
    MESSAGE_ANSWER, /* to it; the only one from parent to worker */
    MESSAGE_RESULT, /* of the task */
    MESSAGE_FAILURE /* a struct error */
};

struct message {
    uint64_t length;
    uint64_t kind;
};

struct job {
    int fd;
};

bool worker_send(int fd, enum message_kind kind, const void *bytes, size_t length);

/* The life of a worker: never returns. */
void worker_work(const struct jobs_plan *plan, size_t task, int fd);

/* The last line that a dead worker wrote, "" when there is none. `words` is the file of its output. */
void worker_last_words(int words, char line[WORKER_WORDS_BYTES]);

#endif
