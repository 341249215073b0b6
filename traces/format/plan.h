/* traces/format/plan.h: tables read by columns, many rows at a time (private).
 *
 * The rows of one table look alike: as many fields, digits where digits were, a point in the same field. What
 * a row looks like is learned from one that the parser of single rows has taken: the plan. Text is then read
 * in blocks that stay in the nearest cache: the places of all commas, points and newlines first, from them
 * where each field of each row ends, then one column after the other into the rows, four rows at a time with
 * the vectors that every x86-64 processor has. Every byte of a field is looked at: whatever differs from the
 * plan, a quote, a blank, an empty field, an eighth digit where seven were, a name never seen before, ends
 * the rows that are taken and leaves the next one to the parser of single rows, so that there is one place
 * that says what is right and what is not.
 */
#ifndef DRYDOCK_TRACES_PLAN_H
#define DRYDOCK_TRACES_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLAN_COLUMNS_MAX = 24,
    PLAN_BYTES = 4096,  /* of text in a block */
    PLAN_ROWS = 256,    /* in a block */
    PLAN_SLACK = 16,    /* places written behind the last */
    PLAN_NAMES_MET = 7, /* that may begin at one place */
    PLAN_NAMES = 1024,
    PLAN_NAME_SHIFT = 64 - 10, /* remembered, a power of two */
    PLAN_NAME_BYTES = 16       /* a longer name is left to the parser of single rows */
};

/* Digits that end at a mark, up to 7, or up to 14 when wide. */
struct plan_number {
    unsigned mark;        /* which of the row's: 0, 1 ... */
    unsigned tail;        /* bytes between them and the mark: CR, a time zone */
    const uint64_t *low;  /* what is kept of the 8 bytes that end behind the digits, by how many there are */
    const uint64_t *high; /* likewise of the 7 digits before; NULL when not wide */
    uint64_t expected;    /* the byte behind the digits, the highest of the 8, as a difference from '0' */
};

struct plan_column {
    unsigned char use; /* enum column_use */
    bool text;         /* a name, or ignored */
    bool date;         /* 2023-11-16 18:15:46.680, read by minutes */
    bool has_part;     /* a time's digits behind the point */
    unsigned mark;     /* the last of the field */
    struct plan_number whole, part;
    uint64_t literal,
        literal_bytes; /* tail and mark, the mark the highest byte; which of the 8 bytes count */
};

struct plan_name {
    uint64_t text[2];
    uint32_t length; /* and 0x100 x use; 0 = nothing here */
    uint32_t index;  /* of struct trace_names */
};

struct plan {
    unsigned marks;  /* of a row; 0 = nothing learned */
    bool has_points; /* in some texts */
    bool avx2;       /* whether the processor has it */
    size_t column_count;
    struct plan_column columns[PLAN_COLUMNS_MAX];
    bool wide[PLAN_COLUMNS_MAX]; /* a column of long numbers stays one ... */
    bool part_wide;              /* ... and the part behind a time's point */

    unsigned missed; /* times in a row that not one row was as planned */
    unsigned wait;   /* rows until the next try to learn ... */
    unsigned waited; /* ... and how many there were last */
    size_t reach;    /* bytes to look at next: few where rows often differ */

    struct plan_name names[PLAN_NAMES + PLAN_NAMES_MET + 1]; /* the last one of none */
    uint32_t ends[1 + PLAN_BYTES + PLAN_SLACK]; /* behind every mark, from the block's first byte on */
    uint32_t values[4][PLAN_ROWS];              /* of a column: whole, part; above 7 digits each */
};

struct csv_source;
struct file_source;
struct trace_row;

/* Learns from a row that was taken; `crlf` when its line ended so. */
void plan_learn(struct csv_source *c, const char *line, size_t length, bool crlf,
                const struct trace_row *row);

/* Nothing learned; `avx2`: made use of where the processor has it. */
struct plan *plan_new(bool avx2);

/* A parse_many_fn for a csv_source. */
size_t plan_many(struct file_source *f, struct trace_row *rows, size_t room);

static inline bool plan_is_name(const struct plan_name *name, const uint64_t text[2], uint32_t length) {
    return name->text[0] == text[0] && name->text[1] == text[1] && name->length == length;
}

/* Where the name is remembered whose text is that of digits_text, or is to be. A new one takes the place of
 * another where many have met. */
static inline struct plan_name *plan_find_name(struct plan *plan, const uint64_t text[2], uint32_t length) {
    uint64_t mixed = text[1] ^ (text[0] * 0x9e3779b97f4a7c15u) ^ length;
    mixed = (mixed ^ mixed >> 32) * 0xd6e8feb86659fd93u;
    struct plan_name *name = &plan->names[mixed >> PLAN_NAME_SHIFT];
    for (struct plan_name *end = name + PLAN_NAMES_MET; name < end; name++) {
        if (name->length == 0 || plan_is_name(name, text, length)) {
            return name;
        }
    }
    return name;
}

#endif
