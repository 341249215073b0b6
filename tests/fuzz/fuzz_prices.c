/* libFuzzer: any bytes as a price book, a list of prices (CSV, plain or gzip) and a carbon series. Nothing
 * may crash, leak or take long; what is refused says so, and what is taken has prices that are amounts. */
#define _GNU_SOURCE
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "finops/carbon.h"
#include "finops/price_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_book(const struct price_book *book, bool good, const struct error *err) {
    assert(good != error_is_set(err));
    for (size_t i = 0; good && i < book->node_count; i++) {
        assert(book->nodes[i].rate >= 0 && book->nodes[i].instance_type[0] != 0);
    }
}

static void as_yaml(const char *bytes, size_t length, struct arena *arena) {
    struct notices notices = {.arena = arena};
    struct price_book book = {0};
    struct yaml_file file = {0};
    struct error err = {0};
    if (yaml_parse("fuzz.yaml", bytes, length, arena, &file, &err) && file.count > 0 &&
        file.documents[0]->kind == YAML_MAPPING) {
        check_book(&book, price_book_load(file.documents[0], NULL, arena, &book, &notices, &err), &err);
    }
}

static void as_csv(const char *path, struct arena *arena) {
    struct notices notices = {.arena = arena};
    struct price_book book = {0};
    struct error err = {0}, other = {0};
    check_book(&book, price_csv_read(path, arena, &book, &err), &err);
    struct carbon_source source = {.file = path};
    bool good = carbon_series_read(&source, arena, &notices, &other);
    assert(good != error_is_set(&other));
    if (good) {
        double mean = carbon_series_mean(&source.series, -3600, 1e9);
        assert(mean >= -1e-6 && mean <= 10000.001);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct arena arena;
    char path[32];
    arena_init(&arena);
    as_yaml((const char *)bytes, length, &arena);
    int fd = memfd_create("fuzz.csv", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd >= 0 && write(fd, bytes, length) == (ssize_t)length) {
        as_csv(path, &arena);
    }
    close(fd);
    arena_free(&arena);
    return 0;
}
