/* The tables of spec.cluster: places, nodes, links, artefacts, what starting takes. */
#include "scenario/scenario_rows.h"

static const struct field region_fields[] = {
    ROW("name", TEXT, region_config, name, "The region's name; its users are an end point of links too.",
        .required = true),
    FIELDS_END,
};

static const struct field zone_fields[] = {
    ROW("name", TEXT, zone_config, name, "The zone's name.", .required = true),
    ROW("region", TEXT, zone_config, region, "The zone's region; may be left out when there is one only."),
    FIELDS_END,
};

/* Defaults: a node is ready minutes after the request in clouds without a warm buffer (instance boot, driver,
 * device plug-in); 25 Gbit/s and a local NVMe disk that reads 3 GB/s are what GPU instances of the size of
 * one to eight L4 or A10G come with. All are stated guesses to be replaced by measurements of one's own
 * cloud. 10 minutes are the Cluster Autoscaler's --scale-down-unneeded-time. */
static const struct field pool_fields[] = {
    ROW("name", TEXT, pool_config, name, "The pool's name.", .required = true),
    ROW("zone", TEXT, pool_config, zone, "Where its nodes are; may be left out when there is one zone only."),
    ROW("instance_type", TEXT, pool_config, instance_type, "What the cloud calls such a node.",
        .required = true),
    ROW("gpu", TEXT, pool_config, gpu,
        "GPU kind: `H100`, `H200`, `A100`, `L4`, `A10G`, `L40S`, `RTX-4090`; without it the nodes have "
        "none."),
    ROW("gpus", INTEGER, pool_config, gpus, "GPUs a node; 1 when `gpu` is given.", .absent = -1,
        WITHIN(0, 1024)),
    BYTES("gpu_memory", pool_config, gpu_memory_bytes, "Memory of one GPU; without it, the kind's own.",
          WITHIN(0, BYTES_MOST)),
    ROW("cpu", QUANTITY, pool_config, cpu, "Cores a node, as Kubernetes counts.", .unit = UNIT_COUNT,
        .required = true, WITHIN(0.001, 1e6)),
    BYTES("memory", pool_config, memory_bytes, "Memory a node.", .required = true, WITHIN(1, BYTES_MOST)),
    ROW("min", INTEGER, pool_config, min, "Nodes that are always there.", .fallback = "1", WITHIN(0, 1e6)),
    ROW("max", INTEGER, pool_config, max, "Nodes at most; without it as many as `min`, and at least 1.",
        .absent = -1, WITHIN(1, 1e6)),
    ROW("provisioning", DELAY, pool_config, provisioning,
        "From the request for a node to the node being Ready.",
        .fallback = "{law: lognormal, median: 180s, sigma: 0.3}"),
    DURATION(
        "scale_down_after", pool_config, scale_down_after_s,
        "A node that is Ready and has no pod for this long is removed, as long as more than `min` are Ready.",
        .fallback = "10m", .infinite = "never", WITHIN_WINDOW),
    BANDWIDTH("network", pool_config, network_bytes_per_s, "A node's network card.", .fallback = "25Gbps",
              WITHIN(BANDWIDTH_LEAST, BANDWIDTH_MOST)),
    BANDWIDTH("disk_read", pool_config, disk_read_bytes_per_s, "Reading a node's disk.", .fallback = "3GB/s",
              WITHIN(BANDWIDTH_LEAST, BANDWIDTH_MOST)),
    BANDWIDTH("disk_write", pool_config, disk_write_bytes_per_s, "Writing a node's disk.",
              .fallback = "1.5GB/s", WITHIN(BANDWIDTH_LEAST, BANDWIDTH_MOST)),
    BYTES("disk", pool_config, disk_bytes, "Room for images and weights on a node's disk.", .fallback = "1TB",
          WITHIN(1, BYTES_MOST)),
    ROW("preloaded", TEXTS, pool_config, preloaded,
        "On a new node's disk from the start: images and weights (`weights/<architecture>`) whose name "
        "contains one of these texts; `\"*\"` is all that pods which may land there need.",
        .count_offset = offsetof(struct pool_config, preloaded_count)),
    ROW("storage_class", TEXT, pool_config, storage_class,
        "The class of the price book's `storage` that the disk is paid as; without it, it comes with the "
        "node."),
    ROW("labels", LABELS, pool_config, labels, "Labels of its nodes beside the well-known ones."),
    ROW("taints", LABELS, pool_config, taints, "Taints of its nodes: key to `value:effect`."),
    FIELDS_END,
};

static const struct field link_fields[] = {
    ROW("name", TEXT, link_config, name, "The link's name; without it `from-to`."),
    ROW("from", TEXT, link_config, from,
        "A zone, a region (its users), `registry` (images) or `models` (weights).", .required = true),
    ROW("to", TEXT, link_config, to, "The other end, likewise. Links carry both ways.", .required = true),
    DURATION("latency", link_config, latency_s, "One way.", .fallback = "1ms", WITHIN(0, 3600)),
    BANDWIDTH("bandwidth", link_config, bandwidth_bytes_per_s, "In each direction.", .fallback = "10Gbps",
              WITHIN(BANDWIDTH_LEAST, BANDWIDTH_MOST)),
    ROW("shared", BOOL, link_config, shared,
        "Whether all transfers share the bandwidth, or each has that much.", .fallback = "true"),
    FIELDS_END,
};

