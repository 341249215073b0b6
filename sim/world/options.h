/* sim/world/options.h: what the scenario tells a policy, held against the policy's own table of options. */
#ifndef DRYDOCK_WORLD_OPTIONS_H
#define DRYDOCK_WORLD_OPTIONS_H

#include "world/world.h"

/* Who is told, and where the scenario says it. */
struct option_source {
    struct world *w;
    const struct service_state *service;
    const char *kind, *name; /* "router", "random" */
    const struct dd_option *rows;
    const struct yaml_node *given; /* a mapping; NULL = nothing */
    const struct position *pos;    /* of the policy; NULL = nowhere */
    const char *field;             /* of the mapping: "spec.policies.0.options" */
    double promise_s;              /* what a NaN that is not given becomes; NaN = nothing is promised */
    struct error *err;
};

/* Values by row, from the world's arena; NULL when something given is wrong or something required is not. */
const struct dd_option_value *options_read(const struct option_source *s);

#endif
