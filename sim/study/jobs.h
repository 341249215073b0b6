/* sim/study/jobs.h: tasks in worker processes. Private to the room.
 *
 * SimGrid allows one engine a process, so each task gets a process of its own, forked from this one: it sees
 * all memory as it was then and answers in bytes, over a socket. The parent reads whatever comes from whoever
 * speaks, so results of any size cannot block anyone; it is the only one that writes to the terminal (what
 * workers write to stdout and stderr is kept aside and quoted when one dies).
 *
 * Tasks are started in the order of their numbers, at most `at_once` at work at one time. The failure with
 * the lowest number is the one that is reported, whatever the number of workers: when a task fails, those
 * with higher numbers are ended and no new one is started, but those below go on, for they may fail too.
 * SIGINT and SIGTERM (base/progress.h) end all of them. No process and no temporary file outlives jobs_run.
 */
#ifndef DRYDOCK_STUDY_JOBS_H
#define DRYDOCK_STUDY_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strbuf.h"

struct jobs; /* the parent's side of all tasks */
struct job;  /* a worker's side of its own */

struct jobs_plan {
    size_t count;   /* tasks 0 ... count - 1 */
    size_t at_once; /* at least 1 */
    void *context;  /* for all that follows */

    /* In the worker: does the task; `result` is what the parent gets. */
    bool (*work)(void *context, struct job *job, size_t task, struct strbuf *result, struct error *err);

    /* In the parent: a task's result is there; what a task hands in before it waits (job_wait). `bytes` end
     * with a NUL that is not counted, and are gone after the call. `handed_in` may be NULL when no task
     * waits. */
    void (*done)(void *context, struct jobs *jobs, size_t task, const char *bytes, size_t length);
    void (*handed_in)(void *context, struct jobs *jobs, size_t task, const char *bytes, size_t length);

    /* In the parent: something went wrong (`why`), no task is at work any more and none will be started. Last
     * chance to answer those that wait; the others are ended. May be NULL. */
    void (*stopping)(void *context, struct jobs *jobs, const struct error *why);

    /* In the parent: a worker did not end by itself. For what it left behind. May be NULL. */
    void (*died)(void *context, size_t task, long process);

    /* In the parent: what a message calls the task ("seed 7"). May be NULL. */
    void (*describe)(void *context, size_t task, struct strbuf *out);

    const char *label; /* of the progress */
    bool progress;
};

/* False with the error of the lowest task that failed; ERROR_FAILED for one that died (a signal, no memory);
 * ERROR_INTERRUPTED. `done` was called for what was finished all the same. */
bool jobs_run(const struct jobs_plan *plan, struct error *err);

/* In the worker: hands `half` in and waits for the parent's answer, which is appended to `answer`. A task
 * that waits is not at work: another one is started meanwhile, so all others may be awaited. False with
 * ERROR_INTERRUPTED when no answer will come: clean up and return. */
bool job_wait(struct job *job, const struct strbuf *half, struct strbuf *answer, struct error *err);

/* In the parent, from `handed_in`, `done` or `stopping`: the answer to a task that waits. */
void jobs_answer(struct jobs *jobs, size_t task, const struct strbuf *answer);

#endif
