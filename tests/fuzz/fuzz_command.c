/* libFuzzer: any bytes as a container's shell script, and line by line as the args of an image of vLLM. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "manifest/server/engine_args.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct yaml_node *text_node(struct arena *arena, const char *text) {
    struct yaml_node *node = arena_alloc(arena, sizeof *node);
    *node = (struct yaml_node){.kind = YAML_SCALAR, .quoted = true, .literal = true, .text = text};
    node->pos = (struct position){.file = "fuzz", .line = 1, .column = 1};
    return node;
}

static struct yaml_node *list_of(struct arena *arena, struct yaml_node **items, size_t count) {
    struct yaml_node *node = arena_alloc(arena, sizeof *node);
    *node = (struct yaml_node){.kind = YAML_SEQUENCE, .count = count, .items = items};
    return node;
}

/* One item a line. */
static struct yaml_node *lines_of(struct arena *arena, char *text) {
    struct yaml_node **items = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        items = arena_grow(arena, items, count, count + 1, &capacity, sizeof(struct yaml_node *));
        items[count++] = text_node(arena, line);
    }
    return list_of(arena, items, count);
}

static void read_container(struct arena *arena, struct yaml_node *command, struct yaml_node *args) {
    struct yaml_pair pairs[] = {{.key = "image", .value = text_node(arena, "vllm/vllm-openai:v1")},
                                {.key = "args", .value = args},
                                {.key = "command", .value = command}};
    const struct yaml_node container = {
        .kind = YAML_MAPPING, .count = command == NULL ? 2 : 3, .pairs = pairs};
    struct notices notices = {.arena = arena};
    struct engine_args out;
    struct error err = {0};
    bool good = engine_args_read(&container, &out, arena, &notices, &err);
    assert(good != error_is_set(&err));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct arena arena;
    arena_init(&arena);
    char *text = arena_strndup(&arena, (const char *)bytes, length);
    struct yaml_node *shell[] = {text_node(&arena, "sh"), text_node(&arena, "-c"), text_node(&arena, text)};
    read_container(&arena, list_of(&arena, shell, 3), list_of(&arena, NULL, 0));
    read_container(&arena, NULL, lines_of(&arena, arena_strdup(&arena, text)));
    arena_free(&arena);
    return 0;
}
