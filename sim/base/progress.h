/* sim/base/progress.h: how far long work is. On a terminal a bar redrawn at most ten times a second with
 * simulated time, speed and remaining time; elsewhere a line every few seconds; nothing when quiet.
 * Everything on stderr. */
#ifndef DRYDOCK_BASE_PROGRESS_H
#define DRYDOCK_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *label;
    double end_s;        /* simulated seconds at which the work is done; <= 0 when not known */
    uint64_t runs;       /* 0, or the work is this many runs, and they are what end_s counts */
    uint64_t next_check; /* updates until the clock is read again */
    uint64_t stride;     /* updates between two looks at the clock, follows their pace */
    double started_wall_s;
    double last_read_wall_s;
    double last_shown_wall_s;
    bool terminal;
    bool enabled;
    bool shown;
};

void progress_begin(struct progress *p, const char *label, double end_s, bool enabled);
void progress_update(struct progress *p, double simulated_s, uint64_t requests);
void progress_end(struct progress *p); /* clears the bar */

/* Work that is many runs: how many are finished, and the same with the known parts of those under way. */
void progress_begin_runs(struct progress *p, const char *label, uint64_t runs, bool enabled);
void progress_update_runs(struct progress *p, uint64_t finished, double done);

/* In a worker process: from now on nothing is shown, and `tell` hears some times a second which share of the
 * work is done (of work whose end is known). */
void progress_divert(void (*tell)(void *context, double share), void *context);

/* Monotonic wall clock in seconds, for progress and wall_s only: model code never reads it. */
double wall_clock_s(void);

/* SIGINT and SIGTERM set a flag that long loops read; blocked calls return with EINTR. A second signal
 * removes the registered temporaries (file.h) and ends the process with 130. */
void interrupt_install(void);
bool interrupt_requested(void);

#endif
