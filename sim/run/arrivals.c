/* Rows of the traces become requests, one at a time and never ahead of the clock: a cursor whose next date
 * the engine knows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/run_private.h"

/* What a request weighs on the wire when its trace does not say; text is cluster.wire's (docs/serving.md). */
static const double BYTES_PER_AUDIO_S = 32000; /* 16 kHz, 16 bit, mono */

/* A request's id is its trace's index and its row there (with copies of a row in the bits above 2^44, see
 * traces.h): the same whatever else the scenario holds. */
enum { SOURCE_SHIFT = 58 };

/* Whole bytes. */
static double payload_of(const struct scenario *s, const struct trace_row *row) {
    if (row->payload_bytes > 0) {
        return (double)row->payload_bytes;
    }
    return round(s->request_bytes_per_token * (double)(row->input_tokens - row->image_tokens) +
                 BYTES_PER_AUDIO_S * row->audio_s);
}

static uint32_t lookup(const uint32_t *table, size_t count, uint32_t name) {
    return name < count ? table[name] : 0;
}

static void window_ends(void *context, uint64_t argument) {
    (void)argument;
    struct world *w = context;
    w->window_over = true;
    dataplane_stop_when_done(w);
}

static void drain_ends(void *context, uint64_t argument) {
    (void)argument;
    struct world *w = context;
    engine_stop(w->engine);
}

/* No more requests: the run ends when those in flight are done and the window is over, at the latest after
 * `drain`. */
static void arrivals_end(struct world *w) {
    w->arrivals_over = true;
    simtime end = w->duration_ps > w->last_arrival_ps ? w->duration_ps : w->last_arrival_ps;
    engine_at(w->engine, end, EVENT_OBSERVE, window_ends, w, 0);
    engine_at(w->engine, simtime_add(end, simtime_from_s(w->scenario.drain_s)), EVENT_OBSERVE, drain_ends, w,
              0);
}

static void read_ahead(struct world *w) {
    int got = trace_next(w->source, &w->next_row, &w->failure);
    w->have_row = got > 0;
    if (got < 0) {
        engine_stop(w->engine);
    }
    if (w->have_row && w->duration_ps > 0 && w->next_row.arrival_ps >= w->duration_ps) {
        w->have_row = false;
    }
    if (!w->have_row) {
        arrivals_end(w);
    }
}

static simtime arrival_next(void *context) {
    const struct world *w = context;
    return w->have_row ? w->next_row.arrival_ps : SIMTIME_NEVER;
}

static uint64_t id_of(const struct trace_row *row) {
    return (uint64_t)row->source << SOURCE_SHIFT | row->row;
}

static uint32_t route_of_row(const struct world *w, const struct trace_row *row) {
    uint32_t route = lookup(w->route_of_name, w->route_of_name_count, row->service);
    bool known = lookup(w->service_of_name, w->service_of_name_count, row->service) > 0 ||
                 (row->service == 0 && w->default_service < w->service_count);
    return route || known ? route : w->route_of_rest;
}

static uint32_t service_of_row(struct world *w, const struct trace_row *row) {
    uint32_t found = lookup(w->service_of_name, w->service_of_name_count, row->service);
    if (found) {
        return found - 1;
    }
    if (row->service != 0) {
        w->rows_unknown_service++;
    }
    return w->default_service;
}

/* By trace hashes, or by session: then the prompt carries what was said before. */
static void know_prefix(struct request *r, const struct trace_row *row) {
    if (row->hash_count > 0) {
        uint64_t *chunks = mem_alloc(row->hash_count * sizeof *chunks);
        memcpy(chunks, row->hashes, row->hash_count * sizeof *chunks);
        r->chunks = chunks;
        r->chunk_count = row->hash_count;
        r->chunk_tokens = row->hash_block_tokens;
    } else if (row->session != 0) {
        r->session_chunk = row->session;
        r->chunks = &r->session_chunk;
        r->chunk_count = 1;
        r->chunk_tokens = REQUEST_CHUNK_SESSION;
    }
}

