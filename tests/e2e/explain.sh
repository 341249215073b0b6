#!/usr/bin/env bash
# `drydock run --explain` tells lives that add up to the rows of /requests, to the picosecond, in the same words
# step by step; watching changes no byte of a result.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3

# A KV cache of 12,288 tokens, batches of 24, a gateway that looks now and then: queues, preemptions.
cp -r scenarios/quickstart "$SCRATCH/small"
sed -i 's/- --max-num-seqs=128/- --max-num-seqs=24\n            - --num-gpu-blocks-override=768/' \
    "$SCRATCH/small/manifests/chat.yaml"

# ids N COLUMN OUT: the rows with the largest value in a column.
ids() {
    "$DRYDOCK" export csv "$3" | awk -F , -v name="$2" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
        NR > 1 && $column != "" { print $column, $1 }' | LC_ALL=C sort -k1,1gr -k2,2n | head -n "$1" | cut -d ' ' -f 2
}

# The first that did not complete.
ended_otherwise() { "$DRYDOCK" export csv "$1" | awk -F , '!/,completed,/ && NR > 1 && n++ < 6 { print $1 }'; }

explain() {
    local id options=()
    for id in $1; do options+=(--explain "$id"); done
    "$DRYDOCK" run "${@:2}" --quiet "${options[@]}"
}

# Of a scenario: the same bytes watched or not, the same words with --stepping, sums as in the table.
lives() {
    local scenario=$1 wanted
    shift
    "$DRYDOCK" run "$scenario" --quiet --out "$SCRATCH/plain" "$@" || return 1
    wanted="$(ids 5 e2e_s "$SCRATCH/plain") $(ids 5 preemptions "$SCRATCH/plain") $(ids 5 id "$SCRATCH/plain")"
    wanted+=" $(ended_otherwise "$SCRATCH/plain")"
    explain "$wanted" "$scenario" --out "$SCRATCH/watched" "$@" >"$SCRATCH/fast.txt" &&
        explain "$wanted" "$scenario" --out "$SCRATCH/stepping" --stepping "$@" >"$SCRATCH/stepping.txt" &&
        cmp "$SCRATCH/plain/result.h5" "$SCRATCH/watched/result.h5" &&
        diff "$SCRATCH/fast.txt" "$SCRATCH/stepping.txt" &&
        "$DRYDOCK" export csv "$SCRATCH/plain" --out "$SCRATCH/plain.csv" &&
        "$PYTHON" tests/e2e/explain.py "$SCRATCH/fast.txt" "$SCRATCH/plain.csv"
}

check "quickstart" lives scenarios/quickstart
check "a KV cache that is too small" lives "$SCRATCH/small" --set traces.0.rate_scale=8
says() { grep -q "$1" "$SCRATCH/fast.txt"; }
check "preemption has a cause" says 'is preempted: request [0-9]* needs 1 more KV block'
check "and an end" says 'runs again, after'
check "a gateway that looks every 50 ms" lives "$SCRATCH/small" --set traces.0.rate_scale=8 \
    --set policies.0.router=kv-usage-aware --set policies.0.metrics_refresh=50ms
check "says how old its view is" says 'kv-usage-aware, which sees (of '
check "sessions find their prefixes" lives "$SCRATCH/small" \
    --set 'traces=[{service: chat, synth: {rate_per_s: 2, session_turns_mean: 5}}]'
check "and are told so" says 'prompt tokens are in the prefix cache'
check "who is turned away, and why" says 'is turned away: prompt as long as --max-model-len'
cp -r scenarios/disaggregate-or-not "$SCRATCH/apart"
sed -i '/^  arms:/,$d' "$SCRATCH/apart/scenario.yaml"
check "prefill and decode apart, KV that queues for the network" lives "$SCRATCH/apart" --set duration=60s --set warmup=10s \
    --set cluster.pools.0.network=50Gbps
check "and are told of it" says 'its KV, 0.524 GB, sets out for the replica that decodes'
check "plain servers" lives tests/e2e/desk
check "a full queue" says 'is turned away: server queue full'
check "a time-out" says 'ends: timed_out'
check "azure-chat from nothing" lives scenarios/azure-chat --set start=cold --set duration=10m
check "is held while nobody is Ready" says 'is held there: no replica is Ready'
narrow() { ! grep -n '.\{101,\}' "$SCRATCH/fast.txt"; }
check "no line is longer than 100" narrow

# ---- the slowest ----

slowest() {
    "$DRYDOCK" run "$SCRATCH/small" --set traces.0.rate_scale=8 --quiet --out "$SCRATCH/plain" \
        --explain "slowest$1:3" >"$SCRATCH/slowest.txt" 2>&1 &&
        diff <(ids 3 "$2" "$SCRATCH/plain") <(sed -n 's/^Request \([0-9]*\) .*/\1/p' "$SCRATCH/slowest.txt")
}
check "the three slowest" slowest "" e2e_s
check "the three slowest to their first token" slowest -ttft ttft_s

# ---- wrong usage ----

complains() {
    local text=$1
    shift
    answers 2 "$DRYDOCK" run "$@" --out "$SCRATCH/wrong" >"$SCRATCH/log" 2>&1 && grep -q -- "$text" "$SCRATCH/log"
}
check "an id that never was, after the run" complains 'ids from 0 to 1171' scenarios/quickstart --explain 99999
check "whose result is kept" test -s "$SCRATCH/wrong/result.h5"
check "no id" complains 'expected the id of a request' scenarios/quickstart --explain worst
check "none of the slowest" complains 'expected the id of a request' scenarios/quickstart --explain slowest:0
check "several runs" complains 'leave out --reps' scenarios/quickstart --explain 1 --reps 2
check "several arms" complains 'choose an arm' scenarios/min-replicas --explain 1
check "the slowest of several arms" complains 'choose an arm' scenarios/min-replicas --explain slowest
check "JSON" complains 'leave out --json' scenarios/quickstart --explain 1 --json
