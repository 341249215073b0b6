/* traces/format/plain.h: rows of plain numbers, many at a time (private).
 *
 * Most rows of a table are digits with commas, and in one file they all have the same marks between them: one
 * point in the first field, two commas, a newline. Such a shape is learned from a row that the parser of
 * single rows has taken; while rows keep it their digits are cut out and turned into values together
 * (traces/digits.h). Whatever differs, a quote, a blank, an empty field, a ninth digit where eight were, is
 * left to the parser of single rows, so that there is one place that says what is right and what is not.
 */
#ifndef DRYDOCK_TRACES_PLAIN_H
#define DRYDOCK_TRACES_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLAIN_MARKS_MAX = 8,   /* in a row, the newline included */
    PLAIN_ROW_BYTES = 64,  /* a longer row is not plain */
    PLAIN_LANES_MAX = 512, /* in a batch: eight digits a lane */
    PLAIN_ROWS_MAX = 128,  /* likewise */
    PLAIN_NAMES = 1000     /* numbers that stand for a name, remembered from 0 on */
};

struct plain_number {
    unsigned char use;  /* enum column_use */
    bool fraction;      /* the part behind the point */
    bool wide;          /* two lanes: up to 16 digits */
    unsigned char lane; /* its last, of the row's */
};

struct plain_shape {
    unsigned marks;       /* 0: not known */
    unsigned numbers;     /* as many as marks, or one less where CRLF ends the rows */
    unsigned lanes;       /* of a row */
    uint64_t bytes;       /* the marks themselves, the last in the lowest byte */
    uint64_t least, most; /* digits before each mark, in the same order */
    uint64_t tops;        /* the top bit of each of those bytes */
    struct plain_number number[PLAIN_MARKS_MAX];
};

struct plain_reader {
    struct plain_shape shape;
    unsigned missed; /* times in a row that nothing was plain */
    unsigned wait;   /* rows until the next try to learn ... */
    unsigned waited; /* ... and how many there were last */
    uint64_t lanes[PLAIN_LANES_MAX];
    uint64_t digits[PLAIN_ROWS_MAX];  /* of each row's numbers: bytes, the last the lowest */
    const char *ends[PLAIN_ROWS_MAX]; /* behind each row */
    uint32_t names[3][PLAIN_NAMES];   /* service, tenant, region: 1 + index of the name that a number is */
};

struct csv_source;
struct file_source;
struct trace_row;

/* Learns from a row that was taken; `crlf` when its line ended so. */
void plain_learn(struct csv_source *c, const char *line, size_t length, bool crlf,
                 const struct trace_row *row);

/* A parse_many_fn for a csv_source. */
size_t plain_many(struct file_source *f, struct trace_row *rows, size_t room);

#endif
