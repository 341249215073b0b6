#include "finops/price_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"

static struct arena arena;
static struct notices notices;
static struct price_book book;
static struct error err;

static int set_up(void **state) {
    (void)state;
    notices = (struct notices){.arena = &arena};
    err = (struct error){0};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct yaml_node *parse(const char *text) {
    struct yaml_file file;
    assert_true(yaml_parse("book.yaml", text, strlen(text), &arena, &file, &err));
    return file.documents[0];
}

static bool load(const char *text) {
    return price_book_load(parse(text), NULL, &arena, &book, &notices, &err);
}

static const struct node_price *find(const char *type, const char *region, const char *zone,
                                     enum purchase purchase) {
    struct price_query query = {.instance_type = type, .region = region, .zone = zone, .purchase = purchase};
    return price_book_node(&book, &query, &err);
}

/* ---- reading ---- */

static void a_book_is_read_whole(void **state) {
    (void)state;
    assert_true(load("apiVersion: drydock/v1\n"
                     "kind: PriceBook\n"
                     "metadata: {name: mine, date: 2026-07-20, source: a table}\n"
                     "spec:\n"
                     "  nodes: [{instance_type: p5, provider: aws, region: r, zone: z, purchase: spot,\n"
                     "           usd_per_h: $30.326, billing_start: running, pending: 30s, granularity: 1s,\n"
                     "           minimum: 60s}]\n"
                     "  transfer: [{from: r, to: internet, usd_per_gb: 0.09}]\n"
                     "  storage: [{class: gp3, usd_per_gb_month: 0.08}]\n"
                     "  fixed: [{name: control-plane, usd_per_h: 0.10}]\n"));
    assert_string_equal(book.name, "mine");
    assert_string_equal(book.date, "2026-07-20");
    assert_string_equal(book.currency, "USD");
    const struct node_price *p = &book.nodes[0];
    assert_true(p->rate == 30326000000 && p->purchase == PURCHASE_SPOT && p->pos.line == 5);
    assert_true(p->billing_start == BILLING_RUNNING && p->pending_s == 30 && p->minimum_s == 60);
    assert_true(book.transfers[0].rate == 90000000 && book.storages[0].rate == 80000000);
    assert_true(book.fixed[0].rate == 100000000);
    assert_int_equal(notices.count, 0);
}

static void a_spec_alone_is_a_book(void **state) {
    (void)state;
    assert_true(load("nodes: [{instance_type: m, usd_per_h: 1}]"));
    const struct node_price *p = find("m", "anywhere", "any-zone", PURCHASE_ON_DEMAND);
    assert_true(p != NULL && p->rate == NANOUSD_PER_USD && p->billing_start == BILLING_REQUESTED);
    assert_true(p->granularity_s == 0 && p->minimum_s == 0);
}

static void a_price_may_be_of_a_day(void **state) {
    (void)state;
    assert_true(load("nodes: [{instance_type: m, usd_per_h: $60/day}]"));
    assert_int_equal(book.nodes[0].rate, 2500000000);
}

static void a_file_is_named_relative_to_the_scenario(void **state) {
    (void)state;
    struct yaml_node *node = parse("no/such/file.yaml");
    assert_false(price_book_load(node, "folder", &arena, &book, &notices, &err));
    assert_string_equal(err.expected, "there is no file folder/no/such/file.yaml");
    assert_true(err.line == 1 && err.column == 1);
}

/* ---- nodes ---- */

static const char places[] = "nodes:\n"
                             "- {instance_type: p5, usd_per_h: 100}\n"
                             "- {instance_type: p5, region: r, usd_per_h: 98}\n"
                             "- {instance_type: p5, region: r, zone: r-a, usd_per_h: 97}\n"
                             "- {instance_type: p5, region: s, provider: x, usd_per_h: 96}\n"
                             "- {instance_type: p5, region: r, purchase: spot, usd_per_h: 30}\n"
                             "- {instance_type: p5, zone: t-a, usd_per_h: 95}\n";

static void the_most_specific_row_is_the_price(void **state) {
    (void)state;
    assert_true(load(places));
    assert_int_equal(find("p5", "q", "q-a", PURCHASE_ON_DEMAND)->rate / NANOUSD_PER_USD, 100);
    assert_int_equal(find("p5", NULL, NULL, PURCHASE_ON_DEMAND)->rate / NANOUSD_PER_USD, 100);
    assert_int_equal(find("p5", "r", "r-b", PURCHASE_ON_DEMAND)->rate / NANOUSD_PER_USD, 98);
    assert_int_equal(find("p5", "r", "r-a", PURCHASE_ON_DEMAND)->rate / NANOUSD_PER_USD, 97);
    assert_int_equal(find("p5", "s", "s-a", PURCHASE_ON_DEMAND)->rate / NANOUSD_PER_USD, 96);
    assert_int_equal(find("p5", "t", "t-a", PURCHASE_ON_DEMAND)->rate / NANOUSD_PER_USD, 95);
    assert_int_equal(find("p5", "r", "r-a", PURCHASE_SPOT)->rate / NANOUSD_PER_USD, 30);
}

static void a_missing_price_says_what_there_is(void **state) {
    (void)state;
    assert_true(load(places));
    assert_null(find("p5", "s", "s-a", PURCHASE_SPOT));
    assert_string_equal(err.expected, "no spot price for instance type p5 in region s, zone s-a");
    err = (struct error){0};
    assert_null(find("p6", NULL, NULL, PURCHASE_ON_DEMAND));
    assert_string_equal(err.hint, "add a row to nodes of the price book \"inline\"");
}

static void two_providers_of_one_name_must_be_told_apart(void **state) {
    (void)state;
    assert_true(load("nodes:\n"
                     "- {instance_type: a100, provider: x, usd_per_h: 1}\n"
                     "- {instance_type: a100, provider: y, usd_per_h: 2}\n"));
    assert_null(find("a100", NULL, NULL, PURCHASE_ON_DEMAND));
    assert_string_equal(err.expected, "two prices fit instance type a100, of x and of y");
    struct price_query query = {.instance_type = "a100", .provider = "y"};
    assert_int_equal(price_book_node(&book, &query, &err)->rate, 2 * NANOUSD_PER_USD);
}

static struct pool_config a_pool(const char *capacity_type) {
    static struct label label = {"karpenter.sh/capacity-type", NULL};
    label.value = capacity_type;
    return (struct pool_config){.pos = {"s.yaml", 9, 3},
                                .name = "gpu",
                                .zone = "r-a",
                                .instance_type = "p5",
                                .labels = {.items = &label, .count = capacity_type != NULL}};
}

static bool price_pool(const char *capacity_type, struct pool_price **prices) {
    static struct pool_config pool;
    static struct zone_config zone = {.name = "r-a", .region = "r"};
    pool = a_pool(capacity_type);
    struct scenario s = {.pools = &pool, .pool_count = 1, .zones = &zone, .zone_count = 1};
    return price_book_pools(&book, &s, &arena, prices, &err);
}

static void a_pool_is_bought_as_its_label_says(void **state) {
    (void)state;
    struct pool_price *prices;
    assert_true(load(places));
    assert_true(price_pool(NULL, &prices));
    assert_true(prices->price->rate == 97 * NANOUSD_PER_USD && prices->list == prices->price);
    assert_string_equal(prices->region, "r");
    assert_true(price_pool("spot", &prices));
    assert_true(prices->price->rate == 30 * NANOUSD_PER_USD && prices->purchase == PURCHASE_SPOT);
    assert_true(prices->list->rate == 97 * NANOUSD_PER_USD);
    assert_false(price_pool("gratis", &prices));
    assert_string_equal(err.field, "labels");
}

static void a_pool_without_a_price_is_an_error_at_the_pool(void **state) {
    (void)state;
    struct pool_price *prices;
    assert_true(load(places));
    assert_false(price_pool("reserved", &prices));
    assert_true(err.code == ERROR_INVALID && err.line == 9);
    assert_string_equal(err.expected,
                        "pool gpu: no reserved price for instance type p5 in region r, zone r-a");
    assert_string_equal(err.hint, "the price book \"inline\" has it on-demand in region any, zone any");
}

/* ---- transfers, storage ---- */

static const struct price_place ra = {"r-a", "r", NULL}, rb = {"r-b", "r", NULL}, sa = {"s-a", "s", NULL},
                                users = {.outside = price_internet}, registry = {.outside = price_registry},
                                models = {.outside = price_models};

static nanousd transfer(struct price_place from, struct price_place to) {
    const struct transfer_price *price = price_book_transfer(&book, &from, &to);
    return price == NULL ? 0 : price->rate / 1000000;
}

static void the_closest_ends_are_the_price_of_a_transfer(void **state) {
    (void)state;
    assert_true(load("transfer:\n"
                     "- {usd_per_gb: 0.001}\n"
                     "- {from: r, to: s, usd_per_gb: 0.02}\n"
                     "- {from: r, to: r, usd_per_gb: 0.01}\n"
                     "- {to: internet, usd_per_gb: 0.09}\n"
                     "- {from: r-a, to: internet, usd_per_gb: 0.05}\n"));
    assert_int_equal(transfer(ra, rb), 10);
    assert_int_equal(transfer(ra, sa), 20);
    assert_int_equal(transfer(sa, ra), 1);
    assert_int_equal(transfer(ra, users), 50);
    assert_int_equal(transfer(rb, users), 90);
    assert_int_equal(transfer(users, ra), 1);
    assert_int_equal(transfer(ra, ra), 0); /* within a zone */
}

static void within_a_zone_only_a_row_of_that_zone_counts(void **state) {
    (void)state;
    assert_true(load("transfer: [{usd_per_gb: 1}, {from: r-a, to: r-a, usd_per_gb: 0.003}]"));
    assert_int_equal(transfer(ra, ra), 3);
}

static void pulls_are_priced_by_the_names_of_their_stores(void **state) {
    (void)state;
    assert_true(load("transfer:\n"
                     "- {from: registry, to: r, usd_per_gb: 0.02}\n"
                     "- {from: registry, to: r-b, usd_per_gb: 0.03}\n"
                     "- {from: internet, to: r, usd_per_gb: 0.045}\n"));
    assert_int_equal(transfer(registry, ra), 20);
    assert_int_equal(transfer(registry, rb), 30);
    assert_int_equal(transfer(registry, sa), 0);
    assert_int_equal(transfer(models, ra), 0);
    assert_int_equal(transfer(users, ra), 45);
    assert_true(load("transfer: [{to: r, usd_per_gb: 0.001}]"));
    assert_int_equal(transfer(models, ra), 1);
}

static void a_transfer_that_names_no_place_of_the_scenario_is_said(void **state) {
    (void)state;
    struct region_config regions[] = {{.name = "r"}};
    struct zone_config zones[] = {{.name = "r-a", .region = "r"}};
    struct scenario s = {.regions = regions, .region_count = 1, .zones = zones, .zone_count = 1};
    assert_true(
        load("transfer: [{from: r, to: internet, usd_per_gb: 1}, {from: registry, to: r-a, usd_per_gb: 1},"
             " {from: models, usd_per_gb: 1}]"));
    price_book_check_places(&book, &s, &notices);
    assert_int_equal(notices.count, 0);
    assert_true(
        load("transfer:\n- {from: r, to: internet, usd_per_gb: 1}\n- {from: r-a, to: q, usd_per_gb: 1}\n"
             "- {from: q-a, to: r, usd_per_gb: 1}\n"));
    price_book_check_places(&book, &s, &notices);
    assert_int_equal(notices.count, 1);
    assert_non_null(strstr(notices.items[0].text,
                           "book.yaml:3:3: the price of a transfer names \"q\", which is no "
                           "zone or region of the scenario: it never counts (2 such rows)"));
}

static void what_has_no_price_is_free(void **state) {
    (void)state;
    assert_true(load("storage: [{class: gp3, usd_per_gb_month: 0.08}]"));
    assert_int_equal(transfer(ra, users), 0);
    assert_null(price_book_storage(&book, "io2"));
    assert_int_equal(price_book_storage(&book, "gp3")->rate, 80000000);
}

/* ---- CSV ---- */

static bool read_csv(const char *text) {
    char path[] = "/tmp/price_book_test.XXXXXX.csv";
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0 && file_write(path, text, strlen(text), &err));
    bool ok = price_book_read(path, &arena, &book, &notices, &err);
    remove(path);
    return ok;
}

