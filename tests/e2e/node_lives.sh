#!/usr/bin/env bash
# Traffic comes, goes and comes again, and nodes with it: their rows against the rules, and the same bytes twice.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3 # Debian's, which has h5py
WAVES=tests/e2e/two-waves

run_waves() {
    "$DRYDOCK" run "$WAVES" --quiet --out "$@"
}
prices_and_nodes() {
    "$DRYDOCK" export csv "$1" --table nodes | cut -d, -f1-6
}
# Without a price book the labels say how nodes are bought.
nodes_without_prices() {
    sed '/^  prices:/d' "$WAVES/scenario.yaml" >"$SCRATCH/free/scenario.yaml" &&
        "$DRYDOCK" run "$SCRATCH/free" --quiet --out "$SCRATCH/free/out" &&
        diff <(prices_and_nodes "$SCRATCH/first") <(prices_and_nodes "$SCRATCH/free/out")
}
nobody_leaves() {
    ! "$DRYDOCK" export csv "$SCRATCH/kept" --table events | grep -q NodeRemoved
}
costs_more() {
    "$PYTHON" - "$1" "$2" <<'EOF'
import json, sys
more, less = (json.load(open(f"{folder}/summary.json"))["cost"]["total_usd"] for folder in sys.argv[1:])
sys.exit(not more > less)
EOF
}

check "two waves run" run_waves "$SCRATCH/first"
check "two waves run again" run_waves "$SCRATCH/again"
check "result.h5 is the same" cmp "$SCRATCH/first/result.h5" "$SCRATCH/again/result.h5"
if "$PYTHON" -c 'import h5py, yaml' 2>/dev/null; then
    check "nodes follow the rules" "$PYTHON" tests/e2e/node_lives.py "$SCRATCH/first/result.h5" \
        "$WAVES/scenario.yaml"
else
    skip "nodes follow the rules" "no python3-h5py and python3-yaml"
fi
mkdir -p "$SCRATCH/free"
cp -r "$WAVES/manifests" "$SCRATCH/free"
check "labels say how nodes are bought where no price book does" nodes_without_prices
check "pools that never shrink run" run_waves "$SCRATCH/kept" --set cluster.pools.0.scale_down_after=never \
    --set cluster.pools.1.scale_down_after=never
check "nobody leaves them" nobody_leaves
check "and they cost more" costs_more "$SCRATCH/kept" "$SCRATCH/first"
