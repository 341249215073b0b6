/* Pages are told, in 100 columns: what happened when, step by step where that is few lines, and where the
 * time went. Dates count in seconds from when the request was sent. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cell.h"
#include "diary/diary_private.h"

/* Lines of prompt chunks; rows of a stretch of decoding; gaps that are pointed at, and from how many medians
 * on. */
enum { CHUNKS_SHOWN = 12, DECODE_ROWS = 8, GAPS_SHOWN = 5, GAP_MEDIANS = 2, LINE_COLUMNS = 100 };

#define INDENT "              "

/* Where the pass over a page's steps is. */
struct telling {
    const struct page *page;
    struct strbuf *out;
    uint64_t made;      /* tokens so far */
    simtime last_token; /* -1 = none */
    simtime long_gap;   /* gaps above it are pointed at */
};

static double since_sent(const struct page *p, simtime at) {
    return simtime_to_s(at - p->end.arrival_ps);
}

/* ---- prompt chunks ---- */

/* Who else is in a step: of those that decode also the contexts, where the request is none of them. */
static void tell_company(struct strbuf *out, const struct watch_step *s, bool decodes) {
    char n[CELL_BYTES], context[CELL_BYTES], tokens[CELL_BYTES];
    int64_t decoding = s->decoding - decodes;
    int64_t prompts = s->prefilling - (!decodes && s->tokens > 0);
    int64_t others = s->prefill_tokens - (decodes ? 0 : s->tokens);
    const char *before = "";
    if (decoding > 0) {
        strbuf_printf(out, "%s decoding", cell_count((uint64_t)decoding, n));
        if (!decodes) {
            strbuf_printf(out, " (context %s)", cell_count((uint64_t)s->decode_context, context));
        }
        before = ", ";
    }
    if (prompts > 0) {
        strbuf_printf(out, "%s%s prompt%s (%s tokens)", before, cell_count((uint64_t)prompts, n),
                      prompts == 1 ? "" : "s", cell_count((uint64_t)others, tokens));
    } else if (decoding == 0) {
        strbuf_append(out, "nobody");
    }
}

static void tell_chunk(struct telling *t, const struct watch_step *s) {
    char from[CELL_BYTES], to[CELL_BYTES], took[CELL_BYTES];
    struct strbuf range = {0};
    if (s->tokens == 0) {
        strbuf_append(&range, "left out");
    } else {
        strbuf_printf(&range, "%s - %s", cell_count((uint64_t)s->computed + 1, from),
                      cell_count((uint64_t)(s->computed + s->tokens), to));
    }
    strbuf_append(t->out, INDENT);
    cell_append_left(t->out, range.text, 18);
    strbuf_printf(t->out, "%9s  ", cell_duration(simtime_to_s(s->ended_ps - s->began_ps), took));
    tell_company(t->out, s, false);
    strbuf_char(t->out, '\n');
    strbuf_free(&range);
}

static void count_token(struct telling *t, const struct watch_step *s) {
    t->made += s->makes_token;
    t->last_token = s->makes_token ? s->ended_ps : t->last_token;
}

static void tell_chunks(struct telling *t, const struct watch_step *s, size_t n) {
    char rest[CELL_BYTES], gap[CELL_BYTES], token[CELL_BYTES];
    strbuf_append(t->out, INDENT "tokens                 step  in a batch with\n");
    for (size_t i = 0; i < n; i++) {
        if (i < CHUNKS_SHOWN - 1 || i == n - 1) {
            tell_chunk(t, &s[i]);
        } else if (i == CHUNKS_SHOWN - 1) {
            strbuf_printf(t->out, INDENT "... %s more\n", cell_count(n - CHUNKS_SHOWN, rest));
        }
        simtime before = t->last_token;
        count_token(t, &s[i]);
        if (s[i].makes_token && before >= 0) {
            strbuf_printf(t->out, INDENT "token %s comes %s after the one before\n",
                          cell_count(t->made, token),
                          cell_duration(simtime_to_s(t->last_token - before), gap));
        }
    }
}

/* ---- decoding ---- */

struct range {
    int64_t least, most;
};

static void widen(struct range *r, int64_t x, bool first) {
    r->least = first || x < r->least ? x : r->least;
    r->most = first || x > r->most ? x : r->most;
}

