/* sim/manifest/server/engine_args.h: a model server's own arguments (vLLM's flags) out of a container.
 *
 * A flag is in one of three lists: modelled; known and without effect on timing (a note); not modelled (a
 * warning with its line). A bad value of a modelled flag is an error. The lists are the tables
 * engine_flags_*.c.
 */
#ifndef DRYDOCK_MANIFEST_ENGINE_ARGS_H
#define DRYDOCK_MANIFEST_ENGINE_ARGS_H

#include <stdint.h>

#include "config/notice.h"
#include "config/yaml.h"

enum precision {
    PRECISION_AUTO,
    PRECISION_BF16,
    PRECISION_FP16,
    PRECISION_FP32,
    PRECISION_FP8,
    PRECISION_INT8,
    PRECISION_INT4
};

/* Speculative decoding as it was asked for; the server tells the method from the model where none is given.
 */
struct engine_speculation {
    const char *method; /* "ngram", "eagle", "draft_model" ... */
    const char *model;  /* that drafts */
    int64_t tokens;     /* drafts a step; 0 = off, -1 = not given */
    struct position pos;
};

/* Which part of a request's life a server takes. */
enum kv_role {
    KV_ROLE_NONE,    /* all of it */
    KV_ROLE_PREFILL, /* its prompt */
    KV_ROLE_DECODE,  /* its answer */
    KV_ROLE_BOTH     /* whatever who sends it asks for */
};

/* KV blocks that come from or go to other servers, as it was asked for (--kv-transfer-config). */
struct engine_kv_transfer {
    enum kv_role role;
    const char *connector; /* vLLM: "NixlConnector", "OffloadingConnector" ... */
    int64_t reserved_decode_tokens;
    struct position pos;
};

/* KV blocks in the host's memory and in a store, as they were asked for. Zero and NULL are "not given". */
struct engine_kv_offload {
    const char *backend;      /* --kv-offloading-backend: native, lmcache */
    double bytes;             /* of all GPUs: --kv-offloading-size, cpu_bytes_to_use */
    double bytes_a_gpu;       /* --hicache-size, lmcache.max_local_cpu_size */
    double blocks;            /* num_cpu_blocks, of block_tokens where these are given */
    double ratio;             /* --hicache-ratio: to the GPU's KV cache */
    int64_t block_tokens;     /* moved together: block_size of the connector, lmcache.chunk_size */
    bool hierarchical;        /* --enable-hierarchical-cache */
    bool host_off;            /* lmcache.local_cpu: false */
    bool answers;             /* lmcache.save_decode_cache */
    const char *write_policy; /* --hicache-write-policy */
    const char *store;        /* lmcache.remote_url, --hicache-storage-backend: who shares what */
    bool preempt_by_swap;     /* --preemption-mode swap */
    struct position pos;      /* of the first of them */
};

/* Settings; a negative number or NULL is "not given" (the engine's default, which serving/ knows, applies).
 */
struct engine_args {
    bool present;       /* this container is a model server */
    const char *server; /* "vllm", "sglang", "tgi" ...: how it was told */
    const char *model;  /* --model or the positional of `vllm serve` */
    const char *served_model_name;
    struct position pos; /* of the first argument */
    struct position model_pos;
    int64_t tensor_parallel;
    int64_t pipeline_parallel;
    int64_t data_parallel;
    int64_t max_num_seqs;
    int64_t max_num_batched_tokens;
    int64_t max_model_len;
    int64_t block_size;
    int64_t num_gpu_blocks_override;
    double gpu_memory_utilization;
    double swap_space_gib;
    enum precision dtype;
    enum precision quantization; /* weights */
    enum precision kv_cache_dtype;
    int chunked_prefill;  /* -1 not given, 0, 1 */
    int prefix_caching;   /* -1, 0, 1 */
    int enforce_eager;    /* -1, 0, 1 */
    int async_scheduling; /* -1, 0, 1 */
    int enable_lora;      /* -1, 0, 1 */
    int64_t max_loras;
    int64_t max_cpu_loras;
    int64_t max_lora_rank;
    const char *scheduling_policy; /* fcfs, priority */
    const char *schedule_policy;   /* SGLang: fcfs, lpm */
    double schedule_conservativeness;
    int mixed_chunk; /* -1, 0, 1 */
    int64_t max_prefill_tokens;
    int64_t max_queued_requests;
    int64_t kv_tokens;               /* of the KV cache, in place of what memory allows */
    int64_t max_concurrent_requests; /* TGI, from here */
    int64_t max_input_tokens;
    int64_t max_waiting_tokens;
    double waiting_served_ratio;
    struct engine_speculation speculation;
    struct engine_kv_transfer kv_transfer;
    struct engine_kv_offload kv_offload;
};

enum flag_effect { FLAG_MODELLED, FLAG_NO_EFFECT, FLAG_NOT_MODELLED };

enum flag_form {
    FLAG_SWITCH, /* --x and --no-x; --x=true and --x false are taken, too */
    FLAG_VALUE,  /* one value */
    FLAG_MANY,   /* values up to the next flag */
    FLAG_MAYBE,  /* one value or none */
};

struct engine_flag {
    const char *name;  /* "--max-num-seqs" */
    const char *alias; /* "-tp"; NULL */
    enum flag_effect effect;
    enum flag_form form;
    const char *help;
    /* Puts the value ("true" and "false" for switches) into args; false and err when it is bad. NULL where
     * nothing is kept. */
    bool (*set)(struct engine_args *args, const char *value, const struct position *pos, struct arena *arena,
                struct error *err);
    const char *neutral; /* the value with which a flag that is not modelled changes nothing; NULL = none */
};

/* A model server: how its command line is told, and its flags. */
struct engine_server {
    const char *name; /* "vllm" */
    const char *help;
    const struct engine_flag *flags; /* ended by name NULL */
    const struct engine_flag *minor; /* more of them, none of which is modelled; likewise, or NULL */
    bool env_flags;                  /* NUM_SHARD=2 in the environment means --num-shard 2 */
    bool underscores;                /* --max_num_seqs is --max-num-seqs */
};
extern const struct engine_server engine_servers[]; /* ended by name NULL */

/* Reads command, args and env of a container tree. Both list form and shell form (`sh -c "vllm serve ..."`,
 * line continuations, quotes, $(VAR) and ${VAR} from env) are understood. A container that is no model server
 * leaves args->present false. Flags the server's own parser would refuse (a value missing, not a number) are
 * errors. */
bool engine_args_read(const struct yaml_node *container, struct engine_args *args, struct arena *arena,
                      struct notices *notices, struct error *err);

/* The lists of a container as they are with one flag set; the container stays as it is. */
struct engine_lists {
    struct yaml_node *command, *args; /* NULL where there is none */
};

/* `flag` ("--max-num-seqs") with a value in place of all that it has now, where the first one stands, or at
 * the end: a scalar, true or false for a switch; null takes the flag away. New words stand at `pos`. An error
 * when the container is no model server, when its words are those of a shell script, or when the server does
 * not know the flag; whether it takes the value shows when the container is read. */
bool engine_args_set(const struct yaml_node *container, const char *flag, const struct yaml_node *value,
                     const struct position *pos, struct engine_lists *lists, struct arena *arena,
                     struct error *err);

#endif
