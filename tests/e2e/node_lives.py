#!/usr/bin/python3
"""Holds the lives of nodes against the rules of docs/cluster.md, from a result and its scenario alone.

    node_lives.py RESULT.h5 SCENARIO.yaml

Prints a line a check ("ok ...", "not ok ..."); exit code 1 when one fails.
"""
import re
import sys

import h5py
import yaml

TOLERANCE_S = 1e-9  # of dates that the file has as float64
failures = 0


def check(name, good, detail=""):
    global failures
    print(("ok " if good else "not ok ") + name + (f": {detail}" if detail and not good else ""))
    failures += not good


def table(h5, name):
    columns = {}
    for key, data in h5[name].items():
        values = data[:].tolist()
        columns[key] = [v.decode() if isinstance(v, bytes) else None if v != v else v for v in values]
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def seconds(text):
    return sum(float(n) * {"s": 1, "m": 60, "h": 3600}[u] for n, u in re.findall(r"([\d.]+)([smh])", str(text)))


def most_at_once(spans):
    """Largest number of intervals that hold at the same time; one that ends at an instant does not."""
    dates = sorted([(a, 1) for a, _ in spans] + [(b, -1) for _, b in spans if b is not None])
    now = most = 0
    for _, change in dates:
        now += change
        most = max(most, now)
    return most


def fewest_at_once(spans, end):
    dates = sorted({0.0} | {b for _, b in spans if b is not None and b < end})
    return min(sum(a <= t and (b is None or b > t) for a, b in spans) for t in dates)


def main(result, scenario):
    with h5py.File(result, "r") as h5:
        nodes, replicas = table(h5, "nodes"), table(h5, "replicas")
        events = [e for e in table(h5, "events") if e["reason"] == "NodeRemoved"]
    with open(scenario, encoding="utf-8") as stream:
        pools = {p["name"]: p for p in yaml.safe_load(stream)["spec"]["cluster"]["pools"]}
    end = max([n["deleted_s"] or 0 for n in nodes] + [r["created_s"] for r in replicas])

    check("no two nodes have one name", len({n["name"] for n in nodes}) == len(nodes))
    check("rows are in the order of the requests", nodes == sorted(nodes, key=lambda n: n["requested_s"]))
    removed = {e["object"]: e["time_s"] for e in events}
    check("each removal is an event", removed == {n["name"]: n["deleted_s"] for n in nodes if n["deleted_s"]})

    places = {}
    for n in nodes:
        place, life = re.fullmatch(r"(.*-\d+?)(?:-r(\d+))?", n["name"]).groups()
        places.setdefault(place, []).append((int(life or 1), n))
    check("some place had more than one node", max(map(len, places.values())) > 1)
    check("no place has more than one node at a time", all(
        [life for life, _ in lives] == list(range(1, len(lives) + 1))
        and all(a["deleted_s"] is not None and a["deleted_s"] <= b["requested_s"] for (_, a), (_, b) in zip(lives, lives[1:]))
        for lives in places.values()))

    for name, pool in pools.items():
        mine = [n for n in nodes if n["pool"] == name]
        most = most_at_once([(n["requested_s"], n["deleted_s"]) for n in mine])
        fewest = fewest_at_once([(n["ready_s"], n["deleted_s"]) for n in mine if n["ready_s"] is not None], end)
        check(f"pool {name} has at most max nodes", most <= pool["max"], most)
        check(f"pool {name} has at least min Ready", fewest >= pool["min"], fewest)
        for n in mine:
            there = [r for r in replicas if r["node"] == n["name"] and r["bound_s"] is not None]
            cold = [r for r in there if r["bound_s"] > 0 and r["pulled_s"] is not None]
            if pool.get("preloaded"):
                check(f"nobody pulls on {n['name']}", all(r["pulled_s"] == r["bound_s"] for r in cold))
            elif cold:
                first = min(cold, key=lambda r: r["bound_s"])
                check(f"the first pod of {n['name']} pulls", first["pulled_s"] > first["bound_s"])
            if n["deleted_s"] is None:
                continue
            check(f"{n['name']} was left by its pods", all(r["gone_s"] is not None for r in there))
            empty = n["deleted_s"] - max([n["ready_s"]] + [r["gone_s"] for r in there])
            check(f"{n['name']} went when it had been empty for long enough, not before",
                  abs(empty - seconds(pool["scale_down_after"])) < TOLERANCE_S, empty)
    return failures > 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
