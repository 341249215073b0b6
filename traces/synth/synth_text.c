/* traces/synth_text.c: parameters of synthesis as text, for scenarios and `drydock trace synth`. One row a
 * parameter; help prints from the rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "traces/traces.h"

/* What a value's text is read into, and the name it has in messages. */
struct target {
    struct synth_spec *spec;
    struct arena *arena;
    const char *name;
    struct error *err;
};

static bool bad(const struct target *t, const char *text, const char *expected) {
    return error_at(t->err, ERROR_INVALID, NULL, t->name, "'%.80s': expected %s", text, expected);
}

static bool take_number(const struct target *t, enum unit_kind unit, const char *text, double *value) {
    return unit_parse(unit, text, value) || bad(t, text, unit_expects(unit));
}

/* ---- lists: "a, b, c" ---- */

/* Cuts the next item (no blanks around) off *list; NULL at the end. */
static char *next_item(struct arena *arena, const char **list, const char *separators) {
    const char *p = *list + strspn(*list, separators);
    if (!*p) {
        return NULL;
    }
    size_t length = strcspn(p, separators);
    *list = p + length;
    while (length > 0 && (p[length - 1] == ' ' || p[length - 1] == '\t')) {
        length--;
    }
    return arena_strndup(arena, p, length);
}

static bool set_profile(const struct target *t, const char *text) {
    const char *list = text;
    struct synth_spec *spec = t->spec;
    char *item;
    spec->profile_count = 0;
    while ((item = next_item(t->arena, &list, ", \t[]"))) {
        if (spec->profile_count == TRACE_PROFILE_MAX) {
            return bad(t, "...", "at most 4096 parts");
        }
        if (!take_number(t, UNIT_NUMBER, item, &spec->profile[spec->profile_count++])) {
            return false;
        }
    }
    return true;
}

/* "0.2:300s, 3:60s": rate factor and mean sojourn of each state */
static bool set_states(const struct target *t, const char *text) {
    const char *list = text;
    struct synth_spec *spec = t->spec;
    char *item;
    spec->state_count = 0;
    while ((item = next_item(t->arena, &list, ", \t[]"))) {
        char *colon = strchr(item, ':');
        if (!colon || spec->state_count == TRACE_MMPP_STATES_MAX) {
            return bad(t, text, "at most 8 states, such as 0.2:300s,3:60s");
        }
        *colon = '\0';
        int i = spec->state_count++;
        if (!take_number(t, UNIT_NUMBER, item, &spec->state_rate[i]) ||
            !take_number(t, UNIT_DURATION, colon + 1, &spec->state_sojourn_s[i])) {
            return false;
        }
    }
    return true;
}

/* ---- lengths: law(name=value, ...) ---- */

static bool set_tokens(const struct target *t, const char *text, uint32_t *tokens) {
    double value;
    if (!unit_parse(UNIT_COUNT, text, &value) || value < 0 || value > TRACE_TOKENS_MAX ||
        value != floor(value)) {
        return bad(t, text, "a whole number of tokens from 0 to 2147483647");
    }
    *tokens = (uint32_t)value;
    return true;
}

/* One quantile: "0.5=120" */
static bool add_quantile(const struct target *t, struct length_distribution *d, const char *p,
                         const char *value) {
    if (d->quantile_count == TRACE_QUANTILES_MAX) {
        return bad(t, p, "at most 64 quantiles");
    }
    int i = d->quantile_count++;
    return take_number(t, UNIT_FRACTION, p, &d->probability[i]) &&
           take_number(t, UNIT_NUMBER, value, &d->value[i]);
}

/* A parameter of a law into d; `median` and `mean` are other words for mu. */
static bool set_law_parameter(const struct target *t, struct length_distribution *d, const char *name,
                              const char *value) {
    double median;
    if (!strcmp(name, "low")) {
        return set_tokens(t, value, &d->low);
    }
    if (!strcmp(name, "high")) {
        return set_tokens(t, value, &d->high);
    }
    if (d->law == LENGTH_CONSTANT && !strcmp(name, "value")) {
        return set_tokens(t, value, &d->low);
    }
    if (d->law == LENGTH_LOGNORMAL && !strcmp(name, "mu")) {
        return take_number(t, UNIT_NUMBER, value, &d->mu);
    }
    if (d->law == LENGTH_LOGNORMAL && !strcmp(name, "median")) {
        if (!take_number(t, UNIT_NUMBER, value, &median)) {
            return false;
        }
        d->mu = median > 0 ? det_log(median) : NAN;
        return median > 0 || bad(t, value, "a median above 0");
    }
    if (d->law == LENGTH_LOGNORMAL && !strcmp(name, "sigma")) {
        return take_number(t, UNIT_NUMBER, value, &d->sigma);
    }
    if (d->law == LENGTH_EXPONENTIAL && !strcmp(name, "mean")) {
        return take_number(t, UNIT_NUMBER, value, &d->mu);
    }
    if (d->law == LENGTH_ZIPF && !strcmp(name, "exponent")) {
        return take_number(t, UNIT_NUMBER, value, &d->exponent);
    }
    if (d->law == LENGTH_QUANTILES) {
        return add_quantile(t, d, name, value);
    }
    return bad(t, name, "a parameter of this law (docs/traces.md lists them)");
}

