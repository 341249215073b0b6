/* drydock profile: how well fitted service times predict what was measured. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/command.h"
#include "kernels/fit/fit.h"
#include "kernels/tables/aiconfigurator.h"

extern const struct command command_profile;

struct profile_options {
    struct common_options common;
};

static const struct option options[] = {COMMON_OPTIONS, OPTION_END};

/* What a fit is held to: the mean error of sites that it has not seen. Other types are printed. */
static const struct goal {
    const struct op *op;
    const char *types;
    double mean;
} goals[] = {
    {&op_gemm, "bfloat16", 0.045},
    {&op_decode_attention, "bfloat16", 0.055},
    {&op_prefill_attention, "bfloat16", 0.050},
};

static const struct goal *goal_of(const struct samples *s) {
    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        if (goals[i].op == s->op && strcmp(goals[i].types, s->types) == 0) {
            return &goals[i];
        }
    }
    return NULL;
}

/* What a check came to. */
struct tally {
    bool json;
    int judged, missed, printed; /* rows */
};

static void print_row(struct tally *tally, const char *table, const struct samples *s,
                      const struct fit_errors *e) {
    const struct goal *goal = goal_of(s);
    bool met = !goal || e->mean <= goal->mean;
    bool first = tally->printed++ == 0;
    tally->judged += goal != NULL;
    tally->missed += !met;
    if (tally->json) {
        printf("%s\n  {\"table\": \"%s\", \"op\": \"%s\", \"types\": \"%s\", \"sites\": %zu, \"rows\": %zu, "
               "\"roofline_mean\": %.6f, \"mean\": %.6f, \"median\": %.6f, \"p90\": %.6f, \"goal\": ",
               first ? "" : ",", table, s->op->name, s->types, s->sites, e->rows, e->roofline_mean, e->mean,
               e->median, e->p90);
        goal ? printf("%g, \"met\": %s}", goal->mean, met ? "true" : "false") : printf("null}");
    } else {
        printf("%-44s %-17s %-15s %5zu %6zu %8.1f %6.2f %7.2f %6.1f", table, s->op->name, s->types, s->sites,
               e->rows, 100 * e->roofline_mean, 100 * e->mean, 100 * e->median, 100 * e->p90);
        goal ? printf("  %4.1f %s\n", 100 * goal->mean, met ? "met" : "MISSED") : printf("   -\n");
    }
    fflush(stdout);
}

static bool check_table(struct tally *tally, const char *path, struct error *err) {
    struct arena arena = {0};
    struct table table;
    bool fine = table_read(&table, path, &arena, err);
    const char *name = path_base(path);
    for (int i = 0; fine && i < table.sets; i++) {
        const struct samples *s = &table.set[i];
        struct fit_errors errors;
        if (s->sites < FIT_FOLDS) {
            log_message(LOG_NOTE, "%s: %s %s has %zu sites, too few to leave a fifth out", name, s->op->name,
                        s->types, s->sites);
        } else if ((fine = fit_cross_validate(s, &errors, err))) {
            print_row(tally, name, s, &errors);
        }
    }
    if (fine && table.rows_other > 0) {
        log_message(LOG_NOTE, "%s: %zu rows of other ops (%s) are not fitted", name, table.rows_other,
                    table.other);
    }
    if (fine) {
        table_free(&table);
    }
    arena_free(&arena);
    return fine;
}

static int is_table(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return (n > 4 && strcmp(entry->d_name + n - 4, ".csv") == 0) ||
           (n > 7 && strcmp(entry->d_name + n - 7, ".csv.gz") == 0);
}

/* The tables of a folder in the order of their names. */
static bool check_folder(struct tally *tally, const char *path, struct error *err) {
    struct dirent **entries;
    int n = scandir(path, &entries, is_table, alphasort);
    if (n < 0) {
        return error_errno(err, path, "cannot list");
    }
    bool fine = n > 0 || error_at(err, ERROR_INVALID, &(struct position){path, 0, 0}, NULL,
                                  "expected tables of op times (*.csv, *.csv.gz)");
    struct arena arena = {0};
    for (int i = 0; i < n; i++) {
        fine = fine && check_table(tally, path_join(&arena, path, entries[i]->d_name), err);
        free(entries[i]);
    }
    free(entries);
    arena_free(&arena);
    return fine;
}

static bool fit_check(int count, char **paths, struct tally *tally, struct error *err) {
    if (tally->json) {
        printf("[");
    } else {
        printf("Errors in %% of shapes at sites that were left out, a fifth at a time.\n%-44s %-17s %-15s "
               "%5s %6s %8s "
               "%6s %7s %6s  %s\n",
               "table", "op", "types", "sites", "rows", "roofline", "mean", "median", "p90", "goal");
    }
    bool fine = true;
    for (int i = 0; fine && i < count; i++) {
        fine = file_is_directory(paths[i]) ? check_folder(tally, paths[i], err)
                                           : check_table(tally, paths[i], err);
    }
    if (fine && tally->printed == 0) {
        struct position pos = {paths[0], 0, 0};
        fine = error_at(err, ERROR_INVALID, &pos, NULL,
                        "no op of a known kind has at least %d sites: nothing was checked", FIT_FOLDS);
        error_hint(err, "--verbose tells what the tables hold");
    }
    if (tally->json) {
        printf("\n]\n");
    } else if (fine) {
        printf("%d of %d goals met\n", tally->judged - tally->missed, tally->judged);
    }
    return fine;
}

static enum error_code run(int argc, char **argv, struct error *err) {
    struct profile_options o = {0};
    int operands = 0;
    bool done = false;
    if (!command_parse(&command_profile, argc, argv, &o, &operands, &done, err) || done) {
        return err->code;
    }
    if (operands < 2 || strcmp(argv[1], "fit-check") != 0) {
        error_set(err, ERROR_USAGE, "profile: expected fit-check and tables of op times");
        error_hint(err, "see drydock help profile");
        return err->code;
    }
    struct tally tally = {.json = o.common.json};
    if (!fit_check(operands - 1, argv + 2, &tally, err)) {
        return err->code;
    }
    return tally.missed > 0 ? ERROR_OBJECTIVE : ERROR_NONE;
}

const struct command command_profile = {
    "profile",
    "fit-check FILE|DIR...",
    "Check how well fitted service times predict measured ones.",
    "fit-check reads tables of measured op times (CSV in the layout of AIConfigurator, plain or gzip), fits "
    "each op of "
    "each table, and prints how far the fit is from shapes that it has not seen: sites (weights of a matrix "
    "product, "
    "heads of an attention) are left out a fifth at a time. Answers 1 where bf16 matrix products, decode or "
    "prefill "
    "attention are further off than the goal.",
    options,
    run,
};
