/* Errors of the flags name the flag and the line where it stands. */
#include "manifest/server/engine_args.h"

#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "manifest/server/engine_flags.h"
#include "manifest/server/engine_parse.h"

static bool is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* ---- its flags ---- */

struct parse {
    struct server_command *command;
    struct engine_args *args;
    struct flag_spans *spans; /* NULL when nobody asks */
    size_t at;                /* the next word */
    bool model_seen;
    bool unknown_seen; /* an unknown flag may have taken what looks like a bare word */
};

/* As argparse tells: a space before any '=' makes it a text; --flag={"a": 1} is a flag. */
static bool looks_like_flag(const char *word) {
    return word[0] == '-' && word[1] != '\0' && !(word[1] >= '0' && word[1] <= '9') && word[1] != '.' &&
           word[strcspn(word, " =")] != ' ';
}

/* "--max_num_seqs=8" -> "--max-num-seqs", value "8". JSON fields (--compilation-config.level) stay in front
 * of the dot. */
static const char *flag_name(struct parse *p, const char *word, const char **value) {
    size_t n = strcspn(word, "=");
    char *name = arena_strndup(p->command->arena, word, n);
    *value = word[n] == '=' ? word + n + 1 : NULL;
    if (p->command->server->underscores && strncmp(name, "--", 2) == 0) {
        for (char *c = name; *c != '\0' && *c != '.'; c++) {
            *c = *c == '_' ? '-' : *c;
        }
    }
    return name;
}

static const struct engine_flag *exact_flag(const struct engine_server *server, const char *name) {
    const struct engine_flag *tables[] = {server->flags, server->minor};
    for (size_t t = 0; t < 2; t++) {
        for (const struct engine_flag *f = tables[t]; f != NULL && f->name != NULL; f++) {
            if (is(f->name, name) || (f->alias != NULL && is(f->alias, name))) {
                return f;
            }
        }
    }
    return NULL;
}

/* Like argparse: a beginning that only one flag has. */
static const struct engine_flag *abbreviated_flag(const struct engine_server *server, const char *name) {
    const struct engine_flag *tables[] = {server->flags, server->minor}, *match = NULL;
    size_t n = strlen(name), matches = 0;
    for (size_t t = 0; n > 3 && t < 2; t++) {
        for (const struct engine_flag *f = tables[t]; f != NULL && f->name != NULL; f++) {
            if (strncmp(f->name, name, n) == 0) {
                match = f;
                matches++;
            }
        }
    }
    return matches == 1 ? match : NULL;
}

const struct engine_flag *engine_flag_find(const struct server_command *command, const char *name,
                                           bool *negated) {
    const struct engine_server *server = command->server;
    struct arena *arena = command->arena;
    const struct engine_flag *flag = exact_flag(server, name);
    *negated = false;
    if (flag == NULL && strncmp(name, "--no-", 5) == 0) {
        flag = exact_flag(server, arena_printf(arena, "--%s", name + 5));
        *negated = flag != NULL && flag->form == FLAG_SWITCH;
        flag = *negated ? flag : NULL;
    }
    if (flag == NULL && strchr(name, '.') != NULL) { /* a field of a JSON value */
        flag = exact_flag(server, arena_strndup(arena, name, strcspn(name, ".")));
        flag = flag != NULL && flag->form == FLAG_VALUE ? flag : NULL;
    }
    if (flag == NULL && strncmp(name, "-O", 2) == 0) { /* -O3, -O.level=3 */
        flag = exact_flag(server, "-O");
    }
    return flag != NULL ? flag : abbreviated_flag(server, name);
}

/* Every letter of a name is compared with those of every flag; past this many messages nobody reads
 * suggestions. */
enum { SUGGESTIONS_MAX = 1000, FLAG_NAME_MAX = 64, FLAGS_MAX = 1024 };

const char *engine_flag_nearest(const struct server_command *command, const char *name) {
    const struct engine_flag *tables[] = {command->server->flags, command->server->minor};
    const char *names[FLAGS_MAX + 1];
    size_t n = 0;
    for (size_t t = 0; t < 2; t++) {
        for (const struct engine_flag *f = tables[t]; f != NULL && f->name != NULL && n < FLAGS_MAX; f++) {
            names[n++] = f->name;
        }
    }
    names[n] = NULL;
    return str_nearest(name, names);
}

