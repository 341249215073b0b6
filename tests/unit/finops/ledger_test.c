/* Bills: cases as text, and what must hold of every ledger. */
#include "bill_case.h"

#include "base/rng.h"

enum { NODES = 40, PODS = 12 };

static const nanousd price_usd_per_h = 98320000000; /* $98.32 */

static struct node_price on_demand = {.instance_type = "m", .granularity_s = 0};

/* Nodes and pods at random: bound, Ready, stopped and gone at any date, some never. */
static simtime date_after(struct rng *rng, simtime after, double never) {
    return rng_uniform(rng) < never ? -1 : after + (simtime)(rng_uniform(rng) * 1e15);
}

static const char *const service_names[] = {"chat", "embed", "vision"};

static void random_node(struct rng *rng, struct meter_node *node, struct meter_pod *pods) {
    *node = (struct meter_node){.name = "m", .gpus = 8, .requested_ps = date_after(rng, 0, 0)};
    node->ready_ps = date_after(rng, node->requested_ps, 0.1);
    node->end_ps = node->requested_ps + (simtime)(rng_uniform(rng) * 4e15) + 1;
    for (int i = 0; i < PODS; i++) {
        simtime bound = date_after(rng, node->requested_ps, 0.1);
        simtime ready = bound < 0 ? -1 : date_after(rng, bound, 0.1);
        simtime stop = bound < 0 ? -1 : date_after(rng, ready < 0 ? bound : ready, 0.5);
        pods[i] = (struct meter_pod){.workload = service_names[i % 3],
                                     .service = service_names[i % 3],
                                     .holds = (int64_t)rng_below(rng, 2),
                                     .bound_ps = bound,
                                     .ready_ps = ready,
                                     .terminating_ps = stop,
                                     .gone_ps = stop < 0 ? -1 : date_after(rng, stop, 0.2),
                                     .serving_ps = (simtime)(rng_uniform(rng) * 1e15)};
    }
}

/* A ledger of random nodes, in order or backwards, at a price. */
static void fill(struct ledger *ledger, struct arena *arena, nanousd rate, bool backwards) {
    on_demand.rate = rate;
    struct pool_price price = {.price = &on_demand, .list = &on_demand};
    struct error err = {0};
    ledger_init(ledger, arena, 7 * 86400 * SIMTIME_SECOND);
    for (int n = 0; n < NODES; n++) {
        struct meter_node node;
        struct meter_pod pods[PODS];
        struct rng rng = rng_stream_id(3, RNG_TEST, (uint64_t)(backwards ? NODES - 1 - n : n));
        random_node(&rng, &node, pods);
        assert_true(ledger_node(ledger, &node, &price, pods, PODS, &err));
    }
    struct transfer_price per_gb = {.rate = 90000000};
    struct meter_transfer transfer = {.from = "a", .to = "internet", .service = "chat", .bytes = 12345678901};
    assert_true(ledger_transfer(ledger, &transfer, &per_gb, &err));
    struct fixed_price fixed = {.name = "control-plane", .rate = 100000001};
    struct price_book book = {.fixed = &fixed, .fixed_count = 1};
    assert_true(ledger_fixed(ledger, &book, &err));
}

static struct cost_summary summary_of(const struct ledger *ledger) {
    struct cost_summary cost;
    struct cost_counts counts = {.requests = 1234, .good = 777, .output_tokens = 99999};
    struct error err = {0};
    assert_true(ledger_summary(ledger, &counts, &cost, &err));
    return cost;
}

static void the_total_is_the_sum_of_its_parts_however_they_are_cut(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    fill(&ledger, &arena, price_usd_per_h, false);
    struct cost_summary cost = summary_of(&ledger);
    nanousd rows = 0, categories = 0, states = 0;
    for (size_t i = 0; i < ledger.count; i++) {
        rows += ledger.charges[i].effective_cost;
    }
    for (int i = 0; i < CHARGE_CATEGORIES; i++) {
        categories += cost.by_category[i];
    }
    for (int i = 0; i < COST_STATES; i++) {
        assert_true(cost.by_state[i] > 0);
        states += cost.by_state[i];
    }
    assert_true(cost.total > 1000 * NANOUSD_PER_USD);
    assert_int_equal(rows, cost.total);
    assert_int_equal(categories, cost.total);
    assert_int_equal(states, cost.by_category[CHARGE_COMPUTE]);
    assert_int_equal(cost.total, cost.billed);
    arena_free(&arena);
}

