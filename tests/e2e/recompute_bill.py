#!/usr/bin/python3
"""Recomputes a run's bill from what happened, in another language and with fractions.

    recompute_bill.py RESULT.h5 PRICES.yaml

Reads /nodes, /replicas, /requests, the scenario and manifests in /provenance, and the price book, and holds /charges
and the summary's cost against them:

  - the bill of each node: price x time from its billing start to its end, with minimum and granularity
  - how it is split: start-up and drain of its replicas, serving within the time that requests were there
  - bytes between places: requests and answers by the regions of users and the zones of nodes, images by node;
    what weights weigh is not in a result: there each node got as much as any other
  - storage: disks of nodes, PersistentVolumeClaims, volumes of StatefulSets' replicas
  - fixed rows; the total as the sum of /charges; unit costs from /requests
  - each request's cost as its share of a replica's busy time at the price of what the replica holds; the tenants'
    costs as the services' costs divided by that

Of requests the tokens are known, not pictures and sound: traces of text are recomputed, others are not. Of pulls those
of a cold start are: a fleet that was there at the beginning (start: warm) has images that nobody pulled.

Prints a line a check ("ok ...", "not ok ..."); exit code 1 when one fails. Dates are float64 in the file, so
a node may differ by a nano-dollar from the exact figure; sums of /charges may not.
"""
import json
import math
import re
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


def size(value):
    """Of bytes: 500, "500Gi", "1TB", "1.5G", "500GiB"."""
    digits, prefix, binary = re.fullmatch(r"([0-9.]+) ?([kKMGTPE]?)(i?)B?", str(value).strip()).groups()
    power = " KMGTPE".index(prefix.upper() or " ")
    return Fraction(digits) * (1024 if binary else 1000) ** power


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


OUTSIDE = ("internet", "registry", "models")


def transfer_price(book, world, start, end):
    """Of the row whose ends are closest; within a zone only of one that names it at both ends."""

    def closeness(said, place):
        if said == "*":
            return 0
        if said == place:
            return 3
        return 2 if place not in OUTSIDE and said == world["regions"][place] else -1

    best, score = None, -1
    for row in book.get("transfer") or []:
        near = closeness(row.get("from", "*"), start), closeness(row.get("to", "*"), end)
        usable = near == (3, 3) if start == end else min(near) >= 0
        if usable and near[0] * 4 + near[1] > score:
            best, score = number(row["usd_per_gb"]), near[0] * 4 + near[1]
    return best


def storage_price(book, name):
    return next((number(r["usd_per_gb_month"]) for r in book.get("storage") or [] if r["class"] == name), None)


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
        for state, time in (("start_up", ready - bound + Fraction(r["down_s"])), ("drain", gone - stop)):
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


# ---- bytes between places ----

SERVERS = ("vllm", "sglang", "tensorrt", "text-generation-inference")
KNOWN_IMAGES = [(name, 10 * 10**9) for name in SERVERS] + [("", 500 * 10**6)]


def gateways(cluster, zones, regions):
    """The zone nearest to each region's users: the first of those with the least latency."""
    latency = {frozenset((l["from"], l["to"])): seconds(l.get("latency", "1ms")) for l in cluster.get("links") or []}

    def way(region, zone):
        guess = Fraction(5 if zones[zone] == region else 40, 1000)
        return latency.get(frozenset((region, zone)), guess)

    return {r: min(zones, key=lambda z: way(r, z)) for r in regions}


def world_of(h5):
    """What of the scenario and the manifests a bill depends on."""
    spec = yaml.safe_load(text(h5["provenance/resolved_scenario"][()]))["spec"]
    manifests = [m for m in yaml.safe_load_all(text(h5["provenance/manifests"][()])) if m]
    cluster = spec.get("cluster") or {}
    regions = [r["name"] for r in cluster.get("regions") or [{"name": "local"}]]
    zones = {z["name"]: z.get("region", regions[0]) for z in cluster.get("zones") or [{"name": "local-a"}]}
    wire = cluster.get("wire") or {}
    images = [(i.get("match", ""), size(i["size"])) for i in cluster.get("images") or []]
    return {
        "regions": zones,
        "gateway": gateways(cluster, zones, regions),
        "in": Fraction(str(wire.get("request_bytes_per_token", 4))),
        "out": Fraction(str(wire.get("response_bytes_per_token", 250))),
        "pools": {p["name"]: p for p in cluster.get("pools") or []},
        "images": images if any(match == "" for match, _ in images) else images + KNOWN_IMAGES,
        "manifests": manifests,
        "cold": spec.get("start") == "cold",
    }


