/* libFuzzer: any bytes as a file of manifests. Nothing may crash, leak or take long; what is refused says so.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct arena arena;
    arena_init(&arena);
    struct notices notices = {.arena = &arena};
    struct manifests manifests = {0};
    struct yaml_file file = {0};
    struct error err = {0};
    bool good = yaml_parse("fuzz.yaml", (const char *)bytes, length, &arena, &file, &err);
    for (size_t i = 0; good && i < file.count; i++) {
        good = manifests_add(file.documents[i], &manifests, &arena, &notices, &err);
    }
    good = good && manifests_finish(&manifests, &arena, &notices, &err);
    assert(good != error_is_set(&err));
    arena_free(&arena);
    return 0;
}
