"""openmetrics.py METRICS.txt RESULT.h5: a strict reading of OpenMetrics 1.0, and the metrics held against the result."""

import collections
import json
import math
import re
import sys

import h5py
import numpy as np

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (\S+)")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf)|NaN")
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"],
            "summary": ["", "_count", "_sum"]}
EDGE = re.compile(r"\d+\.\d+|\d+(?:\.\d+)?e[+-]?\d+|\+Inf")


def labels_of(text):
    pairs = re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', text or "")
    assert len({key for key, _ in pairs}) == len(pairs), text
    return tuple(sorted((key, re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)) for key, value in pairs))


def read(path):
    """Family -> (type, [(suffix, labels, value)]); fails on anything that the standard does not allow."""
    text = open(path, newline="").read()
    assert text.endswith("# EOF\n") and text.count("# EOF") == 1 and "\r" not in text
    families, current, seen = {}, None, set()
    for line in text.split("\n")[:-2]:
        assert line, "an empty line"
        if line.startswith("#"):
            what, name, rest = re.fullmatch(rf"# (TYPE|UNIT|HELP) ({NAME}) (.+)", line).groups()
            if what == "TYPE":
                assert name not in families and rest in SUFFIXES, line
                # No name of one family may be a sample's of another.
                names = {name} | {name + suffix for suffix in SUFFIXES[rest]}
                assert not names & seen, line
                seen |= names
                assert rest != "counter" or not name.endswith("_total"), line
                families[name] = (rest, [])
                current, told = name, {"TYPE"}
            assert name == current and (what == "TYPE" or what not in told), line
            told.add(what)
            assert not families[name][1], "metadata comes before samples: " + line
            if what == "UNIT":
                assert name.endswith("_" + rest), line
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        kind, samples = families[current]
        assert name.startswith(current) and name[len(current):] in SUFFIXES[kind], (current, line)
        assert NUMBER.fullmatch(value), line
        samples.append((name[len(current):], labels_of(labels), float(value)))
        if kind in ("counter", "histogram"):
            assert float(value) >= 0, line
        if name.endswith("_bucket"):
            assert EDGE.fullmatch(dict(labels_of(labels))["le"]), line
    for name, (kind, samples) in families.items():
        keys = [(suffix, labels) for suffix, labels, _ in samples]
        assert len(set(keys)) == len(keys), "twice: " + name
        if kind in ("histogram", "summary"):
            check_sets(name, kind, samples)
    return families


def base(labels):
    return tuple(pair for pair in labels if pair[0] not in ("le", "quantile"))


def check_sets(name, kind, samples):
    order = [base(labels) for _, labels, _ in samples]
    runs = [key for i, key in enumerate(order) if i == 0 or order[i - 1] != key]
    assert len(set(runs)) == len(runs), "interleaved: " + name
    sets = collections.defaultdict(list)
    for sample in samples:
        sets[base(sample[1])].append(sample)
    for parts in sets.values():
        count = [value for suffix, _, value in parts if suffix == "_count"]
        total = [value for suffix, _, value in parts if suffix == "_sum"]
        assert len(count) == 1 and len(total) == 1, name
        if kind == "histogram":
            edges = [(float(dict(labels)["le"]), value) for suffix, labels, value in parts if suffix == "_bucket"]
            assert edges == sorted(edges) and edges[-1][0] == math.inf and edges[-1][1] == count[0], name
            assert all(a[1] <= b[1] for a, b in zip(edges, edges[1:])), name


families = read(sys.argv[1])
try:  # a second opinion, where it is installed
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    assert len(list(text_string_to_metric_families(open(sys.argv[1]).read()))) == len(families)
except ImportError:
    pass

# ---- against the result ----

result = h5py.File(sys.argv[2])
summary = json.loads(result["summary"].asstr()[()])
requests = {name: result["requests"][name][:] for name in
            "replica queue_s ttft_s e2e_s tpot_s to_gateway_s to_user_s input_tokens output_tokens status".split()}
kinds = {code: name for name, code in h5py.check_enum_dtype(result["requests/status"].dtype).items()}
completed = np.array([kinds[code] == "completed" for code in requests["status"]], bool)
replicas = {name: result["replicas"][name] for name in result["replicas"]}
names = replicas["name"].asstr()[:]
models = replicas["model"].asstr()[:]
again = collections.Counter()
row_of_pod = {}
for i in np.argsort(replicas["created_s"][:], kind="stable"):
    namespace, *_, name, ordinal = names[i].split("/")
    again[names[i]] += 1
    pod = f"{name}-{ordinal}" + (f"-r{again[names[i]]}" if again[names[i]] > 1 else "")
    row_of_pod[namespace, pod] = i


def ps(seconds):
    return np.rint(seconds * 1e12).astype(np.int64)


def of(family):
    """Row of /replicas -> {suffix or le: value}."""
    found = collections.defaultdict(dict)
    for suffix, labels, value in families[family][1]:
        labels = dict(labels)
        row = row_of_pod[labels["namespace"], labels["pod"]]
        assert labels["model_name"] == models[row] and labels["engine"] == "0", labels
        found[row][labels.get("le", labels.get("finished_reason", suffix))] = value
    return found


def check_histogram(family, values_of):
    for row, parts in of("vllm:" + family).items():
        values = values_of(requests["replica"] == row)
        assert parts["_count"] == len(values), (family, row, parts["_count"], len(values))
        unit = 1e12 if family.endswith("_seconds") else 1
        assert abs(parts["_sum"] - values.sum() / unit) <= 1e-9 * max(1, values.sum() / unit), (family, row)
        for le, count in parts.items():
            if not le.startswith("_") and le != "+Inf":
                edge = round(float(le) * unit)
                assert count == (values <= edge).sum(), (family, row, le, count, (values <= edge).sum())


