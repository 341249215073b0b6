/* A plain server: c threads, one queue, first come first served. With exponential or constant service times,
 * Poisson arrivals and one replica this is M/M/c, M/D/1, M/G/1 or M/M/c/K to the letter, which is how the
 * event core and the accounting are checked against closed forms. */
#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "serving/replica.h"

enum { PLACE_NONE = REQUEST_PLACE_NONE, PLACE_WAITING, PLACE_IN_SERVICE };

struct server_thread {
    struct request *request; /* NULL = free */
    simtime began_ps;
    event_id event;
    int32_t next_free;
};

struct plain_server {
    struct replica base;
    struct plain_server_config config;
    uint64_t name_hash;
    struct request_list waiting;
    struct server_thread *threads;
    int32_t first_free; /* a stack of free threads; -1 = none */
    bool stopped, hung;
};

static struct plain_server *server_of(struct replica *r) {
    return (struct plain_server *)r;
}

static simtime service_time_of(const struct plain_server *s, const struct request *r) {
    double seconds = r->service_s;
    if (seconds <= 0) {
        struct rng rng = rng_stream_id(s->config.seed, RNG_SERVICE, s->name_hash ^ r->id);
        seconds = delay_draw(&s->config.law, &rng);
    }
    simtime time = simtime_from_s(seconds * s->config.time_factor);
    return s->base.pace_ppm ? replica_paced(time, s->base.pace_ppm) : time;
}

static void tell_phase(const struct plain_server *s, const struct request *r, enum watch_phase phase) {
    const struct watch *watch = s->base.events->watch;
    watch->phase(watch->context, r, engine_now(s->base.engine), phase);
}

/* It is the last one in the queue. */
static void tell_queued(const struct plain_server *s, const struct request *r) {
    const struct watch *watch = s->base.events->watch;
    struct watch_queue queue = {.ahead = s->waiting.head,
                                .count = s->waiting.count - 1,
                                .running = s->base.running,
                                .kv_permille = -1};
    watch->queued(watch->context, r, &queue);
    tell_phase(s, r, WATCH_THREADS);
}

static void thread_done(void *context, uint64_t argument);

static void thread_start(struct plain_server *s, struct request *r) {
    int32_t index = s->first_free;
    struct server_thread *t = &s->threads[index];
    s->first_free = t->next_free;
    t->request = r;
    t->began_ps = engine_now(s->base.engine);
    r->place = PLACE_IN_SERVICE;
    r->scheduled_ps = t->began_ps;
    s->base.running++;
    if (r->watched) {
        tell_phase(s, r, WATCH_SERVICE);
    }
    s->base.events->scheduled(s->base.events->context, &s->base, r);
    t->event = engine_at(s->base.engine, simtime_add(t->began_ps, service_time_of(s, r)), EVENT_REPLICA,
                         thread_done, s, (uint64_t)index);
}

static struct request *thread_release(struct plain_server *s, int32_t index) {
    struct server_thread *t = &s->threads[index];
    struct request *r = t->request;
    s->base.busy_ps += engine_now(s->base.engine) - t->began_ps;
    r->work_ps += (uint64_t)(engine_now(s->base.engine) - t->began_ps);
    t->request = NULL;
    t->event = 0;
    t->next_free = s->first_free;
    s->first_free = index;
    s->base.running--;
    return r;
}

static void start_next(struct plain_server *s) {
    while (s->first_free >= 0 && s->waiting.head && !s->hung) {
        struct request *r = request_list_pop_front(&s->waiting);
        s->base.waiting = s->waiting.count;
        thread_start(s, r);
    }
}

static void thread_done(void *context, uint64_t argument) {
    struct plain_server *s = context;
    struct request *r = thread_release(s, (int32_t)argument);
    simtime now = engine_now(s->base.engine);
    s->base.steps++;
    r->place = PLACE_NONE;
    r->first_token_ps = now;
    r->last_token_ps = now;
    r->generated = r->output_tokens;
    s->base.prompt_tokens += r->input_tokens;
    s->base.generated_tokens += r->output_tokens;
    s->base.events->first_token(s->base.events->context, &s->base, r);
    s->base.events->finished(s->base.events->context, &s->base, r, REQUEST_COMPLETED);
    start_next(s);
}

