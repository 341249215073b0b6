#!/usr/bin/env bash
# A disk that fills up at different stages of writing: always 4, never a half file under a final name.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../../check.sh"

# fails_clean OUT: a run into OUT cannot be finished.
fails_clean() {
    answers 4 "$DRYDOCK" run scenarios/quickstart --quiet --out "$1" && nothing_left "$1"
}

# disk_full.sh inside SIZE: the part that runs in a mount namespace of its own.
if [[ ${1:-} == inside ]]; then
    mkdir "$SCRATCH/small"
    mount -t tmpfs -o "size=$2" tmpfs "$SCRATCH/small" || exit
    fails_clean "$SCRATCH/small/out"
    code=$?
    umount "$SCRATCH/small"
    exit "$code"
fi

if [[ $MODE == coverage ]]; then
    skip "disk full" "the counters would not fit either"
    exit 0
fi

# A limit on the size of one file, which needs no privilege.
limited() {
    (ulimit -f "$1" && fails_clean "$SCRATCH/limited") >"$SCRATCH/limited.log"
}
for kilobytes in 1 8 64; do
    check "no file may pass $kilobytes KiB" limited "$kilobytes"
done

# The same for other writers: FILE COMMAND...
limited_writer() {
    local file=$1
    shift
    (ulimit -f 8 && answers 4 "$DRYDOCK" "$@" --quiet >/dev/null) && nothing_left "$(dirname "$file")"
}
mkdir "$SCRATCH/elsewhere"
"$DRYDOCK" run scenarios/quickstart --quiet --out "$SCRATCH/result" >/dev/null
"$DRYDOCK" trace synth --preset quickstart --out "$SCRATCH/trace.csv" --quiet >/dev/null
for file in trace.h5 trace.csv trace.csv.gz; do
    out=$SCRATCH/elsewhere/$file
    check "trace convert to $file" limited_writer "$out" trace convert --repeat 10 "$SCRATCH/trace.csv" "$out"
    check "trace synth to $file" limited_writer "$out" trace synth --preset azure-conv-2023 --out "$out"
done
out=$SCRATCH/elsewhere/requests.csv
check "export to a file" limited_writer "$out" export csv "$SCRATCH/result" --out "$out"

namespace=(--mount)
[[ $(id -u) -eq 0 ]] || namespace=(--map-root-user --mount)
if ! unshare "${namespace[@]}" mount -t tmpfs tmpfs /mnt 2>/dev/null; then
    skip "disk full on a small tmpfs" "mounting is not permitted here"
    exit 0
fi
for size in 4k 32k 128k; do
    check "a tmpfs of $size fills up" unshare "${namespace[@]}" "$0" inside "$size"
done
