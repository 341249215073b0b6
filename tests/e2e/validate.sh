#!/usr/bin/env bash
# drydock validate tells what a file is, goes on after a failure, and answers the gravest code.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

printf 'arrival_s,input_tokens,output_tokens\n0,10,10\n1,20,5\n2,-1,5\n' >"$SCRATCH/rows.csv"
gzip -c "$SCRATCH/rows.csv" >"$SCRATCH/packed"
printf 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n' >"$SCRATCH/service"
printf 'nothing that anybody knows\n' >"$SCRATCH/letter"

# says TEXT COMMAND...: the command's two streams together hold the text.
says() {
    local text=$1
    shift
    "$@" >"$SCRATCH/said" 2>&1
    grep -qF -- "$text" "$SCRATCH/said" || {
        cat "$SCRATCH/said"
        return 1
    }
}

json_counts() {
    "$DRYDOCK" validate --json scenarios/quickstart "$SCRATCH/letter" 2>/dev/null | python3 -c '
import json, sys
good, bad = json.load(sys.stdin)
assert good["valid"] and good["kind"] == "scenario" and good["traces"] >= 1, good
assert not bad["valid"] and bad["error"]["code"] == 3 and bad["error"]["message"], bad'
}

each_failure_is_shown() {
    says "letter: not known" "$DRYDOCK" validate "$SCRATCH/letter" "$SCRATCH/nowhere" "$SCRATCH/service" &&
        grep -qF "nowhere: cannot be read" "$SCRATCH/said" && grep -qF "ok $SCRATCH/service" "$SCRATCH/said"
}

check "a folder with scenario.yaml is a scenario" \
    says "ok scenarios/quickstart: scenario quickstart: " "$DRYDOCK" validate scenarios/quickstart
check "a folder without one holds manifests" \
    says "manifests: manifests: " "$DRYDOCK" validate scenarios/quickstart/manifests
check "an object is told by its content" \
    says "service: manifests: 1 object" "$DRYDOCK" validate "$SCRATCH/service"
check "a trace is read to its end" says "rows.csv: trace csv: 2 rows, 1 skipped" "$DRYDOCK" validate "$SCRATCH/rows.csv"
check "skipped rows are a warning with a place" says "rows.csv:4" "$DRYDOCK" validate "$SCRATCH/rows.csv"
check "which --strict takes for an error" answers 3 "$DRYDOCK" validate --strict "$SCRATCH/rows.csv"
check "a packed trace needs no name" says "packed: trace csv: 2 rows" "$DRYDOCK" validate "$SCRATCH/packed"
check "every wrong file is shown, and the good ones too" each_failure_is_shown
check "one wrong file of several is invalid input" answers 3 "$DRYDOCK" validate "$SCRATCH/letter" "$SCRATCH/service"
check "no file is wrong usage" answers 2 "$DRYDOCK" validate
check "--json lists files with what was found" json_counts
