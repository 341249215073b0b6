/* Faults: which keys go with which kind, and what they refer to. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "scenario/scenario_parts.h"

const char *const fault_kind_names[] = {"crash", "hang", "gpu-error", "node-loss", "slow", "straggler", NULL};

enum { LASTS = 1, PACE = 2, DRAWN = 4, CORDON = 8, DATED = 16 };
static const unsigned keys_of[FAULT_KINDS] = {
    [FAULT_CRASH] = DATED,
    [FAULT_HANG] = DATED,
    [FAULT_GPU_ERROR] = DATED | CORDON,
    [FAULT_NODE_LOSS] = DATED | LASTS,
    [FAULT_SLOW] = DATED | LASTS | PACE,
    [FAULT_STRAGGLER] = PACE | DRAWN,
};

/* Shorter ones would be more events than requests. */
static const double between_least_s = 1;

static bool goes_with_kind(struct field_reader *reader, const struct yaml_node *node,
                           const struct fault_config *f) {
    const struct {
        const char *key;
        bool given;
        unsigned of;
    } keys[] = {{"at", f->at_s >= 0, DATED},     {"between", f->has_between, DATED},
                {"for", f->has_lasts, LASTS},    {"factor", f->factor >= 0, PACE},
                {"sigma", f->sigma >= 0, DRAWN}, {"share", f->share >= 0, DRAWN},
                {"cordon", f->cordon, CORDON}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i].given && !(keys_of[f->kind] & keys[i].of)) {
            return field_error(reader, node, keys[i].key, "expected no such key for %s",
                               fault_kind_names[f->kind]);
        }
    }
    return true;
}

static bool has_one_target(struct field_reader *reader, const struct yaml_node *node,
                           const struct fault_config *f) {
    int targets = (f->workload != NULL) + (f->pool != NULL) + (f->node != NULL);
    if (targets != 1) {
        return field_error(reader, node, NULL, "expected exactly one of workload, pool and node, found %s",
                           targets == 0 ? "none" : "several");
    }
    return f->replica < 0 || f->workload != NULL ||
           field_error(reader, node, "replica", "expected this beside `workload` only");
}

static bool has_dates(struct field_reader *reader, const struct yaml_node *node,
                      const struct fault_config *f) {
    if (!(keys_of[f->kind] & DATED)) {
        return true;
    }
    if ((f->at_s >= 0) == f->has_between) {
        return field_error(reader, node, NULL, "expected `at` or `between`, found %s",
                           f->has_between ? "both" : "neither");
    }
    if (f->has_between && f->between.mean_s < between_least_s) {
        return field_error(reader, node, "between", "expected a mean of at least %gs, found %gs",
                           between_least_s, f->between.mean_s);
    }
    return !f->has_between || f->kind != FAULT_SLOW || f->has_lasts ||
           field_error(reader, node, NULL, "expected `for` beside `between`: how long it is slow");
}

bool scenario_finish_fault(struct field_reader *reader, const struct yaml_node *node, void *element) {
    const struct fault_config *f = element;
    if (!goes_with_kind(reader, node, f) || !has_one_target(reader, node, f) || !has_dates(reader, node, f)) {
        return false;
    }
    if (f->kind == FAULT_SLOW && f->factor < 0) {
        return field_error(reader, node, NULL, "expected `factor`: how many times as long work takes");
    }
    return f->kind != FAULT_STRAGGLER || f->factor >= 0 || f->sigma >= 0 ||
           field_error(reader, node, NULL, "expected `factor` or `sigma`: how much longer work takes");
}

/* ---- what they refer to ---- */

static bool bad(const struct scenario *s, size_t i, const char *key, struct error *err, const char *what,
                const char *name) {
    char field[FIELD_PATH_BYTES];
    snprintf(field, sizeof field, "spec.faults.%zu.%s", i, key);
    const struct yaml_node *node = yaml_path(s->tree, field);
    return error_at(err, ERROR_INVALID, node ? &node->pos : &s->faults[i].pos, field, what, name);
}

static bool hint(struct error *err, const char *wrong, const char *const *names) {
    const char *near = str_nearest(wrong, names);
    return near ? error_hint(err, "did you mean %s?", near)
                : error_hint(err, "known: %s and others", names[0]);
}

static bool is_named(const char *const *names, const char *name) {
    while (names && *names && strcmp(*names, name) != 0) {
        names++;
    }
    return names && *names;
}

static const char **pool_names(const struct scenario *s, const char **names) {
    for (size_t i = 0; i < s->pool_count; i++) {
        names[i] = s->pools[i].name;
    }
    names[s->pool_count] = NULL;
    return names;
}

/* "<pool>-<place>" below the pool's max. */
static bool is_place(const struct scenario *s, const char *node) {
    for (size_t i = 0; i < s->pool_count; i++) {
        size_t n = strlen(s->pools[i].name);
        if (strncmp(node, s->pools[i].name, n) == 0 && node[n] == '-') {
            char *end;
            long place = strtol(node + n + 1, &end, 10);
            if (*end == '\0' && end > node + n + 1 && place >= 0 && place < s->pools[i].max) {
                return true;
            }
        }
    }
    return false;
}

static bool check_nodes(const struct scenario *s, size_t i, struct error *err) {
    const struct fault_config *f = &s->faults[i];
    const char **pools = pool_names(s, mem_zalloc(s->pool_count + 1, sizeof *pools));
    bool ok = true;
    if (f->pool && !is_named(pools, f->pool)) {
        bad(s, i, "pool", err, "there is no pool \"%.80s\"", f->pool);
        ok = s->pool_count > 0 ? hint(err, f->pool, pools) : false;
    } else if (f->node && !is_place(s, f->node)) {
        bad(s, i, "node", err, "there is no place for a node \"%.80s\"", f->node);
        ok = error_hint(err, "expected the pool's name, '-' and a number below its `max`");
    }
    free(pools);
    return ok;
}

static bool same(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static double ends_s(const struct fault_config *f) {
    return f->kind != FAULT_SLOW && !f->has_lasts ? f->at_s
           : f->has_lasts                         ? f->at_s + f->lasts.mean_s
                                                  : INFINITY;
}

/* Of the same target, dated, with lengths that are known. */
static bool overlap(const struct fault_config *a, const struct fault_config *b) {
    bool alike = a->kind == b->kind && a->at_s >= 0 && b->at_s >= 0 && same(a->workload, b->workload) &&
                 a->replica == b->replica && same(a->pool, b->pool) && same(a->node, b->node);
    return alike && (a->at_s == b->at_s || (a->at_s < ends_s(b) && b->at_s < ends_s(a)));
}

bool scenario_check_faults(const struct scenario *s, struct notices *notices, struct error *err) {
    for (size_t i = 0; i < s->fault_count; i++) {
        const struct fault_config *f = &s->faults[i];
        if (!check_nodes(s, i, err)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (overlap(&s->faults[k], f)) {
                bad(s, i, "at", err, "expected one %s of the same target at a time: it overlaps one before",
                    fault_kind_names[f->kind]);
                return error_hint(err, "leave a gap, or name another replica, pool or node");
            }
        }
        if (s->duration_s > 0 && f->at_s >= s->duration_s) {
            notice_add(notices, NOTICE_WARNING, &f->pos,
                       "spec.faults.%zu.at lies after the end (`duration`): no request sees it", i);
        }
    }
    return true;
}