static void the_order_of_rows_changes_nothing(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger forwards, backwards;
    fill(&forwards, &arena, price_usd_per_h, false);
    fill(&backwards, &arena, price_usd_per_h, true);
    struct cost_summary a = summary_of(&forwards), b = summary_of(&backwards);
    assert_memory_equal(&a, &b, sizeof a);
    arena_free(&arena);
}

/* The bill of a node is rounded once, so twice its price is twice its bill within a nano-dollar; it is so to
 * the nano-dollar where its time times the price is a whole number of them. */
static void twice_the_price_is_twice_the_bill(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger once, twice;
    fill(&once, &arena, price_usd_per_h, false);
    fill(&twice, &arena, 2 * price_usd_per_h, false);
    nanousd a = summary_of(&once).by_category[CHARGE_COMPUTE];
    nanousd b = summary_of(&twice).by_category[CHARGE_COMPUTE];
    assert_true(b - 2 * a <= NODES && 2 * a - b <= NODES);
    arena_free(&arena);
}

static void twice_the_price_is_twice_the_bill_to_the_nano_dollar_by_the_second(void **state) {
    (void)state;
    struct error err = {0};
    for (int64_t s = 9; s < 90000; s += 9) { /* $98.32/h x 9 s is a whole number of nano-dollars */
        nanousd once, twice;
        assert_true(money_times(price_usd_per_h, (money_amount)s, 3600, &once, &err));
        assert_true(money_times(2 * price_usd_per_h, (money_amount)s, 3600, &twice, &err));
        assert_int_equal(twice, 2 * once);
    }
}

/* Closed form: what a node costs is price x hours, whatever happened on it. */
static void the_bill_of_nodes_is_price_times_hours(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    fill(&ledger, &arena, price_usd_per_h, false);
    double hours = 0;
    for (int n = 0; n < NODES; n++) {
        struct meter_node node;
        struct meter_pod pods[PODS];
        struct rng rng = rng_stream_id(3, RNG_TEST, (uint64_t)n);
        random_node(&rng, &node, pods);
        hours += simtime_to_s(node.end_ps - node.requested_ps) / 3600;
    }
    double usd = money_to_usd(summary_of(&ledger).by_category[CHARGE_COMPUTE]);
    assert_true(usd / (98.32 * hours) - 1 < 1e-12 && usd / (98.32 * hours) - 1 > -1e-12);
    arena_free(&arena);
}

static void services_add_up_to_the_bill(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    struct error err = {0};
    fill(&ledger, &arena, price_usd_per_h, false);
    struct cost_summary whole = summary_of(&ledger), parts[3];
    struct cost_counts counts[3] = {{0}};
    assert_true(ledger_services(&ledger, service_names, 3, counts, parts, &err));
    nanousd total = 0, states[COST_STATES] = {0}, categories[CHARGE_CATEGORIES] = {0}, usage = 0;
    for (int i = 0; i < 3; i++) {
        total += parts[i].total;
        usage += parts[i].usage;
        assert_true(parts[i].usage < parts[i].allocated && parts[i].allocated == parts[i].total);
        assert_true(parts[i].per_1k_requests == NANOUSD_NONE);
        for (int s = 0; s < COST_STATES; s++) {
            states[s] += parts[i].by_state[s];
        }
        for (int c = 0; c < CHARGE_CATEGORIES; c++) {
            categories[c] += parts[i].by_category[c];
        }
    }
    assert_int_equal(total, whole.total);
    assert_int_equal(usage, whole.usage);
    assert_memory_equal(states, whole.by_state, sizeof states);
    assert_memory_equal(categories, whole.by_category, sizeof categories);
    arena_free(&arena);
}

static void what_is_nobodys_is_shared_equally_when_nobody_cost_anything(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    struct error err = {0};
    struct fixed_price fixed = {.name = "control-plane", .rate = 100000000};
    struct price_book book = {.fixed = &fixed, .fixed_count = 1};
    struct cost_summary parts[3];
    struct cost_counts counts[3] = {{0}};
    ledger_init(&ledger, &arena, 3600 * SIMTIME_SECOND);
    assert_true(ledger_fixed(&ledger, &book, &err));
    assert_true(ledger_services(&ledger, service_names, 3, counts, parts, &err));
    assert_true(parts[0].total == 33333334 && parts[1].total == 33333333 && parts[2].total == 33333333);
    assert_true(ledger_services(&ledger, NULL, 0, NULL, NULL, &err));
    arena_free(&arena);
}

