/* sim/llm/adapters.h: the LoRA adapters that an engine has in GPU and in host memory, as vLLM keeps them
 * (LRUCacheWorkerLoRAManager in vllm/lora/worker_manager.py, Scheduler.schedule): a batch holds at most
 * --max-loras of them; the host keeps --max-cpu-loras, those on the GPU among them; what has not been in a
 * batch for longest goes first. An adapter that joins a batch is loaded before the step begins: from disk to
 * the host, from the host to the GPU, whichever is missing, and the step waits.
 *
 * Bookkeeping alone: no clock, no engine.
 */
#ifndef DRYDOCK_LLM_ADAPTERS_H
#define DRYDOCK_LLM_ADAPTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "serving/service_time.h"

struct adapters;

struct adapters *adapters_create(const struct adapter_limits *limits);
void adapters_destroy(struct adapters *a); /* NULL is harmless */

/* Whether a request for it may join the batch. 0, the base model, always may. */
bool adapters_fit(const struct adapters *a, uint32_t adapter);

/* A request for it joins the batch. Answers how long the step waits. */
simtime adapters_hold(struct adapters *a, uint32_t adapter);

/* A request for it has left the batch. */
void adapters_let_go(struct adapters *a, uint32_t adapter);

#endif
