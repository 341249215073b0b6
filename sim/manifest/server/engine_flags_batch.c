/* Settings of batches that SGLang and Text Generation Inference have and vLLM has not. */
#include <string.h>

#include "base/units.h"
#include "manifest/server/engine_flags.h"

static const double LIMIT_MAX = 1e9;

static bool refuse(const struct position *pos, const char *expected, const char *value, struct error *err) {
    return error_at(err, ERROR_INVALID, pos, NULL, "expected %s, got \"%.80s\"", expected, value);
}

static bool set_count(int64_t *field, double low, const char *value, const struct position *pos,
                      struct error *err) {
    double number = 0;
    if (*value == '\0' || value[strspn(value, "0123456789")] != '\0' ||
        !unit_parse(UNIT_NUMBER, value, &number) || number < low || number > LIMIT_MAX) {
        return refuse(pos, low > 0 ? "a whole number of at least 1" : "a whole number of at least 0", value,
                      err);
    }
    *field = (int64_t)number;
    return true;
}

bool engine_set_prefill_tokens(struct engine_args *args, const char *value, const struct position *pos,
                               struct arena *arena, struct error *err) {
    (void)arena;
    return set_count(&args->max_prefill_tokens, 1, value, pos, err);
}

bool engine_set_queued_requests(struct engine_args *args, const char *value, const struct position *pos,
                                struct arena *arena, struct error *err) {
    (void)arena;
    return set_count(&args->max_queued_requests, 0, value, pos, err);
}

bool engine_set_kv_tokens(struct engine_args *args, const char *value, const struct position *pos,
                          struct arena *arena, struct error *err) {
    (void)arena;
    return set_count(&args->kv_tokens, 1, value, pos, err);
}

bool engine_set_concurrent_requests(struct engine_args *args, const char *value, const struct position *pos,
                                    struct arena *arena, struct error *err) {
    (void)arena;
    return set_count(&args->max_concurrent_requests, 1, value, pos, err);
}

bool engine_set_input_tokens(struct engine_args *args, const char *value, const struct position *pos,
                             struct arena *arena, struct error *err) {
    (void)arena;
    return set_count(&args->max_input_tokens, 1, value, pos, err);
}

bool engine_set_waiting_tokens(struct engine_args *args, const char *value, const struct position *pos,
                               struct arena *arena, struct error *err) {
    (void)arena;
    return set_count(&args->max_waiting_tokens, 0, value, pos, err);
}

static bool set_ratio(double *field, double low, const char *value, const struct position *pos,
                      struct error *err) {
    double number = 0;
    if (!unit_parse(UNIT_NUMBER, value, &number) || number < low || number > 1e3) {
        return refuse(pos, low > 0 ? "a number above 0 and at most 1000" : "a number from 0 to 1000", value,
                      err);
    }
    *field = number;
    return true;
}

bool engine_set_waiting_ratio(struct engine_args *args, const char *value, const struct position *pos,
                              struct arena *arena, struct error *err) {
    (void)arena;
    return set_ratio(&args->waiting_served_ratio, 0, value, pos, err);
}

bool engine_set_conservativeness(struct engine_args *args, const char *value, const struct position *pos,
                                 struct arena *arena, struct error *err) {
    (void)arena;
    return set_ratio(&args->schedule_conservativeness, 1e-3, value, pos, err);
}

bool engine_set_schedule_policy(struct engine_args *args, const char *value, const struct position *pos,
                                struct arena *arena, struct error *err) {
    if (strcmp(value, "fcfs") != 0 && strcmp(value, "lpm") != 0) {
        refuse(pos, "fcfs or lpm", value, err);
        return error_hint(err, "dfs-weight, lof and random are not modelled");
    }
    args->schedule_policy = arena_strdup(arena, value);
    return true;
}

bool engine_set_mixed_chunk(struct engine_args *args, const char *value, const struct position *pos,
                            struct arena *arena, struct error *err) {
    (void)pos;
    (void)arena;
    (void)err;
    args->mixed_chunk = strcmp(value, "true") == 0;
    return true;
}
