#!/usr/bin/env bash
# Every scenario that ships: it states its question and answer, is valid, runs, keeps what it promises, and its README
# tells figures that it gives.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

has_question_and_answer() { grep -q '^\*\*Question\.\*\*' "$1" && grep -q '^\*\*Answer\.\*\*' "$1"; }
runs() { "$DRYDOCK" run "$1" --quiet --out "$SCRATCH/$(basename "$1")"; }

for folder in scenarios/*/; do
    folder=${folder%/}
    name=$(basename "$folder")
    [[ $name == quickstart ]] || check "$name has a question and an answer" has_question_and_answer "$folder/README.md"
    check "$name is valid" "$DRYDOCK" validate "$folder" --quiet
    check "$name runs" runs "$folder"
done

# arms NAME EXPRESSION: what must hold of m[metric][arm], the means of its arms.json.
arms() {
    /usr/bin/python3 - "$SCRATCH/$1/arms.json" "$2" <<'PY'
import json, sys

metrics = json.load(open(sys.argv[1]))["metrics"]
m = {name: {arm: figure["mean"] for arm, figure in of.items()} for name, of in metrics.items()}
assert eval(sys.argv[2]), {name: m[name] for name in ("slo.attainment", "cost.total_usd")}
PY
}
check "min-replicas: four kept ready are cheaper than one, and keep the promise" arms min-replicas \
    'm["cost.total_usd"]["min-4"] < m["cost.total_usd"]["min-1"] and m["slo.attainment"]["min-4"] > 0.95'
check "cold-start-storm: as many give up as its README says" arms cold-start-storm \
    '[round(m["requests.timed_out"][a]) for a in ("nothing-cached", "node-cache", "early")] == [11224, 8528, 0]'

check "batching-limits: promises kept, and gaps, as its README says" arms batching-limits \
    '[round(1000 * m["slo.attainment"][a]) for a in ("32-sequences", "512-tokens", "2048-tokens", "8192-tokens",
    "prompts-whole", "static")] == [18, 786, 957, 965, 966, 0] and [round(1000 * m["latency.itl_s.p99"][a]) for a in
    ("512-tokens", "2048-tokens", "8192-tokens", "prompts-whole")] == [19, 52, 139, 116]'
check "prefix-cache: promises kept, and first tokens, as its README says" arms prefix-cache \
    '[round(1000 * m["slo.attainment"][a]) for a in ("no-cache", "cache", "affinity", "bounded", "prefix-aware",
    "cache-aware", "small-cache", "small-cache-host", "store", "fast-store")] == [875, 917, 935, 932, 958, 951, 502, 901, 363,
    1000] and [round(1000 * m["latency.ttft_s.p50"][a])
    for a in ("no-cache", "cache", "affinity", "bounded", "prefix-aware", "cache-aware", "small-cache", "small-cache-host",
    "store", "fast-store")] == [120, 98, 48, 63, 45, 46, 340, 57, 52, 54]'

check "disaggregate-or-not: gaps, first tokens and who gave up, as its README says" arms disaggregate-or-not \
    '[round(1e4 * m["latency.itl_s.p99"][a]) / 10 for a in ("together", "together-512", "together-352",
    "2-prefill-2-decode", "3-prefill-1-decode", "2-2-at-25Gbps")] == [92.4, 17.9, 14.7, 14.1, 108.8, 14.9] and [
    round(1000 * m["latency.ttft_s.p95"][a]) for a in ("together", "together-512", "together-352",
    "2-prefill-2-decode")] == [269, 317, 392, 444] and [round(m["requests.timed_out"][a]) for a in
    ("2-prefill-2-decode", "1-prefill-3-decode", "3-prefill-1-decode", "2-2-at-25Gbps")] == [0, 7612, 2801, 8557]'

# rows NAME: each row of its README's table that is an arm's: promise kept, TTFT p50 and p95, TPOT p95.
rows() {
    /usr/bin/python3 - "$SCRATCH/$1/arms.json" "scenarios/$1/README.md" "$2" <<'PY'
import json, sys

m = json.load(open(sys.argv[1]))["metrics"]
rows = 0
for line in open(sys.argv[2]):
    cells = [c.strip(" *") for c in line.split("|")]
    if len(cells) < 7 or cells[1] not in m["slo.attainment"]:
        continue
    had = [m[name][cells[1]]["mean"] for name in ("slo.attainment", "latency.ttft_s.p50", "latency.ttft_s.p95", "latency.tpot_s.p95")]
    told = [float(c.split()[0]) for c in cells[3:7]]
    had = [f"{100 * had[0]:.1f}", f"{1000 * had[1]:.0f}", f"{1000 * had[2]:.0f}", f"{1000 * had[3]:.1f}"]
    assert had == [f"{told[0]:.1f}", f"{told[1]:.0f}", f"{told[2]:.0f}", f"{told[3]:.1f}"], (cells[1], had, told)
    rows += 1
assert rows == int(sys.argv[3]), rows
PY
}
check "which-router: every row as its README says" rows which-router 12

# The rows of noisy-tenant's README against one run: shares in %, within what one run is off the mean of twenty.
noisy_tenant() {
    /usr/bin/python3 - "$SCRATCH/noisy-tenant" scenarios/noisy-tenant/README.md <<'PY'
import json, re, sys

rows = 0
for line in open(sys.argv[2]):
    cells = [c.strip(" *") for c in line.split("|")]
    if len(cells) < 7 or not re.search(r"\d %", line):
        continue
    t = json.load(open(f"{sys.argv[1]}/{cells[1]}/summary.json"))["tenants"]
    reports = t["reports"]["requests"]
    had = [t["support"]["slo"]["attainment"], t["search"]["slo"]["attainment"],
           reports["completed"] / reports["arrived"], reports["rejected"] / reports["arrived"]]
    told = [float(c.split()[0]) / 100 for c in cells[2:6]]
    assert all(abs(a - b) < 0.06 for a, b in zip(had, told)), (cells[1], had, told)
    rows += 1
assert rows == 5, rows
PY
}
check "noisy-tenant: who is protected, as its README says" noisy_tenant
check "noisy-tenant: fair queueing protects, a queue alone does not" arms noisy-tenant \
    'm["slo.attainment"]["vtc"] > m["slo.attainment"]["none"] + 0.2 and m["slo.attainment"]["fifo"] < m["slo.attainment"]["none"]'

# The rows of replica-crash's README against one run: what one run is off the mean of twenty.
replica_crash() {
    /usr/bin/python3 - "$SCRATCH/replica-crash" scenarios/replica-crash/README.md <<'PY'
import json, re, sys

rows = 0
for line in open(sys.argv[2]):
    cells = [c.strip(" *") for c in line.split("|")]
    if len(cells) < 9 or not re.match(r"\d+\.\d %", cells[2]):
        continue
    summary = json.load(open(f"{sys.argv[1]}/{cells[1]}/summary.json"))
    had = 100 * summary["slo"]["attainment"], summary["requests"]["failed"], summary["cost"]["total_usd"]
    told = float(cells[2].split()[0]), float(cells[4]), float(cells[7].strip("$"))
    assert all(abs(a - b) < off for a, b, off in zip(had, told, (5, 20, 0.02))), (cells[1], had, told)
    rows += 1
assert rows == 8, rows
PY
}
check "replica-crash: what a failing GPU costs, as its README says" replica_crash
check "replica-crash: retries do not help, a quick start does, one replica more keeps the promise" arms replica-crash \
    '(m["slo.attainment"]["retry"] < m["slo.attainment"]["one-gpu-fails"] + 0.01 and
    m["slo.attainment"]["spare-and-quick"] > 0.95 and m["slo.attainment"]["one-more"] > 0.99)'

# figure NAME-OF-OUT PATH: a figure of its summary.
figure() {
    /usr/bin/python3 - "$SCRATCH/$1/summary.json" "$2" <<'PY'
import json, sys

value = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    value = value[key]
print(value)
PY
}
is() { [[ $(figure "$1" "$2") == "$3"* ]] && grep -q "$4" "scenarios/$1/README.md"; }

# shellcheck disable=SC2016 # a dollar of money
check "first-deployment costs what its README says" is first-deployment cost.total_usd 497.7 '\$498 a day'
memory_is_warned_of() { grep -q "the weights that pass through it are 16.1 GB" "$SCRATCH/first-deployment/summary.json"; }
check "first-deployment warns of memory below the weights" memory_is_warned_of
