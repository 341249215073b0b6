#!/usr/bin/env bash
# Runs of steps taken as one event give what single steps give (--stepping), to the last bit of every table: routers,
# loads, cold starts, scaling, a full KV cache, small batches, time-outs.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

CONV=$DATA/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv

# What tells how the figures were come by, and not what they are.
summary() { grep -v '"wall_s"\|"events"' "$1/summary.json"; }

same_tables() {
    local table
    for table in requests replicas histograms nodes decisions charges events timeseries/{all,services/chat,pools/h100,cost}; do
        "$DRYDOCK" export csv "$SCRATCH/fast" --table "$table" >"$SCRATCH/fast.csv" 2>/dev/null || continue
        "$DRYDOCK" export csv "$SCRATCH/single" --table "$table" >"$SCRATCH/single.csv" || return 1
        cmp "$SCRATCH/fast.csv" "$SCRATCH/single.csv" || return 1
    done
    diff <(summary "$SCRATCH/fast") <(summary "$SCRATCH/single")
}

events() { sed -n 's/.*"events": \([0-9]*\).*/\1/p' "$SCRATCH/$1/summary.json" | head -n 1; }

same() {
    "$DRYDOCK" run "$@" --quiet --out "$SCRATCH/fast" && "$DRYDOCK" run "$@" --stepping --quiet --out "$SCRATCH/single" &&
        same_tables && [[ $(events fast) -lt $(events single) ]]
}

check "quickstart" same scenarios/quickstart
routers() { "$DRYDOCK" help policies | sed -n '/^Admission/q; s/^  \([a-z][-a-z]*\)  .*/\1/p'; }
for router in $(routers | grep -v two-pool-by-length); do
    check "quickstart, six times the traffic, $router" \
        same scenarios/quickstart --set traces.0.rate_scale=6 --set policies.0.router="$router"
done
check "quickstart, six times the traffic, a gateway that looks every 50 ms" same scenarios/quickstart \
    --set traces.0.rate_scale=6 --set policies.0.router=kv-usage-aware --set policies.0.metrics_refresh=50ms

# A service of two workloads, with sessions.
cp -r scenarios/quickstart "$SCRATCH/two"
sed 's/\bname: chat$/name: long/; s/replicas: 2/replicas: 1/; s/{app: chat}/{app: chat, pool: long}/; /^---/,$d' \
    scenarios/quickstart/manifests/chat.yaml >"$SCRATCH/two/manifests/long.yaml"
sed -i '1,/^---/s/{app: chat}/{app: chat, pool: short}/' "$SCRATCH/two/manifests/chat.yaml"
with_sessions='traces=[{service: chat, region: eu-west, synth: {rate_per_s: 12, session_turns_mean: 6}}]'
check "two pools by length" same "$SCRATCH/two" --set "$with_sessions" \
    --set policies.0.router=two-pool-by-length --set 'policies.0.options={long: deployment/long, long_from: 1024}'
check "a canary by weight" same "$SCRATCH/two" --set "$with_sessions" \
    --set policies.0.router=weighted --set 'policies.0.weights={deployment/chat: 9, deployment/long: 1}'
check "sessions under a bound" same "$SCRATCH/two" --set "$with_sessions" \
    --set policies.0.router=session-affinity --set 'policies.0.options={bound: 1.25}'
for router in prefix-aware cache-aware longest-prefix slo-aware; do
    check "sessions, $router" same "$SCRATCH/two" --set "$with_sessions" --set policies.0.router=$router \
        --set policies.0.metrics_refresh=50ms
done
# A model shared out to two services, which fall back to each other.
cp -r "$SCRATCH/two" "$SCRATCH/models"
sed -i 's/{app: chat, pool: long}/{app: long}/g' "$SCRATCH/models/manifests/long.yaml"
check "two models, falling back" same "$SCRATCH/models" --set 'policies=[{router: slo-aware}]' --set "routes=[{model: any,
    targets: [{service: chat, weight: 2}, {service: long}], fallbacks: [long, chat], queue_depth_threshold: 0}]" \
    --set 'traces=[{service: any, region: eu-west, synth: {rate_per_s: 40}}]'
check "quickstart, forty times: time-outs and rejections" same scenarios/quickstart --set traces.0.rate_scale=40
# Two tenants, one of them in bursts; under each policy users try again and stop.
tenants='traces=[{service: chat, region: eu-west, synth: {rate_per_s: 8, tenant: quiet}},
    {service: chat, region: eu-west, synth: {rate_per_s: 30, process: gamma, shape: 0.2, tenant: noisy, input_tokens: 2000}}]'
