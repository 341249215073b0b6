#!/usr/bin/env bash
# Delays beyond the clock's 106 days never come; they do not wrap around and come at once, or for ever.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

# counts NAME WANT OPTION...: requests completed and timed out of a short quickstart.
counts() {
    local want=$1
    shift
    timeout 60 "$DRYDOCK" run scenarios/quickstart --set duration=60s --set warmup=0s "$@" --quiet --json \
        --out "$SCRATCH/out" >"$SCRATCH/summary.json" 2>"$SCRATCH/err" || { cat "$SCRATCH/err"; return 1; }
    local got
    got=$(sed -n 's/^ *"\(completed\|timed_out\)": \([0-9]*\).*/\2/p' "$SCRATCH/summary.json" | head -n 2 | tr '\n' ' ')
    [[ $want == all && $got == *[1-9]*" 0 " || $want == none && $got == "0 "* ]] || {
        echo "completed, timed out: $got"
        return 1
    }
}

check "a time-out of months is patience" counts all --set policies.0.timeout=99d
check "a drain of months is an end" counts all --set drain=99d
check "a grace period of years kills nobody" counts all \
    --set deployment/chat.spec.template.spec.terminationGracePeriodSeconds=31536000 \
    --set 'changes=[{at: 30s, workload: chat, replicas: 1}]'
check "an engine that starts for a year serves nobody" counts none --set start=cold \
    --set cluster.startup.engine_init=366d
check "a probe that waits for a century finds nobody ready" counts none --set start=cold \
    --set deployment/chat.spec.template.spec.containers.0.readinessProbe.initialDelaySeconds=2000000000
