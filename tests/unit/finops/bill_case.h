/* tests/unit/finops/bill_case.h: bills as text (tests/cases/finops). The input is YAML:
 *
 *     prices: {nodes: [{instance_type: m, usd_per_h: 3.6}]}     spec of a price book
 *     window: 2h                                                default: the end of the last node
 *     purchase: spot                                            default on-demand
 *     nodes:
 *     - {gpus: 2, requested: 0s, ready: 60s, end: 1h, pods: [
 *         {workload: chat, service: chat, holds: 1, bound: 60s, ready: 2m, stop: 50m, gone: 51m,
 *          serving: 10m}]}                                      a date left out did not happen
 *
 * What is said: a line a charge, "state workload hours h dollars", in the order of the ledger; then the
 * total, and the figures by state and category that are not 0. */
#ifndef DRYDOCK_TESTS_FINOPS_BILL_CASE_H
#define DRYDOCK_TESTS_FINOPS_BILL_CASE_H

#include "../manifest/case_file.h"

#include "base/units.h"
#include "finops/ledger.h"

enum { CASE_PODS_MAX = 16 };

static inline simtime date_at(const struct yaml_node *node, const char *key, simtime absent) {
    const struct yaml_node *value = yaml_get(node, key);
    double seconds = 0;
    if (value == NULL) {
        return absent;
    }
    assert_true(unit_parse(UNIT_DURATION, value->text, &seconds));
    return simtime_from_s(seconds);
}

static inline const char *text_at(const struct yaml_node *node, const char *key, const char *absent) {
    const struct yaml_node *value = yaml_get(node, key);
    return value != NULL ? value->text : absent;
}

static inline size_t read_pods(const struct yaml_node *list, struct meter_pod *pods) {
    size_t count = list != NULL ? list->count : 0;
    assert_true(count <= CASE_PODS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *pod = list->items[i];
        pods[i] = (struct meter_pod){.workload = text_at(pod, "workload", "w"),
                                     .service = text_at(pod, "service", NULL),
                                     .holds = strtoll(text_at(pod, "holds", "1"), NULL, 10),
                                     .bound_ps = date_at(pod, "bound", -1),
                                     .ready_ps = date_at(pod, "ready", -1),
                                     .terminating_ps = date_at(pod, "stop", -1),
                                     .gone_ps = date_at(pod, "gone", -1),
                                     .serving_ps = date_at(pod, "serving", 0)};
    }
    return count;
}

static inline void read_node(const struct yaml_node *node, struct meter_node *into) {
    *into = (struct meter_node){.name = "m-0",
                                .pool = "m",
                                .instance_type = text_at(node, "type", "m"),
                                .gpus = strtoll(text_at(node, "gpus", "1"), NULL, 10),
                                .cpu = strtod(text_at(node, "cpu", "4"), NULL),
                                .requested_ps = date_at(node, "requested", 0),
                                .ready_ps = date_at(node, "ready", -1),
                                .end_ps = date_at(node, "end", 0)};
}

static inline enum purchase purchase_at(const struct yaml_node *input) {
    const char *text = text_at(input, "purchase", "on-demand");
    enum purchase p = PURCHASE_ON_DEMAND;
    while (strcmp(purchase_names[p], text) != 0) {
        p++;
    }
    return p;
}

static inline bool bill_node(struct ledger *ledger, const struct price_book *book,
                             const struct yaml_node *input, const struct yaml_node *node, struct error *err) {
    struct meter_node metered;
    struct meter_pod pods[CASE_PODS_MAX];
    read_node(node, &metered);
    struct price_query query = {.instance_type = metered.instance_type, .purchase = purchase_at(input)};
    struct pool_price price = {.purchase = query.purchase, .price = price_book_node(book, &query, err)};
    struct error none = {0};
    query.purchase = PURCHASE_ON_DEMAND;
    price.list = price_book_node(book, &query, &none);
    size_t pod_count = read_pods(yaml_get(node, "pods"), pods);
    return price.price != NULL && ledger_node(ledger, &metered, &price, pods, pod_count, err);
}

static inline bool bill(const struct yaml_node *input, struct arena *arena, struct ledger *ledger,
                        struct error *err) {
    struct price_book book;
    struct notices notices = {.arena = arena};
    const struct yaml_node *nodes = yaml_get(input, "nodes");
    if (!price_book_load(yaml_get(input, "prices"), NULL, arena, &book, &notices, err)) {
        return false;
    }
    simtime window = date_at(input, "window", 0);
    for (size_t i = 0; nodes != NULL && i < nodes->count; i++) {
        simtime end = date_at(nodes->items[i], "end", 0);
        window = end > window ? end : window;
    }
    ledger_init(ledger, arena, window);
    for (size_t i = 0; nodes != NULL && i < nodes->count; i++) {
        if (!bill_node(ledger, &book, input, nodes->items[i], err)) {
            return false;
        }
    }
    return ledger_fixed(ledger, &book, err);
}

static inline void say_charges(const struct ledger *ledger, struct strbuf *out) {
    char number[NUMBER_TEXT_BYTES], money[MONEY_TEXT_BYTES];
    for (size_t i = 0; i < ledger->count; i++) {
        const struct charge *c = &ledger->charges[i];
        const char *whose = c->workload != NULL           ? c->workload
                            : c->category == CHARGE_FIXED ? c->resource
                                                          : "-";
        double rounded = (double)(int64_t)(c->pricing_quantity * 1e6 + 0.5) / 1e6;
        strbuf_printf(out, "%s %s %s h %s\n", cost_state_names[c->state], whose, number_text(rounded, number),
                      money_text(c->effective_cost, money));
    }
}

static inline void say_figures(const struct cost_summary *cost, struct strbuf *out) {
    char text[MONEY_TEXT_BYTES];
    strbuf_printf(out, "total %s\n", money_text(cost->total, text));
    strbuf_printf(out, "list %s\n", money_text(cost->list, text));
    strbuf_printf(out, "usage %s\n", money_text(cost->usage, text));
    strbuf_printf(out, "an hour %s\n", money_text(cost->per_h, text));
    strbuf_printf(out, "a month %s\n", money_text(cost->month, text));
    for (int s = 0; s < COST_STATES; s++) {
        if (cost->by_state[s] != 0) {
            strbuf_printf(out, "all %s %s\n", cost_state_names[s], money_text(cost->by_state[s], text));
        }
    }
    for (int c = 0; c < CHARGE_CATEGORIES; c++) {
        if (cost->by_category[c] != 0) {
            strbuf_printf(out, "all %s %s\n", charge_category_names[c],
                          money_text(cost->by_category[c], text));
        }
    }
}

static inline void bill_dump(const char *input, struct strbuf *out) {
    struct arena arena = {0};
    struct yaml_file file;
    struct error err = {0};
    struct ledger ledger;
    struct cost_summary cost;
    struct cost_counts counts = {0};
    char text[2048];
    if (!yaml_parse("case", input, strlen(input), &arena, &file, &err) ||
        !bill(file.documents[0], &arena, &ledger, &err) || !ledger_summary(&ledger, &counts, &cost, &err)) {
        strbuf_printf(out, "error: %s\n", error_text(&err, text, sizeof text));
    } else {
        if (ledger.count == 0) {
            strbuf_append(out, "no charge\n");
        }
        say_charges(&ledger, out);
        say_figures(&cost, out);
    }
    arena_free(&arena);
}

#endif
