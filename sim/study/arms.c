/* arms.json. */
#include "study/arms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drydock.h"
#include "record/headline.h"
#include "study/fold.h"

struct study_case *arms_cases(const struct scenario *scenario, const struct run_options *run,
                              struct arena *arena) {
    struct study_case *cases = arena_array(arena, scenario->arm_count, sizeof *cases);
    for (size_t i = 0; i < scenario->arm_count; i++) {
        cases[i] = (struct study_case){.name = scenario->arms[i].name, .run = *run};
        cases[i].run.overrides.arm = scenario->arms[i].name;
    }
    return cases;
}

size_t arms_finished(const struct arms *arms) {
    size_t n = 0;
    for (size_t i = 0; i < arms->study->case_count; i++) {
        n += arms->outcomes[i].finished;
    }
    return n;
}

/* ---- what an arm sets ---- */

static struct json_object *scalar_json(const struct yaml_node *node) {
    char *end;
    double value = number_read(node->text, &end);
    if (node->quoted || node->text[0] == '\0') {
        return json_object_new_string(node->text);
    }
    if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0) {
        return json_object_new_boolean(node->text[0] == 't');
    }
    return *end == '\0' && isfinite(value) ? fold_number(value, false) : json_object_new_string(node->text);
}

static struct json_object *node_json(const struct yaml_node *node) {
    struct json_object *o = NULL;
    switch (node->kind) {
    case YAML_NULL:
        break;
    case YAML_SCALAR:
        o = scalar_json(node);
        break;
    case YAML_SEQUENCE:
        o = json_object_new_array();
        for (size_t i = 0; i < node->count; i++) {
            json_object_array_add(o, node_json(node->items[i]));
        }
        break;
    case YAML_MAPPING:
        o = json_object_new_object();
        for (size_t i = 0; i < node->count; i++) {
            json_object_object_add(o, node->pairs[i].key, node_json(node->pairs[i].value));
        }
        break;
    }
    return o;
}

static struct json_object *arm_json(const struct arm_config *arm) {
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "name", json_object_new_string(arm->name));
    if (arm->description) {
        json_object_object_add(o, "description", json_object_new_string(arm->description));
    }
    json_object_object_add(o, "set", arm->set ? node_json(arm->set) : json_object_new_object());
    return o;
}

/* ---- figures ---- */

/* The values of a figure lie arm by arm, replication by replication. */
static struct json_object *compare(void *context, const double *values, size_t count, bool money) {
    const struct arms *arms = context;
    size_t replications = arms->study->replications;
    struct json_object *all = json_object_new_object();
    for (size_t i = 0; i < count / replications; i++) {
        const double *own = values + i * replications;
        struct interval mean = interval_of(own, replications);
        if (mean.n == 0) {
            continue;
        }
        struct json_object *o = interval_json(&mean, money);
        if (i > 0 && arms->outcomes[0].finished) {
            struct interval difference = interval_of_difference(values, own, replications);
            struct interval relative = interval_of_change(values, own, replications);
            json_object_object_add(o, "difference", interval_json(&difference, money));
            json_object_object_add(o, "relative", interval_json(&relative, false));
        }
        json_object_object_add(all, arms->scenario->arms[i].name, o);
    }
    return all;
}

static bool has_too_many_tenants(struct json_object *const *summaries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct json_object *tenants;
        if (json_object_object_get_ex(summaries[i], "tenants", &tenants) &&
            json_object_object_length(tenants) > ARMS_TENANTS_MAX) {
            return true;
        }
    }
    return false;
}

static struct json_object *metrics_json(const struct arms *arms) {
    size_t replications = arms->study->replications;
    size_t count = arms->study->case_count * replications;
    struct json_object **summaries = mem_zalloc(count, sizeof *summaries);
    for (size_t i = 0; i < arms->study->case_count; i++) {
        const struct study_outcome *outcome = &arms->outcomes[i];
        if (outcome->finished) {
            memcpy(summaries + i * replications, outcome->summaries, replications * sizeof *summaries);
        }
    }
    struct fold fold = {.figure = compare, .context = (void *)(uintptr_t)arms, .flat = true};
    fold.without_tenants = has_too_many_tenants(summaries, count);
    struct json_object *metrics = fold_summaries(summaries, count, &fold);
    free(summaries);
    return metrics;
}

uint64_t arms_replications(const struct arms *arms) {
    uint64_t most = 0;
    for (size_t i = 0; i < arms->study->case_count; i++) {
        const struct study_outcome *outcome = &arms->outcomes[i];
        most = outcome->finished && outcome->replications > most ? outcome->replications : most;
    }
    return most;
}

void arms_json(const struct arms *arms, struct strbuf *out) {
    struct json_object *o = json_object_new_object();
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < arms->study->case_count; i++) {
        if (arms->outcomes[i].finished) {
            json_object_array_add(list, arm_json(&arms->scenario->arms[i]));
        }
    }
    json_object_object_add(o, "schema", json_object_new_string(ARMS_SCHEMA));
    json_object_object_add(o, "drydock_version", json_object_new_string(DD_VERSION));
    json_object_object_add(o, "scenario", json_object_new_string(arms->scenario->name));
    json_object_object_add(o, "seed", json_object_new_uint64(arms->study->cases[0].run.seed));
    json_object_object_add(o, "replications", json_object_new_uint64(arms_replications(arms)));
    json_object_object_add(o, "arms", list);
    json_object_object_add(o, "metrics", metrics_json(arms));
    strbuf_append(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                             JSON_C_TO_STRING_NOSLASHESCAPE));
    strbuf_char(out, '\n');
    json_object_put(o);
}
