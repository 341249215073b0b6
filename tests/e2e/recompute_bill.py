#!/usr/bin/python3
"""Recomputes a run's bill from what happened, in another language and with fractions.

    recompute_bill.py RESULT.h5 PRICES.yaml

Reads /nodes, /replicas, /requests and the price book, and holds /charges and the summary's cost against them:

  - the bill of each node: price x time from its billing start to its end, with minimum and granularity
  - how it is split: start-up and drain of its replicas, serving within the time that requests were there
  - fixed rows; the total as the sum of /charges; unit costs from /requests

Prints a line a check ("ok ...", "not ok ..."); exit code 1 when one fails. Dates are float64 in the file, so
a node may differ by a nano-dollar from the exact figure; sums of /charges may not.
"""
import json
import math
import sys
from fractions import Fraction

import h5py
import yaml

NANO = 10**9
failures = 0


def check(name, good, detail=""):
    global failures
    print(("ok " if good else "not ok ") + name + (f": {detail}" if detail and not good else ""))
    failures += not good


# ---- reading ----


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def table(h5, name):
    """A table as a list of dictionaries: texts, names of enumerations and dictionaries, numbers; NaN is None."""
    if name not in h5:
        return []
    columns = {}
    for key, data in h5[name].items():
        values = data[:].tolist()
        names = h5py.check_enum_dtype(data.dtype)
        if names:
            back = {number: label for label, number in names.items()}
            values = [back[v] for v in values]
        elif "dictionary" in data.attrs:
            words = [text(w) for w in h5[text(data.attrs["dictionary"])][:]]
            values = [words[v] if v < len(words) else "" for v in values]
        columns[key] = [
            text(v) if isinstance(v, bytes) else None if isinstance(v, float) and math.isnan(v) else v
            for v in values
        ]
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def summary_of(h5):
    """The JSON of /summary with money as fractions, so that nine decimals stay nine decimals."""
    data = h5["summary"]
    raw = data[()]
    raw = raw if isinstance(raw, bytes) else raw[0] if hasattr(raw, "__len__") and not isinstance(raw, str) else raw
    return json.loads(text(raw), parse_float=Fraction)


def number(value):
    """Of a price: 98.32, "$2.50/h", "$60/day"."""
    word = str(value).replace("$", "").replace("USD", "").strip()
    for suffix, over in (("/hour", 1), ("/h", 1), ("/day", 24), ("/d", 24)):
        if word.endswith(suffix):
            return Fraction(word[: -len(suffix)]) / over
    return Fraction(word)


