#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "tests/unit/engine/child.h"

enum { MANY = 64 };

/* A platform that tests bend. Sites a - transit - b, and a slower direct link; c alone. */
struct fixture {
    struct platform platform;
    struct platform_site sites[5];
    struct platform_host hosts[4];
    struct platform_link links[4];
    struct arena arena;
    struct error err;
};

static struct fixture *fixture_new(void) {
    static struct fixture f;
    arena_free(&f.arena);
    f = (struct fixture){
        .sites = {{"a"}, {"transit"}, {"b"}, {"c"}},
        .hosts = {{"a-0", 0, 1e9, 2e9, 1e9},
                  {"a-1", 0, 3e9, 0, 0},
                  {"b-0", 2, 2e9, 0, 0},
                  {"c-0", 3, 1e9, 0, 0}},
        .links = {{"direct", 0, 2, 0.05, 4e9, true},
                  {"first", 0, 1, 0.01, 1.5e9, true},
                  {"second", 2, 1, 0.02, 5e9, true}},
    };
    f.platform = (struct platform){.sites = f.sites,
                                   .site_count = 4,
                                   .hosts = f.hosts,
                                   .host_count = 4,
                                   .links = f.links,
                                   .link_count = 3};
    return &f;
}

static bool finish(struct fixture *f) {
    return platform_finish(&f->platform, &f->arena, &f->err);
}

/* ---- paths ---- */

static void a_path_is_the_one_of_least_latency_and_its_narrowest_link(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    double latency_s, bandwidth;
    assert_true(finish(f));
    for (int back = 0; back < 2; back++) {
        assert_true(platform_path(&f->platform, back ? 2 : 1, back ? 1 : 2, &latency_s, &bandwidth));
        assert_true(fabs(latency_s - (0.03 + 2 * PLATFORM_HOST_LATENCY_S)) < 1e-15);
        assert_true(bandwidth == 1.5e9);
    }
    assert_int_equal(f->platform.path_first_link[0 * 4 + 2], 1);
    assert_int_equal(f->platform.path_first_link[2 * 4 + 0], 2);
    assert_int_equal(f->platform.path_first_link[0], -1);
}

static void the_hosts_own_links_count(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    double latency_s, bandwidth;
    assert_true(finish(f));
    assert_true(platform_path(&f->platform, 0, 1, &latency_s, &bandwidth));
    assert_true(latency_s == 2 * PLATFORM_HOST_LATENCY_S && bandwidth == 1e9);
    assert_true(platform_path(&f->platform, 0, 0, &latency_s, &bandwidth));
    assert_true(latency_s == 0 && bandwidth == INFINITY);
}

static void there_is_no_path_to_an_island(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    double latency_s, bandwidth;
    assert_true(finish(f));
    assert_false(platform_path(&f->platform, 0, 3, &latency_s, &bandwidth));
    assert_true(f->platform.path_latency_s[0 * 4 + 3] == INFINITY);
    assert_int_equal(f->platform.path_first_link[0 * 4 + 3], -1);
}

static void of_equal_latencies_fewer_links_win(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    f->links[0].latency_s = 0.03;
    assert_true(finish(f));
    assert_int_equal(f->platform.path_first_link[0 * 4 + 2], 0);
    assert_int_equal(f->platform.path_first_link[2 * 4 + 0], 0);
    assert_true(f->platform.path_bandwidth_bytes_per_s[0 * 4 + 2] == 4e9);
}

/* ---- what is refused ---- */

static void refused(struct fixture *f, const char *because) {
    assert_false(finish(f));
    assert_int_equal(f->err.code, ERROR_INVALID);
    if (!strstr(f->err.expected, because)) {
        fail_msg("\"%s\" does not say \"%s\"", f->err.expected, because);
    }
}

static void names_that_simgrid_or_xml_refuse_are_errors(void **state) {
    (void)state;
    static const char *const bad[] = {"",    "a b", "a\"b",        "a'b",  "a<b",    "a>b", "a&b",
                                      "a:b", "a\n", "caf\xc3\xa9", "x_UP", "x_DOWN", "\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fixture *f = fixture_new();
        f->hosts[1].name = bad[i];
        refused(f, "name");
        f = fixture_new();
        f->sites[1].name = bad[i];
        refused(f, "name");
        f = fixture_new();
        f->links[1].name = bad[i];
        refused(f, "name");
    }
    struct fixture *f = fixture_new();
    f->hosts[0].name = NULL;
    refused(f, "has no name");
    f = fixture_new();
    f->hosts[0].name = "a-1";
    refused(f, "host \"a-1\": the name is given twice");
    f = fixture_new();
    f->sites[3].name = "a";
    refused(f, "site \"a\": the name is given twice");
    f = fixture_new();
    f->links[2].name = "first";
    refused(f, "link \"first\": the name is given twice");
}

