#!/usr/bin/env bash
# Under memcheck: the quickstart, and the same begun cold and scaled by hand, so that transfers, nodes that come
# and pods that drain are in it. No error, nothing lost.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/check.sh"
set -e

clean() {
    valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
        "$DRYDOCK" run "$2" --quiet --out "$SCRATCH/out" >"$SCRATCH/log"
    echo "valgrind: $1 is clean"
}

clean "the quickstart" scenarios/quickstart

cp -r scenarios/quickstart "$SCRATCH/cold"
cat >>"$SCRATCH/cold/scenario.yaml" <<'YAML'
  start: cold
  changes:
    - {at: 6m, workload: chat, replicas: 4}
    - {at: 9m, workload: chat, replicas: 1}
YAML
clean "the quickstart begun cold" "$SCRATCH/cold"
