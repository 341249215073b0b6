/* Pages are filled. What is asked of a run that nobody explains is nothing but request.watched. */
#include "diary/diary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cell.h"
#include "diary/diary_private.h"

enum { AHEAD_SHOWN = 6, CANDIDATES_SHOWN = 8, NAME_COLUMNS = 32 };

static struct page *page_of(struct diary *d, const struct request *r) {
    size_t i = 0;
    while (d->pages[i].id != r->id) {
        i++;
        assert(i < d->count);
    }
    return &d->pages[i];
}

/* ---- entries ---- */

/* Takes the text over. */
static void enter(struct diary *d, struct page *p, simtime at, struct strbuf *text) {
    p->entries = arena_grow(d->arena, p->entries, p->entry_count, p->entry_count + 1, &p->entry_capacity,
                            sizeof *p->entries);
    p->entries[p->entry_count++] = (struct entry){at, p->step_count, arena_strdup(d->arena, text->text)};
    strbuf_free(text);
}

static void enter_text(struct diary *d, struct page *p, simtime at, const char *text) {
    struct strbuf b = {0};
    strbuf_append(&b, text);
    enter(d, p, at, &b);
}

void diary_note(struct diary *d, const struct request *r, simtime now, const char *text) {
    enter_text(d, page_of(d, r), now, text);
}

/* ---- the account of time ---- */

static bool is_waiting(int phase) {
    return phase <= WATCH_PREEMPTS;
}

static void go_on(struct page *p, simtime at, int phase) {
    assert(at >= p->since);
    p->times[p->phase] += at - p->since;
    p->since = at;
    p->phase = phase;
}

/* ---- on the way to a replica ---- */

void diary_sent(struct diary *d, const struct request *r, const char *service, const char *tenant,
                const char *region) {
    struct page *p = page_of(d, r);
    p->sent = true;
    p->service = arena_strdup(d->arena, service);
    p->tenant = arena_strdup(d->arena, tenant);
    p->region = arena_strdup(d->arena, region);
    p->since = r->arrival_ps;
    p->phase = PHASE_WAY_UP;
    enter_text(d, p, r->arrival_ps, "sent");
}

void diary_at_gateway(struct diary *d, const struct request *r, simtime now) {
    struct page *p = page_of(d, r);
    go_on(p, now, PHASE_HELD);
    enter_text(d, p, now, "reaches the gateway");
}

void diary_held(struct diary *d, const struct request *r, simtime now) {
    diary_note(d, r, now, "is held there: no replica is Ready");
}

void diary_tries_again(struct diary *d, const struct request *r, simtime now, enum request_status status,
                       simtime after) {
    struct page *p = page_of(d, r);
    struct strbuf text = {0};
    char span[CELL_BYTES];
    go_on(p, now, PHASE_BACK_OFF);
    p->preempted = p->prefilled = false;
    strbuf_printf(&text, "attempt %d ends: %s; its user sends it again after %s", r->retries + 1,
                  request_status_names[status], cell_duration(simtime_to_s(after), span));
    enter(d, p, now, &text);
}

void diary_sent_again(struct diary *d, const struct request *r) {
    struct page *p = page_of(d, r);
    go_on(p, r->sent_ps, PHASE_WAY_UP);
    enter_text(d, p, r->sent_ps, "sent again");
}

static void tell_candidate(const struct diary_route *route, uint32_t i, struct strbuf *out) {
    const struct dd_candidate *c = &route->candidates[i];
    char outstanding[CELL_BYTES], waiting[CELL_BYTES], tokens[CELL_BYTES], weight[CELL_BYTES];
    strbuf_append(out, i == route->chosen ? "\n> " : "\n  ");
    cell_append_left(out, route->names[i], NAME_COLUMNS);
    strbuf_printf(out, " %11s %7s %13s %6.1f %%", cell_count(c->outstanding, outstanding),
                  cell_count(c->waiting, waiting), cell_count(c->tokens, tokens), c->kv_permille / 10.0);
    if (route->weighs) {
        strbuf_printf(out, " %7s", cell_percent((double)c->weight, weight));
    }
}

