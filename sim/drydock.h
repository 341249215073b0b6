/* sim/drydock.h: the public interface of libdrydock. Every exported name begins with dd_ or DD_.
 *
 * Errors come back as a value: a function that fails returns false and fills `struct dd_error`, whose code
 * is what the program would have exited with and whose message is what it would have printed.
 */
#ifndef DRYDOCK_H
#define DRYDOCK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DD_VERSION "0.1.0"
#define DD_API __attribute__((visibility("default")))

struct dd_error {
    int code;           /* 0 none, 2 wrong usage, 3 invalid input, 4 could not do it, 130 interrupted */
    char message[2048]; /* "file:line:column: field: what was expected; what to do" */
};

/* The version of the library that is linked, "major.minor.patch"; DD_VERSION is that of the header. */
DD_API const char *dd_version(void);

/* What to run. Zero-initialise; every field but `scenario` may stay zero. */
struct dd_run_options {
    const char *scenario;      /* a file, or a folder that holds scenario.yaml */
    const char *out;           /* folder for result.h5 and summary.json; NULL = out/<name of the scenario>;
                                  "" = write nothing */
    uint64_t seed;             /* 0 is a seed like any other; the program's default is 1 */
    const char *const *traces; /* files in place of the scenario's traces */
    uint32_t trace_count;
    const char *const *set; /* "path=value" below spec */
    uint32_t set_count;
    bool strict;     /* the first warning is an error */
    bool allow_exec; /* code that the scenario names may be loaded */
};

/* Runs one scenario once: one seed, in this process, the scenario as it stands (replications and arms are
 * runs side by side and belong to the program). On success *summary_json is the text of summary.json (give it
 * back with dd_free; NULL for `summary_json` when it is not wanted). One run at a time: SimGrid allows one
 * engine a process, so a run that moves data over links can be followed by another only in another process.
 */
DD_API bool dd_run(const struct dd_run_options *options, char **summary_json, struct dd_error *error);

/* Loads a scenario with its manifests and checks all that can be checked without a run. */
DD_API bool dd_validate(const char *scenario, struct dd_error *error);

DD_API void dd_free(void *memory);

#ifdef __cplusplus
}
#endif

#endif