def seconds(value):
    """Of a duration: 60, "60s", "1h30m"."""
    units = {"ms": Fraction(1, 1000), "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    word, total = str(value), Fraction(0)
    while word:
        digits = len(word) - len(word.lstrip("0123456789."))
        rest = word[digits:]
        unit = next((u for u in ("ms", "s", "m", "h", "d", "w") if rest.startswith(u)), "")
        total += Fraction(word[:digits]) * units.get(unit, 1)
        word = rest[len(unit):]
    return total


# ---- the price book ----


def price_of(book, node):
    def fits(row):
        return (
            row["instance_type"] == node["instance_type"]
            and row.get("purchase", "on-demand") == (node["purchase"] or "on-demand")
            and row.get("region") in (None, node["region"])
            and row.get("zone") in (None, node["zone"])
        )

    def said(row):
        return (row.get("zone") is not None, row.get("region") is not None, row.get("provider") is not None)

    return max(filter(fits, book.get("nodes") or []), key=said, default=None)


def billed_time(price, node, end):
    """(begin, real time, billed time) in seconds; None when the bill never started."""
    requested, ready = Fraction(node["requested_s"]), node["ready_s"]
    start = price.get("billing_start", "requested")
    begin = requested
    if start == "ready":
        begin = None if ready is None else Fraction(ready)
    elif start == "running":
        begin = requested + seconds(price.get("pending", 0))
        begin = begin if ready is None else min(begin, Fraction(ready))
    if begin is None or begin >= end:
        return None
    time = max(end - begin, seconds(price.get("minimum", 0)))
    step = seconds(price.get("granularity", 0))
    if step > 0:
        # A date read from the file is off by 1e-11 s: no step is begun by that.
        time = step * math.ceil((time - Fraction(1, 10**9)) / step)
    return begin, end - begin, time


def half_up(value):
    return math.floor(value + Fraction(1, 2))


# ---- the split of a node ----


def cut(date, low, high):
    return low if date is None and low == high else max(low, min(high, high if date is None else Fraction(date)))


def split_of(node, begin, end, replicas):
    """GPU-seconds by state, serving and idle together as "ready"."""
    gpus = node["gpus"]
    low = cut(node["ready_s"], begin, end)
    states = {"start_up": gpus * (low - begin), "ready": gpus * (end - low), "drain": Fraction(0)}
    for r in replicas:
        if r["bound_s"] is None:
            continue
        gone = cut(r["gone_s"], low, end)
        bound = cut(r["bound_s"], low, gone)
        stop = cut(r["terminating_s"], bound, gone)
        ready = cut(r["ready_s"], bound, stop)
        for state, time in (("start_up", ready - bound), ("drain", gone - stop)):
            states[state] += r["gpus"] * time
            states["ready"] -= r["gpus"] * time
    return states


def covered(intervals):
    """Length of the union of intervals."""
    total, reach = Fraction(0), None
    for begin, end in sorted(intervals):
        if reach is None or begin > reach:
            total, reach = total + end - begin, end
        elif end > reach:
            total, reach = total + end - reach, end
    return total


def serving_at_most(node, replicas, requests, end):
    """GPU-seconds in which a request was anywhere between its user and a replica on this node."""
    total = Fraction(0)
    for r in replicas:
        spans = []
        for q in requests.get(r["row"], []):
            begin = Fraction(q["arrival_s"])
            spans.append((begin, end if q["e2e_s"] is None else min(end, begin + Fraction(q["e2e_s"]))))
        total += r["gpus"] * covered(spans)
    return total


def nano(rows, **where):
    return sum(r["effective_cost_nano_usd"] for r in rows if all(r[k] == v for k, v in where.items()))


def check_node(node, book, rows, replicas, requests, window):
    price = price_of(book, node)
    if price is None:
        check(f"{node['name']} has a price", False, node["instance_type"])
        return 0
    end = window if node["deleted_s"] is None else Fraction(node["deleted_s"])
    span = billed_time(price, node, end)
    if span is None:
        check(f"{node['name']} costs nothing", not rows)
        return 0
    begin, _, billed = span
    bill = half_up(number(price["usd_per_h"]) * NANO * billed / 3600)
    check(f"the bill of {node['name']}", abs(bill - nano(rows)) <= 1, f"{bill} is not {nano(rows)} nano-dollars")
    if not node["gpus"]:
        return bill
    states = split_of(node, begin, end, replicas)
    whole = sum(states.values())
    slack = len(rows) + 1
    for state in ("start_up", "drain"):
        want, got = bill * states[state] / whole, nano(rows, state=state)
        check(f"{state} of {node['name']}", abs(want - got) <= slack, f"{float(want):.0f} is not {got}")
    served = nano(rows, state="serving")
    most = bill * serving_at_most(node, replicas, requests, end) / whole
    check(f"serving of {node['name']} lies within its requests", served <= most + slack, f"{served} > {float(most):.0f}")
    return bill


# ---- all of it ----


def main(result, prices):
    with h5py.File(result, "r") as h5:
        nodes, charges = table(h5, "nodes"), table(h5, "charges")
        replicas, rows_of_requests = table(h5, "replicas"), table(h5, "requests")
        summary = summary_of(h5)
    with open(prices, encoding="utf-8") as stream:
        book = yaml.safe_load(stream)
    book = book.get("spec", book)
    window = Fraction(summary["simulated_s"])
    requests, by_node = {}, {}
    for q in rows_of_requests:
        requests.setdefault(q["replica"], []).append(q)
    for row, r in enumerate(replicas):
        by_node.setdefault(r["node"], []).append({**r, "row": row})

    bill = 0
    for node in nodes:
        rows = [c for c in charges if c["resource_type"] == "node" and c["resource"] == node["name"]]
        for key in ("region", "purchase"):
            node.setdefault(key, rows[0][key] if rows else "")
        bill += check_node(node, book, rows, by_node.get(node["name"], []), requests, window)
    check("compute is the nodes' bills", abs(bill - nano(charges, category="compute")) <= len(nodes))

    for row in book.get("fixed") or []:
        want = half_up(number(row["usd_per_h"]) * NANO * window / 3600)
        got = nano(charges, category="fixed", resource=row["name"])
        check(f"the fixed row {row['name']}", abs(want - got) <= 1, f"{want} is not {got}")

    total, cost = nano(charges), summary["cost"]
    check("the total is the sum of /charges", cost["total_usd"] * NANO == total, f"{cost['total_usd']}, {total}")
    for key, column in (("by_state", "state"), ("by_category", "category")):
        for name, value in cost.get(key, {}).items():
            check(f"{key}.{name}", value * NANO == nano(charges, **{column: name}))
    completed = sum(q["status"] == "completed" for q in rows_of_requests)
    if completed and cost.get("usd_per_1k_requests") is not None:
        want = half_up(Fraction(total * 1000, completed))
        check("usd_per_1k_requests", cost["usd_per_1k_requests"] * NANO == want)
    return failures > 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
