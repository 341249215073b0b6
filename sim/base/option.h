/* sim/base/option.h: options as tables: one row an option, read by the parser, the help text and the man
 * page, so that documentation cannot lag. Used by the command line and by policies (`name=value` parameters).
 */
#ifndef DRYDOCK_BASE_OPTION_H
#define DRYDOCK_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/units.h"

enum option_type {
    OPTION_FLAG,    /* bool: present or not */
    OPTION_TEXT,    /* const char *: borrowed from argv */
    OPTION_LIST,    /* struct option_list: may be given several times */
    OPTION_INTEGER, /* int64_t within [low, high] */
    OPTION_QUANTITY /* double of `unit` within [low, high] */
};

struct option_list {
    const char **items; /* grows on the heap; option_list_free */
    size_t count;
};

struct option {
    const char *name; /* without dashes: "trace" */
    enum option_type type;
    const char *value_name; /* "FILE"; NULL for flags */
    const char *help;       /* one sentence */
    size_t offset;          /* of the field in the struct that option_parse fills */
    double low, high;       /* inclusive; equal means unchecked */
    enum unit_kind unit;
};

#define OPTION_END                                                                                           \
    { NULL, OPTION_FLAG, NULL, NULL, 0, 0, 0, UNIT_NUMBER }

/* Parses argv[1..argc-1] against `rows` (ended by OPTION_END) into `into`. "--name=value" and "--name value"
 * are both taken, "--" ends the options, everything else is an operand, moved to the front of argv; *operands
 * is their count. A missing value, an unknown option (with the nearest name) or a value out of range is
 * ERROR_USAGE. */
bool option_parse(const struct option *rows, int argc, char **argv, void *into, int *operands,
                  struct error *err);

/* The "Options:" block of a help text on stdout, and the .TP entries of a man page. */
void option_print_help(const struct option *rows);
void option_print_man(const struct option *rows);

void option_list_free(struct option_list *list);

#endif
