/* traces/servegen.c: ServeGen's clients as a source: every client is a renewal process of its own whose rate,
 * burstiness and lengths change from window to window; together they make the traffic. Gaps are drawn in
 * operational time as in synth.c. Requests of a client are keyed by (client, number), so that a folder with
 * one client more changes nothing of the others.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "base/hash.h"
#include "base/rng.h"
#include "traces/format/servegen_files.h"
#include "traces/source.h"

enum { SERVEGEN_BATCH = 256, SERVEGEN_IMAGES_MAX = 1024 };
static const double servegen_window_s = 600; /* of a folder whose clients have one window each */

struct client_cursor {
    const struct servegen_client *client;
    uint64_t key;
    uint32_t tenant;
    struct rng gaps;
    bool started;
    double now_s; /* of its next request; infinite after the last */
    size_t window;
    size_t dataset;
    uint64_t number;
};

struct servegen {
    struct trace_source base;
    struct arena arena;
    struct client_cursor *clients;
    size_t *heap; /* clients by (now_s, index): the earliest first */
    size_t count;
    double duration_s;
    uint64_t seed;
    uint32_t service;
    uint64_t next_row;
    struct trace_row rows[SERVEGEN_BATCH];
};

/* ---- arrivals ---- */

/* A gap of mean 1 by the window's family. The first is what is left of one that began before: see synth.c. */
static double draw_gap(struct client_cursor *c, const struct servegen_window *w) {
    double k = w->shape;
    bool first = !c->started;
    c->started = true;
    if (w->family == ARRIVAL_GAMMA) {
        double gap = rng_gamma(&c->gaps, first ? k + 1 : k, 1 / k);
        return first ? rng_uniform_open(&c->gaps) * gap : gap;
    }
    double scale = det_exp(-det_lgamma(1 + 1 / k));
    if (first) {
        return rng_uniform_open(&c->gaps) * scale * det_pow(rng_gamma(&c->gaps, 1 + 1 / k, 1), 1 / k);
    }
    return rng_weibull(&c->gaps, k, scale);
}

static double window_end(const struct client_cursor *c, double duration_s) {
    const struct servegen_client *client = c->client;
    bool last = c->window + 1 == client->window_count;
    return last ? duration_s : fmin(client->windows[c->window + 1].start_s, duration_s);
}

/* Moves the client to its next request. */
static void next_request(struct servegen *g, struct client_cursor *c) {
    const struct servegen_client *client = c->client;
    double work = -1;
    while (c->now_s < g->duration_s) {
        const struct servegen_window *w = &client->windows[c->window];
        double end_s = window_end(c, g->duration_s);
        if (w->rate_per_s > 0) {
            if (work < 0) {
                work = draw_gap(c, w);
            }
            double here = w->rate_per_s * (end_s - c->now_s);
            if (work < here) {
                c->now_s += work / w->rate_per_s;
                return;
            }
            work -= here;
        }
        c->now_s = end_s;
        if (c->window + 1 < client->window_count) {
            c->window++;
        }
    }
    c->now_s = INFINITY;
}

static bool earlier(const struct servegen *g, size_t a, size_t b) {
    double x = g->clients[a].now_s;
    double y = g->clients[b].now_s;
    return x != y ? x < y : a < b;
}

static void sift_down(struct servegen *g, size_t i) {
    size_t moved = g->heap[i];
    for (size_t child; (child = 2 * i + 1) < g->count; i = child) {
        if (child + 1 < g->count && earlier(g, g->heap[child + 1], g->heap[child])) {
            child++;
        }
        if (!earlier(g, g->heap[child], moved)) {
            break;
        }
        g->heap[i] = g->heap[child];
    }
    g->heap[i] = moved;
}

/* ---- lengths ---- */

static uint32_t draw_law(const struct servegen_law *law, struct rng *r) {
    if (law->count == 0) {
        return 0;
    }
    double place = rng_uniform(r) * law->cumulated[law->count - 1];
    size_t low = 0;
    size_t high = law->count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (law->cumulated[middle] <= place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return law->value[low];
}

/* Tokens of `count` things, each drawn for itself. */
static uint64_t draw_things(const struct servegen_law *law, uint32_t count, struct rng *r) {
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < count && i < SERVEGEN_IMAGES_MAX; i++) {
        tokens += draw_law(law, r);
    }
    return tokens;
}

static uint32_t bounded(uint64_t tokens) {
    return tokens < TRACE_TOKENS_MAX ? (uint32_t)tokens : TRACE_TOKENS_MAX;
}

static void draw_request(struct servegen *g, struct client_cursor *c, struct trace_row *row) {
    const struct servegen_client *client = c->client;
    while (c->dataset + 1 < client->dataset_count && client->datasets[c->dataset + 1].start_s <= c->now_s) {
        c->dataset++;
    }
    const struct servegen_law *laws = client->datasets[c->dataset].laws;
    struct rng r = rng_stream_id(g->seed, RNG_LENGTHS, c->key + c->number++);
    row->output_tokens = draw_law(&laws[SERVEGEN_OUTPUT], &r);
    uint64_t input = draw_law(&laws[SERVEGEN_INPUT], &r);
    uint64_t text = draw_law(&laws[SERVEGEN_TEXT], &r);
    row->images = draw_law(&laws[SERVEGEN_IMAGES], &r);
    row->image_tokens = bounded(draw_things(&laws[SERVEGEN_IMAGE_TOKENS], row->images, &r));
    uint64_t audio = draw_things(&laws[SERVEGEN_AUDIO_TOKENS], draw_law(&laws[SERVEGEN_AUDIOS], &r), &r);
    uint64_t video = draw_things(&laws[SERVEGEN_VIDEO_TOKENS], draw_law(&laws[SERVEGEN_VIDEOS], &r), &r);
    bool whole = laws[SERVEGEN_INPUT].count > 0;
    row->input_tokens = bounded(whole ? input : text + row->image_tokens + audio + video);
}

