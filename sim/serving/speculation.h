/* sim/serving/speculation.h: speculative decoding as an engine's arguments ask for it; private to the room.
 */
#ifndef DRYDOCK_SERVING_SPECULATION_H
#define DRYDOCK_SERVING_SPECULATION_H

#include "serving/service_time.h"

/* Taken where nobody says it. Leviathan et al. (2023, table 2) measured 0.5 to 0.9 for drafts of a model. */
static const double speculation_acceptance = 0.7;

/* Sets config->speculation and lookahead_tokens; all stays off when nothing asks for it. */
bool speculation_fill(struct replica_config *config, const struct engine_args *args, struct error *err);

#endif
