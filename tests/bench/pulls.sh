#!/usr/bin/env bash
# pulls.sh FOLDER: scenarios/bench-azure-1m with weights always on their way. Beside the service, replicas that serve
# nobody come two an hour, each 141 GB over a link that is slow enough for a pull to last beyond the next one's beginning.

set -euo pipefail
HOURS=49
FROM=scenarios/bench-azure-1m

mkdir -p "$1/manifests"
cp "$FROM"/manifests/*.yaml "$1/manifests"
cp "$FROM/prices.yaml" "$1"
sed -e 's/name: chat$/name: warm/' -e 's/app: chat/app: warm/' -e 's/replicas: 64/replicas: 1/' \
    -e '/--served-model-name/d' -e '/^ *- chat$/d' "$FROM/manifests/deployment.yaml" >"$1/manifests/warm.yaml"
{
    sed -e '/^  policies:/,$d' -e 's/max: 32/max: 84\n        network: 10Gbps/' "$FROM/scenario.yaml"
    echo '    links:'
    echo '      - {name: models, from: models, to: westeurope-1, latency: 2ms, bandwidth: 100Mbps, shared: true}'
    echo '  changes:'
    for hour in $(seq "$HOURS"); do
        echo "    - {at: ${hour}h, workload: warm, replicas: $((2 * hour + 1))}"
    done
    sed -n '/^  policies:/,$p' "$FROM/scenario.yaml"
} >"$1/scenario.yaml"
