/* traces/traces.h: request traces: one file a format, one row in formats.c; transforms; synthesis; fitting.
 *
 * A trace is read as a stream of rows in order of arrival; memory does not grow with the file. The library
 * knows sim/base and sim/record only. Public formats are described where they are published; docs/traces.md
 * says where.
 */
#ifndef DRYDOCK_TRACES_H
#define DRYDOCK_TRACES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/simtime.h"

/* Names (services, tenants, regions) are interned in a table shared by all sources of a run; index 0 is "".
 * Beyond TRACE_NAMES_MAX distinct names a new one becomes "(other)", so that a column of unique identifiers
 * cannot eat the memory. */
enum { TRACE_NAMES_MAX = 1 << 20, TRACE_NAME_BYTES_MAX = 255 };

struct trace_names {
    struct arena arena;
    char **names;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* open addressing over names; 0 = empty */
    size_t slot_count;
};

void trace_names_init(struct trace_names *t);
void trace_names_free(struct trace_names *t);
uint32_t trace_names_intern(struct trace_names *t, const char *name, size_t length);

enum { TRACE_TOKENS_MAX = 0x7fffffff }; /* tokens, images: rows above are skipped */

/* One request as it arrives: 96 bytes. What a format does not say is 0 (tokens of an image-generation request
 * are 0 too; its work is `service_s`).
 *
 * Time 0 is the first row where the file has dates (or seconds since 1970), and the file's own zero where it
 * counts from one (arrival_s, BurstGPT, Mooncake): two halves of such a file keep their distance when mixed.
 * After a transform it is the start of the window. */
struct trace_row {
    simtime arrival_ps;
    uint32_t input_tokens; /* prompt tokens in all, image tokens included */
    uint32_t output_tokens;
    uint32_t service; /* names[] index */
    uint32_t tenant;
    uint32_t region;
    uint32_t images;
    uint32_t image_tokens; /* sum over images */
    uint32_t hash_count;   /* prefix blocks in hashes[] */
    uint64_t session;      /* 0 = none */
    uint64_t row; /* 0, 1, 2 ... in the order of the file: the request's stable identity, unique within
                     `source`; thinning keeps it, clone k of a row has row + k * TRACE_CLONE_STRIDE */
    int64_t payload_bytes; /* request body; 0 = derived from tokens by the model */
    double audio_s;
    double service_s;           /* stated service time of work that is not LLM work; 0 = not stated */
    const uint64_t *hashes;     /* prefix block hashes, valid until the next row is read */
    uint32_t hash_block_tokens; /* tokens a hash covers (Mooncake: 512) */
    uint32_t source;            /* which of the mixed traces it came from */
};
#define TRACE_CLONE_STRIDE ((uint64_t)1 << 44)

/* What a reader met; skipped rows are counted by reason and the first is kept for the message. */
struct trace_report {
    uint64_t rows;          /* given out */
    uint64_t skipped;       /* read but not usable: failed requests, malformed numbers, negative tokens ... */
    uint64_t failed;        /* of those, requests that the traced system failed */
    int first_skipped_line; /* 0 = none; column likewise when the place within the line is not known */
    int first_skipped_column;
    char first_skipped_reason[160];
    uint64_t out_of_order;     /* rows that came earlier than one before them: sorted within a window */
    char columns[512];         /* those that were used, by our names, comma separated */
    char ignored_columns[256]; /* those that were not, by the file's names, comma separated */
    char start[80]; /* date of time 0, "2023-11-16T18:15:46.680590Z"; "" where the file has no dates */
    char format[32];
};

/* How tables are read: the rows are the same. For tests and measurements. */
enum trace_pace {
    TRACE_BEST,      /* as fast as this processor can */
    TRACE_BASELINE,  /* as on any x86-64 */
    TRACE_ONE_BY_ONE /* each row by itself: the reference */
};

/* A map from our column names to the file's, for CSV: "arrival_s=ts,input_tokens=prompt". */
struct trace_open_options {
    const char *format;  /* NULL = told by content */
    const char *columns; /* NULL = by header */
    const char *service; /* overrides the rows' service; NULL = none */
    enum trace_pace pace;
    bool any_order; /* sort the file whole, in memory (96 bytes a row), however far its rows are from their
                       place */
};

struct trace_source; /* a format's reader or a transform over one */
struct trace_input;  /* an opened file whose first bytes can be looked at: source.h */

