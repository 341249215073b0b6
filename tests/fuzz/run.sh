#!/usr/bin/env bash
# Runs every libFuzzer program for FUZZ_S seconds, from the seeds named here; fails when one finds something.
# What it found lies in $BUILD/fuzz/NAME/ as crash-*, leak-*, timeout-* or oom-*.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"
FUZZ_S=${FUZZ_S:-30}
failed=0

# Folders whose files are worth starting from.
seeds_of() {
    case $1 in
    *manifest*) echo tests/bad/manifest tests/cases/manifests scenarios "$DATA/manifests" ;;
    *prices*) echo tests/bad/prices "$DATA/traces/prices" "$DATA/traces/carbon" ;;
    *trace*) echo tests/bad/trace tests/bad/traces tests/cases/traces ;;
    *) echo "tests/bad" ;;
    esac
}

for source in tests/fuzz/*.c; do
    name=$(basename "$source" .c)
    found=$BUILD/fuzz/$name
    mkdir -p "$found/corpus" "$SCRATCH/$name"
    for folder in $(seeds_of "$name"); do
        [[ ! -d $folder ]] || find "$folder" -type f -size -64k ! -name '*.expect' ! -name '*.sh' -print0 |
            while IFS= read -r -d '' seed; do
                cp "$seed" "$SCRATCH/$name/$(sha1sum <"$seed" | cut -c1-16)"
            done
    done
    if "$BUILD/tests/fuzz/$name" -max_total_time="$FUZZ_S" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$found/" "$found/corpus" "$SCRATCH/$name" >"$found/log" 2>&1; then
        echo "  $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log") inputs, nothing found"
    else
        echo "  $name: FOUND something, see $found"
        tail -n 30 "$found/log"
        failed=1
    fi
done
exit "$failed"