admissions() { "$DRYDOCK" help policies | sed -n '1,/^Admission/d; s/^  \([a-z][-a-z]*\)  .*/\1/p'; }
declare -A told=([token-bucket]='rate: 20, by: tenant' [concurrency]='limit: 40, by: tenant'
    [tiers]='tiers: {noisy: sheddable}, shed_at: 1' [deadline]='limit: 1s')
for policy in $(admissions); do
    check "two tenants, $policy, users who try again and stop" same scenarios/quickstart --set duration=120s \
        --set "$tenants" --set "policies.0.admission=[{policy: $policy, options: {${told[$policy]:-}}}]" \
        --set policies.0.timeout=2s --set 'policies.0.retry={attempts: 3, budget: 50%}' \
        --set 'policies.0.cancel={share: 30%, after: 500ms}'
done
check "quickstart, deterministic arrivals: many ties" same scenarios/quickstart --set \
    'traces=[{service: chat, synth: {process: deterministic, rate_per_s: 8, input_tokens: 64, output_tokens: 100}}]'
check "azure-chat" same scenarios/azure-chat
check "azure-chat from nothing, three times the traffic" \
    same scenarios/azure-chat --set start=cold --set traces.0.rate_scale=3

# What breaks: paces that change at any date, steps that never end, engines started anew.
breaks() { same scenarios/quickstart --set traces.0.rate_scale=6 --set "faults=[$1]" "${@:2}"; }
check "stragglers, and GPUs that are slow now and then" breaks '{kind: straggler, workload: chat, sigma: 0.2},
    {kind: slow, pool: h100, factor: 1.31, between: {law: exponential, mean: 3s}, for: {law: exponential, mean: 2s}}'
check "crashes at random, users who try again" breaks \
    '{kind: crash, workload: chat, between: {law: exponential, mean: 150s}}' --set 'policies.0.retry={attempts: 3}'
check "a replica that hangs" breaks '{kind: hang, workload: chat, replica: 0, at: 100s}'
check "a node that is lost and comes back" breaks '{kind: node-loss, node: h100-1, at: 100s, for: 70s}'

# A KV cache of 12,288 tokens and batches of 24: preemptions.
cp -r scenarios/quickstart "$SCRATCH/small"
sed -i 's/- --max-num-seqs=128/- --max-num-seqs=24\n            - --num-gpu-blocks-override=768/' \
    "$SCRATCH/small/manifests/chat.yaml"
preempts() {
    same "$SCRATCH/small" --set traces.0.rate_scale=8 &&
        grep -q "requests were preempted" "$SCRATCH/fast/summary.json"
}
check "a KV cache that is too small" preempts

# Sessions whose prompts grow, on a cache that does not hold them all.
finds_prefixes() {
    same "$SCRATCH/small" --set 'traces=[{service: chat, synth: {rate_per_s: 2, session_turns_mean: 5}}]' &&
        "$DRYDOCK" export csv "$SCRATCH/fast" | awk -F , '
            NR == 1 { for (i = 1; i <= NF; i++) if ($i == "cached_tokens") column = i }
            NR > 1 { found += $column }
            END { exit !(found > 10000) }'
}
check "sessions find their prefixes" finds_prefixes

# What engines can be told beside: flags of quickstart's manifest, and two tenants.
with_flags() {
    local flag
    rm -rf "$SCRATCH/flags"
    cp -r "$SCRATCH/small" "$SCRATCH/flags"
    for flag in "$@"; do
        sed -i "s/- --max-num-seqs=24/&\n            - $flag/" "$SCRATCH/flags/manifests/chat.yaml"
    done
}
two_tenants='traces=[{service: chat, synth: {rate_per_s: 9, tenant: gold}}, {service: chat, synth: {rate_per_s: 9, tenant: free}}]'

with_flags --scheduling-policy=priority
check "priority scheduling" same "$SCRATCH/flags" --set "$two_tenants" --set 'policies.0.priorities={gold: 0, free: 7}'
with_flags --enable-lora --max-loras=1 --max-cpu-loras=2
check "adapters" same "$SCRATCH/flags" --set "$two_tenants" --set 'policies.0.adapters={gold: a, free: b}'

# Sessions on 12,288 tokens of KV: what leaves the GPU is found in the host's memory, or in a store.
sessions='traces=[{service: chat, region: eu-west, synth: {rate_per_s: 8, session_turns_mean: 6, input_tokens: 300}}]'
tokens_from() { "$DRYDOCK" export csv "$SCRATCH/fast" --table replicas | awk -F, -v tier="$1" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == tier) at = i }
    NR > 1 { sum += $at }
    END { exit !(sum > 0) }'; }
