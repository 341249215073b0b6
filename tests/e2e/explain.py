"""explain.py LIVES.txt REQUESTS.csv: each account in the lives adds up, and to its row, in whole picoseconds."""

import csv
import re
import sys
from decimal import Decimal


def pages(path):
    page = None
    for line in open(path):
        head = re.match(r"Request (\d+) ", line)
        if head:
            page = {"id": head[1], "rows": []}
            yield page
        row = re.match(r"  (\D.{29})\s+(\d+\.\d{12})(?:\s+[\d.]+ %)?(?:\s+(\d+\.\d{12})\s+[\d.]+ %)?\s*$", line)
        if row and page:
            page["rows"].append((row[1].strip(), Decimal(row[2]), Decimal(row[3] or row[2]), row[3] is not None))


def check_preemptions(path):
    """What is said to have passed since a preemption did."""
    units = {"us": 1e-6, "ms": 1e-3, "s": 1}
    for line in open(path):
        at = re.match(r" *(\d+\.\d{6})  (is preempted|runs again, after ([\d.]+) (us|ms|s)\b)?", line)
        if at and at[2] == "is preempted":
            since = float(at[1])
        elif at and at[2]:
            said = float(at[3]) * units[at[4]]
            assert abs(float(at[1]) - since - said) <= 0.006 * said + 1.1e-6, line


check_preemptions(sys.argv[1])
requests = {row["id"]: row for row in csv.DictReader(open(sys.argv[2]))}
told = list(pages(sys.argv[1]))
assert told, "nobody"
for page in told:
    row = requests[page["id"]]
    *parts, (name, ttft, end, has_ttft) = page["rows"]
    assert name.startswith("all"), page
    assert sum(part[2] for part in parts) == end, page
    if has_ttft:
        assert sum(part[1] for part in parts) == ttft == Decimal(row["ttft_s"]), (page, row)
    assert has_ttft == bool(row["ttft_s"]), (page, row)
    if row["status"] == "completed":
        assert end == Decimal(row["e2e_s"]), (page, row)
    queue = sum(part[2] for part in parts if part[0].startswith(("queue:", "held", "network, gateway to replica")))
    if row["queue_s"]:
        assert queue == Decimal(row["queue_s"]), (page, row)
print(len(told), "lives")
