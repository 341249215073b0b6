#include "record/figure.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "record/summary_keys.h"

static const char latency[] = "latency.";

/* ---- what a name says ---- */

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static const char *last_part(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot + 1 : path;
}

/* Beside a distribution's values stands how many there are. */
static bool is_count_of_values(const char *part) {
    return strcmp(part, "n") == 0 || strcmp(part, "excluded") == 0;
}

enum unit_kind figure_unit(const char *path) {
    const char *part = last_part(path);
    if (begins(path, latency)) {
        return is_count_of_values(part) ? UNIT_NUMBER : UNIT_DURATION;
    }
    if (begins(path, "cost.")) {
        return strcmp(part, "usd_per_h") == 0 ? UNIT_USD_PER_H : UNIT_USD;
    }
    if (strcmp(part, "attainment") == 0 || strcmp(part, "availability") == 0 ||
        str_ends_with(part, "fraction")) {
        return UNIT_FRACTION;
    }
    if (str_ends_with(part, "_per_s")) {
        return UNIT_RATE;
    }
    return str_ends_with(part, "_s") ? UNIT_DURATION : UNIT_NUMBER;
}

static bool more_is_better(const char *path) {
    static const char *const beginnings[] = {"slo.",
                                             "goodput_per_s",
                                             "throughput.",
                                             "gpu.busy_fraction",
                                             "requests.completed",
                                             "replicas.availability"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (begins(path, beginnings[i])) {
            return true;
        }
    }
    return strcmp(last_part(path), "jain") == 0;
}

const char *figure_judged(const char *path, char out[FIGURE_PATH_BYTES]) {
    if (begins(path, latency)) {
        snprintf(out, FIGURE_PATH_BYTES, "latency_gate.%s", path + strlen(latency));
    } else {
        snprintf(out, FIGURE_PATH_BYTES, "%s", path);
    }
    return out;
}

/* ---- which there are ---- */

struct walk {
    figure_visitor *each;
    void *context;
    char path[FIGURE_PATH_BYTES];
    bool of_run;
};

/* A distribution's figures are statistics of the metric that holds them. */
static bool visit(struct walk *w, const char *help, bool statistic) {
    char metric[FIGURE_PATH_BYTES];
    struct figure f = {.path = w->path,
                       .metric = metric,
                       .statistic = statistic ? last_part(w->path) : NULL,
                       .help = help != NULL ? help : "",
                       .unit = figure_unit(w->path),
                       .more_is_better = more_is_better(w->path),
                       .of_run = w->of_run};
    snprintf(metric, sizeof metric, "%.*s",
             (int)(strlen(w->path) - (statistic ? strlen(f.statistic) + 1 : 0)), w->path);
    return w->each(w->context, &f);
}

static bool is_number(const struct key *key) {
    return begins(key->type, "count") || begins(key->type, "number");
}

static bool walk_keys(struct walk *w, const struct key *keys, const char *help, bool distribution);

/* A key that is a figure, or an object that holds some. Lists, texts and flags are no figures, nor are maps
 * whose keys are names. */
static bool walk_key(struct walk *w, const struct key *key, const char *help, bool distribution) {
    size_t length = strlen(w->path);
    bool go_on = true;
    snprintf(w->path + length, sizeof w->path - length, "%s%s", length > 0 ? "." : "", key->name);
    if (is_number(key)) {
        go_on = visit(w, distribution ? help : key->description, distribution);
    } else if (key->type[0] == '#') {
        size_t n = strcspn(key->type + 1, "|");
        const struct key *keys = summary_shape_keys(key->type + 1, n);
        bool inner = strncmp(key->type + 1, "distribution", n) == 0;
        go_on = keys == NULL || walk_keys(w, keys, inner ? key->description : NULL, inner);
    }
    w->path[length] = '\0';
    return go_on;
}

static bool walk_keys(struct walk *w, const struct key *keys, const char *help, bool distribution) {
    for (; keys->name != NULL && keys->name[0] != '\0'; keys++) {
        if (!walk_key(w, keys, help, distribution)) {
            return false;
        }
    }
    return true;
}

static bool is_of_scopes(const char *name) {
    for (const struct key *key = summary_scope_keys; key->name != NULL; key++) {
        if (strcmp(key->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Numbers that only the whole run has (seed, wall_s, events) say what was run, not what came of it. */
void figures_each(figure_visitor *each, void *context) {
    struct walk w = {.each = each, .context = context};
    for (const struct key *key = summary_root_keys; key->name != NULL; key++) {
        w.of_run = !is_of_scopes(key->name);
        bool judged_elsewhere = strcmp(key->name, "latency_gate") == 0;
        if (!judged_elsewhere && !(w.of_run && is_number(key)) && !walk_key(&w, key, NULL, false)) {
            return;
        }
    }
}
