/* What it takes to run again: scenario, manifests, checksums of the files that it names, version, seed. No
 * paths, no dates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/accounts.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "config/yaml.h"
#include "drydock.h"

/* A line with a file's name and the checksum of its bytes; a folder of chunks has none. */
static bool file_sum(const char *file, struct strbuf *out, struct error *err) {
    char sum[SHA256_TEXT_BYTES] = "";
    if (!file_is_directory(file) && !sha256_file(file, sum, err)) {
        return false;
    }
    strbuf_printf(out, "%s sha256:%s\n", path_base(file), sum);
    return true;
}

static bool trace_sums(const struct world *w, struct strbuf *out, struct error *err) {
    for (size_t i = 0; i < w->scenario.trace_count; i++) {
        const struct trace_config *t = &w->scenario.traces[i];
        if (t->file && !file_sum(t->file, out, err)) {
            return false;
        }
        if (!t->file) {
            strbuf_printf(out, "%s\n", t->preset ? t->preset : "synth");
        }
    }
    return true;
}

/* Prices that stand in the scenario itself are told by its own text. */
static bool price_sums(const struct world *w, struct strbuf *out, struct error *err) {
    bool is_file = w->has_prices && w->scenario.prices->kind == YAML_SCALAR;
    return !is_file || file_sum(w->price_book.file, out, err);
}

static bool carbon_sums(const struct world *w, struct strbuf *out, struct error *err) {
    const char *everywhere = w->carbon.everywhere.file;
    bool ok = !everywhere || file_sum(everywhere, out, err);
    for (size_t i = 0; ok && i < w->carbon.region_count; i++) {
        ok = !w->carbon.regions[i].file || file_sum(w->carbon.regions[i].file, out, err);
    }
    return ok;
}

/* Where the name of the file begins that a text starts with, if it starts with a file of this machine. */
static const char *skip_folders(const char *text) {
    const char *name = text;
    size_t n = *text == '/' ? strcspn(text, " \t\n\"',]}") : 0;
    for (size_t i = 0; i < n; i++) {
        name = text[i] == '/' ? text + i + 1 : name;
    }
    return name;
}

/* A setting on one line: a line end within a value of YAML is a blank. Of files that a scenario's value names
 * the name stays; a value of an object may begin with a slash and mean something else. */
static void append_setting(const char *setting, struct strbuf *out) {
    const char *value = setting + strcspn(setting, "=");
    bool of_object = setting[strcspn(setting, "./=")] == '/';
    const char *at = setting;
    while (*at) {
        if (at > value && !of_object && strchr("= \t\n\"'[{,", at[-1])) {
            at = skip_folders(at);
        }
        if (*at) {
            strbuf_char(out, strchr("\t\r\n", *at) ? ' ' : *at);
            at++;
        }
    }
    strbuf_char(out, '\n');
}

static bool settings(const struct world *w, struct strbuf *out, struct error *err) {
    (void)err;
    for (size_t i = 0; i < w->scenario.set_count; i++) {
        append_setting(w->scenario.set[i], out);
    }
    return true;
}

static bool arm(const struct world *w, struct strbuf *out, struct error *err) {
    (void)err;
    strbuf_append(out, w->scenario.arm ? w->scenario.arm : "");
    return true;
}

static bool assumptions(const struct world *w, struct strbuf *out, struct error *err) {
    (void)err;
    assumptions_append(w, out);
    return true;
}

/* A text of lines under a name; `always` keeps an empty one too. */
static bool keep_lines(const struct world *w, const char *name, bool always,
                       bool (*lines_of)(const struct world *, struct strbuf *, struct error *),
                       struct error *err) {
    struct strbuf sums = {0};
    bool ok = lines_of(w, &sums, err);
    if (ok && (sums.length > 0 || always)) {
        ok = recorder_provenance(w->recorder, name, sums.text ? sums.text : "", err);
    }
    strbuf_free(&sums);
    return ok;
}

/* One YAML text of `count` documents. */
static bool trees_text(const struct world *w, const char *name, struct yaml_node *const *trees, size_t count,
                       struct error *err) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out) {
        return error_errno(err, "provenance", "could not be kept");
    }
    for (size_t i = 0; i < count; i++) {
        if (count > 1) {
            fputs("---\n", out);
        }
        yaml_print(out, trees[i], 0);
    }
    fclose(out);
    bool ok = recorder_provenance(w->recorder, name, text, err);
    free(text);
    return ok;
}

static void forget_path(struct yaml_node *file) {
    if (file && file->kind == YAML_SCALAR && file->text[0] == '/') {
        file->text = path_base(file->text);
    }
}

static void forget_paths_of(struct yaml_node *list, const char *key) {
    for (size_t i = 0; list && list->kind == YAML_SEQUENCE && i < list->count; i++) {
        forget_path(yaml_get(list->items[i], key));
    }
}

/* A trace given by --trace stands in the resolved scenario with the absolute path it was found at, and others
 * may be written so; what is kept is the name, since the bytes are told by the checksum and the path is this
 * machine's. */
static void forget_paths(const struct world *w) {
    struct yaml_node *tree = w->scenario.tree;
    forget_paths_of(yaml_path(tree, "spec.traces"), "file");
    forget_path(yaml_path(tree, "spec.prices"));
    forget_path(yaml_path(tree, "spec.carbon.series"));
    forget_paths_of(yaml_path(tree, "spec.carbon.regions"), "series");
}

bool provenance_write(struct world *w, struct error *err) {
    char number[32];
    snprintf(number, sizeof number, "%llu", (unsigned long long)w->seed);
    const struct manifests *m = &w->scenario.manifests;
    forget_paths(w);
    bool ok = recorder_provenance(w->recorder, "drydock_version", DD_VERSION, err) &&
              recorder_provenance(w->recorder, "seed", number, err) &&
              recorder_provenance(w->recorder, "scenario", w->scenario.text, err) &&
              trees_text(w, "resolved_scenario", &w->scenario.tree, 1, err) &&
              trees_text(w, "manifests", m->trees, m->tree_count, err);
    return ok && keep_lines(w, "arm", false, arm, err) && keep_lines(w, "set", false, settings, err) &&
           keep_lines(w, "traces", true, trace_sums, err) &&
           keep_lines(w, "prices", false, price_sums, err) &&
           keep_lines(w, "carbon", false, carbon_sums, err) &&
           keep_lines(w, "assumptions", false, assumptions, err);
}
