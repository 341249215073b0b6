/* Objectives and gates one by one, with what was simulated. */
#include <math.h>

#include "analysis/report/objective.h"
#include "analysis/report/page.h"
#include "analysis/report/say.h"

enum { VERDICTS_BESIDE_MAX = 2 }; /* results whose verdicts stand beside the figures; of more, below them */

static const char *verdict_word(const struct objective *o, const struct verdict *v) {
    if (v->met) {
        return o->kind == GATES ? "<b class=\"good\">\xE2\x9C\x93\xC2\xA0holds</b>"
                                : "<b class=\"good\">\xE2\x9C\x93\xC2\xA0met</b>";
    }
    if (o->warns) {
        return "<b class=\"bad\">!\xC2\xA0warns</b>";
    }
    return o->kind == GATES ? "<b class=\"bad\">\xE2\x9C\x97\xC2\xA0"
                              "broken</b>"
                            : "<b class=\"bad\">\xE2\x9C\x97\xC2\xA0missed</b>";
}

static const char *verdict_markup(struct report *r, const struct objective *o, const struct verdict *v) {
    struct strbuf cell = {0};
    html_text(&cell, objective_value(r->arena, o, v));
    if (v->half > 0 && isfinite(v->half)) {
        const char *half = say_half(r->arena, o->metric, v->half);
        if (r->sources.count > VERDICTS_BESIDE_MAX) {
            html_element(&cell, "small", NULL, half);
        } else {
            strbuf_char(&cell, ' ');
            html_text(&cell, half);
        }
    }
    if (v->judged) {
        strbuf_append(&cell, r->sources.count > VERDICTS_BESIDE_MAX && !(v->half > 0) ? "<br>" : " ");
        strbuf_append(&cell, verdict_word(o, v));
    }
    const char *markup = arena_strdup(r->arena, cell.text);
    strbuf_free(&cell);
    return markup;
}

static void append_table(struct report *r, enum objective_kind kind) {
    const struct objective *all;
    size_t n = objectives_of(&r->sources, kind, r->arena, &all);
    if (n == 0) {
        return;
    }
    size_t columns = 2 + r->sources.count;
    const char **heads = arena_array(r->arena, columns, sizeof *heads);
    heads[0] = kind == GATES ? "Gate" : "Objective";
    heads[1] = kind == GATES ? "Limit" : "Promised";
    for (size_t i = 0; i < r->sources.count; i++) {
        heads[2 + i] = r->sources.count == 1 ? "Simulated" : r->sources.items[i].label;
    }
    const char *caption =
        kind == GATES ? "Gates: what a change must hold" : "Objectives: what is promised to users";
    struct html_table t = html_table_begin(&r->html, caption, heads, columns, ~3u);
    for (size_t k = 0; k < n; k++) {
        html_cell(&t, objective_name(r->arena, &all[k]));
        html_cell(&t, objective_limit(r->arena, &all[k]));
        for (size_t i = 0; i < r->sources.count; i++) {
            struct verdict v = objective_verdict(&r->sources.items[i], &all[k], r->arena);
            html_cell_markup(&t, verdict_markup(r, &all[k], &v));
        }
    }
    html_table_end(&t);
}

bool section_promises(struct report *r, struct error *err) {
    (void)err;
    append_table(r, OBJECTIVES);
    append_table(r, GATES);
    return true;
}
