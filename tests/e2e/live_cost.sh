#!/usr/bin/env bash
# A guard: what a request costs in memory while it lives, and how often SimGrid is brought to the present for a
# transfer. The first is the difference in peak memory of one trace replayed at leisure and all at once; both runs
# keep the same buffers of rows. Neither depends on the machine.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

LIVE_BYTES=303 SYNCS=2.2 # measured, and a tenth on top
MEASURE=$BUILD/tests/bench/measure

[[ -z $MODE ]] || { skip "memory and syncs of a run" "not in $MODE builds"; exit; }
built "$MEASURE"

# replayed TIME_SCALE: "peak_kib live"
replayed() {
    "$MEASURE" "$DRYDOCK" run scenarios/bench-azure-1m --set traces.0.repeat=10 --set "traces.0.time_scale=$1" \
        --set policies.0.queue_limit=1000000 --set policies.0.timeout=100h --set drain=100h --verbose \
        --out "$SCRATCH/out" 2>"$SCRATCH/said" | sed 's/.* //' | tr '\n' ' '
    sed -n 's/.*live at one time: //p' "$SCRATCH/said"
}

# within NAME VALUE LIMIT
within() {
    if awk "BEGIN { exit !($2 > 0 && $2 <= $3) }"; then ok "$1: $2, at most $3"; else not_ok "$1: $2, at most $3"; fi
}

read -r few_kib few < <(replayed 1)
read -r many_kib many < <(replayed 0.0001)
within "bytes of a live request" $(((many_kib - few_kib) * 1024 / (many - few + 1))) "$LIVE_BYTES"

# syncs_within NAME: of the run in $SCRATCH/said
syncs_within() {
    local transfers syncs
    read -r transfers syncs < <(sed -n 's/.*transfers by SimGrid: \([0-9]*\) in \([0-9]*\) syncs/\1 \2/p' "$SCRATCH/said")
    within "$1" "$(awk "BEGIN { print ${syncs:-0} / (${transfers:-0} + 1e-9) }")" "$SYNCS"
}

"$DRYDOCK" run scenarios/cold-start-storm --arm nothing-cached --verbose --out "$SCRATCH/storm" >/dev/null \
    2>"$SCRATCH/said"
syncs_within "syncs of a transfer"

# With a pull under way all the time the run must not wait for SimGrid at each of its own events.
tests/bench/pulls.sh "$SCRATCH/pulls"
"$DRYDOCK" run "$SCRATCH/pulls" --verbose --out "$SCRATCH/pulled" >/dev/null 2>"$SCRATCH/said"
syncs_within "syncs of a transfer, one always under way"
