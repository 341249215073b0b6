/* Tables as JSON Schema and as Markdown. */
#include <math.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/delay.h"
#include "config/field.h"

/* ---- JSON ---- */

void field_print_json_text(FILE *out, const char *text) {
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p != 0; p++) {
        if (*p == '"' || *p == '\\') {
            fprintf(out, "\\%c", *p);
        } else if (*p < 0x20) {
            fprintf(out, "\\u%04x", *p);
        } else {
            fputc(*p, out);
        }
    }
    fputc('"', out);
}

/* A value of a default as JSON. */
static void print_json(FILE *out, const struct yaml_node *node) {
    double number;
    char text[NUMBER_TEXT_BYTES];
    switch (node->kind) {
    case YAML_NULL:
        fputs("null", out);
        return;
    case YAML_SCALAR:
        if (!node->quoted && (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)) {
            fputs(node->text, out);
        } else if (!node->quoted && unit_parse(UNIT_NUMBER, node->text, &number)) {
            fputs(number_text(number, text), out);
        } else {
            field_print_json_text(out, node->text);
        }
        return;
    case YAML_SEQUENCE:
    case YAML_MAPPING:
        break;
    }
    bool list = node->kind == YAML_SEQUENCE;
    fputc(list ? '[' : '{', out);
    for (size_t i = 0; i < node->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        if (!list) {
            field_print_json_text(out, node->pairs[i].key);
            fputs(": ", out);
        }
        print_json(out, list ? node->items[i] : node->pairs[i].value);
    }
    fputc(list ? ']' : '}', out);
}

static void print_default(FILE *out, const char *fallback) {
    struct arena arena = {0};
    struct error err = {0};
    struct yaml_file file;
    if (yaml_parse(NULL, fallback, strlen(fallback), &arena, &file, &err) && file.count == 1) {
        fputs(", \"default\": ", out);
        print_json(out, file.documents[0]);
    }
    arena_free(&arena);
}

static void print_bound(FILE *out, const char *name, double value) {
    char text[NUMBER_TEXT_BYTES];
    if (isfinite(value)) {
        fprintf(out, ", \"%s\": %s", name, number_text(value, text));
    }
}

static void print_number(FILE *out, const struct field *f, const char *type) {
    fprintf(out, "\"type\": \"%s\"", type);
    if (f->low != 0 || f->high != 0) {
        print_bound(out, "minimum", f->low);
        print_bound(out, "maximum", f->high);
    }
}

static void print_choices(FILE *out, const char *const *choices) {
    fputs("\"enum\": [", out);
    for (size_t i = 0; choices[i] != NULL; i++) {
        fputs(i > 0 ? ", " : "", out);
        field_print_json_text(out, choices[i]);
    }
    fputc(']', out);
}

static void print_type(FILE *out, const struct field *f, int indent) {
    switch (f->type) {
    case FIELD_TEXT:
    case FIELD_PATH:
    case FIELD_ENUM:
        if (f->choices != NULL) {
            print_choices(out, f->choices);
        } else {
            fputs("\"type\": [\"string\", \"number\"]", out);
        }
        return;
    case FIELD_INTEGER:
        print_number(out, f, "integer");
        return;
    case FIELD_QUANTITY:
    case FIELD_NUMBER: /* a bare number is SI; bounds on texts with a unit are checked on loading */
        fputs("\"anyOf\": [{", out);
        print_number(out, f, "number");
        fputs("}, {\"type\": \"string\"}]", out);
        return;
    case FIELD_BOOL:
        fputs("\"type\": \"boolean\"", out);
        return;
    case FIELD_DELAY:
        fputs("\"$ref\": \"#/$defs/delay\"", out);
        return;
    case FIELD_LABELS:
        fputs("\"type\": \"object\", \"additionalProperties\": {\"type\": [\"string\", \"number\", "
              "\"boolean\", "
              "\"null\"]}",
              out);
        return;
    case FIELD_TEXTS:
    case FIELD_PATHS:
        fputs("\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\", \"items\": {\"type\": \"string\"}}]",
              out);
        return;
    case FIELD_NODE:
        fputs("\"type\": [\"object\", \"array\", \"string\", \"number\", \"boolean\", \"null\"]", out);
        return;
    case FIELD_STRUCT:
        fields_print_schema(out, f->rows, indent);
        return;
    case FIELD_LIST:
        fputs("\"type\": \"array\", \"items\": {", out);
        fields_print_schema(out, f->rows, indent);
        fputc('}', out);
        return;
    }
}

static void print_required(FILE *out, const struct field *rows) {
    size_t count = 0;
    for (; rows->key != NULL; rows++) {
        if (rows->required) {
            fputs(count++ == 0 ? ", \"required\": [" : ", ", out);
            field_print_json_text(out, rows->key);
        }
    }
    fputs(count > 0 ? "]" : "", out);
}

