/* sim/cli/run_command.h: what the files of `drydock run` share: cmd_run.c has the options and the single run,
 * run_study.c the runs that are several. */
#ifndef DRYDOCK_CLI_RUN_COMMAND_H
#define DRYDOCK_CLI_RUN_COMMAND_H

#include "cli/command.h"
#include "run/run.h"

/* The options of the command line. */
struct run_request {
    struct common_options common;
    const char *out;
    int64_t seed;
    int64_t reps;
    int64_t jobs; /* 0 = one a processor */
    struct option_list traces;
    struct option_list set;
    struct option_list explain;
    const char *arm;
    const char *platform_out;
    bool check;
    bool stepping;
    bool strict;
    bool allow_exec;
    bool compress;
};

/* The same for a single run. */
struct run_options run_options_of(const struct run_request *o, const char *scenario);

/* Whether stdout wants colour. */
bool run_wants_colour(const struct run_request *o);

/* Notices of a run on stderr. The table of a finished run has the warnings in it. */
void run_show_notices(const struct run_request *o, const struct notices *n, bool in_table);

/* The line that says where a result lies. */
void run_show_place(const char *out);

/* What --explain asks for. */
struct run_explain {
    uint64_t ids[DIARY_PAGES_MAX];
    size_t count;
    size_t slowest; /* this many more, to be found */
    enum diary_measure measure;
};

bool run_explain_parse(const struct run_request *o, struct run_explain *e, struct error *err);

/* Finds the slowest requests in a run of the same options and adds their ids. With arms it finds none. */
bool run_explain_find(const struct run_options *options, struct run_explain *e, struct error *err);

/* The lives on stdout; false when one was asked for that never was. */
bool run_explain_show(const struct run_result *result, struct error *err);

/* What --check fails for, on stderr: the table may not be shown, and scripts read this. */
void run_show_missed(const char *names);

/* Replications, arms, or both. */
enum error_code run_study(const struct run_request *o, const char *scenario, struct error *err);

#endif
