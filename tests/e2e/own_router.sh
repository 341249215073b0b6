#!/usr/bin/env bash
# A router of one's own: the very text of docs/adding-a-policy.md, built as a shared object.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

# Its first block of C.
awk '/^```/ { inside = /^```c$/; if (!inside && seen) exit; next } inside { seen = 1; print }' \
    docs/adding-a-policy.md >"$SCRATCH/router.c"

# build FILE [OPTION...]
build() {
    local object=$1
    shift
    cc -shared -fPIC -O1 -Isim -I. -Dmem_zalloc=calloc -Drouter_least_work=dd_router "$@" -o "$SCRATCH/$object" "$SCRATCH/router.c"
}
# run_with CODE OBJECT [OPTION...]
run_with() {
    local code=$1 object=$2
    shift 2
    answers "$code" "$DRYDOCK" run scenarios/quickstart --quiet --out "$SCRATCH/out" \
        --set "policies.0.router=$SCRATCH/$object" "$@"
}
says() {
    local text=$1
    shift
    "$@" 2>&1 | grep -F -- "$text"
}

check "the page's example builds" build mine.so
check "it routes a run" run_with 0 mine.so --allow-exec
check "it takes its option" run_with 0 mine.so --allow-exec --set policies.0.options.request_tokens=50
check "and no other" says "did you mean 'request_tokens'?" \
    run_with 3 mine.so --allow-exec --set policies.0.options.request_token=50
check "without --allow-exec it is refused" run_with 3 mine.so
check "and the message says how to allow it" says --allow-exec run_with 3 mine.so

sed -i 's/\.abi = DD_POLICY_ABI/.abi = DD_POLICY_ABI + 1/' "$SCRATCH/router.c"
check "an object for another interface builds" build other.so
check "and is refused" run_with 4 other.so --allow-exec
check "as is a file that is no object" run_with 4 router.c --allow-exec
