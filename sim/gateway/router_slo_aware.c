/* A replica that is predicted to keep what the request was promised: llm-d's predicted-latency scheduling
 * (llm-d-inference-scheduler, plug-ins predicted-latency-producer, prefix-cache-affinity-filter,
 * slo-headroom-tier-filter, latency-scorer, weighted-random-picker, in the order of its chart).
 *
 * Headroom is promise less prediction, of TTFT and of TPOT. In turn:
 *
 * 1. gates of affinity, at a prefix score of 0.99 and, after 2, of `affinity_threshold`: when some replica
 * has as much of the prompt, the others are left out, unless the best of those is predicted to be faster by
 * more than `max_ttft_penalty`;
 * 2. the tier: those with both headrooms at least 0, when there are any;
 * 3. the score: among those tiers the headrooms, each on a scale from 0 to 1, weighed and added. `least`
 * prefers the replica that is closest to the promise (and keeps the others free for who needs them), `most`
 * the one that is furthest. When none keeps the promise: an idle one, else those that break TPOT alone, else
 *    TTFT alone, else both, the least broken first;
 * 4. the pick, drawn with chances as the scores are, or the highest.
 *
 * In a share of 1 % each the other tier is looked at, or the gates are left out, so that what is known does
 * not age. The draws of both are one here: they never happen together.
 *
 * The predictor of llm-d is a gradient-boosted tree that a sidecar trains on the gateway's own history, for
 * the 90th percentile. Here it is a linear one on the same features, for each workload, see latency_model.h:
 *
 *     TTFT: 1, prompt tokens not known to the replica, prompt tokens in flight there before their first
 * token, waiting, running, KV use TPOT: 1, requests in flight there, prompt tokens in flight, KV use
 *
 * Until `min_samples` first tokens were seen, replicas are scored by KV use, queue and prefix, a third each.
 * A promise that is not made has no headroom to lose; when neither is, headroom is less the prediction. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "gateway/dispatches.h"
#include "gateway/prefix_index.h"
#include "gateway/router.h"
#include "gateway/scores.h"

enum { STRICT_PERCENT = 99, TTFT_FEATURES = 6 };
static const double KILO_TOKENS = 1000, REQUESTS_UNIT = 64; /* features of the order of 1 */

enum { LEAST, MOST };
enum { WEIGHTED_RANDOM, MAX_SCORE };
static const char *const strategies[] = {"least", "most", NULL};
static const char *const pickers[] = {"weighted-random", "max-score", NULL};

enum {
    TTFT_WEIGHT,
    TPOT_WEIGHT,
    STRATEGY,
    PICKER,
    EXPLORE_TIER,
    BUFFER,
    AFFINITY,
    EXPLORE_AFFINITY,
    PENALTY,
    DEVIATIONS,
    MIN_SAMPLES,
    INDEX, /* of which the first is the tokens of a block */
    OPTIONS = INDEX + PREFIX_INDEX_OPTION_COUNT
};

/* Defaults: the plug-ins' own; min_samples is the chart's LATENCY_MIN_SAMPLES_FOR_RETRAIN, deviations the
 * 90th percentile of a normal law. */
static const struct dd_option options[] = {
    [TTFT_WEIGHT] = {.name = "ttft_weight",
                     .help = "weight of the headroom of TTFT",
                     .high = 1e6,
                     .fallback = 0.8},
    [TPOT_WEIGHT] = {.name = "tpot_weight",
                     .help = "weight of the headroom of TPOT",
                     .high = 1e6,
                     .fallback = 0.2},
    [STRATEGY] = {.name = "headroom_selection_strategy",
                  .help = "of those that keep the promise: the closest to it, or the furthest",
                  .type = DD_OPTION_CHOICE,
                  .high = MOST,
                  .choices = strategies},
    [PICKER] = {.name = "picker",
                .help = "drawn with chances as the scores are, or the highest",
                .type = DD_OPTION_CHOICE,
                .high = MAX_SCORE,
                .choices = pickers},
    [EXPLORE_TIER] = {.name = "epsilon_explore_neg",
                      .help = "share of requests for the tier that is predicted to break the promise",
                      .high = 0.5,
                      .fallback = 0.01},
    [BUFFER] = {.name = "slo_buffer_factor",
                .help = "what is aimed at of the promised TPOT",
                .low = 0.01,
                .high = 100,
                .fallback = 1},
    [AFFINITY] = {.name = "affinity_threshold",
                  .help = "prefix score from which on a replica is preferred; above 1: no gates",
                  .high = 2,
                  .fallback = 0.8},
    [EXPLORE_AFFINITY] = {.name = "exploration_probability",
                          .help = "share of requests without the gates",
                          .high = 0.5,
                          .fallback = 0.01},
    [PENALTY] = {.name = "max_ttft_penalty",
                 .help = "how much slower a preferred replica may be predicted to be",
                 .type = DD_OPTION_DURATION,
                 .high = 3600,
                 .fallback = 5},
    [DEVIATIONS] = {.name = "deviations",
                    .help = "standard deviations of the error that a prediction has on top",
                    .high = 10,
                    .fallback = 1.2816},
    [MIN_SAMPLES] = {.name = "min_samples",
                     .help = "observations without which nothing is predicted",
                     .type = DD_OPTION_INTEGER,
                     .low = 1,
                     .high = 1e6,
                     .fallback = 100},
    PREFIX_INDEX_OPTIONS,
    {.name = NULL},
};

