/* traces/synth.c: requests out of parameters.
 *
 * Arrivals are a renewal process of mean gap 1 in operational time, the integral of the rate: where the rate
 * doubles, the same gaps take half as long. So Gamma and Weibull burstiness stays what it is whatever the
 * profile, which thinning would blur into Poisson. The rate is piecewise constant: profile x MMPP state. The
 * process is stationary from its first instant: the first gap is what is left of a gap that began before (of
 * length-biased law, a uniform share of it), since a process that begins with an arrival at 0 would have
 * (cv^2 - 1)/2 arrivals too many.
 *
 * Lengths are keyed by the number of the request (or session and turn), not by how many draws came before, so
 * that two specs under one seed that differ in their rate give request n the same lengths.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "base/hash.h"
#include "base/rng.h"
#include "traces/source.h"
#include "traces/synth/lengths.h"

enum {
    SYNTH_BATCH = 256,
    SYNTH_TURN_BITS = 20,
    SYNTH_TURNS_MAX = 10000,     /* of one session */
    SYNTH_WAITING_MAX = 10000000 /* turns to come at one time, 40 bytes each */
};

struct turn {
    double at_s;
    uint64_t session;
    uint64_t history; /* tokens of the conversation so far */
    uint32_t number;  /* of this turn: 1, 2 ... */
    uint32_t turns;
};

struct synth {
    struct trace_source base;
    struct synth_spec spec;
    struct normal_table normal;
    uint64_t name_key;
    uint32_t service, tenant, region;

    double rate_per_s; /* of what arrives (requests or sessions) where profile and state are 1 */
    double now_s;
    int64_t part; /* of the profile: number since time 0 */
    double part_end_s;
    int state;
    double state_end_s;
    struct rng gaps;
    struct rng states;
    double weibull_scale; /* for mean 1 */
    bool started;
    uint64_t arrivals;

    bool next_known; /* the next session start, when turns wait before it */
    double next_s;
    struct turn *waiting; /* binary heap by (at_s, session) */
    size_t waiting_count;
    size_t waiting_capacity;

    uint64_t next_row;
    struct trace_row rows[SYNTH_BATCH];
};

/* ---- arrivals ---- */

/* A gap of mean 1; of the first, what is left of it at time 0. */
static double draw_gap(struct synth *y, bool first) {
    double k = y->spec.shape;
    switch (y->spec.process) {
    case ARRIVAL_POISSON:
    case ARRIVAL_MMPP:
        break;
    case ARRIVAL_DETERMINISTIC:
        return first ? 0 : 1;
    case ARRIVAL_GAMMA: /* the length-biased law of Gamma(k) is Gamma(k + 1) */
        return first ? rng_uniform_open(&y->gaps) * rng_gamma(&y->gaps, k + 1, 1 / k)
                     : rng_gamma(&y->gaps, k, 1 / k);
    case ARRIVAL_WEIBULL: /* and of Weibull(k) the k-th root of Gamma(1 + 1/k) */
        return first ? rng_uniform_open(&y->gaps) * y->weibull_scale *
                           det_pow(rng_gamma(&y->gaps, 1 + 1 / k, 1), 1 / k)
                     : rng_weibull(&y->gaps, k, y->weibull_scale);
    }
    return rng_exponential(&y->gaps, 1);
}

static double part_length_s(const struct synth_spec *spec) {
    return spec->profile_period_s / spec->profile_count;
}

static void next_part(struct synth *y) {
    y->part++;
    y->part_end_s = (double)(y->part + 1) * part_length_s(&y->spec);
}

/* Uniform among the other states, then an exponential sojourn. */
static void next_state(struct synth *y) {
    uint64_t others = (uint64_t)y->spec.state_count - 1;
    if (others > 0) {
        int step = 1 + (int)rng_below(&y->states, others);
        y->state = (y->state + step) % y->spec.state_count;
    }
    y->state_end_s += rng_exponential(&y->states, y->spec.state_sojourn_s[y->state]);
}

/* Walks now_s on until `work` expected arrivals have passed. False when the duration ends before. */
static bool advance(struct synth *y, double work) {
    const struct synth_spec *spec = &y->spec;
    while (y->now_s < spec->duration_s) {
        double rate = y->rate_per_s;
        double end_s = spec->duration_s;
        if (spec->profile_count > 0) {
            rate *= spec->profile[y->part % spec->profile_count];
            end_s = fmin(end_s, y->part_end_s);
        }
        if (spec->process == ARRIVAL_MMPP) {
            rate *= spec->state_rate[y->state];
            end_s = fmin(end_s, y->state_end_s);
        }
        double here = rate * (end_s - y->now_s);
        if (work < here) {
            y->now_s += work / rate;
            return y->now_s < spec->duration_s;
        }
        work -= here;
        y->now_s = end_s;
        if (spec->profile_count > 0 && y->part_end_s <= end_s) {
            next_part(y);
        }
        if (spec->process == ARRIVAL_MMPP && y->state_end_s <= end_s) {
            next_state(y);
        }
    }
    return false;
}

