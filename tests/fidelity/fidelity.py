#!/usr/bin/python3
"""Replays measured serving runs and prints how far the simulated latencies are from the measured ones.

    fidelity.py --drydock PROGRAM --work FOLDER GROUND_TRUTH.json

GROUND_TRUTH.json has runs of a model server under load: model, engine arguments, the client's workload, and stages
with a rate, a duration and the quantiles of TTFT and E2E that were measured. A run is replayed as one trace, its
stages one after the other, since the server kept its prefix cache between them; nothing is fitted to a run.

What the client (inference-perf) does:
  - a "constant rate" is rate x duration requests with exponential gaps, scaled to fill the stage
    (ConstantLoadTimer in its loadgen/load_timer.py): arrivals of a Poisson process whose number is known
  - shared_prefix data are groups x users prompts, sent in turn over and over; those of a group begin with the same
    system prompt
  - every answer has the length that was asked for: the lengths in the file count tokens of the decoded text again,
    and say 10 where the end-to-end latency says 247 (its 5th percentile is 0.9 of the median)

Errors are |simulated - measured| / measured, averaged over all stages of the runs that were not overloaded; the
others are printed apart and not judged. Exit code 1 when a goal is missed, 3 when the file is not understood, 4 when a
run could not be replayed.
"""
import argparse
import json
import os
import subprocess
import sys

import h5py
import numpy
import yaml

PAUSE_S = 60  # between stages: the client waits for what is in flight
GOALS = [("E2E mean", "e2e_s", "mean", 3), ("E2E p99", "e2e_s", "p99", 8),
         ("TTFT mean", "ttft_s", "mean", 6), ("TTFT p99", "ttft_s", "p99", 15)]
BLOCK = 16


def from_quantiles(quantiles, rng, count):
    """Draws from a distribution given by its quantiles, straight in between."""
    places = {"min": 0, "max": 1}
    points = sorted((places.get(k, float(k[1:]) / 100 if k[0] == "p" else None), v)
                    for k, v in quantiles.items() if k != "mean")
    return numpy.interp(rng.random(count), [p for p, _ in points], [v for _, v in points])


def arrivals(stage, rng):
    gaps = rng.exponential(1, round(stage["requested_rate_per_s"] * stage["duration_s"]))
    return numpy.cumsum(gaps) * stage["duration_s"] / gaps.sum()


