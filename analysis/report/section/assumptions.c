/* What the figures rest on: warnings, where traffic and service times come from, prices. */
#include <math.h>
#include <string.h>

#include "analysis/report/page.h"
#include "analysis/report/say.h"

static void append_label(struct report *r, const struct source *s) {
    if (r->sources.count > 1) {
        html_element(&r->html, "h3", NULL, s->label);
    }
}

/* "traffic of chat: ..." stands in the text as written, with a capital. */
static const char *sentence(struct report *r, const char *text) {
    bool small = *text >= 'a' && *text <= 'z';
    return small ? arena_printf(r->arena, "%c%s", *text - 'a' + 'A', text + 1) : text;
}

static void append_item(struct report *r, const char *kind, const char *text) {
    strbuf_append(&r->html, "<li>");
    if (kind) {
        html_element(&r->html, "b", NULL, kind);
        strbuf_char(&r->html, ' ');
    }
    html_text(&r->html, kind ? text : sentence(r, text));
    strbuf_append(&r->html, "</li>\n");
}

static void append_warnings(struct report *r, const struct source *s) {
    struct json_object *list = json_read_at(s->summary, "warnings");
    size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < n; i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(list, i));
        append_item(r, "Warning:", text ? text : "");
    }
}

/* A line an item. */
static bool append_lines(struct report *r, const struct source *s, const char *kind, const char *name,
                         struct error *err) {
    const char *text;
    if (!result_text(s->result, name, r->arena, &text, err)) {
        return false;
    }
    while (text && *text) {
        size_t n = strcspn(text, "\n");
        if (n) {
            append_item(r, kind, arena_strndup(r->arena, text, n));
        }
        text += n + (text[n] == '\n');
    }
    return true;
}

static bool append_source(struct report *r, size_t i, struct error *err) {
    const struct source *s = &r->sources.items[i];
    struct strbuf page = r->html;
    r->html = (struct strbuf){0};
    strbuf_append(&r->html, "<ul>\n");
    append_warnings(r, s);
    bool done = append_lines(r, s, NULL, "provenance/assumptions", err);
    strbuf_append(&r->html, "</ul>\n");
    struct strbuf own = r->html;
    r->html = page;
    if (strstr(r->html.text, own.text)) { /* another result has said the same */
        html_element(&r->html, "p", NULL, arena_printf(r->arena, "%s: as before.", s->label));
    } else {
        append_label(r, s);
        strbuf_append(&r->html, own.text);
    }
    strbuf_free(&own);
    return done;
}

bool section_assumptions(struct report *r, struct error *err) {
    report_paragraph(
        r, "All figures are simulated, by a model of the platform from measured service times: no running "
           "system was measured. Latencies are where the user is, from send to first and last token.");
    for (size_t i = 0; i < r->sources.count; i++) {
        if (!append_source(r, i, err)) {
            return false;
        }
    }
    strbuf_append(
        &r->html,
        "<details><summary>What the words mean</summary>\n<dl>"
        "<dt>TTFT</dt><dd>Time to first token: from sending a request to the first token.</dd>"
        "<dt>TPOT</dt><dd>Time per output token after the first: (E2E \xE2\x88\x92 TTFT) / (output tokens "
        "\xE2\x88\x92 1).</dd>"
        "<dt>ITL</dt><dd>Inter-token latency: every gap between two tokens, each counted.</dd>"
        "<dt>E2E</dt><dd>From sending a request to its last token.</dd>"
        "<dt>p95</dt><dd>95\xC2\xA0% of requests were at most as slow. In objectives, requests that were "
        "rejected, timed out or failed count as infinitely slow.</dd>"
        "<dt>Goodput</dt><dd>Requests a second that were completed and met every objective of theirs.</dd>"
        "<dt>SLO attainment</dt><dd>The share of all requests that did so.</dd>"
        "<dt>Idle, start-up, drain</dt><dd>Paid-for time without work: Ready but unused or free; from "
        "provisioning to Ready; from being told to stop to being gone.</dd></dl></details>\n");
    return true;
}
