#!/usr/bin/env bash
# Every scenario that names a price book, one whose nodes come, go and come again, and one that has every kind of
# charge: their bills are recomputed by another program in another language.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3 # Debian's, which has h5py
if [[ -n $MODE ]]; then
    skip "bills recomputed" "not in $MODE builds"
    exit
fi
"$PYTHON" -c 'import h5py, yaml' 2>/dev/null || {
    skip "bills recomputed" "no python3-h5py and python3-yaml"
    exit
}

# The file that a scenario's `prices:` names, empty when it names none.
price_book_of() {
    sed -n 's/^  prices: *\([^ {#]*\.yaml\).*$/\1/p' "$1/scenario.yaml" | head -n 1
}

found=
for folder in scenarios/*/ tests/e2e/two-waves/ tests/e2e/every-charge/; do
    folder=${folder%/} name=$(basename "$folder") prices=$(price_book_of "$folder")
    [[ -n $prices ]] || continue
    found=yes
    if ! "$DRYDOCK" run "$folder" --out "$SCRATCH/$name" --quiet >"$SCRATCH/log" 2>&1; then
        not_ok "$name runs" "$SCRATCH/log"
        continue
    fi
    # A scenario that compares has a result for each arm.
    for result in "$SCRATCH/$name"/result.h5 "$SCRATCH/$name"/*/result.h5; do
        [[ -f $result ]] || continue
        check "the bill of ${result#"$SCRATCH"/}" "$PYTHON" tests/e2e/recompute_bill.py "$result" \
            "$folder/$prices"
    done
done
# It can fail.
refuses() {
    "$PYTHON" tests/e2e/recompute_bill.py "$SCRATCH/every-charge/result.h5" "$1" | grep -q "^not ok $2"
}
sed 's/usd_per_gb: 0.08}/usd_per_gb: 0.081}/' tests/e2e/every-charge/prices.yaml >"$SCRATCH/prices.yaml"
check "another price of a transfer is noticed" refuses "$SCRATCH/prices.yaml" "the price of us-a>internet"
sed 's/usd_per_gb_month: 0.08/usd_per_gb_month: 0.081/' tests/e2e/every-charge/prices.yaml >"$SCRATCH/prices.yaml"
check "another price of storage is noticed" refuses "$SCRATCH/prices.yaml" "storage h100-0/disk"

[[ -n $found ]] || skip "bills recomputed" "no scenario names a price book"
