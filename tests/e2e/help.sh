#!/usr/bin/env bash
# Every command tells about itself, in the same words on the terminal and in the man page.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

tells() {
    "$DRYDOCK" "$@" >"$SCRATCH/help" && grep -q "^Usage: drydock" "$SCRATCH/help"
}
in_man_page() {
    grep -q "^\.SS $1\$" "$SCRATCH/man"
}
renders_clean() {
    man --warnings -E UTF-8 -l -Tutf8 -Z "$SCRATCH/man" 2>&1 >/dev/null | tee "$SCRATCH/warnings"
    [[ ! -s $SCRATCH/warnings ]]
}

check "drydock help --man prints" sh -c "'$DRYDOCK' help --man >'$SCRATCH/man'"
check "drydock help lists the commands" tells help
check "drydock --help does too" tells --help
for command in $("$DRYDOCK" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    check "drydock $command --help" tells "$command" --help
    check "drydock help $command" tells help "$command"
    check "$command is in the man page" in_man_page "$command"
done
check "drydock help --json is JSON" sh -c "'$DRYDOCK' help --json | /usr/bin/python3 -m json.tool"
for topic in policies engine-flags; do
    check "drydock help $topic" sh -c "'$DRYDOCK' help $topic | grep -q ."
done
check "drydock help policies tells a router's options" \
    sh -c "'$DRYDOCK' help policies | grep -A1 '^      long_from ' | grep -q 'default 4096'"
if command -v man >/dev/null; then
    check "the man page renders without warnings" renders_clean
else
    skip "the man page renders without warnings" "man is not installed"
fi