first = ~np.isnan(requests["ttft_s"])
outside = ps(np.nan_to_num(requests["to_gateway_s"])) + ps(np.nan_to_num(requests["to_user_s"]))
ttft = ps(np.nan_to_num(requests["ttft_s"])) - outside
e2e = ps(np.nan_to_num(requests["e2e_s"])) - outside
queue = ps(np.nan_to_num(requests["queue_s"]))
tpot = completed & ~np.isnan(requests["tpot_s"])
check_histogram("time_to_first_token_seconds", lambda at: ttft[at & first])
check_histogram("e2e_request_latency_seconds", lambda at: e2e[at & completed])
check_histogram("request_queue_time_seconds", lambda at: queue[at & completed])
check_histogram("request_inference_time_seconds", lambda at: (e2e - queue)[at & completed])
check_histogram("request_prefill_time_seconds", lambda at: (ttft - queue)[at & completed])
check_histogram("request_decode_time_seconds", lambda at: (e2e - ttft)[at & completed])
check_histogram("request_time_per_output_token_seconds", lambda at: ps(requests["tpot_s"][at & tpot]))
check_histogram("request_prompt_tokens", lambda at: requests["input_tokens"][at & completed].astype(np.int64))
check_histogram("request_generation_tokens", lambda at: requests["output_tokens"][at & completed].astype(np.int64))

# vLLM's edges, word for word.
EDGES = {
    "time_to_first_token_seconds": ".001 .005 .01 .02 .04 .06 .08 .1 .25 .5 .75 1 2.5 5 7.5 10 20 40 80 160 640 2560",
    "inter_token_latency_seconds": ".01 .025 .05 .075 .1 .15 .2 .3 .4 .5 .75 1 2.5 5 7.5 10 20 40 80",
    "e2e_request_latency_seconds": ".3 .5 .8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680",
    "iteration_tokens_total": "1 8 16 32 64 128 256 512 1024 2048 4096 8192 16384",
}
for same in "request_queue_time request_inference_time request_prefill_time request_decode_time".split():
    EDGES[same + "_seconds"] = EDGES["e2e_request_latency_seconds"]
EDGES["time_per_output_token_seconds"] = EDGES["inter_token_latency_seconds"]
EDGES["request_time_per_output_token_seconds"] = EDGES["inter_token_latency_seconds"]
for family, edges in EDGES.items():
    for row, parts in of("vllm:" + family).items():
        assert [float(le) for le in parts if not le.startswith("_")] == [float(e) for e in edges.split()] + [math.inf]
for row, parts in of("vllm:request_prompt_tokens").items():
    longest = replicas["max_model_len"][row]
    edges = [m * 10**p for p in range(12) for m in (1, 2, 5) if m * 10**p <= longest]
    assert [float(le) for le in parts if not le.startswith("_")] == edges + [math.inf]

# What was counted in the run: gaps and steps, against /replicas, and all gaps against the summary.
gaps, gap_sum = 0, 0.0
for row, parts in of("vllm:inter_token_latency_seconds").items():
    assert parts["_count"] == replicas["gaps"][row]
    assert abs(parts["_sum"] - replicas["gap_s"][row]) < 1e-5
    gaps += parts["_count"]
    gap_sum += parts["_sum"]
itl = summary["latency"]["itl_s"]
assert gaps == (itl["n"] if itl else 0), (gaps, itl)
assert not itl or abs(gap_sum - itl["n"] * itl["mean"]) <= 1e-9 * gap_sum + 1e-4
for row, parts in of("vllm:iteration_tokens_total").items():
    assert parts["_count"] == replicas["steps"][row] and parts["_sum"] == replicas["step_tokens"][row]
    # Each step's tokens: prompts as computed, and decoding ones; the last token of a prompt generates one more.
    assert parts["_sum"] <= replicas["prompt_tokens"][row] + replicas["generated_tokens"][row]

for family, column in (("num_requests_running", "running"), ("num_requests_waiting", "waiting"),
                       ("kv_cache_usage_perc", "kv_end")):
    for row, parts in of("vllm:" + family).items():
        assert parts[""] == replicas[column][row]
for family, column in (("prefix_cache_queries", "prefix_queries"), ("prefix_cache_hits", "prefix_hits"),
                       ("external_prefix_cache_queries", "external_queries"),
                       ("num_preemptions", "preemptions"), ("generation_tokens", "generated_tokens")):
    for row, parts in of("vllm:" + family).items():
        assert parts["_total"] == replicas[column][row]
served = of("vllm:request_success")
for row, parts in served.items():
    assert parts["stop"] == replicas["completed"][row], row
ready = ~np.isnan(replicas["ready_s"][:]) & (models != "")
assert len(served) == ready.sum()

# Our own, and those of the cluster.
for _, labels, value in families["drydock_requests"][1]:
    labels = dict(labels)
    assert value == summary["services"][labels["service"]]["requests"][labels["status"]]
assert families["drydock_simulated_seconds"][1][0][2] == summary["simulated_s"]
if "cost" in summary:
    assert families["drydock_cost_usd"][1][0][2] == float(summary["cost"]["total_usd"])
there = np.isnan(replicas["gone_s"][:])
assert len(families["kube_pod_info"][1]) == there.sum()
assert sum(value for _, labels, value in families["kube_pod_status_ready"][1] if ("condition", "true") in labels) == \
    (there & ~np.isnan(replicas["ready_s"][:]) & np.isnan(replicas["terminating_s"][:])).sum()
assert len(families["kube_node_created"][1]) == np.isnan(result["nodes/deleted_s"][:]).sum()
print(len(families), "families,", sum(len(samples) for _, samples in families.values()), "samples")
