#!/usr/bin/env bash
# One gateway, many models: requests for a model are shared out by weight, fall back where it is full, and are counted
# once, where they went (docs/routing.md).

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

mkdir "$SCRATCH/models"
cat >"$SCRATCH/trace.csv" <<'END'
arrival_s,input_tokens,output_tokens,service
1,10,1,gpt
2,10,1,gpt-2026
3,10,1,tiny
4,10,1,small
5,10,1,who
END
cat >"$SCRATCH/models/scenario.yaml" <<'END'
apiVersion: drydock/v1
kind: Scenario
metadata: {name: models}
spec:
  duration: 20m
  traces:
    - {service: gpt, synth: {rate_per_s: 12, input_tokens: 100, output_tokens: 1}}
    - {service: tiny, synth: {rate_per_s: 1, input_tokens: 100, output_tokens: 1}}
  services:
    - {name: large, replicas: 2, concurrency: 2, server: {law: exponential, mean: 500ms}}
    - {name: large-v2, replicas: 1, concurrency: 2, server: {law: exponential, mean: 500ms}}
    - {name: small, replicas: 1, concurrency: 8, server: {law: exponential, mean: 100ms}}
  routes:
    - model: gpt
      aliases: [gpt-2026]
      targets: [{service: large, weight: 3}, {service: large-v2, weight: 1}]
    - model: tiny
      targets: [{service: small}]
END
run() { "$DRYDOCK" run "$SCRATCH/models" --quiet --out "$SCRATCH/out" "$@"; }
# holds EXPRESSION: of `s`, the requests of services, `all`, and `warnings`
holds() {
    /usr/bin/python3 - "$SCRATCH/out/summary.json" "$1" <<'PY'
import json, sys

d = json.load(open(sys.argv[1]))
s = {name: scope["requests"] for name, scope in d["services"].items()}
keys = ("arrived", "completed", "rejected", "timed_out", "failed", "unfinished", "attempts")
assert all(sum(r[k] for r in s.values()) == d["requests"][k] for k in keys), s
for r in s.values():
    assert r["arrived"] == sum(r[k] for k in keys[1:6]), s
assert eval(f"({sys.argv[2]})", {"s": s, "all": d["requests"], "warnings": d["warnings"]}), (s, d["warnings"])
PY
}
held() {
    local expression=$1
    shift
    run "$@" && holds "$expression"
}
fall='routes.0.fallbacks=[tiny]'

# 14,400 draws of 3/4: 5 standard errors are 1.8 %
check "by weight, and nobody else" held 'abs(s["large"]["arrived"] / (s["large"]["arrived"] + s["large-v2"]["arrived"]) - 0.75) < 0.018
    and s["small"]["arrived"] < 1400 and not warnings' --set 'policies=[{router: least-outstanding}]'
check "a weight of nothing gets nothing" held 's["large-v2"]["arrived"] == 0' --set routes.0.targets.1.weight=0 \
    --set traces.0.rate_scale=0.3
without=$(sed -n 's/.*"arrived": *\([0-9]*\).*/\1/p' "$SCRATCH/out/summary.json" | head -n 1)
check "saturated, it falls back, and says so" held 's["small"]["arrived"] > 2000 and any("fell back to tiny" in w for w in warnings)
    and s["small"]["attempts"] == s["small"]["arrived"]' --set "$fall" --set routes.0.queue_depth_threshold=0
check "with room it does not" held 's["small"]["arrived"] < 1400' --set "$fall" --set routes.0.queue_depth_threshold=1000
check "a fallback is a service as well" held 's["small"]["arrived"] > 2000' --set 'routes.0.fallbacks=[small]' \
    --set routes.0.queue_depth_threshold=0
check "turned away at the door, it falls back" held 'all["rejected"] == 0 and s["small"]["arrived"] > 2000' \
    --set "$fall" --set routes.0.queue_depth_threshold=1000 --set 'policies=[{service: large, queue_limit: 0},
    {service: large-v2, queue_limit: 0}, {service: small}]'
