/* Work takes longer for a while: a GPU that is too hot, a neighbour that uses the bus. With `between` and
 * `for` of constant laws a duty cycle; exponential ones are the two-state Markov process. */
#include "faults/kinds.h"

static int64_t pace(const struct world *w, const struct fault_config *f, const struct serving_pod *p) {
    (void)w;
    (void)p;
    return pace_of_factor(f->factor);
}

const struct fault_ops fault_slow = {.pace = pace};
