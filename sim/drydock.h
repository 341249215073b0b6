/* sim/drydock.h: the public interface of libdrydock. Every exported name begins with dd_ or DD_.
 *
 * Errors come back as a value: a function that fails returns false and fills `struct dd_error`, whose code
 * is what the program would have exited with and whose message is what it would have printed.
 */
#ifndef DRYDOCK_H
#define DRYDOCK_H

#include <stdbool.h>

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

#ifdef __cplusplus
}
#endif

#endif
