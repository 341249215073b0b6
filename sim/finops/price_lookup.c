/* The row of a price book that fits, and the clock by which it bills. */
#include "finops/price_book.h"

#include <string.h>

/* ---- nodes ---- */

/* What a row says must be so; what it leaves out fits. */
static bool fits(const char *said, const char *asked) {
    return said == NULL || (asked != NULL && strcmp(said, asked) == 0);
}

static int specificity(const struct node_price *p) {
    return (p->zone != NULL) * 4 + (p->region != NULL) * 2 + (p->provider != NULL);
}

static bool node_fits(const struct node_price *p, const struct price_query *q) {
    return strcmp(p->instance_type, q->instance_type) == 0 && p->purchase == (int)q->purchase &&
           fits(p->zone, q->zone) && fits(p->region, q->region) &&
           (q->provider == NULL || fits(p->provider, q->provider));
}

/* The best row; `rival` is another one that says as much. */
static const struct node_price *find_node(const struct price_book *book, const struct price_query *q,
                                          const struct node_price **rival) {
    const struct node_price *best = NULL;
    *rival = NULL;
    for (size_t i = 0; i < book->node_count; i++) {
        const struct node_price *p = &book->nodes[i];
        if (!node_fits(p, q) || (best != NULL && specificity(p) < specificity(best))) {
            continue;
        }
        *rival = best != NULL && specificity(p) == specificity(best) ? best : NULL;
        best = p;
    }
    return best;
}

static const char *or_any(const char *text) {
    return text != NULL ? text : "any";
}

/* What the book has instead, so that the remedy is plain. */
static void explain_missing(const struct price_book *book, const struct price_query *q, struct error *err) {
    const struct node_price *like = NULL;
    for (size_t i = 0; i < book->node_count && like == NULL; i++) {
        like = strcmp(book->nodes[i].instance_type, q->instance_type) == 0 ? &book->nodes[i] : NULL;
    }
    error_set(err, ERROR_INVALID, "no %s price for instance type %.80s in region %.60s, zone %.60s",
              purchase_names[q->purchase], q->instance_type, or_any(q->region), or_any(q->zone));
    if (like != NULL) {
        error_hint(err, "the price book \"%.80s\" has it %s in region %.60s, zone %.60s", book->name,
                   purchase_names[like->purchase], or_any(like->region), or_any(like->zone));
    } else {
        error_hint(err, "add a row to nodes of the price book \"%.80s\"", book->name);
    }
}

const struct node_price *price_book_node(const struct price_book *book, const struct price_query *q,
                                         struct error *err) {
    const struct node_price *rival;
    const struct node_price *best = find_node(book, q, &rival);
    if (best == NULL) {
        explain_missing(book, q, err);
    } else if (rival != NULL) {
        error_set(err, ERROR_INVALID, "two prices fit instance type %.80s, of %.60s and of %.60s",
                  q->instance_type, or_any(rival->provider), or_any(best->provider));
        best = NULL;
    }
    return best;
}

/* ---- pools ---- */

static const char capacity_label[] = "karpenter.sh/capacity-type";

bool price_pool_purchase(const struct pool_config *pool, enum purchase *purchase, struct error *err) {
    *purchase = PURCHASE_ON_DEMAND;
    for (size_t i = 0; i < pool->labels.count; i++) {
        const struct label *label = &pool->labels.items[i];
        if (strcmp(label->key, capacity_label) != 0) {
            continue;
        }
        for (int p = 0; purchase_names[p] != NULL; p++) {
            if (strcmp(label->value, purchase_names[p]) == 0) {
                *purchase = (enum purchase)p;
                return true;
            }
        }
        error_at(err, ERROR_INVALID, &pool->pos, "labels",
                 "expected %s to be one of on-demand, spot, reserved, found \"%.60s\"", capacity_label,
                 label->value);
        return false;
    }
    return true;
}

/* The failure of a lookup, at the pool that asked. */
static bool fail_at_pool(const struct pool_config *pool, const struct error *why, struct error *err) {
    error_at(err, ERROR_INVALID, &pool->pos, "instance_type", "pool %.60s: %s", pool->name, why->expected);
    return why->hint[0] != 0 ? error_hint(err, "%s", why->hint) : false;
}

