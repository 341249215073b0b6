/* sim/study/arms.h: the arms of a scenario side by side: arms.json and the table on a terminal.
 *
 * Every arm runs under the same seeds, so arms are compared pair by pair with the first one (interval.h):
 * what chance does to both drops out. With one replication there are differences and no intervals.
 */
#ifndef DRYDOCK_STUDY_ARMS_H
#define DRYDOCK_STUDY_ARMS_H

#include "study/study.h"

#define ARMS_SCHEMA "drydock.arms/1"
#define ARMS_FILE "arms.json"

enum { ARMS_TENANTS_MAX = 100 }; /* with more, arms.json leaves them to the summaries of the arms */

/* What the arms are and what came of them. Arms that did not finish are left out of all that is written; when
 * that is the first one, nothing is compared. */
struct arms {
    const struct scenario *scenario; /* loaded without an arm */
    const struct study *study;       /* its cases are the scenario's arms, in their order */
    const struct study_outcome *outcomes;
};

/* The cases: each arm with the options that are given. */
struct study_case *arms_cases(const struct scenario *scenario, const struct run_options *run,
                              struct arena *arena);

size_t arms_finished(const struct arms *arms);

/* Those that the arms are made of: all that were asked for, or the most that an interrupted study has. */
uint64_t arms_replications(const struct arms *arms);

/* The text of arms.json (docs/comparing.md), appended. */
void arms_json(const struct arms *arms, struct strbuf *out);

/* In 100 columns: a row an arm with the figures that a planner looks at first; the change of each against the
 * first arm; which objectives are missed and which gates broken. Appended. */
void arms_table(const struct arms *arms, struct strbuf *out);

#endif
