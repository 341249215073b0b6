#include "config/yaml_text.h"

#include <stdint.h>
#include <string.h>

/* Files that are often named where YAML is expected. */
static const struct {
    const char *bytes;
    size_t length;
    const char *what;
} signatures[] = {
    {"\xff\xfe\0\0", 4, "UTF-32 text"},
    {"\0\0\xfe\xff", 4, "UTF-32 text"},
    {"\xff\xfe", 2, "UTF-16 text"},
    {"\xfe\xff", 2, "UTF-16 text"},
    {"\x1f\x8b", 2, "a gzip file"},
    {"\x89HDF\r\n\x1a\n", 8, "an HDF5 file"},
    {"PK\x03\x04", 4, "a zip file"},
    {"\x7f"
     "ELF",
     4, "a program"},
    {"\x89PNG", 4, "a picture"},
    {"%PDF", 4, "a PDF file"},
};

static bool refuse_format(const char *file, const char *what, struct error *err) {
    struct position pos = {file, 0, 0};
    error_at(err, ERROR_INVALID, &pos, NULL, "expected YAML in UTF-8, this is %s", what);
    if (strncmp(what, "UTF", 3) == 0) {
        return error_hint(err, "save it as UTF-8");
    }
    return false;
}

/* UTF-16 without a mark: the first two characters of any YAML file are ASCII, so one byte of two is NUL. */
static bool looks_like_utf16(const char *bytes, size_t length) {
    return length >= 4 && ((bytes[0] == 0 && bytes[1] != 0 && bytes[2] == 0 && bytes[3] != 0) ||
                           (bytes[0] != 0 && bytes[1] == 0 && bytes[2] != 0 && bytes[3] == 0));
}

size_t yaml_text_decode(const unsigned char *s, size_t left, uint32_t *point) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : (s[0] >> 5) == 6 ? 2 : (s[0] >> 4) == 14 ? 3 : (s[0] >> 3) == 30 ? 4 : 0;
    if (n == 0 || n > left) {
        return 0;
    }
    uint32_t value = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (s[i] & 0x3fu);
    }
    *point = value;
    return value < least[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ? 0 : n;
}

bool yaml_text_is_printable(uint32_t c) {
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7e) || c == 0x85 ||
           (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) || c >= 0x10000;
}

bool yaml_text_check(const char *file, const char *bytes, size_t length, struct error *err) {
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        if (length >= signatures[i].length && memcmp(bytes, signatures[i].bytes, signatures[i].length) == 0) {
            return refuse_format(file, signatures[i].what, err);
        }
    }
    if (looks_like_utf16(bytes, length)) {
        return refuse_format(file, "UTF-16 text", err);
    }
    struct position pos = {file, 1, 1};
    const unsigned char *s = (const unsigned char *)bytes;
    for (size_t at = 0; at < length;) {
        uint32_t point = 0;
        size_t n = yaml_text_decode(s + at, length - at, &point);
        if (n == 0) {
            return error_at(err, ERROR_INVALID, &pos, NULL,
                            "expected text in UTF-8, found byte 0x%02X (a binary file, or another encoding)",
                            s[at]);
        }
        if (!yaml_text_is_printable(point)) {
            return error_at(err, ERROR_INVALID, &pos, NULL, "expected text, found control character U+%04X%s",
                            point, point == 0 ? " (a NUL byte: a binary file)" : "");
        }
        pos.column++;
        if (point == '\n') {
            pos.line++;
            pos.column = 1;
        }
        at += n;
    }
    return true;
}

/* libyaml's words, and what a person who wrote the file should look for. */
static const struct {
    const char *problem;
    const char *ours;
    const char *hint;
} problems[] = {
    {"did not find expected key", "expected a key in line with the ones above",
     "the indentation of this line or of the one above is wrong, or a ':' is missing"},
    {"did not find expected '-' indicator", "expected '-' in line with the list's other items", NULL},
    {"block sequence entries are not allowed", "a list item cannot stand here",
     "begin the list on a line of its own"},
    {"mapping values are not allowed", "a second ': ' on one line",
     "put a text that contains ': ' in quotes"},
    {"mapping keys are not allowed", "a key cannot stand here", NULL},
    {"could not find expected ':'", "expected ':' after a key", NULL},
    {"did not find expected ',' or ']'", "expected ',' or ']' in a list begun with '['", NULL},
    {"did not find expected ',' or '}'", "expected ',' or '}' in a mapping begun with '{'", NULL},
    {"did not find expected node content", "expected a value", NULL},
    {"did not find expected <document start>", "text after the end of the document",
     "'---' on a line of its own begins another document"},
    {"did not find expected <stream-start>", "expected text", NULL},
    {"found character that cannot start any token", "this character cannot begin a value",
     "indent with spaces, not tabs; put a text that begins with @ ` or % in quotes"},
    {"found a tab character that violates indentation", "a tab in the indentation", "indent with spaces"},
    {"found a tab character where an indentation space is expected", "a tab in the indentation",
     "indent with spaces"},
    {"found unexpected end of stream", "the file ends inside a quoted text", "a closing quote is missing"},
    {"found unexpected document indicator", "'---' or '...' inside a quoted text",
     "a closing quote is missing"},
    {"found unknown escape character", "this escape is not known in a text in double quotes",
     "single quotes take backslashes as they are"},
    {"did not find expected hexdecimal number", "expected hexadecimal digits after the escape", NULL},
    {"found invalid Unicode character escape code", "the escape names no Unicode character", NULL},
    {"found undefined tag handle", "this tag's prefix is not declared", "leave the tag out"},
    {"found duplicate %YAML directive", "a second %YAML line", NULL},
    {"found incompatible YAML document", "this version of YAML is not read", "leave the %YAML line out"},
    {"found extremely long version number", "expected %YAML 1.1 or 1.2", NULL},
    {"did not find expected alphabetic or numeric character", "expected a name after '&' or '*'",
     "put a text that begins with & or * in quotes"},
    {"exceeded max depth", "nested too deeply", NULL},
};

bool yaml_text_syntax_error(const char *file, const yaml_parser_t *parser, struct error *err) {
    if (parser->error == YAML_MEMORY_ERROR) {
        return error_set(err, ERROR_FAILED, "no memory to read %s", file);
    }
    struct position pos = {file, (int)parser->problem_mark.line + 1, (int)parser->problem_mark.column + 1};
    const char *problem = parser->problem != NULL ? parser->problem : "unreadable";
    const char *ours = NULL, *hint = NULL;
    for (size_t i = 0; i < sizeof problems / sizeof problems[0] && ours == NULL; i++) {
        if (strncmp(problem, problems[i].problem, strlen(problems[i].problem)) == 0) {
            ours = problems[i].ours;
            hint = problems[i].hint;
        }
    }
    /* A list or mapping that began many lines above is the usual culprit of a truncated file. */
    char began[64] = "";
    if (parser->context != NULL && parser->context_mark.line + 1 < (size_t)pos.line) {
        snprintf(began, sizeof began, " (begun in line %zu)", parser->context_mark.line + 1);
    }
    error_at(err, ERROR_INVALID, &pos, NULL, "%s%s", ours != NULL ? ours : problem, began);
    return hint != NULL ? error_hint(err, "%s", hint) : false;
}
