#include "base/option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"

enum {
    HELP_COLUMN = 28, /* where the sentences begin */
    HELP_WIDTH = 92,  /* where they are wrapped */
    OPTION_NAMES_MAX = 128
};

static const struct option *find_option(const struct option *rows, const char *name, size_t n) {
    for (; rows->name; rows++) {
        if (strlen(rows->name) == n && memcmp(rows->name, name, n) == 0) {
            return rows;
        }
    }
    return NULL;
}

static bool unknown_option(const struct option *rows, const char *name, size_t n, struct error *err) {
    const char *names[OPTION_NAMES_MAX + 1] = {NULL};
    for (size_t i = 0; i < OPTION_NAMES_MAX && rows[i].name; i++) {
        names[i] = rows[i].name;
    }
    struct strbuf word = {0};
    strbuf_append_n(&word, name, n);
    error_set(err, ERROR_USAGE, "unknown option --%s", word.text);
    const char *near = str_nearest(word.text, names);
    if (near) {
        error_hint(err, "did you mean --%s?", near);
    }
    strbuf_free(&word);
    return false;
}

/* A usage error about one option: its name stands where a field's would. */
static bool wrong_value(const struct option *row, struct error *err, const char *expected,
                        const char *given) {
    char field[160];
    snprintf(field, sizeof field, "--%s", row->name);
    return error_at(err, ERROR_USAGE, NULL, field, "expected %s, got \"%s\"", expected, given);
}

static bool in_range(const struct option *row, double value) {
    return row->low == row->high || (value >= row->low && value <= row->high);
}

/* "an integer from 1 to 64" */
static const char *describe_range(const struct option *row, const char *what, char *out, size_t out_bytes) {
    char low[48];
    char high[48];
    enum unit_kind unit = row->type == OPTION_QUANTITY ? row->unit : UNIT_NUMBER;
    if (row->low == row->high) {
        snprintf(out, out_bytes, "%s", what);
    } else {
        snprintf(out, out_bytes, "%s from %s to %s", what, unit_text(unit, row->low, low),
                 unit_text(unit, row->high, high));
    }
    return out;
}

static bool set_integer(const struct option *row, const char *text, int64_t *field, struct error *err) {
    char expected[256];
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool plain = (text[0] >= '0' && text[0] <= '9') || text[0] == '-' || text[0] == '+';
    if (!plain || end == text || *end || errno || !in_range(row, (double)value)) {
        return wrong_value(row, err, describe_range(row, "an integer", expected, sizeof expected), text);
    }
    *field = value;
    return true;
}

static bool set_quantity(const struct option *row, const char *text, double *field, struct error *err) {
    char expected[256];
    double value;
    if (!unit_parse(row->unit, text, &value) || !in_range(row, value)) {
        return wrong_value(row, err, describe_range(row, unit_expects(row->unit), expected, sizeof expected),
                           text);
    }
    *field = value;
    return true;
}

static void list_add(struct option_list *list, const char *item) {
    list->items = mem_realloc(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = item;
}

void option_list_free(struct option_list *list) {
    free(list->items);
    *list = (struct option_list){0};
}

static bool set_field(const struct option *row, const char *value, void *into, struct error *err) {
    void *field = (char *)into + row->offset;
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case OPTION_TEXT:
        *(const char **)field = value;
        return true;
    case OPTION_LIST:
        list_add(field, value);
        return true;
    case OPTION_INTEGER:
        return set_integer(row, value, field, err);
    case OPTION_QUANTITY:
        return set_quantity(row, value, field, err);
    }
    return true;
}

/* The value of a row's option: behind the '=', or the next argument. A next argument that looks like an
 * option is none: "--out --json" is a slip more often than a folder called --json. */
static bool take_value(const struct option *row, const char *equals, int argc, char **argv, int *at,
                       const char **value, struct error *err) {
    char field[160];
    snprintf(field, sizeof field, "--%s", row->name);
    if (row->type == OPTION_FLAG) {
        *value = NULL;
        return !equals || error_at(err, ERROR_USAGE, NULL, field, "takes no value, got \"%s\"", equals + 1);
    }
    if (equals) {
        *value = equals + 1;
        return true;
    }
    if (*at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0) {
        *value = argv[++*at];
        return true;
    }
    error_at(err, ERROR_USAGE, NULL, field, "expected a value (%s)",
             row->value_name ? row->value_name : "VALUE");
    if (*at + 1 < argc) {
        error_hint(err, "write --%s=%s if that is the value", row->name, argv[*at + 1]);
    }
    return false;
}

static bool parse_option(const struct option *rows, int argc, char **argv, int *at, void *into,
                         struct error *err) {
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *row = find_option(rows, name, n);
    if (!row) {
        return unknown_option(rows, name, n, err);
    }
    const char *value;
    return take_value(row, equals, argc, argv, at, &value, err) && set_field(row, value, into, err);
}

bool option_parse(const struct option *rows, int argc, char **argv, void *into, int *operands,
                  struct error *err) {
    int count = 0;
    bool ended = false;
    for (int at = 1; at < argc; at++) {
        char *word = argv[at];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
        } else if (!ended && strncmp(word, "--", 2) == 0) {
            if (!parse_option(rows, argc, argv, &at, into, err)) {
                return false;
            }
        } else if (!ended && word[0] == '-' && word[1]) {
            error_set(err, ERROR_USAGE, "unknown option %s", word);
            return error_hint(
                err, "options begin with two dashes; write -- before an operand that begins with one");
        } else {
            /* Operands overtake options, never an unread word: count < at. */
            argv[++count] = word;
        }
    }
    *operands = count;
    return true;
}

/* Prints words from column HELP_COLUMN on; the first line is already that far. */
static void print_wrapped(const char *text) {
    int column = HELP_COLUMN;
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + n > HELP_WIDTH) {
            printf("\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        column += printf("%s%.*s", column > HELP_COLUMN ? " " : "", n, text);
        text += n;
        text += strspn(text, " ");
    }
    putchar('\n');
}

void option_print_help(const struct option *rows) {
    puts("Options:");
    for (; rows->name; rows++) {
        int column = printf("  --%s%s%s", rows->name, rows->value_name ? " " : "",
                            rows->value_name ? rows->value_name : "");
        if (column > HELP_COLUMN - 2) {
            putchar('\n');
            column = 0;
        }
        printf("%*s", HELP_COLUMN - column, "");
        print_wrapped(rows->help);
    }
}

/* roff takes a plain '-' for a hyphen, a backslash for an escape and a dot or quote in front for a request.
 */
static void print_roff(const char *text) {
    if (*text == '.' || *text == '\'') {
        fputs("\\&", stdout);
    }
    for (; *text; text++) {
        if (*text == '\\') {
            fputs("\\e", stdout);
        } else {
            printf("%s%c", *text == '-' ? "\\" : "", *text);
        }
    }
}

void option_print_man(const struct option *rows) {
    for (; rows->name; rows++) {
        fputs(".TP\n\\fB\\-\\-", stdout);
        print_roff(rows->name);
        fputs("\\fR", stdout);
        if (rows->value_name) {
            fputs(" \\fI", stdout);
            print_roff(rows->value_name);
            fputs("\\fR", stdout);
        }
        putchar('\n');
        print_roff(rows->help);
        putchar('\n');
    }
}
