/* analysis/report/html.h: HTML from texts that may hold anything: every text from a result comes through
 * html_text or a function that uses it. */
#ifndef DRYDOCK_ANALYSIS_REPORT_HTML_H
#define DRYDOCK_ANALYSIS_REPORT_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/strbuf.h"

/* As text or within a quoted attribute: markup escaped, control characters and what is no UTF-8 as U+FFFD;
 * line ends and tabs stay. */
void html_text(struct strbuf *out, const char *text);

/* <tag>text</tag>, or <tag class="...">; `attributes` is markup of our own, may be NULL. */
void html_element(struct strbuf *out, const char *tag, const char *attributes, const char *text);

/* The same text for a label in a picture or a title: one line, of at most `characters` (cut with an
 * ellipsis). */
const char *html_label(struct arena *arena, const char *text, size_t characters);

/* A table in a box of its own that scrolls where the page is narrow. Cells of columns in `numbers` (a bit
 * each) are aligned to the right. */
struct html_table {
    struct strbuf *out;
    size_t columns, at;
    unsigned numbers;
};
struct html_table html_table_begin(struct strbuf *out, const char *caption, const char *const *heads,
                                   size_t columns, unsigned numbers);
/* The next cell; the first of a row is its head. */
void html_cell(struct html_table *t, const char *text);
/* The same with markup in it. */
void html_cell_markup(struct html_table *t, const char *markup);
void html_table_end(struct html_table *t);

/* Base64, for data: URIs. */
void html_base64(struct strbuf *out, const void *bytes, size_t n);

#endif
