#include "finops/price_book.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "config/csv.h"

/* Far above any price that somebody pays, and 100 days of it are still an amount. */
#define USD_MOST 1e6

const char *const purchase_names[] = {"on-demand", "spot", "reserved", NULL};
static const char *const billing_starts[] = {"requested", "running", "ready", NULL};
static const char *const api_versions[] = {"drydock/v1", NULL};
static const char *const kinds[] = {"PriceBook", NULL};

/* ---- the table ---- */

#define ROW(name, kind_of, of, member, text, ...)                                                            \
    {                                                                                                        \
        .key = name, .type = FIELD_##kind_of, .offset = offsetof(struct of, member), .help = text,           \
        ##__VA_ARGS__                                                                                        \
    }
#define DURATION(name, of, member, text, ...)                                                                \
    ROW(name, QUANTITY, of, member, text, .unit = UNIT_DURATION, .low = 0, .high = 100.0 * 86400,            \
        ##__VA_ARGS__)
#define PRICE(name, money_unit, of, member, text)                                                            \
    ROW(name, QUANTITY, of, member, text, .unit = money_unit, .low = 0, .high = USD_MOST, .required = true)
#define LIST(name, member, count, element, table, check, text)                                               \
    {                                                                                                        \
        .key = name, .type = FIELD_LIST, .offset = offsetof(struct price_book, member),                      \
        .count_offset = offsetof(struct price_book, count), .element_bytes = sizeof(struct element),         \
        .rows = table, .finish = check, .help = text                                                         \
    }

static bool finish_node(struct field_reader *reader, const struct yaml_node *node, void *element);
static bool finish_transfer(struct field_reader *reader, const struct yaml_node *node, void *element);
static bool finish_storage(struct field_reader *reader, const struct yaml_node *node, void *element);
static bool finish_fixed(struct field_reader *reader, const struct yaml_node *node, void *element);
static bool finish_metadata(struct field_reader *reader, const struct yaml_node *node, void *element);

static const struct field node_fields[] = {
    ROW("instance_type", TEXT, node_price, instance_type, "As a pool's `instance_type`.", .required = true),
    ROW("provider", TEXT, node_price, provider, "Who sells it; for people, and to tell like names apart."),
    ROW("region", TEXT, node_price, region, "The region it is the price of; without it, of all."),
    ROW("zone", TEXT, node_price, zone, "The zone it is the price of; without it, of all."),
    ROW("purchase", ENUM, node_price, purchase, "How it is bought.", .choices = purchase_names,
        .fallback = "on-demand"),
    PRICE("usd_per_h", UNIT_USD_PER_H, node_price, usd_per_h, "Price of a node for an hour."),
    ROW("billing_start", ENUM, node_price, billing_start,
        "From when on a node costs money: its request, its running (`pending` after the request), or Ready.",
        .choices = billing_starts, .fallback = "requested"),
    DURATION("pending", node_price, pending_s,
             "From the request to the instance running, for `billing_start: running`; at 0s the two are one.",
             .fallback = "0s"),
    DURATION("granularity", node_price, granularity_s,
             "Billed time is rounded up to a multiple of this; at 0s it is billed as it is.",
             .fallback = "0s"),
    DURATION("minimum", node_price, minimum_s, "The least that is billed for a node.", .fallback = "0s"),
    FIELDS_END,
};

static const struct field transfer_fields[] = {
    ROW("from", TEXT, transfer_price, from,
        "A zone, a region, `internet` (users), `registry` (images), `models` (weights), or `*` for any.",
        .fallback = "\"*\""),
    ROW("to", TEXT, transfer_price, to, "The other end, likewise.", .fallback = "\"*\""),
    PRICE("usd_per_gb", UNIT_USD, transfer_price, usd_per_gb, "Price of 10^9 bytes that way."),
    FIELDS_END,
};

static const struct field storage_fields[] = {
    ROW("class", TEXT, storage_price, storage_class, "The kind of storage.", .required = true),
    PRICE("usd_per_gb_month", UNIT_USD, storage_price, usd_per_gb_month,
          "Price of 10^9 bytes for a month of 730 hours."),
    FIELDS_END,
};

static const struct field fixed_fields[] = {
    ROW("name", TEXT, fixed_price, name, "What is paid for: a control plane, a load balancer, a licence.",
        .required = true),
    PRICE("usd_per_h", UNIT_USD_PER_H, fixed_price, usd_per_h, "Its price for an hour, traffic or not."),
    FIELDS_END,
};

static const struct field metadata_fields[] = {
    ROW("name", TEXT, price_book, name, "Name of the price book.", .required = true),
    ROW("date", TEXT, price_book, date, "The day the prices were seen: `2026-07-20`.", .required = true),
    ROW("currency", TEXT, price_book, currency, "`USD`: other currencies are not converted.",
        .fallback = "USD"),
    ROW("source", TEXT, price_book, source, "Where the prices come from."),
    FIELDS_END,
};

static const struct field spec_fields[] = {
    LIST("nodes", nodes, node_count, node_price, node_fields, finish_node, "Prices of nodes."),
    LIST("transfer", transfers, transfer_count, transfer_price, transfer_fields, finish_transfer,
         "Prices of data that goes from one place to another. What no row fits is free."),
    LIST("storage", storages, storage_count, storage_price, storage_fields, finish_storage,
         "Prices of storage."),
    LIST("fixed", fixed, fixed_count, fixed_price, fixed_fields, finish_fixed,
         "What is paid by the hour whatever happens."),
    FIELDS_END,
};

static const struct field book_fields[] = {
    ROW("apiVersion", TEXT, price_book, api_version, "Version of this format.", .required = true,
        .choices = api_versions),
    ROW("kind", TEXT, price_book, kind, "What this file is.", .required = true, .choices = kinds),
    {.key = "metadata",
     .type = FIELD_STRUCT,
     .rows = metadata_fields,
     .finish = finish_metadata,
     .help = "About the price book."},
    {.key = "spec", .type = FIELD_STRUCT, .rows = spec_fields, .help = "The prices."},
    FIELDS_END,
};

/* ---- what depends on several keys ---- */

/* In range by the table's bounds, so that conversion cannot fail. */
static bool set_rate(double usd, nanousd *rate) {
    return money_from_usd(usd, rate);
}

static bool finish_node(struct field_reader *reader, const struct yaml_node *node, void *element) {
    struct node_price *price = element;
    if (price->pending_s > 0 && price->billing_start != BILLING_RUNNING) {
        return field_error(reader, node, "pending",
                           "is for billing_start: running, and would have no effect here");
    }
    return set_rate(price->usd_per_h, &price->rate);
}

static bool finish_transfer(struct field_reader *reader, const struct yaml_node *node, void *element) {
    (void)reader, (void)node;
    struct transfer_price *price = element;
    return set_rate(price->usd_per_gb, &price->rate);
}

static bool finish_storage(struct field_reader *reader, const struct yaml_node *node, void *element) {
    (void)reader, (void)node;
    struct storage_price *price = element;
    return set_rate(price->usd_per_gb_month, &price->rate);
}

static bool finish_fixed(struct field_reader *reader, const struct yaml_node *node, void *element) {
    (void)reader, (void)node;
    struct fixed_price *price = element;
    return set_rate(price->usd_per_h, &price->rate);
}

static bool finish_metadata(struct field_reader *reader, const struct yaml_node *node, void *element) {
    const struct price_book *book = element;
    int64_t day;
    if (strcmp(book->currency, "USD") != 0) {
        return field_error(reader, node, "currency",
                           "expected USD, found \"%.20s\": other currencies are not converted",
                           book->currency);
    }
    return csv_date(book->date, &day) ||
           field_error(reader, node, "date", "expected a day such as 2026-07-20, found \"%.40s\"",
                       book->date);
}

/* ---- nothing twice ---- */

struct price_key {
    const char *text;
    const struct position *pos;
};

static int by_text_then_place(const void *left, const void *right) {
    const struct price_key *a = left, *b = right;
    int order = strcmp(a->text, b->text);
    if (order != 0) {
        return order;
    }
    return a->pos->line != b->pos->line
               ? (a->pos->line < b->pos->line ? -1 : 1)
               : (a->pos->column > b->pos->column) - (a->pos->column < b->pos->column);
}

static const char *or_any(const char *text) {
    return text != NULL ? text : "*";
}

static size_t collect_keys(const struct price_book *book, struct arena *arena, struct price_key *keys) {
    size_t n = 0;
    for (size_t i = 0; i < book->node_count; i++) {
        const struct node_price *p = &book->nodes[i];
        keys[n++] = (struct price_key){arena_printf(arena, "%s, provider %s, region %s, zone %s, %s",
                                                    p->instance_type, or_any(p->provider), or_any(p->region),
                                                    or_any(p->zone), purchase_names[p->purchase]),
                                       &p->pos};
    }
    for (size_t i = 0; i < book->transfer_count; i++) {
        const struct transfer_price *p = &book->transfers[i];
        keys[n++] =
            (struct price_key){arena_printf(arena, "transfer from %s to %s", p->from, p->to), &p->pos};
    }
    for (size_t i = 0; i < book->storage_count; i++) {
        const struct storage_price *p = &book->storages[i];
        keys[n++] = (struct price_key){arena_printf(arena, "storage %s", p->storage_class), &p->pos};
    }
    for (size_t i = 0; i < book->fixed_count; i++) {
        keys[n++] =
            (struct price_key){arena_printf(arena, "fixed %s", book->fixed[i].name), &book->fixed[i].pos};
    }
    return n;
}

/* Two prices for one thing: which one counts would be chance. */
static bool check_duplicates(const struct price_book *book, struct arena *arena, struct error *err) {
    size_t most = book->node_count + book->transfer_count + book->storage_count + book->fixed_count;
    struct price_key *keys = arena_array(arena, most, sizeof *keys);
    size_t count = collect_keys(book, arena, keys);
    qsort(keys, count, sizeof *keys, by_text_then_place);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(keys[i - 1].text, keys[i].text) == 0) {
            error_at(err, ERROR_INVALID, keys[i].pos, NULL, "a second price of %.300s", keys[i].text);
            return error_hint(err, "the first one is in line %d", keys[i - 1].pos->line);
        }
    }
    if (count == 0) {
        struct position pos = {book->file, 0, 0};
        return error_at(err, ERROR_INVALID, &pos, NULL, "holds no price");
    }
    return true;
}