from_tier() { same "${@:2}" && tokens_from "$1"; }
with_flags --num-gpu-blocks-override=768 --kv-offloading-size=8
check "KV blocks in host memory" from_tier host_hits "$SCRATCH/flags" --set "$sessions"
with_flags --num-gpu-blocks-override=768 "--kv-transfer-config.kv_connector=LMCacheConnectorV1" --kv-transfer-config.kv_role=kv_both
sed -i 's|^          args:|          env: [{name: LMCACHE_REMOTE_URL, value: "redis://kv:6379"}, {name: LMCACHE_MAX_LOCAL_CPU_SIZE, value: "1"}]\n          args:|' \
    "$SCRATCH/flags/manifests/chat.yaml"
check "KV blocks in a store that replicas share" from_tier store_hits "$SCRATCH/flags" --set "$sessions" \
    --set 'cluster.kv_stores=[{bandwidth: 100Gbps, capacity: 100GB}]'
with_flags --num-gpu-blocks-override=768 --max-num-seqs=24 --preemption-mode=swap --swap-space=2
check "preemption by swap" from_tier swap_in_bytes "$SCRATCH/flags" --set traces.0.rate_scale=8

with_flags --data-parallel-size=2
sed -i 's/gpu: "1"/gpu: "2"/' "$SCRATCH/flags/manifests/chat.yaml"
check "two engines in a pod" same "$SCRATCH/flags" --set cluster.pools.0.gpus=2 --set traces.0.rate_scale=16

# Drafts differ from request to request: every step is taken by itself, and --verbose says so.
falls_back() {
    ! same "$@" && same_tables && [[ $(events fast) -eq $(events single) ]] &&
        "$DRYDOCK" run "$@" --verbose --out "$SCRATCH/fast" 2>&1 | grep -q "no fast-forward"
}
with_flags --speculative-config.method=ngram --speculative-config.num_speculative_tokens=3
check "speculative decoding falls back to single steps, and says so" falls_back "$SCRATCH/flags" \
    --set 'service_times=[{acceptance: 0.6}]'

# The same engine under the rules of others.
as_server() { # IMAGE COMMAND ARG...
    local image=$1 command=$2
    rm -rf "$SCRATCH/other"
    cp -r scenarios/quickstart "$SCRATCH/other"
    sed -i "s|image: .*|image: $image|; s|^          args:|          command: [$command]\n          args:|; /^            - --/d" \
        "$SCRATCH/other/manifests/chat.yaml"
    shift 2
    local words=("$@")
    sed -i "s|^          args:|          args: [$(IFS=,; echo "${words[*]}")]|" "$SCRATCH/other/manifests/chat.yaml"
}
LLAMA=meta-llama/Meta-Llama-3-8B-Instruct
as_server lmsysorg/sglang:v0.5.3 'python3, -m, sglang.launch_server' --model-path=$LLAMA --max-running-requests=24 \
    --max-total-tokens=12288 --context-length=8192
check "SGLang, short of KV" same "$SCRATCH/other" --set traces.0.rate_scale=8
as_server lmsysorg/sglang:v0.5.3 'python3, -m, sglang.launch_server' --model-path=$LLAMA --enable-mixed-chunk \
    --schedule-policy=lpm --chunked-prefill-size=512
check "SGLang, mixed chunks, longest prefix first" same "$SCRATCH/other" \
    --set 'traces=[{service: chat, synth: {rate_per_s: 20, session_turns_mean: 5}}]'
as_server lmsysorg/sglang:v0.5.3 'python3, -m, sglang.launch_server' --model-path=$LLAMA --max-total-tokens=12288 \
    --context-length=8192 --enable-hierarchical-cache --hicache-ratio=8 --hicache-storage-backend=mooncake
check "SGLang's hierarchical cache" from_tier host_hits "$SCRATCH/other" --set "$sessions"
as_server ghcr.io/huggingface/text-generation-inference:3.3 text-generation-launcher --model-id=$LLAMA \
    --max-concurrent-requests=60
check "Text Generation Inference" same "$SCRATCH/other" --set traces.0.rate_scale=20
sed -i 's|^          args:|          env: [{name: ATTENTION, value: paged}]\n          args:|' "$SCRATCH/other/manifests/chat.yaml"
check "Text Generation Inference, prompts whole" same "$SCRATCH/other" --set traces.0.rate_scale=20
check "static batches" same scenarios/quickstart --set traces.0.rate_scale=6 --set 'service_times=[{batching: static}]'

