#!/usr/bin/env bash
# How fast and how big: requests and events per second of wall time and peak memory, on the Azure conversation hour,
# up to a million requests of it end to end, and trace reading, on 52 copies of it in three formats. Each speed is also
# given as a ratio to a baseline that runs beside it, because machines differ and days do: a bare event-queue loop for
# simulating, memchr counting newlines for reading. Appends a line a case to $BUILD/bench/history.csv (README.md).

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"
set -euo pipefail

BENCH=$BUILD/tests/bench
HISTORY=$BUILD/bench/history.csv
TRACE=$DATA/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv
PENDING=64 # about what a run of this size has pending

mkdir -p "$BUILD/bench"
header=date,revision,compiler,cpu,case,requests,events,wall_s,peak_mib,requests_per_s,events_per_s
header+=,heap_per_s,events_vs_heap,requests_vs_heap,rows_per_s,bytes_per_s,map_lines_per_s,lines_per_s,reading_vs_map,reading_vs_memchr
[[ -f $HISTORY ]] || echo "$header" >"$HISTORY"

date=$(date -u +%Y-%m-%dT%H:%M:%SZ)
revision=$(git describe --always --dirty 2>/dev/null || echo unknown)
compiler=$(sed 's/ .*//' "$BUILD/flags")
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | tr ',' ' ')

# json NAME: the first number of that name in the run's summary.
json() {
    sed -n 's/.*"'"$1"'": *\([0-9.e+-]*\).*/\1/p' "$SCRATCH/out/summary.json" | head -n 1
}

calculate() {
    awk "BEGIN { printf \"$1\", $2 }"
}

# one_run ARGUMENT...: "wall_s user_s peak_kib", the fastest of three.
one_run() {
    for _ in 1 2 3; do
        "$BENCH/measure" "$DRYDOCK" run "$@" --quiet --out "$SCRATCH/out" 2>"$SCRATCH/err" || {
            cat "$SCRATCH/err" >&2
            return 1
        }
    done | sort -g | head -n 1
}

bench() {
    local case=$1 scenario=$2 wall_s peak_kib
    shift 2
    read -r heap_per_s queue_per_s < <("$BENCH/queue_bench" "$PENDING")
    read -r wall_s _ peak_kib < <(one_run "$scenario" "$@")

    local requests events requests_per_s events_per_s
    requests=$(json arrived)
    events=$(json events)
    requests_per_s=$(calculate %.0f "$requests / $wall_s")
    events_per_s=$(calculate %.0f "$events / $wall_s")

    printf '%s\n' "$case"
    printf '  %-18s %14s   %s\n' \
        requests "$requests" "in $wall_s s of wall time, start and end of the process included" \
        requests/s "$requests_per_s" "$(calculate %.2e "$requests_per_s / $heap_per_s") of the bare heap loop" \
        events/s "$events_per_s" "$(calculate %.3f "$events_per_s / $heap_per_s") of the bare heap loop" \
        "bare heap loop/s" "$heap_per_s" "$PENDING pending; the engine's queue alone $queue_per_s" \
        "peak memory MiB" "$(calculate %.1f "$peak_kib / 1024")" ""
    echo "$date,$revision,$compiler,$cpu,$case,$requests,$events,$wall_s,$(calculate %.1f "$peak_kib / 1024"),$(
        )$requests_per_s,$events_per_s,$heap_per_s,$(calculate %.4f "$events_per_s / $heap_per_s"),$(
        )$(calculate %.3e "$requests_per_s / $heap_per_s"),,,,,," >>"$HISTORY"
}

# side_by_side SCENARIO ARGUMENT...: four runs of it one after the other, and two at a time.
side_by_side() {
    local one two
    read -r one _ < <(one_run "$@" --reps 4 --jobs 1)
    read -r two _ < <(one_run "$@" --reps 4 --jobs 2)
    printf '%s\n  %-18s %14s   %s\n' "four runs" "at two jobs" "$(calculate %.2f "$one / $two") x" \
        "as fast as one after the other ($one s; wants two idle processors)"
}

