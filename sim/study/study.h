/* sim/study/study.h: many runs, and how sure the figures are that come of them. The base of all that
 * compares: replications and arms (drydock run), later diff, plan, tune and sweep.
 *
 * How to think about it. A *case* is one definition to be tried: a scenario with overrides. A *replication*
 * is a run of it with a seed of its own. A study runs `replications` of each of its cases under common seeds
 * (run r of every case has the seed of its case plus r), so that cases can be compared pair by pair: what
 * chance does to both alike drops out of their difference (interval.h).
 *
 *   1. fill a struct study_case for each definition, with the struct run_options of a single run;
 *   2. study_run: checks all of them, then runs them in worker processes (SimGrid: one engine a process),
 * each answering with its summary; the first replication of a case also writes its result;
 *   3. look at the outcomes: study_values gives a figure of every replication by its path in summary.json, to
 *      be fed to interval_of, interval_of_difference or interval_of_change.
 *
 * Nothing here depends on the number of worker processes: not the figures, not the bytes of the files, not
 * which error is told. To go on until an interval is narrow enough, run another study with the next seeds and
 * "" for `out`.
 *
 * The result of a case with several replications is that of its first: rows, series and figures of result.h5
 * and summary.json are of its seed, and `replicated` (record/summary.h) has the figures over all of them. As
 * result.h5 holds the summary, the first replication waits before it closes its files until the others are
 * there, in a process that takes no place among `jobs` while it waits. (Running it last would leave the other
 * processors idle for one run in two; writing the summary into a finished file would give a result with
 * replications another layout than one without.)
 */
#ifndef DRYDOCK_STUDY_STUDY_H
#define DRYDOCK_STUDY_STUDY_H

#include <json-c/json.h>

#include "run/run.h"
#include "study/interval.h"

enum {
    STUDY_REPLICATIONS_MAX = 1000, /* each is a summary in memory; an interval is a tenth at 100 */
    STUDY_JOBS_MAX = 256
};

struct study_case {
    const char *name; /* of an arm, for messages; NULL when there is one case and nothing to tell apart */
    struct run_options run; /* seed: of the first replication; out: of its result, "" = write nothing */
};

struct study {
    const struct study_case *cases;
    size_t case_count;
    uint64_t replications; /* 1 ... STUDY_REPLICATIONS_MAX */
    size_t jobs;           /* runs at one time, 1 ... STUDY_JOBS_MAX */
    bool progress;
    bool colour; /* in study_outcome.table */
};

/* What came of a case. Texts live in the study's arena. */
struct study_outcome {
    const char *scenario;           /* its name */
    const char *out;                /* where the result belongs; NULL = nowhere */
    bool finished;                  /* the result is written, or would be if there were an `out` */
    uint64_t replications;          /* those that it is made of: fewer than asked for after an interrupt */
    struct json_object **summaries; /* by replication; NULL = that one did not finish */
    size_t summary_count;           /* replications that were asked for */
    struct json_object *summary;    /* the text of summary.json, parsed; NULL when not finished */
    const char *json, *table;       /* the text itself, and as a table; of the first replication */
    const char *traffic;            /* as in struct run_result */
    struct notices notices;         /* of the first replication; its place is known to nobody else */
};

/* Refuses a scenario or trace that can be read only once (a pipe): each run reads them. study_run asks, too.
 */
bool study_inputs(const struct run_options *run, struct error *err);

/* All cases are loaded and checked before the first run begins. False with the error of the first case and
 * replication that failed; the others are ended. Cases that were finished by then are kept, and an interrupt
 * (ERROR_INTERRUPTED) also keeps those whose first replication was over, with the replications there are. The
 * outcomes (room for one a case) are to be given back in any case. */
bool study_run(const struct study *study, struct arena *arena, struct study_outcome *outcomes,
               struct error *err);
void study_free(struct study_outcome *outcomes, size_t count);

/* A figure of every replication, by its path ("latency.ttft_s.p95"): NaN where it does not exist, infinite
 * where it is null for being infinite. Room for `count` values; those behind the last replication are NaN. */
void study_values(const struct study_outcome *outcome, const char *path, double *values, size_t count);

/* The number of objectives that are missed and of gates of level fail that are broken: by the mean over the
 * replications where there are several. Each is appended to `names` ("latency.ttft_s p95 <= 0.5 of service
 * chat", with ", " between them). */
size_t study_missed(const struct study_outcome *outcome, struct strbuf *names);
size_t study_missed_of(const struct summary *summary, struct strbuf *names); /* the same of a single run */

#endif
