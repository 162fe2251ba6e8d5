"""A worker's machine is gone in the middle of a step: another one does the step, and nothing is lost or doubled.

`sync` and `transform` always; every step of both DAGs with TRIBUTARY_FAULTS=all, which takes most of an hour.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

import pytest

from tests.compose.stack import ComposeStack
from tests.faults.running.oracle import Expected, Oracle
from tests.faults.running.stack import DATABASES
from tributary import naming
from tributary.errors import TributaryError

# The first test of all waits for the images, too.
pytestmark = pytest.mark.timeout(4 * 3600)

DAG_ID = naming.dag_id("shop_eu")
PRODUCER = f"transform.{naming.DBT_PRODUCER}"
ALWAYS = [(DAG_ID, "sync"), (DAG_ID, PRODUCER)]
EVERY = [
    *((DAG_ID, step) for step in ("find_dump", "preflight", "import_dump", "sync", "reconcile", "validate_raw")),
    *((DAG_ID, step) for step in (PRODUCER, "validate_marts")),
    *((naming.CONSOLIDATE_DAG, step) for step in ("await_databases", PRODUCER, "validate_audit", "publish")),
]
# Airflow looks every 10 s for heartbeats that are missing for task_instance_heartbeat_timeout (deploy/airflow.cfg).
# Then the DAG processor, which may have a file to parse first, is told, and says what becomes of the task.
NOTICED_SECONDS = 120 + 10 + 60
# A try comes after a pause that grows, and one worker is left to do it.
_FINISHED_SECONDS = 1800
_LOOK_SECONDS = 0.05
# A step that was over too soon is tried again with another day.
_DAYS = 8


@dataclass
class Killed:
    """What became of a step whose worker was killed."""

    step: str
    worker: str
    noticed: float
    finished: float
    by: str

    def __str__(self) -> str:
        return f"{self.step}: noticed after {self.noticed:.0f} s, finished after {self.finished:.0f} s"


def kill_in(stack: ComposeStack, dag_id: str, run_id: str, step: str) -> Killed | None:
    """Kill the worker that has the step, once it has begun; None where it was over, or deferred, before it was hit."""
    workers = stack.deployment.running("worker")
    task = look(stack, dag_id, run_id, step, lambda task: task.get("state") in ("running", "success"), 1800)
    if task["state"] == "success":
        return None
    # Most steps are over in a second or two: whoever has it stands still first.
    stack.freeze(workers)
    begin, first = time.monotonic(), task["try_number"]
    task = stack.task(dag_id, run_id, step)
    worker = stack.worker_named(task["hostname"]) if task["state"] == "running" and task["hostname"] else None
    if worker is not None:
        stack.kill(worker)
    stack.thaw([one for one in workers if worker is None or one.id != worker.id])
    if worker is None:
        return None

    def is_noticed(task: dict) -> bool:
        return task.get("state") != "running" or task.get("try_number", first) > first

    noticed = look(stack, dag_id, run_id, step, is_noticed, NOTICED_SECONDS)
    after = time.monotonic() - begin
    done = noticed
    if noticed["state"] != "success":
        done = look(stack, dag_id, run_id, step, lambda task: task.get("state") == "success", _FINISHED_SECONDS)
    seconds = time.monotonic() - begin
    stack.revive(worker)
    return Killed(f"{dag_id}.{step}", task["hostname"], after, seconds, done["hostname"])


def look(
    stack: ComposeStack, dag_id: str, run_id: str, step: str, is_so: Callable[[dict], bool], seconds: float
) -> dict:
    """Ask for a task until it is as wanted; what Airflow says of it then."""
    end, task = time.monotonic() + seconds, {}
    while time.monotonic() < end:
        with suppress(TributaryError):  # the run is not there yet
            task = stack.task(dag_id, run_id, step)
        if task and is_so(task):
            return task
        time.sleep(_LOOK_SECONDS)
    raise AssertionError(f"{dag_id}.{step}: not within {seconds:.0f} s, but {task.get('state')}")


def kills(
    stack: ComposeStack, run_id: str, steps: list[tuple[str, str]], too_late: list[tuple[str, str]]
) -> Iterator[Killed]:
    for dag_id, step in steps:
        killed = kill_in(stack, dag_id, run_id, step)
        if killed:
            yield killed
        else:
            too_late.append((dag_id, step))


@pytest.mark.case("C3", "a worker is killed in the middle of a step", expected="another one does it; all invariants")
def test_a_killed_workers_step_is_done_by_another(
    stack: ComposeStack, oracle: Oracle, times: dict[str, float], seen: Callable[[object], None]
):
    steps, found = list(EVERY if os.environ.get("TRIBUTARY_FAULTS") == "all" else ALWAYS), []
    for _ in range(_DAYS):
        oracle.next_day()
        day, later = stack.next_day(), []
        run_id = naming.run_id(date.fromisoformat(day))
        command = stack.load(day)
        for killed in kills(stack, run_id, steps, later):
            print(killed, flush=True)
            found.append(killed)
            times[str(killed.step)] = killed.finished
        output, _ = command.communicate(timeout=3600)
        assert command.returncode == 0, output
        broken = oracle.violations(Expected(days=dict.fromkeys(DATABASES, day)))
        assert not broken, "\n".join(broken)
        if not (steps := later):
            break
    assert not steps, f"never seen running: {steps}"
    assert [str(killed) for killed in found if killed.by == killed.worker] == []
    slowest = max(killed.noticed for killed in found)
    seen(f"{len(found)} kills, each finished by another worker; noticed after {slowest:.0f} s at most")
