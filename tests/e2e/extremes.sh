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
