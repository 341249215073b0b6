#!/usr/bin/env bash
# The time series of a result: their integrals are what the tables and the summary say, windows adapt to the
# length of the run or are as long as asked for, and keeping them changes nothing else.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3 # Debian's, which has h5py
agrees() {
    "$PYTHON" tests/e2e/series.py "$1/result.h5" "${@:2}"
}
run() {
    "$DRYDOCK" run "$1" --quiet --out "$SCRATCH/$2" "${@:3}"
}
summary_of() {
    sed 's/"wall_s": *[^,}]*/"wall_s": 0/' "$SCRATCH/$1/summary.json"
}
same_but_for_series() {
    local table # where a result has none of that name there is nothing on stdout
    diff <(summary_of "$1") <(summary_of "$2") || return 1
    for table in requests replicas nodes decisions charges events; do
        cmp <("$DRYDOCK" export csv "$SCRATCH/$1" --table $table 2>/dev/null) \
            <("$DRYDOCK" export csv "$SCRATCH/$2" --table $table 2>/dev/null) || return 1
    done
}

# A queue that turns users away and loses patience, that grows and shrinks by hand, and a station without work.
mkdir "$SCRATCH/queue"
cat >"$SCRATCH/queue/scenario.yaml" <<'YAML'
apiVersion: drydock/v1
kind: Scenario
metadata: {name: queue}
spec:
  warmup: 20s
  drain: 100s
  services:
    - {name: desk, replicas: 2, server: {law: exponential, mean: 2s}, queue_limit: 4}
    - {name: counter, replicas: 1, server: {law: exponential, mean: 500ms}}
    - {name: shut, replicas: 1, server: 1s}
  traces:
    - {synth: {process: poisson, rate_per_s: 1.4, duration_s: 400}, service: desk}
    - {synth: {process: poisson, rate_per_s: 1.9, duration_s: 300}, service: counter}
  policies:
    - {service: counter, timeout: 3s, router: round-robin}
    - {router: least-outstanding}
  objectives:
    - {metric: e2e_s, statistic: p95, max: 4s}
  changes:
    - {at: 77.7s, workload: desk, replicas: 4}
    - {at: 200s, workload: desk, replicas: 1}
    - {at: 300.25s, workload: desk, replicas: 0}
YAML

# Two stations that serve everybody.
mkdir "$SCRATCH/calm"
cat >"$SCRATCH/calm/scenario.yaml" <<'YAML'
apiVersion: drydock/v1
kind: Scenario
metadata: {name: calm}
spec:
  services:
    - {name: desk, replicas: 3, server: {law: exponential, mean: 2s}}
    - {name: counter, replicas: 1, server: {law: exponential, mean: 500ms}, concurrency: 2}
  traces:
    - {synth: {process: poisson, rate_per_s: 1.2, duration_s: 700}, service: desk}
    - {synth: {process: poisson, rate_per_s: 3, duration_s: 650}, service: counter}
YAML

check "a queue runs" run "$SCRATCH/queue" on
check "a queue runs without series" run "$SCRATCH/queue" off --set telemetry.series=false
check "keeping series changes nothing else" same_but_for_series on off
check "azure-chat from cold runs" run scenarios/azure-chat cold-on --set start=cold --set duration=20m
check "azure-chat from cold runs without series" \
    run scenarios/azure-chat cold-off --set start=cold --set duration=20m --set telemetry.series=false
check "keeping series changes nothing else where transfers contend" same_but_for_series cold-on cold-off
check "windows of 3 s" run "$SCRATCH/queue" by-3s --set telemetry.series_interval=3s
check "windows of 1 ms" run "$SCRATCH/queue" by-1ms --set telemetry.series_interval=1ms

# After a run of that name: what it warned of.
warned() {
    grep -q "series_interval: 100000 windows were not enough" "$SCRATCH/$1/summary.json"
}
check "windows that are too many become longer, with a warning" warned by-1ms
check "others do not" answers 1 warned by-3s

columns() {
    "$DRYDOCK" export csv "$1" --table timeseries/all | head -n 1 | grep -q '^time_s,arrivals_per_s,completions_per_s,'
}
check "an object is exported with all its series" columns "$SCRATCH/on"
listed() {
    ! "$DRYDOCK" export csv "$1" --table timeseries/al >"$SCRATCH/log" 2>&1 &&
        grep -q 'requests, .*timeseries/all, timeseries/services/counter' "$SCRATCH/log"
}
check "an object that is not there is answered with those that are" listed "$SCRATCH/on"
check "a result without series can be read" "$DRYDOCK" export csv "$SCRATCH/off" --out "$SCRATCH/off.csv"

if ! "$PYTHON" -c 'import h5py' 2>/dev/null; then
    skip "integrals of series" "no python3-h5py"
    exit
fi
check "two calm stations run" run "$SCRATCH/calm" calm
check "every window of two calm stations" agrees "$SCRATCH/calm" plain
check "two calm stations run by 7 s" run "$SCRATCH/calm" calm-by-7s --set telemetry.series_interval=7s
check "every window of two calm stations by 7 s" agrees "$SCRATCH/calm-by-7s" plain
desired() {
    "$PYTHON" - "$SCRATCH/on/result.h5" <<'PYTHON'
import sys
import h5py
import numpy as np

# As the scenario scripts it: 2, from 77.7 s on 4, from 200 s on 1, from 300.25 s on 0.
series = h5py.File(sys.argv[1])["timeseries/services/desk/replicas_desired"]
assert series.attrs["interval_s"] == 0.5
at = 0.5 * np.arange(len(series))
want = np.select([at < 77.5, at < 78, at < 200, at < 300, at < 300.5], [2, (2 * 0.2 + 4 * 0.3) / 0.5, 4, 1, 0.5], 0)
np.testing.assert_allclose(series[:], want, atol=1e-12)
PYTHON
}
check "replicas desired are as they were changed" desired
for result in on by-3s by-1ms cold-on; do
    check "integrals of series: $result" agrees "$SCRATCH/$result"
done
for folder in scenarios/*/; do
    name=$(basename "$folder")
    "$DRYDOCK" run "$folder" --out "$SCRATCH/$name" --quiet >"$SCRATCH/log" 2>&1 ||
        not_ok "$name runs" "$SCRATCH/log"
    for result in "$SCRATCH/$name"/result.h5 "$SCRATCH/$name"/*/result.h5; do
        [[ ! -f $result ]] || check "integrals of series: ${result#"$SCRATCH"/}" agrees "$(dirname "$result")"
    done
done
attribute() {
    "$PYTHON" -c "import h5py, sys; s = h5py.File(sys.argv[1] + '/result.h5')['timeseries/all/queue']; \
assert abs(s.attrs['interval_s'] - float(sys.argv[2])) < 1e-9, s.attrs['interval_s']" "$SCRATCH/$1" "$2"
}
check "windows are as long as asked for" attribute by-3s 3
check "windows that are too many are doubled" attribute by-1ms 0.008

check "windows adapt" attribute on 0.5
