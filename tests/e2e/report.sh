#!/usr/bin/env bash
# drydock report: a page that stands alone, the same bytes each time, and what it answers to what is no result.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../check.sh"

if ! command -v gnuplot >/dev/null; then
    skip "report" "gnuplot is not installed"
    exit 0
fi

RUN=$SCRATCH/run
"$DRYDOCK" run scenarios/quickstart --out "$RUN" --quiet >/dev/null
"$DRYDOCK" run scenarios/quickstart --set traces.0.rate_scale=12 --out "$SCRATCH/busy" --quiet >/dev/null

# Reads a page as a browser without JavaScript and without network would.
cat >"$SCRATCH/page.py" <<'EOF'
import base64, re, sys
import xml.etree.ElementTree as xml
from html.parser import HTMLParser

class Page(HTMLParser):
    void = {"meta", "img", "source", "br"}
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.pictures, self.wrong, self.ids, self.refs = [], 0, [], set(), set()
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in self.void:
            self.open.append(tag)
        if tag in ("script", "link", "iframe", "object"):
            self.wrong.append(f"<{tag}>")
        for name, value in attrs.items():
            if name in ("src", "srcset", "href") and not re.match(r"data:image/svg\+xml;base64,|#", value):
                self.wrong.append(f"{name}={value[:60]}")
            if name.startswith("on"):
                self.wrong.append(name)
        for name in ("src", "srcset"):
            if name in attrs:
                svg = base64.b64decode(attrs[name].split(",", 1)[1], validate=True)
                xml.fromstring(svg)
                if re.search(rb"<script|href=['\"](?!#)", svg):
                    self.wrong.append("a picture that refers to elsewhere")
        if tag == "img":
            self.pictures += 1
            if len(attrs.get("alt", "")) < 20 or not re.search(r"\d", attrs["alt"]):
                self.wrong.append("a picture without words: " + attrs.get("alt", ""))
        if "id" in attrs:
            if attrs["id"] in self.ids:
                self.wrong.append("twice: " + attrs["id"])
            self.ids.add(attrs["id"])
        if attrs.get("href", "").startswith("#"):
            self.refs.add(attrs["href"][1:])
    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

page = Page()
text = open(sys.argv[1], encoding="utf-8").read()
page.feed(text)
page.close()
page.wrong += ["not closed: " + tag for tag in page.open] + ["leads nowhere: #" + r for r in page.refs - page.ids]
if not re.match(r"<!DOCTYPE html>\n<html lang=\"en\">", text):
    page.wrong.append("no document type or language")
print("\n".join(page.wrong) or f"{page.pictures} pictures")
sys.exit(bool(page.wrong) or page.pictures < int(sys.argv[2]))
EOF

stands_alone() {
    /usr/bin/python3 "$SCRATCH/page.py" "$1" "$2"
}

same_bytes() {
    local name
    for name in one two; do
        (cd "$SCRATCH" && TZ=Asia/Tokyo LC_ALL=C GNUTERM=dumb "$DRYDOCK" report run --out "$name.html" --quiet) || return 1
    done
    "$DRYDOCK" report "$RUN/result.h5" --out "$SCRATCH/three.html" --quiet || return 1
    cmp "$SCRATCH/one.html" "$SCRATCH/two.html" && cmp "$SCRATCH/one.html" "$SCRATCH/three.html"
}

says() {
    grep -qF -- "$2" "$1" || {
        echo "$1 does not say: $2"
        return 1
    }
}

check "the page lies beside the result" "$DRYDOCK" report "$RUN"
check "it stands alone and each picture has words" stands_alone "$RUN/report.html" 1
check "the same result gives the same bytes" same_bytes
check "it names what was missed" says "$RUN/report.html" "All three objectives are met."

"$DRYDOCK" report "$RUN" "$SCRATCH/busy" --out "$SCRATCH/both.html" --json >"$SCRATCH/json" 2>"$SCRATCH/err"
check "two results stand side by side" stands_alone "$SCRATCH/both.html" 2
check "--json names the page" says "$SCRATCH/json" "{ \"report\": \"$SCRATCH/both.html\" }"
check "other traffic is said" says "$SCRATCH/both.html" "did not see the same traffic"

"$DRYDOCK" run scenarios/min-replicas --reps 2 --out "$SCRATCH/arms" --quiet >/dev/null
"$DRYDOCK" report "$SCRATCH/arms" --quiet
check "arms stand side by side" stands_alone "$SCRATCH/arms/report.html" 9
check "with what each of them sets" says "$SCRATCH/arms/report.html" "<code>hpa/code.spec.minReplicas=4</code>"
check "and the SLO against the dollar" says "$SCRATCH/arms/report.html" 'id="figure-tradeoff"'
check "and means over their runs" says "$SCRATCH/arms/report.html" "means over 2 runs"

