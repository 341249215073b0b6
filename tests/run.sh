#!/usr/bin/env bash
# Runs the tests and counts them; the last line of output is "N passed, N failed, N skipped".
#
#   tests/run.sh           everything
#   ONLY=queue tests/run.sh    only what has "queue" in its path (make test ONLY=queue)
#
# Unit tests are cmocka programs that speak TAP; the rest are scripts that print check.sh's lines.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/check.sh"
LIMIT_S=300
LOG=$BUILD/tests/log
: >"$LOG"

# Turns a program's TAP into check lines; what else it printed is shown when a test failed or was skipped.
from_tap() {
    awk -v program="$1" '
        /^1\.\.[0-9]+$/ { planned += substr($0, 4); next }
        /^ok [0-9]+ - / { sub(/^ok [0-9]+ - /, ""); print "ok " program ": " $0; seen++; next }
        /^not ok [0-9]+ # SKIP / {
            sub(/^not ok [0-9]+ # SKIP /, "")
            print "skip " program ": " $0 (said ? ": " said : "")
            said = ""; seen++; next
        }
        /^not ok / { sub(/^not ok [0-9]+ - /, ""); print "not ok " program ": " $0; seen++; next }
        /^# (not )?ok - / { next }
        { said = $0; print "    # " $0 }
        END { if (seen < planned) print "not ok " program ": ended after " seen " of " planned " tests" }
    '
}

unit() {
    local source=$1 program=$BUILD/${1%.c} code=0
    timeout "$LIMIT_S" env CMOCKA_MESSAGE_OUTPUT=TAP "$program" >"$SCRATCH/out" 2>&1 || code=$?
    from_tap "${source#tests/unit/}" <"$SCRATCH/out" >"$SCRATCH/lines"
    # A program that fails without a failed test was killed, or a sanitizer spoke at its end.
    if [[ $code -ne 0 ]] && ! grep -q '^not ok ' "$SCRATCH/lines"; then
        echo "not ok ${source#tests/unit/}: exit code $code" >>"$SCRATCH/lines"
    fi
}

script() {
    local code=0
    timeout "$LIMIT_S" "$1" >"$SCRATCH/lines" 2>&1 || code=$?
    [[ $code -eq 0 ]] || echo "not ok $1: exit code $code" >>"$SCRATCH/lines"
}

# Prints a line for what went well and the details of what did not.
report() {
    local name=$1 passed failed skipped
    cat "$SCRATCH/lines" >>"$LOG"
    passed=$(grep -c '^ok ' "$SCRATCH/lines")
    failed=$(grep -c '^not ok ' "$SCRATCH/lines")
    skipped=$(grep -c '^skip ' "$SCRATCH/lines")
    printf '  %-44s %4d passed' "${name#tests/}" "$passed"
    [[ $skipped -eq 0 ]] || printf ', %d skipped' "$skipped"
    [[ $failed -eq 0 ]] || printf ', %d FAILED' "$failed"
    echo
    if [[ $failed -ne 0 ]]; then
        grep -v '^ok ' "$SCRATCH/lines" | head -n 100
    else
        grep '^skip ' "$SCRATCH/lines"
    fi
}

wanted() {
    [[ -z ${ONLY:-} || $1 == *"$ONLY"* ]]
}

while IFS= read -r test; do
    if wanted "$test"; then
        unit "$test"
        report "$test"
    fi
done < <(find tests/unit -name '*_test.c' | LC_ALL=C sort)

# It picks its cases by ONLY itself.
script tests/bad/run.sh
[[ ! -s $SCRATCH/lines ]] || report tests/bad

for test in tests/bad/special/*.sh tests/e2e/*.sh; do
    if [[ -x $test ]] && wanted "$test"; then
        script "$test"
        report "$test"
    fi
done

passed=$(grep -c '^ok ' "$LOG")
failed=$(grep -c '^not ok ' "$LOG")
skipped=$(grep -c '^skip ' "$LOG")
echo
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 && $passed -gt 0 ]]
