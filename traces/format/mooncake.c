/* traces/mooncake.c: Mooncake's traces (Kimi): one JSON object a line, times in ms, and the prompt as hashes
 * of prefix-chained blocks of 512 tokens: equal hashes at equal places mean that a prefix cache could serve
 * them.
 */
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "traces/source.h"

enum { MOONCAKE_BLOCK_TOKENS = 512, MOONCAKE_HASHES_MAX = 65536, MOONCAKE_DEPTH_MAX = 8 };

struct mooncake_source {
    struct file_source file; /* first */
    struct json_tokener *tokener;
};

/* A whole number of tokens at `key`; why not, or NULL. Absent is 0 unless required. */
static const char *take_tokens(struct json_object *object, const char *key, uint32_t *tokens) {
    struct json_object *value;
    if (!json_object_object_get_ex(object, key, &value)) {
        return "is missing";
    }
    double number = json_object_get_double(value);
    enum json_type type = json_object_get_type(value);
    if ((type != json_type_int && type != json_type_double) || !isfinite(number)) {
        return "is not a number";
    }
    if (number < 0) {
        return "is negative";
    }
    if (number > TRACE_TOKENS_MAX) {
        return "is out of range";
    }
    if (number != floor(number)) {
        return "is not a whole number";
    }
    *tokens = (uint32_t)number;
    return NULL;
}

/* Milliseconds from the trace's zero, or since 1970. */
static const char *take_timestamp(struct json_object *object, struct instant *t) {
    struct json_object *value;
    if (!json_object_object_get_ex(object, "timestamp", &value)) {
        return "is missing";
    }
    enum json_type type = json_object_get_type(value);
    if (type == json_type_int) {
        int64_t ms = json_object_get_int64(value);
        *t = (struct instant){ms / 1000, ms % 1000 * (SIMTIME_SECOND / 1000)};
        return ms < 0 ? "is negative" : NULL;
    }
    double ms = json_object_get_double(value);
    if (type != json_type_double || !isfinite(ms)) {
        return "is not a number";
    }
    if (ms < 0 || ms > 1e15) {
        return ms < 0 ? "is negative" : "is out of range";
    }
    double s = floor(ms / 1000);
    *t = (struct instant){(int64_t)s, (int64_t)((ms - s * 1000) * 1e9)};
    return NULL;
}

static const char *take_hashes(struct mooncake_source *m, struct json_object *object, struct trace_row *row) {
    struct json_object *list;
    if (!json_object_object_get_ex(object, "hash_ids", &list) || !list) {
        return NULL;
    }
    if (!json_object_is_type(list, json_type_array)) {
        return "is not a list";
    }
    size_t count = json_object_array_length(list);
    if (count > MOONCAKE_HASHES_MAX) {
        return "has more than 65536 entries";
    }
    uint64_t *hashes = file_hash_room(&m->file, count);
    for (size_t i = 0; i < count; i++) {
        struct json_object *id = json_object_array_get_idx(list, i);
        if (!json_object_is_type(id, json_type_int)) {
            return "has an entry that is not a whole number";
        }
        hashes[i] = (uint64_t)json_object_get_int64(id);
    }
    file_hash_keep(&m->file, row, count);
    row->hash_block_tokens = count ? MOONCAKE_BLOCK_TOKENS : 0;
    return NULL;
}

static bool skip_field(struct mooncake_source *m, const char *field, const char *why) {
    file_skip(&m->file, 0, "%s %s", field, why);
    return false;
}

static bool take_object(struct mooncake_source *m, struct json_object *object, struct trace_row *row) {
    struct instant t;
    const char *why = take_timestamp(object, &t);
    if (why) {
        return skip_field(m, "timestamp", why);
    }
    why = take_tokens(object, "input_length", &row->input_tokens);
    if (why) {
        return skip_field(m, "input_length", why);
    }
    why = take_tokens(object, "output_length", &row->output_tokens);
    if (why) {
        return skip_field(m, "output_length", why);
    }
    why = file_place(&m->file, t, false, row);
    if (why) {
        return skip_field(m, "timestamp", why);
    }
    why = take_hashes(m, object, row);
    if (why) {
        return skip_field(m, "hash_ids", why);
    }
    row->service = m->file.service;
    return true;
}

