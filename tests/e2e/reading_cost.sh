#!/usr/bin/env bash
# A guard: what a row costs to read, from an Azure trace, from CSV of our columns, numbers or with names, and from
# drydock.trace/1. Counted by callgrind in tests/bench/trace_bench.c on made-up rows: the difference of many and few,
# so that opening drops out.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

# Measured, and a tenth on top: with AVX2 where the processor has it, and as on one without.
declare -A MOST=(
    [azure best]=220 [azure baseline]=266 [own best]=183 [own baseline]=222 [named best]=384 [named baseline]=420
    [columns best]=82
)
FEW=5000 MANY=25000
BENCH=$BUILD/tests/bench/trace_bench

needs_callgrind "instructions of reading a row"
built "$BENCH"

# azure ROWS: in the published shape, seven digits of a second and CRLF.
azure() {
    awk -v rows="$1" 'BEGIN {
        printf "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
        for (i = 0; i < rows; i++) {
            x = (x * 69069 + 1) % 4294967296
            s = i / 10
            printf "2023-11-16 %02d:%02d:%02d.%07d,%d,%d\r\n", s / 3600, s / 60 % 60, s % 60, i % 10 * 1000000 + i,
                100 + x % 4000, 10 + x % 900
        }
    }'
}

# named ROWS: our columns with three names a row.
named() {
    awk -F, -v rows="$1" 'NR == 1 { print "arrival_s,service,tenant,region,input_tokens,output_tokens"; next }
        { print $1 ",chat,team-" NR * 7919 % 97 ",westeurope," $2 "," $3 }' "$SCRATCH/own.$1.csv"
}

counted() {
    valgrind --tool=callgrind --toggle-collect=read_rows --callgrind-out-file=/dev/null "$BENCH" "$1" "$1" 1 "$2" 2>&1 |
        sed -n 's/^.*Collected : \([0-9]*\).*$/\1/p'
}

for rows in "$FEW" "$MANY"; do
    azure "$rows" >"$SCRATCH/azure.$rows.csv"
    for ending in csv h5; do
        "$DRYDOCK" trace convert "$SCRATCH/azure.$rows.csv" "$SCRATCH/own.$rows.$ending" --quiet >/dev/null || exit
    done
    named "$rows" >"$SCRATCH/named.$rows.csv"
    mv "$SCRATCH/own.$rows.h5" "$SCRATCH/columns.$rows.h5"
done
while read -r file ending pace; do
    limit=${MOST[$file $pace]}
    few=$(counted "$SCRATCH/$file.$FEW.$ending" "$pace")
    many=$(counted "$SCRATCH/$file.$MANY.$ending" "$pace")
    a_row=$(((${many:-0} - ${few:-0}) / (MANY - FEW)))
    if [[ $a_row -gt 0 && $a_row -le $limit ]]; then
        ok "instructions of reading a row ($file, $pace): $a_row, at most $limit"
    else
        not_ok "instructions of reading a row ($file, $pace): $a_row, at most $limit"
    fi
done <<END
azure csv best
azure csv baseline
own csv best
own csv baseline
named csv best
named csv baseline
columns h5 best
END
