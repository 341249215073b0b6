"""Time series of a result against its tables and its summary: integrals agree, whatever the windows are.

series.py RESULT.h5 [plain]

plain: requests reach their servers and answers their users in no time, so that the queue and what runs are known
to the last digit from /requests.
"""

import json
import sys

import h5py
import numpy as np


def widths(series):
    """Seconds that each value is of: the last window ends where the run does."""
    start, interval = series.attrs["start_s"], series.attrs["interval_s"]
    edges = start + interval * np.arange(len(series) + 1)
    edges[-1] = series.attrs["end_s"]
    return np.diff(edges)


def integral(series):
    return np.nansum(series[:] * widths(series))


def total(series):
    """Of a rate of counted things, which is by the whole interval in every window."""
    return series[:].sum() * series.attrs["interval_s"]


def same(what, got, want, tolerance=1e-9):
    assert abs(got - want) <= tolerance * max(1, abs(want)), f"{what}: {got} instead of {want}"


def check_queue(group, requests, what):
    """A row tells of its last attempt; those before it queued as well, at most from the request's send to its end."""
    least = requests["queue_s"].sum()
    again = requests["attempts"] > 1 if "attempts" in requests else np.zeros(len(requests["queue_s"]), bool)
    if not again.any():
        same(f"{what} queue", integral(group["queue"]), least)
        return
    most = least + requests["e2e_s"][again].sum()
    assert least <= integral(group["queue"]) <= most, f"{what} queue: {integral(group['queue'])}, {least} to {most}"


def check_scope(group, requests, summary, what):
    counts = summary["requests"]
    status = h5py.check_enum_dtype(requests["status"].dtype)
    done = requests["status"] == status["completed"]
    lost = counts["rejected"] + counts["timed_out"] + counts["failed"]
    same(f"{what} arrivals", total(group["arrivals_per_s"]), counts["arrived"])
    same(f"{what} completions", total(group["completions_per_s"]), counts["completed"])
    same(f"{what} failures", total(group["failures_per_s"]), lost)
    same(f"{what} input tokens", total(group["input_tokens_per_s"]), requests["input_tokens"][done].sum())
    same(f"{what} output tokens", total(group["output_tokens_per_s"]), requests["output_tokens"][done].sum())
    assert total(group["goodput_per_s"]) >= requests["good"].sum() - 1e-6, "warm-up counts in the series"
    if lost + counts["unfinished"] == 0:
        check_queue(group, requests, what)
    if sys.argv[2:] == ["plain"]:
        check_windows_of_requests(group, requests, done, what)
    ready = summary.get("replicas", {}).get("replica_s", 0)
    same(f"{what} replicas", integral(group["replicas_ready"]), ready)
    for metric in ("kv_usage", "gpu_busy_fraction"):
        values = group[metric][:]
        assert np.isnan(values).all() or (np.nanmin(values) >= 0 and np.nanmax(values) <= 1), metric
    check_percentiles(group, requests, done, what)


def overlaps(begins, ends, series):
    """Seconds of [begin, end) in each window, summed."""
    start, interval = series.attrs["start_s"], series.attrs["interval_s"]
    low = start + interval * np.arange(len(series))
    shared = np.minimum.outer(ends, low + widths(series)) - np.maximum.outer(begins, low)
    return np.maximum(shared, 0).sum(axis=0)


