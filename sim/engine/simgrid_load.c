#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/simgrid_module.h"

#ifndef DRYDOCK_MODULE_DIR
#define DRYDOCK_MODULE_DIR "/usr/local/lib/drydock"
#endif

enum { PATH_BYTES = 4096 };
static const char module_file[] = "drydock-simgrid.so";

static bool try_path(const char *directory, const char *below, char path[PATH_BYTES]) {
    int n = snprintf(path, PATH_BYTES, "%s/%s%s", directory, below, module_file);
    return n > 0 && n < PATH_BYTES && access(path, R_OK) == 0;
}

/* Test programs lie one or more folders below build/, so lib/ is looked for in the folders above too. */
static bool beside_program(char path[PATH_BYTES]) {
    char directory[PATH_BYTES - 64];
    ssize_t n = readlink("/proc/self/exe", directory, sizeof directory - 1);
    if (n <= 0) {
        return false;
    }
    directory[n] = '\0';
    for (int level = 0; level < 4; level++) {
        char *slash = strrchr(directory, '/');
        if (!slash) {
            return false;
        }
        *slash = '\0';
        if ((level == 0 && try_path(directory, "../lib/drydock/", path)) ||
            try_path(directory, "lib/", path)) {
            return true;
        }
    }
    return false;
}

static bool find_module(char path[PATH_BYTES], struct error *err) {
    const char *named = getenv("DRYDOCK_MODULE_DIR");
    if (named && *named) {
        if (try_path(named, "", path)) {
            return true;
        }
    } else if (beside_program(path) || try_path(DRYDOCK_MODULE_DIR, "", path)) {
        return true;
    }
    error_set(err, ERROR_FAILED, "%s is not found, and transfers need it", module_file);
    return error_hint(err, "set DRYDOCK_MODULE_DIR to the folder that holds it");
}

const struct simgrid_module *simgrid_module_open(struct error *err) {
    static const struct simgrid_module *module;
    char path[PATH_BYTES];
    if (module) {
        return module;
    }
    if (!find_module(path, err)) {
        return NULL;
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct simgrid_module *found = library ? dlsym(library, SIMGRID_MODULE_SYMBOL) : NULL;
    if (!found) {
        error_set(err, ERROR_FAILED, "cannot load %s: %s", path, dlerror());
        return NULL;
    }
    if (found->version != SIMGRID_MODULE_VERSION) {
        error_set(err, ERROR_FAILED, "%s has version %u of the interface, expected %d", path, found->version,
                  SIMGRID_MODULE_VERSION);
        return NULL;
    }
    module = found;
    return module;
}
