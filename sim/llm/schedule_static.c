/* Static batching, what there was before Orca (Yu et al., OSDI 2022): a batch is made of those who wait, with
 * room for all they will generate, and nobody joins until its longest member has ended. Members answer as
 * they end. What older servers computed for those that had ended (padding) is left out, which flatters them.
 */
#include "llm/batching_private.h"

/* Prompts whose last chunk has not been computed; no more than the token budget a step. */
static void next_tokens(struct batching *b, struct step_shape *shape) {
    int64_t budget = b->config.max_num_batched_tokens;
    for (int64_t i = 0; i < b->running_count && budget > 0; i++) {
        struct request *r = b->running[i];
        int64_t tokens = tokens_known(r) - r->computed;
        tokens = tokens < budget ? tokens : budget;
        b->scheduled[i] = tokens;
        budget -= tokens;
        shape_count(shape, r, tokens, 1);
    }
    b->budget_left = budget;
}

bool schedule_static(struct batching *b, struct step_shape *shape) {
    bool made = b->running_count == 0;
    while (made && b->waiting.head && b->running_count < b->config.max_num_seqs) {
        struct request *r = b->waiting.head;
        struct prefix_match match = prefix_of(b, r);
        int64_t all = (int64_t)r->input_tokens + r->output_tokens;
        if (!blocks_admit(b, r, &match, all - match.tokens)) {
            break;
        }
        join(b, r, &match, 0);
    }
    for (int64_t i = 0; i < b->running_count; i++) {
        b->scheduled[i] = 0;
    }
    next_tokens(b, shape);
    return true;
}
