#include "config/csv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"

static bool fail(const char *path, int line, struct error *err, const char *what) {
    struct position pos = {path, line, 0};
    return error_at(err, ERROR_INVALID, &pos, NULL, "%s", what);
}

/* gzread reads plain files as they are. */
static bool read_all(struct csv *csv, struct arena *arena, struct error *err) {
    gzFile stream = file_is_directory(csv->path) ? NULL : gzopen(csv->path, "rb");
    if (stream == NULL) {
        return fail(csv->path, 0, err, "cannot be read: expected a CSV file");
    }
    size_t capacity = 65536, length = 0;
    char *text = arena_alloc(arena, capacity);
    int got;
    while ((got = gzread(stream, text + length, (unsigned)(capacity - length - 1))) > 0) {
        length += (size_t)got;
        if (length > CSV_FILE_BYTES_MAX) {
            gzclose(stream);
            return fail(csv->path, 0, err, "is larger than 64 MiB unpacked (CSV_FILE_BYTES_MAX)");
        }
        if (length + 1 == capacity) {
            text = arena_grow(arena, text, length, capacity * 2, &capacity, 1);
        }
    }
    /* A file that breaks off within a gzip stream is told when it is closed. */
    bool ended = gzclose_r(stream) == Z_OK;
    if (got < 0 || !ended) {
        return fail(csv->path, 0, err, "is damaged: its gzip data ends early or fails its check");
    }
    if (memchr(text, 0, length) != NULL) {
        return fail(csv->path, 0, err, "holds a NUL byte: expected a CSV file");
    }
    text[length] = 0;
    csv->text = csv->next = text;
    return true;
}

/* The next line with anything in it, cut off and terminated; NULL at the end. */
static char *take_line(struct csv *csv) {
    while (csv->next != NULL && *csv->next != 0) {
        char *line = csv->next;
        char *end = line + strcspn(line, "\n");
        csv->next = *end == 0 ? NULL : end + 1;
        *end = 0;
        if (end > line && end[-1] == '\r') {
            end[-1] = 0;
        }
        csv->line++;
        if (*line == '#' && csv->comment == NULL) {
            csv->comment = line + 1 + strspn(line + 1, " ");
        }
        if (*line != 0 && *line != '#') {
            return line;
        }
    }
    return NULL;
}

/* Takes the quotes off in place; returns where the cell ends, NULL when nothing closes it. */
static char *unquote(char *cell) {
    char *to = cell, *from = cell + 1;
    while (*from != 0 && (*from != '"' || from[1] == '"')) {
        from += *from == '"';
        *to++ = *from++;
    }
    if (*from == 0) {
        return NULL;
    }
    *to = 0;
    return from + 1;
}

static bool cut_line(struct csv *csv, char *line, const char **cells, size_t *count, struct error *err) {
    const char *begin = line;
    for (*count = 0;;) {
        if (*count == CSV_COLUMNS_MAX) {
            return fail(csv->path, csv->line, err, "has more than 64 columns (CSV_COLUMNS_MAX)");
        }
        csv->columns[*count] = (int)(line - begin) + 1;
        cells[(*count)++] = line;
        char *end = *line == '"' ? unquote(line) : line + strcspn(line, ",");
        if (end == NULL || (*end != 0 && *end != ',')) {
            return fail(csv->path, csv->line, err, "expected a comma behind the closing quote");
        }
        if (*end == 0) {
            return true;
        }
        *end = 0;
        line = end + 1;
    }
}

/* Which of two columns of one name is meant nobody can tell. */
static bool check_header(const struct csv *csv, struct error *err) {
    for (size_t i = 1; i < csv->count; i++) {
        if (csv->names[i][0] && csv_column(csv, csv->names[i]) != (int)i) {
            struct position pos = {csv->path, csv->line, csv->columns[i]};
            return error_at(err, ERROR_INVALID, &pos, csv->names[i],
                            "expected each column once, there is a second one of this name");
        }
    }
    return true;
}

