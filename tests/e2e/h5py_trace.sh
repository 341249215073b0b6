#!/usr/bin/env bash
# A trace that h5py wrote, texts of variable length and all, is read as one of our own.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

PYTHON=/usr/bin/python3 # Debian's, which has h5py
"$PYTHON" -c 'import h5py' 2>/dev/null || {
    skip "a trace written by h5py" "no python3-h5py"
    exit
}
# trace NAME OF THE SECOND TENANT
trace() {
    "$PYTHON" - "$SCRATCH/trace.h5" "$1" <<'END'
import sys
import h5py
import numpy as np

with h5py.File(sys.argv[1], "w") as h5:
    h5.attrs["schema"], h5.attrs["requests"] = "drydock.trace/1", 3
    h5["arrival_ps"] = np.array([0, 10**12, 2 * 10**12], "int64")
    h5["input_tokens"] = np.array([1, 2, 3], "uint32")
    h5["output_tokens"] = np.array([4, 5, 6], "uint32")
    h5["tenant"] = np.array([1, 2, 0], "uint32")
    h5.create_dataset("names", data=["", "gold", sys.argv[2]])
END
}
trace "free, of charge"
check "it is converted" "$DRYDOCK" trace convert "$SCRATCH/trace.h5" "$SCRATCH/trace.csv" --quiet
printf '%s\n' arrival_s,input_tokens,output_tokens,tenant 0,1,4,gold '1,2,5,"free, of charge"' 2,3,6, >"$SCRATCH/expected"
check "row by row" diff "$SCRATCH/expected" "$SCRATCH/trace.csv"
trace "$(printf 'x%.0s' {1..300})"
check "a name that is too long is an error" answers 3 "$DRYDOCK" trace info "$SCRATCH/trace.h5"
