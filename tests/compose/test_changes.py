"""PostgreSQL restarts, a new version, and the way back, each with runs in flight."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import pytest

from tests.compose.stack import ComposeStack
from tests.faults.running.oracle import Expected, Oracle
from tests.faults.running.stack import DATABASES, ELT_DAGS
from tributary import naming
from tributary.airflow_api import TERMINAL
from tributary.errors import TributaryError

pytestmark = pytest.mark.timeout(2 * 3600)

PRODUCER = f"transform.{naming.DBT_PRODUCER}"


def wait_for_the_day(stack: ComposeStack, day: str) -> None:
    """Return when all of the day's runs have ended well."""
    run_id, states = naming.run_id(date.fromisoformat(day)), {}

    def ended() -> bool:
        for dag_id in (*ELT_DAGS, naming.CONSOLIDATE_DAG):
            try:
                states[dag_id] = stack.airflow.run(dag_id, run_id)["state"]
            except TributaryError:
                states[dag_id] = "unknown"
        return set(states.values()) <= TERMINAL

    stack.wait_until(ended, "the day's runs", 3600)
    assert set(states.values()) == {"success"}, states


def hold_against_the_invariants(oracle: Oracle, day: str) -> None:
    broken = oracle.violations(Expected(days=dict.fromkeys(DATABASES, day)))
    assert not broken, "\n".join(broken)


@pytest.mark.case("C4", "PostgreSQL restarts while tasks run", expected="the day is loaded; all invariants")
def test_postgres_may_restart_while_tasks_run(stack: ComposeStack, oracle: Oracle, seen: Callable[[object], None]):
    oracle.next_day()
    day = stack.next_day()
    begin = time.monotonic()
    command = stack.load(day)
    stack.wait_for(ELT_DAGS[0], day, PRODUCER, "running", seconds=1800)
    stack.crash("postgres")
    output, _ = command.communicate(timeout=3600)
    assert command.returncode == 0, output
    stack.deployment.wait()
    hold_against_the_invariants(oracle, day)
    seen(f"loaded after {time.monotonic() - begin:.0f} s")


@pytest.mark.case("C5", "an upgrade while tasks run", expected="no task is killed; the day is loaded; all invariants")
def test_an_upgrade_drains_what_runs(
    stack: ComposeStack, oracle: Oracle, times: dict[str, float], seen: Callable[[object], None]
):
    stack.build("2")
    oracle.next_day()
    day = stack.next_day()
    command = stack.load(day)
    stack.wait_for(ELT_DAGS[0], day, PRODUCER, "running", seconds=1800)
    run_id = naming.run_id(date.fromisoformat(day))
    running = tasks_in(stack, run_id, "running")
    begin = time.monotonic()
    output = stack.script("upgrade", "2")
    times["upgrade"] = time.monotonic() - begin
    command.communicate(timeout=60)  # it went with the container that it ran in
    assert {one.version for one in stack.deployment.containers() if one.service == "scheduler"} == {"2"}
    wait_for_the_day(stack, day)
    hold_against_the_invariants(oracle, day)
    killed = [name for name, tries in tasks_in(stack, run_id, "success").items() if tries > 1 and name in running]
    assert killed == [], "these ran when the upgrade began, and were not let finish"
    drained = next(line for line in output.splitlines() if line.startswith("drained"))
    seen(f"{times['upgrade']:.0f} s in all, {drained}, with {len(running)} tasks running")


@pytest.mark.case("C6", "back to the version before, while tasks run", expected="the day is loaded; all invariants")
def test_the_version_before_comes_back(
    stack: ComposeStack, oracle: Oracle, times: dict[str, float], seen: Callable[[object], None]
):
    oracle.next_day()
    day = stack.next_day()
    command = stack.load(day)
    stack.wait_for(ELT_DAGS[0], day, "sync", "running", "deferred", "success", seconds=1800)
    begin = time.monotonic()
    stack.script("rollback")
    times["rollback"] = time.monotonic() - begin
    command.communicate(timeout=60)
    assert {one.version for one in stack.deployment.containers() if one.service == "scheduler"} == {"1"}
    wait_for_the_day(stack, day)
    hold_against_the_invariants(oracle, day)
    seen(f"{times['rollback']:.0f} s")


def tasks_in(stack: ComposeStack, run_id: str, state: str) -> dict[str, int]:
    """The tasks of the day that are in a state, each with the number of its tries."""
    return {
        f"{dag_id}.{task['task_id']}": task["try_number"]
        for dag_id in (*ELT_DAGS, naming.CONSOLIDATE_DAG)
        for task in stack.airflow.tasks(dag_id, run_id)
        if task["state"] == state
    }
