/* analysis/report/page.h: the page under way, and its sections. A section is one function in section/NAME.c
 * and one row in sections.c. */
#ifndef DRYDOCK_ANALYSIS_REPORT_PAGE_H
#define DRYDOCK_ANALYSIS_REPORT_PAGE_H

#include "analysis/report/figure.h"
#include "analysis/report/html.h"
#include "analysis/report/source.h"

struct report {
    struct arena *arena;
    struct sources sources;
    struct panel *panels; /* the whole of each result, side by side */
    struct view all;      /* of these */
    bool has_series;      /* some result has time series; what they are for is left out otherwise */
    const char *plots;    /* folder for the figures, or NULL */
    struct strbuf html;
};

struct section {
    const char *id;
    const char *title; /* NULL: belongs to the head of the page */
    bool (*write)(struct report *r, struct error *err);
    bool one_run; /* with replications: shows one of them */
};

extern const struct section sections[]; /* ended by id NULL */

bool section_verdict(struct report *r, struct error *err);
bool section_tiles(struct report *r, struct error *err);
bool section_promises(struct report *r, struct error *err);
bool section_comparison(struct report *r, struct error *err);
bool section_demand(struct report *r, struct error *err);
bool section_latency(struct report *r, struct error *err);
bool section_fleet(struct report *r, struct error *err);
bool section_cost(struct report *r, struct error *err);
bool section_services(struct report *r, struct error *err);
bool section_assumptions(struct report *r, struct error *err);
bool section_repeat(struct report *r, struct error *err);

/* A section that has nothing to say leaves no heading behind: it writes into r->html only what it has. */

/* Heads of a table with a column of names and one a result; the bits of the latter for html_table_begin. */
const char *const *report_heads(struct report *r, const char *first);
unsigned report_numbers(const struct report *r);

/* Some result has a figure at this path of its summary. */
bool report_knows(const struct report *r, const char *path);

/* Some result is of several runs. */
bool report_replicated(const struct report *r);

/* "<p>text</p>". */
void report_paragraph(struct report *r, const char *text);

#endif
