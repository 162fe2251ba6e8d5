"""The tasks of dbt's models: they run nothing, and show what the one task that runs dbt has done."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseOperator

PRODUCER = "transform.dbt_producer_watcher"


def models(dag: Any) -> list[Any]:
    return [task for task_id, task in dag.task_dict.items() if task_id.endswith("_run")]


@pytest.mark.parametrize("dag_id", ["elt__shop_eu", "elt__airport_ewr", "consolidate"])
def test_models_tasks_need_no_process_and_come_after_dbt_s(dags: dict[str, Any], dag_id: str):
    from airflow.models.taskinstance import TaskInstance
    from airflow.serialization.serialized_objects import DagSerialization

    stored = DagSerialization.from_dict(DagSerialization.to_dict(dags[dag_id]))
    assert models(stored)
    for task in models(stored):
        # What the scheduler asks, and then sets the task to success by itself.
        assert not TaskInstance.is_task_schedulable(task)
        # Not only after other models: those may be green long before.
        assert PRODUCER in task.upstream_task_ids
    assert TaskInstance.is_task_schedulable(stored.get_task(PRODUCER))
    # What comes after the group waits for the models that nothing is made from.
    after = stored.get_task("validate_marts" if dag_id != "consolidate" else "validate_audit")
    assert after.upstream_task_ids & {task.task_id for task in models(stored)}


def test_signatures_that_cosmos_asks_for_are_worked_out_once(dags: dict[str, Any]):
    from cosmos.operators.base import AbstractDbtBase
    from cosmos.operators.local import AbstractDbtLocalBase

    assert dags
    for initializer in (BaseOperator.__init__, AbstractDbtBase.__init__, AbstractDbtLocalBase.__init__):
        assert inspect.signature(initializer) is inspect.signature(initializer)


def test_the_task_that_runs_dbt_tells_of_its_group_s_models_alone(
    dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    from copy import deepcopy

    from tributary.dbt import before_dbt

    dag = dags["elt__shop_eu"]
    task = deepcopy(dag.get_task(PRODUCER))
    assert task._pre_execute_hook is before_dbt
    monkeypatch.setattr("tributary.dbt.label_jobs", lambda context: None)
    ti = SimpleNamespace(dag_id=dag.dag_id, try_number=6, max_tries=5)
    before_dbt({"task": task, "ti": ti, "dag": dag, "run_id": "manual__2013-01-02"})
    assert task.subprocess_hook.models == {other.model for other in models(dag)}
    progress = task.handle_exception_subprocess.__self__
    assert progress.tasks == {other.model: other.task_id for other in models(dag)}
    # For Cosmos every try is the first, but it is the last one all the same.
    assert (ti.try_number, progress._is_last_try) == (1, True)


@pytest.mark.parametrize("dag_id", ["elt__shop_eu", "consolidate"])
def test_nothing_of_dbt_s_task_is_kept_between_its_tries(dags: dict[str, Any], dag_id: str):
    from tributary import policies

    producer = dags[dag_id].get_task(PRODUCER)
    assert producer.execution_timeout == policies.DBT_LIMIT
    assert producer.on_failure_callback == policies.DEFAULT_ARGS["on_failure_callback"]
    assert not producer.on_retry_callback


def test_every_app_has_a_definition_of_its_consolidated_tables():
    import json

    from tributary.dbt_artifacts import MANIFEST
    from tributary.editions import definitions
    from tributary.registry import load_registry

    found = definitions(json.loads(MANIFEST.read_text()))
    assert found.keys() == load_registry().apps.keys()
    assert len(set(found.values())) == len(found)
