"""trace_event.py TRACE.json RESULT.h5 [FROM_S TO_S]: the trace is what its format says, and what the result has."""

import collections
import json
import sys

import h5py
import numpy as np

trace = json.load(open(sys.argv[1]))
result = h5py.File(sys.argv[2])
window = (float(sys.argv[3]), float(sys.argv[4])) if len(sys.argv) > 3 else (0, float("inf"))
PODS = 100000  # process of the first row of /replicas
NS = 1e-3  # of the microseconds that it counts in: it has three decimals
events = trace["traceEvents"]
names = collections.defaultdict(dict)  # process -> thread -> name

for e in events:
    assert {"ph", "name", "pid", "tid", "ts"} <= e.keys(), e
    assert e["ph"] in "MXCibe" and isinstance(e["name"], str) and e["name"], e
    assert type(e["pid"]) is int and type(e["tid"]) is int and e["pid"] > 0 and e["tid"] >= 0, e
    assert isinstance(e["ts"], float) and e["ts"] >= 0, e
    if e["ph"] == "M":
        assert e["name"] in ("process_name", "process_labels", "thread_name"), e
        names[e["pid"]].setdefault(0 if e["name"].startswith("process") else e["tid"], e["args"])
    if e["ph"] in "be":
        assert e["cat"] == "request" and int(e["id"], 16) >= 0, e
    if e["ph"] == "i":
        assert e["s"] in "pt", e
    if e["ph"] == "C":
        assert all(isinstance(v, (int, float)) for v in e["args"].values()), e
for e in events:
    assert e["pid"] in names, e
    if e["ph"] == "X":
        assert e["dur"] > 0 and e["tid"] in names[e["pid"]], e

# Slices of a thread follow one another, and those of a request nest.
ends = {}
for e in events:
    if e["ph"] == "X":
        assert e["ts"] >= ends.get((e["pid"], e["tid"]), 0) - NS / 2, e
        ends[e["pid"], e["tid"]] = e["ts"] + e["dur"]
open_slices = collections.defaultdict(list)
last = {}
parts = collections.defaultdict(dict)  # request -> part -> its length
requests = {}
for e in events:
    if e["ph"] in "be":
        key = e["pid"], e["id"]
        assert e["ts"] >= last.get(key, 0), e
        last[key] = e["ts"]
        if e["ph"] == "b":
            assert e["name"] == "request" or [o["name"] for o in open_slices[key]] == ["request"], e
            open_slices[key].append(e)
            if e["name"] == "request":
                requests[int(e["id"], 16)] = e
        else:
            begin = open_slices[key].pop()
            assert begin["name"] == e["name"], (begin, e)
            parts[int(e["id"], 16)][e["name"]] = e["ts"] - begin["ts"]
assert not any(open_slices.values())


def column(table, name):
    d = result[table][name]
    if "dictionary" in d.attrs:
        texts = result[d.attrs["dictionary"]].asstr()[:]
        return np.array([None if code == 0xFFFFFFFF else texts[code] for code in d[:]])
    kinds = h5py.check_enum_dtype(d.dtype)
    if kinds:
        back = {code: name for name, code in kinds.items()}
        return np.array([back[code] for code in d[:]])
    return d.asstr()[:] if h5py.check_string_dtype(d.dtype) else d[:]


# Requests: each is the row of its id, and lies with its replica.
ids = column("requests", "id")
row_of = {int(i): row for row, i in enumerate(ids)}
table = {name: column("requests", name) for name in
         "arrival_s to_gateway_s queue_s ttft_s e2e_s to_user_s replica status output_tokens".split()}
