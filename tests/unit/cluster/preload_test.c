/* What nodes have on their disk from the start. */
#include "tests/unit/cluster/cluster_fixture.h"

static const double pull_s = far_s + image_bytes / registry_link;
static const double download_s = far_s + weight_bytes / models_link;
static const double from_disk_s = weight_bytes / disk_read;

static struct pool_config *preloading_pool(int64_t min, const char *text) {
    static const char *texts[1];
    struct pool_config *p = add_pool("gpu", min, 2, 2);
    texts[0] = text;
    p->preloaded = texts;
    p->preloaded_count = 1;
    return p;
}

static void image_only(void) {
    preloading_pool(1, "vllm");
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, false);
    run_until(-1);
    CHECK(pod_at(0)->pulled_ps == 0);
    CHECK(near_s(pod_at(0)->loaded_ps, container_s + engine_s + download_s));
    CHECK(engine_counters(t.engine).transfers == 1);
    end();
}

static void an_image_whose_name_holds_the_text_needs_no_pull(void **state) {
    (void)state;
    assert_int_equal(in_child(image_only), 0);
}

static void weights_only(void) {
    preloading_pool(1, "weights/llama");
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, false);
    run_until(-1);
    CHECK(near_s(pod_at(0)->pulled_ps, pull_s)); /* to be read from the disk all the same */
    CHECK(near_s(pod_at(0)->loaded_ps, pull_s + container_s + engine_s + from_disk_s));
    end();
}

static void so_do_weights(void **state) {
    (void)state;
    assert_int_equal(in_child(weights_only), 0);
}

static void every_life(void) {
    struct pool_config *pool = preloading_pool(0, "*");
    pool->scale_down_after_s = 60;
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, false);
    scale_at(500, 0, 0);
    scale_at(1000, 0, 1);
    run_until(-1);
    CHECK(strcmp(cluster_node(t.cluster, 1)->name, "gpu-0-r2") == 0);
    for (size_t i = 0; i < 2; i++) {
        const struct pod *p = pod_at(i);
        CHECK(p->pulled_ps == p->bound_ps);
        CHECK(near_s(p->loaded_ps, simtime_to_s(p->bound_ps) + container_s + engine_s + from_disk_s));
    }
    CHECK(engine_counters(t.engine).transfers == 0);
    end();
}

static void a_star_is_all_and_every_new_node_has_it(void **state) {
    (void)state;
    assert_int_equal(in_child(every_life), 0);
}

static void nothing_named(void) {
    preloading_pool(1, "sglang");
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, false);
    run_until(-1);
    CHECK(near_s(pod_at(0)->pulled_ps, pull_s) && engine_counters(t.engine).transfers == 2);
    end();
}

static void a_text_that_names_nothing_changes_nothing(void **state) {
    (void)state;
    assert_int_equal(in_child(nothing_named), 0);
}

static void full_disk(void) {
    static const struct artefact other = {"registry/other:1", 4e9};
    struct pool_config *pool = preloading_pool(1, "vllm");
    pool->disk_bytes = 6e9; /* one of the two images */
    for (int i = 0; i < 2; i++) {
        struct pod_demand *d = add_demand(i ? "ns/deployment/other" : "ns/deployment/chat");
        d->weights.bytes = 0;
        d->images = i ? &other : d->images;
    }
    begin(1, (int64_t[]){0, 1}, false);
    scale_at(100, 1, 0);
    scale_at(200, 0, 1);
    run_until(-1);
    CHECK(near_s(pod_at(0)->pulled_ps, far_s + 4)); /* pushed the preloaded one out */
    CHECK(near_s(pod_at(1)->pulled_ps, 200 + pull_s) && said("gpu-0", "DiskPressure") == 0);
    end();
}

static void what_nobody_needs_gives_way_when_the_disk_is_full(void **state) {
    (void)state;
    assert_int_equal(in_child(full_disk), 0);
}

/* ---- the list ---- */

static void the_list_has_each_thing_once_and_only_what_may_land_there(void **state) {
    (void)state;
    struct label pair = {"tier", "spot"};
    struct labels spot = {&pair, 1};
    size_t count = 0;
    memset(&t, 0, sizeof t);
    struct pool_config *pool = preloading_pool(1, "*");
    add_demand("ns/deployment/a");
    add_demand("ns/deployment/b"); /* the same image and weights */
    struct pod_demand *c = add_demand("ns/deployment/c");
    static const struct artefact image = {"registry/c:1", 1e9};
    c->images = &image;
    c->weights = (struct artefact){NULL, 0};
    const struct artefact *list =
        cluster_preloaded(pool, &t.labels[0], t.demands, t.demand_count, &t.arena, &count);
    assert_int_equal(count, 3);
    assert_string_equal(list[0].key, the_image.key);
    assert_string_equal(list[1].key, "weights/llama");
    assert_string_equal(list[2].key, "registry/c:1");
    c->node_selector = &spot;
    cluster_preloaded(pool, &t.labels[0], t.demands, t.demand_count, &t.arena, &count);
    assert_int_equal(count, 2);
    t.labels[0] = spot;
    cluster_preloaded(pool, &t.labels[0], t.demands, t.demand_count, &t.arena, &count);
    assert_int_equal(count, 3);
    pool->preloaded_count = 0;
    cluster_preloaded(pool, &t.labels[0], t.demands, t.demand_count, &t.arena, &count);
    assert_int_equal(count, 0);
    arena_free(&t.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_whose_name_holds_the_text_needs_no_pull),
        cmocka_unit_test(so_do_weights),
        cmocka_unit_test(a_star_is_all_and_every_new_node_has_it),
        cmocka_unit_test(a_text_that_names_nothing_changes_nothing),
        cmocka_unit_test(what_nobody_needs_gives_way_when_the_disk_is_full),
        cmocka_unit_test(the_list_has_each_thing_once_and_only_what_may_land_there),
    };
    return cmocka_run_group_tests_name("cluster/preload", tests, NULL, NULL);
}
