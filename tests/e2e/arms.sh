#!/usr/bin/env bash
# The arms of a scenario: what is written where, that arms.json says what the arms' own summaries say, that
# the bytes do not depend on --jobs, and what is kept when something goes wrong.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

cp -r scenarios/quickstart "$SCRATCH/scenario"
cat >>"$SCRATCH/scenario/scenario.yaml" <<'EOF'
  arms:
    - name: today
      description: as it stands
    - name: one-replica
      set:
        deployment/chat.spec.replicas: 1
    - name: small-batches
      set:
        deployment/chat.args.--max-num-seqs: 4
        policies: [{router: random}]
EOF
arms=(today one-replica small-batches)
short=(--set duration=2m --set warmup=10s)

run_arms() {
    local out=$1
    shift
    "$DRYDOCK" run "$SCRATCH/scenario" --quiet --out "$out" "${short[@]}" "$@"
}
without_wall() {
    sed 's/"wall_s": *[^,}]*/"wall_s": 0/' "$1"
}
same_folders() {
    local file
    diff <(cd "$1" && find . -type f | sort) <(cd "$2" && find . -type f | sort) || return 1
    while IFS= read -r file; do
        cmp <(without_wall "$1/$file") <(without_wall "$2/$file") || return 1
    done < <(cd "$1" && find . -type f)
}

check "arms, one run at a time" run_arms "$SCRATCH/jobs1" --reps 3 --jobs 1
check "arms, four runs at a time" run_arms "$SCRATCH/jobs4" --reps 3 --jobs 4
check "every byte but wall_s is the same" same_folders "$SCRATCH/jobs1" "$SCRATCH/jobs4"
check "arms once, one at a time" run_arms "$SCRATCH/once1" --jobs 1
check "arms once, two at a time" run_arms "$SCRATCH/once2" --jobs 2
check "every byte but wall_s is the same again" same_folders "$SCRATCH/once1" "$SCRATCH/once2"

all_files() {
    local arm
    [[ $(find "$1" -type f | wc -l) -eq 7 && -f $1/arms.json ]] || return 1
    for arm in "${arms[@]}"; do
        [[ -f $1/$arm/result.h5 && -f $1/$arm/summary.json ]] || return 1
    done
}
check "OUT/<arm> has the results, OUT/arms.json compares them" all_files "$SCRATCH/jobs1"

# ---- --arm ----

check "one arm alone" run_arms "$SCRATCH/alone" --arm one-replica --reps 3
check "goes into its folder, with the same bytes" \
    cmp "$SCRATCH/alone/one-replica/result.h5" "$SCRATCH/jobs1/one-replica/result.h5"
check "and is all there is" test "$(find "$SCRATCH/alone" -type f | wc -l)" -eq 2
check "one arm once" run_arms "$SCRATCH/alone_once" --arm small-batches
check "has the bytes of the arms run once" \
    cmp "$SCRATCH/alone_once/small-batches/result.h5" "$SCRATCH/once1/small-batches/result.h5"
check "2: an arm that is none" answers 2 run_arms "$SCRATCH/none" --arm tomorrow

# ---- arms.json against single runs ----

for arm in "${arms[@]}"; do
    for seed in 1 2 3; do
        run_arms "$SCRATCH/single/$seed" --arm "$arm" --seed "$seed" || not_ok "$arm with seed $seed"
    done
done
cat >"$SCRATCH/compare.py" <<'PYTHON'
import json, math, sys

out, single, arms = sys.argv[1], sys.argv[2], sys.argv[3:]
got = json.load(open(out + "/arms.json"))
assert [a["name"] for a in got["arms"]] == arms and got["schema"] == "drydock.arms/1"
assert got["seed"] == 1 and got["arms"][1]["set"] == {"deployment/chat.spec.replicas": 1}
n = got["replications"]
T = {1: None, 3: 4.302652730}[n]

def leaves(o, path=""):
    for key, value in o.items():
        if path == "" and key in ("seed", "replications", "wall_s"):
            continue
        if isinstance(value, dict):
            yield from leaves(value, path + key + ".")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield path + key, value

runs = {a: [dict(leaves(json.load(open(f"{single}/{s + 1}/{a}/summary.json")))) for s in range(n)] for a in arms}

def check(what, figure, x, carry=lambda v: v):
    mean = sum(x) / len(x)
    assert figure["n"] == len(x), what
    near(what, figure["mean"], carry(mean), x)
    if len(x) < 2:
        assert figure["ci95_low"] is None and figure["ci95_high"] is None, what
        return
    half = T * math.sqrt(sum((v - mean) ** 2 for v in x) / (len(x) - 1) / len(x))
    near(what, figure["ci95_low"], carry(mean - half), x)
    near(what, figure["ci95_high"], carry(mean + half), x)

def near(what, a, b, x):
    scale = max([abs(v) for v in x] + [abs(a), abs(b)])
    if abs(a - b) > 1e-8 * scale + 1e-12:
        sys.exit(f"{what}: {a} is not {b}")

seen = 0
paths = sorted({p for a in arms for r in runs[a] for p in r})
assert sorted(got["metrics"]) == paths, set(paths) ^ set(got["metrics"])
for path in paths:
    base = [r.get(path) for r in runs[arms[0]]]
    for arm in arms:
        x = [r.get(path) for r in runs[arm]]
        figure = got["metrics"][path].get(arm)
        if all(v is None for v in x):
            assert figure is None, path
            continue
        check(path, figure, [v for v in x if v is not None])
        assert ("difference" in figure) == (arm != arms[0]), path
        pairs = [(b, v) for b, v in zip(base, x) if b is not None and v is not None]
        if arm == arms[0] or not pairs:
            continue
        check(path + " difference", figure["difference"], [v - b for b, v in pairs])
        if all(b > 0 and v > 0 for b, v in pairs):
            check(path + " relative", figure["relative"], [math.log(v / b) for b, v in pairs], math.expm1)
        else:
            assert figure["relative"]["mean"] is None, path
        seen += 1