static void append_range(struct strbuf *out, struct range r, size_t columns) {
    char least[CELL_BYTES], most[CELL_BYTES];
    struct strbuf text = {0};
    strbuf_append(&text, cell_count((uint64_t)r.least, least));
    if (r.most > r.least) {
        strbuf_printf(&text, " - %s", cell_count((uint64_t)r.most, most));
    }
    cell_append_right(out, text.text, columns);
    strbuf_free(&text);
}

static void tell_decode_row(struct telling *t, const struct watch_step *s, size_t n) {
    char mean[CELL_BYTES], longest[CELL_BYTES], beside[CELL_BYTES];
    struct range batch = {0}, context = {0}, gap = {0};
    int64_t prompt_tokens = 0;
    for (size_t i = 0; i < n; i++) {
        widen(&batch, s[i].decoding + s[i].prefilling, i == 0);
        widen(&context, s[i].decode_context, i == 0);
        widen(&gap, s[i].ended_ps - s[i].began_ps, i == 0);
        prompt_tokens += s[i].prefill_tokens;
    }
    strbuf_append(t->out, INDENT);
    append_range(t->out, (struct range){(int64_t)t->made + 1, (int64_t)(t->made + n)}, 14);
    strbuf_printf(t->out, "%12.6f%10s%10s", since_sent(t->page, s[0].began_ps),
                  cell_duration(simtime_to_s(s[n - 1].ended_ps - s[0].began_ps) / (double)n, mean),
                  cell_duration(simtime_to_s(gap.most), longest));
    append_range(t->out, batch, 11);
    append_range(t->out, context, 19);
    strbuf_printf(t->out, "%10s\n", cell_count((uint64_t)prompt_tokens, beside));
    t->made += n;
}

/* 1, 2 or 5 times a power of ten, so that no more than DECODE_ROWS are needed. */
static size_t row_length(size_t n) {
    static const size_t steps[] = {1, 2, 5};
    for (size_t power = 1;; power *= 10) {
        for (size_t i = 0; i < 3; i++) {
            if (steps[i] * power * DECODE_ROWS >= n) {
                return steps[i] * power;
            }
        }
    }
}

static int longer_first(const void *a, const void *b) {
    const struct watch_step *x = *(const struct watch_step *const *)a;
    const struct watch_step *y = *(const struct watch_step *const *)b;
    simtime dx = x->ended_ps - x->began_ps;
    simtime dy = y->ended_ps - y->began_ps;
    return dx != dy ? (dx < dy) - (dx > dy) : (x->began_ps > y->began_ps) - (x->began_ps < y->began_ps);
}

/* The longest ones, with what was in their steps. `made` tokens came before the first step. */
static void tell_long_gaps(struct telling *t, const struct watch_step *s, size_t n, uint64_t made) {
    const struct watch_step **longest = mem_alloc(n * sizeof *longest);
    size_t count = 0;
    char limit[CELL_BYTES], gap[CELL_BYTES], token[CELL_BYTES], many[CELL_BYTES];
    for (size_t i = 0; i < n; i++) {
        if (s[i].ended_ps - s[i].began_ps > t->long_gap) {
            longest[count++] = &s[i];
        }
    }
    qsort(longest, count, sizeof *longest, longer_first);
    if (count > 0) {
        strbuf_printf(t->out, INDENT "%s gap%s above %s, twice the median%s\n", cell_count(count, many),
                      count == 1 ? "" : "s", cell_duration(simtime_to_s(t->long_gap), limit),
                      count > GAPS_SHOWN ? "; the longest:" : ":");
    }
    for (size_t i = 0; i < count && i < GAPS_SHOWN; i++) {
        const struct watch_step *at = longest[i];
        strbuf_printf(t->out, INDENT "  token %s after %s: with ",
                      cell_count(made + (uint64_t)(at - s) + 1, token),
                      cell_duration(simtime_to_s(at->ended_ps - at->began_ps), gap));
        tell_company(t->out, at, true);
        strbuf_char(t->out, '\n');
    }
    free(longest);
}