def moved_by_requests(world, requests, replicas, zone_of_node):
    """{(from, to, service): bytes}."""
    bytes_in, tokens_out = {}, {}
    for q in requests:
        if not q["region"]:
            continue
        gate = world["gateway"][q["region"]]
        node = replicas[q["replica"]]["node"] if q["replica"] >= 0 else ""
        zone = zone_of_node.get(node)
        ways = [("internet", gate)] + ([(gate, zone)] if zone and zone != gate else [])
        for start, end in ways:
            there, back = (start, end, q["service"]), (end, start, q["service"])
            bytes_in[there] = bytes_in.get(there, 0) + half_up(world["in"] * q["input_tokens"])
            tokens_out[back] = tokens_out.get(back, 0) + q["output_tokens"]
    moved = dict(bytes_in)
    for way, tokens in tokens_out.items():
        moved[way] = moved.get(way, 0) + half_up(world["out"] * tokens)
    return moved


def key_of(manifest):
    meta = manifest["metadata"]
    return f"{meta.get('namespace', 'default')}/{manifest['kind'].lower()}/{meta['name']}"


def moved_images(world, replicas, zone_of_node):
    """{(registry, zone): bytes}: each image comes to a node once."""
    workloads = [m for m in world["manifests"] if m["kind"] in ("Deployment", "StatefulSet")]
    pods = {key_of(m): m["spec"]["template"]["spec"] for m in workloads}
    here, moved = set(), {}
    for r in replicas:
        if r["pulled_s"] is None or r["workload"] not in pods:
            continue
        pod = pods[r["workload"]]
        for c in (pod.get("initContainers") or []) + pod["containers"]:
            here.add((r["node"], c["image"]))
    for node, image in here:
        way = ("registry", zone_of_node[node])
        moved[way] = moved.get(way, 0) + next(int(b) for match, b in world["images"] if match in image)
    return moved


def check_transfers(world, book, charges, requests, replicas, zone_of_node):
    rows = [c for c in charges if c["resource_type"] == "transfer"]
    got = {}
    for c in rows:
        start, end = c["resource"].split(">")
        moved = round(c["consumed_quantity"] * 10**9)
        cost = half_up(number(transfer_price(book, world, start, end)) * moved)
        check(f"the price of {c['resource']} {c['service']}", cost == c["effective_cost_nano_usd"])
        key = (start, end) if start in ("registry", "models") else (start, end, c["service"])
        got[key] = got.get(key, 0) + moved
    want = moved_by_requests(world, requests, replicas, zone_of_node)
    if world["cold"]:
        want.update(moved_images(world, replicas, zone_of_node))
    for way, moved in sorted(want.items()):
        if moved and transfer_price(book, world, *way[:2]) is not None:
            check(f"bytes {' '.join(way)}", got.get(way) == moved, f"{moved} is not {got.get(way)}")
    for way in sorted(set(got) - set(want)):
        if not way[0] == "models":
            check(f"bytes {' '.join(way)}", way[0] == "registry" and not world["cold"], "nothing moved there")
    check_weights(world, [c for c in rows if c["resource"].startswith("models>")], replicas, zone_of_node)


def check_weights(world, rows, replicas, zone_of_node):
    for c in rows if world["cold"] else []:
        loaded = {r["node"] for r in replicas if r["workload"] == c["workload"] and r["loaded_s"] is not None}
        nodes = [n for n in loaded if zone_of_node[n] == c["zone"]]
        each = round(c["consumed_quantity"] * 10**9) / max(len(nodes), 1)
        check(f"each node got the same weights of {c['workload']}", bool(nodes) and each.is_integer())


