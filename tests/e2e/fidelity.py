#!/usr/bin/python3
"""Writes files of measured runs whose errors are known: a small run that Drydock "measured" itself.

    fidelity.py DRYDOCK FOLDER      same.json, slow.json, overloaded.json, unknown.json in FOLDER
"""
import copy
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fidelity"))
import fidelity  # noqa: E402 (found by the line above)

RUN = {
    "id": "small", "model": "meta-llama/Llama-2-7b-hf", "hardware": "NVIDIA H100 SXM 80GB", "overloaded": False,
    "engine_args": {"tensor_parallel": 1, "max_model_len": 4096, "max_num_seqs": 64},
    "workload": {"unique_system_prompts": 3, "users_per_system_prompt": 2, "system_prompt_tokens": 40,
                 "output_tokens_requested": 50},
    "stages": [{"requested_rate_per_s": rate, "duration_s": 30.0, "prompt_tokens": {"min": 100, "p50": 200, "max": 300}}
               for rate in (2.0, 8.0)],
}


def measured(drydock, folder):
    run = copy.deepcopy(RUN)
    for stage, got in zip(run["stages"], fidelity.replay(drydock, os.path.join(folder, "own"), run)):
        stage["measured"] = {m: {s: fidelity.figure(got[m], s) for s in ("mean", "p99")} for m in ("e2e_s", "ttft_s")}
    return run


def main(drydock, folder):
    same = measured(drydock, folder)
    slow, unknown = copy.deepcopy(same), copy.deepcopy(same)
    for stage in slow["stages"]:
        stage["measured"] = {m: {s: 2 * v for s, v in f.items()} for m, f in stage["measured"].items()}
    unknown["model"] = "nobody/knows-this-one"
    overloaded = {**slow, "overloaded": True}
    files = {"same": [same], "slow": [slow], "overloaded": [overloaded], "unknown": [unknown]}
    for name, runs in files.items():
        with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as stream:
            json.dump({"runs": runs}, stream)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