static void tell_decoding(struct telling *t, const struct watch_step *s, size_t n) {
    size_t length = row_length(n);
    uint64_t made = t->made;
    strbuf_append(t->out,
                  INDENT "        tokens        from  gap mean   longest      batch            context  "
                         "+prompts\n");
    for (size_t i = 0; i < n; i += length) {
        tell_decode_row(t, &s[i], n - i < length ? n - i : length);
    }
    t->last_token = s[n - 1].ended_ps;
    tell_long_gaps(t, s, n, made);
}

static bool is_decoding(const struct watch_step *s) {
    return s->phase == WATCH_DECODE || s->phase == WATCH_DECODE_BESIDE;
}

static void tell_steps(struct telling *t, size_t from, size_t to) {
    const struct watch_step *s = t->page->steps;
    while (from < to) {
        size_t n = 1;
        while (from + n < to && is_decoding(&s[from + n]) == is_decoding(&s[from])) {
            n++;
        }
        if (is_decoding(&s[from])) {
            tell_decoding(t, &s[from], n);
        } else {
            tell_chunks(t, &s[from], n);
        }
        from += n;
    }
}

static int by_length(const void *a, const void *b) {
    simtime x = *(const simtime *)a;
    simtime y = *(const simtime *)b;
    return (x > y) - (x < y);
}

static simtime long_gap_of(const struct page *p) {
    simtime *gaps = mem_alloc((p->step_count + 1) * sizeof *gaps);
    size_t n = 0;
    for (size_t i = 0; i < p->step_count; i++) {
        if (is_decoding(&p->steps[i])) {
            gaps[n++] = p->steps[i].ended_ps - p->steps[i].began_ps;
        }
    }
    qsort(gaps, n, sizeof *gaps, by_length);
    simtime limit = n > 0 ? GAP_MEDIANS * gaps[n / 2] : SIMTIME_NEVER;
    free(gaps);
    return limit;
}

/* ---- where the time went ---- */

/* In the order in which they come about. */
static const struct {
    int phase;
    const char *text;
} phase_rows[] = {
    {PHASE_WAY_UP, "network, to the gateway"},
    {PHASE_BACK_OFF, "between attempts"},
    {PHASE_HELD, "held at the gateway"},
    {PHASE_HOP, "network, gateway to replica"},
    {WATCH_UNDER_WAY, "queue: the step under way"},
    {WATCH_SEQUENCES, "queue: --max-num-seqs run"},
    {WATCH_BLOCKS, "queue: KV cache full"},
    {WATCH_BUDGET, "queue: tokens of steps used up"},
    {WATCH_ADAPTERS, "queue: --max-loras in the batch"},
    {WATCH_LOADING, "queue: KV read from host or store"},
    {WATCH_PREEMPTS, "queue: others were preempted"},
    {WATCH_THREADS, "queue: all threads busy"},
    {WATCH_PREFILL, "prompt"},
    {WATCH_LEFT_OUT, "left out: tokens used up"},
    {WATCH_SERVICE, "served"},
    {PHASE_HANDOVER, "handed over to decode"},
    {WATCH_REMOTE, "KV on its way"},
    {PHASE_DECODE_QUEUE, "waits where it is decoded"},
    {WATCH_DECODE, "decoding"},
    {WATCH_DECODE_BESIDE, "decoding beside prompts"},
    {PHASE_AGAIN, "preempted: in the queue again"},
    {WATCH_RECOMPUTE, "preempted: computed again"},
    {PHASE_WAY_BACK, "API server and way back"},
};

enum { PHASE_ROWS = sizeof phase_rows / sizeof *phase_rows };
_Static_assert((int)PHASE_ROWS == (int)PHASES, "each phase has a row");

static simtime sum(const simtime times[PHASES]) {
    simtime all = 0;
    for (int i = 0; i < PHASES; i++) {
        all += times[i];
    }
    return all;
}

/* Twelve decimals: picoseconds. */
static void append_exact(struct strbuf *out, simtime t, simtime of) {
    char share[CELL_BYTES];
    strbuf_printf(out, "%7lld.%012lld", (long long)(t / SIMTIME_SECOND), (long long)(t % SIMTIME_SECOND));
    cell_append_right(out, of > 0 ? cell_percent((double)t / (double)of, share) : "", 10);
}