void fields_print_schema(FILE *out, const struct field *rows, int indent) {
    fputs("\"type\": \"object\", \"additionalProperties\": false", out);
    print_required(out, rows);
    fputs(", \"properties\": {", out);
    for (const struct field *f = rows; f->key != NULL; f++) {
        fprintf(out, "%s\n%*s", f == rows ? "" : ",", indent + 2, "");
        field_print_json_text(out, f->key);
        fputs(": {\"description\": ", out);
        field_print_json_text(out, f->help);
        fputs(", ", out);
        print_type(out, f, indent + 2);
        if (f->fallback != NULL) {
            print_default(out, f->fallback);
        }
        fputc('}', out);
    }
    fprintf(out, "\n%*s}", indent, "");
}

void fields_print_schema_definitions(FILE *out, int indent) {
    fprintf(out, "%*s\"$defs\": {\n%*s\"delay\": {\"anyOf\": [{\"type\": \"number\", \"minimum\": 0}, ",
            indent, "", indent + 2, "");
    fputs("{\"type\": \"string\"}, {", out);
    fields_print_schema(out, delay_fields, indent + 2);
    fprintf(out, "}]}\n%*s}", indent, "");
}

/* ---- Markdown ---- */

static const char *type_text(const struct field *f) {
    static const char *const units[] = {
        [UNIT_NUMBER] = "number",       [UNIT_COUNT] = "count",
        [UNIT_BYTES] = "bytes",         [UNIT_DURATION] = "duration",
        [UNIT_BANDWIDTH] = "bandwidth", [UNIT_RATE] = "rate",
        [UNIT_USD] = "dollars",         [UNIT_USD_PER_H] = "dollars an hour",
        [UNIT_FRACTION] = "fraction",
    };
    static const char *const types[] = {
        [FIELD_TEXT] = "text",
        [FIELD_PATH] = "path",
        [FIELD_INTEGER] = "integer",
        [FIELD_QUANTITY] = NULL,
        [FIELD_BOOL] = "true or false",
        [FIELD_ENUM] = "text",
        [FIELD_DELAY] = "delay",
        [FIELD_LABELS] = "mapping of texts",
        [FIELD_TEXTS] = "text or list of texts",
        [FIELD_PATHS] = "path or list of paths",
        [FIELD_STRUCT] = "mapping, see below",
        [FIELD_LIST] = "list of mappings, see below",
        [FIELD_NODE] = "any",
        [FIELD_NUMBER] = "number, duration or dollars",
    };
    return f->type == FIELD_QUANTITY ? units[f->unit] : types[f->type];
}

static void print_range(FILE *out, const struct field *f) {
    char from[48], to[48];
    if (f->choices != NULL) {
        for (size_t i = 0; f->choices[i] != NULL; i++) {
            fprintf(out, "%s`%s`", i == 0 ? ": " : ", ", f->choices[i]);
        }
    } else if ((f->low != 0 || f->high != 0) && isinf(f->high)) {
        fprintf(out, ", at least %s", unit_text(f->unit, f->low, from));
    } else if (f->low != 0 || f->high != 0) {
        fprintf(out, ", %s to %s", unit_text(f->unit, f->low, from), unit_text(f->unit, f->high, to));
    }
    if (f->infinite != NULL) {
        fprintf(out, ", or `%s`", f->infinite);
    }
}

static void print_markdown_row(FILE *out, const struct field *f) {
    fprintf(out, "| `%s` | %s", f->key, type_text(f));
    print_range(out, f);
    if (f->required) {
        fputs(" | **required** | ", out);
    } else if (f->fallback != NULL) {
        fprintf(out, " | `%s` | ", f->fallback);
    } else {
        fputs(" | | ", out);
    }
    fprintf(out, "%s |\n", f->help);
}

static void print_child(FILE *out, const struct field *f, const char *title) {
    char child[256];
    snprintf(child, sizeof child, "%s%s%s%s", title, title[0] != 0 ? "." : "", f->key,
             f->type == FIELD_LIST ? "[]" : "");
    fields_print_markdown(out, f->rows, child);
}

void fields_print_markdown(FILE *out, const struct field *rows, const char *title) {
    fprintf(out, "\n### %s\n\n| key | type | default | meaning |\n|---|---|---|---|\n",
            title[0] != 0 ? title : "The file");
    for (const struct field *f = rows; f->key != NULL; f++) {
        print_markdown_row(out, f);
    }
    for (const struct field *f = rows; f->key != NULL; f++) {
        if (f->type == FIELD_STRUCT || f->type == FIELD_LIST) {
            print_child(out, f, title);
        }
    }
}
