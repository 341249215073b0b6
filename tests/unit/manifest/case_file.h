/* tests/unit/manifest/case_file.h: tests that are text. A file holds cases:
 *
 *     == the name of the case, a sentence
 *     input, to the line "--"
 *     --
 *     what must be said of it, a line each
 *
 * The test's own function turns the input into lines. Each expected line must be the beginning of one of
 * them; lines that begin with "warning" or "error" must all be expected. Lines before the first case are
 * comments.
 */
#ifndef DRYDOCK_TESTS_CASE_FILE_H
#define DRYDOCK_TESTS_CASE_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/strbuf.h"

typedef void case_dump(const char *input, struct strbuf *out);

struct test_case {
    const char *file;
    int line;
    const char *name;
    const char *input;
    const char *expected;
    case_dump *dump;
};

/* All of a program's tests; reachable to the end, so no leak. */
struct case_set {
    struct arena arena;
    struct CMUnitTest *tests;
    size_t count, capacity;
};

static struct case_set case_set;

static inline bool line_starts_with(const char *line, const char *wanted, size_t n) {
    return strncmp(line, wanted, n) == 0;
}

static inline bool text_has_line(const char *text, const char *wanted, size_t n) {
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (line_starts_with(line, wanted, n)) {
            return true;
        }
        if (line[strcspn(line, "\n")] == '\0') {
            break;
        }
    }
    return false;
}

/* The line of `got`, a warning or an error, begins with some line of `expected`. */
static inline bool is_expected(const char *expected, const char *got) {
    for (const char *line = expected; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        if (n > 0 && line_starts_with(got, line, n)) {
            return true;
        }
        line += n + (line[n] == '\n');
    }
    return false;
}

static inline void check_case(void **state) {
    const struct test_case *c = *state;
    struct strbuf got = {0};
    strbuf_append(&got, "");
    c->dump(c->input, &got);
    for (const char *line = c->expected; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        if (n > 0 && !text_has_line(got.text, line, n)) {
            print_message("# %s:%d: not said: %.*s\n# it said:\n%s", c->file, c->line, (int)n, line,
                          got.text);
            fail();
        }
        line += n + (line[n] == '\n');
    }
    for (const char *line = got.text; *line != '\0';) {
        bool serious = line_starts_with(line, "warning", 7) || line_starts_with(line, "error", 5);
        size_t n = strcspn(line, "\n");
        if (serious && !is_expected(c->expected, line)) {
            print_message("# %s:%d: not expected: %.*s\n", c->file, c->line, (int)n, line);
            fail();
        }
        line += n + (line[n] == '\n');
    }
    strbuf_free(&got);
}

static inline void add_test(const char *name, CMUnitTestFunction function, void *state) {
    struct case_set *s = &case_set;
    s->tests = arena_grow(&s->arena, s->tests, s->count, s->count + 1, &s->capacity, sizeof *s->tests);
    s->tests[s->count++] = (struct CMUnitTest){name, function, NULL, NULL, state};
}

#define ADD_TEST(function) add_test(#function, function, NULL)

/* Cuts `text` at the line that is exactly `mark`; what follows it, NULL when there is none. */
static inline char *cut_at_line(char *text, const char *mark) {
    size_t n = strlen(mark);
    for (char *line = text; *line != '\0';) {
        if (line_starts_with(line, mark, n) && (line[n] == '\n' || line[n] == '\0')) {
            char *rest = line + n + (line[n] == '\n');
            *line = '\0';
            return rest;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return NULL;
}

static inline char *next_case(char *text) {
    while (text != NULL && strncmp(text, "== ", 3) != 0) {
        text = strchr(text, '\n');
        text = text == NULL ? NULL : text + 1;
    }
    return text;
}

static inline void add_cases(const char *path, case_dump *dump) {
    struct arena *arena = &case_set.arena;
    struct error err = {0};
    char *text = NULL;
    size_t length = 0;
    if (!file_read(path, 1 << 20, arena, &text, &length, &err)) {
        print_message("# %s cannot be read\n", path);
        abort();
    }
    char *all = arena_strdup(arena, text);
    for (char *at = next_case(text); at != NULL;) {
        struct test_case *c = arena_alloc(arena, sizeof *c);
        c->file = path;
        c->line = 1;
        for (const char *p = all; p < all + (at - text); p++) {
            c->line += *p == '\n';
        }
        char *body = strchr(at, '\n');
        char *next = next_case(body + 1);
        if (next != NULL) {
            next[-1] = '\0';
        }
        *body = '\0';
        c->name = at + 3;
        c->input = body + 1;
        c->expected = cut_at_line(body + 1, "--");
        c->dump = dump;
        if (c->expected == NULL) {
            print_message("# %s:%d: a case without the line --\n", path, c->line);
            abort();
        }
        add_test(c->name, check_case, c);
        at = next;
    }
}

static inline int run_all_tests(const char *group) {
    return _cmocka_run_group_tests(group, case_set.tests, case_set.count, NULL, NULL);
}

#endif
