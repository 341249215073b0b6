/* tests/conformance/hpa_input.h: what both HPA tables have in common: pods, samples, metrics, rules. All
 * dates are ages, so "now" is 0. */
#ifndef DRYDOCK_TESTS_CONFORMANCE_HPA_INPUT_H
#define DRYDOCK_TESTS_CONFORMANCE_HPA_INPUT_H

#include "autoscale/hpa.h"
#include "tests/conformance/conformance.h"

/* Seconds that are not negative; `fallback_s` when absent or null, negative = it must be there. */
simtime hpa_input_duration(struct trial *trial, struct json_object *object, const char *key,
                           int64_t fallback_s);
/* The date of that age. */
simtime hpa_input_date(struct trial *trial, struct json_object *object, const char *key, int64_t fallback_s);

/* Pods under obs, and the names that samples go by. */
const char **hpa_input_pods(struct trial *trial, struct json_object *pods, size_t count,
                            struct hpa_observation *obs);

/* A metric of `spec_type` (the format's: ObjectPerPod is Object with AverageValue) and its reading. `source`
 * holds target, values and error; the list of per-pod samples is under `samples_key`. */
void hpa_input_metric(struct trial *trial, struct json_object *source, const char *spec_type,
                      const char *samples_key, struct json_object *pods, const char *const *pod_names,
                      size_t pod_count, struct hpa_metric *metric, struct hpa_reading *reading);

/* NULL gives the API's defaults; missing keys too. */
struct hpa_rules hpa_input_rules(struct trial *trial, struct json_object *rules, bool up);

#endif
