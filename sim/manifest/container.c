#include "manifest/container.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "manifest/labels.h"

/* ---- resources ---- */

struct resources resources_absent(void) {
    return (struct resources){.cpu_milli = -1, .memory_bytes = -1, .ephemeral_bytes = -1, .gpus = -1};
}

static bool is_gpu_resource(const char *name) {
    return strcmp(name, "nvidia.com/gpu") == 0 || strcmp(name, "amd.com/gpu") == 0 ||
           strncmp(name, "gpu.intel.com/", 14) == 0;
}

/* An extended resource (GPUs among them) is counted in whole devices. */
static bool read_gpus(const struct reading *r, const struct place *p, const char *name, int64_t milli,
                      struct resources *out) {
    if (milli % 1000 != 0) {
        place_fail(r, p, "expected a whole number of devices, got %s", p->node->text);
        return error_hint(r->err, "a GPU cannot be split by its resource amount");
    }
    if (out->gpu_resource != NULL) {
        return place_fail(r, p, "expected one kind of GPU in a container, got %s as well as %s", name,
                          out->gpu_resource);
    }
    out->gpu_resource = name;
    out->gpus = milli / 1000;
    return true;
}

static bool read_bytes(const struct reading *r, const struct place *p, int64_t milli, int64_t *bytes) {
    if (milli % 1000 != 0) {
        notice_add(r->notices, NOTICE_WARNING, &p->pos, "%s: %s is a fraction of a byte; 'm' is thousandths",
                   p->path, p->node->text);
    }
    *bytes = milli / 1000 + (milli % 1000 != 0);
    return true;
}

static bool read_amount(const struct reading *r, const struct place *p, const char *name,
                        struct resources *out) {
    int64_t milli = 0;
    if (!read_quantity(r, p, &milli)) {
        return false;
    }
    if (strcmp(name, "cpu") == 0) {
        out->cpu_milli = milli;
    } else if (strcmp(name, "memory") == 0) {
        return read_bytes(r, p, milli, &out->memory_bytes);
    } else if (strcmp(name, "ephemeral-storage") == 0) {
        return read_bytes(r, p, milli, &out->ephemeral_bytes);
    } else if (is_gpu_resource(name)) {
        return read_gpus(r, p, name, milli, out);
    } else if (strchr(name, '/') == NULL && strncmp(name, "hugepages-", 10) != 0) {
        static const char *const known[] = {"cpu", "memory", "ephemeral-storage", "nvidia.com/gpu", NULL};
        place_fail(r, p, "expected a resource's name: cpu, memory, ephemeral-storage or one with a domain");
        const char *nearest = str_nearest(name, known);
        return nearest != NULL && error_hint(r->err, "did you mean %s?", nearest);
    } else {
        notice_add(r->notices, NOTICE_WARNING, &p->pos,
                   "%s: this resource is not modelled; the pod is placed as if it were not asked for",
                   p->path);
    }
    return true;
}

static bool read_resource_list(const struct reading *r, const struct place *p, struct resources *out) {
    if (!expect_mapping(r, p)) {
        return false;
    }
    for (size_t i = 0; p->node != NULL && i < p->node->count; i++) {
        struct place amount = place_pair(r, p, i);
        if (!expect_present(r, &amount, "a quantity") ||
            !read_amount(r, &amount, p->node->pairs[i].key, out)) {
            return false;
        }
    }
    return true;
}

static bool check_within(const struct reading *r, const struct place *requests, const char *name,
                         int64_t request, int64_t limit) {
    if (request < 0 || limit < 0 || request <= limit) {
        return true;
    }
    struct place p = place_get(r, requests, name);
    place_fail(r, &p, "expected at most the limit");
    return error_hint(r->err, "lower the request or raise limits.%s", name);
}

/* Devices cannot be overcommitted: a request without an equal limit is refused by the API. */
static bool check_gpus(const struct reading *r, const struct place *requests, const struct resources *request,
                       const struct resources *limit) {
    if (request->gpu_resource == NULL) {
        return true;
    }
    struct place p = place_get(r, requests, request->gpu_resource);
    if (limit->gpu_resource == NULL || strcmp(limit->gpu_resource, request->gpu_resource) != 0) {
        place_fail(r, &p, "expected a limit for %s as well", request->gpu_resource);
        return error_hint(r->err, "set limits.%s to the same number", request->gpu_resource);
    }
    if (limit->gpus != request->gpus) {
        return place_fail(r, &p, "expected the same number as limits.%s (%lld)", request->gpu_resource,
                          (long long)limit->gpus);
    }
    return true;
}

