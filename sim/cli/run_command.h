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

/* Replications, arms, or both. */
enum error_code run_study(const struct run_request *o, const char *scenario, struct error *err);

#endif
