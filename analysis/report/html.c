#include "analysis/report/html.h"

#include <nettle/base64.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"

static const char *escape_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* C1 control characters are refused by HTML too. */
static bool is_control(const unsigned char *s, size_t n) {
    bool c0 = n == 1 && ((s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7F);
    return c0 || (n == 2 && s[0] == 0xC2 && s[1] < 0xA0);
}

void html_text(struct strbuf *out, const char *text) {
    while (*text) {
        size_t n = utf8_length(text);
        const char *escape = escape_of(*text);
        if (escape) {
            strbuf_append(out, escape);
        } else if (n == 0 || is_control((const unsigned char *)text, n)) {
            strbuf_append(out, REPLACEMENT);
        } else {
            strbuf_append_n(out, text, n);
        }
        text += n ? n : 1;
    }
}

void html_element(struct strbuf *out, const char *tag, const char *attributes, const char *text) {
    strbuf_printf(out, "<%s%s%s>", tag, attributes ? " " : "", attributes ? attributes : "");
    html_text(out, text);
    strbuf_printf(out, "</%s>", tag);
}

const char *html_label(struct arena *arena, const char *text, size_t characters) {
    struct strbuf out = {0};
    size_t taken = 0;
    strbuf_append(&out, "");
    while (*text) {
        size_t n = utf8_length(text);
        if (++taken == characters && text[n ? n : 1]) {
            strbuf_append(&out, "\xE2\x80\xA6");
            break;
        }
        if (n == 1 && (*text == '\n' || *text == '\t')) {
            strbuf_char(&out, ' ');
        } else if (n == 0 || is_control((const unsigned char *)text, n)) {
            strbuf_append(&out, REPLACEMENT);
        } else {
            strbuf_append_n(&out, text, n);
        }
        text += n ? n : 1;
    }
    const char *label = arena_strdup(arena, out.text);
    strbuf_free(&out);
    return label;
}

/* ---- tables ---- */

enum { COLUMNS_PLAIN = 4 }; /* more are set smaller, to fit the page and the paper */

struct html_table html_table_begin(struct strbuf *out, const char *caption, const char *const *heads,
                                   size_t columns, unsigned numbers) {
    struct html_table t = {.out = out, .columns = columns, .numbers = numbers};
    strbuf_append(out, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"");
    html_text(out, caption);
    strbuf_append(out, columns > COLUMNS_PLAIN ? "\"><table class=\"many\">" : "\"><table>");
    html_element(out, "caption", NULL, caption);
    strbuf_append(out, "<thead><tr>");
    for (size_t i = 0; i < columns; i++) {
        html_element(out, "th", numbers >> i & 1 ? "scope=\"col\" class=\"n\"" : "scope=\"col\"", heads[i]);
    }
    strbuf_append(out, "</tr></thead><tbody>\n");
    return t;
}

static void open_cell(struct html_table *t) {
    if (t->at == 0) {
        strbuf_append(t->out, "<tr><th scope=\"row\">");
    } else {
        strbuf_append(t->out, t->numbers >> t->at & 1 ? "<td class=\"n\">" : "<td>");
    }
}

static void close_cell(struct html_table *t) {
    strbuf_append(t->out, t->at == 0 ? "</th>" : "</td>");
    if (++t->at == t->columns) {
        strbuf_append(t->out, "</tr>\n");
        t->at = 0;
    }
}

void html_cell(struct html_table *t, const char *text) {
    open_cell(t);
    html_text(t->out, text);
    close_cell(t);
}

void html_cell_markup(struct html_table *t, const char *markup) {
    open_cell(t);
    strbuf_append(t->out, markup);
    close_cell(t);
}

void html_table_end(struct html_table *t) {
    strbuf_append(t->out, "</tbody></table></div>\n");
}

void html_base64(struct strbuf *out, const void *bytes, size_t n) {
    enum { STEP = 3 * 4096 }; /* whole groups of three */
    char encoded[BASE64_ENCODE_RAW_LENGTH(STEP)];
    const uint8_t *at = bytes;
    while (n) {
        size_t part = n < STEP ? n : STEP;
        base64_encode_raw(encoded, part, at);
        strbuf_append_n(out, encoded, BASE64_ENCODE_RAW_LENGTH(part));
        at += part;
        n -= part;
    }
}
