/* sim/config/notice.h: what loading noticed without failing: warnings and notes, with their place. */
#ifndef DRYDOCK_CONFIG_NOTICE_H
#define DRYDOCK_CONFIG_NOTICE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum notice_level {
    NOTICE_NOTE,    /* shown with --verbose */
    NOTICE_WARNING, /* shown, in summary.json `warnings[]`, an error under --strict */
};

struct notice {
    enum notice_level level;
    struct position pos;
    const char *text; /* with the place in front: "file:line: ..." */
};

struct notices {
    struct arena *arena;
    struct notice *items;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* open addressing over items; 0 = empty */
    size_t slot_count;
};

/* `pos` may be NULL. Equal texts at the same place are kept once. */
void notice_add(struct notices *n, enum notice_level level, const struct position *pos, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

/* Under --strict: fills err with the first warning and returns false when there is one. */
bool notices_strict(const struct notices *n, struct error *err);

#endif