static void warn_unknown_flag(struct parse *p, const char *name, const struct position *pos) {
    bool worth_it = p->command->notices->count < SUGGESTIONS_MAX && strlen(name) <= FLAG_NAME_MAX;
    const char *nearest = worth_it ? engine_flag_nearest(p->command, name) : NULL;
    const char *server = is(p->command->server->name, "vllm") ? "vLLM" : p->command->server->name;
    if (nearest != NULL) {
        notice_add(p->command->notices, NOTICE_WARNING, pos, "unknown %s flag %s; did you mean %s?", server,
                   name, nearest);
    } else {
        notice_add(p->command->notices, NOTICE_WARNING, pos, "unknown %s flag %s", server, name);
    }
    p->unknown_seen = true;
}

static void report_effect(struct parse *p, const struct engine_flag *flag, const char *value,
                          const struct position *pos) {
    struct notices *notices = p->command->notices;
    bool off = flag->form == FLAG_SWITCH && is(value, "false");
    bool neutral = flag->neutral != NULL && is(value, flag->neutral);
    if (flag->effect == FLAG_NO_EFFECT || (flag->effect == FLAG_NOT_MODELLED && (off || neutral))) {
        notice_add(notices, NOTICE_NOTE, pos, "%s has no effect on timing", flag->name);
    } else if (flag->effect == FLAG_NOT_MODELLED) {
        notice_add(notices, NOTICE_WARNING, pos, "%s (%s) is not modelled", flag->name, flag->help);
    }
}

static bool apply_flag(struct parse *p, const struct engine_flag *flag, const char *value,
                       const char *unresolved, const struct position *pos) {
    if (unresolved != NULL) {
        notice_add(p->command->notices, flag->effect == FLAG_NO_EFFECT ? NOTICE_NOTE : NOTICE_WARNING, pos,
                   "%s: its value comes from %s, which the manifest does not give; taken as not given",
                   flag->name, unresolved);
        return true;
    }
    if (flag->set != NULL && !flag->set(p->args, value, pos, p->command->arena, p->command->err)) {
        if (p->command->err->field[0] == '\0') {
            strncpy(p->command->err->field, flag->name, sizeof p->command->err->field - 1);
        }
        return false;
    }
    report_effect(p, flag, value, pos);
    return true;
}

static bool is_boolean_word(const char *word) {
    return strcasecmp(word, "true") == 0 || strcasecmp(word, "false") == 0;
}

static bool read_switch(struct parse *p, const struct engine_flag *flag, bool negated, const char *value,
                        const struct server_word *word) {
    const struct server_words *words = &p->command->flags;
    bool on = true;
    if (value == NULL && !negated && p->at < words->count && is_boolean_word(words->items[p->at].text)) {
        value = words->items[p->at++].text;
    }
    if (value != NULL) {
        if (!is_boolean_word(value) || negated) {
            error_at(p->command->err, ERROR_INVALID, &word->pos, flag->name,
                     "expected no value, got \"%.80s\"", value);
            return error_hint(p->command->err, "it is a switch: %s or --no-%s", flag->name, flag->name + 2);
        }
        on = strcasecmp(value, "true") == 0;
    }
    return apply_flag(p, flag, on != negated ? "true" : "false", word->unresolved, &word->pos);
}

static bool next_is_value(const struct parse *p) {
    const struct server_words *words = &p->command->flags;
    return p->at < words->count && !looks_like_flag(words->items[p->at].text);
}

/* --flag.field=value is --flag={field: value}; deeper ones concern nothing that is modelled. */
static const char *object_of(struct parse *p, const char *name, const char *value) {
    const char *dot = strchr(name, '.');
    return dot == NULL ? value : arena_printf(p->command->arena, "{%s: %s}", dot + 1, value);
}

static bool read_value(struct parse *p, const struct engine_flag *flag, const char *name, const char *value,
                       const struct server_word *word) {
    const struct server_words *words = &p->command->flags;
    const char *unresolved = word->unresolved;
    struct position pos = word->pos;
    if (value == NULL && next_is_value(p)) {
        const struct server_word *next = &words->items[p->at++];
        value = next->text;
        unresolved = next->unresolved;
        pos = next->pos;
    }
    if (value == NULL && flag->form != FLAG_MAYBE && flag->form != FLAG_MANY) {
        return error_at(p->command->err, ERROR_INVALID, &word->pos, flag->name, "expected a value behind it");
    }
    while (flag->form == FLAG_MANY && next_is_value(p)) {
        p->at++;
    }
    value = flag->set != NULL && value != NULL ? object_of(p, name, value) : value;
    return apply_flag(p, flag, value == NULL ? "" : value, unresolved, flag->set != NULL ? &pos : &word->pos);
}