/* ---- reading ---- */

/* Before the keys, so that another kind of object is told by its kind. */
static bool check_kind(const struct yaml_node *tree, struct error *err) {
    const struct yaml_node *kind = yaml_get(tree, "kind");
    if (kind == NULL || kind->kind != YAML_SCALAR || strcmp(kind->text, "PriceBook") == 0) {
        return true;
    }
    return error_at(err, ERROR_INVALID, &kind->pos, "kind", "expected PriceBook, found \"%.60s\"",
                    kind->text);
}

static bool read_tree(const struct yaml_node *tree, const struct field *rows, const char *path,
                      struct arena *arena, struct price_book *book, struct notices *notices,
                      struct error *err) {
    struct field_reader reader = {.arena = arena, .notices = notices, .err = err, .place = tree->pos};
    snprintf(reader.path, sizeof reader.path, "%s", path);
    return check_kind(tree, err) && fields_read(&reader, rows, tree, book) &&
           check_duplicates(book, arena, err);
}

static bool read_yaml(const char *path, struct arena *arena, struct price_book *book, struct notices *notices,
                      struct error *err) {
    struct yaml_file file;
    if (!yaml_load(path, arena, &file, err)) {
        return false;
    }
    struct position pos = {book->file, 0, 0};
    if (file.count == 0) {
        return error_at(err, ERROR_INVALID, &pos, NULL, "expected a price book, the file holds no object");
    }
    if (file.count > 1) {
        return error_at(err, ERROR_INVALID, &file.documents[1]->pos, NULL,
                        "expected one document: a price book is a file of its own");
    }
    return read_tree(file.documents[0], book_fields, "", arena, book, notices, err);
}

