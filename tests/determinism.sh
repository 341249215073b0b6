#!/usr/bin/env bash
# The same scenario and seed through programs built differently: result.h5 must be the same to the byte.
#
#   tests/determinism.sh BUILD...     folders that hold a `drydock` each

cd "$(dirname "$0")/.." || exit 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

for scenario in scenarios/*/; do
    name=$(basename "$scenario")
    first=
    for build in "$@"; do
        if ! "$build/drydock" run "$scenario" --quiet --out "$scratch/$build/$name" >"$scratch/log" 2>&1; then
            echo "  $build: $name does not run:"
            sed 's/^/    /' "$scratch/log"
            exit 1
        fi
        sum=$(sha256sum <"$scratch/$build/$name/result.h5")
        first=${first:-$sum}
        if [[ $sum == "$first" ]]; then
            echo "  $name: $build gives the same bytes"
        else
            echo "  $name: $build gives OTHER bytes than $1"
            failed=1
        fi
    done
done
exit "$failed"