struct models {
    bool begun;
    struct latency_model ttft, tpot;
};

/* Of a candidate, for the request at hand. */
struct prospect {
    double ttft[LATENCY_FEATURES_MAX], tpot[DISPATCH_TPOT_FEATURES];
    double predicted_ttft_s;
    double ttft_headroom_s, tpot_headroom_s;
    double prefix; /* score */
    double score;
    uint32_t prefill_tokens;
    uint32_t outstanding;
    bool kept;
    bool is_predicted;
};

struct slo_aware {
    double told[OPTIONS]; /* by option */
    struct prefix_index *index;
    struct dispatches sent;
    struct models *models; /* by workload */
    uint32_t workloads;
    uint64_t *prefill_tokens; /* in flight before their first token, by replica number */
    uint32_t replicas;
    struct prospect *prospects;
    uint32_t capacity;
};

static void *create(const struct dd_option_value *values) {
    struct slo_aware *s = mem_zalloc(1, sizeof *s);
    for (int i = 0; i < OPTIONS; i++) {
        s->told[i] = values[i].number;
    }
    s->index = prefix_index_of_options(values + INDEX);
    return s;
}

static void destroy(void *state) {
    struct slo_aware *s = state;
    prefix_index_destroy(s->index);
    dispatches_free(&s->sent);
    free(s->models);
    free(s->prefill_tokens);
    free(s->prospects);
    free(s);
}

static void *grown(void *items, uint32_t *count, uint32_t need, size_t bytes) {
    uint32_t to = 2 * need + 8;
    items = mem_realloc(items, to, bytes);
    memset((char *)items + *count * bytes, 0, (to - *count) * bytes);
    *count = to;
    return items;
}

static struct models *models_of(struct slo_aware *s, uint32_t workload) {
    if (workload >= s->workloads) {
        s->models = grown(s->models, &s->workloads, workload, sizeof *s->models);
    }
    struct models *m = &s->models[workload];
    if (!m->begun) {
        latency_model_init(&m->ttft, TTFT_FEATURES);
        latency_model_init(&m->tpot, DISPATCH_TPOT_FEATURES);
        m->begun = true;
    }
    return m;
}

/* ---- predictions ---- */

static void see(struct prospect *p, const struct dd_candidate *c, uint64_t prefill_tokens) {
    double kv = c->kv_permille / 1000.0;
    double prefill = (double)prefill_tokens / KILO_TOKENS;
    uint32_t waiting = c->waiting < c->outstanding ? c->waiting : c->outstanding; /* an older figure */
    p->ttft[0] = p->tpot[0] = 1;
    p->ttft[1] = p->prefill_tokens / KILO_TOKENS;
    p->ttft[2] = p->tpot[2] = prefill;
    p->ttft[3] = waiting / REQUESTS_UNIT;
    p->ttft[4] = (c->outstanding - waiting) / REQUESTS_UNIT;
    p->ttft[5] = p->tpot[3] = kv;
    p->tpot[1] = c->outstanding / REQUESTS_UNIT;
}

/* A promise that is not made has no headroom to lose, while the other one is made. */
static double headroom(double promised_s, double other_s, double predicted_s) {
    return isfinite(promised_s) ? promised_s - predicted_s : isfinite(other_s) ? 0 : -predicted_s;
}

static void predict(const struct slo_aware *s, const struct models *m, const struct dd_route_request *r,
                    struct prospect *p) {
    p->is_predicted = (double)m->ttft.samples >= s->told[MIN_SAMPLES];
    if (!p->is_predicted) {
        return;
    }
    p->predicted_ttft_s = latency_model_predict(&m->ttft, p->ttft, s->told[DEVIATIONS]);
    p->ttft_headroom_s = headroom(r->ttft_s, r->tpot_s, p->predicted_ttft_s);
    if ((double)m->tpot.samples >= s->told[MIN_SAMPLES]) {
        double tpot_s = latency_model_predict(&m->tpot, p->tpot, s->told[DEVIATIONS]);
        p->tpot_headroom_s = headroom(r->tpot_s * s->told[BUFFER], r->ttft_s, tpot_s);
    }
}

