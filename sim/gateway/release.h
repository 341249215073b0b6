/* sim/gateway/release.h: when a policy that holds requests at the gateway lets one go on. Shared by those
 * that do. */
#ifndef DRYDOCK_GATEWAY_RELEASE_H
#define DRYDOCK_GATEWAY_RELEASE_H

#include <math.h>

#include "gateway/admission.h"

/* Rows of a table of options, to begin it with. */
#define RELEASE_OPTIONS                                                                                      \
    {.name = "release",                                                                                      \
     .help = "requests that may wait at replicas, a Ready replica; the others are held at the gateway",      \
     .type = DD_OPTION_INTEGER,                                                                              \
     .low = 1,                                                                                               \
     .high = 1e6,                                                                                            \
     .fallback = 1},                                                                                         \
    {                                                                                                        \
        .name = "in_flight", .help = "requests at replicas, waiting or not, a Ready replica",                \
        .type = DD_OPTION_INTEGER, .low = 1, .high = 1e6, .fallback = INFINITY                               \
    }
enum { RELEASE_OPTION_WAITING, RELEASE_OPTION_IN_FLIGHT, RELEASE_OPTION_COUNT };

struct release {
    double waiting, in_flight; /* a Ready replica */
};

static inline struct release release_of(const struct dd_option_value *values) {
    return (struct release){values[RELEASE_OPTION_WAITING].number, values[RELEASE_OPTION_IN_FLIGHT].number};
}

static inline bool release_has_room(const struct release *r, const struct admission_view *view) {
    double waiting = (double)(view->waiting - view->held);
    double in_flight = (double)(view->in_flight - view->held);
    return waiting < r->waiting * view->replicas && in_flight < r->in_flight * view->replicas;
}

#endif