bool csv_open(struct csv *csv, const char *path, struct arena *arena, struct error *err) {
    *csv = (struct csv){.path = arena_strdup(arena, path)};
    if (!read_all(csv, arena, err)) {
        return false;
    }
    char *text = csv->text;
    csv->next += strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    char *header = take_line(csv);
    csv->comment = csv->comment == NULL ? "" : csv->comment;
    if (header == NULL) {
        return fail(csv->path, 0, err, "is empty: expected a CSV file with a header");
    }
    return cut_line(csv, header, csv->names, &csv->count, err) && check_header(csv, err);
}

int csv_next(struct csv *csv, struct error *err) {
    char *line = take_line(csv);
    size_t count;
    if (line == NULL) {
        return 0;
    }
    if (!cut_line(csv, line, csv->cells, &count, err)) {
        return -1;
    }
    if (count != csv->count) {
        struct position pos = {csv->path, csv->line, 0};
        error_at(err, ERROR_INVALID, &pos, NULL, "expected %zu cells as in the header, found %zu", csv->count,
                 count);
        return -1;
    }
    return 1;
}

int csv_column(const struct csv *csv, const char *name) {
    for (size_t i = 0; i < csv->count; i++) {
        if (strcmp(csv->names[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *csv_cell(const struct csv *csv, int column) {
    return column < 0 ? "" : csv->cells[column];
}

bool csv_error(const struct csv *csv, int column, struct error *err, const char *expected) {
    struct position pos = {csv->path, csv->line, csv->columns[column]};
    return error_at(err, ERROR_INVALID, &pos, csv->names[column], "expected %s, found \"%.60s\"", expected,
                    csv->cells[column]);
}

/* ---- dates ---- */

/* `digits` digits into *value; NULL when there are fewer or the value is not from low to high. */
static const char *read_digits(const char *text, int digits, int low, int high, int *value) {
    *value = 0;
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return NULL;
        }
        *value = *value * 10 + (text[i] - '0');
    }
    return *value >= low && *value <= high ? text + digits : NULL;
}

/* `mark`, then digits; NULL stays NULL. */
static const char *read_part(const char *text, char mark, int digits, int low, int high, int *value) {
    return text != NULL && *text == mark ? read_digits(text + 1, digits, low, high, value) : NULL;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01: whole years, the leap days among them, whole months. */
static int64_t days_from_date(int year, int month, int day) {
    int64_t before = year - 1;
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    for (int m = 1; m < month; m++) {
        days += days_in_month(year, m);
    }
    return days + day - 1;
}

/* "T13:44:30Z", " 13:44"; seconds and Z may be left out. */
static bool read_time_of_day(const char *text, int *seconds) {
    int hour, minute, second = 0;
    const char *at = read_digits(text + 1, 2, 0, 23, &hour);
    at = read_part(at, ':', 2, 0, 59, &minute);
    if (at != NULL && *at == ':') {
        at = read_part(at, ':', 2, 0, 59, &second);
    }
    if (at == NULL) {
        return false;
    }
    *seconds = (hour * 60 + minute) * 60 + second;
    return *at == 0 || strcmp(at, "Z") == 0 || strcmp(at, "+00:00") == 0;
}

bool csv_date(const char *text, int64_t *unix_s) {
    int year, month, day, seconds = 0;
    const char *at = read_digits(text, 4, 1900, 2999, &year);
    at = read_part(at, '-', 2, 1, 12, &month);
    at = read_part(at, '-', 2, 1, at != NULL ? days_in_month(year, month) : 0, &day);
    if (at == NULL || (*at != 0 && ((*at != 'T' && *at != ' ') || !read_time_of_day(at, &seconds)))) {
        return false;
    }
    *unix_s = days_from_date(year, month, day) * 86400 + seconds;
    return true;
}
