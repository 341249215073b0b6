#!/usr/bin/env bash
# What a result says of the files that its bill and its carbon come from: names and checksums, and no path of this
# machine, however they were given.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3 # Debian's, which has h5py
"$PYTHON" -c 'import h5py' 2>/dev/null || {
    skip "provenance of prices and carbon" "no python3-h5py"
    exit
}

folder=$SCRATCH/folder
cp -r tests/e2e/every-charge "$folder"
run_into() {
    local out=$1
    shift
    "$DRYDOCK" run "$folder" --quiet --out "$SCRATCH/$out" --set duration=2m "$@"
}
# kept RESULT NAME: the text under /provenance, nothing when there is none.
kept() {
    "$PYTHON" -c '
import h5py, sys
with h5py.File(sys.argv[1] + "/result.h5") as h5:
    name = "provenance/" + sys.argv[2]
    sys.stdout.write(h5[name][()].decode() if name in h5 else "")' "$SCRATCH/$1" "$2"
}
# The checksum of a file as provenance writes it.
sum_of() {
    echo "$(basename "$1") sha256:$(sha256sum <"$1" | cut -d ' ' -f 1)"
}
keeps() {
    diff <(kept "$1" "$2") <(sum_of "$3")
}
keeps_nothing() {
    [[ -z $(kept "$1" "$2") ]]
}
same_bytes() {
    cmp "$SCRATCH/$1/result.h5" "$SCRATCH/$2/result.h5"
}
names_no_path() {
    ! grep -F "$SCRATCH" "$1"
}

check "a run with files" run_into files
check "/provenance/prices has the price book's checksum" keeps files prices "$folder/prices.yaml"
check "/provenance/carbon has the series' checksum" keeps files carbon "$folder/grid.csv"

check "a run with absolute paths" run_into absolute --set "prices=$folder/prices.yaml" \
    --set "carbon.series=$folder/grid.csv"
kept absolute resolved_scenario >"$SCRATCH/resolved.yaml"
check "the resolved scenario names no path" names_no_path "$SCRATCH/resolved.yaml"
kept absolute set >"$SCRATCH/set"
check "the settings are kept, without paths" diff "$SCRATCH/set" <(printf '%s\n' \
    duration=2m prices=prices.yaml carbon.series=grid.csv)
check "a run with relative paths" run_into relative --set prices=prices.yaml --set carbon.series=grid.csv
check "where files lie changes no byte" same_bytes relative absolute

check "a run with inline prices and a number" run_into inline --set carbon=300 \
    --set "prices={nodes: [{instance_type: h100-1g, usd_per_h: 3}, {instance_type: m-16, usd_per_h: 1},
           {instance_type: m-16, purchase: spot, usd_per_h: 1}], storage: [{class: ssd, usd_per_gb_month: 1}]}"
check "inline prices have no checksum" keeps_nothing inline prices
check "a number has no checksum" keeps_nothing inline carbon

"$DRYDOCK" validate "$folder" --show-defaults >"$SCRATCH/defaults.yaml"
grep -A 6 -e '^  prices:' -e '^  carbon:' "$SCRATCH/defaults.yaml" >"$SCRATCH/files.yaml"
check "--show-defaults has prices and carbon as written" grep -q 'prices: prices.yaml' "$SCRATCH/files.yaml"
check "--show-defaults names no path for them" names_no_path "$SCRATCH/files.yaml"

# A warning tells its place from the folder on.
cp -r "$folder" "$SCRATCH/elsewhere"
folder=$SCRATCH/elsewhere
check "a copy runs" run_into copy
check "a copy elsewhere gives the same bytes, warnings with places and all" same_bytes files copy
