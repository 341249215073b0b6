/* The table of routers, and the way to bring one's own. */
#include "gateway/router.h"

#include <dlfcn.h>
#include <string.h>

#include "base/strbuf.h"

const struct dd_router_ops *const routers[] = {
    &router_round_robin,       &router_random,
    &router_least_outstanding, &router_least_tokens,
    &router_power_of_two,      &router_kv_usage_aware,
    &router_prefix_aware,      &router_cache_aware,
    &router_longest_prefix,    &router_slo_aware,
    &router_session_affinity,  &router_two_pool_by_length,
    &router_weighted,          NULL,
};

const struct dd_router_ops *router_find(const char *name) {
    for (int i = 0; routers[i]; i++) {
        if (strcmp(routers[i]->name, name) == 0) {
            return routers[i];
        }
    }
    return NULL;
}

bool router_is_blind(const struct dd_router_ops *router) {
    static const struct dd_router_ops *const blind[] = {
        &router_round_robin,  &router_random,       &router_least_outstanding,
        &router_least_tokens, &router_power_of_two, &router_session_affinity,
        &router_weighted,     &router_cache_aware,  &router_longest_prefix,
    };
    for (size_t i = 0; i < sizeof blind / sizeof *blind; i++) {
        if (router == blind[i]) {
            return true;
        }
    }
    return false;
}

static bool unknown_router(const char *name, const struct position *pos, struct error *err) {
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX + 1] = {NULL};
    struct strbuf list = {0};
    for (int i = 0; routers[i] && i < NAMES_MAX; i++) {
        names[i] = routers[i]->name;
        strbuf_printf(&list, "%s%s", i ? ", " : "", routers[i]->name);
    }
    error_at(err, ERROR_INVALID, pos, "policies.router",
             "expected one of %s, or the path of a shared object; got '%s'", list.text, name);
    const char *nearest = str_nearest(name, names);
    if (nearest) {
        error_hint(err, "did you mean '%s'?", nearest);
    }
    strbuf_free(&list);
    return false;
}

static const struct dd_router_ops *load_object(const char *path, const struct position *pos,
                                               struct error *err) {
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        error_at(err, ERROR_FAILED, pos, "policies.router", "could not load the router: %s", dlerror());
        return NULL;
    }
    const struct dd_router_ops *ops = dlsym(object, "dd_router");
    if (!ops) {
        error_at(err, ERROR_FAILED, pos, "policies.router", "'%s' exports no symbol dd_router", path);
        error_hint(err, "export `const struct dd_router_ops dd_router` (drydock_policy.h)");
        return NULL;
    }
    if (ops->abi != DD_POLICY_ABI || !ops->choose) {
        error_at(err, ERROR_FAILED, pos, "policies.router",
                 "'%s' was built for policy interface %u, this is %u", path, ops->abi, DD_POLICY_ABI);
        error_hint(err, "rebuild it against this version's drydock_policy.h");
        return NULL;
    }
    return ops;
}

const struct dd_router_ops *router_load(const char *name, bool allow_exec, const struct position *pos,
                                        struct error *err) {
    const struct dd_router_ops *ops = router_find(name);
    if (ops) {
        return ops;
    }
    if (!strchr(name, '/')) {
        unknown_router(name, pos, err);
        return NULL;
    }
    if (!allow_exec) {
        error_at(err, ERROR_INVALID, pos, "policies.router", "'%s' is code, and code runs only when allowed",
                 name);
        error_hint(err, "add --allow-exec if you trust it");
        return NULL;
    }
    return load_object(name, pos, err);
}