static void numbers_out_of_range_are_errors(void **state) {
    (void)state;
    static const double bad[] = {0, -1, 0.5, 2e15, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fixture *f = fixture_new();
        f->hosts[1].network_bytes_per_s = bad[i];
        refused(f, "host \"a-1\": a bandwidth is between");
        f = fixture_new();
        f->hosts[0].disk_read_bytes_per_s = bad[i];
        refused(f, "host \"a-0\": a disk has");
        f = fixture_new();
        f->links[1].bandwidth_bytes_per_s = bad[i];
        refused(f, "link \"first\": a bandwidth is between");
    }
    static const double bad_latency[] = {-1e-9, 3601, INFINITY, NAN};
    for (size_t i = 0; i < sizeof bad_latency / sizeof *bad_latency; i++) {
        struct fixture *f = fixture_new();
        f->links[1].latency_s = bad_latency[i];
        refused(f, "a latency is between");
    }
}

static void places_that_do_not_exist_are_errors(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    f->hosts[1].site = 4;
    refused(f, "its site does not exist");
    f = fixture_new();
    f->links[1].from = 4;
    refused(f, "a site that does not exist");
    f = fixture_new();
    f->links[1].to = f->links[1].from;
    refused(f, "to itself");
    f = fixture_new();
    f->platform.site_count = PLATFORM_SITES_MAX + 1;
    refused(f, "at most 1000 sites");
    f = fixture_new();
    f->platform.host_count = PLATFORM_HOSTS_MAX + 1;
    refused(f, "at most 20000 hosts");
}

/* ---- the XML ---- */

static void what_is_generated_is_loaded_by_simgrid(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    f->hosts[0].name = "europe-west1/pool.a@0_x!#$%()*+,-;=?[]^`{|}~"; /* whatever is allowed */
    f->sites[0].name = f->hosts[1].name; /* sites, hosts and links may share names */
    f->links[0].name = f->hosts[1].name;
    f->links[3] = (struct platform_link){"free", 3, 0, 0, 1e15, false};
    f->platform.link_count = 4;
    f->hosts[2].network_bytes_per_s = 1;
    f->hosts[3].network_bytes_per_s = 1.0 / 3 * 1e10;
    assert_true(finish(f));
    if (!platform_probe(&f->platform, &f->err)) {
        fail_msg("%s", f->err.expected);
    }
    struct strbuf xml = {0};
    platform_xml(&f->platform, &xml);
    const char *free_link = strstr(xml.text, "<link id=\"wan:free:a-1:c\"");
    assert_non_null(free_link);
    assert_non_null(strstr(free_link, "latency=\"0s\" sharing_policy=\"FATPIPE\"/>"));
    assert_null(strstr(xml.text, "site:transit")); /* no host there: only passed through */
    strbuf_free(&xml);
}

static void an_empty_platform_is_loaded_too(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    f->platform.site_count = f->platform.host_count = f->platform.link_count = 0;
    assert_true(finish(f));
    assert_true(platform_probe(&f->platform, &f->err));
}

static void a_thousand_sites_and_hosts_are_loaded(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    enum { SITES = 60, HOSTS_EACH = 20 };
    struct platform *p = &f->platform;
    p->sites = arena_array(&f->arena, SITES, sizeof *p->sites);
    p->hosts = arena_array(&f->arena, SITES * HOSTS_EACH, sizeof *p->hosts);
    p->links = arena_array(&f->arena, SITES, sizeof *p->links);
    p->site_count = p->link_count = SITES;
    p->host_count = SITES * HOSTS_EACH;
    for (uint32_t s = 0; s < SITES; s++) { /* a ring */
        p->sites[s].name = arena_printf(&f->arena, "s%u", s);
        p->links[s] = (struct platform_link){p->sites[s].name, s, (s + 1) % SITES, 0.001, 1e10, true};
    }
    for (uint32_t i = 0; i < SITES * HOSTS_EACH; i++) {
        p->hosts[i] = (struct platform_host){arena_printf(&f->arena, "h%u", i), i % SITES, 1e9, 1e9, 1e9};
    }
    assert_true(finish(f));
    assert_true(fabs(p->path_latency_s[0 * SITES + SITES / 2] - 0.001 * SITES / 2) < 1e-12);
    if (!platform_probe(p, &f->err)) {
        fail_msg("%s", f->err.expected);
    }
}

