#!/usr/bin/python3
"""Replays serving runs that other teams measured, on other GPUs and engines, and prints how far off the simulation is.

    others.py --drydock PROGRAM --work FOLDER SOURCES.json

Each run is replayed from what its source states: model, GPU, engine arguments and the KV cache they left, arrivals
(request by request, a burst at time zero, or so many in flight), lengths. Nothing is fitted to a run and nothing is judged:
the table shows where the model breaks outside of what it was fitted on. What a source does not state is taken so:
  - lengths of a data set of which the mean alone is known are exponential (at least 4 tokens), the same in every run
  - a closed loop without its number in flight has as many as were seen running and waiting
A closed loop is a gateway that lets so many in at a time; a request's times count from when it was let in, as the
client that holds it back counts them. Errors are signed, (simulated - measured) / measured. Exit code 3 when the file is
not understood, 4 when a run could not be replayed.
"""
import argparse
import os
import re
import sys

import h5py
import numpy

from fidelity import deployment, read_runs, simulate, stop

BLOCK = 16
API_OVERHEAD_S = 0.0072  # Drydock's default, said here because the client of a loop waits for it as well
ASYNC_SINCE = (0, 14)    # vLLM schedules a step ahead by default from this version on
GPU_KINDS = ("RTX 4090", "A10G", "L40S", "H200", "H100", "A100", "L4")
# Engine arguments of a source that are flags of the server; the others tell of its host.
FLAGS = ("dtype", "block_size", "max_num_seqs", "max_model_len", "kv_cache_dtype", "tensor_parallel_size",
         "data_parallel_size", "pipeline_parallel_size", "gpu_memory_utilization", "max_num_batched_tokens",
         "scheduling_policy")
COLUMNS = (("out tok/s", "output_throughput_tok_per_s"), ("TTFT mean s", "ttft_mean_s"), ("TTFT p99 s", "ttft_p99_s"),
           ("TPOT mean s", "tpot_mean_s"), ("E2E mean s", "e2e_mean_s"))


def lengths(kind, rng, count):
    """Of `count` requests: fixed, or drawn around the mean that was measured."""
    if kind.get("tokens"):
        return numpy.full(count, round(kind.get("mean_measured") or kind["tokens"]), "uint32")
    drawn = rng.exponential(1, count)
    return numpy.maximum(4, numpy.rint(drawn / drawn.mean() * kind["mean_measured"])).astype("uint32")


def in_flight(run):
    """How many requests a closed loop keeps; None when arrivals do not wait for others."""
    arrivals, seen = run["arrivals"], run["results"]
    if not arrivals["kind"].startswith("closed"):
        return None
    return arrivals["concurrency"] or round(seen["requests_running_mean"] + seen["requests_waiting_mean"])


def requests(run):
    """Arrival in seconds, input and output tokens, of each request."""
    if run.get("per_request"):
        rows = numpy.array(run["per_request"]["rows"], float)
        at = [run["per_request"]["columns"].index(c) for c in ("arrival_s", "input_tokens", "output_tokens")]
        rows = rows[numpy.argsort(rows[:, at[0]], kind="stable")]
        return rows[:, at[0]], rows[:, at[1]].astype("uint32"), rows[:, at[2]].astype("uint32")
    # A loop that ran for a time is given as many as keep it busy.
    count = run["arrivals"].get("requests") or 20 * in_flight(run)
    rng = numpy.random.default_rng(1)
    return numpy.zeros(count), lengths(run["input_tokens"], rng, count), lengths(run["output_tokens"], rng, count)


def version(run):
    return tuple(int(part) for part in re.findall(r"\d+", run["engine_version"])[:2])


def server_args(run):
    given = run["engine_args"]
    args = ["--model=" + run["model"]]
    if version(run) < ASYNC_SINCE:
        args.append("--no-async-scheduling")
    command = given.get("command") or ""
    args += re.findall(r"--[a-z-]+(?:[ =][^- ]\S*)?", command)
    args = [a.replace(" ", "=", 1) for a in args]
    args += [f"--{k.replace('_', '-')}={given[k]}" for k in FLAGS if given.get(k) is not None]
    cache = given.get("kv_cache") or {}
    blocks = cache.get("num_gpu_blocks") or (given.get("kv_cache_tokens") or 0) // BLOCK
    if blocks:
        args.append(f"--num-gpu-blocks-override={blocks}")
    return args


