#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/strbuf.h"

static struct {
    enum log_level most;
    bool colour;
    bool bar;
} settings = {.most = LOG_INFO};

static const struct {
    const char *word;
    const char *colour;
} levels[] = {
    [LOG_ERROR] = {"error: ", "\033[1;31m"},
    [LOG_WARNING] = {"warning: ", "\033[1;33m"},
    [LOG_INFO] = {"", ""},
    [LOG_NOTE] = {"note: ", "\033[2m"},
};

void log_configure(enum log_level most, bool colour) {
    const char *no_color = getenv("NO_COLOR");
    settings.most = most;
    settings.colour = colour && isatty(STDERR_FILENO) && !(no_color && *no_color);
}

bool log_shows(enum log_level level) {
    return level <= settings.most;
}

void log_bar(bool drawn) {
    settings.bar = drawn;
}

/* Text from input files may hold escape sequences; a terminal must not obey them. */
static void append_printable(struct strbuf *line, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
        strbuf_char(line, control ? '?' : *text);
    }
}

static void append_level(struct strbuf *line, enum log_level level) {
    const char *colour = settings.colour ? levels[level].colour : "";
    strbuf_append(line, settings.bar ? "\r\033[K" : "");
    strbuf_printf(line, "drydock: %s%s%s", colour, levels[level].word, *colour ? "\033[0m" : "");
}

void log_message(enum log_level level, const char *format, ...) {
    if (!log_shows(level)) {
        return;
    }
    va_list args;
    va_start(args, format);
    struct strbuf text = {0};
    strbuf_vprintf(&text, format, args);
    va_end(args);
    struct strbuf line = {0};
    append_level(&line, level);
    append_printable(&line, text.text);
    strbuf_char(&line, '\n');
    /* One write, so that lines of worker processes do not mix. */
    fwrite(line.text, 1, line.length, stderr);
    strbuf_free(&line);
    strbuf_free(&text);
}
