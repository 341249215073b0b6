/* Flags of speculative decoding, of which the newer ones are fields of a JSON value. */
#include <string.h>

#include "base/units.h"
#include "manifest/server/engine_flags.h"

/* Beyond it a value is a slip of the keyboard; serving/ knows what an engine takes. */
static const double DRAFT_TOKENS_MAX = 1e6;

static bool refuse(const struct position *pos, const char *expected, const char *value, struct error *err) {
    return error_at(err, ERROR_INVALID, pos, NULL, "expected %s, got \"%.80s\"", expected, value);
}

bool engine_set_draft_tokens(struct engine_args *args, const char *value, const struct position *pos,
                             struct arena *arena, struct error *err) {
    (void)arena;
    double tokens = 0;
    if (*value == '\0' || value[strspn(value, "0123456789")] != '\0' ||
        !unit_parse(UNIT_NUMBER, value, &tokens) || tokens > DRAFT_TOKENS_MAX) {
        return refuse(pos, "a whole number of draft tokens", value, err);
    }
    args->speculation.tokens = (int64_t)tokens;
    args->speculation.pos = *pos;
    return true;
}

bool engine_set_draft_model(struct engine_args *args, const char *value, const struct position *pos,
                            struct arena *arena, struct error *err) {
    (void)err;
    args->speculation.model = arena_strdup(arena, value);
    args->speculation.pos = *pos;
    return true;
}

bool engine_set_draft_method(struct engine_args *args, const char *value, const struct position *pos,
                             struct arena *arena, struct error *err) {
    (void)err;
    args->speculation.method = arena_strdup(arena, value);
    args->speculation.pos = *pos;
    return true;
}

/* SGLang counts the token before the drafts too; --speculative-num-steps, which comes before it in the list
 * of flags and in every recipe, wins. */
bool engine_set_sglang_draft_tokens(struct engine_args *args, const char *value, const struct position *pos,
                                    struct arena *arena, struct error *err) {
    if (args->speculation.tokens > 0) {
        return true;
    }
    if (!engine_set_draft_tokens(args, value, pos, arena, err)) {
        return false;
    }
    args->speculation.tokens -= args->speculation.tokens > 0;
    return true;
}

static bool set_field(struct engine_args *args, const struct yaml_pair *pair, const struct position *pos,
                      struct arena *arena, struct error *err) {
    static const struct {
        const char *name;
        engine_setter *set;
    } fields[] = {{"num_speculative_tokens", engine_set_draft_tokens},
                  {"model", engine_set_draft_model},
                  {"method", engine_set_draft_method}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(fields[i].name, pair->key) == 0 && pair->value->kind == YAML_SCALAR) {
            return fields[i].set(args, pair->value->text, pos, arena, err);
        }
    }
    return true; /* rejection sampling, sizes of the look-up, parallelism of the draft */
}

bool engine_set_speculative_config(struct engine_args *args, const char *value, const struct position *pos,
                                   struct arena *arena, struct error *err) {
    struct yaml_file file = {0};
    struct error bad = {0};
    if (!yaml_parse("--speculative-config", value, strlen(value), arena, &file, &bad) || file.count != 1 ||
        file.documents[0]->kind != YAML_MAPPING) {
        return refuse(pos, "a JSON object such as {\"method\": \"ngram\", \"num_speculative_tokens\": 3}",
                      value, err);
    }
    for (size_t i = 0; i < file.documents[0]->count; i++) {
        if (!set_field(args, &file.documents[0]->pairs[i], pos, arena, err)) {
            return false;
        }
    }
    return true;
}
