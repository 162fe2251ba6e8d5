"""The main job in containers, before anything is hurt."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.compose.stack import ComposeStack
from tests.faults.running.oracle import Expected, Oracle
from tests.faults.running.stack import DATABASES

# The images are built, and a day is loaded, before it begins.
pytestmark = pytest.mark.timeout(2 * 3600)


@pytest.mark.case("C0", "a day is loaded by two workers", expected="the rows of the day's dumps; all invariants")
def test_a_day_is_loaded_as_its_dumps_hold_it(
    stack: ComposeStack, first_day: str, oracle: Oracle, times: dict[str, float], seen: Callable[[object], None]
):
    broken = oracle.violations(Expected(days=dict.fromkeys(DATABASES, first_day)))
    assert not broken, "\n".join(broken)
    hosts = {
        task["hostname"]
        for dag_id in stack.airflow.dags()
        for run in [stack.airflow.latest_run(dag_id)]
        if run
        for task in stack.airflow.tasks(dag_id, run["dag_run_id"])
        if task["state"] == "success" and task["hostname"]
    }
    workers = {stack.worker_named(host).name for host in hosts}
    assert len(workers) == 2, f"only {sorted(workers)} had tasks of the day"
    seen(f"{times['first day']:.0f} s, by {len(workers)} workers")
