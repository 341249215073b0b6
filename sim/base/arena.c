#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
    ARENA_ALIGN = 16,
    ARENA_FIRST_BYTES = 4096,
    ARENA_LARGEST_STEP_BYTES = 1 << 20, /* blocks double up to here; larger asks get a block of their own */
};

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    size_t pad; /* keeps the payload on a 16-byte boundary */
};

static void exhausted_default(size_t bytes_wanted) {
    fprintf(stderr, "drydock: out of memory (wanted %zu bytes)\n", bytes_wanted);
    exit(ERROR_FAILED);
}

static void (*exhausted)(size_t bytes_wanted) = exhausted_default;

void arena_on_exhaustion(void (*handler)(size_t bytes_wanted)) {
    exhausted = handler ? handler : exhausted_default;
}

void *mem_alloc(size_t bytes) {
    void *p = malloc(bytes ? bytes : 1);
    if (!p) {
        exhausted(bytes);
    }
    return p;
}

void *mem_zalloc(size_t count, size_t bytes) {
    void *p = calloc(count ? count : 1, bytes ? bytes : 1);
    if (!p) {
        exhausted(count * bytes);
    }
    return p;
}

void *mem_realloc(void *old, size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        exhausted(SIZE_MAX);
    }
    void *p = realloc(old, total ? total : 1);
    if (!p) {
        exhausted(total);
    }
    return p;
}

void arena_init(struct arena *a) {
    *a = (struct arena){0};
}

void arena_free(struct arena *a) {
    struct arena_block *b = a->head;
    while (b) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    a->head = NULL;
    a->used_bytes = 0;
}

static struct arena_block *new_block(struct arena *a, size_t need) {
    size_t size = a->head ? a->head->size * 2 : ARENA_FIRST_BYTES;
    if (size > ARENA_LARGEST_STEP_BYTES) {
        size = ARENA_LARGEST_STEP_BYTES;
    }
    if (size < need) {
        size = need;
    }
    struct arena_block *b = mem_zalloc(1, sizeof *b + size);
    b->size = size;
    b->next = a->head;
    a->head = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t bytes) {
    size_t rounded = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (rounded < bytes) {
        exhausted(bytes);
    }
    struct arena_block *b = a->head;
    if (!b || b->size - b->used < rounded) {
        b = new_block(a, rounded);
    }
    void *p = (char *)(b + 1) + b->used;
    b->used += rounded;
    a->used_bytes += rounded;
    if (a->used_bytes > a->peak_bytes) {
        a->peak_bytes = a->used_bytes;
    }
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        exhausted(SIZE_MAX);
    }
    return arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *text, size_t n) {
    char *copy = arena_alloc(a, n + 1);
    memcpy(copy, text, n);
    return copy;
}

char *arena_strdup(struct arena *a, const char *text) {
    return text ? arena_strndup(a, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *a, const char *format, ...) {
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *out = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    vsnprintf(out, (size_t)(n < 0 ? 0 : n) + 1, format, again);
    va_end(again);
    va_end(args);
    return out;
}

void *arena_grow(struct arena *a, void *old, size_t count, size_t need, size_t *capacity, size_t bytes) {
    if (need <= *capacity) {
        return old;
    }
    if (need > SIZE_MAX / 2) {
        exhausted(need);
    }
    size_t target = *capacity ? *capacity : 8;
    while (target < need) {
        target *= 2;
    }
    void *fresh = arena_array(a, target, bytes);
    if (count) {
        memcpy(fresh, old, count * bytes);
    }
    *capacity = target;
    return fresh;
}