static void default_to(int64_t *request, int64_t limit) {
    *request = *request < 0 ? limit : *request;
}

bool read_resources(const struct reading *r, const struct place *p, struct resources *requests,
                    struct resources *limits) {
    static const char *const fields[] = {"limits", "requests", "claims", NULL};
    struct place limits_at = place_get(r, p, "limits");
    struct place requests_at = place_get(r, p, "requests");
    struct place claims = place_get(r, p, "claims");
    *requests = *limits = resources_absent();
    if (!expect_mapping(r, p) || !read_resource_list(r, &limits_at, limits) ||
        !read_resource_list(r, &requests_at, requests)) {
        return false;
    }
    warn_unknown_fields(r, p, fields);
    if (claims.node != NULL) {
        notice_add(r->notices, NOTICE_WARNING, &claims.pos,
                   "%s: dynamic resource allocation is not modelled; ask for GPUs in limits", claims.path);
    }
    if (!check_within(r, &requests_at, "cpu", requests->cpu_milli, limits->cpu_milli) ||
        !check_within(r, &requests_at, "memory", requests->memory_bytes, limits->memory_bytes) ||
        !check_within(r, &requests_at, "ephemeral-storage", requests->ephemeral_bytes,
                      limits->ephemeral_bytes) ||
        !check_gpus(r, &requests_at, requests, limits)) {
        return false;
    }
    default_to(&requests->cpu_milli, limits->cpu_milli);
    default_to(&requests->memory_bytes, limits->memory_bytes);
    default_to(&requests->ephemeral_bytes, limits->ephemeral_bytes);
    default_to(&requests->gpus, limits->gpus);
    if (requests->gpu_resource == NULL) {
        requests->gpu_resource = limits->gpu_resource;
    }
    return true;
}

/* ---- probes ---- */

static const char *const probe_fields[] = {"exec",
                                           "httpGet",
                                           "tcpSocket",
                                           "grpc",
                                           "initialDelaySeconds",
                                           "periodSeconds",
                                           "timeoutSeconds",
                                           "successThreshold",
                                           "failureThreshold",
                                           "terminationGracePeriodSeconds",
                                           NULL};

static bool read_probe_number(const struct reading *r, const struct place *probe, const char *key,
                              int64_t *out) {
    struct place p = place_get(r, probe, key);
    int64_t value = 0;
    if (!read_integer(r, &p, 0, INT32_MAX, &value)) {
        return false;
    }
    *out = value == 0 ? *out : value; /* the API's defaulting takes 0 for absent */
    return true;
}

static bool check_one_handler(const struct reading *r, const struct place *probe) {
    int handlers = 0;
    for (size_t i = 0; i < 4; i++) {
        struct place handler = place_get(r, probe, probe_fields[i]);
        handlers += handler.node != NULL;
        if (!expect_mapping(r, &handler)) {
            return false;
        }
    }
    return handlers == 1 ||
           place_fail(r, probe, "expected one of exec, httpGet, tcpSocket or grpc, got %d", handlers);
}

/* successThreshold other than 1 makes no sense where one failure ends the container. */
static bool read_probe(const struct reading *r, const struct place *container, const char *key,
                       bool any_success_threshold, struct probe *out) {
    struct place p = place_get(r, container, key);
    int64_t delay = 0;
    int64_t period = 10;
    int64_t timeout = 1;
    *out = (struct probe){.period_s = 10, .timeout_s = 1, .success_threshold = 1, .failure_threshold = 3};
    if (p.node == NULL) {
        return true;
    }
    if (!expect_mapping(r, &p) || !check_one_handler(r, &p) ||
        !read_probe_number(r, &p, "initialDelaySeconds", &delay) ||
        !read_probe_number(r, &p, "periodSeconds", &period) ||
        !read_probe_number(r, &p, "timeoutSeconds", &timeout) ||
        !read_probe_number(r, &p, "successThreshold", &out->success_threshold) ||
        !read_probe_number(r, &p, "failureThreshold", &out->failure_threshold)) {
        return false;
    }
    warn_unknown_fields(r, &p, probe_fields);
    if (!any_success_threshold && out->success_threshold != 1) {
        struct place threshold = place_get(r, &p, "successThreshold");
        return place_fail(r, &threshold, "expected 1 in a %s, got %lld", key,
                          (long long)out->success_threshold);
    }
    out->present = true;
    out->initial_delay_s = (double)delay;
    out->period_s = (double)period;
    out->timeout_s = (double)timeout;
    return true;
}

