#!/usr/bin/env bash
# Broken input: every tests/bad/AREA/NAME.expect says what the program must answer to tests/bad/AREA/NAME.
#
#   first line     the exit code
#   cmd: COMMAND   optional: the command line in place of "validate {}"; {} is the case, {out} a scratch
#                  folder. Words are split at blanks, nothing is quoted.
#   other lines    texts that standard error must contain, each
#
# Besides: no signal, and nothing under a final name when the run failed. A case that is not there is a
# missing file. ONLY=NAME picks cases.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

# Nobody's broken file may eat the machine. (ASan reserves terabytes of addresses.)
[[ $MODE == asan ]] || ulimit -v 4000000

command_line() {
    local case=$1 expect=$2 line
    line=$(sed -n 's/^cmd: *//p' "$expect" | head -n 1)
    line=${line:-validate {\}}
    line=${line#drydock }
    line=${line//\{out\}/$SCRATCH/out}
    echo "${line//\{\}/$case}"
}

explain() {
    echo "    # drydock $1"
    echo "    # $2"
    sed 's/^/    # stderr: /' "$SCRATCH/err" | head -n 10
}

missing_text() {
    local expect=$1 text
    while IFS= read -r text || [[ -n $text ]]; do
        if [[ -n $text && $text != cmd:* ]] && ! grep -qF -- "$text" "$SCRATCH/err"; then
            echo "$text"
            return 0
        fi
    done < <(tail -n +2 "$expect")
    return 1
}

run_case() {
    local expect=$1 case=${1%.expect} want code=0 line text words
    want=$(head -n 1 "$expect" | tr -d '[:space:]')
    line=$(command_line "$case" "$expect")
    rm -rf "$SCRATCH/out"
    read -ra words <<<"$line"
    timeout 60 "$DRYDOCK" "${words[@]}" >"$SCRATCH/stdout" 2>"$SCRATCH/err" </dev/null || code=$?
    if [[ $code -ne $want ]]; then
        not_ok "$case"
        explain "$line" "exit code $code, expected $want"
    elif text=$(missing_text "$expect"); then
        not_ok "$case"
        explain "$line" "standard error does not say: $text"
    elif [[ $code -gt 1 ]] && ! nothing_left "$SCRATCH/out" >"$SCRATCH/left"; then
        not_ok "$case"
        explain "$line" "$(cat "$SCRATCH/left")"
    else
        ok "$case"
    fi
}

while IFS= read -r expect; do
    [[ -z ${ONLY:-} || $ONLY == bad || $expect == *"$ONLY"* ]] && run_case "$expect"
done < <(find tests/bad -name '*.expect' | LC_ALL=C sort)
exit 0