static bool near(double a, double b) {
    return a - b < 1e-6 && b - a < 1e-6;
}

/* Three tenants and those who name none; nobody used the third service. */
static void tenants_add_up_to_the_services_they_used(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    struct error err = {0};
    fill(&ledger, &arena, price_usd_per_h, false);
    struct cost_summary services[3], tenants[4];
    struct cost_counts counts[4] = {{0}, {.requests = 500}};
    assert_true(ledger_services(&ledger, service_names, 3, counts, services, &err));
    money_amount big = (money_amount)1 << 100; /* more than a weight may be */
    const money_amount used[4][3] = {{3 * big, 0, 0}, {big, 5, 0}, {0, 15, 0}, {0, 0, 0}};
    struct tenant_use use = {used[0], 4, 3};
    assert_true(ledger_tenants(&ledger, services, &use, counts, tenants, &err));
    nanousd whole = services[0].total + services[1].total + services[2].total, sum = 0;
    for (int t = 0; t < 4; t++) {
        sum += tenants[t].total;
        assert_true(tenants[t].usage <= tenants[t].allocated && tenants[t].allocated == tenants[t].total);
    }
    assert_int_equal(sum, whole);
    assert_int_equal(tenants[3].total, 0);
    /* the third service goes by all that was used: next to nothing of it by the last tenant */
    double chat = money_to_usd(services[0].total), embed = money_to_usd(services[1].total);
    double vision = money_to_usd(services[2].total);
    assert_true(near(money_to_usd(tenants[0].total), 0.75 * (chat + vision)));
    assert_true(near(money_to_usd(tenants[1].total), 0.25 * (chat + vision) + 0.25 * embed));
    assert_true(near(money_to_usd(tenants[2].total), 0.75 * embed));
    assert_int_equal(
        tenants[0].by_state[COST_IDLE] + tenants[1].by_state[COST_IDLE] + tenants[2].by_state[COST_IDLE],
        services[0].by_state[COST_IDLE] + services[1].by_state[COST_IDLE] + services[2].by_state[COST_IDLE]);
    assert_true(tenants[1].per_1k_requests == 2 * tenants[1].total);
    assert_true(tenants[0].per_1k_requests == NANOUSD_NONE);
    arena_free(&arena);
}

static void what_nobody_used_is_no_tenants(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    struct error err = {0};
    fill(&ledger, &arena, price_usd_per_h, false);
    struct cost_summary services[3], tenants[2];
    struct cost_counts counts[3] = {{0}};
    const money_amount used[2][3] = {{0}};
    struct tenant_use use = {used[0], 2, 3};
    assert_true(ledger_services(&ledger, service_names, 3, counts, services, &err));
    assert_true(ledger_tenants(&ledger, services, &use, counts, tenants, &err));
    assert_true(tenants[0].total == 0 && tenants[1].total == 0);
    arena_free(&arena);
}

/* Zero traffic: pods that serve nothing. The bill is that of the same nodes without a pod. */
static void without_traffic_the_bill_is_the_idle_bill(void **state) {
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    struct ledger ledger;
    on_demand.rate = price_usd_per_h;
    struct pool_price price = {.price = &on_demand, .list = &on_demand};
    struct meter_node node = {.name = "m-0", .gpus = 8, .ready_ps = 0, .end_ps = 5000 * SIMTIME_SECOND};
    struct meter_pod pod = {
        .workload = "w", .service = "chat", .holds = 8, .ready_ps = 0, .terminating_ps = -1, .gone_ps = -1};
    ledger_init(&ledger, &arena, node.end_ps);
    assert_true(ledger_node(&ledger, &node, &price, &pod, 1, &err));
    struct cost_summary cost;
    struct cost_counts none = {0};
    assert_true(ledger_summary(&ledger, &none, &cost, &err));
    assert_int_equal(cost.total, 136555555556); /* 98.32 x 5000 / 3600 */
    assert_int_equal(cost.by_state[COST_IDLE], cost.total);
    assert_int_equal(cost.usage, 0);
    assert_true(cost.per_1k_requests == NANOUSD_NONE && cost.per_good_request == NANOUSD_NONE &&
                cost.per_1m_output_tokens == NANOUSD_NONE);
    arena_free(&arena);
}