# ---- storage ----

MONTH_MS = 730 * 3600 * 1000


def kept_cost(price, amount, begin, end):
    kept_ms = half_up((Fraction(end) - Fraction(begin)) * 1000)
    return half_up(price * NANO * amount * kept_ms / (10**9 * MONTH_MS))


def default_class(world):
    key = "storageclass.kubernetes.io/is-default-class"
    names = [
        m["metadata"]["name"]
        for m in world["manifests"]
        if m["kind"] == "StorageClass" and (m["metadata"].get("annotations") or {}).get(key) == "true"
    ]
    return min(names, default=None)


def kept(world, nodes, replicas, window):
    """(resource, class, bytes, from, to) of everything that is stored."""
    for n in nodes:
        pool = world["pools"][n["pool"]]
        if pool.get("storage_class"):
            end = window if n["deleted_s"] is None else n["deleted_s"]
            yield f"{n['name']}/disk", pool["storage_class"], size(pool.get("disk", "1TB")), n["requested_s"], end
    for m in world["manifests"]:
        place = m["metadata"].get("namespace", "default")
        if m["kind"] == "PersistentVolumeClaim":
            claim, name = m["spec"], m["metadata"]["name"]
            asked = claim.get("storageClassName", default_class(world))
            yield f"{place}/{name}", asked, size(claim["resources"]["requests"]["storage"]), 0, window
        if m["kind"] == "StatefulSet":
            goes = (m["spec"].get("persistentVolumeClaimRetentionPolicy") or {}).get("whenScaled") == "Delete"
            seen = set()
            for r in replicas:
                ordinal = r["name"].rsplit("/", 1)[1]
                if r["workload"] != key_of(m) or r["bound_s"] is None or ordinal in seen:
                    continue
                if not goes:
                    seen.add(ordinal)
                for t in m["spec"].get("volumeClaimTemplates") or []:
                    asked = t["spec"].get("storageClassName", default_class(world))
                    end = r["gone_s"] if goes and r["gone_s"] is not None else window
                    name = f"{place}/{t['metadata']['name']}-{m['metadata']['name']}-{ordinal}"
                    yield name, asked, size(t["spec"]["resources"]["requests"]["storage"]), r["bound_s"], end


def check_storage(world, book, charges, nodes, replicas, window):
    want = {}
    for name, asked, amount, begin, end in kept(world, nodes, replicas, window):
        price = storage_price(book, asked)
        if price is not None:
            want.setdefault(name, []).append(kept_cost(price, amount, begin, end))
    for name, costs in sorted(want.items()):
        got = nano(charges, category="storage", resource=name)
        check(f"storage {name}", abs(sum(costs) - got) <= len(costs), f"{sum(costs)} is not {got}")
    names = {c["resource"] for c in charges if c["category"] == "storage"}
    check("nothing else is stored", names == set(want), str(names ^ set(want)))


# ---- who pays for it ----


def server_price(book, nodes, replica):
    """Dollars an hour of one server of a replica; None where the node has no GPUs: /replicas has no cores."""
    node = next((n for n in nodes if n["name"] == replica["node"]), None)
    if node is None or not node["gpus"]:
        return None
    return number(price_of(book, node)["usd_per_h"]) * replica["gpus"] / (node["gpus"] * replica["servers"])