void diary_routed(struct diary *d, const struct request *r, simtime now, const struct diary_route *route) {
    struct page *p = page_of(d, r);
    struct strbuf text = {0};
    char age[CELL_BYTES];
    strbuf_printf(&text, "is sent to %s by the router %s, which sees", route->names[route->chosen],
                  route->router);
    if (route->stale_ps > 0) {
        strbuf_printf(&text, " (of %s ago)", cell_duration(simtime_to_s(route->stale_ps), age));
    }
    strbuf_printf(&text, "\n  %-*s outstanding waiting prompt tokens KV cache%s", NAME_COLUMNS, "",
                  route->weighs ? "  weight" : "");
    uint32_t shown = 0;
    for (uint32_t i = 0; i < route->count; i++) {
        bool room = shown + (i < route->chosen) < CANDIDATES_SHOWN; /* one is kept for the chosen one */
        if (room || i == route->chosen) {
            tell_candidate(route, i, &text);
            shown++;
        }
    }
    if (shown < route->count) {
        strbuf_printf(&text, "\n  and %u more", route->count - shown);
    }
    go_on(p, now, PHASE_HOP);
    p->hop_ps = route->hop_ps;
    enter(d, p, now, &text);
}

/* ---- in a replica ---- */

static void on_queued(void *context, const struct request *r, const struct watch_queue *queue) {
    struct diary *d = context;
    struct page *p = page_of(d, r);
    struct strbuf text = {0};
    char n[CELL_BYTES], tokens_text[CELL_BYTES];
    uint64_t tokens = 0;
    uint32_t i = 0;
    memcpy(p->queued, p->times, sizeof p->queued);
    for (const struct request *a = queue->ahead; i < queue->count; a = a->next, i++) {
        tokens += a->input_tokens;
    }
    if (queue->count == 0) {
        strbuf_append(&text, "is first in its queue");
    } else {
        strbuf_printf(&text, "queues behind %s with %s prompt tokens: ", cell_count(queue->count, n),
                      cell_count(tokens, tokens_text));
        i = 0;
        for (const struct request *a = queue->ahead; i < queue->count && i < AHEAD_SHOWN; a = a->next, i++) {
            strbuf_printf(&text, "%s%llu", i ? ", " : "", (unsigned long long)a->id);
        }
        strbuf_append(&text, queue->count > AHEAD_SHOWN ? ", ..." : "");
    }
    strbuf_printf(&text, "; %s running", cell_count(queue->running, n));
    if (queue->kv_permille >= 0) {
        strbuf_printf(&text, ", KV cache %.1f %% full", (double)queue->kv_permille / 10);
    }
    enter(d, p, p->since + p->hop_ps, &text);
}

static void on_phase(void *context, const struct request *r, simtime at, enum watch_phase phase) {
    struct diary *d = context;
    struct page *p = page_of(d, r);
    if (p->preempted && !is_waiting((int)phase)) {
        struct strbuf text = {0};
        char waited[CELL_BYTES], found[CELL_BYTES];
        p->preempted = false;
        go_on(p, at, (int)phase);
        strbuf_printf(&text, "runs again, after %s",
                      cell_duration(simtime_to_s(at - p->preempted_ps), waited));
        if (r->computed > 0) {
            strbuf_printf(&text, "; %s tokens are still in the prefix cache", cell_count(r->computed, found));
        }
        enter(d, p, at, &text);
        return;
    }
    bool at_decode = p->prefilled && is_waiting((int)phase);
    go_on(p, at, p->preempted ? PHASE_AGAIN : at_decode ? PHASE_DECODE_QUEUE : (int)phase);
}

