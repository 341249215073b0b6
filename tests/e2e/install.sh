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

cat >"$SCRATCH/user.c" <<'C'
#include <drydock.h>
#include <drydock_policy.h>
#include <string.h>

int main(void) {
    return strcmp(dd_version(), DD_VERSION) != 0;
}
C

link_shared() {
    local flags
    flags=$(pkg-config --cflags --libs drydock) || return
    # shellcheck disable=SC2086 # flags are words
    cc -o "$SCRATCH/shared" "$SCRATCH/user.c" $flags && LD_LIBRARY_PATH=$prefix/lib "$SCRATCH/shared"
}
link_static() {
    local flags
    flags=$(pkg-config --static --cflags --libs drydock) || return
    # shellcheck disable=SC2086 # flags are words
    cc -o "$SCRATCH/static" "$SCRATCH/user.c" ${flags/-ldrydock/-l:libdrydock.a} && "$SCRATCH/static"
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
runs_installed() {
    (cd "$SCRATCH" && "$prefix/bin/drydock" run "$OLDPWD/scenarios/quickstart" --quiet --out "$SCRATCH/out")
}
nothing_installed() {
    find "$prefix" -type f -o -type l | tee "$SCRATCH/left"
    [[ ! -s $SCRATCH/left ]]
}

check "make install" make -s install BUILD="$BUILD" PREFIX="$prefix"
check "the installed program runs the quickstart" runs_installed
check "the headers compile as C++ too" g++ -x c++ -fsyntax-only -I"$prefix/include" "$SCRATCH/user.c"
check "a program links with the shared library" link_shared
check "a program links with the static library" link_static
check "the shared library shows dd_* only" shows_only_dd -D "$prefix/lib/libdrydock.so"
check "the static library shows dd_* only" shows_only_dd -g "$prefix/lib/libdrydock.a"
check "make uninstall" make -s uninstall PREFIX="$prefix"
check "nothing is left" nothing_installed
