/* sim/diary/diary.h: the life of single requests, as `drydock run --explain` tells it.
 *
 * How to think about it. A diary is asked for some ids before a run and has a page for each. What happens to
 * such a request (request.watched) is told to it by whoever makes it happen: run/explain.c for the way to the
 * replica and back, replicas by struct watch. A page is two things at once:
 *
 *   - entries in order of time, each a line or a few, with the engine steps that lie between two of them;
 *   - an account of time: from its sending to its end a request is in one phase after the other, and the
 * times of all phases add up to its TTFT and E2E, to the picosecond, by construction.
 *
 * A diary only listens. A page takes 80 bytes a token of the answer, and nothing is kept of other requests.
 */
#ifndef DRYDOCK_DIARY_DIARY_H
#define DRYDOCK_DIARY_DIARY_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "drydock_policy.h"
#include "serving/watch.h"

enum { DIARY_PAGES_MAX = WATCH_REQUESTS_MAX };

/* Which requests are the slowest. */
enum diary_measure { DIARY_E2E, DIARY_TTFT };

struct diary;

/* Listens for the ids; finds, of the counted requests that complete, the `slowest` slowest. Lives in the
 * arena, diary_free gives back the rest. */
struct diary_order {
    const uint64_t *ids;
    size_t count;   /* ids that are not the same; DIARY_PAGES_MAX at most */
    size_t slowest; /* DIARY_PAGES_MAX at most */
    enum diary_measure measure;
};
struct diary *diary_create(const struct diary_order *order, struct arena *arena);
void diary_free(struct diary *d); /* NULL is harmless */

/* For `watch` of struct replica_events. */
const struct watch *diary_watch(const struct diary *d);

/* Whether the request is one of them; asked once for each that arrives. */
bool diary_wants(struct diary *d, uint64_t id);

/* ---- what happens to requests that are watched, in order of time for each ---- */

/* Sent by its user at r->arrival_ps. Names are copied; NULL = has none. */
void diary_sent(struct diary *d, const struct request *r, const char *service, const char *tenant,
                const char *region);
void diary_at_gateway(struct diary *d, const struct request *r, simtime now);
void diary_held(struct diary *d, const struct request *r, simtime now); /* there: no replica is Ready */
/* The attempt ended so; the next one is sent `after` from now, and then from r->sent_ps on. */
void diary_tries_again(struct diary *d, const struct request *r, simtime now, enum request_status status,
                       simtime after);
void diary_sent_again(struct diary *d, const struct request *r);

/* What a router saw and chose. */
struct diary_route {
    const char *router;
    const struct dd_candidate *candidates;
    const char *const *names; /* of their pods */
    uint32_t count, chosen;
    simtime stale_ps; /* how old `waiting` and `kv_permille` may be; 0 = of now */
    bool weighs;      /* goes by `weight` */
    simtime hop_ps;   /* from the gateway to the zone of the chosen one */
};
void diary_routed(struct diary *d, const struct request *r, simtime now, const struct diary_route *route);
void diary_scheduled(struct diary *d, const struct request *r, simtime now);
void diary_first_token(struct diary *d, const struct request *r, simtime now);

/* Its prompt is computed, for another replica to decode; then its KV leaves for there. */
void diary_prefilled(struct diary *d, const struct request *r, simtime now);
void diary_kv_leaves(struct diary *d, const struct request *r, simtime now, uint64_t bytes);

/* Anything else worth a line; copied. */
void diary_note(struct diary *d, const struct request *r, simtime now, const char *text);

/* With its final status. */
void diary_ended(struct diary *d, const struct request *r, simtime now);

/* Every request that ends, watched or not: for the slowest. */
void diary_look(struct diary *d, const struct request *r);

/* ---- after the run ---- */

/* The slowest, the slowest first; answers how many. */
size_t diary_slowest(const struct diary *d, uint64_t ids[DIARY_PAGES_MAX]);

/* False when a request that was asked for never came: ERROR_USAGE, with what ids there were. */
bool diary_complete(const struct diary *d, struct error *err);

/* All pages, in the order of the ids, in 100 columns; appended. */
void diary_print(const struct diary *d, struct strbuf *out);

#endif