def check_windows_of_requests(group, requests, done, what):
    """Window by window from the requests that completed: all of them, here."""
    assert done.all(), "a plain check wants nobody turned away"
    arrival, served = requests["arrival_s"], requests["arrival_s"] + requests["queue_s"]
    for name, begins, ends in (("queue", arrival, served), ("running", served, arrival + requests["e2e_s"])):
        want = overlaps(begins, ends, group[name]) / widths(group[name])
        np.testing.assert_allclose(group[name][:], want, atol=1e-9, err_msg=f"{what} {name}")
    interval = group["queue"].attrs["interval_s"]
    arrivals = np.bincount((arrival // interval).astype(int), minlength=len(group["queue"]))
    np.testing.assert_allclose(group["arrivals_per_s"][:] * interval, arrivals, atol=1e-9)


def check_percentiles(group, requests, done, what):
    """Window by window as numpy finds them, to the 1 % that the sketches promise."""
    for metric in ("ttft_s", "tpot_s", "e2e_s"):
        series = group[f"{metric}_p90"]
        interval = series.attrs["interval_s"]
        ends = requests["arrival_s"] + requests["e2e_s"]
        window = np.minimum(ends // interval, len(series) - 1)
        # A request that ends where a window does may be told to be in either: floating point is not exact.
        clear = np.abs(ends / interval - np.round(ends / interval)) > 1e-9
        for k in np.unique(window[done])[:200]:
            here = done & (window == k)
            values = requests[metric][here]
            values = values[~np.isnan(values)]
            if not clear[here].all():
                continue
            if len(values) == 0:
                assert np.isnan(series[int(k)])
            else:
                want = np.quantile(values, 0.9)
                same(f"{what} {metric} p90 of window {int(k)}", series[int(k)], want, 0.01)


def check_pods(file):
    """Replicas by state add up to what the pods' own dates say."""
    pods, end = file["replicas"], file["timeseries/all/queue"].attrs["end_s"]
    whole = sum(integral(file[f"timeseries/all/replicas_{s}"]) for s in ("pending", "starting", "ready", "terminating"))
    gone = np.where(np.isnan(pods["gone_s"][:]), end, pods["gone_s"][:])
    same("life of pods", whole, (gone - pods["created_s"][:]).sum())


def check_nodes(file):
    nodes = file["nodes"]
    pools = np.array(nodes["pool"].asstr()[:])
    end = file["timeseries/all/queue"].attrs["end_s"]
    deleted = np.where(np.isnan(nodes["deleted_s"][:]), end, nodes["deleted_s"][:])
    for pool, group in file["timeseries"].get("pools", {}).items():
        here = pools == pool
        whole = integral(group["nodes_provisioning"]) + integral(group["nodes_ready"])
        same(f"nodes of {pool}", whole, (deleted - nodes["requested_s"][:])[here].sum())


def check_cost(file, summary):
    cost = file["timeseries/cost"]
    hours = {name: integral(series) / 3600 for name, series in cost.items()}
    same("cost", hours["total_usd_per_h"], summary["cost"]["total_usd"])
    for state, usd in summary["cost"]["by_state"].items():
        same(f"cost of {state}", hours[f"{state}_usd_per_h"], usd)
    for category, usd in summary["cost"]["by_category"].items():
        if category != "compute":
            same(f"cost of {category}", hours[f"{category}_usd_per_h"], usd)
    for name, series in cost.items():
        assert (series[:] > -1e-9).all(), f"{name} is negative"
    check_nodes_cost(file, cost)


def check_nodes_cost(file, cost):
    """Whatever a node does it costs the same by the hour: its charges over its time are what the states add up to."""
    charges = file["charges"]
    compute = charges["resource_type"].asstr()[:] == "node"
    series = cost["total_usd_per_h"]
    want = np.zeros(len(series))
    for node in np.unique(charges["resource"].asstr()[:][compute]):
        here = compute & (charges["resource"].asstr()[:] == node)
        begin, end = charges["start_s"][here].min(), charges["end_s"][here].max()
        usd = charges["effective_cost_nano_usd"][here].sum() / 1e9
        want += usd * overlaps(np.array([begin]), np.array([end]), series) / (end - begin) / widths(series) * 3600
    states = ("serving", "start_up", "idle", "drain")
    got = sum(cost[f"{state}_usd_per_h"][:] for state in states)
    # Seconds begun are billed whole, and a pool's serving and idle time is of all its nodes together.
    np.testing.assert_allclose(got, want, atol=1e-3 * want.max(), err_msg="cost of nodes by window")


def main():
    with h5py.File(sys.argv[1]) as file:
        summary = json.loads(file["summary"].asstr()[()])
        columns = {name: column[:] for name, column in file["requests"].items()}
        columns["status"] = columns["status"].astype(file["requests/status"].dtype)
        texts = file["names/name"].asstr()[:]
        series = file["timeseries"]
        lengths = {(len(s), s.attrs["interval_s"], s.attrs["end_s"]) for s in series["all"].values()}
        assert len(lengths) == 1, lengths
        count, interval, end = lengths.pop()
        assert count == int(np.ceil(end / interval)), (count, interval, end)
        check_scope(series["all"], columns, summary, "all")
        for name, of_service in summary["services"].items():
            here = texts[columns["service"]] == name
            requests = {key: column[here] for key, column in columns.items()}
            check_scope(series["services"][name], requests, of_service, name)
        check_pods(file)
        check_nodes(file)
        if "cost" in summary:
            check_cost(file, summary)
        else:
            assert "cost" not in series


main()
