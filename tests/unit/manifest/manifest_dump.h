/* tests/unit/manifest/manifest_dump.h: manifests as lines, for cases that are text. */
#ifndef DRYDOCK_TESTS_MANIFEST_DUMP_H
#define DRYDOCK_TESTS_MANIFEST_DUMP_H

#include <inttypes.h>

#include "case_file.h"
#include "manifest/manifest.h"

static inline void dump_error(const struct error *err, struct strbuf *out) {
    char text[2048];
    struct error bare = *err;
    bare.file[0] = '\0'; /* cases have no file */
    strbuf_printf(out, "error %d:%d: %s\n", err->line, err->column, error_text(&bare, text, sizeof text));
}

/* The text of a notice begins with its place, which is said once here. */
static inline void dump_notices(const struct notices *notices, struct strbuf *out) {
    for (size_t i = 0; i < notices->count; i++) {
        const struct notice *n = &notices->items[i];
        const char *text = strstr(n->text, ": ");
        strbuf_printf(out, "%s %d: %s\n", n->level == NOTICE_WARNING ? "warning" : "note", n->pos.line,
                      n->pos.file == NULL || text == NULL ? n->text : text + 2);
    }
}

static inline void dump_engine(const struct engine_args *e, struct strbuf *out) {
    static const char *const precisions[] = {"auto", "bf16", "fp16", "fp32", "fp8", "int8", "int4"};
    if (!e->present) {
        strbuf_append(out, "engine none\n");
        return;
    }
    strbuf_printf(out, "engine %s model %s\n", e->server, e->model == NULL ? "-" : e->model);
    strbuf_printf(out, "served_model_name %s\n", e->served_model_name == NULL ? "-" : e->served_model_name);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"tensor_parallel", e->tensor_parallel},
                   {"pipeline_parallel", e->pipeline_parallel},
                   {"data_parallel", e->data_parallel},
                   {"max_num_seqs", e->max_num_seqs},
                   {"max_num_batched_tokens", e->max_num_batched_tokens},
                   {"max_model_len", e->max_model_len},
                   {"block_size", e->block_size},
                   {"num_gpu_blocks_override", e->num_gpu_blocks_override},
                   {"chunked_prefill", e->chunked_prefill},
                   {"prefix_caching", e->prefix_caching},
                   {"enforce_eager", e->enforce_eager},
                   {"async_scheduling", e->async_scheduling},
                   {"enable_lora", e->enable_lora},
                   {"max_loras", e->max_loras},
                   {"max_cpu_loras", e->max_cpu_loras},
                   {"max_lora_rank", e->max_lora_rank},
                   {"mixed_chunk", e->mixed_chunk},
                   {"max_prefill_tokens", e->max_prefill_tokens},
                   {"max_queued_requests", e->max_queued_requests},
                   {"kv_tokens", e->kv_tokens},
                   {"max_concurrent_requests", e->max_concurrent_requests},
                   {"max_input_tokens", e->max_input_tokens},
                   {"max_waiting_tokens", e->max_waiting_tokens},
                   {"draft_tokens", e->speculation.tokens},
                   {"reserved_decode_tokens", e->kv_transfer.reserved_decode_tokens}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        strbuf_printf(out, "%s %" PRId64 "\n", numbers[i].name, numbers[i].value);
    }
    strbuf_printf(out, "gpu_memory_utilization %g\nswap_space_gib %g\n", e->gpu_memory_utilization,
                  e->swap_space_gib);
    strbuf_printf(out, "dtype %s\nquantization %s\nkv_cache_dtype %s\n", precisions[e->dtype],
                  precisions[e->quantization], precisions[e->kv_cache_dtype]);
    strbuf_printf(out, "draft_method %s\ndraft_model %s\n",
                  e->speculation.method ? e->speculation.method : "-",
                  e->speculation.model ? e->speculation.model : "-");
    static const char *const roles[] = {"-", "prefill", "decode", "both"};
    strbuf_printf(out, "kv_role %s\nkv_connector %s\n", roles[e->kv_transfer.role],
                  e->kv_transfer.connector ? e->kv_transfer.connector : "-");
    strbuf_printf(out, "schedule_policy %s\nschedule_conservativeness %g\nwaiting_served_ratio %g\n",
                  e->schedule_policy ? e->schedule_policy : "-", e->schedule_conservativeness,
                  e->waiting_served_ratio);
    const struct engine_kv_offload *kv = &e->kv_offload;
    strbuf_printf(out, "kv_offload %s bytes %g a_gpu %g blocks %g ratio %g unit %" PRId64 "\n",
                  kv->hierarchical ? "hierarchical"
                  : kv->backend    ? kv->backend
                                   : "-",
                  kv->bytes, kv->bytes_a_gpu, kv->blocks, kv->ratio, kv->block_tokens);
    strbuf_printf(out, "kv_host %d kv_answers %d kv_write %s kv_store %s swap %d\n", !kv->host_off,
                  kv->answers, kv->write_policy ? kv->write_policy : "-", kv->store ? kv->store : "-",
                  kv->preempt_by_swap);
    strbuf_printf(out, "scheduling_policy %s\n", e->scheduling_policy == NULL ? "-" : e->scheduling_policy);
}

