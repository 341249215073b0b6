/* tests/conformance/conformance.h: the controllers' own decision tables against our functions.
 *
 * A table is a JSON list of cases {name, input, expected, tolerance?}. A subject knows one table: one file
 * here, one row in conformance.c. It turns the input into what our function takes and says what came out;
 * the comparison with what is expected, and the counting, are done for it. */
#ifndef DRYDOCK_TESTS_CONFORMANCE_H
#define DRYDOCK_TESTS_CONFORMANCE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* One case while it runs; memory of `arena` lasts as long. */
struct trial {
    struct arena *arena;
    struct json_object *input;
    struct json_object *expected;
    struct json_object *got; /* an object; the subject adds what it found */
    const char *broken;      /* the case itself is not as the format says; then nothing is compared */
};

struct subject {
    const char *file;
    void (*run)(struct trial *trial);
    /* Compares one key in its own way (an error text, a list in any order); *match is its answer. False: the
     * key is compared as any other. NULL when there is nothing special. */
    bool (*compare)(const char *key, struct json_object *want, struct json_object *got, bool *match);
};

extern const struct subject subject_hpa_replicas;
extern const struct subject subject_hpa_behavior;

/* ---- reading a case. A key that is absent or of another type breaks the case, if it is required ---- */

/* Marks the case as broken; the first reason stays. */
void trial_break(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* NULL when absent or null. */
struct json_object *get(struct json_object *object, const char *key);
bool has(struct json_object *object, const char *key);

int64_t want_integer(struct trial *trial, struct json_object *object, const char *key);
int64_t want_count(struct trial *trial, struct json_object *object, const char *key); /* within int32 */
double want_number(struct trial *trial, struct json_object *object, const char *key);
const char *want_text(struct trial *trial, struct json_object *object, const char *key);
bool want_bool(struct trial *trial, struct json_object *object, const char *key);
/* A list, maybe empty; *count is 0 when the case is broken. */
struct json_object *want_list(struct trial *trial, struct json_object *object, const char *key,
                              size_t *count);

/* With what stands for absent or null. */
int64_t integer_or(struct trial *trial, struct json_object *object, const char *key, int64_t fallback);
int64_t count_or(struct trial *trial, struct json_object *object, const char *key, int64_t fallback);

/* ---- answering ---- */

void found_integer(struct trial *trial, const char *key, int64_t value);
void found_text(struct trial *trial, const char *key, const char *value);
void found(struct trial *trial, const char *key,
           struct json_object *value); /* takes ownership; NULL is null */

#endif