static void tell_account_row(struct strbuf *out, const char *text, simtime before, simtime ttft, simtime time,
                             simtime e2e) {
    strbuf_append(out, "  ");
    cell_append_left(out, text, 30);
    if (ttft >= 0) {
        append_exact(out, before, ttft);
        strbuf_append(out, "  ");
    }
    append_exact(out, time, e2e);
    strbuf_char(out, '\n');
}

static void tell_account(const struct page *p, struct strbuf *out) {
    bool completed = p->end.status == REQUEST_COMPLETED;
    simtime ttft = p->end.first_token_ps >= 0 ? sum(p->before) : -1;
    simtime e2e = sum(p->times);
    assert(ttft < 0 || ttft == p->end.first_token_ps + p->end.down_ps - p->end.arrival_ps);
    assert(!completed || p->end.cancelled ||
           e2e == p->end.last_token_ps + p->end.down_ps - p->end.arrival_ps);
    strbuf_printf(out, "\n  %-30s%s%*s\n", "Where the time went, s",
                  ttft >= 0 ? "    to first token               " : "", ttft >= 0 ? 20 : 20,
                  completed ? "to last token" : "to its end");
    for (int i = 0; i < PHASE_ROWS; i++) {
        int phase = phase_rows[i].phase;
        if (p->times[phase] > 0 || (ttft >= 0 && p->before[phase] > 0)) {
            tell_account_row(out, phase_rows[i].text, p->before[phase], ttft, p->times[phase], e2e);
        }
    }
    tell_account_row(out,
                     ttft < 0    ? "all"
                     : completed ? "all: TTFT, E2E"
                                 : "all: TTFT, time here",
                     ttft, ttft, e2e, e2e);
}

/* ---- a page ---- */

static void tell_head(const struct page *p, struct strbuf *out) {
    char input[CELL_BYTES], output[CELL_BYTES];
    strbuf_printf(out, "Request %llu", (unsigned long long)p->id);
    struct strbuf names = {0};
    strbuf_printf(&names, " to %s%s%s%s%s", p->service, p->tenant ? ", tenant " : "",
                  p->tenant ? p->tenant : "", p->region ? ", from " : "", p->region ? p->region : "");
    cell_append_clean(out, names.text, names.length);
    strbuf_free(&names);
    strbuf_printf(out, ": %s prompt tokens, %s generated, %s\n", cell_count(p->end.input_tokens, input),
                  cell_count(p->end.generated, output), request_status_names[p->end.status]);
    strbuf_printf(out, "Sent at %.6f s of the run; the seconds below count from there.\n\n",
                  simtime_to_s(p->end.arrival_ps));
}

/* The first line, and those that hang below it; what begins with a space or a mark is a table. */
static void tell_entry(const struct page *p, const struct entry *e, struct strbuf *out) {
    strbuf_printf(out, "%12.6f  ", since_sent(p, e->at));
    for (const char *line = e->text;;) {
        size_t length = strcspn(line, "\n");
        if (line[0] == ' ' || line[0] == '>') {
            cell_append_clean(out, line, length);
            strbuf_char(out, '\n');
        } else {
            char *words = mem_alloc(length + 1);
            memcpy(words, line, length);
            words[length] = '\0';
            cell_append_wrapped(out, words, sizeof INDENT - 1, LINE_COLUMNS);
            free(words);
        }
        if (!line[length]) {
            return;
        }
        strbuf_append(out, INDENT);
        line += length + 1;
    }
}

static void tell_page(const struct page *p, struct strbuf *out) {
    struct telling t = {.page = p, .out = out, .last_token = -1, .long_gap = long_gap_of(p)};
    char rest[CELL_BYTES];
    size_t told = 0;
    tell_head(p, out);
    for (size_t i = 0; i < p->entry_count; i++) {
        tell_steps(&t, told, p->entries[i].steps);
        told = p->entries[i].steps;
        tell_entry(p, &p->entries[i], out);
    }
    if (p->steps_left_out > 0) {
        strbuf_printf(out, INDENT "(%s more steps are not listed)\n", cell_count(p->steps_left_out, rest));
    }
    tell_account(p, out);
}

void diary_print(const struct diary *d, struct strbuf *out) {
    bool first = true;
    for (size_t i = 0; i < d->count; i++) {
        if (d->pages[i].ended) {
            strbuf_append(out, first ? "" : "\n");
            tell_page(&d->pages[i], out);
            first = false;
        }
    }
}
