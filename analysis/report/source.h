/* analysis/report/source.h: the results that a report is about, each with a label of its own, open for
 * reading; and the comparison of arms, where they come from a folder that holds one. */
#ifndef DRYDOCK_ANALYSIS_REPORT_SOURCE_H
#define DRYDOCK_ANALYSIS_REPORT_SOURCE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "analysis/report/distribution.h"
#include "base/arena.h"
#include "base/error.h"
#include "record/headline.h"
#include "record/result.h"

enum {
    SOURCES_MAX = 24, /* more side by side tell nobody anything */
    LABEL_CHARACTERS = 40
};

struct source {
    const char *path;             /* of result.h5 */
    const char *name;             /* what its user calls it: the arm, or the folder's name */
    const char *label;            /* one line, unlike that of any other source */
    const char *description;      /* of the arm; NULL */
    struct json_object *settings; /* of the arm: path to value, borrowed; NULL */
    const char *scenario;
    struct result *result;
    struct json_object *summary;
    struct distributions distributions;
};

struct sources {
    struct source *items;
    size_t count;
    const char *folder;       /* of the first result: where the report goes by itself */
    struct json_object *arms; /* drydock.arms/1; NULL when the results were named one by one */
};

/* Opens all of them and reads what fits in memory. `sources` is to be closed, on failure too. */
bool sources_open(const char *const *arguments, size_t count, struct arena *arena, struct sources *sources,
                  struct error *err);
void sources_close(struct sources *sources);

/* All have the same scenario by name. */
bool sources_same_scenario(const struct sources *sources);

/* As many requests arrived in each, so that prices may be compared. */
bool sources_same_traffic(const struct sources *sources);

/* A scope of a summary: the whole (NULL), or a service of it (NULL when it has no such). */
struct json_object *source_scope(const struct source *s, const char *service);

/* The services of a summary in its order; how many. */
size_t source_services(const struct source *s, struct arena *arena, const char *const **names);

/* A figure of a result: the mean over its replications with half of the 95 % interval; of a single run the
 * figure itself, and `half` is NaN. */
struct estimate {
    double mean, half;
};
struct estimate source_estimate(const struct source *s, const char *path);

/* A member by its very name, dots and all; NULL. */
struct json_object *json_read_member(struct json_object *o, const char *name);

/* What stands at a dotted path below an object; NULL, "" or false where there is none. Numbers:
 * summary_figure (record/headline.h). */
struct json_object *json_read_at(struct json_object *o, const char *path);
const char *json_read_text(struct json_object *o, const char *path);
bool json_read_flag(struct json_object *o, const char *path);

#endif
