/* Trees back to YAML. */
#include <string.h>

#include "base/units.h"
#include "config/yaml.h"
#include "config/yaml_text.h"

/* Texts that YAML 1.1 or 1.2 readers take for something else. */
static bool is_reserved(const char *text) {
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    double number;
    return strchr("0123456789+-.", text[0]) != NULL && unit_parse(UNIT_NUMBER, text, &number);
}

/* Letters, digits and what has no meaning to YAML anywhere in a text; blanks and colons only inside. */
static bool is_harmless(const char *text) {
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+$%()@=-";
    bool negative = text[0] == '-' && text[1] != 0 && strchr("0123456789.", text[1]) != NULL;
    if (text[0] == 0 || strcmp(text, "...") == 0 || (strchr("-%@=", text[0]) != NULL && !negative)) {
        return false;
    }
    for (const char *p = text; *p != 0; p++) {
        bool colon_inside = *p == ':' && p != text && p[1] != 0 && p[1] != ' ';
        bool blank_inside = *p == ' ' && p != text && p[1] != 0 && p[1] != ' ';
        if (strchr(safe, *p) == NULL && !colon_inside && !blank_inside) {
            return false;
        }
    }
    return true;
}

/* Line breaks of YAML 1.1 and the byte order mark, which readers drop. */
static bool is_special(uint32_t point) {
    return point == 0x85 || point == 0x2028 || point == 0x2029 || point == 0xfeff;
}

static void print_quoted(FILE *out, const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    fputc('"', out);
    for (size_t left = strlen(text); left > 0;) {
        uint32_t point = *p;
        size_t n = yaml_text_decode(p, left, &point);
        n = n > 0 ? n : 1;
        if (point == '"' || point == '\\') {
            fprintf(out, "\\%c", (int)point);
        } else if (point == '\n') {
            fputs("\\n", out);
        } else if (point == '\t' || point == '\r' || is_special(point) || !yaml_text_is_printable(point)) {
            fprintf(out, "\\u%04X", point);
        } else {
            fwrite(p, 1, n, out);
        }
        p += n;
        left -= n;
    }
    fputc('"', out);
}

void yaml_print_text(FILE *out, const char *text) {
    if (is_harmless(text) && !is_reserved(text)) {
        fputs(text, out);
    } else {
        print_quoted(out, text);
    }
}

/* A number or word that was plain stays plain, so that 80 does not become "80". */
static void print_scalar(FILE *out, const struct yaml_node *node) {
    if (node->kind == YAML_NULL) {
        fputs("null", out);
    } else if (!node->quoted && is_harmless(node->text)) {
        fputs(node->text, out);
    } else {
        yaml_print_text(out, node->text);
    }
}

static void print_entries(FILE *out, const struct yaml_node *node, int indent, int first_indent);

/* What stands behind "key:" or behind "-", where a collection's first entry may follow in the same line. */
static void print_value(FILE *out, const struct yaml_node *node, int indent, bool after_dash) {
    bool collection = node->kind == YAML_MAPPING || node->kind == YAML_SEQUENCE;
    if (collection && node->count > 0) {
        fputc(after_dash ? ' ' : '\n', out);
        print_entries(out, node, indent, after_dash ? 0 : indent);
    } else if (collection) {
        fputs(node->kind == YAML_MAPPING ? " {}\n" : " []\n", out);
    } else {
        fputc(' ', out);
        print_scalar(out, node);
        fputc('\n', out);
    }
}

static void print_entries(FILE *out, const struct yaml_node *node, int indent, int first_indent) {
    bool list = node->kind == YAML_SEQUENCE;
    for (size_t i = 0; i < node->count; i++) {
        fprintf(out, "%*s", i == 0 ? first_indent : indent, "");
        if (list) {
            fputc('-', out);
        } else {
            yaml_print_text(out, node->pairs[i].key);
            fputc(':', out);
        }
        print_value(out, list ? node->items[i] : node->pairs[i].value, indent + 2, list);
    }
}

void yaml_print(FILE *out, const struct yaml_node *node, int indent) {
    if (node->kind == YAML_SCALAR || node->kind == YAML_NULL) {
        print_scalar(out, node);
    } else if (node->count == 0) {
        fprintf(out, "%*s%s\n", indent, "", node->kind == YAML_MAPPING ? "{}" : "[]");
    } else {
        print_entries(out, node, indent, indent);
    }
}