/* KV is the adapter's as much as the prompt's: vLLM puts its id into the hash of a block. */
static void tell_adapters_apart(struct request *r) {
    uint64_t salt = r->adapter * UINT64_C(0x9E3779B97F4A7C15);
    for (uint32_t k = 0; r->adapter != 0 && k < r->chunk_count; k++) {
        *(uint64_t *)(uintptr_t)&r->chunks[k] ^= salt;
    }
}

static void know_tenant(const struct service_state *s, struct request *r) {
    r->priority = 0;
    r->adapter = 0;
    if (r->tenant < s->terms_count) {
        r->priority = s->terms[r->tenant].priority;
        r->adapter = s->terms[r->tenant].adapter;
    }
}

void arrivals_move(struct world *w, struct request *r, const struct route_target *target) {
    tell_adapters_apart(r);
    r->service = target->service;
    know_tenant(&w->services[r->service], r);
    r->adapter = target->adapter ? target->adapter : r->adapter;
    tell_adapters_apart(r);
}

static uint8_t modality_of(const struct trace_row *row) {
    bool image = row->images > 0 || row->image_tokens > 0;
    bool audio = row->audio_s > 0;
    return (uint8_t)((image ? MODALITY_IMAGE : MODALITY_TEXT) | (audio ? MODALITY_AUDIO : MODALITY_TEXT));
}

static struct request *request_of_row(struct world *w, const struct trace_row *row, uint32_t service) {
    struct request *r = request_take(w->pool);
    r->id = id_of(row);
    r->session = row->session;
    r->arrival_ps = r->sent_ps = row->arrival_ps;
    r->service = service;
    r->tenant = row->tenant;
    know_tenant(&w->services[service], r);
    uint32_t region = row->region ? row->region : w->source_region[row->source];
    r->region = lookup(w->region_of_name, w->region_of_name_count, region) ? region : 0;
    w->rows_unknown_region += region != 0 && r->region == 0;
    r->input_tokens = row->input_tokens > 0 ? row->input_tokens : 1;
    r->output_tokens = row->output_tokens > 0 ? row->output_tokens : 1;
    r->service_s = row->service_s;
    r->payload_bytes = payload_of(&w->scenario, row);
    r->modality = modality_of(row) & 3u;
    r->counted = row->arrival_ps >= w->warmup_ps;
    r->watched = w->diary && diary_wants(w->diary, r->id);
    know_prefix(r, row);
    tell_adapters_apart(r);
    return r;
}

static void arrival_fire(void *context) {
    struct world *w = context;
    uint32_t route = w->route_count > 0 ? route_of_row(w, &w->next_row) : 0;
    const struct route_target *target = route ? models_target(w, route, id_of(&w->next_row), 0) : NULL;
    uint32_t service = target ? target->service : service_of_row(w, &w->next_row);
    if (service >= w->service_count) {
        error_set(&w->failure, ERROR_INVALID,
                  "request %llu of the trace names service '%s', which no Service or "
                  "workload has",
                  (unsigned long long)w->next_row.row, w->names.names[w->next_row.service]);
        error_hint(&w->failure, "set `service:` of the trace in the scenario");
        engine_stop(w->engine);
        return;
    }
    struct request *r = request_of_row(w, &w->next_row, service);
    if (target) {
        r->route = (uint16_t)route;
        arrivals_move(w, r, target);
    }
    w->last_arrival_ps = r->arrival_ps;
    read_ahead(w);
    dataplane_arrived(w, r);
}

void arrivals_forget(struct request *r) {
    if (r->chunks != &r->session_chunk) {
        free((void *)(uintptr_t)r->chunks);
    }
}

void arrivals_begin(struct world *w) {
    read_ahead(w);
    engine_set_source(w->engine, (struct engine_source){arrival_next, arrival_fire, w});
}
