#!/usr/bin/env bash
# drydock run --reps: the bytes do not depend on --jobs, the intervals are those of the single runs, and
# whatever ends a worker or the whole leaves nothing half-written and nobody behind.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

# Two minutes of the quickstart: SimGrid at work, a fraction of a second each.
short=(--set duration=2m --set warmup=10s)

run_reps() {
    local out=$1
    shift
    "$DRYDOCK" run scenarios/quickstart --quiet --out "$out" "${short[@]}" "$@"
}
without_wall() {
    sed 's/"wall_s": *[^,}]*/"wall_s": 0/' "$1"
}
same_files() {
    cmp "$1/result.h5" "$2/result.h5" && diff <(without_wall "$1/summary.json") <(without_wall "$2/summary.json") &&
        diff <(ls -A "$1") <(ls -A "$2")
}
differs() {
    ! cmp -s "$1/result.h5" "$2/result.h5"
}

check "three replications, one at a time" run_reps "$SCRATCH/jobs1" --reps 3 --jobs 1
check "the same, two at a time" run_reps "$SCRATCH/jobs2" --reps 3 --jobs 2
check "the same, as many as there are processors" run_reps "$SCRATCH/jobs" --reps 3
check "the same without FMA and AVX2" \
    env GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2 "$DRYDOCK" run scenarios/quickstart --quiet \
    --out "$SCRATCH/plain" "${short[@]}" --reps 3
for other in jobs2 jobs plain; do
    check "every byte but wall_s is the same ($other)" same_files "$SCRATCH/jobs1" "$SCRATCH/$other"
done

for seed in 1 2 3; do
    check "seed $seed alone" run_reps "$SCRATCH/seed$seed" --seed "$seed"
done
check "--reps 1 is a plain run" run_reps "$SCRATCH/reps1" --reps 1
check "to the byte" same_files "$SCRATCH/seed1" "$SCRATCH/reps1"
check "with replications the summary in result.h5 says more" differs "$SCRATCH/seed1" "$SCRATCH/jobs1"

# Every number of the single runs against `replicated`, by another program.
cat >"$SCRATCH/recompute.py" <<'PYTHON'
import json, math, sys

T = 4.302652730  # of two degrees of freedom
whole = json.load(open(sys.argv[1] + "/summary.json"))
single = [json.load(open(f"{d}/summary.json")) for d in sys.argv[2:]]
seen = 0

def near(a, b, what):
    if abs(a - b) > 1e-9 * max(abs(a), abs(b), 1e-300):
        sys.exit(f"{what}: {a} is not {b}")

