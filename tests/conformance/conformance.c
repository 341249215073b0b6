/* Runs every case of every table of a folder that one of our controllers answers to.
 *
 *     conformance DIR [NAME]     all cases, or those with NAME in their name, each shown with its answer
 *
 * Prints a count per file, a line for each failed case, and closes with "N passed, N failed, N skipped".
 * Skipped are the cases of tables whose controller is still to come. Exit code 1 when a case failed, when
 * none ran, or when a file or a case is not as the format says. */
#include "tests/conformance/conformance.h"

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"

enum { FILE_BYTES_MAX = 64 << 20, FILES_MAX = 1000 };

static const struct subject *const subjects[] = {&subject_hpa_replicas, &subject_hpa_behavior};

struct counts {
    size_t passed, failed, skipped;
};

struct session {
    const char *only;     /* part of the names of the cases to run; NULL = all */
    bool broken;          /* a file or a case is not as the format says */
    struct counts counts; /* of all files */
};

/* ---- comparing ---- */

static bool is_number(struct json_object *o) {
    return json_object_is_type(o, json_type_int) || json_object_is_type(o, json_type_double);
}

static bool numbers_equal(struct json_object *want, struct json_object *got, double tolerance) {
    if (json_object_is_type(want, json_type_int) && json_object_is_type(got, json_type_int) &&
        tolerance == 0) {
        return json_object_get_int64(want) == json_object_get_int64(got);
    }
    double a = json_object_get_double(want), b = json_object_get_double(got);
    return fabs(a - b) <= (tolerance > 0 ? tolerance : 1e-9 * fmax(1, fmax(fabs(a), fabs(b))));
}

/* What differences are allowed: `now` for the value at hand, and by key for what lies below. */
struct allowance {
    struct json_object *by_key;
    double now;
};

static struct allowance allowed_below(struct allowance a, const char *key) {
    struct json_object *tolerance = get(a.by_key, key);
    return (struct allowance){a.by_key, tolerance == NULL ? a.now : json_object_get_double(tolerance)};
}

static bool equal(struct json_object *want, struct json_object *got, struct allowance a);

static bool lists_equal(struct json_object *want, struct json_object *got, struct allowance a) {
    size_t n = json_object_array_length(want);
    bool same = json_object_is_type(got, json_type_array) && json_object_array_length(got) == n;
    for (size_t i = 0; i < n && same; i++) {
        same = equal(json_object_array_get_idx(want, i), json_object_array_get_idx(got, i), a);
    }
    return same;
}

/* Only the keys that are expected. */
static bool objects_match(struct json_object *want, struct json_object *got, struct allowance a) {
    if (!json_object_is_type(got, json_type_object)) {
        return false;
    }
    json_object_object_foreach(want, key, value) {
        struct json_object *other;
        if (!json_object_object_get_ex(got, key, &other) || !equal(value, other, allowed_below(a, key))) {
            return false;
        }
    }
    return true;
}

static bool equal(struct json_object *want, struct json_object *got, struct allowance a) {
    if (is_number(want) && is_number(got)) {
        return numbers_equal(want, got, a.now);
    }
    if (json_object_is_type(want, json_type_array)) {
        return lists_equal(want, got, a);
    }
    if (json_object_is_type(want, json_type_object)) {
        return objects_match(want, got, a);
    }
    return json_object_equal(want, got) != 0;
}

static const char *text_of(struct json_object *o) {
    return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
}

/* Says each key that differs; true when none does. */
static bool judge(const struct subject *subject, const char *name, const struct trial *trial,
                  struct json_object *tolerances) {
    bool good = true;
    json_object_object_foreach(trial->expected, key, want) {
        struct json_object *got = NULL;
        bool answered = json_object_object_get_ex(trial->got, key, &got) != 0;
        bool same = false;
        if (subject->compare == NULL || !subject->compare(key, want, got, &same)) {
            struct allowance none = {.by_key = tolerances};
            same = answered && equal(want, got, allowed_below(none, key));
        }
        if (!same) {
            printf("  FAILED %s: %s: expected %s, ", name, key, text_of(want));
            printf("got %s\n", answered ? text_of(got) : "nothing");
            good = false;
        }
    }
    return good;
}

/* ---- one case ---- */

void trial_break(struct trial *trial, const char *format, ...) {
    va_list args;
    struct strbuf text = {0};
    if (trial->broken == NULL) {
        va_start(args, format);
        strbuf_vprintf(&text, format, args);
        va_end(args);
        trial->broken = arena_strdup(trial->arena, text.text);
        strbuf_free(&text);
    }
}

static void show(const char *name, const struct trial *trial) {
    printf("  %s\n    input    %s\n", name, text_of(trial->input));
    printf("    expected %s\n", text_of(trial->expected));
    printf("    got      %s\n", text_of(trial->got));
}