static bool server_submit(struct replica *replica, struct request *r, const char **reason) {
    struct plain_server *s = server_of(replica);
    assert(!s->stopped);
    if (s->first_free < 0 && s->config.queue_limit >= 0 &&
        (int64_t)s->waiting.count >= s->config.queue_limit) {
        *reason = "server queue full";
        return false;
    }
    r->place = PLACE_WAITING;
    request_list_push_back(&s->waiting, r);
    s->base.waiting = s->waiting.count;
    if (r->watched) {
        tell_queued(s, r);
    }
    start_next(s);
    return true;
}

static void server_cancel(struct replica *replica, struct request *r, enum request_status status) {
    struct plain_server *s = server_of(replica);
    if (r->place == PLACE_WAITING) {
        request_list_remove(&s->waiting, r);
        s->base.waiting = s->waiting.count;
    } else {
        for (int32_t i = 0; i < (int32_t)s->config.concurrency; i++) {
            if (s->threads[i].request == r) {
                engine_cancel(s->base.engine, s->threads[i].event);
                thread_release(s, i);
                break;
            }
        }
    }
    r->place = PLACE_NONE;
    s->base.events->finished(s->base.events->context, &s->base, r, status);
    if (!s->stopped) {
        start_next(s);
    }
}

static void server_stop(struct replica *replica, enum request_status status) {
    struct plain_server *s = server_of(replica);
    s->stopped = true;
    for (int32_t i = 0; i < (int32_t)s->config.concurrency; i++) {
        if (s->threads[i].request) {
            server_cancel(replica, s->threads[i].request, status);
        }
    }
    while (s->waiting.head) {
        server_cancel(replica, s->waiting.head, status);
    }
}

static void server_destroy(struct replica *replica) {
    struct plain_server *s = server_of(replica);
    free(s->threads);
    free(s);
}

static simtime_total server_busy(const struct replica *replica) {
    const struct plain_server *s = (const struct plain_server *)replica;
    simtime_total busy = replica->busy_ps;
    for (int64_t i = 0; i < s->config.concurrency; i++) {
        busy += s->threads[i].request ? engine_now(replica->engine) - s->threads[i].began_ps : 0;
    }
    return busy;
}

/* What is in service has its end already. */
static void server_pace(struct replica *replica, int64_t ppm) {
    replica->pace_ppm = ppm;
}

/* Its threads are held by what they work on. */
static void server_hang(struct replica *replica) {
    struct plain_server *s = server_of(replica);
    s->hung = true;
    for (int64_t i = 0; i < s->config.concurrency; i++) {
        engine_cancel(s->base.engine, s->threads[i].event);
        s->threads[i].event = 0;
    }
}

static void server_revive(struct replica *replica) {
    struct plain_server *s = server_of(replica);
    s->stopped = s->hung = false;
}

static const struct replica_ops server_ops = {
    .name = "plain-server",
    .submit = server_submit,
    .cancel = server_cancel,
    .stop = server_stop,
    .destroy = server_destroy,
    .busy = server_busy,
    .pace = server_pace,
    .hang = server_hang,
    .revive = server_revive,
};

struct replica *plain_server_create(struct engine *engine, const struct plain_server_config *config,
                                    const struct replica_events *events) {
    struct plain_server *s = mem_zalloc(1, sizeof *s);
    s->base.ops = &server_ops;
    s->base.engine = engine;
    s->base.events = events;
    s->base.servers = (uint32_t)config->concurrency;
    s->config = *config;
    s->name_hash = hash64_text(config->service_name);
    s->threads = mem_zalloc((size_t)config->concurrency, sizeof *s->threads);
    s->first_free = -1;
    for (int32_t i = (int32_t)config->concurrency - 1; i >= 0; i--) {
        s->threads[i].next_free = s->first_free;
        s->first_free = i;
    }
    return &s->base;
}