static void on_step(void *context, const struct request *r, const struct watch_step *step) {
    struct page *p = page_of(context, r);
    if (p->step_count >= DIARY_STEPS_MAX) {
        p->steps_left_out++;
        return;
    }
    if (p->step_count == p->step_capacity) {
        p->step_capacity = p->step_capacity ? 2 * p->step_capacity : 64;
        p->steps = mem_realloc(p->steps, p->step_capacity, sizeof *p->steps);
    }
    p->steps[p->step_count++] = *step;
}

static void on_preempted(void *context, const struct request *r, simtime at, const struct request *by,
                         int64_t blocks) {
    struct diary *d = context;
    struct page *p = page_of(d, r);
    struct strbuf text = {0};
    char tokens[CELL_BYTES];
    strbuf_append(&text, "is preempted: ");
    if (by == r) {
        strbuf_append(&text, "it");
    } else {
        strbuf_printf(&text, "request %llu", (unsigned long long)by->id);
    }
    strbuf_printf(&text,
                  " needs %lld more KV block%s and the cache is full; %s tokens are to be computed again",
                  (long long)blocks, blocks == 1 ? "" : "s", cell_count(r->computed, tokens));
    go_on(p, at, PHASE_AGAIN);
    p->preempted = true;
    p->preempted_ps = at;
    enter(d, p, at, &text);
}

/* ---- its time in the queue, and after it ---- */

void diary_scheduled(struct diary *d, const struct request *r, simtime now) {
    static const char *const because[] = {
        [WATCH_UNDER_WAY] = "for the step under way",
        [WATCH_SEQUENCES] = "for a place among --max-num-seqs",
        [WATCH_BLOCKS] = "for KV blocks",
        [WATCH_BUDGET] = "for tokens of a step",
        [WATCH_ADAPTERS] = "for a place for its adapter",
        [WATCH_LOADING] = "for KV blocks from the host or a store",
        [WATCH_PREEMPTS] = "for those preempted",
        [WATCH_THREADS] = "for a free thread",
    };
    struct page *p = page_of(d, r);
    struct strbuf text = {0};
    char span[CELL_BYTES], n[CELL_BYTES];
    go_on(p, now, p->phase);
    strbuf_append(&text, "is taken from the queue");
    const char *before = " after ";
    for (int i = 0; i <= WATCH_THREADS; i++) {
        simtime waited = p->times[i] - p->queued[i];
        if (waited > 0) {
            strbuf_printf(&text, "%s%s %s", before, cell_duration(simtime_to_s(waited), span), because[i]);
            before = ", ";
        }
    }
    strbuf_append(&text, before[1] == 'a' ? " at once" : "");
    if (r->chunk_count > 0) {
        strbuf_printf(&text, "; %s of %u prompt tokens are in the prefix cache",
                      cell_count(r->cached_tokens, n), r->input_tokens);
    }
    enter(d, p, now, &text);
}

void diary_first_token(struct diary *d, const struct request *r, simtime now) {
    struct page *p = page_of(d, r);
    go_on(p, now, p->phase);
    memcpy(p->before, p->times, sizeof p->before);
    p->before[PHASE_WAY_BACK] = r->down_ps;
    enter_text(d, p, now, "first token leaves the replica");
}

void diary_prefilled(struct diary *d, const struct request *r, simtime now) {
    struct page *p = page_of(d, r);
    go_on(p, now, PHASE_HANDOVER);
    p->prefilled = true;
    enter_text(d, p, now, "is prefilled; its KV stays there until it is fetched");
}

void diary_kv_leaves(struct diary *d, const struct request *r, simtime now, uint64_t bytes) {
    struct page *p = page_of(d, r);
    struct strbuf text = {0};
    go_on(p, now, WATCH_REMOTE);
    strbuf_printf(&text, "its KV, %.3f GB, sets out for the replica that decodes", (double)bytes / 1e9);
    enter(d, p, now, &text);
}

