#include "config/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool same_place(const struct position *a, const struct position *b) {
    return a->line == b->line && a->column == b->column &&
           (a->file == b->file || (a->file != NULL && b->file != NULL && strcmp(a->file, b->file) == 0));
}

static bool known(const struct notices *n, const struct position *pos, const char *text) {
    for (size_t i = 0; i < n->count; i++) {
        if (same_place(&n->items[i].pos, pos) && strcmp(n->items[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

static const char *with_place(struct arena *arena, const struct position *pos, const char *text) {
    if (pos->file == NULL) {
        return arena_strdup(arena, text);
    }
    if (pos->line <= 0) {
        return arena_printf(arena, "%s: %s", pos->file, text);
    }
    return arena_printf(arena, "%s:%d:%d: %s", pos->file, pos->line, pos->column, text);
}

void notice_add(struct notices *n, enum notice_level level, const struct position *pos, const char *format,
                ...) {
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    struct position place = pos != NULL ? *pos : (struct position){0};
    const char *text = with_place(n->arena, &place, message);
    if (known(n, &place, text)) {
        return;
    }
    n->items = arena_grow(n->arena, n->items, n->count, n->count + 1, &n->capacity, sizeof *n->items);
    n->items[n->count++] = (struct notice){level, place, text};
}

bool notices_strict(const struct notices *n, struct error *err) {
    for (size_t i = 0; i < n->count; i++) {
        if (n->items[i].level == NOTICE_WARNING) {
            error_set(err, ERROR_INVALID, "%s", n->items[i].text);
            return error_hint(err, "a warning is an error under --strict");
        }
    }
    return true;
}
