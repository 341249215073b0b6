#!/usr/bin/env bash
# Fitted service times against tables of measured ones: what can be told is, noise is not, and the order of rows is
# nothing.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

# table NOISE: matrix products whose times are a roofline with a swing over the sites, and so much noise.
table() {
    echo "device,op_name,gemm_dtype,m,n,k,latency"
    awk -v noise="$1" 'BEGIN {
        srand(7)
        for (m = 1; m <= 8192; m *= 2)
            for (n = 512; n <= 32768; n *= 2)
                for (k = 512; k <= 16384; k *= 2) {
                    x = 2 * m * n * k / 6e11; y = 2 * (m * k + n * k + m * n) / 2e9
                    t = 0.004 + sqrt(x * x + y * y)
                    print "T,gemm,bfloat16," m "," n "," k "," t * exp(0.1 * sin(log(n)) + noise * (rand() - 0.5))
                }
    }'
}

# says CODE TEXT FILE...
says() {
    local code=0 want=$1 text=$2
    shift 2
    "$DRYDOCK" profile fit-check "$@" >"$SCRATCH/said" 2>&1 || code=$?
    cat "$SCRATCH/said"
    [[ $code == "$want" ]] && grep -qE -- "$text" "$SCRATCH/said"
}

mkdir "$SCRATCH/tables"
table 0 >"$SCRATCH/tables/smooth.csv"
table 0.6 >"$SCRATCH/noise.csv"
check "a smooth table is foretold" says 0 "^1 of 1 goals met" "$SCRATCH/tables/smooth.csv"
grep ' gemm ' "$SCRATCH/said" >"$SCRATCH/in_order"
check "noise is not, and is said to be missed" says 1 "4.5 MISSED" "$SCRATCH/noise.csv"
{ head -1 "$SCRATCH/tables/smooth.csv" && tail -n +2 "$SCRATCH/tables/smooth.csv" | sort -R --random-source=/dev/zero; } \
    >"$SCRATCH/shuffled" && mv "$SCRATCH/shuffled" "$SCRATCH/tables/smooth.csv"
check "in any order of rows, and from a folder" says 0 "^1 of 1 goals met" "$SCRATCH/tables"
grep ' gemm ' "$SCRATCH/said" >"$SCRATCH/shuffled"
check "the same figures" diff "$SCRATCH/in_order" "$SCRATCH/shuffled"
sed 's/,gemm,/,moe,/' "$SCRATCH/noise.csv" >"$SCRATCH/other.csv"
check "nothing checked is not passed" says 3 "nothing was checked" "$SCRATCH/other.csv"
check "an op that is not fitted is noted" says 0 "rows of other ops \(moe\)" --verbose "$SCRATCH/other.csv" \
    "$SCRATCH/tables"
"$DRYDOCK" profile fit-check --json "$SCRATCH/tables" >"$SCRATCH/json"
check "--json is JSON" python3 -c "import json, sys; rows = json.load(open(sys.argv[1])); assert rows[0]['met'] is True" \
    "$SCRATCH/json"

# Many tables take a while; nobody waits for them who asks to stop.
interrupted() {
    local code=0 begun=$SECONDS
    set -m # or a background job would ignore SIGINT
    "$DRYDOCK" profile fit-check "$SCRATCH"/many/*.csv >"$SCRATCH/said" 2>&1 &
    sleep 0.5
    kill -INT $!
    wait $! || code=$?
    set +m
    cat "$SCRATCH/said"
    [[ $code == 130 && $((SECONDS - begun)) -lt 20 ]] && grep -q "interrupted" "$SCRATCH/said"
}
mkdir "$SCRATCH/many"
for i in $(seq 200); do ln -s "$SCRATCH/noise.csv" "$SCRATCH/many/$i.csv"; done
check "Ctrl-C ends it" interrupted

tables=$DATA/profiles/aiconfigurator
if [[ -d $tables ]]; then
    check "decode attention measured on an A100" says 0 "^1 of 1 goals met" "$tables/a100_decode-attention_vllm-0.14.0.csv.gz"
else
    skip "measured tables" "no $tables"
fi
