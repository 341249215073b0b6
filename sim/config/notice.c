#include "config/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* A file may hold a million flags or unknown fields, where a linear search would take minutes. */
static uint32_t *slot_of(const struct notices *n, const char *text) {
    size_t at = (size_t)hash64_text(text) & (n->slot_count - 1);
    while (n->slots[at] != 0 && strcmp(n->items[n->slots[at] - 1].text, text) != 0) {
        at = (at + 1) & (n->slot_count - 1);
    }
    return &n->slots[at];
}

static void make_room(struct notices *n) {
    n->items = arena_grow(n->arena, n->items, n->count, n->count + 1, &n->capacity, sizeof *n->items);
    if (n->count * 2 < n->slot_count) {
        return;
    }
    n->slot_count = n->slot_count == 0 ? 64 : n->slot_count * 2;
    n->slots = arena_array(n->arena, n->slot_count, sizeof *n->slots);
    for (size_t i = 0; i < n->count; i++) {
        *slot_of(n, n->items[i].text) = (uint32_t)(i + 1);
    }
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
    make_room(n);
    uint32_t *slot = slot_of(n, text); /* the text holds the place */
    if (*slot == 0) {
        n->items[n->count++] = (struct notice){level, place, text};
        *slot = (uint32_t)n->count;
    }
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
