/* What must hold of every run, whatever the scenario. A failure is a fault of Drydock's own; it is better
 * said than shipped in a figure. */
#include "accounts/accounts.h"

static bool conserved(const struct request_counts *c) {
    return c->arrived == c->completed + c->rejected + c->timed_out + c->failed + c->unfinished;
}

static bool broken(struct error *err, const char *what) {
    error_set(err, ERROR_FAILED, "internal check failed: %s", what);
    return error_hint(err, "this is a fault of drydock: please report it with the scenario");
}

/* Plain servers: what they were busy is what the requests were in service for (the utilisation law, X S = U
 * m). */
static bool utilisation_holds(const struct world *w) {
    for (uint32_t s = 0; s < w->service_count; s++) {
        simtime_total busy = 0;
        bool plain = true;
        for (size_t i = 0; i < w->serving_count; i++) {
            const struct serving_pod *p = w->pods[i];
            if (p->service == s) {
                plain = plain && w->workloads[p->demand].plain;
                busy += p->replica->busy_ps;
            }
        }
        if (plain && busy != w->services[s].plain_service_ps) {
            return false;
        }
    }
    return true;
}

static bool nobody_works_more_than_he_is_there(const struct world *w) {
    simtime end = engine_now(w->engine);
    for (size_t i = 0; i < w->serving_count; i++) {
        const struct serving_pod *p = w->pods[i];
        simtime until = p->pod->gone_ps >= 0 ? p->pod->gone_ps : end;
        if (p->replica->busy_ps > (simtime_total)(until - p->pod->ready_ps) * p->replica->servers) {
            return false;
        }
    }
    return true;
}

bool world_check(const struct world *w, struct error *err) {
    if (!conserved(&w->all.counts)) {
        return broken(err, "arrived = completed + rejected + timed out + failed + unfinished");
    }
    for (uint32_t i = 0; i < w->service_count; i++) {
        if (!conserved(&w->services[i].scope.counts)) {
            return broken(err, "conservation of requests by service");
        }
    }
    if (w->in_system != 0 || w->in_system_area != w->sojourn_sum) {
        return broken(
            err, "Little's law: the integral of requests in the system is the sum of their sojourn times");
    }
    if (!utilisation_holds(w)) {
        return broken(err, "utilisation law: servers' busy time is the requests' service time");
    }
    if (!nobody_works_more_than_he_is_there(w)) {
        return broken(err, "a replica was busy for longer than it was there");
    }
    return true;
}
