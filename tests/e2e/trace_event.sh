#!/usr/bin/env bash
# `drydock export trace-event`: what chrome://tracing and Perfetto read, held against the result that it shows.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3 # Debian's, which has h5py
"$PYTHON" -c 'import h5py' 2>/dev/null || { skip "trace events" "no python3-h5py"; exit; }

shows() {
    local name=$1
    shift
    "$DRYDOCK" run "$@" --quiet --out "$SCRATCH/$name" || return 1
    [[ $* != *--arm* ]] || mv "$SCRATCH/$name"/*/* "$SCRATCH/$name"
    "$DRYDOCK" export trace-event "$SCRATCH/$name" --requests 100000 --quiet --out "$SCRATCH/$name.json" &&
        "$PYTHON" tests/e2e/trace_event.py "$SCRATCH/$name.json" "$SCRATCH/$name/result.h5"
}
check "quickstart" shows quickstart scenarios/quickstart
check "azure-chat, cold, scaling, with time-outs" shows azure scenarios/azure-chat --set start=cold
check "without series" shows bare scenarios/quickstart --set telemetry.series=false
check "what has no pods' pools" shows first scenarios/first-deployment

check "prefill and decode apart" shows apart scenarios/disaggregate-or-not --arm 2-prefill-2-decode --set duration=30s --set warmup=5s
check "their KV moves" grep -q '"KV on its way"' "$SCRATCH/apart.json"

check "plain servers" shows queue tests/e2e/desk

window() {
    "$DRYDOCK" export trace-event "$SCRATCH/azure" --from 20m --to 21m --out "$SCRATCH/window.json" 2>"$SCRATCH/log" &&
        "$PYTHON" tests/e2e/trace_event.py "$SCRATCH/window.json" "$SCRATCH/azure/result.h5" 1200 1260 >"$SCRATCH/said" &&
        [[ $(cut -d ' ' -f 1 "$SCRATCH/said") -gt 100 ]] && ! grep -q 'are written: one in' "$SCRATCH/log"
}
check "a window" window
sample() {
    "$DRYDOCK" export trace-event "$SCRATCH/azure" --requests 1000 --out "$SCRATCH/sample.json" 2>"$SCRATCH/log" &&
        "$PYTHON" tests/e2e/trace_event.py "$SCRATCH/sample.json" "$SCRATCH/azure/result.h5" >"$SCRATCH/said" &&
        [[ $(cut -d ' ' -f 1 "$SCRATCH/said") -le 1000 ]] &&
        grep -q 'requests in the window are written: one in' "$SCRATCH/log"
}
check "a sample, said aloud" sample

complains() {
    local text=$1
    shift
    answers 2 "$DRYDOCK" export "$@" >"$SCRATCH/log" 2>&1 && grep -q -- "$text" "$SCRATCH/log"
}
check "a window of a table" complains 'do not go with the format csv' csv "$SCRATCH/azure" --from 1m
check "a window that ends before it begins" complains 'not before' trace-event "$SCRATCH/azure" --from 2m --to 1m
check "a table" complains '--table does not go with' trace-event "$SCRATCH/azure" --table requests

# Where there is no room for it, the file is named and none is left.
full() {
    local code=0
    (ulimit -f 8 && "$DRYDOCK" export "$1" "$SCRATCH/quickstart" --out "$SCRATCH/full.$1") 2>"$SCRATCH/said" || code=$?
    [[ $code == 4 ]] && grep -q "full.$1: cannot write: File too large" "$SCRATCH/said" && [[ ! -e $SCRATCH/full.$1 ]]
}
check "no room for a trace is told with its file" full trace-event
check "nor for a table" full csv