static void unit_costs_are_the_total_over_what_was_done(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    struct error err = {0};
    struct fixed_price fixed = {.name = "f", .rate = 6 * NANOUSD_PER_USD};
    struct price_book book = {.fixed = &fixed, .fixed_count = 1};
    ledger_init(&ledger, &arena, 3600 * SIMTIME_SECOND);
    assert_true(ledger_fixed(&ledger, &book, &err));
    struct cost_counts counts = {.requests = 4000, .good = 3000, .output_tokens = 2000000};
    struct cost_summary cost;
    assert_true(ledger_summary(&ledger, &counts, &cost, &err));
    assert_int_equal(cost.per_1k_requests, 1500000000);
    assert_int_equal(cost.per_good_request, 2000000);
    assert_int_equal(cost.per_1m_output_tokens, 3 * NANOUSD_PER_USD);
    arena_free(&arena);
}

static void storage_is_charged_by_bytes_and_time(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    struct error err = {0};
    const simtime hour = 3600 * SIMTIME_SECOND;
    struct storage_price price = {.storage_class = "gp3", .rate = 80000000};
    struct meter_storage kept = {
        .name = "models", .bytes = 100000000000, .from_ps = hour, .to_ps = 74 * hour};
    ledger_init(&ledger, &arena, 100 * hour);
    assert_true(ledger_storage(&ledger, &kept, &price, &err));
    assert_int_equal(ledger.charges[0].billed_cost, 800000000); /* 100 GB x 0.1 month x $0.08 */
    assert_true(ledger.charges[0].pricing_quantity == 10);
    kept.bytes = UINT64_MAX; /* 18 EB for 73 h: 1.8e10 GB x 0.1 x 0.08 */
    assert_true(ledger_storage(&ledger, &kept, &price, &err));
    assert_true(money_to_usd(ledger.charges[1].billed_cost) / 147573952.5895 - 1 < 1e-9);
    assert_true(ledger_storage(&ledger, &kept, NULL, &err));
    assert_int_equal(ledger.count, 2);
    arena_free(&arena);
}

static void transfers_are_charged_by_the_byte(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    struct error err = {0};
    struct transfer_price price = {.rate = 90000000};
    struct meter_transfer moved = {.from = "a", .to = "b", .bytes = 1};
    ledger_init(&ledger, &arena, 1);
    assert_true(ledger_transfer(&ledger, &moved, &price, &err)); /* 0.09 nano-dollars */
    moved.bytes = 2500000000;
    assert_true(ledger_transfer(&ledger, &moved, &price, &err));
    moved.bytes = 0;
    assert_true(ledger_transfer(&ledger, &moved, &price, &err));
    assert_int_equal(ledger.count, 2);
    assert_int_equal(ledger.charges[0].billed_cost, 0);
    assert_int_equal(ledger.charges[1].billed_cost, 225000000);
    assert_string_equal(ledger.charges[1].resource, "a>b");
    arena_free(&arena);
}

static void a_bill_beyond_the_range_is_an_error(void **state) {
    (void)state;
    struct arena arena = {0};
    struct ledger ledger;
    struct error err = {0};
    struct transfer_price price = {.rate = 1000000 * NANOUSD_PER_USD};
    struct meter_transfer moved = {.from = "a", .to = "b", .bytes = UINT64_MAX};
    ledger_init(&ledger, &arena, 1);
    assert_false(ledger_transfer(&ledger, &moved, &price, &err));
    assert_true(error_is_set(&err));
    arena_free(&arena);
}

int main(void) {
    add_cases("tests/cases/finops/clock.cases", bill_dump);
    add_cases("tests/cases/finops/states.cases", bill_dump);
    ADD_TEST(the_total_is_the_sum_of_its_parts_however_they_are_cut);
    ADD_TEST(the_order_of_rows_changes_nothing);
    ADD_TEST(twice_the_price_is_twice_the_bill);
    ADD_TEST(twice_the_price_is_twice_the_bill_to_the_nano_dollar_by_the_second);
    ADD_TEST(the_bill_of_nodes_is_price_times_hours);
    ADD_TEST(services_add_up_to_the_bill);
    ADD_TEST(what_is_nobodys_is_shared_equally_when_nobody_cost_anything);
    ADD_TEST(tenants_add_up_to_the_services_they_used);
    ADD_TEST(what_nobody_used_is_no_tenants);
    ADD_TEST(without_traffic_the_bill_is_the_idle_bill);
    ADD_TEST(unit_costs_are_the_total_over_what_was_done);
    ADD_TEST(storage_is_charged_by_bytes_and_time);
    ADD_TEST(transfers_are_charged_by_the_byte);
    ADD_TEST(a_bill_beyond_the_range_is_an_error);
    return run_all_tests("ledger");
}