/* One line; false when it was skipped. */
static bool take_line(struct mooncake_source *m, const char *line, size_t length, struct trace_row *row) {
    json_tokener_reset(m->tokener);
    struct json_object *object = json_tokener_parse_ex(m->tokener, line, (int)length);
    enum json_tokener_error status = json_tokener_get_error(m->tokener);
    bool taken = false;
    if (status == json_tokener_continue) {
        file_skip(&m->file, (int)length + 1, "the JSON object is not complete on its line");
    } else if (status != json_tokener_success) {
        file_skip(&m->file, (int)json_tokener_get_parse_end(m->tokener) + 1, "is not JSON: %s",
                  json_tokener_error_desc(status));
    } else if (!json_object_is_type(object, json_type_object)) {
        file_skip(&m->file, 1, "is not a JSON object");
    } else {
        taken = take_object(m, object, row);
    }
    json_object_put(object);
    return taken;
}

static bool only_blanks(const char *line, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (line[i] != ' ' && line[i] != '\t') {
            return false;
        }
    }
    return true;
}

static enum parsed mooncake_parse(struct file_source *f, struct trace_row *row, struct error *err) {
    struct mooncake_source *m = (struct mooncake_source *)f;
    for (;;) {
        const char *line;
        size_t length;
        int got = lines_next(&f->lines, &line, &length, err);
        if (got == LINE_END || got == LINE_FAILED) {
            return got == LINE_END ? PARSED_END : PARSED_FAILED;
        }
        if (got == LINE_TOO_LONG) {
            file_skip(f, 0, "the line is longer than 1 MiB");
            continue;
        }
        row_clear(row);
        if (!only_blanks(line, length) && take_line(m, line, length, row)) {
            return PARSED_ROW;
        }
    }
}

static bool mooncake_fill(struct trace_source *s, struct error *err) {
    return file_fill((struct file_source *)s, mooncake_parse, NULL, err);
}

static void mooncake_close(struct trace_source *s) {
    struct mooncake_source *m = (struct mooncake_source *)s;
    json_tokener_free(m->tokener);
    file_source_free(&m->file);
    free(m);
}

static bool line_has(const char *line, size_t length, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= length; i++) {
        if (!memcmp(line + i, word, n)) {
            return true;
        }
    }
    return false;
}

static int mooncake_probe(const char *head, size_t length) {
    const char *line = head;
    length = first_line(&line, length);
    while (length > 0 && *line == ' ') {
        line++;
        length--;
    }
    if (length == 0 || *line != '{') {
        return 0;
    }
    return line_has(line, length, "\"input_length\"") && line_has(line, length, "\"timestamp\"") ? 2 : 1;
}

static struct trace_source *mooncake_open(struct trace_input *input, const struct trace_open_options *options,
                                          struct trace_names *names, struct error *err) {
    static const struct trace_source_ops ops = {mooncake_fill, mooncake_close, NULL};
    (void)err;
    struct mooncake_source *m = mem_zalloc(1, sizeof *m);
    file_source_init(&m->file, &ops, input, options, names, "mooncake");
    strcpy(m->file.base.report.columns, "arrival_s,input_tokens,output_tokens,hashes");
    m->tokener = json_tokener_new_ex(MOONCAKE_DEPTH_MAX);
    return &m->file.base;
}

const struct trace_format trace_format_mooncake = {
    "mooncake", "Mooncake (Kimi) JSON lines with prefix hashes (github.com/kvcache-ai/Mooncake)",
    mooncake_probe, mooncake_open};