/* ---- the user's own ---- */

static char path[64];

static void write_file(const char *text, size_t bytes) {
    snprintf(path, sizeof path, "/tmp/drydock-platform-%d.xml", (int)getpid());
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, bytes, out), bytes);
    fclose(out);
}

#define HEAD                                                                                                 \
    "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"                \
    "<platform version=\"4.1\">\n"
#define ZONE "<zone id=\"w\" routing=\"Full\">\n"
#define XML_HOSTS                                                                                            \
    "<host id=\"a-0\" speed=\"1Gf\"><disk id=\"d\" read_bw=\"3GBps\" write_bw=\"1GBps\"/></host>"            \
    "<host id=\"a-1\" speed=\"1Gf\"/><host id=\"b-0\" speed=\"1Gf\"/><host id=\"c-0\" speed=\"1Gf\"/>\n"
#define XML_LINK "<link id=\"l\" bandwidth=\"1GBps\" latency=\"1ms\"/>\n"
#define XML_ROUTES                                                                                           \
    "<route src=\"a-0\" dst=\"a-1\"><link_ctn id=\"l\"/></route>\n"                                          \
    "<route src=\"a-0\" dst=\"b-0\"><link_ctn id=\"l\"/></route>\n"
#define TAIL "</zone></platform>\n"

static struct fixture *with_xml(const char *text) {
    struct fixture *f = fixture_new();
    write_file(text, strlen(text));
    f->platform.xml_file = path;
    return f;
}

static void a_platform_file_gives_its_own_routes_and_disks(void **state) {
    (void)state;
    struct fixture *f = with_xml(HEAD ZONE XML_HOSTS XML_LINK XML_ROUTES TAIL);
    double latency_s, bandwidth;
    if (!finish(f)) {
        fail_msg("%s", f->err.expected);
    }
    assert_true(platform_path(&f->platform, 0, 1, &latency_s, &bandwidth));
    assert_true(latency_s == 0.001 && bandwidth == 1e9);
    assert_true(platform_path(&f->platform, 1, 0, &latency_s, &bandwidth));
    assert_false(platform_path(&f->platform, 1, 2, &latency_s, &bandwidth));
    assert_true(f->hosts[0].disk_read_bytes_per_s == 3e9 && f->hosts[0].disk_write_bytes_per_s == 1e9);
    assert_true(f->hosts[1].disk_read_bytes_per_s == 0);
    assert_true(f->platform.steady);
    unlink(path);
}

struct broken {
    const char *what, *text, *because;
    int line; /* 0: whatever */
};