static const struct field image_fields[] = {
    ROW("match", TEXT, image_config, match, "A part of the image's name; empty is any image.",
        .fallback = "\"\"", .empty_allowed = true),
    BYTES("size", image_config, bytes, "What is pulled, compressed.", .required = true,
          WITHIN(0, BYTES_MOST)),
    FIELDS_END,
};

/* Medians of vLLM with an 8B model on an L40S, all caches cold: init and imports 94 s; torch.compile 10 + 42
 * s and graph capture 54 s together are the warm-up (tensorfuse, cold 294 s against 82 s cached). Device
 * load: below the ~50 GB/s of pinned PCIe 5, as loaders copy through pageable memory. */
static const struct field startup_fields[] = {
    ROW("container_start", DELAY, startup_config, container_start,
        "From the image being there to the container's first instruction.",
        .fallback = "{law: lognormal, median: 2s, sigma: 0.3}"),
    ROW("engine_init", DELAY, startup_config, engine_init, "Model servers: imports and initialisation.",
        .fallback = "{law: lognormal, median: 94s, sigma: 0.2}"),
    ROW("warm_up", DELAY, startup_config, warm_up,
        "Model servers: compilation and graph capture, after the weights are loaded.",
        .fallback = "{law: lognormal, median: 106s, sigma: 0.2}"),
    BANDWIDTH("device_load", startup_config, device_load_bytes_per_s, "Weights from host to GPU memory.",
              .fallback = "20GB/s", WITHIN(BANDWIDTH_LEAST, BANDWIDTH_MOST)),
    FIELDS_END,
};

/* A token of English text is some 4 bytes. An answer is streamed as vLLM's OpenAI server does it: one
 * server-sent event a token, a chat.completion.chunk of 246 bytes with a model's name of 35 characters, and 6
 * bytes of HTTP/1.1 chunk around it (docs/cost.md counts it out). */
static const struct field wire_fields[] = {
    ROW("request_bytes_per_token", QUANTITY, scenario, request_bytes_per_token,
        "A prompt token on its way in, where the trace states no `payload_bytes`.", .unit = UNIT_NUMBER,
        .fallback = "4", WITHIN(0, 1e6)),
    ROW("response_bytes_per_token", QUANTITY, scenario, response_bytes_per_token,
        "A generated token on its way out: 250 as a streamed event of the OpenAI API, some 4 as plain text.",
        .unit = UNIT_NUMBER, .fallback = "250", WITHIN(0, 1e6)),
    FIELDS_END,
};

static const struct field kv_store_fields[] = {
    ROW("match", TEXT, kv_store_config, match,
        "A part of the name that engines give it (`lmcache.remote_url`, `--hicache-storage-backend`, "
        "`mooncake`); "
        "empty is any.",
        .fallback = "\"\"", .empty_allowed = true),
    BYTES("capacity", kv_store_config, bytes, "What it holds; the longest unused blocks go first.",
          .fallback = "none", .infinite = "none", WITHIN(1, BYTES_MOST)),
    BANDWIDTH("bandwidth", kv_store_config, bandwidth_bytes_per_s,
              "Of all its readers together, and of its writers.", .fallback = "25Gbps",
              WITHIN(BANDWIDTH_LEAST, BANDWIDTH_MOST)),
    DURATION("latency", kv_store_config, latency_s, "Until the first byte of a read.", .fallback = "1ms",
             WITHIN(0, 3600)),
    FIELDS_END,
};

const struct field scenario_cluster_fields[] = {
    LIST("regions", regions, region_count, region_config, region_fields, NULL, "Regions.",
         .fallback = "[{name: local}]"),
    LIST("zones", zones, zone_count, zone_config, zone_fields, NULL, "Zones.",
         .fallback = "[{name: local-a}]"),
    LIST("pools", pools, pool_count, pool_config, pool_fields, scenario_finish_pool,
         "Node pools. Pods of manifests need at least one."),
    LIST("links", links, link_count, link_config, link_fields, scenario_finish_link,
         "Links. Pairs that are needed and not named here get 10Gbps shared and a latency of 1ms between "
         "zones "
         "of a region, 5ms from its users and from `registry` and `models`, 40ms between regions."),
    LIST("images", images, image_count, image_config, image_fields, NULL,
         "Sizes of images, the first match counts. Others: 10GB for vllm, sglang, tensorrt and "
         "text-generation-inference, 500MB for the rest."),
    LIST("kv_stores", kv_stores, kv_store_count, kv_store_config, kv_store_fields, NULL,
         "Stores of KV blocks that replicas share, the first match counts. Replicas share one when their "
         "engines "
         "give it the same name. One that is not named here holds any number and has the defaults below."),
    ROW("startup", STRUCT, scenario, startup, "The phases of a pod's start that are no transfers.",
        .rows = startup_fields),
    DURATION(
        "node_monitor_grace", scenario, node_grace_s,
        "From a node's last sign of life to its being found NotReady (kube-controller-manager: 50s, before "
        "1.32 40s).",
        .fallback = "50s", WITHIN(0, 86400)),
    ROW("platform", PATH, scenario, platform_file,
        "A SimGrid platform (XML) in place of the one generated from zones, pools and links."),
    BYTES("flow_threshold", scenario, flow_threshold_bytes,
          "Payloads from this size on share links with each other; smaller ones take latency plus size over "
          "bandwidth.",
          .fallback = "1MB", WITHIN(0, BYTES_MOST)),
    GROUP("wire", wire_fields, "What requests and answers weigh between places."),
    FIELDS_END,
};
