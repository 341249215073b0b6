/* Hold model (Vaucher and Duval 1975): n events pending, each operation takes the first and schedules another
 * an exponential time later. The baseline is a textbook binary heap of the same entries without ids: what
 * cancelling and moving by id cost, and what the hole at the root and the compare without branches win.
 *
 *     queue_bench            one line a size: pending, ns an operation of the queue, of the baseline, the
 * ratio queue_bench PENDING    one line for scripts: operations a second of the baseline and of the queue
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/rng.h"
#include "engine/queue.h"

enum { GAPS = 1 << 16, ROUNDS = 3 };
static simtime gaps[GAPS]; /* drawn before, so that drawing is not measured */

static double cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- baseline ---- */

struct plain_event {
    simtime at;
    uint64_t order;
    uint64_t argument;
};

struct plain_heap {
    struct plain_event *events;
    size_t count;
};

static bool plain_before(const struct plain_event *a, const struct plain_event *b) {
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void plain_push(struct plain_heap *h, struct plain_event e) {
    size_t i = h->count++;
    while (i > 0 && plain_before(&e, &h->events[(i - 1) / 2])) {
        h->events[i] = h->events[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->events[i] = e;
}

static struct plain_event plain_pop(struct plain_heap *h) {
    struct plain_event first = h->events[0], last = h->events[--h->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count) {
            break;
        }
        if (child + 1 < h->count && plain_before(&h->events[child + 1], &h->events[child])) {
            child++;
        }
        if (!plain_before(&h->events[child], &last)) {
            break;
        }
        h->events[i] = h->events[child];
        i = child;
    }
    h->events[i] = last;
    return first;
}

static double hold_plain(size_t pending, size_t operations, uint64_t *check) {
    struct plain_heap h = {.events = mem_zalloc(pending + 1, sizeof *h.events)};
    uint64_t sequence = 0;
    for (size_t i = 0; i < pending; i++) {
        plain_push(&h, (struct plain_event){gaps[i % GAPS], sequence++, i});
    }
    double begin = cpu_s();
    for (size_t i = 0; i < operations; i++) {
        struct plain_event e = plain_pop(&h);
        *check = *check * 31 + e.argument;
        e.at += gaps[i % GAPS];
        e.order = sequence++;
        plain_push(&h, e);
    }
    double elapsed = cpu_s() - begin;
    free(h.events);
    return elapsed;
}

/* ---- the queue ---- */

static double hold_queue(size_t pending, size_t operations, uint64_t *check) {
    struct queue q;
    queue_init(&q);
    for (size_t i = 0; i < pending; i++) {
        queue_push(&q, gaps[i % GAPS], 1, (struct queue_event){.argument = i});
    }
    double begin = cpu_s();
    for (size_t i = 0; i < operations; i++) {
        simtime at = queue_first(&q, NULL);
        struct queue_event e = queue_pop(&q);
        *check = *check * 31 + e.argument;
        queue_push(&q, at + gaps[i % GAPS], 1, e);
    }
    double elapsed = cpu_s() - begin;
    queue_free(&q);
    return elapsed;
}

struct outcome {
    double queue_s, plain_s; /* the least of the rounds: the machine is shared */
};

static struct outcome measure(size_t pending, size_t operations) {
    struct outcome least = {1e9, 1e9};
    uint64_t queue_check = 0, plain_check = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double a = hold_queue(pending, operations, &queue_check);
        double b = hold_plain(pending, operations, &plain_check);
        least.queue_s = a < least.queue_s ? a : least.queue_s;
        least.plain_s = b < least.plain_s ? b : least.plain_s;
    }
    if (queue_check != plain_check) {
        fprintf(stderr, "queue_bench: the orders differ\n");
        exit(1);
    }
    return least;
}

int main(int argc, char **argv) {
    const size_t operations = 2000000;
    static const size_t sizes[] = {64, 1000, 10000, 100000, 1000000};
    struct rng r = rng_stream(1, RNG_TEST, "hold");
    for (size_t i = 0; i < GAPS; i++) {
        gaps[i] = simtime_from_s(rng_exponential(&r, 1));
    }
    if (argc > 1) {
        struct outcome o = measure((size_t)strtoull(argv[1], NULL, 10), operations);
        printf("%.0f %.0f\n", (double)operations / o.plain_s, (double)operations / o.queue_s);
        return 0;
    }
    printf("queue_bench: pending, ns a pop and push, ns of a plain binary heap, ratio\n");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct outcome o = measure(sizes[s], operations);
        double ns = 1e9 / (double)operations;
        printf("%7zu  %6.1f  %6.1f  %.2f\n", sizes[s], o.queue_s * ns, o.plain_s * ns, o.queue_s / o.plain_s);
    }
    return 0;
}