static bool look(struct slo_aware *s, const struct dd_route_request *r, const struct dd_candidate *candidates,
                 uint32_t count) {
    if (count > s->capacity) {
        s->prospects = grown(s->prospects, &s->capacity, count, sizeof *s->prospects);
    }
    bool any = false;
    uint32_t blocks = prefix_index_look(s->index, r);
    for (uint32_t i = 0; i < count; i++) {
        const struct dd_candidate *c = &candidates[i];
        if (c->replica >= s->replicas) {
            s->prefill_tokens = grown(s->prefill_tokens, &s->replicas, c->replica, sizeof *s->prefill_tokens);
        }
        struct prospect *p = &s->prospects[i];
        uint32_t matched = blocks > 0 ? prefix_index_matched(s->index, c->replica) : 0;
        uint64_t known = (uint64_t)matched * (uint32_t)s->told[INDEX];
        *p = (struct prospect){.kept = true, .outstanding = c->outstanding};
        p->prefix = blocks > 0 ? (double)matched / blocks : 0;
        p->prefill_tokens = known < r->input_tokens ? r->input_tokens - (uint32_t)known : 1;
        see(p, c, s->prefill_tokens[c->replica]);
        predict(s, models_of(s, c->workload), r, p);
        any |= p->is_predicted;
    }
    return any;
}

/* ---- filters ---- */

static void affinity_gate(struct slo_aware *s, uint32_t count, double threshold) {
    double best = INFINITY, best_other = INFINITY; /* predicted TTFT */
    bool some = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct prospect *p = &s->prospects[i];
        bool sticks = p->prefix >= threshold;
        some |= p->kept && sticks;
        if (p->kept) {
            double *which = sticks ? &best : &best_other;
            *which = fmin(*which, p->predicted_ttft_s);
        }
    }
    if (!some || best > best_other + s->told[PENALTY]) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        s->prospects[i].kept &= s->prospects[i].prefix >= threshold;
    }
}

static bool keeps(const struct prospect *p) {
    return p->is_predicted && p->ttft_headroom_s >= 0 && p->tpot_headroom_s >= 0;
}

static void tier(struct slo_aware *s, uint32_t count, bool explores) {
    uint32_t good = 0, bad = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct prospect *p = &s->prospects[i];
        good += p->kept && keeps(p);
        bad += p->kept && !keeps(p);
    }
    for (uint32_t i = 0; good > 0 && bad > 0 && i < count; i++) {
        s->prospects[i].kept &= keeps(&s->prospects[i]) != explores;
    }
}

/* ---- scores ---- */

/* How bad it is to miss the promise as this one does: 0 keeps it. */
static int deficit(const struct prospect *p, bool some_idle) {
    if (keeps(p)) {
        return 0;
    }
    if (some_idle) {
        return p->outstanding == 0 ? 1 : 5;
    }
    bool ttft = p->ttft_headroom_s < 0, tpot = p->tpot_headroom_s < 0;
    return !p->is_predicted || (ttft && tpot) ? 4 : ttft ? 3 : 2;
}

static int least_deficit(struct slo_aware *s, uint32_t count, bool *some_idle) {
    int least = 5;
    *some_idle = false;
    for (uint32_t i = 0; i < count; i++) {
        *some_idle |= s->prospects[i].kept && s->prospects[i].outstanding == 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        int mine = s->prospects[i].kept ? deficit(&s->prospects[i], *some_idle) : 5;
        least = mine < least ? mine : least;
    }
    return least;
}

struct range {
    double low, high;
};

static void widen(struct range *r, double headroom_s) {
    r->low = fmin(r->low, fabs(headroom_s));
    r->high = fmax(r->high, fabs(headroom_s));
}

static bool has_width(const struct range *r) {
    return r->high - r->low > 1e-12; /* the scorer's eps, 1e-9 ms */
}

static double on(const struct range *r, double headroom_s) {
    return has_width(r) ? (fabs(headroom_s) - r->low) / (r->high - r->low) : 0.5;
}

static double share_of_ttft(const struct slo_aware *s, const struct range *ttft, const struct range *tpot) {
    if (has_width(ttft) != has_width(tpot)) {
        return has_width(ttft);
    }
    double sum = s->told[TTFT_WEIGHT] + s->told[TPOT_WEIGHT];
    return sum > 0 ? s->told[TTFT_WEIGHT] / sum : 1;
}