check "turned away everywhere, it is rejected where it was asked for" held 's["large"]["rejected"] > 0 and s["small"]["rejected"] < 0.02 * s["small"]["arrived"]' \
    --set "$fall" --set 'policies=[{queue_limit: 0}]' --set traces.0.rate_scale=12
check "the first of two that has room" held 's["large-v2"]["arrived"] == 0 and s["small"]["arrived"] > 2000' \
    --set 'routes.0.targets=[{service: large}]' --set 'routes.0.fallbacks=[tiny, large-v2]' \
    --set routes.0.queue_depth_threshold=0
check "while no replica is Ready" held 's["large"]["arrived"] == 0' --set "$fall" \
    --set 'changes=[{at: 0s, workload: large, replicas: 0}]'
check "users who try again ask for the model again" held 'all["attempts"] > all["arrived"]' --set "$fall" \
    --set 'policies=[{service: large, timeout: 600ms, retry: {attempts: 3}}, {service: large-v2, timeout: 600ms, retry: {attempts: 3}}]' \
    --set traces.0.rate_scale=1.3

check "models, aliases and services by name" held 's["large"]["arrived"] + s["large-v2"]["arrived"] == 2 + 1 and s["small"]["arrived"] == 2' \
    --set 'traces=[{file: ../trace.csv}]' --set duration=0s --set "routes=[{model: gpt, aliases: [gpt-2026],
    targets: [{service: large}]}, {model: tiny, targets: [{service: small}]}, {model: '*', targets: [{service: large-v2}]}]"
check "and the rest is the rest's" holds 's["large-v2"]["arrived"] == 1 and s["large"]["arrived"] == 2'

# A route's own services decide nothing else: the same arrivals with another share.
same_arrivals() { run --set traces.0.rate_scale=0.3 && [[ $(sed -n 's/.*"arrived": *\([0-9]*\).*/\1/p' "$SCRATCH/out/summary.json" | head -n 1) == "$without" ]]; }
check "another share sees the same requests" same_arrivals
tells() { "$DRYDOCK" run "$SCRATCH/models" --quiet --out "$SCRATCH/out" --explain "$1" "${@:3}" | grep -F "$2"; }
check "a request's life tells of it" tells 0 "falls back to tiny (service small)" --set "$fall" \
    --set 'changes=[{at: 0s, workload: large, replicas: 0}, {at: 0s, workload: large-v2, replicas: 0}]'

# LoRA adapters as models.
cp -r scenarios/quickstart "$SCRATCH/lora"
sed -i 's/- --max-num-seqs=128/&\n            - --enable-lora\n            - --max-loras=1/' "$SCRATCH/lora/manifests/chat.yaml"
adapters() {
    "$DRYDOCK" run "$SCRATCH/lora" --quiet --out "$SCRATCH/out" --set 'traces=[{service: legal, synth: {rate_per_s: 3}}, {service: chat, synth: {rate_per_s: 3}}]' \
        --set "routes=[{model: legal, targets: [{service: chat, adapter: $1}]}]"
}
loads() { adapters law && grep -q '"completed": [1-9]' "$SCRATCH/out/summary.json" && ! grep -q 'enable-lora' "$SCRATCH/out/summary.json"; }
check "an adapter is a model" loads
plain_warns() {
    "$DRYDOCK" run scenarios/quickstart --quiet --out "$SCRATCH/out" --set 'routes=[{model: legal, targets: [{service: chat, adapter: law}]}]' \
        --set 'traces=[{service: legal, synth: {rate_per_s: 1}}]' && grep -q "turns requests for adapter 'law' away" "$SCRATCH/out/summary.json" &&
        holds 'all["rejected"] == all["arrived"]'
}
check "an engine without adapters turns it away, and is warned of" plain_warns
