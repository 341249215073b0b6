#include "drydock.h"

const char *dd_version(void) {
    return DD_VERSION;
}