static void a_csv_of_prices_is_a_book(void **state) {
    (void)state;
    assert_true(
        read_csv("# seen on 2026-07-20T13:44:30Z\nregion,instance_type,usd_per_h\nr,m,0.5\nr,n,1.5\n"));
    assert_string_equal(book.date, "2026-07-20");
    assert_int_equal(find("n", "r", "r-a", PURCHASE_ON_DEMAND)->rate, 1500000000);
    assert_null(find("n", "s", NULL, PURCHASE_ON_DEMAND));
}

static void a_csv_may_hold_spot_prices_beside(void **state) {
    (void)state;
    assert_true(read_csv("provider,region,zone,instance_type,gpu,on_demand_usd_per_h,spot_usd_per_h\n"
                         "x,r,r-a,m,H100,4,1\n"
                         "x,s,,m,H100,5,\n"));
    assert_int_equal(find("m", "r", "r-a", PURCHASE_SPOT)->rate, NANOUSD_PER_USD);
    assert_int_equal(find("m", "s", "s-b", PURCHASE_ON_DEMAND)->rate, 5 * NANOUSD_PER_USD);
    assert_null(find("m", "s", "s-b", PURCHASE_SPOT));
    assert_int_equal(notices.count, 1); /* it states no date */
}

static void public_price_lists_are_books(void **state) {
    (void)state;
    const char *data = getenv("DATA");
    data = data != NULL ? data : "../shared";
    const char *folder = path_join(&arena, data, "traces/prices");
    if (!file_is_directory(folder)) {
        print_message("no %s\n", folder);
        skip();
    }
    assert_true(
        price_book_read(path_join(&arena, folder, "aws_on_demand.csv"), &arena, &book, &notices, &err));
    assert_int_equal(book.node_count, 134);
    assert_int_equal(find("c6i.12xlarge", "us-east-1", NULL, PURCHASE_ON_DEMAND)->rate, 2040000000);
    assert_true(price_book_read(path_join(&arena, folder, "gpu_on_demand_and_spot.csv"), &arena, &book,
                                &notices, &err));
    assert_int_equal(find("p5.48xlarge", "us-east-1", "use1-az1", PURCHASE_SPOT)->rate, 30326000000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_book_is_read_whole),
        TEST(a_spec_alone_is_a_book),
        TEST(a_price_may_be_of_a_day),
        TEST(a_file_is_named_relative_to_the_scenario),
        TEST(the_most_specific_row_is_the_price),
        TEST(a_missing_price_says_what_there_is),
        TEST(two_providers_of_one_name_must_be_told_apart),
        TEST(a_pool_is_bought_as_its_label_says),
        TEST(a_pool_without_a_price_is_an_error_at_the_pool),
        TEST(the_closest_ends_are_the_price_of_a_transfer),
        TEST(within_a_zone_only_a_row_of_that_zone_counts),
        TEST(pulls_are_priced_by_the_names_of_their_stores),
        TEST(a_transfer_that_names_no_place_of_the_scenario_is_said),
        TEST(what_has_no_price_is_free),
        TEST(a_csv_of_prices_is_a_book),
        TEST(a_csv_may_hold_spot_prices_beside),
        TEST(public_price_lists_are_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
