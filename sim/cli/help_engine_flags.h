/* sim/cli/help_engine_flags.h: `drydock help engine-flags`. */
#ifndef DRYDOCK_CLI_HELP_ENGINE_FLAGS_H
#define DRYDOCK_CLI_HELP_ENGINE_FLAGS_H

/* The flags of every model server on stdout, grouped by what they do to a run. */
void help_engine_flags(void);

#endif
