/* Any bytes as YAML: read or refused with a located error, and what is read prints and reads back. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/notice.h"
#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_print(const struct yaml_node *node, struct arena *arena) {
    char *text = NULL;
    size_t length = 0;
    struct yaml_file back;
    struct error err = {0};
    FILE *out = open_memstream(&text, &length);
    yaml_print(out, node, 0);
    fclose(out);
    /* Expanded aliases may print to more than a file may hold. */
    if (length < YAML_FILE_BYTES_MAX && !yaml_parse("printed", text, length, arena, &back, &err)) {
        fprintf(stderr, "printed text is refused: %d:%d: %s\n%s\n", err.line, err.column, err.expected, text);
        abort();
    }
    free(text);
}

static void read_as_scenario(struct yaml_node *root, struct arena *arena) {
    struct scenario scenario = {0};
    struct notices notices = {.arena = arena};
    struct error err = {0};
    struct field_reader reader = {.arena = arena, .notices = &notices, .err = &err, .folder = "."};
    bool ok = fields_read(&reader, scenario_fields, root, &scenario);
    if (ok == error_is_set(&err)) {
        abort();
    }
    if (ok) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        fields_print_yaml(out, scenario_fields, &scenario, 0);
        fclose(out);
        free(text);
    }
    err = (struct error){0};
    yaml_set(root, "spec.traces.0.rate_scale", "2", "--set", arena, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct error err = {0};
    struct yaml_file file;
    bool ok = yaml_parse("fuzz", (const char *)data, size, &arena, &file, &err);
    if (ok == error_is_set(&err)) {
        abort();
    }
    for (size_t i = 0; ok && i < file.count && i < 8; i++) {
        if (size < 4096) {
            check_print(file.documents[i], &arena);
        }
        read_as_scenario(file.documents[i], &arena);
    }
    arena_free(&arena);
    return 0;
}
