/* The JSON Schemas of summary.json and result.h5. That of the summary is a table of the same keys that
 * summary.c writes, in the same order; a test validates what summary.c writes against it, so that neither can
 * go without the other. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "record/record.h"
#include "record/summary.h"
#include "record/summary_keys.h"

static const struct key request_keys[] = {
    {"arrived", ALWAYS, "count", "completed + rejected + timed_out + failed + unfinished"},
    {"completed", ALWAYS, "count", "requests that got their whole answer"},
    {"rejected", ALWAYS, "count", "turned away: queue full or no replica would take it"},
    {"timed_out", ALWAYS, "count", "given up before the first token"},
    {"failed", ALWAYS, "count", "requests that failed"},
    {"unfinished", ALWAYS, "count", "still under way at the end of the run"},
    {"attempts", ALWAYS, "count", "tries, retries included"},
    {"cancelled", ALWAYS, "count", "completed ones that their user stopped after the first token"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key latency_keys[] = {
    {"ttft_s", ALWAYS, "#distribution|null", "time to first token, where the user is"},
    {"tpot_s", ALWAYS, "#distribution|null", "time per output token: (E2E - TTFT) / (output tokens - 1)"},
    {"itl_s", ALWAYS, "#distribution|null", "gap between tokens, each gap counted"},
    {"e2e_s", ALWAYS, "#distribution|null", "time to last token, where the user is"},
    {"queue_s", ALWAYS, "#distribution|null", "from arrival to the start of the first work"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key distribution_keys[] = {
    {"n", ALWAYS, "count", "values counted"},
    {"excluded", ALWAYS, "count", "requests that have no such value"},
    {"mean", ALWAYS, "number|null", NULL},
    {"p50", ALWAYS, "number|null", NULL},
    {"p90", ALWAYS, "number|null", NULL},
    {"p95", ALWAYS, "number|null", NULL},
    {"p99", ALWAYS, "number|null", NULL},
    {"p999", ALWAYS, "number|null", NULL},
    {"max", ALWAYS, "number|null", NULL},
    {"infinite", WHERE_IT_APPLIES, "boolean", "a figure that is null is infinite"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key throughput_keys[] = {
    {"requests_per_s", ALWAYS, "number|null", "completed requests"},
    {"input_tokens_per_s", ALWAYS, "number|null", "prompt tokens"},
    {"output_tokens_per_s", ALWAYS, "number|null", "generated tokens"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key objective_keys[] = {
    {"metric", ALWAYS, "string", NULL},
    {"statistic", ALWAYS, "string|null", NULL},
    {"service", WHERE_IT_APPLIES, "string", "absent: all services together"},
    {"limit", ALWAYS, "number|null", NULL},
    {"at_least", WHERE_IT_APPLIES, "boolean", "the limit is a lower one"},
    {"value", ALWAYS, "number|null", "null: not known, or infinite"},
    {"infinite", WHERE_IT_APPLIES, "boolean", NULL},
    {"met", ALWAYS, "boolean", NULL},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key gate_keys[] = {
    {"metric", ALWAYS, "string", "a figure's path"},
    {"scope", WHERE_IT_APPLIES, "string", "service/NAME or tenant/NAME; absent: all"},
    {"min", WHERE_IT_APPLIES, "number", NULL},
    {"max", WHERE_IT_APPLIES, "number", NULL},
    {"value", ALWAYS, "number|null", "of latency_gate for a latency; null: not known, or infinite"},
    {"infinite", WHERE_IT_APPLIES, "boolean", NULL},
    {"held", ALWAYS, "boolean", "a gate without value is not"},
    {"level", ALWAYS, "string", "fail or warn"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key slo_keys[] = {
    {"attainment", WHERE_IT_APPLIES, "number|null", "share of all requests that met every objective"},
    {"objectives", WHERE_IT_APPLIES, "[]#objective", NULL},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key replica_keys[] = {
    {"mean", ALWAYS, "number|null", "replicas that are ready, over the time of the run"},
    {"max", ALWAYS, "number|null", "the most at a time"},
    {"replica_s", ALWAYS, "number|null", "time that replicas were ready, summed"},
    {"availability", WHERE_IT_APPLIES, "number|null",
     "that time over the time for which replicas were asked for; of runs in which something can break"},
    {"restarts", WHERE_IT_APPLIES, "count", "of containers, in those runs"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key gpu_keys[] = {
    {"hours", ALWAYS, "number|null", "GPU-hours held by pods on nodes that are there"},
    {"busy_fraction", ALWAYS, "number|null", "share of it in which they worked"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key scaling_keys[] = {
    {"decisions", ALWAYS, "count", "syncs of all autoscalers"},
    {"scale_ups", ALWAYS, "count", "decisions for more replicas"},
    {"scale_downs", ALWAYS, "count", "decisions for fewer"},
    {NULL, ALWAYS, NULL, NULL},
};

#define EQUALITY_KEYS                                                                                        \
    {"ratio", ALWAYS, "number|null", "of the group with most to that with least"},                           \
        {"worst", ALWAYS, "string", "the group that was served worst"},                                      \
        {"jain", ALWAYS, "number|null", "Jain's index: 1 is all alike, 1/n one has everything"}, {           \
        "infinite", WHERE_IT_APPLIES, "boolean", "the ratio is null for being infinite"                      \
    }

static const struct key equality_keys[] = {EQUALITY_KEYS, {NULL, ALWAYS, NULL, NULL}};

static const struct key grouped_keys[] = {
    {"by", ALWAYS, "string", "tenant, region or modality: the first of which there are several"},
    EQUALITY_KEYS,
    {"by_tenant", WHERE_IT_APPLIES, "#equality", NULL},
    {"by_region", WHERE_IT_APPLIES, "#equality", NULL},
    {"by_modality", WHERE_IT_APPLIES, "#equality", NULL},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key fairness_gap_keys[] = {
    {"largest", ALWAYS, "number|null", "distance of two backlogged tenants' counters, in weighted tokens"},
    {"bound", ALWAYS, "number|null", "what it may be (docs/admission.md)"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key fairness_keys[] = {
    {"attainment", WHERE_IT_APPLIES, "#grouped", "of SLO attainment"},
    {"ttft_p95", WHERE_IT_APPLIES, "#grouped", "of TTFT p95; who never got there is infinitely late"},
    {"goodput", WHERE_IT_APPLIES, "#grouped", "of good requests a second"},
    {"rejected", WHERE_IT_APPLIES, "#grouped", "of the share of requests that were rejected"},
    {"service_tokens", WHERE_IT_APPLIES, "#grouped", "of tokens served: 1 of a prompt, 2 of an answer"},
    {"usd_per_request", WHERE_IT_APPLIES, "#grouped", "of usage cost a completed request"},
    {"gap_tokens", WHERE_IT_APPLIES, "#fairness_gap", "where a service queues fairly"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key category_keys[] = {
    {"compute", ALWAYS, "number|null", "nodes"},
    {"network", ALWAYS, "number|null", "bytes between places"},
    {"storage", ALWAYS, "number|null", "volumes"},
    {"fixed", ALWAYS, "number|null", "what costs by the month, whatever is used"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key state_keys[] = {
    {"serving", ALWAYS, "number|null", "nodes with a ready replica"},
    {"start_up", ALWAYS, "number|null", "nodes and replicas that come"},
    {"idle", ALWAYS, "number|null", "what nobody uses"},
    {"drain", ALWAYS, "number|null", "replicas that go"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key cost_keys[] = {
    {"total_usd", ALWAYS, "number|null", "EffectiveCost of the window"},
    {"billed_usd", ALWAYS, "number|null", "BilledCost; equal without commitments"},
    {"month_usd", ALWAYS, "number|null", "a projection; null below 7 days"},
    {"usd_per_h", ALWAYS, "number|null", "over the time of the run"},
    {"usd_per_1k_requests", ALWAYS, "number|null", "over completed requests"},
    {"usd_per_1m_output_tokens", ALWAYS, "number|null", "over generated tokens of completed requests"},
    {"usd_per_good_request", ALWAYS, "number|null", "over requests that met every objective"},
    {"usage_usd", ALWAYS, "number|null", "what the work took"},
    {"allocated_usd", ALWAYS, "number|null", "with idle, start-up, drain and what is shared"},
    {"by_category", ALWAYS, "#cost_by_category", NULL},
    {"by_state", ALWAYS, "#cost_by_state", "of compute"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key carbon_keys[] = {
    {"kg", ALWAYS, "number|null", "CO2e of operation (location-based) and of making the hardware"},
    {"sci_g_per_request", ALWAYS, "number|null", "grams CO2e a completed request (ISO/IEC 21031)"},
    {NULL, ALWAYS, NULL, NULL},
};

#define SCOPE_KEYS                                                                                           \
    {"requests", ALWAYS, "#requests", NULL},                                                                 \
        {"latency", ALWAYS, "#latency", "of completed requests that arrived after warm-up"},                 \
        {"latency_gate", ALWAYS, "#latency",                                                                 \
         "what a gate judges: requests that never got there count as infinite"},                             \
        {"throughput", ALWAYS, "#throughput", NULL},                                                         \
        {"goodput_per_s", ALWAYS, "number|null", "completed requests that met every objective"},             \
        {"slo", WHERE_IT_APPLIES, "#slo", NULL}, {"replicas", WHERE_IT_APPLIES, "#replicas", NULL},          \
        {"gpu", WHERE_IT_APPLIES, "#gpu", NULL},                                                             \
        {"cost", WHERE_IT_APPLIES, "#cost", "decimals with nine places"},                                    \
        {"energy_kwh", WHERE_IT_APPLIES, "number|null", "of everything that was reserved, PUE included"}, {  \
        "carbon", WHERE_IT_APPLIES, "#carbon", NULL                                                          \
    }

const struct key summary_scope_keys[] = {SCOPE_KEYS, {NULL, ALWAYS, NULL, NULL}};

static const struct key scopes_keys[] = {{"", ALWAYS, "#scope", NULL}, {NULL, ALWAYS, NULL, NULL}};

const struct key summary_root_keys[] = {
    {"schema", ALWAYS, "=" SUMMARY_SCHEMA, NULL},
    {"drydock_version", ALWAYS, "string", NULL},
    {"scenario", ALWAYS, "string", "its name"},
    {"seed", ALWAYS, "count", NULL},
    {"replications", ALWAYS, "count", NULL},
    {"simulated_s", ALWAYS, "number", NULL},
    {"wall_s", WHERE_IT_APPLIES, "number", "in summary.json, not in /summary of result.h5"},
    {"events", ALWAYS, "count", "events of the simulation"},
    SCOPE_KEYS,
    {"services", WHERE_IT_APPLIES, "#scopes", "by service"},
    {"tenants", WHERE_IT_APPLIES, "#scopes", "by tenant"},
    {"fairness", WHERE_IT_APPLIES, "#fairness", "how alike groups of users were served"},
    {"scaling", WHERE_IT_APPLIES, "#scaling", "what autoscalers did"},
    {"replicated", WHERE_IT_APPLIES, "#replicated",
     "the figures over all replications, where there are more"},
    {"gates", WHERE_IT_APPLIES, "[]#gate", "min and max, judged; regressions are judged by a comparison"},
    {"warnings", ALWAYS, "[]string", NULL},
    {NULL, ALWAYS, NULL, NULL},
};

/* A figure over replications, in the place of a number. */
static const struct key figure_keys[] = {
    {"mean", ALWAYS, "number|null", "over the replications in which the figure existed"},
    {"ci95_low", ALWAYS, "number|null", "Student's interval at 95 %; null when n is below 2"},
    {"ci95_high", ALWAYS, "number|null", NULL},
    {"n", ALWAYS, "count", "replications in which the figure existed"},
    {"infinite", WHERE_IT_APPLIES, "boolean", "the mean is null for being infinite"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key judged_keys[] = {
    {"metric", ALWAYS, "string", NULL},
    {"statistic", ALWAYS, "string|null", NULL},
    {"service", WHERE_IT_APPLIES, "string", "absent: all services together"},
    {"limit", ALWAYS, "number|null", NULL},
    {"at_least", WHERE_IT_APPLIES, "boolean", "the limit is a lower one"},
    {"value", ALWAYS, "#figure", NULL},
    {"met", ALWAYS, "boolean", "by the mean"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct key judged_gate_keys[] = {
    {"metric", ALWAYS, "string", "a figure's path"},
    {"scope", WHERE_IT_APPLIES, "string", "service/NAME or tenant/NAME; absent: all"},
    {"min", WHERE_IT_APPLIES, "number", NULL},
    {"max", WHERE_IT_APPLIES, "number", NULL},
    {"level", ALWAYS, "string", "fail or warn"},
    {"value", ALWAYS, "#figure", NULL},
    {"held", ALWAYS, "boolean", "by the mean"},
    {NULL, ALWAYS, NULL, NULL},
};

static const struct shape shapes[] = {
    {"requests", "How requests ended. One counts once, whatever its attempts.", request_keys},
    {"distribution", "Quantiles are within 2^-11 of themselves of the exact ones; n, mean and max are exact.",
     distribution_keys},
    {"latency", "Seconds; null where no value was counted.", latency_keys},
    {"throughput", "Of completed requests, per simulated second.", throughput_keys},
    {"objective", NULL, objective_keys},
    {"gate", NULL, gate_keys},
    {"slo", NULL, slo_keys},
    {"replicas", NULL, replica_keys},
    {"gpu", NULL, gpu_keys},
    {"cost_by_category", NULL, category_keys},
    {"cost_by_state", NULL, state_keys},
    {"cost", "Dollars.", cost_keys},
    {"carbon", NULL, carbon_keys},
    {"fairness", "Groups are tenants, regions or modalities, where there are two or more.", fairness_keys},
    {"grouped", NULL, grouped_keys},
    {"equality", NULL, equality_keys},
    {"fairness_gap", "Of the service whose tenants came furthest apart.", fairness_gap_keys},
    {"scaling", "Of all autoscalers together.", scaling_keys},
    {"scope", "The figures of one service or tenant.", summary_scope_keys},
    {"scopes", NULL, scopes_keys},
    {"figure", "A figure over replications.", figure_keys},
    {"judged_objective", "An objective, judged on the mean over replications.", judged_keys},
    {"judged_gate", "A gate, judged on the mean over replications.", judged_gate_keys},
};

/* Keys of a summary that are no figures, or none of the simulated world. */
static const char *const unreplicated[] = {"seed", "replications", "wall_s", "replicated", NULL};

const struct key *summary_shape_keys(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strlen(shapes[i].name) == length && strncmp(shapes[i].name, name, length) == 0) {
            return shapes[i].keys;
        }
    }
    return NULL;
}

static void add_text(struct json_object *to, const char *key, const char *text) {
    if (text) {
        json_object_object_add(to, key, json_object_new_string(text));
    }
}

static struct json_object *type_schema(const char *type);

/* One alternative of a type. */
static struct json_object *simple_schema(const char *type) {
    struct json_object *o = json_object_new_object();
    if (type[0] == '#') {
        char place[64];
        snprintf(place, sizeof place, "#/$defs/%s", type + 1);
        add_text(o, "$ref", place);
    } else if (type[0] == '=') {
        add_text(o, "const", type + 1);
    } else if (strncmp(type, "[]", 2) == 0) {
        add_text(o, "type", "array");
        json_object_object_add(o, "items", type_schema(type + 2));
    } else if (strcmp(type, "count") == 0) {
        add_text(o, "type", "integer");
        json_object_object_add(o, "minimum", json_object_new_int(0));
    } else {
        add_text(o, "type", type);
    }
    return o;
}

static struct json_object *type_schema(const char *type) {
    const char *bar = strchr(type, '|');
    if (!bar) {
        return simple_schema(type);
    }
    char first[64];
    snprintf(first, sizeof first, "%.*s", (int)(bar - type), type);
    struct json_object *o = json_object_new_object();
    struct json_object *either = json_object_new_array();
    json_object_array_add(either, simple_schema(first));
    json_object_array_add(either, simple_schema(bar + 1));
    json_object_object_add(o, "anyOf", either);
    return o;
}

/* What stands under `replicated` in the place of a type: figures for numbers, the same for the objects that
 * hold them, NULL for what has no mean. */
static const char *replicated_type(const struct key *key, char out[64]) {
    for (size_t i = 0; unreplicated[i]; i++) {
        if (strcmp(key->name, unreplicated[i]) == 0) {
            return NULL;
        }
    }
    if (strcmp(key->type, "[]#objective") == 0) {
        return "[]#judged_objective";
    }
    if (strcmp(key->type, "[]#gate") == 0) {
        return "[]#judged_gate";
    }
    if (strncmp(key->type, "count", 5) == 0 || strncmp(key->type, "number", 6) == 0) {
        return "#figure|null";
    }
    snprintf(out, 64, "#replicated_%s", key->type + 1);
    return key->type[0] == '#' ? out : NULL;
}

/* Strict: a key that the table does not have is wrong. */
static void add_keys(struct json_object *to, const struct key *keys, bool replicated) {
    struct json_object *properties = json_object_new_object();
    struct json_object *required = json_object_new_array();
    struct json_object *additional = NULL;
    char other[64];
    for (; keys->name; keys++) {
        const char *type = replicated ? replicated_type(keys, other) : keys->type;
        if (!type) {
            continue;
        }
        struct json_object *o = type_schema(type);
        add_text(o, "description", keys->description);
        if (!*keys->name) {
            additional = o;
            continue;
        }
        json_object_object_add(properties, keys->name, o);
        if (keys->presence == ALWAYS) {
            json_object_array_add(required, json_object_new_string(keys->name));
        }
    }
    add_text(to, "type", "object");
    json_object_object_add(to, "properties", properties);
    json_object_object_add(to, "required", required);
    json_object_object_add(to, "additionalProperties",
                           additional ? additional : json_object_new_boolean(false));
}

static void print_schema(struct json_object *o, struct strbuf *out) {
    strbuf_append(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                             JSON_C_TO_STRING_NOSLASHESCAPE));
    strbuf_char(out, '\n');
    json_object_put(o);
}

/* "requests", or "replicated_requests"; the whole is "replicated". */
static void add_shape(struct json_object *to, const struct shape *shape, bool replicated) {
    char name[64];
    struct json_object *o = json_object_new_object();
    snprintf(name, sizeof name, "%s%s%s", replicated ? "replicated" : "",
             replicated && *shape->name ? "_" : "", shape->name);
    add_text(o, "description", replicated && *shape->name ? NULL : shape->description);
    add_keys(o, shape->keys, replicated);
    json_object_object_add(to, name, o);
}

static bool has_figures(const struct shape *shape) {
    static const struct key *const judged[] = {objective_keys, gate_keys, figure_keys, judged_keys,
                                               judged_gate_keys};
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++) {
        if (shape->keys == judged[i]) {
            return false;
        }
    }
    return true;
}

