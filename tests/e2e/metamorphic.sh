#!/usr/bin/env bash
# What must hold between runs whatever the figures are: twice the price is twice the bill, no traffic costs what
# stands there, a trace cut by tenant is the same bill, an unrelated object changes nothing, parts add up.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3 # Debian's, which has h5py
if [[ -n $MODE ]]; then
    skip "runs held against each other" "not in $MODE builds"
    exit
fi
"$PYTHON" -c 'import h5py' 2>/dev/null || {
    skip "runs held against each other" "no python3-h5py"
    exit
}

compare() {
    "$PYTHON" tests/e2e/metamorphic.py "$@"
}
run_into() {
    local out=$1
    shift
    "$DRYDOCK" run "$@" --quiet --out "$SCRATCH/$out"
}

# ---- a small shop: two nodes and users in one zone, the replicas in another; every price times every amount is a
# whole number of nano-dollars ----

shop=$SCRATCH/shop
mkdir -p "$shop/manifests"
cat >"$shop/scenario.yaml" <<'END'
apiVersion: drydock/v1
kind: Scenario
metadata: {name: shop}
spec:
  duration: 2m
  manifests: manifests
  prices: prices.yaml
  carbon: 300
  traces: [{file: whole.csv, service: chat, region: eu}]
  cluster:
    regions: [{name: eu}]
    zones: [{name: eu-a}, {name: eu-b}]
    pools:
      - {name: h100, zone: eu-b, instance_type: h100-1g, gpu: H100, cpu: 26, memory: 234Gi, min: 3, disk: 250GB,
         storage_class: ssd}
END
cat >"$shop/prices.yaml" <<'END'
apiVersion: drydock/v1
kind: PriceBook
metadata: {name: round, date: 2026-07-20}
spec:
  nodes: [{instance_type: h100-1g, usd_per_h: 3.6, granularity: 1s, minimum: 60s}]
  transfer: [{from: eu, to: eu, usd_per_gb: 1}, {from: eu-a, to: internet, usd_per_gb: 9}]
  storage: [{class: ssd, usd_per_gb_month: 2.628}]
  fixed: [{name: control-plane, usd_per_h: 0.36}]
END
cat >"$shop/manifests/chat.yaml" <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat}
spec:
  replicas: 2
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec:
      containers:
        - name: vllm
          image: vllm/vllm-openai:v0.10.1
          args: [--model=meta-llama/Meta-Llama-3-8B-Instruct, --max-model-len=8192]
          resources: {limits: {cpu: 8, memory: 64Gi, nvidia.com/gpu: 1}}
---
apiVersion: v1
kind: Service
metadata: {name: chat}
spec: {selector: {app: chat}, ports: [{port: 80}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: models}
spec: {accessModes: [ReadWriteMany], storageClassName: ssd, resources: {requests: {storage: 100G}}}
END
awk 'BEGIN {
    print "arrival_s,input_tokens,output_tokens,tenant"
    for (i = 0; i < 300; i++) {
        printf "%.3f,%d,%d,%s\n", 0.2 * i + 0.001 * (i % 7), 200 + i * 37 % 900, 10 + i * 13 % 90,
            i % 3 == 0 ? "gold" : "free"
    }
}' >"$shop/whole.csv"
for tenant in gold free; do
    grep -e arrival_s -e "$tenant" "$shop/whole.csv" >"$shop/$tenant.csv"
done

check "the shop runs" run_into shop "$shop"

# ---- prices ----

compare double "$shop/prices.yaml" >"$shop/twice.yaml"
check "it runs at twice the price" run_into shop2 "$shop" --set prices=twice.yaml
check "twice the price is exactly twice the bill" \
    compare twice "$SCRATCH/shop/result.h5" "$SCRATCH/shop2/result.h5"
check "the same price is not" answers 1 compare twice "$SCRATCH/shop/result.h5" "$SCRATCH/shop/result.h5"

cp -r tests/e2e/every-charge "$SCRATCH/every"
compare double "$SCRATCH/every/prices.yaml" >"$SCRATCH/every/twice.yaml"
check "every kind of charge" run_into all "$SCRATCH/every"
check "and at twice the price" run_into all2 "$SCRATCH/every" --set prices=twice.yaml
check "doubles but for what was rounded" compare nearly_twice "$SCRATCH/all/result.h5" "$SCRATCH/all2/result.h5"

# ---- parts and wholes ----

check "services and charges add up" compare adds_up "$SCRATCH/all/result.h5"
check "tenants add up to the bill" compare tenants_add_up "$SCRATCH/shop/result.h5"

# ---- traffic ----

# Nobody comes before 200 s. Three nodes for 90 s at $3.60 an hour, 850 GB at $2.628 a month, the control plane.
sed -i '2i 200.000,10,10,gold' "$shop/whole.csv"
awk -F, 'NR == 1 || $1 >= 200' "$shop/whole.csv" >"$shop/late.csv"
check "it runs without traffic" run_into idle "$shop" --set traces.0.file=late.csv --set duration=90s
check "no traffic costs exactly the idle bill" compare idle "$SCRATCH/idle/result.h5" 0.3555
sed -i 2d "$shop/whole.csv"

check "it runs with a trace for each tenant" run_into split "$shop" \
    --set 'traces=[{file: gold.csv, service: chat, region: eu}, {file: free.csv, service: chat, region: eu}]'
check "a trace split by tenant is the same bill" compare same_bill "$SCRATCH/shop/result.h5" "$SCRATCH/split/result.h5"

# ---- manifests ----

cat >"$shop/manifests/unrelated.yaml" <<'END'
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data: {who: nobody reads this}
END
check "it runs with an unrelated object" run_into more "$shop"
check "an unrelated object changes nothing but the provenance" \
    compare same "$SCRATCH/shop/result.h5" "$SCRATCH/more/result.h5"
check "another bill is another result" answers 1 compare same "$SCRATCH/shop/result.h5" "$SCRATCH/shop2/result.h5"
