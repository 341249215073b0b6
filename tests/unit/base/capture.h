/* tests/unit/base/capture.h: what a function writes to stdout or stderr, for tests of what people see. */
#ifndef DRYDOCK_TESTS_CAPTURE_H
#define DRYDOCK_TESTS_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct capture {
    FILE *stream;
    FILE *file;
    int kept;
    char text[8192];
};

static inline void capture_begin(struct capture *c, FILE *stream) {
    fflush(stream);
    c->stream = stream;
    c->file = tmpfile();
    c->kept = dup(fileno(stream));
    if (!c->file || c->kept < 0 || dup2(fileno(c->file), fileno(stream)) < 0) {
        abort();
    }
}

/* The text so far; the stream is as before. */
static inline const char *capture_end(struct capture *c) {
    fflush(c->stream);
    dup2(c->kept, fileno(c->stream));
    close(c->kept);
    rewind(c->file);
    size_t n = fread(c->text, 1, sizeof c->text - 1, c->file);
    c->text[n] = '\0';
    fclose(c->file);
    return c->text;
}

#endif
