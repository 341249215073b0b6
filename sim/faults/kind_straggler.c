/* Replicas that are slower than others as long as they live: what one GPU differs from the next. Drawn by the
 * replica's name. */
#include "faults/kinds.h"

static int64_t pace(const struct world *w, const struct fault_config *f, const struct serving_pod *p) {
    struct rng rng = rng_stream(w->seed, RNG_FAULTS, p->pod->name);
    double drawn = rng_uniform(&rng);
    double factor = f->factor < 0 ? 1 : f->factor;
    double about = rng_lognormal(&rng, 0, f->sigma < 0 ? 0 : f->sigma);
    return f->share >= 0 && drawn >= f->share ? PACE_ONE : pace_of_factor(factor * about);
}

const struct fault_ops fault_straggler = {.pace = pace, .always = true};
