#!/usr/bin/env bash
# A guard: one HPA sync with one metric, its formula and cause written, costs at most 3,000 instructions and
# 100 more a pod. Counted by callgrind, so it is the same on every machine with the same compiler.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

BASE=3000 A_POD=100 SYNCS=160 # two rises and two falls of tests/bench/hpa_bench.c
BENCH=$BUILD/tests/bench/hpa_bench

needs_callgrind "instructions of an HPA sync"
built "$BENCH"

for kind in cpu behavior pods external; do
    for pods in 1 10 1000; do
        valgrind --tool=callgrind --toggle-collect=counted_sync --callgrind-out-file=/dev/null \
            "$BENCH" "$kind" "$pods" "$SYNCS" >"$SCRATCH/said" 2>&1
        instructions=$(sed -n 's/^.*Collected : \([0-9]*\).*$/\1/p' "$SCRATCH/said")
        a_sync=$((${instructions:-0} / SYNCS))
        limit=$((BASE + A_POD * pods))
        name="an HPA sync by $kind with $pods pods: $a_sync instructions, at most $limit"
        if ((a_sync > 0 && a_sync <= limit)); then ok "$name"; else not_ok "$name" "$SCRATCH/said"; fi
    done
done
