/* Prices of nodes as CSV: a row for each instance type and place, one column or two of prices. */
#include "base/file.h"
#include "base/units.h"
#include "config/csv.h"
#include "finops/price_book.h"

/* Which column is what; -1 = there is none. */
struct price_columns {
    int provider, region, zone, instance_type;
    int usd_per_h, spot_usd_per_h;
};

static bool find_columns(const struct csv *csv, struct price_columns *c, struct error *err) {
    *c = (struct price_columns){.provider = csv_column(csv, "provider"),
                                .region = csv_column(csv, "region"),
                                .zone = csv_column(csv, "zone"),
                                .instance_type = csv_column(csv, "instance_type"),
                                .usd_per_h = csv_column(csv, "usd_per_h"),
                                .spot_usd_per_h = csv_column(csv, "spot_usd_per_h")};
    struct position pos = {csv->path, csv->line, 0};
    int on_demand = csv_column(csv, "on_demand_usd_per_h");
    if (c->usd_per_h >= 0 && on_demand >= 0) {
        pos.column = csv->columns[on_demand];
        return error_at(err, ERROR_INVALID, &pos, "on_demand_usd_per_h",
                        "means the same as usd_per_h: expected one of them");
    }
    c->usd_per_h = c->usd_per_h >= 0 ? c->usd_per_h : on_demand;
    if (c->instance_type >= 0 && (c->usd_per_h >= 0 || c->spot_usd_per_h >= 0)) {
        return true;
    }
    error_at(err, ERROR_INVALID, &pos, NULL,
             "expected the columns instance_type and usd_per_h (or on_demand_usd_per_h, spot_usd_per_h)");
    return error_hint(err, "its first column is \"%.60s\"", csv->names[0]);
}

static const char *or_null(const char *text) {
    return text[0] != 0 ? text : NULL;
}

struct price_rows {
    struct arena *arena;
    struct price_book *book;
    size_t capacity;
};

/* An empty cell is a price that is not offered. */
static bool add_price(struct price_rows *rows, const struct csv *csv, const struct price_columns *c,
                      int column, enum purchase purchase, struct error *err) {
    const char *text = csv_cell(csv, column);
    struct node_price price = {.pos = {csv->path, csv->line, column >= 0 ? csv->columns[column] : 0},
                               .instance_type = csv_cell(csv, c->instance_type),
                               .provider = or_null(csv_cell(csv, c->provider)),
                               .region = or_null(csv_cell(csv, c->region)),
                               .zone = or_null(csv_cell(csv, c->zone)),
                               .purchase = (int)purchase};
    if (text[0] == 0) {
        return true;
    }
    if (!unit_parse(UNIT_USD_PER_H, text, &price.usd_per_h) || price.usd_per_h < 0 || price.usd_per_h > 1e6 ||
        !money_from_usd(price.usd_per_h, &price.rate)) {
        return csv_error(csv, column, err, "a price such as 2.50, from 0 to 1e6");
    }
    struct price_book *book = rows->book;
    book->nodes = arena_grow(rows->arena, book->nodes, book->node_count, book->node_count + 1,
                             &rows->capacity, sizeof price);
    book->nodes[book->node_count++] = price;
    return true;
}

/* The first day that a comment names. */
static const char *find_date(const char *comment, struct arena *arena) {
    for (; *comment != 0; comment++) {
        char *day = arena_strndup(arena, comment, 10);
        int64_t unix_s;
        if (*comment == '2' && csv_date(day, &unix_s)) {
            return day;
        }
    }
    return NULL;
}

bool price_csv_read(const char *path, struct arena *arena, struct price_book *book, struct error *err) {
    struct csv csv;
    struct price_columns c;
    struct price_rows rows = {.arena = arena, .book = book};
    if (!csv_open(&csv, path, arena, err) || !find_columns(&csv, &c, err)) {
        return false;
    }
    book->name = path_base(path);
    book->source = or_null(csv.comment);
    book->date = find_date(csv.comment, arena);
    int got;
    while ((got = csv_next(&csv, err)) > 0) {
        if (csv_cell(&csv, c.instance_type)[0] == 0) {
            return csv_error(&csv, c.instance_type, err, "an instance type");
        }
        if (!add_price(&rows, &csv, &c, c.usd_per_h, PURCHASE_ON_DEMAND, err) ||
            !add_price(&rows, &csv, &c, c.spot_usd_per_h, PURCHASE_SPOT, err)) {
            return false;
        }
    }
    return got == 0;
}