static const struct {
    const char *name;
    enum length_law law;
} laws[] = {
    {"constant", LENGTH_CONSTANT}, {"lognormal", LENGTH_LOGNORMAL},     {"quantiles", LENGTH_QUANTILES},
    {"zipf", LENGTH_ZIPF},         {"exponential", LENGTH_EXPONENTIAL}, {"uniform", LENGTH_UNIFORM},
};

static const char lengths_expected[] = "a number of tokens, or constant, lognormal, quantiles, zipf, "
                                       "exponential or uniform with parameters, such "
                                       "as lognormal(median=900,sigma=1.1,low=1,high=8192)";

static bool set_lengths(const struct target *t, const char *text, struct length_distribution *d) {
    double tokens;
    struct length_distribution fresh = {.law = LENGTH_CONSTANT, .low = 1};
    if (unit_parse(UNIT_COUNT, text, &tokens)) {
        *d = fresh;
        return set_tokens(t, text, &d->low);
    }
    text += strspn(text, " \t");
    size_t length = strcspn(text, "( \t");
    size_t i = 0;
    while (i < sizeof laws / sizeof *laws &&
           (strlen(laws[i].name) != length || memcmp(laws[i].name, text, length) != 0)) {
        i++;
    }
    const char *open = text + length + strspn(text + length, " \t");
    const char *close = *open == '(' ? strchr(open, ')') : NULL;
    if (i == sizeof laws / sizeof *laws || !close || close[1 + strspn(close + 1, " \t")]) {
        return bad(t, text, lengths_expected);
    }
    fresh.law = laws[i].law;
    const char *list = arena_strndup(t->arena, open + 1, (size_t)(close - open - 1));
    char *item;
    while ((item = next_item(t->arena, &list, ", \t"))) {
        char *equals = strchr(item, '=');
        if (!equals) {
            return bad(t, item, "name=value");
        }
        *equals = '\0';
        if (!set_law_parameter(t, &fresh, item, equals + 1)) {
            return false;
        }
    }
    *d = fresh;
    return true;
}

/* ---- parameters ---- */

static bool set_process(const struct target *t, const char *text) {
    static const char *const names[] = {"poisson", "gamma", "weibull", "mmpp", "deterministic", NULL};
    for (int i = 0; names[i]; i++) {
        if (!strcmp(names[i], text)) {
            t->spec->process = (enum arrival_process)i; /* in the order of the enum */
            return true;
        }
    }
    bad(t, text, "poisson, gamma, weibull, mmpp or deterministic");
    const char *nearest = str_nearest(text, names);
    return nearest ? error_hint(t->err, "did you mean %s?", nearest) : false;
}

static bool set_rate(const struct target *t, const char *text) {
    return take_number(t, UNIT_RATE, text, &t->spec->rate_per_s);
}

static bool set_shape(const struct target *t, const char *text) {
    return take_number(t, UNIT_NUMBER, text, &t->spec->shape);
}

static bool set_duration(const struct target *t, const char *text) {
    return take_number(t, UNIT_DURATION, text, &t->spec->duration_s);
}

static bool set_period(const struct target *t, const char *text) {
    return take_number(t, UNIT_DURATION, text, &t->spec->profile_period_s);
}

static bool set_input(const struct target *t, const char *text) {
    return set_lengths(t, text, &t->spec->input_tokens);
}

static bool set_output(const struct target *t, const char *text) {
    return set_lengths(t, text, &t->spec->output_tokens);
}

static bool set_correlation(const struct target *t, const char *text) {
    return take_number(t, UNIT_NUMBER, text, &t->spec->correlation);
}

static bool set_turns(const struct target *t, const char *text) {
    return take_number(t, UNIT_NUMBER, text, &t->spec->session_turns_mean);
}

