#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void copy_text(char *out, size_t out_bytes, const char *text) {
    if (!text) {
        text = "";
    }
    size_t n = strlen(text);
    if (n >= out_bytes) {
        n = out_bytes - 1;
    }
    memcpy(out, text, n);
    out[n] = '\0';
}

static void fill(struct error *err, enum error_code code, const struct position *pos, const char *field) {
    err->code = code;
    err->line = pos ? pos->line : 0;
    err->column = pos ? pos->column : 0;
    copy_text(err->file, sizeof err->file, pos ? pos->file : NULL);
    copy_text(err->field, sizeof err->field, field);
    err->hint[0] = '\0';
}

bool error_set(struct error *err, enum error_code code, const char *expected, ...) {
    if (error_is_set(err)) {
        return false;
    }
    fill(err, code, NULL, NULL);
    va_list args;
    va_start(args, expected);
    vsnprintf(err->expected, sizeof err->expected, expected, args);
    va_end(args);
    return false;
}

bool error_at(struct error *err, enum error_code code, const struct position *pos, const char *field,
              const char *expected, ...) {
    if (error_is_set(err)) {
        return false;
    }
    fill(err, code, pos, field);
    va_list args;
    va_start(args, expected);
    vsnprintf(err->expected, sizeof err->expected, expected, args);
    va_end(args);
    return false;
}

bool error_hint(struct error *err, const char *hint, ...) {
    if (!error_is_set(err) || err->hint[0]) {
        return false;
    }
    va_list args;
    va_start(args, hint);
    vsnprintf(err->hint, sizeof err->hint, hint, args);
    va_end(args);
    return false;
}

bool error_errno(struct error *err, const char *file, const char *what) {
    int saved = errno;
    struct position pos = {.file = file};
    return error_at(err, ERROR_FAILED, &pos, NULL, "%s: %s", what, strerror(saved));
}

const char *error_text(const struct error *err, char *out, unsigned long out_bytes) {
    char place[600] = "";
    if (err->file[0] && err->line > 0 && err->column > 0) {
        snprintf(place, sizeof place, "%s:%d:%d: ", err->file, err->line, err->column);
    } else if (err->file[0] && err->line > 0) {
        snprintf(place, sizeof place, "%s:%d: ", err->file, err->line);
    } else if (err->file[0]) {
        snprintf(place, sizeof place, "%s: ", err->file);
    }
    snprintf(out, out_bytes, "%s%s%s%s%s%s", place, err->field, err->field[0] ? ": " : "", err->expected,
             err->hint[0] ? "; " : "", err->hint);
    return out;
}
