#include "traces/format/servegen_files.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "traces/lines.h"
#include "traces/scan.h"

/* ---- chunk-N-trace.csv ---- */

static bool fail_line(const struct line_reader *r, const char *field, const char *expected,
                      struct error *err) {
    struct position pos = {.file = r->path, .line = r->line};
    error_at(err, ERROR_INVALID, &pos, field, "expected %s", expected);
    return error_hint(err, "a row is window_start_s,rate_per_s,cv,family,shape,scale");
}

static bool take_window(const struct line_reader *r, const char *line, size_t length,
                        struct servegen_window *w, struct error *err) {
    const char *field[6];
    size_t bytes[6];
    const char *end = line + length;
    int count = 0;
    for (const char *p = line; p <= end && count < 6; count++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        field[count] = p;
        bytes[count] = (size_t)((comma ? comma : end) - p);
        p = comma ? comma + 1 : end + 1;
    }
    if (count < 6) {
        return fail_line(r, NULL, "six fields", err);
    }
    if (scan_double(field[0], bytes[0], &w->start_s) || w->start_s > 1e7) {
        return fail_line(r, "window_start_s", "seconds from 0 to 1e7", err);
    }
    if (scan_double(field[1], bytes[1], &w->rate_per_s) || w->rate_per_s > 1e9) {
        return fail_line(r, "rate_per_s", "a rate from 0 to 1e9", err);
    }
    if (bytes[3] == 0) {
        w->rate_per_s = 0;
        w->shape = 1;
        return true;
    }
    if (bytes[3] == 5 && !memcmp(field[3], "Gamma", 5)) {
        w->family = ARRIVAL_GAMMA;
    } else if (bytes[3] == 7 && !memcmp(field[3], "Weibull", 7)) {
        w->family = ARRIVAL_WEIBULL;
    } else {
        return fail_line(r, "family", "Gamma, Weibull or nothing", err);
    }
    if (scan_double(field[4], bytes[4], &w->shape) || w->shape < 1e-3 || w->shape > 1e6) {
        return fail_line(r, "shape", "a number from 0.001 to 1e6", err);
    }
    return true;
}

static bool read_windows(const char *path, struct arena *arena, struct servegen_client *client,
                         struct error *err) {
    struct line_reader r;
    const char *line;
    size_t length;
    size_t capacity = 0;
    int got;
    if (!lines_open(&r, path, err)) {
        return false;
    }
    bool good = true;
    while (good && (got = lines_next(&r, &line, &length, err)) != LINE_END) {
        struct servegen_window w = {0};
        good = got == LINE_GIVEN && take_window(&r, line, length, &w, err);
        size_t n = client->window_count;
        if (good && n == SERVEGEN_WINDOWS_MAX) {
            good = fail_line(&r, NULL, "at most 20000 windows", err);
        }
        if (good && n > 0 && w.start_s <= client->windows[n - 1].start_s) {
            good = fail_line(&r, "window_start_s", "a later window than the row before", err);
        }
        if (good) {
            client->windows =
                arena_grow(arena, client->windows, n, n + 1, &capacity, sizeof *client->windows);
            client->windows[client->window_count++] = w;
        }
    }
    if (good && client->window_count == 0) {
        good = fail_line(&r, NULL, "at least one window", err);
    }
    lines_close(&r);
    if (!good) {
        error_set(err, ERROR_INVALID, "%s: a line longer than 1 MiB", path);
    }
    return good;
}

/* ---- chunk-N-dataset.json ---- */

static const struct {
    const char *key;
    enum servegen_field field;
} field_keys[] = {
    {"input_tokens", SERVEGEN_INPUT},        {"text_tokens", SERVEGEN_TEXT},
    {"image_tokens", SERVEGEN_IMAGE_TOKENS}, {"image_count", SERVEGEN_IMAGES},
    {"audio_tokens", SERVEGEN_AUDIO_TOKENS}, {"audio_count", SERVEGEN_AUDIOS},
    {"video_tokens", SERVEGEN_VIDEO_TOKENS}, {"video_count", SERVEGEN_VIDEOS},
    {"output_tokens", SERVEGEN_OUTPUT},
};

/* One "value: probability" of a law. */
static bool take_pair(const char *p, size_t n, struct servegen_law *law) {
    const char *colon = memchr(p, ':', n);
    int64_t value;
    double probability;
    if (!colon || scan_count(p, (size_t)(colon - p), TRACE_TOKENS_MAX, &value) ||
        scan_double(colon + 1, n - (size_t)(colon + 1 - p), &probability) || probability > 1.001) {
        return false;
    }
    double before = law->count ? law->cumulated[law->count - 1] : 0;
    law->value[law->count] = (uint32_t)value;
    law->cumulated[law->count++] = before + probability;
    return true;
}

/* "{136: 0.2557, 372: 0.7443}" */
static bool take_law(const char *text, struct arena *arena, struct servegen_law *law) {
    size_t length = strlen(text);
    size_t pairs = 1;
    for (const char *p = text; *p; p++) {
        pairs += *p == ',';
    }
    law->value = arena_array(arena, pairs, sizeof *law->value);
    law->cumulated = arena_array(arena, pairs, sizeof *law->cumulated);
    if (length < 2 || text[0] != '{' || text[length - 1] != '}') {
        return false;
    }
    const char *end = text + length - 1;
    for (const char *p = text + 1; p < end;) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma ? comma : end;
        if (!take_pair(p, (size_t)(stop - p), law)) {
            return false;
        }
        p = stop + 1;
    }
    return law->count > 0 && law->cumulated[law->count - 1] > 0;
}

static bool fail_dataset(const char *path, const char *field, const char *expected, struct error *err) {
    struct position pos = {.file = path};
    return error_at(err, ERROR_INVALID, &pos, field, "expected %s", expected);
}

