/* What it takes to run again: scenario, manifests, checksums of the traces, version, seed. No paths, no
 * dates. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "config/yaml.h"
#include "drydock.h"
#include "run/world.h"

static bool trace_sums(const struct world *w, struct strbuf *out, struct error *err) {
    for (size_t i = 0; i < w->scenario.trace_count; i++) {
        const struct trace_config *t = &w->scenario.traces[i];
        char sum[SHA256_TEXT_BYTES] = "";
        if (t->file && !file_is_directory(t->file) && !sha256_file(t->file, sum, err)) {
            return false;
        }
        if (t->file) {
            strbuf_printf(out, "%s sha256:%s\n", path_base(t->file), sum);
        } else {
            strbuf_printf(out, "%s\n", t->preset ? t->preset : "synth");
        }
    }
    return true;
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

/* A trace given by --trace stands in the resolved scenario with the absolute path it was found at; what is
 * kept is its name, since its bytes are told by the checksum and the path is this machine's. */
static void forget_paths(const struct world *w) {
    struct yaml_node *traces = yaml_path(w->scenario.tree, "spec.traces");
    for (size_t i = 0; traces && i < traces->count; i++) {
        struct yaml_node *file = yaml_get(traces->items[i], "file");
        if (file && file->text[0] == '/') {
            file->text = path_base(file->text);
        }
    }
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
    struct strbuf sums = {0};
    ok = ok && trace_sums(w, &sums, err) &&
         recorder_provenance(w->recorder, "traces", sums.text ? sums.text : "", err);
    strbuf_free(&sums);
    return ok;
}