/* A format: one file, one row of trace_formats[]. */
struct trace_format {
    const char *name; /* "azure-llm" */
    const char *help; /* one line: what, and where it is published */
    /* How well the first bytes (decompressed) fit: 0 = no, 1 = might, 2 = certain. */
    int (*probe)(const char *head, size_t length);
    struct trace_source *(*open)(struct trace_input *input, const struct trace_open_options *options,
                                 struct trace_names *names, struct error *err);
};
extern const struct trace_format *const trace_formats[]; /* ended by NULL */

/* Opens a trace file (plain or .gz by content; a pipe is read once) or a folder of ServeGen clients.
 * `options` may be NULL. A missing or empty file, one with no usable row, binary junk or an unknown format is
 * ERROR_INVALID with the file's name and, where there is one, line and column. NULL on failure. */
struct trace_source *trace_open(const char *path, const struct trace_open_options *options,
                                struct trace_names *names, struct error *err);

/* The next row: 1 = given, 0 = end, -1 = failed. */
int trace_next(struct trace_source *s, struct trace_row *row, struct error *err);
/* The next rows as they lie in the reader, without a copy: their count, 0 = end, -1 = failed. They are valid
 * until the next call. */
int trace_next_rows(struct trace_source *s, const struct trace_row **rows, struct error *err);
const struct trace_report *trace_report(const struct trace_source *s);
void trace_close(struct trace_source *s);

/* Transforms own the source they wrap. They are applied in this order: window, repeat, rate, time, service;
 * start and length are on the wrapped source's clock. */
struct trace_transform {
    simtime start_ps;  /* rows before are dropped, arrivals shifted so that start is 0 */
    simtime length_ps; /* rows at or after start + length are dropped; 0 = all */
    double rate_scale; /* < 1: each row kept with that probability, keyed by its row number (deterministic
                          thinning); > 1: a row becomes floor(r) or ceil(r), those added spread at random
                          until the next arrival */
    double time_scale; /* arrival times are multiplied by this (0.5 = twice as fast) */
    uint64_t repeat;   /* copies end to end, each shifted by the span plus one mean gap; 1 = once */
    uint64_t seed;
    const char *service; /* all rows go to this service; NULL = as read */
};
#define TRACE_TRANSFORM_NONE                                                                                 \
    { 0, 0, 1.0, 1.0, 1, 0, NULL }

/* Repeating re-opens the file by `reopen` (NULL is refused when repeat > 1), so that memory stays flat. On
 * failure `inner` is closed. */
struct trace_source *trace_transformed(struct trace_source *inner, const struct trace_transform *t,
                                       struct trace_names *names,
                                       struct trace_source *(*reopen)(void *context, struct error *err),
                                       void *context, struct error *err);

/* Mixes sources by arrival time; ties go to the lower index, which also becomes the rows' `source`. Owns
 * them, on failure too. */
struct trace_source *trace_mixed(struct trace_source **sources, size_t count, struct error *err);

/* ---- synthesis ---- */
enum arrival_process { ARRIVAL_POISSON, ARRIVAL_GAMMA, ARRIVAL_WEIBULL, ARRIVAL_MMPP, ARRIVAL_DETERMINISTIC };
enum length_law {
    LENGTH_CONSTANT,
    LENGTH_LOGNORMAL,
    LENGTH_QUANTILES,
    LENGTH_ZIPF,
    LENGTH_EXPONENTIAL,
    LENGTH_UNIFORM
};

enum { TRACE_QUANTILES_MAX = 64, TRACE_PROFILE_MAX = 4096, TRACE_MMPP_STATES_MAX = 8 };

struct length_distribution {
    enum length_law law;
    double mu, sigma;   /* log-normal: of the logarithm; exponential: mu is the mean */
    double exponent;    /* Zipf */
    uint32_t low, high; /* clamp, and the range of Zipf and uniform; constant: low. high 0 = no limit */
    int quantile_count; /* piecewise linear inverse of the distribution function */
    double probability[TRACE_QUANTILES_MAX];
    double value[TRACE_QUANTILES_MAX];
};

struct synth_spec {
    enum arrival_process process;
    double rate_per_s; /* requests: mean over the profile, the states and the turns of sessions */
    double shape;      /* Gamma, Weibull */
    double duration_s;
    int state_count; /* MMPP: rate factors and mean sojourn of each state; next state uniform among the others
                      */
    double state_rate[TRACE_MMPP_STATES_MAX];
    double state_sojourn_s[TRACE_MMPP_STATES_MAX];
    int profile_count; /* relative rate by equal parts of profile_period_s (diurnal); 0 = flat */
    double profile[TRACE_PROFILE_MAX];
    double profile_period_s;
    struct length_distribution input_tokens;
    struct length_distribution output_tokens;
    double correlation;        /* Gaussian copula between input and output lengths, -1 .. 1 */
    double session_turns_mean; /* > 1: geometric number of turns, log-normal time from one turn to the next,
                                  prompts grow by history up to input_tokens.high */
    double session_think_mu, session_think_sigma;
    const char *service;
    const char *tenant;
    const char *region;
    uint64_t seed;
    const char *name; /* stable name for the random streams */
};