void summary_schema(struct strbuf *out) {
    struct json_object *o = json_object_new_object();
    add_text(o, "$schema", "https://json-schema.org/draft/2020-12/schema");
    add_text(o, "title", SUMMARY_SCHEMA);
    add_text(o, "description",
             "summary.json: the figures of a run, all in SI units. A part that does not apply is "
             "absent; a figure that is no number is null.");
    add_keys(o, summary_root_keys, false);
    struct json_object *definitions = json_object_new_object();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        add_shape(definitions, &shapes[i], false);
    }
    static const struct shape root = {"", "The figures over all replications, nested as in the summary.",
                                      summary_root_keys};
    add_shape(definitions, &root, true);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (has_figures(&shapes[i])) {
            add_shape(definitions, &shapes[i], true);
        }
    }
    json_object_object_add(o, "$defs", definitions);
    print_schema(o, out);
}

void summary_print_schema(void) {
    struct strbuf text = {0};
    summary_schema(&text);
    fputs(text.text, stdout);
    strbuf_free(&text);
}

/* ---- result.h5 ---- */

struct type_schema {
    const char *json; /* type of an item */
    const char *hdf5; /* as h5dump names it */
    bool null;        /* NaN in the file */
};

static struct type_schema schema_of(enum column_type type) {
    switch (type) {
    case COLUMN_F64:
    case COLUMN_SECONDS_PS:
        return (struct type_schema){"number", "H5T_IEEE_F64LE", true};
    case COLUMN_I64:
        return (struct type_schema){"integer", "H5T_STD_I64LE", false};
    case COLUMN_U64:
        return (struct type_schema){"integer", "H5T_STD_U64LE", false};
    case COLUMN_I32:
        return (struct type_schema){"integer", "H5T_STD_I32LE", false};
    case COLUMN_U32:
    case COLUMN_NAME:
        return (struct type_schema){"integer", "H5T_STD_U32LE", false};
    case COLUMN_U8:
        return (struct type_schema){"integer", "H5T_STD_U8LE", false};
    case COLUMN_ENUM8:
        return (struct type_schema){"string", "H5T_ENUM of H5T_STD_U8LE", false};
    case COLUMN_TEXT:
        break;
    }
    return (struct type_schema){"string", "H5T_STRING of variable length, UTF-8", false};
}