pods = column("replicas", "name")
tolerance = 2 * NS + 1e6 * 1e-12 * 4
apart = ("prompt, elsewhere", "KV waits", "KV on its way", "first token") # prefilled by another replica
for i, begin in requests.items():
    if any(name in parts[i] for name in apart):
        parts[i]["prompt"] = sum(parts[i].get(name, 0) for name in apart)
    row = {name: values[row_of[i]] for name, values in table.items()}
    assert abs(begin["ts"] - row["arrival_s"] * 1e6) <= NS, (begin, row)
    assert begin["args"]["status"] == row["status"] and begin["args"]["generated_tokens"] == row["output_tokens"]
    if row["replica"] >= 0:
        assert begin["pid"] == PODS + row["replica"], (begin, row)
        assert names[begin["pid"]][0]["name"] == pods[row["replica"]], (begin, row)
    scheduled = row["to_gateway_s"] + row["queue_s"]
    prompt = row["ttft_s"] - row["to_user_s"] - scheduled
    for name, seconds in (("to gateway", row["to_gateway_s"]), ("queue", row["queue_s"]), ("prompt", prompt),
                          ("decode", row["e2e_s"] - row["ttft_s"]), ("to user", row["to_user_s"])):
        if seconds == seconds:
            assert abs(parts[i].get(name, 0) - seconds * 1e6) <= tolerance, (name, begin, row, parts[i])
    if row["status"] == "completed":
        assert abs(parts[i]["request"] - row["e2e_s"] * 1e6) <= tolerance, (begin, row)
written = trace["otherData"]["requests_written"]
assert written == len(requests)
if window == (0, float("inf")):
    assert trace["otherData"]["requests_in_window"] == len(ids)

# Nothing lies outside of the window.
for e in events:
    if e["ph"] in "Xi":
        assert e["ts"] <= window[1] * 1e6 + NS and e["ts"] + e.get("dur", 0) >= window[0] * 1e6 - NS, e
for i, begin in requests.items():
    assert begin["ts"] <= window[1] * 1e6 + NS and begin["ts"] + parts[i]["request"] >= window[0] * 1e6 - NS

# Pods: Ready time and the whole life, where all of it is shown.
if window[0] == 0 and window[1] == float("inf"):
    life = collections.Counter()  # by process: a name is given again when its pod is gone
    ready = collections.Counter()
    for e in events:
        if e["ph"] == "X" and e["pid"] >= PODS:
            life[e["pid"] - PODS] += e["dur"]
            if e["name"] == "ready":
                ready[e["pid"] - PODS] += e["dur"]
    summary = json.loads(result["summary"].asstr()[()])
    end = summary["simulated_s"]
    value = lambda name: column("replicas", name)
    gone = np.where(np.isnan(value("gone_s")), end, value("gone_s"))
    stop = np.where(np.isnan(value("terminating_s")), gone, value("terminating_s"))
    for i, pod in enumerate(pods):
        assert abs(life[i] - (gone[i] - value("created_s")[i]) * 1e6) <= 20 * NS + 1e-9 * end * 1e6, pod
        if not np.isnan(value("ready_s")[i]):
            assert abs(ready[i] - (stop[i] - value("ready_s")[i]) * 1e6) <= 3 * NS + 1e-9 * end * 1e6, pod

    # Counters: every window of a series; decisions: every one that changed something.
    for pid, threads in names.items():
        name = threads[0]["name"]
        if name.startswith("service ") and f"timeseries/services/{name[8:]}" in result:
            series = result[f"timeseries/services/{name[8:]}/queue"]
            shown = [e for e in events if e["ph"] == "C" and e["pid"] == pid and e["name"] == "requests"]
            np.testing.assert_array_equal([e["args"]["queue"] for e in shown], series[:])
            np.testing.assert_allclose([e["ts"] / 1e6 for e in shown],
                                       np.arange(len(series)) * series.attrs["interval_s"], atol=1e-8)
    scaled = [e for e in events if e["ph"] == "i" and e["name"].startswith("scale ")]
    if "decisions" in result:
        changed = (column("decisions", "current") != column("decisions", "replicas")).sum()
        assert changed == len(scaled), (changed, len(scaled))
    told = [e for e in events if e["ph"] == "i" and not e["name"].startswith("scale ")]
    assert len(told) == len(result["events/time_s"])
    for e in told:
        if e["pid"] >= PODS:
            i = e["pid"] - PODS
            assert e["args"]["object"] == pods[i], e
            assert value("created_s")[i] * 1e6 - NS <= e["ts"] <= gone[i] * 1e6 + NS, e
print(written, "requests")
