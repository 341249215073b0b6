/* sim/scenario/scenario_parts.h: private to scenario*.c: the steps between the keys of a scenario and a
 * scenario that can be run. */
#ifndef DRYDOCK_SCENARIO_PARTS_H
#define DRYDOCK_SCENARIO_PARTS_H

#include "record/figure.h"
#include "scenario/scenario.h"

/* The finish() of list rows: what depends on several keys of one element. */
bool scenario_finish_trace(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_pool(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_link(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_policy(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_retry(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_admission(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_service_time(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_fault(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_arm(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_objective(struct field_reader *reader, const struct yaml_node *node, void *element);
bool scenario_finish_gate(struct field_reader *reader, const struct yaml_node *node, void *element);

/* The figure of the summary that `metric` of `node` names, by its path or (by_metric) without a latency's
 * statistic; "latency." may be left out. False with the nearest as a hint when there is none. */
bool scenario_find_figure(struct field_reader *reader, const struct yaml_node *node, const char *wanted,
                          bool by_metric, struct figure *figure);

/* A limit of a figure, in its unit and at least 0. */
bool scenario_read_limit(struct field_reader *reader, const struct yaml_node *node, const char *key,
                         const struct figure *figure, double *value);

/* Applies what the overrides say of the scenario (before it is read) and of objects (when manifests are
 * loaded and not yet read). */
bool scenario_override(struct scenario *s, const struct scenario_overrides *overrides, struct arena *arena,
                       struct notices *notices, struct error *err);
bool scenario_override_objects(struct scenario *s, const struct scenario_overrides *overrides,
                               struct arena *arena, struct notices *notices, struct error *err);

/* `arms` alone, as it stands in the table of spec. */
extern const struct field scenario_arm_list[];

/* spec.cluster; an entry of spec.policies. */
extern const struct field scenario_cluster_fields[];
extern const struct field scenario_policy_fields[];

/* A name that can be a folder's, and what to say of one that cannot. */
extern const char scenario_name_expected[];
bool scenario_name_is_safe(const char *name);

/* Fills what follows from other lists: the only zone or region, links between what needs them, the entries of
 * policies and images that count when no other does. Filling a filled scenario changes nothing. */
bool scenario_fill(struct scenario *s, struct arena *arena, struct error *err);

/* What no single key can know: names that refer to others, files, windows, pods that fit nowhere. */
bool scenario_check(const struct scenario *s, struct arena *arena, struct notices *notices,
                    struct error *err);
/* Workloads have been checked. */
bool scenario_check_faults(const struct scenario *s, struct notices *notices, struct error *err);
bool scenario_check_synth(const struct trace_config *trace, size_t index, struct arena *arena,
                          struct error *err);
bool scenario_check_pods(const struct scenario *s, struct arena *arena, struct error *err);

/* Ends of links that are no place: where images and weights come from. */
extern const char scenario_registry[]; /* "registry" */
extern const char scenario_models[];   /* "models" */

#endif
