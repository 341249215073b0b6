/* Requests wait at the gateway, whoever's they are, first come first served: what `vtc` is to be compared
 * with, and a queue that a replica which comes late gets its share of. */
#include <stdlib.h>

#include "base/arena.h"
#include "gateway/admission.h"
#include "gateway/release.h"

static const struct dd_option options[] = {RELEASE_OPTIONS, {.name = NULL}};

static void *create(const struct dd_option_value *values) {
    struct release *r = mem_zalloc(1, sizeof *r);
    *r = release_of(values);
    return r;
}

static bool has_room(void *state, const struct admission_view *view) {
    return release_has_room(state, view);
}

const struct admission_ops admission_fifo = {
    .name = "fifo",
    .help = "holds requests at the gateway until replicas have room, first come first served",
    .options = options,
    .create = create,
    .order = &(const struct admission_order){.has_room = has_room},
    .destroy = free,
};