static inline void dump_resources(const char *what, const struct resources *r, struct strbuf *out) {
    strbuf_printf(out, "%s cpu %" PRId64 " memory %" PRId64 " ephemeral %" PRId64 " gpus %" PRId64 " %s\n",
                  what, r->cpu_milli, r->memory_bytes, r->ephemeral_bytes, r->gpus,
                  r->gpu_resource == NULL ? "-" : r->gpu_resource);
}

static inline void dump_probe(const char *what, const struct probe *p, struct strbuf *out) {
    if (p->present) {
        strbuf_printf(out, "%s delay %g period %g timeout %g success %" PRId64 " failure %" PRId64 "\n", what,
                      p->initial_delay_s, p->period_s, p->timeout_s, p->success_threshold,
                      p->failure_threshold);
    }
}

static inline void dump_container(const struct container *c, bool init, struct strbuf *out) {
    strbuf_printf(out, "%s %s image %s\n",
                  c->sidecar ? "sidecar"
                  : init     ? "init"
                             : "container",
                  c->name, c->image);
    dump_resources("requests", &c->requests, out);
    dump_resources("limits", &c->limits, out);
    dump_probe("startup", &c->startup_probe, out);
    dump_probe("readiness", &c->readiness_probe, out);
    dump_probe("liveness", &c->liveness_probe, out);
    if (c->engine.present) {
        dump_engine(&c->engine, out);
    }
}

static inline void dump_claim(const char *what, const struct volume_claim *c, struct strbuf *out) {
    strbuf_printf(out, "%s %s class %s bytes %" PRId64 "\n", what, c->key != NULL ? c->key : c->name,
                  c->storage_class == NULL    ? "by default"
                  : *c->storage_class == '\0' ? "none"
                                              : c->storage_class,
                  c->bytes);
}

static inline void dump_workload(const struct workload *w, struct strbuf *out) {
    strbuf_printf(out, "workload %s replicas %" PRId64 "%s%s%s\n", w->key, w->replicas,
                  w->replicas_given ? "" : " by default", w->ordered ? " ordered" : "",
                  w->recreate ? " recreate" : "");
    strbuf_printf(out, "rollout surge %s unavailable %s min_ready %g progress %g\n", w->max_surge,
                  w->max_unavailable, w->min_ready_s, w->progress_deadline_s);
    strbuf_printf(out,
                  "pod labels %zu annotations %zu node_selector %zu affinity %d tolerations %d grace %g\n",
                  w->pod.labels.count, w->pod.annotations.count, w->pod.node_selector.count,
                  w->pod.affinity != NULL, w->pod.tolerations != NULL, w->pod.termination_grace_s);
    dump_resources("total", &w->pod.total, out);
    for (size_t i = 0; i < w->pod.init_container_count; i++) {
        dump_container(&w->pod.init_containers[i], true, out);
    }
    for (size_t i = 0; i < w->pod.container_count; i++) {
        dump_container(&w->pod.containers[i], false, out);
    }
    for (size_t i = 0; i < w->claim_count; i++) {
        dump_claim(w->claims_go_when_scaled ? "claim until scaled down" : "claim", &w->claims[i], out);
    }
    for (size_t i = 0; i < w->pod.claim_name_count; i++) {
        strbuf_printf(out, "uses claim %s\n", w->pod.claim_names[i]);
    }
}

