/* traces/formats.c: the table of formats, and opening a file by its content. A new format is one file and one
 * row here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "traces/source.h"

extern const struct trace_format trace_format_azure_llm, trace_format_azure_lmm, trace_format_burstgpt,
    trace_format_mooncake, trace_format_servegen, trace_format_diffusion, trace_format_drydock,
    trace_format_csv;

/* The first of those that are equally sure wins. */
const struct trace_format *const trace_formats[] = {
    &trace_format_azure_lmm, &trace_format_azure_llm, &trace_format_burstgpt,
    &trace_format_mooncake,  &trace_format_servegen,  &trace_format_diffusion,
    &trace_format_csv,       &trace_format_drydock,   NULL};

static bool fail_head(const char *path, struct error *err, const char *what, const char *hint) {
    struct position pos = {.file = path, .line = 1, .column = 1};
    error_at(err, ERROR_INVALID, &pos, NULL, "%s", what);
    return error_hint(err, "%s", hint);
}

/* What is no text at all, told before a format tries. */
static bool check_head(const char *path, const char *head, size_t length, struct error *err) {
    struct position pos = {.file = path};
    if (length == 0) {
        error_at(err, ERROR_INVALID, &pos, NULL, "the file is empty; expected a request trace");
        return error_hint(err, "`drydock trace list` prints the formats");
    }
    if (length >= 2 && (!memcmp(head, "\xff\xfe", 2) || !memcmp(head, "\xfe\xff", 2))) {
        return fail_head(path, err, "UTF-16 text; expected UTF-8", "convert it: iconv -f UTF-16 -t UTF-8");
    }
    const char *line = head;
    size_t n = first_line(&line, length);
    if (memchr(line, '\0', n)) {
        return fail_head(path, err, "binary data in the first line; expected a request trace",
                         "`drydock trace list` prints the formats");
    }
    return true;
}

static const struct trace_format *format_by_name(const char *name, struct error *err) {
    const char *known[16];
    size_t count = 0;
    struct strbuf list = {0};
    for (const struct trace_format *const *f = trace_formats; *f; f++) {
        if (!strcmp((*f)->name, name)) {
            strbuf_free(&list);
            return *f;
        }
        known[count++] = (*f)->name;
        strbuf_printf(&list, "%s%s", count > 1 ? ", " : "", (*f)->name);
    }
    known[count] = NULL;
    error_at(err, ERROR_USAGE, NULL, "format", "'%s' is no trace format; expected one of %s", name,
             list.text);
    const char *nearest = str_nearest(name, known);
    if (nearest) {
        error_hint(err, "did you mean %s?", nearest);
    }
    strbuf_free(&list);
    return NULL;
}

static bool fail_unknown(const char *path, const char *head, size_t length, struct error *err) {
    struct position pos = {.file = path, .line = 1, .column = 1};
    size_t n = first_line(&head, length);
    char shown[64];
    size_t kept = 0;
    for (size_t i = 0; i < n && kept + 1 < sizeof shown; i++) {
        shown[kept++] = head[i] >= 0x20 && head[i] < 0x7f ? head[i] : '?';
    }
    shown[kept] = '\0';
    error_at(err, ERROR_INVALID, &pos, NULL,
             "expected a trace that Drydock knows; the file begins '%s', which is the header of none", shown);
    return error_hint(err,
                      "`drydock trace list` prints the formats; --columns maps the columns of any CSV, for "
                      "example --columns arrival_s=ts,input_tokens=prompt,output_tokens=answer");
}

static const struct trace_format *format_of(const struct trace_input *input,
                                            const struct trace_open_options *options, struct error *err) {
    const char *head = input->lines.cur;
    size_t length = (size_t)(input->lines.end - input->lines.cur);
    if (options && options->format) {
        return format_by_name(options->format, err);
    }
    if (options && options->columns) {
        return &trace_format_csv;
    }
    const struct trace_format *best = NULL;
    int sure = 0;
    for (const struct trace_format *const *f = trace_formats; *f; f++) {
        int fit = (*f)->probe(head, length);
        if (fit > sure) {
            best = *f;
            sure = fit;
        }
    }
    if (!best) {
        fail_unknown(input->path, head, length, err);
    }
    return best;
}

/* A trace without a usable row is an error now, where the reason is known, and not an empty run later. */
static bool has_rows(struct trace_source *s, const char *path, struct error *err) {
    int got = source_refill(s, err);
    if (got != 0) {
        return got > 0;
    }
    const struct trace_report *report = trace_report(s);
    struct position pos = {
        .file = path, .line = report->first_skipped_line, .column = report->first_skipped_column};
    if (report->skipped == 0) {
        error_at(err, ERROR_INVALID, &pos, NULL, "no data row: the file ends after its header");
        return error_hint(err, "expected one row for each request");
    }
    error_at(err, ERROR_INVALID, &pos, NULL, "no usable row: all %llu were skipped, the first because %s",
             (unsigned long long)report->skipped, report->first_skipped_reason);
    return error_hint(err, "expected %s", report->columns[0] ? report->columns : "one row for each request");
}

static struct trace_source *open_input(struct trace_input *input, const struct trace_open_options *options,
                                       struct trace_names *names, struct error *err) {
    size_t length = (size_t)(input->lines.end - input->lines.cur);
    const struct trace_format *format = NULL;
    if (trace_format_drydock.probe(input->lines.cur, length)) {
        format = &trace_format_drydock;
    } else if (check_head(input->path, input->lines.cur, length, err)) {
        format = format_of(input, options, err);
    }
    return format ? format->open(input, options, names, err) : NULL;
}

struct trace_source *trace_open(const char *path, const struct trace_open_options *options,
                                struct trace_names *names, struct error *err) {
    struct trace_source *s;
    if (file_is_directory(path)) {
        s = servegen_open_folder(path, options, names, err);
    } else {
        struct trace_input input = {.path = path};
        if (!lines_open(&input.lines, path, err)) {
            return NULL;
        }
        s = open_input(&input, options, names, err);
        if (!input.taken) {
            lines_close(&input.lines);
        }
    }
    if (s && !has_rows(s, path, err)) {
        trace_close(s);
        return NULL;
    }
    return s;
}
