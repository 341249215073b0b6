/* traces/csv.c: tables that use our column names, in any order, or whose names are mapped to ours by
 * --columns: "arrival_s=ts,input_tokens=prompt". ServeGen's sampled traces need no map. */
#include <stdlib.h>
#include <string.h>

#include "traces/format/columns.h"

/* A dialect made from the map and our names; lives as long as the source. */
struct own_dialect {
    struct csv_dialect dialect;
    struct csv_column columns[2 * COLUMN_USES];
    size_t count;
    struct arena arena;
};

static const struct csv_column own_columns[] = {
    {"arrival_s", COLUMN_ARRIVAL, false},
    {"arrival_ms", COLUMN_ARRIVAL_MS, false},
    {"input_tokens", COLUMN_INPUT, false},
    {"output_tokens", COLUMN_OUTPUT, false},
    {"text_tokens", COLUMN_TEXT, false},
    {"images", COLUMN_IMAGES, false},
    {"image_tokens", COLUMN_IMAGE_TOKENS, false},
    {"audio_s", COLUMN_AUDIO, false},
    {"service_s", COLUMN_SERVICE_S, false},
    {"payload_bytes", COLUMN_PAYLOAD, false},
    {"service", COLUMN_SERVICE, false},
    {"tenant", COLUMN_TENANT, false},
    {"client", COLUMN_TENANT, false},
    {"region", COLUMN_REGION, false},
    {"session", COLUMN_SESSION, false},
    {NULL, COLUMN_IGNORED, false},
};

static void own_add(struct own_dialect *own, const char *name, enum column_use use, bool required) {
    own->columns[own->count++] = (struct csv_column){name, use, required};
}

static bool own_has_use(const struct own_dialect *own, enum column_use use) {
    for (size_t i = 0; i < own->count; i++) {
        if (own->columns[i].use == use) {
            return true;
        }
    }
    return false;
}

static bool fail_map(const char *map, const char *what, struct error *err) {
    error_at(err, ERROR_USAGE, NULL, "columns", "'%s': %s", map, what);
    return error_hint(err, "write our column and the file's: arrival_s=ts,input_tokens=prompt");
}

/* "arrival_s=ts,input_tokens=prompt" */
static bool read_map(struct own_dialect *own, const char *map, struct error *err) {
    for (const char *p = map; *p;) {
        size_t length = strcspn(p, ",");
        const char *equals = memchr(p, '=', length);
        if (!equals || equals == p || equals == p + length - 1) {
            return fail_map(map, "expected our=theirs pairs with commas between", err);
        }
        enum column_use use = column_use_find(p, (size_t)(equals - p));
        if (use == COLUMN_IGNORED) {
            return fail_map(map, "the name before = is none of our columns (docs/traces.md lists them)", err);
        }
        if (own_has_use(own, use)) {
            return fail_map(map, "one of our columns is mapped twice", err);
        }
        const char *theirs = arena_strndup(&own->arena, equals + 1, (size_t)(p + length - equals - 1));
        own_add(own, theirs, use, true);
        p += length + (p[length] == ',');
    }
    return true;
}

/* Our own names stand for whatever the map leaves out; one of the two arrival columns must be there. */
static void add_own_names(struct own_dialect *own, bool has_ms) {
    bool mapped_arrival = own_has_use(own, COLUMN_ARRIVAL) || own_has_use(own, COLUMN_ARRIVAL_MS);
    size_t mapped = own->count;
    for (const struct csv_column *column = own_columns; column->name; column++) {
        bool arrival = column->use == COLUMN_ARRIVAL || column->use == COLUMN_ARRIVAL_MS;
        bool taken = arrival && mapped_arrival;
        for (size_t i = 0; i < mapped; i++) {
            taken |= own->columns[i].use == column->use;
        }
        if (!taken) {
            own_add(own, column->name, column->use, column->use == COLUMN_ARRIVAL && !has_ms);
        }
    }
    own_add(own, NULL, COLUMN_IGNORED, false);
}

static void own_free(struct own_dialect *own) {
    arena_free(&own->arena);
    free(own);
}

/* A trace without one column about the work of a request would replay as requests for nothing. */
static bool says_what_is_asked(const struct csv_source *c, struct error *err) {
    const uint64_t work = 1ull << COLUMN_INPUT | 1ull << COLUMN_OUTPUT | 1ull << COLUMN_TEXT |
                          1ull << COLUMN_IMAGES | 1ull << COLUMN_IMAGE_TOKENS | 1ull << COLUMN_AUDIO |
                          1ull << COLUMN_SERVICE_S | 1ull << COLUMN_PAYLOAD;
    for (size_t i = 0; i < c->column_count; i++) {
        if (work & 1ull << c->uses[i]) {
            return true;
        }
    }
    struct position pos = {.file = c->file.lines.path, .line = 1, .column = 1};
    error_at(
        err, ERROR_INVALID, &pos, NULL,
        "expected a column that says what a request asks for: input_tokens, output_tokens, service_s ...");
    return error_hint(err, "map other names with --columns, for example input_tokens=prompt");
}

static void own_close(struct trace_source *s) {
    struct own_dialect *own = (struct own_dialect *)((struct csv_source *)s)->dialect;
    csv_close(s);
    own_free(own);
}

static struct trace_source *own_open(struct trace_input *input, const struct trace_open_options *options,
                                     struct trace_names *names, struct error *err) {
    static const struct trace_source_ops ops = {csv_fill, own_close, NULL};
    static const char *const ms[] = {"arrival_ms", NULL};
    struct own_dialect *own = mem_zalloc(1, sizeof *own);
    own->dialect = (struct csv_dialect){.format = "csv", .columns = own->columns};
    if (options && options->columns && !read_map(own, options->columns, err)) {
        own_free(own);
        return NULL;
    }
    add_own_names(own, header_has(input->lines.cur, (size_t)(input->lines.end - input->lines.cur), ms));
    struct csv_source *c = csv_source_new(input, &own->dialect, &ops, options, names, err);
    if (c && says_what_is_asked(c, err)) {
        return &c->file.base;
    }
    if (c) {
        own_close(&c->file.base);
    } /* else csv_source_new has closed it */
    return NULL;
}

static int own_probe(const char *head, size_t length) {
    static const char *const s[] = {"arrival_s", NULL};
    static const char *const ms[] = {"arrival_ms", NULL};
    return header_has(head, length, s) || header_has(head, length, ms) ? 2 : 0;
}

const struct trace_format trace_format_csv = {
    "csv", "tables with our column names, or names mapped by --columns; ServeGen's sampled traces", own_probe,
    own_open};
