/* What depends on several keys of one element, and what follows from several lists. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "scenario/scenario_parts.h"

const char scenario_registry[] = "registry";
const char scenario_models[] = "models";

const char scenario_name_expected[] =
    "expected at most 64 letters, digits, '-', '_' and '.', a letter or digit first";

bool scenario_name_is_safe(const char *name) {
    size_t length = strlen(name);
    bool good = length <= 64 && isalnum((unsigned char)name[0]);
    for (size_t i = 0; i < length; i++) {
        good = good && (isalnum((unsigned char)name[i]) || strchr("-_.", name[i]) != NULL);
    }
    return good;
}

/* ---- single elements ---- */

bool scenario_finish_trace(struct field_reader *reader, const struct yaml_node *node, void *element) {
    struct trace_config *trace = element;
    int sources = (trace->file != NULL) + (trace->preset != NULL) + (trace->synth != NULL);
    if (sources != 1) {
        return field_error(reader, node, NULL, "expected exactly one of file, preset and synth, found %s",
                           sources == 0 ? "none" : "several");
    }
    if (trace->synth != NULL && trace->synth->kind != YAML_MAPPING) {
        return field_error(reader, node, "synth", "expected a mapping of parameters");
    }
    if (trace->file == NULL && (trace->columns != NULL || trace->format != NULL)) {
        return field_error(reader, node, trace->columns != NULL ? "columns" : "format",
                           "expected this beside `file` only");
    }
    return true;
}

bool scenario_finish_pool(struct field_reader *reader, const struct yaml_node *node, void *element) {
    struct pool_config *pool = element;
    if (pool->gpus < 0) {
        pool->gpus = pool->gpu != NULL;
    }
    if (pool->gpus > 0 && pool->gpu == NULL) {
        return field_error(reader, node, "gpus", "expected `gpu`, the kind, beside a number of GPUs");
    }
    if (pool->gpus == 0 && pool->gpu != NULL) {
        return field_error(reader, node, "gpus", "expected at least 1 where `gpu` names a kind");
    }
    if (pool->max < 0) {
        pool->max = pool->min > 1 ? pool->min : 1;
    }
    if (pool->min > pool->max) {
        return field_error(reader, node, "min", "expected at most max (%lld), found %lld",
                           (long long)pool->max, (long long)pool->min);
    }
    return true;
}

bool scenario_finish_link(struct field_reader *reader, const struct yaml_node *node, void *element) {
    struct link_config *link = element;
    if (strcmp(link->from, link->to) == 0) {
        return field_error(reader, node, "to", "expected another end than `from` (%s)", link->from);
    }
    if (link->name == NULL) {
        link->name = arena_printf(reader->arena, "%s-%s", link->from, link->to);
    }
    return true;
}

/* Names are checked by those who know routers and workloads. */
bool scenario_finish_policy(struct field_reader *reader, const struct yaml_node *node, void *element) {
    const struct policy_config *policy = element;
    if (policy->options != NULL && policy->options->kind != YAML_MAPPING) {
        return field_error(reader, node, "options", "expected a mapping from option to value");
    }
    if (policy->weights != NULL && policy->weights->kind != YAML_MAPPING) {
        return field_error(reader, node, "weights", "expected a mapping from workload to weight");
    }
    if (policy->priorities != NULL && policy->priorities->kind != YAML_MAPPING) {
        return field_error(reader, node, "priorities", "expected a mapping from tenant to priority");
    }
    if (policy->adapters != NULL && policy->adapters->kind != YAML_MAPPING) {
        return field_error(reader, node, "adapters", "expected a mapping from tenant to adapter");
    }
    const struct yaml_node *options = policy->disaggregation.options;
    if (options != NULL && options->kind != YAML_MAPPING) {
        return field_error(reader, node, "disaggregation",
                           "expected options to be a mapping from option to value");
    }
    return true;
}

