/* An engine that is slower for a while, hangs, or is started anew after it was stopped. */
#include "llm/batching_private.h"

/* The step under way is an ordinary one from here on and keeps its time; the next takes the new one. */
void batching_pace(struct replica *replica, int64_t ppm) {
    struct batching *b = (struct batching *)replica;
    run_settle(b);
    replica->pace_ppm = ppm;
    b->line_sequences = 0; /* the line that is kept was of another pace */
}

/* What goes by token and what goes by context, each by itself. */
void batching_pace_line(struct batching *b) {
    struct decode_line *line = &b->line;
    simtime by_token = replica_paced(line->base - line->slope * line->from, b->base.pace_ppm);
    line->slope = replica_paced(line->slope, b->base.pace_ppm);
    line->base = by_token + line->slope * line->from;
}

/* The step under way never ends: who was to leave at its end leaves now. */
static void let_leavers_go(struct batching *b) {
    int64_t kept = 0, leaving = 0;
    for (int64_t i = 0; i < b->running_count; i++) {
        struct request *r = b->running[i];
        *(r->place == PLACE_RUNNING ? &b->running[kept++] : &b->leaving[leaving++]) = r;
    }
    b->running_count = kept;
    for (int64_t i = 0; i < leaving; i++) {
        release(b, b->leaving[i]);
    }
    batching_update_load(b);
    for (int64_t i = 0; i < leaving; i++) {
        batching_let_go(b, b->leaving[i], (enum request_status)(b->leaving[i]->place - PLACE_LEAVING));
    }
}

void batching_hang(struct replica *replica) {
    struct batching *b = (struct batching *)replica;
    run_settle(b);
    engine_cancel(replica->engine, b->event);
    b->event = 0;
    if (b->in_step) {
        replica->busy_ps += engine_now(replica->engine) - b->step_began_ps;
    }
    b->in_step = false;
    b->stepping = true; /* whoever comes begins no step */
    let_leavers_go(b);
}

/* A process of its own: nothing of what the one before had in its memory. */
void batching_revive(struct replica *replica) {
    struct batching *b = (struct batching *)replica;
    if (b->prefixes) {
        prefix_cache_destroy(b->prefixes);
        b->prefixes = prefix_cache_create(b->config.block_tokens);
    }
    if (b->adapters) {
        adapters_destroy(b->adapters);
        b->adapters = adapters_create(&b->config.adapters);
    }
    tiers_open(b); /* a process of its own has its own memory on the host */
    b->free_blocks = b->config.kv_blocks;
    b->cohort.taken = false;
    b->sglang = (struct sglang_state){0};
    b->tgi = (struct tgi_state){0};
    b->just_left = b->just_freed = 0;
    b->caught_up = false;
    b->stepping = b->in_step = b->stopped = false;
    b->event = 0;
    batching_update_load(b);
}
