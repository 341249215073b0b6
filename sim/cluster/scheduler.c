#include "cluster/scheduler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const misfit_texts[] = {
    "fit",
    "not usable",
    "didn't match Pod's node affinity/selector",
    "had untolerated taint",
    "Insufficient cpu",
    "Insufficient memory",
    "Insufficient nvidia.com/gpu",
};

static const char *text_of(const struct yaml_node *mapping, const char *key) {
    const struct yaml_node *node = yaml_get(mapping, key);
    return node && node->kind == YAML_SCALAR ? node->text : "";
}

/* One toleration against one taint (core/v1 Toleration.ToleratesTaint). */
static bool toleration_covers(const struct yaml_node *toleration, const char *key, const char *value,
                              const char *effect) {
    const char *wanted_effect = text_of(toleration, "effect");
    const char *wanted_key = text_of(toleration, "key");
    if (wanted_effect[0] && strcmp(wanted_effect, effect) != 0) {
        return false;
    }
    if (wanted_key[0] && strcmp(wanted_key, key) != 0) {
        return false;
    }
    const char *op = text_of(toleration, "operator");
    if (strcmp(op, "Exists") == 0) {
        return true;
    }
    return wanted_key[0] && strcmp(text_of(toleration, "value"), value) == 0;
}

static bool is_effect(const char *text) {
    return strcmp(text, "NoSchedule") == 0 || strcmp(text, "NoExecute") == 0 ||
           strcmp(text, "PreferNoSchedule") == 0;
}

/* A taint is written "value:effect"; the value may be left out, or the effect, which then is NoSchedule. */
static bool tolerated(const struct yaml_node *tolerations, const struct label *taint) {
    char value[256];
    const char *colon = strrchr(taint->value, ':');
    const char *effect = colon ? colon + 1 : is_effect(taint->value) ? taint->value : "NoSchedule";
    size_t n = colon ? (size_t)(colon - taint->value) : effect == taint->value ? 0 : strlen(taint->value);
    if (n >= sizeof value) {
        n = sizeof value - 1;
    }
    memcpy(value, taint->value, n);
    value[n] = '\0';
    if (strcmp(effect, "PreferNoSchedule") == 0) {
        return true;
    }
    for (size_t i = 0; tolerations && i < tolerations->count; i++) {
        if (toleration_covers(tolerations->items[i], taint->key, value, effect)) {
            return true;
        }
    }
    return false;
}

static bool selector_holds(const struct labels *selector, const struct labels *labels) {
    for (size_t i = 0; selector && i < selector->count; i++) {
        const char *value = labels_get(labels, selector->items[i].key);
        if (!value || strcmp(value, selector->items[i].value) != 0) {
            return false;
        }
    }
    return true;
}

enum misfit scheduler_filter(const struct pod_view *pod, const struct node_view *node) {
    if (!node->usable) {
        return MISFIT_UNUSABLE;
    }
    if (!selector_holds(pod->node_selector, node->labels)) {
        return MISFIT_SELECTOR;
    }
    for (size_t i = 0; node->taints && i < node->taints->count; i++) {
        if (!tolerated(pod->tolerations, &node->taints->items[i])) {
            return MISFIT_TAINT;
        }
    }
    if (pod->gpus > 0 && pod->gpus > node->gpus - node->used_gpus) {
        return MISFIT_GPU;
    }
    if (pod->cpu_milli > 0 && pod->cpu_milli > node->cpu_milli - node->used_cpu_milli) {
        return MISFIT_CPU;
    }
    if (pod->memory_bytes > 0 && pod->memory_bytes > node->memory_bytes - node->used_memory_bytes) {
        return MISFIT_MEMORY;
    }
    return FIT;
}

/* Share of `total` left over after `used`, in percent; 0 when there is none. */
static double left_percent(int64_t used, int64_t total) {
    return total > 0 && used <= total ? 100.0 * (double)(total - used) / (double)total : 0;
}

double scheduler_score(const struct pod_view *pod, const struct node_view *node) {
    double score = (left_percent(node->used_cpu_milli + pod->cpu_milli, node->cpu_milli) +
                    left_percent(node->used_memory_bytes + pod->memory_bytes, node->memory_bytes)) /
                   2;
    if (pod->gpus > 0) {
        score += 100 - left_percent(node->used_gpus + pod->gpus, node->gpus);
    }
    if (pod->artefact_bytes > 0) {
        score += 100 * node->cached_bytes / pod->artefact_bytes;
    }
    return score;
}

int64_t scheduler_choose(const struct pod_view *pod, const struct node_view *nodes, size_t count,
                         uint32_t *why) {
    int64_t best = -1;
    double best_score = 0;
    for (size_t i = 0; i < count; i++) {
        enum misfit misfit = scheduler_filter(pod, &nodes[i]);
        if (why) {
            why[misfit]++;
        }
        if (misfit != FIT) {
            continue;
        }
        double score = scheduler_score(pod, &nodes[i]) + (nodes[i].ready ? 1000 : 0);
        if (best < 0 || score > best_score ||
            (score == best_score && strcmp(nodes[i].name, nodes[best].name) < 0)) {
            best = (int64_t)i;
            best_score = score;
        }
    }
    return best;
}

static const double DEFAULT_TOLERATION_S = 300;

double scheduler_tolerates_unreachable_s(const struct yaml_node *tolerations) {
    double least_s = -1;
    for (size_t i = 0; tolerations && i < tolerations->count; i++) {
        const struct yaml_node *one = tolerations->items[i];
        if (toleration_covers(one, "node.kubernetes.io/unreachable", "", "NoExecute")) {
            const char *text = text_of(one, "tolerationSeconds");
            double seconds = text[0] ? fmax(strtod(text, NULL), 0) : INFINITY;
            least_s = least_s < 0 ? seconds : fmin(least_s, seconds);
        }
    }
    return least_s < 0 ? DEFAULT_TOLERATION_S : least_s;
}
