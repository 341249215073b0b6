#!/usr/bin/env bash
# Places that results cannot go to: the run answers 4, names the place and leaves nothing half-written.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../../check.sh"

# refuses NAME ARGUMENT...: 4, and standard error has the texts of $texts.
refuses() {
    local text=$1
    shift
    answers 4 "$DRYDOCK" "$@" 2>"$SCRATCH/err" >"$SCRATCH/stdout"
    local as_expected=$?
    cat "$SCRATCH/err"
    [[ $as_expected -eq 0 ]] && grep -qF -- "$text" "$SCRATCH/err"
}

echo "a file" >"$SCRATCH/file"
check "an --out that is a file" refuses "$SCRATCH/file" run scenarios/quickstart --quiet --out "$SCRATCH/file"
check "an --out below a file" refuses "$SCRATCH/file" run scenarios/quickstart --quiet --out "$SCRATCH/file/out"
check "an --out that is no place for files" refuses "/proc" run scenarios/quickstart --quiet --out /proc/drydock

# The file in the way is still what it was.
check "the file in the way is untouched" grep -q "a file" "$SCRATCH/file"

mkdir -p "$SCRATCH/taken/result.h5"
check "a folder where result.h5 should go" \
    refuses "result.h5" run scenarios/quickstart --quiet --out "$SCRATCH/taken"
check "it leaves no temporary" nothing_left "$SCRATCH/taken"
