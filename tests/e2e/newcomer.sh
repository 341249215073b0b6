#!/usr/bin/env bash
# What the README promises, in a clone of what is committed: it builds from nothing and the quickstart runs.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

if [[ -n $MODE ]]; then
    skip "a clean clone" "one build of this kind is enough"
    exit 0
fi
if ! git rev-parse --git-dir >/dev/null 2>&1; then
    skip "a clean clone" "these sources are no Git checkout"
    exit 0
fi

# -O0: whether everything is there, not how fast it goes.
newcomer() {
    env -u MAKEFLAGS -u WERROR make -s -j2 -C "$SCRATCH/clone" BUILD=build CFLAGS=-O0 all quickstart
}
has_results() {
    [[ -s $SCRATCH/clone/out/quickstart/result.h5 && -s $SCRATCH/clone/out/quickstart/summary.json ]]
}
nothing_strewn() {
    local strewn
    strewn=$(git -C "$SCRATCH/clone" status --porcelain)
    [[ -z $strewn ]] || {
        echo "$strewn"
        return 1
    }
}

check "a clone" git clone -q . "$SCRATCH/clone"
check "make all quickstart in it" newcomer
check "it leaves result.h5 and summary.json in out/quickstart" has_results
check "nothing is written beside the sources" nothing_strewn
