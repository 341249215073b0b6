/* sim/finops/price_book.h: what things cost: a dated price book (apiVersion drydock/v1, kind PriceBook).
 *
 * A scenario names one with `prices: FILE` (YAML, or a CSV of node prices) or holds one inline: the same
 * object, or its spec alone. Every key is a row of a table in price_book.c, from which reading, schema and
 * reference come. What a row leaves out (region, zone, provider) it says of all; the most specific row that
 * fits is the price. Prices are nano-dollars from here on: money never becomes a float again.
 */
#ifndef DRYDOCK_FINOPS_PRICE_BOOK_H
#define DRYDOCK_FINOPS_PRICE_BOOK_H

#include <stdio.h>

#include "base/money.h"
#include "base/simtime.h"
#include "scenario/scenario.h"

enum purchase { PURCHASE_ON_DEMAND, PURCHASE_SPOT, PURCHASE_RESERVED };
extern const char *const purchase_names[]; /* "on-demand" ...; ended by NULL */

/* From when on a node costs money. */
enum billing_start { BILLING_REQUESTED, BILLING_RUNNING, BILLING_READY };

struct node_price {
    struct position pos;
    const char *instance_type;
    const char *provider, *region, *zone; /* NULL = any */
    int purchase;                         /* enum purchase */
    double usd_per_h;                     /* as read; rate is what counts */
    nanousd rate;                         /* an hour */
    int billing_start;                    /* enum billing_start */
    double pending_s;                     /* from request to running, of billing_start running */
    double granularity_s, minimum_s;      /* 0 = to the picosecond; none */
};

/* Ends of a transfer: a zone, a region, "internet" (users), "registry" (images), "models" (weights) or "*".
 */
struct transfer_price {
    struct position pos;
    const char *from, *to;
    double usd_per_gb;
    nanousd rate; /* 1e9 bytes */
};

struct storage_price {
    struct position pos;
    const char *storage_class;
    double usd_per_gb_month;
    nanousd rate; /* 1e9 bytes for a month of 730 h */
};

struct fixed_price {
    struct position pos;
    const char *name;
    double usd_per_h;
    nanousd rate; /* an hour */
};

struct price_book {
    const char *file; /* NULL = inline without a place */
    const char *api_version, *kind;
    const char *name;
    const char *date; /* "2026-07-20"; NULL when it states none */
    const char *currency;
    const char *source; /* NULL */
    struct node_price *nodes;
    size_t node_count;
    struct transfer_price *transfers;
    size_t transfer_count;
    struct storage_price *storages;
    size_t storage_count;
    struct fixed_price *fixed;
    size_t fixed_count;
};

/* Of the scenario's `prices`: the name of a file, relative to `folder`, or a mapping. */
bool price_book_load(const struct yaml_node *node, const char *folder, struct arena *arena,
                     struct price_book *book, struct notices *notices, struct error *err);

/* A price book of its own: YAML, or CSV by its name (.csv, .csv.gz) with the columns
 * [provider] [region] [zone] instance_type and usd_per_h, or on_demand_usd_per_h and spot_usd_per_h; an empty
 * price is none. Other columns are passed over. The first comment is the source, a date in it the date. */
bool price_book_read(const char *path, struct arena *arena, struct price_book *book, struct notices *notices,
                     struct error *err);

/* What is asked for; provider, region and zone may be NULL: then only rows that leave it out fit. A NULL
 * provider fits all. */
struct price_query {
    const char *instance_type, *provider, *region, *zone;
    enum purchase purchase;
};

/* The row that fits with the most said: a zone before a region before a provider. NULL with err (without a
 * place: the caller knows who asks) when none fits, or when two providers' rows fit equally. */
const struct node_price *price_book_node(const struct price_book *book, const struct price_query *query,
                                         struct error *err);

/* Where bytes come from or go to: a zone with its region, or one of the names below. */
struct price_place {
    const char *zone, *region; /* NULL when outside */
    const char *outside;       /* price_internet, price_registry or price_models; NULL for a zone */
};
extern const char price_internet[]; /* "internet": users */
extern const char price_registry[]; /* "registry": where images are pulled from */
extern const char price_models[];   /* "models": where weights are */

/* NULL when no row fits, and within one zone unless a row names that zone at both ends: then nothing is
 * charged. */
const struct transfer_price *price_book_transfer(const struct price_book *book,
                                                 const struct price_place *from,
                                                 const struct price_place *to);

/* Warns, once, of rows that name a place that the scenario has not: a book may serve many scenarios, but a
 * slip would leave traffic free. */
void price_book_check_places(const struct price_book *book, const struct scenario *scenario,
                             struct notices *notices);

/* NULL when there is none of that class. */
const struct storage_price *price_book_storage(const struct price_book *book, const char *storage_class);

/* What a pool's nodes cost, and what they would on demand (NULL when the book does not say). */
struct pool_price {
    const struct node_price *price, *list;
    enum purchase purchase;
    const char *region;
};

/* One for each pool of the scenario. How its nodes are bought is told by the pool's label
 * karpenter.sh/capacity-type (spot, on-demand, reserved; default on-demand). A pool without a price is an
 * error at the pool. */
bool price_book_pools(const struct price_book *book, const struct scenario *scenario, struct arena *arena,
                      struct pool_price **prices, struct error *err);

/* How the pool's nodes are bought, told by that label alone; false when it says what there is not. */
bool price_pool_purchase(const struct pool_config *pool, enum purchase *purchase, struct error *err);

/* From when a node is charged and for how long. `from` is where the bill starts; `billed` is its time up to
 * `end` with minimum and granularity. False when nothing is charged: the bill never started. A date of -1 is
 * not (yet). */
bool billing_interval(const struct node_price *price, simtime requested, simtime ready, simtime end,
                      simtime *from, simtime *billed);

/* Schema and reference of the file, from its table. */
void price_book_print_schema(void);
void price_book_print_markdown(FILE *out);

/* price_csv.c */
bool price_csv_read(const char *path, struct arena *arena, struct price_book *book, struct error *err);

#endif
