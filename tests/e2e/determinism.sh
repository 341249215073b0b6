#!/usr/bin/env bash
# The same seed gives the same bytes: again, from elsewhere, and on a processor without FMA and AVX2 (for
# which glibc's exp, log, pow and sin give other last bits). Other compilers: make test-determinism.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

run_into() {
    local out=$1
    shift
    env "$@" "$DRYDOCK" run "${scenario:-scenarios/quickstart}" --quiet --out "$out"
}
same_result() {
    cmp "$SCRATCH/first/result.h5" "$1/result.h5"
}
# All of summary.json but the one value that may differ.
same_summary() {
    diff <(sed 's/"wall_s": *[^,}]*/"wall_s": 0/' "$SCRATCH/first/summary.json") \
        <(sed 's/"wall_s": *[^,}]*/"wall_s": 0/' "$1/summary.json")
}
differs() {
    ! cmp -s "$SCRATCH/first/result.h5" "$1/result.h5"
}

check "quickstart runs" run_into "$SCRATCH/first" LC_ALL=C
check "quickstart runs again" run_into "$SCRATCH/again" LC_ALL=de_DE.UTF-8 TZ=Asia/Tokyo
check "result.h5 is the same" same_result "$SCRATCH/again"
check "summary.json is the same but for wall_s" same_summary "$SCRATCH/again"

check "quickstart runs without FMA and AVX2" \
    run_into "$SCRATCH/plain" GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2
check "result.h5 is the same without FMA and AVX2" same_result "$SCRATCH/plain"

cp -r scenarios/quickstart "$SCRATCH/moved"
scenario=$SCRATCH/moved
check "a copy of the folder runs" run_into "$SCRATCH/elsewhere"
check "result.h5 of the copy is the same" same_result "$SCRATCH/elsewhere"
scenario=

check "another seed runs" "$DRYDOCK" run scenarios/quickstart --quiet --seed 2 --out "$SCRATCH/seed2"
check "result.h5 of another seed is another" differs "$SCRATCH/seed2"
