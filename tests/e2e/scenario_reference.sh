#!/usr/bin/env bash
# docs/scenario.md tells the truth: its examples are valid and its reference is what the program prints.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

# Each block that begins with "# file: PATH" becomes that file.
awk -v root="$SCRATCH" '
    /^```yaml$/ { inside = 1; next }
    /^```$/ { inside = 0; if (path) close(path); path = ""; next }
    inside && /^# file: / {
        path = root "/" $3
        folder = path
        sub(/\/[^\/]*$/, "", folder)
        system("mkdir -p \"" folder "\"")
        next
    }
    inside && path { print > path }
' docs/scenario.md

same_reference() {
    "$DRYDOCK" schema scenario --markdown >"$SCRATCH/printed" || return 1
    sed '1,/^Generated from the tables/d' docs/scenario.md | diff - "$SCRATCH/printed"
}

loads_again() {
    "$DRYDOCK" validate "$1" --show-defaults >"$SCRATCH/resolved.yaml" &&
        "$DRYDOCK" validate "$SCRATCH/resolved.yaml"
}

schema_is_json() {
    "$DRYDOCK" schema scenario | python3 -c 'import json, sys; json.load(sys.stdin)'
}

short() {
    [[ $(wc -l <"$SCRATCH/mm1/scenario.yaml") -lt 15 ]]
}

check "the reference is what the program prints (drydock schema scenario --markdown)" same_reference
check "the M/M/1 example is valid" "$DRYDOCK" validate --strict "$SCRATCH/mm1"
check "the M/M/1 example has fewer than 15 lines" short
check "the platform example is valid" "$DRYDOCK" validate "$SCRATCH/chat"
check "the M/M/1 example loads again with its defaults shown" loads_again "$SCRATCH/mm1"
check "the platform example loads again with its defaults shown" loads_again "$SCRATCH/chat"
check "the schema is JSON" schema_is_json
check "a schema that is not there is wrong usage" answers 2 "$DRYDOCK" schema gates