static void run_case(struct session *s, const struct subject *subject, struct json_object *item,
                     size_t number, struct counts *counts) {
    struct arena arena = {0};
    struct json_object *name_node = get(item, "name");
    const char *name = json_object_is_type(name_node, json_type_string)
                           ? json_object_get_string(name_node)
                           : arena_printf(&arena, "case %zu", number);
    struct trial trial = {.arena = &arena, .input = get(item, "input"), .expected = get(item, "expected")};
    if (s->only == NULL || strstr(name, s->only) != NULL) {
        trial.got = json_object_new_object();
        if (!json_object_is_type(trial.input, json_type_object) ||
            !json_object_is_type(trial.expected, json_type_object) ||
            json_object_object_length(trial.expected) == 0) {
            trial_break(&trial, "expected a mapping `input` and a mapping `expected` that asserts something");
        } else {
            subject->run(&trial);
        }
        if (trial.broken != NULL) {
            fprintf(stderr, "%s: %s: %s\n", subject->file, name, trial.broken);
            s->broken = true;
        } else {
            bool good = judge(subject, name, &trial, get(item, "tolerance"));
            counts->passed += good;
            counts->failed += !good;
            if (s->only != NULL) {
                show(name, &trial);
            }
        }
        json_object_put(trial.got);
    }
    arena_free(&arena);
}

/* ---- files ---- */

static const struct subject *subject_of(const char *file) {
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        if (strcmp(subjects[i]->file, file) == 0) {
            return subjects[i];
        }
    }
    return NULL;
}

/* The whole file as one JSON value; NULL after saying what is wrong with it. */
static struct json_object *parse(const char *path, const char *bytes, size_t length) {
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *root = json_tokener_parse_ex(tokener, bytes, (int)length + 1);
    enum json_tokener_error problem = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    bool rest = end < length && bytes[end + strspn(bytes + end, " \t\r\n")] != '\0';
    if (root == NULL || problem != json_tokener_success || rest) {
        size_t line = 1;
        for (size_t i = 0; i < end && i < length; i++) {
            line += bytes[i] == '\n';
        }
        fprintf(stderr, "%s:%zu: expected JSON: %s\n", path, line,
                problem == json_tokener_success ? "something follows the list"
                                                : json_tokener_error_desc(problem));
        json_object_put(root);
        root = NULL;
    }
    json_tokener_free(tokener);
    return root;
}

static struct json_object *load(const char *path) {
    struct arena arena = {0};
    struct error err = {0};
    struct json_object *root = NULL;
    char *bytes, text[512];
    size_t length;
    if (file_read(path, FILE_BYTES_MAX, &arena, &bytes, &length, &err)) {
        root = parse(path, bytes, length);
        if (root != NULL && !json_object_is_type(root, json_type_array)) {
            fprintf(stderr, "%s:1: expected a list of cases\n", path);
            json_object_put(root);
            root = NULL;
        }
    } else {
        fprintf(stderr, "%s\n", error_text(&err, text, sizeof text));
    }
    arena_free(&arena);
    return root;
}

static void run_file(struct session *s, const char *directory, const char *file) {
    struct arena arena = {0};
    struct json_object *cases = load(path_join(&arena, directory, file));
    const struct subject *subject = subject_of(file);
    struct counts counts = {0};
    arena_free(&arena);
    if (cases == NULL) {
        s->broken = true;
        return;
    }
    size_t n = json_object_array_length(cases);
    if (subject == NULL) {
        counts.skipped = n;
        printf("%-28s %4zu skipped: no controller answers to it yet\n", file, n);
    } else {
        for (size_t i = 0; i < n; i++) {
            run_case(s, subject, json_object_array_get_idx(cases, i), i + 1, &counts);
        }
        printf("%-28s %4zu passed, %zu failed\n", file, counts.passed, counts.failed);
    }
    s->counts.passed += counts.passed;
    s->counts.failed += counts.failed;
    s->counts.skipped += counts.skipped;
    json_object_put(cases);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the tables in byte order, in the arena; false when the folder cannot be read. */
static bool list_files(const char *directory, struct arena *arena, char **names, size_t *count) {
    DIR *dir = opendir(directory);
    *count = 0;
    if (dir == NULL) {
        return false;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL && *count < FILES_MAX;) {
        if (entry->d_name[0] != '.' && str_ends_with(entry->d_name, ".json")) {
            names[(*count)++] = arena_strdup(arena, entry->d_name);
        }
    }
    closedir(dir);
    qsort(names, *count, sizeof *names, compare_names);
    return true;
}

int main(int argc, char **argv) {
    struct arena arena = {0};
    struct session s = {.only = argc > 2 ? argv[2] : NULL};
    char *names[FILES_MAX];
    size_t count;
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: conformance DIR [NAME]\n");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* in step with what goes to stderr */
    if (!list_files(argv[1], &arena, names, &count)) {
        fprintf(stderr, "%s: expected a folder of tables (make conformance CASES=DIR)\n", argv[1]);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        run_file(&s, argv[1], names[i]);
    }
    arena_free(&arena);
    const struct counts *c = &s.counts;
    if (c->passed + c->failed == 0) {
        fprintf(stderr, "%s: no case ran\n", argv[1]);
        s.broken = true;
    }
    printf("\n%zu passed, %zu failed, %zu skipped\n", c->passed, c->failed, c->skipped);
    return c->failed > 0 || s.broken;
}
