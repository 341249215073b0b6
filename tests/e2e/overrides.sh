#!/usr/bin/env bash
# Values that the command line puts into a scenario and its manifests: what is run, and what provenance keeps.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

# provenance NAME RESULT TEXT: the text stands in /provenance/NAME.
provenance() {
    /usr/bin/python3 - "$@" <<'EOF'
import sys, h5py
name, result, text = sys.argv[1:]
kept = h5py.File(result + "/result.h5")["provenance/" + name][()].decode()
sys.exit(None if text in kept else "not in /provenance/%s: %s" % (name, text))
EOF
}

run() {
    "$DRYDOCK" run scenarios/quickstart --quiet "$@"
}

check "a run with a flag of the model server, and a field of its Deployment" \
    run --out "$SCRATCH/set" --set deployment/chat.args.--max-num-seqs=8 --set Deployments/chat.spec.replicas=3
if /usr/bin/python3 -c 'import h5py' 2>"$SCRATCH/h5py"; then
    check "/provenance/manifests holds the flag" provenance manifests "$SCRATCH/set" '"--max-num-seqs=8"'
    check "/provenance/manifests holds the field" provenance manifests "$SCRATCH/set" 'replicas: 3'
else
    skip "/provenance/manifests holds what was set" "python3-h5py is missing"
fi
check "other manifests are another result" answers 1 cmp -s "$SCRATCH/set/result.h5" \
    <(run --out "$SCRATCH/plain" && cat "$SCRATCH/plain/result.h5")

# The same by an arm: the same bytes but for the text of the scenario.
cp -r scenarios/quickstart "$SCRATCH/arms"
cat >>"$SCRATCH/arms/scenario.yaml" <<'EOF'
  arms:
    - name: plain
    - name: small
      set:
        deployment/chat.args.--max-num-seqs: 8
        deploy/chat.spec.replicas: 3
EOF
check "validate checks the arms" "$DRYDOCK" validate "$SCRATCH/arms"
check "an arm" "$DRYDOCK" run "$SCRATCH/arms" --quiet --arm small --out "$SCRATCH"
check "an arm sets what --set does" diff \
    <("$DRYDOCK" export csv "$SCRATCH/set") <("$DRYDOCK" export csv "$SCRATCH/small")
check "an arm without values is the scenario as it stands" diff <("$DRYDOCK" export csv "$SCRATCH/plain") \
    <("$DRYDOCK" run "$SCRATCH/arms" --quiet --arm plain --out "$SCRATCH/same" && "$DRYDOCK" export csv "$SCRATCH/same/plain")
