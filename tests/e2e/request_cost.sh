#!/usr/bin/env bash
# A guard: what a request costs with all of a run in it (reading, routing, batching, telemetry, ledger, row), and what a
# step of an engine costs when each is taken by itself. Counted by callgrind on scenarios/bench-azure-1m with a synthetic
# trace: the difference of three times and once, so that what a run costs once drops out.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

A_REQUEST=9585 A_STEP=900 EVENTS=5.2 # the first two: measured, and 8 % on top
SCENARIO=scenarios/bench-azure-1m

needs_callgrind "instructions of a request"

TRACE=$SCRATCH/hour.csv
"$DRYDOCK" trace synth --preset azure-conv-2023 --quiet --out "$TRACE" || exit
# part ROWS: goes on with the first of them.
part() {
    head -n $(($1 + 1)) "$TRACE" >"$SCRATCH/part.csv"
    mv "$SCRATCH/part.csv" "$TRACE"
}
part 6000

# counted HOURS OPTION...: instructions; the summary stays in $SCRATCH/out.
counted() {
    local hours=$1
    shift
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$DRYDOCK" run "$SCENARIO" --trace "$TRACE" \
        --set "traces.0.repeat=$hours" "$@" --quiet --out "$SCRATCH/out" 2>&1 |
        sed -n 's/^.*Collected : \([0-9]*\).*$/\1/p'
}
figure() { sed -n 's/.*"'"$1"'": *\([0-9]*\).*/\1/p' "$SCRATCH/out/summary.json" | head -n 1; }

# within NAME VALUE LIMIT
within() {
    if awk "BEGIN { exit !($2 > 0 && $2 <= $3) }"; then ok "$1: $2, at most $3"; else not_ok "$1: $2, at most $3"; fi
}

one=$(counted 1)
requests=$(figure arrived) events=$(figure events)
three=$(counted 3)
requests=$(($(figure arrived) - requests)) events=$(($(figure events) - events))
within "instructions of a request" $(((three - one) / requests)) "$A_REQUEST"
within "events of a request" "$(awk "BEGIN { print $events / $requests }")" "$EVENTS"

# Steps by themselves, of few requests: callgrind takes its time.
part 1000
one=$(counted 1 --stepping)
events=$(figure events)
three=$(counted 3 --stepping)
events=$(($(figure events) - events))
within "instructions of a step by itself" $(((three - one) / events)) "$A_STEP"