void synth_defaults(struct synth_spec *spec);
bool synth_check(const struct synth_spec *spec, struct error *err); /* names the bad field */
struct trace_source *trace_synth(const struct synth_spec *spec, struct trace_names *names, struct error *err);

/* Embedded presets (fitted figures, no file needed): one row each. */
struct trace_preset {
    const char *name; /* "azure-conv-2023" */
    const char *help; /* what it was fitted to */
    const struct synth_spec *spec;
};
extern const struct trace_preset trace_presets[]; /* ended by name NULL */
const struct trace_preset *trace_preset_find(const char *name);

/* Sets one parameter of a synth_spec from text, as scenarios and `drydock trace synth` do
 * ("process", "rate_per_s", "shape", "input_tokens" = "lognormal(mu=6.9,sigma=1.1,low=1,high=8192)" ...).
 * synth_parameters[] lists them with their help. */
struct synth_parameter {
    const char *name;
    const char *help;
};
extern const struct synth_parameter synth_parameters[];
bool synth_set(struct synth_spec *spec, struct arena *arena, const char *name, const char *text,
               struct error *err);

/* ServeGen's client files (a folder of chunk-N-trace.csv and chunk-N-dataset.json) as a source: each client
 * draws its own renewal process window by window and is a tenant. duration_s 0 = as long as the files say. */
struct trace_source *trace_servegen(const char *folder, double duration_s, uint64_t seed,
                                    struct trace_names *names, struct error *err);

/* ---- fitting ---- */
enum { TRACE_FIT_PROCESSES = 3 }; /* Poisson, Gamma, Weibull, in the order of enum arrival_process */

struct trace_fit {
    uint64_t requests;
    double span_s;
    double rate_per_s;
    double interarrival_cv; /* over the whole trace */
    double window_s;        /* of the rate profile: as asked for, doubled until the profile has room */
    double burstiness_cv;   /* of gaps within windows, each in mean gaps of its window */
    struct synth_spec spec; /* best process by likelihood, profile, quantile lengths, correlation */
    double input_mean, output_mean;
    double input_lognormal[2], output_lognormal[2]; /* mu and sigma of the log-normal alternative */
    double input_lognormal_ks, output_lognormal_ks; /* and its Kolmogorov distance */
    double arrival_shape[TRACE_FIT_PROCESSES];
    double arrival_shape_error[TRACE_FIT_PROCESSES]; /* standard error of the shape; 0 for Poisson */
    double arrival_likelihood[TRACE_FIT_PROCESSES];  /* log-likelihood a gap */
    double arrival_ks[TRACE_FIT_PROCESSES];
    uint64_t gaps;    /* used for the four above */
    double zero_gaps; /* share of gaps of 0. Above 0.2 the clock is too coarse to see a process: Poisson */
};

/* Reads the source to its end (and leaves it open). Memory is bounded: of a longer trace a sample of 2^20
 * rows, drawn with a fixed seed, is kept for quantiles and gaps. Fewer than 10 rows, or all at one time, are
 * ERROR_INVALID. spec's strings are static. */
bool trace_fit(struct trace_source *source, double window_s, struct trace_fit *fit, struct error *err);

/* The spec as parameters that synth_set takes, one call each; `text` lasts as long as the call. */
void trace_fit_parameters(const struct trace_fit *fit,
                          void (*each)(void *context, const char *name, const char *text), void *context);

/* The same as the lines of a scenario's `synth:` block (YAML) on stdout. */
void trace_fit_print_yaml(const struct trace_fit *fit, const char *indent);

/* ---- drydock.trace/1 ---- */
/* Writes all rows of a source as columnar HDF5 (.h5) or CSV (.csv, .csv.gz), by the path's ending. CSV has no
 * prefix hashes. Stops on SIGINT with ERROR_INTERRUPTED; no half file ever bears the path's name. */
bool trace_write(struct trace_source *source, const struct trace_names *names, const char *path,
                 uint64_t *rows, struct error *err);

#endif
