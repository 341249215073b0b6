#!/usr/bin/env bash
# What services are called when names meet: an object that nothing comes of renames nobody, and two that serve never share
# a name.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

# scenario NAME: a copy of the quickstart, short.
scenario() {
    cp -r scenarios/quickstart "$SCRATCH/$1"
    sed -i 's/duration: 10m/duration: 60s/; s/warmup: 30s/warmup: 0s/' "$SCRATCH/$1/scenario.yaml"
}
run() { "$DRYDOCK" run "$SCRATCH/$1" --quiet --out "$SCRATCH/out-$1"; }
figures() {
    /usr/bin/python3 -c 'import json, sys
summary = json.load(open(sys.argv[1]))
del summary["wall_s"], summary["warnings"]
print(json.dumps(summary, indent=1))' "$SCRATCH/out-$1/summary.json"
}
names() {
    /usr/bin/python3 -c 'import json, sys; print(" ".join(sorted(json.load(open(sys.argv[1]))["services"])))' \
        "$SCRATCH/out-$1/summary.json"
}

scenario alone
scenario elsewhere
cat >"$SCRATCH/elsewhere/manifests/other.yaml" <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: elsewhere}
spec: {selector: {app: nothing}, ports: [{port: 80}]}
YAML
check "a scenario runs" run alone
check "and with a Service of that name elsewhere that selects nothing" run elsewhere
same() { diff <(figures alone) <(figures elsewhere); }
check "whose figures are the same" same

scenario twins
sed 's/^  name: chat/  name: chat\n  namespace: staging/' scenarios/quickstart/manifests/chat.yaml |
    sed '/^apiVersion: v1/,$d' >"$SCRATCH/twins/manifests/staging.yaml"
sed -i '/^apiVersion: v1/,$d' "$SCRATCH/twins/manifests/chat.yaml"
sed -i 's/, service: chat//; s/{service: chat, router/{router/' "$SCRATCH/twins/scenario.yaml"
sed -i 's/{preset: quickstart/{service: default\/chat, preset: quickstart/' "$SCRATCH/twins/scenario.yaml"
check "one Deployment in two namespaces runs" run twins
named() { [[ $(names twins) == "default/chat staging/chat" ]] || { names twins; return 1; }; }
check "under two names" named
