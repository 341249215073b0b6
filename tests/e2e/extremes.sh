#!/usr/bin/env bash
# Requests and limits at the end of what makes sense have the outcome that docs/serving.md states, whoever's rules the
# engine goes by; every run that ends checks itself that no request is lost.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

LLAMA=meta-llama/Meta-Llama-3-8B-Instruct
SGLANG='[python3, -m, sglang.launch_server]' TGI='[text-generation-launcher]'

# served COMMAND ARG...: the quickstart with another server
served() {
    rm -rf "$SCRATCH/s"
    cp -r scenarios/quickstart "$SCRATCH/s"
    local command=$1
    shift
    sed -i "s|^          args:|          command: $command\n          args: [$(IFS=,; echo "$*")]|; /^            - --/d" \
        "$SCRATCH/s/manifests/chat.yaml"
}

cat >"$SCRATCH/odd.csv" <<'CSV'
arrival_s,input_tokens,output_tokens
0,100,10
1,8192,5
2,8191,5
3,1000000000,5
4,50,1000000000
5,50,0
6,0,5
7,8000,400
CSV

count() { sed -n 's/.*"'"$1"'": \([0-9]*\).*/\1/p' "$SCRATCH/out/summary.json" | head -n 1; }
run_odd() { "$DRYDOCK" run "$SCRATCH/s" --trace "$SCRATCH/odd.csv" --set duration=10m --quiet --out "$SCRATCH/out" "$@"; }
column() {
    "$DRYDOCK" export csv "$SCRATCH/out" | awk -F , -v name="$1" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
        NR > 1 { print $1, $column }' | sort -n | cut -d " " -f 2 | paste -s -d " "
}

# Eight came: two are turned away, six are answered, three of them cut at the model's greatest length.
as_stated() {
    local expected=$1
    shift
    run_odd "$@" && [[ $(count arrived) -eq 8 && $(count completed) -eq 6 && $(count rejected) -eq 2 ]] &&
        [[ $(column output_tokens) == "$expected" ]]
}
IN_VLLM="10 0 1 0 8142 1 5 192"

served '[vllm, serve]' $LLAMA
check "vLLM: too long is rejected, an answer is cut at the greatest length, none is of one token" as_stated "$IN_VLLM"
served "$SGLANG" --model-path=$LLAMA
check "SGLang alike" as_stated "$IN_VLLM"
served "$TGI" --model-id=$LLAMA
check "Text Generation Inference alike" as_stated "$IN_VLLM"
served '[vllm, serve]' $LLAMA
check "a static batch alike" as_stated "$IN_VLLM" --set 'service_times=[{batching: static}]'
check "the same in single steps" run_odd --stepping

# refused TEXT: what the server would not start with ends with exit code 3
refused() {
    local rc=0
    run_odd >"$SCRATCH/said" 2>&1 || rc=$?
    [[ $rc -eq 3 ]] && grep -q -e "$1" "$SCRATCH/said"
}
served '[vllm, serve]' $LLAMA --max-num-seqs=0
check "a batch limit of zero is refused" refused "--max-num-seqs: expected a whole number of at least 1"
served '[vllm, serve]' $LLAMA --max-num-batched-tokens=0
check "and a token budget of zero" refused "--max-num-batched-tokens: expected a whole number of at least 1"
served '[vllm, serve]' $LLAMA --num-gpu-blocks-override=100
check "vLLM refuses a KV cache smaller than one request" refused "the KV cache holds 1600 tokens"
served '[vllm, serve]' $LLAMA --num-gpu-blocks-override=1000000000
check "a thousand million blocks are taken as they are said" run_odd
served '[vllm, serve]' $LLAMA --max-num-batched-tokens=1000000000
check "a thousand million tokens a step are refused" refused "--max-num-batched-tokens"

# The others start all the same, and turn away what does not fit.
served "$SGLANG" --model-path=$LLAMA --max-total-tokens=1000
shrinks() { run_odd && [[ $(count completed) -eq 4 && $(count rejected) -eq 4 ]]; }
check "SGLang turns away what its KV pool cannot hold" shrinks
served "$TGI" --model-id=$LLAMA --max-batch-total-tokens=1000
check "and so does Text Generation Inference" shrinks

# ---- order and names ----

served '[vllm, serve]' $LLAMA
# rows COUNT ROW LATE: one a 100 ms; ROW is LATE rows from its place
rows() {
    awk -v count="$1" -v row="$2" -v late="$3" 'BEGIN {
        print "arrival_s,input_tokens,output_tokens,request_id"
        for (i = 0; i < count; i++) printf "%.2f,100,2,same\n", (i == row ? i - late - 0.5 : i) / 10
    }'
}
run_rows() { "$DRYDOCK" run "$SCRATCH/s" "$@" --set duration=0s --quiet --out "$SCRATCH/out"; }
arrives_in_order() {
    "$DRYDOCK" export csv "$SCRATCH/out" | awk -F , 'NR > 1 { print $1 "," $2 }' | sort -t , -k 2,2g -k 1,1n | awk -F , '
        $1 == 2800 { at = NR } END { exit at != wanted }' wanted="$1"
}
rows 3000 2800 900 >"$SCRATCH/near.csv"
rows 9000 7000 6500 >"$SCRATCH/far.csv"
near() { run_rows --trace "$SCRATCH/near.csv" && [[ $(count completed) -eq 3000 ]] && arrives_in_order 1901; }
check "a row 900 rows from its place is sorted" near
gzip -k "$SCRATCH/near.csv"
near_gz() { run_rows --trace "$SCRATCH/near.csv.gz" && [[ $(count completed) -eq 3000 ]] && arrives_in_order 1901; }
check "and in a packed file" near_gz
far_refused() {
    local rc=0
    run_rows --trace "$SCRATCH/far.csv" 2>"$SCRATCH/said" || rc=$?
    [[ $rc -eq 3 ]] && grep -q "far.csv:7002: expected rows in order of time" "$SCRATCH/said" &&
        grep -q "trace convert --sort" "$SCRATCH/said"
}
check "one beyond the window is refused by file and line" far_refused
sorted_whole() {
    "$DRYDOCK" trace convert --sort "$SCRATCH/far.csv" "$SCRATCH/sorted.h5" --quiet && run_rows --trace "$SCRATCH/sorted.h5" &&
        [[ $(count completed) -eq 9000 ]]
}
check "convert --sort writes it in order" sorted_whole
ids() { "$DRYDOCK" export csv "$SCRATCH/out" | awk -F , 'NR > 1 { print $1 }' | sort -u | wc -l; }
given_twice() {
    run_rows --trace "$SCRATCH/near.csv" --trace "$SCRATCH/near.csv" && [[ $(count arrived) -eq 6000 && $(ids) -eq 6000 ]]
}
check "rows that share an id, and a file given twice, are requests of their own" given_twice

full_queue_dies() {
    run_rows --trace "$SCRATCH/near.csv" --set traces.0.time_scale=0.01 --set policies.0.queue_limit=none \
        --set policies.0.timeout=none --set 'faults=[{kind: crash, workload: chat, at: 2s}]' &&
        [[ $(count arrived) -eq 3000 && $(count failed) -gt 100 && $(($(count completed) + $(count failed))) -eq 3000 ]]
}
check "a replica that dies with a full queue: all it held failed, nothing is lost" full_queue_dies