/* "--max-num-seqs 64" as one item of a list reaches the server as one word, which it refuses. */
static bool refuse_joined(struct parse *p, const struct server_word *word) {
    size_t n = strcspn(word->text, " \t\n");
    const char *name = arena_strndup(p->command->arena, word->text, n);
    bool negated = false;
    const char *value = NULL;
    if (word->text[n] == '\0' || strchr(name, '=') != NULL ||
        engine_flag_find(p->command, flag_name(p, name, &value), &negated) == NULL) {
        return true;
    }
    error_at(p->command->err, ERROR_INVALID, &word->pos, name,
             "expected the flag alone, got \"%.80s\" as one word", word->text);
    return error_hint(p->command->err, "make it two items of the list, or write %s=VALUE", name);
}

static void keep_span(struct parse *p, const struct engine_flag *flag, const char *name, size_t first) {
    struct flag_spans *spans = p->spans;
    if (spans != NULL) {
        spans->items = arena_grow(p->command->arena, spans->items, spans->count, spans->count + 1,
                                  &spans->capacity, sizeof *spans->items);
        spans->items[spans->count++] = (struct flag_span){flag, name, first, p->at};
    }
}

static bool read_flag(struct parse *p, const struct server_word *word) {
    size_t first = p->at - 1;
    const char *value = NULL;
    bool negated = false;
    const char *name = flag_name(p, word->text, &value);
    const struct engine_flag *flag = engine_flag_find(p->command, name, &negated);
    if (flag == NULL) {
        warn_unknown_flag(p, name, &word->pos);
        while (next_is_value(p)) {
            p->at++;
        }
        return true;
    }
    if (strncmp(name, "-O", 2) == 0 && name[2] != '\0') {
        value = value == NULL ? name + 2 : value;
    }
    bool good = flag->form == FLAG_SWITCH ? read_switch(p, flag, negated, value, word)
                                          : read_value(p, flag, name, value, word);
    keep_span(p, flag, name, first);
    return good;
}

static bool read_bare_word(struct parse *p, const struct server_word *word) {
    struct server_command *s = p->command;
    if (s->model_first && !p->model_seen) {
        p->model_seen = true;
        keep_span(p, NULL, word->text, p->at - 1);
        if (word->unresolved != NULL) {
            notice_add(s->notices, NOTICE_WARNING, &word->pos,
                       "the model comes from %s, which the manifest does not give", word->unresolved);
            return true;
        }
        p->args->model = word->text;
        p->args->model_pos = word->pos;
    } else if (word->unresolved != NULL) {
        notice_add(s->notices, NOTICE_WARNING, &word->pos,
                   "%s is not given by the manifest; flags that it may hold are not seen", word->unresolved);
    } else if (!p->unknown_seen) {
        notice_add(s->notices, NOTICE_WARNING, &word->pos, "\"%.80s\" belongs to no flag; ignored",
                   word->text);
    }
    return true;
}

static bool read_flags(struct parse *p) {
    const struct server_words *words = &p->command->flags;
    while (p->at < words->count) {
        const struct server_word *word = &words->items[p->at++];
        bool good = looks_like_flag(word->text) ? read_flag(p, word)
                    : word->text[0] == '-'      ? refuse_joined(p, word)
                                                : read_bare_word(p, word);
        if (!good) {
            return false;
        }
    }
    return true;
}

/* ---- the environment ---- */

/* --num-shard -> NUM_SHARD */
static const char *env_name(struct arena *arena, const char *flag) {
    char *name = arena_strdup(arena, flag + strspn(flag, "-"));
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
    return name;
}

static bool read_env_flag(struct parse *p, const char *name, const char *value, const struct position *pos) {
    const struct engine_flag *flag = p->command->server->flags;
    while (flag->name != NULL && !is(env_name(p->command->arena, flag->name), name)) {
        flag++;
    }
    if (flag->name == NULL) {
        return true;
    }
    bool on = flag->form != FLAG_SWITCH || strcasecmp(value, "true") == 0 || is(value, "1");
    return apply_flag(p, flag, flag->form == FLAG_SWITCH ? (on ? "true" : "false") : value, NULL, pos);
}

/* Variables that choose another scheduler or kernel in vLLM; the rest of VLLM_* is about ports, logs, files.
 */
