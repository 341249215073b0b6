#!/usr/bin/env bash
# Other simulators beside this one: the same requests on the same machine, time, memory and latency side by side.
#
#   PEER_VIDUR=DIR   a checkout of Vidur with its profiles (run as `python -m vidur.main` from there)
#     PEER_VIDUR_PYTHON=FILE      its Python, with its requirements (default python3)
#     PEER_VIDUR_PREDICTOR=NAME   random_forrest (default) or linear_regression
#   PEER_BLIS=FILE   the program `blis` of inference-sim, or the checkout it was built in
#     PEER_BLIS_LATENCY=NAME      trained-physics (default) or roofline
#   PEER_REQUESTS=N  the first so many of the trace (default 2000)
#   PEER_FOLDER=DIR  where inputs, logs and results go (default build/bench/peers)
#
#   tests/bench/peers/compare.sh [TRACE]    any trace that `drydock trace convert` reads; default: the Azure
#                                           conversation hour of 2023 under $DATA
#
# Peers are no part of this repository and are never built by it: without one, this says so and ends.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
BUILD=${BUILD:-build}
DATA=${DATA:-../shared}
DRYDOCK=$PWD/$BUILD/drydock
[[ $BUILD == /* ]] && DRYDOCK=$BUILD/drydock
export DRYDOCK

if [[ -z ${PEER_VIDUR:-} && -z ${PEER_BLIS:-} ]]; then
    echo "skip peers: set PEER_VIDUR or PEER_BLIS to an installation ($0 says how)"
    exit 0
fi
trace=${1:-$DATA/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv}
[[ -r $trace ]] || { echo "skip peers: no $trace"; exit 0; }
folder=${PEER_FOLDER:-$BUILD/bench/peers}
mkdir -p "$folder"
exec "${PYTHON:-/usr/bin/python3}" tests/bench/peers/compare.py "$trace" "$(realpath "$folder")"