bool price_book_read(const char *path, struct arena *arena, struct price_book *book, struct notices *notices,
                     struct error *err) {
    *book = (struct price_book){.file = arena_strdup(arena, path), .currency = "USD"};
    if (!str_ends_with(path, ".csv") && !str_ends_with(path, ".csv.gz")) {
        return read_yaml(path, arena, book, notices, err);
    }
    if (!price_csv_read(path, arena, book, err) || !check_duplicates(book, arena, err)) {
        return false;
    }
    if (book->date == NULL) {
        struct position pos = {book->file, 0, 0};
        notice_add(notices, NOTICE_NOTE, &pos, "the prices state no date");
    }
    return true;
}

bool price_book_load(const struct yaml_node *node, const char *folder, struct arena *arena,
                     struct price_book *book, struct notices *notices, struct error *err) {
    if (node->kind == YAML_MAPPING) {
        *book = (struct price_book){.file = node->pos.file, .name = "inline", .currency = "USD"};
        bool whole = yaml_get(node, "apiVersion") != NULL || yaml_get(node, "spec") != NULL;
        return read_tree(node, whole ? book_fields : spec_fields, "spec.prices", arena, book, notices, err);
    }
    if (node->kind != YAML_SCALAR || node->text[0] == 0) {
        return error_at(err, ERROR_INVALID, &node->pos, "spec.prices",
                        "expected the name of a price book's file, or its spec as a mapping");
    }
    const char *path = folder != NULL ? path_join(arena, folder, node->text) : node->text;
    if (!file_exists(path)) {
        return error_at(err, ERROR_INVALID, &node->pos, "spec.prices", "there is no file %s", path);
    }
    return price_book_read(path, arena, book, notices, err);
}

void price_book_print_schema(void) {
    puts("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
         "  \"title\": \"Drydock price book (drydock/v1)\",");
    fields_print_schema_definitions(stdout, 2);
    fputs(",\n  ", stdout);
    fields_print_schema(stdout, book_fields, 2);
    puts("\n}");
}

void price_book_print_markdown(FILE *out) {
    fields_print_markdown(out, book_fields, "");
}
