#include "world/options.h"

#include <math.h>
#include <string.h>

#include "base/strbuf.h"

static const char *field_of(const struct option_source *s, const char *name) {
    return arena_printf(s->w->arena, "%s.%s", s->field, name);
}

static const char *text_of(const struct yaml_node *node) {
    return node->kind == YAML_SCALAR ? node->text : "";
}

void world_name_tenant(struct world *w, uint32_t name, const struct position *pos) {
    w->named_tenants =
        arena_grow(w->arena, w->named_tenants, w->named_tenant_count, w->named_tenant_count + 1,
                   &w->named_tenant_capacity, sizeof *w->named_tenants);
    w->named_tenants[w->named_tenant_count++] = (struct named_tenant){name, *pos};
}

/* ---- what there is ---- */

static bool unknown_option(const struct option_source *s, const struct yaml_pair *pair) {
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX + 1] = {NULL};
    const char *list = "";
    for (int i = 0; s->rows && s->rows[i].name && i < NAMES_MAX; i++) {
        names[i] = s->rows[i].name;
        list = arena_printf(s->w->arena, "%s%s%s", list, i ? ", " : "", s->rows[i].name);
    }
    const char *near = str_nearest(pair->key, names);
    error_at(s->err, ERROR_INVALID, &pair->pos, field_of(s, pair->key), "%s '%s' has no such option", s->kind,
             s->name);
    return near       ? error_hint(s->err, "did you mean '%s'?", near)
           : names[0] ? error_hint(s->err, "it has: %s", list)
                      : error_hint(s->err, "it has none (`drydock help policies`)");
}

static bool has_row(const struct dd_option *rows, const char *name) {
    for (; rows && rows->name; rows++) {
        if (strcmp(rows->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- numbers ---- */

static enum unit_kind unit_of(const struct dd_option *row) {
    return row->type == DD_OPTION_DURATION  ? UNIT_DURATION
           : row->type == DD_OPTION_INTEGER ? UNIT_COUNT
                                            : UNIT_NUMBER;
}

static bool fail_number(const struct option_source *s, const struct dd_option *row,
                        const struct yaml_node *node, const char *field) {
    enum unit_kind shown = row->type == DD_OPTION_DURATION ? UNIT_DURATION : UNIT_NUMBER;
    char low[48];
    char high[48];
    return error_at(s->err, ERROR_INVALID, &node->pos, field, "expected a %s from %s to %s%s",
                    row->type == DD_OPTION_INTEGER    ? "whole number"
                    : row->type == DD_OPTION_DURATION ? "duration"
                                                      : "number",
                    unit_text(shown, row->low, low), unit_text(shown, row->high, high),
                    isinf(row->fallback) ? ", or none" : "");
}

static bool read_number(const struct option_source *s, const struct dd_option *row,
                        const struct yaml_node *node, const char *field, double *number) {
    const char *text = text_of(node);
    if (isinf(row->fallback) && strcmp(text, "none") == 0) {
        *number = row->fallback;
        return true;
    }
    double value;
    bool whole = row->type == DD_OPTION_INTEGER;
    if (unit_parse(unit_of(row), text, &value) && value >= row->low && value <= row->high &&
        (!whole || value == floor(value))) {
        *number = value;
        return true;
    }
    return fail_number(s, row, node, field);
}

static bool read_choice(const struct option_source *s, const struct dd_option *row,
                        const struct yaml_node *node, const char *field, double *number) {
    const char *list = "";
    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], text_of(node)) == 0) {
            *number = i;
            return true;
        }
        list = arena_printf(s->w->arena, "%s%s%s", list, i ? ", " : "", row->choices[i]);
    }
    error_at(s->err, ERROR_INVALID, &node->pos, field, "expected one of %s, found \"%.60s\"", list,
             text_of(node));
    const char *near = str_nearest(text_of(node), row->choices);
    return near ? error_hint(s->err, "did you mean '%s'?", near) : false;
}

/* ---- workloads and tenants ---- */

