/* The head of the page: the answer in a sentence. */
#include <math.h>
#include <string.h>

#include "analysis/report/objective.h"
#include "analysis/report/page.h"
#include "analysis/report/say.h"

enum { MISSED_SAID_MAX = 3 };

/* ---- the sentence ---- */

/* Those that fail something, by name and value: ": p95 TTFT is 860 ms (at most 500 ms)". */
static void append_missed(struct report *r, const struct source *s, enum objective_kind kind,
                          struct strbuf *out) {
    const struct objective *all;
    size_t n = objectives_of(&r->sources, kind, r->arena, &all);
    size_t said = 0;
    for (size_t i = 0; i < n && said < MISSED_SAID_MAX; i++) {
        struct verdict v = objective_verdict(s, &all[i], r->arena);
        if (v.judged && !v.met && !all[i].warns) {
            strbuf_printf(out, "%s%s %s %s%s (%s)", said ? ", " : ": ", objective_name(r->arena, &all[i]),
                          isnan(v.value) ? "has" : "is", objective_value(r->arena, &all[i], &v),
                          isinf(v.value) ? " reached" : "", objective_limit(r->arena, &all[i]));
            said++;
        }
    }
}

/* Capital first letter. */
static void append_sentence(struct strbuf *out, const char *text) {
    strbuf_char(out, *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
    strbuf_append(out, *text ? text + 1 : "");
}

/* "all three gates hold", "one of three gates is broken: ..." */
static void append_tally(struct report *r, const struct source *s, enum objective_kind kind,
                         struct strbuf *out) {
    struct arena *a = r->arena;
    struct tally t = objectives_tally(s, kind);
    const char *noun = kind == GATES ? "gate" : "objective";
    const char *kept = kind == GATES ? t.count == 1 ? "holds" : "hold" : t.count == 1 ? "is met" : "are met";
    const char *lost = kind == GATES ? "broken" : "missed";
    if (t.failed == 0 && t.count == 1) {
        strbuf_printf(out, "The %s %s", noun, kept);
    } else if (t.failed == 0) {
        strbuf_printf(out, "All %s %ss %s", say_small(a, t.count), noun, kept);
    } else if (t.count == 1) {
        strbuf_printf(out, "The %s is %s", noun, lost);
    } else {
        append_sentence(out, arena_printf(a, "%s of %s %ss %s %s", say_small(a, t.failed),
                                          say_small(a, t.count), noun, t.failed == 1 ? "is" : "are", lost));
    }
    append_missed(r, s, kind, out);
    if (t.count - t.met > t.failed) {
        strbuf_printf(out, ", %s with a warning", say_small(a, t.count - t.met - t.failed));
    }
    strbuf_append(out, ". ");
}

static void append_promises(struct report *r, const struct source *s, struct strbuf *out) {
    if (objectives_tally(s, OBJECTIVES).count == 0) {
        strbuf_append(out, "No objective was stated, so there is nothing to pass or fail. ");
    } else {
        append_tally(r, s, OBJECTIVES, out);
    }
    if (objectives_tally(s, GATES).count > 0) {
        append_tally(r, s, GATES, out);
    }
}

/* What came of the requests, and for how much. */
static void append_outcome(struct report *r, const struct source *s, struct strbuf *out) {
    struct arena *a = r->arena;
    double arrived = source_estimate(s, "requests.arrived").mean;
    double completed = source_estimate(s, "requests.completed").mean;
    double cost = source_estimate(s, "cost.total_usd").mean;
    double attainment = source_estimate(s, "slo.attainment").mean;
    const char *span = say_span(a, source_estimate(s, "simulated_s").mean);
    if (!(arrived > 0)) {
        strbuf_printf(out, "No request arrived in %s", span);
    } else {
        strbuf_printf(out, "Of %s requests in %s, %s", say_count(a, arrived), span,
                      completed == arrived
                          ? "all were completed"
                          : arena_printf(a, "%s were completed", say_percent(a, completed / arrived)));
    }
    if (!isnan(attainment) && arrived > 0) {
        strbuf_printf(out, " and %s met every objective of theirs", say_percent(a, attainment));
    }
    if (!isnan(cost)) {
        strbuf_printf(out, "; the bill is %s (%s an hour)", say_usd(a, cost),
                      say_usd(a, source_estimate(s, "cost.usd_per_h").mean));
    }
    double replications = summary_figure(s->summary, "replications");
    if (replications > 1) {
        strbuf_printf(out, ". These are means over %s runs with different seeds; pictures show one of them",
                      say_count(a, replications));
    }
    strbuf_append(out, ".");
}

/* What decides between results that keep their promises: money, or GPUs where there are no prices. */
static const char *price_metric(const struct sources *all) {
    for (size_t i = 0; i < all->count; i++) {
        if (isnan(summary_figure(all->items[i].summary, "cost.total_usd"))) {
            return "gpu.hours";
        }
    }
    return "cost.total_usd";
}

/* Prices nearer than this share are the same: what was held for a fraction of a second longer decides
 * nothing. */
static const double same_price_below = 0.005;

static bool keeps_all(const struct source *s) {
    struct tally t = objectives_tally(s, OBJECTIVES);
    return t.count > 0 && t.met == t.count;
}

/* Of those that keep their promises: the one of the least, or, with `most`, of the greatest figure. NULL:
 * none. */
static const struct source *best_by(const struct report *r, const char *path, bool most) {
    const struct source *best = NULL;
    for (size_t i = 0; i < r->sources.count; i++) {
        const struct source *s = &r->sources.items[i];
        double gain = best ? source_estimate(s, path).mean - source_estimate(best, path).mean : 0;
        if (keeps_all(s) && (!best || (most ? gain > 0 : gain < 0))) {
            best = s;
        }
    }
    return best;
}

/* Which of several that keep their promises is the one to take. */
static void append_best(struct report *r, struct strbuf *out) {
    const char *metric = price_metric(&r->sources);
    const struct source *best = best_by(r, metric, false), *dearest = best_by(r, metric, true);
    bool money = strstr(metric, "usd") != NULL;
    double least = source_estimate(best, metric).mean, most = source_estimate(dearest, metric).mean;
    const char *price = isnan(least) ? ""
                                     : arena_printf(r->arena, "at %s%s", say_metric(r->arena, metric, least),
                                                    money ? "" : " GPU hours");
    const struct source *kindest = best_by(r, "slo.attainment", true);
    double attainment = source_estimate(kindest, "slo.attainment").mean;
    if (most - least < same_price_below * most && !isnan(attainment)) {
        strbuf_printf(out, " %s; %s does so for the most requests, %s", price, kindest->label,
                      say_percent(r->arena, attainment));
    } else {
        strbuf_printf(out, "; the %s of them is %s%s%s", money ? "cheapest" : "smallest", best->label,
                      *price ? ", " : "", price);
    }
}

static void append_choice(struct report *r, struct strbuf *out) {
    size_t keeping = 0, judged = 0;
    for (size_t i = 0; i < r->sources.count; i++) {
        judged += objectives_tally(&r->sources.items[i], OBJECTIVES).count > 0;
        keeping += keeps_all(&r->sources.items[i]);
    }
    if (judged == 0) {
        strbuf_append(out, "No objective was stated, so there is nothing to pass or fail.");
        return;
    }
    append_sentence(out,
                    arena_printf(r->arena, "%s of %s %s every objective",
                                 keeping == 0 ? "none" : say_small(r->arena, keeping),
                                 say_small(r->arena, r->sources.count), keeping <= 1 ? "meets" : "meet"));
    bool comparable = sources_same_traffic(&r->sources) && sources_same_scenario(&r->sources);
    if (keeping == 1) {
        const char *metric = price_metric(&r->sources);
        const struct source *only = best_by(r, metric, false);
        double price = source_estimate(only, metric).mean;
        strbuf_printf(out, ": %s", only->label);
        if (comparable && !isnan(price)) {
            strbuf_printf(out, ", at %s%s", say_metric(r->arena, metric, price),
                          strstr(metric, "usd") ? "" : " GPU hours");
        }
    } else if (keeping > 1 && comparable) {
        append_best(r, out);
    }
    strbuf_append(out, ".");
}

bool section_verdict(struct report *r, struct error *err) {
    (void)err;
    struct strbuf text = {0};
    const struct source *s = &r->sources.items[0];
    const char *class = "verdict";
    if (r->sources.count == 1) {
        struct tally objectives = objectives_tally(s, OBJECTIVES);
        struct tally gates = objectives_tally(s, GATES);
        if (objectives.count + gates.count > 0) {
            class = objectives.failed + gates.failed > 0 ? "verdict bad" : "verdict good";
        }
        append_promises(r, s, &text);
        append_outcome(r, s, &text);
    } else {
        append_choice(r, &text);
    }
    html_element(&r->html, "p", arena_printf(r->arena, "class=\"%s\"", class), text.text);
    strbuf_char(&r->html, '\n');
    strbuf_free(&text);
    return true;
}
