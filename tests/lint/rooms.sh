#!/usr/bin/env bash
# Reads sim/rooms.txt and every #include "..." of the sources; prints what breaks the table and fails.
# Also: SimGrid's headers only in the module, HDF5's only where results and traces are written.

cd "$(dirname "$0")/../.." || exit 1

sources=$(find sim traces analysis kernels -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)

# shellcheck disable=SC2086 # a list of paths without blanks
awk '
    function room_of(path,    part) {
        split(path, part, "/")
        return part[1] == "sim" ? (part[3] == "" ? "" : part[2]) : part[1]
    }
    function complain(text) { print FILENAME ":" FNR ": " text; bad = 1 }

    FILENAME == "sim/rooms.txt" {
        if ($0 ~ /^#/ || NF == 0) next
        room = $1
        known[room] = 1
        for (i = 2; i <= NF; i++) {
            if ($i == "-") continue
            if ($i == "*" || $i ~ /\.h$/) shows[room, $i] = 1
            else if (!($i in known)) complain("room " room " names " $i ", which is not above it")
            else may[room, $i] = 1
        }
        next
    }

    # <simgrid/...> and <hdf5.h> each have one door.
    /^#include <simgrid/ && FILENAME !~ /^sim\/engine\/simgrid_module/ {
        complain("only sim/engine/simgrid_module.c may include SimGrid")
    }
    /^#include <hdf5/ && FILENAME !~ /^(sim\/record\/|traces\/format\/[a-z_0-9]*h5[a-z_]*\.[ch]$)/ {
        complain("only sim/record and traces/format/*h5* may include HDF5")
    }

    /^#include "/ {
        split($0, quoted, "\"")
        header = quoted[2]
        from = room_of(FILENAME)
        if (from == "") next                      # sim/drydock.h and its kind sit above all rooms
        if (!(from in known)) { complain("room " from " is not in sim/rooms.txt"); next }
        count = split(header, part, "/")
        if (count == 1) {
            if (header !~ /^drydock(_policy)?\.h$/ && from != "traces") complain("write \"" from "/" header "\"")
            next
        }
        to = part[1]; name = part[count]
        if (to == from) next
        if (!((from, to) in may)) complain("arrow up: " from " may not include " header)
        else if (name ~ /_private\.h$/ || !((to, "*") in shows || (to, name) in shows))
            complain(header " is private to " to)
    }
    END { exit bad }
' sim/rooms.txt $sources
