#!/usr/bin/env bash
# docs/cost.md tells the truth: its price book is valid and its reference is what the program prints.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

awk '/^```yaml$/ { inside = 1; next } /^```$/ && inside { exit } inside' docs/cost.md >"$SCRATCH/prices.yaml"

# The lines of docs/cost.md from the end of a heading on, as many as are printed.
holds_reference() {
    local heading=$1 schema=$2
    "$DRYDOCK" schema "$schema" --markdown >"$SCRATCH/printed" || return 1
    awk -v heading="$heading" 'found { print } $0 == heading { found = 1 }' docs/cost.md |
        head -n "$(wc -l <"$SCRATCH/printed")" | diff - "$SCRATCH/printed"
}

schema_is_json() {
    "$DRYDOCK" schema "$1" | python3 -c 'import json, sys; json.load(sys.stdin)'
}

check "the price book of docs/cost.md is valid" "$DRYDOCK" validate --strict "$SCRATCH/prices.yaml"
check "the reference of price books is what the program prints" holds_reference "### Price book" price-book
check "the reference of carbon is what the program prints" \
    holds_reference "### Energy and carbon of a scenario" carbon
check "the schema of price books is JSON" schema_is_json price-book
check "the schema of carbon is JSON" schema_is_json carbon
