/* sim/gateway/options.h: what a policy can be told, as help prints it. */
#ifndef DRYDOCK_GATEWAY_OPTIONS_H
#define DRYDOCK_GATEWAY_OPTIONS_H

#include "drydock_policy.h"

/* As `drydock help policies` prints them, on stdout; nothing for NULL. */
void options_print(const struct dd_option *options);

#endif
