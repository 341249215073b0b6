/* sim/engine/simgrid_module.h: the table of functions between the engine and the module that holds SimGrid.
 *
 * libsimgrid takes 28 ms to load, defines 774 MPI_* symbols and aborts on bad input. So it is linked to
 * lib/drydock-simgrid.so alone, which the engine opens at the first transfer and the probe opens in a forked
 * child. Nothing of SimGrid's appears here: hosts are indices, dates are seconds.
 *
 * One engine a process, calls from one thread. `advance`, `yield`, `start`, `stop` and `host_set` may be
 * called from the main program and from inside `ended`.
 */
#ifndef DRYDOCK_ENGINE_SIMGRID_MODULE_H
#define DRYDOCK_ENGINE_SIMGRID_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIMGRID_MODULE_VERSION = 1 };
#define SIMGRID_MODULE_SYMBOL "drydock_simgrid_module"

/* A transfer's worker actor; it goes back to the pool when `ended` returns. */
struct simgrid_worker;

struct simgrid_setup {
    const char *xml_path;
    const char *const *hosts; /* names; the index is what the calls below take */
    size_t host_count;
    bool loud; /* let SimGrid explain on stderr why it aborts */
    /* Called at the transfer's exact end date, on the worker's own stack (256 KiB). It may run handlers,
     * start and stop transfers, and sleep by way of `advance`. */
    void (*ended)(void *context, uint32_t flow);
    void *context;
};

struct simgrid_module {
    uint32_t version; /* first, whatever the rest becomes */

    /* Loads the platform. False with a message when this process has one already or a host is not there;
     * SimGrid aborts the process on most other faults, so probe first. */
    bool (*open)(const struct simgrid_setup *setup, char *message, size_t message_bytes);
    /* Kills the workers. SimGrid itself cannot be taken down from C. */
    void (*close)(void);

    double (*clock)(void);
    /* Returns once the clock stands at `date_s` (at once when it is there already): from the main program by
     * running SimGrid, from inside `ended` by sleeping. */
    void (*advance)(double date_s);
    /* Lets the other actors that are due at this date go on. Inside `ended` only. */
    void (*yield)(void);

    struct simgrid_worker *(*start)(uint32_t from, uint32_t to, double bytes, uint32_t flow);
    void (*stop)(struct simgrid_worker *worker); /* its `ended` is not called */
    void (*host_set)(uint32_t host, bool on);    /* stop what touches it first */

    /* False where no link joins them. May abort in a platform that was not probed. */
    bool (*route)(uint32_t from, uint32_t to, double *latency_s, double *bandwidth_bytes_per_s);
    /* The first disk's; zeros when there is none. */
    void (*disk)(uint32_t host, double *read_bytes_per_s, double *write_bytes_per_s);
};

/* sim/engine/simgrid_load.c: finds and opens the module, once a process. NULL with err (ERROR_FAILED) when it
 * is missing or of another version. Searched: $DRYDOCK_MODULE_DIR, then ../lib/drydock/ and lib/ beside the
 * program, then the installed directory. */
struct error;
const struct simgrid_module *simgrid_module_open(struct error *err);

#endif
