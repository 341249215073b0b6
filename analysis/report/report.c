#include "analysis/report/report.h"

#include <math.h>
#include <string.h>

#include "analysis/report/embedded.h"
#include "analysis/report/page.h"
#include "analysis/report/plot.h"
#include "base/file.h"
#include "base/progress.h"

const char *const *report_heads(struct report *r, const char *first) {
    const char **heads = arena_array(r->arena, 1 + r->sources.count, sizeof *heads);
    heads[0] = first;
    for (size_t i = 0; i < r->sources.count; i++) {
        heads[1 + i] = r->sources.count == 1 ? "Value" : r->sources.items[i].label;
    }
    return heads;
}

unsigned report_numbers(const struct report *r) {
    (void)r;
    return ~1u;
}

bool report_knows(const struct report *r, const char *path) {
    for (size_t i = 0; i < r->sources.count; i++) {
        if (!isnan(summary_figure(r->sources.items[i].summary, path))) {
            return true;
        }
    }
    return false;
}

bool report_replicated(const struct report *r) {
    for (size_t i = 0; i < r->sources.count; i++) {
        if (summary_figure(r->sources.items[i].summary, "replications") > 1) {
            return true;
        }
    }
    return false;
}

void report_paragraph(struct report *r, const char *text) {
    html_element(&r->html, "p", NULL, text);
    strbuf_char(&r->html, '\n');
}

/* ---- the page ---- */

static const char *title_of(struct report *r) {
    const struct sources *all = &r->sources;
    if (all->count == 1 || sources_same_scenario(all)) {
        return *all->items[0].scenario ? all->items[0].scenario : "A result";
    }
    struct strbuf text = {0};
    for (size_t i = 0; i < all->count; i++) {
        strbuf_printf(&text, "%s%s", i == 0 ? "" : i + 1 < all->count ? ", " : " and ", all->items[i].label);
    }
    const char *title = arena_strdup(r->arena, text.text);
    strbuf_free(&text);
    return title;
}

static void append_head(struct report *r) {
    const char *title = html_label(r->arena, title_of(r), 200);
    strbuf_append(&r->html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                            "<meta name=\"color-scheme\" content=\"light dark\">\n");
    html_element(&r->html, "title", NULL, arena_printf(r->arena, "%s \xE2\x80\x93 Drydock report", title));
    strbuf_printf(&r->html, "\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<p class=\"kind\">",
                  embedded_text("report.css"));
    strbuf_append(&r->html, r->sources.arms        ? "Drydock: arms compared</p>\n"
                            : r->sources.count > 1 ? "Drydock: results compared</p>\n"
                                                   : "Drydock: simulation report</p>\n");
    html_element(&r->html, "h1", NULL, title);
    strbuf_append(&r->html, "\n</header>\n<main>\n");
}

/* "seed 1", or of results under different ones that of each. */
static const char *seed_of(struct report *r) {
    const char *first = json_object_to_json_string(json_read_at(r->sources.items[0].summary, "seed"));
    for (size_t i = 1; i < r->sources.count; i++) {
        struct json_object *seed = json_read_at(r->sources.items[i].summary, "seed");
        if (strcmp(json_object_to_json_string(seed), first) != 0) {
            return "the first seed of each result";
        }
    }
    return arena_printf(r->arena, "seed %s", first);
}

static void append_one_run(struct report *r) {
    html_element(&r->html, "p", "class=\"absent\"",
                 arena_printf(r->arena, "One run, %s: figures and pictures here are not means.", seed_of(r)));
}

/* A section that writes nothing has no heading and no entry in the contents. */
static bool append_section(struct report *r, const struct section *s, struct strbuf *contents,
                           struct error *err) {
    struct strbuf page = r->html;
    r->html = (struct strbuf){0};
    bool done = s->write(r, err);
    struct strbuf own = r->html;
    r->html = page;
    if (done && own.length) {
        strbuf_printf(&r->html, "<section id=\"%s\">\n", s->id);
        if (s->title) {
            html_element(&r->html, "h2", NULL, s->title);
            strbuf_printf(contents, "<a href=\"#%s\">%s</a>\n", s->id, s->title);
        }
        if (s->one_run && report_replicated(r)) {
            append_one_run(r);
        }
        strbuf_printf(&r->html, "%s</section>\n", own.text);
    }
    strbuf_free(&own);
    return done;
}

static const char contents_mark[] = "<!--contents-->";

/* The contents come before the sections and are known after them. */
static void put_contents(struct strbuf *html, const struct strbuf *contents) {
    struct strbuf all = {0};
    const char *at = strstr(html->text, contents_mark);
    strbuf_append_n(&all, html->text, (size_t)(at - html->text));
    strbuf_printf(&all, "<nav aria-label=\"Contents\">\n%s</nav>", contents->text ? contents->text : "");
    strbuf_append(&all, at + strlen(contents_mark));
    strbuf_free(html);
    *html = all;
}

static bool append_body(struct report *r, struct error *err) {
    struct strbuf contents = {0};
    bool done = true;
    append_head(r);
    for (const struct section *s = sections; s->id && done; s++) {
        done = append_section(r, s, &contents, err);
        if (done && !s->title && s[1].title) {
            strbuf_printf(&r->html, "%s\n", contents_mark);
        }
        if (done && interrupt_requested()) {
            done = error_set(err, ERROR_INTERRUPTED, "interrupted");
        }
    }
    strbuf_append(&r->html, "</main>\n</body>\n</html>\n");
    if (done) {
        put_contents(&r->html, &contents);
    }
    strbuf_free(&contents);
    return done;
}

static void make_view(struct report *r) {
    r->panels = arena_array(r->arena, r->sources.count, sizeof *r->panels);
    for (size_t i = 0; i < r->sources.count; i++) {
        const struct source *s = &r->sources.items[i];
        r->panels[i] = (struct panel){.source = s, .title = r->sources.count > 1 ? s->label : ""};
    }
    r->all = (struct view){.arena = r->arena, .panels = r->panels, .count = r->sources.count};
}

/* Whether arrivals over time are known of some result: without them nothing is known over time. */
static bool find_series(struct report *r, struct error *err) {
    for (size_t i = 0; i < r->all.count && !r->has_series; i++) {
        struct line line;
        if (!panel_line(&r->all, &r->panels[i], "arrivals_per_s", THIN_MEAN, &line, err)) {
            return false;
        }
        r->has_series = line.count > 0;
    }
    return true;
}

bool report_write(const struct report_options *options, struct arena *arena, const char **path,
                  struct error *err) {
    struct report r = {.arena = arena, .plots = options->plots};
    bool done =
        plot_available(err) && sources_open(options->results, options->result_count, arena, &r.sources, err);
    if (done) {
        make_view(&r);
        done = find_series(&r, err) && append_body(&r, err);
    }
    if (done) {
        *path = options->out ? options->out : path_join(arena, r.sources.folder, "report.html");
        done = file_write(*path, r.html.text, r.html.length, err);
    }
    strbuf_free(&r.html);
    sources_close(&r.sources);
    return done;
}
