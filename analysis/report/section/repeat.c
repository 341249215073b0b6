/* How to get these figures again, and how to see that they are the same. */
#include <math.h>
#include <string.h>

#include "analysis/report/page.h"
#include "analysis/report/say.h"
#include "base/hash.h"

static void append_row(struct html_table *t, const char *name, const char *text) {
    html_cell(t, name);
    html_cell(t, text);
}

/* As a word of a shell: in quotes where it has to be. */
static void append_word(struct strbuf *command, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+";
    if (*word && word[strspn(word, plain)] == '\0') {
        strbuf_append(command, word);
        return;
    }
    strbuf_char(command, '\'');
    for (; *word; word++) {
        strbuf_append(command, *word == '\'' ? "'\\''" : (const char[]){*word, '\0'});
    }
    strbuf_char(command, '\'');
}

/* Whether a text has NAME, without a folder, as the value of a key `file`. */
static bool names_file(const char *text, const char *name) {
    static const char key[] = "file:";
    size_t n = strlen(name);
    for (const char *at = text; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        const char *value = at + strspn(at, " \"'");
        if (strncmp(value, name, n) == 0 && strchr(" \t\r\n\"',}#", value[n])) {
            return true;
        }
    }
    return false;
}

/* A file that was given with --trace stands in the resolved scenario by its bare name, and does not in the
 * scenario itself. */
static bool was_given(const char *scenario, const char *resolved, const char *name) {
    return names_file(resolved, name) && !names_file(scenario, name);
}

static bool append_trace_options(struct report *r, const struct source *s, struct strbuf *command,
                                 struct error *err) {
    const char *scenario;
    const char *resolved;
    const char *traces;
    if (!result_text(s->result, "provenance/scenario", r->arena, &scenario, err) ||
        !result_text(s->result, "provenance/resolved_scenario", r->arena, &resolved, err) ||
        !result_text(s->result, "provenance/traces", r->arena, &traces, err)) {
        return false;
    }
    while (scenario && resolved && traces && *traces) {
        size_t n = strcspn(traces, "\n");
        const char *line = arena_strndup(r->arena, traces, n);
        const char *sum = strstr(line, " sha256:");
        const char *name = sum ? arena_strndup(r->arena, line, (size_t)(sum - line)) : NULL;
        if (name && was_given(scenario, resolved, name)) {
            strbuf_append(command, " --trace ");
            append_word(command, name);
        }
        traces += n + (traces[n] == '\n');
    }
    return true;
}

/* An option for each line of a text of the provenance. */
static bool append_options(struct report *r, const struct source *s, const char *option, const char *path,
                           struct strbuf *command, struct error *err) {
    const char *text;
    if (!result_text(s->result, path, r->arena, &text, err)) {
        return false;
    }
    while (text && *text) {
        size_t n = strcspn(text, "\n");
        strbuf_printf(command, " %s ", option);
        append_word(command, arena_strndup(r->arena, text, n));
        text += n + (text[n] == '\n');
    }
    return true;
}

/* A result from before arms were kept still has its name in the comparison. */
static bool append_arm(struct report *r, const struct source *s, struct strbuf *command, struct error *err) {
    size_t before = command->length;
    bool done = append_options(r, s, "--arm", "provenance/arm", command, err);
    if (done && command->length == before && r->sources.arms) {
        strbuf_append(command, " --arm ");
        append_word(command, s->name);
    }
    return done;
}

static bool append_command(struct report *r, const struct source *s, struct error *err) {
    double replications = summary_figure(s->summary, "replications");
    struct strbuf text = {0};
    strbuf_append(&text, "drydock run ");
    append_word(&text, *s->scenario ? s->scenario : "SCENARIO");
    strbuf_printf(&text, " --seed %s", json_object_to_json_string(json_read_at(s->summary, "seed")));
    bool done = append_arm(r, s, &text, err);
    if (replications > 1) {
        strbuf_printf(&text, " --reps %.0f", replications);
    }
    done = done && append_trace_options(r, s, &text, err) &&
           append_options(r, s, "--set", "provenance/set", &text, err);
    if (done) {
        html_element(&r->html, "pre", "tabindex=\"0\"", text.text);
    }
    strbuf_free(&text);
    return done;
}