# Prompts at some replicas, answers at others; the KV between them over 10 Gbit/s.
disaggregated() { # FOLDER PREFILL-WORD DECODE-WORD: of a folder with one workload, chat
    local role
    for role in prefill decode; do
        sed "s/  name: chat$/  name: chat-$role/; 0,/labels: {app: chat}/s//labels: {app: chat, role: x}/
            s/{app: chat}$/{app: chat, role: $role}/; s/replicas: 2/replicas: 1/; /^---/,\$d" "$1/manifests/chat.yaml" \
            >"$1/manifests/$role.yaml"
    done
    sed -i "s|args: *$|&\n            - $2|; s|args: \[|&$2, |" "$1/manifests/prefill.yaml"
    sed -i "s|args: *$|&\n            - $3|; s|args: \[|&$3, |" "$1/manifests/decode.yaml"
    sed -i '1,/^---/d' "$1/manifests/chat.yaml"
}
leaves='traces=[{service: chat, region: eu-west, synth: {rate_per_s: 12, session_turns_mean: 4}}]'
moves='changes=[{at: 60s, workload: deployment/chat-decode, replicas: 3}, {at: 180s, workload: deployment/chat-decode, replicas: 1},
    {at: 250s, workload: deployment/chat-prefill, replicas: 0}, {at: 300s, workload: deployment/chat-prefill, replicas: 2}]'
handed_over() { # NAME FOLDER SET...
    local name=$1 folder=$2
    shift 2
    same "$folder" --set cluster.pools.0.network=10Gbps "$@" && says_handed_over "$name"
}
says_handed_over() {
    "$DRYDOCK" export csv "$SCRATCH/fast" | head -n 1 | grep -q kv_transfer_s || { echo "$1: nothing was handed over" && return 1; }
}
rm -rf "$SCRATCH/pd" && cp -r "$SCRATCH/small" "$SCRATCH/pd"
disaggregated "$SCRATCH/pd" '--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_producer"}' \
    '--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_consumer"}'
check "vLLM, prefill and decode apart, short of KV" handed_over vllm "$SCRATCH/pd" --set traces.0.rate_scale=5
check "vLLM, apart, sessions, users who try again and stop" handed_over vllm "$SCRATCH/pd" --set "$leaves" \
    --set policies.0.timeout=1s --set 'policies.0.retry={attempts: 3}' --set 'policies.0.cancel={share: 30%, after: 500ms}'
check "vLLM, apart, pods that come and go" handed_over vllm "$SCRATCH/pd" --set "$moves" --set cluster.pools.0.max=8 \
    --set deployment/chat-decode.spec.template.spec.terminationGracePeriodSeconds=1
as_server lmsysorg/sglang:v0.5.3 'python3, -m, sglang.launch_server' --model-path=$LLAMA --max-running-requests=24 \
    --max-total-tokens=12288 --context-length=8192
disaggregated "$SCRATCH/other" --disaggregation-mode=prefill --disaggregation-mode=decode
check "SGLang, prefill and decode apart, short of KV" handed_over sglang "$SCRATCH/other" --set traces.0.rate_scale=4
check "SGLang, apart, few sequences, users who try again" handed_over sglang "$SCRATCH/other" --set traces.0.rate_scale=4 \
    --set deployment/chat-decode.args.--max-running-requests=4 --set policies.0.timeout=5s --set 'policies.0.retry={attempts: 2}'
# A step that ends two prompts begins two transfers at once, to decode replicas that others send to.
as_server lmsysorg/sglang:v0.5.3 'python3, -m, sglang.launch_server' --model-path=$LLAMA
disaggregated "$SCRATCH/other" --disaggregation-mode=prefill --disaggregation-mode=decode
check "SGLang, apart, two of each, transfers that begin together" handed_over sglang "$SCRATCH/other" --set duration=180s \
    --set deployment/chat-prefill.spec.replicas=2 --set deployment/chat-decode.spec.replicas=2 \
    --set cluster.pools.0.max=4 --set cluster.pools.0.network=40Gbps \
    --set policies.0.router=least-tokens --set 'policies.0.disaggregation={router: least-outstanding}' \
    --set 'traces=[{service: chat, synth: {rate_per_s: 10, input_tokens: 4000, output_tokens: 300}}]'

if [[ -r $CONV ]]; then
    check "the real hour" same scenarios/azure-chat --trace "$CONV"
    check "the real hour, four times over" same scenarios/azure-chat --trace "$CONV" --set traces.0.rate_scale=4
else
    skip "the real hour" "no $CONV"
fi