bool scenario_finish_retry(struct field_reader *reader, const struct yaml_node *node, void *element) {
    const struct retry_config *retry = element;
    static const char *const outcomes[] = {"rejected", "timed_out", "failed", NULL};
    for (size_t i = 0; i < retry->on_count; i++) {
        bool known = false;
        for (size_t k = 0; outcomes[k] != NULL; k++) {
            known = known || strcmp(retry->on[i], outcomes[k]) == 0;
        }
        if (!known) {
            return field_error(reader, node, "on", "expected rejected, timed_out or failed, found \"%.60s\"",
                               retry->on[i]);
        }
    }
    return retry->backoff_s <= retry->backoff_max_s ||
           field_error(reader, node, "backoff", "expected at most backoff_max (%gs), found %gs",
                       retry->backoff_max_s, retry->backoff_s);
}

bool scenario_finish_admission(struct field_reader *reader, const struct yaml_node *node, void *element) {
    const struct admission_config *admission = element;
    if (admission->options != NULL && admission->options->kind != YAML_MAPPING) {
        return field_error(reader, node, "options", "expected a mapping from option to value");
    }
    return true;
}

bool scenario_finish_service_time(struct field_reader *reader, const struct yaml_node *node, void *element) {
    const struct service_time_config *entry = element;
    static const char *const plain_only[] = {"concurrency", "queue_limit"};
    for (size_t i = 0; !entry->has_server && i < sizeof plain_only / sizeof plain_only[0]; i++) {
        const struct yaml_pair *pair = yaml_pair_of(node, plain_only[i]);
        if (pair != NULL) {
            notice_add(reader->notices, NOTICE_WARNING, &pair->pos,
                       "%s.%s has no effect without `server`: a model server's own arguments count",
                       reader->path, plain_only[i]);
        }
    }
    return true;
}

static bool fail_set(struct field_reader *reader, const struct yaml_pair *pair, const char *expected,
                     const char *hint) {
    error_at(reader->err, ERROR_INVALID, &pair->pos,
             arena_printf(reader->arena, "%s.set.%s", reader->path, pair->key), "%s", expected);
    return error_hint(reader->err, "%s", hint);
}

bool scenario_finish_arm(struct field_reader *reader, const struct yaml_node *node, void *element) {
    const struct arm_config *arm = element;
    if (!scenario_name_is_safe(arm->name)) {
        return field_error(reader, node, "name", "%s", scenario_name_expected);
    }
    if (arm->set != NULL && arm->set->kind != YAML_MAPPING) {
        return field_error(reader, node, "set", "expected a mapping from path to value");
    }
    for (size_t i = 0; arm->set != NULL && i < arm->set->count; i++) {
        const struct yaml_pair *pair = &arm->set->pairs[i];
        struct object_path path;
        if (strcmp(pair->key, "arms") == 0 || strncmp(pair->key, "arms.", 5) == 0) {
            return fail_set(reader, pair, "an arm cannot change the arms",
                            "give it keys of what is compared");
        }
        if (object_path_is(pair->key) && !object_path_parse(pair->key, reader->arena, &path)) {
            return fail_set(reader, pair, "expected [NAMESPACE/]KIND/NAME.FIELD",
                            "for example hpa/chat.spec.minReplicas: 4");
        }
    }
    return true;
}

/* ---- the only zone, the only region ---- */

static bool fill_place(const char **name, size_t count, const char *only, const struct position *pos,
                       const char *what, const char *list, size_t index, struct error *err) {
    if (*name != NULL) {
        return true;
    }
    if (count != 1) {
        char field[64];
        snprintf(field, sizeof field, "spec.cluster.%s.%zu.%s", list, index, what);
        return error_at(err, ERROR_INVALID, pos, field,
                        "required key is missing: there are %zu %ss to choose from", count, what);
    }
    *name = only;
    return true;
}

