#!/usr/bin/env bash
# The gates of a real scenario: held as it stands, broken by a change that costs more.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

judge() {
    local want=$1
    shift
    answers "$want" "$DRYDOCK" run scenarios/azure-chat --check --out "$SCRATCH/out" --no-color "$@" >"$SCRATCH/table"
}

check "azure-chat holds its gates on the preset" judge 0
check "the table names them" grep -q "^  cost.total_usd <= \$160.00 .* held$" "$SCRATCH/table"
check "more replicas break the gate on cost" judge 1 --set hpa/chat.spec.minReplicas=8
check "the table says which" grep -q "^  cost.total_usd <= \$160.00 .* BROKEN$" "$SCRATCH/table"

trace=$DATA/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv
if [[ -e $trace ]]; then
    check "azure-chat holds its gates on the real hour" judge 0 --trace "$trace"
else
    skip "azure-chat holds its gates on the real hour" "no $trace"
fi

"$DRYDOCK" run scenarios/azure-chat --verbose --out "$SCRATCH/out" --set \
    'gates=[{metric: cost.total_usd, regression: {relative: 5%}}]' >/dev/null 2>"$SCRATCH/note"
check "a gate that a run does not judge is said in a note" \
    grep -q "the gate on cost.total_usd compares two revisions: a run alone does not judge it" "$SCRATCH/note"
