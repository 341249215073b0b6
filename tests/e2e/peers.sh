#!/usr/bin/env bash
# tests/bench/peers/compare.sh: skipped without a peer; with stand-ins that answer in the peers' formats, side by side.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

skips() {
    env -u PEER_VIDUR -u PEER_BLIS tests/bench/peers/compare.sh |
        grep -q '^skip peers: set PEER_VIDUR or PEER_BLIS'
}
check "without a peer" skips

printf 'arrival_s,input_tokens,output_tokens\n' >"$SCRATCH/trace.csv"
for i in {0..49}; do echo "$i,$((100 + i)),20"; done >>"$SCRATCH/trace.csv"
echo "50,9000,20" >>"$SCRATCH/trace.csv" # longer than all of them take

# Each request takes 1 s, and 0.1 s to its first token.
mkdir "$SCRATCH/vidur" "$SCRATCH/blis"
cat >"$SCRATCH/python" <<'SH'
#!/usr/bin/env bash
while [[ $# -gt 0 ]]; do
    case $1 in
    --trace_request_generator_config_trace_file) trace=$2 ;;
    --metrics_config_output_dir) out=$2 ;;
    --metrics_config_cache_dir) mkdir -p "$2" ;;
    esac
    shift
done
mkdir -p "$out/now"
awk -F , 'NR == 1 { print "Request Id,request_e2e_time,prefill_e2e_time,request_num_decode_tokens" }
    NR > 1 { print NR - 2 ",1.0,0.1," $3 }' "$trace" >"$out/now/request_metrics.csv"
SH
cat >"$SCRATCH/blis/blis" <<'SH'
#!/usr/bin/env bash
while [[ $# -gt 0 ]]; do
    case $1 in
    --trace-data) trace=$2 ;;
    --results-path) out=$2 ;;
    esac
    shift
done
awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; printf "[" }
    NR > 1 { printf "%s{\"request_id\":%d,\"ttft_us\":100000,\"e2e_us\":1000000,\"output_tokens\":%d}",
        (NR > 2 ? "," : ""), $at["request_id"], $at["output_tokens"] }
    END { print "]" }' "$trace" >"$out"
SH
chmod +x "$SCRATCH/python" "$SCRATCH/blis/blis"
compares() {
    PEER_VIDUR=$SCRATCH/vidur PEER_VIDUR_PYTHON=$SCRATCH/python PEER_BLIS=$SCRATCH/blis PEER_FOLDER=$SCRATCH/out \
        tests/bench/peers/compare.sh "$SCRATCH/trace.csv" >"$SCRATCH/said" &&
        grep -q '^50 requests of 49 s, 6225 prompt and 1000 generated tokens' "$SCRATCH/said" &&
        grep -q '^ *drydock *vidur *blis$' "$SCRATCH/said" &&
        grep -q '^completed  *50  *50  *50$' "$SCRATCH/said" &&
        grep -Eq '^TTFT p99, ms +[0-9.]+ +100.00 +100.00$' "$SCRATCH/said" &&
        grep -Eq '^TPOT mean, ms +[0-9.]+ +47.37 +47.37$' "$SCRATCH/said"
}
check "two of them" compares