static bool append_sum(struct report *r, struct html_table *t, const struct source *s, const char *name,
                       const char *path, struct error *err) {
    const char *text;
    char sum[SHA256_TEXT_BYTES];
    if (!result_text(s->result, path, r->arena, &text, err)) {
        return false;
    }
    if (text) {
        sha256_text(text, strlen(text), sum);
        append_row(t, name, arena_printf(r->arena, "sha256:%s", sum));
    }
    return true;
}

/* Names and checksums of the files that went in, a line each. */
static bool append_files(struct report *r, struct html_table *t, const struct source *s, const char *name,
                         const char *path, struct error *err) {
    const char *text;
    if (!result_text(s->result, path, r->arena, &text, err)) {
        return false;
    }
    while (text && *text) {
        size_t n = strcspn(text, "\n");
        append_row(t, name, arena_strndup(r->arena, text, n));
        text += n + (text[n] == '\n');
    }
    return true;
}

static bool append_texts(struct report *r, const struct source *s, struct error *err) {
    static const struct {
        const char *path, *name;
    } texts[] = {{"provenance/resolved_scenario", "The scenario, with what was set on the command line"},
                 {"provenance/manifests", "The manifests"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text;
        if (!result_text(s->result, texts[i].path, r->arena, &text, err)) {
            return false;
        }
        if (text && *text) {
            strbuf_append(&r->html, "<details>");
            html_element(&r->html, "summary", NULL,
                         r->sources.count == 1 ? texts[i].name
                                               : arena_printf(r->arena, "%s: %s", s->label, texts[i].name));
            html_element(&r->html, "pre", "tabindex=\"0\"", text);
            strbuf_append(&r->html, "</details>\n");
        }
    }
    return true;
}

static bool append_source(struct report *r, const struct source *s, struct error *err) {
    static const char *const heads[] = {"What", "Which"};
    char sum[SHA256_TEXT_BYTES];
    if (!sha256_file(s->path, sum, err)) {
        return false;
    }
    if (!append_command(r, s, err)) {
        return false;
    }
    struct html_table t = html_table_begin(
        &r->html, r->sources.count == 1 ? "Provenance" : arena_printf(r->arena, "Provenance of %s", s->label),
        heads, 2, 0);
    append_row(&t, "Drydock", json_read_text(s->summary, "drydock_version"));
    append_row(&t, "Seed", json_object_to_json_string(json_read_at(s->summary, "seed")));
    append_row(&t, "Runs", say_count(r->arena, summary_figure(s->summary, "replications")));
    bool done = append_files(r, &t, s, "Trace", "provenance/traces", err) &&
                append_files(r, &t, s, "Prices", "provenance/prices", err) &&
                append_files(r, &t, s, "Carbon intensity", "provenance/carbon", err) &&
                append_sum(r, &t, s, "Scenario as run", "provenance/resolved_scenario", err) &&
                append_sum(r, &t, s, "Manifests", "provenance/manifests", err);
    append_row(&t, "result.h5", arena_printf(r->arena, "sha256:%s", sum));
    html_table_end(&t);
    return done && append_texts(r, s, err);
}

bool section_repeat(struct report *r, struct error *err) {
    report_paragraph(
        r, "The same scenario, seed and version give the same bytes of result.h5 on any x86-64 machine. The "
           "name after run stands for the scenario's folder, and other names for the files of that name "
           "and sum.");
    for (size_t i = 0; i < r->sources.count; i++) {
        if (!append_source(r, &r->sources.items[i], err)) {
            return false;
        }
    }
    return true;
}
