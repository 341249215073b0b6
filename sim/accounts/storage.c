/* Storage that is paid for by size and time: disks of pools that name a storage class, and
 * PersistentVolumeClaims: objects over the whole window, templates of a StatefulSet for each replica that has
 * been on a node. */
#include <string.h>

#include "accounts/accounts.h"

/* ---- before the run ---- */

static bool price_disk(struct world *w, size_t pool, struct error *err) {
    const struct pool_config *p = &w->scenario.pools[pool];
    if (!p->storage_class) {
        return true;
    }
    w->disk_prices[pool] = price_book_storage(&w->price_book, p->storage_class);
    if (w->disk_prices[pool]) {
        return true;
    }
    char field[64];
    snprintf(field, sizeof field, "spec.cluster.pools.%zu.storage_class", pool);
    const struct yaml_node *node = yaml_path(w->scenario.tree, field);
    error_at(err, ERROR_INVALID, node ? &node->pos : &p->pos, field,
             "the price book \"%.80s\" has no storage of class %.80s", w->price_book.name, p->storage_class);
    return error_hint(err,
                      "add a row to its `storage`, or leave the key out: then the disk comes with the node");
}

/* NULL: it names none, and no StorageClass is the default. */
static const char *class_of(const struct world *w, const struct volume_claim *claim) {
    return claim->storage_class ? claim->storage_class : w->scenario.manifests.default_storage_class;
}

static const struct storage_price *price_of(const struct world *w, const struct volume_claim *claim) {
    const char *class = class_of(w, claim);
    return class ? price_book_storage(&w->price_book, class) : NULL;
}

/* A book without any storage does not speak of it; one that has some is meant to price all of it. */
static void check_claim(const struct world *w, const struct volume_claim *claim) {
    if (w->price_book.storage_count == 0 || price_of(w, claim)) {
        return;
    }
    const char *class = class_of(w, claim);
    const char *why = !class   ? "it names no storageClassName, and no StorageClass here is the default"
                      : *class ? arena_printf(w->arena, "the price book \"%s\" has no storage of class %s",
                                              w->price_book.name, class)
                               : "its storageClassName is empty";
    notice_add(w->notices, NOTICE_WARNING, &claim->pos, "PersistentVolumeClaim %s/%s is not billed: %s",
               claim->namespace_name, claim->name, why);
}

