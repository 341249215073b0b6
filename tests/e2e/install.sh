#!/usr/bin/env bash
# make install: the program runs from there, another program links with the library, which shows dd_* only,
# and make uninstall takes all of it away.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

if [[ -n $MODE ]]; then
    skip "make install" "one build of this kind is enough"
    exit 0
fi

prefix=$SCRATCH/usr
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

compiles() {
    cc -x c -std=c11 -pedantic -Werror -fsyntax-only "$prefix/include/$1" &&
        g++ -x c++ -std=c++17 -pedantic -Werror -fsyntax-only "$prefix/include/$1"
}
link_shared() {
    local flags
    flags=$(pkg-config --cflags --libs drydock) || return
    # shellcheck disable=SC2086 # flags are words
    cc -o "$SCRATCH/shared" docs/examples/run.c $flags &&
        LD_LIBRARY_PATH=$prefix/lib "$SCRATCH/shared" scenarios/quickstart | grep -q '"scenario": "quickstart"'
}
link_static() {
    local flags
    flags=$(pkg-config --static --cflags --libs drydock) || return
    # shellcheck disable=SC2086 # flags are words
    cc -o "$SCRATCH/static" docs/examples/run.c ${flags/-ldrydock/-l:libdrydock.a} &&
        "$SCRATCH/static" scenarios/quickstart | grep -q '"scenario": "quickstart"'
}
# shows_only_dd NM_OPTION FILE
shows_only_dd() {
    local others
    others=$(nm "$1" --defined-only "$2" | awk 'NF == 3 && $2 ~ /[A-Z]/ && $3 !~ /^dd_/')
    [[ -z $others ]] || {
        echo "$others"
        return 1
    }
}
# From another folder, and with a cold start, whose transfers need the SimGrid module.
runs_installed() {
    (cd "$SCRATCH" && "$prefix/bin/drydock" run "$OLDPWD/scenarios/azure-chat" --set start=cold --quiet \
        --out "$SCRATCH/out")
}
nothing_installed() {
    find "$prefix" -type f -o -type l | tee "$SCRATCH/left"
    [[ ! -s $SCRATCH/left ]]
}

check "make install" make -s install BUILD="$BUILD" PREFIX="$prefix"
check "the installed program runs, with its SimGrid module" runs_installed
for header in drydock.h drydock_policy.h; do
    check "$header compiles as C and as C++" compiles "$header"
done
check "a program links with the shared library" link_shared
check "a program links with the static library" link_static
check "the shared library shows dd_* only" shows_only_dd -D "$prefix/lib/libdrydock.so"
check "the static library shows dd_* only" shows_only_dd -g "$prefix/lib/libdrydock.a"
check "make uninstall" make -s uninstall PREFIX="$prefix"
check "nothing is left" nothing_installed

# The prefix is compiled into one object; what other tests run must not name a folder that is gone.
make -s all BUILD="$BUILD" >/dev/null