static const struct broken broken_files[] = {
    {"empty", "", "EOF in prolog", 1},
    {"not XML", "hello\n", "Invalid XML", 1},
    {"cut off", HEAD ZONE XML_HOSTS XML_LINK, "Premature EOF", 0},
    {"tag not closed", HEAD ZONE "<host id=\"a-0\" speed=\"1Gf\">" TAIL, "Invalid XML", 5},
    {"unknown tag", HEAD ZONE "<gpu id=\"g\"/>" TAIL, "Invalid XML", 5},
    {"unknown attribute", HEAD ZONE "<host id=\"a-0\" speed=\"1Gf\" colour=\"red\"/>" TAIL, "Invalid XML", 5},
    {"old version",
     "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
     "<platform version=\"3\"></platform>\n",
     "", 0},
    {"unknown routing", HEAD "<zone id=\"w\" routing=\"Star\">" XML_HOSTS TAIL, "", 0},
    {"host of ours not there", HEAD ZONE "<host id=\"a-0\" speed=\"1Gf\"/>" TAIL, "no host \"a-1\"", 0},
    {"route to an unknown host",
     HEAD ZONE XML_HOSTS XML_LINK "<route src=\"nobody\" dst=\"a-0\"><link_ctn id=\"l\"/></route>" TAIL,
     "nobody", 0},
    {"route over an unknown link",
     HEAD ZONE XML_HOSTS "<route src=\"a-0\" dst=\"a-1\"><link_ctn id=\"wire\"/></route>" TAIL, "wire", 0},
    {"host twice", HEAD ZONE XML_HOSTS "<host id=\"a-0\" speed=\"1Gf\"/>" TAIL, "second host named 'a-0'", 0},
    {"link twice", HEAD ZONE XML_HOSTS XML_LINK XML_LINK TAIL, "", 0},
    {"route twice", HEAD ZONE XML_HOSTS XML_LINK XML_ROUTES XML_ROUTES TAIL, "", 0},
    {"bandwidth not a number", HEAD ZONE XML_HOSTS "<link id=\"l\" bandwidth=\"fast\" latency=\"1ms\"/>" TAIL,
     "cannot parse number", 6},
    {"unknown unit", HEAD ZONE XML_HOSTS "<link id=\"l\" bandwidth=\"1furlong\" latency=\"1ms\"/>" TAIL, "",
     6},
    {"bandwidth negative",
     HEAD ZONE XML_HOSTS "<link id=\"l\" bandwidth=\"-1GBps\" latency=\"1ms\"/>" XML_ROUTES TAIL,
     "from host a-0 to host a-1 the bandwidth", 0},
    {"bandwidth zero",
     HEAD ZONE XML_HOSTS "<link id=\"l\" bandwidth=\"0Bps\" latency=\"1ms\"/>" XML_ROUTES TAIL,
     "the bandwidth", 0},
    {"bandwidth infinite",
     HEAD ZONE XML_HOSTS "<link id=\"l\" bandwidth=\"infBps\" latency=\"1ms\"/>" XML_ROUTES TAIL, "", 0},
    {"latency NaN",
     HEAD ZONE XML_HOSTS "<link id=\"l\" bandwidth=\"1GBps\" latency=\"nans\"/>" XML_ROUTES TAIL,
     "the latency", 0},
    {"latency negative",
     HEAD ZONE XML_HOSTS "<link id=\"l\" bandwidth=\"1GBps\" latency=\"-1ms\"/>" XML_ROUTES TAIL, "", 0},
    {"disk that gives nothing",
     HEAD ZONE
     "<host id=\"a-0\" speed=\"1Gf\"><disk id=\"d\" read_bw=\"0Bps\" write_bw=\"-1Bps\"/></host>"
     "<host id=\"a-1\" speed=\"1Gf\"/><host id=\"b-0\" speed=\"1Gf\"/><host id=\"c-0\" speed=\"1Gf\"/>" TAIL,
     "disk", 0},
    {"speed not a number", HEAD ZONE "<host id=\"a-0\" speed=\"quick\"/>" TAIL, "cannot parse number", 5},
    {"graph without routes", HEAD "<zone id=\"w\" routing=\"Dijkstra\">" XML_HOSTS TAIL, "", 0},
    {"unknown setting", HEAD "<config><prop id=\"no/such\" value=\"1\"/></config>" ZONE XML_HOSTS TAIL, "",
     0},
    {"bad setting",
     HEAD "<config><prop id=\"network/bandwidth-factor\" value=\"lots\"/></config>" ZONE XML_HOSTS XML_LINK
         XML_ROUTES TAIL,
     "", 0},
    {"profile not there",
     HEAD ZONE XML_HOSTS
     "<link id=\"l\" bandwidth=\"1GBps\" latency=\"1ms\" bandwidth_file=\"nowhere\"/>" TAIL,
     "nowhere", 0},
    {"hosts that fail by themselves",
     HEAD ZONE XML_HOSTS "<host id=\"x\" speed=\"1Gf\" state_file=\"profile\"/>" TAIL, "state_file", 0},
    {"actors", HEAD ZONE XML_HOSTS "</zone><actor host=\"a-0\" function=\"f\"/></platform>", "actor", 0},
    {"wireless",
     HEAD ZONE XML_HOSTS
     "<link id=\"l\" bandwidth=\"54Mbps\" latency=\"0ms\" sharing_policy=\"WIFI\"/>" XML_ROUTES TAIL,
     "WIFI", 0},
};

