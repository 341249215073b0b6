/* Sheds by tier as the queue grows: Google's criticalities (Beyer et al., Site Reliability Engineering, ch.
 * 21), told by tenant, as priority levels of Kubernetes' API Priority and Fairness are told by user.
 *
 * The load is requests that wait, a Ready replica. From `shed_at` on SHEDDABLE ones are turned away, from
 * `step` times as many SHEDDABLE_PLUS, from `step` times that CRITICAL; CRITICAL_PLUS never. The two numbers
 * are this policy's: Google's own thresholds are not published. */
#include <stdlib.h>

#include "base/arena.h"
#include "gateway/admission.h"
#include "gateway/tenants.h"

enum { SHEDDABLE, SHEDDABLE_PLUS, CRITICAL, CRITICAL_PLUS };
static const char *const tier_names[] = {"sheddable", "sheddable-plus", "critical", "critical-plus", NULL};

struct tiers {
    double threshold[CRITICAL_PLUS]; /* waiting, a replica */
    int others;                      /* of tenants that are not named */
    struct by_tenant tiers;          /* uint8_t: tier + 1; 0 = not named */
};

enum { TIERS, OTHERS, SHED_AT, STEP };

static const struct dd_option options[] = {
    {.name = "tiers", .help = "by tenant", .type = DD_OPTION_TENANTS, .required = 1, .choices = tier_names},
    {.name = "others",
     .help = "the tier of tenants that are not named",
     .type = DD_OPTION_CHOICE,
     .fallback = CRITICAL,
     .choices = tier_names},
    {.name = "shed_at",
     .help = "requests that wait, a Ready replica, from which on the lowest tier is turned away",
     .type = DD_OPTION_NUMBER,
     .low = 0,
     .high = 1e9,
     .fallback = 4},
    {.name = "step",
     .help = "the next tier follows at so many times as many",
     .type = DD_OPTION_NUMBER,
     .low = 1,
     .high = 1e6,
     .fallback = 4},
    {.name = NULL},
};

static void *create(const struct dd_option_value *values) {
    struct tiers *t = mem_zalloc(1, sizeof *t);
    t->others = (int)values[OTHERS].number;
    double threshold = values[SHED_AT].number;
    for (int i = SHEDDABLE; i < CRITICAL_PLUS; i++) {
        t->threshold[i] = threshold;
        threshold *= values[STEP].number;
    }
    for (uint32_t i = 0; i < values[TIERS].tenant_count; i++) {
        uint8_t *tier = by_tenant_item(&t->tiers, values[TIERS].tenants[i], sizeof *tier);
        *tier = (uint8_t)(values[TIERS].tenant_numbers[i] + 1);
    }
    return t;
}

static int tier_of(const struct tiers *t, uint32_t tenant) {
    const uint8_t *tiers = t->tiers.items;
    return tenant < t->tiers.count && tiers[tenant] > 0 ? tiers[tenant] - 1 : t->others;
}

static const char *check(void *state, const struct admission_request *r, const struct admission_view *view) {
    const struct tiers *t = state;
    int tier = tier_of(t, r->tenant);
    double load = (double)view->waiting / (view->replicas > 0 ? view->replicas : 1);
    return tier == CRITICAL_PLUS || load < t->threshold[tier] ? NULL : "shed by its tier (tiers)";
}

static void destroy(void *state) {
    struct tiers *t = state;
    free(t->tiers.items);
    free(t);
}

const struct admission_ops admission_tiers = {
    .name = "tiers",
    .help = "sheds tenants by tier as the queue grows",
    .options = options,
    .create = create,
    .check = check,
    .destroy = destroy,
};