def definitions(run):
    kind = next((k for k in GPU_KINDS if run["gpu"].startswith(k)), run["gpu"]).replace(" ", "-")
    pool = {"name": "gpu", "instance_type": "node", "gpu": kind, "gpus": run["gpus"], "cpu": 32, "memory": "512Gi",
            "min": 1}
    spec = {"manifests": "manifests", "start": "warm", "cluster": {"pools": [pool]},
            "traces": [{"file": "trace.h5", "service": "chat"}],
            "service_times": [{"workload": "deployment/chat", "api_overhead": f"{API_OVERHEAD_S}s"}]}
    if in_flight(run):
        spec["policies"] = [{"service": "chat", "admission": [{"policy": "fifo", "options": {"in_flight": in_flight(run), "release": 1000000}}]}]
    return deployment(server_args(run), run["gpus"]), {"apiVersion": "drydock/v1", "kind": "Scenario", "metadata": {"name": "others"}, "spec": spec}


def write_trace(folder, columns):
    os.makedirs(folder, exist_ok=True)
    arrivals, inputs, outputs = columns
    with h5py.File(os.path.join(folder, "trace.h5"), "w") as h5:
        h5.attrs["schema"], h5.attrs["requests"] = "drydock.trace/1", len(arrivals)
        picoseconds = numpy.rint(arrivals * 1e12).astype("int64")
        for name, values, units in (("arrival_ps", picoseconds, "ps"), ("input_tokens", inputs, "tokens"),
                                    ("output_tokens", outputs, "tokens")):
            h5.create_dataset(name, data=values).attrs["units"] = units


def replay(drydock, folder, run):
    """The figures of COLUMNS; raises RuntimeError."""
    arrivals, inputs, outputs = requests(run)
    write_trace(folder, (arrivals, inputs, outputs))
    with h5py.File(simulate(drydock, folder, definitions(run)), "r") as h5:
        table = h5["requests"]
        row, sent, ttft, e2e, made = (table[c][:] for c in ("id", "arrival_s", "ttft_s", "e2e_s", "output_tokens"))
    order = numpy.argsort(row)
    sent, ttft, e2e, made = sent[order], ttft[order], e2e[order], made[order]
    held = released(run, sent, e2e) - sent
    ends, done = sent + e2e, ~numpy.isnan(e2e)
    until = run["arrivals"].get("seconds") or numpy.inf
    done &= ends <= until
    span = min(until, float(numpy.nanmax(ends)) - float(sent.min()))
    ttft, e2e, many = ttft - held, e2e - held, made > 1
    return {
        "output_throughput_tok_per_s": float(made[done].sum() / span),
        "ttft_mean_s": float(ttft[done].mean()),
        "ttft_p99_s": float(numpy.percentile(ttft[done], 99)),
        "tpot_mean_s": float(((e2e - ttft)[done & many] / (made[done & many] - 1)).mean()),
        "e2e_mean_s": float(e2e[done].mean()),
    }


def released(run, sent, e2e):
    """When each request was let in: the k-th of a loop of n when the server was done with k - n."""
    n = in_flight(run)
    if not n:
        return sent
    ends = numpy.sort(sent + e2e - API_OVERHEAD_S)
    return numpy.concatenate([sent[:n], ends[:max(0, len(sent) - n)]])


def line(run, got):
    text = f"{run['run_id'][-28:]:<28} {run['gpu'][:9]:<9} {run['engine_version']:<8} {run['arrivals']['kind'][:6]:<6}"
    for _, key in COLUMNS:
        want, have = run["results"].get(key), got[key]
        text += f" {want:>9.4g} {have:>9.4g} {100 * (have / want - 1):>+6.0f}%" if want else f" {'':>9} {have:>9.4g} {'':>7}"
    return text


NEEDED = ("run_id", "model", "gpu", "gpus", "engine_version", "arrivals", "input_tokens", "output_tokens", "engine_args",
          "results")


def read_sources(path):
    runs = read_runs(path)
    for run in runs:
        missing = [k for k in NEEDED if not isinstance(run, dict) or k not in run]
        if missing:
            stop(f"{path}: expected a run with {', '.join(missing)}")
    return runs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--drydock", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("sources")
    options = parser.parse_args()
    broken = 0
    print("measured, simulated, error; nothing is judged:")
    print(f"{'run':<28} {'GPU':<9} {'vLLM':<8} {'load':<6}" + "".join(f" {name:>27}" for name, _ in COLUMNS))
    for run in read_sources(options.sources):
        try:
            print(line(run, replay(options.drydock, os.path.join(options.work, str(run["run_id"])), run)), flush=True)
        except (RuntimeError, KeyError) as error:
            broken += 1
            print(f"{run['run_id']}: could not be replayed: {error}", flush=True)
    return 4 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