static inline void dump_service(const struct service *s, struct strbuf *out) {
    strbuf_printf(out, "service %s %s selector %d\n", s->key, s->type, s->has_selector);
    for (size_t i = 0; i < s->port_count; i++) {
        strbuf_printf(out, "port %s %" PRId64 " -> %s\n", s->ports[i].name == NULL ? "-" : s->ports[i].name,
                      s->ports[i].port, s->ports[i].target_port);
    }
}

static inline void dump_rules(const char *what, const struct hpa_rules *rules, struct strbuf *out) {
    strbuf_printf(out, "%s window %" PRId64 "%s select %s tolerance %g\n", what, rules->stabilization_s,
                  rules->stabilization_given ? "" : " by default", rules->select_policy, rules->tolerance);
    for (size_t i = 0; i < rules->policy_count; i++) {
        strbuf_printf(out, "%s policy %s %" PRId64 " in %" PRId64 "\n", what, rules->policies[i].type,
                      rules->policies[i].value, rules->policies[i].period_s);
    }
}

static inline void dump_hpa(const struct hpa *h, struct strbuf *out) {
    strbuf_printf(out, "hpa %s scales %s/%s from %" PRId64 " to %" PRId64 "\n", h->key, h->target_kind,
                  h->target_name, h->min_replicas, h->max_replicas);
    for (size_t i = 0; i < h->metric_count; i++) {
        const struct hpa_metric *m = &h->metrics[i];
        strbuf_printf(out, "metric %s %s %s %" PRId64 " container %s of %s/%s selector %d\n", m->type,
                      m->name, m->target_type, m->target_milli, m->container == NULL ? "-" : m->container,
                      m->described_kind == NULL ? "-" : m->described_kind,
                      m->described_name == NULL ? "-" : m->described_name, m->selector != NULL);
    }
    dump_rules("up", &h->up, out);
    dump_rules("down", &h->down, out);
}

static inline void dump_objects(const struct manifests *m, struct strbuf *out) {
    strbuf_printf(out, "objects %zu\n", m->object_count);
    for (size_t i = 0; i < m->workload_count; i++) {
        dump_workload(&m->workloads[i], out);
    }
    for (size_t i = 0; i < m->service_count; i++) {
        dump_service(&m->services[i], out);
    }
    for (size_t i = 0; i < m->hpa_count; i++) {
        dump_hpa(&m->hpas[i], out);
    }
    for (size_t i = 0; i < m->claim_count; i++) {
        dump_claim("claim", &m->claims[i], out);
    }
    if (m->default_storage_class != NULL) {
        strbuf_printf(out, "default storage class %s\n", m->default_storage_class);
    }
    for (size_t i = 0; i < m->other_count; i++) {
        strbuf_printf(out, "other %s %s/%s\n", m->others[i].kind, m->others[i].namespace_name,
                      m->others[i].name);
    }
}

/* Documents as if they stood in one file. */
static inline void dump_manifests(const char *input, struct strbuf *out) {
    struct arena arena;
    arena_init(&arena);
    struct notices notices = {.arena = &arena};
    struct manifests m = {0};
    struct yaml_file file = {0};
    struct error err = {0};
    bool good = yaml_parse("case", input, strlen(input), &arena, &file, &err);
    for (size_t i = 0; good && i < file.count; i++) {
        good = manifests_add(file.documents[i], &m, &arena, &notices, &err);
    }
    if (good && manifests_finish(&m, &arena, &notices, &err)) {
        dump_objects(&m, out);
    } else {
        dump_error(&err, out);
    }
    dump_notices(&notices, out);
    arena_free(&arena);
}

#endif
