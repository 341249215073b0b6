"""compare.py TRACE FOLDER: see compare.sh. Python's own library is enough."""

import csv
import glob
import json
import os
import subprocess
import sys
import textwrap
import time

# One configuration for all: Llama 3 8B on one A100 of 80 GB, as vLLM would run it.
MODEL, SEQUENCES, BUDGET, LENGTH, BLOCK, BLOCKS = "Meta-Llama-3-8B", 256, 512, 8192, 16, 26000

SCENARIO = """apiVersion: drydock/v1
kind: Scenario
metadata: {name: peers}
spec:
  manifests: manifests
  start: warm
  traces: [{file: trace.csv, service: chat}]
  cluster:
    regions: [{name: here}]
    zones: [{name: here-a, region: here}]
    pools: [{name: a100, zone: here-a, instance_type: a100, gpu: A100, gpus: 1, cpu: 12, memory: 128Gi, min: 1, max: 1}]
"""
MANIFEST = f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: chat}}
spec:
  selector: {{matchLabels: {{app: chat}}}}
  template:
    metadata: {{labels: {{app: chat}}}}
    spec:
      containers:
        - name: vllm
          image: vllm/vllm-openai:v0.10.1
          args: [--model=meta-llama/{MODEL}, --max-num-seqs={SEQUENCES}, --max-num-batched-tokens={BUDGET},
                 --max-model-len={LENGTH}, --block-size={BLOCK}, --num-gpu-blocks-override={BLOCKS},
                 --no-enable-prefix-caching]
          resources: {{limits: {{nvidia.com/gpu: "1"}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: chat}}
spec: {{selector: {{app: chat}}, ports: [{{port: 80}}]}}
"""

DIFFERENCES = {
    "drydock": "service times fitted to measured kernels, host work between steps and chunked prefill as vLLM V1 "
    "schedules it; shown at the server: without the way to the gateway and the API server's work.",
    "vidur": "Sarathi scheduling; a step's time is the sum of predictions for each kernel from its profiles, without "
    "host work between steps (its default); TTFT is prefill_e2e_time. Prompt and answer are cut so that they fit "
    f"{LENGTH} tokens. Its predictors are trained on the first run and then cached: the second run is shown.",
    "blis": "a latency model by formula (PEER_BLIS_LATENCY) in whole microseconds; requests that do not end within its "
    "horizon (here ten times the trace) are missing; router and prefix signal off.",
}


def run(command, log, **options):
    """Seconds and peak MiB of a command."""
    began = time.monotonic()
    with open(log, "w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, **options)
        _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"peers: {' '.join(command[:3])} ... failed, see {log}")
    return time.monotonic() - began, usage.ru_maxrss / 1024


def read_trace(path, folder):
    """The first requests, as (arrival s, prompt tokens, generated tokens), the first at 0."""
    plain = os.path.join(folder, "whole.csv")
    subprocess.run([os.environ["DRYDOCK"], "trace", "convert", path, plain, "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)
    rows = []
    with open(plain, newline="") as f:
        for row in csv.DictReader(f):
            rows.append((float(row["arrival_s"]), max(1, int(row["input_tokens"])), max(1, int(row["output_tokens"]))))
            if len(rows) == int(os.environ.get("PEER_REQUESTS", "2000")):
                break
    # What one of them would cut or turn away, none of them gets.
    rows = [row for row in rows if row[1] + row[2] <= LENGTH and row[1] < LENGTH]
    return [(arrival - rows[0][0], prompt, answer) for arrival, prompt, answer in rows]


def write_csv(path, header, rows):
    with open(path, "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(header)
        writer.writerows(rows)


# ---- each answers (seconds, MiB, [(TTFT s, E2E s, generated tokens)]) ----


def drydock(rows, folder):
    os.makedirs(f"{folder}/scenario/manifests", exist_ok=True)
    write_csv(f"{folder}/scenario/trace.csv", ["arrival_s", "input_tokens", "output_tokens"],
              [(f"{a:.6f}", p, g) for a, p, g in rows])
    open(f"{folder}/scenario/scenario.yaml", "w").write(SCENARIO)
    open(f"{folder}/scenario/manifests/chat.yaml", "w").write(MANIFEST)
    program, out = os.environ["DRYDOCK"], f"{folder}/drydock"
    spent = run([program, "run", f"{folder}/scenario", "--out", out, "--quiet"], f"{folder}/drydock.log")
    subprocess.run([program, "export", "csv", out, "--out", f"{out}.csv", "--quiet"], check=True)
    found = []
    for row in csv.DictReader(open(f"{out}.csv", newline="")):
        if row["status"] == "completed":
            outside = float(row["to_gateway_s"]) + float(row["to_user_s"])
            found.append((float(row["ttft_s"]) - outside, float(row["e2e_s"]) - outside, int(row["output_tokens"])))
    return *spent, found


def vidur(rows, folder):
    home = os.path.abspath(os.environ["PEER_VIDUR"])
    kind = os.environ.get("PEER_VIDUR_PREDICTOR", "random_forrest")
    predictor = f"--{kind}_execution_time_predictor_config_"
    trace, out, cache = f"{folder}/vidur.csv", f"{folder}/vidur", f"{folder}/vidur-cache-{kind}"
    write_csv(trace, ["arrived_at", "num_prefill_tokens", "num_decode_tokens"],
              [(f"{a:.6f}", p, g) for a, p, g in rows])
    command = [os.environ.get("PEER_VIDUR_PYTHON", "python3"), "-m", "vidur.main",
               "--replica_config_device", "a100", "--replica_config_model_name", f"meta-llama/{MODEL}",
               "--cluster_config_num_replicas", "1", "--replica_config_tensor_parallel_size", "1",
               "--replica_config_num_pipeline_stages", "1",
               "--request_generator_config_type", "trace_replay",
               "--trace_request_generator_config_trace_file", trace,
               "--trace_request_generator_config_max_tokens", str(LENGTH),
               "--replica_scheduler_config_type", "sarathi",
               "--sarathi_scheduler_config_batch_size_cap", str(SEQUENCES),
               "--sarathi_scheduler_config_chunk_size", str(BUDGET),
               "--sarathi_scheduler_config_block_size", str(BLOCK),
               "--sarathi_scheduler_config_num_blocks", str(BLOCKS),
               "--execution_time_predictor_config_type", kind,
               predictor + "prediction_max_prefill_chunk_size", str(LENGTH),
               predictor + "prediction_max_batch_size", str(SEQUENCES),
               predictor + "prediction_max_tokens_per_request", str(LENGTH),
               "--metrics_config_output_dir", out, "--metrics_config_cache_dir", cache,
               "--no-metrics_config_store_plots", "--no-metrics_config_enable_chrome_trace",
               "--no-metrics_config_write_json_trace"]
    environment = dict(os.environ, WANDB_MODE="disabled")
    if not os.path.isdir(cache):
        print("vidur: training its predictors first", flush=True)
        run(command, f"{folder}/vidur.log", cwd=home, env=environment)
    spent = run(command, f"{folder}/vidur.log", cwd=home, env=environment)
    newest = max(glob.glob(f"{out}/*/request_metrics.csv"), key=os.path.getmtime)
    found = [(float(row["prefill_e2e_time"]), float(row["request_e2e_time"]),
              round(float(row["request_num_decode_tokens"]))) for row in csv.DictReader(open(newest, newline=""))
             if row["request_e2e_time"]]
    return *spent, found


BLIS_COLUMNS = ("request_id client_id tenant_id slo_class session_id round_index prefix_group prefix_length streaming "
                "input_tokens output_tokens text_tokens image_tokens audio_tokens video_tokens reason_ratio model "
                "deadline_us server_input_tokens arrival_time_us send_time_us first_chunk_time_us last_chunk_time_us "
                "num_chunks status error_message finish_reason").split()


def blis(rows, folder):
    program = os.path.abspath(os.environ["PEER_BLIS"])
    home = program if os.path.isdir(program) else os.path.dirname(program)
    program = os.path.join(program, "blis") if os.path.isdir(program) else program
    header, data, results = (f"{folder}/blis.{end}" for end in ("yaml", "csv", "json"))
    open(header, "w").write("trace_version: 2\ntime_unit: microseconds\nmode: generated\nwarm_up_requests: 0\n")
    table = []
    for i, (arrival, prompt, answer) in enumerate(rows):
        at = round(arrival * 1e6)
        known = dict(request_id=i, client_id="all", slo_class="standard", round_index=0, prefix_length=0,
                     streaming="true", input_tokens=prompt, output_tokens=answer, text_tokens=prompt, image_tokens=0,
                     audio_tokens=0, video_tokens=0, reason_ratio=0, deadline_us=0, server_input_tokens=0,
                     arrival_time_us=at, send_time_us=at, first_chunk_time_us=0, last_chunk_time_us=0, num_chunks=0,
                     status="ok")
        table.append([known.get(name, "") for name in BLIS_COLUMNS])
    write_csv(data, BLIS_COLUMNS, table)
    command = [program, "replay", "--trace-header", header, "--trace-data", data, "--results-path", results,
               "--model", "meta-llama/llama-3.1-8b-instruct", "--hardware", "A100-80", "--tp", "1",
               "--latency-model", os.environ.get("PEER_BLIS_LATENCY", "trained-physics"),
               "--max-num-seqs", str(SEQUENCES), "--max-num-batched-tokens", str(BUDGET),
               "--long-prefill-token-threshold", str(BUDGET), "--max-model-len", str(LENGTH),
               "--block-size-in-tokens", str(BLOCK), "--total-kv-blocks", str(BLOCKS),
               "--routing-policy", "round-robin", "--horizon", str(round(rows[-1][0] * 1e7) + 10**9)]
    spent = run(command, f"{folder}/blis.log", cwd=home)
    found = [(row["ttft_us"] / 1e6, row["e2e_us"] / 1e6, row["output_tokens"]) for row in json.load(open(results))]
    return *spent, found


# ---- side by side ----


def quantile(values, p):
    if not values:
        return float("nan")
    at = p * (len(values) - 1)
    below = int(at)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (at - below)


def figures(count, seconds, mib, found):
    ttft = sorted(row[0] for row in found)
    e2e = sorted(row[1] for row in found)
    tpot = sorted((e - t) / (n - 1) for t, e, n in found if n > 1)
    mean = lambda values: sum(values) / len(values) if values else float("nan")
    return [("wall, s", seconds), ("requests/s", count / seconds), ("peak, MiB", mib), ("completed", len(found)),
            ("TTFT mean, ms", 1e3 * mean(ttft)), ("TTFT p50, ms", 1e3 * quantile(ttft, 0.5)),
            ("TTFT p90, ms", 1e3 * quantile(ttft, 0.9)), ("TTFT p99, ms", 1e3 * quantile(ttft, 0.99)),
            ("E2E mean, s", mean(e2e)), ("E2E p50, s", quantile(e2e, 0.5)), ("E2E p99, s", quantile(e2e, 0.99)),
            ("TPOT mean, ms", 1e3 * mean(tpot)), ("TPOT p99, ms", 1e3 * quantile(tpot, 0.99))]


def main():
    trace, folder = sys.argv[1:]
    rows = read_trace(trace, folder)
    if not rows:
        sys.exit(f"peers: {trace} has no request that fits {LENGTH} tokens")
    print(f"{len(rows)} requests of {rows[-1][0]:.0f} s, {sum(r[1] for r in rows)} prompt and "
          f"{sum(r[2] for r in rows)} generated tokens; {MODEL} on one A100: {SEQUENCES} sequences, {BUDGET} tokens a "
          f"step, {BLOCKS} KV blocks of {BLOCK}\n", flush=True)
    simulators = [drydock] + [peer for peer, key in ((vidur, "PEER_VIDUR"), (blis, "PEER_BLIS")) if os.environ.get(key)]
    columns = [(s.__name__, figures(len(rows), *s(rows, folder))) for s in simulators]
    print(f"{'':16}" + "".join(f"{name:>14}" for name, _ in columns))
    for i, (label, _) in enumerate(columns[0][1]):
        places = 0 if label in ("requests/s", "peak, MiB", "completed") else 2
        print(f"{label:16}" + "".join(f"{column[i][1]:14,.{places}f}" for _, column in columns))
    print()
    for name, _ in columns:
        print(textwrap.fill(f"{name}: {DIFFERENCES[name]}", 100, subsequent_indent="  "))


main()