/* Adds what `called` names among the service's workloads. */
static bool read_workload(const struct option_source *s, const struct dd_option *row,
                          const struct yaml_node *called, uint32_t *found, uint32_t *count) {
    const char *known = "";
    uint32_t before = *count;
    for (uint32_t d = 0; d < s->w->demand_count; d++) {
        const struct workload_state *load = &s->w->workloads[d];
        if (load->service != s->service - s->w->services || !load->can_serve) {
            continue;
        }
        const char *name = s->w->demands[d].workload;
        known = arena_printf(s->w->arena, "%s%s%s", known, known[0] ? ", " : "", name);
        if (demand_is_called(&s->w->demands[d], text_of(called))) {
            found[(*count)++] = d;
        }
    }
    if (*count > before) {
        return true;
    }
    error_at(s->err, ERROR_INVALID, &called->pos, field_of(s, row->name),
             "expected a workload of service '%s', found \"%.80s\"", s->service->name, text_of(called));
    return error_hint(s->err, "it has: %s", known);
}

static bool read_workloads(const struct option_source *s, const struct dd_option *row,
                           const struct yaml_node *node, struct dd_option_value *value) {
    bool is_list = node->kind == YAML_SEQUENCE;
    size_t names = is_list ? node->count : 1;
    uint32_t *found = arena_array(s->w->arena, names * s->w->demand_count + 1, sizeof *found);
    value->workloads = found;
    for (size_t i = 0; i < names; i++) {
        if (!read_workload(s, row, is_list ? node->items[i] : node, found, &value->workload_count)) {
            return false;
        }
    }
    return value->workload_count > 0 || error_at(s->err, ERROR_INVALID, &node->pos, field_of(s, row->name),
                                                 "expected at least one workload");
}

static bool read_tenants(const struct option_source *s, const struct dd_option *row,
                         const struct yaml_node *node, struct dd_option_value *value) {
    if (node->kind != YAML_MAPPING) {
        return error_at(s->err, ERROR_INVALID, &node->pos, field_of(s, row->name),
                        "expected a mapping from tenant to %s", row->choices ? "a choice" : "number");
    }
    uint32_t *tenants = arena_array(s->w->arena, node->count + 1, sizeof *tenants);
    double *numbers = arena_array(s->w->arena, node->count + 1, sizeof *numbers);
    value->tenants = tenants;
    value->tenant_numbers = numbers;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        const char *field = arena_printf(s->w->arena, "%s.%s.%s", s->field, row->name, pair->key);
        bool ok = row->choices ? read_choice(s, row, pair->value, field, &numbers[i])
                               : read_number(s, row, pair->value, field, &numbers[i]);
        if (!ok) {
            return false;
        }
        tenants[i] = trace_names_intern(&s->w->names, pair->key, strlen(pair->key));
        world_name_tenant(s->w, tenants[i], &pair->pos);
    }
    value->tenant_count = (uint32_t)node->count;
    return true;
}

/* ---- the whole ---- */

static bool not_given(const struct option_source *s, const struct dd_option *row,
                      struct dd_option_value *value) {
    value->number = isnan(row->fallback) ? s->promise_s : row->fallback;
    if (!row->required && !isnan(value->number)) {
        return true;
    }
    error_at(s->err, ERROR_INVALID, s->given ? &s->given->pos : s->pos, field_of(s, row->name),
             "%s '%s' needs this option%s", s->kind, s->name,
             row->required ? "" : ": the service has neither a per-request TTFT objective nor a timeout");
    return error_hint(s->err, "%s", row->help);
}

static bool read_option(const struct option_source *s, const struct dd_option *row,
                        struct dd_option_value *value) {
    const struct yaml_pair *pair = s->given ? yaml_pair_of(s->given, row->name) : NULL;
    if (!pair) {
        return not_given(s, row, value);
    }
    switch ((enum dd_option_type)row->type) {
    case DD_OPTION_WORKLOADS:
        return read_workloads(s, row, pair->value, value);
    case DD_OPTION_TENANTS:
        return read_tenants(s, row, pair->value, value);
    case DD_OPTION_CHOICE:
        return read_choice(s, row, pair->value, field_of(s, row->name), &value->number);
    default:
        return read_number(s, row, pair->value, field_of(s, row->name), &value->number);
    }
}

const struct dd_option_value *options_read(const struct option_source *s) {
    for (size_t i = 0; s->given && i < s->given->count; i++) {
        if (!has_row(s->rows, s->given->pairs[i].key)) {
            unknown_option(s, &s->given->pairs[i]);
            return NULL;
        }
    }
    size_t count = 0;
    while (s->rows && s->rows[count].name) {
        count++;
    }
    struct dd_option_value *values = arena_array(s->w->arena, count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        if (!read_option(s, &s->rows[i], &values[i])) {
            return NULL;
        }
    }
    return values;
}