static void broken_platform_files_are_errors_of_this_process(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof broken_files / sizeof *broken_files; i++) {
        const struct broken *b = &broken_files[i];
        struct fixture *f = with_xml(b->text);
        if (finish(f)) {
            fail_msg("%s: taken", b->what);
        }
        if (f->err.code != ERROR_INVALID || strcmp(f->err.file, path) != 0 ||
            !strstr(f->err.expected, b->because) || (b->line && f->err.line != b->line)) {
            fail_msg("%s: code %d, %s:%d: %s", b->what, (int)f->err.code, f->err.file, f->err.line,
                     f->err.expected);
        }
    }
    unlink(path);
}

static void bytes_that_are_no_text_are_an_error(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    write_file("\0\1\2\3", 4);
    f->platform.xml_file = path;
    refused(f, "not a text file");
    unlink(path);
    f = fixture_new();
    f->platform.xml_file = "/nonexistent/platform.xml";
    assert_false(finish(f));
    assert_int_equal(f->err.code, ERROR_INVALID);
    f = fixture_new();
    f->platform.xml_file = "/tmp";
    assert_false(finish(f));
    assert_int_equal(f->err.code, ERROR_INVALID);
}

static void what_a_comment_says_does_not_count(void **state) {
    (void)state;
    struct fixture *f =
        with_xml(HEAD "<!-- no <config>, no state_file -->\n" ZONE XML_HOSTS XML_LINK XML_ROUTES TAIL);
    assert_true(finish(f));
    assert_true(f->platform.steady);
    unlink(path);
}

static void end_here(void *context, uint64_t argument) {
    (void)argument;
    simtime *end = context;
    *end = 1;
}

static void nothing(void *context, uint64_t argument) {
    (void)context;
    (void)argument;
}

/* The file's settings double every bandwidth, so the lower bound of an end is not what its routes say. */
static void run_on_own_platform(void) {
    struct fixture *f =
        with_xml(HEAD "<config><prop id=\"network/bandwidth-factor\" value=\"2.0\"/></config>" ZONE XML_HOSTS
                     XML_LINK XML_ROUTES TAIL);
    struct error err = {0};
    simtime done = 0;
    CHECK(finish(f) && !f->platform.steady);
    struct engine *e = engine_create(&f->platform, &err);
    for (simtime i = 1; i < 2000; i++) {
        engine_at(e, i * SIMTIME_SECOND / 1000, EVENT_OBSERVE, nothing, NULL, 0);
    }
    engine_transfer(e, 0, 1, 2e9, end_here, &done, 0);
    CHECK(engine_run(e, 1000999999999, NULL, NULL, &err) && done == 0);
    CHECK(engine_run(e, 1001000000001, NULL, NULL, &err) && done == 1);
    engine_host_set(e, 0, false); /* the workers' home */
    engine_host_set(e, 0, true);
    engine_transfer(e, 1, 0, 2e9, end_here, &done, 0);
    CHECK(engine_run(e, SIMTIME_NEVER, NULL, NULL, &err));
    CHECK(engine_now(e) - 2002000000001 < 2 && engine_now(e) - 2002000000001 > -2);
    engine_destroy(e);
    unlink(path);
}

static void a_run_on_a_platform_file_with_settings_keeps_its_dates(void **state) {
    (void)state;
    assert_int_equal(in_child(run_on_own_platform), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_the_one_of_least_latency_and_its_narrowest_link),
        cmocka_unit_test(the_hosts_own_links_count),
        cmocka_unit_test(there_is_no_path_to_an_island),
        cmocka_unit_test(of_equal_latencies_fewer_links_win),
        cmocka_unit_test(names_that_simgrid_or_xml_refuse_are_errors),
        cmocka_unit_test(numbers_out_of_range_are_errors),
        cmocka_unit_test(places_that_do_not_exist_are_errors),
        cmocka_unit_test(what_is_generated_is_loaded_by_simgrid),
        cmocka_unit_test(an_empty_platform_is_loaded_too),
        cmocka_unit_test(a_thousand_sites_and_hosts_are_loaded),
        cmocka_unit_test(a_platform_file_gives_its_own_routes_and_disks),
        cmocka_unit_test(broken_platform_files_are_errors_of_this_process),
        cmocka_unit_test(bytes_that_are_no_text_are_an_error),
        cmocka_unit_test(what_a_comment_says_does_not_count),
        cmocka_unit_test(a_run_on_a_platform_file_with_settings_keeps_its_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
