/* sim/record/summary_keys.h: private to the room: the keys of summary.json, from which its schema is written
 * and its figures are known. */
#ifndef DRYDOCK_RECORD_SUMMARY_KEYS_H
#define DRYDOCK_RECORD_SUMMARY_KEYS_H

#include <stddef.h>

enum presence { ALWAYS, WHERE_IT_APPLIES };

struct key {
    const char *name; /* "" for the values of a map: any key */
    enum presence presence;
    const char *type; /* a JSON type, "a|b", or "#name" of another object below; "[]#name" a list of it */
    const char *description;
};

struct shape {
    const char *name;
    const char *description;
    const struct key *keys; /* ended by name NULL */
};

extern const struct key summary_root_keys[];  /* of the whole file */
extern const struct key summary_scope_keys[]; /* of one service or tenant, and of all together */

/* The keys of the object that a type "#name" is; NULL when there is none of that name. */
const struct key *summary_shape_keys(const char *name, size_t length);

#endif
