/* Turns away what would come too late: a request that cannot get its first token within `limit` does nobody
 * good, and those behind it harm.
 *
 * How long it would wait is told by the queue: as many as wait, times the mean gap between two requests that
 * leave the queue for a batch. Gaps count only while somebody waits all along, so that idle time makes no
 * server look slow; the mean forgets old ones exponentially, over some 64 gaps, since continuous batching
 * lets several go at one instant and then none for a while. Until the first gap has been seen everybody is
 * let in. */
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "gateway/admission.h"

enum { GAPS_REMEMBERED = 64 };

struct deadline {
    simtime limit_ps, margin_ps;
    simtime gap_ps;  /* mean */
    simtime last_ps; /* when one last left the queue */
    bool known;      /* a gap has been seen */
    bool backlogged; /* somebody has waited since */
};

enum { LIMIT, MARGIN };
static const double LIMIT_MOST_S = 86400;

static const struct dd_option options[] = {
    {.name = "limit",
     .help = "from send to first token; without it the service's TTFT objective, else its time-out",
     .type = DD_OPTION_DURATION,
     .low = 0,
     .high = LIMIT_MOST_S,
     .fallback = NAN},
    {.name = "margin",
     .help = "what is left of it for the first batch and the way back",
     .type = DD_OPTION_DURATION,
     .low = 0,
     .high = LIMIT_MOST_S,
     .fallback = 0},
    {.name = NULL},
};

static void *create(const struct dd_option_value *values) {
    struct deadline *d = mem_zalloc(1, sizeof *d);
    d->limit_ps = simtime_from_s(values[LIMIT].number);
    d->margin_ps = simtime_from_s(values[MARGIN].number);
    return d;
}

static const char *check(void *state, const struct admission_request *r, const struct admission_view *view) {
    const struct deadline *d = state;
    simtime wait = simtime_times(d->gap_ps, (int64_t)view->waiting);
    simtime until_first = simtime_add(simtime_add(view->now - r->sent_ps, wait), d->margin_ps);
    return until_first <= d->limit_ps ? NULL : "its first token would come too late (deadline)";
}

static void started(void *state, const struct admission_view *view) {
    struct deadline *d = state;
    if (d->backlogged) {
        simtime gap = view->now - d->last_ps;
        d->gap_ps = d->known ? d->gap_ps + (gap - d->gap_ps) / GAPS_REMEMBERED : gap;
        d->known = true;
    }
    d->last_ps = view->now;
    d->backlogged = view->waiting > 0;
}

const struct admission_ops admission_deadline = {
    .name = "deadline",
    .help = "turns away what would get its first token too late, by the queue it finds",
    .options = options,
    .create = create,
    .check = check,
    .started = started,
    .destroy = free,
};