# A line between spots says that there is something between them: there is along numbers, not among policies.
joined() {
    "$DRYDOCK" report "$1" --out "$SCRATCH/joined.html" --plots "$SCRATCH/joined" --quiet &&
        grep -qx "is_joined = $2" "$SCRATCH"/joined/tradeoff*.input
}
"$DRYDOCK" run scenarios/noisy-tenant --out "$SCRATCH/policies" --quiet >/dev/null
check "arms along a number are joined" joined "$SCRATCH/arms" 1
check "arms that differ by name are not" joined "$SCRATCH/policies" 0

# The program draws from anywhere: what gnuplot reads is in it.
copied() {
    mkdir -p "$SCRATCH/elsewhere"
    cp "$DRYDOCK" "$SCRATCH/elsewhere/drydock"
    (cd / && "$SCRATCH/elsewhere/drydock" report "$RUN" --out "$SCRATCH/copied.html" --quiet) &&
        cmp "$SCRATCH/copied.html" "$SCRATCH/one.html"
}
check "a copied program draws the same" copied

# What --plots keeps is what somebody who changes a script starts from.
by_hand() {
    "$DRYDOCK" report "$RUN" --out "$SCRATCH/p.html" --plots "$SCRATCH/plots" --quiet || return 1
    local input name script
    for input in "$SCRATCH"/plots/*.input; do
        name=$(basename "$input" .input)
        script=${name%%.*}
        case $script in ttft | tpot) script=latency ;; cost-rate) script=cost ;; esac
        cat "$input" analysis/plots/style.gp "analysis/plots/$script.gp" | gnuplot -d >"$SCRATCH/hand.svg" || return 1
        [[ -s $SCRATCH/plots/$name.svg ]] && grep -v '<title>\|<desc>' "$SCRATCH/hand.svg" | tail -n 5 |
            diff - <(tail -n 5 "$SCRATCH/plots/$name.svg") || return 1
    done
}
check "a script can be run by hand" by_hand

nothing_temporary() {
    local left
    left=$(find "$SCRATCH" -name '*.tmp-*')
    [[ -z $left ]] || {
        echo "left behind: $left"
        return 1
    }
}

refuses() {
    local code=$1 text=$2
    shift 2
    answers "$code" "$DRYDOCK" report "$@" 2>"$SCRATCH/err" && says "$SCRATCH/err" "$text"
}

truncated() {
    mkdir -p "$SCRATCH/damaged"
    head -c 5000 "$RUN/result.h5" >"$SCRATCH/damaged/result.h5"
    refuses 3 "damaged/result.h5" "$SCRATCH/damaged"
}
check "a truncated result is refused by name" truncated
check "a folder without a result is refused" refuses 3 "holds no result.h5" "$SCRATCH/elsewhere"
check "a missing result is refused" refuses 3 "no-such-result" "$SCRATCH/no-such-result"
check "no result is wrong usage" refuses 2 "at least one result"
check "a second result that is none is refused" refuses 3 "no-such-result" "$RUN" "$SCRATCH/no-such-result"
check "a page that cannot be written is told" refuses 4 "cannot write" "$RUN" --out "$SCRATCH/no/such/folder.html"

# A program of that name which is not gnuplot: fake COMMAND...
fake() {
    mkdir -p "$SCRATCH/bin"
    cat >"$SCRATCH/bin/gnuplot" <<EOF
#!/bin/sh
[ "\$1" = --version ] && exit 0
$*
EOF
    chmod +x "$SCRATCH/bin/gnuplot"
}

without_gnuplot() {
    PATH=/nonexistent answers 4 "$DRYDOCK" report "$RUN" 2>"$SCRATCH/err" && says "$SCRATCH/err" gnuplot-nox
}
check "without gnuplot the package is named" without_gnuplot

broken_gnuplot() {
    fake 'echo "it does not draw today" >&2; exit 1'
    cp "$RUN/report.html" "$SCRATCH/kept.html"
    PATH=$SCRATCH/bin answers 4 "$DRYDOCK" report "$RUN" 2>"$SCRATCH/err" &&
        says "$SCRATCH/err" "it does not draw today" && cmp "$RUN/report.html" "$SCRATCH/kept.html"
}
check "a gnuplot that fails leaves the old page" broken_gnuplot

# gnuplot hangs; the signal goes to the program alone.
interrupted() {
    local pid code=0
    fake 'exec /bin/sleep 60'
    PATH=$SCRATCH/bin "$DRYDOCK" report "$RUN" --out "$SCRATCH/never.html" 2>"$SCRATCH/err" &
    pid=$!
    sleep 1
    kill -TERM "$pid"
    wait "$pid" || code=$?
    [[ $code -eq 130 && ! -e $SCRATCH/never.html ]] || {
        echo "exit code $code"
        return 1
    }
}
check "a signal ends it with 130 and no page" interrupted
check "nothing temporary is left" nothing_temporary
