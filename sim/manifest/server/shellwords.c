#include "manifest/server/shellwords.h"

#include <string.h>

#include "base/strbuf.h"

/* ---- the parser's state ---- */

struct parser {
    const char *at;
    int line;
    struct arena *arena;
    struct shell_variables *variables;
    const char *const *positional;
    size_t positional_count;
    struct shell_script *script;
    struct shell_command command; /* being gathered */
    struct strbuf word;           /* being gathered */
    bool in_word;                 /* even if still empty, as in '' */
    bool quoted_word;             /* had a quote: an empty one counts */
    int word_line;
    const char *unresolved;
    bool skip_next_word; /* the target of a redirection */
    const char *here_end[8];
    size_t here_count;
    size_t expanded_bytes;
    const char *problem;
};

static bool fail(struct parser *p, const char *problem) {
    if (p->problem == NULL) {
        p->problem = problem;
    }
    return false;
}

static void put(struct parser *p, char c) {
    if (!p->in_word) {
        p->in_word = true;
        p->word_line = p->line;
    }
    if (++p->expanded_bytes > SHELL_TEXT_MAX) {
        fail(p, "expected a script of at most 1 MiB after expansion");
        return;
    }
    strbuf_char(&p->word, c);
}

static void begin_word(struct parser *p) {
    if (!p->in_word) {
        p->in_word = true;
        p->word_line = p->line;
    }
}

/* The first thing that could not be known is what the message will name. */
static void mark_unresolved(struct parser *p, const char *from, size_t n) {
    begin_word(p);
    if (p->unresolved == NULL) {
        p->unresolved = arena_strndup(p->arena, from, n > 60 ? 60 : n);
    }
}

static void end_word(struct parser *p) {
    if (!p->in_word) {
        return;
    }
    bool empty = p->word.length == 0 && !p->quoted_word && p->unresolved == NULL;
    if (!empty && !p->skip_next_word) {
        struct shell_command *c = &p->command;
        c->words = arena_grow(p->arena, c->words, c->count, c->count + 1, &c->capacity, sizeof *c->words);
        c->words[c->count++] = (struct shell_word){
            .text = arena_strndup(p->arena, p->word.text == NULL ? "" : p->word.text, p->word.length),
            .line = p->word_line,
            .unresolved = p->unresolved,
        };
    }
    p->skip_next_word = p->skip_next_word && empty;
    strbuf_clear(&p->word);
    p->in_word = p->quoted_word = false;
    p->unresolved = NULL;
}

/* ---- commands ---- */

static size_t name_length(const char *t) {
    size_t n = 0;
    while (t[n] == '_' || (t[n] >= 'a' && t[n] <= 'z') || (t[n] >= 'A' && t[n] <= 'Z') ||
           (n > 0 && t[n] >= '0' && t[n] <= '9')) {
        n++;
    }
    return n;
}

static bool is_assignment(const char *word) {
    size_t n = name_length(word);
    return n > 0 && word[n] == '=';
}

static void assign(struct parser *p, const struct shell_word *word) {
    size_t n = name_length(word->text);
    if (p->variables->count >= SHELL_VARIABLES_MAX) {
        fail(p, "expected at most 5000 variables");
        return;
    }
    shell_set(p->variables, p->arena, arena_strndup(p->arena, word->text, n),
              word->unresolved == NULL ? word->text + n + 1 : NULL);
}

