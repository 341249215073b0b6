#!/usr/bin/env bash
# SIGINT and SIGTERM in the middle of a run: 130 within seconds, nothing half-written.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../../check.sh"

# Long enough to be hit in the middle: the quickstart's trace over and over.
long_run=(run scenarios/quickstart --quiet --set traces.0.repeat=100000 --set duration=99d)

# interrupted SIGNAL DELAY_S FOLDER COMMAND...: the command writes into the folder, if at all.
interrupted() {
    local signal=$1 delay_s=$2 out=$3 code=0 pid
    shift 3
    mkdir -p "$out"
    "$DRYDOCK" "$@" 2>"$SCRATCH/err" >"$SCRATCH/stdout" &
    pid=$!
    sleep "$delay_s"
    if ! kill "-$signal" "$pid" 2>/dev/null; then
        echo "the run was over before the signal"
        cat "$SCRATCH/err"
        return 1
    fi
    # No watchdog in the background: killed too early, it would run this script's EXIT trap.
    for _ in {1..200}; do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" || code=$?
    [[ $code -eq 130 ]] || {
        echo "exit code $code, expected 130"
        cat "$SCRATCH/err"
        return 1
    }
    nothing_left "$out"
}

for signal in INT TERM; do
    for delay_s in 0.1 1; do
        out=$SCRATCH/$signal-$delay_s
        check "SIG$signal after $delay_s s of a run" \
            interrupted "$signal" "$delay_s" "$out" "${long_run[@]}" --out "$out"
    done
done

"$DRYDOCK" trace synth --preset quickstart --out "$SCRATCH/trace.csv" --quiet >/dev/null
for file in trace.h5 trace.csv trace.csv.gz; do
    out=$SCRATCH/convert-$file
    check "SIGINT while $file is written" interrupted INT 0.3 "$out" \
        trace convert --repeat 14000 "$SCRATCH/trace.csv" "$out/$file"
done
