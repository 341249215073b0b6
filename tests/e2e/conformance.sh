#!/usr/bin/env bash
# The decision tables, and what the runner says of tables that are not as the format says.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

make --no-print-directory -s "$BUILD/tests/conformance/conformance" >"$SCRATCH/make.log" 2>&1 || {
    not_ok "the runner builds" "$SCRATCH/make.log"
    exit
}
RUNNER=$BUILD/tests/conformance/conformance

if [[ -d $DATA/conformance ]]; then
    check "every case of the tables that have a controller passes" "$RUNNER" "$DATA/conformance"
else
    skip "every case of the tables that have a controller passes" "no $DATA/conformance"
fi

# table NAME TEXT: a folder with that table alone.
table() {
    rm -rf "$SCRATCH/tables"
    mkdir "$SCRATCH/tables"
    printf '%s' "$2" >"$SCRATCH/tables/$1"
}

# says NAME CODE TEXT...: the runner's exit code over the folder, and what it must say.
says() {
    local name=$1 code=$2 got=0 text
    shift 2
    "$RUNNER" "$SCRATCH/tables" >"$SCRATCH/said" 2>&1 || got=$?
    for text in "$@"; do
        grep -qF -- "$text" "$SCRATCH/said" || got="$got without \"$text\""
    done
    if [[ $got == "$code" ]]; then ok "$name"; else not_ok "$name (answered $got)" "$SCRATCH/said"; fi
}

good='{"op": "stabilize_no_behavior", "downscale_stabilization_s": 300, "recommendations": [], "desired_replicas": 5}'

table hpa_behavior.json "[{\"name\": \"a\", \"input\": $good, \"expected\": {\"replicas\": 5}}]"
says "a case that agrees passes" 0 "hpa_behavior.json" "1 passed, 0 failed, 0 skipped"
echo '[{"name": "x"}, {"name": "y"}]' >"$SCRATCH/tables/later.json"
says "a table without a controller is skipped by name" 0 "later.json" "1 passed, 0 failed, 2 skipped"

table hpa_behavior.json "[{\"name\": \"a\", \"input\": $good, \"expected\": {\"replicas\": 6}}]"
says "a case that differs fails, with both answers" 1 "FAILED a: replicas: expected 6, got 5" "0 passed, 1 failed"

table hpa_behavior.json "[{\"name\": \"a\", \"input\": $good, \"expected\": {\"replicas\": 6}, \"tolerance\": {\"replicas\": 1}}]"
says "a tolerance of its key is granted" 0 "1 passed, 0 failed, 0 skipped"

table hpa_behavior.json "[{\"name\": \"a\", \"input\": $good, \"expected\": {\"flavour\": 1}}]"
says "an expected key that nobody answers fails" 1 "flavour: expected 1, got nothing"

table hpa_behavior.json '[{"name": "a", "input": {"op": "stabilise"}, "expected": {"replicas": 5}}]'
says "an unknown operation is an error" 1 'hpa_behavior.json: a: op: unknown operation "stabilise"'

table hpa_replicas.json '[{"name": "a", "input": {"metric_type": "Magic"}, "expected": {"replicas": 5}}]'
says "an unknown type of metric is an error" 1 'hpa_replicas.json: a: unknown type of metric "Magic"'

table hpa_behavior.json "[{\"name\": \"a\", \"input\": ${good/5/\"five\"}, \"expected\": {\"replicas\": 5}}]"
says "a key of another type is an error that names it" 1 "a: desired_replicas: expected an integer"

table hpa_behavior.json "[{\"name\": \"a\", \"input\": $good, \"expected\": {}}]"
says "a case that asserts nothing is an error" 1 "asserts something"

table hpa_behavior.json $'[\n{"name": "a",}\n'
says "JSON that ends too early is an error with its line" 1 "hpa_behavior.json:" "expected JSON"

table hpa_behavior.json '{"cases": []}'
says "a table that is no list is an error" 1 "expected a list of cases"

table hpa_behavior.json '[] []'
says "text after the list is an error" 1 "something follows the list"

table later.json '[{"name": "x"}'
says "a broken table is an error although it would be skipped" 1 "unexpected end of data"

table hpa_behavior.json '[]'
says "no case that ran is an error" 1 "no case ran" "0 passed, 0 failed, 0 skipped"

rm -rf "$SCRATCH/tables"
says "a folder that is not there is an error" 1 "expected a folder of tables"
