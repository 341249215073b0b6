#!/usr/bin/env bash
# The judge of fidelity is judged: a run measured on Drydock itself has no error, one that was half as fast has, an
# overloaded one does not count, one of a model that nobody knows is no success.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3 # Debian's, which has h5py
if [[ -n $MODE ]]; then
    skip "measured runs replayed" "not in $MODE builds"
    exit
fi
"$PYTHON" -c 'import h5py, numpy, yaml' 2>/dev/null || {
    skip "measured runs replayed" "no python3-h5py and python3-yaml"
    exit
}

judged() { "$PYTHON" tests/fidelity/fidelity.py --drydock "$DRYDOCK" --work "$SCRATCH/work" "$SCRATCH/$1.json"; }

"$PYTHON" tests/e2e/fidelity.py "$DRYDOCK" "$SCRATCH" || exit
# says CODE TEXT NAME: the judge ends with CODE and says TEXT of $SCRATCH/NAME.json.
says() {
    local code=0
    judged "$3" >"$SCRATCH/said" 2>&1 || code=$?
    cat "$SCRATCH/said"
    [[ $code == "$1" ]] && grep -qF -- "$2" "$SCRATCH/said"
}
check "what Drydock measured itself is met" says 0 "E2E mean: 0.0 % mean error of 2 stages, goal 3 %: met" same
check "half as fast is missed" says 1 "E2E p99: 50.0 % mean error of 2 stages, goal 8 %: MISSED" slow
check "an overloaded run is shown and not judged" says 0 "Overloaded runs, not judged:" overloaded
check "a model that nobody knows is no success" says 4 "nobody/knows-this-one" unknown
echo '{"runs": [{"id": "a", "model": "m"}]}' >"$SCRATCH/partial.json"
echo '{"runs": [' >"$SCRATCH/broken.json"
check "a run without its workload is said" says 3 "a: expected a run with hardware" partial
check "and a file that is no JSON" says 3 "broken.json: expected JSON with a list of runs" broken
check "and one that is not there" says 3 "nowhere.json: expected JSON" nowhere

# The replay of other sources judges nothing, but says what it could not read or replay.
others() {
    local code=0
    "$PYTHON" tests/fidelity/others.py --drydock "$DRYDOCK" --work "$SCRATCH/work" "$SCRATCH/$3.json" >"$SCRATCH/said" 2>&1 ||
        code=$?
    cat "$SCRATCH/said"
    [[ $code == "$1" ]] && grep -qE -- "$2" "$SCRATCH/said"
}
# source_of MODEL: a loop of two that the H100 serves, "measured" at a throughput of 250 tokens a second.
source_of() {
    cat <<EOF
{"runs": [{"run_id": "loop", "model": "$1", "gpu": "H100", "gpus": 1, "engine_version": "0.15.0",
  "arrivals": {"kind": "closed", "concurrency": 2, "requests": 20},
  "input_tokens": {"kind": "fixed", "tokens": 100}, "output_tokens": {"kind": "fixed", "tokens": 50},
  "engine_args": {"max_model_len": 4096}, "results": {"output_throughput_tok_per_s": 250, "ttft_mean_s": 0.02}}]}
EOF
}
source_of Qwen/Qwen3-8B >"$SCRATCH/loop.json"
source_of nobody/knows-this-one >"$SCRATCH/stranger.json"
check "a closed loop of another source is replayed" others 0 '^loop +H100 +0.15.0 +closed +250 +2[0-9]{2}' loop
check "what cannot be replayed is said" others 4 "nobody/knows-this-one" stranger
check "a run that lacks its parts" others 3 "expected a run with run_id" partial
check "and a file that is no JSON, of others" others 3 "broken.json: expected JSON" broken