class Prompts:
    """The distinct prompts of a run: lengths, and the hashes of their full blocks."""

    def __init__(self, run, rng):
        work = run["workload"]
        groups, users = work["unique_system_prompts"], work["users_per_system_prompt"]
        self.tokens = numpy.rint(from_quantiles(run["stages"][0]["prompt_tokens"], rng, groups * users)).astype(int)
        shared = work["system_prompt_tokens"] // BLOCK
        self.hashes = []
        for i, tokens in enumerate(self.tokens):
            group = i // users
            self.hashes.append([(group << 32) + b + 1 if b < shared else ((i + 1) << 48) + b + 1
                                for b in range(tokens // BLOCK)])
        order = rng.permutation(groups * users)
        self.tokens, self.hashes = self.tokens[order], [self.hashes[i] for i in order]


def write_trace(path, run, rng):
    """One trace of all stages; returns the number of requests of each."""
    prompts = Prompts(run, rng)
    begin, times, counts = 0.0, [], []
    for stage in run["stages"]:
        at = begin + arrivals(stage, rng)
        times.append(at)
        counts.append(len(at))
        begin += stage["duration_s"] + PAUSE_S
    times = numpy.concatenate(times)
    which = numpy.concatenate([numpy.arange(n) % len(prompts.tokens) for n in counts])
    columns = {
        "arrival_ps": (numpy.rint(times * 1e12).astype("int64"), "ps"),
        "input_tokens": (prompts.tokens[which].astype("uint32"), "tokens"),
        "output_tokens": (numpy.full(len(times), run["workload"]["output_tokens_requested"], "uint32"), "tokens"),
        "hash_count": (numpy.array([len(prompts.hashes[i]) for i in which], "uint32"), "1"),
        "hash_block_tokens": (numpy.full(len(times), BLOCK, "uint32"), "tokens"),
    }
    with h5py.File(path, "w") as h5:
        h5.attrs["schema"], h5.attrs["requests"] = "drydock.trace/1", len(times)
        for name, (values, units) in columns.items():
            h5.create_dataset(name, data=values).attrs["units"] = units
        hashes = numpy.concatenate([numpy.array(prompts.hashes[i], "uint64") for i in which])
        h5.create_dataset("hashes", data=hashes)
    return counts


FLAGS = {"tensor_parallel": "--tensor-parallel-size"}


def deployment(args, gpus):
    """One replica of vLLM with these arguments."""
    container = {"name": "vllm", "image": "vllm/vllm-openai:latest", "args": args,
                 "resources": {"limits": {"nvidia.com/gpu": gpus}}}
    pod = {"metadata": {"labels": {"app": "chat"}}, "spec": {"containers": [container]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "chat"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "chat"}}, "template": pod}}


def simulate(drydock, folder, definitions):
    """Writes manifest and scenario beside the trace and runs them; answers the path of the result."""
    os.makedirs(os.path.join(folder, "manifests"), exist_ok=True)
    for name, content in zip(("manifests/chat.yaml", "scenario.yaml"), definitions):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
            yaml.safe_dump(content, stream)
    out = os.path.join(folder, "out")
    done = subprocess.run([drydock, "run", folder, "--out", out, "--quiet"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return os.path.join(out, "result.h5")


def manifest(run):
    args = ["--model=" + run["model"]]
    args += [f"{FLAGS.get(k, '--' + k.replace('_', '-'))}={v}" for k, v in run["engine_args"].items()]
    gpus = run["engine_args"].get("tensor_parallel", 1)
    return deployment(args, gpus)


def scenario(run):
    gpus = run["engine_args"].get("tensor_parallel", 1)
    kind = next((w for w in run["hardware"].split() if w[:1].isalpha() and any(c.isdigit() for c in w)), "H100")
    pool = {"name": "gpu", "instance_type": "node", "gpu": kind, "gpus": gpus, "cpu": 32, "memory": "512Gi", "min": 1}
    return {"apiVersion": "drydock/v1", "kind": "Scenario", "metadata": {"name": "fidelity"},
            "spec": {"manifests": "manifests", "start": "warm", "cluster": {"pools": [pool]},
                     "traces": [{"file": "trace.h5", "service": "chat"}]}}


def replay(drydock, folder, run):
    """[(ttft, e2e) of its completed requests] by stage; raises RuntimeError."""
    os.makedirs(folder, exist_ok=True)
    counts = write_trace(os.path.join(folder, "trace.h5"), run, numpy.random.default_rng(1))
    with h5py.File(simulate(drydock, folder, (manifest(run), scenario(run))), "r") as h5:
        table = h5["requests"]
        row, ttft, e2e = (table[c][:] for c in ("id", "ttft_s", "e2e_s"))
    order = numpy.argsort(row)
    ends = numpy.cumsum(counts)
    stages = numpy.split(order, ends[:-1])
    return [{"ttft_s": ttft[s][~numpy.isnan(ttft[s])], "e2e_s": e2e[s][~numpy.isnan(e2e[s])]} for s in stages]


def figure(values, statistic):
    return float(values.mean() if statistic == "mean" else numpy.percentile(values, 99)) if len(values) else float("nan")


def report(run, stages, errors):
    for stage, got in zip(run["stages"], stages):
        line = f"{run['id'][:34]:<34} {stage['requested_rate_per_s']:>5g}"
        for name, metric, statistic, _ in GOALS:
            want, have = stage["measured"][metric][statistic], figure(got[metric], statistic)
            line += f" {want:>8.3f} {have:>8.3f} {100 * (have / want - 1):>+7.1f}%"
            if not run["overloaded"]:
                errors[name].append(abs(have / want - 1))
        print(line)


def header(text):
    print(text)
    print(f"{'run':<34} {'req/s':>5}" + "".join(f"{name + ' s':>17} {'error':>8}" for name, *_ in GOALS))


def judge(errors):
    missed = False
    print()
    for name, _, _, goal in GOALS:
        if not errors[name]:
            continue
        mean = 100 * sum(errors[name]) / len(errors[name])
        met = mean <= goal
        missed = missed or not met
        print(f"{name}: {mean:.1f} % mean error of {len(errors[name])} stages, goal {goal} %: {'met' if met else 'MISSED'}")
    return missed


NEEDED = {
    "run": ("id", "model", "hardware", "engine_args", "workload", "stages", "overloaded"),
    "workload": ("unique_system_prompts", "users_per_system_prompt", "system_prompt_tokens", "output_tokens_requested"),
    "stage": ("requested_rate_per_s", "duration_s", "prompt_tokens", "measured"),
}


def read_runs(path):
    """The runs of a file; ends the program where it has none."""
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)["runs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        stop(f"{path}: expected JSON with a list of runs: {error}")


def read_truth(path):
    """Those of GROUND_TRUTH; ends the program where one is not as expected."""
    runs = read_runs(path)
    for run in runs:
        where = str(run.get("id", "runs[]")) if isinstance(run, dict) else "runs[]"
        parts = [("run", run)]
        if isinstance(run, dict):
            parts += [("workload", run.get("workload"))] + [("stage", s) for s in run.get("stages") or []]
        for what, value in parts:
            missing = [k for k in NEEDED[what] if not isinstance(value, dict) or k not in value]
            if missing:
                stop(f"{path}: {where}: expected a {what} with {', '.join(missing)}")
    return runs


def stop(why):
    print(why, file=sys.stderr)
    sys.exit(3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--drydock", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("truth")
    options = parser.parse_args()
    runs = read_truth(options.truth)
    errors, broken = {name: [] for name, *_ in GOALS}, 0
    for overloaded in (False, True):
        chosen = [r for r in runs if r["overloaded"] == overloaded]
        if not chosen:
            continue
        header("\nOverloaded runs, not judged:" if overloaded else "measured, simulated, error:")
        for run in chosen:
            try:
                report(run, replay(options.drydock, os.path.join(options.work, run["id"]), run), errors)
            except RuntimeError as error:
                broken += 1
                print(f"{run['id']}: could not be replayed: {error}")
    missed = judge(errors)
    return 4 if broken else 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
