/* What the users of a service do with what they get: try again, or stop reading. Both depend on the seed, the
 * service and the request alone.
 *
 * A repetition comes after min(backoff_max, backoff x factor^(n - 1)) x (1 - jitter x U) for the n-th,
 * counted from when its user knows: at once when the user gave up, after the way back from the gateway else.
 * The budget is that of Finagle's RetryBudget: a first attempt earns `budget`, a repetition spends 1, both
 * forgotten after about `budget_window` (by slices of a tenth of it); `budget_per_s` x `budget_window` are
 * there besides. */
#include <math.h>

#include "run/run_private.h"

static struct clients *clients_of(struct world *w, const struct request *r) {
    return &w->services[r->service].clients;
}

/* ---- the budget ---- */

/* The present slice's account; those that were passed over since begin at nothing. */
static double *account(struct clients *c, simtime now) {
    int64_t slice = now / c->slice_ps;
    int64_t from = slice - c->slice > RETRY_BUDGET_SLICES ? slice - RETRY_BUDGET_SLICES : c->slice + 1;
    for (int64_t i = from; i <= slice; i++) {
        c->earned[i % (RETRY_BUDGET_SLICES + 1)] = 0;
    }
    c->slice = slice;
    return &c->earned[slice % (RETRY_BUDGET_SLICES + 1)];
}

static double balance(const struct clients *c) {
    double sum = c->retry->budget_per_s * c->retry->budget_window_s;
    for (int i = 0; i <= RETRY_BUDGET_SLICES; i++) {
        sum += c->earned[i];
    }
    return sum;
}

static bool spend(struct clients *c, simtime now) {
    if (isinf(c->retry->budget)) {
        return true;
    }
    double *slice = account(c, now);
    if (balance(c) < 1) {
        return false;
    }
    *slice -= 1;
    return true;
}

void clients_sent(struct world *w, const struct request *r) {
    struct clients *c = clients_of(w, r);
    if (isfinite(c->retry->budget)) {
        *account(c, engine_now(w->engine)) += c->retry->budget;
    }
}

/* ---- trying again ---- */

static double backoff_s(const struct world *w, const struct clients *c, const struct request *r) {
    double delay = c->retry->backoff_s;
    struct rng rng = rng_stream_id(w->seed, RNG_RETRY, c->stream ^ r->id);
    double drawn = rng_uniform(&rng);
    for (int i = 0; i < r->retries; i++) {
        delay = fmin(delay * c->retry->factor, c->retry->backoff_max_s);
        drawn = rng_uniform(&rng);
    }
    return delay * (1 - c->retry->jitter * drawn);
}

simtime clients_try_again(struct world *w, const struct request *r, enum request_status status) {
    struct clients *c = clients_of(w, r);
    bool wants = (c->again_on & 1u << status) && r->retries + 1 < c->retry->attempts;
    if (!wants || !spend(c, engine_now(w->engine))) {
        return -1;
    }
    simtime way_back = status == REQUEST_TIMED_OUT ? 0 : r->down_ps;
    return simtime_add(way_back, simtime_from_s(backoff_s(w, c, r)));
}

/* ---- stopping ---- */

static void stop(void *context, uint64_t argument) {
    struct request *r = (struct request *)(uintptr_t)argument; /* NOLINT(performance-no-int-to-ptr) */
    r->stops = 0;
    dataplane_stop(context, r);
}

void clients_reads(struct world *w, struct request *r) {
    const struct clients *c = clients_of(w, r);
    struct rng rng = rng_stream_id(w->seed, RNG_CANCEL, c->stream ^ r->id);
    if (rng_uniform(&rng) >= c->cancel->share) {
        return;
    }
    simtime after = simtime_from_s(delay_draw(&c->cancel->after, &rng));
    simtime at = simtime_add(simtime_add(r->first_token_ps, r->down_ps), after);
    r->stops = engine_at(w->engine, at, EVENT_TIMEOUT, stop, w, (uint64_t)(uintptr_t)r);
}

void clients_read(struct world *w, struct request *r) {
    engine_cancel(w->engine, r->stops);
    r->stops = 0;
}