static struct json_object *item_type(struct type_schema type) {
    if (!type.null) {
        return json_object_new_string(type.json);
    }
    struct json_object *either = json_object_new_array();
    json_object_array_add(either, json_object_new_string(type.json));
    json_object_array_add(either, json_object_new_string("null"));
    return either;
}

static struct json_object *items_schema(const struct column *c) {
    struct json_object *items = json_object_new_object();
    json_object_object_add(items, "type", item_type(schema_of(c->type)));
    if (c->type == COLUMN_ENUM8) {
        struct json_object *names = json_object_new_array();
        for (size_t i = 0; c->names[i]; i++) {
            json_object_array_add(names, json_object_new_string(c->names[i]));
        }
        json_object_object_add(items, "enum", names);
    }
    return items;
}

static struct json_object *column_schema(const struct column *c) {
    struct json_object *o = json_object_new_object();
    add_text(o, "type", "array");
    add_text(o, "description", c->long_name);
    add_text(o, "units", c->units);
    add_text(o, "hdf5", schema_of(c->type).hdf5);
    if (c->dictionary) {
        struct strbuf path = {0};
        strbuf_printf(&path, "/names/%s", c->dictionary);
        add_text(o, "dictionary", path.text);
        strbuf_free(&path);
    }
    json_object_object_add(o, "items", items_schema(c));
    return o;
}

