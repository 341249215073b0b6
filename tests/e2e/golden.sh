#!/usr/bin/env bash
# The quickstart's figures and its first requests as they were when last looked at. A change of the model shows
# here: `make golden` rewrites the files, and the diff says what became of the figures.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

GOLDEN=tests/golden
REQUESTS=20

"$DRYDOCK" run scenarios/quickstart --quiet --out "$SCRATCH/out" >"$SCRATCH/log" 2>&1 || {
    not_ok "quickstart runs" "$SCRATCH/log"
    exit 0
}
grep -v '"wall_s"' "$SCRATCH/out/summary.json" >"$SCRATCH/quickstart-summary.json"
"$DRYDOCK" export csv "$SCRATCH/out" | head -n "$REQUESTS" >"$SCRATCH/quickstart-requests.csv"

for name in quickstart-summary.json quickstart-requests.csv; do
    if [[ -n ${UPDATE:-} ]]; then
        mkdir -p "$GOLDEN"
        cp "$SCRATCH/$name" "$GOLDEN/$name"
        echo "wrote $GOLDEN/$name"
    else
        check "$name is what it was" diff -u "$GOLDEN/$name" "$SCRATCH/$name"
    fi
done
