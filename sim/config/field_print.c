/* Structs back to YAML, by the rows that read them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/delay.h"
#include "config/field.h"
#include "config/label.h"

/* Ten thousand million bytes read better as 10GB than as 9765625Ki. */
static bool print_decimal_bytes(FILE *out, double value) {
    static const struct {
        double size;
        const char *unit;
    } steps[] = {{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}};
    for (size_t i = 0; value > 0 && i < sizeof steps / sizeof steps[0]; i++) {
        if (fmod(value, steps[i].size) == 0) {
            fprintf(out, "%.0f%s", value / steps[i].size, steps[i].unit);
            return true;
        }
    }
    return false;
}

static void print_quantity(FILE *out, enum unit_kind unit, double value) {
    char text[48], number[NUMBER_TEXT_BYTES];
    double back;
    if (unit == UNIT_BYTES && print_decimal_bytes(out, value)) {
        return;
    }
    unit_text(unit, value, text);
    /* A rounded text would be another scenario: then the bare SI number, which is exact. */
    bool exact = unit_parse(unit, text, &back) && back == value;
    fputs(exact ? text : number_text(value, number), out);
}

static void print_key(FILE *out, const struct field *f, int indent) {
    fprintf(out, "%*s%s:", indent, "", f->key);
}

static void print_line(FILE *out, const struct field *f, int indent, const char *text) {
    print_key(out, f, indent);
    fputc(' ', out);
    yaml_print_text(out, text);
    fputc('\n', out);
}

static void print_text(FILE *out, const struct field *f, const char *at, int indent) {
    const char *text = *(const char *const *)(const void *)at;
    if (text != NULL) {
        print_line(out, f, indent, text);
    }
}

/* Absolute, since what is printed may be saved in another folder. */
static void print_path_value(FILE *out, const char *path) {
    char *absolute = realpath(path, NULL);
    yaml_print_text(out, absolute != NULL ? absolute : path);
    fputc('\n', out);
    free(absolute);
}

static void print_path(FILE *out, const struct field *f, const char *at, int indent) {
    const char *path = *(const char *const *)(const void *)at;
    if (path != NULL) {
        print_key(out, f, indent);
        fputc(' ', out);
        print_path_value(out, path);
    }
}

static void print_integer(FILE *out, const struct field *f, const char *at, int indent) {
    int64_t value = *(const int64_t *)(const void *)at;
    if (f->fallback != NULL || f->required || value != (int64_t)f->absent) {
        print_key(out, f, indent);
        fprintf(out, " %lld\n", (long long)value);
    }
}

static void print_quantity_row(FILE *out, const struct field *f, const char *at, int indent) {
    double value = *(const double *)(const void *)at;
    if (f->fallback != NULL || f->required || (value != f->absent && !isnan(value))) {
        print_key(out, f, indent);
        fputc(' ', out);
        if (f->infinite != NULL && isinf(value)) {
            fputs(f->infinite, out);
        } else {
            print_quantity(out, f->type == FIELD_NUMBER ? UNIT_NUMBER : f->unit, value);
        }
        fputc('\n', out);
    }
}

static void print_bool(FILE *out, const struct field *f, const char *at, int indent) {
    print_key(out, f, indent);
    fputs(*(const bool *)at ? " true\n" : " false\n", out);
}

static void print_enum(FILE *out, const struct field *f, const char *at, int indent) {
    print_line(out, f, indent, f->choices[*(const int *)(const void *)at]);
}

static void print_delay(FILE *out, const struct field *f, const char *at, int indent) {
    print_key(out, f, indent);
    fputc(' ', out);
    delay_print(out, (const struct delay *)(const void *)at);
    fputc('\n', out);
}

static void print_labels(FILE *out, const struct field *f, const char *at, int indent) {
    const struct labels *labels = (const struct labels *)(const void *)at;
    if (labels->count > 0) {
        print_key(out, f, indent);
        fputc('\n', out);
    }
    for (size_t i = 0; i < labels->count; i++) {
        fprintf(out, "%*s", indent + 2, "");
        yaml_print_text(out, labels->items[i].key);
        fputs(": ", out);
        yaml_print_text(out, labels->items[i].value);
        fputc('\n', out);
    }
}

static size_t count_of(const struct field *f, const char *at) {
    return *(const size_t *)(const void *)(at - f->offset + f->count_offset);
}

static void print_texts(FILE *out, const struct field *f, const char *at, int indent) {
    const char *const *items = *(const char *const *const *)(const void *)at;
    size_t count = count_of(f, at);
    if (count > 0) {
        print_key(out, f, indent);
        fputc('\n', out);
    }
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%*s- ", indent + 2, "");
        if (f->type == FIELD_PATHS) {
            print_path_value(out, items[i]);
        } else {
            yaml_print_text(out, items[i]);
            fputc('\n', out);
        }
    }
}

static void print_struct(FILE *out, const struct field *f, const char *at, int indent) {
    print_key(out, f, indent);
    fputc('\n', out);
    fields_print_yaml(out, f->rows, at, indent + 2);
}

/* The first key follows the dash in its line: the rows write their indentation, which is dropped there. */
static void print_item(FILE *out, const struct field *rows, const char *at, int indent) {
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (memory != NULL) {
        fields_print_yaml(memory, rows, at, indent + 2);
        fclose(memory);
        fprintf(out, "%*s- %s", indent, "", length > 0 ? text + indent + 2 : "{}\n");
        free(text);
    }
}

static void print_list(FILE *out, const struct field *f, const char *at, int indent) {
    const char *items = *(const char *const *)(const void *)at;
    size_t count = count_of(f, at);
    if (count == 0 && f->fallback == NULL) {
        return;
    }
    print_key(out, f, indent);
    fputs(count == 0 ? " []\n" : "\n", out);
    for (size_t i = 0; i < count; i++) {
        print_item(out, f->rows, items + i * f->element_bytes, indent + 2);
    }
}

static void print_node(FILE *out, const struct field *f, const char *at, int indent) {
    const struct yaml_node *node = *(const struct yaml_node *const *)(const void *)at;
    if (node == NULL) {
        return;
    }
    print_key(out, f, indent);
    bool scalar = node->kind == YAML_SCALAR || node->kind == YAML_NULL;
    fputc(scalar ? ' ' : '\n', out);
    yaml_print(out, node, indent + 2);
    if (scalar) {
        fputc('\n', out);
    }
}

typedef void (*print_function)(FILE *, const struct field *, const char *, int);

static const print_function print_functions[] = {
    [FIELD_TEXT] = print_text,       [FIELD_PATH] = print_path,
    [FIELD_INTEGER] = print_integer, [FIELD_QUANTITY] = print_quantity_row,
    [FIELD_BOOL] = print_bool,       [FIELD_ENUM] = print_enum,
    [FIELD_DELAY] = print_delay,     [FIELD_LABELS] = print_labels,
    [FIELD_TEXTS] = print_texts,     [FIELD_PATHS] = print_texts,
    [FIELD_STRUCT] = print_struct,   [FIELD_LIST] = print_list,
    [FIELD_NODE] = print_node,       [FIELD_NUMBER] = print_quantity_row,
};

void fields_print_yaml(FILE *out, const struct field *rows, const void *from, int indent) {
    for (; rows->key != NULL; rows++) {
        const char *base = from;
        bool shown =
            !rows->spelling && (rows->given_offset == 0 || *(const bool *)(base + rows->given_offset));
        if (shown) {
            print_functions[rows->type](out, rows, base + rows->offset, indent);
        }
    }
}
