#include "finops/energy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/detmath.h"

/* Idle of kinds with no figure of their own: 0.115 of the board's limit, which is what A100 (46 of 400 W),
 * V100 (35 of 300), T4 (8 of 70) and A10G (18 of 150) have in common. Serving of kinds with a limit only:
 * from 0.43 of it up to 0.86, the split between fixed and load-dependent power that fleet-sim computes with.
 */
#define IDLE_SHARE 0.115
#define LOW_SHARE 0.43
#define HIGH_SHARE 0.86

#define COMPUTED(name, limit_w)                                                                              \
    {                                                                                                        \
        .gpu = name, .idle_w = IDLE_SHARE * limit_w, .low_w = LOW_SHARE * limit_w,                           \
        .high_w = HIGH_SHARE * limit_w, .slope = 1, .midpoint = 4.2,                                         \
        .source = "computed from the board's limit of " #limit_w " W; shape of the H100"                     \
    }

const struct gpu_power gpu_powers[] = {
    {.gpu = "H100",
     .idle_w = 80,
     .low_w = 300,
     .high_w = 600,
     .slope = 1,
     .midpoint = 4.2,
     .source = "vLLM, 300 W at batch 1 to 600 W at 128, error below 3 % claimed (arXiv 2602.05116, "
               "2601.22076); idle 70 to 90 W assumed"},
    {.gpu = "H200",
     .idle_w = 80,
     .low_w = 300,
     .high_w = 691,
     .slope = 1,
     .midpoint = 4.2,
     .source =
         "upper end measured on prefill-like GEMMs at the 700 W limit (AIConfigurator tables); the rest "
         "as the H100"},
    {.gpu = "A100",
     .idle_w = 46,
     .low_w = 175,
     .high_w = 385,
     .slope = 1,
     .midpoint = 2.5,
     .source = "fleet-sim, one anchor: 373 W at batch 32; idle of Cloud Carbon Footprint"},
    {.gpu = "A10G",
     .idle_w = 18,
     .low_w = 75,
     .high_w = 120,
     .slope = 0.7,
     .midpoint = 3.0,
     .source = "fleet-sim, a guess; idle of Cloud Carbon Footprint"},
    {.gpu = "V100",
     .idle_w = 35,
     .low_w = 306,
     .high_w = 306,
     .source = "Cloud Carbon Footprint, 35 to 306 W, at full load while serving"},
    {.gpu = "T4",
     .idle_w = 8,
     .low_w = 71,
     .high_w = 71,
     .source = "Cloud Carbon Footprint, 8 to 71 W, at full load while serving"},
    COMPUTED("L4", 72),
    COMPUTED("L40S", 350),
    COMPUTED("RTX-4090", 450),
    COMPUTED("B200", 1000),
    COMPUTED("GB200", 1200),
    COMPUTED("GB300", 1400),
    {.gpu = NULL},
};

/* "H100" and "nvidia-h100-80gb" are of kind H100: the kind stands between dashes, blanks and the ends. */
static bool is_kind(const char *name, const char *kind) {
    size_t length = strlen(kind);
    for (const char *word = name; *word != 0; word += strspn(word, "- ")) {
        if (strncasecmp(word, kind, length) == 0 && strchr("- ", word[length]) != NULL) {
            return true; /* strchr finds the end of the name as well */
        }
        word += strcspn(word, "- ");
    }
    return false;
}

const struct gpu_power *energy_gpu(const struct energy_config *config, const char *gpu) {
    for (size_t i = 0; gpu != NULL && i < config->gpu_count; i++) {
        if (strcasecmp(config->gpus[i].gpu, gpu) == 0) {
            return &config->gpus[i];
        }
    }
    for (size_t i = 0; gpu != NULL && gpu_powers[i].gpu != NULL; i++) {
        if (is_kind(gpu, gpu_powers[i].gpu)) {
            return &gpu_powers[i];
        }
    }
    return NULL;
}

double energy_serving_w(const struct gpu_power *power, double batch) {
    if (power->slope == 0 || !(batch > 0)) {
        return power->high_w;
    }
    double at = power->slope * (det_log2(batch) - power->midpoint);
    return power->low_w + (power->high_w - power->low_w) / (1 + det_exp(-at));
}

static const double joules_per_kwh = 3.6e6;

static double gpu_watts(const struct gpu_power *power, const struct meter_part *part) {
    bool works = part->pod != NULL && (part->state == COST_SERVING || part->state == COST_DRAIN);
    return works ? energy_serving_w(power, part->pod->batch) : power->idle_w;
}

/* A part's GPUs by what they do; of the host its share of the capacity. */
size_t energy_node(const struct energy_config *config, const struct meter_node *node,
                   const struct meter_pod *pods, size_t pod_count, struct energy_part *parts) {
    const struct gpu_power *power = energy_gpu(config, node->gpu);
    double host_w = node->cpu * config->cpu_w_per_core + node->memory_bytes / 1e9 * config->memory_w_per_gb;
    double capacity = (double)meter_capacity(node);
    struct meter_part *split = mem_alloc(meter_parts_most(pods, pod_count) * sizeof *split);
    size_t count = meter_split(node, node->requested_ps, pods, pod_count, split);
    money_amount whole = 0;
    for (size_t i = 0; i < count; i++) {
        whole += split[i].weight;
    }
    for (size_t i = 0; i < count; i++) {
        double capacity_s = (double)split[i].weight / (double)SIMTIME_SECOND;
        double joules = host_w * capacity_s / capacity;
        if (power != NULL && node->gpus > 0) {
            joules += gpu_watts(power, &split[i]) * capacity_s;
        }
        parts[i] = (struct energy_part){.state = split[i].state,
                                        .service = split[i].pod != NULL ? split[i].pod->service : NULL,
                                        .from_ps = split[i].from_ps,
                                        .to_ps = split[i].to_ps,
                                        .share = (double)split[i].weight / (double)whole,
                                        .kwh = joules * config->pue / joules_per_kwh};
    }
    free(split);
    return count;
}

double energy_network_kwh(const struct energy_config *config, double bytes) {
    return bytes / 1e9 * config->network_kwh_per_gb * config->pue;
}

void energy_print_markdown(FILE *out) {
    fputs("| GPU | idle W | serving W | slope, midpoint | source |\n|---|---|---|---|---|\n", out);
    for (const struct gpu_power *p = gpu_powers; p->gpu != NULL; p++) {
        fprintf(out, "| %s | %.0f | %.0f to %.0f | ", p->gpu, p->idle_w, p->low_w, p->high_w);
        if (p->slope > 0) {
            fprintf(out, "%.1f, %.1f | %s |\n", p->slope, p->midpoint, p->source);
        } else {
            fprintf(out, "constant | %s |\n", p->source);
        }
    }
}
