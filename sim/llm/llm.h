/* sim/llm/llm.h: engines of language models, as kinds of replica (serving/replica.h). */
#ifndef DRYDOCK_LLM_LLM_H
#define DRYDOCK_LLM_LLM_H

#include "serving/replica.h"

/* Continuous batching as vLLM v1 schedules it: one token budget for running and waiting requests, chunked
 * prefill, FCFS, preemption of the last one running by recompute. `times` is shared by equal replicas. With
 * `fast`, steps that only decode are taken many at a time where nothing happens between them: every date,
 * count and gap is what single steps give, to the bit. */
struct replica *batching_create(struct engine *engine, const struct replica_config *config,
                                const struct service_time *times, bool fast,
                                const struct replica_events *events);

/* As many engines side by side as the config has (--data-parallel-size), which look like one replica with
 * that many servers. */
struct replica *data_parallel_create(struct engine *engine, const struct replica_config *config,
                                     const struct service_time *times, bool fast,
                                     const struct replica_events *events);

#endif