/* The next arrival of the process: false at the end. */
static bool next_arrival(struct synth *y) {
    double gap = draw_gap(y, !y->started);
    y->started = true;
    return advance(y, gap);
}

/* ---- lengths ---- */

static void draw_lengths(struct synth *y, uint64_t entity, uint32_t *input, uint32_t *output) {
    const struct synth_spec *spec = &y->spec;
    struct rng r = rng_stream_id(spec->seed, RNG_LENGTHS, y->name_key + entity);
    double z1 = rng_normal(&r);
    double z2 = rng_normal(&r);
    if (spec->correlation != 0) {
        z2 = spec->correlation * z1 + sqrt(1 - spec->correlation * spec->correlation) * z2;
    }
    *input = length_draw(&spec->input_tokens, &y->normal, z1, &r);
    *output = length_draw(&spec->output_tokens, &y->normal, z2, &r);
}

/* ---- sessions ---- */

static bool earlier(const struct turn *a, const struct turn *b) {
    return a->at_s != b->at_s ? a->at_s < b->at_s : a->session < b->session;
}

static bool push_turn(struct synth *y, struct turn turn, struct error *err) {
    if (y->waiting_count == SYNTH_WAITING_MAX) {
        return error_at(
            err, ERROR_INVALID, NULL, "session_turns_mean",
            "expected at most %d turns waiting at one time; lower the rate, the turns or the think time",
            SYNTH_WAITING_MAX);
    }
    if (y->waiting_count == y->waiting_capacity) {
        y->waiting_capacity = y->waiting_capacity ? 2 * y->waiting_capacity : 64;
        y->waiting = mem_realloc(y->waiting, y->waiting_capacity, sizeof *y->waiting);
    }
    size_t i = y->waiting_count++;
    while (i > 0 && earlier(&turn, &y->waiting[(i - 1) / 2])) {
        y->waiting[i] = y->waiting[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    y->waiting[i] = turn;
    return true;
}

static struct turn pop_turn(struct synth *y) {
    struct turn top = y->waiting[0];
    struct turn last = y->waiting[--y->waiting_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < y->waiting_count; i = child) {
        if (child + 1 < y->waiting_count && earlier(&y->waiting[child + 1], &y->waiting[child])) {
            child++;
        }
        if (!earlier(&y->waiting[child], &last)) {
            break;
        }
        y->waiting[i] = y->waiting[child];
    }
    y->waiting[i] = last;
    return top;
}

/* Geometric from 1 up, of mean session_turns_mean. */
static uint32_t draw_turns(struct synth *y, uint64_t session) {
    struct rng r = rng_stream_id(y->spec.seed, RNG_SESSION, y->name_key + (session << SYNTH_TURN_BITS));
    double miss = det_log1p(-1 / y->spec.session_turns_mean);
    double turns = 1 + floor(det_log(rng_uniform_open(&r)) / miss);
    return turns < SYNTH_TURNS_MAX ? (uint32_t)turns : SYNTH_TURNS_MAX;
}

/* The turn as a row, and the turn after it into the heap. */
static bool give_turn(struct synth *y, struct turn turn, struct trace_row *row, struct error *err) {
    uint64_t entity = (turn.session << SYNTH_TURN_BITS) + turn.number;
    const struct length_distribution *input = &y->spec.input_tokens;
    uint32_t most = input->high ? input->high : TRACE_TOKENS_MAX;
    draw_lengths(y, entity, &row->input_tokens, &row->output_tokens);
    uint64_t prompt = turn.history + row->input_tokens;
    row->input_tokens = prompt < most ? (uint32_t)prompt : most;
    row->session = turn.session + 1;
    row->arrival_ps = simtime_from_s(turn.at_s);
    if (turn.number < turn.turns) {
        struct rng r = rng_stream_id(y->spec.seed, RNG_SESSION, y->name_key + entity);
        turn.at_s += rng_lognormal(&r, y->spec.session_think_mu, y->spec.session_think_sigma);
        turn.history = prompt + row->output_tokens;
        turn.number++;
        return turn.at_s >= y->spec.duration_s || push_turn(y, turn, err);
    }
    return true;
}

static bool session_row(struct synth *y, struct trace_row *row, bool *given, struct error *err) {
    if (!y->next_known) {
        y->next_s = next_arrival(y) ? y->now_s : INFINITY;
        y->next_known = true;
    }
    *given = true;
    if (y->waiting_count > 0 && y->waiting[0].at_s <= y->next_s) {
        return give_turn(y, pop_turn(y), row, err);
    }
    if (y->next_s == INFINITY) {
        *given = false;
        return true;
    }
    struct turn first = {.at_s = y->next_s, .session = y->arrivals++, .number = 1};
    first.turns = draw_turns(y, first.session);
    y->next_known = false;
    return give_turn(y, first, row, err);
}

/* ---- the source ---- */

static bool plain_row(struct synth *y, struct trace_row *row) {
    if (!next_arrival(y)) {
        return false;
    }
    row->arrival_ps = simtime_from_s(y->now_s);
    draw_lengths(y, y->arrivals++, &row->input_tokens, &row->output_tokens);
    return true;
}

static bool synth_fill(struct trace_source *s, struct error *err) {
    struct synth *y = (struct synth *)s;
    size_t n = 0;
    for (bool given = true; n < SYNTH_BATCH && given; n += given) {
        struct trace_row *row = &y->rows[n];
        memset(row, 0, sizeof *row);
        row->service = y->service;
        row->tenant = y->tenant;
        row->region = y->region;
        row->row = y->next_row + n;
        if (y->spec.session_turns_mean > 1) {
            if (!session_row(y, row, &given, err)) {
                return false;
            }
        } else {
            given = plain_row(y, row);
        }
    }
    y->next_row += n;
    s->rows = y->rows;
    s->count = n;
    return true;
}

static void synth_close(struct trace_source *s) {
    struct synth *y = (struct synth *)s;
    free(y->waiting);
    free(y);
}

void synth_defaults(struct synth_spec *spec) {
    memset(spec, 0, sizeof *spec);
    spec->process = ARRIVAL_POISSON;
    spec->rate_per_s = 1;
    spec->shape = 1;
    spec->duration_s = 3600;
    spec->profile_period_s = 86400;
    spec->input_tokens = (struct length_distribution){.law = LENGTH_CONSTANT, .low = 512};
    spec->output_tokens = (struct length_distribution){.law = LENGTH_CONSTANT, .low = 128};
    spec->session_turns_mean = 1;
    spec->session_think_mu = 3.4; /* median 30 s */
    spec->session_think_sigma = 1;
    spec->name = "synth";
}

static bool bad(struct error *err, const char *field, const char *expected) {
    return error_at(err, ERROR_INVALID, NULL, field, "expected %s", expected);
}

static bool check_profile(const struct synth_spec *spec, struct error *err) {
    double sum = 0;
    if (spec->profile_count < 0 || spec->profile_count > TRACE_PROFILE_MAX) {
        return bad(err, "profile", "at most 4096 parts");
    }
    for (int i = 0; i < spec->profile_count; i++) {
        if (!(spec->profile[i] >= 0 && spec->profile[i] < 1e12)) {
            return bad(err, "profile", "relative rates that are not negative");
        }
        sum += spec->profile[i];
    }
    if (spec->profile_count > 0 && !(sum > 0)) {
        return bad(err, "profile", "at least one part with a rate above 0");
    }
    if (spec->profile_count > 0 &&
        !(spec->profile_period_s >= 1e-3 * spec->profile_count && spec->profile_period_s <= 1e8)) {
        return bad(err, "profile_period_s", "at least a millisecond for each part of the profile");
    }
    return true;
}

static bool check_states(const struct synth_spec *spec, struct error *err) {
    double sum = 0;
    if (spec->process != ARRIVAL_MMPP) {
        return true;
    }
    if (spec->state_count < 2 || spec->state_count > TRACE_MMPP_STATES_MAX) {
        return bad(err, "states", "between 2 and 8 states, such as 0.2:300s,3:60s");
    }
    for (int i = 0; i < spec->state_count; i++) {
        if (!(spec->state_rate[i] >= 0 && spec->state_rate[i] <= 1e9)) {
            return bad(err, "states", "rate factors that are not negative");
        }
        if (!(spec->state_sojourn_s[i] >= 1e-3 && spec->state_sojourn_s[i] <= 1e8)) {
            return bad(err, "states", "mean sojourns of a millisecond or more");
        }
        sum += spec->state_rate[i];
    }
    return sum > 0 || bad(err, "states", "at least one state with a rate above 0");
}

static bool check_sessions(const struct synth_spec *spec, struct error *err) {
    if (!(spec->session_turns_mean >= 1 && spec->session_turns_mean <= 1000)) {
        return bad(err, "session_turns_mean", "a number from 1 (no sessions) to 1000");
    }
    if (!(fabs(spec->session_think_mu) <= 20)) {
        return bad(err, "session_think_mu", "the mean of the logarithm of seconds: from -20 to 20");
    }
    return (spec->session_think_sigma >= 0 && spec->session_think_sigma <= 10) ||
           bad(err, "session_think_sigma", "a number from 0 to 10");
}

bool synth_check(const struct synth_spec *spec, struct error *err) {
    bool shaped = spec->process == ARRIVAL_GAMMA || spec->process == ARRIVAL_WEIBULL;
    if (!(spec->rate_per_s > 0 && spec->rate_per_s <= 1e9)) {
        return bad(err, "rate_per_s", "a rate above 0 and at most 1e9 per second");
    }
    if (!(spec->duration_s > 0 && spec->duration_s <= simtime_to_s(SIMTIME_WINDOW_MAX))) {
        return bad(err, "duration_s", "a duration above 0 and at most 100 days");
    }
    if (shaped && !(spec->shape >= 0.01 && spec->shape <= 1000)) {
        return bad(err, "shape", "a number from 0.01 to 1000");
    }
    if (!(fabs(spec->correlation) <= 1)) {
        return bad(err, "correlation", "a number from -1 to 1");
    }
    if (spec->correlation != 0 &&
        (spec->input_tokens.law == LENGTH_ZIPF || spec->output_tokens.law == LENGTH_ZIPF)) {
        return bad(err, "correlation", "0 with Zipf lengths, which are drawn by rejection");
    }
    return check_profile(spec, err) && check_states(spec, err) && check_sessions(spec, err) &&
           length_check(&spec->input_tokens, "input_tokens", err) &&
           length_check(&spec->output_tokens, "output_tokens", err);
}

/* rate_per_s is a mean of requests: over the profile, over the states (which are visited equally often, for
 * as long as they last), and over the turns of a session. */
static double rate_of_one(const struct synth_spec *spec) {
    double rate = spec->rate_per_s;
    if (spec->profile_count > 0) {
        double sum = 0;
        for (int i = 0; i < spec->profile_count; i++) {
            sum += spec->profile[i];
        }
        rate *= spec->profile_count / sum;
    }
    if (spec->process == ARRIVAL_MMPP) {
        double time = 0;
        double work = 0;
        for (int i = 0; i < spec->state_count; i++) {
            time += spec->state_sojourn_s[i];
            work += spec->state_sojourn_s[i] * spec->state_rate[i];
        }
        rate *= time / work;
    }
    return rate / spec->session_turns_mean;
}

static uint32_t intern(struct trace_names *names, const char *name) {
    return name ? trace_names_intern(names, name, strlen(name)) : 0;
}

/* MMPP begins in a state by the share of time it has, and a sojourn without memory. */
static void first_state(struct synth *y) {
    const struct synth_spec *spec = &y->spec;
    double total = 0;
    for (int i = 0; i < spec->state_count; i++) {
        total += spec->state_sojourn_s[i];
    }
    double place = rng_uniform(&y->states) * total;
    while (y->state + 1 < spec->state_count && place >= spec->state_sojourn_s[y->state]) {
        place -= spec->state_sojourn_s[y->state++];
    }
    y->state_end_s = rng_exponential(&y->states, spec->state_sojourn_s[y->state]);
}

struct trace_source *trace_synth(const struct synth_spec *spec, struct trace_names *names,
                                 struct error *err) {
    static const struct trace_source_ops ops = {synth_fill, synth_close, NULL};
    if (!synth_check(spec, err)) {
        return NULL;
    }
    struct synth *y = mem_zalloc(1, sizeof *y);
    y->base.ops = &ops;
    y->spec = *spec;
    strcpy(y->base.report.format, "synth");
    strcpy(y->base.report.columns, "arrival_s,input_tokens,output_tokens");
    normal_table_init(&y->normal);
    y->name_key = hash64_text(spec->name ? spec->name : "");
    y->service = intern(names, spec->service);
    y->tenant = intern(names, spec->tenant);
    y->region = intern(names, spec->region);
    y->rate_per_s = rate_of_one(spec);
    y->gaps = rng_stream(spec->seed, RNG_ARRIVALS, spec->name);
    y->states = rng_stream_id(spec->seed, RNG_ARRIVALS, ~y->name_key);
    y->part_end_s = spec->profile_count > 0 ? part_length_s(spec) : 0;
    y->weibull_scale = det_exp(-det_lgamma(1 + 1 / spec->shape));
    if (spec->process == ARRIVAL_MMPP) {
        first_state(y);
    }
    return &y->base;
}
