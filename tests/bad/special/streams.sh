#!/usr/bin/env bash
# Standard output that is closed, full, or read no further.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../../check.sh"

"$DRYDOCK" run scenarios/quickstart --quiet --out "$SCRATCH/out" >/dev/null 2>&1

to_full() { answers 4 "$DRYDOCK" "$@" >/dev/full; }
to_closed() { answers 4 "$DRYDOCK" "$@" >&-; }
to_head() {
    "$DRYDOCK" "$@" | head -n 1 >/dev/null
    [[ ${PIPESTATUS[0]} -eq 0 ]]
}
without_stderr() { answers 2 "$DRYDOCK" nonsense 2>&-; }

printers=(
    "--version"
    "help"
    "help --man"
    "schema scenario"
    "validate scenarios/quickstart --show-defaults"
    "export csv $SCRATCH/out"
)
for printer in "${printers[@]}"; do
    read -ra words <<<"$printer"
    name=${printer/$SCRATCH/RESULT}
    check "$name > /dev/full answers 4" to_full "${words[@]}"
    check "$name >&- answers 4" to_closed "${words[@]}"
    check "$name | head answers 0" to_head "${words[@]}"
done
check "standard error closed changes no exit code" without_stderr

# A descriptor that was closed must not be given to a result file, where messages would land in it.
closed_run() {
    "$DRYDOCK" run scenarios/quickstart --out "$SCRATCH/closed" >&- 2>&- <&-
    cmp "$SCRATCH/out/result.h5" "$SCRATCH/closed/result.h5"
}
check "a run with all streams closed writes the same result" closed_run