def walk(runs, got, path):
    global seen
    for key in {k for r in runs for k in r}:
        values = [r.get(key) for r in runs]
        where = f"{path}.{key}"
        if path == "" and key in ("seed", "replications", "wall_s"):
            continue
        if any(isinstance(v, dict) for v in values):
            walk([v or {} for v in values], got[key], where)
        elif any(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            x = [v for v in values if v is not None]
            figure = got[key]
            mean = sum(x) / len(x)
            half = T * math.sqrt(sum((v - mean) ** 2 for v in x) / 2 / 3)
            near(figure["mean"], mean, where)
            assert len(x) == 3 and figure["n"] == 3, where
            near(figure["ci95_high"] - figure["ci95_low"] + mean, 2 * half + mean, where)
            seen += 1

walk(single, whole["replicated"], "")
first = dict(single[0], replications=3)
for key in first:
    if key != "wall_s" and first[key] != whole[key]:
        sys.exit(f"{key} is not that of the first replication")
print(seen, "figures")
sys.exit(seen < 100)
PYTHON
check "means and intervals are those of the single runs" \
    python3 "$SCRATCH/recompute.py" "$SCRATCH/jobs1" "$SCRATCH/seed1" "$SCRATCH/seed2" "$SCRATCH/seed3"

# ---- what people see ----

table() {
    run=(run scenarios/quickstart --out "$SCRATCH/table" "${short[@]}" --reps 2 --jobs 2)
    "$DRYDOCK" "${run[@]}" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || return 1
    grep -q '^2 replications: mean' "$SCRATCH/stdout" && grep -q '  TTFT p95 .* ± ' "$SCRATCH/stdout" &&
        grep -q '^Objectives, judged on the means' "$SCRATCH/stdout" && ! grep -qv '^drydock: ' "$SCRATCH/stderr"
}
check "the table has means, half widths and judged objectives" table

json() {
    "$DRYDOCK" run scenarios/quickstart --json --out "$SCRATCH/json" "${short[@]}" --reps 2 >"$SCRATCH/stdout" &&
        cmp "$SCRATCH/stdout" "$SCRATCH/json/summary.json"
}
check "--json prints summary.json" json

# The mean decides: the first seed alone meets a limit between its figure and the mean, or misses it.
judged_on_the_mean() {
    local mean first limit met
    read -r mean first < <(python3 -c '
import json, sys
s = json.load(open(sys.argv[1]))
print(s["replicated"]["latency"]["ttft_s"]["mean"]["mean"], s["latency"]["ttft_s"]["mean"])' "$SCRATCH/jobs1/summary.json")
    limit=$(python3 -c "print(($mean + $first) / 2)")
    met=$(python3 -c "print(int($mean > $first))")
    local objective="objectives=[{metric: latency.ttft_s, statistic: mean, limit: $limit}]"
    answers "$((1 - met))" run_reps "$SCRATCH/check1" --check --set "$objective" &&
        answers "$met" run_reps "$SCRATCH/check3" --check --set "$objective" --reps 3
}
check "--check judges the mean over the replications" judged_on_the_mean

# ---- what is refused ----

for bad in --reps=0 --reps=-1 --reps=two --reps=1001 --reps= --jobs=0 --jobs=-2 --jobs=1.5 --jobs=300; do
    check "2: $bad" answers 2 run_reps "$SCRATCH/bad" "$bad"
done
from_a_pipe() {
    answers 3 "$DRYDOCK" run --reps 2 --out "$SCRATCH/pipe" <(cat scenarios/quickstart/scenario.yaml) \
        2>"$SCRATCH/stderr" && grep -q 'can be read only once' "$SCRATCH/stderr" && nothing_left "$SCRATCH/pipe"
}
check "3: a scenario that can be read only once" from_a_pipe
check "3: a scenario that is wrong" \
    answers 3 "$DRYDOCK" run scenarios/quickstart --reps 2 --out "$SCRATCH/wrong" --set drain=later
check "4: an --out that cannot be made" \
    answers 4 "$DRYDOCK" run scenarios/quickstart --quiet --reps 2 --out /proc/drydock
check "3: --strict holds for replications" \
    answers 3 "$DRYDOCK" run scenarios/first-deployment --quiet --strict --reps 2 --out "$SCRATCH/strict"

# ---- signals ----

endless=(run scenarios/quickstart --quiet --set traces.0.repeat=100000 --set duration=99d --reps 8 --jobs 2)

# The worker processes of a process, once there are as many as asked for.
workers_of() {
    local pid=$1 wanted=$2 found
    for _ in {1..100}; do
        found=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
        [[ $(wc -w <<<"$found") -ge $wanted ]] && break
        sleep 0.05
    done
    echo "$found"
}
ends_with() {
    local want=$1 pid=$2 code=0
    for _ in {1..150}; do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" || code=$?
    [[ $code -eq $want ]] || {
        echo "exit code $code, expected $want"
        cat "$SCRATCH/stderr"
        return 1
    }
}
all_gone() {
    local pid
    for pid in "$@"; do
        if kill -0 "$pid" 2>/dev/null; then
            echo "worker $pid is still there"
            return 1
        fi
    done
}

# interrupted SIGNAL TO OUT: TO is the parent or the group, as a terminal does it.
interrupted() {
    local signal=$1 to=$2 out=$3 pid found
    setsid "$DRYDOCK" "${endless[@]}" --out "$out" 2>"$SCRATCH/stderr" >"$SCRATCH/stdout" &
    pid=$!
    found=$(workers_of "$pid" 2)
    sleep 0.5
    if [[ $to == group ]]; then
        kill "-$signal" -- "-$pid"
    else
        kill "-$signal" "$pid"
    fi
    # shellcheck disable=SC2086 # a list of numbers
    ends_with 130 "$pid" && all_gone $found && nothing_left "$out" && grep -q interrupted "$SCRATCH/stderr"
}
for signal in INT TERM; do
    for to in parent group; do
        check "SIG$signal to the $to ends all and leaves nothing" \
            interrupted "$signal" "$to" "$SCRATCH/$signal-$to"
    done
done

# The first replication is over long before a thousand are.
kept_after_interrupt() {
    local out=$SCRATCH/kept pid
    setsid "$DRYDOCK" run scenarios/quickstart --out "$out" --set duration=20s --set warmup=0s --reps 1000 \
        --jobs 2 --seed 5 2>"$SCRATCH/stderr" >"$SCRATCH/stdout" &
    pid=$!
    sleep 3
    kill -INT -- "-$pid"
    ends_with 130 "$pid" || return 1
    grep -q 'of 1000 replications were finished and are kept' "$SCRATCH/stderr" || {
        cat "$SCRATCH/stderr"
        return 1
    }
    python3 -c '
import json, sys
s = json.load(open(sys.argv[1]))
n = s["replications"]
assert s["seed"] == 5 and 1 < n < 1000, n
assert s["replicated"]["requests"]["arrived"]["n"] == n' "$out/summary.json" &&
        [[ $(find "$out" -type f | wc -l) -eq 2 ]]
}
check "an interrupt keeps what was finished" kept_after_interrupt

killed_worker() {
    local out=$SCRATCH/killed pid found
    "$DRYDOCK" "${endless[@]}" --out "$out" 2>"$SCRATCH/stderr" >"$SCRATCH/stdout" &
    pid=$!
    found=$(workers_of "$pid" 2)
    sleep 0.5
    kill -KILL "${found%% *}"
    # shellcheck disable=SC2086 # a list of numbers
    ends_with 4 "$pid" && all_gone $found && nothing_left "$out" &&
        grep -q 'the worker process of seed 1 was killed by signal 9' "$SCRATCH/stderr"
}
check "a worker that is killed is told and cleaned up after" killed_worker

orphans() {
    local out=$SCRATCH/orphans pid found
    "$DRYDOCK" "${endless[@]}" --out "$out" 2>"$SCRATCH/stderr" >"$SCRATCH/stdout" &
    pid=$!
    found=$(workers_of "$pid" 2)
    sleep 0.5
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    sleep 2
    # shellcheck disable=SC2086 # a list of numbers
    all_gone $found && nothing_left "$out"
}
check "workers end when their parent is killed" orphans