bool storage_build(struct world *w, struct error *err) {
    const struct manifests *m = &w->scenario.manifests;
    w->disk_prices = arena_array(w->arena, w->scenario.pool_count, sizeof(struct storage_price *));
    for (size_t p = 0; p < w->scenario.pool_count; p++) {
        if (!price_disk(w, p, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < m->claim_count; i++) {
        check_claim(w, &m->claims[i]);
    }
    for (size_t i = 0; i < m->workload_count; i++) {
        for (size_t k = 0; k < m->workloads[i].claim_count; k++) {
            check_claim(w, &m->workloads[i].claims[k]);
        }
    }
    return true;
}

/* ---- disks ---- */

/* From the request on, as clouds make the disk with the instance. */
bool storage_node(struct world *w, size_t pool, const struct meter_node *node, struct error *err) {
    struct meter_storage meter = {.name = arena_printf(w->arena, "%s/disk", node->name),
                                  .pool = node->pool,
                                  .zone = node->zone,
                                  .region = node->region,
                                  .bytes = (uint64_t)w->scenario.pools[pool].disk_bytes,
                                  .from_ps = node->requested_ps,
                                  .to_ps = node->end_ps};
    return ledger_storage(&w->ledger, &meter, w->disk_prices[pool], err);
}

/* ---- claims that are objects ---- */

static bool uses(const struct workload *workload, const struct volume_claim *claim) {
    for (size_t i = 0; i < workload->pod.claim_name_count; i++) {
        if (strcmp(workload->pod.claim_names[i], claim->name) == 0) {
            return strcmp(workload->namespace_name, claim->namespace_name) == 0;
        }
    }
    return false;
}

/* The only workload whose pods mount it; -1 when none or several do. */
static int64_t user_of(const struct world *w, const struct volume_claim *claim) {
    const struct manifests *m = &w->scenario.manifests;
    int64_t user = -1;
    for (size_t i = 0; i < m->workload_count; i++) {
        if (uses(&m->workloads[i], claim)) {
            if (user >= 0) {
                return -1;
            }
            user = (int64_t)i;
        }
    }
    return user;
}

static void name_owner(const struct world *w, size_t demand, struct meter_storage *meter) {
    int64_t service = w->workloads[demand].service;
    meter->workload = w->demands[demand].workload;
    meter->service = service >= 0 ? w->services[service].name : NULL;
}

static bool charge_object(struct world *w, const struct volume_claim *claim, struct error *err) {
    struct meter_storage meter = {
        .name = arena_printf(w->arena, "%s/%s", claim->namespace_name, claim->name),
        .bytes = (uint64_t)claim->bytes,
        .to_ps = engine_now(w->engine),
    };
    int64_t user = user_of(w, claim);
    if (user >= 0) {
        name_owner(w, (size_t)user, &meter);
    }
    return ledger_storage(&w->ledger, &meter, price_of(w, claim), err);
}

/* ---- claims of replicas ---- */

/* A volume is made when its pod is bound to a node (WaitForFirstConsumer), in the node's zone. */
static bool charge_replica(struct world *w, const struct workload *workload, const struct pod *pod,
                           simtime until, struct error *err) {
    const char *zone = w->scenario.pools[cluster_node(w->cluster, (size_t)pod->node)->pool].zone;
    for (size_t k = 0; k < workload->claim_count; k++) {
        const struct volume_claim *claim = &workload->claims[k];
        struct meter_storage meter = {
            .name = arena_printf(w->arena, "%s/%s-%s-%u", claim->namespace_name, claim->name, workload->name,
                                 pod->ordinal),
            .zone = zone,
            .region = scenario_zone_region(&w->scenario, zone),
            .bytes = (uint64_t)claim->bytes,
            .from_ps = pod->bound_ps,
            .to_ps = until,
        };
        name_owner(w, pod->demand, &meter);
        if (!ledger_storage(&w->ledger, &meter, price_of(w, claim), err)) {
            return false;
        }
    }
    return true;
}

/* The claim of an ordinal outlives its pods and is there for the next one, unless the StatefulSet says that
 * it goes with them. */
static bool charge_replicas(struct world *w, uint32_t demand, bool *seen, struct error *err) {
    const struct workload *workload = &w->scenario.manifests.workloads[demand];
    simtime end = engine_now(w->engine);
    bool ok = true;
    memset(seen, 0, cluster_pod_count(w->cluster) * sizeof *seen);
    for (size_t i = 0; ok && i < cluster_pod_count(w->cluster); i++) {
        const struct pod *pod = cluster_pod(w->cluster, i);
        if (pod->demand != demand || pod->bound_ps < 0 || seen[pod->ordinal]) {
            continue;
        }
        seen[pod->ordinal] = !workload->claims_go_when_scaled;
        bool goes = workload->claims_go_when_scaled && pod->gone_ps >= 0;
        ok = charge_replica(w, workload, pod, goes ? pod->gone_ps : end, err);
    }
    return ok;
}

bool storage_claims(struct world *w, struct error *err) {
    const struct manifests *m = &w->scenario.manifests;
    bool ok = true;
    for (size_t i = 0; ok && i < m->claim_count; i++) {
        ok = charge_object(w, &m->claims[i], err);
    }
    /* Ordinals are below the number of pods there ever were. */
    bool *seen = arena_array(w->arena, cluster_pod_count(w->cluster), sizeof *seen);
    for (uint32_t d = 0; ok && d < m->workload_count; d++) {
        ok = m->workloads[d].claim_count == 0 || charge_replicas(w, d, seen, err);
    }
    return ok;
}