/* In hundredths, 1 to 101, as the scorer rounds. */
static void score_by_headroom(struct slo_aware *s, uint32_t count) {
    bool some_idle;
    int which = least_deficit(s, count, &some_idle);
    struct range ttft = {INFINITY, -INFINITY}, tpot = ttft;
    for (uint32_t i = 0; i < count; i++) {
        struct prospect *p = &s->prospects[i];
        p->kept &= deficit(p, some_idle) == which;
        if (p->kept) {
            widen(&ttft, p->ttft_headroom_s);
            widen(&tpot, p->tpot_headroom_s);
        }
    }
    double share = share_of_ttft(s, &ttft, &tpot);
    bool most = which == 0 && s->told[STRATEGY] == MOST;
    for (uint32_t i = 0; i < count; i++) {
        struct prospect *p = &s->prospects[i];
        double sum = share * on(&ttft, p->ttft_headroom_s) + (1 - share) * on(&tpot, p->tpot_headroom_s);
        p->score = p->kept ? floor((most ? sum : 1 - sum) * 100) + 1 : 0;
    }
}

static void score_without_predictions(struct slo_aware *s, const struct dd_candidate *candidates,
                                      uint32_t count) {
    uint32_t longest = queue_range_of(candidates, count).longest;
    for (uint32_t i = 0; i < count; i++) {
        const struct dd_candidate *c = &candidates[i];
        double queue = longest > 0 ? (double)(longest - c->waiting) / longest : 1;
        s->prospects[i].score = floor(100 * (kv_score(c) + queue + s->prospects[i].prefix) / 3 + 0.5);
    }
}

/* ---- the pick ---- */

static uint32_t pick_highest_of(const struct slo_aware *s, uint32_t count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        best = s->prospects[i].score > s->prospects[best].score ? i : best;
    }
    return best;
}

static uint32_t pick(const struct slo_aware *s, uint32_t count, double uniform) {
    double total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += s->prospects[i].score;
    }
    if (s->told[PICKER] == MAX_SCORE || total == 0) {
        return pick_highest_of(s, count);
    }
    double at = uniform * total; /* scores are whole numbers: no sum rounds */
    for (uint32_t i = 0; i < count; i++) {
        at -= s->prospects[i].score;
        if (at < 0) {
            return i;
        }
    }
    return pick_highest_of(s, count);
}

static void remember(struct slo_aware *s, const struct dd_route_request *r, const struct dd_candidate *c,
                     const struct prospect *p) {
    struct dispatch *d = dispatches_add(&s->sent, r->id);
    d->at_s = r->at_s;
    d->workload = c->workload;
    d->prefill_tokens = p->prefill_tokens;
    memcpy(d->ttft, p->ttft, sizeof d->ttft);
    memcpy(d->tpot, p->tpot, sizeof d->tpot);
    s->prefill_tokens[c->replica] += p->prefill_tokens;
}

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    struct slo_aware *s = state;
    if (look(s, request, candidates, count)) {
        bool explores = uniform[0] < s->told[EXPLORE_TIER];
        bool gates = s->told[AFFINITY] <= 1 && uniform[0] < 1 - s->told[EXPLORE_AFFINITY];
        if (gates) {
            affinity_gate(s, count, STRICT_PERCENT / 100.0);
        }
        tier(s, count, explores);
        if (gates) {
            affinity_gate(s, count, s->told[AFFINITY]);
        }
        score_by_headroom(s, count);
    } else {
        score_without_predictions(s, candidates, count);
    }
    uint32_t chosen = pick(s, count, uniform[1]);
    remember(s, request, &candidates[chosen], &s->prospects[chosen]);
    prefix_index_sent(s->index, request, candidates[chosen].replica, candidates, count);
    return chosen;
}

/* ---- what comes back ---- */

static void first_token(void *state, const struct dd_route_report *report) {
    struct slo_aware *s = state;
    struct dispatch *d = dispatches_find(&s->sent, report->id);
    if (!d || d->first_token_s >= 0) {
        return;
    }
    d->first_token_s = report->at_s;
    s->prefill_tokens[report->replica] -= d->prefill_tokens;
    latency_model_learn(&models_of(s, d->workload)->ttft, d->ttft, report->at_s - d->at_s);
}

static void ended(void *state, const struct dd_route_report *report) {
    struct slo_aware *s = state;
    const struct dispatch *d = dispatches_find(&s->sent, report->id);
    if (!d) {
        return;
    }
    if (d->first_token_s < 0) {
        s->prefill_tokens[report->replica] -= d->prefill_tokens;
    } else if (report->tokens > 1) {
        double tpot_s = (report->at_s - d->first_token_s) / (report->tokens - 1);
        latency_model_learn(&models_of(s, d->workload)->tpot, d->tpot, tpot_s);
    }
    dispatches_remove(&s->sent, report->id);
}

const struct dd_router_ops router_slo_aware = {
    .abi = DD_POLICY_ABI,
    .name = "slo-aware",
    .help = "one that is predicted to keep the promised TTFT and TPOT, as llm-d's predicted latency does",
    .options = options,
    .create = create,
    .choose = choose,
    .destroy = destroy,
    .first_token = first_token,
    .ended = ended,
};
