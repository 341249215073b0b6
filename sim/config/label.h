/* sim/config/label.h: key and value pairs, as Kubernetes labels and node labels are. */
#ifndef DRYDOCK_CONFIG_LABEL_H
#define DRYDOCK_CONFIG_LABEL_H

#include <stddef.h>

struct label {
    const char *key;
    const char *value;
};

struct labels {
    struct label *items;
    size_t count;
};

#endif