/* ---- preStop ---- */

/* "sleep 15", in one word or two, within a command. */
static double sleep_of(const struct yaml_node *command) {
    for (size_t i = 0; command && command->kind == YAML_SEQUENCE && i < command->count; i++) {
        const char *text = command->items[i]->kind == YAML_SCALAR ? command->items[i]->text : "";
        const char *sleep = strstr(text, "sleep");
        const char *rest = sleep ? sleep + strlen("sleep") : NULL;
        if (rest && *rest == '\0' && i + 1 < command->count && command->items[i + 1]->kind == YAML_SCALAR) {
            rest = command->items[i + 1]->text;
        }
        double seconds = rest ? strtod(rest, NULL) : 0;
        if (seconds > 0 && seconds < INT32_MAX) {
            return seconds;
        }
    }
    return 0;
}

/* What else such a hook does takes no time here. */
static bool read_pre_stop(const struct reading *r, const struct place *container, double *seconds) {
    struct place lifecycle = place_get(r, container, "lifecycle");
    if (!expect_mapping(r, &lifecycle)) {
        return false;
    }
    struct place hook = place_get(r, &lifecycle, "preStop");
    if (!expect_mapping(r, &hook)) {
        return false;
    }
    struct place sleep = place_get(r, &hook, "sleep"), exec = place_get(r, &hook, "exec");
    if (!expect_mapping(r, &sleep) || !expect_mapping(r, &exec)) {
        return false;
    }
    struct place length = place_get(r, &sleep, "seconds"), command = place_get(r, &exec, "command");
    int64_t whole = 0;
    if (!read_integer(r, &length, 0, INT32_MAX, &whole)) {
        return false;
    }
    *seconds = whole > 0 ? (double)whole : sleep_of(command.node);
    return true;
}

/* ---- containers ---- */

static const char *const container_fields[] = {"name",
                                               "image",
                                               "command",
                                               "args",
                                               "workingDir",
                                               "ports",
                                               "envFrom",
                                               "env",
                                               "resources",
                                               "resizePolicy",
                                               "restartPolicy",
                                               "restartPolicyRules",
                                               "volumeMounts",
                                               "volumeDevices",
                                               "livenessProbe",
                                               "readinessProbe",
                                               "startupProbe",
                                               "lifecycle",
                                               "terminationMessagePath",
                                               "terminationMessagePolicy",
                                               "imagePullPolicy",
                                               "securityContext",
                                               "stdin",
                                               "stdinOnce",
                                               "tty",
                                               NULL};

static bool check_texts(const struct reading *r, const struct place *container, const char *key) {
    struct place list = place_get(r, container, key);
    if (!expect_list(r, &list)) {
        return false;
    }
    for (size_t i = 0; list.node != NULL && i < list.node->count; i++) {
        struct place item = place_item(r, &list, i);
        const char *text = NULL;
        if (!expect_present(r, &item, "text") || !read_text(r, &item, &text)) {
            return false;
        }
    }
    return true;
}

static bool check_env(const struct reading *r, const struct place *container) {
    static const char *const fields[] = {"name", "value", "valueFrom", NULL};
    struct place list = place_get(r, container, "env");
    if (!expect_list(r, &list)) {
        return false;
    }
    for (size_t i = 0; list.node != NULL && i < list.node->count; i++) {
        struct place item = place_item(r, &list, i);
        struct place name_at = place_get(r, &item, "name");
        struct place value_at = place_get(r, &item, "value");
        struct place from = place_get(r, &item, "valueFrom");
        const char *text = NULL;
        warn_unknown_fields(r, &item, fields);
        if (!expect_present(r, &item, "a variable") || !expect_mapping(r, &item) ||
            !expect_present(r, &name_at, "the variable's name") || !read_text(r, &name_at, &text) ||
            !read_text(r, &value_at, &text) || !expect_mapping(r, &from)) {
            return false;
        }
        if (value_at.node != NULL && *value_at.node->text != '\0' && from.node != NULL) {
            return place_fail(r, &from, "expected value or valueFrom, got both");
        }
    }
    return true;
}