bool price_book_pools(const struct price_book *book, const struct scenario *s, struct arena *arena,
                      struct pool_price **prices, struct error *err) {
    *prices = arena_array(arena, s->pool_count, sizeof **prices);
    for (size_t i = 0; i < s->pool_count; i++) {
        const struct pool_config *pool = &s->pools[i];
        struct pool_price *found = &(*prices)[i];
        struct error why = {0};
        found->region = scenario_zone_region(s, pool->zone);
        if (!price_pool_purchase(pool, &found->purchase, err)) {
            return false;
        }
        struct price_query query = {.instance_type = pool->instance_type,
                                    .region = found->region,
                                    .zone = pool->zone,
                                    .purchase = found->purchase};
        found->price = price_book_node(book, &query, &why);
        if (found->price == NULL) {
            return fail_at_pool(pool, &why, err);
        }
        const struct node_price *rival;
        query.purchase = PURCHASE_ON_DEMAND;
        query.provider = found->price->provider;
        found->list = find_node(book, &query, &rival);
    }
    return true;
}

/* ---- transfers, storage ---- */

const char price_internet[] = "internet", price_registry[] = "registry", price_models[] = "models";

/* How closely a row's end names a place: 3 the zone, or what is outside by its name, 2 the region, 0 any; -1
 * not at all. */
static int closeness(const char *said, const struct price_place *place) {
    if (strcmp(said, "*") == 0) {
        return 0;
    }
    if (place->outside != NULL) {
        return strcmp(said, place->outside) == 0 ? 3 : -1;
    }
    if (place->zone != NULL && strcmp(said, place->zone) == 0) {
        return 3;
    }
    return place->region != NULL && strcmp(said, place->region) == 0 ? 2 : -1;
}

static bool same_zone(const struct price_place *from, const struct price_place *to) {
    return from->zone != NULL && to->zone != NULL && strcmp(from->zone, to->zone) == 0;
}

const struct transfer_price *price_book_transfer(const struct price_book *book,
                                                 const struct price_place *from,
                                                 const struct price_place *to) {
    const struct transfer_price *best = NULL;
    int best_score = -1;
    for (size_t i = 0; i < book->transfer_count; i++) {
        const struct transfer_price *p = &book->transfers[i];
        int near_from = closeness(p->from, from), near_to = closeness(p->to, to);
        bool usable = same_zone(from, to) ? near_from == 3 && near_to == 3 : near_from >= 0 && near_to >= 0;
        if (usable && near_from * 4 + near_to > best_score) {
            best = p;
            best_score = near_from * 4 + near_to;
        }
    }
    return best;
}

static bool is_place(const char *name, const struct scenario *s) {
    const char *const outside[] = {"*", price_internet, price_registry, price_models};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        if (strcmp(name, outside[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < s->region_count; i++) {
        if (strcmp(name, s->regions[i].name) == 0) {
            return true;
        }
    }
    return scenario_zone_region(s, name) != NULL;
}

void price_book_check_places(const struct price_book *book, const struct scenario *s,
                             struct notices *notices) {
    const struct transfer_price *first = NULL;
    const char *name = NULL;
    size_t count = 0;
    for (size_t i = 0; i < book->transfer_count; i++) {
        const struct transfer_price *p = &book->transfers[i];
        bool from = is_place(p->from, s), to = is_place(p->to, s);
        if (!from || !to) {
            count++;
            name = first == NULL ? (from ? p->to : p->from) : name;
            first = first == NULL ? p : first;
        }
    }
    if (first != NULL) {
        notice_add(notices, NOTICE_WARNING, &first->pos,
                   "the price of a transfer names \"%.60s\", which is no zone or region of the scenario: it "
                   "never counts (%zu such row%s)",
                   name, count, count == 1 ? "" : "s");
    }
}

const struct storage_price *price_book_storage(const struct price_book *book, const char *storage_class) {
    for (size_t i = 0; i < book->storage_count; i++) {
        if (strcmp(book->storages[i].storage_class, storage_class) == 0) {
            return &book->storages[i];
        }
    }
    return NULL;
}

/* ---- the billing clock ---- */

static simtime billing_begins(const struct node_price *price, simtime requested, simtime ready) {
    simtime running = simtime_add(requested, simtime_from_s(price->pending_s));
    switch ((enum billing_start)price->billing_start) {
    case BILLING_READY:
        return ready;
    case BILLING_RUNNING: /* a node that is Ready runs, however long `pending` says it takes */
        return ready >= 0 && ready < running ? ready : running;
    case BILLING_REQUESTED:
        break;
    }
    return requested;
}

static simtime round_up(simtime time, simtime granularity) {
    simtime over = granularity > 0 ? time % granularity : 0;
    return over > 0 ? simtime_add(time, granularity - over) : time;
}

bool billing_interval(const struct node_price *price, simtime requested, simtime ready, simtime end,
                      simtime *from, simtime *billed) {
    *from = billing_begins(price, requested, ready);
    if (requested < 0 || *from < 0 || *from >= end) {
        return false;
    }
    simtime least = simtime_from_s(price->minimum_s);
    simtime time = end - *from > least ? end - *from : least;
    *billed = round_up(time, simtime_from_s(price->granularity_s));
    return true;
}
