"""What Airflow takes for a task that does nothing: `python -m benchmarks.tasks [RUNS]`.

Starts a stack in a folder of its own with one more DAG, a chain of twenty tasks whose first line notes the time, and
runs it RUNS times (5), with nothing else at work. Prints the seconds from one task's end to the next one's first line,
and the CPU of all of the stack's processes for a task, less what they take at rest.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.measuring import cpu_seconds, keep_figures, shown
from tests.e2e.checkout import Checkout
from tributary.airflow_api import TERMINAL

TASKS = 20
REST_SECONDS = 60.0
# A run that takes longer has hung.
RUN_SECONDS = 300.0
CHAIN = f"""
import time
from airflow.sdk import DAG, BaseOperator, chain
from tributary.policies import DEFAULT_ARGS

class Note(BaseOperator):
    def execute(self, context):
        return time.time()

with DAG("chain", schedule=None, default_args=DEFAULT_ARGS):
    chain(*(Note(task_id=f"note_{{number:02}}") for number in range({TASKS})))
"""


def main(runs: int) -> None:
    """Measure, and print both figures."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.create(Path(folder))
        (checkout.folder / "dags" / "chain.py").write_text(CHAIN)
        try:
            checkout.run("make", "up", timeout=1800)
            stack = [int((checkout.folder / ".local" / "supervisord.pid").read_text())]
            run(checkout, "first")
            before = cpu_seconds(stack)
            time.sleep(REST_SECONDS)
            at_rest = (cpu_seconds(stack) - before) / REST_SECONDS
            gaps, cpu = [], []
            for number in range(runs):
                before, begin = cpu_seconds(stack), time.monotonic()
                gaps += run(checkout, f"run_{number}")
                used = cpu_seconds(stack) - before - at_rest * (time.monotonic() - begin)
                cpu.append(used / TASKS)
        finally:
            checkout.run("make", "stop", check=False)
    keep_figures("tasks", gaps=gaps, cpu=cpu, at_rest=at_rest)
    gaps.sort()
    print(f"From one task's end to the next one's first line, n = {len(gaps)}: {shown(gaps, 2)} s,")
    print(f"95 % at most {gaps[int(len(gaps) * 0.95)]:.2f} s. CPU for a task, n = {runs}: {shown(cpu, 2)} s;")
    print(f"at rest the stack takes {at_rest:.2f} CPU s a second.")


def run(checkout: Checkout, run_id: str) -> list[float]:
    """Run the chain; returns the seconds between each two of its tasks."""
    airflow, runs = checkout.airflow, "/api/v2/dags/chain/dagRuns"
    end = time.monotonic() + 120
    while "chain" not in airflow.dags() and time.monotonic() < end:
        time.sleep(2)
    airflow._send("POST", runs, json={"dag_run_id": run_id, "logical_date": None})
    end = time.monotonic() + RUN_SECONDS
    while airflow.run("chain", run_id)["state"] not in TERMINAL and time.monotonic() < end:
        time.sleep(2)
    tasks = sorted(airflow.tasks("chain", run_id), key=lambda task: str(task["task_id"]))
    assert [task["state"] for task in tasks] == ["success"] * TASKS
    first_lines = [noted(airflow, run_id, task["task_id"]) for task in tasks]
    ends = [datetime.fromisoformat(task["end_date"]).timestamp() for task in tasks]
    return [later - earlier for earlier, later in zip(ends, first_lines[1:], strict=False)]


def noted(airflow: Any, run_id: str, task_id: str) -> float:
    """When the task's first line was executed."""
    path = f"/api/v2/dags/chain/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
    return float(airflow._send("GET", path).json()["value"])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
