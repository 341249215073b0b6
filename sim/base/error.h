/* sim/base/error.h: one value that says what went wrong, where, what was expected and what to do.
 *
 * Every function that can fail returns false (or NULL, or a negative count) and fills `err`. The first
 * failure wins: a filled error is never overwritten, so a caller may go on to clean up without losing it.
 * Nothing below the command line ever exits or aborts; the command line prints the error once and answers its
 * code.
 */
#ifndef DRYDOCK_BASE_ERROR_H
#define DRYDOCK_BASE_ERROR_H

#include <stdbool.h>

/* The program's exit codes (a contract: nothing else is ever answered). */
enum error_code {
    ERROR_NONE = 0,
    ERROR_OBJECTIVE = 1,    /* a gate or objective failed */
    ERROR_USAGE = 2,        /* the command line is wrong */
    ERROR_INVALID = 3,      /* an input file is wrong */
    ERROR_FAILED = 4,       /* could not do it: I/O, memory, an external tool */
    ERROR_INTERRUPTED = 130 /* SIGINT or SIGTERM */
};

/* Where in an input a value stands. `file` is borrowed and must outlive the position; line and column count
 * from 1, 0 means unknown. */
struct position {
    const char *file;
    int line;
    int column;
};

struct error {
    enum error_code code;
    int line;
    int column;
    char file[512];
    char field[192];    /* dotted path of the field, "" when the failure has none */
    char expected[512]; /* what was expected, or what happened */
    char hint[384];     /* what to do about it, "" when the message says it */
};

/* Fills `err` unless it is filled already. Always returns false, so that `return error_set(...)` reads well.
 */
bool error_set(struct error *err, enum error_code code, const char *expected, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, with the place and the field ("spec.traces.0.rate_scale"). `pos` may be NULL, `field` may be
 * NULL. */
bool error_at(struct error *err, enum error_code code, const struct position *pos, const char *field,
              const char *expected, ...) __attribute__((format(printf, 5, 6)));

/* Adds a remedy; does nothing when one is there already. Always returns false. */
bool error_hint(struct error *err, const char *hint, ...) __attribute__((format(printf, 2, 3)));

/* As error_set with ERROR_FAILED, the file's name and the text of errno. Always returns false. */
bool error_errno(struct error *err, const char *file, const char *what);

/* True when `err` holds a failure. */
static inline bool error_is_set(const struct error *err) {
    return err->code != ERROR_NONE;
}

/* Writes "file:line:column: field: expected; hint" into `out` (always terminated). Parts that are not known
 * are left out. Returns `out`. */
const char *error_text(const struct error *err, char *out, unsigned long out_bytes);

#endif
