/* Arms on a terminal: one table of figures, one of changes, and what is missed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/headline.h"
#include "study/arms.h"

enum { COLUMNS = 100, FIGURE_COLUMNS = 10, FIGURES_MAX = 16, NAME_COLUMNS_LEAST = 8 };

struct table {
    const struct arms *arms;
    const struct headline *figures[FIGURES_MAX]; /* those that any arm has */
    size_t figure_count;
    size_t name_columns;
    double *base; /* values of the first arm and of another one, by replication */
    double *other;
};

static const struct study_outcome *outcome_of(const struct table *t, size_t arm) {
    return &t->arms->outcomes[arm];
}

/* ---- what there is to show ---- */

static struct interval mean_of(const struct table *t, size_t arm, const char *path) {
    size_t n = t->arms->study->replications;
    study_values(outcome_of(t, arm), path, t->other, n);
    return interval_of(t->other, n);
}

static bool any_has(const struct table *t, const char *path) {
    for (size_t i = 0; i < t->arms->study->case_count; i++) {
        if (outcome_of(t, i)->finished && mean_of(t, i, path).n > 0) {
            return true;
        }
    }
    return false;
}

/* Names get what the figures leave of the line; a longer one has a line of its own. */
static void lay_out(struct table *t) {
    for (const struct headline *h = headlines; h->path && t->figure_count < FIGURES_MAX; h++) {
        bool room = COLUMNS - (t->figure_count + 1) * FIGURE_COLUMNS >= NAME_COLUMNS_LEAST;
        if (room && any_has(t, h->path)) {
            t->figures[t->figure_count++] = h;
        }
    }
    size_t left = COLUMNS - t->figure_count * FIGURE_COLUMNS;
    t->name_columns = NAME_COLUMNS_LEAST;
    for (size_t i = 0; i < t->arms->study->case_count; i++) {
        size_t width = cell_width(t->arms->scenario->arms[i].name);
        t->name_columns = width > t->name_columns ? width : t->name_columns;
    }
    t->name_columns = t->name_columns < left ? t->name_columns : left;
}

static void append_name(const struct table *t, size_t arm, struct strbuf *out) {
    const char *name = t->arms->scenario->arms[arm].name;
    if (cell_width(name) > t->name_columns) {
        strbuf_printf(out, "%s\n%*s", name, (int)t->name_columns, "");
    } else {
        cell_append_left(out, name, t->name_columns);
    }
}

/* ---- figures ---- */

static void append_heads(const struct table *t, struct strbuf *out) {
    strbuf_printf(out, "%*s", (int)t->name_columns, "");
    for (size_t k = 0; k < t->figure_count; k++) {
        cell_append_right(out, t->figures[k]->column, FIGURE_COLUMNS);
    }
    strbuf_char(out, '\n');
}

/* Answers whether some figure is infinite. */
static bool append_figures(const struct table *t, size_t arm, struct strbuf *out) {
    bool never = false;
    append_name(t, arm, out);
    for (size_t k = 0; k < t->figure_count; k++) {
        char cell[CELL_BYTES];
        struct interval mean = mean_of(t, arm, t->figures[k]->path);
        never = never || (mean.n > 0 && isinf(mean.mean));
        cell_append_right(out, mean.n > 0 ? t->figures[k]->cell(mean.mean, cell) : "-", FIGURE_COLUMNS);
    }
    strbuf_char(out, '\n');
    return never;
}

/* ---- changes ---- */

/* Shares differ by points; of everything else the relative change says more. Both in hundredths. */
static struct interval change_of(const struct table *t, size_t arm, const struct headline *h) {
    size_t n = t->arms->study->replications;
    study_values(outcome_of(t, 0), h->path, t->base, n);
    study_values(outcome_of(t, arm), h->path, t->other, n);
    return h->cell == cell_percent ? interval_of_difference(t->base, t->other, n)
                                   : interval_of_change(t->base, t->other, n);
}

/* One decimal below 10. */
static int places(double percent) {
    return fabs(percent) < 9.95 ? 1 : 0;
}

