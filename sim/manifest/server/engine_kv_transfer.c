/* --kv-transfer-config and SGLang's flags of disaggregation: KV blocks between servers, and between a
 * server's GPUs and what lies behind them. */
#include <string.h>

#include "manifest/server/engine_flags.h"

static bool refuse(const struct position *pos, const char *expected, const char *value, struct error *err) {
    return error_at(err, ERROR_INVALID, pos, NULL, "expected %s, got \"%.80s\"", expected, value);
}

/* ---- vLLM ---- */

static bool set_role(struct engine_kv_transfer *kv, const char *value, const struct position *pos,
                     struct error *err) {
    static const char *const names[] = {
        [KV_ROLE_PREFILL] = "kv_producer", [KV_ROLE_DECODE] = "kv_consumer", [KV_ROLE_BOTH] = "kv_both"};
    for (int role = KV_ROLE_PREFILL; role <= KV_ROLE_BOTH; role++) {
        if (strcmp(names[role], value) == 0) {
            kv->role = (enum kv_role)role;
            return true;
        }
    }
    refuse(pos, "kv_role kv_producer, kv_consumer or kv_both", value, err);
    return error_hint(err, "a server that prefills is a kv_producer, one that decodes a kv_consumer");
}

static bool set_field(struct engine_args *args, const struct yaml_pair *pair, const struct position *pos,
                      struct arena *arena, struct error *err) {
    struct engine_kv_transfer *kv = &args->kv_transfer;
    if (strcmp(pair->key, "kv_connector_extra_config") == 0 && pair->value->kind == YAML_MAPPING) {
        return engine_set_kv_extra(args, pair->value, pos, arena, err);
    }
    if (pair->value->kind != YAML_SCALAR) {
        return true;
    }
    if (strcmp(pair->key, "kv_connector") == 0) {
        kv->connector = arena_strdup(arena, pair->value->text);
    }
    return strcmp(pair->key, "kv_role") != 0 || set_role(kv, pair->value->text, pos, err);
}

/* The rest of the fields are addresses and buffers. */
bool engine_set_kv_transfer(struct engine_args *args, const char *value, const struct position *pos,
                            struct arena *arena, struct error *err) {
    struct yaml_file file = {0};
    struct error bad = {0};
    if (!yaml_parse("--kv-transfer-config", value, strlen(value), arena, &file, &bad) || file.count != 1 ||
        file.documents[0]->kind != YAML_MAPPING) {
        return refuse(pos,
                      "a JSON object such as {\"kv_connector\": \"NixlConnector\", \"kv_role\": "
                      "\"kv_producer\"}",
                      value, err);
    }
    for (size_t i = 0; i < file.documents[0]->count; i++) {
        if (!set_field(args, &file.documents[0]->pairs[i], pos, arena, err)) {
            return false;
        }
    }
    args->kv_transfer.pos = *pos;
    return true;
}

/* ---- SGLang ---- */

bool engine_set_disaggregation_mode(struct engine_args *args, const char *value, const struct position *pos,
                                    struct arena *arena, struct error *err) {
    (void)arena;
    static const char *const names[] = {
        [KV_ROLE_NONE] = "null", [KV_ROLE_PREFILL] = "prefill", [KV_ROLE_DECODE] = "decode"};
    for (int role = KV_ROLE_NONE; role <= KV_ROLE_DECODE; role++) {
        if (strcmp(names[role], value) == 0) {
            args->kv_transfer.role = (enum kv_role)role;
            args->kv_transfer.pos = *pos;
            return true;
        }
    }
    return refuse(pos, "null, prefill or decode", value, err);
}

bool engine_set_reserved_decode_tokens(struct engine_args *args, const char *value,
                                       const struct position *pos, struct arena *arena, struct error *err) {
    (void)arena;
    enum { DIGITS_MAX = 9 };
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX || value[digits] != '\0') {
        return refuse(pos, "a whole number of tokens", value, err);
    }
    args->kv_transfer.reserved_decode_tokens = 0;
    for (const char *c = value; *c != '\0'; c++) {
        args->kv_transfer.reserved_decode_tokens = 10 * args->kv_transfer.reserved_decode_tokens + (*c - '0');
    }
    return true;
}