static bool changes_timing(const char *name) {
    static const char *const names[] = {
        "VLLM_USE_V1",          "VLLM_ATTENTION_BACKEND", "VLLM_USE_DEEP_GEMM",
        "VLLM_ALL2ALL_BACKEND", "VLLM_CPU_KVCACHE_SPACE", "VLLM_ENABLE_V1_MULTIPROCESSING"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* LMCACHE_MAX_LOCAL_CPU_SIZE=20 is max_local_cpu_size. */
static bool read_lmcache(struct parse *p, const char *variable, const char *value,
                         const struct position *pos) {
    static const char prefix[] = "LMCACHE_";
    if (strncmp(variable, prefix, sizeof prefix - 1) != 0) {
        return true;
    }
    if (is(variable, "LMCACHE_CONFIG_FILE")) {
        notice_add(
            p->command->notices, NOTICE_WARNING, pos,
            "LMCACHE_CONFIG_FILE: a file of settings, which is not read; give them as LMCACHE_ variables");
        return true;
    }
    char *name = arena_strdup(p->command->arena, variable + sizeof prefix - 1);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    if (engine_set_lmcache(p->args, name, value, pos, p->command->arena, p->command->err)) {
        return true;
    }
    strncpy(p->command->err->field, variable, sizeof p->command->err->field - 1);
    return false;
}

static bool read_env(struct parse *p) {
    struct server_command *s = p->command;
    const struct yaml_node *env = yaml_get(s->container, "env");
    for (size_t i = 0; env != NULL && env->kind == YAML_SEQUENCE && i < env->count; i++) {
        const struct yaml_node *name = yaml_get(env->items[i], "name");
        const struct shell_variable *v =
            name == NULL || name->kind != YAML_SCALAR ? NULL : shell_get(&s->variables, name->text);
        if (v == NULL) {
            continue;
        }
        if (s->server->env_flags && v->value != NULL && !read_env_flag(p, v->name, v->value, &name->pos)) {
            return false;
        }
        if (is(s->server->name, "vllm") && v->value != NULL &&
            !read_lmcache(p, v->name, v->value, &name->pos)) {
            return false;
        }
        if (is(s->server->name, "tgi") && is(v->name, "ATTENTION") && v->value != NULL) {
            p->args->chunked_prefill = !is(v->value, "paged"); /* its kernel cannot cut prompts */
        }
        if (is(s->server->name, "vllm") && strncmp(v->name, "VLLM_", 5) == 0) {
            bool timing = changes_timing(v->name);
            notice_add(s->notices, timing ? NOTICE_WARNING : NOTICE_NOTE, &name->pos, "variable %s %s",
                       v->name, timing ? "is not modelled" : "has no effect on timing");
        }
    }
    return true;
}

/* ---- all together ---- */

static void not_given(struct engine_args *args) {
    *args = (struct engine_args){
        .tensor_parallel = -1,
        .pipeline_parallel = -1,
        .data_parallel = -1,
        .max_num_seqs = -1,
        .max_num_batched_tokens = -1,
        .max_model_len = -1,
        .block_size = -1,
        .num_gpu_blocks_override = -1,
        .gpu_memory_utilization = -1,
        .swap_space_gib = -1,
        .chunked_prefill = -1,
        .prefix_caching = -1,
        .enforce_eager = -1,
        .async_scheduling = -1,
        .enable_lora = -1,
        .mixed_chunk = -1,
        .schedule_conservativeness = -1,
        .max_prefill_tokens = -1,
        .max_queued_requests = -1,
        .kv_tokens = -1,
        .max_concurrent_requests = -1,
        .max_input_tokens = -1,
        .max_waiting_tokens = -1,
        .waiting_served_ratio = -1,
        .max_loras = -1,
        .max_cpu_loras = -1,
        .max_lora_rank = -1,
        .speculation.tokens = -1,
        .kv_transfer.reserved_decode_tokens = -1,
    };
}

bool engine_args_parse(struct server_command *command, struct engine_args *args, struct flag_spans *spans) {
    args->present = true;
    args->server = command->server->name;
    args->pos = command->flags.count > 0 ? command->flags.items[0].pos : command->container->pos;
    struct parse p = {.command = command, .args = args, .spans = spans};
    return read_env(&p) && read_flags(&p);
}

bool engine_args_read(const struct yaml_node *container, struct engine_args *args, struct arena *arena,
                      struct notices *notices, struct error *err) {
    struct server_command s = {.container = container, .arena = arena, .notices = notices, .err = err};
    not_given(args);
    return server_command_find(&s) && (s.server == NULL || engine_args_parse(&s, args, NULL));
}