static struct json_object *object_schema(const char *description) {
    struct json_object *o = json_object_new_object();
    add_text(o, "type", "object");
    add_text(o, "description", description);
    return o;
}

static struct json_object *table_schema(const struct result_table_schema *t) {
    struct json_object *o = object_schema(t->long_name);
    struct json_object *properties = json_object_new_object();
    struct json_object *required = json_object_new_array();
    for (const struct column *c = t->columns; c->name; c++) {
        json_object_object_add(properties, c->name, column_schema(c));
        json_object_array_add(required, json_object_new_string(c->name));
    }
    json_object_object_add(o, "properties", properties);
    json_object_object_add(o, "required", required);
    json_object_object_add(o, "additionalProperties", json_object_new_boolean(false));
    return o;
}

/* The groups that every result has, whatever its tables. */
static void add_fixed_groups(struct json_object *properties) {
    static const struct {
        const char *name, *description, *values;
    } groups[] = {
        {"names", "The dictionaries: the index in a column is the place of its text here.",
         "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}"},
        {"timeseries",
         "Group of an object (groups within groups where its name has slashes), then one dataset a metric: "
         "value i is "
         "of the window from start_s + i * interval_s to the next, the last one to end_s (attributes; also "
         "units, "
         "cell_methods). Objects: all, services/<name>, pools/<pool>, cost.",
         "{\"type\": [\"object\", \"array\"]}"},
        {"provenance", "Texts that say what went into the run.", "{\"type\": [\"string\", \"object\"]}"},
    };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        struct json_object *o = object_schema(groups[i].description);
        json_object_object_add(o, "additionalProperties", json_tokener_parse(groups[i].values));
        json_object_object_add(properties, groups[i].name, o);
    }
    struct json_object *summary = json_object_new_object();
    add_text(summary, "type", "string");
    add_text(summary, "description",
             "The JSON of summary.json without wall_s (" SUMMARY_SCHEMA "; drydock schema summary).");
    json_object_object_add(properties, "summary", summary);
}

void result_schema(const struct result_table_schema *tables, struct strbuf *out) {
    struct json_object *o = json_object_new_object();
    add_text(o, "$schema", "https://json-schema.org/draft/2020-12/schema");
    add_text(o, "title", RESULT_SCHEMA);
    add_text(
        o, "description",
        "result.h5 (attribute schema of its root: " RESULT_SCHEMA ") read as JSON: a table is an object of "
        "columns, a column an array of its values; NaN is null, an enumeration its name. units, hdf5 and "
        "dictionary are notes: the attribute units, the type in the file, the path of the texts that an "
        "index "
        "means (4294967295: none).");
    add_text(o, "type", "object");
    struct json_object *properties = json_object_new_object();
    for (const struct result_table_schema *t = tables; t->path; t++) {
        json_object_object_add(properties, t->path + (*t->path == '/'), table_schema(t));
    }
    add_fixed_groups(properties);
    json_object_object_add(o, "properties", properties);
    json_object_object_add(o, "required", json_tokener_parse("[\"summary\", \"provenance\"]"));
    print_schema(o, out);
}