print(seen, "comparisons")
sys.exit(seen < 100)
PYTHON
check "arms.json is what the single runs say" \
    python3 "$SCRATCH/compare.py" "$SCRATCH/jobs1" "$SCRATCH/single" "${arms[@]}"
check "with one replication, too, without intervals" \
    python3 "$SCRATCH/compare.py" "$SCRATCH/once1" "$SCRATCH/single" "${arms[@]}"

same_replicated() {
    python3 - "$SCRATCH/jobs1" "${arms[@]}" <<'PYTHON'
import json, sys
out = sys.argv[1]
metrics = json.load(open(out + "/arms.json"))["metrics"]
for arm in sys.argv[2:]:
    own = json.load(open(f"{out}/{arm}/summary.json"))["replicated"]["latency"]["e2e_s"]["p99"]
    there = metrics["latency.e2e_s.p99"][arm]
    assert all(own[k] == there[k] for k in own), (own, there)
PYTHON
}
check "and what the arms' own summaries say of their replications" same_replicated

# ---- what people see ----

table() {
    "$DRYDOCK" run "$SCRATCH/scenario" --out "$SCRATCH/table" "${short[@]}" "$@" >"$SCRATCH/stdout" \
        2>"$SCRATCH/stderr" || return 1
    cat "$SCRATCH/stdout"
    [[ $(LC_ALL=C.UTF-8 awk 'length > 100' "$SCRATCH/stdout" | wc -l) -eq 0 ]] &&
        grep -q '^one-replica ' "$SCRATCH/stdout" && ! grep -qv '^drydock: ' "$SCRATCH/stderr"
}
once() {
    table && grep -q 'needs replications (--reps 10)' "$SCRATCH/stdout"
}
several() {
    table --reps 2 && grep -q '±' "$SCRATCH/stdout" && ! grep -q 'needs replications' "$SCRATCH/stdout"
}
json() {
    "$DRYDOCK" run "$SCRATCH/scenario" --json --out "$SCRATCH/json" "${short[@]}" >"$SCRATCH/stdout" &&
        cmp "$SCRATCH/stdout" "$SCRATCH/json/arms.json"
}
check "the table of single runs says what intervals need" once
check "the table of replications has intervals, in 100 columns" several
check "--json prints arms.json" json

missed() {
    answers 1 run_arms "$SCRATCH/check" --check \
        --set 'objectives=[{metric: replicas.mean, min: 1.5}]' 2>"$SCRATCH/stderr" || return 1
    cat "$SCRATCH/stderr"
    grep -q 'arm one-replica misses replicas.mean >= 1.5' "$SCRATCH/stderr" && ! grep -q today "$SCRATCH/stderr"
}
check "--check says which arm misses what" missed
check "0: --check with objectives that all arms meet" \
    run_arms "$SCRATCH/check" --check --set 'objectives=[{metric: replicas.mean, min: 0.5}]'

# ---- failures ----

kept_after_failure() {
    local out=$SCRATCH/failing
    mkdir -p "$out"
    echo "a file where a folder is wanted" >"$out/small-batches"
    answers 4 "$DRYDOCK" run "$SCRATCH/scenario" --out "$out" "${short[@]}" --reps 2 --jobs 1 \
        >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || return 1
    cat "$SCRATCH/stderr"
    grep -q '2 of 3 arms were finished and are kept' "$SCRATCH/stderr" &&
        grep -q 'this happened with arm small-batches, seed 1' "$SCRATCH/stderr" &&
        [[ -f $out/today/result.h5 && -f $out/one-replica/result.h5 ]] &&
        python3 -c 'import json, sys
assert [a["name"] for a in json.load(open(sys.argv[1]))["arms"]] == ["today", "one-replica"]' "$out/arms.json" &&
        [[ -z $(find "$out" -name '*.tmp-*') ]]
}
check "an arm that fails takes nothing from those that finished" kept_after_failure

# The second arm would take hours.
cp -r "$SCRATCH/scenario" "$SCRATCH/long"
sed -i '/- name: one-replica/,$d' "$SCRATCH/long/scenario.yaml"
cat >>"$SCRATCH/long/scenario.yaml" <<'EOF'
    - name: endless
      set:
        traces.0.repeat: 100000
        duration: 99d
EOF
interrupted() {
    local out=$SCRATCH/interrupted code=0 pid
    setsid "$DRYDOCK" run "$SCRATCH/long" --out "$out" --jobs 1 >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" &
    pid=$!
    for _ in {1..100}; do
        [[ -f $out/today/summary.json ]] && break
        sleep 0.1
    done
    sleep 0.5
    kill -INT -- "-$pid"
    wait "$pid" || code=$?
    cat "$SCRATCH/stdout" "$SCRATCH/stderr"
    [[ $code -eq 130 && $(find "$out" -type f | wc -l) -eq 3 ]] &&
        grep -q '1 of 2 arms were finished and are kept' "$SCRATCH/stderr" &&
        python3 -c 'import json, sys
assert [a["name"] for a in json.load(open(sys.argv[1]))["arms"]] == ["today"]' "$out/arms.json"
}
check "an interrupt keeps the arms that were finished" interrupted
