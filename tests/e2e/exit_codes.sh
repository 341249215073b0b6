#!/usr/bin/env bash
# The exit codes that scripts rely on: 0 done, 1 objective failed, 2 usage, 3 invalid input, 4 could not.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

run=(run scenarios/quickstart --quiet --out "$SCRATCH/out")

code() {
    local want=$1
    shift
    answers "$want" "$DRYDOCK" "$@"
}

check "0: a run" code 0 "${run[@]}"
check "0: --version" code 0 --version
check "1: --check with an objective out of reach" \
    code 1 "${run[@]}" --check --set 'objectives=[{metric: latency.ttft_s, statistic: p95, limit: 1e-9}]'
says_what_is_missed() {
    "$DRYDOCK" "${run[@]}" --quiet --check --set 'objectives=[{metric: latency.ttft_s, statistic: p95, limit: 1ms}]' "$@" \
        2>&1 | grep -qF 'missed or broken: latency.ttft_s p95 <= 1.00 ms'
}
check "--check says what is missed, under --quiet too" says_what_is_missed
check "and so it does over replications" says_what_is_missed --reps 2
check "0: the same without --check" \
    code 0 "${run[@]}" --set 'objectives=[{metric: latency.ttft_s, statistic: p95, limit: 1e-9}]'
check "1: --check with a gate that is broken" code 1 "${run[@]}" --check --set 'gates=[{metric: replicas.max, max: 1}]'
check "1: --check with a gate that has no value" \
    code 1 "${run[@]}" --check --set 'gates=[{metric: requests.failed, scope: tenant/nobody, max: 1}]'
check "0: the same without --check" code 0 "${run[@]}" --set 'gates=[{metric: replicas.max, max: 1}]'
check "0: --check with a gate that only warns" \
    code 0 "${run[@]}" --check --set 'gates=[{metric: replicas.max, max: 1, level: warn}]'
check "0: --check with gates that hold, and one that a run does not judge" code 0 "${run[@]}" --check --set \
    'gates=[{metric: replicas.max, max: 2}, {metric: latency.ttft_s.p95, max: 1s}, {metric: gpu.hours, regression: {relative: 5%}}]'
check "1: --check over replications with a gate that is broken" \
    code 1 "${run[@]}" --reps 2 --check --set 'gates=[{metric: replicas.max, max: 1}]'
check "0: --check over replications with a gate that only warns" \
    code 0 "${run[@]}" --reps 2 --check --set 'gates=[{metric: replicas.max, max: 1, level: warn}]'
priced=(run tests/e2e/every-charge --quiet --check --out "$SCRATCH/priced")
check "0: --check with a cost that is kept" code 0 "${priced[@]}" \
    --set 'objectives=[{metric: cost.total_usd, max: 100 USD}, {metric: carbon.kg, service: chat, max: 5}]'
check "1: --check with a cost out of reach" code 1 "${priced[@]}" \
    --set 'objectives=[{metric: cost.usd_per_h, max: 1}]'
check "1: --check with an energy out of reach" code 1 "${priced[@]}" \
    --set 'objectives=[{metric: energy_kwh, max: 0.01}]'
check "1: --check with a cost and no prices: what has no value is not met" \
    code 1 "${run[@]}" --check --set 'objectives=[{metric: cost.total_usd, max: 100 USD}]'
# The Service is called front, its Deployment chat: all services together have more replicas than that.
check "0: --check with an objective on a service by its workload's name" code 0 "${priced[@]}" \
    --set svc/chat.metadata.name=front --set 'objectives=[{metric: replicas.max, service: chat, max: 3}]'
check "2: no command" code 2
check "2: unknown command" code 2 rnu
check "2: unknown option" code 2 "${run[@]}" --bogus
check "2: option without its value" code 2 run scenarios/quickstart --out
check "2: option with a value that is none" code 2 "${run[@]}" --seed=minus
check "2: no scenario" code 2 run
check "2: two scenarios" code 2 run scenarios/quickstart scenarios/quickstart
for later in diff calibrate profile plan tune sweep report; do
    check "2: $later is not in this version" code 2 "$later"
done
check "3: a scenario that is not there" code 3 run "$SCRATCH/absent.yaml" --out "$SCRATCH/out3"
check "3: --set on a field that is not there" code 3 "${run[@]}" --set nonsense=1
check "3: --set with a value that is none" code 3 "${run[@]}" --set drain=later
check "4: --out that cannot be made" code 4 run scenarios/quickstart --quiet --out /proc/drydock
