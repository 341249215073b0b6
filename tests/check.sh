# shellcheck shell=bash
# Sourced by every test script: one line a check ("ok NAME", "not ok NAME", "skip NAME: REASON"), and the
# paths that the Makefile gives. tests/run.sh counts the lines.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
BUILD=${BUILD:-build}
DATA=${DATA:-../shared}
MODE=${MODE:-}
DRYDOCK=$PWD/$BUILD/drydock
[[ $BUILD == /* ]] && DRYDOCK=$BUILD/drydock
export BUILD DATA MODE DRYDOCK

# Below the build folder, so that a test never fills /tmp; $SCRATCH is new and goes with the script.
mkdir -p "$BUILD/tests"
SCRATCH=$(mktemp -d "$(realpath "$BUILD")/tests/scratch.XXXXXX")
trap 'rm -rf "$SCRATCH"' EXIT

# A sanitizer's complaint must not look like one of the program's own exit codes.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=halt_on_error=1:exitcode=99:print_stacktrace=1

ok() {
    echo "ok $1"
}

# not_ok NAME [FILE...]: the last lines of the files say why.
not_ok() {
    local name=$1
    shift
    echo "not ok $name"
    local file
    for file in "$@"; do
        tail -n 20 "$file" | sed 's/^/    # /'
    done
}

skip() {
    echo "skip $1: $2"
}

# check NAME COMMAND...: ok when the command succeeds.
check() {
    local name=$1
    shift
    if "$@" >"$SCRATCH/check.log" 2>&1; then
        ok "$name"
    else
        not_ok "$name" "$SCRATCH/check.log"
    fi
}

# A guard of instructions counts with callgrind in the plain build, or says why not and ends the script.
needs_callgrind() {
    [[ -z $MODE ]] || { skip "$1" "not in $MODE builds"; exit; }
    command -v valgrind >/dev/null || { skip "$1" "no valgrind"; exit; }
}

# built PROGRAM: makes a benchmark, or ends the script.
built() {
    make --no-print-directory -s "$1" >"$SCRATCH/make.log" 2>&1 || { not_ok "$1 builds" "$SCRATCH/make.log"; exit; }
}

# answers CODE COMMAND...: succeeds when the command ends with that exit code; for use with check.
answers() {
    local want=$1 got=0
    shift
    "$@" || got=$?
    [[ $got -eq $want ]] || {
        echo "exit code $got, expected $want: $*"
        return 1
    }
}

# Nothing that bears a final name, nothing half-written, is in a folder that may not exist.
nothing_left() {
    [[ ! -e $1 ]] && return 0
    local left
    left=$(find "$1" -type f)
    [[ -z $left ]] || {
        echo "left behind: $left"
        return 1
    }
}