/* ---- the source ---- */

static bool servegen_fill(struct trace_source *s, struct error *err) {
    struct servegen *g = (struct servegen *)s;
    size_t n = 0;
    (void)err;
    while (n < SERVEGEN_BATCH && g->clients[g->heap[0]].now_s < INFINITY) {
        struct client_cursor *c = &g->clients[g->heap[0]];
        struct trace_row *row = &g->rows[n++];
        memset(row, 0, sizeof *row);
        row->arrival_ps = simtime_from_s(c->now_s);
        row->row = g->next_row++;
        row->tenant = c->tenant;
        row->service = g->service;
        draw_request(g, c, row);
        next_request(g, c);
        sift_down(g, 0);
    }
    s->rows = g->rows;
    s->count = n;
    return true;
}

static void servegen_close(struct trace_source *s) {
    struct servegen *g = (struct servegen *)s;
    arena_free(&g->arena);
    free(g);
}

static double own_duration_s(const struct servegen_client *clients, size_t count) {
    double end_s = 0;
    for (size_t i = 0; i < count; i++) {
        const struct servegen_client *c = &clients[i];
        size_t n = c->window_count;
        double width_s = n > 1 ? c->windows[1].start_s - c->windows[0].start_s : servegen_window_s;
        end_s = fmax(end_s, c->windows[n - 1].start_s + width_s);
    }
    return end_s;
}

static void begin_client(struct servegen *g, size_t i, const struct servegen_client *client,
                         struct trace_names *names) {
    struct client_cursor *c = &g->clients[i];
    c->client = client;
    c->key = hash64_text(client->name);
    c->tenant = trace_names_intern(names, client->name, strlen(client->name));
    c->gaps = rng_stream(g->seed, RNG_ARRIVALS, client->name);
    c->now_s = client->windows[0].start_s;
    next_request(g, c);
}

struct trace_source *trace_servegen(const char *folder, double duration_s, uint64_t seed,
                                    struct trace_names *names, struct error *err) {
    static const struct trace_source_ops ops = {servegen_fill, servegen_close, NULL};
    struct servegen *g = mem_zalloc(1, sizeof *g);
    struct servegen_client *clients;
    g->base.ops = &ops;
    if (!servegen_read(folder, &g->arena, &clients, &g->count, err)) {
        servegen_close(&g->base);
        return NULL;
    }
    strcpy(g->base.report.format, "servegen");
    strcpy(g->base.report.columns, "arrival_s,tenant,input_tokens,output_tokens,images,image_tokens");
    g->seed = seed;
    g->duration_s = duration_s > 0 ? duration_s : own_duration_s(clients, g->count);
    g->duration_s = fmin(g->duration_s, simtime_to_s(SIMTIME_WINDOW_MAX));
    g->clients = arena_array(&g->arena, g->count, sizeof *g->clients);
    g->heap = arena_array(&g->arena, g->count, sizeof *g->heap);
    for (size_t i = 0; i < g->count; i++) {
        begin_client(g, i, &clients[i], names);
        g->heap[i] = i;
    }
    for (size_t i = g->count; i-- > 0;) {
        sift_down(g, i);
    }
    return &g->base;
}

struct trace_source *servegen_open_folder(const char *folder, const struct trace_open_options *options,
                                          struct trace_names *names, struct error *err) {
    struct trace_source *s = trace_servegen(folder, 0, 0, names, err);
    if (s && options && options->service) {
        ((struct servegen *)s)->service =
            trace_names_intern(names, options->service, strlen(options->service));
    }
    return s;
}

/* One of a client's files on its own: "0,0.805,0.57,Gamma,3.08,0.36". */
static int servegen_probe(const char *head, size_t length) {
    length = first_line(&head, length);
    const char *end = head + length;
    int commas = 0;
    for (const char *p = head; p < end; p++) {
        commas += *p == ',';
        if (commas != 3 && *p != ',' && *p != '.' && *p != 'e' && *p != '-' && (*p < '0' || *p > '9')) {
            return 0;
        }
    }
    return commas == 5 ? 1 : 0;
}

static struct trace_source *servegen_open(struct trace_input *input, const struct trace_open_options *options,
                                          struct trace_names *names, struct error *err) {
    (void)options;
    (void)names;
    struct position pos = {.file = input->path, .line = 1, .column = 1};
    error_at(
        err, ERROR_INVALID, &pos, NULL,
        "expected a trace; this is one file of a ServeGen client, whose lengths stand in another beside it");
    error_hint(err, "give the folder that holds chunk-N-trace.csv and chunk-N-dataset.json");
    return NULL;
}

const struct trace_format trace_format_servegen = {
    "servegen", "folder of ServeGen clients, drawn from (github.com/alibaba/ServeGen)", servegen_probe,
    servegen_open};
