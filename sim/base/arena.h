/* sim/base/arena.h: memory that lives as long as a load, a run or a report, and is given back at once.
 *
 * Allocation is a bump of a pointer; nothing is freed one by one. An arena that cannot get memory from the
 * system calls the handler set with arena_on_exhaustion (the command line's prints and answers 4); there is
 * no other way for arena_alloc to return, so callers never check for NULL.
 */
#ifndef DRYDOCK_BASE_ARENA_H
#define DRYDOCK_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used_bytes; /* handed out since arena_init, rounding included */
    size_t peak_bytes; /* the largest that used_bytes ever was */
};

/* A zeroed struct arena is ready for use; this does just that. */
void arena_init(struct arena *a);

/* Gives all memory back; the arena can be used again. */
void arena_free(struct arena *a);

/* `bytes` of zeroed memory aligned for any type. Zero bytes gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t bytes);

/* As arena_alloc(count * bytes), safe against overflow. */
void *arena_array(struct arena *a, size_t count, size_t bytes);

/* A copy of `text` (NULL gives NULL); of its first n bytes, terminated; of a printf. */
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t n);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for a growing array: returns a block of at least `need` elements that begins with the `count` old
 * ones, and updates *capacity (doubling). The old block stays in the arena until it ends. */
void *arena_grow(struct arena *a, void *old, size_t count, size_t need, size_t *capacity, size_t bytes);

/* Allocation outside arenas (pools and tables that come and go): as malloc, calloc and realloc, but
 * exhaustion goes to the same handler. Give back with free(). */
void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t count, size_t bytes);
void *mem_realloc(void *old, size_t count, size_t bytes);

/* What to do when the system has no memory. The handler must not return; the default prints one line to
 * stderr and ends the process with exit code 4, which is the only place below the command line that ends it.
 */
void arena_on_exhaustion(void (*handler)(size_t bytes_wanted));

#endif
