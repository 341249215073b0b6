#!/usr/bin/env bash
# SIGINT and SIGTERM in the middle of a run: 130 within seconds, nothing half-written.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../../check.sh"

# Long enough to be hit in the middle: the quickstart's trace over and over.
long_run=(run scenarios/quickstart --quiet --set traces.0.repeat=100000 --set duration=99d)

# interrupted SIGNAL DELAY_S
interrupted() {
    local signal=$1 delay_s=$2 out=$SCRATCH/$1-$2 code=0 pid
    "$DRYDOCK" "${long_run[@]}" --out "$out" 2>"$SCRATCH/err" &
    pid=$!
    sleep "$delay_s"
    if ! kill "-$signal" "$pid" 2>/dev/null; then
        echo "the run was over before the signal"
        cat "$SCRATCH/err"
        return 1
    fi
    (sleep 20 && kill -KILL "$pid") 2>/dev/null &
    local watchdog=$!
    wait "$pid" || code=$?
    kill "$watchdog" 2>/dev/null
    [[ $code -eq 130 ]] || {
        echo "exit code $code, expected 130"
        cat "$SCRATCH/err"
        return 1
    }
    nothing_left "$out"
}

for signal in INT TERM; do
    for delay_s in 0.1 1; do
        check "SIG$signal after $delay_s s" interrupted "$signal" "$delay_s"
    done
done
