/* Flags of KV blocks that are kept beside the GPU's memory: vLLM's connectors and their extra config,
 * LMCache's settings (lmcache/v1/config.py: by a connector's extra config as "lmcache.NAME", by variables as
 * LMCACHE_NAME), SGLang's hierarchical cache, swapping of preempted requests. */
#include <string.h>

#include "base/units.h"
#include "manifest/server/engine_flags.h"

static const double gib = 1073741824.0, gb = 1e9;
/* Beyond these a value is a slip of the keyboard. */
static const double GIB_MAX = 1e6, BLOCKS_MAX = 1e12, RATIO_MAX = 1e6, BLOCK_TOKENS_MAX = 1e6;

static bool refuse(const struct position *pos, const char *expected, const char *value, struct error *err) {
    return error_at(err, ERROR_INVALID, pos, NULL, "expected %s, got \"%.80s\"", expected, value);
}

static bool number(const char *value, double most, double factor, double *out, const char *expected,
                   const struct position *pos, struct error *err) {
    double parsed = 0;
    if (!unit_parse(UNIT_NUMBER, value, &parsed) || parsed < 0 || parsed > most) {
        return refuse(pos, expected, value, err);
    }
    *out = parsed * factor;
    return true;
}

static bool one_of(const char *value, const char *const *names, const char *expected,
                   const struct position *pos, struct error *err) {
    while (*names != NULL && strcmp(*names, value) != 0) {
        names++;
    }
    return *names != NULL || refuse(pos, expected, value, err);
}

static void note_place(struct engine_args *args, const struct position *pos) {
    if (args->kv_offload.pos.line == 0) {
        args->kv_offload.pos = *pos;
    }
}

static bool is_on(const char *value) {
    return strcmp(value, "true") == 0 || strcmp(value, "True") == 0 || strcmp(value, "1") == 0;
}

/* ---- vLLM ---- */

bool engine_set_kv_offloading_size(struct engine_args *args, const char *value, const struct position *pos,
                                   struct arena *arena, struct error *err) {
    (void)arena;
    note_place(args, pos);
    return number(value, GIB_MAX, gib, &args->kv_offload.bytes, "a number of GiB of at least 0", pos, err);
}

bool engine_set_kv_offloading_backend(struct engine_args *args, const char *value, const struct position *pos,
                                      struct arena *arena, struct error *err) {
    static const char *const names[] = {"native", "lmcache", NULL};
    note_place(args, pos);
    args->kv_offload.backend = arena_strdup(arena, value);
    return one_of(value, names, "native or lmcache", pos, err);
}

bool engine_set_preemption_mode(struct engine_args *args, const char *value, const struct position *pos,
                                struct arena *arena, struct error *err) {
    (void)arena;
    static const char *const names[] = {"recompute", "swap", NULL};
    args->kv_offload.preempt_by_swap = strcmp(value, "swap") == 0;
    return one_of(value, names, "recompute or swap", pos, err);
}

static bool set_block_tokens(struct engine_args *args, const char *value, const struct position *pos,
                             struct error *err) {
    double tokens = 0;
    if (!number(value, BLOCK_TOKENS_MAX, 1, &tokens, "a number of tokens", pos, err) || tokens < 1 ||
        tokens != (double)(int64_t)tokens) {
        return refuse(pos, "a whole number of tokens, at least 1", value, err);
    }
    args->kv_offload.block_tokens = (int64_t)tokens;
    return true;
}

static bool set_extra(struct engine_args *args, const char *key, const char *value,
                      const struct position *pos, struct arena *arena, struct error *err) {
    if (strncmp(key, "lmcache.", 8) == 0) {
        return engine_set_lmcache(args, key + 8, value, pos, arena, err);
    }
    if (strcmp(key, "cpu_bytes_to_use") == 0) {
        return number(value, GIB_MAX * gib, 1, &args->kv_offload.bytes,
                      "cpu_bytes_to_use as a number of bytes of at least 0", pos, err);
    }
    if (strcmp(key, "num_cpu_blocks") == 0) {
        return number(value, BLOCKS_MAX, 1, &args->kv_offload.blocks, "num_cpu_blocks of at least 0", pos,
                      err);
    }
    return strcmp(key, "block_size") != 0 || set_block_tokens(args, value, pos, err);
}

bool engine_set_kv_extra(struct engine_args *args, const struct yaml_node *mapping,
                         const struct position *pos, struct arena *arena, struct error *err) {
    note_place(args, pos);
    for (size_t i = 0; i < mapping->count; i++) {
        const struct yaml_pair *pair = &mapping->pairs[i];
        if (pair->value->kind == YAML_SCALAR &&
            !set_extra(args, pair->key, pair->value->text, pos, arena, err)) {
            return false;
        }
    }
    return true;
}

/* ---- LMCache ---- */

bool engine_set_lmcache(struct engine_args *args, const char *name, const char *value,
                        const struct position *pos, struct arena *arena, struct error *err) {
    struct engine_kv_offload *kv = &args->kv_offload;
    note_place(args, pos);
    if (strcmp(name, "max_local_cpu_size") == 0) {
        return number(value, GIB_MAX, gib, &kv->bytes_a_gpu, "max_local_cpu_size as a number of GiB", pos,
                      err);
    }
    if (strcmp(name, "chunk_size") == 0) {
        return set_block_tokens(args, value, pos, err);
    }
    if (strcmp(name, "local_cpu") == 0) {
        kv->host_off = !is_on(value);
    } else if (strcmp(name, "save_decode_cache") == 0) {
        kv->answers = is_on(value);
    } else if (strcmp(name, "remote_url") == 0 && value[0] != '\0' && strcmp(value, "null") != 0) {
        kv->store = arena_strdup(arena, value);
    }
    return true;
}

/* ---- SGLang ---- */

bool engine_set_hierarchical_cache(struct engine_args *args, const char *value, const struct position *pos,
                                   struct arena *arena, struct error *err) {
    (void)arena;
    (void)err;
    note_place(args, pos);
    args->kv_offload.hierarchical = is_on(value);
    return true;
}

bool engine_set_hicache_ratio(struct engine_args *args, const char *value, const struct position *pos,
                              struct arena *arena, struct error *err) {
    (void)arena;
    return number(value, RATIO_MAX, 1, &args->kv_offload.ratio, "a number of at least 0", pos, err);
}

bool engine_set_hicache_size(struct engine_args *args, const char *value, const struct position *pos,
                             struct arena *arena, struct error *err) {
    (void)arena;
    return number(value, GIB_MAX, gb, &args->kv_offload.bytes_a_gpu, "a number of GB of at least 0", pos,
                  err);
}

bool engine_set_hicache_write_policy(struct engine_args *args, const char *value, const struct position *pos,
                                     struct arena *arena, struct error *err) {
    static const char *const names[] = {"write_through", "write_through_selective", "write_back", NULL};
    args->kv_offload.write_policy = arena_strdup(arena, value);
    return one_of(value, names, "write_through, write_through_selective or write_back", pos, err);
}

bool engine_set_hicache_storage(struct engine_args *args, const char *value, const struct position *pos,
                                struct arena *arena, struct error *err) {
    (void)err;
    note_place(args, pos);
    args->kv_offload.store = arena_strdup(arena, value);
    return true;
}