static bool take_dataset(const char *path, const char *start, struct json_object *object, struct arena *arena,
                         struct servegen_dataset *d, struct error *err) {
    if (scan_double(start, strlen(start), &d->start_s) || !json_object_is_type(object, json_type_object)) {
        return fail_dataset(path, start, "a window start in seconds and an object of laws", err);
    }
    for (size_t i = 0; i < sizeof field_keys / sizeof *field_keys; i++) {
        struct json_object *law;
        if (!json_object_object_get_ex(object, field_keys[i].key, &law)) {
            continue;
        }
        const char *text = json_object_is_type(law, json_type_string) ? json_object_get_string(law) : "";
        if (!take_law(text, arena, &d->laws[field_keys[i].field])) {
            return fail_dataset(path, field_keys[i].key, "a text such as {136: 0.25, 372: 0.75}", err);
        }
    }
    bool input = d->laws[SERVEGEN_INPUT].count || d->laws[SERVEGEN_TEXT].count;
    if (!input || !d->laws[SERVEGEN_OUTPUT].count) {
        return fail_dataset(path, start, "laws of input_tokens (or text_tokens) and output_tokens", err);
    }
    return true;
}

static int by_start(const void *a, const void *b) {
    double x = ((const struct servegen_dataset *)a)->start_s;
    double y = ((const struct servegen_dataset *)b)->start_s;
    return x < y ? -1 : x > y;
}

static bool take_datasets(const char *path, struct json_object *root, struct arena *arena,
                          struct servegen_client *client, struct error *err) {
    if (!json_object_is_type(root, json_type_object) || json_object_object_length(root) == 0) {
        return fail_dataset(path, NULL, "an object: window start -> field -> law", err);
    }
    size_t count = (size_t)json_object_object_length(root);
    client->datasets = arena_array(arena, count, sizeof *client->datasets);
    json_object_object_foreach(root, key, value) {
        if (!take_dataset(path, key, value, arena, &client->datasets[client->dataset_count++], err)) {
            return false;
        }
    }
    qsort(client->datasets, client->dataset_count, sizeof *client->datasets, by_start);
    return true;
}

static bool read_datasets(const char *path, struct arena *arena, struct servegen_client *client,
                          struct error *err) {
    struct arena text = {0};
    char *bytes;
    size_t length;
    bool good = file_read(path, SERVEGEN_DATASET_BYTES_MAX, &text, &bytes, &length, err);
    if (good) {
        struct json_tokener *tokener = json_tokener_new_ex(8);
        struct json_object *root = json_tokener_parse_ex(tokener, bytes, (int)length);
        enum json_tokener_error status = json_tokener_get_error(tokener);
        good = status == json_tokener_success
                   ? take_datasets(path, root, arena, client, err)
                   : fail_dataset(path, NULL,
                                  status == json_tokener_continue ? "complete JSON; the file is cut short"
                                                                  : json_tokener_error_desc(status),
                                  err);
        json_object_put(root);
        json_tokener_free(tokener);
    }
    arena_free(&text);
    return good;
}

/* ---- the folder ---- */

/* N of "chunk-N-trace.csv", -1 for other names. */
static long client_number(const char *file) {
    static const char begin[] = "chunk-";
    if (strncmp(file, begin, sizeof begin - 1) != 0) {
        return -1;
    }
    const char *digits = file + sizeof begin - 1;
    size_t n = strspn(digits, "0123456789");
    return n > 0 && n < 10 && !strcmp(digits + n, "-trace.csv") ? strtol(digits, NULL, 10) : -1;
}

static int by_number(const void *a, const void *b) {
    long x = *(const long *)a;
    long y = *(const long *)b;
    return x < y ? -1 : x > y;
}

static bool list_clients(const char *folder, struct arena *arena, long **numbers, size_t *count,
                         struct error *err) {
    struct position pos = {.file = folder};
    DIR *dir = opendir(folder);
    if (!dir) {
        return error_at(err, ERROR_INVALID, &pos, NULL, "%s", strerror(errno));
    }
    size_t capacity = 0;
    *numbers = NULL;
    *count = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        long number = client_number(entry->d_name);
        if (number >= 0 && *count < SERVEGEN_CLIENTS_MAX) {
            *numbers = arena_grow(arena, *numbers, *count, *count + 1, &capacity, sizeof **numbers);
            (*numbers)[(*count)++] = number;
        }
    }
    closedir(dir);
    if (*count == 0) {
        error_at(err, ERROR_INVALID, &pos, NULL,
                 "expected a folder of ServeGen clients (chunk-N-trace.csv and chunk-N-dataset.json); there "
                 "is none");
        return error_hint(err, "give a trace file, or the folder of the clients");
    }
    qsort(*numbers, *count, sizeof **numbers, by_number);
    return true;
}

bool servegen_read(const char *folder, struct arena *arena, struct servegen_client **clients, size_t *count,
                   struct error *err) {
    long *numbers = NULL;
    if (!list_clients(folder, arena, &numbers, count, err)) {
        return false;
    }
    *clients = arena_array(arena, *count, sizeof **clients);
    for (size_t i = 0; numbers && i < *count; i++) {
        struct servegen_client *client = &(*clients)[i];
        client->name = arena_printf(arena, "chunk-%ld", numbers[i]);
        const char *windows = path_join(arena, folder, arena_printf(arena, "%s-trace.csv", client->name));
        const char *datasets = path_join(arena, folder, arena_printf(arena, "%s-dataset.json", client->name));
        if (!read_windows(windows, arena, client, err) || !read_datasets(datasets, arena, client, err)) {
            return false;
        }
    }
    return true;
}