static const char *change_cell(const struct interval *change, char out[CELL_BYTES]) {
    double percent = 100 * change->mean;
    double half = 100 * interval_half(change);
    if (!isfinite(percent)) {
        return strcpy(out, "-");
    }
    bool is_nothing = fabs(percent) < 0.05; /* "-0.0" would say more than it knows */
    int length = snprintf(out, CELL_BYTES, is_nothing ? "0.0" : "%+.*f", places(percent), percent);
    if (isfinite(half) && length > 0) {
        snprintf(out + length, CELL_BYTES - (size_t)length, "±%.*f", places(half), half);
    }
    return out;
}

static void append_change(const struct table *t, size_t arm, struct strbuf *out) {
    append_name(t, arm, out);
    for (size_t k = 0; k < t->figure_count; k++) {
        char cell[CELL_BYTES];
        struct interval change = change_of(t, arm, t->figures[k]);
        cell_append_right(out, change_cell(&change, cell), FIGURE_COLUMNS);
    }
    strbuf_char(out, '\n');
}

static void append_changes(const struct table *t, struct strbuf *out) {
    bool paired = arms_replications(t->arms) > 1;
    if (!outcome_of(t, 0)->finished || arms_finished(t->arms) < 2) {
        return;
    }
    strbuf_printf(out, "\nChange against %s in %% (of shares: in points)%s\n",
                  t->arms->scenario->arms[0].name, paired ? ", ± half of the 95 % interval of pairs" : "");
    append_heads(t, out);
    for (size_t i = 1; i < t->arms->study->case_count; i++) {
        if (outcome_of(t, i)->finished) {
            append_change(t, i, out);
        }
    }
    if (!paired) {
        strbuf_append(out, "One run of each: how sure this is needs replications (--reps 10).\n");
    }
}

/* ---- the whole ---- */

static void append_missed(const struct table *t, struct strbuf *out) {
    struct strbuf names = {0};
    struct strbuf line = {0};
    bool any = false;
    for (size_t i = 0; i < t->arms->study->case_count; i++) {
        strbuf_clear(&names);
        strbuf_clear(&line);
        if (!outcome_of(t, i)->finished || study_missed(outcome_of(t, i), &names) == 0) {
            continue;
        }
        strbuf_append(out, any ? "" : "\nMissed or broken\n");
        strbuf_printf(&line, "  %s: %s", t->arms->scenario->arms[i].name, names.text);
        strbuf_append(out, "  ");
        cell_append_wrapped(out, line.text + 2, 2, COLUMNS);
        any = true;
    }
    strbuf_free(&names);
    strbuf_free(&line);
}

static void append_title(const struct table *t, struct strbuf *out) {
    unsigned long long replications = arms_replications(t->arms);
    strbuf_printf(out, "%s: %zu arm%s, ", t->arms->scenario->name, arms_finished(t->arms),
                  arms_finished(t->arms) == 1 ? "" : "s");
    if (replications > 1) {
        strbuf_printf(out, "means over %llu replications under common seeds\n\n", replications);
    } else {
        strbuf_printf(out, "one run of each with seed %llu\n\n",
                      (unsigned long long)t->arms->study->cases[0].run.seed);
    }
}

void arms_table(const struct arms *arms, struct strbuf *out) {
    struct table t = {.arms = arms};
    t.base = mem_zalloc(arms->study->replications, sizeof *t.base);
    t.other = mem_zalloc(arms->study->replications, sizeof *t.other);
    lay_out(&t);
    append_title(&t, out);
    append_heads(&t, out);
    bool never = false;
    for (size_t i = 0; i < arms->study->case_count; i++) {
        never = (outcome_of(&t, i)->finished && append_figures(&t, i, out)) || never;
    }
    if (never) {
        strbuf_append(out,
                      "Who was turned away, gave up or was lost counts as infinitely late: a percentile that "
                      "needs\nsuch a request is never.\n");
    }
    append_changes(&t, out);
    append_missed(&t, out);
    free(t.base);
    free(t.other);
}