static bool is_one_of(const char *word, const char *const *words) {
    for (; *words != NULL; words++) {
        if (strcmp(word, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* Words that stand before a command without being one. */
static const char *const keywords[] = {"if", "then", "else", "elif", "while", "until", "do",
                                       "{",  "}",    "!",    "fi",   "done",  "esac",  NULL};
static const char *const exporters[] = {"export", "readonly", "declare", "local", "typeset", NULL};

static void end_command(struct parser *p) {
    end_word(p);
    struct shell_command c = p->command;
    p->command = (struct shell_command){0};
    p->skip_next_word = false;
    while (c.count > 0 && is_one_of(c.words[0].text, keywords)) {
        c.words++;
        c.count--;
    }
    size_t assignments = 0;
    bool exporter = c.count > 0 && is_one_of(c.words[0].text, exporters);
    while (assignments + exporter < c.count && is_assignment(c.words[assignments + exporter].text)) {
        assignments++;
    }
    if (exporter || assignments == c.count) { /* for the commands that follow */
        for (size_t i = exporter; i < assignments + exporter; i++) {
            assign(p, &c.words[i]);
        }
        return;
    }
    c.words += assignments; /* `A=1 vllm serve` changes the server's environment, not its words */
    c.count -= assignments;
    c.capacity = c.count;
    struct shell_script *s = p->script;
    s->commands =
        arena_grow(p->arena, s->commands, s->count, s->count + 1, &s->capacity, sizeof *s->commands);
    s->commands[s->count++] = c;
}

/* ---- here-documents and redirections ---- */

static void skip_line(struct parser *p) {
    while (*p->at != '\0' && *p->at != '\n') {
        p->at++;
    }
}

static bool line_is(const char *line, const char *end) {
    line += strspn(line, "\t"); /* <<- allows tabs; a delimiter never begins with one */
    size_t n = strlen(end);
    return strncmp(line, end, n) == 0 && (line[n] == '\n' || line[n] == '\0' || line[n] == '\r');
}

/* Called behind a newline. */
static void skip_here_documents(struct parser *p) {
    for (size_t i = 0; i < p->here_count; i++) {
        while (*p->at != '\0') {
            bool last = line_is(p->at, p->here_end[i]);
            skip_line(p);
            if (*p->at == '\n') {
                p->at++;
                p->line++;
            }
            if (last) {
                break;
            }
        }
    }
    p->here_count = 0;
}

static void read_here_delimiter(struct parser *p) {
    p->at += *p->at == '-';
    p->at += strspn(p->at, " \t");
    struct strbuf end = {0};
    while (*p->at != '\0' && strchr(" \t\r\n;&|()<>", *p->at) == NULL) {
        if (strchr("'\"\\", *p->at) == NULL) {
            strbuf_char(&end, *p->at);
        }
        p->at++;
    }
    if (end.length > 0 && p->here_count < sizeof p->here_end / sizeof p->here_end[0]) {
        p->here_end[p->here_count++] = arena_strdup(p->arena, end.text);
    }
    strbuf_free(&end);
}

static bool all_digits(const struct strbuf *word) {
    return word->length > 0 && strspn(word->text, "0123456789") == word->length;
}

/* At < or >: 2>file, >>file, >&2, <<EOF, <<<word. The file descriptor in front belongs to it. */
static void read_redirection(struct parser *p) {
    if (p->in_word && !p->quoted_word && all_digits(&p->word)) {
        strbuf_clear(&p->word);
        p->in_word = false;
    }
    end_word(p);
    if (strncmp(p->at, "<<", 2) == 0 && p->at[2] != '<') {
        p->at += 2;
        read_here_delimiter(p);
        return;
    }
    while (*p->at == '<' || *p->at == '>' || *p->at == '&' || *p->at == '|') {
        p->at++;
    }
    p->skip_next_word = true;
}

/* ---- expansion ---- */

static bool expand_dollar(struct parser *p, bool quoted, int depth);

/* An expansion outside quotes is cut at blanks into words. */
static void put_value(struct parser *p, const char *value, bool quoted) {
    if (quoted) {
        begin_word(p);
    }
    for (const char *c = value; *c != '\0' && p->problem == NULL; c++) {
        if (!quoted && strchr(" \t\r\n", *c) != NULL) {
            end_word(p);
        } else {
            put(p, *c);
        }
    }
}

/* "$@" is one word an argument, none at all without arguments; $@ and $* are cut like any expansion. */
static void put_all_positional(struct parser *p, bool quoted) {
    if (p->positional_count <= 1 && p->word.length == 0) {
        p->quoted_word = false;
    }
    for (size_t i = 1; i < p->positional_count; i++) {
        if (i > 1) {
            end_word(p);
        }
        if (quoted) {
            begin_word(p);
            p->quoted_word = true;
        }
        put_value(p, p->positional[i], quoted);
    }
}

/* Behind the opening parenthesis or brace at `open`: the end of what it opens, NULL when there is none. */
static const char *find_close(const char *at, char open, char close) {
    int depth = 1;
    for (; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (*at == '\'') {
            const char *end = strchr(at + 1, '\'');
            if (end == NULL) {
                return NULL;
            }
            at = end;
        } else if (*at == open) {
            depth++;
        } else if (*at == close && --depth == 0) {
            return at;
        }
    }
    return NULL;
}

static void count_lines(struct parser *p, const char *from, const char *to) {
    for (; from < to; from++) {
        p->line += *from == '\n';
    }
}

/* Expands `text` as the shell expands the word behind ${VAR:-. */
static bool put_default(struct parser *p, const char *text, bool quoted, int depth) {
    const char *back = p->at;
    int line = p->line;
    bool inner = false;
    if (depth >= SHELL_DEPTH_MAX) {
        return fail(p, "expected ${...} nested at most 16 deep");
    }
    p->at = text;
    while (*p->at != '\0' && p->problem == NULL) {
        if (*p->at == '$') {
            expand_dollar(p, quoted || inner, depth + 1);
        } else if (*p->at == '"') {
            inner = !inner;
            begin_word(p);
            p->at++;
        } else if (*p->at == '\\' && p->at[1] != '\0') {
            put(p, p->at[1]);
            p->at += 2;
        } else if (!quoted && !inner && strchr(" \t\r\n", *p->at) != NULL) {
            end_word(p);
            p->at++;
        } else {
            put(p, *p->at++);
        }
    }
    p->at = back;
    p->line = line;
    return p->problem == NULL;
}

/* ${NAME}, ${NAME:-text}, ${NAME:=text}, ${NAME:+text}, ${NAME:?text}; anything cleverer is not known. */
static bool expand_braces(struct parser *p, const char *start, const char *close, bool quoted, int depth) {
    const char *body = start + 2;
    size_t n = name_length(body);
    if (n == 0 && *body >= '0' && *body <= '9' && body + 1 == close) {
        size_t i = (size_t)(*body - '0');
        put_value(p, i < p->positional_count ? p->positional[i] : "", quoted);
        return true;
    }
    const char *op = body + n;
    bool colon = *op == ':';
    op += colon;
    if (n == 0 || (body + n != close && strchr("-=+?", *op) == NULL)) {
        mark_unresolved(p, start, (size_t)(close + 1 - start));
        return true;
    }
    const struct shell_variable *v = shell_get(p->variables, arena_strndup(p->arena, body, n));
    bool unset = v == NULL || (colon && v->value != NULL && *v->value == '\0');
    const char *word = op < close ? arena_strndup(p->arena, op + 1, (size_t)(close - op - 1)) : "";
    if (body + n != close && *op == '+') {
        return unset || put_default(p, word, quoted, depth);
    }
    if (!unset && v->value != NULL) {
        put_value(p, v->value, quoted);
        return true;
    }
    if (body + n != close && v == NULL && (*op == '-' || *op == '=')) {
        return put_default(p, word, quoted, depth);
    }
    if (unset && v != NULL) { /* set and empty */
        return *op != '-' && *op != '=' ? true : put_default(p, word, quoted, depth);
    }
    mark_unresolved(p, start, (size_t)(close + 1 - start));
    return true;
}

static void expand_name(struct parser *p, const char *start, size_t n, bool quoted) {
    const struct shell_variable *v = shell_get(p->variables, arena_strndup(p->arena, start + 1, n));
    if (v != NULL && v->value != NULL) {
        put_value(p, v->value, quoted);
    } else {
        mark_unresolved(p, start, n + 1);
    }
}

/* At a $. */
static bool expand_dollar(struct parser *p, bool quoted, int depth) {
    const char *start = p->at;
    char next = start[1];
    size_t n = name_length(start + 1);
    if (n > 0) {
        p->at += n + 1;
        expand_name(p, start, n, quoted);
    } else if (next == '@' || next == '*') {
        p->at += 2;
        put_all_positional(p, quoted);
    } else if (next >= '0' && next <= '9') {
        size_t i = (size_t)(next - '0');
        p->at += 2;
        put_value(p, i < p->positional_count ? p->positional[i] : "", quoted);
    } else if (next == '{' || next == '(') {
        const char *close = find_close(start + 2, next, next == '{' ? '}' : ')');
        if (close == NULL) {
            return fail(p, next == '{' ? "expected ${ to be closed" : "expected $( to be closed");
        }
        p->at = close + 1;
        if (next == '{') {
            expand_braces(p, start, close, quoted, depth);
        } else {
            mark_unresolved(p, start, (size_t)(close + 1 - start));
        }
        count_lines(p, start, close);
    } else if (next != '\0' && strchr("?#!-$", next) != NULL) {
        p->at += 2;
        mark_unresolved(p, start, 2);
    } else {
        put(p, *p->at++);
    }
    return p->problem == NULL;
}

/* ---- quotes ---- */

static bool read_single_quoted(struct parser *p) {
    begin_word(p);
    p->quoted_word = true;
    for (p->at++; *p->at != '\'' && p->problem == NULL; p->at++) {
        if (*p->at == '\0') {
            return fail(p, "expected the quote ' to be closed");
        }
        put(p, *p->at);
        p->line += *p->at == '\n';
    }
    p->at++;
    return p->problem == NULL;
}

static bool read_backquoted(struct parser *p) {
    const char *close = strchr(p->at + 1, '`');
    if (close == NULL) {
        return fail(p, "expected the quote ` to be closed");
    }
    mark_unresolved(p, p->at, (size_t)(close + 1 - p->at));
    count_lines(p, p->at, close);
    p->at = close + 1;
    return true;
}

static bool read_double_quoted(struct parser *p) {
    begin_word(p);
    p->quoted_word = true;
    p->at++;
    while (*p->at != '"') {
        if (*p->at == '\0') {
            return fail(p, "expected the quote \" to be closed");
        }
        bool good = true;
        if (*p->at == '\\' && p->at[1] == '\n') {
            p->at += 2;
            p->line++;
        } else if (*p->at == '\\' && p->at[1] != '\0' && strchr("$`\"\\", p->at[1]) != NULL) {
            put(p, p->at[1]);
            p->at += 2;
        } else if (*p->at == '$') {
            good = expand_dollar(p, true, 0);
        } else if (*p->at == '`') {
            good = read_backquoted(p);
        } else {
            put(p, *p->at);
            p->line += *p->at == '\n';
            p->at++;
        }
        if (!good || p->problem != NULL) {
            return false;
        }
    }
    p->at++;
    return true;
}

/* ---- the script ---- */

static void read_newline(struct parser *p) {
    end_command(p);
    p->at++;
    p->line++;
    skip_here_documents(p);
}

static void read_escape(struct parser *p) {
    if (p->at[1] == '\n') {
        p->at += 2;
        p->line++;
    } else if (p->at[1] == '\r' && p->at[2] == '\n') {
        p->at += 3;
        p->line++;
    } else if (p->at[1] == '\0') {
        p->at++;
    } else {
        put(p, p->at[1]);
        p->quoted_word = true;
        p->at += 2;
    }
}

static void read_one(struct parser *p) {
    char c = *p->at;
    if (c == '\n') {
        read_newline(p);
    } else if (c == ' ' || c == '\t' || c == '\r') {
        end_word(p);
        p->at++;
    } else if (c == '#' && !p->in_word) {
        skip_line(p);
    } else if (c == '&' && p->at[1] == '>') { /* &>file */
        p->at++;
        read_redirection(p);
    } else if (strchr(";&|()", c) != NULL) {
        end_command(p);
        p->at++;
    } else if (c == '<' || c == '>') {
        read_redirection(p);
    } else if (c == '\\') {
        read_escape(p);
    } else if (c == '\'') {
        read_single_quoted(p);
    } else if (c == '"') {
        read_double_quoted(p);
    } else if (c == '`') {
        read_backquoted(p);
    } else if (c == '$') {
        expand_dollar(p, false, 0);
    } else {
        put(p, c);
        p->at++;
    }
}

bool shell_parse(const char *text, struct shell_variables *variables, const char *const *positional,
                 size_t positional_count, struct arena *arena, struct shell_script *out, const char **problem,
                 int *problem_line) {
    struct parser p = {
        .at = text,
        .arena = arena,
        .variables = variables,
        .positional = positional,
        .positional_count = positional_count,
        .script = out,
    };
    while (*p.at != '\0' && p.problem == NULL) {
        read_one(&p);
    }
    end_command(&p);
    strbuf_free(&p.word);
    *problem = p.problem;
    *problem_line = p.line;
    return p.problem == NULL;
}
