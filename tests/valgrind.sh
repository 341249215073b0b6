#!/usr/bin/env bash
# The quickstart under memcheck: no error, nothing lost.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/check.sh"
set -e
valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
    "$DRYDOCK" run scenarios/quickstart --quiet --out "$SCRATCH/out" >"$SCRATCH/log"
echo "valgrind: quickstart is clean"