# reading CASE FILE [LINES]: rows of FILE beside newlines of LINES, which has the same rows as text.
reading() {
    local case=$1 rows rows_per_s bytes_per_s map_per_s lines_per_s
    shift
    read -r rows rows_per_s bytes_per_s map_per_s lines_per_s < <("$BENCH/trace_bench" "$@")
    printf '%s\n' "$case"
    printf '  %-18s %14s   %s\n' \
        "trace rows/s" "$rows_per_s" "$rows rows, $(calculate %.0f "$bytes_per_s / 1e6") MB/s" \
        "newlines/s" "$map_per_s" "mapping and memchr: reading at $(calculate %.3f "$rows_per_s / $map_per_s") of it" \
        "" "$lines_per_s" "mapped before: $(calculate %.3f "$rows_per_s / $lines_per_s") of it"
    echo "$date,$revision,$compiler,$cpu,$case,$rows,,,,,,,,,$rows_per_s,$bytes_per_s,$map_per_s,$lines_per_s,$(
        )$(calculate %.4f "$rows_per_s / $map_per_s"),$(calculate %.4f "$rows_per_s / $lines_per_s")" >>"$HISTORY"
}

# days FILE COUNT: the hour again on every following day.
days() {
    head -n 1 "$1"
    for day in $(seq 0 $(($2 - 1))); do
        tail -n +2 "$1" | sed "s/^2023-11-16/$(date -u -d "2023-11-16 + $day days" +%F)/"
    done
}

bench quickstart scenarios/quickstart
if [[ -f $TRACE ]]; then
    for repeat in 1 20; do
        bench "azure-conv x$repeat" scenarios/azure-chat --set \
            "traces=[{file: $(realpath "$TRACE"), service: chat, region: westeurope, repeat: $repeat}]"
    done
    eight=(--set deployment/chat.spec.replicas=8 --set hpa/chat.spec.minReplicas=8 --set hpa/chat.spec.maxReplicas=8)
    bench "azure-1m 64 replicas" scenarios/bench-azure-1m --trace "$TRACE"
    tests/bench/pulls.sh "$SCRATCH/pulls"
    bench "azure-1m 64 replicas and pulls" "$SCRATCH/pulls" --trace "$TRACE"
    bench "azure-1m 64 replicas compressed" scenarios/bench-azure-1m --trace "$TRACE" --compress
    bench "azure-1m 8 replicas" scenarios/bench-azure-1m --trace "$TRACE" "${eight[@]}"
    bench "azure x4 8 replicas stepping" scenarios/bench-azure-1m --trace "$TRACE" "${eight[@]}" --stepping \
        --set traces.0.repeat=4
    side_by_side scenarios/bench-azure-1m --trace "$TRACE"
    days "$TRACE" 52 >"$SCRATCH/azure.csv"
    for ending in csv h5; do
        "$DRYDOCK" trace convert "$SCRATCH/azure.csv" "$SCRATCH/own.$ending" --quiet
    done
    reading "read azure-llm" "$SCRATCH/azure.csv"
    awk -F, 'NR == 1 { print "arrival_s,service,tenant,region,input_tokens,output_tokens"; next }
        { print $1 ",chat,team-" NR * 7919 % 97 ",westeurope," $2 "," $3 }' "$SCRATCH/own.csv" >"$SCRATCH/named.csv"
    reading "read csv" "$SCRATCH/own.csv"
    reading "read csv with names" "$SCRATCH/named.csv"
    reading "read drydock.trace" "$SCRATCH/own.h5" "$SCRATCH/own.csv"
else
    echo "no $TRACE: azure-chat runs on its embedded preset, and reading is not measured"
    bench "azure-preset x1" scenarios/azure-chat
fi
echo "history: $HISTORY"
