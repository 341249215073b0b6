#!/usr/bin/env bash
# What `make lint` runs: rooms, format, shell scripts, static analysis. Says all that is wrong, then fails.

cd "$(dirname "$0")/../.." || exit 1
INCLUDES=${INCLUDES:--Isim -I. -I/usr/include/hdf5/serial}
failed=0

step() {
    local name=$1
    shift
    if "$@"; then
        echo "  $name: clean"
    else
        echo "  $name: NOT clean"
        failed=1
    fi
}

sources() {
    find sim traces analysis kernels tests -name "$1" 2>/dev/null | LC_ALL=C sort
}

format() {
    { sources '*.c'; sources '*.h'; } | xargs clang-format --dry-run -Werror
}

shell() {
    { find tests -name '*.sh'; echo .ci/run; } | LC_ALL=C sort | xargs shellcheck -x -P SCRIPTDIR -e SC2317
}

# The list of suppressed warnings on stderr is noise; what is found goes to stdout.
tidy() {
    sources '*.c' | grep -v '^tests/' |
        xargs -P 2 -n 8 sh -c 'clang-tidy --quiet "$@" -- -std=gnu17 '"$INCLUDES"' 2>/dev/null' tidy
}

step "rooms" tests/lint/rooms.sh
step "clang-format" format
step "shellcheck" shell
step "clang-tidy" tidy
exit "$failed"
