/* traces/lines.h: a file as lines, plain or gzip by content, in memory that does not grow (private).
 *
 * Bytes come by read(2) into one buffer that stays in the cache: pipes work too, and a file that is truncated
 * meanwhile is a short read, where a mapping would end the process with SIGBUS.
 */
#ifndef DRYDOCK_TRACES_LINES_H
#define DRYDOCK_TRACES_LINES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    LINE_BYTES_MAX = 1 << 20, /* a longer line is dropped and reported as LINE_TOO_LONG */
    LINE_READ_BYTES = 1 << 18,
    LINE_BYTES_BEFORE = 32 /* before the first unread one there are as many that may be read */
};

struct unpacker;

struct line_reader {
    char *path;
    int fd;
    char *block; /* LINE_BYTES_BEFORE, then the buffer */
    char *buffer;
    const char *cur; /* unread bytes: cur .. end */
    const char *end;
    bool ended; /* the file has nothing beyond `end` */
    int line;   /* number of the line given last; stays at INT_MAX */
    struct unpacker *packed;
};

enum { LINE_FAILED = -1, LINE_END = 0, LINE_GIVEN = 1, LINE_TOO_LONG = 2 };

/* Opens and reads the first bytes, so that cur..end can be looked at. ERROR_INVALID when the file is missing,
 * unreadable, a directory or packed by something that is not gzip. */
bool lines_open(struct line_reader *r, const char *path, struct error *err);
void lines_close(struct line_reader *r);

/* Lines read in place, up to `behind` (a line's first byte), instead of by lines_next. */
static inline void lines_taken(struct line_reader *r, const char *behind, size_t lines) {
    r->cur = behind;
    r->line = lines < (size_t)(INT_MAX - r->line) ? r->line + (int)lines : INT_MAX;
}

/* The next line without its LF or CRLF, valid until the next call. A last line needs no newline. */
int lines_next(struct line_reader *r, const char **line, size_t *length, struct error *err);

#endif
