#!/usr/bin/env bash
# `drydock export openmetrics`: valid text, vLLM's names and edges, and the same figures as the result.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3 # Debian's, which has h5py
"$PYTHON" -c 'import h5py' 2>/dev/null || { skip "OpenMetrics" "no python3-h5py"; exit; }

agrees() {
    local name=$1
    shift
    "$DRYDOCK" run "$@" --quiet --out "$SCRATCH/$name" &&
        "$DRYDOCK" export openmetrics "$SCRATCH/$name" >"$SCRATCH/$name.txt" &&
        "$PYTHON" tests/e2e/openmetrics.py "$SCRATCH/$name.txt" "$SCRATCH/$name/result.h5"
}

cp -r scenarios/quickstart "$SCRATCH/small"
sed -i 's/- --max-num-seqs=128/- --max-num-seqs=24\n            - --num-gpu-blocks-override=768/' \
    "$SCRATCH/small/manifests/chat.yaml"

check "quickstart" agrees quickstart scenarios/quickstart
check "a KV cache that is too small" agrees small "$SCRATCH/small" --set traces.0.rate_scale=8
check "cut off in the middle" agrees cut "$SCRATCH/small" --set traces.0.rate_scale=8 --set drain=1s
busy() { grep -q '^vllm:num_requests_running{.*} [1-9]' "$SCRATCH/cut.txt"; }
check "where the servers still work" busy
check "sessions find their prefixes" agrees sessions "$SCRATCH/small" \
    --set 'traces=[{service: chat, synth: {rate_per_s: 2, session_turns_mean: 5}}]'
check "azure-chat, cold, scaling, with time-outs" agrees azure scenarios/azure-chat --set start=cold
check "users who stop and who try again" agrees clients "$SCRATCH/small" --set traces.0.rate_scale=8 \
    --set policies.0.timeout=2s --set 'policies.0.cancel={share: 0.3, after: 500ms}' \
    --set 'policies.0.retry={attempts: 3}'
check "plain servers, which have no model" agrees queue tests/e2e/desk
stepping() {
    "$DRYDOCK" run "$SCRATCH/small" --set traces.0.rate_scale=8 --stepping --quiet --out "$SCRATCH/stepping" &&
        diff <("$DRYDOCK" export openmetrics "$SCRATCH/stepping") "$SCRATCH/small.txt"
}
check "the same step by step" stepping
