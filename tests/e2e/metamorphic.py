#!/usr/bin/python3
"""Holds results of related scenarios against each other.

    metamorphic.py double PRICES              the price book with every price doubled, on stdout
    metamorphic.py twice RESULT OTHER         OTHER cost exactly twice as much, in all and by resource
    metamorphic.py nearly_twice RESULT OTHER  the same where amounts were rounded: 2 nano-dollars a charge
    metamorphic.py same_bill RESULT OTHER     the same charges, to the nano-dollar, and the same figures of cost
    metamorphic.py same RESULT OTHER          the same but for /provenance
    metamorphic.py idle RESULT USD            nothing served, and the bill is USD
    metamorphic.py adds_up RESULT             the total is the sum of charges in any order, and services add up

Says what does not hold; exit code 1 then.
"""
import json
import random
import re
import sys
from fractions import Fraction

import h5py

NANO = 10**9
failures = []


def check(name, good, detail=""):
    if not good:
        failures.append(f"{name}: {detail}")


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def summary_of(path):
    with h5py.File(path, "r") as h5:
        return json.loads(text(h5["summary"][()]), parse_float=Fraction)


def charges_of(path):
    """Rows as tuples of (what it is, cost in nano-dollars), in order."""
    with h5py.File(path, "r") as h5:
        columns = h5["charges"]
        costs = columns["effective_cost_nano_usd"][:].tolist()
        names = zip(*(columns[k][:].tolist() for k in ("resource", "category", "state", "workload", "service")))
        return [(tuple(text(part) for part in name), cost) for name, cost in zip(names, costs)]


def by_resource(charges):
    sums = {}
    for (resource, category, *_), cost in charges:
        sums[resource, category] = sums.get((resource, category), 0) + cost
    return sums


def double(prices):
    with open(prices, encoding="utf-8") as stream:
        book = stream.read()
    print(re.sub(r"(usd_per_\w+: )([0-9.]+)", lambda m: m[1] + str(float(Fraction(m[2]) * 2)), book))


def twice(one, other):
    a, b = by_resource(charges_of(one)), by_resource(charges_of(other))
    check("the same resources are charged", a.keys() == b.keys())
    for key, cost in a.items():
        check(f"twice {key}", 2 * cost == b.get(key), f"{cost}, {b.get(key)}")
    total, doubled = (summary_of(path)["cost"]["total_usd"] for path in (one, other))
    check("twice the total", 2 * total == doubled and total > 0, f"{total}, {doubled}")


def nearly_twice(one, other):
    a, b = charges_of(one), charges_of(other)
    check("the same charges", [name for name, _ in a] == [name for name, _ in b] and a)
    for (name, cost), (_, doubled) in zip(a, b):
        check(f"twice {name}", abs(2 * cost - doubled) <= 2, f"{cost}, {doubled}")
    total, doubled = (summary_of(path)["cost"]["total_usd"] * NANO for path in (one, other))
    check("twice the total", abs(2 * total - doubled) <= len(a), f"{total}, {doubled}")


def same_bill(one, other):
    a, b = charges_of(one), charges_of(other)
    check("the same charges", a == b and a, f"{set(a) ^ set(b)}")
    x, y = summary_of(one), summary_of(other)
    check("there are tenants with costs", x["tenants"]["gold"]["cost"]["total_usd"] > 0)
    for key in ("cost", "tenants", "energy_kwh", "carbon", "requests", "latency"):
        check(key, x.get(key) == y.get(key), f"{x.get(key)}, {y.get(key)}")


def datasets(path):
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance/"):
            found[name] = (item[()].tolist() if hasattr(item[()], "tolist") else item[()], str(item.dtype))

    with h5py.File(path, "r") as h5:
        h5.visititems(visit)
    return found


def same(one, other):
    a, b = datasets(one), datasets(other)
    check("the same tables", a.keys() == b.keys() and len(a) > 20, str(a.keys() ^ b.keys()))
    for name, values in a.items():
        check(name, repr(values) == repr(b.get(name)), "differs")


def idle(result, usd):
    cost, charges = summary_of(result)["cost"], charges_of(result)
    check("nothing arrived", summary_of(result)["requests"]["arrived"] == 0)
    check("the bill", cost["total_usd"] == Fraction(usd), f"{float(cost['total_usd'])} is not {usd}")
    check("serving", cost["by_state"]["serving"] == 0 and cost["by_state"]["drain"] == 0)
    check("idle", cost["by_state"]["idle"] == cost["by_category"]["compute"] > 0)
    check("network", cost["by_category"]["network"] == 0)
    check("unit costs", cost["usd_per_1k_requests"] is None and cost["usd_per_good_request"] is None)
    check("charges", sum(c for _, c in charges) == cost["total_usd"] * NANO)


def adds_up(result):
    summary, costs = summary_of(result), [cost for _, cost in charges_of(result)]
    total = summary["cost"]["total_usd"] * NANO
    for seed in range(5):
        random.Random(seed).shuffle(costs)
        check("the sum of charges", sum(costs) == total, f"{sum(costs)}, {total}")
    parts = list(summary["services"].values())
    check("there are services", len(parts) > 1)
    for key, value in summary["cost"].items():
        if key in ("total_usd", "billed_usd", "usage_usd", "allocated_usd"):
            check(f"services' {key}", sum(p["cost"][key] for p in parts) == value)
        if key in ("by_state", "by_category"):
            for name, amount in value.items():
                check(f"services' {key}.{name}", sum(p["cost"][key][name] for p in parts) == amount)
    for name, of in (("energy_kwh", lambda s: s["energy_kwh"]), ("carbon.kg", lambda s: s["carbon"]["kg"])):
        whole, together = float(of(summary)), float(sum(of(p) for p in parts))
        check(f"services' {name}", whole > 0 and abs(together - whole) <= 1e-12 * whole, f"{together}, {whole}")


def tenants_add_up(result):
    summary = summary_of(result)
    tenants = [t["cost"] for t in summary["tenants"].values()]
    check("there are tenants", len(tenants) > 1)
    for key in ("total_usd", "billed_usd", "usage_usd", "allocated_usd"):
        check(f"tenants' {key}", sum(t[key] for t in tenants) == summary["cost"][key] > 0)
    for key in ("by_state", "by_category"):
        for name, amount in summary["cost"][key].items():
            check(f"tenants' {key}.{name}", sum(t[key][name] for t in tenants) == amount)


if __name__ == "__main__":
    checks = {f.__name__: f for f in (tenants_add_up, double, twice, nearly_twice, same_bill, same, idle, adds_up)}
    if len(sys.argv) < 3 or sys.argv[1] not in checks:
        sys.exit(__doc__)
    checks[sys.argv[1]](*sys.argv[2:])
    print("\n".join(failures))
    sys.exit(bool(failures))
