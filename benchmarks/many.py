"""What a stack with many databases takes: `python -m benchmarks.many [DATABASES ...]`.

For each number of databases (6, 100 and 1,000), with a stack in a folder of its own where nothing runs: the seconds
until Airflow knows all DAGs, the largest memory of a process of the DAG processor (of those that read files once the
stack is up, every 30 s), the CPU at rest of each part of Airflow with what it reads again meanwhile, and how long the
pages of Airflow's own list of DAGs take.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measuring import Peak, cpu_seconds, keep_figures, row, shown
from benchmarks.parts import Parts
from tests.e2e.checkout import Checkout

PARTS = ("scheduler", "dag-processor", "triggerer", "api-server", "airflow_db", "watch")
REST_SECONDS = 120.0
# What the list of DAGs asks for, a page of it.
LIST = "/ui/dags?limit=50&offset=0&dag_runs_limit=14"
PAGES = 20


def main(sizes: list[int]) -> None:
    """Measure, and print a table in Markdown."""
    lines = [measured(databases) for databases in sizes]
    columns = list(lines[0])
    print(row(columns), row(["---"] * len(columns)), sep="\n")
    for line in lines:
        print(row(line.values()))
    keep_figures("many", lines=lines)


def measured(databases: int) -> dict[str, Any]:
    """The table's line for so many databases."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.create(Path(folder))
        with checkout.registry() as content:
            content["databases"] = {f"shop_{number:05}": {"app": "retail"} for number in range(databases)}
        try:
            checkout.run("make", "up", timeout=1800)
            pids = Parts(checkout).pids()
            processes = {part: psutil.Process(pids[part]) for part in PARTS}
            with Peak(pids["dag-processor"], each=True).watched() as peak:
                known_at = until_known(checkout, databases)
                before, begin = {part: cpu(one) for part, one in processes.items()}, time.monotonic()
                time.sleep(REST_SECONDS)
                rested = time.monotonic() - begin
                rest = {part: (cpu(one) - before[part]) / rested for part, one in processes.items()}
            pages = [seconds_of(checkout, LIST) for _ in range(PAGES)]
        finally:
            checkout.run("make", "stop", check=False)
    return {
        "databases": databases,
        "all DAGs known, s after the DAG processor began": round(known_at - processes["dag-processor"].create_time()),
        "DAG processor, peak MiB": round(peak.mebibytes),
        **{f"{part} at rest, CPU s a second": round(rest[part], 3) for part in PARTS},
        "a page of Airflow's list, s": shown(pages, 2),
    }


def cpu(process: psutil.Process) -> float:
    """Its CPU seconds and its children's."""
    return cpu_seconds([process.pid])


def until_known(checkout: Checkout, databases: int) -> float:
    """When (`time.time`) Airflow has come to know the DAGs of all databases."""
    end = time.monotonic() + 900
    while time.monotonic() < end:
        found = checkout.airflow._send("GET", "/api/v2/dags?limit=1&dag_id_pattern=elt__%25").json()["total_entries"]
        if found == databases:
            return time.time()
        time.sleep(0.5)
    raise TimeoutError(f"expected {databases} DAGs, Airflow knows {found}")


def seconds_of(checkout: Checkout, path: str) -> float:
    """How long a request takes."""
    begin = time.monotonic()
    checkout.airflow._send("GET", path)
    return time.monotonic() - begin


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [6, 100, 1000])