static bool check_ports(const struct reading *r, const struct place *container) {
    static const char *const fields[] = {"name", "hostPort", "containerPort", "protocol", "hostIP", NULL};
    struct place list = place_get(r, container, "ports");
    if (!expect_list(r, &list)) {
        return false;
    }
    for (size_t i = 0; list.node != NULL && i < list.node->count; i++) {
        struct place item = place_item(r, &list, i);
        struct place port = place_get(r, &item, "containerPort");
        int64_t number = 0;
        warn_unknown_fields(r, &item, fields);
        if (!expect_present(r, &item, "a port") || !expect_mapping(r, &item) ||
            !expect_present(r, &port, "a port's number") || !read_integer(r, &port, 1, 65535, &number)) {
            return false;
        }
    }
    return true;
}

static bool read_restart_policy(const struct reading *r, const struct place *p, bool init, bool *sidecar) {
    static const char *const policies[] = {"Always", "OnFailure", "Never", NULL};
    struct place policy = place_get(r, p, "restartPolicy");
    const char *text = NULL;
    if (!read_choice(r, &policy, policies, &text)) {
        return false;
    }
    *sidecar = init && text != NULL && strcmp(text, "Always") == 0;
    return true;
}

/* The server itself would not start with fewer devices than its parallelism needs. */
static void warn_of_too_few_gpus(const struct reading *r, const struct container *c) {
    const struct engine_args *e = &c->engine;
    int64_t parallel = (e->tensor_parallel > 0 ? e->tensor_parallel : 1) *
                       (e->pipeline_parallel > 0 ? e->pipeline_parallel : 1);
    if (e->present && parallel > 1 && c->limits.gpus >= 0 && parallel > c->limits.gpus) {
        notice_add(r->notices, NOTICE_WARNING, &e->pos,
                   "tensor and pipeline parallelism need %lld GPUs, container %s has %lld",
                   (long long)parallel, c->name, (long long)c->limits.gpus);
    }
}

static bool read_container(const struct reading *r, const struct place *p, bool init, struct container *out) {
    struct place name = place_get(r, p, "name");
    struct place image = place_get(r, p, "image");
    struct place resources = place_get(r, p, "resources");
    *out = (struct container){.image = "", .pos = p->pos, .image_pos = image.pos};
    if (!expect_present(r, p, "a container") || !expect_mapping(r, p)) {
        return false;
    }
    warn_unknown_fields(r, p, container_fields);
    if (!expect_present(r, &name, "the container's name") || !read_text(r, &name, &out->name) ||
        !check_name(r, &name, out->name, NAME_LABEL) || !expect_present(r, &image, "the container's image") ||
        !read_text(r, &image, &out->image)) {
        return false;
    }
    if (!check_texts(r, p, "command") || !check_texts(r, p, "args") || !check_env(r, p) ||
        !check_ports(r, p) || !read_resources(r, &resources, &out->requests, &out->limits) ||
        !read_restart_policy(r, p, init, &out->sidecar) || !read_pre_stop(r, p, &out->pre_stop_s) ||
        !read_probe(r, p, "startupProbe", false, &out->startup_probe) ||
        !read_probe(r, p, "readinessProbe", true, &out->readiness_probe) ||
        !read_probe(r, p, "livenessProbe", false, &out->liveness_probe) ||
        !engine_args_read(p->node, &out->engine, r->arena, r->notices, r->err)) {
        return false;
    }
    warn_of_too_few_gpus(r, out);
    return true;
}

/* Far above what a node could run; names are compared pair by pair. */
enum { CONTAINERS_MAX = 1000 };

bool read_containers(const struct reading *r, const struct place *list, bool init, struct container **out,
                     size_t *count) {
    if (!expect_list(r, list)) {
        return false;
    }
    *count = list->node == NULL ? 0 : list->node->count;
    if (*count > CONTAINERS_MAX) {
        return place_fail(r, list, "expected at most %d containers, got %zu", CONTAINERS_MAX, *count);
    }
    *out = arena_array(r->arena, *count, sizeof **out);
    for (size_t i = 0; i < *count; i++) {
        struct place item = place_item(r, list, i);
        if (!read_container(r, &item, init, &(*out)[i])) {
            return false;
        }
    }
    return true;
}