void diary_ended(struct diary *d, const struct request *r, simtime now) {
    struct page *p = page_of(d, r);
    struct strbuf text = {0};
    go_on(p, now, p->phase);
    p->ended = true;
    p->end = *r;
    bool whole = r->status == REQUEST_COMPLETED && !r->cancelled;
    if (whole) {
        p->times[PHASE_WAY_BACK] = r->down_ps;
        strbuf_append(&text, "last token leaves the replica");
    } else {
        char generated[CELL_BYTES];
        strbuf_printf(&text, "ends: %s", r->cancelled ? "aborted" : request_status_names[r->status]);
        if (r->generated > 0) {
            strbuf_printf(&text, ", with %s tokens generated", cell_count(r->generated, generated));
        }
    }
    enter(d, p, now, &text);
    if (whole && r->down_ps > 0) {
        enter_text(d, p, now + r->down_ps, "received by its user");
    }
}

/* ---- the slowest ---- */

static bool is_slower(const struct slow *a, const struct slow *b) {
    return a->time != b->time ? a->time > b->time : a->id < b->id;
}

void diary_look(struct diary *d, const struct request *r) {
    if (d->slowest_wanted == 0 || r->status != REQUEST_COMPLETED || !r->counted) {
        return;
    }
    simtime last = d->measure == DIARY_E2E ? r->last_token_ps : r->first_token_ps;
    struct slow slow = {r->id, last + r->down_ps - r->arrival_ps};
    size_t i = d->slowest_count;
    for (; i > 0 && is_slower(&slow, &d->slowest[i - 1]); i--) {
        d->slowest[i] = d->slowest[i - 1];
    }
    d->slowest[i] = slow;
    d->slowest_count += d->slowest_count < d->slowest_wanted;
}

size_t diary_slowest(const struct diary *d, uint64_t ids[DIARY_PAGES_MAX]) {
    for (size_t i = 0; i < d->slowest_count; i++) {
        ids[i] = d->slowest[i].id;
    }
    return d->slowest_count;
}

/* ---- begin and end ---- */

struct diary *diary_create(const struct diary_order *order, struct arena *arena) {
    assert(order->count <= DIARY_PAGES_MAX && order->slowest <= DIARY_PAGES_MAX);
    struct diary *d = arena_alloc(arena, sizeof *d);
    d->arena = arena;
    d->watch = (struct watch){on_queued, on_phase, on_step, on_preempted, d};
    d->pages = arena_array(arena, order->count, sizeof *d->pages);
    d->count = order->count;
    for (size_t i = 0; i < order->count; i++) {
        d->pages[i].id = order->ids[i];
    }
    d->first_id = UINT64_MAX;
    d->slowest_wanted = order->slowest;
    d->measure = order->measure;
    return d;
}

void diary_free(struct diary *d) {
    for (size_t i = 0; d && i < d->count; i++) {
        free(d->pages[i].steps);
    }
}

const struct watch *diary_watch(const struct diary *d) {
    return d ? &d->watch : NULL;
}

bool diary_wants(struct diary *d, uint64_t id) {
    d->arrived++;
    d->first_id = id < d->first_id ? id : d->first_id;
    d->last_id = id > d->last_id ? id : d->last_id;
    for (size_t i = 0; i < d->count; i++) {
        if (d->pages[i].id == id) {
            return true;
        }
    }
    return false;
}

bool diary_complete(const struct diary *d, struct error *err) {
    for (size_t i = 0; i < d->count; i++) {
        if (!d->pages[i].sent) {
            error_set(err, ERROR_USAGE, "--explain %llu: no request of this run has that id",
                      (unsigned long long)d->pages[i].id);
            return d->arrived == 0
                       ? error_hint(err, "no request arrived at all")
                       : error_hint(err,
                                    "it had %llu requests, with ids from %llu to %llu (column id of "
                                    "`drydock export csv`); --explain slowest finds one",
                                    (unsigned long long)d->arrived, (unsigned long long)d->first_id,
                                    (unsigned long long)d->last_id);
        }
    }
    return true;
}