def check_requests(book, nodes, replicas, requests):
    worked = {}
    for q in requests:
        worked[q["replica"]] = worked.get(q["replica"], 0) + q["compute_s"]
    # Crashed in place, or with a pod that then went at once: requests that failed may have been sent again.
    crashed = any(r["restarts"] or (r["gone_s"] is not None and r["terminating_s"] == r["gone_s"]) for r in replicas)
    failed = crashed or any(q["status"] == "failed" for q in requests)
    repeated = any(q["attempts"] > 1 for q in requests)  # their row names the last replica, compute_s is of all
    if repeated and not failed:
        busy = sum(r["busy_s"] for r in replicas)
        check("shares of all replicas", abs(sum(worked.values()) - busy) < 1e-6, f"{sum(worked.values())} {busy}")
    for row, r in enumerate(replicas):
        mine = [q for q in requests if q["replica"] == row]
        if any(q["status"] == "failed" for q in mine):
            continue  # what a stopped step took is nobody's
        check(f"shares of {r['name']}", repeated or abs(worked.get(row, 0) - r["busy_s"]) < 1e-6, f"{worked.get(row)} {r['busy_s']}")
        price = server_price(book, nodes, r) if mine else None
        if price is not None:
            off = max(abs(float(price) * q["compute_s"] / 3600 - q["cost_usd"]) for q in mine)
            check(f"requests' costs of {r['name']}", off < 1e-9, str(off))


def check_tenants(summary, requests):
    """A service's cost goes to tenants by their requests' cost_usd, one that cost nothing by that of all."""
    names = sorted(summary.get("tenants", {})) + [""]
    used = {}
    for q in requests:
        key = (q["tenant"], q["service"])
        used[key] = used.get(key, 0) + q["cost_usd"]
    whole = {t: sum(v for (tenant, _), v in used.items() if tenant == t) for t in names}
    want = dict.fromkeys(names, 0)
    for service, figures in summary["services"].items():
        weights = {t: used.get((t, service), 0) for t in names}
        weights = weights if sum(weights.values()) > 0 else whole
        for t in names if sum(weights.values()) > 0 else []:
            want[t] += float(figures["cost"]["total_usd"]) * weights[t] / sum(weights.values())
    got = {t: float(summary["tenants"][t]["cost"]["total_usd"]) if t else want[""] for t in names}
    for t in names[:-1]:
        check(f"what tenant {t} pays", abs(want[t] - got[t]) < 1e-6, f"{want[t]} is not {got[t]}")
    if names[:-1] and sum(whole.values()) > 0:
        total = float(summary["cost"]["total_usd"])
        check("tenants pay the bill", abs(sum(got.values()) - total) < 1e-6, f"{sum(got.values())}, {total}")


# ---- all of it ----


def main(result, prices):
    with h5py.File(result, "r") as h5:
        nodes, charges = table(h5, "nodes"), table(h5, "charges")
        replicas, rows_of_requests = table(h5, "replicas"), table(h5, "requests")
        summary, world = summary_of(h5), world_of(h5)
    with open(prices, encoding="utf-8") as stream:
        book = yaml.safe_load(stream)
    book = book.get("spec", book)
    window = Fraction(summary["simulated_s"])
    requests, by_node = {}, {}
    for q in rows_of_requests:
        # earlier attempts may have been anywhere
        for row in range(len(replicas)) if q["attempts"] > 1 else [q["replica"]]:
            requests.setdefault(row, []).append(q)
    for row, r in enumerate(replicas):
        by_node.setdefault(r["node"], []).append({**r, "row": row})

    bill = 0
    for node in nodes:
        rows = [c for c in charges if c["resource_type"] == "node" and c["resource"] == node["name"]]
        for key in ("region", "purchase"):
            node.setdefault(key, rows[0][key] if rows else "")
        bill += check_node(node, book, rows, by_node.get(node["name"], []), requests, window)
    check("compute is the nodes' bills", abs(bill - nano(charges, category="compute")) <= len(nodes))

    zone_of_node = {n["name"]: n["zone"] for n in nodes}
    check_transfers(world, book, charges, rows_of_requests, replicas, zone_of_node)
    check_storage(world, book, charges, nodes, replicas, window)
    for row in book.get("fixed") or []:
        want = half_up(number(row["usd_per_h"]) * NANO * window / 3600)
        got = nano(charges, category="fixed", resource=row["name"])
        check(f"the fixed row {row['name']}", abs(want - got) <= 1, f"{want} is not {got}")

    check_requests(book, nodes, replicas, rows_of_requests)
    check_tenants(summary, rows_of_requests)

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
