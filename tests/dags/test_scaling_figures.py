"""The numbers of tasks that docs/scaling.md reckons with."""

from __future__ import annotations

from typing import Any

from benchmarks.scaling_arithmetic import CONSOLIDATE_TASKS, TASKS


def test_the_tasks_of_a_run_are_those_of_the_largest_dag_of_a_database(dags: dict[str, Any]):
    assert TASKS.source == "the DAG elt__shop_eu"
    assert TASKS.value == max(len(dag.task_ids) for name, dag in dags.items() if name.startswith("elt__"))
    assert TASKS.value == len(dags["elt__shop_eu"].task_ids)


def test_the_tasks_of_consolidate_are_those_of_the_dag(dags: dict[str, Any]):
    assert CONSOLIDATE_TASKS.source == "the DAG consolidate"
    assert CONSOLIDATE_TASKS.value == len(dags["consolidate"].task_ids)
