#!/usr/bin/env bash
# Files that may not be read and folders that may not be written. Root may do anything, so where the tests run
# as root the program runs as nobody.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../../check.sh"

if [[ $MODE == coverage ]]; then
    skip "permission denied" "another user could not write the counters"
    exit 0
fi

# Every folder above must let nobody through, which the build folder's need not.
open=$(mktemp -d)
trap 'rm -rf "$open" "$SCRATCH"' EXIT
chmod 755 "$open"
cp "$DRYDOCK" "$open/drydock"
cp -r scenarios "$open/scenarios"

as_nobody=()
if [[ $(id -u) -eq 0 ]]; then
    as_nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    if ! "${as_nobody[@]}" "$open/drydock" --version >/dev/null 2>&1; then
        skip "permission denied" "cannot become nobody here"
        exit 0
    fi
fi

# says CODE TEXT ARGUMENT...
says() {
    local code=$1 text=$2
    shift 2
    answers "$code" "${as_nobody[@]}" "$open/drydock" "$@" 2>"$SCRATCH/err" >"$SCRATCH/out"
    cat "$SCRATCH/err"
    grep -qF -- "$text" "$SCRATCH/err"
}

echo 'apiVersion: v1' >"$open/secret.yaml"
chmod 000 "$open/secret.yaml"
check "an unreadable manifest is invalid input that names the file" \
    says 3 "secret.yaml" validate "$open/secret.yaml"

printf 'arrival_s,input_tokens,output_tokens\n0,1,1\n' >"$open/secret.csv"
chmod 000 "$open/secret.csv"
check "an unreadable trace is invalid input that names the file" says 3 "secret.csv" validate "$open/secret.csv"

mkdir -m 700 "$open/closed"
check "an unreadable folder is invalid input that names the folder" says 3 "closed" validate "$open/closed"

mkdir -m 555 "$open/readonly"
check "a folder that may not be written ends a run with 4" \
    says 4 "readonly" run "$open/scenarios/quickstart" --quiet --out "$open/readonly/out"
check "it leaves nothing behind" nothing_left "$open/readonly"