static bool set_think_mu(const struct target *t, const char *text) {
    return take_number(t, UNIT_NUMBER, text, &t->spec->session_think_mu);
}

static bool set_think_sigma(const struct target *t, const char *text) {
    return take_number(t, UNIT_NUMBER, text, &t->spec->session_think_sigma);
}

static bool set_name(const struct target *t, const char *text, const char **name) {
    if (strlen(text) > TRACE_NAME_BYTES_MAX) {
        return bad(t, text, "a name of at most 255 bytes");
    }
    *name = arena_strdup(t->arena, text);
    return true;
}

static bool set_service(const struct target *t, const char *text) {
    return set_name(t, text, &t->spec->service);
}

static bool set_tenant(const struct target *t, const char *text) {
    return set_name(t, text, &t->spec->tenant);
}

static bool set_region(const struct target *t, const char *text) {
    return set_name(t, text, &t->spec->region);
}

static bool set_stream(const struct target *t, const char *text) {
    return set_name(t, text, &t->spec->name);
}

static bool set_seed(const struct target *t, const char *text) {
    char *end;
    unsigned long long seed = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || strlen(text) > 19) {
        return bad(t, text, "a whole number");
    }
    t->spec->seed = seed;
    return true;
}

/* Both tables have the same rows: the help is public, the setter is not. */
#define PARAMETERS(ROW)                                                                                      \
    ROW("process", "poisson, gamma, weibull, mmpp or deterministic (poisson)", set_process)                  \
    ROW("rate_per_s", "mean requests per second: 2, 300/min (1)", set_rate)                                  \
    ROW("shape", "of gamma and weibull gaps; 1 is poisson, below is burstier (1)", set_shape)                \
    ROW("duration_s", "how long requests arrive: 600, 10m, 1h (1h)", set_duration)                           \
    ROW("states", "mmpp: rate factor and mean sojourn of 2 to 8 states: 0.2:300s,3:60s", set_states)         \
    ROW("profile", "relative rates of equal parts of the period: 1,2,4,2 (flat)", set_profile)               \
    ROW("profile_period_s", "period of the profile (24h)", set_period)                                       \
    ROW("input_tokens", "prompt lengths: 512, lognormal(median=900,sigma=1.1,low=1,high=8192) (512)",        \
        set_input)                                                                                           \
    ROW("output_tokens",                                                                                     \
        "answer lengths: quantiles(0=1,0.5=120,1=2000), exponential(mean=200), "                             \
        "zipf(exponent=1.2,low=1,high=4096), uniform(low=1,high=100) (128)",                                 \
        set_output)                                                                                          \
    ROW("correlation", "between prompt and answer lengths, -1 to 1 (0)", set_correlation)                    \
    ROW("session_turns_mean", "mean turns of a session; prompts carry the history (1: no sessions)",         \
        set_turns)                                                                                           \
    ROW("session_think_mu", "log-normal time between turns: mean of ln(seconds) (3.4)", set_think_mu)        \
    ROW("session_think_sigma", "and its deviation (1)", set_think_sigma)                                     \
    ROW("service", "service that the requests go to", set_service)                                           \
    ROW("tenant", "tenant that the requests belong to", set_tenant)                                          \
    ROW("region", "region that the requests come from", set_region)                                          \
    ROW("seed", "seed of the random streams (0)", set_seed)                                                  \
    ROW("name", "name of the random streams: two traces of one seed and other names are independent",        \
        set_stream)

#define HELP_ROW(name, help, set) {name, help},
const struct synth_parameter synth_parameters[] = {PARAMETERS(HELP_ROW){NULL, NULL}};

#define SET_ROW(name, help, set) set,
static bool (*const setters[])(const struct target *t, const char *text) = {PARAMETERS(SET_ROW)};

bool synth_set(struct synth_spec *spec, struct arena *arena, const char *name, const char *text,
               struct error *err) {
    const char *known[sizeof synth_parameters / sizeof *synth_parameters];
    struct target target = {spec, arena, name, err};
    size_t i = 0;
    for (; synth_parameters[i].name; i++) {
        if (!strcmp(synth_parameters[i].name, name)) {
            return setters[i](&target, text);
        }
        known[i] = synth_parameters[i].name;
    }
    known[i] = NULL;
    error_at(err, ERROR_INVALID, NULL, name, "is no parameter of synthesis");
    const char *nearest = str_nearest(name, known);
    return nearest ? error_hint(err, "did you mean %s?", nearest)
                   : error_hint(err, "`drydock trace list` prints the parameters");
}
