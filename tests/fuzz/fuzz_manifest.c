/* libFuzzer: any bytes as a file of manifests. Nothing may crash, leak or take long; what is refused says so.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char *text_at(struct yaml_node *object, const char *path) {
    const struct yaml_node *node = yaml_path(object, path);
    return node != NULL && node->kind == YAML_SCALAR ? node->text : "";
}

/* A flag of the first object's server, and a field of it. */
static bool set_something(struct manifests *m, struct arena *arena, struct notices *notices,
                          struct error *err) {
    static const char *const fields[] = {"args.--max-num-seqs", "args.--model",
                                         "spec.template.spec.containers.0.args.0"};
    const struct position pos = {"--set", 0, 0};
    for (size_t i = 0; m->tree_count > 0 && i < sizeof fields / sizeof fields[0]; i++) {
        struct object_path path;
        struct yaml_node *value = yaml_value("64", NULL, "--set", arena, err);
        const char *text = arena_printf(arena, "%s/%s.%s", text_at(m->trees[0], "kind"),
                                        text_at(m->trees[0], "metadata.name"), fields[i]);
        if (object_path_is(text) && object_path_parse(text, arena, &path) &&
            !manifests_set(m, &path, value, &pos, arena, notices, err)) {
            return false;
        }
    }
    return true;
}

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
    if (length % 2 == 1) { /* half of the inputs are read as they are */
        good = good && set_something(&manifests, &arena, &notices, &err);
    }
    good = good && manifests_finish(&manifests, &arena, &notices, &err);
    assert(good != error_is_set(&err));
    arena_free(&arena);
    return 0;
}