static bool fill_places(struct scenario *s, struct error *err) {
    for (size_t i = 0; i < s->zone_count; i++) {
        if (!fill_place(&s->zones[i].region, s->region_count, s->region_count > 0 ? s->regions[0].name : NULL,
                        &s->zones[i].pos, "region", "zones", i, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < s->pool_count; i++) {
        if (!fill_place(&s->pools[i].zone, s->zone_count, s->zone_count > 0 ? s->zones[0].name : NULL,
                        &s->pools[i].pos, "zone", "pools", i, err)) {
            return false;
        }
    }
    return true;
}

/* ---- links ---- */

/* Guesses that are stated in the table's help: round trips of about 10 ms to a near region and 80 ms across
 * an ocean's width, and a registry in the same cloud. */
static const double link_zone_s = 0.001, link_near_s = 0.005, link_far_s = 0.040;
static const double link_bytes_per_s = 10e9 / 8;

static bool linked(const struct scenario *s, const char *a, const char *b) {
    for (size_t i = 0; i < s->link_count; i++) {
        const struct link_config *l = &s->links[i];
        if ((strcmp(l->from, a) == 0 && strcmp(l->to, b) == 0) ||
            (strcmp(l->from, b) == 0 && strcmp(l->to, a) == 0)) {
            return true;
        }
    }
    return false;
}

static void add_link(struct scenario *s, size_t *capacity, struct arena *arena, const char *from,
                     const char *to, double latency_s) {
    if (strcmp(from, to) == 0 || linked(s, from, to)) {
        return;
    }
    s->links = arena_grow(arena, s->links, s->link_count, s->link_count + 1, capacity, sizeof *s->links);
    s->links[s->link_count++] = (struct link_config){.name = arena_printf(arena, "%s-%s", from, to),
                                                     .from = from,
                                                     .to = to,
                                                     .latency_s = latency_s,
                                                     .bandwidth_bytes_per_s = link_bytes_per_s,
                                                     .shared = true};
}

/* Every pair that a request, an image or weights may have to cross. */
static void fill_links(struct scenario *s, struct arena *arena) {
    size_t capacity = s->link_count;
    for (size_t z = 0; z < s->zone_count; z++) {
        const struct zone_config *zone = &s->zones[z];
        add_link(s, &capacity, arena, scenario_registry, zone->name, link_near_s);
        add_link(s, &capacity, arena, scenario_models, zone->name, link_near_s);
        for (size_t r = 0; r < s->region_count; r++) {
            bool near = strcmp(s->regions[r].name, zone->region) == 0;
            add_link(s, &capacity, arena, s->regions[r].name, zone->name, near ? link_near_s : link_far_s);
        }
        for (size_t other = z + 1; other < s->zone_count; other++) {
            bool near = strcmp(s->zones[other].region, zone->region) == 0;
            add_link(s, &capacity, arena, zone->name, s->zones[other].name, near ? link_zone_s : link_far_s);
        }
    }
}

/* ---- entries that count when no other does ---- */

static bool fill_policies(struct scenario *s, struct arena *arena, struct error *err) {
    for (size_t i = 0; i < s->policy_count; i++) {
        if (s->policies[i].service == NULL) {
            return true;
        }
    }
    size_t capacity = s->policy_count;
    s->policies =
        arena_grow(arena, s->policies, s->policy_count, s->policy_count + 1, &capacity, sizeof *s->policies);
    struct field_reader reader = {.arena = arena, .err = err};
    return fields_read(&reader, scenario_policy_fields, NULL, &s->policies[s->policy_count++]);
}

/* Compressed sizes: model servers carry CUDA and PyTorch, above 10 GB in the registries as of 2025. */
static const struct image_config known_images[] = {
    {.match = "vllm", .bytes = 10e9},     {.match = "sglang", .bytes = 10e9},
    {.match = "tensorrt", .bytes = 10e9}, {.match = "text-generation-inference", .bytes = 10e9},
    {.match = "", .bytes = 500e6},
};

static void fill_images(struct scenario *s, struct arena *arena) {
    for (size_t i = 0; i < s->image_count; i++) {
        if (s->images[i].match[0] == 0) {
            return;
        }
    }
    size_t more = sizeof known_images / sizeof known_images[0], capacity = s->image_count;
    s->images =
        arena_grow(arena, s->images, s->image_count, s->image_count + more, &capacity, sizeof *s->images);
    memcpy(s->images + s->image_count, known_images, sizeof known_images);
    s->image_count += more;
}

bool scenario_fill(struct scenario *s, struct arena *arena, struct error *err) {
    if (!fill_places(s, err)) {
        return false;
    }
    if (s->platform_file == NULL) {
        fill_links(s, arena);
    }
    fill_images(s, arena);
    return fill_policies(s, arena, err);
}
